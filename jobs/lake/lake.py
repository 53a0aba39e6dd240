"""One lake: its root and bucket count, the lease, and what is published.

Everything here is rows in the control tables; nothing is edited, the last act counts.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.lake.read import as_json, in_force, whole
from jobs.lake.tables import table
from jobs.lake.write import LEASE, Fenced, LakeError, append_once, fence, open_table, write_files

IDENTITY = "lake.json"
VISIBLE = ("batch", "night")
"""The tables whose rows alone let readers see what a run wrote."""


@dataclass(frozen=True)
class Published:
    """One published night: its revision, run, table versions, and what became of it since."""

    as_of: date
    revision: int
    run: int
    tables: dict[str, int]
    approved_by: str | None = None
    handed_over: bool = False


@dataclass(frozen=True)
class Lake:
    """A lake at `root`, with the number of buckets it was created with."""

    root: str
    buckets: int

    @staticmethod
    def open(root: str | Path, buckets: int) -> Lake:
        """Open a lake, creating it when the folder holds none. LakeError when it was created with another bucket count."""
        identity = Path(root) / IDENTITY
        if not identity.is_file():
            if Path(root).exists() and any(Path(root).iterdir()):
                raise LakeError(f"{root}: not empty and no lake (no {IDENTITY}); name an empty folder in ASSAY_LAKE")
            identity.parent.mkdir(parents=True, exist_ok=True)
            identity.write_text(json.dumps({"buckets": buckets, "layout": 1}), encoding="utf-8")
        stored = int(json.loads(identity.read_text(encoding="utf-8"))["buckets"])
        if stored != buckets:
            raise LakeError(f"{root}: created with {stored} buckets, conf/assay.yaml says {buckets}; another count needs a new lake")
        return Lake(str(root), stored)

    def take_lease(self, purpose: str) -> int:
        """Raise the lease by one and hold it: the epoch, which is also the run's number.

        The two tables that make things visible are marked with it: a commit there that the former holder has already checked
        meets a newer version, looks again, and is refused.
        """
        for _ in range(20):
            handle = open_table(self.root, LEASE)
            epoch = ((handle.transaction_version(LEASE) or 0) if handle is not None else 0) + 1
            holder = f"{getpass.getuser()}@{socket.gethostname()}:{os.getpid()}"
            row = {"epoch": epoch, "holder": holder, "purpose": purpose, "taken_at": now()}
            try:
                self.append(LEASE, [row], f"lease-{epoch}-{uuid.uuid4().hex}", epoch)
            except Fenced:  # somebody else raised it to the same epoch first
                continue
            for name in VISIBLE:
                with suppress(Fenced):  # overtaken already: the first commit will say so
                    fence(self.root, name, epoch)
            return epoch
        raise LakeError("the lease could not be taken; another run takes it again and again")

    def epoch(self) -> int:
        """The epoch in force; 0 before the first run."""
        handle = open_table(self.root, LEASE)
        return 0 if handle is None else int(handle.transaction_version(LEASE) or 0)

    def append(self, name: str, rows: list[dict[str, Any]], batch_id: str, epoch: int) -> int:
        """Append a few rows to a control table, exactly once per batch_id; the table's version."""
        contract = table(name)
        schema = pa.schema([pa.field(c.name, c.type) for c in contract.columns])
        files = write_files(self.root, contract, pa.Table.from_pylist(rows, schema=schema), buckets=self.buckets)
        return append_once(self.root, name, files, batch_id, epoch)

    def batches_in_force(self, run: int) -> frozenset[str]:
        """Batches received and not retired, as run R sees them."""
        return in_force(whole(self.root, "batch"), run)

    def receipts(self) -> dict[str, frozenset[int]]:
        """In which runs each batch was received."""
        found: dict[str, frozenset[int]] = {}
        acts = whole(self.root, "batch").select(["batch_id", "act", "run"]).to_pylist()
        for act in acts:
            if act["act"] == "received":
                found[act["batch_id"]] = found.get(act["batch_id"], frozenset()) | {act["run"]}
        return found

    def retire(self, batch_id: str, run: int, note: str) -> None:
        """Retire a batch received wrongly: its rows are hidden from this run on. LakeError when it is not in force."""
        if batch_id not in self.batches_in_force(run):
            raise LakeError(f"batch {batch_id} is not in force; `assay doctor` lists those that are")
        found = next(r for r in whole(self.root, "batch").to_pylist() if r["batch_id"] == batch_id)
        self.append("batch", [{**found, "act": "retired", "run": run, "note": note}], f"retire-{batch_id}-{run}", run)

    def nights(self) -> list[Published]:
        """The published nights, oldest first: of each date the highest revision, with its approval and hand-over."""
        acts = whole(self.root, "night").to_pylist()
        found: dict[date, Published] = {}
        for act in sorted((a for a in acts if a["act"] == "published"), key=lambda a: (a["as_of"], a["revision"])):
            same = [a for a in acts if (a["as_of"], a["revision"]) == (act["as_of"], act["revision"])]
            official = next((a["official"] for a in same if a["act"] == "approved"), None)
            done = any(a["act"] == "handed_over" for a in same)
            found[act["as_of"]] = Published(act["as_of"], act["revision"], act["run"], json.loads(act["tables"]), official, done)
        return [found[d] for d in sorted(found)]

    def night_before(self, as_of: date) -> date | None:
        """The last published date before a date."""
        return max((n.as_of for n in self.nights() if n.as_of < as_of), default=None)

    def given_up(self) -> frozenset[date]:
        """Published dates whose revision was begun later and not published: their rows in the newest version may be the revision's."""
        published = {n.as_of: n.run for n in self.nights()}
        begun = (r for r in whole(self.root, "run").to_pylist() if r["step"] == "begin")
        return frozenset(r["as_of"] for r in begun if r["run"] > published.get(r["as_of"], r["run"]))

    def staging(self) -> date | None:
        """The date of the night that holds the lease and is not published yet; None when no night does."""
        epoch = self.epoch()
        if any(n.run == epoch for n in self.nights()):
            return None
        return next((r["as_of"] for r in whole(self.root, "run").to_pylist() if r["step"] == "begin" and r["run"] == epoch), None)

    def night_act(self, as_of: date, revision: int, act: str, run: int, tables: dict[str, int] | None = None, official: str | None = None, note: str | None = None) -> int:
        """Record an act on a night, exactly once: published, approved or handed_over."""
        row = {"as_of": as_of, "revision": revision, "act": act, "run": run, "tables": as_json(tables or {}), "official": official, "at": now(), "note": note}
        return self.append("night", [row], f"night:{as_of}:{revision}:{act}", run)

    def archive(self, digest: str, content: str) -> None:
        """Keep a configuration under its digest: what a published night is replayed with."""
        folder = Path(self.root) / "conf"
        folder.mkdir(exist_ok=True)
        target = folder / f"{digest}.json"
        if not target.exists():
            part = folder / f".{digest}.{os.getpid()}"
            part.write_text(content, encoding="utf-8")
            part.replace(target)


def now() -> datetime:
    """Wall clock for control rows alone: no step ever sees it."""
    return datetime.now(UTC)
