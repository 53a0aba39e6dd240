"""Arrow columns as NumPy arrays: money in cents, dates in days, months counted from January 1970."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NO_MONTH = -(10**6)  # stands for a null month: before every window


def cents(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Money as int64 cents; null counts 0: int64 [row]."""
    whole = pc.cast(pc.multiply(column, pa.scalar(Decimal(100))), pa.int64(), safe=False)
    return np.asarray(pc.fill_null(whole, 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def floats(column: pa.ChunkedArray | pa.Array) -> Floats:
    """Money or any number as float64; null becomes NaN: float64 [row]."""
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def decimals(amounts: Ints) -> pa.Array:
    """Cents as decimal(18,2)."""
    return pc.multiply(pa.array(amounts).cast(pa.decimal128(20, 0)), pa.scalar(Decimal("0.01"))).cast(pa.decimal128(18, 2))


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


def positions(column: pa.ChunkedArray | pa.Array, ids: pa.Array) -> Ints:
    """Place of each value in `ids`; -1 where it is not there or null: int64 [row]."""
    found = pc.fill_null(pc.index_in(column, value_set=ids), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def is_one_of(column: pa.ChunkedArray | pa.Array, values: Sequence[str]) -> Flags:
    """Which values are among the given ones; null is not: bool [row]."""
    found = pc.fill_null(pc.is_in(column, value_set=pa.array(list(values), pa.string())), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
