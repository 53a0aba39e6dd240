"""The two writers. Tasks write Parquet files; the driver commits them all in one Delta transaction.

`append_once` commits a batch exactly once; `replace_as_of` replaces one date of a nightly table. Both are fenced by the
lease, check every file's footer against the contract, and can be killed and run again. Rules: docs/lake.md.
"""

from __future__ import annotations

import json
import logging
import os
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from jobs.lake.buckets import buckets_of
from jobs.lake.faults import fault_point
from jobs.lake.footer import STATISTICS, statistics_of
from jobs.lake.seal import LOG_DAYS, chained, digest_of
from jobs.lake.tables import FLOAT, Table, table

log = logging.getLogger(__name__)

LEASE = "lease"
ATTEMPTS = 20
SAMPLE = 5000


class LakeError(Exception):
    """The lake refuses: wrong files, wrong bucket count, a broken contract. The message names table, column and remedy."""


class Fenced(LakeError):
    """Another run took the lease; this one must stop."""


@dataclass(frozen=True)
class NewFile:
    """A Parquet file written by a task, not yet committed."""

    path: str
    size: int
    rows: int
    partition: dict[str, str]


def write_files(root: str, contract: Table, rows: pa.Table, as_of: date | None = None, buckets: int = 0, bucket: int | None = None) -> list[NewFile]:
    """Write rows (own and layer columns; `bucket` is added when missing) as one Parquet file per bucket under the table.

    Columns are ordered and cast to the contract. `bucket`: the one that all rows are known to lie in. LakeError names a missing, unknown
    or uncastable column.
    """
    if rows.num_rows == 0:
        return []
    shaped = conform(contract, rows)
    if not contract.bucket_by:
        return [_write(root, contract, shaped, _partition(as_of, None))]
    if bucket is not None:
        return [_write(root, contract, shaped, _partition(as_of, bucket))]
    numbers = buckets_of(shaped.column(contract.bucket_by), buckets)
    found = sorted({int(b) for b in numbers})
    if len(found) == 1:
        return [_write(root, contract, shaped, _partition(as_of, found[0]))]
    return [_write(root, contract, shaped.filter(pa.array(numbers == b)), _partition(as_of, b)) for b in found]


