"""Columns of few values are checked by the value, not by the row."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

SAMPLE = 2000
FEW = 4
"""A column is of few values when there is less than one to four rows."""


def few_values(column: pa.Array) -> pa.DictionaryArray | None:
    """The column by its distinct values, null among them; None where there are too many for that to pay."""
    if len(column) < SAMPLE or pa.types.is_dictionary(column.type) or pa.types.is_nested(column.type):
        return None
    # The first rows tell: encoding a column of keys would cost more than it saves.
    if pc.count_distinct(column.slice(0, SAMPLE)).as_py() * FEW > SAMPLE * 3:
        return None
    found = pc.dictionary_encode(column, null_encoding="encode")
    return found if len(found.dictionary) * FEW < len(column) else None


def by_value(column: pa.Array, of: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """`of` the column, found once for each value where these are few."""
    found = few_values(column)
    return of(column) if found is None else of(found.dictionary).take(found.indices)
