"""How what is pulled becomes a delivery: written under hidden names, then entered in the manifest at once, then given its names.

The entry is the one moment that counts. What a killed pull left before it is removed by the next one, what it left after it is finished.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from jobs.lake.faults import fault_point
from jobs.lake.manifest import MANIFEST, alone, append_entries, read_entries, sha256_of, staged, sync_folder, uncover


class PullError(Exception):
    """A source could not be pulled; the message names it, what went wrong and the remedy. Nothing of it has landed."""


@dataclass(frozen=True)
class Piece:
    """A file ready to land: where it lies, the name it should have, and what the next pull must know of it (JSON).

    `same`: the content that landed under that name before is this very file, seen again.
    """

    part: Path
    name: str
    known: dict[str, Any]
    same: bool = False


@dataclass(frozen=True)
class Staging:
    """A source's inbox folder, held by one pull: the entries of its manifest, and room for files that are no delivery yet."""

    folder: Path
    entries: list[dict[str, Any]]

    @contextmanager
    def new(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A file to write; on disk when the block ends."""
        path = self.folder / f".pull-{len(list(self.folder.glob('.pull-*.part')))}.part"
        with path.open("xb") as out:
            yield path, out
            out.flush()
            os.fsync(out.fileno())
        fault_point("pull:written")

    def land(self, pieces: list[Piece], received_at: datetime, kind: str) -> list[str]:
        """Make the pieces one delivery; the names they landed under. One that is the `same` as a landed one only gets another entry there."""
        with alone(self.folder):
            entries = read_entries(self.folder / MANIFEST)
            receipt = 1 + max((e["receipt"] for e in entries), default=0)
            lines, landed = [], []
            for piece in pieces:
                name, before = _name(piece, self.folder, entries)
                if before:
                    said = {**before, "received_at": before["received_at"].isoformat(), "pull": piece.known}
                else:
                    said = {"file": name, "receipt": receipt, "received_at": received_at.isoformat(), "kind": kind, "pull": piece.known}
                    piece.part.replace(staged(self.folder, name))
                    landed.append(name)
                lines.append(json.dumps(said, ensure_ascii=False))
                entries.append({**said, "received_at": received_at})
            sync_folder(self.folder)
            fault_point("pull:staged")
            if lines:
                append_entries(self.folder / MANIFEST, lines)
            fault_point("pull:entered")
            uncover(self.folder, entries)
            fault_point("pull:landed")
        return landed


@contextmanager
def staging(folder: Path) -> Iterator[Staging]:
    """Hold a source's inbox folder against other pulls of it, after finishing or removing what a killed one left."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".pull.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with alone(folder):
            entries = read_entries(folder / MANIFEST)
            uncover(folder, entries)
        _clear(folder)
        try:
            yield Staging(folder, entries)
        finally:
            _clear(folder)


def _clear(folder: Path) -> None:
    with alone(folder):
        for left in (*folder.glob(".pull-*.part"), *folder.glob(".*.staged")):
            left.unlink()


def _name(piece: Piece, folder: Path, entries: list[dict[str, Any]]) -> tuple[str, dict[str, Any] | None]:
    """A name that no other content has; with the entry of the same content, when it has landed under that name."""
    taken = {e["file"]: e for e in entries}
    digest = sha256_of(piece.part)
    parts = Path(piece.name)
    for name in (piece.name, f"{parts.stem}-{digest[:12]}{parts.suffix}"):
        there = next((p for p in (folder / name, staged(folder, name)) if p.is_file()), None)
        if there is None and name not in taken:
            return name, None
        if piece.same and name in taken and there is not None and sha256_of(there) == digest:
            return name, taken[name]
    return f"{parts.stem}-{digest[:12]}-{len(entries)}{parts.suffix}", None
