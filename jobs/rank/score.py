"""The score: probability, amount, collectability, loss prevented and effort, each a column of its own, and the value they make.

value = (probability x amount x collectability + loss prevented) / effort. The rules alone are scored every night, as the shadow that a
champion must beat; the champion's rows stand beside them when there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import COMPREHENSIVE, Conf
from jobs.lake.arrays import Floats, Ints, flags, floats, money, one_each, positions, whole_array
from jobs.lake.step import Night, Tables
from jobs.rank.matrix import feature_matrix, feature_names
from jobs.rank.points import counted_points, stake_codes, stakes_by_code
from models.amount import AmountModel
from models.fit import Model
from models.matrix import Matrix
from models.store import load

RULES_VERSION = "rules"
STRENGTH_CAP = 5.0
LEAST_CHANCE = 0.01  # below it an amount is not expected tax / probability: it would be any number


@dataclass(frozen=True)
class Stakes:
    """What a taxpayer's open points add up to, in the order of the ids given. `amount` in cents, `going_on` = loss that would go on, in cents."""

    amount: Floats
    collectability: Floats
    going_on: Floats
    effort_days: Floats


def score(tables: Tables, night: Night) -> pa.Table:
    """Kernel. Reads feature, risk_point, indicator_hit, taxpayer; uses the champion, if any. Writes score: a row per taxpayer and model.

    Rules: probability = 1 - exp(-rules_score / rules_scale), increasing in the score and below 1; amount = points' amount x
    point_amount_share (conf/rank.yaml). Champion: its calibrated probability, and of each risk code's stake the share that past results found.
    """
    people = one_each(tables["taxpayer"], "taxpayer_id", "source" if "source" in tables["taxpayer"].column_names else None)
    ids = whole_array(people["taxpayer_id"])
    points = counted_points(tables["risk_point"], night.as_of, night.conf)
    stakes = stakes_of(points, people, night.conf)
    rules = rules_score(tables["indicator_hit"], ids, night)
    ranking = night.conf.ranking
    by_rules = 1.0 - np.exp(-rules / ranking.rules_scale)
    parts = [_rows(ids, RULES_VERSION, by_rules, rules, stakes.amount * ranking.point_amount_share, stakes, night.conf)]
    if night.model is not None:
        model, amounts, feature_set = _champion(night.model.path, night.model.digest)
        _same_features(tables["feature"], feature_set, night.model.version)
        matrix = matrix_of(tables["feature"], ids, rules, stakes.amount / 100, night.conf)
        by_code = stakes_by_code(points, ids, night.conf)
        chance = model.probability(matrix)
        expected = amounts.expected(by_code, stake_codes(night.conf), chance) * 100 if amounts is not None else chance * stakes.amount * ranking.point_amount_share
        parts.append(_rows(ids, night.model.version, chance, rules, expected / np.maximum(chance, LEAST_CHANCE), stakes, night.conf))
    return pa.concat_tables(parts)


@lru_cache(maxsize=2)
def _champion(path: str, digest: str) -> tuple[Model, AmountModel | None, str | None]:
    """The verified model of a path and digest, its amounts and its feature set; kept, because every bucket of a night uses the same."""
    model, extra = load(Path(path), digest)
    return model, AmountModel.from_state(extra["amount"]) if extra.get("amount") else None, extra.get("feature_set")


def _same_features(feature: pa.Table, trained_on: str | None, version: str) -> None:
    """A champion may only score what it was trained on. ValueError when tonight's feature set is another one."""
    tonight = {s for s in pc.unique(feature["feature_set"]).to_pylist() if s is not None}
    if trained_on is not None and tonight - {trained_on}:
        raise ValueError(
            f"score: champion {version} was trained on feature set {trained_on}, tonight's is {', '.join(sorted(tonight))}; run `assay train` again"
        )


def matrix_of(feature: pa.Table, ids: pa.Array, rules: Floats, points_amount: Floats, conf: Conf) -> Matrix:
    """The features of taxpayers, one row each in the order of `ids`; a taxpayer without a feature row has all missing."""
    one = one_each(feature, "taxpayer_id")
    names = feature_names(one, conf.ranking.forbidden_features)
    return feature_matrix(one, names, positions(ids, one["taxpayer_id"]), rules, points_amount)


