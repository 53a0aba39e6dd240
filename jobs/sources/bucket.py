"""The task per bucket: fates for every delivery of the night, one after the other, and the files that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Source
from jobs.lake.prune import months_of, of_months
from jobs.lake.read import DataFile, read_files
from jobs.lake.tables import Table, table
from jobs.lake.write import NewFile, write_files
from jobs.sources.check import RECORDS as RECORD_SCHEMA
from jobs.sources.check import row_schema
from jobs.sources.held import Held
from jobs.sources.landing import Delivery
from jobs.sources.profile import Profile, covered, profile
from jobs.sources.receive import FATES, QUARANTINED, Arrived, Received, Terms, alphabetic, receive, stored_schema
from jobs.sources.route import RECORDS, ROWS, Parcel, Routed, from_bytes

TOGETHER = 256 << 20
"""Bytes of records as received that make a file."""


@dataclass(frozen=True)
class Batch:
    """A delivery about to be received: its place in the night, its contract, its id, the day of the snapshot before it, and its origin.

    `held` says which of its records a release takes (None: all), `out_of` which batch had them before.
    """

    ordinal: int
    delivery: Delivery
    source: Source
    batch_id: str
    previous_day: date | None
    origin: int = 1
    held: Held | None = None
    out_of: str | None = None


@dataclass(frozen=True)
class BucketTask:
    """What every bucket's task is given: the lake, the run, the night's deliveries, the files and batches there are."""

    root: str
    buckets: int
    groups: int
    run: int
    batches: tuple[Batch, ...]
    files: dict[str, tuple[DataFile, ...]]
    in_force: frozenset[str]


@dataclass(frozen=True)
class Written:
    """What became of one delivery in one task: files by table, records received, how many of each fate, notes, lines that are gone, what it looks like."""

    ordinal: int
    files: dict[str, list[NewFile]] = field(default_factory=dict)
    received: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    gone: tuple[tuple[str, int], ...] = ()
    profile: Profile = field(default_factory=Profile)


def receive_bucket(task: BucketTask, group: int, routed: Iterable[Routed]) -> Iterator[Written]:
    """Receive the night's deliveries in the buckets of one group: source by source, in the order of receipt."""
    parcels: dict[tuple[int, int], list[Parcel]] = {}
    for bucket, parcel in routed:
        parcels.setdefault((bucket, parcel.ordinal), []).append(parcel)
    gathered = {b.ordinal: _Gathered(task, b) for b in task.batches}
    profiles: dict[int, Profile] = {ordinal: Profile() for ordinal in gathered}
    asked = any(b.source.expect.coverage for b in task.batches)
    for bucket in range(group, task.buckets, task.groups):
        stored: dict[str, pa.Table] = {}
        ids: dict[int, pa.Array] = {}
        for batch in task.batches:
            mine = parcels.get((bucket, batch.ordinal), [])
            if not mine and batch.source.delivery != "snapshot":
                continue
            name = batch.source.name
            if name not in stored:
                stored[name] = _stored(task, batch.source, bucket, parcels)
            arrived = _arrived(batch.source, mine)
            found = receive(arrived, stored[name], table(batch.source.table), _terms(batch, mine))
            stored[name] = found.stored
            stay = batch.held.unsettled(found.records, QUARANTINED) if batch.held else np.zeros(found.records.num_rows, dtype=bool)
            gathered[batch.ordinal].add(bucket, replace(found, records=found.records.filter(pa.array(~stay))) if stay.any() else found)
            if batch.held is None:
                profiles[batch.ordinal] += profile(arrived.records, arrived.rows, batch.source)
                if asked:
                    ids[batch.ordinal] = pc.unique(arrived.rows[table(batch.source.table).bucket_by]).drop_null()
        for batch in task.batches:
            if batch.source.expect.coverage is not None and batch.ordinal in ids:
                profiles[batch.ordinal] += covered(ids[batch.ordinal], _known(task, batch.source.expect.coverage.of, bucket, ids))
    for batch in task.batches:
        mine = [p for (_, ordinal), found in sorted(parcels.items()) if ordinal == batch.ordinal for p in found]
        written = gathered[batch.ordinal].written(tuple(p.note for p in mine if p.note), tuple(g for p in mine for g in p.gone))
        yield replace(written, profile=profiles[batch.ordinal])


def _known(task: BucketTask, name: str, bucket: int, tonight: Mapping[int, pa.Array]) -> pa.Array:
    """The ids that a table has in this bucket: of batches in force, and of those that come tonight."""
    contract = table(name)
    column = contract.bucket_by or ""
    rows = read_files(task.root, contract, [f for f in task.files[name] if f.bucket == bucket], [column, "batch_id"])
    there = rows.filter(pc.is_in(rows["batch_id"], value_set=pa.array(sorted(task.in_force), pa.string())))[column].chunks
    new = [tonight[b.ordinal] for b in task.batches if b.ordinal in tonight and b.source.table == name]
    return pc.unique(pa.chunked_array([*there, *new], pa.string())).drop_null()


