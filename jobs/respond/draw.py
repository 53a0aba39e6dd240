"""Randomness by keyed hash: the same seed, purpose and id always give the same number."""

from __future__ import annotations

import hashlib


def uniform(seed: int, purpose: str, item: str) -> float:
    """A number in [0, 1) from (seed, purpose, item)."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{purpose}|{item}".encode()).digest()[:8], "big") / 2**64
