"""Events of the case store as a delivery of the source `case_event`: the one way back into the lake, exactly once.

Three steps, each safe to repeat: the events get their receipt in the store; the file and its manifest line are written from the store; the
receipt is marked done. Killed between them and run again, the same file stands there once. File and line are written while nobody else may
enter files of that folder; a number that somebody else has taken meanwhile is left to him.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from jobs.lake.faults import fault_point
from jobs.lake.manifest import MANIFEST, alone, append_entries, read_entries
from jobs.respond.records import Case, CaseAction, Export
from jobs.respond.store import Store

SOURCE = "case_event"
EXPORTED = ("pushed", "received", "begun", "served", "statement", "point_answered", "reviewed", "returned", "dropped", "closed", "appealed", "overturned", "paid")


def export_events(store: Store, inbox: Path, received_at: datetime) -> int:
    """Write the events not yet sent into INBOX/case_event/ as one JSON-lines file; returns how many were written.

    Only events up to the day of `received_at` are sent. ValueError when it has no time zone. Statements' words and persons stay here.
    """
    if received_at.tzinfo is None:
        raise ValueError("received_at needs a time zone")
    folder = inbox / SOURCE
    folder.mkdir(parents=True, exist_ok=True)
    written = _finish(store, folder)
    with store.write() as session:
        receipt = _stamp(session, folder, received_at)
    fault_point("export:stamped")
    return written + (_finish(store, folder) if receipt is not None else 0)


def _stamp(session: Session, folder: Path, received_at: datetime) -> int | None:
    fresh = (CaseAction.receipt.is_(None), CaseAction.kind.in_(EXPORTED), CaseAction.event_on <= received_at.date())
    if not session.scalar(select(func.count()).select_from(CaseAction).where(*fresh)):
        return None
    receipt = 1 + max(session.scalar(select(func.max(Export.receipt))) or 0, max((m["receipt"] for m in read_entries(folder / MANIFEST)), default=0))
    session.execute(update(CaseAction).where(*fresh).values(receipt=receipt))
    session.add(Export(receipt=receipt, file=f"{receipt:06d}.jsonl", received_at=received_at.isoformat(), done=False))
    return receipt


def _finish(store: Store, folder: Path) -> int:
    """Write what is stamped and not done yet."""
    written = 0
    with store.read() as session:
        waiting = session.scalars(select(Export).where(Export.done.is_(False)).order_by(Export.receipt)).all()
        contents = {e.receipt: list(_events(session, e.receipt)) for e in waiting}
    for export in waiting:
        lines = contents[export.receipt]
        with alone(folder):
            _replace(folder / export.file, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
            fault_point("export:file")
            known = read_entries(folder / MANIFEST)
            if export.file not in {m["file"] for m in known}:
                taken = {m["receipt"] for m in known}
                receipt = export.receipt if export.receipt not in taken else 1 + max(taken)
                entry = {"receipt": receipt, "file": export.file, "received_at": export.received_at, "kind": "delivery"}
                append_entries(folder / MANIFEST, [json.dumps(entry, ensure_ascii=False)])
        fault_point("export:manifest")
        with store.write() as session:
            session.execute(update(Export).where(Export.receipt == export.receipt).values(done=True))
        written += len(lines)
    return written


def _events(session: Session, receipt: int) -> Iterator[dict[str, Any]]:
    query = select(CaseAction, Case).join(Case, Case.case_id == CaseAction.case_id).where(CaseAction.receipt == receipt)
    for event, case in session.execute(query.order_by(CaseAction.case_id, CaseAction.event_no)):
        yield {
            "case_id": case.case_id, "event_no": event.event_no, "event_on": event.event_on.isoformat(), "taxpayer_id": case.taxpayer_id, "kind": event.kind,
            "case_source": case.case_source, "treatment": case.treatment, "office_id": event.office_id, "post": event.post, "point_id": event.point_id,
            "risk_code": event.risk_code, "tax": event.tax, "period_from": _iso(event.period_from), "period_to": _iso(event.period_to), "result": event.result,
            "reason_code": event.reason_code, "amount": _money(event.amount), "effort_days": event.effort_days,
        }


def _iso(day: Any) -> str | None:
    return day.isoformat() if day is not None else None


def _money(cents: int | None) -> str | None:
    return None if cents is None else str(Decimal(cents) / 100)


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
