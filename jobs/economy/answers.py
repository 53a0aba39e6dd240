"""What is said about each point of a case: it follows from truth, through an examiner who sees only part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from jobs.economy.dossier import Dossier
from jobs.economy.findings import (
    CONFIRMED,
    EXCLUDED,
    IN_PART,
    NEW,
    NOT_EXAMINED,
    REASONS,
    Findings,
    Look,
    ease_of,
    examine,
    fits,
    right_code,
)
from jobs.economy.inspectors import inspector, skill
from jobs.economy.points import point_ids
from jobs.economy.reminded import Response, faults, mended
from jobs.economy.world import TAXES, World
from jobs.lake.arrays import day_number

_LAST_YEAR = 400  # days: what a year's periods and their last returns take
_FORMAL = ("filing_missing", "filing_late", "payment_short", "ownership_risk", "amendment_downward")


@dataclass(frozen=True)
class Case:
    """One selection in work: its dossier, its points, and who works it."""

    row: Mapping[str, Any]
    dossier: Dossier
    points: list[Mapping[str, Any]]
    as_of: date

    @property
    def key(self) -> tuple[int, int]:
        """Key of the case's draws."""
        return self.dossier.firm, day_number(self.as_of)

    @property
    def thorough(self) -> bool:
        """Is this an examination, or a talk?"""
        return self.row["treatment"] in ("assess", "inspect")

    def examiner(self, world: World) -> str:
        """Post that works the case."""
        return "inspector" if self.row["office_id"] == str(world.country.place.inspection_office) else "assessor"

    def inspector(self, world: World) -> int:
        """Number of who works the case."""
        return int(inspector(world, np.array(int(self.row["office_id"])), *self.key))


@dataclass(frozen=True)
class Answer:
    """What is said about one point. Amount in cents."""

    point_id: str | None
    code: str
    tax: str
    first: date
    last: date
    result: int
    reason: str | None
    amount: int


def answers(world: World, case: Case, response: Response) -> list[Answer]:
    """An answer per point, and new points for what was found beside them."""
    if case.row["treatment"] == "guide":
        return [_guided(world, case, p, response) for p in case.points]
    if not case.points:
        return _comprehensive(world, case)
    return _renamed(case, [_about(world, case, p) for p in case.points])


def _renamed(case: Case, said: list[Answer]) -> list[Answer]:
    """A fault seen under the wrong name is written as a new point; the point that misnamed it is excluded."""
    kind, named = case.dossier.typology, {(a.tax, a.code) for a in said}
    final: list[Answer] = []
    found: dict[str, Answer] = {}
    for a in said:
        if a.result not in (CONFIRMED, IN_PART) or a.amount <= 0 or a.code in _FORMAL or fits(kind, a.tax, a.code):
            final.append(a)
            continue
        final.append(replace(a, result=EXCLUDED, reason=REASONS[0], amount=0))
        code = right_code(kind, a.tax)
        if (a.tax, code) not in named and a.tax not in found:
            found[a.tax] = _new(case, code, a.tax, a.first, a.last, a.amount)
    return [*final, *found.values()]


def _new(case: Case, code: str, tax: str, first: date, last: date, amount: int) -> Answer:
    ids = point_ids(np.array([case.dossier.taxpayer_id]), np.array([tax]), np.array([code]), [str(first)], [str(last)])
    return Answer(str(ids[0]), code, tax, first, last, NEW, None, amount)


def _about(world: World, case: Case, point: Mapping[str, Any]) -> Answer:
    code, tax, first, last = point["risk_code"], point["tax"], point["period_from"], point["period_to"]
    spans = case.dossier.about(tax, first, last)
    least = world.country.enforcement.tolerance_cents
    wrong, only_paid = faults(code, spans, least)
    if code in ("filing_missing", "payment_short"):
        amount = sum(p.declared - p.paid if only_paid else p.due for p in wrong)
        if amount > least:
            return Answer(point["point_id"], code, tax, first, last, CONFIRMED, None, amount)
        return Answer(point["point_id"], code, tax, first, last, EXCLUDED, "threshold" if wrong else "data_wrong", 0)
    if code in ("filing_late", "ownership_risk"):
        return Answer(point["point_id"], code, tax, first, last, EXCLUDED, "already_corrected" if code == "filing_late" else "innocent_explanation", 0)
    match = fits(case.dossier.typology, tax, code) or code == "amendment_downward"
    found = _seen(world, case, tax, first, last, match, int(point["point_id"][:8], 16))
    result, reason = int(found.result[0]), int(found.reason[0])
    return Answer(point["point_id"], code, tax, first, last, result, REASONS[reason] if result == EXCLUDED else None, int(found.amount[0]))


def _seen(world: World, case: Case, tax: str, first: date, last: date, match: bool, serial: int) -> Findings:
    """What the case's inspector finds in a tax and the periods that overlap the days."""
    d = case.dossier
    hidden, due = d.hidden(tax, first, last), sum(p.due for p in d.about(tax, first, last))
    able, ease = skill(world, np.array([case.inspector(world)])), ease_of(world.country)[[d.typology]]
    look = Look(np.array([hidden]), np.array([due]), np.array([match]), np.array([case.thorough]), able, ease)
    return examine(world.chance, world.country.enforcement, look, *(np.array([k]) for k in (*case.key, serial)))


def _guided(world: World, case: Case, point: Mapping[str, Any], response: Response) -> Answer:
    """After guidance nobody examines: a point is answered only where the taxpayer has put it right."""
    tax, first, last = point["tax"], point["period_from"], point["period_to"]
    hidden = case.dossier.hidden(tax, first, last)
    fixed = mended(case.dossier, response, tax, first, last) and hidden > world.country.enforcement.tolerance_cents
    return Answer(point["point_id"], point["risk_code"], tax, first, last, CONFIRMED if fixed else NOT_EXAMINED, None, hidden if fixed else 0)


def _comprehensive(world: World, case: Case) -> list[Answer]:
    """A case without points looks at the last year of every tax and writes new points for what it sees."""
    found = list[Answer]()
    for n, tax in enumerate(TAXES):
        recent = [p for p in case.dossier.periods if p.tax == tax and (case.as_of - p.last).days < _LAST_YEAR]
        if not recent:
            continue
        first, last = min(p.first for p in recent), max(p.last for p in recent)
        seen = _seen(world, case, tax, first, last, True, n)
        if int(seen.result[0]) in (CONFIRMED, IN_PART):
            found.append(_new(case, right_code(case.dossier.typology, tax), tax, first, last, int(seen.amount[0])))
    return found
