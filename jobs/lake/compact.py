"""Compaction: many small files of one bucket become few, sorted by key, each of one month or of one late year.

Rows stay as they are; only files change, in one commit under the lease. Nightly tables are replaced by date and never compacted.
A file is merged once its batch is received and its rows bear the run of that act (or of the retirement that followed): of merged files the
run alone says which batches they can hold, and readers of changes leave them out by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from jobs.lake.faults import fault_point
from jobs.lake.lake import Lake
from jobs.lake.read import DataFile, data_files, read_files, whole
from jobs.lake.tables import Table, table
from jobs.lake.write import LakeError, NewFile, replace_files, write_rows

MANY = 16
"""Loose files that a bucket may have; one more, and they are merged."""
OPEN_MONTHS = 3
"""Months that rows still come in for; what comes later goes to `late-<year>`, so that a closed month is not written again."""
FULL = 64 << 20
"""Bytes from which a merged file is left alone."""


@dataclass(frozen=True)
class Compacted:
    """What compaction did to one table: files that went, and that came in their place."""

    name: str
    gone: int
    came: int


def compact(lake: Lake, name: str, epoch: int, many: int = MANY) -> Compacted | None:
    """Merge the loose files of every bucket that has more than `many`; None when no bucket has. Fenced when the lease is lost."""
    contract = table(name)
    if contract.layer == "nightly":
        raise LakeError(f"{name}: replaced dates are not compacted")
    files = data_files(lake.root, name)
    removed: list[DataFile] = []
    written: list[NewFile] = []
    for bucket in sorted({f.bucket for f in files}, key=lambda b: -1 if b is None else b):
        mine = [f for f in files if f.bucket == bucket]
        loose = list(_settled(lake, contract, [f for f in mine if f.loose]))
        if len(loose) > many:
            gone, new = _bucket(lake, contract, loose, [f for f in mine if not f.loose], many)
            removed += gone
            written += new
    if not removed:
        return None
    fault_point(f"compact:{contract.layer}")
    replace_files(lake.root, name, [as_new(f) for f in removed], written, epoch)
    fault_point(f"compacted:{contract.layer}")
    return Compacted(name, len(removed), len(written))


def _settled(lake: Lake, contract: Table, loose: list[DataFile]) -> Iterator[DataFile]:
    """Files whose rows bear the run in which their batch was received; tables without batches: all."""
    if contract.layer not in ("version", "event"):
        yield from loose
        return
    acts = whole(lake.root, "batch").to_pylist()
    received = {(a["batch_id"], a["run"]) for a in acts if a["act"] == "received"}
    for file in loose:
        if file.batches and file.runs and file.batches[0] == file.batches[1] and file.runs[0] == file.runs[1]:
            if (file.batches[0], file.runs[0]) in received:
                yield file


def _bucket(lake: Lake, contract: Table, loose: list[DataFile], merged: list[DataFile], many: int) -> tuple[list[DataFile], list[NewFile]]:
    """The files of one bucket that go, and those that come in their place."""
    rows = read_files(lake.root, contract, loose)
    gone, new = list(loose), []
    for era, part in _eras(contract, rows):
        same = [f for f in merged if era_of(f) == era and f.size < FULL]
        if era.startswith("late") and len(same) <= many:
            same = []  # a late year grows by whole files until it has many
        gone += same
        new.append(_written(lake, contract, pa.concat_tables([read_files(lake.root, contract, same), part]), era, loose[0].bucket))
    if sum(f.rows for f in gone) != sum(f.rows for f in new):
        raise LakeError(f"{contract.name}: compaction of bucket {loose[0].bucket} would change the number of rows; nothing was committed")
    return gone, new


def era_of(file: DataFile) -> str:
    """The era a merged file's name begins with: `2026-01`, `late-2025` or `all`."""
    return file.path.rpartition("/")[2].rpartition("_")[0]


def _eras(contract: Table, rows: pa.Table) -> Iterable[tuple[str, pa.Table]]:
    """Rows by month of the date in their key; months that ended before the open ones together by year. Tables without such a date: one part."""
    if contract.dated is None:
        return [("all", rows)]
    months = rows.column(contract.dated).cast(pa.date32()).to_numpy().astype("datetime64[M]")
    first_open = months.max() - OPEN_MONTHS
    known = rows.column("known_at").to_numpy().astype("datetime64[M]") if "known_at" in rows.column_names else months
    late = (months < first_open) & (known - months > np.timedelta64(OPEN_MONTHS, "M"))
    eras = np.where(late, np.char.add("late-", months.astype("datetime64[Y]").astype(str)), months.astype(str))
    return [(str(era), rows.filter(pa.array(eras == era))) for era in np.unique(eras)]


def _written(lake: Lake, contract: Table, rows: pa.Table, era: str, bucket: int | None) -> NewFile:
    wanted = dict.fromkeys([*(k for k in contract.key if k != "source"), "version", "known_at", "run", "batch_id", "line"])
    plain = [c for c in wanted if c in rows.column_names]
    partition = {} if bucket is None else {"bucket": str(bucket)}
    return write_rows(lake.root, contract, rows.sort_by([(c, "ascending") for c in plain]), partition, f"{era}_")


def as_new(file: DataFile) -> NewFile:
    """A committed file as the writers name it."""
    return NewFile(file.path, file.size, file.rows, {} if file.bucket is None else {"bucket": str(file.bucket)})
