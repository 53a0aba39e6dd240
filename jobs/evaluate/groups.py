"""Rows by the value of a column, in an order of their own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Ints


def groups(column: pa.Array) -> Iterator[tuple[str, Ints]]:
    """Each value of a column, in order, with the rows that hold it; null is `unknown`."""
    filled = np.asarray(pc.fill_null(column.cast(pa.string()), "unknown").to_pylist(), dtype=object)
    names, which = np.unique(filled.astype(str), return_inverse=True) if len(filled) else (np.empty(0, dtype=str), np.empty(0, dtype=np.int64))
    order = np.argsort(which, kind="stable")
    for n, rows in enumerate(np.split(order, np.cumsum(np.bincount(which, minlength=len(names)))[:-1]) if len(names) else []):
        yield str(names[n]), rows
