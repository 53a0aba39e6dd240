"""The old system's cases: whom it audited, every stage with its date, and an answer per point. Columns of table case_event.

Detection is partial, some answers lower the tax, some are overturned on appeal; what is examined depends on old rules and habits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from jobs.economy.chance import Ints
from jobs.economy.findings import DEFAULT, EXCLUDED, NEW, NOT_EXAMINED, REASONS, RESULTS, Findings, examine, fits, right_code
from jobs.economy.firms import Firms
from jobs.economy.papers_tax import payment_rows
from jobs.economy.points import point_ids
from jobs.economy.schedule import audits
from jobs.economy.tables import amounts, days, papers, text
from jobs.economy.truth import Ledger
from jobs.economy.typologies import MILL, MISSING
from jobs.economy.words import ids_of
from jobs.economy.world import NEVER, World

_SOURCES = np.array(["rule", "campaign", "random", "tip_off", "assigned", "self_selected", "transferred"])
_WEIGHTS = [0.45, 0.18, 0.10, 0.12, 0.07, 0.05, 0.03]
TREATMENTS = np.array(["interview", "assess", "inspect"])
_VAT_CODES = ("vat_sales_understated", "vat_input_unmatched", "vat_input_inflated", "vat_cash_sales_suppressed", "vat_fictitious_invoices")
_CIT_CODES = ("cit_cost_inflated", "cit_revenue_understated", "cit_profit_shifted")


@dataclass(frozen=True)
class Cases:
    """Old cases, one element each: firm position, key of its draws, days of its stages, treatment by position."""

    firm: Ints
    key: Ints
    pushed: Ints
    begun: Ints
    closed: Ints
    treatment: Ints


@dataclass(frozen=True)
class Points:
    """Points of cases: case position, tax, risk code, first and last month examined, what was answered."""

    case: Ints
    tax: np.ndarray
    code: np.ndarray
    first: Ints
    last: Ints
    found: Findings
    day: Ints


def audit_papers(world: World, f: Firms, book: Ledger) -> tuple[pa.Table, pa.Table]:
    """Rows of the old case system, and what the treasury received for its findings."""
    cases = _cases(world, f)
    points = _points(world, f, book, cases)
    return _events(world, f, cases, points), _payments(world, f, cases, points)


def _cases(world: World, f: Firms) -> Cases:
    c, pushed = world.chance, audits(world, f)
    firm, year = np.nonzero(pushed < NEVER)
    key, day = f.number[firm] * 100 + year, pushed[firm, year]
    wild = np.isin(f.typology[firm], (MILL, MISSING))
    treatment = np.where(wild, 2, c.pick([0.3, 0.55, 0.15], "old treatment", key))
    begun = day + c.whole(8, 45, "old begun", key)
    closed = begun + np.array([25, 50, 110])[treatment] + c.whole(0, 60, "old closed", key)
    return Cases(firm, key, day, begun, closed, treatment)


def _points(world: World, f: Firms, book: Ledger, cases: Cases) -> Points:
    c = world.chance
    month = (cases.pushed.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)) - (world.start.year - 1970) * 12 - world.start.month + 1
    shift = (world.start.month - 1) % 3
    last = (month - 2 + shift) // 3 * 3 - shift - 1  # the last quarter whose returns are in
    first = np.maximum((month - 14 + shift) // 3 * 3 - shift, 0)
    year_end = (month - 6 + world.start.month - 1) // 12 * 12 - world.start.month  # the last year whose CIT return is in
    blocks = [("VAT", first, last, last > first), ("CIT", year_end - 11, year_end, (year_end >= 11) & ~f.individual[cases.firm]),
              ("PIT", np.maximum(last - 2, 0), last, (last >= 2) & (c.uniform("looks at wages", cases.key) < 0.2))]
    parts = []
    for tax, a, b, there in blocks:
        at = np.flatnonzero(there)
        parts.append((at, np.full(len(at), tax), a[at], b[at]))
    case, tax, a, b = (np.concatenate(x) for x in zip(*parts, strict=True))
    code = _codes(world, f, cases, case, tax)
    kind = f.typology[cases.firm[case]]
    match = np.array([fits(k, t, r) for k, t, r in zip(kind.tolist(), tax.tolist(), code.tolist(), strict=True)], dtype=bool)
    hidden, due = (_ledger_sums(book, what, cases.firm[case], tax, a, b) for what in ("hidden", "due"))
    serial = np.searchsorted(np.array(["CIT", "PIT", "VAT"]), tax)
    found = examine(c, hidden, due, match, cases.treatment[case] > 0, cases.key[case], serial)
    code, found = _found_ourselves(world, cases, case, kind, tax, code, match, hidden, due, found, serial)
    span = cases.closed[case] - cases.begun[case]
    day = cases.begun[case] + 3 + np.floor((span - 6) * c.between(0.3, 0.95, "answered", cases.key[case], serial)).astype(np.int64)
    return Points(case, tax, code, np.maximum(a, 0), b, found, day)


def _ledger_sums(book: Ledger, what: str, firm: Ints, tax: np.ndarray, a: Ints, b: Ints) -> Ints:
    found = np.zeros(len(firm), dtype=np.int64)
    for one in np.unique(tax):
        at = tax == one
        found[at] = book.between(what, str(one), firm[at], a[at], b[at])
    return found


def _codes(world: World, f: Firms, cases: Cases, case: Ints, tax: np.ndarray) -> np.ndarray:
    """Risk codes the old rules wrote: the right one for seven in ten evaders, otherwise whatever rule fired."""
    c, key, kind = world.chance, cases.key[case], f.typology[cases.firm[case]]
    right = np.array([right_code(k, t) for k, t in zip(kind.tolist(), tax.tolist(), strict=True)], dtype=object)
    vat = np.array(_VAT_CODES, dtype=object)[c.pick([0.35, 0.25, 0.2, 0.15, 0.05], "old vat code", key)]
    cit = np.array(_CIT_CODES, dtype=object)[c.pick([0.6, 0.3, 0.1], "old cit code", key)]
    other = np.where(tax == "VAT", vat, np.where(tax == "CIT", cit, DEFAULT["PIT"]))
    return np.where(c.uniform("right rule", key, tax == "VAT") < 0.6, right, other).astype(str)


def _found_ourselves(world: World, cases: Cases, case: Ints, kind: Ints, tax: np.ndarray, code: np.ndarray, match: np.ndarray, hidden: Ints, due: Ints,
                     found: Findings, serial: Ints) -> tuple[np.ndarray, Findings]:
    """A finding under a code that did not name the fault is written as a new point with the right code."""
    right = np.array([right_code(k, t) for k, t in zip(kind.tolist(), tax.tolist(), strict=True)])
    new = ~match & (found.amount > 0) & (found.result < EXCLUDED)
    return np.where(new, right, code), Findings(np.where(new, NEW, found.result), found.reason, found.amount)


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
    c, firm = world.chance, cases.firm[case]
    ids = ids_of(world, f)[firm]
    there, at = point >= 0, np.maximum(point, 0)
    found = points.found

    def cell(values: np.ndarray, keep: np.ndarray = there) -> pa.Array:
        return pa.array(np.where(keep, values[at] if len(values) else "", "").astype(str))

    result, reason = np.array(RESULTS)[found.result], np.array([*REASONS, ""])[found.reason]
    starts, ends = days(world.first_day(points.first)), days(world.last_day(points.last))
    office = np.where(cases.treatment == 2, 330299, np.where(f.segment[cases.firm] == 0, 330298, f.region[cases.firm]))[case]
    post = np.where(np.isin(kind, ("pushed",)), "analyst", np.where(kind == "reviewed", "reviewer", np.where(kind == "paid", "collector", np.where(np.isin(kind, ("appealed", "overturned")), "legal", "assessor"))))
    money = (kind == "paid") | there & np.isin(found.result[at] if len(found.result) else at, (0, 1, 4))
    all_ids = point_ids(ids_of(world, f)[cases.firm[points.case]], points.tax, points.code, starts.to_pylist(), ends.to_pylist())
    columns = {
        "case_id": pa.array([f"H{k:09d}" for k in cases.key[case].tolist()]), "event_no": text(number), "event_on": days(day), "taxpayer_id": ids, "kind": kind.astype(str),
        "case_source": _SOURCES[c.pick(_WEIGHTS, "old source", cases.key)][case], "treatment": TREATMENTS[cases.treatment][case], "office_id": text(office), "post": post,
        "point_id": cell(all_ids), "risk_code": cell(points.code), "tax": cell(points.tax), "period_from": cell(np.array(starts.to_pylist(), dtype=str)),
        "period_to": cell(np.array(ends.to_pylist(), dtype=str)), "result": cell(result), "reason_code": cell(reason),
        "amount": amounts(amount, money), "effort_days": pa.array(["" if np.isnan(e) else f"{e:g}" for e in effort.tolist()]),
    }
    return papers(day, columns)


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
