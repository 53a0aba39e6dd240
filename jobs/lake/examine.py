"""Is the lake whole? Every check says what is wrong and what to do; a fault must be mended, an advice can wait for upkeep."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from jobs.lake.compact import MANY
from jobs.lake.footer import statistics_of
from jobs.lake.lake import Lake, now
from jobs.lake.read import DataFile, data_files, whole
from jobs.lake.seal import LOG, broken_seals, digest_of, tables_there
from jobs.lake.tables import Table, table
from jobs.lake.upkeep import COMMITS, GRACE_HOURS, RETENTION_DAYS, drafts, last_checkpoint
from jobs.lake.write import require_table

TOO_MANY = 300_000
"""Files of one table from which listing them alone takes long."""
STALE = timedelta(hours=24)
Check = Callable[[Path, DataFile], bool]
RESTORE = "restore it from the last back-up (`assay restore`)"
UPKEEP = "run `assay upkeep`"


@dataclass(frozen=True)
class Finding:
    """What a check found: a fault, or an advice; with its remedy."""

    fault: bool
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{'fault' if self.fault else 'advice'}: {self.what}; {self.remedy}"


def examine(lake: Lake, deep: bool = True) -> list[Finding]:
    """All findings, faults first. `deep` holds every data file's bytes against the digest in its name; else sizes and footers alone."""
    found = list(_guarded(lake, deep))
    return sorted(found, key=lambda f: not f.fault)


def _guarded(lake: Lake, deep: bool) -> Iterator[Finding]:
    """Each check by itself: one that breaks over a broken lake is a fault too, and ends no other."""
    sound = cache(_as_written) if deep else None  # a file of several versions is read once
    checks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("seals", lambda: [Finding(True, said, RESTORE) for said in broken_seals(lake.root)]),
        ("batches", lambda: _batches(lake)), ("nights", lambda: _nights(lake, sound)), ("lease", lambda: _runs(lake)),
    ]  # fmt: skip
    for name in tables_there(lake.root):
        checks += [(name, lambda name=name, check=check: check(lake, name)) for check in (_checkpoint, _contract, _files, _retention)]  # type: ignore[misc]
        checks.append((name, lambda name=name: _data(lake, name, sound)))  # type: ignore[misc]
    for name, check in checks:
        try:
            yield from check()
        except Exception as fault:
            yield Finding(True, f"{name}: cannot be read ({type(fault).__name__}: {str(fault)[:200]})", RESTORE)


def _batches(lake: Lake) -> Iterator[Finding]:
    for row in whole(lake.root, "batch").to_pylist():
        parts = sum(row[k] or 0 for k in ("accepted", "superseded", "duplicate", "quarantined"))
        if row["act"] in ("received", "stopped") and row["received"] is not None and row["received"] != parts:
            said = f"batch {row['batch_id']} of {row['source']}: received {row['received']}, accounted for {parts}"
            yield Finding(True, said, "retire it (`assay batch retire`) and receive it again")


def _nights(lake: Lake, sound: Check | None) -> Iterator[Finding]:
    """Published nights within the retention can be read at their versions, as they were written."""
    nights, looked = lake.nights(), set[tuple[str, str]]()
    for night in nights:
        if night.as_of < nights[-1].as_of - timedelta(days=RETENTION_DAYS):
            continue
        for name, version in night.tables.items():
            files = data_files(lake.root, name, version)
            if missing := _missing(lake, name, files):
                yield Finding(True, f"night {night.as_of}: {name} version {version}: {len(missing)} file(s) are gone", RESTORE)
            fresh = [f for f in files if (name, f.path) not in looked and f not in missing]
            looked |= {(name, f.path) for f in files}
            if sound and (changed := [f.path for f in fresh if not sound(Path(lake.root) / table(name).path, f)]):
                yield Finding(True, f"night {night.as_of}: {name} version {version}: {len(changed)} file(s) not as written, such as {changed[0]}", RESTORE)


def _as_written(folder: Path, file: DataFile) -> bool:
    named = digest_in(file)
    return named is None or digest_of(folder / file.path) == named


def _runs(lake: Lake) -> Iterator[Finding]:
    """The lease, and nights begun and neither published nor begun again."""
    records = whole(lake.root, "run").to_pylist()
    published = {(n.as_of, n.revision) for n in lake.nights()}
    begun = {(r["as_of"], r["revision"]): r for r in sorted(records, key=lambda r: r["run"]) if r["step"] == "begin"}
    for (as_of, revision), record in sorted(begun.items()):
        if (as_of, revision) in published:
            continue
        if record["run"] == lake.epoch() and record["at"] and now() - record["at"] < STALE:
            yield Finding(False, f"night {as_of} is being staged by run {record['run']}, which holds the lease", "let it end")
        else:
            yield Finding(False, f"night {as_of}, revision {revision}, was begun by run {record['run']} and not published", "run `assay nightly` for it again, or a later one")


def _checkpoint(lake: Lake, name: str) -> Iterator[Finding]:
    version, last = int(require_table(lake.root, name).version()), last_checkpoint(lake.root, name)
    log = Path(lake.root) / table(name).path / LOG
    entries = len(list(log.glob("*.json")))
    if last > version:
        yield Finding(True, f"{name}: its last checkpoint is of version {last}, but the table is at {version}", RESTORE)
    if last < 0 and list(log.glob("*.checkpoint*.parquet")):
        yield Finding(True, f"{name}: the pointer to its checkpoint (_last_checkpoint) is gone", UPKEEP)
    for path in log.glob("*.checkpoint*.parquet"):
        pq.read_table(path, page_checksum_verification=True)
    if last >= 0 and not list(log.glob(f"{last:020}.checkpoint*.parquet")):
        yield Finding(True, f"{name}: the checkpoint of version {last} is gone", RESTORE)
    if version - max(last, 0) > 5 * COMMITS and entries > 5 * COMMITS:
        yield Finding(False, f"{name}: {version - max(last, 0)} commits since the last checkpoint", UPKEEP)


