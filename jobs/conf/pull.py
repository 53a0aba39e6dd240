"""The `pull` section of a contract: where a source's files are fetched from. No credential stands in it, only the name of a variable that holds one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field, model_validator

from jobs.conf.base import Strict

_SECRET = re.compile(r"pass(word|wd|phrase)?|pwd|secret|credentials?|dsn|api_?key|access_?key|auth|token|sig(nature)?", re.I)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def _variable(text: str) -> str:
    """Refused without repeating it: what stands here by mistake is most likely the secret itself."""
    if not _VARIABLE.fullmatch(text):
        raise ValueError("must be the name of an environment variable, such as ASSAY_TREASURY; the secret itself never stands in a file")
    return text


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", text):
        raise ValueError("must be the name of a header alone; what it carries is in the environment variable that `token` names")
    return text


def _without_secret(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password or any(_SECRET.fullmatch(key) for key, _ in parse_qsl(parts.query)):
        raise ValueError("the address carries a credential; take it out and name an environment variable that holds it")
    return url


def _place(url: str) -> str:
    if not url.startswith("/") and not re.match(r"(file|s3|gs|gcs|hdfs|viewfs|abfss?)://", url):
        raise ValueError("must be an absolute folder or the address of a prefix: file://, s3://, gs://, abfs://, hdfs://")
    return _without_secret(url)


def _secure(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with https://")
    if parts.scheme == "http" and not loopback(parts.hostname):
        raise ValueError("http:// is taken on this machine itself alone (localhost); write https://")
    return _without_secret(url)


def loopback(host: str) -> bool:
    """Is it this machine itself?"""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Variable = Annotated[str, AfterValidator(_variable)]
Span = Annotated[str, Field(pattern=r"^\d{1,6}[dhms]$")]


class _From(Strict):
    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, said: Any) -> Any:
        """Refuses an unknown key without repeating its value, which may be a credential."""
        odd = sorted(str(k) for k in said if k not in cls.model_fields) if isinstance(said, dict) else []
        if any(_SECRET.fullmatch(k) for k in odd):
            raise ValueError(f"{', '.join(odd)}: a credential never stands in a contract; name the environment variable that holds it")
        if odd:
            raise ValueError(f"{', '.join(odd)}: no such key; known keys: {', '.join(sorted(cls.model_fields))}")
        return said


class FromFolder(_From):
    """New files of a folder, or of a prefix in an object store. They stay where they are."""

    kind: Literal["folder"]
    url: Annotated[str, AfterValidator(_place)] = Field(description="absolute folder, or file://, s3://, gs://, abfs://, hdfs://")
    recursive: bool = Field(default=False, description="also what lies in folders below")
    settle: Span = Field(default="2m", description="a file changed within this time is still being written, and is left")


class Mark(Strict):
    """What tells new rows from those pulled before: a column or key that grows."""

    column: str = Field(min_length=1)
    overlap: str = Field(pattern=r"^\d{1,12}[dhms]?$", description="how far below the highest mark is looked again: a time, or a number where the mark is one")


class FromPostgres(_From):
    """Rows of a table or view, read in one read-only transaction."""

    kind: Literal["postgres"]
    connection: Variable = Field(description="environment variable that holds the connection string")
    relation: str = Field(pattern=r"^[^.\x00]{1,63}(\.[^.\x00]{1,63})?$", description="table or view, with its schema")
    mark: Mark | None = Field(default=None, description="needed when the delivery is an increment")
    rows_per_file: int = Field(default=500_000, ge=1, le=10_000_000)
    timeout: Span = Field(default="30m", description="of one statement")


class NextLink(Strict):
    """The address of the next page stands in the answer; without `at` in its header `Link: <…>; rel=next`."""

    by: Literal["link"]
    at: str | None = Field(default=None, description="path in the answer, such as links.next")


class PageNumber(Strict):
    """Pages are counted; the first empty one is the end."""

    by: Literal["number"]
    parameter: str = "page"
    first: int = Field(default=1, ge=0, le=1)


class Cursor(Strict):
    """The answer names a cursor that the next question carries; none, or an empty one, is the end."""

    by: Literal["cursor"]
    at: str = Field(description="path in the answer, such as meta.next_cursor")
    parameter: str = "cursor"


class Since(Mark):
    """A mark that the interface filters by: it is asked for records from the highest mark on, less the overlap."""

    parameter: str = Field(description="name of the query's parameter")
    column: str = Field(min_length=1, description="path of the mark in a record: a date, a time or a whole number")


class FromHttp(_From):
    """Records of an HTTP interface that answers in JSON, page by page."""

    kind: Literal["http"]
    url: Annotated[str, AfterValidator(_secure)] = Field(description="https://…; no other host is ever asked")
    token: Variable | None = Field(default=None, description="environment variable that holds the token")
    header: Annotated[str, AfterValidator(_header)] = Field(default="Authorization", description="header that carries it; in Authorization as a bearer's")
    records: str = Field(default="", description="path of the list of records in an answer; empty: the answer is the list")
    pages: Annotated[NextLink | PageNumber | Cursor, Field(discriminator="by")] | None = None
    since: Since | None = None
    timeout: Span = Field(default="60s", description="without a byte")
    tries: int = Field(default=5, ge=1, le=20)
    patience: Span = Field(default="10m", description="at most waited between two tries, whatever Retry-After says")
    most_mb: int = Field(default=256, ge=1, le=100_000, description="of all pages of one pull together")


Pull = Annotated[FromFolder | FromPostgres | FromHttp, Field(discriminator="kind")]


def misfits(pull: Pull, files: Mapping[str, Any], delivery: str) -> Iterator[str]:
    """What of a `pull` section does not go with the rest of its contract; each with its key."""
    if isinstance(pull, FromFolder):
        return
    if files["pattern"].count("*") != 1 or "?" in files["pattern"] or "[" in files["pattern"]:
        yield f"files.pattern: '{files['pattern']}' must have one * and no other sign of a pattern: what is pulled is written under names that fit it"
    for key in ("encoding", "delimiter", "preamble"):
        if files[key] == "auto":
            yield f"files.{key}: `auto` tells how others write; say how what is pulled is to be written"
    if files["preamble"]:
        yield "files.preamble: what is pulled has no lines above its header; take it out"
    if isinstance(pull, FromHttp) and files["format"] != "jsonl":
        yield f"files.format: '{files['format']}' is not what an HTTP interface is written as; take jsonl"
    if isinstance(pull, FromPostgres):
        if files["format"] not in ("csv", "parquet"):
            yield f"files.format: '{files['format']}' is not what a table is written as; take parquet or csv"
        if (pull.mark is None) == (delivery == "increment"):
            yield "pull.mark: an increment needs one to tell what is new, a snapshot is always whole and has none"
    if isinstance(pull, FromHttp) and pull.since and delivery == "snapshot":
        yield "pull.since: a snapshot is always whole; take it out, or make the delivery an increment"
