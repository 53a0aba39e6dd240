"""A part: some records of one file as read, not yet checked, and those that could not be read at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAX_RECORD = 1 << 20
"""Bytes of one text record; longer ones are quarantined, so that memory stays bounded."""
KEPT_RAW = 2000
"""Characters kept of a record that is too long to be a record."""

BROKEN = pa.schema(
    [pa.field("line", pa.int64()), pa.field("raw", pa.string()), pa.field("rules", pa.list_(pa.string())), pa.field("reason", pa.string())]
)


@dataclass(frozen=True)
class Flaw:
    """What only the reader can see of a cell: the source column, the rule, the records, the words after the cell; `only`: for columns of that type."""

    column: str
    rule: str
    where: npt.NDArray[np.bool_]
    words: str
    only: str | None = None


@dataclass(frozen=True)
class Part:
    """Records of one file: `line` and `raw` of each, its cells by source column; `broken` holds those that could not be read.

    `details` holds, by silver table, rows that a structured record contains (such as the lines of an invoice): a column
    `line` that names the record, and text columns. `notes` are remarks for the batch, such as columns nobody mapped.
    `member`: the member of an archive that the records stand in. `flaws`: rules that cells break, seen by the reader alone.
    """

    line: pa.Array
    raw: pa.Array
    cells: Mapping[str, pa.Array]
    broken: pa.Table = field(default_factory=BROKEN.empty_table)
    details: Mapping[str, pa.Table] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    member: str = ""
    flaws: tuple[Flaw, ...] = ()


def broken(lines: Sequence[int] | pa.Array, raws: Sequence[str] | pa.Array, rule: str, reason: str) -> pa.Table:
    """Records that could not be read, all for one reason: line, raw, rules, reason."""
    count = len(lines)
    rules = pa.array([[rule]] * count, pa.list_(pa.string()))
    return pa.table([pa.array(lines, pa.int64()), pa.array(raws, pa.string()), rules, pa.array([reason] * count, pa.string())], schema=BROKEN)


def only_broken(table: pa.Table, notes: tuple[str, ...] = ()) -> Part:
    """A part without a single readable record."""
    return Part(pa.array([], pa.int64()), pa.array([], pa.string()), {}, table, notes=notes)


def refused(rule: str, reason: str, raw: str = "", line: int = 1) -> Part:
    """A whole file refused as one document, where no records can be told apart."""
    return only_broken(broken([line], [raw[:KEPT_RAW]], rule, reason))
