"""Did two runs end the same: what may differ (run numbers, moments of the wall clock) is left out, everything else must be equal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.cli.look import same_rows
from jobs.lake.read import data_files, read_files, whole
from jobs.lake.tables import TABLES, table
from jobs.respond.audit import Anchor, verify
from jobs.respond.store import Store

FATES = ("source", "receipt", "act", "kind", "received", "accepted", "superseded", "duplicate", "quarantined")
CLOCK = {"export": ("received_at",)}  # columns of the case store that hold a moment of the wall clock
CHAIN = ("audit", "audit_head", "alembic_version")  # digests over moments: the trail is compared by what it says


def differing_tables(left: Path, right: Path, names: Iterable[str] | None = None) -> list[str]:
    """Tables of two lakes whose rows differ; runs' own numbers are left out, of batches what became of their rows is compared."""
    everything = [n for n, t in TABLES.items() if t.layer != "control"] + sorted(received(left) | received(right))
    chosen = everything if names is None else list(names)
    found = [n for n in chosen if not _equal(_rows(left, n), _rows(right, n))]
    return found + ([] if fates(left) == fates(right) else ["batch"])


def received(root: Path) -> set[str]:
    """The bronze tables of a lake: one per source that delivered, so no list of contracts names them."""
    return {p.name for p in (root / "bronze").glob("bronze_*")}


def _rows(root: Path, name: str) -> Any:
    contract = table(name)
    rows = read_files(str(root), contract, data_files(str(root), name))
    left_out = ("run", "received_at") if contract.layer == "bronze" else ("run",)  # cases are exported at a moment of the wall clock
    return rows.drop_columns([c for c in left_out if c in rows.column_names])


def _equal(left: Any, right: Any) -> bool:
    """As bags of rows: a key alone leaves the order of its versions open."""
    order = tuple(f.name for f in left.schema if not pa.types.is_nested(f.type))
    return same_rows(left, right, order)


def fates(root: Path) -> list[tuple[Any, ...]]:
    """What every receipt came to."""
    return sorted(tuple(row[c] for c in FATES) for row in whole(str(root), "batch").to_pylist())


def acts(root: Path) -> list[tuple[Any, ...]]:
    """What was done with the nights: published, approved, handed over, each with date, revision and official."""
    return sorted((str(a["as_of"]), a["revision"], a["act"], a["official"] or "", _tail_free(a["note"])) for a in whole(str(root), "night").to_pylist())


def _tail_free(note: str | None) -> str:
    return (note or "").rsplit(" in /", 1)[0]  # the note of a hand-over ends with the folder it went to


def evidence(root: Path) -> list[tuple[Any, ...]]:
    """The rows kept behind every case. The anchor of the audit trail is a digest over moments: its place in the chain is kept, its digest is not."""
    rows = whole(str(root), "evidence").to_pylist()
    return sorted((str(r["as_of"]), r["taxpayer_id"], r["table_name"], r["row_no"], _undigested(r)) for r in rows)


def _undigested(row: dict[str, Any]) -> str:
    return str(json.loads(row["row"])["seq"]) if row["table_name"] == "audit_anchor" else row["row"]


def broken_anchors(root: Path, url: str) -> list[str]:
    """Anchors among the evidence that the case store's audit trail does not bear out, in words."""
    anchors = [Anchor(**json.loads(r["row"])) for r in whole(str(root), "evidence").to_pylist() if r["table_name"] == "audit_anchor"]
    store = Store.open(url)
    try:
        with store.read() as session:
            verdicts = [verify(session, anchor) for anchor in anchors]
    finally:
        store.close()
    return [str(v.fault) for v in verdicts if not v.whole] if anchors else ["no anchor was kept"]


def cases(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of a case store, by table, without moments of the wall clock; of the audit trail what was done, by whom, to what."""
    with sqlite3.connect(file) as store:
        names = [n for (n,) in store.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite%'") if n not in CHAIN]
        found = {name: _sorted_rows(store, name) for name in names}
        bodies = [json.loads(body) for (body,) in store.execute("select body from audit order by seq")]
    found["audit"] = sorted((str({k: v for k, v in sorted(b.items()) if k != "at"}),) for b in bodies)
    return found


def _sorted_rows(store: sqlite3.Connection, name: str) -> list[tuple[Any, ...]]:
    columns = [row[1] for row in store.execute(f"pragma table_info({name})") if row[1] not in CLOCK.get(name, ())]
    return sorted(store.execute(f"select {', '.join(columns)} from {name}"), key=repr)


def files(folder: Path) -> dict[str, str]:
    """Text files below a folder by path, without moments of receipt; of workbooks, which carry the time they were made, only that they are there."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if path.suffix == ".xlsx":
            found[name] = ""
        elif path.name == "manifest.jsonl":
            entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            found[name] = str([{k: v for k, v in e.items() if k != "received_at"} for e in entries])
        else:
            found[name] = path.read_bytes().hex()
    return found