def rules_score(hits: pa.Table, ids: pa.Array, night: Night) -> Floats:
    """Sum over the published indicators that fired of weight x strength, the strongest period of each, at most 5 times the threshold.

    Bounded, because one absurd ratio would otherwise outweigh ten contradictions. 0 without a hit.
    """
    known = {i: p for i, p in night.conf.indicators_on(night.as_of).items() if p.state == "published"}
    fired = pc.and_(pc.fill_null(hits["hit"], False), pc.is_in(hits["indicator"], value_set=pa.array(sorted(known), pa.string())))
    rows = hits.filter(fired).group_by(["taxpayer_id", "indicator"]).aggregate([("strength", "max")])
    total = np.zeros(len(ids))
    if not rows.num_rows:
        return total
    strength = np.clip(np.nan_to_num(floats(rows["strength_max"]), nan=1.0, posinf=STRENGTH_CAP), 0.0, STRENGTH_CAP)
    names = sorted(known)
    weight = np.array([known[n].weight for n in names])[positions(rows["indicator"], names)]
    at = positions(rows["taxpayer_id"], ids)
    # in a fixed order, so that the sum does not depend on the order of the rows
    order = np.lexsort((positions(rows["indicator"], names), at))
    order = order[at[order] >= 0]
    np.add.at(total, at[order], (weight * strength)[order])
    return total


def stakes_of(points: pa.Table, people: pa.Table, conf: Conf) -> Stakes:
    """What the points that count (points.counted_points) add up to for each taxpayer.

    Collectability is weighted by amount. Loss that goes on = amount x prevented_per_month x prevented_months of the point's risk code. Effort
    = that of the usual treatment of the largest point, or of the lightest treatment that opens a procedure when the usual one opens none
    (the value is that of an examination), times the segment's factor.
    """
    ids = whole_array(people["taxpayer_id"])
    at = positions(points["taxpayer_id"], ids)
    points, at = points.filter(pa.array(at >= 0)), at[at >= 0]
    codes = sorted(conf.register_)
    entry = [conf.register_[c] for c in codes]
    code = positions(points["risk_code"], codes)
    cent = points["cents"].to_numpy().astype(np.float64)
    share, going = (np.array(v)[code] if len(code) else np.empty(0) for v in (
        [e.collectability for e in entry], [e.prevented_per_month * e.prevented_months for e in entry]))  # fmt: skip
    total, paid, lost = (np.bincount(at, weights=w, minlength=len(ids)).astype(np.float64) for w in (cent, cent * share, cent * going))
    usual = conf.register_.get(COMPREHENSIVE)
    alone = usual.collectability if usual else 0.8
    collectability = np.where(total > 0, paid / np.maximum(total, 1.0), alone)
    return Stakes(total, collectability, lost, _effort(points, at, code, people, conf))


def _effort(points: pa.Table, at: Ints, code: Ints, people: pa.Table, conf: Conf) -> Floats:
    days = {t.id: t.effort_days for t in conf.treatments.values() if t.opens_procedure}
    least = min(days.values(), default=1.0)
    usual = conf.register_.get(COMPREHENSIVE)
    effort = np.full(people.num_rows, days.get(usual.treatment, least) if usual else least)
    treatment_days = np.array([days.get(conf.register_[c].treatment, least) for c in sorted(conf.register_)] or [least])[code]
    cent = points["cents"].to_numpy() if points.num_rows else np.empty(0)
    order = np.lexsort((np.arange(len(at)), cent))  # the largest comes last and stays
    effort[at[order]] = treatment_days[order]
    for segment, factor in conf.ranking.segment_effort.items():
        effort = np.where(flags(pc.equal(people["segment"], segment)), effort * factor, effort)
    return effort


def _rows(ids: pa.Array, version: str, probability: Floats, rules: Floats, amount: Floats, stakes: Stakes, conf: Conf) -> pa.Table:
    """The table's own columns. Money is rounded to whole cents once, at the end of each product."""
    expected = np.rint(probability * amount * stakes.collectability)
    prevented = np.rint(probability * stakes.going_on * conf.ranking.point_amount_share)
    return pa.table(
        {
            "taxpayer_id": ids,
            "model_version": pa.array([version] * len(ids), pa.string()),
            "probability": pa.array(probability, pa.float64()),
            "rules_score": pa.array(rules, pa.float64()),
            "amount": money(np.rint(amount).astype(np.int64)),
            "collectability": pa.array(stakes.collectability, pa.float64()),
            "expected_tax": money(expected.astype(np.int64)),
            "loss_prevented": money(prevented.astype(np.int64)),
            "effort_days": pa.array(stakes.effort_days, pa.float64()),
            "value": pa.array((expected + prevented) / 100 / stakes.effort_days, pa.float64()),
        }
    )
