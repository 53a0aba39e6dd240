"""Which files a reader can leave out, by the ranges their commits stated. What is not stated is never left out.

So a night costs what changed, not what is stored: new rows are told from stored ones in the files of their months alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from jobs.lake.read import DataFile

Months = frozenset[int]
"""Months since 1970."""


def months_of(dates: pa.ChunkedArray | pa.Array) -> Months:
    """The months that dates lie in."""
    return frozenset(np.unique(dates.drop_null().cast(pa.date32()).to_numpy().astype("datetime64[M]").astype(np.int64)).tolist())


def of_months(files: Iterable[DataFile], months: Months) -> tuple[DataFile, ...]:
    """Files that may hold a row of one of the months."""
    wanted = sorted(months)
    return tuple(f for f in files if f.days is None or _any_within(wanted, *(int(np.datetime64(d, "M").astype(np.int64)) for d in f.days)))


def of_batches(files: Iterable[DataFile], batches: frozenset[str], received: Mapping[str, frozenset[int]]) -> tuple[DataFile, ...]:
    """Files that may hold a row of one of the batches; `received` says in which runs each was received.

    A file as written is of one batch and says which; a merged one holds rows whose run is that of their batch's receipt (compact.py).
    """
    ids = sorted(batches)
    runs = sorted({run for b in batches for run in received.get(b, frozenset())})

    def holds(file: DataFile) -> bool:
        if file.loose:
            return file.batches is None or _any_within(ids, *file.batches)
        return file.runs is None or _any_within(runs, *file.runs)

    return tuple(f for f in files if holds(f))


def _any_within(ordered: list[int] | list[str], low: int | str, high: int | str) -> bool:
    at = bisect_left(ordered, low)
    return at < len(ordered) and ordered[at] <= high  # type: ignore[operator]
