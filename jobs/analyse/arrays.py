"""What this room adds to jobs/lake/arrays.py: months counted from January 1970, and membership of a set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Flags, Ints

NO_MONTH = -(10**6)  # stands for a null month: before every window


def month_numbers(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Months since January 1970 of dates; null becomes NO_MONTH: int64 [row]."""
    days = column.cast(pa.date32()).cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
    numbers = np.asarray(days, dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.where(np.asarray(column.is_null().to_numpy(zero_copy_only=False)), NO_MONTH, numbers)


def month_number(day: date) -> int:
    """Months since January 1970 of one date."""
    return (day.year - 1970) * 12 + day.month - 1


def months(numbers: Ints) -> pa.Array:
    """Months since January 1970 as the first day of each."""
    return pa.array(numbers.astype("datetime64[M]").astype("datetime64[D]"), pa.date32())


def is_one_of(column: pa.ChunkedArray | pa.Array, values: Sequence[str]) -> Flags:
    """Which values are among the given ones; null is not: bool [row]."""
    found = pc.fill_null(pc.is_in(column, value_set=pa.array(list(values), pa.string())), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
