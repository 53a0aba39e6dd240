"""Credit ratings of taxpayers (纳税信用), published in April for the year before: from filing, paying and findings of that year, and some luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.agencies import Rating
from jobs.economy.audit_cases import INSPECT
from jobs.economy.facts import Facts, Sent
from jobs.economy.filing import DUE_DAYS
from jobs.economy.life import ended
from jobs.economy.spelling import as_known
from jobs.economy.tables import days, papers, text
from jobs.economy.world import NEVER
from jobs.lake.arrays import Flags, Floats, Ints

GRADES = np.array(["A", "B", "M", "C", "D"])
_LATE, _MISSING, _OWING, _FOUND = 5.0, 11.0, 3.0, 15.0  # points off for each


def rating_papers(facts: Facts, feed: Rating) -> Sent:
    """Ratings of all enterprises for every full year since the files begin, with the day of publication."""
    f, c, world = facts.firms, facts.world.chance, facts.world
    last, _ = ended(world, f)
    parts: list[tuple[Ints, Ints, Ints]] = []
    for ended_year in range(world.opens.year, world.through.year):
        december = (ended_year - world.start.year) * 12 + 11
        end = int(world.last_day(december))
        rated = ~f.individual & (f.birth <= december - 2) & (last > end) & (c.uniform("rated", f.number, ended_year) < feed.coverage)
        who = np.flatnonzero(rated)
        parts.append((who, np.full(len(who), ended_year), end + c.whole(feed.delay_days[0], feed.delay_days[1] + 1, "rated on", f.number[who], ended_year)))
    at, year, day = (np.concatenate([p[n] for p in parts] or [np.zeros(0, dtype=np.int64)]) for n in range(3))
    grade = np.zeros(len(at), dtype=np.int64)
    found = findings(facts)
    for published in np.unique(year[facts.within(day)]).tolist():
        grade[year == published] = grades(facts, feed, found, published)[at[year == published]]
    ids, names, way = as_known(world, feed, "rating", f.number[at] * 100 + year % 100, facts.ids[at], facts.names.take(pa.array(at)))
    columns = {"纳税人.识别号": ids, "纳税人.名称": names, "评价年度": text(year), "信用级别": GRADES[grade], "公布日期": days(day)}
    keys, shown = pc.binary_join_element_wise(ids, text(year), "|"), facts.within(day)
    return Sent(papers(day, columns).filter(pa.array(shown)), keys, f.number[at], way)


@dataclass(frozen=True)
class Found:
    """What the old system found: firm by position, cents, day of closing, whether an inspection found it."""

    firm: Ints
    amount: Ints
    closed: Ints
    inspected: Flags


def findings(facts: Facts) -> Found:
    """Answers of old cases that found something."""
    cases, points = facts.audited
    hit = points.found.amount > facts.world.country.enforcement.tolerance_cents
    case = points.scope.case[hit]
    return Found(cases.firm[case], points.found.amount[hit], cases.closed[case], cases.treatment[case] == INSPECT)


def grades(facts: Facts, feed: Rating, found: Found, year: int) -> Ints:
    """Grade of each firm for a year, by position in GRADES."""
    f, world = facts.firms, facts.world
    january = (year - world.start.year) * 12
    first, last = int(world.first_day(january)), int(world.last_day(january + 11))
    points = feed.start + feed.luck * world.chance.normal("rating", f.number, year) - _conduct(facts, first, last)
    now = (found.closed >= first) & (found.closed <= last)
    points = points - _FOUND * np.bincount(found.firm[now], minlength=len(f))
    grave = np.bincount(found.firm[now & found.inspected & (found.amount >= round(feed.grave * 100))], minlength=len(f)) > 0
    young = f.birth > january + 12 - 36
    grade = np.where(points >= 90, np.where(young, 1, 0), np.where(points >= 70, 1, np.where(points >= 40, 3, 4)))
    grade = np.where((f.birth >= january) & (points >= 70), 2, grade)  # whoever has not a year behind him is an M
    return np.where(grave, 4, grade)


def _conduct(facts: Facts, first: int, last: int) -> Floats:
    """Points off for returns due between two days that were late, missing or not paid within a fortnight."""
    off = np.zeros(len(facts.firms))
    for r, w in facts.made:
        p = np.flatnonzero((w.ends + DUE_DAYS[r.tax] >= first) & (w.ends + DUE_DAYS[r.tax] <= last))
        due, owed, filed = (w.ends + DUE_DAYS[r.tax])[None, p], r.owed[:, p], w.filed[:, p]
        late, missing = owed & (filed > due) & (filed < NEVER), owed & (filed >= NEVER)
        owing = owed & ~missing & (w.amount[:, p] > 0) & (w.paid[:, p] > np.maximum(filed, due) + 15)
        off += _LATE * late.sum(axis=1) + _MISSING * missing.sum(axis=1) + _OWING * owing.sum(axis=1)
    return off
