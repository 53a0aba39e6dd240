"""indicator_hit: every indicator in force evaluated on every period that may be judged, hit or not.

Trial indicators are evaluated and shown like published ones, but open no risk points (points.py).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse import indicator_families as _registered  # noqa: F401  registers every indicator
from jobs.analyse.arrays import is_one_of
from jobs.analyse.catalogue import catalogue
from jobs.analyse.frame import Frame, Span, frame
from jobs.analyse.indicator import REGISTRY, About, Indicator, Reading
from jobs.analyse.ledger import ledger, needed
from jobs.analyse.point_facts import as_json, told
from jobs.analyse.schema import own_schema
from jobs.conf import ConfError, IndicatorParameters
from jobs.lake.arrays import Flags, Floats, money
from jobs.lake.step import Night, Tables

__all__ = ["READS", "catalogue", "indicator_hit"]

READS = ("taxpayer", "taxpayer_month", "filing", "partner", "partner_month", "peer_member")
STRENGTH_CAP = 10.0  # beyond it a hit is not more certain, only larger; the base says how large
_TOLD_FROM = 0.8  # times the threshold: what is nearer or above is told in words, below it says nothing
_UNIT_SLIP = 10_000.0  # 万元: an amount sent in ten-thousands is a fault of the data, never a finding


def indicator_hit(tables: Tables, night: Night) -> pa.Table:
    """Own columns of indicator_hit for one bucket.

    Reads READS. Thresholds, floors, overrides and settings are those in force on the date. `hit` is null with a
    `missing_reason` where a side is missing or a denominator is not positive. ConfError when a parameter set names no indicator,
    lacks a setting or has a threshold that is not positive.
    """
    books = ledger(needed(tables, READS), night.as_of)
    frames: dict[tuple[str, Span], Frame] = {}
    found = []
    for parameters in sorted(night.conf.indicators_on(night.as_of).values(), key=lambda p: p.id):
        rule = checked(parameters)
        for tax, span in rule.about.frames:
            if (tax, span) not in frames:
                frames[tax, span] = frame(books, tax, span)
            found.append(evaluate(rule, frames[tax, span], parameters))
    schema = own_schema("indicator_hit")
    return _told(pa.concat_tables(found), night.conf.house.currency) if found else schema.empty_table()


def _told(rows: pa.Table, currency: str) -> pa.Table:
    """The rows with `facts` where an indicator is near its threshold or above: few, hence the loop."""
    at = np.flatnonzero(np.nan_to_num(rows["strength"].to_numpy()) >= _TOLD_FROM)
    facts = np.full(rows.num_rows, None, dtype=object)
    facts[at] = [as_json(told(row, currency)) for row in rows.take(pa.array(at)).to_pylist()]
    place = rows.column_names.index("facts")
    return rows.set_column(place, rows.schema.field(place), pa.array(facts.tolist(), pa.string()))


def checked(parameters: IndicatorParameters) -> Indicator:
    """The indicator a parameter set is for. ConfError with the remedy when they do not fit."""
    where = f"conf/indicators: {parameters.id}"
    if parameters.id not in REGISTRY:
        raise ConfError(f"{where}: no such indicator; known: {', '.join(sorted(REGISTRY))}")
    rule = REGISTRY[parameters.id]
    if wrong := set(rule.about.settings) ^ set(parameters.settings):
        raise ConfError(f"{where}.settings: missing or unknown {sorted(wrong)}; it takes {sorted(rule.about.settings)}")
    if min([parameters.threshold, *parameters.overrides.values()]) <= 0:
        raise ConfError(f"{where}: threshold and overrides must be positive, in {rule.about.unit}")
    return rule


def evaluate(rule: Indicator, rows: Frame, parameters: IndicatorParameters) -> pa.Table:
    """One indicator on one frame: own columns of indicator_hit."""
    reading = rule.rule(rows, parameters.settings)
    why = _missing(reading, rule.about)
    known = why == ""
    threshold = thresholds(rows, parameters)
    strength = np.minimum(np.where(known, reading.difference, np.nan) / threshold, STRENGTH_CAP)
    hit = (strength >= 1 - 1e-12) & (reading.base >= float(parameters.floor_amount))
    cents = np.round(np.where(known, reading.base, 0) * 100).astype(np.int64)
    keep = np.ones(rows.rows, dtype=bool) if reading.where is None else reading.where
    columns = {
        "taxpayer_id": rows.ledger.ids.take(pa.array(rows.taxpayer)),
        "indicator": pa.array([rule.about.id] * rows.rows, pa.string()),
        "risk_code": pa.array([rule.about.risk_code] * rows.rows, pa.string()),
        "tax": pa.array([rows.tax] * rows.rows, pa.string()),
        "period_from": pa.array(rows.period_from, pa.date32()),
        "period_to": pa.array(rows.period_to, pa.date32()),
        "hit": pa.array(hit, pa.bool_(), mask=~known),
        "declared": _number(reading.declared),
        "other": _number(reading.other),
        "difference": _number(np.where(known, reading.difference, np.nan)),
        "base": pc.if_else(pa.array(known), money(cents), pa.scalar(None, pa.decimal128(18, 2))),
        "threshold": pa.array(threshold, pa.float64()),
        "strength": _number(strength),
        "missing_reason": pa.array(why.astype(object), pa.string(), mask=known),
        "facts": pa.nulls(rows.rows, pa.string()),
    }
    return pa.table(columns, schema=own_schema("indicator_hit")).filter(pa.array(keep))


def thresholds(rows: Frame, parameters: IndicatorParameters) -> Floats:
    """The threshold of each row: the configured one, the longest industry prefix that fits, then the region."""
    found = np.full(rows.rows, parameters.threshold)
    industry, region = rows.texts("industry"), rows.texts("region")
    for key in sorted(parameters.overrides, key=lambda k: (len(k), k)):
        at = pc.fill_null(pc.starts_with(industry, key), False).to_numpy(zero_copy_only=False).astype(bool) | is_one_of(region, [key])
        found = np.where(at, parameters.overrides[key], found)
    return found


def _number(values: Floats) -> pa.Array:
    """Rounded so that a float's last digits are no change of fact; NaN as null."""
    return pa.array(np.round(values, 9), pa.float64(), from_pandas=True)


def _missing(reading: Reading, about: About) -> npt.NDArray[np.str_]:
    """The first reason why a row cannot be computed; empty: it can."""
    slipped = unit_slip(reading.declared, reading.other) if _two_sources(about) else np.zeros(len(reading.declared), dtype=bool)
    reasons: list[tuple[Flags, str]] = [
        *reading.missing,
        (slipped, "unit_of_ten_thousand"),
        (~np.isfinite(reading.difference), "denominator_not_positive"),
        (~np.isfinite(reading.base), "no_base"),
    ]
    return np.select([mask for mask, _ in reasons], [np.full(len(reading.base), reason) for _, reason in reasons], default="")


def _two_sources(about: About) -> bool:
    """Two amounts of money from two sources; an amount estimated by peers or partners is no delivery."""
    return about.declared.unit == about.other.unit == "currency" and about.other.source not in (about.declared.source, "peer")


def unit_slip(one: Floats, other: Floats) -> Flags:
    """Where one side is about 10,000 times the other: sent in 万元 instead of the currency's unit."""
    both = (one > 0) & (other > 0)
    ratio = np.where(both, one / np.where(both, other, 1.0), 1.0)
    return np.asarray((np.abs(ratio / _UNIT_SLIP - 1) < 0.2) | (np.abs(1 / ratio / _UNIT_SLIP - 1) < 0.2))
