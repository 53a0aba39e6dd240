"""Rows of a PostgreSQL table or view, read in one read-only transaction by a cursor of the server's.

New is what stands at or above the highest mark pulled so far, less the overlap, and is not in a file that has landed: rows whose mark equals the
last one, and rows committed late below it, are found, and none lands twice. Rows without a mark are looked at every time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from jobs.conf import ConfError, House, Source, period
from jobs.conf.pull import FromPostgres, Mark, loopback
from jobs.sources.pull.fresh import names, secret, unless_landed
from jobs.sources.pull.rows import Content, digest, digests, is_new, seen, writing
from jobs.sources.pull.staging import Piece, PullError, Staging
from jobs.sources.read import wanted

_DATE = 1082
_TIMES = {_DATE: "date", 1114: "timestamp", 1184: "timestamptz"}  # types that may be a mark, by their number in pg_type
_NUMBERS = {20: "int8", 21: "int8", 23: "int8", 1700: "numeric"}
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_ENCRYPTED = ("require", "verify-ca", "verify-full")
_AT_ONCE = 5000  # rows fetched from the server at a time
_BOUND = """
WITH known AS (SELECT n, m::{type} AS m FROM unnest(%(marks)s::text[]) WITH ORDINALITY AS t(m, n)),
     bound AS (SELECT {highest} - %(overlap)s::{span} AS low FROM known)
