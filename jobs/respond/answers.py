"""Answers per risk point (风险点应对反馈): confirmed, in part, excluded, not examined, or new."""

from __future__ import annotations

import hashlib
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.respond.access import Refusal
from jobs.respond.records import Case, Statement, TaskPoint

RESULTS = ("confirmed", "in_part", "excluded", "not_examined", "new")
EXCLUDED = ("data_wrong", "innocent_explanation", "threshold", "policy_read_differently", "already_corrected")
_FOUND_WITHOUT_US = "{}"  # the facts of a point that no indicator opened
_WITH_AMOUNT = ("confirmed", "in_part", "new")

Period = tuple[date | None, date | None]


def point_id(taxpayer_id: str, tax: str, risk_code: str, period_from: date, period_to: date) -> str:
    """The key of a risk point, the same in every room: 20 hex digits of SHA-256 over its parts."""
    return hashlib.sha256(f"{taxpayer_id}|{tax}|{risk_code}|{period_from}|{period_to}".encode()).hexdigest()[:20]


def answer_point(session: Session, case: Case, given: str | None, result: str | None, reason: str | None, amount: int | None,
                 risk_code: str | None, tax: str | None, period: Period) -> TaskPoint:
    """Answer one point of a case, or add a new one that was found without us. Amount in cents, downward negative.

    Refusal for an unknown point or result, a missing reason or amount, and for an amount that rises after the taxpayer's statement.
    """
    _check(result, reason, amount)
    point = session.get(TaskPoint, (case.case_id, given)) if given else None
    if point is not None and result == "new" and not point.joined and point.facts != _FOUND_WITHOUT_US:
        raise Refusal("result", "'new' is for a fault that is not on the list; a point of the list is confirmed, in_part, excluded or not_examined")
    if point is None and result == "new":
        point = _new_point(session, case, risk_code, tax, period)
    if point is None:
        raise Refusal("unknown_point", "the case has no such point; copy the point's number from the list, or answer 'new' with risk code, tax and period")
    if point.result is not None and (amount or 0) > (point.amount or 0) and _heard_since(session, point):
        raise Refusal("worse_after_statement", "the amount may not rise after the taxpayer was heard on it; a statement never worsens his position")
    point.state, point.result, point.reason_code = "answered", result, reason
    point.amount = amount if result in _WITH_AMOUNT else 0 if result == "excluded" else None
    point.answered_event = case.events + 1
    return point


def _check(result: str | None, reason: str | None, amount: int | None) -> None:
    if result not in RESULTS:
        raise Refusal("result", f"'{result}' is no answer; give one of {', '.join(RESULTS)}")
    if result == "excluded" and reason not in EXCLUDED:
        raise Refusal("reason", f"an excluded point needs its reason; give one of {', '.join(EXCLUDED)}")
    if result in _WITH_AMOUNT and not amount:
        raise Refusal("amount", f"'{result}' needs the tax adjusted, in currency units (downward negative)")
    if result not in _WITH_AMOUNT and amount:
        raise Refusal("amount", f"'{result}' carries no amount; leave it empty, or answer confirmed or in_part")


def _new_point(session: Session, case: Case, risk_code: str | None, tax: str | None, period: Period) -> TaskPoint:
    start, end = period
    if not (risk_code and tax and start and end) or end < start:
        raise Refusal("new_point", "a new point needs risk code, tax, and the first and last day of its period")
    key = point_id(case.taxpayer_id, tax, risk_code, start, end)
    point = session.get(TaskPoint, (case.case_id, key))
    if point is None:
        point = TaskPoint(case_id=case.case_id, point_id=key, risk_code=risk_code, tax=tax, period_from=start, period_to=end, facts=_FOUND_WITHOUT_US, fraud=False, joined=False, state="open")
        session.add(point)
    return point


def _heard_since(session: Session, point: TaskPoint) -> bool:
    query = select(Statement.event_no).where(Statement.case_id == point.case_id, Statement.event_no > (point.answered_event or 0))
    return session.scalars(query.limit(1)).first() is not None
