"""The candidates, a fixed registry from the simplest to the most flexible: what a sceptic would sort by, before what learns.

rules              a score that is given, such as the sum of indicators' weights
single_feature     the one feature that sorts the training rows best
logistic           logistic regression on quantile places, with missing-flags; where scores are given, a correction of them
gradient_boosting  histogram gradient boosting, which takes missing values as they are
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models.design import Design, fit_design
from models.matrix import FloatArray, Matrix
from models.metrics import auc

if TYPE_CHECKING:  # scikit-learn takes seconds to import, and most commands fit nothing
    from sklearn.ensemble import HistGradientBoostingClassifier

RULES = "rules_score"
POINTS_AMOUNT = "points_amount"
GIVEN = (RULES, POINTS_AMOUNT)  # what is known without learning: a linear model starts from it, by its logarithm
_GIVEN_SPREAD = 3.0  # log-odds, prior standard deviation of a given score's weight: next to free
_CORRECTION = 0.1  # prior variance, in log-odds, of what all other columns together add to the given scores

_SMALL_CELLS = 5_000_000


def threads(cells: int) -> threadpool_limits:
    """One thread for small arrays: threads that wait for each other on a busy machine made a fit of 0.1 s take 8 s."""
    return threadpool_limits(limits=1 if cells < _SMALL_CELLS else None)


class FitError(ValueError):
    """A candidate cannot be fitted on these rows; the message says why."""


@dataclass(frozen=True)
class Sort:
    """Sort by one feature: `sign` 1 puts high values first, -1 low ones; a category by its training share.

    A missing value counts as `last`, which lies behind all values seen in training; an unseen category as the base rate.
    """

    feature: str
    sign: float
    shares: FloatArray
    last: float

    def raw(self, matrix: Matrix) -> FloatArray:
        """The signed value; for a category its share of positives in training."""
        x = matrix.select((self.feature,)).values[:, 0]
        if len(self.shares):
            code = np.where(np.isnan(x) | (x >= len(self.shares)), -1, x).astype(np.int64)
            return np.where(code >= 0, self.shares[code], self.last)
        return np.where(np.isnan(x), self.last, self.sign * x)

    def state(self) -> dict[str, Any]:
        """Plain values for storing."""
        return {"feature": self.feature, "sign": self.sign, "shares": self.shares, "last": self.last}


@dataclass(frozen=True)
class Linear:
    """Intercept plus weights on the design's columns, in log-odds."""

    design: Design
    weights: FloatArray
    intercept: float

    def raw(self, matrix: Matrix) -> FloatArray:
        """Log-odds before calibration."""
        return self.intercept + self.design.columns(matrix) @ self.weights

    def state(self) -> dict[str, Any]:
        """Plain values for storing."""
        return {"design": self.design.state(), "weights": self.weights, "intercept": self.intercept}


