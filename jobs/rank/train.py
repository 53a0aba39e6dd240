"""Training the audit score: four candidates in one comparison out of time, the best one registered as champion.

Rows are examined cases; features are those of the latest snapshot when the case was opened; a label counts from the day it was known. Every
candidate is compared by what the objective asks for: its probability, or (value, ndcg) probability x expected amount.
The expected amount is what past results found of what points of each risk code added up to (models/amount.py).
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Conf
from jobs.lake.arrays import Floats, Ints, floats, positions
from jobs.lake.step import ModelRef
from jobs.rank.labels import Labelled, labels, snapshot_rows
from jobs.rank.matrix import feature_matrix, feature_names
from jobs.rank.points import counted_points, stake_codes, stakes_by_code
from jobs.rank.registry import FILE, register
from jobs.rank.score import RULES_VERSION
from models import metrics, ranking
from models.amount import AmountModel, fit_amount
from models.candidates import CANDIDATES, POINTS_AMOUNT, RULES, FitError, Sort
from models.choose import Choice, Objective, ObjectiveError, choose, objective
from models.fit import Model, fit
from models.leaks import Leak, find_leaks
from models.matrix import Matrix
from models.splits import Split, SplitError, temporal
from models.store import save

log = logging.getLogger(__name__)
_WINDOW_ROWS = 50
_MAX_WINDOWS = 4


@dataclass(frozen=True)
class Rows:
    """Training rows: features and the set they belong to, label, amount (0 without an adjustment), and the days that keep time honest."""

    matrix: Matrix
    known: Labelled
    feature_set: str
    stakes: Floats  # [row, risk code], in the currency

    @property
    def amount(self) -> Floats:
        """Upward adjustment in the currency."""
        return np.asarray(self.known.amount, dtype=np.float64) / 100

    @property
    def ids(self) -> list[str]:
        """The taxpayer of each row: his cases stay together when rows are dealt."""
        return [str(i) for i in self.known.taxpayer_id.to_pylist()]


@dataclass(frozen=True)
class Trained:
    """What training came to. `model` is None, and `note` says why, when there was too little to learn from."""

    model: ModelRef | None
    chosen: str | None
    rows: int
    positives: int
    comparison: dict[str, dict[str, float | None]] = field(default_factory=dict)
    leaks: tuple[Leak, ...] = ()
    note: str = ""


def train(
    features: pa.Table, outcomes: pa.Table, scores: pa.Table | None, points: pa.Table | None, as_of: date, conf: Conf, registry_uri: str
) -> Trained:
    """Train on what was known on `as_of` and register the champion.

    features: table feature of many dates (column as_of; snapshot night or backfill). outcomes: table outcome of as_of. scores, points: tables
    score and risk_point of the same dates as features; without scores the candidate `rules` is left out, without points amounts know no stakes.
    Features that give the label away are left out and named. Deterministic: the same tables give the same model file.
    """
    rows = training_rows(features, outcomes, scores, points, as_of, conf)
    label, found = rows.known.label, find_leaks(rows.matrix, rows.known.label)
    kept = [n for n in rows.matrix.names if n not in {leak.feature for leak in found}]
    rows = replace(rows, matrix=rows.matrix.select(kept))
    positives = int(label.sum())
    for leak in found:
        log.warning("train: feature '%s' is left out: %s", leak.feature, leak.why)
    if len(label) < conf.ranking.min_labels or min(positives, len(label) - positives) < 10:
        note = f"{len(label)} examined cases with features, {positives} adjusted: {conf.ranking.min_labels} are needed, with at least 10 of each kind"
        return Trained(None, None, len(label), positives, leaks=tuple(found), note=f"{note}; the nights stay rules-only")
    try:
        comparison, choice = compare(rows, as_of, conf)
    except (SplitError, FitError, ObjectiveError) as fault:
        return Trained(
            None, None, len(label), positives, leaks=tuple(found), note=f"no comparison out of time: {fault}; the nights stay rules-only"
        )
    model, amounts = fit_final(choice.chosen, rows, conf)
    reference = _register(model, amounts, rows, comparison, choice, as_of, conf, registry_uri)
    return Trained(reference, choice.chosen, len(label), positives, comparison, tuple(found))


def training_rows(
    features: pa.Table, outcomes: pa.Table, scores: pa.Table | None, points: pa.Table | None, as_of: date, conf: Conf
) -> Rows:
    """Labelled cases joined to the features, and where given the rules score, the points' amount and stakes, known when they were opened.

    Snapshots of another feature set than the latest one's are left out: a feature of the same name may have meant something else.
    """
    known = labels(outcomes, as_of, conf)
    snapshots = features.filter(pc.less_equal(features["as_of"], pa.scalar(as_of, pa.date32())))
    newest = snapshots.filter(pc.equal(snapshots["as_of"], pc.max(snapshots["as_of"])))
    feature_set = str(pc.max(newest["feature_set"]).as_py() or "")
    snapshots = snapshots.filter(pc.equal(snapshots["feature_set"], feature_set))
    at = snapshot_rows(known, snapshots["as_of"], snapshots["taxpayer_id"], conf.ranking.snapshot_days)
    kept = np.flatnonzero(at >= 0)
    known, at = known.take(kept), at[kept]
    rules, amount = _from_scores(scores, known, conf) if scores is not None else (None, None)
    names = feature_names(features, conf.ranking.forbidden_features)
    stakes = _stakes(points, known, snapshots["as_of"].take(pa.array(at)), conf)
    return Rows(feature_matrix(snapshots, names, at, rules, amount), known, feature_set, stakes)


def _from_scores(scores: pa.Table, known: Labelled, conf: Conf) -> tuple[Floats, Floats]:
    """Rules score and points' amount (currency) of the rules' rows; 0 where there was no row, as for a taxpayer without hits."""
    mine = scores.filter(pc.equal(scores["model_version"], RULES_VERSION))
    at = snapshot_rows(known, mine["as_of"], mine["taxpayer_id"], conf.ranking.snapshot_days)
    if not mine.num_rows:
        return np.zeros(len(at)), np.zeros(len(at))
    rules = np.where(at >= 0, floats(mine["rules_score"])[np.maximum(at, 0)], 0.0)
    amount = np.where(at >= 0, floats(mine["amount"])[np.maximum(at, 0)], 0.0)
    return np.nan_to_num(rules), np.nan_to_num(amount) / (conf.ranking.point_amount_share or 1.0)


def _stakes(points: pa.Table | None, known: Labelled, seen_on: pa.ChunkedArray, conf: Conf) -> Floats:
    """Stakes by risk code of each case on the day of its snapshot, [case, code]; a taxpayer of several cases has those of each day."""
    found = np.zeros((len(known.label), len(stake_codes(conf))))
    if points is None:
        return found
    for day in pc.unique(seen_on).to_pylist():
        rows = np.flatnonzero(np.asarray(pc.equal(seen_on, pa.scalar(day, pa.date32()))))
        ids = pc.unique(known.taxpayer_id.take(pa.array(rows)))
        of_day = points.filter(pc.equal(points["as_of"], pa.scalar(day, pa.date32())))
        found[rows] = stakes_by_code(counted_points(of_day, day, conf), ids, conf)[positions(known.taxpayer_id.take(pa.array(rows)), ids)]
    return found


def windows(known: Labelled, as_of: date, conf: Conf) -> list[Split]:
    """Windows of time over the later cases: up to 4, each of about 50 cases or more, none younger than label_lag_days.

    The first starts when half of min_labels (at least 30) labels of opened cases were known. SplitError when that leaves no window.
    """
    need = max(30, conf.ranking.min_labels // 2)
    known_days = np.sort(known.known_at)
    last = np.datetime64(str(as_of), "D") - np.timedelta64(conf.ranking.label_lag_days, "D")
    if len(known_days) <= need:
        raise SplitError(f"{len(known_days)} labels are too few for a window to test on")
    first = known_days[need]
    opened = np.sort(known.opened_on[(known.opened_on >= first) & (known.opened_on <= last)])
    if len(opened) < 20:
        raise SplitError(f"only {len(opened)} cases were opened between {first}, when {need} labels were known, and {last}")
    count = max(1, min(_MAX_WINDOWS, len(opened) // _WINDOW_ROWS))
    edges = np.unique(np.r_[opened[[len(opened) * n // count for n in range(count)]], last + np.timedelta64(1, "D")])
    return temporal(known.opened_on, known.known_at, known.label, list(pairwise(edges)))


def compare(rows: Rows, as_of: date, conf: Conf) -> tuple[dict[str, dict[str, float | None]], Choice]:
    """All candidates on the same windows. Gives each one's mean objective, regret, AUC, Brier score and calibration slope; and the choice."""
    aim = objective(conf.ranking.objective)
    label = rows.known.label
    splits = [s for s in windows(rows.known, as_of, conf) if 0 < label[s.train].sum() < len(s.train)]
    names = [c for c in CANDIDATES if c in conf.ranking.candidates and (c != "rules" or RULES in rows.matrix.names)]
    if not splits or not names:
        raise SplitError("the training rows of every window hold only one label" if names else "no candidate can be compared")
    found = {name: [_on_window(name, rows, split, aim, conf) for split in splits] for name in names}
    choice = choose({name: [f["objective"] for f in parts] for name, parts in found.items()}, aim)
    table = {
        name: {
            "objective": choice.means[name], "regret": choice.regrets[name],
            **{m: _mean([f[m] for f in parts]) for m in ("auc", "average_precision", "brier", "calibration_slope", "calibration_error")},
        }
        for name, parts in found.items()
    }  # fmt: skip
    return table, choice


