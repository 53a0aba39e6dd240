"""Unified social credit codes (GB 32100-2015): 18 characters, the last a check character modulo 31.

The organisation code inside carries its own check character (GB 11714, modulo 11). Both are computed for arrays of numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from jobs.lake.arrays import Ints

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LETTERS = np.array(list(ALPHABET))
_ORG_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_WEIGHTS = np.array([pow(3, n, 31) for n in range(17)])
_SPACE = 31**6
# Coprime to 31: multiplication permutes the six-character space, so that neighbours in number are no neighbours in code.
_STRIDE = 387_420_491
_HOME, _OUTSIDE = 0, 1

Names = npt.NDArray[np.str_]


def codes(number: Ints, region: Ints, individual: npt.NDArray[np.bool_], outside: bool = False) -> Names:
    """Codes of registered parties: number below 31**6, six-digit region. Equal numbers give equal bodies.

    `outside` draws from a space of its own, for parties of other provinces.
    """
    if number.size and (number.min() < 0 or number.max() >= _SPACE):
        raise ValueError(f"number: must lie in 0..{_SPACE - 1} to have a code of its own")
    body = (number * _STRIDE + 41_413) % _SPACE
    values = np.empty((len(number), 18), dtype=np.int64)
    values[:, 0], values[:, 1] = 9, np.where(individual, 2, 1)
    for n in range(6):
        values[:, 2 + n] = region // 10 ** (5 - n) % 10
        values[:, 10 + n] = body // 31 ** (5 - n) % 31
    values[:, 8], values[:, 9] = ALPHABET.index("M"), ALPHABET.index("B" if outside else "A")
    # GB 11714 counts letters as A=10 .. Z=35; our alphabet leaves out I, O, S, V, Z.
    counted = np.array([int(c, 36) for c in ALPHABET])[values[:, 8:16]]
    org = (11 - counted @ _ORG_WEIGHTS % 11) % 11
    values[:, 16] = np.where(org == 10, ALPHABET.index("X"), org)
    values[:, 17] = (31 - values[:, :17] @ _WEIGHTS % 31) % 31
    return np.ascontiguousarray(_LETTERS[values]).view("<U18").ravel()


def broken(code: str) -> str:
    """The code with a wrong check character."""
    return code[:-1] + ALPHABET[(ALPHABET.index(code[-1]) + 7) % 31]
