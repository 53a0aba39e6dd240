"""What old audits did to the conduct of those they met, by rule and without the books: less evasion, more or less care, a first temptation.

An evader whose fault was seen does less with the chance of his cause; an honest firm that came through clean may take heart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from jobs.economy.audit_cases import INTERVIEW, Cases, fleeting, month_of, old_cases, spotted
from jobs.economy.kinds import CAUSES, HONEST, NAMES, PRIVATE_USE, WAGES
from jobs.economy.reactions import (
    CAREFUL,
    CAREFUL_FACTOR,
    CARELESS,
    CARELESS_FACTOR,
    KEEPS_BELOW,
    NONE,
    STARTS,
    STOPS,
    by_cause,
    does_less,
    takes_heart,
)
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Flags, Floats, Ints

if TYPE_CHECKING:
    from jobs.economy.firms import Firms

_YEAR = 12  # months of slips that an examination sees


@dataclass(frozen=True)
class Aftermath:
    """Per old case: reaction by position in REACTIONS, the factor (on evasion, or on carelessness), the month from which it holds."""

    cases: Cases
    reaction: Ints
    factor: Floats
    month: Ints


def aftermath(world: World, f: Firms) -> Aftermath:
    """What each old case brought about. Firms that exist only for fraud do not react."""
    cases = old_cases(world, f)
    guilty, seen, clean = _guilty(world, f, cases), spotted(world, f, cases), _clean(world, f, cases)
    effects = world.country.effects
    chance = np.where(cases.treatment == INTERVIEW, by_cause(effects.interview)[f.cause[cases.firm]], by_cause(effects.examine)[f.cause[cases.firm]])
    moved = world.chance.uniform("does less", cases.key)
    factor, how = does_less(world, cases.key)
    learned = np.where(cases.treatment == INTERVIEW, effects.interview.ignorance, effects.examine.ignorance)
    reaction = np.where(guilty, np.where(seen & (moved < chance), how, NONE), np.where(clean, takes_heart(world, cases.key), np.where(moved < learned, CAREFUL, NONE)))
    reaction = np.where(fleeting(f, cases), NONE, reaction)
    factor = np.select([np.isin(reaction, (STOPS, KEEPS_BELOW)), reaction == CAREFUL, reaction == CARELESS], [factor, CAREFUL_FACTOR, CARELESS_FACTOR], 1.0)
    return Aftermath(cases, reaction, factor, _from(world, cases))


def _from(world: World, cases: Cases) -> Ints:
    """The month after a case was closed, and not in the first half of its year: whom a year's lists hold is settled by what firms are then."""
    return np.maximum(month_of(world, cases.closed) + 1, cases.key % 100 * 12 + 7)


def _guilty(world: World, f: Firms, cases: Cases) -> Flags:
    return np.asarray(f.since[cases.firm] <= month_of(world, cases.pushed))


def _clean(world: World, f: Firms, cases: Cases) -> Flags:
    """Honest firms without a slip in the year that was looked at."""
    months = month_of(world, cases.pushed)[:, None] - 2 - np.arange(_YEAR)[None, :]
    slips = world.chance.uniform("slip", f.number[cases.firm][:, None], months) < f.careless[cases.firm][:, None]
    return np.asarray(~slips.any(axis=1))


def evasion_after(world: World, f: Firms) -> Floats:
    """Factor on evasion after old audits: [firm, month], 1 where nothing changed."""
    return _spread(world, f, (STOPS, KEEPS_BELOW))


def care_after(world: World, f: Firms) -> Floats:
    """Factor on the chance of honest mistakes after old audits: [firm, month]."""
    return _spread(world, f, (CAREFUL, CARELESS))


def _spread(world: World, f: Firms, reactions: tuple[int, ...]) -> Floats:
    found = np.ones((len(f), world.horizon))
    a = aftermath(world, f)
    at = np.flatnonzero(np.isin(a.reaction, reactions) & (a.month < world.horizon))
    if not len(at):
        return found
    np.multiply.at(found, (a.cases.firm[at], a.month[at]), a.factor[at])
    return np.asarray(np.cumprod(found, axis=1), dtype=np.float64)


def emboldened(world: World, f: Firms) -> Firms:
    """Firms as they are with those that started after a clean examination, of the old system or since (World.acts).

    They take what nobody sees in their past: own use on the firm's account, or, where they claim no input tax, wages paid in cash.
    """
    honest = f.typology == HONEST
    if not honest.any():
        return f
    since, little = _started(world, f)
    kind = np.where(f.general, PRIVATE_USE, WAGES)
    known = world.country.evasion.typologies
    low = np.array([known[n].intensity[0] if n in known and known[n].on else 0.0 for n in NAMES])[kind]
    starts = honest & (since < NEVER) & (low > 0)
    if not starts.any():
        return f
    return replace(
        f, typology=np.where(starts, kind, f.typology), since=np.where(starts, since, f.since), cause=np.where(starts, CAUSES.index("opportunity"), f.cause),
        intensity=np.where(starts, low * little, f.intensity),
    )  # fmt: skip


def _started(world: World, f: Firms) -> tuple[Ints, Floats]:
    """First month in which each firm evades after a clean examination, NEVER where it does not, and how far: a share of what others start with."""
    honest = np.flatnonzero(f.typology == HONEST)
    since, little = world.started(f.number)
    a = aftermath(world, f.at(honest))
    at = np.flatnonzero(a.reaction == STARTS)
    old = np.full(len(f), NEVER, dtype=np.int64)
    np.minimum.at(old, honest[a.cases.firm[at]], a.month[at])
    return np.minimum(since, old), np.where(old <= since, 1.0, little)
