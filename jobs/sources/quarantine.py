"""What lies in quarantine: rows of batches in force that no release has taken, who may be shown what, and what today's contract says of one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Conf, Source
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, read_files, whole
from jobs.lake.tables import table
from jobs.sources.check import Receipt, check
from jobs.sources.code_tables import tables_of
from jobs.sources.part import Part
from jobs.sources.read import documents

HIDDEN = "•••"

Row = dict[str, Any]


@dataclass(frozen=True)
class Which:
    """Which quarantine rows are meant; what is not given does not limit. A batch may be named by the beginning of its id."""

    source: str | None = None
    batch: str | None = None
    rule: str | None = None
    since: date | None = None

    def fits(self, row: Row) -> bool:
        """Whether a quarantine row is meant. A rule is named whole (`money:amount`) or without its column (`money`)."""
        rules = row["rules"] or []
        return (
            self.source in (None, row["source"])
            and row["batch_id"].startswith(self.batch or "")
            and (self.rule is None or any(self.rule in (r, r.split(":")[0]) for r in rules))
            and (self.since is None or row["received_at"].date() >= self.since)
        )


def waiting(lake: Lake, which: Which | None = None) -> list[Row]:
    """The quarantine rows of batches in force that were not released, by source, file and line; each has an `id`."""
    force = lake.batches_in_force(lake.epoch())
    rows = read_files(lake.root, table("quarantine"), data_files(lake.root, "quarantine"))
    rows = rows.filter(pc.is_in(rows["batch_id"], value_set=pa.array(sorted(force), pa.string())))
    taken = {(r["out_of"], r["file"], r["line"]) for r in whole(lake.root, "released").to_pylist() if r["batch_id"] in force}
    found = [{**r, "id": row_id(r)} for r in rows.to_pylist() if (r["batch_id"], r["file"], r["line"]) not in taken]
    return sorted((r for r in found if which is None or which.fits(r)), key=lambda r: (r["source"], r["received_at"], r["file"], r["line"]))


def row_id(row: Mapping[str, Any]) -> str:
    """A short name of a quarantine row: digest of batch, file and line."""
    return hashlib.sha256(f"{row['batch_id']}\n{row['file']}\n{row['line']}".encode()).hexdigest()[:10]


def counts(rows: list[Row]) -> list[tuple[str, str, str, int]]:
    """How many rows break each rule, by source and batch: source, batch, rule, rows. A row with three rules counts three times."""
    found = Counter((r["source"], r["batch_id"], rule) for r in rows for rule in r["rules"] or [])
    return sorted((*key, n) for key, n in found.items())


@dataclass(frozen=True)
class Today:
    """What the contract of today says of a record: the rules it breaks (none: it would pass), why, and its cells by source column."""

    rules: tuple[str, ...]
    reason: str | None
    cells: Mapping[str, str]
    there: bool = True


def today(row: Row, conf: Conf, inbox: Path, receipt: Receipt) -> Today | None:
    """Read one quarantine row's file again and check its record by today's contract; None where contract or file is not there any more.

    `there` is false when the line is no record any more: the file reads otherwise than it did.
    """
    source = conf.sources.get(row["source"])
    path = inbox / row["source"] / landed_file(row["file"], inbox / row["source"])
    if source is None or not path.is_file():
        return None
    for part in _parts(path, source, row["file"]):
        found = check(part, source, conf.house, receipt, tables_of(source, conf))
        records = found.records.filter(pc.equal(found.records["line"], row["line"])).to_pylist()
        if records:
            return Today(tuple(records[0]["rules"] or ()), records[0]["reason"], _cells(part, row["line"]))
    return Today((), None, {}, there=False)


def landed_file(place: str, folder: Path) -> str:
    """The landed file of a place: the place itself, or the archive whose member it names (`archive!member`)."""
    return place if (folder / place).is_file() else place.split("!", 1)[0]


def _parts(path: Path, source: Source, place: str) -> Iterator[Part]:
    with path.open("rb") as stream:
        for member, parts in documents(stream, source):
            if place == (f"{path.name}!{member}" if member else path.name):
                yield from parts


def _cells(part: Part, line: int) -> dict[str, str]:
    place = pc.index(part.line, line).as_py()
    return {} if place < 0 else {n: str(c[place].as_py()) for n, c in part.cells.items() if c[place].as_py() is not None}


def hidden(source: Source) -> dict[str, str]:
    """Target column -> source column of what may not be shown to whoever mends deliveries: its purposes do not include `risk`."""
    named = {**source.columns, **(source.lines or {})}
    for stage, said in (source.stages or {}).items():
        named |= {f"{stage}.{n}": f for n, f in said.columns.items()}
    for table_, fields in (source.details or {}).items():
        named |= {f"{table_}.{n}": f for n, f in fields.items()}
    return {n: f.from_ for n, f in named.items() if f.from_ is not None and "risk" not in f.purposes}


def shown(row: Row, source: Source | None, cells: Mapping[str, str]) -> list[str]:
    """The record as lines that may be shown: its raw text; where a column is hidden, the mapped cells without it."""
    if source is None:
        return [HIDDEN]
    columns = set(hidden(source).values())
    if not columns:
        return [row["raw"] or ""]
    return [f"{name}: {HIDDEN if name in columns else cell}" for name, cell in cells.items()] or [HIDDEN]


def why(row: Mapping[str, Any], source: Source | None) -> str:
    """The reason in words; it quotes cells, so it is hidden where a broken rule is about a hidden column."""
    columns = hidden(source) if source is not None else {}
    about = {rule.split(":", 1)[1] for rule in row["rules"] or [] if ":" in rule}
    return HIDDEN if source is None or about & set(columns) else row["reason"] or ""
