"""One pull of one source: what is new, landed as one delivery."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jobs.conf import ConfError, House, Source
from jobs.conf.pull import FromFolder, FromPostgres
from jobs.sources.pull.folder import from_folder
from jobs.sources.pull.http import from_http
from jobs.sources.pull.postgres import from_postgres
from jobs.sources.pull.staging import Piece, Staging, staging


def pull(source: Source, house: House, inbox: Path, received_at: datetime, now: datetime, kind: str = "delivery") -> list[str]:
    """Land what is new at the source's place in INBOX/<source>/; the names it landed under. Safe to repeat and to kill.

    received_at: the receipt's time, with a zone. now: the clock, for what must have settled. ConfError when the contract does not say where from,
    or a variable it names is empty; PullError when the place cannot be read: then nothing has landed.
    """
    if source.pull is None:
        raise ConfError(f"conf/sources/{source.name}.yaml: has no `pull` section; say there where the files are fetched from, or land them with `assay land`")
    with staging(inbox / source.name) as stage:
        return stage.land(_new(source, house, stage, now), received_at, kind)


def _new(source: Source, house: House, stage: Staging, now: datetime) -> list[Piece]:
    if isinstance(source.pull, FromFolder):
        return from_folder(source, source.pull, stage, now)
    if isinstance(source.pull, FromPostgres):
        return from_postgres(source, source.pull, house, stage, now)
    assert source.pull is not None
    return from_http(source, source.pull, house, stage, now)