@dataclass(frozen=True)
class Boosted:
    """Histogram gradient boosting over the named features, in log-odds."""

    features: tuple[str, ...]
    estimator: HistGradientBoostingClassifier

    def raw(self, matrix: Matrix) -> FloatArray:
        """Log-odds before calibration."""
        values = matrix.values if matrix.names == self.features else matrix.select(self.features).values
        with threads(values.size):
            return np.asarray(self.estimator.decision_function(values), dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """Plain values and one scikit-learn estimator, for storing."""
        return {"features": list(self.features), "estimator": self.estimator}


Core = Sort | Linear | Boosted


def core_from_state(kind: str, state: dict[str, Any]) -> Core:
    """The inverse of a core's `state`; `kind` is the class's name in lower case."""
    if kind == "sort":
        return Sort(str(state["feature"]), float(state["sign"]), np.asarray(state["shares"]), float(state["last"]))
    if kind == "linear":
        return Linear(Design.from_state(state["design"]), np.asarray(state["weights"]), float(state["intercept"]))
    if kind == "boosted":
        return Boosted(tuple(state["features"]), state["estimator"])
    raise FitError(f"unknown kind of model '{kind}'")


def fit_rules(matrix: Matrix, label: FloatArray, seed: int) -> Core:
    """The given score as it is: the feature named rules_score."""
    if RULES not in matrix.names:
        raise FitError(f"the candidate 'rules' needs a given score, the column '{RULES}'")
    return _by_value(matrix.column(RULES), RULES, 1.0)


def fit_single_feature(matrix: Matrix, label: FloatArray, seed: int) -> Core:
    """The feature and direction with the highest AUC on the training rows; ties go to the first name. Categories count with half their
    distance from chance, because their shares are measured on the rows they sort.
    """
    best: tuple[float, str] | None = None
    chosen: Sort | None = None
    for name in sorted(n for n in matrix.names if n != RULES):
        core = _sort(matrix, name, label)
        area = auc(core.raw(matrix), label).expected or 0.5
        area = 0.5 + (area - 0.5) / 2 if len(core.shares) else area
        if best is None or area > best[0]:
            best, chosen = (area, name), core
    if chosen is None:
        raise FitError("there is no feature to sort by")
    return chosen


def _by_value(x: FloatArray, name: str, sign: float) -> Sort:
    worst = float((sign * x[~np.isnan(x)]).min(initial=0.0))
    return Sort(name, sign, np.empty(0), worst - 1.0 - abs(worst))


def _sort(matrix: Matrix, name: str, label: FloatArray) -> Sort:
    x = matrix.column(name)
    base = float(label.mean())
    if matrix.categorical[matrix.names.index(name)]:
        code = x[~np.isnan(x)].astype(np.int64)
        rows = np.bincount(code, minlength=1)
        return Sort(name, 1.0, (np.bincount(code, weights=label[~np.isnan(x)], minlength=1) + 10 * base) / (rows + 10), base)
    high, low = _by_value(x, name, 1.0), _by_value(x, name, -1.0)
    return high if (auc(high.raw(matrix), label).expected or 0.5) >= (auc(low.raw(matrix), label).expected or 0.5) else low


def fit_logistic(matrix: Matrix, label: FloatArray, seed: int) -> Core:
    """Logistic regression with a normal prior of mean 0 on every weight, which is L2 penalisation with one strength per column."""
    design = fit_design(matrix, GIVEN)
    columns = design.columns(matrix)
    if not columns.shape[1]:
        raise FitError("no feature varies in the training rows")
    spread = _prior(design, label)
    from sklearn.linear_model import LogisticRegression

    with threads(columns.size):
        fit = LogisticRegression(C=1.0, max_iter=1000).fit(columns * spread, label.astype(np.int64))
    return Linear(design, np.asarray(fit.coef_[0] * spread, dtype=np.float64), float(fit.intercept_[0]))


def _prior(design: Design, label: FloatArray) -> FloatArray:
    """Prior standard deviation of each column's weight.

    With given scores: they are next to free, and the others share a small variance, so that few labels correct the scores a little and many
    labels much. Without: variance (events / columns)^2 between 0.003 and 1, the less the fewer rows of the rarer label there are per column.
    """
    given = np.isin(design.owner(), [n for n, name in enumerate(design.features) if name in GIVEN])
    if given.any():
        return np.where(given, _GIVEN_SPREAD, np.sqrt(_CORRECTION / max(int((~given).sum()), 1)))
    events = float(min(label.sum(), len(label) - label.sum()))
    return np.full(len(given), np.sqrt(np.clip((events / len(given)) ** 2, 0.003, 1.0)))


def fit_gradient_boosting(matrix: Matrix, label: FloatArray, seed: int) -> Core:
    """Shallow trees, many rows to a leaf when rows are few, no early stopping (which would draw rows by chance).

    Only features with a value in the training rows: one that is wholly missing cannot be cut into bins.
    """
    filled = (~np.isnan(matrix.values)).sum(axis=0) > 0
    known = matrix.select([n for n, f in zip(matrix.names, filled) if f])
    if not known.names:
        raise FitError("no feature is filled in in the training rows")
    from sklearn.ensemble import HistGradientBoostingClassifier

    estimator = HistGradientBoostingClassifier(
        max_iter=150,
        learning_rate=0.06,
        max_leaf_nodes=15,
        min_samples_leaf=max(5, min(40, len(label) // 40)),
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
        categorical_features=list(known.categorical) if any(known.categorical) else None,
    )
    with threads(known.values.size):
        return Boosted(known.names, estimator.fit(known.values, label.astype(np.int64)))


CANDIDATES: dict[str, Callable[[Matrix, FloatArray, int], Core]] = {
    "rules": fit_rules,
    "single_feature": fit_single_feature,
    "logistic": fit_logistic,
    "gradient_boosting": fit_gradient_boosting,
}
