"""What pages show of the case store, each for one person and no more than his posts allow. Every look into a file is on the audit trail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.conf import COMPREHENSIVE, Conf, Text, Transition, in_force
from jobs.respond.access import Refusal, apart, authorise, covers, seats
from jobs.respond.audit import record
from jobs.respond.office_list import risk_name
from jobs.respond.records import OVER, Appointment, Case, CaseAction, FunctionGrant, Letter, Statement, TaskPoint
from jobs.respond.store import Store
from jobs.respond.workflow import allowed_acts

VIEW = "case.view"
_NO_FACTS: dict[str, Any] = {"declared": {}, "other": {}, "sentence_zh": "", "sentence_en": ""}  # a point found without us has none


@dataclass(frozen=True)
class CaseLine:
    """A case as its list shows it. Level and amount are None where they would tell how it was chosen."""

    case_id: str
    taxpayer_id: str
    name: str
    office_id: str
    treatment: Text
    code: Text
    level: str | None
    amount: int | None
    state: str
    due_on: date | None
    rank: int
    points: int
    answered: int
    unheard: int


@dataclass(frozen=True)
class CaseFile:
    """A case with everything on file."""

    line: CaseLine
    reasons: list[dict[str, Any]]
    points: list[tuple[TaskPoint, Text, dict[str, Any]]]
    events: list[CaseAction]
    statements: list[Statement]
    acts: list[Transition]


def worklist(store: Store, conf: Conf, person: str, on: date, include_over: bool = False) -> list[CaseLine]:
    """The cases within this person's reach, by office, treatment and rank; letters are not work. Nothing without an appointment."""
    offices = {o.id: o for o in in_force(conf.offices, on)}
    with store.read() as session:
        held = seats(session, person, VIEW, on)
        mine = [o for o in offices if any(covers(seat.office_id, span, o, offices) for seat, span in held)]
        query = select(Case).where(Case.office_id.in_(mine)).order_by(Case.office_id, Case.treatment, Case.as_of.desc(), Case.position, Case.taxpayer_id)
        heard = select(Statement.case_id).where(Statement.answered_on.is_(None))
        query = query.where(Case.treatment.not_in(sorted(conf.letters)) | Case.case_id.in_(heard))
        found = session.scalars(query if include_over else query.where(Case.state.not_in(OVER) | Case.case_id.in_(heard))).all()
        return [_line(session, conf, case) for case in found]


def case_file(store: Store, conf: Conf, person: str, case_id: str, on: date) -> CaseFile:
    """One case for one person. Refusal, on the audit trail, when it is not within his reach."""
    refused: Refusal | None = None
    with store.write() as session:
        case = session.get(Case, case_id)
        try:
            if case is None:
                raise Refusal("unknown_case", f"no case {case_id}")
            authorise(session, conf, person, VIEW, case, on)
            record(session, "view", f"case:{case_id}", person, "seen")
            return _file(session, conf, case, person, on)
        except Refusal as refusal:
            refused = refusal
            record(session, "view", f"case:{case_id}", person, "refused", code=refusal.code)
    raise refused


def letters_of(store: Store, taxpayer_id: str) -> list[dict[str, Any]]:
    """The letters a taxpayer was sent, newest first: their content, case and day."""
    with store.read() as session:
        query = select(Letter).where(Letter.taxpayer_id == taxpayer_id).order_by(Letter.sent_on.desc(), Letter.letter_id)
        return [{**json.loads(row.content), "case_id": row.case_id} for row in session.scalars(query)]


def statements_of(store: Store, taxpayer_id: str) -> list[Statement]:
    """What a taxpayer stated and the answers, newest first."""
    with store.read() as session:
        query = select(Statement).join(Case, Case.case_id == Statement.case_id).where(Case.taxpayer_id == taxpayer_id)
        return list(session.scalars(query.order_by(Statement.made_on.desc(), Statement.event_no.desc())))


def _line(session: Session, conf: Conf, case: Case) -> CaseLine:
    states = session.scalars(select(TaskPoint.state).where(TaskPoint.case_id == case.case_id)).all()
    unheard = session.scalars(select(Statement.event_no).where(Statement.case_id == case.case_id, Statement.answered_on.is_(None))).all()
    hidden = case.risk_code == COMPREHENSIVE
    treatment = conf.treatments.get(case.treatment)
    return CaseLine(
        case.case_id, case.taxpayer_id, case.taxpayer_name, case.office_id, treatment.name if treatment else Text(en=case.treatment, zh=case.treatment),
        risk_name(case.risk_code, conf), None if hidden else case.level, None if hidden else case.amount, case.state, case.due_on, case.position,
        len(states), sum(s == "answered" for s in states), len(unheard),
    )


def _file(session: Session, conf: Conf, case: Case, person: str, on: date) -> CaseFile:
    points = session.scalars(select(TaskPoint).where(TaskPoint.case_id == case.case_id).order_by(TaskPoint.tax, TaskPoint.period_from, TaskPoint.risk_code)).all()
    events = session.scalars(select(CaseAction).where(CaseAction.case_id == case.case_id).order_by(CaseAction.event_no)).all()
    statements = session.scalars(select(Statement).where(Statement.case_id == case.case_id).order_by(Statement.event_no)).all()
    return CaseFile(
        _line(session, conf, case), json.loads(case.reasons), [(p, risk_name(p.risk_code, conf), {**_NO_FACTS, **json.loads(p.facts)}) for p in points],
        list(events), list(statements), _acts(session, conf, case, person, on),
    )


def _acts(session: Session, conf: Conf, case: Case, person: str, on: date) -> list[Transition]:
    """The acts this person may try on the case now: granted, in this state, and not barred by what he did before."""
    query = select(FunctionGrant.function).join(Appointment, Appointment.post_id == FunctionGrant.post_id).where(Appointment.person == person)
    open_to_him = []
    for rule in allowed_acts(conf, case.state, set(session.scalars(query)), on):
        try:
            authorise(session, conf, person, rule.function, case, on)
            apart(session, case.case_id, person, rule.apart_from)
        except Refusal:
            continue
        open_to_him.append(rule)
    return open_to_him
