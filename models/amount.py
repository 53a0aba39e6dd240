"""How much an adjustment brings if there is one: the second half of a hurdle model (probability first, then amount).

On the logarithm, because amounts are heavy-tailed; back on the scale of money by Duan's smearing factor (1983): the mean of exp(residual). Where
there is an anchor (what the contradictions found before add up to), the expectation is a line on its logarithm, held to the line that a prior
share gives while past results are few; what the other features add is a ridge regression on what the line leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV

from models.design import Design, fit_design
from models.matrix import FloatArray, Matrix

RESIDUAL_ROWS = 60
_PRIOR_ROWS = 10.0
_PRIOR_SPREAD = 4.0  # variance of log anchors that one prior row stands for
_ALPHAS = tuple(float(a) for a in np.logspace(1, 5, 9))


@dataclass(frozen=True)
class AmountModel:
    """log amount = level + slope x log(anchor) where the anchor is above 0, `base` elsewhere, + design x weights; then x smear.

    Held between `low` and the larger of `high` and the anchor.
    """

    anchor: str | None
    level: float
    slope: float
    base: float
    design: Design
    weights: FloatArray
    smear: float
    low: float
    high: float

    def predict(self, matrix: Matrix) -> FloatArray:
        """Expected amount of each row given that there is an adjustment, in the unit trained on."""
        anchor = _anchor(matrix, self.anchor)
        log = _line(anchor, self.level, self.slope, self.base)
        if len(self.weights):
            log = log + self.design.columns(matrix) @ self.weights
        money = np.exp(np.clip(log, -50, 50)) * self.smear
        return np.asarray(np.clip(money, self.low, np.maximum(self.high, anchor)), dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """Plain values for storing."""
        numbers = {k: getattr(self, k) for k in ("level", "slope", "base", "smear", "low", "high")}
        return {"anchor": self.anchor, "design": self.design.state(), "weights": self.weights, **numbers}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> AmountModel:
        """The inverse of `state`."""
        level, slope, base, smear, low, high = (float(state[k]) for k in ("level", "slope", "base", "smear", "low", "high"))
        design, weights = Design.from_state(state["design"]), np.asarray(state["weights"])
        return cls(state["anchor"], level, slope, base, design, weights, smear, low, high)


def fit_amount(matrix: Matrix, amount: FloatArray, anchor: str | None = None, prior_share: float = 1.0) -> AmountModel | None:
    """Fit on rows with an adjustment (amount above 0; others are left out). None when there is none.

    `anchor` names a feature in the unit of the amounts; `prior_share` is the share of it that is expected to stand before anything is known.
    The prior weighs as much as 10 rows. Below 60 rows nothing but the line is fitted.
    """
    rows = np.flatnonzero(amount > 0)
    if not len(rows):
        return None
    known, money, log = matrix.take(rows), amount[rows], np.log(amount[rows])
    size = _anchor(known, anchor)
    level, slope = _fit_line(np.log(size[size > 0]), log[size > 0], float(np.log(prior_share or 1.0)))
    free = log[size <= 0]
    base = float((free.sum() + _PRIOR_ROWS * log.mean()) / (len(free) + _PRIOR_ROWS))
    left = log - _line(size, level, slope, base)
    design, weights = fit_design(known), np.empty(0)
    columns = design.columns(known)
    if len(rows) >= RESIDUAL_ROWS and columns.shape[1]:
        ridge = RidgeCV(alphas=_ALPHAS, fit_intercept=False).fit(columns, left)
        weights = np.asarray(ridge.coef_, dtype=np.float64)
        left = left - columns @ weights
    smear = float(np.exp(np.clip(left, -5, 5)).mean())
    return AmountModel(anchor, level, slope, base, design, weights, smear, float(money.min()), float(money.max()))


def _anchor(matrix: Matrix, name: str | None) -> FloatArray:
    return np.nan_to_num(matrix.column(name)) if name is not None and name in matrix.names else np.zeros(len(matrix))


def _line(anchor: FloatArray, level: float, slope: float, base: float) -> FloatArray:
    there = anchor > 0
    return np.where(there, level + slope * np.log(np.where(there, anchor, 1.0)), base)


def _fit_line(x: FloatArray, y: FloatArray, prior_level: float) -> tuple[float, float]:
    """Level and slope of y on x, drawn towards y = prior_level + x."""
    if not len(x):
        return prior_level, 1.0
    offset = (float((y - x).sum()) + _PRIOR_ROWS * prior_level) / (len(x) + _PRIOR_ROWS)
    around = x - x.mean()
    slope = (float((around * (y - y.mean())).sum()) + _PRIOR_ROWS * _PRIOR_SPREAD) / (
        float((around**2).sum()) + _PRIOR_ROWS * _PRIOR_SPREAD
    )
    return float(x.mean() + offset - slope * x.mean()), slope
