"""Code tables as files: the codes of a system with validity dates, and what became of old codes.

A system is a folder of CSV files with the columns table, code, name and, where known, valid_from, valid_to, parent: one file or
one a table. `mapping.csv` has table, old, new and, where known, valid_from, valid_to: an empty `new` says that the code ended
without a successor. A code may stand several times, with periods that do not overlap. Codes are text: `0012` is not `12`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from jobs.conf.base import ConfError

MAPPING = "mapping.csv"
FIRST, LAST = date(1900, 1, 1), date(9999, 12, 31)
_CODE = ("table", "code", "name"), ("valid_from", "valid_to", "parent")
_MAP = ("table", "old", "new"), ("valid_from", "valid_to")
_SCIENTIFIC = re.compile(r"[+-]?\d+[.,]?\d*[eE][+-]\d+")
_TOLD = 20


class CodesError(ConfError):
    """Code tables that cannot be used; the message names file, line and remedy of each fault."""


class Code(NamedTuple):
    """One code of a table, in one period of its validity (both days included)."""

    table: str
    code: str
    name: str
    valid_from: date = FIRST
    valid_to: date = LAST
    parent: str = ""
    file: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """File and line it stands on."""
        return f"{self.file}:{self.line}"


class Successor(NamedTuple):
    """What an old code became, for what happened from valid_from to valid_to; `new` empty: nothing."""

    table: str
    old: str
    new: str
    valid_from: date = FIRST
    valid_to: date = LAST
    file: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """File and line it stands on."""
        return f"{self.file}:{self.line}"


@dataclass
class CodeSystem:
    """The tables of a system: code -> its periods, oldest first; and the successors of old codes."""

    tables: dict[str, dict[str, list[Code]]] = field(default_factory=dict)
    successors: dict[str, dict[str, list[Successor]]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Records of all tables."""
        return sum(len(periods) for codes in self.tables.values() for periods in codes.values())


def read_system(folder: Path, mapping: Path | None = None) -> CodeSystem:
    """The code tables of a folder; `mapping`: where the mapping lies, if not beside them. CodesError with every fault by file and line."""
    if not folder.is_dir():
        raise CodesError(f"{folder}: no such folder; name one that holds the code tables of a system as CSV")
    files = [p for p in sorted(folder.glob("*.csv")) if p.name != MAPPING]
    if not files:
        raise CodesError(f"{folder}: no CSV file with code tables there; each needs the columns {', '.join(_CODE[0])}")
    faults: list[str] = []
    found = CodeSystem()
    for path in files:
        for line, (table, code, name, begin, end, parent) in csv_rows(path, *_CODE, faults):
            period = _period(path, line, begin, end, faults)
            if not table or not code:
                faults.append(f"{path}:{line}: table and code must not be empty")
            elif _SCIENTIFIC.fullmatch(code):
                faults.append(f"{path}:{line}: code '{code}' is in scientific notation: digits are lost; export codes as text")
            elif period:
                found.tables.setdefault(table, {}).setdefault(code, []).append(Code(table, code, name, *period, parent, str(path), line))
    _read_mapping(mapping or folder / MAPPING, mapping is not None, found, faults)
    faults += _disordered(found)
    refuse(faults)
    return found


def refuse(faults: list[str]) -> None:
    """CodesError when there are faults, telling the first of them."""
    if faults:
        more = f"\n  … and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
        raise CodesError("the code tables cannot be used:\n  " + "\n  ".join(faults[:_TOLD]) + more)


def _read_mapping(path: Path, must_be: bool, found: CodeSystem, faults: list[str]) -> None:
    if not path.is_file():
        if must_be:
            faults.append(f"{path}: no such file; name the CSV with the columns {', '.join(_MAP[0])}")
        return
    for line, (table, old, new, begin, end) in csv_rows(path, *_MAP, faults):
        period = _period(path, line, begin, end, faults)
        if not table or not old:
            faults.append(f"{path}:{line}: table and old must not be empty")
        elif period:
            found.successors.setdefault(table, {}).setdefault(old, []).append(Successor(table, old, new, *period, str(path), line))


def csv_rows(path: Path, needed: tuple[str, ...], known: tuple[str, ...], faults: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with their line, the cells in the order of needed and known columns; what cannot be read is a fault and ends the file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = path.read_bytes()[: fault.start].count(b"\n") + 1
        faults.append(f"{path}:{line}: is not UTF-8; convert the file")
        return
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        head = [h.strip() for h in next(reader, [])]
        if missing := [n for n in needed if n not in head]:
            faults.append(f"{path}:1: column(s) {', '.join(missing)} missing; found: {', '.join(head) or 'nothing'}; known: {', '.join((*needed, *known))}")
            return
        at = [head.index(n) if n in head else None for n in (*needed, *known)]
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(head):
                faults.append(f"{path}:{reader.line_num}: has {len(cells)} cells, the header {len(head)}; quote a cell that holds a comma")
                continue
            yield reader.line_num, ["" if i is None else cells[i].strip() for i in at]
    except csv.Error as fault:
        faults.append(f"{path}:{reader.line_num}: no CSV from here on ({fault}); correct the quotes")


@lru_cache(maxsize=1 << 16)
def _day(text: str, default: date) -> date | None:
    if not text:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _period(path: Path, line: int, valid_from: str, valid_to: str, faults: list[str]) -> tuple[date, date] | None:
    begin, end = _day(valid_from, FIRST), _day(valid_to, LAST)
    if begin is None or end is None:
        name, text = ("valid_from", valid_from) if begin is None else ("valid_to", valid_to)
        faults.append(f"{path}:{line}: {name}: '{text}' is no date; write it as 2026-01-31, or leave it empty")
        return None
    if end < begin:
        faults.append(f"{path}:{line}: valid_to {end} lies before valid_from {begin}")
        return None
    return begin, end


def _disordered(found: CodeSystem) -> Iterator[str]:
    """Periods of one code that overlap, and parents that are no codes of the table."""
    for codes in found.tables.values():
        for periods in codes.values():
            periods.sort(key=lambda c: c.valid_from)
            for one, other in pairwise(periods):
                if other.valid_from <= one.valid_to:
                    yield f"{other.place}: code {other.code} of table {other.table} is valid twice on {other.valid_from} (also by {one.place}); end one period before the next"
            for one in periods:
                if one.parent and (one.parent not in codes or one.parent == one.code):
                    yield f"{one.place}: parent '{one.parent}' is no other code of table {one.table}"