def _on_window(name: str, rows: Rows, split: Split, aim: Objective, conf: Conf) -> dict[str, float | None]:
    matrix, label = rows.matrix.take(split.train), rows.known.label
    model = fit(
        name, matrix, label[split.train], [rows.ids[n] for n in split.train], conf.house.seed, _latest(rows.known, split.train, conf)
    )
    test, truth = rows.matrix.take(split.test), label[split.test]
    probability = model.probability(test)
    by = model.raw(test) if name == "single_feature" else _expected(name, rows, split, probability, conf)
    score = by if aim.metric in ("value", "ndcg") or name == "single_feature" else probability
    tied = ranking.ties(score, truth)
    k = aim.at.rows(len(split.test)) if aim.at else len(split.test)
    whole = {
        "auc": metrics.auc(probability, truth).expected, "average_precision": metrics.average_precision(probability, truth).expected,
        "brier": metrics.brier(probability, truth), "calibration_slope": metrics.calibration_slope(probability, truth),
        "calibration_error": metrics.calibration_error(probability, truth),
    }  # fmt: skip
    at = {n: s.expected for n, s in ranking.at(score, truth, k, rows.amount[split.test], tied).items()}
    at["ndcg"] = ranking.ndcg(score, np.log1p(rows.amount[split.test]), k, tied).expected
    return whole | {"objective": (whole | at)[aim.metric]}


