"""The old system's cases as its export writes them: every stage with its date and number, an answer per point. Columns of table case_event.

Some findings lower the tax, some are overturned on appeal, and not all is paid.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jobs.economy.audit_cases import Cases, Points, old_cases, old_points
from jobs.economy.findings import NOT_EXAMINED, REASONS, RESULTS
from jobs.economy.firms import Firms
from jobs.economy.kinds import MILL, MISSING
from jobs.economy.papers_tax import payment_rows
from jobs.economy.points import point_ids
from jobs.economy.tables import amounts, days, papers, text
from jobs.economy.truth import Ledger
from jobs.economy.words import ids_of
from jobs.economy.world import World
from jobs.lake.arrays import Ints

_SOURCES = np.array(["rule", "campaign", "random", "tip_off", "assigned", "self_selected", "transferred"])
_WEIGHTS = [0.45, 0.18, 0.10, 0.12, 0.07, 0.05, 0.03]
TREATMENTS = np.array(["interview", "assess", "inspect"])
_POSTS = {"pushed": "analyst", "reviewed": "reviewer", "paid": "collector", "appealed": "legal", "overturned": "legal"}


def audit_papers(world: World, f: Firms, book: Ledger) -> tuple[pa.Table, pa.Table]:
    """Rows of the old case system, and what the treasury received for its findings."""
    cases = old_cases(world, f)
    points = old_points(world, f, book, cases)
    return _events(world, f, cases, points), _payments(world, f, cases, points)


_Stage = tuple[Ints, Ints, str, dict[str, np.ndarray]]


def _stages(world: World, f: Firms, cases: Cases, points: Points) -> list[_Stage]:
    """Stages as (case, day, kind, cells), in the order in which they can happen on one day."""
    c, every = world.chance, np.arange(len(cases.firm))
    total = np.bincount(points.case, weights=points.found.amount.astype(np.float64), minlength=len(every)).astype(np.int64)
    effort = np.round(np.array([1.0, 5.0, 20.0])[cases.treatment] * np.where(f.segment[cases.firm] == 0, 2.5, 1.0) * c.between(0.6, 1.6, "old effort", cases.key), 1)
    checked = np.flatnonzero(cases.treatment > 0)
    pays = np.flatnonzero((total > 0) & _collectable(world, f, cases))
    appeals = np.flatnonzero((total > 0) & (c.uniform("appeals", cases.key) < 0.08))
    falls = appeals[c.uniform("overturned", cases.key[appeals]) < 0.3]
    answered = {"point": np.arange(len(points.case)), "amount": points.found.amount}
    return [
        (every, cases.pushed, "pushed", {}), (every, cases.pushed + c.whole(1, 6, "old received", cases.key), "received", {}), (every, cases.begun, "begun", {}),
        (points.case, points.day, "point_answered", answered), (checked, cases.closed[checked] - 1, "reviewed", {}), (every, cases.closed, "closed", {"effort": effort}),
        (pays, cases.closed[pays] + c.whole(10, 60, "old paid", cases.key[pays]), "paid", {"amount": total[pays]}),
        (appeals, cases.closed[appeals] + 30, "appealed", {}), (falls, cases.closed[falls] + c.whole(120, 220, "falls", cases.key[falls]), "overturned", {}),
    ]


def _collectable(world: World, f: Firms, cases: Cases) -> np.ndarray:
    chance = np.where(np.isin(f.typology[cases.firm], (MILL, MISSING)), 0.12, 0.8)
    return np.asarray(world.chance.uniform("collectable", cases.key) < chance)


def _events(world: World, f: Firms, cases: Cases, points: Points) -> pa.Table:
    stages = _stages(world, f, cases, points)
    case = np.concatenate([s[0] for s in stages])
    day = np.concatenate([s[1] for s in stages])
    kind = np.concatenate([np.full(len(s[0]), s[2]) for s in stages])
    order = np.lexsort((np.repeat(np.arange(len(stages)), [len(s[0]) for s in stages]), day, case))
    number = np.empty(len(case), dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(np.bincount(case, minlength=len(cases.firm)))[:-1]]) if len(cases.firm) else np.zeros(0, dtype=np.int64)
    number[order] = np.arange(len(case)) - starts[case[order]] + 1 if len(case) else 0
    point = np.concatenate([s[3].get("point", np.full(len(s[0]), -1)) for s in stages]).astype(np.int64)
    amount = np.concatenate([s[3].get("amount", np.zeros(len(s[0]), dtype=np.int64)) for s in stages])
    effort = np.concatenate([s[3].get("effort", np.full(len(s[0]), np.nan)) for s in stages])
    return _rows(world, f, cases, points, case, day, kind, number, point, amount, effort)


def _rows(world: World, f: Firms, cases: Cases, points: Points, case: Ints, day: Ints, kind: np.ndarray, number: Ints, point: Ints, amount: Ints, effort: np.ndarray) -> pa.Table:
    office = np.where(cases.treatment == 2, 330299, np.where(f.segment[cases.firm] == 0, 330298, f.region[cases.firm]))[case]
    answer = pa.array(point, mask=point < 0)
    told = {name: column.take(answer) for name, column in _point_cells(world, f, cases, points).items()}
    has_amount = np.append(np.isin(points.found.result, (0, 1, 4)), False)
    columns = {
        "case_id": pa.array([f"H{k:09d}" for k in cases.key[case].tolist()]), "event_no": text(number), "event_on": days(day), "taxpayer_id": ids_of(world, f)[cases.firm[case]],
        "kind": kind.astype(str), "case_source": _SOURCES[world.chance.pick(_WEIGHTS, "old source", cases.key)][case], "treatment": TREATMENTS[cases.treatment][case],
        "office_id": text(office), "post": np.array([_POSTS.get(k, "assessor") for k in kind.tolist()], dtype=str), **told,
        "amount": amounts(amount, (kind == "paid") | has_amount[point]), "effort_days": pa.array(["" if np.isnan(e) else f"{e:g}" for e in effort.tolist()], pa.string()),
    }
    return papers(day, columns)


def _point_cells(world: World, f: Firms, cases: Cases, points: Points) -> dict[str, pa.Array]:
    """Cells of an answer, by point."""
    starts, ends = days(world.first_day(points.first)), days(world.last_day(points.last))
    ids = point_ids(ids_of(world, f)[cases.firm[points.case]], points.tax, points.code, starts.to_pylist(), ends.to_pylist())
    return {
        "point_id": pa.array(ids), "risk_code": pa.array(points.code), "tax": pa.array(points.tax), "period_from": starts, "period_to": ends,
        "result": pa.array(np.array(RESULTS)[points.found.result]), "reason_code": pa.array(np.array([*REASONS, ""])[points.found.reason]),
    }


def _payments(world: World, f: Firms, cases: Cases, points: Points) -> pa.Table:
    """Tax found by old audits, paid with a late-payment surcharge, booked to the last day of what was examined."""
    c = world.chance
    keep = np.flatnonzero((points.found.amount > 0) & _collectable(world, f, cases)[points.case] & (points.found.result != NOT_EXAMINED))
    case = points.case[keep]
    when = cases.closed[case] + c.whole(10, 60, "old paid", cases.key[case])
    parts = []
    for kind, name, share in ((7, "税款", 1.0), (8, "滞纳金", 0.1)):
        for tax in ("VAT", "CIT", "PIT"):
            at = np.flatnonzero(points.tax[keep] == tax)
            firm, p = cases.firm[case[at]], keep[at]
            cents = np.rint(points.found.amount[p] * share).astype(np.int64)
            parts.append(payment_rows(world, tax, name, f.number[firm], ids_of(world, f)[firm], world.first_day(points.first[p]), world.last_day(points.last[p]), when[at], cents, kind))
    return pa.concat_tables(parts)
