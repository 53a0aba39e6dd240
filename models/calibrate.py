"""From a raw score to a probability that keeps the ranking: Platt's sigmoid, sharpened by isotonic steps where there is enough to fit them.

Fitted on scores of rows that the model was not trained on. The mapping is strictly increasing, so calibration never ties or reorders a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from models.matrix import FloatArray

ISOTONIC_ROWS = 2000
ISOTONIC_POSITIVES = 200
_SIGMOID_SHARE = 0.05  # of the isotonic mixture: what keeps the mapping strictly increasing between steps


@dataclass(frozen=True)
class Calibration:
    """Probability = sigmoid(intercept + slope x score), mixed with isotonic steps when `knots` are given. The slope is above 0.

    When `scale` is above 0 the score is first drawn in as asinh((score - centre) / scale): amounts with wild tails need that, log-odds not.
    """

    intercept: float
    slope: float
    knots: tuple[float, ...] = ()
    steps: tuple[float, ...] = ()
    centre: float = 0.0
    scale: float = 0.0

    def probability(self, raw: FloatArray) -> FloatArray:
        """Calibrated probability of each raw score; strictly increasing in it up to rounding."""
        raw = np.arcsinh((raw - self.centre) / self.scale) if self.scale > 0 else raw
        smooth = 1.0 / (1.0 + np.exp(-np.clip(self.intercept + self.slope * raw, -36, 36)))
        if not self.knots:
            return smooth
        steps = np.interp(raw, self.knots, self.steps)
        return _SIGMOID_SHARE * smooth + (1 - _SIGMOID_SHARE) * steps

    def state(self) -> dict[str, Any]:
        """Plain values for storing."""
        return {
            "intercept": self.intercept,
            "slope": self.slope,
            "knots": list(self.knots),
            "steps": list(self.steps),
            "centre": self.centre,
            "scale": self.scale,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Calibration:
        """The inverse of `state`."""
        knots, steps = tuple(state["knots"]), tuple(state["steps"])
        return cls(float(state["intercept"]), float(state["slope"]), knots, steps, float(state["centre"]), float(state["scale"]))


def calibrate(raw: FloatArray, label: FloatArray, wild: bool = False) -> Calibration:
    """Fit on left-out raw scores and their labels (1 or 0, no NaN). `wild`: the score is an amount or ratio, not log-odds.

    Platt's smoothed targets keep few rows from being certain: (hits + 1) / (hits + 2) and 1 / (misses + 2). A model that ranks backwards
    on the left-out rows gets a slope near 0, that is the base rate for everyone, never a reversed list.
    """
    if wild and len(raw):
        low, centre, high = np.quantile(raw, [0.25, 0.5, 0.75])
        spread = float(high - low) or float(np.std(raw)) or 1.0
        plain = calibrate(np.arcsinh((raw - centre) / spread), label)
        return Calibration(plain.intercept, plain.slope, plain.knots, plain.steps, float(centre), spread)
    hits, misses = float(label.sum()), float(len(label) - label.sum())
    scale = float(np.std(raw)) or 1.0
    x = (raw - float(np.mean(raw))) / scale if len(raw) else raw
    target = np.where(label == 1, (hits + 1) / (hits + 2), 1 / (misses + 2))
    base = np.log((hits + 1) / (misses + 1))
    if len(raw) == 0 or np.ptp(x) < 1e-12:
        return Calibration(float(base), 1e-6)

    def loss(w: FloatArray) -> tuple[float, FloatArray]:
        z = w[0] + w[1] * x
        residual = 1.0 / (1.0 + np.exp(-np.clip(z, -500, 500))) - target
        return float((np.logaddexp(0.0, z) - target * z).mean()), np.array([residual.mean(), (residual * x).mean()])

    fit = minimize(loss, np.array([base, 1.0]), jac=True, method="L-BFGS-B", bounds=[(-30, 30), (1e-3, 30)]).x
    slope = float(fit[1]) / scale
    intercept = float(fit[0]) - slope * float(np.mean(raw))
    if len(raw) < ISOTONIC_ROWS or hits < ISOTONIC_POSITIVES or misses < ISOTONIC_POSITIVES:
        return Calibration(intercept, slope)
    return Calibration(intercept, slope, *_steps(raw, label))


def _steps(raw: FloatArray, label: FloatArray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Isotonic steps, each at the mean score of its rows, so that the line between them rises instead of jumping."""
    from sklearn.isotonic import IsotonicRegression

    iso = IsotonicRegression(y_min=0.0, y_max=1.0).fit(raw, label)
    level = iso.predict(raw)
    values, block = np.unique(level, return_inverse=True)
    rows = np.bincount(block)
    centre = np.bincount(block, weights=raw) / rows
    hits = np.bincount(block, weights=label)
    smoothed = np.maximum.accumulate((hits + 0.5 * values + 0.25) / (rows + 1.0))
    return tuple(centre.tolist()), tuple(smoothed.tolist())
