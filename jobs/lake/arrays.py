"""Columns of Arrow tables as NumPy arrays, aligned to keys; money as whole cents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Column: TypeAlias = "pa.Array | pa.ChunkedArray"

_EPOCH = date(1970, 1, 1)
_HUNDRED = pa.scalar(Decimal(100), pa.decimal128(5, 0))


def whole_array(column: Column) -> pa.Array:
    """One contiguous array of a column."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def floats(column: Column) -> Floats:
    """float64 [row], null as NaN. Decimals are good for ratios and order only, never for sums of money."""
    return np.asarray(whole_array(column.cast(pa.float64())).to_numpy(zero_copy_only=False), dtype=np.float64)


def cents(column: Column) -> Ints:
    """Whole cents of a decimal(18,2) column: int64 [row], null as 0."""
    scaled = pc.multiply(pc.fill_null(column, pa.scalar(Decimal(0), column.type)), _HUNDRED)
    return np.asarray(whole_array(scaled.cast(pa.int64())).to_numpy(zero_copy_only=False), dtype=np.int64)


def money(amounts: Ints) -> pa.Array:
    """decimal(18,2) of whole cents."""
    exact = pa.array(np.asarray(amounts, dtype=np.int64)).cast(pa.decimal128(19, 0))
    return whole_array(pc.multiply(exact, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2))).cast(pa.decimal128(18, 2)))


def flags(column: Column) -> Flags:
    """Bool [row], null as false."""
    return np.asarray(whole_array(pc.fill_null(column, False)).to_numpy(zero_copy_only=False), dtype=np.bool_)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_numbers(column: Column, missing: int = np.iinfo(np.int64).min) -> Ints:
    """Days since 1970-01-01: int64 [row], null as `missing`, by default the smallest int64."""
    filled = pc.fill_null(column.cast(pa.int32()).cast(pa.int64()), missing)
    return np.asarray(whole_array(filled).to_numpy(zero_copy_only=False), dtype=np.int64)


def positions(wanted: Column | Sequence[str], keys: Column | Sequence[str]) -> Ints:
    """Row in `keys` of each of `wanted` (the first, if repeated): int64 [wanted], -1 where it is not there or null."""
    wanted = wanted if isinstance(wanted, pa.Array | pa.ChunkedArray) else pa.array(wanted, pa.string())
    keys = keys if isinstance(keys, pa.Array | pa.ChunkedArray) else pa.array(keys, pa.string())
    if len(keys) == 0 or len(wanted) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    found = pc.index_in(wanted, value_set=whole_array(keys), skip_nulls=True)
    return np.asarray(whole_array(pc.fill_null(found, -1)).to_numpy(zero_copy_only=False), dtype=np.int64)


def taken(values: npt.NDArray[np.float64], at: Ints) -> Floats:
    """values[at], NaN where `at` is -1."""
    if len(values) == 0:
        return np.full(len(at), np.nan)
    return np.where(at >= 0, values[np.maximum(at, 0)], np.nan)


def total_order(value: Floats, score: Floats, ids: Column) -> Ints:
    """Row numbers in the house's total order: value, then score, both descending (missing last), then taxpayer_id ascending."""
    rows = pa.table({"v": np.where(np.isnan(value), -np.inf, value), "s": np.where(np.isnan(score), -np.inf, score), "id": whole_array(ids)})
    keys = [("v", "descending"), ("s", "descending"), ("id", "ascending")]
    return np.asarray(pc.sort_indices(rows, sort_keys=keys).to_numpy(), dtype=np.int64)


def one_each(rows: pa.Table, key: str, prefer: str | None = None) -> pa.Table:
    """One row per value of `key` (the first by `prefer` where given), sorted by key; rows without a key are left out."""
    order = [(key, "ascending")] + ([(prefer, "ascending")] if prefer else [])
    ordered = rows.filter(pc.is_valid(rows[key])).sort_by(order)
    if ordered.num_rows == 0:
        return ordered
    names = whole_array(ordered[key])
    first = np.concatenate([[True], np.asarray(pc.not_equal(names[1:], names[:-1]).to_numpy(zero_copy_only=False), dtype=bool)])
    return ordered.filter(pa.array(first))
