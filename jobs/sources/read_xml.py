"""E-invoices in XML: one document a file, read by the standard its root element names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import pyarrow as pa

from jobs.sources.part import BROKEN, Part, refused
from jobs.sources.standards.ubl import read_ubl
from jobs.sources.standards.xml import NAMES, Refused, head, parse, read_document, shown, standard_of


def read_xml(stream: BinaryIO, standard: str, wanted: Sequence[str], details: Mapping[str, Sequence[str]]) -> Iterator[Part]:
    """The one document of a file, with the `wanted` canonical columns; `details`: silver table -> wanted columns of its rows.

    A document of another standard, or one that cannot be read, is refused as a whole, and says why.
    """
    data = b""
    try:
        data = read_document(stream)
        root = parse(data)
        found = standard_of(root)
        if found != standard:
            known = NAMES.get(found or "", f"an unknown standard (root element {root.tag})")
            raise Refused(f"standard:{found or 'unknown'}", f"the document is {known}, the contract reads {standard}; send it to the source that reads it")
        invoice, lines = read_ubl(root)
    except Refused as fault:
        yield refused(fault.rule, fault.reason, head(data))
        return
    inner = {
        table: pa.table({"line": pa.array([1] * len(lines), pa.int64())} | {c: pa.array([line.get(c) for line in lines], pa.string()) for c in columns})
        for table, columns in details.items()
    }
    cells = {c: pa.array([invoice.get(c)], pa.string()) for c in wanted}
    yield Part(pa.array([1], pa.int64()), pa.array([shown(data)], pa.string()), cells, BROKEN.empty_table(), inner)
