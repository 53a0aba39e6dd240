"""Whom the old system examined in each year, and how each was chosen: the source of a case is the list that truly put it there.

Each list has its own bias. Old rules half see evasion, through the habits of the offices (region, trade, size); a campaign takes one trade
in a wave; tips come from those who know, and some from those who hate; inspectors' own choice is habit alone. The random programme takes
every eligible firm with one and the same chance, by a draw that nothing else depends on. All follows from who a firm is, not from its books.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from jobs.economy.kinds import CAROUSEL, EXPORTS, FICTITIOUS, FLEETING, PRIVATE_ACCOUNTS, SEGMENTS, SUPPRESSED, WAGES
from jobs.economy.setting import Country
from jobs.economy.world import NEVER, World, month_number
from jobs.lake.arrays import Flags, Floats, Ints

if TYPE_CHECKING:
    from jobs.economy.firms import Firms

SOURCES = ("random", "campaign", "assigned", "transferred", "tip_off", "rule", "self_selected")
RANDOM, CAMPAIGN, ASSIGNED, TRANSFERRED, TIP_OFF, RULE, SELF_SELECTED = range(len(SOURCES))
FRAUD = (*FLEETING, FICTITIOUS, EXPORTS, CAROUSEL)
_HEARD = (SUPPRESSED, PRIVATE_ACCOUNTS, WAGES)  # what employees and customers see
_AGE = np.where(np.isin(np.arange(len(SOURCES)), (ASSIGNED, TRANSFERRED, TIP_OFF)), 2, 6)  # months a firm has lived before it is chosen
_MOST = 0.9
_WAVE = 3  # months of a campaign
_BLOCKS = 1000  # blocks of four firms that the chances are measured on


@dataclass(frozen=True)
class Years:
    """The years of the history, one element each: the first month in which cases may be pushed and the one after the last; the month of a
    year's campaign and of its random programme, NEVER where there is none.
    """

    first: Ints
    end: Ints
    wave: Ints
    draw: Ints

    def __len__(self) -> int:
        return len(self.first)


def years_of(world: World) -> Years:
    """When cases may be chosen: not before there are returns to look at, not in the last month."""
    y = np.arange(-(-world.months // 12))
    first = np.maximum(y * 12, max(8, month_number(world, world.opens) + 3))
    end = np.maximum(np.minimum(y * 12 + 12, world.months - 1), first)
    room = end - first - _WAVE
    wave = first + np.floor((room + 1) * world.chance.uniform("wave", y)).astype(np.int64)
    draw = y * 12 + world.country.enforcement.random_month - 1
    return Years(first, end, np.where(room >= 0, wave, NEVER), np.where((draw >= first) & (draw < end), draw, NEVER))


def chosen(world: World, f: Firms) -> tuple[Ints, Ints]:
    """Day on which each firm was pushed in each year, NEVER when it was not, and the source by position in SOURCES: [firm, year]."""
    c, years = world.chance, years_of(world)
    i, y = f.number[:, None], np.arange(len(years))[None, :]
    edges = np.cumsum(np.minimum(weights(world, f, years) * _scale(world)[:, None, None], _MOST), axis=0)
    source = (c.uniform("chosen", i, y) >= edges).sum(axis=0)
    listed = np.minimum(source, len(SOURCES) - 1)
    span = np.maximum(years.end - years.first, 1)
    month = years.first + np.floor(span * c.uniform("pushed month", i, y)).astype(np.int64)
    month = np.where(listed == CAMPAIGN, years.wave + c.whole(0, _WAVE, "wave month", i, y), np.where(listed == RANDOM, years.draw, month))
    there = (source < len(SOURCES)) & (years.end > years.first) & _could(f, month, _AGE[listed])
    there &= ~_rested(there & (listed == RANDOM), world.country.enforcement.random_rest_years) | (listed != RANDOM)
    day = world.first_day(np.where(there, month, 0)) + c.whole(0, 28, "pushed", i, y)
    return np.where(there, day, NEVER), listed


def _could(f: Firms, month: Ints, age: Ints) -> Flags:
    return np.asarray((month >= f.birth[:, None] + age) & (month < f.death[:, None]) & (month < NEVER))


def _rested(drawn: Flags, rest: int) -> Flags:
    """Who is out of the year's random programme because he was drawn shortly before: [firm, year]."""
    out, taken = np.zeros_like(drawn), np.zeros_like(drawn)
    for y in range(drawn.shape[1]):
        out[:, y] = taken[:, max(0, y - rest) : y].any(axis=1)
        taken[:, y] = drawn[:, y] & ~out[:, y]
    return out


