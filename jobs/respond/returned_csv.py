"""What the page of a list saves: one CSV file with the workbook's columns, written by its script (templates/fill.js) and read here.

Line 1 holds the machine's column names, line 2 the headings for people, each further line one case, point or new point with the sheet of the
workbook it belongs to. A text that a spreadsheet would take for a formula has an apostrophe before it; reading takes it off again. What is
read is text or a plain number: nothing in a file is ever evaluated.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from jobs.respond.office_list import ListedCase, ListedPoint
from jobs.respond.workbook import SHEETS, Head, as_text

CASE_SHEET, POINT_SHEET, NEW_SHEET = SHEETS
_LOCKED = ("case_id", "taxpayer_id", "name", "point_id", "risk_code", "tax")
SAVED = {sheet: tuple(h for h in heads if h.fill or h.key in _LOCKED) for sheet, heads in SHEETS.items()}
_NAMED = {h.key: h for heads in reversed(SAVED.values()) for h in heads} | {"sheet": Head("sheet", "工作表", "Sheet", 0)}
COLUMNS = tuple(dict.fromkeys(("sheet", *_LOCKED, *(h.key for heads in SAVED.values() for h in heads))))
HEADINGS = tuple(f"{_NAMED[key].zh} {_NAMED[key].en}" for key in COLUMNS)
NEEDED = {CASE_SHEET: ("outcome", "outcome_on"), POINT_SHEET: ("answered_on", "result"), NEW_SHEET: ("risk_code", "tax", "period_from", "period_to", "answered_on", "adjusted")}
ALONE = ("received_on", "begun_on")  # say something by themselves; every other cell of a row says nothing without those needed

_NUMBER = re.compile(r"-?\d{1,13}(\.\d{1,9})?", re.ASCII)
_ESCAPED = re.compile(r"(^|[;|])'([ ']*[=+\-@＝＋－＠])")  # fill.js has the same places: where a cell begins, whatever separates cells
_MOST_BYTES, _MOST_ROWS = 20_000_000, 200_000
_REMEDY = "send the file back as the page saved it, or as 'CSV UTF-8'"

Cells = dict[str, Any]


class UnreadableList(Exception):
    """The file is no list of ours; the message names what is wrong and the remedy."""


def locked_cells(case: ListedCase, point: ListedPoint | None = None, new: bool = False) -> dict[str, str]:
    """What a row of the file says it is about, so that answers are not booked to another case: a case, a point, or (`new`) a fault found in a case."""
    found = {"case_id": case.entry.case_id}
    if not new:
        found["name"] = case.name
    if point is not None:
        found |= {"point_id": point.row["point_id"], "risk_code": point.row["risk_code"], "tax": point.row["tax"]}
    elif not new:
        found["taxpayer_id"] = case.entry.taxpayer_id
    return {key: as_text(value) for key, value in found.items()}


def csv_rows(path: Path) -> Iterator[tuple[str, int, Cells, str]]:
    """Sheet, line, cells and fault of each row; a row with a fault has no cells. UnreadableList where the file as a whole is not ours."""
    reader = csv.reader(io.StringIO(_content(path), newline=""), strict=True)
    line, columns = 1, None
    try:
        for count, row in enumerate(reader):
            if count > _MOST_ROWS:
                raise UnreadableList(f"{path.name}:{line}: more than {_MOST_ROWS:,} rows; {_REMEDY}")
            if columns is None:
                columns = _columns(path, row)
            elif any(cell.strip() for cell in row) and not (count == 1 and row[0] == HEADINGS[0]):
                yield _row(line, columns, row)
            line = reader.line_num + 1
    except csv.Error as fault:
        raise UnreadableList(f"{path.name}:{line}: is no CSV ({fault}); {_REMEDY}") from None
    if columns is None:
        raise UnreadableList(f"{path.name}:1: is empty; {_REMEDY}")


def _content(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UnreadableList(f"{path.name}: is larger than {_MOST_BYTES:,} bytes; {_REMEDY}")
        raw = path.read_bytes()
    except OSError as fault:
        raise UnreadableList(f"{path.name}: cannot be read ({fault.strerror}); name the file that was sent back") from None
    at = raw.find(b"\0")
    try:
        if at < 0:
            return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        at = fault.start
    line = raw.count(b"\n", 0, at) + 1
    raise UnreadableList(f"{path.name}:{line}: is no UTF-8 text; {_REMEDY}")


def _columns(path: Path, row: list[str]) -> list[str]:
    found = [cell.strip() for cell in row]
    if len(found) == 1 and (other := next((mark for mark in ";\t|" if mark in found[0]), None)):
        raise UnreadableList(f"{path.name}:1: is separated by {other!r}, not by commas; {_REMEDY}")
    lost, unknown = [c for c in COLUMNS if c not in found], [c for c in found if c not in COLUMNS]
    if lost or unknown or len(found) != len(COLUMNS):
        said = [f"lacks {', '.join(lost)}"] * bool(lost) + [f"does not know {', '.join(unknown)}"] * bool(unknown) or ["names a column twice"]
        raise UnreadableList(f"{path.name}:1: the list {' and '.join(said)}; {_REMEDY}")
    return found


def _row(line: int, columns: list[str], row: list[str]) -> tuple[str, int, Cells, str]:
    if len(row) != len(columns):
        return "", line, {}, f"{len(row)} cells, not {len(columns)}: put text that holds a comma between quotation marks"
    cells = {key: _ESCAPED.sub(r"\1\2", cell) for key, cell in zip(columns, row)}
    sheet = cells.pop("sheet").strip()
    if sheet not in SAVED:
        return "", line, {}, f"sheet: must be one of {', '.join(SAVED)}, is {sheet!r}"
    own = {h.key: h.kind for h in SAVED[sheet]}
    if foreign := [key for key, cell in cells.items() if cell.strip() and key not in own]:
        return "", line, {}, f"{', '.join(foreign)}: must be empty in a row of '{sheet}'"
    return sheet, line, {key: _value(cells[key], kind) for key, kind in own.items()}, ""


def _value(cell: str, kind: str) -> Any:
    """A plain number as the workbook would hold it, so that the same answer by either way counts once; else the text, which is judged like a typed one."""
    text = cell.strip()
    if not text:
        return None
    if kind not in ("money", "number") or not _NUMBER.fullmatch(text):
        return text
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)
