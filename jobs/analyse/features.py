"""feature: every feature of every taxpayer of a bucket, as of the night; the registry; the page printed from it.

A feature leaves this room only if every silver column behind it may be used for the purpose `risk` in every source that maps it.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pyarrow as pa

from jobs.analyse import (
    feature_amendment,
    feature_burden,
    feature_cit,
    feature_filing,
    feature_growth,
    feature_history,
    feature_input_gap,
    feature_invoice,
    feature_labour,
    feature_level,
    feature_partner,
    feature_payment,
    feature_registry,
    feature_related,
    feature_sales_gap,
    feature_statement,
    feature_streaks,
    feature_third,
    feature_volatility,
)
from jobs.analyse.feature import Family, Feature
from jobs.analyse.panel import MONTHS, Panel, panel
from jobs.conf import Conf, Field_
from jobs.lake.arrays import Floats
from jobs.lake.step import Night, Tables

_MODULES = (
    feature_registry, feature_level, feature_growth, feature_volatility, feature_streaks, feature_filing, feature_amendment, feature_burden,
    feature_sales_gap, feature_input_gap, feature_payment, feature_statement, feature_cit, feature_labour, feature_partner, feature_related,
    feature_invoice, feature_third, feature_history,
)  # fmt: skip
FAMILIES: tuple[Family, ...] = tuple(m.FAMILY for m in _MODULES)
FEATURES: tuple[Feature, ...] = tuple(Feature(**{**vars(f), "family": family.name}) for family in FAMILIES for f in family.features)
READS = ("taxpayer", "tax_registration", "taxpayer_month", "filing", "partner", "partner_month", "peer_member", "party_fact", "outcome")


class FeatureError(Exception):
    """A family gives other features than it declares."""


def feature(tables: Tables, night: Night, snapshot: str = "night") -> pa.Table:
    """The feature table: taxpayer_id, feature_set, snapshot, and one double per permitted feature (null: missing).

    Reads READS; `history` of risk_point and `previous` of indicator_hit where there are any. `snapshot` is night or backfill.
    """
    books = panel(tables, night, tuple(t for t in READS if t not in ("taxpayer", "tax_registration", "taxpayer_month", "filing")))
    allowed = permitted(night.conf)
    names = {f.name for f in allowed}
    columns = {name: values for family in FAMILIES for name, values in _counted(family, books).items() if name in names}
    head = {"taxpayer_id": books.ledger.ids, **{k: pa.array([v] * books.count, pa.string()) for k, v in (("feature_set", digest(allowed)), ("snapshot", snapshot))}}
    return pa.table(head | {f.name: _nullable(columns[f.name]) for f in allowed})


def permitted(conf: Conf) -> tuple[Feature, ...]:
    """The features whose every input may be used for risk, by the purposes of the sources' contracts."""
    barred = _barred(conf)
    return tuple(f for f in FEATURES if not barred.intersection(f.inputs))


def digest(features: tuple[Feature, ...]) -> str:
    """What a model must have been trained on to be scored: names, versions and windows of a set of features."""
    said = [(f.name, f.version, f.window) for f in features] + [("months", MONTHS, None)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def catalogue() -> str:
    """docs/features.md: every feature with window, unit, meaning and the columns it comes from."""
    lines = ["# Features", "", f"Printed from jobs/analyse/features.py: {len(FEATURES)} features of {len(FAMILIES)} families, each null where something is missing.", ""]
    for family in FAMILIES:
        lines += [f"## {family.meaning}", "", "| feature | months | unit | meaning | from | version |", "|---|---|---|---|---|---|"]
        lines += [f"| `{f.name}` | {f.window or ''} | {f.unit} | {f.meaning} | {', '.join(f.inputs) or 'earlier nights'} | {f.version} |" for f in family.features]
        lines.append("")
    return "\n".join(lines)


def _counted(family: Family, books: Panel) -> dict[str, Floats]:
    found = dict(family.count(books))
    if declared := {f.name for f in family.features} ^ set(found):
        raise FeatureError(f"family {family.name}: {sorted(declared)} declared and not given, or given and not declared; correct jobs/analyse/feature_{family.name}.py")
    return found


def _barred(conf: Conf) -> frozenset[str]:
    """Silver table.column, or table.line, that some source gives for other purposes than risk."""
    barred: set[str] = set()
    for source in conf.sources.values():
        fields: dict[str, Field_] = {**source.columns, **(source.lines or {})}
        for stage in (source.stages or {}).values():
            fields |= stage.columns
        barred |= {f"{source.table}.{name}" for name, field in fields.items() if "risk" not in field.purposes}
    return frozenset(barred)


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values.astype(np.float64), mask=~np.isfinite(values))
