"""Who the firms are: industry, size, life, owners' block and, for some, a typology of evasion. All from the firm's number.

Firm number = 20 x size rank + slot. The slot fixes the industry, the rank the size (Zipf), so a partner of a given industry, drawn
in proportion to size, is found by a formula and no task needs the list of all firms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.industries import SLOTS, WHOLESALE, column
from jobs.economy.typologies import CAUSES, FICTITIOUS, HONEST, INFLATED, MILL, MISSING, SHIFTED, SUPPRESSED, roles, typology
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Flags, Floats, Ints

ZIPF = 0.95  # sales fall with rank to this power
SMALLEST = 50_000.0  # monthly sales of the last rank, before industry and luck
REGIONS = np.array([330203, 330205, 330206, 330211, 330212])
_GENERAL_FROM = 417_000.0  # 5 million a year: above it a taxpayer is general by law


@dataclass(frozen=True)
class Firms:
    """Attributes of firms, one array element each. `birth` and `death` are month numbers; `size` is monthly sales in currency."""

    number: Ints
    industry: Ints
    size: Floats
    region: Ints
    individual: Flags
    general: Flags
    segment: Ints  # 0 large, 1 mid, 2 small, 3 individual
    birth: Ints
    death: Ints
    abnormal: Flags  # ends unreachable, not deregistered
    typology: Ints
    intensity: Floats
    since: Ints
    cause: Ints
    careless: Floats  # chance of an honest mistake in a return
    grouped: Flags  # its block of four has a common owner

    def __len__(self) -> int:
        return len(self.number)


def firms(world: World, number: Ints) -> Firms:
    """The firms with these numbers."""
    c, i = world.chance, np.asarray(number, dtype=np.int64)
    industry = SLOTS[i % 20]
    mill, missing, order = roles(world, i)
    rank = _rank(world, i)
    size = SMALLEST * (world.ranks / (rank + 1.0)) ** ZIPF * column("scale")[industry] * np.exp(0.35 * c.normal("size", i))
    size = np.where(mill, c.between(3e5, 9e5, "mill", i), np.where(missing, c.between(4e5, 1.2e6, "missing", i), size))
    industry = np.where(mill | missing, WHOLESALE, industry)
    young = ~(mill | missing)
    individual = young & (size < 110_000) & (c.uniform("individual", i) < 0.35)
    general = ~individual & ((size > _GENERAL_FROM) | (c.uniform("general", i) < 0.5)) | mill | missing
    birth = _birth(world, i, rank, mill | missing, order)
    found = Firms(
        number=i, industry=industry, size=size, region=REGIONS[c.pick([0.28, 0.2, 0.16, 0.12, 0.24], "region", i)],
        individual=individual, general=general, segment=_segment(world, i, rank, individual, mill | missing), birth=birth,
        death=birth, abnormal=young, typology=birth, intensity=size, since=birth, cause=birth,
        careless=np.where(c.uniform("careless", i) < 0.25, 0.07, 0.012), grouped=c.uniform("block", i // 4) < 0.35,
    )
    return _with_conduct(world, found, mill, missing)


def _rank(world: World, i: Ints) -> Ints:
    late = np.floor(world.ranks * np.sqrt(world.chance.uniform("rank", i))).astype(np.int64)
    return np.where(i < world.taxpayers, np.minimum(i // 20, world.ranks - 1), late)


def _segment(world: World, i: Ints, rank: Ints, individual: Flags, fleeting: Flags) -> Ints:
    place = np.where(i < world.taxpayers, i / world.taxpayers, rank / world.ranks)
    found = np.where(place < 0.007, 0, np.where(place < 0.09, 1, 2))
    return np.where(individual, 3, np.where(fleeting, 2, found)).astype(np.int64)


def _birth(world: World, i: Ints, rank: Ints, fleeting: Flags, order: Floats) -> Ints:
    c = world.chance
    newborn = c.uniform("newborn", i) < np.minimum(0.4, 0.0065 * world.months) * np.where(rank < world.ranks * 0.1, 0.3, 1.0)
    within = 1 + np.floor(c.uniform("born", i) * (world.months - 2)).astype(np.int64)
    before = -(6 + np.floor(240 * c.uniform("age", i) ** 1.5)).astype(np.int64)
    found = np.where(newborn, within, before)
    # Mills and missing traders come one after the other, so that some are alive at any time.
    found = np.where(fleeting, np.floor(order * (world.months - 1)).astype(np.int64) - 2, found)
    return np.where(i < world.taxpayers, found, world.months + (i - world.taxpayers) // world.births)


def _with_conduct(world: World, f: Firms, mill: Flags, missing: Flags) -> Firms:
    c, i = world.chance, f.number
    kind = typology(world, f, mill, missing)
    hazard = np.where(f.segment == 0, 0.0005, np.where(f.segment == 1, 0.0015, 0.0035))
    life = 8 + np.floor(np.log(c.uniform("life", i)) / np.log1p(-hazard)).astype(np.int64)
    life = np.where(mill, c.whole(6, 10, "life", i), np.where(missing, c.whole(6, 9, "life", i), life))
    death = np.minimum(np.maximum(f.birth, np.where(mill | missing, f.birth, 0)) + life, NEVER)
    death = np.minimum(death, np.maximum(world.shut(i), f.birth + 1))
    since = np.floor(-14 + c.uniform("since", i) * (world.months * 0.75 + 14)).astype(np.int64)
    since = np.where(kind == HONEST, NEVER, np.where(mill | missing, f.birth, np.maximum(since, f.birth + 3)))
    abnormal = mill | missing | (c.uniform("abnormal", i) < 0.25)
    opportunist = c.uniform("cause", i) < 0.5
    cause = np.where(((kind == SUPPRESSED) | (kind == INFLATED)) & opportunist, CAUSES.index("opportunity"), CAUSES.index("intent"))
    cause = np.where(kind == HONEST, CAUSES.index("none"), cause)
    span = {SUPPRESSED: (0.15, 0.5), FICTITIOUS: (0.15, 0.45), INFLATED: (0.12, 0.45), SHIFTED: (0.3, 0.8), MILL: (1, 1), MISSING: (0.85, 1)}
    intensity = np.zeros(len(i))
    for code, (low, high) in span.items():
        intensity = np.where(kind == code, c.between(low, high, "intensity", i), intensity)
    values = {**f.__dict__, "death": death, "abnormal": abnormal, "typology": kind, "intensity": intensity, "since": since, "cause": cause}
    return Firms(**values)


def alive(world: World, f: Firms) -> Flags:
    """Which firms do business in which month: [firm, month]."""
    months = np.arange(world.horizon)
    return (months >= f.birth[:, None]) & (months < f.death[:, None])
