"""What every part of the configuration is made of: strict models, dated entries, words in two languages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo

from croniter import croniter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _is_cron(text: str) -> str:
    if not croniter.is_valid(text):
        raise ValueError(f"'{text}' is no cron expression; write minute, hour, day, month, weekday, for example '0 2 * * *'")
    return text


def _is_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as fault:
        raise ValueError(f"'{text}' is no time zone; write a name such as 'Asia/Shanghai'") from fault
    return text


Money = Annotated[Decimal, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Cron = Annotated[str, AfterValidator(_is_cron)]
Zone = Annotated[str, AfterValidator(_is_zone)]
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
