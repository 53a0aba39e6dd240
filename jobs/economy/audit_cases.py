"""The old system's cases: who works them, how, which taxes and periods they examine, under which codes of old rules. All without the books.

No tax of a firm is examined twice for the same period: a case begins where the one before it ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.economy.choosing import ASSIGNED, CAMPAIGN, RANDOM, SOURCES, TIP_OFF, TRANSFERRED, chosen
from jobs.economy.findings import FITS, HIDES, RIGHT, RISKS, ease_of, sees, skipped
from jobs.economy.inspectors import inspector, skill
from jobs.economy.kinds import FLEETING
from jobs.economy.world import NEVER, TAXES, World
from jobs.lake.arrays import Flags, Floats, Ints

if TYPE_CHECKING:
    from jobs.economy.firms import Firms

TREATMENTS = ("interview", "assess", "inspect")
INTERVIEW, ASSESS, INSPECT = range(len(TREATMENTS))
_HOW = {RANDOM: (0.0, 0.6, 0.4), CAMPAIGN: (0.1, 0.7, 0.2), ASSIGNED: (0.1, 0.5, 0.4), TRANSFERRED: (0.0, 0.3, 0.7), TIP_OFF: (0.1, 0.4, 0.5)}
_USUAL = (0.35, 0.55, 0.1)
_LASTS = (25, 50, 110)  # days, by treatment
_RIGHT_RULE = 0.6  # of the codes that old rules wrote, how many name the fault
_OLD_CODES = {
    "VAT": {"vat_sales_understated": 0.35, "vat_input_unmatched": 0.25, "vat_input_inflated": 0.2, "vat_cash_sales_suppressed": 0.15, "vat_fictitious_invoices": 0.05},
    "CIT": {"cit_cost_inflated": 0.6, "cit_revenue_understated": 0.3, "cit_profit_shifted": 0.1},
}  # fmt: skip


@dataclass(frozen=True)
class Cases:
    """Old cases, one element each: firm position, key of its draws, source and treatment by position, office, inspector, days of its stages."""

    firm: Ints
    key: Ints
    source: Ints
    treatment: Ints
    office: Ints
    inspector: Ints
    skill: Floats
    pushed: Ints
    begun: Ints
    closed: Ints

    def __len__(self) -> int:
        return len(self.firm)


@dataclass(frozen=True)
class Scope:
    """What cases look at, one element per point: case position, tax and code by position, first and last month examined."""

    case: Ints
    tax: Ints
    code: Ints
    first: Ints
    last: Ints


def old_cases(world: World, f: Firms) -> Cases:
    """The cases of a bucket's firms, by firm and year."""
    c, place = world.chance, world.country.place
    pushed, source = chosen(world, f)
    firm, year = np.nonzero(pushed < NEVER)
    key, day, source = f.number[firm] * 100 + year, pushed[firm, year], source[firm, year]
    how = np.cumsum(np.array([_HOW.get(s, _USUAL) for s in range(len(SOURCES))]), axis=1)
    treatment = np.minimum((c.uniform("old treatment", key)[:, None] >= how[source]).sum(axis=1), INSPECT)
    begun = day + c.whole(8, 45, "old begun", key)
    closed = begun + np.array(_LASTS)[treatment] + c.whole(0, 60, "old closed", key)
    office = np.where(treatment == INSPECT, place.inspection_office, np.where(f.segment[firm] == 0, place.large_office, f.region[firm]))
    who = inspector(world, office, key)
    return Cases(firm, key, source, treatment, office, who, skill(world, who), day, begun, closed)


def month_of(world: World, day: Ints) -> Ints:
    """Month number of day numbers."""
    return np.asarray(day).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - (world.start.year - 1970) * 12 - world.start.month + 1


def scope(world: World, f: Firms, cases: Cases) -> Scope:
    """Which case looks at which tax, from which month to which: VAT of a year, the last year's CIT, now and then wages, property, land."""
    c, month = world.chance, month_of(world, cases.pushed)
    last = (month - 2) // 3 * 3 - 1  # the last quarter whose returns are in
    first = np.maximum((month - 14) // 3 * 3, 0)
    year_end = (month - 6) // 12 * 12 - 1  # the last year whose annual returns are in
    half = (month - 2) // 6 * 6 - 1
    wages = c.uniform("looks at wages", cases.key) < 0.4
    property_ = f.lets[cases.firm] | (c.uniform("looks at property", cases.key) < 0.05)
    yearly = (year_end - 11, year_end)
    spans = {
        "VAT": (first, last, np.ones(len(cases), dtype=np.bool_)), "CIT": (*yearly, ~f.individual[cases.firm]), "PIT": (first, last, wages), "SOCIAL": (first, last, wages),
        "PROPERTY": (np.maximum(half - 11, 0), half, property_), "LVAT": (*yearly, f.develops[cases.firm]),
    }  # fmt: skip
    parts = [_apart(cases, TAXES.index(tax), *span) for tax, span in spans.items()]
    case, tax, a, b = (np.concatenate(p) for p in zip(*parts, strict=True))
    return Scope(case, tax, _codes(world, f, cases, case, tax), a, b)


def _apart(cases: Cases, tax: int, first: Ints, last: Ints, looks: Flags) -> tuple[Ints, Ints, Ints, Ints]:
    """The cases that look at a tax, each from where the firm's cases before it ended; none where nothing is left."""
    ended = np.full(int(cases.firm.max(initial=-1)) + 1, -1, dtype=np.int64)
    start = first.copy()
    year = cases.key % 100
    for y in np.unique(year).tolist():
        now = np.flatnonzero((year == y) & looks & (last >= 0) & (first >= 0))
        start[now] = np.maximum(first[now], ended[cases.firm[now]] + 1)
        ended[cases.firm[now]] = np.maximum(ended[cases.firm[now]], last[now])
    case = np.flatnonzero(looks & (last > start) & (first >= 0))
    return case, np.full(len(case), tax), start[case], last[case]


def _codes(world: World, f: Firms, cases: Cases, case: Ints, tax: Ints) -> Ints:
    """Risk codes the old rules wrote: the right one for six evaders in ten, otherwise whatever rule fired."""
    c, key = world.chance, cases.key[case]
    right = RIGHT[f.typology[cases.firm[case]], tax]
    other = right.copy()
    for name, weight in _OLD_CODES.items():
        at = tax == TAXES.index(name)
        drawn = c.pick(list(weight.values()), "old code", key[at], tax[at])
        other[at] = np.array([RISKS.index(code) for code in weight], dtype=np.int64)[drawn]
    return np.where(c.uniform("right rule", key, tax) < _RIGHT_RULE, right, other)


def spotted(world: World, f: Firms, cases: Cases) -> Flags:
    """In which cases the examiner sees a fault that the firm's typology commits, were there one."""
    s = scope(world, f, cases)
    kind, key = f.typology[cases.firm[s.case]], cases.key[s.case]
    seen = sees(world.chance, FITS[kind, s.tax, s.code], cases.treatment[s.case] > INTERVIEW, cases.skill[s.case], ease_of(world.country)[kind], key, s.tax)
    seen &= HIDES[kind, s.tax] & ~skipped(world.chance, key, s.tax)
    return np.bincount(s.case, weights=seen, minlength=len(cases)) > 0


def fleeting(f: Firms, cases: Cases) -> Flags:
    """Cases about firms that exist only for fraud."""
    return np.isin(f.typology[cases.firm], FLEETING)
