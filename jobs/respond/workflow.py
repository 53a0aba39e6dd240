"""An act on a case: checked against post, office, state, separation of duties and guards, then done and recorded as one event.

What may follow what is data (conf/workflow.yaml). An act that is refused changes nothing and is on the audit trail too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.conf import COMPREHENSIVE, Conf, Transition, in_force
from jobs.respond.access import Refusal, Seat, apart, authorise
from jobs.respond.answers import answer_point
from jobs.respond.audit import record
from jobs.respond.records import Case, CaseAction, Statement, TaskPoint
from jobs.respond.store import Store

NOTHING_FOUND = "nothing_found"


@dataclass(frozen=True)
class Action:
    """What somebody wants to do to a case. Amounts are in cents; `key` makes the same action count once."""

    case_id: str
    kind: str
    event_on: date
    person: str
    post: str | None = None
    office_id: str | None = None
    point_id: str | None = None
    risk_code: str | None = None
    tax: str | None = None
    period_from: date | None = None
    period_to: date | None = None
    result: str | None = None
    reason_code: str | None = None
    amount: int | None = None
    effort_days: float | None = None
    text: str | None = None
    to_office: str | None = None
    key: str | None = None


def act(store: Store, conf: Conf, action: Action) -> CaseAction:
    """Do one action in a transaction of its own; one whose key was done before is not done again. Refusal, recorded on the audit trail, when it
    may not be done.
    """
    try:
        with store.write() as session:
            return done_before(session, action) or perform(session, conf, action)
    except Refusal as refusal:
        with store.write() as session:
            record_refusal(session, action, refusal)
        raise


def done_before(session: Session, action: Action) -> CaseAction | None:
    """The event of the same key, if there is one: an action with a key counts once."""
    return session.scalars(select(CaseAction).where(CaseAction.digest == action.key)).first() if action.key else None


def record_refusal(session: Session, action: Action, refusal: Refusal) -> None:
    """Put a refused action on the audit trail."""
    record(session, action.kind, f"case:{action.case_id}", action.person, "refused", code=refusal.code, post=action.post, office=action.office_id, on=action.event_on)


def perform(session: Session, conf: Conf, action: Action) -> CaseAction:
    """Do one action in the caller's transaction and return its event. Refusal when it may not be done; then nothing is changed."""
    case = session.get(Case, action.case_id, with_for_update=True)
    if case is None:
        raise Refusal("unknown_case", f"no case {action.case_id}; take the number from the list or the case page")
    rule = transition(conf, action.kind, action.event_on)
    seat = authorise(session, conf, action.person, rule.function, case, action.event_on, action.post, action.office_id)
    _check(session, rule, case, action)
    action = _concluded(session, case, action)
    point = _EFFECTS.get(action.kind, _nothing)(session, conf, case, action)
    event = _event(session, case, action, seat, point)
    case.state = _next_state(session, rule, case)
    said = hashlib.sha256(action.text.encode()).hexdigest() if action.text else None
    record(session, action.kind, f"case:{case.case_id}", seat.person, post=seat.post, office=seat.office_id, on=action.event_on, event_no=event.event_no,
           state=case.state, point=event.point_id, result=event.result, reason=event.reason_code, amount=event.amount, text_sha256=said)
    return event


def transition(conf: Conf, kind: str, on: date) -> Transition:
    """The rule of an act on a date. Refusal for an act the workflow does not know."""
    for rule in in_force(conf.workflow, on):
        if rule.act == kind:
            return rule
    raise Refusal("unknown_act", f"the workflow has no act '{kind}'; acts are {', '.join(r.act for r in in_force(conf.workflow, on))}")


def allowed_acts(conf: Conf, state: str, functions: set[str], on: date) -> list[Transition]:
    """The acts that a holder of these functions may try on a case in this state."""
    return [r for r in in_force(conf.workflow, on) if state in r.from_ and r.function in functions]


def _check(session: Session, rule: Transition, case: Case, action: Action) -> None:
    if case.state not in rule.from_:
        raise Refusal("state", f"'{rule.act}' is not possible while the case is '{case.state}'; it must be one of {', '.join(rule.from_)}")
    if action.event_on < case.opened_on:
        raise Refusal("date", f"{action.event_on} is before the case was opened ({case.opened_on}); give the day it really happened")
    if rule.reasons and action.reason_code not in rule.reasons:
        raise Refusal("reason", f"'{rule.act}' needs a reason; give one of {', '.join(rule.reasons)}")
    apart(session, case.case_id, action.person, rule.apart_from)
    if "points_answered" in rule.guards and (left := open_points(session, case.case_id)):
        raise Refusal("points_open", f"{left} point(s) of the case have no answer; answer each one first (not_examined is an answer)")
    if "statements_answered" in rule.guards and _open_statement(session, case.case_id, None) is not None:
        raise Refusal("statement_open", "a statement of the taxpayer has no answer; answer it before closing")


def open_points(session: Session, case_id: str) -> int:
    """Points the case was opened with that have no answer yet."""
    query = select(TaskPoint).where(TaskPoint.case_id == case_id, TaskPoint.state == "open", TaskPoint.joined.is_(False))
    return len(session.scalars(query).all())