def _contract(lake: Lake, name: str) -> Iterator[Finding]:
    """Columns and partitions as the contract has them."""
    contract, handle = table(name), require_table(lake.root, name)
    stored = {f.name: f.type for f in pa.schema(handle.schema().to_arrow())}
    for column in contract.columns:
        if column.name in stored and stored[column.name] != column.type:
            yield Finding(True, f"{name}.{column.name}: the lake has {stored[column.name]}, the contract says {column.type}", "correct jobs/lake/tables.py, or build a new lake")
    if tuple(handle.metadata().partition_columns) != contract.partition_by:
        yield Finding(True, f"{name}: partitioned by {handle.metadata().partition_columns}, the contract says {list(contract.partition_by)}", "build a new lake")


def _retention(lake: Lake, name: str) -> Iterator[Finding]:
    kept = require_table(lake.root, name).metadata().configuration.get("delta.logRetentionDuration") or "interval 30 days"
    days = int(re.sub(r"\D", "", kept) or 0)
    if days < RETENTION_DAYS:
        yield Finding(True, f"{name}: its log is kept {days} days, published nights {RETENTION_DAYS}", "set delta.logRetentionDuration of the table to more")


def _files(lake: Lake, name: str) -> Iterator[Finding]:
    """How many files, how many small ones, and files of no version."""
    contract, files = table(name), data_files(lake.root, name)
    if len(files) > TOO_MANY:
        yield Finding(False, f"{name}: {len(files):,} files", "compact it, and take fewer buckets for the next lake")
    loose = [f.bucket for f in files if f.loose]
    if contract.layer != "nightly" and (many := [b for b in set(loose) if loose.count(b) > MANY]):
        yield Finding(False, f"{name}: more than {MANY} small files in {len(many)} bucket(s)", UPKEEP)
    wrong = [f.path for f in files if f.bucket is not None and not 0 <= f.bucket < lake.buckets]
    if wrong:
        yield Finding(True, f"{name}: {len(wrong)} file(s) of buckets that the lake does not have, such as {wrong[0]}", RESTORE)
    orphans = require_table(lake.root, name).vacuum(retention_hours=GRACE_HOURS, dry_run=True, enforce_retention_duration=False, full=True)
    unnamed = len(drafts(lake.root, name))
    if len(orphans) + unnamed > MANY * lake.buckets:
        yield Finding(False, f"{name}: {len(orphans) + unnamed} file(s) that no reader asks for", UPKEEP)


def _data(lake: Lake, name: str, sound: Check | None) -> Iterator[Finding]:
    """Every file of the newest version is there and as it was committed."""
    contract, folder = table(name), Path(lake.root) / table(name).path
    stated, files = _stated(require_table(lake.root, name)), data_files(lake.root, name)
    if unsealed := sum(digest_in(f) is None for f in files):
        yield Finding(False, f"{name}: {unsealed} file(s) from before names bore digests: a changed byte in them may go unseen", UPKEEP + ", which writes many of them anew")
    for file in files:
        path = folder / file.path
        if not path.is_file():
            yield Finding(True, f"{name}: {file.path} is gone", RESTORE)
        elif path.stat().st_size != file.size:
            yield Finding(True, f"{name}: {file.path} has {path.stat().st_size} bytes, its commit said {file.size}", RESTORE)
        elif sound and not sound(folder, file):
            yield Finding(True, f"{name}: {file.path} is not as it was written", RESTORE)
        else:
            yield from _footer(contract, file, path, stated)


def _footer(contract: Table, file: DataFile, path: Path, stated: dict[str, tuple[int, object, object]]) -> Iterator[Finding]:
    said, _ = statistics_of(pq.read_metadata(path))
    rows, known, runs = stated[file.path]
    if said["numRecords"] != rows:
        yield Finding(True, f"{contract.name}: {file.path} has {said['numRecords']} rows, its commit said {rows}", RESTORE)
    for column, low in (("known_at", known), ("run", runs)):
        if low is not None and str(said["minValues"].get(column, low)) != str(low):
            yield Finding(True, f"{contract.name}: {file.path}: {column} begins at {said['minValues'][column]}, its commit said {low}", RESTORE)


def _stated(handle: DeltaTable) -> dict[str, tuple[int, object, object]]:
    """What commits said of each file: rows, first known_at, first run."""
    actions = pa.table(handle.get_add_actions(flatten=True)).to_pydict()
    none = [None] * len(actions["path"])
    lows = (actions.get("min.known_at", none), actions.get("min.run", none))
    return {p: (n, k, r) for p, n, k, r in zip(actions["path"], actions["num_records"], *lows, strict=True)}


def digest_in(file: DataFile) -> str | None:
    """The digest that a file's name bears; None when it was written before names bore one."""
    found = re.fullmatch(r".*[-_]([0-9a-f]{24})-[0-9a-f]{8}\.parquet", file.path)
    return found.group(1) if found else None


def _missing(lake: Lake, name: str, files: list[DataFile]) -> list[DataFile]:
    return [f for f in files if not (Path(lake.root) / table(name).path / f.path).is_file()]
