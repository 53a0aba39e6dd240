"""Digests of content: what makes two records the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

UNIT, END = "\x1f", "\x1e"
BYTES = 12


def row_digests(columns: Mapping[str, pa.Array]) -> pa.Array:
    """A digest of each row's values, whatever the order of the columns; a null is as if the column were not there."""
    pieces = [pc.binary_join_element_wise(name, pc.cast(columns[name], pa.string()), UNIT) for name in sorted(columns)]
    return text_digests(pc.binary_join_element_wise(*pieces, "", UNIT + END, null_handling="skip"))


def text_digests(text: pa.Array) -> pa.Array:
    """blake2b of each text, as hexadecimal. Arrow has no digest of its own: half a microsecond a row, over the array's bytes as they lie."""
    if len(text) == 0:
        return pa.array([], pa.string())
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    width = np.int64 if pa.types.is_large_string(text.type) else np.int32
    _, offsets, data = text.buffers()
    bounds = np.frombuffer(offsets, width)[text.offset : text.offset + len(text) + 1].tolist()
    content, digest = memoryview(data if data is not None else b""), hashlib.blake2b
    found = b"".join([digest(content[start:end], digest_size=BYTES).digest() for start, end in pairwise(bounds)])
    places = np.arange(0, 2 * BYTES * len(text) + 1, 2 * BYTES, dtype=np.int32)
    return pa.StringArray.from_buffers(len(text), pa.py_buffer(places), pa.py_buffer(found.hex().encode()))
