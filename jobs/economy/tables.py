"""Documents as columns of text, as an agency's export writes them: every table carries `_day`, the agency's own date as a day number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.world import NEVER
from jobs.lake.arrays import Ints

Money = pa.decimal128(18, 2)


def money(cents: Ints) -> pa.Array:
    """Cents as decimal(18, 2)."""
    low = np.ascontiguousarray(cents, dtype=np.int64)
    words = np.empty((len(low), 2), dtype=np.int64)
    words[:, 0], words[:, 1] = low, low >> 63  # little-endian 128-bit integers, sign extended
    return pa.Array.from_buffers(Money, len(low), [None, pa.py_buffer(words.tobytes())])


def amounts(cents: Ints, there: np.ndarray | None = None) -> pa.Array:
    """Cents as text with two places; null where not there."""
    text = pc.cast(money(cents), pa.string())
    return text if there is None else pc.if_else(pa.array(there), text, pa.scalar(None, pa.string()))


def days(numbers: Ints, style: str = "%Y-%m-%d") -> pa.Array:
    """Day numbers as text; null for NEVER. Each day is written once and then looked up: a country has few of them."""
    found = np.asarray(numbers, dtype=np.int64)
    there = found < NEVER
    if not there.any():
        return pa.nulls(len(found), pa.string())
    first, last = int(found[there].min()), int(found[there].max())
    if last - first < len(found):
        return pc.strftime(dates(np.arange(first, last + 1)), format=style).take(pa.array(np.where(there, found - first, 0), mask=~there))
    return pc.if_else(pa.array(there), pc.strftime(dates(found), format=style), pa.scalar(None, pa.string()))


def dates(numbers: Ints) -> pa.Array:
    """Day numbers as dates."""
    return pa.array(np.where(np.asarray(numbers) < NEVER, numbers, 0).astype(np.int32)).cast(pa.date32())


def text(values: Any) -> pa.Array:
    """Strings or numbers as text."""
    found = values if isinstance(values, pa.Array) else pa.array(values)
    return pc.cast(found, pa.string())


def papers(day: Ints, columns: dict[str, Any]) -> pa.Table:
    """A table of documents; constants are repeated."""
    made = {name: _column(values, len(day)) for name, values in columns.items()}
    return pa.table({**made, "_day": pa.array(np.asarray(day, dtype=np.int64))})


def _column(values: Any, count: int) -> pa.Array:
    if isinstance(values, str):
        return pa.repeat(values, count)
    found = values if isinstance(values, pa.Array) else pa.array(values)
    return found.cast(pa.string()) if pa.types.is_null(found.type) else found