def weights(world: World, f: Firms, years: Years) -> Floats:
    """How much each list wants each firm in each year, up to a factor of the list: [source, firm, year]."""
    c, country, y = world.chance, world.country, np.arange(len(years))[None, :]
    sizes = np.array([country.enforcement.segments[s] for s in SEGMENTS])[f.segment][:, None]  # type: ignore[index]
    region = np.array([d.audited for d in country.place.districts])[np.searchsorted(country.regions, f.region)][:, None]
    habit = sizes * region * country.column("audited")[f.industry][:, None]
    active = (f.intensity[:, None] > 0) & (f.since[:, None] <= y * 12 + 6)
    seen = 5.0 * np.minimum(f.intensity, 0.5)[:, None] * active
    fraud, heard = (np.isin(f.typology, kinds)[:, None] & active for kinds in (FRAUD, _HEARD))
    tips = country.third_parties.tip_off
    hate = tips.malicious if tips else 0.3
    found = np.empty((len(SOURCES), len(f), len(years)))
    found[RANDOM] = years.draw < NEVER
    found[CAMPAIGN] = _in_wave(world, f, years) * np.sqrt(sizes) * region
    found[ASSIGNED] = sizes**1.5 * region * (1 + 3 * fraud)
    found[TRANSFERRED] = 0.3 + 12 * fraud
    found[TIP_OFF] = hate + (1 - hate) * (4 * active + 7 * heard)
    found[RULE] = habit * np.exp(country.enforcement.old_rules * (c.normal("old rules", f.number[:, None], y) + seen))
    found[SELF_SELECTED] = habit**1.5
    found[ASSIGNED:] *= (years.end - years.first) / 12.0  # in a short year, few cases
    return found


def _in_wave(world: World, f: Firms, years: Years) -> Flags:
    """Which firms are of a trade that is under campaign in the year: one after the other by a drawn order, so that none comes twice before all came."""
    count, each = len(world.country.industries), world.country.enforcement.campaigns
    order = np.argsort(world.chance.uniform("campaign", np.arange(count)), kind="stable")
    turn = np.argsort(order, kind="stable")[f.industry][:, None]
    begun = np.arange(len(years))[None, :] * each
    return np.asarray(((turn - begun) % count < each) & (years.wave < NEVER)[None, :])


_SCALES: dict[tuple[object, ...], Floats] = {}


def _scale(world: World) -> Floats:
    """Factor of each list, such that each has its share of the cases and all together `yearly` of the firms that could be examined: [source]."""
    key = (world.country.digest, world.taxpayers, world.months, world.seed, world.opens)
    if key not in _SCALES:
        _SCALES[key] = _measured(world)
    return _SCALES[key]


def _measured(world: World) -> Floats:
    from jobs.economy.firms import settled  # firms as they are whatever examinations made of them

    world = replace(world, country=_all_on(world.country))  # a typology that is switched off changes nobody else's cases

    count = max(1, world.taxpayers // 4)
    even = (np.arange(_BLOCKS) + world.chance.uniform("measured", np.arange(_BLOCKS))) * count / _BLOCKS  # a fixed step would meet a few industries only
    blocks = np.unique(np.floor(even).astype(np.int64)) if count > _BLOCKS else np.arange(count)
    f, years, e = settled(world, (blocks[:, None] * 4 + np.arange(4)[None, :]).ravel()), years_of(world), world.country.enforcement
    months = np.arange(world.months)
    share = np.empty((len(SOURCES), len(f), len(years)))  # of the months in which a list is drawn up, those in which it could take the firm
    lived = {age: np.cumsum(np.pad((months >= f.birth[:, None] + age) & (months < f.death[:, None]), ((0, 0), (1, 0))), axis=1) for age in np.unique(_AGE).tolist()}
    for source, age in enumerate(_AGE.tolist()):
        first = np.where(source == RANDOM, years.draw, np.where(source == CAMPAIGN, years.wave, years.first))
        end = np.where(source == RANDOM, first + 1, np.where(source == CAMPAIGN, first + _WAVE, years.end))
        a, b = np.minimum(first, world.months), np.minimum(end, world.months)
        share[source] = (lived[age][:, b] - lived[age][:, a]) / np.maximum(end - first, 1)
    wanted = (weights(world, f, years) * share).sum(axis=(1, 2))
    exposed = (lived[int(_AGE[RULE])][:, years.end] - lived[int(_AGE[RULE])][:, years.first]).sum() / 12.0
    asked = np.array([e.sources.get(s, 0.0) for s in SOURCES]) * e.yearly * exposed  # type: ignore[call-overload]
    return np.where(wanted > 0, asked / np.maximum(wanted, 1e-9), 0.0)


def _all_on(country: Country) -> Country:
    evasion = country.evasion
    typologies = {name: t.model_copy(update={"on": True}) for name, t in evasion.typologies.items()}
    return country.model_copy(update={"evasion": evasion.model_copy(update={"typologies": typologies})})


def random_chance(world: World) -> float:
    """The chance with which the random programme draws each eligible firm each year."""
    return float(min(_scale(world)[RANDOM], _MOST))
