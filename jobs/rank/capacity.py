"""Capacity: the plan's inspector-days per office and treatment, as whole cases that may be handed over tonight.

Capacity tonight = the days released for the current part of the year (conf/plan: `release`) less the effort of cases already handed over in
that part. Days of a past part that were not used are gone: nobody can work last quarter's days. Where the plan gives no figure for the office,
`days_per_thousand` gives the area's total, and whole cases are apportioned to its offices by largest remainder, so that a small office
is not left without any by rounding and the total is never exceeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Conf, Treatment, in_force
from jobs.rank.offices import acting_offices

_PARTS = {"month": 12, "quarter": 4, "year": 1}
_TINY = 1e-9

Pool = tuple[str, str]


@dataclass(frozen=True)
class Capacity:
    """Pools (office, treatment), the whole cases each can take tonight, and how a home office maps to a pool."""

    slots: dict[Pool, int]
    acting: dict[tuple[str, str], str]


def part_of_year(as_of: date, release: str) -> tuple[date, float]:
    """The first day of the released part of the year that the date lies in, and the part's share of the year."""
    parts = _PARTS[release]
    months = 12 // parts
    return date(as_of.year, (as_of.month - 1) // months * months + 1, 1), 1 / parts


def planned(conf: Conf, as_of: date) -> dict[str, Treatment]:
    """The treatments in force for which the plan of the year has days, lightest first (then by id)."""
    plan = conf.plan(as_of)
    named = {c.treatment for c in plan.capacity if c.days > 0} | {t for t, days in plan.days_per_thousand.items() if days > 0}
    found = [t for t in in_force(tuple(conf.treatments.values()), as_of) if t.id in named]
    return {t.id: t for t in sorted(found, key=lambda t: (t.effort_days, t.id))}


def year_days(conf: Conf, as_of: date, taxpayers: Mapping[str, int], acting: Mapping[tuple[str, str], str]) -> dict[Pool, float]:
    """Inspector-days of the whole plan year per (office, treatment). `taxpayers`: number per home office."""
    plan = conf.plan(as_of)
    given = {(c.office, c.treatment): c.days for c in plan.capacity}
    served: dict[Pool, int] = {}
    for home, count in taxpayers.items():
        for treatment in planned(conf, as_of):
            office = acting.get((home, treatment))
            if office is not None:
                served[office, treatment] = served.get((office, treatment), 0) + count
    scaled = {pool: plan.days_per_thousand.get(pool[1], 0.0) * n / 1000 for pool, n in sorted(served.items())}
    return {**scaled, **given}


def tonight(conf: Conf, as_of: date, homes: pa.Array, case_event: pa.Table) -> Capacity:
    """The whole cases each pool may take tonight.

    homes: home office of every active taxpayer. case_event: its `pushed` and `returned` events say what was handed over to whom; each case
    counts the planned effort of its treatment.
    """
    counts = {e["values"]: e["counts"] for e in pc.value_counts(homes).to_pylist() if e["values"] is not None}
    acting = acting_offices(counts, conf, as_of)
    plan, treatments = conf.plan(as_of), planned(conf, as_of)
    start, share = part_of_year(as_of, plan.release)
    used = _handed_over(case_event, start, treatments)
    left = {pool: days * share - used.get(pool, 0.0) for pool, days in year_days(conf, as_of, counts, acting).items() if pool[1] in treatments}
    slots: dict[Pool, int] = {}
    for treatment, entry in treatments.items():
        of_it = {pool: days for pool, days in left.items() if pool[1] == treatment}
        slots |= _whole_cases(of_it, entry.effort_days, {(c.office, c.treatment) for c in plan.capacity})
    return Capacity(slots, acting)


def _handed_over(case_event: pa.Table, start: date, treatments: Mapping[str, Treatment]) -> dict[Pool, float]:
    """Effort planned for the cases pushed since `start`, in the office that has each: the last it was pushed to and that did not return it."""
    moves = case_event.filter(pc.is_in(case_event["kind"], value_set=pa.array(["pushed", "returned"])))
    moves = moves.sort_by([("case_id", "ascending"), ("event_on", "ascending"), ("event_no", "ascending")])
    cases = moves["case_id"].to_numpy()
    last = moves.filter(pa.array(np.append(cases[1:] != cases[:-1], True)[: len(cases)]))
    pushed = last.filter(pc.and_(pc.equal(last["kind"], "pushed"), pc.greater_equal(last["event_on"], pa.scalar(start, pa.date32()))))
    used: dict[Pool, float] = {}
    counted = pushed.group_by(["office_id", "treatment"]).aggregate([("case_id", "count")])
    for row in counted.to_pylist():
        if row["treatment"] in treatments:
            pool = (row["office_id"], row["treatment"])
            used[pool] = used.get(pool, 0.0) + row["case_id_count"] * treatments[row["treatment"]].effort_days
    return used


def _whole_cases(left: Mapping[Pool, float], effort: float, given: set[Pool]) -> dict[Pool, int]:
    """Whole cases: an office with a figure of its own by that figure; the others share their total by largest remainder."""
    slots = {pool: int(max(days, 0.0) / effort + _TINY) for pool, days in left.items() if pool in given}
    shared = sorted(pool for pool in left if pool not in given)
    if not shared:
        return slots
    exact = np.maximum(np.asarray([left[pool] for pool in shared]), 0.0)
    room = max(sum(left[pool] for pool in shared), 0.0) / effort
    exact = exact * (room / exact.sum()) if exact.sum() > 0 else exact
    total = int(room + _TINY)
    cases = np.floor(exact + _TINY).astype(np.int64)
    spare = total - int(cases.sum())
    for k in np.lexsort((np.arange(len(shared)), -(exact - cases)))[: max(spare, 0)]:
        cases[k] += int(exact[k] > 0)
    return slots | {pool: int(n) for pool, n in zip(shared, cases, strict=True)}


def cases_a_year(conf: Conf, as_of: date, homes: pa.Array) -> dict[str, float]:
    """Cases the plan year has room for, per treatment: what the bands of the risk level are cut to."""
    counts = {e["values"]: e["counts"] for e in pc.value_counts(homes).to_pylist() if e["values"] is not None}
    treatments = planned(conf, as_of)
    cases = dict.fromkeys(treatments, 0.0)
    for (_, treatment), days in year_days(conf, as_of, counts, acting_offices(counts, conf, as_of)).items():
        if treatment in treatments:
            cases[treatment] += days / treatments[treatment].effort_days
    return cases
