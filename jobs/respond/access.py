"""Who may do what to which case: a post's functions, its reach over offices, and separation of duties. What is not granted is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.conf import Conf, Office, in_force
from jobs.respond.records import Appointment, Case, CaseAction, FunctionGrant, PostRow

MACHINE = "assay"
TAXPAYER = "taxpayer"
_TAXPAYERS_OWN = ("statement.take",)


class Refusal(Exception):
    """An action is not done; the message says why and what to do instead. Nothing was changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Seat:
    """The post and office in which a person acts."""

    person: str
    post: str
    office_id: str


def taxpayer(taxpayer_id: str) -> str:
    """The name under which a taxpayer acts in the store."""
    return f"{TAXPAYER}:{taxpayer_id}"


def authorise(session: Session, conf: Conf, person: str, function: str, case: Case, on: date, post: str | None = None, office_id: str | None = None) -> Seat:
    """The seat that lets this person use the function on the case. Refusal otherwise.

    With post or office given, the seat must be that one.
    """
    if person.startswith(f"{TAXPAYER}:"):
        if person == taxpayer(case.taxpayer_id) and function in _TAXPAYERS_OWN:
            return Seat(person, TAXPAYER, case.office_id)
        raise Refusal("not_granted", "a taxpayer may state his case on his own file and nothing else")
    offices = {o.id: o for o in in_force(conf.offices, on)}
    for seat, span in seats(session, person, function, on):
        wanted = post in (None, seat.post) and office_id in (None, seat.office_id)
        if wanted and covers(seat.office_id, span, case.office_id, offices):
            return seat
    raise Refusal("not_granted", f"no valid appointment gives the function {function} for a case of office {case.office_id}; see conf/posts.yaml and the appointments")


def seats(session: Session, person: str, function: str, on: date) -> list[tuple[Seat, str]]:
    """The seats of a person on a date whose post has the function, each with its span, in a fixed order."""
    query = (
        select(Appointment, PostRow.span)
        .join(PostRow, PostRow.post_id == Appointment.post_id)
        .join(FunctionGrant, FunctionGrant.post_id == Appointment.post_id)
        .where(Appointment.person == person, FunctionGrant.function == function, Appointment.valid_from <= on)
        .where((Appointment.valid_to.is_(None)) | (Appointment.valid_to >= on))
        .order_by(Appointment.office_id, Appointment.post_id)
    )
    return [(Seat(a.person, a.post_id, a.office_id), span) for a, span in session.execute(query)]


def covers(own: str, span: str, office_id: str, offices: dict[str, Office]) -> bool:
    """Whether a post of office `own` reaches a case of `office_id`: own office, offices below, or any office of the tree."""
    if own == office_id:
        return True
    if span == "any":
        return own in offices and office_id in offices
    if span == "below":
        at: str | None = office_id
        while at is not None and at in offices:
            at = offices[at].parent
            if at == own:
                return True
    return False


def apart(session: Session, case_id: str, person: str, acts: Iterable[str]) -> None:
    """Separation of duties: Refusal when this person did one of the acts on the case."""
    query = select(CaseAction.kind).where(CaseAction.case_id == case_id, CaseAction.person == person, CaseAction.kind.in_(list(acts)))
    done = session.scalars(query.limit(1)).first()
    if done is not None:
        raise Refusal("separation", f"the same person did '{done}' on this case; another person must do this (conf/workflow.yaml, apart_from)")
