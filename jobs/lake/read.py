"""Reading as of a date: which files, which batches are in force, which version of each key counts.

The one predicate: rows with known_at <= as_of and run <= R, of batches in force at R; of a document the highest version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.lake.buckets import group_codes
from jobs.lake.tables import FLOAT, Table, table
from jobs.lake.write import open_table


@dataclass(frozen=True)
class DataFile:
    """A committed file: its path under the table, partition values, rows and size, and the ranges its commit stated (None: not stated).

    `days`: of the date in the table's key (`Table.dated`); `known`: of known_at; `runs`: of run; `batches`: of batch_id.
    """

    path: str
    as_of: date | None
    bucket: int | None
    rows: int
    size: int = 0
    days: tuple[date, date] | None = None
    known: tuple[date, date] | None = None
    runs: tuple[int, int] | None = None
    batches: tuple[str, str] | None = None

    @property
    def loose(self) -> bool:
        """Whether it is as a task wrote it, not yet compacted."""
        return self.path.rpartition("/")[2].startswith("part-")


def data_files(root: str, name: str, version: int | None = None) -> list[DataFile]:
    """The files of a table at a version (default: newest), in path order. Empty when it was never written."""
    if version is not None and version < 0:
        return []
    handle = open_table(root, name, version)
    if handle is None:
        return []
    actions = pa.table(handle.get_add_actions(flatten=True)).to_pydict()
    count = len(actions["path"])

    def ranges(column: str | None) -> list[Any]:
        low, high = (actions.get(f"{end}.{column}", [None] * count) for end in ("min", "max"))
        return [None if a is None or b is None else (a, b) for a, b in zip(low, high, strict=True)]

    parts = [actions.get(f"partition.{p}", [None] * count) for p in ("as_of", "bucket")]
    stated = [ranges(c) for c in (table(name).dated, "known_at", "run", "batch_id")]
    rows = [n or 0 for n in actions["num_records"]]
    found = [DataFile(*values) for values in zip(actions["path"], *parts, rows, actions["size_bytes"], *stated, strict=True)]
    return sorted(found, key=lambda f: f.path)


def files_on(root: str, name: str, version: int | None, as_of: date | None) -> tuple[DataFile, ...]:
    """The files of a table at a version that speak of a date: of a nightly table that date's, of others all."""
    files = data_files(root, name, version)
    return tuple(f for f in files if table(name).layer != "nightly" or f.as_of == as_of)


def files_published(root: str, name: str, version: int, as_of: date, run: int) -> tuple[DataFile, ...]:
    """The files of a table as a published night names it; of the newest version where VACUUM took those.

    Nothing is lost by that: rows are never changed, and readers leave out what a later run brought. FileNotFoundError when a nightly
    table's date was replaced since.
    """
    try:
        files = files_on(root, name, version, as_of)
    except Exception:  # the log no longer reaches back: delta-rs has no one error for that
        files = None
    folder = Path(root) / table(name).path
    if files is not None and all((folder / f.path).is_file() for f in files):
        return files
    newest = files_on(root, name, None, as_of)
    if table(name).layer == "nightly" and any(f.runs not in (None, (run, run)) for f in newest):
        raise FileNotFoundError(f"{name} of {as_of}: the rows of run {run} were deleted by upkeep, and the date was published again since; see its later revision")
    return newest


def read_files(root: str, contract: Table, files: Iterable[DataFile], columns: Iterable[str] | None = None) -> pa.Table:
    """Read files into one table with the contract's columns (partition columns included); columns added later read as null."""
    chosen = list(files)
    names = [c.name for c in contract.columns if columns is None or c.name in set(columns)]
    folder = Path(root) / contract.path
    parts, extra = [], set[str]()
    for file in chosen:
        with pq.ParquetFile(folder / file.path, page_checksum_verification=True) as reader:
            present = reader.schema_arrow.names
            part = reader.read(columns=[n for n in present if n in names or (contract.open_doubles and columns is None)])
        for name, value in (("as_of", file.as_of), ("bucket", file.bucket)):
            if name in names and name in contract.partition_by:
                part = part.append_column(name, pa.array([value] * part.num_rows, contract.schema.field(name).type))
        extra |= {n for n in part.column_names if n not in names}
        parts.append(part)
    schema = pa.schema([pa.field(n, contract.schema.field(n).type) for n in names] + [pa.field(n, FLOAT) for n in sorted(extra)])
    if not parts:
        return schema.empty_table()
    return pa.concat_tables([_fill(part, schema) for part in parts])