SELECT low::text, ARRAY(SELECT n FROM known, bound WHERE m >= low) FROM bound
"""
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Asked:
    """What is asked of a table: its name, the columns in order, and the expressions that give them as text."""

    table: sql.Composable
    columns: list[str]
    texts: sql.Composable
    types: dict[str, int]


def from_postgres(source: Source, pull: FromPostgres, house: House, stage: Staging, now: datetime) -> list[Piece]:
    """The rows that are new, as files of at most `rows_per_file` rows in the order of their marks; of a snapshot all, unless it landed last.

    ConfError when the contract does not fit the table, PullError when the database cannot be read.
    """
    with _connected(source, pull, house) as connection:
        asked = _asked(source, pull, connection)
        with connection.cursor("pull") as cursor:
            cursor.itersize = _AT_ONCE
            if pull.mark is None:
                cursor.execute(sql.SQL("SELECT {} FROM {}").format(asked.texts, asked.table))
                content = Content()
                return unless_landed(source, list(_pieces(source, pull, asked, _counted(cursor, content), stage, now)), content, stage)
            low, files = _low(source, pull, pull.mark, asked, connection, stage, now)
            cursor.execute(*_above(pull.mark, asked, low))
            landed = seen((stage.folder / name for name in files), lambda path: digests(path, asked.columns, source.files))
            fresh = (row for row in cursor if is_new(digest(row), landed)) if landed else iter(cursor)
            return list(_pieces(source, pull, asked, fresh, stage, now))


@contextmanager
def _connected(source: Source, pull: FromPostgres, house: House) -> Iterator[Connection]:
    try:
        with psycopg.connect(_address(source, pull), connect_timeout=10) as connection:
            connection.read_only, connection.isolation_level = True, psycopg.IsolationLevel.REPEATABLE_READ
            settings = {"TimeZone": house.zone, "DateStyle": "ISO, YMD", "statement_timeout": f"{period(pull.timeout).total_seconds():.0f}s"}
            for name, value in settings.items():
                connection.execute("SELECT set_config(%s, %s, true)", (name, value))
            yield connection
    except psycopg.Error as fault:
        said = fault.diag.message_primary or str(fault).strip()
        raise PullError(f"{source.name}: {pull.relation} of the database in {pull.connection} cannot be read ({said[:300]})") from None
    except UnicodeEncodeError as fault:
        raise PullError(f"{source.name}: a value cannot be written as {fault.encoding}; take encoding utf-8 in the contract's `files`") from None


def _address(source: Source, pull: FromPostgres) -> str:
    """The connection string. ConfError, which never repeats it, when it is none or would send its password in the clear."""
    address = secret(source, pull.connection, "connection")
    try:
        said = conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        raise ConfError(f"{pull.connection}: holds no connection string; write postgresql://user:password@host/database?sslmode=verify-full") from None
    hosts = str(said.get("host") or said.get("hostaddr") or os.environ.get("PGHOST", "")).split(",")
    near = all(not host or host.startswith("/") or loopback(host) for host in hosts)
    if not near and (said.get("sslmode") or os.environ.get("PGSSLMODE")) not in _ENCRYPTED:
        raise ConfError(f"{pull.connection}: another machine is asked over TLS only; add sslmode=verify-full to the connection string")
    return address


def _asked(source: Source, pull: FromPostgres, connection: Connection) -> Asked:
    table = sql.Identifier(*pull.relation.split("."))
    described = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(table)).description or []
    types = {column.name: column.type_code for column in described}
    columns = list(dict.fromkeys([*wanted(source), *([pull.mark.column] if pull.mark else [])]))
    if missing := [name for name in columns if name not in types]:
        raise ConfError(f"conf/sources/{source.name}.yaml: {pull.relation} has no column {', '.join(missing)}; it has {', '.join(types)}")
    texts = sql.SQL(", ").join(sql.SQL("to_json({}) #>> '{{}}'" if types[c] in (1114, 1184) else "{}::text").format(sql.Identifier(c)) for c in columns)
    return Asked(table, columns, texts, types)


def _low(source: Source, pull: FromPostgres, mark: Mark, asked: Asked, connection: Connection, stage: Staging, now: datetime) -> tuple[str | None, list[str]]:
    """The mark from which to look again, and the landed files that hold rows from there on. A mark in the future counts as now."""
    place = f"conf/sources/{source.name}.yaml: pull.mark"
    kind = asked.types[mark.column]
    if kind not in _TIMES | _NUMBERS:
        raise ConfError(f"{place}.column: {mark.column} is neither a date, a time nor a number; take a column that grows with every change")
    if mark.overlap.isdigit() != (kind in _NUMBERS):
        raise ConfError(f"{place}.overlap: '{mark.overlap}' does not go with {mark.column}; a number for a number, a time such as 2h for a time")
    known = [e for e in stage.entries if e["pull"].get("relation") == pull.relation and e["pull"].get("column") == mark.column]
    marked = [e for e in known if e["pull"]["mark"] is not None]
    open_ended = [e["file"] for e in known if e["pull"]["unmarked"]]
    if not marked:
        return None, open_ended
    marks = [e["pull"]["mark"] for e in marked]
    numbers = kind in _NUMBERS
    query = sql.SQL(_BOUND).format(
        type=sql.Identifier((_NUMBERS | _TIMES)[kind]),
        highest=sql.SQL("max(m)") if numbers else sql.SQL("LEAST(max(m), %(now)s::timestamptz::{})").format(sql.Identifier(_TIMES[kind])),
        span=sql.Identifier(_NUMBERS[kind] if numbers else "interval"),
    )
    span = mark.overlap if numbers else f"{mark.overlap[:-1]} {_UNITS[mark.overlap[-1]]}"
    low, above = connection.execute(query, {"marks": marks, "now": now.isoformat(), "overlap": span}).fetchone() or (None, [])
    return low, list(dict.fromkeys([*open_ended, *(marked[n - 1]["file"] for n in above)]))


def _above(mark: Mark, asked: Asked, low: str | None) -> tuple[sql.Composed, tuple[str, ...]]:
    """The question for rows at or above a mark (none: all), in the order of their marks, those without one first."""
    kind = asked.types[mark.column]
    type_ = "timestamp" if kind == _DATE else (_NUMBERS | _TIMES)[kind]  # a date less an hour is a time
    where = sql.SQL("WHERE {0} >= %s::{1} OR {0} IS NULL") if low is not None else sql.SQL("")
    query = sql.SQL("SELECT {} FROM {} ").format(asked.texts, asked.table) + where.format(sql.Identifier(mark.column), sql.Identifier(type_))
    return query + sql.SQL(" ORDER BY {} NULLS FIRST").format(sql.Identifier(mark.column)), (low,) if low is not None else ()


def _counted(rows: Iterator[tuple[Any, ...]], content: Content) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        content.add(digest(row))
        yield row


def _pieces(source: Source, pull: FromPostgres, asked: Asked, rows: Iterator[tuple[Any, ...]], stage: Staging, now: datetime) -> Iterator[Piece]:
    """The rows as files. Each knows the highest mark in it, and whether it has rows without one."""
    at = asked.columns.index(pull.mark.column) if pull.mark else None
    for name in names(source, now):
        first = next(rows, None)
        if first is None:
            return
        last = first
        with stage.new() as (part, out), writing(out, asked.columns, source.files) as write:
            write(first)
            for row in islice(rows, pull.rows_per_file - 1):
                write(row)
                last = row
        known: dict[str, Any] = {"relation": pull.relation}
        if pull.mark and at is not None:
            known |= {"column": pull.mark.column, "mark": last[at], "unmarked": first[at] is None}
        yield Piece(part, name, known)
