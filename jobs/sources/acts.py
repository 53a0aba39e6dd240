"""Acts on batches: what became of each delivery, and an official's decision on one that was stopped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jobs.lake.lake import Lake, now
from jobs.lake.read import whole
from jobs.lake.write import LakeError

RECEIVED, RETIRED, STOPPED, ACCEPTED, REJECTED = "received", "retired", "stopped", "accepted", "rejected"
_ORDER = (STOPPED, ACCEPTED, REJECTED, RECEIVED, RETIRED)

Row = dict[str, Any]


@dataclass(frozen=True)
class Order:
    """Who ordered an act on batches, and why."""

    by: str
    reason: str


def in_order(acts: Iterable[Row]) -> list[Row]:
    """Acts as they followed one another: by run, and within one by what can follow what."""
    return sorted(acts, key=lambda r: (r["run"], _ORDER.index(r["act"])))


def last_acts(acts: Iterable[Row]) -> dict[str, Row]:
    """The last act on each batch, by batch id."""
    return {r["batch_id"]: r for r in in_order(acts)}


def open_stops(acts: Iterable[Row]) -> list[Row]:
    """Stopped deliveries that nobody decided on and whose receipt has not come in otherwise, by source and receipt."""
    last = last_acts(acts)
    settled = {(r["source"], r["receipt"]) for r in last.values() if r["act"] in (RECEIVED, REJECTED)}
    found = [r for r in last.values() if r["act"] == STOPPED and (r["source"], r["receipt"]) not in settled]
    return sorted(found, key=lambda r: (r["source"], r["receipt"], r["run"]))


def decide(lake: Lake, batch: str, act: str, order: Order) -> Row:
    """Accept a stopped delivery (the next ingest receives it, with its old receipt and day) or reject it for good; the row of gold.batch.

    `batch` may be the beginning of an id. LakeError when it names no open stop, or several.
    """
    found = [r for r in open_stops(whole(lake.root, "batch").to_pylist()) if r["batch_id"].startswith(batch)]
    if len(found) != 1:
        raise LakeError(f"{len(found)} stopped deliveries have an id that begins with '{batch}'; `assay batch list` names them")
    run = lake.epoch()
    row = {**found[0], "act": act, "run": run, "by": order.by, "note": order.reason, "at": now()}
    lake.append("batch", [row], f"{act}:{row['batch_id']}", run)
    return row
