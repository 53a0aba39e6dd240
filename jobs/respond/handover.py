"""Handing a published and approved night over into the case store: exactly once, keyed by (as_of, taxpayer_id).

Each selection becomes a case, or joins the taxpayer's open case: one open case per taxpayer. It may be killed anywhere and run again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.conf import Conf
from jobs.lake.faults import fault_point
from jobs.respond.blind import Entry, entries
from jobs.respond.letters import LetterText, letters
from jobs.respond.open_cases import add_point, by_machine, close_silent, join_open_cases, may_join
from jobs.respond.records import OVER, Case, Handover, Letter
from jobs.respond.store import Store

_BATCH = 200


@dataclass(frozen=True)
class _Night:
    as_of: date
    official: str
    conf: Conf
    names: Mapping[str, str]
    selection: Mapping[str, dict[str, Any]]
    letters: Mapping[str, LetterText]


def hand_over(store: Store, conf: Conf, tables: Mapping[str, pa.Table], as_of: date, official: str) -> int:
    """Hand a night's selections over; returns how many cases of this night are in the store, now or from an earlier attempt.

    Reads selection, risk_point, reason, reminder and taxpayer. The caller makes sure that the night is published and approved by
    `official`. A reminder that is not sent (fraud, contact limit, holdout) opens no case. ValueError without an official's name.
    """
    if not official.strip():
        raise ValueError("a named official hands a list over; give the name that approved it")
    night = _Night(as_of, official, conf, _names(tables), {r["taxpayer_id"]: r for r in tables["selection"].to_pylist()},
                   {letter.taxpayer_id: letter for letter in letters(tables, as_of, conf)})
    with store.read() as session:
        done = set(session.scalars(select(Handover.taxpayer_id).where(Handover.as_of == as_of)))
    todo = [e for e in entries(tables) if e.taxpayer_id not in done]
    close_silent(store, conf, as_of)
    for start in range(0, len(todo), _BATCH):
        _batch(store, night, todo[start : start + _BATCH])
        fault_point("hand_over:after_batch")
    join_open_cases(store, conf, tables["risk_point"], as_of)
    with store.read() as session:
        counted = select(func.count()).select_from(Handover).where(Handover.as_of == as_of, Handover.became != "not_sent")
        return int(session.scalar(counted) or 0)


def _batch(store: Store, night: _Night, todo: list[Entry]) -> None:
    with store.write() as session:
        done = set(session.scalars(select(Handover.taxpayer_id).where(Handover.as_of == night.as_of)))
        for number, entry in enumerate(e for e in todo if e.taxpayer_id not in done):
            case_id, became = _place(session, night, entry)
            session.add(Handover(as_of=night.as_of, taxpayer_id=entry.taxpayer_id, case_id=case_id, became=became))
            session.flush()
            if number == 1:
                fault_point("hand_over:in_batch")
        fault_point("hand_over:before_commit")


def _place(session: Session, night: _Night, entry: Entry) -> tuple[str, str]:
    letter = night.letters.get(entry.taxpayer_id)
    if entry.treatment in night.conf.letters and letter is None:
        return entry.case_id, "not_sent"
    query = select(Case).where(Case.taxpayer_id == entry.taxpayer_id, Case.state.not_in(OVER)).with_for_update()
    open_case = session.scalars(query).first()
    if open_case is not None and open_case.treatment in night.conf.letters:
        by_machine(session, open_case, "closed", night.as_of, "superseded")
        open_case.state = "closed"
        session.flush()
        open_case = None
    became = "opened" if open_case is None else "joined"
    case = _open(session, night, entry) if open_case is None else open_case
    for point in (p for p in entry.points if became == "opened" or may_join(night.conf, case, p)):
        add_point(session, case, point, joined=became == "joined")
    if letter is not None:
        session.add(Letter(letter_id=letter.letter_id, case_id=case.case_id, taxpayer_id=case.taxpayer_id, sent_on=night.as_of, content=letter.as_json))
    return case.case_id, became


def _open(session: Session, night: _Night, entry: Entry) -> Case:
    chosen = night.selection[entry.taxpayer_id]
    case = Case(
        case_id=entry.case_id, taxpayer_id=entry.taxpayer_id, taxpayer_name=night.names.get(entry.taxpayer_id, entry.taxpayer_id), as_of=night.as_of,
        treatment=entry.treatment, office_id=entry.office_id, case_source=chosen["case_source"], risk_code=entry.risk_code, level=chosen["level"] or "none",
        position=entry.rank, amount=entry.amount or 0, effort_planned=entry.effort_days, reasons=json.dumps(entry.reasons, ensure_ascii=False),
        state="pushed", opened_on=night.as_of, selected_by=night.official, events=0,
    )
    session.add(case)
    session.flush()
    by_machine(session, case, "pushed", night.as_of, None, night.official)
    return case


def _names(tables: Mapping[str, pa.Table]) -> dict[str, str]:
    people = tables["taxpayer"]
    chosen = people.filter(pc.is_in(people["taxpayer_id"], value_set=pa.array(tables["selection"]["taxpayer_id"].to_pylist(), pa.string())))
    return dict(zip(chosen["taxpayer_id"].to_pylist(), chosen["name"].to_pylist()))


def handed_over(store: Store, as_of: date) -> Iterable[tuple[str, str, str]]:
    """(taxpayer_id, case_id, what it became: opened, joined or not_sent) of a night."""
    with store.read() as session:
        return [(h.taxpayer_id, h.case_id, h.became) for h in session.scalars(select(Handover).where(Handover.as_of == as_of).order_by(Handover.taxpayer_id))]
