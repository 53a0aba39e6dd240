"""Small drawn tables for the lake's tests."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from jobs.lake.lake import Lake
from jobs.lake.tables import table
from jobs.lake.write import append_once, write_files

DAY = date(2026, 1, 1)


def silver(name: str, rows: list[dict[str, Any]], batch_id: str, run: int) -> pa.Table:
    """Rows of a silver table; layer columns filled with plain values where a row gives none."""
    contract = table(name)
    plain = {"source": "s", "batch_id": batch_id, "file": "f", "known_at": DAY, "event_at": DAY, "run": run, "version": 0, "row_digest": "d", "deleted": False}
    full = [{**plain, "line": n + 1, **row} for n, row in enumerate(rows)]
    schema = pa.schema([pa.field(f.name, f.type) for f in contract.schema if f.name != "bucket"])
    return pa.Table.from_pylist(full, schema=schema)


def receive(lake: Lake, name: str, rows: list[dict[str, Any]], batch_id: str, run: int) -> None:
    """Receive a batch as ingest does: rows first, then the act that makes them visible."""
    contract = table(name)
    files = write_files(lake.root, contract, silver(name, rows, batch_id, run), buckets=lake.buckets)
    append_once(lake.root, name, files, batch_id, run)
    acknowledge(lake, batch_id, run)


def acknowledge(lake: Lake, batch_id: str, run: int) -> None:
    """The `received` act alone."""
    lake.append("batch", [{"batch_id": batch_id, "act": "received", "run": run, "source": "s", "receipt": run}], f"received-{batch_id}", run)
