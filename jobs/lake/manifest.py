"""The landing manifest of a source's inbox folder, and the lock under which whoever lands or enters files takes turns.

INBOX/<source>/manifest.jsonl holds one JSON object a line: receipt, file, received_at, kind and, of what was pulled, `pull`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

MANIFEST = "manifest.jsonl"


class LandingError(Exception):
    """The inbox cannot be used as it is; the message names file, line and remedy."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a source's inbox folder alone: what lands and what enters landed files take turns. The lock goes with the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def staged(folder: Path, name: str) -> Path:
    """Where a pulled file waits for its entry, under a name that nobody takes for a delivery's."""
    return folder / f".{name}.staged"


def uncover(folder: Path, entries: list[dict[str, Any]]) -> None:
    """Give files that are entered but still staged their names: a pull may have been killed between the two. The folder must be held alone."""
    for name in {e["file"] for e in entries if e["pull"] and not (folder / e["file"]).exists()}:
        if staged(folder, name).is_file():
            staged(folder, name).replace(folder / name)


def read_entries(path: Path) -> list[dict[str, Any]]:
    """The entries of a manifest: file, receipt, kind, received_at with its zone and, of what was pulled, what the next pull must know (`pull`).

    None when there is no manifest. LandingError names a line.
    """
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            found.append(_entry(line, f"{path}:{number}"))
    return found


def _entry(line: str, place: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
        name, receipt, kind = str(said["file"]), int(said["receipt"]), said.get("kind", "delivery")
        received_at = datetime.fromisoformat(said["received_at"])
        pull = dict(said.get("pull") or {})
    except (ValueError, KeyError, TypeError) as fault:
        raise LandingError(f"{place}: not an entry ({fault!r}); it needs receipt, file, received_at and kind as JSON") from fault
    if Path(name).name != name or name.startswith("."):
        raise LandingError(f"{place}: file '{name}' must be a plain name inside the source's folder")
    if received_at.tzinfo is None or kind not in ("delivery", "history") or receipt < 1:
        raise LandingError(f"{place}: received_at needs an offset such as +08:00, kind is delivery or history, receipt is 1 or more")
    return {"file": name, "receipt": receipt, "kind": kind, "received_at": received_at, "pull": pull}


def append_entries(path: Path, lines: list[str]) -> None:
    """Add entries, all or none of them, under the lock that whoever lands files takes too."""
    try:
        with path.with_name(".landing.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = path.read_text(encoding="utf-8") if path.is_file() else ""
            torn = "\n" if before and not before.endswith("\n") else ""
            part = path.with_name(f".{path.name}.part")
            with part.open("w", encoding="utf-8") as out:
                out.write(before + torn + "\n".join(lines) + "\n")
                out.flush()
                os.fsync(out.fileno())
            part.replace(path)
            sync_folder(path.parent)
    except OSError as fault:
        raise LandingError(f"{path}: cannot be written ({fault.strerror}); make the folder writable, or enter the files in the manifest yourself") from fault


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as it landed: what batches keep of it."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
