"""Releasing quarantine rows after a fix: they are read again from their files under today's contract, and those that pass become a new batch.

The new batch has the receipt and the day of the one that held the rows, so everything is known from the same day as if it had
passed at once. What does not pass stays where it is. A release killed anywhere and run again leaves the same tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Conf
from jobs.lake.faults import fault_point
from jobs.lake.lake import Lake, now
from jobs.lake.read import data_files, read_files, whole
from jobs.lake.step import Night
from jobs.lake.tables import table
from jobs.sources import CODE_REVISION
from jobs.sources.acts import Order
from jobs.sources.bucket import Batch, Written
from jobs.sources.held import Held
from jobs.sources.ingest import RELEASE, commit_rows, received
from jobs.sources.landing import Delivery, contract_digest, file_digests, received_day
from jobs.sources.quarantine import Row, Which, landed_file, waiting
from jobs.sources.revision import same_or_raised

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Released:
    """What a release came to: rows of gold.batch, quarantine rows taken, rows that stay, and batches left alone with the reason."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    taken: int = 0
    stay: int = 0
    left: dict[str, str] = field(default_factory=dict)


def release(lake: Lake, spark: SparkSession, conf: Conf, inbox: Path, which: Which, order: Order, run: int) -> Released:
    """Check the meant rows again under today's contract, and receive those that pass as new batches with their old known_at.

    ContractChanged when that contract changed without another revision.
    """
    rows = waiting(lake, which)
    acts = whole(lake.root, "batch").to_pylist()
    force = lake.batches_in_force(run)
    batches: list[Batch] = []
    left: dict[str, str] = {}
    for out_of in dict.fromkeys(r["batch_id"] for r in rows):
        mine = [r for r in rows if r["batch_id"] == out_of]
        found = _batch(lake, conf, inbox, acts, force, out_of, mine, len(batches))
        if isinstance(found, str):
            left[out_of] = found
        else:
            batches.append(found)
    fault_point("release:chosen")
    parts = received(lake, spark, _night(conf, run, batches), batches, force) if batches else []
    made = [_committed(lake, conf, run, b, [p for p in parts if p.ordinal == b.ordinal], order) for b in batches]
    taken = sum(count for _, count in made)
    return Released([row for row, _ in made if row], taken, len(rows) - taken, left)


def _night(conf: Conf, run: int, batches: Iterable[Batch]) -> Night:
    return Night(max(b.delivery.day for b in batches), run, conf)


def _batch(lake: Lake, conf: Conf, inbox: Path, acts: list[Row], force: frozenset[str], out_of: str, rows: list[Row], ordinal: int) -> Batch | str:
    """The batch that a release of these rows makes, or why there can be none."""
    act = received_act(acts, out_of)
    source = conf.sources.get(act["source"])
    if source is None:
        return f"conf/sources/ has no contract '{act['source']}' any more"
    if source.delivery == "snapshot":
        return f"{act['source']} sends snapshots, which are taken whole: `assay batch again {out_of}`"
    same_or_raised(source, conf.house, [a for a in acts if a["act"] == "received"])
    places = sorted({r["file"] for r in rows})
    delivery = delivery_of(acts, act, conf, inbox, sorted({landed_file(p, inbox / act["source"]) for p in places}))
    if problem := altered(delivery, act):
        return problem
    chosen = {f: frozenset(r["line"] for r in rows if r["file"] == f) for f in places}
    held = Held(chosen, _lines_received(lake, acts, force, act, places))
    same = sorted({a["batch_id"] for a in acts if a["source"] == source.name and a["batch_id"] in force})
    lines = sorted(f"{r['file']}:{r['line']}" for r in rows)
    said = [RELEASE, out_of, contract_digest(source, conf.house), str(CODE_REVISION), *same, *lines]
    return Batch(ordinal, delivery, source, hashlib.sha256("\n".join(said).encode()).hexdigest()[:24], None, held=held, out_of=out_of)


def received_act(acts: list[Row], batch_id: str) -> Row:
    """The act by which a batch was received."""
    return next(a for a in acts if a["batch_id"] == batch_id and a["act"] == "received")


def delivery_of(acts: list[Row], act: Row, conf: Conf, inbox: Path, files: list[str]) -> Delivery:
    """The delivery a batch came in, of which these files are wanted: its receipt, day and kind are those it had."""
    first = act
    while first["kind"] == RELEASE:
        first = received_act(acts, first["out_of"])
    received_at = first["received_at"].astimezone(UTC)
    return Delivery(act["source"], act["receipt"], received_at, received_day(received_at, conf.house), first["kind"], str(inbox / act["source"]), tuple(files))


def altered(delivery: Delivery, act: Mapping[str, Any]) -> str | None:
    """What is wrong with the landed files of a batch: one is missing, or is no longer the one that was received."""
    for name in delivery.files:
        if not (Path(delivery.folder) / name).is_file():
            return f"{delivery.folder}/{name} is not there any more; put it back from the archive"
    was = dict(zip(act["files"], act["digests"] or [], strict=False))
    for name, digest in zip(delivery.files, file_digests(delivery), strict=True):
        if was.get(name, digest) != digest:
            return f"{delivery.folder}/{name} is no longer the file that was received; put that one back from the archive"
    return None


def _lines_received(lake: Lake, acts: list[Row], force: frozenset[str], act: Row, places: list[str]) -> dict[str, Any]:
    """The lines of these places that any batch of the same receipt has received."""
    same = [a["batch_id"] for a in acts if a["batch_id"] in force and (a["source"], a["receipt"]) == (act["source"], act["receipt"])]
    name = f"bronze_{act['source']}"
    rows = read_files(lake.root, table(name), data_files(lake.root, name), ["batch_id", "file", "line"])
    rows = rows.filter(pc.is_in(rows["batch_id"], value_set=pa.array(same, pa.string())))
    return {f: np.unique(rows.filter(pc.equal(rows["file"], f))["line"].to_numpy()) for f in places}


def _committed(lake: Lake, conf: Conf, run: int, batch: Batch, parts: list[Written], order: Order) -> tuple[dict[str, Any] | None, int]:
    """Commit a release; its row of gold.batch (None: nothing passed) and how many quarantine rows it took."""
    if batch.held is None or not any(p.fates.get(f, 0) for p in parts for f in ("accepted", "superseded", "duplicate")):
        return None, 0
    row = commit_rows(lake, _night(conf, run, [batch]), batch, parts)
    taken = sorted(_settled(lake, batch, parts, batch.held))
    if taken:
        places = [{"out_of": batch.out_of, "file": file, "line": line, "batch_id": batch.batch_id, "run": run} for file, line in taken]
        lake.append("released", places, batch.batch_id, run)
    fault_point("release:places")
    row |= {"by": order.by, "note": order.reason, "at": now()}
    lake.append("batch", [row], f"received:{batch.batch_id}", run)
    fault_point("release:batch")
    return row, len(taken)


def _settled(lake: Lake, batch: Batch, parts: list[Written], held: Held) -> set[tuple[str, int]]:
    """The chosen places that this release takes out of quarantine: records it holds, and lines that are none any more."""
    name = f"bronze_{batch.source.name}"
    files = [f for p in parts for f in p.files.get(name, [])]
    there = {(r["file"], r["line"]) for f in files for r in _places(lake, name, f.path)}
    chosen = {(file, line) for file, lines in held.chosen.items() for line in lines}
    return (there & chosen) | {g for p in parts for g in p.gone}


def _places(lake: Lake, name: str, path: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(Path(lake.root) / table(name).path / path) as reader:
        return reader.read(columns=["file", "line"]).to_pylist()  # type: ignore[no-any-return]
