"""Who the firms are: industry, size, life, owners' block and, for some, a typology of evasion. All from the firm's number.

Firm number = 20 x size rank + slot. The slot fixes the industry, the rank the size (Zipf), so a partner of a given industry, drawn
in proportion to size, is found by a formula and no task needs the list of all firms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from jobs.economy.kinds import CAUSES, FLEETING, HONEST, MILL, MISSING, NAMES, SPLIT
from jobs.economy.property import let
from jobs.economy.setting import SLOTS
from jobs.economy.typologies import roles, splits, typology
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Flags, Floats, Ints

DEVELOPS = "7010"  # real-estate development


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
    lets: Flags  # owns property that it lets to others
    develops: Flags  # builds and sells property
    passing: Flags  # an honest trader that sells from its suppliers' stores and does not last

    def __len__(self) -> int:
        return len(self.number)

    @property
    def brief(self) -> Flags:
        """Firms of a season: those that exist only for fraud, and honest traders that do not last."""
        return np.asarray(np.isin(self.typology, FLEETING) | self.passing)

    @property
    def owns(self) -> Flags:
        """Companies that live on, and may own property."""
        return np.asarray(~self.individual & ~self.brief)

    def at(self, keep: np.ndarray) -> Firms:
        """The firms selected by a mask or by positions."""
        return Firms(*(getattr(self, n)[keep] for n in Firms.__dataclass_fields__))


def firms(world: World, number: Ints) -> Firms:
    """The firms with these numbers."""
    from jobs.economy.aftermath import emboldened  # examinations choose among the firms as they are settled

    return emboldened(world, settled(world, number))


def settled(world: World, number: Ints) -> Firms:
    """The firms as they are whatever examinations made of them."""
    i = np.asarray(number, dtype=np.int64)
    found, split = plain(world, i), splits(world, i, may_split(world, i))
    known = world.country.evasion.typologies.get(NAMES[SPLIT])
    if split.any():  # switched off, the block stays as it is, and honest
        found = _splitting(world, found, split) if known is not None and known.on else replace(found, typology=np.where(split, SPLIT, found.typology))
    mill, missing, _, _ = roles(world, i)
    return _with_conduct(world, found, mill, missing)


def plain(world: World, i: Ints) -> Firms:
    """The firms as they are before any of them evades; mills and missing traders stand among them."""
    c, country = world.chance, world.country
    mill, missing, passing, order = roles(world, i)
    fleeting = mill | missing | passing
    rank = _rank(world, i)
    industry = np.where(fleeting, country.wholesale_number, country.slots[i % SLOTS])
    size = country.smallest * (world.ranks / _place(world, i, rank)) ** country.zipf * country.column("scale")[industry] * np.exp(0.35 * c.normal("size", i))
    for who, season, purpose in ((mill, country.evasion.invoice_mill, "mill"), (missing, country.evasion.missing_trader, "missing"), (passing, country.honest.passing_trader, "missing")):
        size = np.where(who, c.between(*season.sells, purpose, i), size)
    individual = ~fleeting & (size < country.money.individual_below) & (c.uniform("individual", i) < 0.35)
    general = ~individual & ((size > _general_from(world)) | (c.uniform("general", i) < 0.5)) | fleeting
    birth, zero = _birth(world, i, rank, fleeting, order), np.zeros(len(i), dtype=np.int64)
    return Firms(
        number=i, industry=industry, size=size, region=country.regions[c.pick([d.weight for d in country.place.districts], "region", i)],
        individual=individual, general=general, segment=_segment(world, i, rank, individual, fleeting), birth=birth,
        death=birth, abnormal=fleeting, typology=zero, intensity=np.zeros(len(i)), since=birth, cause=zero,
        careless=np.where(c.uniform("careless", i) < country.honest.careless_firms, country.honest.careless, country.honest.careful),
        grouped=c.uniform("block", i // 4) < 0.35, lets=let(world, i, ~individual & ~fleeting), passing=passing,
        develops=np.array([n.code == DEVELOPS for n in country.industries])[industry] & ~individual,
    )  # fmt: skip


def _general_from(world: World) -> float:
    """Monthly sales above which a taxpayer is general by law."""
    return world.country.law[0].vat_general_above / 12


def may_split(world: World, i: Ints) -> Flags:
    """Which firms lie in a block of one owner whose first firm is too large for a small taxpayer, and not four times so."""
    head, limit = i // 4 * 4, _general_from(world)
    first = plain(world, head)
    fleeting = np.any([role for n in range(4) for role in roles(world, head + n)[:3]], axis=0)  # one of the block does not last
    return np.asarray(first.grouped & (first.size > 0.8 * limit) & (first.size < 3.2 * limit) & ~fleeting & (i < world.taxpayers))


def _splitting(world: World, f: Firms, split: Flags) -> Firms:
    """One business on four papers: the trade of the first, each just below what makes a taxpayer general."""
    first = plain(world, f.number // 4 * 4)
    part = np.minimum(first.size / 4 * world.chance.between(0.85, 1.15, "part", f.number), 0.93 * _general_from(world))
    return replace(
        f, industry=np.where(split, first.industry, f.industry), size=np.where(split, part, f.size), general=f.general & ~split, individual=f.individual & ~split,
        segment=np.where(split, 2, f.segment), region=np.where(split, first.region, f.region), birth=np.where(split, np.minimum(first.birth, world.months - 3), f.birth),
        typology=np.where(split, SPLIT, f.typology), develops=f.develops & ~split, lets=f.lets & ~split,
    )  # fmt: skip


def _rank(world: World, i: Ints) -> Ints:
    late = np.floor(world.ranks * np.sqrt(world.chance.uniform("rank", i))).astype(np.int64)
    return np.where(i < world.taxpayers, np.minimum(i // SLOTS, world.ranks - 1), late)


def _place(world: World, i: Ints, rank: Ints) -> Floats:
    """Each firm's own place by size, in ranks: the twenty of a rank follow one another in an order drawn for the rank."""
    turn = world.chance.whole(0, SLOTS, "turn", rank)
    return rank + ((i % SLOTS * 7 + turn) % SLOTS + 1) / SLOTS


