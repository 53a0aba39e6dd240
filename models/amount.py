"""How much an adjustment brings if there is one: the second half of a hurdle model (probability first, then amount).

What contradictions add up to is to an examination what a claim is to an insurer: a share of it is found to be due, and the share differs by
kind of fault. The shares are learned from past results by least squares with a variance proportional to the stakes, the ratio estimator of
survey sampling (Cochran, Sampling Techniques, ch. 6) with one ratio per kind: never below 0, and drawn to a share that is believed before
anything is known. Of a claim with much evidence more is found than of a doubtful one: claims count by the square root of their evidence,
half-way between not at all and in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.matrix import FloatArray

_PRIOR_ROWS = 20.0  # typical adjusted rows, per kind of fault, that the prior share weighs as much as
_BASE_ROWS = 10.0  # the same for what is found where nothing was claimed
_LEAST_STAKE = 1000.0  # currency: smaller stakes do not get more weight than this one


@dataclass(frozen=True)
class AmountModel:
    """amount = stakes x shares where there is a stake, `base` elsewhere; at least `low`, at most the larger of `high` and the stakes.

    `usual`: mean root of the evidence of the rows trained on; stakes of such evidence count in full.
    """

    kinds: tuple[str, ...]
    shares: FloatArray
    base: float
    low: float
    high: float
    usual: float = 1.0

    def predict(self, stakes: FloatArray, kinds: Sequence[str], evidence: FloatArray | None = None) -> FloatArray:
        """Expected amount of each row given that there is an adjustment. stakes: [row, kind], in the unit trained on; evidence: [row], 0 to 1.

        ValueError for kinds other than those trained on: a share of one kind says nothing of another.
        """
        if tuple(kinds) != self.kinds:
            raise ValueError(f"the amounts were trained on stakes by {', '.join(self.kinds)}, not by {', '.join(kinds)}; train again")
        total = stakes.sum(axis=1)
        money = np.where(total > 0, (stakes @ self.shares) * _weight(evidence, self.usual, len(total)), self.base)
        return np.asarray(np.clip(money, self.low, np.maximum(self.high, total)), dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """Plain values for storing."""
        return {"kinds": list(self.kinds), "shares": self.shares, **{k: getattr(self, k) for k in ("base", "low", "high", "usual")}}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> AmountModel:
        """The inverse of `state`."""
        plain = {k: float(state[k]) for k in ("base", "low", "high", "usual")}
        return cls(tuple(str(k) for k in state["kinds"]), np.asarray(state["shares"], dtype=np.float64), **plain)


def _weight(evidence: FloatArray | None, usual: float, rows: int) -> FloatArray:
    return np.ones(rows) if evidence is None else np.asarray(np.sqrt(np.clip(evidence, 0.0, 1.0)) / usual)


def fit_amount(
    stakes: FloatArray, kinds: Sequence[str], amount: FloatArray, prior_share: float, evidence: FloatArray | None = None
) -> AmountModel | None:
    """Fit on rows with an adjustment (amount above 0; others are left out). None when there is none.

    stakes: [row, kind], what was claimed before the examination, at or above 0. `prior_share` is what is believed to be found of a claim.
    evidence: [row], 0 to 1, how much speaks for the claims; none given: all alike.
    """
    rows = np.flatnonzero(amount > 0)
    if not len(rows):
        return None
    claimed, money = np.asarray(stakes, dtype=np.float64)[rows], amount[rows]
    total = claimed.sum(axis=1)
    free = money[total <= 0]
    base = float((free.sum() + _BASE_ROWS * np.median(money)) / (len(free) + _BASE_ROWS))
    known = evidence[rows] if evidence is not None else None
    usual = float(np.sqrt(np.clip(known[total > 0], 0.0, 1.0)).mean()) if known is not None and (total > 0).any() else 1.0
    weighed = claimed * _weight(known, max(usual, 1e-9), len(rows))[:, None]
    shares = _shares(weighed[total > 0], money[total > 0], prior_share)
    return AmountModel(tuple(kinds), shares, base, float(money.min()), float(money.max()), max(usual, 1e-9))


def _shares(claimed: FloatArray, money: FloatArray, prior: float) -> FloatArray:
    kinds = claimed.shape[1]
    if not len(money):
        return np.full(kinds, prior)
    from scipy.optimize import nnls

    weight = 1.0 / np.sqrt(np.maximum(claimed.sum(axis=1), _LEAST_STAKE))
    typical = float(np.median((claimed.sum(axis=1) * weight) ** 2))
    pull = np.sqrt(_PRIOR_ROWS * typical)
    return np.asarray(nnls(np.vstack([claimed * weight[:, None], np.eye(kinds) * pull]), np.r_[money * weight, np.full(kinds, prior * pull)])[0])
