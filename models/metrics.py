"""Measures of a whole ranking and of probabilities: AUC, average precision, Brier score, calibration slope and error."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from models.matrix import FloatArray
from models.ranking import Spread, ties

_NONE = Spread(None, None, None)


def auc(score: FloatArray, label: FloatArray) -> Spread:
    """Area under the ROC curve over the labelled rows: the share of pairs (positive, negative) in the right order.

    A tied pair counts 0 (worst), 1/2 (expected) or 1 (best). None when one label is absent.
    """
    known = ~np.isnan(label)
    t = ties(score[known], label[known])
    p, n = int(t.positives.sum()), int(t.negatives.sum())
    if p == 0 or n == 0:
        return _NONE
    below = n - np.cumsum(t.negatives)
    right, tied = float((t.positives * below).sum()), float((t.positives * t.negatives).sum())
    return Spread(right / (p * n), (right + tied / 2) / (p * n), (right + tied) / (p * n))


def average_precision(score: FloatArray, label: FloatArray) -> Spread:
    """Mean over the positives of the precision at their place. Expected: the exact mean over all orders of tied rows.

    In a block of n rows with p positives that starts after `a` rows and `h` hits, a place j holds a positive with probability p/n, and then
    has h + 1 + (j - 1)(p - 1)/(n - 1) expected hits among a + j rows.
    """
    known = ~np.isnan(label)
    t = ties(score[known], label[known])
    total = int(t.positives.sum())
    if total == 0 or total == len(t.order):
        return _NONE
    block = np.repeat(np.arange(len(t.sizes)), t.sizes)
    place = np.arange(1, len(t.order) + 1)
    j = place - t.starts[block]
    p, n = t.positives[block], t.sizes[block]
    hits = (np.cumsum(t.positives) - t.positives)[block]
    expected = (p / n * (hits + 1 + (j - 1) * (p - 1) / np.maximum(n - 1, 1)) / place).sum() / total
    return Spread(_ap(j > n - p, place, total), float(expected), _ap(j <= p, place, total))


def _ap(hit: np.ndarray, place: np.ndarray, total: int) -> float:
    return float((np.cumsum(hit)[hit] / place[hit]).sum() / total)


def brier(probability: FloatArray, label: FloatArray) -> float | None:
    """Mean squared difference of probability and label over the labelled rows."""
    known = ~np.isnan(label) & ~np.isnan(probability)
    return float(((probability[known] - label[known]) ** 2).mean()) if known.any() else None


def calibration_slope(probability: FloatArray, label: FloatArray) -> float | None:
    """Slope of a logistic regression of the label on the logit of the probability (Cox 1958): 1 is calibrated, below 1 over-confident.

    None when one label is absent or all probabilities are equal.
    """
    known = ~np.isnan(label) & ~np.isnan(probability)
    y, p = label[known], np.clip(probability[known], 1e-6, 1 - 1e-6)
    x = np.log(p / (1 - p))
    if len(y) == 0 or y.min() == y.max() or np.ptp(x) < 1e-9:
        return None

    def loss(w: FloatArray) -> tuple[float, FloatArray]:
        z = w[0] + w[1] * x
        residual = 1.0 / (1.0 + np.exp(-np.clip(z, -500, 500))) - y
        return float((np.logaddexp(0.0, z) - y * z).mean()), np.array([residual.mean(), (residual * x).mean()])

    return float(minimize(loss, np.array([0.0, 1.0]), jac=True, method="L-BFGS-B", bounds=[(-50, 50), (-50, 50)]).x[1])


def reliability(probability: FloatArray, label: FloatArray, bins: int = 15) -> list[tuple[int, float, float]]:
    """Bins of equal size over the labelled rows: (rows, mean probability, share of positives), lowest probability first."""
    known = ~np.isnan(label) & ~np.isnan(probability)
    p, y = probability[known], label[known]
    order = np.lexsort((y, p))
    parts = [part for part in np.array_split(order, min(bins, max(len(order), 1))) if len(part)]
    return [(len(part), float(p[part].mean()), float(y[part].mean())) for part in parts]


def calibration_error(probability: FloatArray, label: FloatArray, bins: int = 15) -> float | None:
    """Expected calibration error over bins of equal size: mean |share of positives - mean probability|, weighted by rows."""
    parts = reliability(probability, label, bins)
    rows = sum(n for n, _, _ in parts)
    return sum(n * abs(share - mean) for n, mean, share in parts) / rows if rows else None