def _segment(world: World, i: Ints, rank: Ints, individual: Flags, fleeting: Flags) -> Ints:
    place = np.where(i < world.taxpayers, i / world.taxpayers, rank / world.ranks)
    found = np.where(place < 0.007, 0, np.where(place < 0.09, 1, 2))
    return np.where(individual, 3, np.where(fleeting, 2, found)).astype(np.int64)


def _birth(world: World, i: Ints, rank: Ints, fleeting: Flags, order: Floats) -> Ints:
    c, births = world.chance, world.country.births
    newborn = c.uniform("newborn", i) < np.minimum(0.4, births * world.months) * np.where(rank < world.ranks * 0.1, 0.3, 1.0)
    within = 1 + np.floor(c.uniform("born", i) * (world.months - 2)).astype(np.int64)
    before = -(6 + np.floor(240 * c.uniform("age", i) ** 1.5)).astype(np.int64)
    found = np.where(newborn, within, before)
    # Mills and missing traders come one after the other, so that some are alive at any time.
    found = np.where(fleeting, np.floor(order * (world.months - 1)).astype(np.int64) - 2, found)
    return np.where(i < world.taxpayers, found, world.months + (i - world.taxpayers) // world.births)


def _with_conduct(world: World, f: Firms, mill: Flags, missing: Flags) -> Firms:
    c, i, evasion = world.chance, f.number, world.country.evasion
    kind = np.where(mill, MILL, np.where(missing, MISSING, typology(world, f, mill | missing | f.passing)))
    hazard = np.where(f.segment == 0, 0.0005, np.where(f.segment == 1, 0.0015, 0.0035))
    life = 8 + np.floor(np.log(c.uniform("life", i)) / np.log1p(-hazard)).astype(np.int64)
    for who, season in ((f.passing, world.country.honest.passing_trader), (missing, evasion.missing_trader), (mill, evasion.invoice_mill)):
        life = np.where(who, c.whole(*season.lives, "life", i), life)
    death = np.minimum(np.minimum(f.birth + life, NEVER), np.maximum(world.shut(i), f.birth + 1))
    since = np.floor(-14 + c.uniform("since", np.where(kind == SPLIT, i // 4, i)) * (world.months * 0.75 + 14)).astype(np.int64)
    since = np.where(kind == HONEST, NEVER, np.where(np.isin(kind, FLEETING), f.birth, np.maximum(since, f.birth + 3)))
    since = np.where(kind == SPLIT, f.birth, since)  # who splits does so from the first day
    abnormal = np.isin(kind, FLEETING) | (c.uniform("abnormal", i) < np.where(f.passing, 0.5, 0.25))
    easy, low, high = (np.array([_of(world, n, what) for n in NAMES]) for what in ("opportunity", "low", "high"))
    cause = np.where(c.uniform("cause", i) < easy[kind], CAUSES.index("opportunity"), CAUSES.index("intent"))
    cause = np.where(kind == HONEST, CAUSES.index("none"), cause)
    intensity = np.where(kind == HONEST, 0.0, low[kind] + (high - low)[kind] * c.uniform("intensity", i))
    return replace(f, death=death, abnormal=abnormal, typology=kind, intensity=intensity, since=since, cause=cause)


def _of(world: World, name: str, what: str) -> float:
    """An attribute of a typology; mills do nothing else, missing traders declare a little."""
    known = world.country.evasion.typologies.get(name)
    if known is None:
        return {"opportunity": 0.0, "low": 0.85 if name == "missing_trader" else 1.0, "high": 1.0}[what]
    return {"opportunity": known.opportunity, "low": known.intensity[0], "high": known.intensity[1]}[what]


def alive(world: World, f: Firms) -> Flags:
    """Which firms do business in which month: [firm, month]."""
    months = np.arange(world.horizon)
    return (months >= f.birth[:, None]) & (months < f.death[:, None])
