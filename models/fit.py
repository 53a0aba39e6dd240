"""Fit a candidate with its calibration: the probability is fitted on rows that the ranking was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.calibrate import Calibration, calibrate
from models.candidates import CANDIDATES, Core, FitError, Sort, core_from_state
from models.draw import uniform
from models.matrix import FloatArray, IntArray, Matrix

PLENTY = 30_000
CROSS = 4


@dataclass(frozen=True)
class Model:
    """A fitted candidate: `raw` ranks, `probability` is its calibrated, strictly increasing image."""

    candidate: str
    features: tuple[str, ...]
    core: Core
    calibration: Calibration

    def raw(self, matrix: Matrix) -> FloatArray:
        """Raw score of each row: higher is riskier."""
        return self.core.raw(matrix)

    def probability(self, matrix: Matrix) -> FloatArray:
        """Calibrated probability that the label is 1."""
        return self.calibration.probability(self.raw(matrix))

    def state(self) -> dict[str, Any]:
        """Plain values, arrays and scikit-learn estimators: what the store writes."""
        return {
            "candidate": self.candidate,
            "features": list(self.features),
            "kind": type(self.core).__name__.lower(),
            "core": self.core.state(),
            "calibration": self.calibration.state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Model:
        """The inverse of `state`."""
        core = core_from_state(state["kind"], state["core"])
        return cls(state["candidate"], tuple(state["features"]), core, Calibration.from_state(state["calibration"]))


def fit(candidate: str, matrix: Matrix, label: FloatArray, ids: Sequence[str], seed: int = 0, later: IntArray | None = None) -> Model:
    """Fit a candidate on labelled rows (1 or 0).

    Calibration out of time when `later` names the rows that come last: a copy fitted on the earlier rows scores them. Otherwise cross-fitted
    over 4 parts dealt by keyed hash of `ids` (an entity lies in one part). With more than 30,000 rows one left-out part is enough.
    FitError when one label is absent or the candidate is not known.
    """
    if candidate not in CANDIDATES:
        raise FitError(f"no candidate '{candidate}'; known: {', '.join(CANDIDATES)}")
    if not len(label) or label.min() == label.max():
        raise FitError("the training rows hold only one label")
    learn = CANDIDATES[candidate]
    core = learn(matrix, label, seed)
    held = _held_out(label, ids, seed, later)
    raw, target = [], []
    for out in held:
        kept = np.setdiff1d(np.arange(len(label)), out)
        if candidate == "rules":
            part = core
        elif label[kept].min() == label[kept].max():
            continue
        else:
            part = learn(matrix.take(kept), label[kept], seed)
        raw.append(part.raw(matrix.take(out)))
        target.append(label[out])
    wild = isinstance(core, Sort)
    scores, labels = (np.concatenate(raw), np.concatenate(target)) if raw else (np.zeros(len(label)), label)
    return Model(candidate, matrix.names, core, calibrate(scores, labels, wild))


def _held_out(label: FloatArray, ids: Sequence[str], seed: int, later: IntArray | None) -> list[IntArray]:
    if later is not None and len(later) >= 50 and min(label[later].sum(), (1 - label[later]).sum()) >= 10:
        return [later]
    part = np.floor(uniform(seed, "calibrate", ids) * CROSS).astype(np.int64)
    parts = [np.flatnonzero(part == n) for n in range(CROSS)]
    parts = [p for p in parts if 0 < len(p) < len(label)]
    return parts[:1] if len(label) > PLENTY else parts
