"""A lake fed from drawn files, without Spark: what is landed, received, released, and what can be read of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from jobs.conf import Conf, House, Source
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, known, read_files, resolve, whole
from jobs.lake.step import Night
from jobs.lake.tables import table
from jobs.sources.acts import Order
from jobs.sources.again import Replaced, replace_batch
from jobs.sources.ingest import ingest
from jobs.sources.quarantine import Which, waiting
from jobs.sources.release import Released, release
from tests.sources.given import HOUSE
from tests.sources.in_process import InProcess

AS_OF = date(2026, 3, 1)
ORDER = Order("An Official", "the contract was wrong")
BUCKETS = 2


@dataclass
class Office:
    """One inbox, one lake, and the contracts of the day."""

    folder: Path
    sources: tuple[Source, ...]
    lake: Lake = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lake = Lake.open(self.folder / "lake", BUCKETS)

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def conf(self) -> Conf:
        house = House.model_validate({**HOUSE.model_dump(), "buckets": BUCKETS})
        return Conf.model_construct(house=house, sources={s.name: s for s in self.sources})

    def land(self, name: str, receipt: int, day: str, files: dict[str, str | bytes], kind: str = "delivery") -> None:
        folder = self.inbox / name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "manifest.jsonl").open("a") as manifest:
            for file, data in files.items():
                (folder / file).write_bytes(data.encode() if isinstance(data, str) else data)
                manifest.write(json.dumps({"receipt": receipt, "file": file, "received_at": f"{day}T09:00:00+08:00", "kind": kind}) + "\n")

    def receive(self) -> list[dict[str, Any]]:
        run = self.lake.take_lease("ingest")
        return ingest(self.lake, InProcess(), Night(AS_OF, run, self.conf), self.inbox)  # type: ignore[arg-type]

    def release(self, **which: Any) -> Released:
        return release(self.lake, InProcess(), self.conf, self.inbox, Which(**which), ORDER, self.lake.take_lease("release"))  # type: ignore[arg-type]

    def replace(self, receipt: int, back: bool, source: str = "pay") -> Replaced:
        """Retire the delivery of a receipt that is in force, or receive it again."""
        force = self.lake.batches_in_force(10**6)
        batch = next(a["batch_id"] for a in self.acts() if (a["source"], a["receipt"], a["act"]) == (source, receipt, "received") and a["kind"] != "release" and a["batch_id"] in force)
        return replace_batch(self.lake, InProcess(), self.conf, self.inbox, batch, ORDER, self.lake.take_lease("again"), back)  # type: ignore[arg-type]

    def waiting(self) -> dict[tuple[str, int], list[str]]:
        """Rules of the rows in quarantine, by file and line."""
        return {(r["file"], r["line"]): r["rules"] for r in waiting(self.lake)}

    def state(self, name: str, as_of: date = AS_OF) -> list[dict[str, Any]]:
        """The rows of a table as read on a date: its own columns and known_at."""
        contract = table(name)
        rows = read_files(self.lake.root, contract, data_files(self.lake.root, name))
        found = resolve(known(rows, as_of, 10**6, self.lake.batches_in_force(10**6)), contract).to_pylist()
        columns = (*(c.name for c in contract.own), "known_at", "event_at", "file", "line")
        return sorted(({c: r[c] for c in columns} for r in found), key=str)

    def acts(self) -> list[dict[str, Any]]:
        return whole(self.lake.root, "batch").to_pylist()  # type: ignore[no-any-return]
