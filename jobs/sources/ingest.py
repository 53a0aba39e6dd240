"""Ingest: every delivery not yet received, through one Spark job, into silver, quarantine, bronze and at last gold.batch.

A task per file reads and checks, records travel to their bucket once, a task per bucket gives fates and writes files;
the driver then commits delivery by delivery. The `received` row comes last and alone makes a batch visible, so a run
that is killed anywhere and started again leaves the same tables.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.conf import Conf, Source
from jobs.lake.faults import fault_point
from jobs.lake.lake import Lake, now
from jobs.lake.read import DataFile, data_files, in_force, whole
from jobs.lake.step import Night
from jobs.lake.write import append_once
from jobs.sources.acts import ACCEPTED, REJECTED, RETIRED, STOPPED, last_acts
from jobs.sources.arrival import late_in_night
from jobs.sources.bucket import Batch, BucketTask, Written, receive_bucket
from jobs.sources.check import Receipt
from jobs.sources.code_tables import digest, tables_of
from jobs.sources.conservation import conserved
from jobs.sources.expectation import STOP, in_words, judge
from jobs.sources.landing import Delivery, batch_id, deliveries, file_digests, received_day
from jobs.sources.origin import origin_of, received_id, settled_id
from jobs.sources.profile import Profile
from jobs.sources.read_parquet import pieces
from jobs.sources.receive import FATES
from jobs.sources.revision import contract_mark, same_or_raised
from jobs.sources.route import FileTask, route
from jobs.sources.vault import Vault, VaultError, vault_there

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)
RELEASE = "release"
"""The kind of a batch that holds records released from quarantine; it is no receipt of its own."""
NO_VAULT = "{} waits: it has a vault, and none is named; set ASSAY_VAULT to a folder outside the lake and ASSAY_VAULT_KEY to its key file"
NOTED = 4000
"""Letters of a night's note on what it received, at most."""
TOGETHER = 16 << 20
"""Bytes of small files that one task reads."""


def ingest(lake: Lake, spark: SparkSession, night: Night, inbox: Path) -> list[dict[str, Any]]:
    """Receive all deliveries that count as received on or before the as-of date; their rows of gold.batch, in order.

    A delivery that is not what its contract expects is stopped: nothing of it becomes visible until somebody accepts it. Fates of
    the later ones of its source were given as if it were there, so they are taken in another pass.
    LandingError when an inbox folder cannot be used; NotConserved when a record was lost.
    """
    rows: list[dict[str, Any]] = []
    while batches := pending(lake, night, inbox):
        parts = received(lake, spark, night, batches, lake.batches_in_force(night.run))
        made = {b.ordinal: [p for p in parts if p.ordinal == b.ordinal] for b in batches}
        levels = judged(lake, night, batches, {n: sum((p.profile for p in found), Profile()) for n, found in made.items()})
        for batch in batches:
            if batch.ordinal in levels:
                rows.append(_taken(lake, night, batch, made[batch.ordinal], levels[batch.ordinal]))
        if len(levels) == len(batches):
            break
    return rows


def _taken(lake: Lake, night: Night, batch: Batch, parts: list[Written], stopped: str | None) -> dict[str, Any]:
    """Receive a delivery, or note that it was stopped and why; its row of gold.batch."""
    if stopped is None:
        row = commit_rows(lake, night, batch, parts)
    else:
        row = batch_row(night, batch, parts) | {"act": STOPPED, "note": stopped}
        conserved(row)
    lake.append("batch", [row], f"{row['act']}:{batch.batch_id}", night.run)
    fault_point("ingest:batch")
    log.info("%s, receipt %d: %d %s", batch.delivery.source, batch.delivery.receipt, row["received"], row["act"])
    return row


def judged(lake: Lake, night: Night, batches: list[Batch], profiles: Mapping[int, Profile]) -> dict[int, str | None]:
    """By ordinal: why a delivery is stopped (None: it is not). Deliveries of a source behind one that is stopped are left out. Writes gold.expectation."""
    acts = whole(lake.root, "batch")
    force, accepted = in_force(acts, night.run), {received_id(r["batch_id"]) for r in acts.to_pylist() if r["act"] == ACCEPTED}
    past = [r for r in whole(lake.root, "expectation").to_pylist() if r["batch_id"] in force]
    levels: dict[int, str | None] = {}
    stopped: set[str] = set()
    written: list[dict[str, Any]] = []
    for batch in batches:
        name = batch.source.name
        if name in stopped:
            continue
        rows = judge(batch.batch_id, night.run, batch.delivery, batch.source.expect, profiles[batch.ordinal], [r for r in past if r["source"] == name], batch.source.delivery == "snapshot")
        written += rows
        beyond = [in_words(r) for r in rows if r["level"] == STOP]
        levels[batch.ordinal] = "; ".join(dict.fromkeys(beyond))[:1000] if beyond and received_id(batch.batch_id) not in accepted else None
        if levels[batch.ordinal] is None:
            past += rows
        else:
            stopped.add(name)
    if written:
        lake.append("expectation", written, f"expectation:{night.run}:{written[0]['batch_id']}", night.run)
    fault_point("ingest:judged")
    return levels


