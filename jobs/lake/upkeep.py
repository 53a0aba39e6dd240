"""Upkeep of a lake, under the lease: month states, compaction, checkpoints, VACUUM. Nothing that a reader may still ask for goes.

Retention: of the nights published in the last RETENTION_DAYS every table stays readable at its published version; older nights are
replayed from the newest versions by both clocks, which is exact because no row is ever changed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from deltalake import CommitProperties, Transaction

from jobs.lake.compact import MANY, compact
from jobs.lake.faults import fault_point
from jobs.lake.lake import Lake
from jobs.lake.seal import LOG, seal, tables_there
from jobs.lake.state import write_states
from jobs.lake.tables import table
from jobs.lake.write import LEASE, refuse_if_fenced, require_table

RETENTION_DAYS = 90
"""Days for which published nights are kept at their versions."""
GRACE_HOURS = 168
"""Hours that a file of no version is left alone: a task may have written it just now."""
COMMITS = 20
"""Commits after which a table's log gets a checkpoint."""


@dataclass(frozen=True)
class Done:
    """What upkeep did to one table: files merged away and come, whether it got a checkpoint, files deleted."""

    name: str
    merged: int = 0
    came: int = 0
    checkpoint: bool = False
    deleted: int = 0


def upkeep(lake: Lake, epoch: int, many: int = MANY, hours: int = GRACE_HOURS, days: int = RETENTION_DAYS, commits: int = COMMITS) -> list[Done]:
    """Look after every table; what was done, tables with nothing to do left out. Fenced when the lease is lost."""
    nights = lake.nights()
    if nights:
        write_states(lake, epoch, nights[-1].as_of)
    found = [_look_after(lake, name, epoch, many, hours, days, commits) for name in tables_there(lake.root)]
    _sweep(lake.root, hours)
    seal(lake.root, epoch)
    return [d for d in found if d != Done(d.name)]


def _look_after(lake: Lake, name: str, epoch: int, many: int, hours: int, days: int, commits: int) -> Done:
    merged = None if table(name).layer == "nightly" else compact(lake, name, epoch, many)
    marked = checkpoint(lake, name, epoch, commits)
    deleted = vacuum(lake, name, epoch, hours, days)
    return Done(name, merged.gone if merged else 0, merged.came if merged else 0, marked, len(deleted))


def _sweep(root: str, hours: int) -> None:
    """Delete drafts that killed tasks left behind."""
    for name in tables_there(root):
        for draft in drafts(root, name):
            if draft.stat().st_mtime < time.time() - hours * 3600:
                draft.unlink()


def drafts(root: str, name: str) -> list[Path]:
    """Files that a task began to write and did not name yet."""
    return [p for p in (Path(root) / table(name).path).rglob(".*") if p.is_file() and LOG not in p.parts]


def checkpoint(lake: Lake, name: str, epoch: int, commits: int = COMMITS) -> bool:
    """Write a checkpoint when the log has grown by `commits` since the last; whether one was written."""
    handle = require_table(lake.root, name)
    last = last_checkpoint(lake.root, name)
    lost = last < 0 and any((Path(lake.root) / table(name).path / LOG).glob("*.checkpoint*.parquet"))
    if handle.version() - last < commits and not lost:
        return False
    refuse_if_fenced(lake.root, table(name), handle, epoch)
    fault_point("checkpoint")
    handle.create_checkpoint()
    fault_point("checkpointed")
    return True


def last_checkpoint(root: str, name: str) -> int:
    """The version of a table's last checkpoint; -1 when there is none."""
    pointer = Path(root) / table(name).path / LOG / "_last_checkpoint"
    return int(json.loads(pointer.read_text(encoding="utf-8"))["version"]) if pointer.is_file() else -1


def vacuum(lake: Lake, name: str, epoch: int, hours: int = GRACE_HOURS, days: int = RETENTION_DAYS) -> list[str]:
    """Delete files that neither the newest version nor a kept one names, once they are older than `hours`; their paths."""
    handle = require_table(lake.root, name)
    kept = sorted({v for v in kept_versions(lake, name, days) if v < handle.version() and readable(lake.root, name, v)})
    options = {"retention_hours": hours, "enforce_retention_duration": False, "full": True, "keep_versions": kept}
    if not handle.vacuum(dry_run=True, **options):
        return []
    refuse_if_fenced(lake.root, table(name), handle, epoch)
    fault_point("vacuum")
    gone = handle.vacuum(dry_run=False, commit_properties=CommitProperties(app_transactions=[Transaction(LEASE, epoch)]), **options)
    fault_point("vacuumed")
    return list(gone)


def kept_versions(lake: Lake, name: str, days: int) -> Iterator[int]:
    """The table's versions of the nights published within `days` of the last, and of those whose later revision was given up."""
    nights, given_up = lake.nights(), lake.given_up()
    since = nights[-1].as_of - timedelta(days=days) if nights else date.max
    yield from (n.tables[name] for n in nights if name in n.tables and (n.as_of >= since or n.as_of in given_up))


def readable(root: str, name: str, version: int) -> bool:
    """Whether the log still reaches back to a version."""
    log = Path(root) / table(name).path / LOG
    return (log / f"{version:020}.json").is_file()
