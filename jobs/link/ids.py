"""Tax ids as other offices write them: is one valid, and could two be the same but for one slip of the pen."""

from __future__ import annotations

from functools import cache
from typing import Any

from stdnum import get_cc_module


@cache
def _standard(name: str) -> Any:
    country, module = name.split(".")
    return get_cc_module(country, module)


def is_valid(received: str, standard: str) -> bool:
    """Whether an id keeps the rules of its standard (a python-stdnum module such as cn.uscc), check character included."""
    return bool(_standard(standard).is_valid(received))


def within_one(first: str, second: str) -> bool:
    """Whether two ids differ by one wrong, missing or superfluous character, or by two neighbours exchanged; equal ids do too."""
    if abs(len(first) - len(second)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    rest, other = first[start:], second[start:]
    if len(first) == len(second):
        return rest[1:] == other[1:] or (rest[:2] == other[:2][::-1] and rest[2:] == other[2:])
    return rest[1:] == other if len(first) > len(second) else rest == other[1:]
