"""Three reasons per case, in words, with the numbers behind them.

Risk points come first, largest amount first. Then, while there is no model, indicators near their thresholds that made no point, in their own
sentence; then what the model's score rests on (contributions against the median of taxpayers of the same size). A case without a point has
the same first sentence and figures alone, whether the model or the random draw chose it, and no sentence says which way a figure moves the
score: either would show the random slice, and an indicator would contradict that there is no single contradiction.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import COMPREHENSIVE
from jobs.lake.arrays import Flags, Floats, Ints, one_each, positions, whole_array
from jobs.lake.step import Night, Tables
from jobs.rank.points import counted_points, with_cents
from jobs.rank.score import matrix_of, rules_score, stakes_of
from jobs.rank.words import phrase, written
from models.candidates import POINTS_AMOUNT, RULES
from models.explain import contributions
from models.matrix import Matrix
from models.store import load

REASONS = 3
_ENOUGH_PEERS = 10
_UNSAID = (RULES, POINTS_AMOUNT)  # sums of points and hits: the points themselves are the reason
_LAPSES_SOON_DAYS = 180
_FULL_WIDTH = str.maketrans("(),:;", "（），：；")  # names of features carry their months in brackets
_YES_NO = {"yes": "是", "no": "否"}
_NEAR = 0.8  # times the threshold: below it an indicator says nothing


@dataclass(frozen=True)
class Reason:
    """One reason before it has its place."""

    kind: str
    code: str
    text: str
    text_zh: str
    numbers: dict[str, Any]
    weight: float
    point_id: str | None = None


def reason(tables: Tables, night: Night) -> pa.Table:
    """Kernel. Reads selection, risk_point, indicator_hit, feature, taxpayer; uses the champion, if any. Writes reason: three per case."""
    selection = tables["selection"].sort_by("taxpayer_id")
    ids = whole_array(selection["taxpayer_id"])
    points = _points(tables["risk_point"], selection, night)
    if not len(ids):
        return _table({}, [])
    compared = _Compared.of(tables, ids, night)
    hits = {} if night.model else _indicators(tables["indicator_hit"], ids, night)
    found: dict[str, list[Reason]] = {}
    for n, taxpayer_id in enumerate(ids.to_pylist()):
        own = points.get(taxpayer_id, [])
        named = {r.code for r in own}
        more = [r for r in hits.get(taxpayer_id, []) if r.code not in named] if own else []
        own = own or [_comprehensive(night)]
        found[taxpayer_id] = [*own, *more[: max(REASONS - len(own), 0)], *compared.reasons(n)][:REASONS]
    return _table(found, ids.to_pylist())


def _points(risk_point: pa.Table, selection: pa.Table, night: Night) -> dict[str, list[Reason]]:
    """The points of each case, one reason per risk code: its largest point, and what the others of the code add up to."""
    wanted = pc.list_flatten(selection["points"])
    mine = risk_point.filter(pc.is_in(risk_point["point_id"], value_set=whole_array(wanted)))
    mine = with_cents(mine).sort_by([("taxpayer_id", "ascending"), ("cents", "descending"), ("point_id", "ascending")])
    by_case: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in mine.to_pylist():
        by_case.setdefault(row["taxpayer_id"], {}).setdefault(row["risk_code"], []).append(row)
    return {taxpayer_id: [_point(rows, night) for rows in codes.values()] for taxpayer_id, codes in by_case.items()}


def _point(rows: list[dict[str, Any]], night: Night) -> Reason:
    row = rows[0]
    facts = json.loads(row["facts"] or "{}")
    name = night.conf.register_[row["risk_code"]].name
    amount, others = row["cents"] / 100, sum(r["cents"] for r in rows[1:]) / 100
    text = facts.get("sentence_en") or f"{name.en}."
    text_zh = facts.get("sentence_zh") or f"{name.zh}。"
    if amount:
        text, text_zh = f"{text} Tax at stake: {amount:,.2f}.", f"{text_zh}涉及税额：{amount:,.2f}。"
    else:
        text, text_zh = f"{text} No amount can be computed.", f"{text_zh}无法计算涉及税额。"
    lapses = [(until, r) for r in rows if (until := r["until_evasion"] if r["fraud"] else r["until_error"]) and (until - night.as_of).days <= _LAPSES_SOON_DAYS]
    own_end = next((until for until, r in lapses if r is row), None)
    if own_end:
        text, text_zh = f"{text} Can be assessed only until {own_end}.", f"{text_zh}追征期至{own_end}。"
    if len(rows) > 1:
        periods = len(rows) - 1
        text = f"{text} The same in {periods} other period{'s' if periods > 1 else ''}{f': {others:,.2f}' if others else ''}."
        text_zh = f"{text_zh}另有{periods}个税款所属期存在同类疑点{f'：{others:,.2f}' if others else ''}。"
    sooner = min(((until, r["period_from"], r["period_to"]) for until, r in lapses if r is not row and (own_end is None or until < own_end)), default=None)
    if sooner:
        text = f"{text} For {sooner[1]} to {sooner[2]} it can be assessed only until {sooner[0]}."
        text_zh = f"{text_zh}其中{sooner[1]}至{sooner[2]}追征期至{sooner[0]}。"
    numbers = {"amount": amount, "others": others, "periods": len(rows), "period_from": str(row["period_from"]), "period_to": str(row["period_to"]),
               "difference": facts.get("difference"), **_sides(facts)}
    return Reason("point", row["risk_code"], text, text_zh, numbers, amount, row["point_id"])


def _sides(facts: dict[str, Any]) -> dict[str, Any]:
    return {side: facts[side].get("value") for side in ("declared", "other") if isinstance(facts.get(side), dict)}


def _comprehensive(night: Night) -> Reason:
    entry = night.conf.register_.get(COMPREHENSIVE)
    en, zh = (entry.name.en, entry.name.zh) if entry else ("Comprehensive examination", "综合检查")
    return Reason("point", COMPREHENSIVE, f"{en}: no single contradiction; look at the whole of the declarations, starting with the figures below.",
                  f"{zh}：无单一疑点，请从以下数据入手全面核实申报情况。", {}, 0.0)


def _indicators(hit: pa.Table, ids: pa.Array, night: Night) -> dict[str, list[Reason]]:
    """The published indicators of each case near or above their threshold that did not fire, one per risk code, strongest first.

    What fired has its risk point: where that is not in the case it is explained, found, examined or lapsed, and no reason.
    """
    usable = pc.and_(pc.is_in(hit["taxpayer_id"], value_set=ids), pc.and_(pc.is_valid(hit["strength"]), pc.equal(hit["hit"], False)))
    published = pa.array(sorted(i for i, p in night.conf.indicators_on(night.as_of).items() if p.state == "published"), pa.string())
    known = pc.and_(pc.is_in(hit["risk_code"], value_set=pa.array(sorted(night.conf.register_), pa.string())), pc.is_in(hit["indicator"], value_set=published))
    mine = hit.filter(pc.and_(usable, known))
    mine = mine.filter(pc.is_finite(mine["strength"])).sort_by([("taxpayer_id", "ascending"), ("strength", "descending"), ("indicator", "ascending"), ("period_from", "descending")])
    found: dict[str, list[Reason]] = {}
    for row in mine.select(["taxpayer_id", "risk_code", "indicator", "period_from", "period_to", "difference", "threshold", "strength", "facts"]).to_pylist():
        of_case = found.setdefault(row["taxpayer_id"], [])
        if len(of_case) < REASONS * 2 and row["strength"] >= _NEAR and row["risk_code"] not in {r.code for r in of_case}:
            of_case.append(_indicator(row, night))
    return found


def _indicator(row: dict[str, Any], night: Night) -> Reason:
    name, facts = night.conf.register_[row["risk_code"]].name, json.loads(row["facts"] or "{}")
    why, why_zh = "too little tax is at stake", "涉及税额低于起点"
    if row["strength"] < 1:
        why, why_zh = f"{min(row['strength'], 0.99):.2f} times the threshold", f"为阈值的{min(row['strength'], 0.99):.2f}倍"
    text = f"{facts.get('sentence_en') or name.en + '.'} On its own no risk point: {why}."
    text_zh = f"{facts.get('sentence_zh') or name.zh + '。'}单独不构成风险点：{why_zh}。"
    numbers = {k: row[k] for k in ("indicator", "difference", "threshold", "strength")} | {"period_from": str(row["period_from"]), "period_to": str(row["period_to"])} | _sides(facts)
    return Reason("indicator", row["risk_code"], text, text_zh, numbers, row["strength"])


@dataclass(frozen=True)
class _Compared:
    """Features of the listed taxpayers beside the median of their peers: the weight of each in the score, and how far apart it stands.

    A feature that reads like the median is no reason, whatever the model makes of it.
    """

    names: tuple[str, ...]
    values: Floats
    median: Floats
    weight: Floats
    apart: Floats
    same_size: Flags  # the median is that of taxpayers of the same size; else of all

    @classmethod
    def of(cls, tables: Tables, ids: pa.Array, night: Night) -> _Compared:
        people = one_each(tables["taxpayer"], "taxpayer_id")
        owner = whole_array(people["taxpayer_id"])
        rules = rules_score(tables["indicator_hit"], owner, night)
        everyone = matrix_of(tables["feature"], owner, rules, stakes_of(counted_points(tables["risk_point"], night.as_of, night.conf), people, night.conf).amount / 100, night.conf)
        median, spread, same_size = _peers(everyone.values, owner, people, ids)
        at = positions(ids, owner)
        values = np.where((at >= 0)[:, None], everyone.values[np.maximum(at, 0)], np.nan)
        apart = np.abs(values - median) / np.where(spread > 0, spread, np.inf)
        weight = np.zeros(values.shape)
        if night.model:
            model, _ = load(Path(night.model.path), night.model.digest)
            place = np.asarray([everyone.names.index(f) if f in everyone.names else -1 for f in model.features], dtype=np.int64)
            baseline = np.where(place >= 0, median[:, place], np.nan)
            given = contributions(model, Matrix(everyone.names, values), baseline)
            weight[:, place[place >= 0]] = given[:, place >= 0]
        else:
            weight = np.nan_to_num(apart)
        unsaid = np.asarray([n in _UNSAID for n in everyone.names], dtype=bool) | np.isnan(values) | (values == median)
        return cls(everyone.names, values, median, np.where(unsaid, -np.inf, np.maximum(np.nan_to_num(weight), 0)), np.nan_to_num(apart), same_size)

    def reasons(self, n: int) -> Iterator[Reason]:
        """The features of one case, weightiest first; those without weight by how far they stand apart; then by name."""
        for k in np.lexsort((np.arange(len(self.names)), -self.apart[n], -self.weight[n])):
            own, usual = written(self.names[k], float(self.values[n, k])), written(self.names[k], float(self.median[n, k]))
            if np.isfinite(self.weight[n, k]) and own != usual:
                yield self._reason(n, int(k), own, usual)

    def _reason(self, n: int, k: int, own: str, usual: str) -> Reason:
        value, median = float(self.values[n, k]), float(self.median[n, k])
        en, zh = phrase(self.names[k])
        whose, whose_zh = ("taxpayers of the same size", "同规模") if self.same_size[n] else ("all taxpayers", "全体")
        text = f"{en}: {own}; the median of {whose} is {usual}."
        numbers = {"value": value, "median": None if np.isnan(median) else median}
        return Reason("feature", self.names[k], text, f"{zh.translate(_FULL_WIDTH)}：{_YES_NO.get(own, own)}；{whose_zh}纳税人中位数为{_YES_NO.get(usual, usual)}。", numbers, float(self.weight[n, k]))


def _peers(everyone: Floats, owner: pa.Array, people: pa.Table, ids: pa.Array) -> tuple[Floats, Floats, Flags]:
    """Median and robust spread of the peers of each listed taxpayer: this bucket's taxpayers of his segment, or all when they are few; and which.

    A bucket is a random part of all taxpayers, so its medians stand for theirs. `everyone` is in the order of `owner`.
    """
    names = sorted(set(pc.fill_null(people["segment"], "").to_pylist()))
    of_rows = positions(pc.fill_null(people["segment"], ""), names)
    at = positions(ids, owner)
    of_ids: Ints = np.where(at >= 0, of_rows[np.maximum(at, 0)], -1)
    width = everyone.shape[1]
    median, spread = np.full((len(ids), width), np.nan), np.full((len(ids), width), np.nan)
    enough = np.zeros(len(ids), dtype=bool)
    for k in sorted(set(of_ids.tolist())):
        enough[of_ids == k] = (of_rows == k).sum() >= _ENOUGH_PEERS
        peers = everyone[of_rows == k] if (of_rows == k).sum() >= _ENOUGH_PEERS else everyone
        some = ~np.isnan(peers).all(axis=0)
        middle, around = np.full(width, np.nan), np.full(width, np.nan)
        middle[some] = np.nanmedian(peers[:, some], axis=0)
        around[some] = 1.4826 * np.nanmedian(np.abs(peers[:, some] - middle[some]), axis=0)
        median[of_ids == k], spread[of_ids == k] = middle, around
    return median, spread, enough


def _table(found: dict[str, list[Reason]], ids: list[str]) -> pa.Table:
    flat = [(i, n + 1, r) for i in ids for n, r in enumerate(found[i])]
    return pa.table({
        "taxpayer_id": pa.array([i for i, _, _ in flat], pa.string()),
        "ordinal": pa.array([n for _, n, _ in flat], pa.int32()),
        "kind": pa.array([r.kind for _, _, r in flat], pa.string()),
        "code": pa.array([r.code for _, _, r in flat], pa.string()),
        "point_id": pa.array([r.point_id for _, _, r in flat], pa.string()),
        "text": pa.array([r.text for _, _, r in flat], pa.string()),
        "text_zh": pa.array([r.text_zh for _, _, r in flat], pa.string()),
        "numbers": pa.array([json.dumps(r.numbers, sort_keys=True, ensure_ascii=False) for _, _, r in flat], pa.string()),
        "weight": pa.array([r.weight for _, _, r in flat], pa.float64()),
    })
