"""How much an adjustment brings if there is one: the second half of a hurdle model (probability first, then amount).

Ridge regression on the logarithm, because amounts are heavy-tailed; back on the scale of money by Duan's smearing factor (1983): the mean of
exp(residual) over the training rows. Predictions stay within the amounts seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge

from models.design import Design, fit_design
from models.matrix import FloatArray, Matrix

MIN_ROWS = 40


@dataclass(frozen=True)
class AmountModel:
    """exp(intercept + design x weights) x smear, held between `low` and `high`; without weights one amount for all."""

    design: Design
    weights: FloatArray
    intercept: float
    smear: float
    low: float
    high: float

    def predict(self, matrix: Matrix) -> FloatArray:
        """Expected amount of each row given that there is an adjustment, in the unit trained on."""
        log = np.full(len(matrix), self.intercept)
        if len(self.weights):
            log = log + self.design.columns(matrix) @ self.weights
        return np.asarray(np.clip(np.exp(np.clip(log, -50, 50)) * self.smear, self.low, self.high), dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """Plain values for storing."""
        return {
            "design": self.design.state(), "weights": self.weights, "intercept": self.intercept,
            "smear": self.smear, "low": self.low, "high": self.high,
        }  # fmt: skip

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> AmountModel:
        """The inverse of `state`."""
        numbers = (float(state[k]) for k in ("intercept", "smear", "low", "high"))
        return cls(Design.from_state(state["design"]), np.asarray(state["weights"]), *numbers)


def fit_amount(matrix: Matrix, amount: FloatArray) -> AmountModel | None:
    """Fit on rows with an adjustment (amount above 0; others are left out). None when there is none.

    Below 40 rows: the same expected amount for everyone, their mean.
    """
    rows = np.flatnonzero(amount > 0)
    if not len(rows):
        return None
    money, log = amount[rows], np.log(amount[rows])
    low, high = (float(v) for v in np.quantile(money, [0.02, 0.98]))
    design = fit_design(matrix.take(rows))
    columns = design.columns(matrix.take(rows))
    if len(rows) < MIN_ROWS or not columns.shape[1]:
        mean = float(money.mean())
        return AmountModel(design, np.empty(0), float(np.log(mean)), 1.0, min(low, mean), max(high, mean))
    fit = Ridge(alpha=max(10.0, columns.shape[1] / 2)).fit(columns, log)
    smear = float(np.exp(np.clip(log - fit.predict(columns), -5, 5)).mean())
    return AmountModel(design, np.asarray(fit.coef_, dtype=np.float64), float(fit.intercept_), smear, low, high)