def conform(contract: Table, rows: pa.Table) -> pa.Table:
    """Order and cast columns as the contract says, without partition columns; optional ones may be missing (null)."""
    schema = file_schema(contract, rows.column_names)
    columns = []
    for field in schema:
        if field.name not in rows.column_names:
            if not field.nullable:
                raise LakeError(f"{contract.name}.{field.name}: column is missing and may not be null; the step must give it")
            columns.append(pa.nulls(rows.num_rows, field.type))
            continue
        column = rows.column(field.name)
        if not field.nullable and column.null_count:
            raise LakeError(f"{contract.name}.{field.name}: {column.null_count} null(s) in a key or required column")
        try:
            columns.append(column if column.type == field.type else column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as fault:
            raise LakeError(f"{contract.name}.{field.name}: {column.type} does not cast to {field.type}: {fault}") from fault
    return pa.Table.from_arrays(columns, schema=schema)


def file_schema(contract: Table, names: Iterable[str] = ()) -> pa.Schema:
    """The schema of a table's files: the contract without partition columns, plus open double columns among `names`."""
    known = {c.name for c in contract.columns}
    extra = sorted(n for n in names if n not in known)
    if extra and not contract.open_doubles:
        raise LakeError(f"{contract.name}: column(s) {extra} are not in the contract (jobs/lake/tables.py)")
    fields = [f for f in contract.schema if f.name not in contract.partition_by]
    return pa.schema([*fields, *(pa.field(n, FLOAT) for n in extra)])


def _partition(as_of: date | None, bucket: int | None) -> dict[str, str]:
    found = {} if as_of is None else {"as_of": as_of.isoformat()}
    return found if bucket is None else {**found, "bucket": str(bucket)}


def write_rows(root: str, contract: Table, rows: pa.Table, partition: dict[str, str], prefix: str) -> NewFile:
    """Write rows of one partition as one file whose name begins with the prefix: what compaction gives."""
    return _write(root, contract, conform(contract, rows), partition, prefix)


def _write(root: str, contract: Table, rows: pa.Table, partition: dict[str, str], prefix: str = "part-") -> NewFile:
    folder = "/".join(f"{k}={v}" for k, v in partition.items())
    home = Path(root) / contract.path / folder
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f".{uuid.uuid4().hex}"
    pq.write_table(rows, draft, compression="zstd", use_dictionary=_repeating(rows), write_page_checksum=True)
    # The name bears the digest of the content: whoever doubts a file can hold it against its name.
    path = f"{folder}/{prefix}{digest_of(draft)}-{draft.name[1:9]}.parquet".lstrip("/")
    target = draft.rename(Path(root) / contract.path / path)
    fault_point(f"written:{contract.name}")
    return NewFile(path, target.stat().st_size, rows.num_rows, partition)


def _repeating(rows: pa.Table) -> bool | list[str]:
    """The columns worth a dictionary: hashing long texts that never repeat costs more than writing them."""
    if rows.num_rows < 2 * SAMPLE:
        return True
    head = rows.slice(0, SAMPLE)
    return [f.name for f in rows.schema if pa.types.is_nested(f.type) or pc.count_distinct(head[f.name]).as_py() * 2 < SAMPLE]


def open_table(root: str, name: str, version: int | None = None) -> DeltaTable | None:
    """A handle on a table, or None when nothing was ever written to it."""
    try:
        return DeltaTable(str(Path(root) / table(name).path), version=version)
    except TableNotFoundError:
        return None


def require_table(root: str, name: str) -> DeltaTable:
    """A handle on a table that must be there; LakeError when it is not."""
    handle = open_table(root, name)
    if handle is None:
        raise LakeError(f"{name}: was never written")
    return handle


def table_version(root: str, name: str) -> int:
    """The table's newest version; -1 when it was never written."""
    handle = open_table(root, name)
    return -1 if handle is None else int(handle.version())


def append_once(root: str, name: str, files: list[NewFile], batch_id: str, epoch: int, transactions: dict[str, int] | None = None, origin: int = 1) -> int:
    """Commit a batch's files to an append-only table exactly once; the table's version that holds them.

    `transactions` are further application transactions of the same commit. `origin` says what the files were made from: a batch
    that is there from another origin is no repeat, LakeError. Fenced when a higher epoch was seen.
    """
    contract = table(name)
    if contract.layer == "nightly":
        raise LakeError(f"{name}: nightly tables are written by replace_as_of")
    marks = {batch_id: origin, **(transactions or {})}
    return _commit(root, contract, files, epoch, marks, batch_id, "append", None)


def replace_as_of(root: str, name: str, files: list[NewFile], as_of: date, epoch: int) -> int:
    """Replace one date of a nightly table by these files (none: the date expires); the table's new version."""
    contract = table(name)
    if contract.layer != "nightly":
        raise LakeError(f"{name}: only nightly tables are replaced; append_once writes '{contract.layer}' tables")
    for file in files:
        if file.partition.get("as_of") != as_of.isoformat():
            raise LakeError(f"{name}: file {file.path} lies outside the date {as_of} that is replaced")
    return _commit(root, contract, files, epoch, {}, None, "overwrite", [("as_of", "=", as_of.isoformat())])


def fence(root: str, name: str, epoch: int) -> None:
    """Mark a table with the lease, without rows: a commit that a former holder has already checked is refused after this."""
    _commit(root, table(name), [], epoch, {}, None, "append", None)


def replace_files(root: str, name: str, removed: list[NewFile], files: list[NewFile], epoch: int) -> int:
    """Put files in the place of others that hold the same rows (compaction); the table's new version. Fenced as every commit is."""
    return _commit(root, table(name), files, epoch, {}, None, "append", None, removed)


def _commit(root: str, contract: Table, files: list[NewFile], epoch: int, marks: dict[str, int], batch_id: str | None,
            mode: str, partition_filters: list[tuple[str, str, str]] | None, removed: Sequence[NewFile] = ()) -> int:  # fmt: skip
    moment = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = [RemoveAction(f.path, False, moment, f.size, f.partition) for f in removed]
    extra = set[str]()
    for file in files:
        statistics, names = inspect_file(root, contract, file)
        extra |= names
        actions.append(AddAction(file.path, file.size, file.partition, moment, not removed, json.dumps(statistics)))
    for attempt in range(ATTEMPTS):
        handle = _open_or_create(root, contract)
        there = None if batch_id is None else handle.transaction_version(batch_id)
        if there is not None and there != marks[str(batch_id)]:
            raise LakeError(f"{contract.name}: batch {batch_id} is there, made from another state of the lake; run again, it will get another id")
        if there is not None:
            return int(handle.version())  # a killed run came this far: the rows are there, once
        refuse_if_fenced(root, contract, handle, epoch, raising=contract.name == LEASE and not removed)
        _widen(handle, contract, extra)
        transactions = [Transaction(key, value) for key, value in {**marks, LEASE: epoch}.items()]
        properties = CommitProperties(max_commit_retries=0, app_transactions=transactions, custom_metadata=chained(root, contract, int(handle.version())))
        try:
            handle.create_write_transaction(
                actions, mode, handle.schema(), list(contract.partition_by), partition_filters, commit_properties=properties
            )
        except CommitFailedError:
            # Somebody committed since the handle was opened: look again at what is there, never retry blindly.
            log.debug("commit to %s lost a race, attempt %d", contract.name, attempt + 1)
            time.sleep(0.01 * (attempt + 1))
            continue
        fault_point(f"committed:{contract.name}")
        return int(DeltaTable(str(Path(root) / contract.path)).version())
    raise LakeError(f"{contract.name}: {ATTEMPTS} commits lost a race; another writer is at work, run again when it has ended")


def _open_or_create(root: str, contract: Table) -> DeltaTable:
    handle = open_table(root, contract.name)
    if handle is not None:
        return handle
    path = Path(root) / contract.path
    path.mkdir(parents=True, exist_ok=True)
    keep = dict.fromkeys(("delta.logRetentionDuration", "delta.deletedFileRetentionDuration"), f"interval {LOG_DAYS} days")
    if told := [n for n in contract.schema.names if n in STATISTICS and n not in contract.partition_by]:
        keep["delta.dataSkippingStatsColumns"] = ",".join(told)  # else delta-rs gives those of the first 32 columns alone
    try:
        return DeltaTable.create(
            str(path), schema=contract.schema, partition_by=list(contract.partition_by) or None, mode="ignore", configuration=keep
        )
    except CommitFailedError:
        return DeltaTable(str(path))


def refuse_if_fenced(root: str, contract: Table, handle: DeltaTable, epoch: int, raising: bool = False) -> None:
    """Fenced when the table or the lease itself bears a higher epoch; who raises the lease, when it bears this one too."""
    lease = handle if contract.name == LEASE else open_table(root, LEASE)
    seen = max((h.transaction_version(LEASE) or 0) for h in (handle, lease) if h is not None)
    # Of two who raise the lease to the same epoch the first alone holds it.
    if seen > epoch or (raising and seen == epoch):
        raise Fenced(f"{contract.name}: run {epoch} was overtaken by run {seen}, which holds the lease; start again if that one failed")


def _widen(handle: DeltaTable, contract: Table, extra: set[str]) -> None:
    known = {f.name for f in handle.schema().fields}
    wanted = {c.name: c.type for c in contract.columns} | dict.fromkeys(sorted(extra), FLOAT)
    if new := [n for n in wanted if n not in known]:
        from deltalake import Field, Schema

        fields = Schema.from_arrow(pa.schema([pa.field(n, wanted[n]) for n in new])).fields
        handle.alter.add_columns([Field(f.name, f.type, nullable=True) for f in fields])


def inspect_file(root: str, contract: Table, file: NewFile) -> tuple[dict[str, Any], set[str]]:
    """Check a file's footer against the contract; Delta statistics of it and the names of its open columns.

    delta-rs would accept wrong types, missing files and wrong statistics: LakeError here instead.
    """
    path = Path(root) / contract.path / file.path
    if os.path.basename(file.path)[0] in "._" or not path.is_file() or path.stat().st_size != file.size:
        raise LakeError(f"{contract.name}: file {file.path} is missing, hidden or not as large as its task said")
    footer = pq.read_metadata(path)
    schema = footer.schema.to_arrow_schema()
    expected = file_schema(contract, schema.names)
    for field in expected:
        found = schema.field(field.name) if field.name in schema.names else None
        if found is None or found.type != field.type:
            raise LakeError(
                f"{contract.name}.{field.name}: file {file.path} has {found.type if found else 'no such column'}, the contract says {field.type}"
            )
    statistics, nulls = statistics_of(footer)
    for field in expected:
        if not field.nullable and nulls.get(field.name, 0):
            raise LakeError(f"{contract.name}.{field.name}: {nulls[field.name]} null(s) in {file.path}; keys may not be null")
    return statistics, {n for n in schema.names if n not in {c.name for c in contract.columns}}
