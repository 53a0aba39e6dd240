"""Whom the old system audited, and when: habits of offices, old rules that half saw evasion, tip-offs. Fixed by who a firm is, not by its books.

The weights are the bias: region, trade and size count whatever the risk, so that past audits are no fair sample.
"""

from __future__ import annotations

import numpy as np

from jobs.economy.firms import Firms
from jobs.economy.kinds import MILL, MISSING
from jobs.economy.world import NEVER, World, month_number
from jobs.lake.arrays import Floats, Ints

SEGMENTS = ("large", "mid", "small", "individual")
AFTERMATH = 6  # months from push to the time conduct changes


def audits(world: World, f: Firms) -> Ints:
    """Day each firm was pushed for audit in each year of the history, NEVER when it was not: [firm, year]."""
    c, years = world.chance, -(-world.months // 12)
    i, y = f.number[:, None], np.arange(years)[None, :]
    seen = 5.0 * f.intensity[:, None] * (f.since[:, None] <= y * 12 + 6)
    old_rules = np.exp(0.8 * (c.normal("old rules", i, y) + seen)) / 1.45
    country = world.country
    habits, sizes = np.array([d.audited for d in country.place.districts]), country.enforcement.segments
    weight = habits[np.searchsorted(country.regions, f.region)] * country.column("audited")[f.industry] * np.array([sizes[s] for s in SEGMENTS])[f.segment]
    weight = np.where(np.isin(f.typology, (MILL, MISSING)), 1.6, weight)
    chosen = c.uniform("audited", i, y) < np.minimum(country.enforcement.yearly * weight[:, None] * old_rules, 0.6)
    month = y * 12 + np.floor(12 * c.uniform("pushed month", i, y)).astype(np.int64)
    day = world.first_day(month) + c.whole(0, 28, "pushed", i, y)
    first = max(8, month_number(world, world.opens) + 3)
    there = (month >= np.maximum(first, f.birth[:, None] + 6)) & (month < f.death[:, None]) & (month < world.months - 1)
    return np.where(chosen & there, day, NEVER)


def evading(world: World, f: Firms) -> Floats:
    """Intensity of evasion by month, after old audits and what was done to the firm since: [firm, month]."""
    months = np.arange(world.horizon)
    return np.where(months >= f.since[:, None], f.intensity[:, None], 0.0) * world.factor(f.number) * deterrence(world, f)


def deterrence(world: World, f: Firms) -> Floats:
    """Factor on evasion once an old audit is over: half of the audited keep to a third of it: [firm, month]."""
    pushed = audits(world, f)
    months = (pushed.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - _base(world)) + AFTERMATH
    first = np.where(pushed < NEVER, months, NEVER).min(axis=1)
    yields = (world.chance.uniform("yields", f.number) < 0.5) & ~np.isin(f.typology, (MILL, MISSING))
    return np.where((np.arange(world.horizon)[None, :] >= first[:, None]) & yields[:, None], 0.35, 1.0)


def _base(world: World) -> int:
    return (world.start.year - 1970) * 12 + world.start.month - 1
