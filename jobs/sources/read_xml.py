"""E-invoices in XML: one document a record, read by the standard its contract names or, for `einvoice`, by the one it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import BinaryIO

import pyarrow as pa

from jobs.sources.part import BROKEN, Part, broken, refused
from jobs.sources.standards.canonical import Document, Value
from jobs.sources.standards.read import read_file
from jobs.sources.standards.recognise import NAMES
from jobs.sources.standards.xml import MAX_DOCUMENT, Refused, head, shown

RENAMED = {"line_no": "line", "rate": "tax_rate"}
"""Columns of details whose canonical name is taken there by the record's own line."""


def read_xml(stream: BinaryIO, standard: str, wanted: Sequence[str], details: Mapping[str, Sequence[str]]) -> Iterator[Part]:
    """The documents of a file, with the `wanted` canonical columns; `details`: silver table -> wanted columns of its rows.

    `line` numbers the documents of the file. One that cannot be read is refused alone, a file of another standard as a
    whole, and says why. Documents without an invoice (payments, ledgers) give no record.
    """
    raw = b""
    try:
        reading = read_file(stream, "")
        if standard not in ("einvoice", reading.standard):
            name = NAMES.get(reading.standard, reading.standard)
            raise Refused(f"standard:{reading.standard}", f"the document is {name}, the contract reads {standard}", "send it to the source that reads it")
        stream.seek(0)
        raw = stream.read(MAX_DOCUMENT)
        read, faults = [], []
        for n, found in enumerate(reading.documents, 1):
            if isinstance(found, Refused):
                faults.append(broken([n], [head(raw)], found.rule, str(found)))
            else:
                read.append((n, found))
    except Refused as fault:
        stream.seek(0)
        yield refused(fault.rule, str(fault), head(raw or stream.read(MAX_DOCUMENT)))
        return
    yield _part(read, raw, wanted, details, faults)


def _part(read: list[tuple[int, Document]], raw: bytes, wanted: Sequence[str], details: Mapping[str, Sequence[str]], faults: list[pa.Table]) -> Part:
    invoices = [(n, document, invoice) for n, document in read for invoice in document.of("invoice")]
    cells = {c: pa.array([_said(_cell(d, i, c)) for _, d, i in invoices], pa.string()) for c in wanted}
    inner = {}
    for table, columns in details.items():
        rows = [(n, row) for n, document, _ in invoices for row in document.of(table)]
        inner[table] = pa.table(
            {"line": pa.array([n for n, _ in rows], pa.int64())} | {c: pa.array([_said(row.get(RENAMED.get(c, c))) for _, row in rows], pa.string()) for c in columns}
        )
    texts = pa.array([shown(d.raw or raw) for _, d, _ in invoices], pa.string())
    return Part(pa.array([n for n, _, _ in invoices], pa.int64()), texts, cells, pa.concat_tables(faults) if faults else BROKEN.empty_table(), inner)


def _cell(document: Document, invoice: dict[str, Value], name: str) -> Value:
    """A column of the invoice; `item` is that of its first line."""
    if name == "item":
        return next((line.get("item") for line in document.of("invoice_line")), None)
    return invoice.get(name)


def _said(value: Value) -> str | None:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else None if value is None else str(value)
