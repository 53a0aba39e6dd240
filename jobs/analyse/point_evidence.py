"""What is known about the points of a bucket tonight: hits, why none, last night's row, the last answer, the limitation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of
from jobs.analyse.limitation import Assessable, assessable
from jobs.analyse.point_facts import Hit
from jobs.analyse.point_id import POINT
from jobs.analyse.point_life import ALIVE
from jobs.analyse.schema import own_schema
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
    limits: Assessable
    night: Night


def gather(tables: Tables, night: Night) -> Evidence:
    """The points that fire tonight or stood last night, and what is known about each.

    Reads indicator_hit, outcome, filing; previous: risk_point. ConfError when no limitation is in force.
    """
    hits = published(tables["indicator_hit"], night)
    firing = fired(hits)
    previous = tables.previous.get("risk_point")
    before = {key_of(row): row for row in previous.to_pylist()} if previous is not None else {}
    keys = sorted(firing.keys() | {k for k, row in before.items() if row["state"] in ALIVE})
    points = points_of(keys)
    limits = assessable(points, tables["filing"], night.conf, night.as_of)
    return Evidence(keys, firing, blank(hits, points), before, answers(points, tables["outcome"]), limits, night)


def published(hits: pa.Table, night: Night) -> pa.Table:
    """Hits of indicators that are published on the date; those in trial are only shown."""
    in_force = [i for i, p in night.conf.indicators_on(night.as_of).items() if p.state == "published"]
    return hits.filter(pa.array(is_one_of(hits["indicator"], in_force)))


def fired(hits: pa.Table) -> dict[Key, list[Hit]]:
    """Hits of each point: most tax at stake first, then strength, then name."""
    rows = hits.filter(pc.fill_null(hits["hit"], False))
    order = [("base", "descending"), ("strength", "descending"), ("indicator", "ascending")]
    found: dict[Key, list[Hit]] = {}
    for row in rows.sort_by([(n, "ascending") for n in POINT] + order).to_pylist():
        found.setdefault(key_of(row), []).append(row)
    return found


def blank(hits: pa.Table, points: pa.Table) -> dict[Key, str]:
    """Why the indicators of a point could not be computed; none where one of them could."""
    mine = hits.filter(pa.array(is_one_of(hits["taxpayer_id"], pc.unique(points["taxpayer_id"]).to_pylist())))
    asked = set(map(key_of, points.to_pylist()))
    computed = {key_of(row) for row in mine.filter(pc.is_valid(mine["hit"])).select(list(POINT)).to_pylist()} & asked
    lacking = mine.filter(pc.is_null(mine["hit"])).sort_by([(n, "ascending") for n in (*POINT, "indicator")]).to_pylist()
    found: dict[Key, str] = {}
    for row in lacking:
        if (key := key_of(row)) in asked and key not in computed:
            found.setdefault(key, row["missing_reason"])
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
    answered = outcome.filter(pa.array(is_one_of(outcome["result"], (*FINDINGS, "excluded"))))
    told = answered.select(["taxpayer_id", "tax", "risk_code", "result", "reason_code", "state", "known_at", "case_id", "point_id"])
    told = told.append_column("covers_from", answered["period_from"]).append_column("covers_to", answered["period_to"])
    both = points.join(told, ["taxpayer_id", "tax", "risk_code"], join_type="inner")
    covers = pc.and_(pc.less_equal(both["covers_from"], both["period_from"]), pc.greater_equal(both["covers_to"], both["period_to"]))
    ordered = both.filter(pc.fill_null(covers, False)).sort_by([(n, "ascending") for n in ("known_at", "case_id", "point_id")])
    return {key_of(row): row for row in ordered.to_pylist()}
