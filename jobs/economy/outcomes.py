"""What comes after a case was closed with a finding: payment, at once, in instalments or never; an appeal, upheld or not; money paid back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from jobs.economy.answers import Answer, Case
from jobs.economy.audit_points import FLEETING_PAYS, PARTS, QUITS
from jobs.economy.reminded import Response
from jobs.economy.world import World

LONGEST = 900  # days from a night to the last thing it brings about


def after_closing(world: World, case: Case, raised: list[Answer], closed: date, response: Response) -> None:
    """Add findings and the actions of collectors and of the legal post. What is disputed is paid first and at once."""
    if not raised:
        return
    c, key, e = world.chance, case.key, world.country.enforcement
    pays = float(c.uniform("pays finding", *key)) < (FLEETING_PAYS if case.dossier.fleeting else 1 - e.uncollectable)
    first = closed + timedelta(days=int(c.whole(10, 60, "paid", *key)))
    disputes = float(c.uniform("appeals", *key)) < e.appeals
    parts = int(c.whole(*PARTS, "parts", *key)) if pays and not disputes and float(c.uniform("instalments", *key)) < e.instalments else 1
    kept = 0 if not pays else (parts + 1) // 2 if parts > 1 and float(c.uniform("quits", *key)) < QUITS else parts
    fallen, decided = _appeal(world, case, raised, first if pays else closed, response) if disputes else ([], None)
    back = decided + timedelta(days=int(c.whole(15, 60, "paid back", *key))) if decided else None
    for n in range(parts):
        paid_on = first + timedelta(days=30 * n) if n < kept else None
        for a in raised:
            fell = decided if a in fallen else None
            response.findings.append(_finding(case, a, _part(a.amount, parts, n), closed, paid_on, back if fell and paid_on else None, fell))
        if paid_on:
            response.actions.append(_paid(case, paid_on, sum(_part(a.amount, parts, n) for a in raised)))
    if fallen and kept and back:
        response.actions.append(_paid(case, back, -sum(a.amount for a in fallen)))


def _part(amount: int, parts: int, n: int) -> int:
    """The n-th of so many instalments; the last carries the cents that do not divide."""
    each = amount // parts
    return amount - each * (parts - 1) if n == parts - 1 else each


def _appeal(world: World, case: Case, raised: list[Answer], since: date, response: Response) -> tuple[list[Answer], date | None]:
    """What falls on appeal, and when. One that is upheld leaves no trace but the appeal."""
    c, key, e = world.chance, case.key, world.country.enforcement
    appealed = since + timedelta(days=int(c.whole(5, 45, "appealed", *key)))
    response.actions.append(_legal(world, case, "appealed", appealed))
    if float(c.uniform("overturned", *key)) >= e.overturned:
        return [], None
    decided = appealed + timedelta(days=int(c.whole(60, 150, "decided", *key)))
    partly = len(raised) > 1 and float(c.uniform("falls in part", *key)) < e.overturned_in_part
    fallen = [raised[int(c.whole(0, len(raised), "which falls", *key))]] if partly else raised
    response.actions += _overturned(world, case, fallen, decided, partly)
    return fallen, decided


def _overturned(world: World, case: Case, fallen: list[Answer], decided: date, partly: bool) -> Iterator[dict[str, Any]]:
    if not partly:
        yield _legal(world, case, "overturned", decided)
        return
    for a in fallen:
        yield _legal(world, case, "overturned", decided) | {"point_id": a.point_id}


def _legal(world: World, case: Case, kind: str, day: date) -> dict[str, Any]:
    return {"case_id": case.row["case_id"], "event_on": day.isoformat(), "kind": kind, "post": "legal", "office_id": str(world.country.place.city_office)}


def _paid(case: Case, day: date, cents: int) -> dict[str, Any]:
    return {"case_id": case.row["case_id"], "event_on": day.isoformat(), "kind": "paid", "post": "collector", "office_id": case.row["office_id"], "amount": cents / 100}


def _finding(case: Case, a: Answer, cents: int, closed: date, paid_on: date | None, repaid_on: date | None, fell_on: date | None) -> dict[str, Any]:
    return {
        "firm": case.dossier.firm, "taxpayer_id": case.dossier.taxpayer_id, "tax": a.tax, "period_from": a.first, "period_to": a.last, "amount": cents, "found_on": closed,
        "paid_on": paid_on, "repaid_on": repaid_on, "fell_on": fell_on, "case_id": case.row["case_id"],
    }  # fmt: skip
