"""What an indicator is: a function of a frame, with everything that must be said about it beside it.

The function gives a `Reading`: both sides, the gap that is compared with the threshold, and the tax at stake, one value per row
of the frame. Thresholds, floors and rates are never in the function: they come from conf/indicators/ as of the date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from jobs.analyse.frame import Frame, Span
from jobs.lake.arrays import Flags, Floats

Unit = Literal["currency", "share", "count"]
NOT_DISCLOSED = "not disclosed"


@dataclass(frozen=True)
class Side:
    """One side of a contradiction: the source it comes from (as in conf/disclosure.yaml), the field, its unit, its name for people.

    An estimate is an amount that nobody filed: reckoned by proportion or from peers, told without cents and as "about".
    """

    source: str
    field: str
    label_en: str
    label_zh: str
    unit: Unit = "currency"
    estimate: bool = False


@dataclass(frozen=True)
class Reading:
    """What an indicator finds, one value per row of its frame.

    `difference` is the gap in the indicator's unit, positive in the direction of the fault, NaN when it cannot be computed;
    `base` is the tax at stake; `where` limits the rows that the indicator is about; `missing` says why not, first reason first.
    """

    declared: Floats
    other: Floats
    difference: Floats
    base: Floats
    where: Flags | None = None
    missing: tuple[tuple[Flags, str], ...] = ()


@dataclass(frozen=True)
class About:
    """All that must be said about an indicator before it may be used (docs/indicators.md is printed from it)."""

    id: str
    version: int
    name_en: str
    name_zh: str
    risk_code: str
    formula: str
    unit: str
    base: str  # what the tax at stake is measured on: two points on one base and period are not added
    frames: tuple[tuple[str, Span], ...]
    inputs: tuple[str, ...]
    minimum: str
    legal_basis: str
    innocent: tuple[str, ...]
    declared: Side
    other: Side
    sentence_en: str
    sentence_zh: str
    taxpayer_en: str
    taxpayer_zh: str
    gap: Literal["percent", "points", "deviations", "count"] = "percent"  # how the difference is written in a sentence; points: per cent, subtracted
    larger: Literal["other", "declared", "neither"] = "other"  # the side that is larger where there is a fault; neither: they are not subtracted
    peer_rule: str = "none"
    settings: tuple[str, ...] = ()
    as_of_rule: str = "every return owed in the period is past due date and grace; versions known on the date"


Rule = Callable[[Frame, Mapping[str, float]], Reading]


@dataclass(frozen=True)
class Indicator:
    """An indicator: what is said about it, and its rule."""

    about: About
    rule: Rule


REGISTRY: dict[str, Indicator] = {}


def indicator(about: About) -> Callable[[Rule], Rule]:
    """Register the decorated function under its id. ValueError when the id is taken."""

    def register(rule: Rule) -> Rule:
        if about.id in REGISTRY:
            raise ValueError(f"indicator '{about.id}' is registered twice; give the second another id")
        REGISTRY[about.id] = Indicator(about, rule)
        return rule

    return register


def share(part: Floats, whole: Floats) -> Floats:
    """Part over whole; NaN where the whole is null, zero or negative, so that no infinity can arise."""
    positive = whole > 0
    return np.where(positive, part / np.where(positive, whole, 1.0), np.nan)


def deviation(value: Floats, median: Floats, mad: Floats) -> Floats:
    """Robust deviations above the peers' median; a spread under a twentieth of the median counts as that, as a near-uniform trade
    would turn noise into outliers.
    """
    return share(value - median, np.fmax(mad, np.abs(median) / 20))


def positive(values: Floats) -> Floats:
    """Values below zero as zero; NaN stays."""
    return np.where(values < 0, 0.0, values)


def first_of(preferred: Floats, fallback: Floats) -> Floats:
    """The preferred value, else the fallback."""
    return np.where(np.isnan(preferred), fallback, preferred)
