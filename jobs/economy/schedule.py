"""How conduct goes month by month: evasion and carelessness, after old audits and after what was done to each firm since."""

from __future__ import annotations

import numpy as np

from jobs.economy.aftermath import care_after, evasion_after
from jobs.economy.choosing import chosen
from jobs.economy.firms import Firms
from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints


def audits(world: World, f: Firms) -> Ints:
    """Day each firm was pushed for audit in each year of the history, NEVER when it was not: [firm, year]."""
    return chosen(world, f)[0]


def evading(world: World, f: Firms) -> Floats:
    """Intensity of evasion by month, after old audits and what was done to the firm since: [firm, month]."""
    months = np.arange(world.horizon)
    return np.where(months >= f.since[:, None], f.intensity[:, None], 0.0) * changed(world, f)


def changed(world: World, f: Firms) -> Floats:
    """Factor on evasion after all that was done to each firm since it began to evade: [firm, month]."""
    done = world.factor(f.number)
    before = done[np.arange(len(f)), np.clip(f.since, 0, world.horizon - 1)]
    later = (f.since > 0) & (f.since < world.horizon) & (before > 0)
    return np.where(later[:, None], done / np.where(later, before, 1.0)[:, None], done) * evasion_after(world, f)


def careless(world: World, f: Firms) -> Floats:
    """Chance of an honest mistake in a month's return: [firm, month]. What makes an honest firm do less or more makes it take more or less care."""
    honest = np.arange(world.horizon)[None, :] < f.since[:, None]
    return np.minimum(f.careless[:, None] * care_after(world, f) * np.where(honest, world.factor(f.number), 1.0), 0.6)
