"""Land and buildings that firms own: how many parcels, what each cost, and which are let to others."""

from __future__ import annotations

import numpy as np

from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats, Ints

MOST = 2  # parcels of one firm
LET = 0.45  # of those who own property


def parcels(world: World, number: Ints, owns: Flags) -> Ints:
    """Parcels of each firm; `owns`: companies that live on."""
    return np.where(owns, world.chance.pick([0.74, 0.2, 0.06], "parcels", number), 0)


def values(world: World, number: Ints, size: Floats) -> Ints:
    """Original value of each parcel in cents, whole hundreds of currency: [firm, parcel]."""
    months = world.chance.between(3, 25, "value", number[:, None] * MOST + np.arange(MOST)[None, :])
    return np.rint(size[:, None] * months / 100).astype(np.int64) * 10_000


def property_value(world: World, number: Ints, size: Floats, owns: Flags) -> Ints:
    """Original value of all a firm owns, in cents: [firm]."""
    count = parcels(world, number, owns)
    held = np.arange(MOST)[None, :] < count[:, None]
    return np.asarray((values(world, number, size) * held).sum(axis=1))


def let(world: World, number: Ints, owns: Flags) -> Flags:
    """Which firms let property to others."""
    return np.asarray((parcels(world, number, owns) > 0) & (world.chance.uniform("lets", number) < LET))


def rents(world: World, number: Ints, size: Floats, lets: Flags) -> Ints:
    """Rent of a month without tax, in cents: about eight per cent a year of what the property cost: [firm]."""
    value = values(world, number, size)[:, 0]
    return np.where(lets, np.rint(value * world.chance.between(0.05, 0.11, "rent", number) / 12), 0).astype(np.int64)
