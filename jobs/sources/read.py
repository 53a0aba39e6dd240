"""A file of a source, read by the format its contract names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from jobs.conf import Field_, Source
from jobs.sources.part import Part
from jobs.sources.read_csv import read_csv
from jobs.sources.read_jsonl import read_jsonl
from jobs.sources.read_parquet import read_parquet
from jobs.sources.read_xml import read_xml


def read(stream: BinaryIO, source: Source) -> Iterator[Part]:
    """The records of one file, with the cells of the columns the contract maps."""
    columns = wanted(source)
    if source.files.format == "csv":
        return read_csv(stream, source.files, columns)
    if source.files.format == "jsonl":
        return read_jsonl(stream, source.files, columns)
    if source.files.format == "parquet":
        return read_parquet(stream, columns)
    details = {table: _origins(fields) for table, fields in (source.details or {}).items()}
    return read_xml(stream, source.files.format, columns, details)


def wanted(source: Source) -> list[str]:
    """The source columns that the contract maps, each once, in the contract's order."""
    fields = [*source.columns.values(), *(source.lines or {}).values()]
    for stage in (source.stages or {}).values():
        fields += stage.columns.values()
    found = [f.from_ for f in fields if f.from_ is not None]
    return list(dict.fromkeys([*found, *([source.version.from_] if source.version.from_ else [])]))


def _origins(fields: dict[str, Field_]) -> list[str]:
    return list(dict.fromkeys(f.from_ for f in fields.values() if f.from_ is not None))
