"""Landing what an agency left in its drop folder: each file once, whole, with the moment of its receipt.

Files move in three steps, each safe to repeat: a copy under the inbox, one entry in the manifest, then the drop is emptied.
A run killed between two steps is finished by the next one.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

from jobs.conf import Source
from jobs.lake.faults import fault_point
from jobs.lake.manifest import MANIFEST, alone, append_entries, read_entries, sha256_of

UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")


def waiting(source: Source, drop: Path) -> list[Path]:
    """The files of a drop folder that fit the contract's pattern, in name order; hidden and unfinished ones are left alone."""
    if not drop.is_dir():
        return []
    found = (p for p in drop.iterdir() if source.files.takes(p.name) and p.is_file() and p.name != MANIFEST)
    return sorted(p for p in found if not p.name.startswith(".") and p.suffix not in UNFINISHED)


def land(source: Source, drop: Path, inbox: Path, received_at: datetime, kind: str = "delivery") -> list[str]:
    """Move the waiting files into INBOX/<source>/ as one delivery; the names they landed under.

    A name already taken by other content gets the digest of the new content behind it. A file whose content landed under its name
    before is only removed from the drop. `received_at` carries a zone.
    """
    folder = inbox / source.name
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        files = {path: _landed_name(path, folder) for path in waiting(source, drop)}
        for path, name in files.items():
            _copy(path, folder / name)
            fault_point("landing:copied")
        known = read_entries(folder / MANIFEST)
        fresh = sorted(set(files.values()) - {entry["file"] for entry in known})
        if fresh:
            receipt = 1 + max((entry["receipt"] for entry in known), default=0)
            delivery = {"receipt": receipt, "received_at": received_at.isoformat(), "kind": kind}
            append_entries(folder / MANIFEST, [json.dumps({"file": name, **delivery}, ensure_ascii=False) for name in fresh])
        fault_point("landing:entered")
        for path, name in files.items():
            if sha256_of(path) == sha256_of(folder / name):  # one that its agency went on writing stays, and lands whole next time
                path.unlink()
    return fresh


def _landed_name(path: Path, folder: Path) -> str:
    target = folder / path.name
    if not target.exists() or sha256_of(target) == sha256_of(path):
        return path.name
    return f"{path.stem}-{sha256_of(path)[:12]}{path.suffix}"


def _copy(path: Path, target: Path) -> None:
    if target.exists():
        return
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(path, part)
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(target)
