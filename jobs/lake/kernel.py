"""What a task does: load the declared tables of one bucket, call the step's function, write its files.

The same loading serves kernels (one bucket), driver steps (all buckets) and frame steps (streamed into Spark by bucket):
there is one way to read as of a date.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.buckets import buckets_of, group_codes
from jobs.lake.prune import months_of, of_months
from jobs.lake.read import DataFile, known, latest, read_files, resolve
from jobs.lake.state import State, read_since
from jobs.lake.step import Night, Result, Step, Tables
from jobs.lake.tables import Table, table
from jobs.lake.write import LakeError, NewFile, write_files


@dataclass(frozen=True)
class Input:
    """One declared input: which slot of `Tables` it fills, its files, and the batches that count."""

    slot: str
    name: str
    files: tuple[DataFile, ...]
    batches: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()  # changes: the batches that counted when the step last ran
    root: str | None = None  # where the files lie when that is not the lake: a rehearsal's scratch folder
    columns: tuple[str, ...] | None = None  # frame steps: the columns handed over; None: all
    near: tuple[DataFile, ...] = ()  # changes: all files of the table, of which those that may hold rows near the changed ones are read
    clocked: bool = True  # additive tables: rows with their clocks; else a state and what came since, without
    state: State | None = None  # the month state that a reader without clocks may start from
    ahead: bool = False  # changes: rows known after the night's date too (an additive table stamps each row with its own day)

    def of_bucket(self, bucket: int) -> Input:
        """The same input with one bucket's files; unbucketed tables stay whole."""
        if not table(self.name).bucket_by:
            return self
        mine, near = (tuple(f for f in files if f.bucket == bucket) for files in (self.files, self.near))
        state = self.state and replace(self.state, files=tuple(f for f in self.state.files if f.bucket == bucket))
        return replace(self, files=mine, near=near, state=state)

    def beside(self, contract: Table, rows: pa.Table) -> tuple[DataFile, ...]:
        """The files that may hold rows of the same documents or events as `rows`."""
        every = self.near or self.files
        return of_months(every, months_of(rows[contract.dated])) if contract.dated else every


def load(root: str, wanted: Input, as_of: date, run: int) -> pa.Table:
    """The rows of one input: columns of the contract, plus `sign` for changes."""
    contract = table(wanted.name)
    root = wanted.root or root
    as_of = date.max if wanted.ahead else as_of
    if wanted.slot == "changes":
        return _changes(root, contract, wanted, as_of, run)
    if contract.layer == "additive" and wanted.slot == "now" and not wanted.clocked:
        return read_since(root, contract, wanted.files, wanted.state, wanted.columns, as_of, run)
    narrow = {*wanted.columns, "known_at", "run"} if wanted.columns is not None and contract.layer == "additive" else None
    rows = read_files(root, contract, wanted.files, narrow)
    if wanted.slot == "versions":
        return known(rows, as_of, run, wanted.batches if contract.layer in ("version", "event") else None)
    if contract.layer in ("version", "event"):
        return resolve(known(rows, as_of, run, wanted.batches), contract)
    if contract.layer in ("link", "additive"):
        seen = known(rows, as_of, run, None)
        return latest(seen, contract.key) if contract.layer == "link" and wanted.slot == "now" else seen
    return rows


def _changes(root: str, contract: Table, wanted: Input, as_of: date, run: int) -> pa.Table:
    added, removed = wanted.batches - wanted.before, wanted.before - wanted.batches
    rows = known(read_files(root, contract, wanted.files), as_of, run, added | removed)
    if contract.layer == "event" and rows.num_rows:
        stored = read_files(root, contract, wanted.beside(contract, rows))
        return _event_changes(contract, known(stored, as_of, run, wanted.batches | wanted.before), rows, wanted)
    return _signed(rows, np.asarray(pc.is_in(rows["batch_id"], value_set=pa.array(sorted(removed), pa.string()))))


