"""Randomness by keyed hash: a number depends on seed, purpose and ids, and on nothing else.

The mixing function is SplitMix64's finaliser (Steele, Lea, Flood 2014). Drawing for one firm or for a million gives the same value.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from jobs.lake.arrays import Floats, Ints

Bits = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_A, _B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _mix(x: Bits) -> Bits:
    x = (x ^ (x >> np.uint64(30))) * _A
    x = (x ^ (x >> np.uint64(27))) * _B
    return x ^ (x >> np.uint64(31))


@lru_cache(maxsize=4096)
def _key(seed: int, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}|{purpose}".encode()).digest()[:8], "little")


@dataclass(frozen=True)
class Chance:
    """Draws of one country. Ids are integer arrays or integers; they broadcast against each other."""

    seed: int

    def bits(self, purpose: str, *ids: Any) -> Bits:
        """64 hashed bits per element of the broadcast ids."""
        found = np.array(_key(self.seed, purpose), dtype=np.uint64)
        with np.errstate(over="ignore"):
            for one in ids:
                values = np.asarray(one).astype(np.int64).astype(np.uint64)
                found = _mix((found + _GOLDEN) ^ _mix(values + _GOLDEN))
        return np.asarray(found)

    def uniform(self, purpose: str, *ids: Any) -> Floats:
        """Uniform in (0, 1), never 0 or 1."""
        return ((self.bits(purpose, *ids) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def between(self, low: float, high: float, purpose: str, *ids: Any) -> Floats:
        """Uniform between two values."""
        return low + (high - low) * self.uniform(purpose, *ids)

    def normal(self, purpose: str, *ids: Any) -> Floats:
        """Standard normal, by the inverse distribution function."""
        return np.asarray(ndtri(self.uniform(purpose, *ids)), dtype=np.float64)

    def whole(self, low: int, high: int, purpose: str, *ids: Any) -> Ints:
        """Integers from low to high - 1, equally likely."""
        return low + np.floor((high - low) * self.uniform(purpose, *ids)).astype(np.int64)

    def pick(self, weights: Any, purpose: str, *ids: Any) -> Ints:
        """Index drawn with the given weights."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        return np.searchsorted(edges / edges[-1], self.uniform(purpose, *ids)).astype(np.int64)
