"""An Excel workbook opened with care: its parts within the limits of archives, no entities, one sheet at a time, rows as they are read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from jobs.sources.archive import STEP, TOTAL, Refusal, directory

ROWS, COLUMNS = 1 << 20, 1 << 14
"""What Excel itself can hold."""
BESIDE = (b"<!DOCTYPE", b"<!ENTITY", "<!DOCTYPE".encode("utf-16-le"), "<!DOCTYPE".encode("utf-16-be"))


@dataclass(frozen=True)
class Sheet:
    """The sheet that is read, the remarks on the others, and its rows: number, cells with values, cells with formulas (None: it has none)."""

    name: str
    notes: tuple[str, ...]
    rows: Iterator[tuple[int, tuple[Any, ...], tuple[Any, ...] | None]]


def opened_sheet(stream: BinaryIO, wanted: str | None) -> Sheet:
    """One sheet of a workbook. Refusal when it is no workbook, is protected, could harm its reader, or has no such sheet."""
    head = stream.read(8)
    stream.seek(0)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refusal("xlsx", "the workbook is encrypted or of the old .xls kind; save it as .xlsx without a password")
    formulas = _inspected(stream)
    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        said = openpyxl.load_workbook(stream, read_only=True, data_only=False) if formulas else None
    except (KeyError, ValueError, TypeError, SyntaxError, OSError, zipfile.BadZipFile, InvalidFileException) as fault:
        raise Refusal("xlsx", f"no workbook that can be read ({type(fault).__name__}: {str(fault)[:200]}); have it saved and sent again") from fault
    sheets = [s for s in book.worksheets if isinstance(s, ReadOnlyWorksheet)]
    visible = [s.title for s in sheets if s.sheet_state == "visible"]
    name: str | None = wanted or next(iter(visible), None)
    if name is None or name not in [s.title for s in sheets]:
        raise Refusal("sheet", f"there is no visible sheet{f' {wanted!r}' if wanted else ''}; found: {', '.join(s.title for s in sheets)[:300]}; name it in files.sheet")
    notes = [f"sheet {name!r} of {len(sheets)} was read"] if len(sheets) > 1 else []
    if hidden := [s.title for s in sheets if s.sheet_state != "visible"]:
        notes.append(f"hidden sheet(s): {', '.join(hidden)[:300]}")
    values = _rows(book, name)
    if said is None:
        return Sheet(name, tuple(notes), ((n, row, None) for n, row in enumerate(values, 1)))
    both = zip(values, _rows(said, name), strict=True)
    return Sheet(name, tuple(notes), ((n, row, formula) for n, (row, formula) in enumerate(both, 1)))


def _rows(book: Any, name: str) -> Iterator[tuple[Any, ...]]:
    sheet = book[name]
    sheet.reset_dimensions()  # what a sheet says of its size is not believed
    return iter(sheet.iter_rows(max_row=ROWS))


def _inspected(stream: BinaryIO) -> bool:
    """Whether any sheet has formulas; Refusal when a part could harm its reader."""
    formulas = False
    left = TOTAL
    infos = directory(stream)
    try:
        with zipfile.ZipFile(stream) as parts:
            for info in infos:
                before = b""
                with parts.open(info) as part:
                    while data := part.read(STEP):
                        left -= len(data)
                        seen = before + data
                        if left < 0:
                            raise Refusal("bomb", f"the workbook unpacks to more than {TOTAL >> 20} MB; send it in smaller files")
                        if any(mark in seen for mark in BESIDE) and info.filename.endswith((".xml", ".rels")):
                            raise Refusal("doctype", f"{info.filename} declares a document type or entities; have it saved again")
                        formulas |= info.filename.startswith("xl/worksheets/") and (b"<f>" in seen or b"<f " in seen or b":f>" in seen)
                        before = data[-64:]
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError) as fault:
        raise Refusal("xlsx", f"the workbook is damaged or encrypted ({str(fault)[:200]}); have it saved and sent again") from fault
    stream.seek(0)
    return formulas
