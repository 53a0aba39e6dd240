"""The part of a country's YAML about enforcement: whom the old system examined, what its examiners see, what treatments do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from jobs.conf.base import Share, Strict
from jobs.economy.fields import Factor, Span, whole

OldSource = Literal["rule", "campaign", "random", "tip_off", "assigned", "self_selected", "transferred"]


class Enforcement(Strict):
    """The old system: how many it examined a year, by which habits, and what its examiners see.

    yearly: cases a year, as a share of the firms that could be examined. sources: how the cases were chosen. Whom a rule, a wave, a tip or
    an official chose follows from habits and risk; the random programme takes everybody with the same chance.
    """

    yearly: Annotated[float, Field(ge=0, le=0.4)]
    sources: Annotated[dict[OldSource, Share], AfterValidator(whole)]  # case source: share of the cases
    segments: dict[Literal["large", "mid", "small", "individual"], Factor]
    old_rules: Annotated[float, Field(ge=0, le=10)]  # how far the old rules saw the risk
    campaigns: Annotated[int, Field(ge=1, le=6)] = 2  # industries a year whose firms are examined in a wave
    random_month: Annotated[int, Field(ge=1, le=12)] = 4  # in which the year's random programme is drawn
    random_rest_years: Annotated[int, Field(ge=0, le=10)] = 3  # out of the programme after a draw
    inspectors: Annotated[int, Field(ge=1, le=500)] = 8  # per office
    detection: Span  # part of what is hidden that an examiner who finds something finds
    skill: Span  # of inspectors: factor on their chance to see; few are near the top
    appeals: Share
    overturned: Share  # of appeals
    overturned_in_part: Share = 0.4  # of those: one point falls, the others stand
    uncollectable: Share
    instalments: Share = 0.15  # of what is paid: in monthly parts
    tolerance: Annotated[float, Field(ge=0, le=1e7)]  # tax, in currency: below it nobody writes a finding
    emboldened: Share  # honest firms, found clean, that take less care or start a little

    @model_validator(mode="after")
    def _whole(self) -> Enforcement:
        missing = sorted({"large", "mid", "small", "individual"} - set(self.segments))
        if missing:
            raise ValueError(f"segments: no factor for {', '.join(missing)}")
        return self

    @property
    def tolerance_cents(self) -> int:
        """The tolerance in cents."""
        return round(self.tolerance * 100)


class ByCause(Strict):
    """A chance for each cause of a fault."""

    ignorance: Share
    inability: Share
    opportunity: Share
    intent: Share


class Effects(Strict):
    """How likely a reminder or guidance makes a taxpayer correct, by cause; and an interview or examination that finds something makes him do less."""

    remind: ByCause
    guide: ByCause
    interview: ByCause
    examine: ByCause