def _expected(name: str, rows: Rows, split: Split, probability: Floats, conf: Conf) -> Floats:
    """Expected tax of the test rows: probability x the points' amount for the rules, what past results make of the stakes for what learns."""
    if name == "rules" and POINTS_AMOUNT in rows.matrix.names:
        return np.asarray(probability * rows.matrix.take(split.test).column(POINTS_AMOUNT))
    model = fit_amount(rows.stakes[split.train], stake_codes(conf), rows.amount[split.train], conf.ranking.point_amount_share)
    return model.expected(rows.stakes[split.test], stake_codes(conf), probability) if model is not None else probability


def _latest(known: Labelled, rows: Ints, conf: Conf) -> Ints | None:
    """Places among the given rows of the cases opened last: the share that calibrates. None when they are all of one day."""
    opened = known.opened_on[rows].astype(np.int64)
    later = np.flatnonzero(opened >= np.quantile(opened, 1 - conf.ranking.calibration_share))
    return later if 0 < len(later) < len(rows) else None


def fit_final(name: str, rows: Rows, conf: Conf) -> tuple[Model, AmountModel | None]:
    """The chosen candidate and the amounts on all rows."""
    everyone = np.arange(len(rows.known.label))
    model = fit(name, rows.matrix, rows.known.label, rows.ids, conf.house.seed, _latest(rows.known, everyone, conf))
    return model, fit_amount(rows.stakes, stake_codes(conf), rows.amount, conf.ranking.point_amount_share)


def _register(
    model: Model, amounts: AmountModel | None, rows: Rows, comparison: dict[str, dict[str, float | None]], choice: Choice,
    as_of: date, conf: Conf, uri: str,
) -> ModelRef:  # fmt: skip
    figures = {f"{name}.{m}": float(v) for name, held in comparison.items() for m, v in held.items() if v is not None and np.isfinite(v)}
    label = rows.known.label
    params: dict[str, Any] = {
        "as_of": as_of.isoformat(), "candidate": choice.chosen, "objective": conf.ranking.objective, "rows": len(label),
        "positives": int(label.sum()), "features": len(rows.matrix.names), "seed": conf.house.seed, "conf": conf.digest,
    }  # fmt: skip
    if isinstance(model.core, Sort):
        params["sorted_by"] = model.core.feature
    extra = {"amount": amounts.state() if amounts is not None else None, **{k: v for k, v in params.items() if k != "conf"}}
    with tempfile.TemporaryDirectory(prefix="assay-train-") as folder:
        file = Path(folder) / FILE
        digest = save(model, file, extra)
        params["sha256"] = digest
        return register(uri, file, digest, params, figures, {"comparison": comparison, "features": list(rows.matrix.names)}, crown=True)


def _mean(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
