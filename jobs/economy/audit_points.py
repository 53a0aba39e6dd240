"""What the old system said about each point of its cases, and what came of it: paid, in instalments, never; appealed, upheld, overturned."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from jobs.economy.audit_cases import INTERVIEW, Cases, Scope, fleeting, old_cases, scope
from jobs.economy.filing import Conduct
from jobs.economy.findings import EXCLUDED, FITS, NEW, RIGHT, Findings, Look, ease_of, examine
from jobs.economy.firms import Firms
from jobs.economy.returns import Returns
from jobs.economy.truth import Ledger, ledger
from jobs.economy.world import NEVER, TAXES, World, add_months
from jobs.lake.arrays import Flags, Ints

FLEETING_PAYS = 0.12
PARTS = (3, 7)  # instalments, a month apart
QUITS = 0.2  # of who pays in parts, how many stop half-way


@dataclass(frozen=True)
class Points:
    """Points of cases: what was looked at, what was answered on which day. `scope.code` is the code as answered."""

    scope: Scope
    found: Findings
    day: Ints

    @property
    def raised(self) -> Ints:
        """Cents assessed above what was declared."""
        return np.maximum(self.found.amount, 0)


@dataclass(frozen=True)
class Sequel:
    """What became of each case, one element each: days NEVER and counts 0 where nothing did.

    raised: cents assessed; paid: day of the first payment; parts: in how many; kept: how many of them came; appealed, decided: days;
    falls: the whole assessment is overturned; point: the one point that falls where only a part does, else -1.
    """

    raised: Ints
    paid: Ints
    parts: Ints
    kept: Ints
    appealed: Ints
    decided: Ints
    falls: Flags
    point: Ints


def book_of(world: World, f: Firms, made: list[tuple[Returns, Conduct]]) -> Ledger:
    """Due and hidden tax as it stood when the history ended: what is corrected later was still hidden from old examiners."""
    return ledger(replace(world, through=add_months(world.start, world.months)), f, made)


def audited(world: World, f: Firms, made: list[tuple[Returns, Conduct]]) -> tuple[Cases, Points]:
    """The old system's cases of a bucket's firms, and their points with answers."""
    cases = old_cases(world, f)
    return cases, old_points(world, f, book_of(world, f, made), cases)


def old_points(world: World, f: Firms, book: Ledger, cases: Cases) -> Points:
    """The points of old cases with their answers."""
    c, s = world.chance, scope(world, f, cases)
    kind, key = f.typology[cases.firm[s.case]], cases.key[s.case]
    match = FITS[kind, s.tax, s.code]
    hidden, due = (_sums(book, what, cases.firm[s.case], s) for what in ("hidden", "due"))
    look = Look(hidden, due, match, cases.treatment[s.case] > INTERVIEW, cases.skill[s.case], ease_of(world.country)[kind])
    found = examine(c, world.country.enforcement, look, key, s.tax)
    # A finding under a code that did not name the fault is written as a new point with the right code.
    new = ~match & (found.amount > 0) & (found.result < EXCLUDED)
    found = Findings(np.where(new, NEW, found.result), found.reason, found.amount)
    span = cases.closed[s.case] - cases.begun[s.case]
    day = cases.begun[s.case] + 3 + np.floor((span - 6) * c.between(0.3, 0.95, "answered", key, s.tax)).astype(np.int64)
    return Points(replace(s, code=np.where(new, RIGHT[kind, s.tax], s.code)), found, day)


def _sums(book: Ledger, what: str, firm: Ints, s: Scope) -> Ints:
    found = np.zeros(len(firm), dtype=np.int64)
    for one in np.unique(s.tax).tolist():
        at = s.tax == one
        found[at] = book.between(what, TAXES[one], firm[at], s.first[at], s.last[at])
    return found


def sequel(world: World, f: Firms, cases: Cases, points: Points) -> Sequel:
    """Payment and appeal of each case. What is disputed is paid first and at once, and paid back where the assessment falls."""
    c, e, key = world.chance, world.country.enforcement, cases.key
    raised = np.zeros(len(cases), dtype=np.int64)
    np.add.at(raised, points.scope.case, points.raised)
    pays = (raised > 0) & (c.uniform("collectable", key) < np.where(fleeting(f, cases), FLEETING_PAYS, 1 - e.uncollectable))
    paid = np.where(pays, cases.closed + c.whole(10, 60, "old paid", key), NEVER)
    disputes = (raised > 0) & (c.uniform("appeals", key) < e.appeals)
    appealed = np.where(disputes, np.where(pays, paid, cases.closed) + c.whole(5, 45, "old appealed", key), NEVER)
    decided = np.where(disputes, appealed + c.whole(60, 150, "old decided", key), NEVER)
    falls = disputes & (c.uniform("overturned", key) < e.overturned)
    first, several = _one_raised(world, cases, points)
    partly = falls & several & (c.uniform("falls in part", key) < e.overturned_in_part)
    parts = np.where(pays & ~disputes & (c.uniform("instalments", key) < e.instalments), c.whole(*PARTS, "parts", key), 1)
    kept = np.where((parts > 1) & (c.uniform("quits", key) < QUITS), (parts + 1) // 2, parts)
    return Sequel(raised, paid, np.where(pays, parts, 0), np.where(pays, kept, 0), appealed, decided, falls & ~partly, np.where(partly, first, -1))


def _one_raised(world: World, cases: Cases, points: Points) -> tuple[Ints, Flags]:
    """One raised point of each case, by lot, -1 where none; and whether there are several."""
    at = np.flatnonzero(points.raised > 0)
    case = points.scope.case[at]
    order = np.lexsort((world.chance.uniform("which falls", cases.key[case], points.scope.tax[at]), case))
    found = np.full(len(cases), -1, dtype=np.int64)
    found[case[order]] = at[order]
    return found, np.bincount(case, minlength=len(cases)) > 1


def fallen(points: Points, s: Sequel) -> Flags:
    """Points whose assessment was overturned."""
    number = np.arange(len(points.scope.case))
    return np.asarray((points.raised > 0) & (s.falls[points.scope.case] | (s.point[points.scope.case] == number)))


def instalments(points: Points, s: Sequel) -> tuple[Ints, Ints, Ints]:
    """What was paid on raised points: point, day, cents. The last part carries the cents that do not divide."""
    at = np.flatnonzero((points.raised > 0) & (s.kept[points.scope.case] > 0))
    case = points.scope.case[at]
    kept, parts = s.kept[case], s.parts[case]
    point, row = np.repeat(at, kept), np.repeat(np.arange(len(at)), kept)
    nth = np.arange(len(point)) - np.repeat(np.cumsum(kept) - kept, kept)
    each = points.raised[point] // parts[row]
    cents = np.where(nth == parts[row] - 1, points.raised[point] - each * (parts[row] - 1), each)
    return point, s.paid[case][row] + 30 * nth, cents
