"""What the keys of a country's YAML are made of: ranges, spans in order, shares that make a whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from jobs.conf.base import Share

Positive = Annotated[float, Field(gt=0)]
Percent = Annotated[int, Field(ge=0, le=60)]
Factor = Annotated[float, Field(ge=0, le=20)]


def in_order(pair: tuple[float, float]) -> tuple[float, float]:
    """A range whose lower end is not above its upper."""
    if pair[0] > pair[1]:
        raise ValueError(f"the lower end {pair[0]} lies above the upper {pair[1]}")
    return pair


Span = Annotated[tuple[Share, Share], AfterValidator(in_order)]
Days = Annotated[tuple[Annotated[int, Field(ge=0, le=730)], Annotated[int, Field(ge=0, le=730)]], AfterValidator(in_order)]


def whole(shares: dict[str, float]) -> dict[str, float]:
    """Shares that make a whole."""
    sums_to_one(list(shares.values()), "shares")
    return shares


def sums_to_one(weights: list[float], what: str) -> None:
    """ValueError when shares do not make a whole."""
    if abs(sum(weights) - 1) > 1e-6:
        raise ValueError(f"the {what} sum to {sum(weights):.4f}; they must sum to 1")


Shares = Annotated[dict[str, Share], AfterValidator(whole)]
