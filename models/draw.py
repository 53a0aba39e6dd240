"""Randomness by keyed hash: the same seed, purpose and id give the same number, whatever the order of the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from models.matrix import FloatArray


def uniform(seed: int, purpose: str, ids: Sequence[str]) -> FloatArray:
    """A number in [0, 1) for each id: the first 53 bits of BLAKE2b keyed by seed and purpose.

    Equal ids get equal numbers, so a draw of ids is a draw of entities.
    """
    start = hashlib.blake2b(f"{seed}|{purpose}|".encode(), digest_size=8)
    out = np.empty(len(ids), dtype=np.uint64)
    for n, id_ in enumerate(ids):
        digest = start.copy()
        digest.update(id_.encode())
        out[n] = int.from_bytes(digest.digest(), "big")
    return (out >> np.uint64(11)).astype(np.float64) / float(1 << 53)
