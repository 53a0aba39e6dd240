"""A file of a source, read by the format its contract names, member by member where it is an archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import BinaryIO

from jobs.conf import VAULT, Field_, Source
from jobs.conf.pull import FromPostgres
from jobs.sources.archive import Opened, begins, opened
from jobs.sources.header import extra
from jobs.sources.part import Part, refused
from jobs.sources.read_arff import read_arff
from jobs.sources.read_csv import read_csv
from jobs.sources.read_fixed import read_fixed
from jobs.sources.read_jsonl import read_jsonl
from jobs.sources.read_parquet import read_parquet
from jobs.sources.read_xlsx import read_xlsx
from jobs.sources.read_xml import read_xml
from jobs.sources.vault import blind

DOCUMENTS = {"xlsx": "[Content_Types].xml", "ofd": "OFD.xml", "einvoice": "OFD.xml"}
"""Formats that are ZIP archives themselves, by the member that says so."""


def read(stream: BinaryIO, source: Source) -> Iterator[Part]:
    """The records of one file, with the cells of the columns the contract maps."""
    for _, parts in documents(stream, source):
        yield from parts


def documents(stream: BinaryIO, source: Source, seal: Callable[[Part], Part] | None = None, groups: range | None = None) -> Iterator[tuple[str, Iterator[Part]]]:
    """The documents of one file: the member's name ('' where the file is no archive), and its parts, to be read before the next is asked for.

    Of a source with a vault nothing that belongs there leaves this function: `seal` takes it, and without one it is left out. `groups`: only these
    row groups of a Parquet file.
    """
    kept = seal or (partial(blind, source=source) if source.vault else None)
    for member, parts in _documents(stream, source, groups):
        yield member, map(kept, parts) if kept else parts


def _documents(stream: BinaryIO, source: Source, groups: range | None) -> Iterator[tuple[str, Iterator[Part]]]:
    for found in documents_of(stream, source):
        if found.stream is None:
            assert found.refusal is not None
            yield found.member, iter([replace(refused(found.refusal.rule, found.refusal.reason), member=found.member)])
        else:
            yield found.member, (replace(part, member=found.member, notes=_odd(part.notes, source)) for part in _read(found.stream, source, groups))


def documents_of(stream: BinaryIO, source: Source) -> Iterator[Opened]:
    """The plain streams of a file, or of the members of an archive that is no document of the source's format itself."""
    return opened(stream, DOCUMENTS.get(source.files.format))


def _read(stream: BinaryIO, source: Source, groups: range | None) -> Iterator[Part]:
    columns, files = wanted(source), source.files
    if files.parquet and begins(stream, b"PAR1"):
        return read_parquet(stream, columns, groups)
    if files.format == "csv":
        return read_csv(stream, files, columns, _scales(source))
    if files.format == "fixed":
        return read_fixed(stream, files, columns)
    if files.format == "jsonl":
        return read_jsonl(stream, files, columns)
    if files.format == "parquet":
        return read_parquet(stream, columns, groups)
    if files.format == "arff":
        return read_arff(stream, files, columns)
    if files.format == "xlsx":
        return read_xlsx(stream, files, columns, _formats(source), _scales(source))
    return read_xml(stream, files.format, columns, inner(source))


def _odd(notes: tuple[str, ...], source: Source) -> tuple[str, ...]:
    """Notes on a part, but for the one that a pull's mark has a column: the pull wrote it there itself."""
    mark = source.pull.mark if isinstance(source.pull, FromPostgres) else None
    return tuple(note for note in notes if note not in extra([mark.column], [])) if mark else notes


def fields(source: Source) -> list[Field_]:
    """Every field the contract maps, of columns, lines and stages."""
    found = [*source.columns.values(), *(source.lines or {}).values()]
    for stage in (source.stages or {}).values():
        found += stage.columns.values()
    return found


def wanted(source: Source) -> list[str]:
    """The source columns that the contract maps, each once, in the contract's order."""
    found = [f.from_ for f in fields(source) if f.from_ is not None and f.from_ != VAULT]
    return list(dict.fromkeys([*found, *(source.vault or {}).values(), *([source.version.from_] if source.version.from_ else [])]))


def inner(source: Source) -> dict[str, list[str]]:
    """The source columns that the contract maps of rows inside a record, by silver table."""
    return {table: _origins(fields) for table, fields in (source.details or {}).items()}


def _formats(source: Source) -> dict[str, str]:
    """How the contract has dates written, by source column."""
    dated = {f.from_: f.formats[0] for f in fields(source) if f.from_ is not None and f.type in ("date", "timestamp")}
    of = source.version
    return dated | ({of.from_: of.formats[0]} if of.from_ is not None and of.type != "int" else {})


def _scales(source: Source) -> dict[str, Decimal]:
    """The scale of each money column, by source column."""
    return {f.from_: f.scale for f in fields(source) if f.from_ is not None and f.type == "money"}


def _origins(fields: dict[str, Field_]) -> list[str]:
    return list(dict.fromkeys(f.from_ for f in fields.values() if f.from_ is not None))
