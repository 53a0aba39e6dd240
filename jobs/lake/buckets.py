"""Buckets: a row is routed once, by crc32 of its id, so that nothing is shuffled at night."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]


def bucket_of(key: str | None, buckets: int) -> int:
    """crc32 of the UTF-8 key modulo B; a missing key lies in bucket 0. Equal to Spark's crc32."""
    return zlib.crc32((key or "").encode()) % buckets


def buckets_of(keys: pa.ChunkedArray | pa.Array, buckets: int) -> Codes:
    """The bucket of each key: int64 [row]. Each distinct key is hashed once."""
    encoded = pc.dictionary_encode(pc.fill_null(keys, ""))
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    if len(encoded) == 0:
        return np.zeros(0, dtype=np.int64)
    distinct = np.fromiter((zlib.crc32(k.encode()) % buckets for k in encoded.dictionary.to_pylist()), dtype=np.int64)
    return distinct[encoded.indices.to_numpy()]  # type: ignore[no-any-return]


def group_codes(table: pa.Table, columns: tuple[str, ...] | list[str]) -> Codes:
    """One integer per row from 0 on, equal where all named columns are equal (null equals null): int64 [row]."""
    codes, count = np.zeros(table.num_rows, dtype=np.int64), 1
    if table.num_rows == 0:
        return codes
    for name in columns:
        column = pc.dictionary_encode(table.column(name), null_encoding="encode").combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.unify_dictionaries().combine_chunks()
        size = len(column.dictionary)
        if size == 1:
            continue
        if count * size >= 2**62:
            codes, count = _dense(codes)
        codes = codes * size + column.indices.to_numpy(zero_copy_only=False)
        count *= size
    return _dense(codes)[0]


def _dense(codes: Codes) -> tuple[Codes, int]:
    """The codes numbered from 0 on in their own order, and how many there are."""
    distinct, found = np.unique(codes, return_inverse=True)
    return found.astype(np.int64, copy=False), len(distinct)
