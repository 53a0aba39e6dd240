"""Which risk points may be acted on tonight, and what a taxpayer's points add up to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Conf, RiskCode
from jobs.lake.arrays import Flags, Floats, Ints, cents, day_numbers, flags, positions
from jobs.lake.buckets import group_codes

_ACTIVE = pa.array(["opened", "changed"])


def open_points(risk_point: pa.Table, as_of: date, conf: Conf) -> pa.Table:
    """Points that are opened or changed, still assessable on a date and of a code in the register; `cents` is the amount that may be assessed.

    A fraud point counts by the limit for evasion, any other by the limit for error; a null limit never lapses.
    """
    today = pa.scalar(as_of, pa.date32())
    until = pc.if_else(pc.fill_null(risk_point["fraud"], False), risk_point["until_evasion"], risk_point["until_error"])
    known = pc.is_in(risk_point["risk_code"], value_set=pa.array(sorted(conf.register_), pa.string()))
    alive = pc.and_(pc.is_in(risk_point["state"], value_set=_ACTIVE), pc.fill_null(pc.greater_equal(until, today), True))
    return with_cents(risk_point.filter(pc.and_(alive, known)))


def with_cents(points: pa.Table) -> pa.Table:
    """Points with `cents`, the amount that counts: by the limit for evasion where marked fraud, else by that for error."""
    amount = np.where(flags(points["fraud"]), cents(points["amount_evasion"]), cents(points["amount_error"]))
    return points.append_column("cents", pa.array(amount, pa.int64()))


def counted_points(risk_point: pa.Table, as_of: date, conf: Conf) -> pa.Table:
    """The open points of a date that count towards what is at stake."""
    return largest(open_points(risk_point, as_of, conf))


def largest(points: pa.Table) -> pa.Table:
    """The points that count towards what is at stake: of each (taxpayer, tax, base) those that make the largest sum without two on one day.

    So of one period the largest point counts, then the lowest point_id; and of a year and its quarters the year or the quarters, whichever
    is more: the others say the same of the same tax.
    """
    if not points.num_rows:
        return points
    points = points.sort_by([("point_id", "ascending")])
    amount = points["cents"].to_numpy()
    base = group_codes(points, ["taxpayer_id", "tax", "base"])
    start, end = day_numbers(points["period_from"]), day_numbers(points["period_to"])
    period = np.lexsort((np.arange(len(base)), -amount, end, start, base))
    same = (base[period][1:] == base[period][:-1]) & (start[period][1:] == start[period][:-1]) & (end[period][1:] == end[period][:-1])
    rows = period[np.append(True, ~same)]
    rows = rows[np.lexsort((start[rows], end[rows], base[rows]))]
    overlap = (base[rows][1:] == base[rows][:-1]) & (start[rows][1:] <= end[rows][:-1])
    mixed = np.isin(base[rows], base[rows][1:][overlap])  # in order of their end, neighbours overlap if any do
    edges = np.flatnonzero(base[rows[mixed]][1:] != base[rows[mixed]][:-1]) + 1
    counted = [_disjoint(of_base, start, end, amount) for of_base in np.split(rows[mixed], edges)]
    return points.take(pa.array(np.sort(np.concatenate([rows[~mixed], *counted]))))


def _disjoint(rows: Ints, start: Ints, end: Ints, amount: Ints) -> Ints:
    """Of rows in order of their end those of the largest sum that do not overlap (weighted interval scheduling, by dynamic programming)."""
    free = np.searchsorted(end[rows], start[rows])  # how many end before each begins
    best = [0]
    for row, before in zip(rows, free, strict=True):
        best.append(max(best[-1], best[before] + int(amount[row])))
    kept, at = [], len(rows)
    while at:
        if best[free[at - 1]] + int(amount[rows[at - 1]]) == best[at]:
            kept.append(rows[at - 1])
            at = int(free[at - 1])
        else:
            at -= 1
    return np.asarray(kept, dtype=np.int64)


def stakes_by_code(points: pa.Table, ids: pa.Array, conf: Conf) -> Floats:
    """What each taxpayer's `counted_points` add up to by risk code, in the currency: [id, code], codes in the order of `stake_codes`."""
    codes = stake_codes(conf)
    at, code = positions(points["taxpayer_id"], ids), positions(points["risk_code"], codes)
    found = np.zeros((len(ids), len(codes)), dtype=np.int64)
    np.add.at(found, (at[at >= 0], code[at >= 0]), points["cents"].to_numpy()[at >= 0])
    return np.asarray(found / 100)


