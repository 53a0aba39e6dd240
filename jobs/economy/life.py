"""A firm's life as registers see it: days of registration and end, owners, moves. Day numbers; NEVER where it does not happen."""

from __future__ import annotations

import numpy as np

from jobs.economy.firms import Firms
from jobs.economy.kinds import MILL, MISSING
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Flags, Ints, day_number

_BLOCK, _RING, _SECOND = 500_000_000, 700_000_000, 900_000_000


def registered(world: World, f: Firms) -> Ints:
    """Day of registration, at the start of the month of birth."""
    return world.first_day(f.birth) + world.chance.whole(0, 2, "registered", f.number)


def ended(world: World, f: Firms) -> tuple[Ints, Ints]:
    """Last day of business, and the day the register notes it: as closed or, for those who vanish, as abnormal."""
    dies = f.death < NEVER
    last = np.where(dies, world.first_day(np.where(dies, f.death, 0)) - 1, NEVER)
    fleeting = np.isin(f.typology, (MILL, MISSING))
    delay = world.chance.whole(5, 40, "noted", f.number) + np.where(fleeting, 20, np.where(f.abnormal, 70, 0))
    return last, np.where(dies, last + delay, NEVER)


def first_seen(world: World, f: Firms) -> Ints:
    """Day of the first extract that holds the firm: the day the files begin, or its registration."""
    return np.maximum(registered(world, f), day_number(world.opens))


def event_day(world: World, f: Firms, purpose: str, yearly: float) -> Ints:
    """Day of a firm's first change of a kind, from a constant yearly chance; NEVER when it comes after the firm's end."""
    wait = np.log(world.chance.uniform(purpose, f.number)) / np.log1p(-yearly) * 365
    day = first_seen(world, f) + 30 + np.floor(np.minimum(wait, 10**5)).astype(np.int64)
    last, _ = ended(world, f)
    return np.where(day < np.minimum(last, NEVER), day, NEVER)


def main_owner(world: World, f: Firms) -> Ints:
    """Number of the person who owns most of a firm: one person per grouped block, and one behind each pair of mills."""
    later = f.number >= world.taxpayers
    ring = np.where(later, (f.number - world.taxpayers) // 40 + 10**6, f.number // 200)
    found = np.where(f.grouped, _BLOCK + f.number // 4, f.number)
    return np.where(f.typology == MILL, _RING + ring, found)


def second_owner(world: World, f: Firms) -> tuple[Ints, Flags]:
    """Number of the minority owner, who may own parts of several firms, and whether there is one."""
    pool = max(10, world.taxpayers // 3)
    return _SECOND + world.chance.whole(0, pool, "second", f.number), world.chance.uniform("has second", f.number) < 0.4


def held_by_parent(world: World, f: Firms) -> Flags:
    """Which firms are held by the first firm of their block."""
    return f.grouped & (f.number % 4 > 0) & (world.chance.uniform("parent", f.number // 4) < 0.3)


def person_id(world: World, person: Ints) -> list[str]:
    """Pseudonymous ids of persons."""
    return [f"P{b % (1 << 48):012x}" for b in world.chance.bits("person", person).tolist()]