def _terms(batch: Batch, parcels: list[Parcel]) -> Terms:
    source = batch.source
    return Terms(
        batch.delivery.day, batch.delivery.receipt, source.delivery == "snapshot", source.version.from_ is not None,
        batch.previous_day if batch.delivery.kind == "history" else None, not any(p.unreadable for p in parcels),
    )  # fmt: skip


def _stored(task: BucketTask, source: Source, bucket: int, parcels: dict[tuple[int, int], list[Parcel]]) -> pa.Table:
    """The source's rows of batches in force, in this bucket: what repeats are told by. Of dated keys only the months that arrive."""
    contract = table(source.table)
    files: Sequence[DataFile] = [f for f in task.files[source.table] if f.bucket == bucket]
    if files and contract.dated and source.delivery != "snapshot":
        mine = [p for b in task.batches if b.source.name == source.name for p in parcels.get((bucket, b.ordinal), [])]
        files = of_months(files, months_of(_gathered(mine, ROWS, _with_file(row_schema(contract)))[contract.dated]))
    names = stored_schema(contract).names
    rows = read_files(task.root, contract, files, [*names, "source", "batch_id"])
    same = pc.and_(pc.equal(rows["source"], source.name), pc.is_in(rows["batch_id"], value_set=pa.array(sorted(task.in_force), pa.string())))
    return rows.filter(same).select(names).cast(stored_schema(contract))


def _arrived(source: Source, parcels: list[Parcel]) -> Arrived:
    details = {name: _gathered(parcels, name, _with_file(row_schema(table(name)))) for name in source.details or {}}
    rows = _gathered(parcels, ROWS, _with_file(row_schema(table(source.table))))
    return Arrived(_gathered(parcels, RECORDS, _with_file(RECORD_SCHEMA)), rows, details)


def _with_file(schema: pa.Schema) -> pa.Schema:
    return schema.append(pa.field("file", pa.string()))


def _gathered(parcels: list[Parcel], name: str, schema: pa.Schema) -> pa.Table:
    found = [from_bytes(p.tables[name]) for p in parcels if name in p.tables]
    # Parcels come in any order; what is written must not depend on it.
    found.sort(key=lambda rows: (rows["file"][0].as_py(), rows["line"][0].as_py()))
    return pa.concat_tables(found) if found else schema.empty_table()


@dataclass
class _Gathered:
    """One delivery in one group of buckets: silver is written bucket by bucket, records as received many together."""

    task: BucketTask
    batch: Batch
    files: dict[str, list[NewFile]] = field(default_factory=dict)
    fates: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FATES, 0))
    records: list[pa.Table] = field(default_factory=list)
    waiting: int = 0
    any: bool = False

    def add(self, bucket: int, found: Received) -> None:
        """Write what a bucket stores; keep its records until there are enough for a file."""
        source, self.any = self.batch.source, True
        # A stage may name its own id: its rows are then sorted into buckets once more.
        known = None if source.stages else bucket
        for name, rows in {source.table: found.rows, **{n: found.details[n] for n in source.details or {}}}.items():
            self._write(name, _sorted(rows, table(name)), known)
        for fate, count in zip(*_counted(found.records), strict=True):
            self.fates[fate] += count
        self.records.append(found.records)
        self.waiting += found.records.nbytes
        if self.waiting > TOGETHER:
            self._flush()

    def written(self, notes: tuple[str, ...], gone: tuple[tuple[str, int], ...]) -> Written:
        """All that became of the delivery here."""
        self._flush()
        counts = self.fates if self.any else {}
        return Written(self.batch.ordinal, self.files, sum(counts.values()), counts, notes, gone)

    def _flush(self) -> None:
        if self.records:
            raw = pa.concat_tables(self.records)
            raw = _stamped(raw, {"received_at": self.batch.delivery.received_at})
            self._write(f"bronze_{self.batch.source.name}", raw.drop_columns(["rules", "reason"]), None)
            self._write("quarantine", raw.filter(pc.equal(raw["fate"], QUARANTINED)), None)
        self.records, self.waiting = [], 0

    def _write(self, name: str, rows: pa.Table, bucket: int | None) -> None:
        stamped = _stamped(rows, {"source": self.batch.source.name, "batch_id": self.batch.batch_id, "run": self.task.run})
        if found := write_files(self.task.root, table(name), stamped, buckets=self.task.buckets, bucket=bucket):
            self.files.setdefault(name, []).extend(found)


def _counted(records: pa.Table) -> tuple[list[str], list[int]]:
    found = pc.value_counts(records["fate"].combine_chunks())
    return found.field(0).to_pylist(), found.field(1).to_pylist()


def _sorted(rows: pa.Table, contract: Table) -> pa.Table:
    """Rows by the id their bucket is made from, each id's in the order of arrival."""
    return rows.take(pa.array(np.argsort(alphabetic(rows[contract.bucket_by or ""]), kind="stable")))


def _stamped(rows: pa.Table, values: dict[str, Any]) -> pa.Table:
    types = {"run": pa.int64(), "received_at": pa.timestamp("us", tz="UTC")}
    for name, value in values.items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(value, types.get(name, pa.string())), rows.num_rows))
    return rows