def _concluded(session: Session, case: Case, action: Action) -> Action:
    """A comprehensive examination that is closed without a finding says so, or the random slice would lose its negatives.

    Who did not examine drops the case, with a reason, instead of closing it.
    """
    if action.kind != "closed" or case.risk_code != COMPREHENSIVE or _has_answers(session, case.case_id):
        return action
    return replace(action, risk_code=COMPREHENSIVE, result="excluded", reason_code=NOTHING_FOUND)


def _has_answers(session: Session, case_id: str) -> bool:
    return session.scalars(select(TaskPoint.point_id).where(TaskPoint.case_id == case_id, TaskPoint.result.is_not(None)).limit(1)).first() is not None


def _next_state(session: Session, rule: Transition, case: Case) -> str:
    if rule.complete_to and not open_points(session, case.case_id):
        return rule.complete_to
    return rule.to or case.state


def _event(session: Session, case: Case, action: Action, seat: Seat, point: TaskPoint | None) -> CaseAction:
    case.events += 1
    office_id = case.office_id if action.kind == "pushed" else seat.office_id  # a push is counted where the case now lies, not where it came from
    event = CaseAction(
        case_id=case.case_id, event_no=case.events, event_on=action.event_on, kind=action.kind, person=seat.person, post=seat.post, office_id=office_id,
        point_id=point.point_id if point else action.point_id, risk_code=point.risk_code if point else action.risk_code, tax=point.tax if point else action.tax,
        period_from=point.period_from if point else action.period_from, period_to=point.period_to if point else action.period_to,
        result=action.result, reason_code=action.reason_code, amount=action.amount, effort_days=action.effort_days, text=action.text, digest=action.key,
    )
    session.add(event)
    session.flush()
    return event


Effect = Callable[[Session, Conf, Case, Action], TaskPoint | None]


def _nothing(session: Session, conf: Conf, case: Case, action: Action) -> TaskPoint | None:
    return session.get(TaskPoint, (case.case_id, action.point_id)) if action.point_id else None


def _begin(session: Session, conf: Conf, case: Case, action: Action) -> None:
    case.worked_by = action.person
    _start_term(session, conf, case, action)


def _start_term(session: Session, conf: Conf, case: Case, action: Action) -> None:
    treatment = conf.treatments.get(case.treatment)
    if treatment is not None and treatment.term_days is not None:
        case.due_on = action.event_on + timedelta(days=treatment.term_days)


def _answer(session: Session, conf: Conf, case: Case, action: Action) -> TaskPoint:
    return answer_point(session, case, action.point_id, action.result, action.reason_code, action.amount, action.risk_code, action.tax, (action.period_from, action.period_to))


def _push(session: Session, conf: Conf, case: Case, action: Action) -> None:
    if action.to_office is None or action.to_office not in {o.id for o in in_force(conf.offices, action.event_on)}:
        raise Refusal("office", "say to which office of conf/offices.yaml the case is pushed")
    case.office_id, case.worked_by, case.due_on = action.to_office, None, None


def _state_own_case(session: Session, conf: Conf, case: Case, action: Action) -> TaskPoint | None:
    text = (action.text or "").strip()
    if not text:
        raise Refusal("text", "the statement is empty; write what the taxpayer states")
    if len(text) > 20000:
        raise Refusal("text", "the statement is longer than 20,000 characters; shorten it, or file it on paper and note that here")
    point = session.get(TaskPoint, (case.case_id, action.point_id)) if action.point_id else None
    if action.point_id and point is None:
        raise Refusal("unknown_point", "the case has no such point; leave the point out to speak about the whole case")
    session.add(Statement(case_id=case.case_id, event_no=case.events + 1, point_id=action.point_id, made_on=action.event_on, text=text))
    return point


def _open_statement(session: Session, case_id: str, point_id: str | None) -> Statement | None:
    query = select(Statement).where(Statement.case_id == case_id, Statement.answered_on.is_(None)).order_by(Statement.event_no)
    found = list(session.scalars(query))
    return next((s for s in found if point_id is not None and s.point_id == point_id), found[0] if found and point_id is None else None)


def _answer_statement(session: Session, conf: Conf, case: Case, action: Action) -> None:
    statement = _open_statement(session, case.case_id, action.point_id)
    if statement is None:
        raise Refusal("no_statement", "no statement waits for an answer here")
    if not (action.text or "").strip():
        raise Refusal("text", "write the answer to the statement: what was accepted, what not, and why")
    statement.answer, statement.answered_on, statement.answered_by = action.text, action.event_on, action.person


def _close(session: Session, conf: Conf, case: Case, action: Action) -> None:
    for point in session.scalars(select(TaskPoint).where(TaskPoint.case_id == case.case_id, TaskPoint.state == "open")):
        point.state = "released"  # joined later and not examined here: it comes back with the next night


def _pay(session: Session, conf: Conf, case: Case, action: Action) -> TaskPoint | None:
    if action.amount is None:
        raise Refusal("amount", "say how much was paid")
    return _nothing(session, conf, case, action)


_EFFECTS: dict[str, Effect] = {
    "begun": _begin, "served": _start_term, "point_answered": _answer, "pushed": _push, "statement": _state_own_case,
    "statement_answered": _answer_statement, "closed": _close, "paid": _pay,
}
