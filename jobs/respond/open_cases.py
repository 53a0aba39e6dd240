"""Cases that are open when a night is handed over: new points join them, and reminders nobody took up close by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.conf import COMPREHENSIVE, Conf
from jobs.respond.access import MACHINE
from jobs.respond.audit import record
from jobs.respond.records import OVER, Case, CaseAction, Statement, TaskPoint
from jobs.respond.store import Store

_BATCH = 200
_UNTOUCHED = ("pushed", "received", "returned")
_LIVE = ("opened", "changed")


def join_open_cases(store: Store, conf: Conf, points: pa.Table, as_of: date) -> None:
    """New points of a taxpayer whose case is open join it: one visit, not two. A comprehensive case takes none: it looks at everything.

    A point marked fraud joins only a treatment that may answer fraud, as any other would warn the wrong man; it waits for a case of its own.
    """
    with store.read() as session:
        query = select(Case.taxpayer_id).where(Case.state.not_in(OVER), Case.as_of < as_of, Case.risk_code != COMPREHENSIVE)
        waiting = pa.array(sorted(session.scalars(query)), pa.string())
    live = points.filter(pc.and_(pc.is_in(points["taxpayer_id"], value_set=waiting), pc.is_in(points["state"], value_set=pa.array(_LIVE))))
    rows = sorted(live.to_pylist(), key=lambda r: (r["taxpayer_id"], r["point_id"]))
    for start in range(0, len(rows), _BATCH):
        with store.write() as session:
            for point in rows[start : start + _BATCH]:
                own = select(Case).where(Case.taxpayer_id == point["taxpayer_id"], Case.state.not_in(OVER), Case.as_of < as_of)
                case = session.scalars(own).first()
                if case is not None and case.treatment not in conf.letters and may_join(conf, case, point) and add_point(session, case, point, joined=True):
                    record(session, "point_joined", f"case:{case.case_id}", MACHINE, point=point["point_id"], on=as_of)


def close_silent(store: Store, conf: Conf, as_of: date) -> None:
    """Close the files that ask for no answer and that nobody took up by their term; silence has no consequence.

    A file that somebody works on, or a statement without an answer, stays open. Selection reckons with this (jobs/rank/barriers.py).
    """
    heard = select(Statement.case_id).where(Statement.answered_on.is_(None))
    with store.write() as session:
        for treatment in (t for t in conf.treatments.values() if not t.must_reply):
            until = as_of - timedelta(days=treatment.silent_days)
            query = select(Case).where(Case.treatment == treatment.id, Case.state.in_(_UNTOUCHED), Case.opened_on <= until, Case.case_id.not_in(heard))
            for case in session.scalars(query.order_by(Case.case_id)).all():
                by_machine(session, case, "closed", as_of, "no_answer_needed")
                case.state = "closed"


def by_machine(session: Session, case: Case, kind: str, on: date, reason: str | None, person: str = MACHINE) -> None:
    """An event that no post did: the hand-over an official approved, or the end of a file that closes by itself."""
    case.events += 1
    session.add(CaseAction(case_id=case.case_id, event_no=case.events, event_on=on, kind=kind, person=person, post=MACHINE, office_id=case.office_id, reason_code=reason))
    record(session, kind, f"case:{case.case_id}", person, post=MACHINE, office=case.office_id, on=on, event_no=case.events, reason=reason)


def add_point(session: Session, case: Case, point: Mapping[str, Any], joined: bool) -> bool:
    """Add a risk point to a case; False when it is there already."""
    if session.get(TaskPoint, (case.case_id, point["point_id"])) is not None:
        return False
    session.add(TaskPoint(
        case_id=case.case_id, point_id=point["point_id"], risk_code=point["risk_code"], tax=point["tax"], period_from=point["period_from"],
        period_to=point["period_to"], amount_error=_cents(point["amount_error"]), amount_evasion=_cents(point["amount_evasion"]),
        until_error=point["until_error"], facts=point["facts"] or "{}", fraud=bool(point["fraud"]), joined=joined, state="open",
    ))
    return True


def may_join(conf: Conf, case: Case, point: Mapping[str, Any]) -> bool:
    """Whether the treatment of an open case may answer the point; one that is no longer in conf/treatments.yaml answers no fraud."""
    treatment = conf.treatments.get(case.treatment)
    return not point["fraud"] or (treatment is not None and treatment.allowed_if_fraud)


def _cents(amount: Any) -> int | None:
    return None if amount is None else int(amount * 100)
