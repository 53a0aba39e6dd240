"""Commands at the door: land what agencies left, and say which sources are late. They need neither lake nor Spark."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from jobs import conf as configuration
from jobs.conf import Conf, ConfError
from jobs.lake.lake import now
from jobs.lake.manifest import MANIFEST, read_entries
from jobs.sources.arrival import Arrival, arrivals, seen_at
from jobs.sources.drop import land as land_files
from jobs.sources.drop import waiting

Moment = Annotated[str | None, typer.Option(help="ISO date and time with zone; default: now")]


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    for command in (land, late):
        app.command()(command)


def land(
    source: str,
    drop: Path,
    received_at: Moment = None,
    history: Annotated[bool, typer.Option(help="the files bring the past: each record is known from the agency's own date")] = False,
) -> None:
    """Move the files waiting in DROP into the inbox as one delivery of SOURCE; safe to repeat."""
    conf = configuration.load()
    if source not in conf.sources:
        raise ConfError(f"no source '{source}' in conf/sources/; known: {', '.join(sorted(conf.sources))}")
    if not drop.is_dir():
        raise NotADirectoryError(f"{drop}: no such folder; create it, or name the agency's drop folder")
    landed = land_files(conf.sources[source], drop, inbox(), moment(received_at, conf), "history" if history else "delivery")
    typer.echo("\n".join(f"landed {source}/{name}" for name in landed) or f"nothing new in {drop}")


def late(at: Moment = None) -> None:
    """What each source last delivered, and which are late."""
    conf = configuration.load()
    typer.echo("\n".join(str(found) for found in arrivals(conf, inbox(), moment(at, conf))))


def inbox() -> Path:
    """The inbox: ASSAY_INBOX, or ./inbox."""
    return Path(os.environ.get("ASSAY_INBOX", "inbox")).resolve()


def moment(text: str | None, conf: Conf) -> datetime:
    """A moment in the administration's zone; text without a zone is local. ConfError when it is no moment."""
    zone = ZoneInfo(conf.house.zone)
    if text is None:
        return now().astimezone(zone)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as fault:
        raise ConfError(f"'{text}' is no ISO date and time; write for example 2026-01-20T06:00:00+08:00") from fault
    return found.astimezone(zone) if found.tzinfo else found.replace(tzinfo=zone)


def anything_waiting(source: str, drop: Path) -> bool:
    """Does the drop folder hold a file that fits the contract's pattern?"""
    return bool(waiting(configuration.load().sources[source], drop))


def received_since(source: str, moment: datetime) -> bool:
    """Has the source a receipt of that moment or a later one?"""
    entries = read_entries(inbox() / source / MANIFEST)
    return any(entry["received_at"] >= moment for entry in entries)


def arrival_now(source: str) -> Arrival:
    """The arrival of one source as of now."""
    conf = configuration.load()
    return arrivals(conf, inbox(), moment(None, conf), [source])[0]


def arrivals_for(as_of: date) -> list[Arrival]:
    """Arrivals as a night of this date sees them: now when it is today's night, else at the end of its day."""
    conf = configuration.load()
    return arrivals(conf, inbox(), seen_at(as_of, moment(None, conf)))
