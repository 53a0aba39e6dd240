"""Many small files checked at once: a check costs as much for one record as for a thousand, and a folder holds a hundred thousand invoices."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from jobs.conf import House, Source
from jobs.sources.check import Checked, Receipt, check
from jobs.sources.code_tables import NO_TABLES, Tables
from jobs.sources.read import documents_of, inner, wanted
from jobs.sources.read_xml import Gathered
from jobs.sources.standards.xml import Refused

TOGETHER = 2000
"""Documents checked at once."""


def read_many(folder: str, files: tuple[str, ...], source: Source, house: House, receipt: Receipt, codes: Tables = NO_TABLES) -> Iterator[Checked]:
    """The documents of e-invoice files, checked; every table has the column `file` (`archive!member`) beside the line in it."""
    columns, details = wanted(source), inner(source)
    found, places = Gathered(), list[tuple[str, int]]()

    def numbered(place: str, n: int) -> int:
        places.append((place, n))
        return len(places)

    for name in files:
        with (Path(folder) / name).open("rb") as stream:
            for opened in documents_of(stream, source):
                place = f"{name}!{opened.member}" if opened.member else name
                if opened.stream is None:
                    assert opened.refusal is not None
                    found.refuse(numbered(place, 1), Refused(opened.refusal.rule, *opened.refusal.reason.rsplit("; ", 1)), b"")
                    continue
                found.read(opened.stream, source.files.format, partial(numbered, place))
        if len(found) >= TOGETHER:
            yield _placed(check(found.part(columns, details), source, house, receipt, codes), places)
            found, places = Gathered(), []
    if len(found):
        yield _placed(check(found.part(columns, details), source, house, receipt, codes), places)


def _placed(checked: Checked, places: list[tuple[str, int]]) -> Checked:
    """Lines and files as they are, for the numbers that stood for them."""
    files, lines = pa.array([p for p, _ in places], pa.string()), pa.array([n for _, n in places], pa.int64())

    def put(table: pa.Table) -> pa.Table:
        at = pa.array(table["line"].to_numpy() - np.int64(1))
        return table.set_column(table.schema.get_field_index("line"), "line", lines.take(at)).append_column("file", files.take(at))

    return Checked(put(checked.records), put(checked.rows), {n: put(t) for n, t in checked.details.items()}, checked.notes)
