"""Seals: digests by which a changed byte is found, in data, log or checkpoint.

A data file's name bears the digest of its content. Every commit bears the digest of the log entry before it. Whenever a night is
published and after upkeep, the digests of log entries and checkpoints that are new are kept in `seals/`, outside the tables.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.lake.tables import Table, table

LOG, CHAIN, SEALS = "_delta_log", "assay.before", "seals"
LOG_DAYS = 400
"""Days for which a table's log is kept: the window within which any night can be replayed at the versions it read."""


def digest_of(path: Path) -> str:
    """The digest of a file's bytes: 24 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=12)).hexdigest()


def entry_of(root: str, contract: Table, version: int) -> Path:
    """The log entry of a version."""
    return Path(root) / contract.path / LOG / f"{version:020}.json"


def chained(root: str, contract: Table, version: int) -> dict[str, str]:
    """What the commit after this version says of it."""
    entry = entry_of(root, contract, version)
    return {CHAIN: f"{version}:{digest_of(entry)}"} if entry.is_file() else {}


def tables_there(root: str) -> list[str]:
    """The names of the tables that exist, by name."""
    return sorted(p.parent.name for zone in ("bronze", "silver", "gold") for p in (Path(root) / zone).glob(f"*/{LOG}"))


def seal(root: str, run: int) -> None:
    """Keep the digests of all log entries and checkpoints that are not sealed yet, under the run's number."""
    there = {f"{name}/{place}": path for name in tables_there(root) for place, path in _sealable(Path(root) / table(name).path / LOG)}
    kept = sealed(root)
    found = {place: digest_of(path) for place, path in there.items() if place not in kept}
    folder = Path(root) / SEALS
    folder.mkdir(exist_ok=True)
    draft = folder / f".{run}.{os.getpid()}"
    draft.write_text(json.dumps(found, sort_keys=True), encoding="utf-8")
    draft.replace(folder / f"{run:020}.json")


def sealed(root: str) -> dict[str, str]:
    """Every sealed log file, as table/name, with its digest."""
    kept: dict[str, str] = {}
    for path in sorted((Path(root) / SEALS).glob("*.json")):
        kept |= json.loads(path.read_text(encoding="utf-8"))
    return kept


def _sealable(log: Path) -> Iterator[tuple[str, Path]]:
    """Log files by the name they are sealed under; the pointer to the last checkpoint is written anew, so its name bears the version."""
    yield from ((p.name, p) for p in (*log.glob("*.json"), *log.glob("*.checkpoint*.parquet")))
    pointer = log / "_last_checkpoint"
    if pointer.is_file():
        yield f"{pointer.name}@{_pointed(pointer)}", pointer


def _pointed(pointer: Path) -> int | None:
    try:
        return int(json.loads(pointer.read_text(encoding="utf-8"))["version"])
    except (ValueError, KeyError, TypeError):
        return None


def broken_seals(root: str) -> Iterator[str]:
    """What no longer is as it was sealed or chained, in words. Log entries and checkpoints older than the log's retention may be gone."""
    for name in tables_there(root):
        yield from _broken_chain(root, table(name))
    for place, digest in sorted(sealed(root).items()):
        name, _, file = place.partition("/")
        file, _, version = file.partition("@")
        found = Path(root) / table(name).path / LOG / file
        if version:
            if found.is_file() and str(_pointed(found)) == version and digest_of(found) != digest:
                yield f"{name}: the pointer to its last checkpoint is not as it was sealed"
        elif not found.is_file():
            if file > _oldest(found.parent):
                yield f"{name}: log file {file} was sealed and is gone"
        elif digest_of(found) != digest:
            yield f"{name}: log file {file} is not as it was sealed"


def _oldest(log: Path) -> str:
    return min((p.name for p in log.glob("*.json")), default="")


def _broken_chain(root: str, contract: Table) -> Iterator[str]:
    entries = sorted((Path(root) / contract.path / LOG).glob("*.json"))
    if not entries:
        yield f"{contract.name}: its log has no entry"
        return
    if int(entries[0].stem) > 0 and entries[0].stat().st_mtime > time.time() - LOG_DAYS * 86400:
        yield f"{contract.name}: the log begins with version {int(entries[0].stem)}, younger than the {LOG_DAYS} days for which it is kept"
    for before, entry in itertools.pairwise(entries):
        if int(entry.stem) != int(before.stem) + 1:
            yield f"{contract.name}: the log lacks the version(s) between {int(before.stem)} and {int(entry.stem)}"
    for entry in entries:
        said = _said(entry)
        if said is None:
            yield f"{contract.name}: log entry {entry.name} cannot be read"
        elif CHAIN in said:
            version, _, digest = said[CHAIN].partition(":")
            before = entry_of(root, contract, int(version))
            if before.is_file() and digest_of(before) != digest:
                yield f"{contract.name}: log entry {before.name} is not as the commit after it says"


def _said(entry: Path) -> dict[str, Any] | None:
    """The commit's own words; None when the entry is no log entry."""
    try:
        actions = [json.loads(line) for line in entry.read_text(encoding="utf-8").splitlines() if line.strip()]
        return next((a["commitInfo"] for a in actions if "commitInfo" in a), {}) if actions else None
    except (ValueError, KeyError, TypeError):
        return None
