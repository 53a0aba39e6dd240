"""Taxpayer ids of a country's scheme, computed for arrays of numbers; no two numbers share an id.

cn_uscc: unified social credit codes (GB 32100-2015), 18 characters, the last a check character modulo 31; the organisation code inside
carries its own (GB 11714, modulo 11). it_iva: VAT numbers of eleven digits, the last by Luhn's rule.
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
_IVA_PROVINCES = 100
_IVA_FIRST = 5_000_000  # no office has given out so many: the numbers are nobody's
_IVA_SPACE = _IVA_FIRST * _IVA_PROVINCES // 2  # half for each side of the border
_IVA_STRIDE = 153_841_267  # coprime to ten

Names = npt.NDArray[np.str_]


def tax_ids(scheme: str, number: Ints, region: Ints, individual: npt.NDArray[np.bool_], outside: bool = False) -> Names:
    """Ids of parties by the country's scheme. `outside` draws from a space of its own, for parties nobody here registers."""
    return vat_numbers(number, outside) if scheme == "it_iva" else codes(number, region, individual, outside)


def codes(number: Ints, region: Ints, individual: npt.NDArray[np.bool_], outside: bool = False) -> Names:
    """Unified social credit codes: number below 31**6, six-digit region. Equal numbers give equal bodies."""
    _within(number, _SPACE)
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


def vat_numbers(number: Ints, outside: bool = False) -> Names:
    """VAT numbers: seven digits of the taxpayer, three of the office (001 to 100), check digit. Number below 250 million."""
    _within(number, _IVA_SPACE)
    mixed = (number * 2 + int(outside)) * _IVA_STRIDE % (_IVA_SPACE * 2)
    whole = (_IVA_FIRST + mixed // _IVA_PROVINCES) * 1000 + 1 + mixed % _IVA_PROVINCES
    digits = whole[:, None] // 10 ** np.arange(9, -1, -1)[None, :] % 10
    doubled = digits[:, 1::2] * 2
    check = (10 - (digits[:, 0::2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)) % 10) % 10
    letters = np.concatenate([digits, check[:, None]], axis=1)
    return np.ascontiguousarray(_LETTERS[letters]).view("<U11").ravel()


def _within(number: Ints, space: int) -> None:
    if number.size and (number.min() < 0 or number.max() >= space):
        raise ValueError(f"number: must lie in 0..{space - 1} to have a code of its own")


def broken(code: str) -> str:
    """The code with a wrong check character."""
    return code[:-1] + (str((int(code[-1]) + 7) % 10) if code.isdigit() and len(code) == 11 else ALPHABET[(ALPHABET.index(code[-1]) + 7) % 31])


def as_number(code: str, digit: int) -> str:
    """The code as a spreadsheet that took it for a number would show it, its third decimal lost."""
    return f"{code[0]}.{code[1:4]}{digit}E+{len(code) - 1}"
