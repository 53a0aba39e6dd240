"""Watching a run: each step's START and its end, as JSON lines in a file that a killed run leaves readable.

`ASSAY_LINEAGE` names a folder (one file per run in it), a file ending in .jsonl, or `off`; default: LAKE/lineage/. A file that cannot be
written is warned about once and stops nothing: lineage is told about a night, the night does not wait for it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jobs.lake.lake import now
from jobs.lake.read import whole
from jobs.lake.step import Kind, Night, Step
from jobs.lake.tables import TABLES, table
from jobs.lake.write import LEASE, open_table, table_version
from jobs.lineage.openlineage import NIGHT, Event, EventType, event, lake_table, received, written

log = logging.getLogger(__name__)
ENVIRONMENT = "ASSAY_LINEAGE"
OFF = "off"


@dataclass
class Seen:
    """What a step read and wrote, filled in by whoever runs it: table, Delta version."""

    reads: Mapping[str, int] = field(default_factory=dict)
    writes: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def observed(root: str, night: Night, step: Step, before: Mapping[str, int]) -> Iterator[Seen]:
    """Tell of a step: START now; at the end of the block COMPLETE, FAIL, or ABORT when it was interrupted.

    `before`: Delta versions when the step starts; rows written are those that later versions added.
    """
    job, seen = f"{step.room}.{step.name}", Seen()
    pinned = {**before, **(_bronze(root) if step.kind is Kind.INGEST else {})}
    declared = dict.fromkeys((*step.reads, *step.versions, *step.changes, *step.previous, *step.history))
    inputs = [lake_table(table(name), pinned.get(name)) for name in declared]
    tell(root, night, "START", job, inputs)
    try:
        yield seen
    except BaseException as fault:
        stopped = isinstance(fault, KeyboardInterrupt | SystemExit | GeneratorExit)
        tell(root, night, "ABORT" if stopped else "FAIL", job, inputs, error=nameless(fault))
        raise
    if step.kind is Kind.INGEST:
        inputs, writes = _ingested(root, night.run)
    else:
        inputs, writes = [lake_table(table(name), version) for name, version in seen.reads.items()], dict(seen.writes)
    tell(root, night, "COMPLETE", job, inputs, [_written(root, name, pinned.get(name, -1), v) for name, v in writes.items() if v != pinned.get(name, -1)])


def versions(root: str) -> dict[str, int]:
    """The newest Delta version of every table; -1: never written."""
    return {name: table_version(root, name) for name in TABLES}


def tell(root: str, night: Night, kind: EventType, job: str = NIGHT, inputs: list[Event] | None = None, outputs: list[Event] | None = None, error: str | None = None) -> None:
    """Write one event of a run. Nothing is written when lineage is off."""
    path = journal(root, night)
    if path is None:
        return
    handle = open_table(root, LEASE)
    lake_id = str(handle.metadata().id) if handle is not None else ""
    line = json.dumps(event(kind, now(), lake_id, night, job, inputs or (), outputs or (), error), ensure_ascii=False)
    try:
        _append(path, line)
    except OSError as fault:
        log.warning("%s: no lineage is written (%s); make it writable, or set %s=%s", path, fault.strerror, ENVIRONMENT, OFF)


def journal(root: str, night: Night) -> Path | None:
    """The file a run's events go to; None: off."""
    said = os.environ.get(ENVIRONMENT, "").strip()
    if said.lower() == OFF:
        return None
    place = Path(said) if said else Path(root) / "lineage"
    return place if place.suffix == ".jsonl" else place / f"{night.run_id or f'run-{night.run}'}.jsonl"


def nameless(fault: BaseException) -> str:
    """The kind of a fault and where it was raised in our code. Its message stays in the log: it may name a taxpayer."""
    place, trace = "", fault.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(("jobs.", "models.")) and module != __name__:
            place = f" in {module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return type(fault).__name__ + place


def _append(path: Path, line: str) -> None:
    """One line in one write, on a line of its own even when a killed run left half a one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as out:
        size = out.seek(0, os.SEEK_END)
        if size:
            out.seek(size - 1)
        torn = size > 0 and out.read(1) != b"\n"
        out.write(("\n" if torn else "").encode() + line.encode() + b"\n")


def _ingested(root: str, run: int) -> tuple[list[Event], dict[str, int]]:
    """What a run received by source, and the newest version of every table it filled."""
    batches = [r for r in whole(root, "batch").to_pylist() if r["run"] == run and r["act"] == "received"]
    sources = sorted({r["source"] for r in batches})
    inputs = []
    for source in sources:
        own = [r for r in batches if r["source"] == source]
        inputs.append(received(source, sum(r["received"] or 0 for r in own), sum(len(r["files"] or ()) for r in own)))
    names = [*(f"bronze_{s}" for s in sources), "quarantine", *sorted({t for r in batches for t in r["tables"] or ()})]
    return inputs, {name: version for name in names if (version := table_version(root, name)) >= 0}


def _bronze(root: str) -> dict[str, int]:
    return {p.name: table_version(root, p.name) for p in sorted((Path(root) / "bronze").glob("bronze_*"))}


def _written(root: str, name: str, before: int, version: int) -> Event:
    contract = table(name)
    return written(lake_table(contract, version, described=True), rows_added(Path(root) / contract.path, before, version))


def rows_added(folder: Path, before: int, version: int) -> int | None:
    """Rows of the files that the Delta versions after `before` added; None when their log is gone or holds no counts."""
    total = 0
    for number in range(before + 1, version + 1):
        try:
            lines = (folder / "_delta_log" / f"{number:020d}.json").read_text(encoding="utf-8").splitlines()
            added = [json.loads(line)["add"] for line in lines if '"add"' in line]
            total += sum(int(json.loads(a["stats"])["numRecords"]) for a in added if a.get("dataChange", True))
        except (OSError, KeyError, TypeError, ValueError):
            return None
    return total
