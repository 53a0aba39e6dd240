"""E-invoices in XML and OFD: one document a record, by the standard the contract names or, for `einvoice`, by the one it shows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

import pyarrow as pa

from jobs.sources.part import BROKEN, Part
from jobs.sources.standards.canonical import Document, Value
from jobs.sources.standards.read import read_file
from jobs.sources.standards.recognise import NAMES
from jobs.sources.standards.xml import MAX_DOCUMENT, Refused, head, shown

log = logging.getLogger(__name__)
FORMATS = ("einvoice", "ubl", "cii", "fatturapa", "cfdi", "ofd")
"""Values of a contract's `files.format` that are read here."""
ANY = "einvoice"
RENAMED = {"line_no": "line", "rate": "tax_rate"}
"""Columns of details whose canonical name is taken there by the record's own line."""
Details = Mapping[str, Sequence[str]]


def read_xml(stream: BinaryIO, standard: str, wanted: Sequence[str], details: Details) -> Iterator[Part]:
    """The documents of a file, with the `wanted` canonical columns; `details`: silver table -> wanted columns of its rows.

    `line` numbers the documents of the file. One that cannot be read is refused alone, a file of another standard as a
    whole, and says why.
    """
    found = Gathered()
    found.read(stream, standard, lambda n: n)
    yield found.part(wanted, details)


@dataclass
class Gathered:
    """Documents of one file or of many, numbered by the caller."""

    read_: list[tuple[int, Document, str]] = field(default_factory=list)
    broken: list[dict[str, object]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.read_) + len(self.broken)

    def read(self, stream: BinaryIO, standard: str, number: Callable[[int], int]) -> None:
        """Take the documents of one file; `number` turns a document's place in its file into its line here."""
        raw, n = b"", 0
        try:
            reading = read_file(stream)
            if reading.standard not in (FORMATS if standard == ANY else (standard,)):
                name = NAMES.get(reading.standard, reading.standard)
                raise Refused(f"standard:{reading.standard}", f"the document is {name}, the contract reads {standard}", "send it to the source that reads it")
            raw = _whole(stream)
            for n, found in enumerate(reading.documents, 1):
                if isinstance(found, Refused):
                    self.refuse(number(n), found, raw)
                else:
                    self.read_.append((number(n), found, shown(found.raw or raw)))
        except Refused as fault:
            self.refuse(number(n + 1), fault, raw or _whole(stream))
        except OSError:
            raise
        except Exception as fault:  # a file from outside must not end the night, whatever it does to a reader
            log.exception("a document of standard %s could not be read", standard)
            self.refuse(number(n + 1), Refused("unreadable", f"could not be read ({type(fault).__name__}: {str(fault)[:200]})"), raw or _whole(stream))

    def refuse(self, line: int, fault: Refused, raw: bytes) -> None:
        """Take a refusal with the beginning of what was refused."""
        self.broken.append({"line": line, "raw": head(raw), "rules": [fault.rule], "reason": str(fault)})

    def part(self, wanted: Sequence[str], details: Details) -> Part:
        """All that was taken, as one part."""
        invoices = [(n, document, document.of("invoice")[0]) for n, document, _ in self.read_]
        cells = {c: pa.array([_said(_cell(d, i, c)) for _, d, i in invoices], pa.string()) for c in wanted}
        inner = {}
        for table, columns in details.items():
            rows = [(n, row) for n, document, _ in invoices for row in document.of(table)]
            texts = {c: pa.array([_said(row.get(RENAMED.get(c, c))) for _, row in rows], pa.string()) for c in columns}
            inner[table] = pa.table({"line": pa.array([n for n, _ in rows], pa.int64()), **texts})
        lines = pa.array([n for n, _, _ in invoices], pa.int64())
        return Part(lines, pa.array([raw for _, _, raw in self.read_], pa.string()), cells, pa.Table.from_pylist(self.broken, schema=BROKEN), inner)


def _whole(stream: BinaryIO) -> bytes:
    """The file as it came; the reader has read it already and reads on from where it was."""
    at = stream.tell()
    stream.seek(0)
    data = stream.read(MAX_DOCUMENT)
    stream.seek(at)
    return data


def _cell(document: Document, invoice: Mapping[str, Value], name: str) -> Value:
    """A column of the invoice; `item` is that of its first line."""
    if name == "item":
        return next((line.get("item") for line in document.of("invoice_line")), None)
    return invoice.get(name)


def _said(value: Value) -> str | None:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else None if value is None else str(value)
