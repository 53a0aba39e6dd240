"""What a feature is: its name and meaning, and the silver columns it comes from, so that purposes can be checked.

A family is one function over the panel of a bucket; it gives every feature it declares, NaN where something is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jobs.analyse.panel import Panel
from jobs.lake.arrays import Floats

INVOICES = ("invoice.net", "invoice.tax_amount")
PURCHASES = (*INVOICES, "invoice.buyer_id")
SALES = ("return_line.sales", "return_line.exempt", "return_line.exports")
REGISTRY = ("taxpayer.registered_on", "taxpayer.status", "taxpayer.closed_on")
PEERS = ("taxpayer.industry", "taxpayer.segment")
OUTCOMES = ("case_event.result", "case_event.amount")


@dataclass(frozen=True)
class Feature:
    """One column of the feature table. `window`: months looked back on (None: as of now); `inputs`: silver table.column or form line."""

    name: str
    unit: str
    window: int | None
    meaning: str
    inputs: tuple[str, ...]
    family: str = ""
    purpose: str = "risk"
    version: int = 1


@dataclass(frozen=True)
class Family:
    """Features counted together: `count` gives an array [taxpayer] for each of `features`."""

    name: str
    meaning: str
    features: tuple[Feature, ...]
    count: Callable[[Panel], Mapping[str, Floats]]
