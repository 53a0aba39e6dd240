"""A firm's life as registers see it: days of registration and end, moves, owners. Day numbers; NEVER where it does not happen."""

from __future__ import annotations

import numpy as np

from jobs.economy.firms import Firms
from jobs.economy.kinds import MILL, MISSING
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Flags, Floats, Ints, day_number

_BLOCK, _RING, _SECOND = 500_000_000, 700_000_000, 900_000_000
MEMBERS = 4  # persons to a household: head, spouse, child, parent; person = household x 4 + member


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


def moved(world: World, f: Firms) -> Ints:
    """Day of a firm's move."""
    return event_day(world, f, "move", world.country.place.moving.yearly)


def region_after(world: World, f: Firms, has_moved: Flags) -> Ints:
    """District of each firm before or after its move: some move into another one."""
    c, place, regions = world.chance, world.country.place, world.country.regions
    away = (c.uniform("moves away", f.number) < place.moving.away) & (len(regions) > 1)
    drawn = regions[c.pick([d.weight for d in place.districts], "second region", f.number)]
    beside = regions[(np.searchsorted(regions, f.region) + 1) % len(regions)]
    return np.asarray(np.where(has_moved & away, np.where(drawn == f.region, beside, drawn), f.region), dtype=np.int64)


def region_on(world: World, f: Firms, day: Ints) -> Ints:
    """District in which each firm is registered on a day."""
    return region_after(world, f, moved(world, f) <= day)


def office_of(world: World, f: Firms, region: Ints) -> Ints:
    """Tax office of firms that sit in a region: the district's, or the one for large firms."""
    return np.where(f.segment == 0, world.country.place.large_office, region)


def main_owner(world: World, f: Firms) -> Ints:
    """Number of the person who owns most of a firm: one household per grouped block, its own individual businesses in the spouse's name, and one behind each pair of mills."""
    later = f.number >= world.taxpayers
    ring = np.where(later, (f.number - world.taxpayers) // 40 + 10**6, f.number // 200)
    household = np.where(f.typology == MILL, _RING + ring, np.where(f.grouped, _BLOCK + f.number // 4, f.number))
    return np.asarray(household * MEMBERS + (f.individual & f.grouped & (f.number % 4 > 0) & (f.typology != MILL)))


def main_share(world: World, f: Firms) -> Floats:
    """The main owner's share: all, or more than half of what he owns with a second one."""
    _, has_second = second_owner(world, f)
    shared = has_second & ~f.individual & ~held_by_parent(world, f)
    return np.where(shared, np.round(world.chance.between(0.51, 0.9, "share", f.number), 2), 1.0)


def second_owner(world: World, f: Firms) -> tuple[Ints, Flags]:
    """Number of the minority owner, and whether there is one: the main owner's spouse or a person who may own parts of several firms."""
    pool = max(10, world.taxpayers // 3)
    stranger = (_SECOND + world.chance.whole(0, pool, "second", f.number)) * MEMBERS
    main = main_owner(world, f)
    spouse = main // MEMBERS * MEMBERS + (main % MEMBERS == 0)
    married = world.chance.uniform("second is spouse", f.number) < 0.45
    return np.where(married, spouse, stranger), world.chance.uniform("has second", f.number) < 0.4


def held_by_parent(world: World, f: Firms) -> Flags:
    """Which firms are held by the first firm of their block."""
    return f.grouped & (f.number % 4 > 0) & (world.chance.uniform("parent", f.number // 4) < 0.3)


def person_id(world: World, person: Ints) -> np.ndarray:
    """Pseudonymous ids of persons: P and twelve hexadecimal digits."""
    bits = world.chance.bits("person", person)
    nibbles = bits[:, None] >> np.arange(44, -1, -4, dtype=np.uint64)[None, :] & np.uint64(15)
    letters = np.full((len(bits), 13), "P", dtype="<U1")
    letters[:, 1:] = np.array(list("0123456789abcdef"))[nibbles]
    return np.ascontiguousarray(letters).view("<U13").ravel()
