"""Fitting every candidate on every split and measuring its list: no number without ties, labelled share and, at capacities, an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jobs.evaluate.backtest.study import ByTime, Study, span
from jobs.evaluate.backtest.table import Data
from models import metrics, ranking
from models.candidates import Sort
from models.choose import Objective
from models.fit import Model, fit
from models.interval import interval, precision_draws
from models.matrix import FloatArray, IntArray
from models.ranking import Spread
from models.splits import Split, SplitError, folds, temporal, windows

POOLED = "pooled"


@dataclass(frozen=True)
class Run:
    """One candidate on one split: what ranks the test rows, their probability, and the order (best first, by score then id)."""

    candidate: str
    split: Split
    model: Model | None
    score: FloatArray
    probability: FloatArray
    order: IntArray


def make_splits(data: Data, study: Study) -> tuple[list[Split], list[str]]:
    """The study's splits that can be trained on, and a note for each that cannot. SplitError when none is left."""
    notes: list[str] = []
    if isinstance(study.split, ByTime):
        first = study.split.test_from or study.split.first_test
        start, last = np.datetime64(str(first), "D"), data.as_of.max()
        tests = windows(start, last, *span(study.split.every or "1y"))
        if study.split.test_to is not None:
            tests = [(start, np.datetime64(str(study.split.test_to), "D") + np.timedelta64(1, "D"))]
        number, unit = span(study.split.embargo)
        days = number if unit == "D" else round(number * (365.25 if unit == "Y" else 30.4375))
        groups = None if data.groups is None else list(data.groups)
        made = temporal(data.as_of, data.known_at, data.label, tests, days, groups)
        notes += [
            f"test window from {s} left out: nothing to train on, or no rows in it"
            for s, _ in tests
            if str(s) not in {m.name for m in made}
        ]
    else:
        made = folds(study.split.k, data.label, list(data.ids), study.seed, None if data.groups is None else list(data.groups))
    kept = [s for s in made if 0 < data.label[s.train].sum() < len(s.train)]
    notes += [f"split {s.name} left out: its {len(s.train)} training rows hold only one label" for s in made if s not in kept]
    if not kept:
        raise SplitError("split: the training rows of every split hold only one label; move the windows later, or use fewer folds")
    return kept, notes


def run(candidate: str, split: Split, data: Data, study: Study) -> Run:
    """Fit on the split's training rows and score its test rows. What learns ranks by its probability, a sort by the value itself."""
    who = data.ids if data.groups is None else data.groups
    later = None
    if isinstance(study.split, ByTime):
        later = np.flatnonzero(
            data.as_of[split.train] >= np.quantile(data.as_of[split.train].astype(np.int64), 0.75).astype("datetime64[D]")
        )
        later = later if len(later) < len(split.train) else None
    model = fit(candidate, data.matrix.take(split.train), data.label[split.train], list(who[split.train]), study.seed, later)
    test = data.matrix.take(split.test)
    probability = model.probability(test)
    score = model.raw(test) if isinstance(model.core, Sort) else probability
    return Run(candidate, split, model, score, probability, total_order(score, data.ids[split.test], data.row[split.test]))


def total_order(score: FloatArray, ids: np.ndarray, row: IntArray) -> IntArray:
    """Rows by score, highest first, then id, then row number: no tie is left to the order of the file."""
    return np.lexsort((row, ids.astype(str), -np.where(np.isnan(score), -np.inf, score)))


def pooled(runs: list[Run], data: Data) -> Run:
    """All folds of one candidate as one list, by probability: each row was scored by a model that had not seen it."""
    rows = np.concatenate([r.split.test for r in runs])
    probability = np.concatenate([r.probability for r in runs])
    split = Split(POOLED, np.empty(0, dtype=np.int64), rows)
    return Run(runs[0].candidate, split, None, probability, probability, total_order(probability, data.ids[rows], data.row[rows]))


def measured(result: Run, data: Data, study: Study) -> dict[str, Any]:
    """All numbers of one candidate on one split, ready for JSON. Spreads are {worst, expected, best} over ties."""
    rows = result.split.test
    label = data.label[rows]
    amount = None if data.amount is None else data.amount[rows]
    gain = np.nan_to_num(label) if amount is None else np.log1p(np.maximum(np.nan_to_num(amount * (label == 1)), 0.0))
    tied = ranking.ties(result.score, label)
    member = np.unique((data.ids if data.groups is None else data.groups)[rows].astype(str), return_inverse=True)[1]
    whole = {
        "auc": metrics.auc(result.score, label).as_dict(),
        "average_precision": metrics.average_precision(result.score, label).as_dict(),
        "brier": _same(metrics.brier(result.probability, label)),
        "calibration_slope": _same(metrics.calibration_slope(result.probability, label)),
        "calibration_error": _same(metrics.calibration_error(result.probability, label)),
    }
    at = {}
    for cut in study.capacities:
        k = cut.rows(len(rows))
        found = {name: s.as_dict() for name, s in ranking.at(result.score, label, k, amount, tied).items()}
        draws = precision_draws(result.order, label, k, member, 200, study.seed)
        at[cut.text] = {
            "k": k,
            **found,
            "ndcg": ranking.ndcg(result.score, gain, k, tied).as_dict(),
            **whole,
            "precision_interval": interval(draws),
        }
    counts = {
        "rows": len(rows),
        "labelled": int((~np.isnan(label)).sum()),
        "positives": int((label == 1).sum()),
        "train_rows": len(result.split.train),
    }
    return {**counts, **whole, "capacities": at}


def aimed(found: dict[str, Any], aim: Objective) -> float | None:
    """The objective's expected value in one `measured` result."""
    place = found["capacities"][aim.at.text] if aim.at else found
    value = place[aim.metric]["expected"]
    return None if value is None else float(value)


def _same(value: float | None) -> dict[str, float | None]:
    return Spread(value, value, value).as_dict()
