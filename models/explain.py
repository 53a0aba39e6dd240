"""Why a row scores as it does against a baseline: one number per feature, summing to the difference of the scores.

For a linear model the numbers are exact: weight times the difference of the design's columns. For boosting they are Shapley values against
the baseline row (interventional: a feature is either the row's or the baseline's), averaged over a few fixed orders of the features and
their reverses. Each order's steps add up to raw(row) - raw(baseline), so their mean does too, whatever the number of orders; a feature on
which no tree splits, or whose value equals the baseline's, gets exactly 0.
"""

from __future__ import annotations

import numpy as np

from models.candidates import Boosted, Linear
from models.fit import Model
from models.matrix import FloatArray, IntArray, Matrix

_ORDERS = 6
_CHUNK_CELLS = 20_000_000


def contributions(model: Model, matrix: Matrix, baseline: FloatArray) -> FloatArray:
    """Contribution of each feature of `model.features` to each row's raw score: float64 [row, feature].

    `baseline` holds values in the order of `model.features`, such as the medians of the peers: one row for all, or one per row. Contributions
    of a row sum to raw(row) - raw(baseline), in log-odds for models that learn. Meant for the rows of a list: boosting costs about
    12 x features predictions per row.
    """
    rows = matrix.select(model.features)
    against = np.broadcast_to(np.atleast_2d(baseline), rows.values.shape)
    if isinstance(model.core, Linear):
        return _linear(model.core, rows, _like(rows, against))
    if isinstance(model.core, Boosted):
        return _boosted(model.core, rows, against)
    out = np.zeros(rows.values.shape)
    out[:, model.features.index(model.core.feature)] = model.raw(rows) - model.raw(_like(rows, against))
    return out


def _like(rows: Matrix, values: FloatArray) -> Matrix:
    return Matrix(rows.names, np.array(values), rows.categorical, rows.levels)


def _linear(core: Linear, rows: Matrix, against: Matrix) -> FloatArray:
    steps = (core.design.columns(rows) - core.design.columns(against)) * core.weights
    owner = core.design.owner()
    out = np.zeros((len(rows), len(rows.names)))
    place = np.array([rows.names.index(name) for name in core.design.features], dtype=np.int64)
    for column in range(steps.shape[1]):
        out[:, place[owner[column]]] += steps[:, column]
    return out


def _boosted(core: Boosted, rows: Matrix, against: FloatArray) -> FloatArray:
    rng = np.random.Generator(np.random.Philox(20260101))
    width = len(rows.names)
    ways = [rng.permutation(width) for _ in range(_ORDERS)]
    orders = ways + [way[::-1] for way in ways]
    chunk = max(1, _CHUNK_CELLS // max(1, (width + 1) * width))
    out = np.zeros(rows.values.shape)
    for start in range(0, len(rows), chunk):
        part = slice(start, start + chunk)
        for order in orders:
            out[part] += _walk(core, rows, rows.values[part], against[part], order)
    return out / len(orders)


def _walk(core: Boosted, rows: Matrix, values: FloatArray, against: FloatArray, order: IntArray) -> FloatArray:
    """One order: from the baseline to the row, a feature at a time; each feature gets the step it makes."""
    count, width = values.shape
    place = np.empty(width, dtype=np.int64)
    place[order] = np.arange(width)
    reached = np.arange(width + 1)[:, None] > place[None, :]
    mixed = np.where(reached[None, :, :], values[:, None, :], against[:, None, :]).reshape(-1, width)
    raw = core.raw(_like(rows, mixed)).reshape(count, width + 1)
    return np.diff(raw, axis=1)[:, place]
