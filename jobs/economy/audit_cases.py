"""Whom the old system examined and what it said: cases with their days, points with codes of old rules, answers that see only part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.economy.findings import DEFAULT, EXCLUDED, NEW, Findings, examine, fits, right_code
from jobs.economy.firms import Firms
from jobs.economy.kinds import MILL, MISSING
from jobs.economy.schedule import audits
from jobs.economy.truth import Ledger
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Ints

Text = npt.NDArray[np.str_]

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
    tax: Text
    code: Text
    first: Ints
    last: Ints
    found: Findings
    day: Ints


def old_cases(world: World, f: Firms) -> Cases:
    """The cases of a bucket's firms."""
    c, pushed = world.chance, audits(world, f)
    firm, year = np.nonzero(pushed < NEVER)
    key, day = f.number[firm] * 100 + year, pushed[firm, year]
    wild = np.isin(f.typology[firm], (MILL, MISSING))
    treatment = np.where(wild, 2, c.pick([0.3, 0.55, 0.15], "old treatment", key))
    begun = day + c.whole(8, 45, "old begun", key)
    closed = begun + np.array([25, 50, 110])[treatment] + c.whole(0, 60, "old closed", key)
    return Cases(firm, key, day, begun, closed, treatment)


def old_points(world: World, f: Firms, book: Ledger, cases: Cases) -> Points:
    """The points of old cases with their answers: VAT of up to a year, the last year's CIT, now and then wages."""
    case, tax, first, last = _scope(world, f, cases)
    kind, serial = f.typology[cases.firm[case]], np.searchsorted(np.array(["CIT", "PIT", "VAT"]), tax).astype(np.int64)
    code = _codes(world, f, cases, case, tax)
    match = np.array([fits(k, t, r) for k, t, r in zip(kind.tolist(), tax.tolist(), code.tolist(), strict=True)], dtype=np.bool_)
    hidden, due = (_ledger_sums(book, what, cases.firm[case], tax, first, last) for what in ("hidden", "due"))
    found = examine(world.chance, hidden, due, match, cases.treatment[case] > 0, cases.key[case], serial)
    # A finding under a code that did not name the fault is written as a new point with the right code.
    new = ~match & (found.amount > 0) & (found.result < EXCLUDED)
    code = np.where(new, _right(kind, tax), code)
    found = Findings(np.where(new, NEW, found.result), found.reason, found.amount)
    span = cases.closed[case] - cases.begun[case]
    share = world.chance.between(0.3, 0.95, "answered", cases.key[case], serial)
    day = cases.begun[case] + 3 + np.floor((span - 6) * share).astype(np.int64)
    return Points(case, tax, code, first, last, found, day)


def _scope(world: World, f: Firms, cases: Cases) -> tuple[Ints, Text, Ints, Ints]:
    """Which case looks at which tax, from which month to which."""
    month = cases.pushed.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - (world.start.year - 1970) * 12
    last = (month - 2) // 3 * 3 - 1  # the last quarter whose returns are in
    first = np.maximum((month - 14) // 3 * 3, 0)
    year_end = (month - 6) // 12 * 12 - 1  # the last year whose CIT return is in
    wages = (last >= 2) & (world.chance.uniform("looks at wages", cases.key) < 0.2)
    blocks = [("VAT", first, last, last > first), ("CIT", year_end - 11, year_end, (year_end >= 11) & ~f.individual[cases.firm]), ("PIT", np.maximum(last - 2, 0), last, wages)]
    at = [np.flatnonzero(there) for _, _, _, there in blocks]
    tax = np.concatenate([np.full(len(n), name) for n, (name, _, _, _) in zip(at, blocks, strict=True)])
    starts, ends = (np.concatenate([b[side][n] for n, b in zip(at, blocks, strict=True)]) for side in (1, 2))
    return np.concatenate(at), tax, starts, ends


def _right(kind: Ints, tax: Text) -> Text:
    return np.array([right_code(k, t) for k, t in zip(kind.tolist(), tax.tolist(), strict=True)], dtype="<U32")


def _ledger_sums(book: Ledger, what: str, firm: Ints, tax: Text, a: Ints, b: Ints) -> Ints:
    found = np.zeros(len(firm), dtype=np.int64)
    for one in np.unique(tax):
        at = tax == one
        found[at] = book.between(what, str(one), firm[at], a[at], b[at])
    return found


def _codes(world: World, f: Firms, cases: Cases, case: Ints, tax: Text) -> Text:
    """Risk codes the old rules wrote: the right one for six evaders in ten, otherwise whatever rule fired."""
    c, key = world.chance, cases.key[case]
    vat = np.array(_VAT_CODES)[c.pick([0.35, 0.25, 0.2, 0.15, 0.05], "old vat code", key)]
    cit = np.array(_CIT_CODES)[c.pick([0.6, 0.3, 0.1], "old cit code", key)]
    other = np.where(tax == "VAT", vat, np.where(tax == "CIT", cit, DEFAULT["PIT"]))
    return np.where(c.uniform("right rule", key, tax == "VAT") < 0.6, _right(f.typology[cases.firm[case]], tax), other)
