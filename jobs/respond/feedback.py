"""Feedback on cases: many actions at once, each checked like one done by hand; the good ones are done, the others refused with place and remedy.

An action counts once however often its file is read: its key is a digest of its content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.conf import Conf
from jobs.lake.faults import fault_point
from jobs.respond.access import TAXPAYER, Refusal, taxpayer
from jobs.respond.audit import canonical
from jobs.respond.draw import uniform
from jobs.respond.records import Appointment, Case, CaseAction
from jobs.respond.store import Store
from jobs.respond.workflow import Action, done_before, perform, record_refusal, transition

_BATCH = 200
_TEXTS = ("case_id", "kind", "post", "office_id", "point_id", "risk_code", "tax", "result", "reason_code", "text", "to_office", "person")
_DATES = ("event_on", "period_from", "period_to")
_NUMBERS = ("amount", "effort_days")
_KEYS = frozenset((*_TEXTS, *_DATES, *_NUMBERS))


@dataclass(frozen=True)
class RefusedRow:
    """One action that was not done: where it stands, why, and what to do."""

    place: str
    case_id: str
    code: str
    message: str


@dataclass(frozen=True)
class Applied:
    """What became of a file of feedback."""

    done: int
    repeated: int
    refused: tuple[RefusedRow, ...]


@dataclass(frozen=True)
class Wish:
    """One action as given, with its place. `person` empty: whoever holds the post in that office."""

    place: str
    action: Action


def apply_feedback(store: Store, conf: Conf, path: Path) -> Applied:
    """Do the actions of a JSON-lines file, in the order of their days. Amounts in currency units; keys as in docs/respond.md.

    Refused rows are returned with file and line; they are on the audit trail and change nothing.
    """
    wishes, bad = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            place = f"{path.name}:{number}"
            try:
                wishes.append(Wish(place, read_action(json.loads(line))))
            except (ValueError, Refusal) as fault:
                bad.append(RefusedRow(place, "", "unreadable", f"{fault}; correct the line and send the file again"))
    return apply(store, conf, wishes, bad)


def apply(store: Store, conf: Conf, wishes: Iterable[Wish], bad: Iterable[RefusedRow] = ()) -> Applied:
    """Do wishes in the order of their days, then of their places in the file; each in a savepoint of its own."""
    ordered = sorted(wishes, key=lambda w: w.action.event_on)
    done = repeated = 0
    refused = list(bad)
    for start in range(0, len(ordered), _BATCH):
        with store.write() as session:
            for wish in ordered[start : start + _BATCH]:
                outcome = _one(session, conf, wish)
                done += outcome == "done"
                repeated += outcome == "repeated"
                if isinstance(outcome, RefusedRow):
                    refused.append(outcome)
            fault_point("feedback:before_commit")
    return Applied(done, repeated, tuple(refused))


def _one(session: Session, conf: Conf, wish: Wish) -> str | RefusedRow:
    action = wish.action
    if done_before(session, action) is not None:
        return "repeated"
    try:
        with session.begin_nested():
            perform(session, conf, replace(action, person=action.person or _holder(session, conf, action)))
    except Refusal as refusal:
        record_refusal(session, action, refusal)
        return RefusedRow(wish.place, action.case_id, refusal.code, str(refusal))
    return "done"


def _holder(session: Session, conf: Conf, action: Action) -> str:
    """The person who holds the post: whoever works the case, else one drawn by keyed hash among those whom the act is not barred to."""
    case = session.get(Case, action.case_id)
    if case is None:
        raise Refusal("unknown_case", f"no case {action.case_id}; take the number from the list or the case page")
    if action.post == TAXPAYER:
        return taxpayer(case.taxpayer_id)
    office = action.office_id or case.office_id
    query = select(Appointment.person).where(Appointment.post_id == action.post, Appointment.office_id == office, Appointment.valid_from <= action.event_on)
    held = session.scalars(query.where((Appointment.valid_to.is_(None)) | (Appointment.valid_to >= action.event_on))).all()
    barred = transition(conf, action.kind, action.event_on).apart_from
    acted = set(session.scalars(select(CaseAction.person).where(CaseAction.case_id == case.case_id, CaseAction.kind.in_(barred))))
    free = sorted(set(held) - acted)
    if not free:
        raise Refusal("vacant", f"nobody who may do '{action.kind}' holds the post '{action.post}' in office {office} on {action.event_on}; appoint somebody, or name the person")
    return case.worked_by if case.worked_by in free else min(free, key=lambda person: uniform(0, f"holder|{case.case_id}", person))


def read_action(given: Mapping[str, Any]) -> Action:
    """An action from plain values: ISO dates, amounts in currency units. ValueError names the key and what it must be."""
    if not isinstance(given, Mapping):
        raise ValueError("each line must be one JSON object")
    if unknown := sorted(set(given) - _KEYS):
        raise ValueError(f"unknown key(s) {', '.join(unknown)}; known are {', '.join(sorted(_KEYS))}")
    if missing := [k for k in ("case_id", "kind", "event_on") if not given.get(k)]:
        raise ValueError(f"key(s) {', '.join(missing)} missing")
    texts = {k: _text(k, given.get(k)) for k in _TEXTS}
    dates = {k: _date(k, given.get(k)) for k in _DATES}
    effort = _number("effort_days", given.get("effort_days"))
    amount = _number("amount", given.get("amount"))
    return Action(
        case_id=texts["case_id"] or "", kind=texts["kind"] or "", event_on=dates["event_on"] or date.min, person=texts["person"] or "", post=texts["post"],
        office_id=texts["office_id"], point_id=texts["point_id"], risk_code=texts["risk_code"], tax=texts["tax"], period_from=dates["period_from"],
        period_to=dates["period_to"], result=texts["result"], reason_code=texts["reason_code"], amount=None if amount is None else int(amount.quantize(Decimal("0.01")) * 100),
        effort_days=None if effort is None else float(effort), text=texts["text"], to_office=texts["to_office"], key=_key(given),
    )


def _key(given: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical({k: v for k, v in given.items() if v is not None}).encode()).hexdigest()


def _text(key: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"{key}: must be text, is {value!r}")
    return value


def _date(key: str, value: Any) -> date | None:
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{key}: must be a date such as 2026-03-31, is {value!r}") from None


def _number(key: str, value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or abs(number) >= Decimal(10) ** 16 or (key == "effort_days" and number < 0):
        raise ValueError(f"{key}: must be a number{' that is not negative' if key == 'effort_days' else ''}, is {value!r}")
    return number
