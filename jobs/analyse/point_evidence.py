"""What is known about the points of a bucket tonight: hits, why none, last night's row, the last answer, the limitation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of
from jobs.analyse.limitation import Assessable, assessable
from jobs.analyse.point_facts import Hit
from jobs.analyse.point_id import POINT, point_ids
from jobs.analyse.point_life import ALIVE
from jobs.analyse.schema import own_schema
from jobs.lake.buckets import group_codes
from jobs.lake.step import Night, Tables

Key = tuple[str, str, str, date, date]
Row = dict[str, Any]
FINDINGS = ("confirmed", "in_part", "new")


@dataclass(frozen=True)
class Evidence:
    """By point, and in the order of `keys` for the limits."""

    keys: list[Key]
    fired: Mapping[Key, list[Hit]]  # the leading hit first
    blank: Mapping[Key, str]  # why an indicator of the period could not be computed
    before: Mapping[Key, Row]
    answers: Mapping[Key, Row]
    stakes: Mapping[Key, Decimal]  # of points that fire though a finding was made: what was told of them last before it
    limits: Assessable
    in_force: frozenset[str]  # indicators that are published tonight
    night: Night


def gather(tables: Tables, night: Night) -> Evidence:
    """The points that fire tonight or stood last night, and what is known about each.

    Reads indicator_hit, outcome, filing; previous: risk_point; history: risk_point. ConfError when no limitation is in force.
    """
    in_force = frozenset(i for i, p in night.conf.indicators_on(night.as_of).items() if p.state == "published")
    hits = tables["indicator_hit"]
    hits = hits.filter(pa.array(is_one_of(hits["indicator"], sorted(in_force))))  # those in trial are only shown
    firing = fired(hits)
    previous = tables.previous.get("risk_point")
    before = {key_of(row): row for row in previous.to_pylist()} if previous is not None else {}
    keys = sorted(firing.keys() | {k for k, row in before.items() if row["state"] in ALIVE})
    points = points_of(keys)
    limits = assessable(points, tables["filing"], night.conf, night.as_of)
    answered = answers(points, tables["outcome"])
    return Evidence(
        keys,
        firing,
        blank(hits, points_of([k for k in keys if k not in firing])),
        before,
        answered,
        stakes_told({k: row for k, row in answered.items() if k in firing and row["finding"] in FINDINGS}, tables.history.get("risk_point")),
        limits,
        in_force,
        night,
    )


def fired(hits: pa.Table) -> dict[Key, list[Hit]]:
    """Hits of each point: most tax at stake first, then strength, then name."""
    rows = hits.filter(pc.fill_null(hits["hit"], False))
    order = [("base", "descending"), ("strength", "descending"), ("indicator", "ascending")]
    found: dict[Key, list[Hit]] = {}
    for row in rows.sort_by([(n, "ascending") for n in POINT] + order).to_pylist():
        found.setdefault(key_of(row), []).append(row)
    return found


def blank(hits: pa.Table, quiet: pa.Table) -> dict[Key, str]:
    """Why the indicators of points that do not fire could not be computed; none where one of them could."""
    mine = hits.filter(pa.array(is_one_of(hits["taxpayer_id"], pc.unique(quiet["taxpayer_id"]).to_pylist())))
    codes = group_codes(pa.concat_tables([quiet.select(list(POINT)), mine.select(list(POINT))]), POINT)
    asked, judged = codes[: quiet.num_rows], codes[quiet.num_rows :]
    lacking = np.asarray(pc.is_null(mine["hit"]).to_numpy(), dtype=bool)
    wanted = lacking & np.isin(judged, asked) & ~np.isin(judged, judged[~lacking])
    found: dict[Key, str] = {}
    for row in mine.filter(pa.array(wanted)).sort_by([(n, "ascending") for n in (*POINT, "indicator")]).to_pylist():
        found.setdefault(key_of(row), row["missing_reason"])
    return found


def points_of(keys: list[Key]) -> pa.Table:
    """Points as a table of the columns that name them."""
    columns = list(zip(*keys, strict=True)) or [(), (), (), (), ()]
    schema = own_schema("risk_point")
    return pa.table({name: pa.array(values, schema.field(name).type) for name, values in zip(POINT, columns, strict=True)})


def key_of(row: Mapping[str, Any]) -> Key:
    """What names a point, of a row of hits, points or answers."""
    return (row["taxpayer_id"], row["tax"], row["risk_code"], row["period_from"], row["period_to"])


def answers(points: pa.Table, outcome: pa.Table) -> dict[Key, Row]:
    """The last answer about each point: of its tax and code, for periods that cover the point's own."""
    answered = outcome.filter(pa.array(is_one_of(outcome["finding"], (*FINDINGS, "excluded"))))
    told = answered.select(["taxpayer_id", "tax", "risk_code", "finding", "reason_code", "standing", "assessed", "known_at", "case_id", "point_id"])
    told = told.append_column("covers_from", answered["period_from"]).append_column("covers_to", answered["period_to"])
    both = points.join(told, ["taxpayer_id", "tax", "risk_code"], join_type="inner")
    covers = pc.and_(pc.less_equal(both["covers_from"], both["period_from"]), pc.greater_equal(both["covers_to"], both["period_to"]))
    ordered = both.filter(pc.fill_null(covers, False)).sort_by([(n, "ascending") for n in ("known_at", "case_id", "point_id")])
    return {key_of(row): row for row in ordered.to_pylist()}


def stakes_told(answered: Mapping[Key, Row], history: pa.Table | None) -> dict[Key, Decimal]:
    """The larger amount of each answered point on the last published night up to its answer; none where it was on no night."""
    if history is None or not answered:
        return {}
    ids = dict(zip(point_ids(points_of(list(answered))).to_pylist(), answered, strict=True))
    rows = history.filter(pa.array(is_one_of(history["point_id"], sorted(ids)))).sort_by("as_of")
    found: dict[Key, Decimal] = {}
    for row in rows.select(["point_id", "as_of", "amount_error", "amount_evasion"]).to_pylist():
        key = ids[row["point_id"]]
        if row["as_of"] <= answered[key]["known_at"]:
            found[key] = max(row["amount_error"], row["amount_evasion"])
    return found
