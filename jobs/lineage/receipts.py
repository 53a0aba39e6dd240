"""From lines to what was received: the rows of bronze, the deliveries they came in, and whether the inbox still holds the same files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from jobs.conf import Source
from jobs.lake.lake import Lake
from jobs.lake.manifest import sha256_of
from jobs.lake.read import data_files, whole
from jobs.lake.tables import table
from jobs.lineage.cell import Receipt, Row
from jobs.lineage.known import matching
from jobs.sources.quarantine import HIDDEN, hidden

State = Literal["same", "changed", "gone", "unknown"]


@dataclass(frozen=True)
class Delivered:
    """A file that lines of a trace came in. `state`: the inbox holds the same file, another one, or none; `unknown`: no digest was kept."""

    source: str
    receipt: int | None
    received_at: datetime | None
    kind: str | None
    batch_id: str
    file: str
    lines: int
    state: State


def records(lake: Lake, wanted: Iterable[Receipt], sources: Mapping[str, Source]) -> dict[Receipt, str]:
    """The raw record of each row of bronze that is there. HIDDEN where the source has a column that is not for `risk`, or no contract."""
    places = set(wanted)
    found: dict[Receipt, str] = {}
    for source in sorted({p[0] for p in places}):
        shown = source in sources and not hidden(sources[source])
        contract = table(f"bronze_{source}")
        batches = {p[1] for p in places if p[0] == source}
        rows = matching(lake.root, contract, data_files(lake.root, contract.name), "batch_id", batches)
        for row in rows.select(["source", "batch_id", "file", "line", "raw"]).to_pylist():
            place = (row["source"], row["batch_id"], row["file"], row["line"])
            if place in places:
                found[place] = (row["raw"] or "") if shown else HIDDEN
    return found


def deliveries(lake: Lake, inbox: Path, lines: Iterable[Receipt]) -> list[Delivered]:
    """The files of some lines, with how many of the lines each holds, by source, receipt and name."""
    count = Counter((source, batch, file) for source, batch, file, _ in set(lines))
    acts = {r["batch_id"]: r for r in whole(lake.root, "batch").to_pylist() if r["act"] == "received"}
    found = []
    for (source, batch_id, file), lines_n in count.items():
        act = acts.get(batch_id)
        receipt, received_at, kind = (act["receipt"], act["received_at"], act["kind"]) if act else (None, None, None)
        state = _state(act, file, inbox / source) if act else "unknown"
        found.append(Delivered(source, receipt, received_at, kind, batch_id, file, lines_n, state))
    return sorted(found, key=lambda d: (d.source, d.receipt or 0, d.file))


def _state(act: Row, file: str, folder: Path) -> State:
    """Whether the inbox still holds the file that was received, by the digest that its batch keeps."""
    digests = dict(zip(act["files"] or (), act["digests"] or (), strict=False))
    landed = file if file in digests else file.partition("!")[0]  # a member of an archive: archive!member
    if not (folder / landed).is_file():
        return "gone"
    if landed not in digests:
        return "unknown"
    return "same" if sha256_of(folder / landed) == digests[landed] else "changed"
