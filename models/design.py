"""What linear models see of a matrix: each feature as a few columns, fitted on training rows only.

A number becomes its place among the training rows' quantiles, from -1 to 1 (ratios with wild tails would rule a linear model otherwise),
with the median for a missing one and a flag when training rows had missing ones. A category becomes one column per level that is common
enough. A score or amount that is given keeps its distances: it enters as a logarithm. Each column belongs to one feature, so a linear score splits exactly into features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.matrix import FloatArray, IntArray, Matrix

_MIN_LEVEL_ROWS = 20
_MAX_LEVELS = 50


@dataclass(frozen=True)
class Design:
    """Per feature: the training quantiles (numbers), mean and deviation of log(1 + x) (given scores) or the kept codes (categories), and
    whether a missing-flag is kept.
    """

    features: tuple[str, ...]
    quantiles: tuple[FloatArray, ...]
    logs: tuple[FloatArray, ...]
    codes: tuple[FloatArray, ...]
    flagged: tuple[bool, ...]

    def owner(self) -> IntArray:
        """For each column of `columns`, the number of the feature it belongs to."""
        widths = [(1 if len(q) or len(g) else len(c)) + int(f) for q, g, c, f in zip(self.quantiles, self.logs, self.codes, self.flagged)]
        return np.repeat(np.arange(len(self.features)), widths).astype(np.int64)

    def columns(self, matrix: Matrix) -> FloatArray:
        """The design array [row, column] of a matrix; a feature that is absent counts as missing."""
        values = matrix.select(self.features).values if matrix.names != self.features else matrix.values
        out = np.empty((len(matrix), len(self.owner())))
        at = 0
        for n in range(len(self.features)):
            x, q = values[:, n], self.quantiles[n]
            if len(q) or len(self.logs[n]):
                placed = place(x, q) if len(q) else (np.log1p(np.maximum(x, 0.0)) - self.logs[n][0]) / self.logs[n][1]
                out[:, at] = np.where(np.isnan(x), 0.0, placed)
                at += 1
            else:
                out[:, at : at + len(self.codes[n])] = x[:, None] == self.codes[n][None, :]
                at += len(self.codes[n])
            if self.flagged[n]:
                out[:, at] = np.isnan(x)
                at += 1
        return out

    def state(self) -> dict[str, Any]:
        """Plain values for storing."""
        return {
            "features": list(self.features),
            "quantiles": list(self.quantiles),
            "logs": list(self.logs),
            "codes": list(self.codes),
            "flagged": list(self.flagged),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Design:
        """The inverse of `state`."""
        return cls(tuple(state["features"]), tuple(state["quantiles"]), tuple(state["logs"]), tuple(state["codes"]), tuple(bool(f) for f in state["flagged"]))


def place(x: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Place of each value among the quantiles, from -1 (lowest) over 0 (median) to 1; NaN stays NaN.

    A value that fills several quantiles gets the middle of the places it fills.
    """
    rise = np.linspace(-1.0, 1.0, len(quantiles))
    distinct, first = np.unique(quantiles, return_index=True)
    last = np.r_[first[1:] - 1, len(quantiles) - 1]
    return np.interp(x, distinct, (rise[first] + rise[last]) / 2)


def fit_design(matrix: Matrix, logged: Sequence[str] = ()) -> Design:
    """Learn quantiles and levels from training rows; constant features get no column of their own. `logged`: those that keep distances."""
    quantiles, logs, codes, flagged = [], [], [], []
    for n in range(len(matrix.names)):
        x = matrix.values[:, n]
        there = x[~np.isnan(x)]
        missing = len(x) - len(there)
        flagged.append(missing >= min(_MIN_LEVEL_ROWS, len(x)) and len(there) > 0 and missing < len(x))
        if matrix.categorical[n]:
            levels, rows = np.unique(there, return_counts=True)
            kept = np.argsort(-rows, kind="stable")[:_MAX_LEVELS]
            quantiles.append(np.empty(0))
            logs.append(np.empty(0))
            codes.append(np.sort(levels[kept[rows[kept] >= _MIN_LEVEL_ROWS]]))
        else:
            varies = len(there) > 1 and float(there.min()) < float(there.max())
            as_log = varies and matrix.names[n] in logged
            values = np.log1p(np.maximum(there, 0.0)) if as_log else there
            quantiles.append(np.quantile(there, np.linspace(0, 1, 101)) if varies and not as_log else np.empty(0))
            logs.append(np.array([values.mean(), max(float(values.std()), 1e-9)]) if as_log else np.empty(0))
            codes.append(np.empty(0))
    return Design(matrix.names, tuple(quantiles), tuple(logs), tuple(codes), tuple(flagged))
