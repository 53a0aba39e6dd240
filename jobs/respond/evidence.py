"""The evidence of a night: the rows behind every case, copied when it is handed over, so that they outlive the tables' own retention."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.tables import table
from jobs.respond.audit import anchor
from jobs.respond.store import Store

COPIED = ("selection", "inclusion", "risk_level", "score", "reason", "risk_point", "indicator_hit", "feature", "reminder")
_ANCHOR = "audit_anchor"


def evidence(tables: Mapping[str, pa.Table], as_of: date, run: int, store: Store | None = None) -> pa.Table:
    """Table evidence: every row of the tables in COPIED that is about a selected taxpayer, as JSON, by taxpayer, table and row.

    Tables that are not handed in are left out. With the store, one row more keeps the end of its audit chain outside it.
    """
    chosen = pa.array(sorted(set(tables["selection"]["taxpayer_id"].to_pylist())), pa.string())
    rows = []
    for name in (n for n in COPIED if n in tables):
        own = tables[name].filter(pc.is_in(tables[name]["taxpayer_id"], value_set=chosen))
        found = sorted((r["taxpayer_id"], json.dumps(r, sort_keys=True, ensure_ascii=False, default=str)) for r in own.to_pylist())
        count: dict[str, int] = {}
        for taxpayer_id, row in found:
            count[taxpayer_id] = count.get(taxpayer_id, 0) + 1
            rows.append({"as_of": as_of, "taxpayer_id": taxpayer_id, "table_name": name, "row_no": count[taxpayer_id], "row": row, "run": run})
    if store is not None:
        with store.read() as session:
            end = anchor(session)
        rows.append({"as_of": as_of, "taxpayer_id": "", "table_name": _ANCHOR, "row_no": 1, "row": json.dumps({"seq": end.seq, "hash": end.hash}), "run": run})
    return pa.Table.from_pylist(rows, schema=table("evidence").schema)