def stake_codes(conf: Conf) -> tuple[str, ...]:
    """The risk codes that stakes are counted by, in their order."""
    return tuple(sorted(conf.register_))


def without_examined(points: pa.Table, outcome: pa.Table, procedures: frozenset[str]) -> pa.Table:
    """Leave out points whose tax and period a procedure has examined already, unless a fact is new since: `new_on` of the point's facts.

    outcome: rows of tonight; only answers of treatments in `procedures` bar, and `not_examined` bars nothing. Every examination of the
    period must be older than the new fact.
    """
    if points.num_rows == 0 or outcome.num_rows == 0:
        return points
    answered = pc.and_(pc.is_in(outcome["treatment"], value_set=pa.array(sorted(procedures), pa.string())),
                       pc.is_in(outcome["finding"], value_set=pa.array(["confirmed", "in_part", "excluded"])))
    done = outcome.filter(answered).select(["taxpayer_id", "tax", "period_from", "period_to", "known_at"])
    numbered = points.select(["taxpayer_id", "tax", "period_from", "period_to"]).append_column("row", pa.array(np.arange(points.num_rows)))
    both = numbered.join(done.rename_columns(["taxpayer_id", "tax", "done_from", "done_to", "known_at"]), ["taxpayer_id", "tax"], join_type="inner")
    overlap = pc.and_(pc.less_equal(both["period_from"], both["done_to"]), pc.less_equal(both["done_from"], both["period_to"]))
    both = both.filter(overlap)
    row = both["row"].to_numpy()
    barred = np.zeros(points.num_rows, dtype=bool)
    barred[row[_new_on(points, row) <= day_numbers(both["known_at"])]] = True
    return points.filter(pa.array(~barred))


def _new_on(points: pa.Table, rows: Ints) -> Ints:
    """Days since 1970 of the last new fact of the points in `rows`, one value per row; before all dates where there is none."""
    wanted = np.unique(rows)
    told = (json.loads(facts or "{}").get("new_on") for facts in points["facts"].take(pa.array(wanted)).to_pylist())
    days = day_numbers(pa.array([None if day is None else date.fromisoformat(day) for day in told], pa.date32()))
    return days[np.searchsorted(wanted, rows)]


@dataclass(frozen=True)
class Gathered:
    """Per taxpayer, in the order of the ids given: amount in cents, fraud, row of the heaviest usual treatment, risk types, points."""

    cents: Ints
    fraud: Flags
    usual: Ints
    types: dict[str, Flags]
    codes: dict[str, Flags]
    points: list[list[str]]


def gather(points: pa.Table, ids: pa.Array, register: Mapping[str, RiskCode], weight: Mapping[str, int]) -> Gathered:
    """Gather points per taxpayer (按户归集). `weight`: treatment -> its place among the planned ones, lightest first; -1: no point."""
    n = len(ids)
    at = positions(points["taxpayer_id"], ids)
    points, at = points.filter(pa.array(at >= 0)), at[at >= 0]
    codes = np.asarray(points["risk_code"].to_pylist(), dtype=object)
    fraud, usual = np.zeros(n, dtype=bool), np.full(n, -1, dtype=np.int64)
    fraud[at[flags(points["fraud"])]] = True
    types: dict[str, Flags] = {r.risk_type: np.zeros(n, dtype=bool) for r in register.values()}
    present: dict[str, Flags] = {}
    for code in sorted(set(codes)):
        rows = at[codes == code]
        np.maximum.at(usual, rows, weight.get(register[code].treatment, -1))
        types[register[code].risk_type][rows] = True
        present[code] = np.zeros(n, dtype=bool)
        present[code][rows] = True
        fraud[rows] |= register[code].fraud
    return Gathered(_case_cents(points, ids), fraud, usual, types, present, _names(points, at, n))


def _case_cents(points: pa.Table, ids: pa.Array) -> Ints:
    """The case's amount: what its points add up to, each tax and base once for a period."""
    counted = largest(points)
    total = np.zeros(len(ids), dtype=np.int64)
    np.add.at(total, positions(counted["taxpayer_id"], ids), counted["cents"].to_numpy())
    return total


def _names(points: pa.Table, at: Ints, n: int) -> list[list[str]]:
    """The point ids of each taxpayer: largest amount first, then by id."""
    found: list[list[str]] = [[] for _ in range(n)]
    rows = pa.table({"at": at, "cents": points["cents"], "point_id": points["point_id"]})
    ordered = rows.sort_by([("at", "ascending"), ("cents", "descending"), ("point_id", "ascending")])
    for row, point in zip(ordered["at"].to_pylist(), ordered["point_id"].to_pylist(), strict=True):
        found[row].append(point)
    return found
