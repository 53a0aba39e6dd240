"""The task per file: read, check, and send each record to its bucket as Arrow bytes. It writes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import House, Source
from jobs.lake.arrays import Ints
from jobs.lake.buckets import buckets_of, group_codes
from jobs.lake.tables import table
from jobs.sources.check import Checked, Receipt, check
from jobs.sources.code_tables import Tables
from jobs.sources.held import Held
from jobs.sources.many import read_many
from jobs.sources.part import Part, refused
from jobs.sources.read import documents
from jobs.sources.read_xml import FORMATS
from jobs.sources.vault import Sealer, Vault

log = logging.getLogger(__name__)
ENOUGH = 100_000
"""Records gathered before they are sent on,"""
ENOUGH_BYTES = 64 << 20
"""or bytes of them."""
RECORDS, ROWS = "records", "rows"


@dataclass(frozen=True)
class FileTask:
    """Files of one delivery that one task reads. `ordinal` numbers the deliveries of the night in the order of receipt; `groups`: of one
    large Parquet file only these row groups.
    """

    ordinal: int
    source: Source
    house: House
    receipt: Receipt
    folder: str
    files: tuple[str, ...]
    buckets: int
    held: Held | None = None
    batch_id: str = ""
    vault: Vault | None = None
    groups: range | None = None
    codes: Tables = field(default_factory=dict)


@dataclass(frozen=True)
class Parcel:
    """What one task sends to one bucket: Arrow tables by name as IPC bytes; notes go to bucket 0."""

    ordinal: int
    tables: dict[str, bytes] = field(default_factory=dict)
    note: str | None = None
    unreadable: bool = False
    gone: tuple[tuple[str, int], ...] = ()


Routed = tuple[int, Parcel]


def route(task: FileTask) -> Iterator[Routed]:
    """The records of a task's files, by bucket, and what the delivery as a whole must know."""
    gathered: list[Checked] = []
    names: list[str] = []
    waiting = size = 0
    for name, found in _found(task):
        if isinstance(found, Parcel):
            yield 0, found
            continue
        yield from _remarks(task, name, found)
        gathered.append(found)
        names.append(name)
        waiting += found.records.num_rows
        size += found.records.nbytes
        if waiting >= ENOUGH or size >= ENOUGH_BYTES:
            yield from _sent(task, names, gathered)
            gathered, names, waiting, size = [], [], 0, 0
    yield from _sent(task, names, gathered)


Place = tuple[str, Checked]


def _found(task: FileTask) -> Iterator[tuple[str, Checked | Parcel]]:
    """What the files hold, one after the other; e-invoices, of which each file is one, many at once."""
    if task.source.files.format in FORMATS and task.source.broken == "row" and task.held is None and not (task.source.vault or task.source.files.parquet):
        yield from (("", found) for found in read_many(task.folder, task.files, task.source, task.house, task.receipt, task.codes))
        return
    for file in task.files:
        yield from _wanted(task, file)


def _wanted(task: FileTask, file: str) -> Iterator[tuple[str, Checked | Parcel]]:
    """All of a file, or what a release takes of it and which of its lines are no records any more."""
    if task.held is None:
        yield from _file(task, file)
        return
    seen: dict[str, list[Ints]] = {}
    for place, found in _file(task, file):
        seen.setdefault(place, []).append(found.records["line"].to_numpy())
        yield place, task.held.taken(place, found)
    if gone := tuple((place, line) for place, lines in seen.items() for line in task.held.gone(place, np.concatenate(lines))):
        yield file, Parcel(task.ordinal, gone=gone)


def _file(task: FileTask, name: str) -> Iterator[Place]:
    """A file's parts, checked, each with its place; the whole file is broken by one record where the contract says so."""
    if task.source.broken == "file":
        yield from _all_or_none(list(_parts(task, name)))
    else:
        yield from _parts(task, name)


def _parts(task: FileTask, name: str) -> Iterator[Place]:
    """Parts of a file; those of an archive's member are placed at `file!member`."""
    seal = Sealer(task.vault, task.source, task.batch_id, name) if task.vault else None
    with (Path(task.folder) / name).open("rb") as stream:
        for member, parts in documents(stream, task.source, seal, task.groups):
            place = f"{name}!{member}" if member else name
            for found in _checked(task, parts):
                yield place, found
    if seal:
        seal.close()


