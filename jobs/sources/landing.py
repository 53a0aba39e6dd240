"""Deliveries, by the manifest: which files form which delivery, when it was received, and whether it is history.

A retry keeps the receipt and its time, so the first clock never moves. Files without an entry get one: the next receipt, received on the as-of date.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from jobs.conf import House, Source
from jobs.lake.manifest import MANIFEST, LandingError, alone, append_entries, read_entries, sha256_of, uncover
from jobs.sources import CODE_REVISION

log = logging.getLogger(__name__)

_OF_A_FIELD = {"__all__": {"purposes", "legal_basis", "unit"}}
_SAYS_NOTHING_OF_ROWS: dict[str, Any] = {
    **dict.fromkeys(("agency", "owner", "legal_basis", "purposes", "retention", "expect", "pull"), True),
    "columns": _OF_A_FIELD, "lines": _OF_A_FIELD, "stages": {"__all__": {"columns": _OF_A_FIELD}}, "details": {"__all__": _OF_A_FIELD},
}  # fmt: skip


@dataclass(frozen=True)
class Delivery:
    """The files of one receipt of a source, in name order, the time they were received (UTC) and the day that counts."""

    source: str
    receipt: int
    received_at: datetime
    day: date
    kind: Literal["delivery", "history"]
    folder: str
    files: tuple[str, ...]
    missing: tuple[str, ...] = ()


def received_day(received_at: datetime, house: House) -> date:
    """The day a receipt counts for: the local date, or the next one after the cut-off."""
    local = received_at.astimezone(ZoneInfo(house.zone))
    hour, minute = (int(p) for p in house.cut_off.split(":"))
    late = hour < 24 and local.time() >= time(hour, minute)
    return local.date() + timedelta(days=int(late))


def deliveries(inbox: Path, source: Source, house: House, as_of: date) -> list[Delivery]:
    """The deliveries of a source that counts as received on or before the as-of date, by receipt; new files are entered first.

    LandingError names the manifest's line that cannot be read, or a folder in which new files cannot be entered.
    """
    folder = inbox / source.name
    if not folder.is_dir():
        return []
    with alone(folder):
        entries = read_entries(folder / MANIFEST)
        uncover(folder, entries)
        entries += _entered(folder, source, entries, as_of, house)
    found = []
    by_receipt: dict[int, list[dict[str, Any]]] = {}
    for entry in entries:
        by_receipt.setdefault(entry["receipt"], []).append(entry)
    for receipt, same in sorted(by_receipt.items()):
        times = {(e["received_at"], e["kind"]) for e in same}
        if len(times) > 1:
            raise LandingError(f"{folder / MANIFEST}: receipt {receipt} has several times or kinds; give each delivery its own receipt")
        received_at, kind = times.pop()
        names = tuple(sorted({e["file"] for e in same}))
        missing = tuple(n for n in names if not (folder / n).is_file())
        day = received_day(received_at, house)
        if day <= as_of:
            found.append(Delivery(source.name, receipt, received_at.astimezone(UTC), day, kind, str(folder), names, missing))
    return found


def batch_id(delivery: Delivery, source: Source, house: House, codes: str = "") -> str:
    """Digest of source, receipt, file contents, contract, code tables (their digest) and code: after a fix the same files are another batch."""
    parts = [delivery.source, str(delivery.receipt), contract_digest(source, house), str(CODE_REVISION), *([codes] if codes else [])]
    for name, digest in zip(delivery.files, file_digests(delivery), strict=True):
        parts += [name, digest]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def file_digests(delivery: Delivery) -> list[str]:
    """SHA-256 of each file, in their order."""
    return [_file_digest(str(Path(delivery.folder) / name), (Path(delivery.folder) / name).stat().st_mtime_ns) for name in delivery.files]


@lru_cache(maxsize=100_000)
def _file_digest(path: str, changed: int) -> str:
    """Of a file as it was at a moment: each is read for its digest once."""
    return sha256_of(Path(path))


def contract_digest(source: Source, house: House) -> str:
    """Digest of all in the contract and the house that decides what rows a file gives: not of what a row may be used for, nor of a key left at its default."""
    said = source.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_SAYS_NOTHING_OF_ROWS)
    ours = [house.zone, house.cut_off, house.id_standard, house.currency]
    return hashlib.sha256(json.dumps([said, ours], sort_keys=True).encode()).hexdigest()[:16]


def _entered(folder: Path, source: Source, entries: list[dict[str, Any]], as_of: date, house: House) -> list[dict[str, Any]]:
    """Enter the files nobody has entered, all as one delivery."""
    listed = {e["file"] for e in entries} | {MANIFEST}
    fresh = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in listed and not p.name.startswith("."))
    odd = [n for n in fresh if not source.files.takes(n)]
    if odd:
        log.warning("%s: %d file(s) do not match the contract's pattern %s and are left alone, such as %s", source.name, len(odd), source.files.pattern, odd[0])
    new = sorted(set(fresh) - set(odd))
    if not new:
        return []
    receipt = max((e["receipt"] for e in entries), default=0) + 1
    received_at = datetime.combine(as_of, time(0), ZoneInfo(house.zone))
    lines = [json.dumps({"receipt": receipt, "file": n, "received_at": received_at.isoformat(), "kind": "delivery"}, ensure_ascii=False) for n in new]
    append_entries(folder / MANIFEST, lines)
    return [{"file": n, "receipt": receipt, "kind": "delivery", "received_at": received_at, "pull": {}} for n in new]
