"""The old system's cases as its export writes them: every stage with its date and number, an answer per point. Columns of table case_event.

Some findings lower the tax, some are overturned on appeal, in whole or in part, some are paid in instalments, and not all is paid.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jobs.economy.audit_cases import INTERVIEW, TREATMENTS, Cases
from jobs.economy.audit_points import Points, Sequel, fallen, instalments, sequel
from jobs.economy.choosing import SOURCES
from jobs.economy.findings import CONFIRMED, IN_PART, NEW, REASONS, RESULTS, RISKS
from jobs.economy.firms import Firms
from jobs.economy.papers_tax import payment_rows
from jobs.economy.points import point_ids
from jobs.economy.tables import amounts, days, papers, text
from jobs.economy.words import ids_of
from jobs.economy.world import NEVER, TAXES, World
from jobs.lake.arrays import Floats, Ints

_EFFORT = (1.0, 5.0, 20.0)  # inspector-days, by treatment
_SURCHARGE = 0.1  # of the tax, for paying late
_POSTS = {"pushed": "analyst", "reviewed": "reviewer", "paid": "collector", "appealed": "legal", "overturned": "legal"}


def audit_papers(world: World, f: Firms, cases: Cases, points: Points) -> tuple[pa.Table, pa.Table]:
    """Rows of the old case system, and what the treasury received for its findings."""
    after = sequel(world, f, cases, points)
    return _events(world, f, cases, points, after), _payments(world, f, cases, points, after)


class _Stages:
    """Events as they are gathered: case, day and kind of each, with its point, amount and effort where it has one."""

    def __init__(self) -> None:
        self.parts: list[tuple[Ints, Ints, str, Ints, Ints, Floats]] = []

    def add(self, case: Ints, day: Ints, kind: str, point: Ints | None = None, amount: Ints | None = None, effort: Floats | None = None) -> None:
        """Add events of one kind, in the order in which they can happen on one day."""
        n = len(case)
        self.parts.append((
            case, day, kind, np.full(n, -1, dtype=np.int64) if point is None else point, np.zeros(n, dtype=np.int64) if amount is None else amount,
            np.full(n, np.nan) if effort is None else effort,
        ))  # fmt: skip


def _stages(world: World, f: Firms, cases: Cases, points: Points, after: Sequel) -> _Stages:
    c, every, made = world.chance, np.arange(len(cases)), _Stages()
    effort = np.round(np.array(_EFFORT)[cases.treatment] * np.where(f.segment[cases.firm] == 0, 2.5, 1.0) * c.between(0.6, 1.6, "old effort", cases.key), 1)
    checked = np.flatnonzero(cases.treatment > INTERVIEW)
    made.add(every, cases.pushed, "pushed")
    made.add(every, cases.pushed + c.whole(1, 6, "old received", cases.key), "received")
    made.add(every, cases.begun, "begun")
    made.add(points.scope.case, points.day, "point_answered", np.arange(len(points.day)), points.found.amount)
    made.add(checked, cases.closed[checked] - 1, "reviewed")
    made.add(every, cases.closed, "closed", effort=effort)
    point, day, cents = instalments(points, after)
    _sums(made, points.scope.case[point], day, cents)
    _appeals(world, cases, points, after, made)
    return made


def _sums(made: _Stages, case: Ints, day: Ints, cents: Ints) -> None:
    """One payment per case and day."""
    pairs, where = np.unique(np.stack([case, day], axis=1), axis=0, return_inverse=True) if len(case) else (np.zeros((0, 2), dtype=np.int64), case)
    total = np.zeros(len(pairs), dtype=np.int64)
    np.add.at(total, where.ravel(), cents)
    made.add(pairs[:, 0], pairs[:, 1], "paid", amount=total)


def _appeals(world: World, cases: Cases, points: Points, after: Sequel, made: _Stages) -> None:
    """What is decided closes the case again, unless the whole of it falls; what was paid on points that fell is paid back."""
    disputed, whole, partly = np.flatnonzero(after.appealed < NEVER), np.flatnonzero(after.falls), np.flatnonzero(after.point >= 0)
    made.add(disputed, after.appealed[disputed], "appealed")
    made.add(whole, after.decided[whole], "overturned")
    made.add(partly, after.decided[partly], "overturned", after.point[partly])
    stands = np.flatnonzero((after.appealed < NEVER) & ~after.falls)
    made.add(stands, after.decided[stands], "closed")
    point, day = _paid_back(world, cases, points, after)
    _sums(made, points.scope.case[point], day, -points.raised[point])


def _paid_back(world: World, cases: Cases, points: Points, after: Sequel) -> tuple[Ints, Ints]:
    """Points that fell after they were paid, and the day the money went back."""
    point = np.flatnonzero(fallen(points, after) & (after.kept[points.scope.case] > 0))
    case = points.scope.case[point]
    return point, after.decided[case] + world.chance.whole(15, 60, "paid back", cases.key[case])


def _events(world: World, f: Firms, cases: Cases, points: Points, after: Sequel) -> pa.Table:
    parts = _stages(world, f, cases, points, after).parts
    case, day, point, amount, effort = (np.concatenate([p[n] for p in parts]) for n in (0, 1, 3, 4, 5))
    kind = np.concatenate([np.full(len(p[0]), p[2], dtype="<U16") for p in parts])
    order = np.lexsort((np.repeat(np.arange(len(parts)), [len(p[0]) for p in parts]), day, case))
    number = np.empty(len(case), dtype=np.int64)
    count = np.bincount(case, minlength=len(cases))
    number[order] = np.arange(len(case)) - np.repeat(np.cumsum(count) - count, count) + 1
    answer = pa.array(point, mask=point < 0)
    told = {name: column.take(answer) for name, column in _point_cells(world, f, cases, points).items()}
    answered = kind == "point_answered"
    for name in ("result", "reason_code"):  # an overturned point is named; it is not answered again
        told[name] = pa.array(np.where(answered, told[name].fill_null("").to_numpy(zero_copy_only=False).astype(str), ""))
    has_amount = np.append(np.isin(points.found.result, (CONFIRMED, IN_PART, NEW)), False)[point] & answered
    columns = {
        "case_id": pa.array([f"H{k:09d}" for k in cases.key[case].tolist()], pa.string()), "event_no": text(number), "event_on": days(day),
        "taxpayer_id": ids_of(world, f)[cases.firm[case]], "kind": kind, "case_source": np.array(SOURCES)[cases.source][case],
        "treatment": np.array(TREATMENTS)[cases.treatment][case], "office_id": text(_offices(world, cases, case, kind)),
        "post": np.array([_POSTS.get(k, "assessor") for k in kind.tolist()], dtype="<U16"), **told,
        "amount": amounts(amount, (kind == "paid") | has_amount), "effort_days": pa.array(["" if np.isnan(e) else f"{e:g}" for e in effort.tolist()], pa.string()),
    }  # fmt: skip
    return papers(day, columns)


def _offices(world: World, cases: Cases, case: Ints, kind: np.ndarray) -> Ints:
    """Appeals are heard by the city's office; all else is the case's own."""
    heard = np.isin(kind, ("appealed", "overturned"))
    return np.where(heard, world.country.place.city_office, cases.office[case])


def _point_cells(world: World, f: Firms, cases: Cases, points: Points) -> dict[str, pa.Array]:
    """Cells of an answer, by point."""
    s = points.scope
    tax, code = np.array(TAXES)[s.tax], np.array(RISKS)[s.code]
    starts, ends = days(world.first_day(s.first)), days(world.last_day(s.last))
    ids = point_ids(ids_of(world, f)[cases.firm[s.case]], tax, code, starts.to_pylist(), ends.to_pylist())
    return {
        "point_id": pa.array(ids, pa.string()), "risk_code": pa.array(code, pa.string()), "tax": pa.array(tax, pa.string()), "period_from": starts, "period_to": ends,
        "result": pa.array(np.array(RESULTS)[points.found.result], pa.string()), "reason_code": pa.array(np.array([*REASONS, ""])[points.found.reason], pa.string()),
    }  # fmt: skip


def _payments(world: World, f: Firms, cases: Cases, points: Points, after: Sequel) -> pa.Table:
    """Tax found by old audits, paid with a late-payment surcharge, and what went back; booked to the last day of what was examined."""
    point, day, cents = instalments(points, after)
    back, when = _paid_back(world, cases, points, after)
    surcharge = np.rint(cents * _SURCHARGE).astype(np.int64)
    flows = ((7, "税款", point, day, cents), (8, "滞纳金", point, day, surcharge), (9, "退库", back, when, -points.raised[back]))
    parts = []
    for salt, name, at, on, amount in flows:
        for n, tax in enumerate(TAXES):
            own = np.flatnonzero((points.scope.tax[at] == n) & (amount != 0))
            p = at[own]
            firm = cases.firm[points.scope.case[p]]
            first, last = world.first_day(points.scope.first[p]), world.last_day(points.scope.last[p])
            parts.append(payment_rows(world, tax, name, f.number[firm], ids_of(world, f)[firm], first, last, on[own], amount[own], salt))
    return pa.concat_tables(parts)