def _event_changes(contract: Table, stored: pa.Table, rows: pa.Table, wanted: Input) -> pa.Table:
    """What counts now and did not, less what counted and does no more.

    An event received again with an earlier day is stored twice and counts once: only the rows that share a digest with a
    changed one need looking at.
    """
    near = stored.filter(pc.is_in(stored["row_digest"], value_set=rows["row_digest"].unique()))
    then = resolve(near.filter(_in(near, wanted.before)), contract)
    now = resolve(near.filter(_in(near, wanted.batches)), contract)
    both = pa.concat_tables([now, then])
    codes = group_codes(both, [*contract.key, "batch_id", "file", "line", "known_at"])
    come = ~np.isin(codes[: now.num_rows], codes[now.num_rows :])
    gone = ~np.isin(codes[now.num_rows :], codes[: now.num_rows])
    return _signed(both.filter(pa.array(np.concatenate([come, gone]))), np.concatenate([np.zeros(int(come.sum())), np.ones(int(gone.sum()))]) > 0)


def _in(rows: pa.Table, batches: frozenset[str]) -> pa.Array:
    return pc.is_in(rows["batch_id"], value_set=pa.array(sorted(batches), pa.string()))


def _signed(rows: pa.Table, negative: npt.NDArray[np.bool_]) -> pa.Table:
    return rows.append_column("sign", pa.array(np.where(negative, -1, 1), pa.int64()))


def touched(root: str, wanted: Input, changes: pa.Table, as_of: date, run: int) -> pa.Table:
    """All rows in force of the documents that the changes touch, every version."""
    contract = table(wanted.name)
    if changes.num_rows == 0:
        return changes.drop_columns(["sign"])
    rows = known(read_files(root, contract, wanted.beside(contract, changes)), date.max if wanted.ahead else as_of, run, wanted.batches)
    both = pa.concat_tables([rows.select(list(contract.version_of)), changes.select(list(contract.version_of))])
    codes = group_codes(both, contract.version_of)
    return rows.filter(pa.array(np.isin(codes[: rows.num_rows], codes[rows.num_rows :])))


def gather(root: str, inputs: tuple[Input, ...], as_of: date, run: int) -> Tables:
    """Fill `Tables` from inputs; of a version table in `changes`, the touched documents too."""
    slots: dict[str, dict[str, Any]] = {"now": {}, "previous": {}, "history": {}, "changes": {}, "touched": {}, "stored": {}, "versions": {}}
    for wanted in inputs:
        rows = load(root, wanted, as_of, run)
        slots[wanted.slot][wanted.name] = rows
        if wanted.slot == "changes" and table(wanted.name).layer == "version":
            slots["touched"][wanted.name] = touched(root, wanted, rows, as_of, run)
    return Tables(**slots)


@dataclass(frozen=True)
class KernelTask:
    """A kernel step on one bucket."""

    root: str
    target: str
    bucket: int
    buckets: int
    inputs: tuple[Input, ...]


def run_kernel(step: Step, night: Night, task: KernelTask) -> dict[str, list[NewFile]]:
    """Load, count, write: what one Spark task does. Nothing is committed here."""
    result = step.run(gather(task.root, task.inputs, night.as_of, night.run), night)
    return write_result(step, night, result, task.target, task.buckets, task.bucket)


def write_result(step: Step, night: Night, result: Result, root: str, buckets: int, bucket: int | None = None) -> dict[str, list[NewFile]]:
    """Check a step's result and write it as files, by table.

    LakeError when a key repeats, or when a kernel gives rows of another bucket.
    """
    tables = result if isinstance(result, dict) else {step.outputs[0]: result}
    if unknown := set(tables) - set(step.outputs):
        raise LakeError(f"step {step.name}: gave {sorted(unknown)}, which it does not declare to write")
    return {name: _write(step, table(name), rows, night, root, buckets, bucket) for name, rows in tables.items()}


