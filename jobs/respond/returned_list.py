"""A list that comes back filled in: its yellow columns become actions, each checked like one done by hand."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl

from jobs.conf import Conf
from jobs.respond.feedback import Applied, RefusedRow, Wish, apply, read_action
from jobs.respond.locked import changed_cells
from jobs.respond.returned_csv import UnreadableList, csv_rows
from jobs.respond.store import Store
from jobs.respond.workbook import SHEETS
from jobs.respond.workflow import Action

__all__ = ["UnreadableList", "import_list"]

_MOST_BYTES, _MOST_PARTS, _MOST_ROWS = 200_000_000, 1000, 200_000
Cells = Mapping[str, Any]


def import_list(store: Store, conf: Conf, path: Path, person: str) -> Applied:
    """Do what a filled list says, as `person`, who needs the posts for it. The same list sent again changes nothing.

    `path`: the workbook, or what the page saved (.csv). Refused rows name sheet and row, or line: one that cannot be read, or whose locked cells were
    changed, is not done at all. UnreadableList when the file is neither, is too large when unpacked, or lacks our columns.
    """
    wishes: list[Wish] = []
    bad: list[RefusedRow] = []
    with store.read() as session:
        for place, sheet, cells, fault in _csv(path) if path.suffix.lower() == ".csv" else _workbook(path):
            case_id = _text(cells.get("case_id"))
            if fault:
                bad.append(RefusedRow(place, "", "unreadable", f"{fault}; correct the row and send the list again"))
                continue
            if sheet != _NEW and (changed := changed_cells(session, cells)):
                bad.append(RefusedRow(place, case_id or "", "locked", f"{', '.join(changed)}: changed in the list; put back what was there and send the list again"))
                continue
            try:
                wishes += [Wish(place, action) for action in _actions(sheet, cells, case_id, person)]
            except ValueError as unread:
                bad.append(RefusedRow(place, case_id or "", "unreadable", f"{unread}; correct the row and send the list again"))
    return apply(store, conf, wishes, bad)


def _actions(sheet: str, cells: Cells, case_id: str | None, person: str) -> list[Action]:
    """What a row says, all of it or a ValueError."""
    given = [{k: v for k, v in one.items() if v is not None} for one in _ACTIONS[sheet](cells)]
    try:
        return [read_action({"case_id": case_id, "person": person, **one}) for one in given]
    except ValueError as fault:
        key, colon, said = str(fault).partition(":")
        raise ValueError(f"{_COLUMN_OF.get(key, key)}{colon}{said}") from None


def _csv(path: Path) -> Iterator[tuple[str, str, Cells, str]]:
    return ((f"{path.name}:{line}", sheet, cells, fault) for sheet, line, cells, fault in csv_rows(path))


def _workbook(path: Path) -> Iterator[tuple[str, str, Cells, str]]:
    _check_size(path)
    return ((f"{path.name}:{sheet}:{row}", sheet, cells, "") for sheet, row, cells in _rows(path))


def _check_size(path: Path) -> None:
    """Look at the sizes before unpacking: a small archive may hold a very large file."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > _MOST_PARTS or sum(p.file_size for p in parts) > _MOST_BYTES:
                raise UnreadableList(f"{path.name}: unpacks to more than {_MOST_BYTES:,} bytes or {_MOST_PARTS} parts; send back the list as it was written")
    except (zipfile.BadZipFile, OSError) as fault:
        raise UnreadableList(f"{path.name}: is no XLSX workbook ({fault}); send back the list in the format it came in") from None


def _rows(path: Path) -> Iterator[tuple[str, int, Cells]]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as fault:  # openpyxl raises what its parsers raise
        raise UnreadableList(f"{path.name}: cannot be read as a workbook ({type(fault).__name__}); send back the list in the format it came in") from None
    try:
        for name, heads in SHEETS.items():
            if name not in book.sheetnames:
                raise UnreadableList(f"{path.name}: sheet '{name}' is missing; send back the whole workbook")
            keys: list[str] = []
            for number, row in enumerate(book[name].iter_rows(values_only=True, max_row=_MOST_ROWS), start=1):
                if number == 1:
                    keys = [str(k) for k in row]
                    if lost := {h.key for h in heads} - set(keys):
                        raise UnreadableList(f"{path.name}: sheet '{name}': hidden row 1 lacks {', '.join(sorted(lost))}; send back the list with its columns")
                elif number > 2:
                    yield name, number, dict(zip(keys, row))
    finally:
        book.close()


def _case(cells: Cells) -> Iterator[dict[str, Any]]:
    for column, kind in (("received_on", "received"), ("begun_on", "begun")):
        if (day := _day(cells.get(column), column)) is not None:
            yield {"kind": kind, "event_on": day}
    outcome, day = _text(cells.get("outcome")), _day(cells.get("outcome_on"), "outcome_on")
    if outcome and day is None:
        raise ValueError("outcome_on: give the day of the outcome")
    if outcome:
        yield {
            "kind": outcome, "event_on": day, "reason_code": _text(cells.get("outcome_reason")), "effort_days": cells.get("effort_spent"), "text": _text(cells.get("remark")),
        }
    elif any(cells.get(k) for k in ("outcome_on", "outcome_reason", "effort_spent", "remark")):
        raise ValueError("outcome: choose closed, dropped or returned, or clear the other columns")


def _point(cells: Cells) -> Iterator[dict[str, Any]]:
    result, day = _text(cells.get("result")), _day(cells.get("answered_on"), "answered_on")
    if result and day is None:
        raise ValueError("answered_on: give the day of the answer")
    if result:
        yield {
            "kind": "point_answered", "event_on": day, "point_id": _text(cells.get("point_id")), "result": result, "reason_code": _text(cells.get("reason_code")),
            "amount": cells.get("adjusted"), "text": _text(cells.get("remark")),
        }
    elif any(cells.get(k) for k in ("reason_code", "adjusted", "remark")):
        raise ValueError("result: choose one, or clear the other columns")


def _new(cells: Cells) -> Iterator[dict[str, Any]]:
    if not any(v not in (None, "") for v in cells.values()):
        return
    day = _day(cells.get("answered_on"), "answered_on")
    if day is None:
        raise ValueError("answered_on: give the day it was found")
    yield {
        "kind": "point_answered", "event_on": day, "result": "new", "risk_code": _text(cells.get("risk_code")), "tax": _text(cells.get("tax")),
        "period_from": _day(cells.get("period_from"), "period_from"), "period_to": _day(cells.get("period_to"), "period_to"), "amount": cells.get("adjusted"),
        "text": _text(cells.get("remark")),
    }


_ACTIONS = dict(zip(SHEETS, (_case, _point, _new)))
_COLUMN_OF = {"amount": "adjusted", "effort_days": "effort_spent"}  # an action's key -> the list's column, which is what the sender sees
_NEW = list(SHEETS)[2]  # every cell of this sheet is the inspector's


def _text(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None


def _day(value: Any, column: str) -> str | None:
    if value in (None, ""):
        return None
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(str(value).strip()).isoformat()
    except ValueError:
        raise ValueError(f"{column}: must be a date such as 2026-03-31, is {value!r}") from None