def _fill(part: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [part.column(f.name).cast(f.type) if f.name in part.column_names else pa.nulls(part.num_rows, f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def in_force(batches: pa.Table, run: int) -> frozenset[str]:
    """The ids of batches received and not retired, as run R sees them (rows of gold.batch)."""
    last: dict[str, tuple[int, int, str]] = {}
    order = {"received": 0, "retired": 1}
    for batch_id, act, at in zip(batches["batch_id"].to_pylist(), batches["act"].to_pylist(), batches["run"].to_pylist(), strict=True):
        if at <= run and act in order:
            last[batch_id] = max(last.get(batch_id, (-1, 0, "")), (at, order[act], act))
    return frozenset(b for b, (_, _, act) in last.items() if act == "received")


def known(rows: pa.Table, as_of: date, run: int, batches: frozenset[str] | None) -> pa.Table:
    """Rows known on the date, entered by run R, of the given batches (None: the layer has no batches)."""
    keep = pc.and_(pc.less_equal(rows["known_at"], pa.scalar(as_of, pa.date32())), pc.less_equal(rows["run"], run))
    if batches is not None:
        keep = pc.and_(keep, pc.is_in(rows["batch_id"], value_set=pa.array(sorted(batches), pa.string())))
    return rows.filter(keep)


def resolve(rows: pa.Table, contract: Table) -> pa.Table:
    """One version per document and one row per key: highest (version, known_at, row_digest); repeats count from the earliest known_at.

    Rows are those of `known`. Rows whose winning version is `deleted` are hidden. Row order does not matter.
    """
    if rows.num_rows == 0:
        return rows
    kept = _without_repeats(rows, contract)
    if contract.layer == "event":
        return kept.filter(pc.invert(pc.fill_null(kept["deleted"], False)))
    documents = group_codes(kept, contract.version_of)
    rank = version_rank(kept)
    best = np.full(int(documents.max()) + 1, -1, dtype=np.int64)
    np.maximum.at(best, documents, rank)
    winners = kept.filter(pa.array(rank == best[documents]))
    return winners.filter(pc.invert(pc.fill_null(winners["deleted"], False)))


def version_rank(rows: pa.Table) -> npt.NDArray[np.int64]:
    """The order of versions: dense rank of (version, known_at, row_digest), equal for rows of one version: int64 [row]."""
    digests = pc.dictionary_encode(rows["row_digest"]).combine_chunks()
    if isinstance(digests, pa.ChunkedArray):
        digests = digests.unify_dictionaries().combine_chunks()
    alphabetic = np.argsort(np.argsort(np.asarray(digests.dictionary.to_pylist(), dtype=object)))
    version, known_at = rows["version"].to_numpy(), rows["known_at"].cast(pa.int32()).to_numpy().astype(np.int64)
    digest = alphabetic[digests.indices.to_numpy()].astype(np.int64)
    order = np.lexsort((digest, known_at, version))
    changed = np.zeros(len(order), dtype=bool)
    for column in (version, known_at, digest):
        ordered = column[order]
        changed |= np.concatenate([[True], ordered[1:] != ordered[:-1]])
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.cumsum(changed)
    return ranks


def _without_repeats(rows: pa.Table, contract: Table) -> pa.Table:
    """Rows that repeat key, version and content, down to the one known first (then lowest run, batch and line)."""
    content = group_codes(rows, [*contract.key, "version", "row_digest"])
    if int(content.max()) + 1 == rows.num_rows:
        return rows
    batch = group_codes(rows.select(["batch_id"]), ["batch_id"])
    order = np.lexsort((rows["line"].to_numpy(), batch, rows["run"].to_numpy(), rows["known_at"].cast(pa.int32()).to_numpy(), content))
    first = np.concatenate([[True], content[order][1:] != content[order][:-1]])
    return rows.take(pa.array(np.sort(order[first])))


def latest(rows: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """Of each key the row known last (then of the highest run): how link tables are read."""
    if rows.num_rows == 0:
        return rows
    codes = group_codes(rows, key)
    order = np.lexsort((rows["run"].to_numpy(), rows["known_at"].cast(pa.int32()).to_numpy(), codes))
    last = np.concatenate([codes[order][1:] != codes[order][:-1], [True]])
    return rows.take(pa.array(np.sort(order[last])))


def whole(root: str, name: str, version: int | None = None) -> pa.Table:
    """All rows of a small table at a version (default: newest), such as those of the control layer."""
    return read_files(root, table(name), data_files(root, name, version))


def as_json(value: object) -> str:
    """Canonical JSON for control rows and evidence."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