def _write(step: Step, contract: Table, rows: pa.Table, night: Night, root: str, buckets: int, bucket: int | None) -> list[NewFile]:
    complete = complete_rows(contract, rows, night)
    key = [k for k in contract.key if k != "as_of"] + ([] if contract.layer == "nightly" else ["known_at"])
    if complete.num_rows and len(np.unique(group_codes(complete, key))) != complete.num_rows:
        raise LakeError(f"step {step.name}: {contract.name}: rows repeat the key {contract.key}; give each key once")
    if bucket is not None and contract.bucket_by and complete.num_rows:
        strangers = int((buckets_of(complete.column(contract.bucket_by), buckets) != bucket).sum())
        if strangers:
            raise LakeError(f"step {step.name}: {contract.name}: {strangers} row(s) of another bucket; a kernel keeps to its own ids")
    return write_files(root, contract, complete, night.as_of if contract.layer == "nightly" else None, buckets)


def complete_rows(contract: Table, rows: pa.Table, night: Night) -> pa.Table:
    """A step's own columns plus those the layer adds: run, and known_at where the step gave none."""
    for name in ("as_of", "bucket", "run"):
        if name in rows.column_names:
            rows = rows.drop_columns([name])
    if "known_at" not in rows.column_names and contract.layer in ("additive", "link"):
        rows = rows.append_column("known_at", pa.array([night.as_of] * rows.num_rows, pa.date32()))
    return rows.append_column("run", pa.array(np.full(rows.num_rows, night.run), pa.int64()))


def stream(root: str, wanted: Input, as_of: date, run: int, buckets: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """For `mapInArrow`: each bucket number that comes in goes out as that bucket's rows, in the columns the step named."""
    for batch in buckets:
        for number in batch.column(0).to_pylist():
            rows = _narrowed(load(root, wanted.of_bucket(number), as_of, run), wanted)
            yield from rows.combine_chunks().to_batches(max_chunksize=65536)


def handed_over(wanted: Input) -> pa.Schema:
    """The schema of what `stream` gives for an input."""
    fields = {f.name: f for f in table(wanted.name).schema}
    if wanted.slot == "changes":
        fields["sign"] = pa.field("sign", pa.int64())
    return pa.schema([fields[name] for name in wanted.columns or fields])


def _narrowed(rows: pa.Table, wanted: Input) -> pa.Table:
    """The named columns alone; cells of an additive table summed, when neither clock is among them."""
    if wanted.columns is None:
        return rows
    contract, names = table(wanted.name), list(wanted.columns)
    if contract.layer != "additive" or wanted.slot != "now" or {"known_at", "run"}.intersection(names):
        return rows.select(names)
    key, measures = [n for n in names if n in contract.key], [n for n in names if n not in contract.key]
    summed = rows.group_by(key, use_threads=False).aggregate([(m, "sum") for m in measures])
    return summed.rename_columns([n if n in key else n.removesuffix("_sum") for n in summed.column_names]).select(names)


def write_stream(step: Step, night: Night, root: str, buckets: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """For `mapInArrow`: the rows of a frame step's partition go to files; their descriptions come out."""
    parts = [b for b in batches if b.num_rows]
    if not parts:
        return
    files = write_result(step, night, pa.Table.from_batches(parts), root, buckets)
    for found in files.values():
        yield pa.RecordBatch.from_pylist([{"path": f.path, "size": f.size, "rows": f.rows, **_partition(f)} for f in found], schema=FILE_SCHEMA)


FILE_SCHEMA = pa.schema([("path", pa.string()), ("size", pa.int64()), ("rows", pa.int64()), ("as_of", pa.string()), ("bucket", pa.string())])


def _partition(file: NewFile) -> dict[str, str | None]:
    return {"as_of": file.partition.get("as_of"), "bucket": file.partition.get("bucket")}


def to_file(row: dict[str, Any]) -> NewFile:
    """A file description that came back from `write_stream`."""
    return NewFile(row["path"], row["size"], row["rows"], {k: row[k] for k in ("as_of", "bucket") if row[k] is not None})
