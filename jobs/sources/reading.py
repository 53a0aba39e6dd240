"""Files of any standard into Parquet: one file a canonical table, and a CSV of what was refused. Needs neither contract, lake nor Spark."""

from __future__ import annotations

import csv
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.sources.archive import opened
from jobs.sources.standards.canonical import BY_DOCUMENT, TABLES, Document, Row, column
from jobs.sources.standards.read import read_file
from jobs.sources.standards.xml import Refused

log = logging.getLogger(__name__)
ENOUGH = 20_000
"""Rows of a table gathered before they are written."""
REFUSED = ("file", "place", "rule", "remedy", "reason")
FILES = ("file", "standard", "fate", "documents", "refused", "rows", "difference")


@dataclass
class Count:
    """What came of one file: documents read and refused, rows, and the sum of absolute differences of its documents."""

    file: str
    standard: str = ""
    documents: int = 0
    refused: int = 0
    rows: int = 0
    difference: object = 0

    @property
    def fate(self) -> str:
        """`read` when anything came out of the file, else `refused`."""
        return "read" if self.rows else "refused"


@dataclass
class Conservation:
    """Files = read + refused; documents found = read + refused."""

    files: list[Count] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The table as printed: a line per standard, and the sums."""
        kinds = sorted({c.standard or "not recognised" for c in self.files})
        found = [f"{'standard':<22} {'files':>7} {'read':>7} {'refused':>7}   {'documents':>9} {'read':>9} {'refused':>7}"]
        for kind in [*kinds, "all"]:
            mine = [c for c in self.files if kind in ("all", c.standard or "not recognised")]
            read = sum(c.fate == "read" for c in mine)
            good, bad = sum(c.documents for c in mine), sum(c.refused for c in mine)
            found.append(f"{kind:<22} {len(mine):>7} {read:>7} {len(mine) - read:>7}   {good + bad:>9} {good:>9} {bad:>7}")
        return found


class _Writer:
    """Canonical tables growing in a folder, one Parquet file each."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.waiting: dict[str, list[Row]] = {}
        self.open: dict[str, pq.ParquetWriter] = {}
        self.rows: dict[str, int] = {}

    def add(self, table: str, rows: list[Row]) -> None:
        """Take rows; they are written when there are enough."""
        waiting = self.waiting.setdefault(table, [])
        waiting.extend(rows)
        if len(waiting) >= ENOUGH:
            self.flush(table)

    def flush(self, table: str) -> None:
        """Write what waits."""
        rows, schema = self.waiting.pop(table, []), TABLES[table]
        if table not in self.open:
            self.open[table] = self.stack.enter_context(pq.ParquetWriter(self.folder / f"{table}.parquet", schema))
        self.open[table].write_table(as_table(table, rows))
        self.rows[table] = self.rows.get(table, 0) + len(rows)


def as_table(table: str, rows: list[Row]) -> pa.Table:
    """Rows of a canonical table as Arrow."""
    schema = TABLES[table]
    return pa.table([column([r.get(f.name) for r in rows], f.type) for f in schema], schema=schema)


def read_files(paths: list[Path], out: Path) -> Conservation:
    """Read files, folders and ZIP archives into OUT: a Parquet file per canonical table, files.csv and refused.csv.

    `invoice` and `invoice_line` are always written, others when they have rows. OUT appears whole or not at all: it is made
    beside itself first. A table of an earlier run is replaced.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        found = _read_all(paths, part)
        out.mkdir(exist_ok=True)
        for old in out.iterdir():
            if old.name in {f"{t}.parquet" for t in TABLES} | {"refused.csv", "files.csv"}:
                old.unlink()
        for made in part.iterdir():
            made.replace(out / made.name)
        return found
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _read_all(paths: list[Path], part: Path) -> Conservation:
    found = Conservation()
    with ExitStack() as stack:
        writer = _Writer(part, stack)
        refusals = csv.writer(stack.enter_context((part / "refused.csv").open("w", encoding="utf-8", newline="")))
        fates = csv.writer(stack.enter_context((part / "files.csv").open("w", encoding="utf-8", newline="")))
        refusals.writerow(REFUSED)
        fates.writerow(FILES)
        for count, faults in (one for name, path in _given(paths) for one in _counted(name, path, writer)):
            for fault in faults:
                refusals.writerow([_plain(v) for v in (count.file, fault.place, fault.rule, fault.remedy, fault.reason)])
            fates.writerow([_plain(count.file), count.standard, count.fate, count.documents, count.refused, count.rows, count.difference])
            found.files.append(count)
        for table in ("invoice", "invoice_line", *list(writer.waiting)):
            if table in writer.waiting or table not in writer.open:
                writer.flush(table)
        found.tables = writer.rows
    return found


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _given(paths: list[Path]) -> Iterator[tuple[str, Path]]:
    """Every file by name: as given, or below the folder that was given alone its path in it."""
    for path in paths:
        if path.is_dir():
            for inner in sorted(p for p in path.rglob("*") if p.is_file() and not any(s.startswith(".") for s in p.relative_to(path).parts)):
                yield str(inner.relative_to(path)) if len(paths) == 1 else str(inner), inner
        else:
            yield path.name if len(paths) == 1 else str(path), path


def _counted(name: str, path: Path, writer: _Writer) -> Iterator[tuple[Count, list[Refused]]]:
    """What came of a file, or of each member of an archive (`archive.zip!member`), with what was refused of it."""
    with path.open("rb") as stream:
        for found in opened(stream, "OFD.xml"):
            count = Count(f"{name}!{found.member}" if found.member else name)
            if found.stream is None:
                assert found.refusal is not None
                count.refused = 1
                yield count, [Refused(found.refusal.rule, *found.refusal.reason.rsplit("; ", 1))]
            else:
                yield count, list(_one(found.stream, writer, count))


def _one(stream: BinaryIO, writer: _Writer, count: Count) -> Iterator[Refused]:
    """Read one file; what is refused of it, as it is found."""
    try:
        reading = read_file(stream)
        count.standard = reading.standard
        for n, document in enumerate(reading.documents, 1):
            if isinstance(document, Refused):
                count.refused += 1
                yield document
            else:
                _take(document, n, writer, count)
    except Refused as fault:
        count.refused += 1
        yield fault
    except OSError:
        raise
    except Exception as fault:  # one file from outside must not take the others along, whatever it does to a reader
        log.exception("%s: could not be read", count.file)
        count.refused += 1
        yield Refused("unreadable", f"could not be read ({type(fault).__name__}: {str(fault)[:200]})", "tell those who look after Assay")


def _take(document: Document, n: int, writer: _Writer, count: Count) -> None:
    count.documents += any(table in document.rows for table in BY_DOCUMENT)
    for table, rows in document.rows.items():
        for row in rows:
            row["file"], row["document"] = count.file, n
        writer.add(table, rows)
        count.rows += len(rows)
    for row in (*document.of("invoice"), *document.of("withholding")):
        count.difference = cast(int, count.difference) + abs(cast(int, row["difference"] or 0))
