"""Counts and sums of one bucket that may be added up over buckets: rows of (measure, group, item) with a count and a total, whole numbers both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from jobs.lake.arrays import Ints

SCHEMA = pa.schema([("measure", pa.string()), ("group", pa.string()), ("item", pa.string()), ("n", pa.int64()), ("total", pa.int64())])
Names = Sequence[object] | np.ndarray


@dataclass
class Tally:
    """Rows of a bucket's census. A cell with neither count nor total is left out."""

    parts: list[pa.Table] = field(default_factory=list)

    def add(self, measure: str, group: Names, item: Names, n: np.ndarray, total: np.ndarray | None = None) -> None:
        """Cells one by one: the arrays run alongside each other. Fractions are rounded."""
        count = np.rint(n).astype(np.int64)
        amount = np.zeros_like(count) if total is None else np.rint(total).astype(np.int64)
        rows = pa.table([pa.repeat(measure, len(count)), _text(group), _text(item), pa.array(count), pa.array(amount)], schema=SCHEMA)
        self.parts.append(rows.filter(pa.array((count != 0) | (amount != 0))))

    def one(self, measure: str, n: int, total: int = 0, group: str = "", item: str = "") -> None:
        """A single cell."""
        self.add(measure, [group], [item], np.array([n]), np.array([total]))

    def grid(self, measure: str, groups: Names, items: Names, n: np.ndarray, total: np.ndarray | None = None) -> None:
        """A matrix [group, item]."""
        names, items_of = np.repeat(np.asarray(groups).astype(str), len(items)), np.tile(np.asarray(items).astype(str), len(groups))
        self.add(measure, names, items_of, n.ravel(), None if total is None else total.ravel())

    def table(self) -> pa.Table:
        """All rows."""
        return pa.concat_tables(self.parts) if self.parts else SCHEMA.empty_table()


def _text(values: Names) -> pa.Array:
    return pa.array(np.asarray(values).astype(str), pa.string())


def by_group(values: Ints, group: Ints, groups: int) -> Ints:
    """Sums over firms of a group: [firm, ...] to [group, ...]."""
    return np.array([values[group == g].sum(axis=0) for g in range(groups)], dtype=np.int64)
