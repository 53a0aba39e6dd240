"""Who evades, and how. The country's YAML says how many of each kind; who can do what follows from what makes each fault possible.

Mills and missing traders are found by arithmetic on firm numbers, so that a buyer can find a living one. The chance of every other
typology is set so that its share of all firms is the one asked for: measured once on a thousand blocks of firms drawn over all sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jobs.conf.base import ConfError
from jobs.economy.kinds import (
    CAROUSEL,
    COSTS,
    EXPORTS,
    FICTITIOUS,
    FLEETING,
    HONEST,
    INFLATED,
    LAND_COSTS,
    LOANS,
    NAMES,
    PRIVATE_ACCOUNTS,
    PRIVATE_USE,
    RENT,
    SHIFTED,
    SPLIT,
    STOCK,
    SUPPRESSED,
    WAGES,
)  # fmt: skip
from jobs.economy.setting import EXPORTER, SLOTS, Fleeting
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats, Ints

if TYPE_CHECKING:
    from jobs.economy.firms import Firms

_CHOSEN = tuple(k for k in range(1, len(NAMES)) if k not in FLEETING)
# Firms of a season: mills, missing traders, honest traders that do not last.
_LATER = (7, 13, 3)  # which of twenty firms born later are of each kind
_PLACE = ((0, 3), (1, 3), (0, 1))  # which of the wholesalers of a rank, and which of so many ranks
_BLOCKS = 1000  # blocks of four firms that the chances are measured on


def roles(world: World, i: Ints) -> tuple[Flags, Flags, Flags, Floats]:
    """Which firms are mills, which missing traders, which honest traders that do not last, and each one's place in time (0..1) among those of the first months."""
    rank, slot, later = i // SLOTS, i % SLOTS, i - world.taxpayers
    mill, missing, passing = (_at(world, n, rank, slot) & (i < world.taxpayers) | _of(world, n).on & (later >= 0) & (later % 20 == _LATER[n]) for n in range(3))
    return mill, missing, passing & ~mill & ~missing, (rank + world.chance.uniform("order", i)) / (world.ranks + 1)


def mills(world: World) -> Ints:
    """Numbers of all mills up to the horizon."""
    return _all(world, 0)


def missing_traders(world: World) -> Ints:
    """Numbers of all missing traders up to the horizon."""
    return _all(world, 1)


def passing_traders(world: World) -> Ints:
    """Numbers of all honest traders that do not last, up to the horizon."""
    found = _all(world, 2)
    mill, missing, _, _ = roles(world, found)
    return found[~mill & ~missing]


def _of(world: World, n: int) -> Fleeting:
    return (world.country.evasion.invoice_mill, world.country.evasion.missing_trader, world.country.honest.passing_trader)[n]


def _fleeting(world: World, n: int) -> tuple[int, int, int]:
    """Which ranks hold the kind (one in so many, and which of those), and which of their slots."""
    every, (slot, rank) = _of(world, n).every, _PLACE[n]
    return every, min(rank, every - 1), int(world.country.slots_of[world.country.wholesale_number][slot])


def _at(world: World, n: int, rank: Ints, slot: Ints) -> Flags:
    every, which, own = _fleeting(world, n)
    return np.asarray((rank % every == which) & (slot == own) & _of(world, n).on)


def _all(world: World, n: int) -> Ints:
    every, which, own = _fleeting(world, n)
    if not _of(world, n).on:
        return np.zeros(0, dtype=np.int64)
    first = np.arange(which, world.ranks, every, dtype=np.int64) * SLOTS + own
    return np.concatenate([first, np.arange(world.taxpayers + _LATER[n], world.population, 20, dtype=np.int64)])


def splits(world: World, i: Ints, could: Flags) -> Flags:
    """Which firms belong to a block that would split one business into four small taxpayers; `could`: the block has one owner and is of the size."""
    return np.asarray(could & (world.chance.uniform("splits", i // 4) < chances(world)[SPLIT]))


def typology(world: World, f: Firms, fleeting: Flags) -> Ints:
    """Typology of each firm, one at most. A typology that is switched off leaves those who would have it honest, and changes nobody else."""
    able = abilities(world, f) * (~fleeting & (f.typology != SPLIT))[:, None]
    edges = np.cumsum(able * chances(world)[None, :], axis=1)
    draw = world.chance.uniform("typology", f.number)[:, None] * np.maximum(1.0, edges[:, -1:])
    place = (draw >= edges).sum(axis=1)
    kind = np.where(place < len(NAMES), place, HONEST)
    evasion = world.country.evasion
    off = [NAMES.index(n) for n, t in evasion.typologies.items() if not t.on]
    kind = np.where(f.typology == SPLIT, SPLIT, kind)
    return np.where(np.isin(kind, off), HONEST, kind)


def abilities(world: World, f: Firms) -> Floats:
    """How far each firm lends itself to each typology: [firm, typology], 0 where it cannot."""
    industry, able = world.country.column, np.zeros((len(f), len(NAMES)))
    company, exporter = ~f.individual, industry("exports")[f.industry] > EXPORTER
    stocked = industry("stock_months")[f.industry] >= 0.5
    can: dict[int, Flags] = {
        SUPPRESSED: f.segment > 0, PRIVATE_ACCOUNTS: f.segment > 0, FICTITIOUS: f.general & (f.segment > 0), INFLATED: f.general, PRIVATE_USE: f.general, COSTS: company,
        WAGES: f.segment > 0, SHIFTED: f.grouped & (f.number % 4 == 0) & f.general, RENT: company & f.lets, EXPORTS: f.general & exporter, CAROUSEL: f.general & exporter,
        LOANS: company, STOCK: company & stocked, LAND_COSTS: company & f.develops,
    }  # fmt: skip
    for kind, mask in can.items():
        if NAMES[kind] in world.country.evasion.typologies:
            able[:, kind] = mask * world.country.propensity(NAMES[kind])[f.industry]
    return able


_MEASURED: dict[tuple[str, int, int, int], Floats] = {}


def chances(world: World) -> Floats:
    """Chance of each typology for a firm of ability 1. ConfError when more evaders are asked for than there are firms that could."""
    key = (world.country.digest, world.taxpayers, world.months, world.seed)
    if key not in _MEASURED:
        _MEASURED[key] = np.zeros(len(NAMES))  # nobody splits while the abilities of those who could are measured
        _MEASURED[key] = _measured(world)
    return _MEASURED[key]


def _measured(world: World) -> Floats:
    from jobs.economy.firms import may_split, plain  # the firms as they are before any of them evades

    blocks = np.unique(world.chance.whole(0, max(1, world.taxpayers // 4), "measured", np.arange(_BLOCKS)))  # drawn: an even step would miss industries
    f = plain(world, (blocks[:, None] * 4 + np.arange(4)[None, :]).ravel())
    able = abilities(world, f)
    able[:, SPLIT] = may_split(world, f.number)
    found, evasion = np.zeros(len(NAMES)), world.country.evasion
    for name, kind in ((NAMES[k], k) for k in _CHOSEN):
        asked = evasion.share * evasion.typologies[name].weight if name in evasion.typologies else 0.0
        there = float(able[:, kind].mean())
        if asked > 0 and there > 0:
            found[kind] = asked / there
            if found[kind] * able[:, kind].max() > 1 and len(f) >= 400 and asked > float((able[:, kind] > 0).mean()):
                raise ConfError(f"evasion.typologies.{name}.weight: asks for {asked:.1%} of all firms, and only {float((able[:, kind] > 0).mean()):.1%} could; lower it or evasion.share")
    return np.minimum(found, 1.0)
