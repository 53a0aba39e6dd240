"""XLSX: one sheet, row by row. Cells become text as the contract writes it; what Excel did to a cell is said, not mended.

Numbers in id columns are broken: Excel has dropped leading zeros and every digit beyond the fifteenth. Formulas count by the value
saved with them, and are broken without one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from jobs.conf import Files
from jobs.sources.archive import Refusal
from jobs.sources.header import extra, header_fault
from jobs.sources.part import KEPT_RAW, MAX_RECORD, Flaw, Part, broken, only_broken, refused
from jobs.sources.units import unit_fault
from jobs.sources.workbook import Sheet, opened_sheet

TOGETHER = 20_000
Row = tuple[int, tuple[Any, ...], tuple[Any, ...] | None]


def read_xlsx(stream: BinaryIO, files: Files, wanted: Sequence[str], formats: Mapping[str, str], scales: Mapping[str, Decimal] | None = None) -> Iterator[Part]:
    """The rows of a sheet below its header, with the `wanted` columns as text; dates are written in the column's format of `formats`."""
    try:
        sheet = opened_sheet(stream, files.sheet)
        above, header, notes, rows = _below_header(sheet, files, wanted)
    except Refusal as refusal:
        yield refused(refusal.rule, refusal.reason)
        return
    fault = header_fault(header, wanted) or unit_fault(above, header, scales or {})
    places = {w: header.index(w) for w in wanted if w in header}
    first = True
    for together in _batches(rows):
        said = notes if first else ()
        first = False
        if fault:
            yield only_broken(broken([r[0] for r in together], [_raw(r)[:KEPT_RAW] for r in together], *fault), said)
        else:
            yield _part(together, places, formats, said)
    if first and notes:
        yield only_broken(broken([], [], "", ""), notes)


def _below_header(sheet: Sheet, files: Files, wanted: Sequence[str]) -> tuple[str, list[str], tuple[str, ...], Iterator[Row]]:
    """Text above the header, header cells, remarks and the rows below. A header that is looked for is the first row with all, or else most, wanted columns."""
    above: list[Row] = []
    best, place = 0, None
    for row in sheet.rows:
        above.append(row)
        if files.preamble != "auto":
            if len(above) > files.preamble:
                place = len(above) - 1
                break
            continue
        count = len({_shown(c.value) for c in row[1]} & set(wanted))
        if count > best:
            best, place = count, len(above) - 1
        if best == len(set(wanted)) or len(above) >= 1000:
            break
    if place is None:
        place = 0
    if not above or len(above) <= place:
        raise Refusal("empty_file", f"sheet {sheet.name!r} has no header; ask for it again")
    header = [_shown(c.value) for c in above[place][1]]
    found = (f"header on row {place + 1}",) if files.preamble == "auto" else ()
    text = "\n".join(_shown(c.value) for row in above[:place] for c in row[1])
    return text, header, (*sheet.notes, *found, *extra([h for h in header if h], wanted)), _chained(above[place + 1 :], sheet.rows)


def _chained(before: list[Row], rest: Iterator[Row]) -> Iterator[Row]:
    yield from before
    yield from rest


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    together: list[Row] = []
    for row in rows:
        if any(c.value is not None for c in row[1]) or any(c.value is not None for c in row[2] or ()):
            together.append(row)
        if len(together) >= TOGETHER:
            yield together
            together = []
    if together:
        yield together


def _part(rows: list[Row], places: Mapping[str, int], formats: Mapping[str, str], notes: tuple[str, ...]) -> Part:
    raws = [_raw(r) for r in rows]
    long = [n for n, raw in enumerate(raws) if len(raw) > MAX_RECORD]
    kept = [n for n in range(len(rows)) if n not in set(long)]
    faulty = broken([rows[n][0] for n in long], [raws[n][:KEPT_RAW] for n in long], "too_long", f"the row has more than {MAX_RECORD} characters")
    cells: dict[str, pa.Array] = {}
    flaws: list[Flaw] = []
    for name, place in places.items():
        found = [rows[n][1][place] if place < len(rows[n][1]) else None for n in kept]
        said = [(rows[n][2] or ())[place] if place < len(rows[n][2] or ()) else None for n in kept]
        cells[name] = pa.array([None if c is None else _text(c.value, formats.get(name)) for c in found], pa.string())
        flaws += _flaws(name, found, said)
    return Part(pa.array([rows[n][0] for n in kept], pa.int64()), pa.array([raws[n] for n in kept], pa.string()), cells, faulty, notes=notes, flaws=tuple(flaws))


def _flaws(name: str, found: Sequence[Any], said: Sequence[Any]) -> Iterator[Flaw]:
    number = [c is not None and isinstance(c.value, int | float) and not isinstance(c.value, bool) for c in found]
    error = [c is not None and c.data_type == "e" for c in found]
    empty = [f is not None and f.data_type == "f" and (c is None or c.value is None) for c, f in zip(found, said, strict=True)]
    for where, rule, words, only in (
        (number, "id", "is a number in the file: leading zeros and digits beyond the fifteenth are lost; ids must be sent as text", "id"),
        (error, "excel_error", "is an error of the spreadsheet; correct the formula and send it again", None),
        (empty, "formula", "is a formula without a saved value; open the file in the spreadsheet, save it and send it again", None),
    ):
        if any(where):
            yield Flaw(name, rule, np.array(where, dtype=bool), words, only)


def _text(value: Any, style: str | None) -> str | None:
    """A cell as the contract would have it written."""
    if isinstance(value, datetime | date) and style is not None:
        timed = isinstance(value, datetime) and value.time() != time(0)
        return value.isoformat() if timed and "%H" not in style else value.strftime(style)
    return None if value is None else _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(Decimal(repr(value)), "f")
    if isinstance(value, datetime) and value.time() == time(0):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, datetime | date | time) else "" if value is None else str(value).strip()


def _raw(row: Row) -> str:
    return json.dumps([None if c.value is None else _shown(c.value) for c in row[1]], ensure_ascii=False)
