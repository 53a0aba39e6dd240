"""What of the rows found at a place is new, and under which names it is written: the same for tables and interfaces."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from jobs.conf import ConfError, Source
from jobs.sources.pull.rows import Content
from jobs.sources.pull.staging import Piece, Staging

log = logging.getLogger(__name__)


def secret(source: Source, variable: str, key: str) -> str:
    """The value of the environment variable that a contract names. ConfError when it is not set."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfError(f"conf/sources/{source.name}.yaml: pull.{key}: the environment variable {variable} is empty; set it where the pull runs")
    return value


def names(source: Source, now: datetime) -> Iterator[str]:
    """Names for the files of one pull, that fit the contract's pattern."""
    number = 0
    while True:
        number += 1
        yield source.files.pattern.replace("*", f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{number:03d}")


def unless_landed(source: Source, pieces: Iterable[Piece], content: Content, stage: Staging) -> list[Piece]:
    """A snapshot's pieces, or none when it is the one that landed last. An empty one never lands: it would end all that is known."""
    if content.rows == 0:
        log.warning("%s: the snapshot is empty and is not taken; ask its agency whether that is meant", source.name)
        return []
    last = max((e for e in stage.entries if e["pull"].get("content")), key=lambda e: e["receipt"], default=None)
    if last is not None and last["pull"]["content"] == str(content):
        return []
    return [replace(piece, known={**piece.known, "content": str(content)}) for piece in pieces]