def _checked(task: FileTask, parts: Iterator[Part]) -> Iterator[Checked]:
    line = 0
    try:
        for part in parts:
            found = check(part, task.source, task.house, task.receipt, task.codes)
            line = max(line, int(pc.max(found.records["line"]).as_py() or 0))
            yield found
    except OSError:
        raise
    except Exception as fault:  # a file from outside must not end the night, whatever it does to a reader
        told = "" if task.source.vault else f": {str(fault)[:200]}"  # a fault may quote what belongs into the vault
        log.error("%s: a file of receipt %s could not be read", task.source.name, task.receipt.day, exc_info=None if task.source.vault else fault)
        reason = f"could not be read on from line {line + 1} ({type(fault).__name__}{told}); have it sent again"
        yield check(refused("unreadable", reason, line=line + 1), task.source, task.house, task.receipt)


def _all_or_none(parts: list[Place]) -> list[Place]:
    if not any(pc.any(pc.is_valid(p.records["rules"])).as_py() for _, p in parts):
        return parts
    return [(place, _spoiled(p)) for place, p in parts]


def _spoiled(part: Checked) -> Checked:
    whole = pc.is_null(part.records["rules"])
    count = part.records.num_rows
    rules = pc.if_else(whole, pa.array([["file"]] * count, pa.list_(pa.string())), part.records["rules"])
    reason = pc.if_else(whole, "another record of this file broke a rule, and the contract takes files whole or not at all", part.records["reason"])
    records = part.records.set_column(2, "rules", rules).set_column(3, "reason", reason)
    return Checked(records, part.rows.slice(0, 0), {n: t.slice(0, 0) for n, t in part.details.items()}, part.notes)


def _remarks(task: FileTask, name: str, found: Checked) -> Iterator[Routed]:
    for note in found.notes:
        yield 0, Parcel(task.ordinal, note=f"{name}: {note}")
    if task.source.delivery == "snapshot" and _hides_keys(found.records):
        for bucket in range(task.buckets):
            yield bucket, Parcel(task.ordinal, unreadable=True)


def _hides_keys(records: pa.Table) -> bool:
    """Whether a broken record does not even tell whom it is about; one whose id the agency hides on purpose tells that much."""
    lost = records.filter(pc.and_(pc.is_valid(records["rules"]), pc.is_null(records["id"])))
    return any(not any(r.startswith("masked:") for r in rules) for rules in lost["rules"].to_pylist())


def _sent(task: FileTask, names: list[str], gathered: list[Checked]) -> Iterator[Routed]:
    if not gathered:
        return
    records = pa.concat_tables([_named(c.records, n) for c, n in zip(gathered, names, strict=True)])
    rows = pa.concat_tables([_named(c.rows, n) for c, n in zip(gathered, names, strict=True)])
    tables = {RECORDS: records, ROWS: rows}
    for inner in task.source.details or {}:
        tables[inner] = pa.concat_tables([_named(c.details[inner], n) for c, n in zip(gathered, names, strict=True) if inner in c.details])
    homes = buckets_of(records["id"], task.buckets)
    ordered = {name: _by_bucket(rows, _home(task, name, rows, records, homes), task.buckets) for name, rows in tables.items()}
    for bucket in np.unique(homes).tolist():
        chosen = {name: rows.slice(starts[bucket], starts[bucket + 1] - starts[bucket]) for name, (rows, starts) in ordered.items()}
        yield bucket, Parcel(task.ordinal, {name: as_bytes(rows) for name, rows in chosen.items() if rows.num_rows})


def _by_bucket(rows: pa.Table, homes: Ints, buckets: int) -> tuple[pa.Table, list[int]]:
    """The rows bucket by bucket, and where each bucket's begin."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(homes, minlength=buckets))])
    return rows.take(pa.array(np.argsort(homes, kind="stable"))), starts.tolist()


def _named(table: pa.Table, name: str) -> pa.Table:
    return table if "file" in table.column_names else table.append_column("file", pa.repeat(pa.scalar(name), table.num_rows))


def _home(task: FileTask, name: str, rows: pa.Table, records: pa.Table, homes: Ints) -> Ints:
    """The bucket of each row: that of its record, whose id a row of the table itself repeats."""
    if name == RECORDS:
        return homes
    if name == ROWS and not task.source.stages:
        return buckets_of(rows[table(task.source.table).bucket_by or ""], task.buckets)
    codes = group_codes(pa.concat_tables([records.select(["file", "line"]), rows.select(["file", "line"])]), ["file", "line"])
    of = np.zeros(int(codes.max()) + 1 if len(codes) else 0, dtype=np.int64)
    of[codes[: records.num_rows]] = homes
    return of[codes[records.num_rows :]]


def as_bytes(table: pa.Table) -> bytes:
    """A table as compressed Arrow IPC bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def from_bytes(data: bytes) -> pa.Table:
    """The table of `as_bytes`."""
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()