def ingest_step(lake: Lake, spark: SparkSession, night: Night, inbox: Path) -> tuple[int, str | None]:
    """`ingest` as a step of the night: records received, and a note on what was remarkable: first the late sources, then what came oddly; a line each."""
    rows = ingest(lake, spark, night, inbox)
    notes = [str(arrival) for arrival in late_in_night(night.conf, _receipts(lake, night), night.as_of, now())]
    notes += [f"{r['source']} {r['receipt']}: {'STOPPED: ' if r['act'] == STOPPED else ''}{r['note']}" for r in rows if r["note"]]
    if vault_there(lake.root, inbox) is None:
        notes += [NO_VAULT.format(s.name) for s in night.conf.sources.values() if s.vault and (inbox / s.name).is_dir()]
    return sum(int(r["received"]) for r in rows if r["act"] != STOPPED), "\n".join(notes)[:NOTED] or None


def _receipts(lake: Lake, night: Night) -> dict[str, list[datetime]]:
    """When each source was received, of the batches in force."""
    force = lake.batches_in_force(night.run)
    found: dict[str, list[datetime]] = {}
    for row in whole(lake.root, "batch").to_pylist():
        if row["act"] == "received" and row["batch_id"] in force:
            found.setdefault(row["source"], []).append(row["received_at"])
    return found


def pending(lake: Lake, night: Night, inbox: Path) -> list[Batch]:
    """Deliveries not yet received, in the order in which they will be. A delivery whose files are not all there waits, and those after it too.

    ContractChanged when one would be read by a contract that changed without another revision.
    """
    acts = whole(lake.root, "batch")
    force = in_force(acts, night.run)
    last = last_acts(acts.to_pylist())
    ever = {received_id(b) for b, act in last.items() if act["act"] != ACCEPTED}
    stopped = {received_id(b) for b, act in last.items() if act["act"] == STOPPED}
    shut = {(act["source"], act["receipt"]) for act in last.values() if act["act"] == REJECTED or (act["act"] == RETIRED and act["by"])}
    seen = [r for r in acts.to_pylist() if r["act"] == "received"]
    rows = [r for r in seen if r["batch_id"] in force]
    found: list[Batch] = []
    vault = vault_there(lake.root, inbox)
    for source in sorted(night.conf.sources.values(), key=lambda s: s.name):
        if source.vault and vault is None:
            if (inbox / source.name).is_dir():
                log.warning(NO_VAULT.format(source.name))
            continue
        codes = digest(tables_of(source, night.conf))
        before = [r["batch_id"] for r in rows if r["source"] == source.name]
        mine = [r for r in rows if r["source"] == source.name and r["kind"] != RELEASE]
        days = [received_day(r["received_at"], night.conf.house) for r in mine]
        for delivery in _in_order(deliveries(inbox, source, night.conf.house, night.as_of), {r["receipt"] for r in mine}):
            batch = batch_id(delivery, source, night.conf.house, codes)
            if batch in stopped:
                if source.expect.after_stop == "wait":
                    break
                continue
            if batch in ever or (source.name, delivery.receipt) in shut:
                continue  # rejected, or retired by a person: for good; retired otherwise: until contract, code or content change
            same_or_raised(source, night.conf.house, seen)
            earlier = max((d for d in days if d < delivery.day), default=None)
            origin = origin_of(before)
            found.append(Batch(len(found), delivery, source, settled_id(lake, source, batch, origin), earlier, origin))
            before.append(found[-1].batch_id)
            days.append(delivery.day)
    return found


def _in_order(found: list[Delivery], received: set[int]) -> Iterator[Delivery]:
    for delivery in found:
        if delivery.receipt in received:
            continue
        if delivery.missing:
            log.warning("%s, receipt %d: %s not in the folder yet; it and later receipts wait", delivery.source, delivery.receipt, delivery.missing[0])
            return
        yield delivery


