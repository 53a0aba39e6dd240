"""Records of an HTTP interface that answers in JSON, page by page, as a file of JSON lines.

New is a record that no landed file has. With `since`, the interface is asked for records from the highest mark pulled so far, less the overlap, and
held against the landed files that reach so far; without, all are asked for and held against all. A snapshot is whole, or the one that landed last.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from jobs.conf import ConfError, House, Source
from jobs.conf.pull import Cursor, FromHttp, NextLink, PageNumber
from jobs.sources.pull.client import Answer, Client, decoded
from jobs.sources.pull.fresh import names, secret, unless_landed
from jobs.sources.pull.marks import Marks
from jobs.sources.pull.rows import Content, Digest, digest, is_new, seen
from jobs.sources.pull.staging import Piece, PullError, Staging

Record = dict[str, Any]


def from_http(source: Source, pull: FromHttp, house: House, stage: Staging, now: datetime) -> list[Piece]:
    """The records that are new, as one file; of a snapshot all, unless it landed last.

    ConfError when the token's variable is empty, PullError when the interface does not give what the contract says.
    """
    marks = Marks(source, pull.since, house.zone, now) if pull.since else None
    mine = [e for e in stage.entries if e["pull"].get("url") == pull.url]
    low = marks.low([e["pull"]["mark"] for e in mine]) if marks else None
    address = httpx.URL(pull.url)
    if pull.since and low is not None:
        address = address.copy_merge_params({pull.since.parameter: low})
    snapshot = source.delivery == "snapshot"
    landed: Counter[Digest] = Counter()
    if not snapshot:
        reaching = [e["file"] for e in mine if marks is None or low is None or e["pull"]["unmarked"] or marks.reaches(e["pull"]["mark"], low)]
        landed = seen((stage.folder / name for name in dict.fromkeys(reaching)), lambda path: _digests(path, source.files.encoding))
    content = Content()
    with stage.new() as (part, out):
        for page in _pages(source, pull, Client(source, pull, _headers(source, pull)), address):
            for record in page:
                key = _digest(record)
                if is_new(key, landed):
                    content.add(key)
                    out.write(_line(record, source.files.encoding))
                    if marks:
                        marks.see(_at(record, marks.since.column))
    known = {"url": pull.url, "mark": marks.highest if marks else None, "unmarked": marks.unmarked if marks else False}
    piece = Piece(part, next(names(source, now)), known)
    if snapshot:
        return unless_landed(source, [piece], content, stage)
    return [piece] if content.rows else []


def _headers(source: Source, pull: FromHttp) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if pull.token:
        token = secret(source, pull.token, "token")
        if not token.isascii() or not token.isprintable():
            raise ConfError(f"{pull.token}: holds signs that no header can carry; set it to the token alone")
        headers[pull.header] = f"Bearer {token}" if pull.header.lower() == "authorization" else token
    return headers


def _pages(source: Source, pull: FromHttp, client: Client, address: httpx.URL) -> Iterator[list[Record]]:
    """The records of each page, until the interface says, or shows by an empty page, that it was the last."""
    asked: set[str] = set()
    number = pull.pages.first if isinstance(pull.pages, PageNumber) else 0
    following: httpx.URL | None = address.copy_merge_params({pull.pages.parameter: number}) if isinstance(pull.pages, PageNumber) else address
    while following is not None:
        if str(following) in asked:
            raise PullError(f"{source.name}: the interface names a page again that it has given; pages would never end. Have it corrected, or correct pull.pages")
        asked.add(str(following))
        answer = client.ask(following)
        records = _records(source, pull, answer)
        yield records
        number += 1
        following = _following(pull, answer, address, following, number) if records or not isinstance(pull.pages, PageNumber) else None


def _following(pull: FromHttp, answer: Answer, address: httpx.URL, last: httpx.URL, number: int) -> httpx.URL | None:
    """The address of the next page; none after the last."""
    if isinstance(pull.pages, PageNumber):
        return address.copy_merge_params({pull.pages.parameter: number})
    if isinstance(pull.pages, Cursor):
        cursor = _at(answer.said, pull.pages.at)
        return address.copy_merge_params({pull.pages.parameter: str(cursor)}) if cursor not in (None, "") else None
    if isinstance(pull.pages, NextLink):
        link = _at(answer.said, pull.pages.at) if pull.pages.at else answer.following
        return last.join(str(link)) if link else None
    return None


def _records(source: Source, pull: FromHttp, answer: Answer) -> list[Record]:
    found = _at(answer.said, pull.records) if pull.records else answer.said
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        where = f"at {pull.records}" if pull.records else "as its whole answer"
        raise PullError(f"{source.name}: the interface gives no list of JSON objects {where}; correct pull.records")
    return found


def _digests(path: Path, encoding: str) -> Iterator[Digest]:
    with path.open(encoding=encoding) as lines:
        yield from (_digest(decoded(line)) for line in lines)


def _line(record: Record, encoding: str) -> bytes:
    """A record as a line. Signs that the encoding does not have are escaped."""
    try:
        return (json.dumps(record, ensure_ascii=False) + "\n").encode(encoding)
    except UnicodeEncodeError:
        return (json.dumps(record) + "\n").encode(encoding)


def _digest(record: Record) -> Digest:
    return digest([json.dumps(record, sort_keys=True)])


def _at(said: Any, path: str) -> Any:
    """The value at a path `a.b`; none where it leads nowhere."""
    for key in path.split("."):
        said = said.get(key) if isinstance(said, dict) else None
    return said
