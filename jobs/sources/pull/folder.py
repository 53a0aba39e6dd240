"""New files of a folder, or of a prefix in an object store. They are read where they lie and left there."""

from __future__ import annotations

import shutil
from datetime import datetime
from typing import Any

from pyarrow import fs

from jobs.conf import Source, period
from jobs.conf.pull import FromFolder
from jobs.sources.drop import UNFINISHED
from jobs.sources.pull.staging import Piece, PullError, Staging


def from_folder(source: Source, pull: FromFolder, stage: Staging, now: datetime) -> list[Piece]:
    """The files that fit the contract's pattern, have settled, and are not known by path, size and time of change.

    PullError when the folder cannot be read.
    """
    try:
        store, root = fs.FileSystem.from_uri(pull.url)
        infos = store.get_file_info(fs.FileSelector(root, recursive=pull.recursive))
    except (OSError, ValueError) as fault:
        raise PullError(f"{source.name}: {pull.url} cannot be listed ({str(fault)[:300]}); correct pull.url, or give this user the right to read it") from fault
    known = [e["pull"] for e in stage.entries]
    pieces = []
    for info in sorted(infos, key=lambda i: (_changed(i) or "", i.path)):
        said = _identity(info, root)
        if said not in known and _wanted(source, info) and _settled(info, pull, now):
            part = _copied(store, info, stage)
            if part is not None:
                pieces.append(Piece(part, info.base_name, said, same=True))
    return pieces


def _identity(info: fs.FileInfo, root: str) -> dict[str, Any]:
    return {"path": info.path.removeprefix(root).lstrip("/"), "size": info.size, "changed": _changed(info)}


def _changed(info: fs.FileInfo) -> str | None:
    """When the file was last changed, to the nanosecond where the store says so."""
    return str(info.mtime_ns) if info.mtime is not None else None


def _wanted(source: Source, info: fs.FileInfo) -> bool:
    name = info.base_name
    whole = not name.startswith(".") and not name.endswith(UNFINISHED)
    return info.type == fs.FileType.File and whole and source.files.takes(name)


def _settled(info: fs.FileInfo, pull: FromFolder, now: datetime) -> bool:
    return info.mtime is None or info.mtime <= now - period(pull.settle)


def _copied(store: fs.FileSystem, info: fs.FileInfo, stage: Staging) -> Any:
    """The file's copy; none when it was changed or taken away meanwhile: the next pull sees it."""
    try:
        with stage.new() as (part, out), store.open_input_stream(info.path, compression=None) as content:
            shutil.copyfileobj(content, out, 1 << 20)
        after = store.get_file_info(info.path)
    except FileNotFoundError:
        return None
    same = (after.size, after.mtime_ns) == (info.size, info.mtime_ns) and part.stat().st_size == info.size
    return part if same else None