def received(lake: Lake, spark: SparkSession, night: Night, batches: list[Batch], force: frozenset[str]) -> list[Written]:
    """One Spark job: a task per file, one shuffle by bucket, a task per group of buckets. Repeats are told by the batches in `force`."""
    context = spark.sparkContext
    groups = min(lake.buckets, 4 * context.defaultParallelism)
    vault = vault_there(lake.root)
    files = [t for b in batches for t in _file_tasks(b, night.conf, lake.buckets, vault)]
    task = BucketTask(lake.root, lake.buckets, groups, night.run, tuple(batches), _stored_files(lake, batches), force)
    shared = context.broadcast(task)
    routed = context.parallelize(files, len(files)).flatMap(route).partitionBy(groups, partial(_group, groups))
    found = routed.mapPartitionsWithIndex(lambda n, parcels: receive_bucket(shared.value, n, parcels)).collect()
    shared.destroy()
    return list(found)


def _group(groups: int, bucket: int) -> int:
    return bucket % groups


def _file_tasks(batch: Batch, conf: Conf, buckets: int, vault: Vault | None) -> Iterator[FileTask]:
    """Large files alone, the largest Parquet files in pieces, small files together."""
    delivery = batch.delivery
    receipt = Receipt(delivery.day, delivery.kind == "history")
    if batch.source.vault and vault is None:
        raise VaultError(NO_VAULT.format(batch.source.name))
    task = partial(
        FileTask, batch.ordinal, batch.source, conf.house, receipt, delivery.folder, buckets=buckets, held=batch.held,
        batch_id=batch.batch_id, vault=vault if batch.source.vault else None, codes=tables_of(batch.source, conf),
    )  # fmt: skip
    together: list[str] = []
    size = 0
    # A file that is taken whole or not at all, or whose lines are counted for a release, is read by one task.
    split = batch.source.files.format == "parquet" and batch.source.broken == "row" and batch.held is None
    for name in delivery.files:
        if found := pieces(Path(delivery.folder) / name) if split else []:
            yield from (task(files=(name,), groups=groups) for groups in found)
            continue
        own = (Path(delivery.folder) / name).stat().st_size
        if together and size + own > TOGETHER:
            yield task(files=tuple(together))
            together, size = [], 0
        together.append(name)
        size += own
    if together or not delivery.files:
        yield task(files=tuple(together))


def _stored_files(lake: Lake, batches: list[Batch]) -> dict[str, tuple[DataFile, ...]]:
    names = {b.source.table for b in batches} | {c.of for b in batches if (c := b.source.expect.coverage)}
    return {name: tuple(data_files(lake.root, name)) for name in sorted(names)}


def commit_rows(lake: Lake, night: Night, batch: Batch, parts: list[Written]) -> dict[str, Any]:
    """Commit one delivery: silver, quarantine, bronze; the row of gold.batch that will make it visible. NotConserved when a record was lost."""
    row = batch_row(night, batch, parts)
    conserved(row)
    names = [n for n in _tables(batch.source) if any(n in p.files for p in parts)]
    for name in [*names, "quarantine", f"bronze_{batch.source.name}"]:
        files = [f for p in parts for f in p.files.get(name, [])]
        if files:
            append_once(lake.root, name, files, batch.batch_id, night.run, origin=batch.origin)
            fault_point(f"ingest:{name}")
    return row


def _tables(source: Source) -> list[str]:
    return [source.table, *sorted(source.details or {})]


def batch_row(night: Night, batch: Batch, parts: list[Written]) -> dict[str, Any]:
    """The `received` row of gold.batch for what the tasks wrote."""
    delivery = batch.delivery
    counts = {fate: sum(p.fates.get(fate, 0) for p in parts) for fate in FATES}
    notes = sorted({n for p in parts for n in p.notes})
    return {
        "batch_id": batch.batch_id, "act": "received", "run": night.run, "source": delivery.source, "receipt": delivery.receipt,
        "received_at": delivery.received_at, "kind": RELEASE if batch.held else delivery.kind, "files": list(delivery.files),
        "digests": file_digests(delivery), "out_of": batch.out_of, "received": sum(p.received for p in parts), **counts,
        "tables": [n for n in _tables(batch.source) if any(n in p.files for p in parts)],
        "contract": contract_mark(batch.source, night.conf.house), "note": "; ".join(notes)[:1000] or None,
    }  # fmt: skip
