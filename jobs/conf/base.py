"""What every part of the configuration is made of: strict models, dated entries, words in two languages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Money = Annotated[Decimal, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
CaseSource = Literal["model", "rule", "campaign", "random", "tip_off", "assigned", "transferred", "self_selected", "back_up"]
Level = Literal["none", "low", "medium", "high"]


class ConfError(Exception):
    """The configuration cannot be used; the message names file, key path and remedy."""


class Strict(BaseModel):
    """Unknown keys are refused; what was read cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Strict):
    """A figure of law or policy: valid dates and where it is taken from."""

    valid_from: date = date(1900, 1, 1)
    valid_to: date | None = None
    source: str = Field(min_length=3)


S = TypeVar("S", bound=Sourced)


class Text(Strict):
    """The same words in English and Chinese."""

    en: str
    zh: str


def in_force(entries: tuple[S, ...], as_of: date) -> tuple[S, ...]:
    """The entries whose validity covers the date."""
    return tuple(e for e in entries if e.valid_from <= as_of and (e.valid_to is None or as_of <= e.valid_to))
