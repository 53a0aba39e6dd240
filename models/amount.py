"""How much an adjustment brings if there is one: the second half of a hurdle model (probability first, then amount).

What contradictions add up to is to an examination what a claim is to an insurer: a share of it is found to be due, and the share differs by
kind of fault. The shares are learned from past results by least squares with a variance proportional to the stakes, the ratio estimator of
survey sampling (Cochran, Sampling Techniques, ch. 6) with one ratio per kind: never below 0, and drawn to a share that is believed before
anything is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.matrix import FloatArray

_PRIOR_ROWS = 10.0  # typical adjusted rows, per kind of fault, that the prior share weighs as much as
_BASE_ROWS = 10.0  # the same for what is found where nothing was claimed
_LEAST_STAKE = 1000.0  # currency: smaller stakes do not get more weight than this one


@dataclass(frozen=True)
class AmountModel:
    """amount = stakes x shares where there is a stake, `base` elsewhere; at least `low`, at most the larger of `high` and the stakes."""

    kinds: tuple[str, ...]
    shares: FloatArray
    base: float
    low: float
    high: float

    def predict(self, stakes: FloatArray, kinds: Sequence[str]) -> FloatArray:
        """Expected amount of each row given that there is an adjustment. stakes: [row, kind], in the unit trained on.

        ValueError for kinds other than those trained on: a share of one kind says nothing of another.
        """
        if tuple(kinds) != self.kinds:
            raise ValueError(f"the amounts were trained on stakes by {', '.join(self.kinds)}, not by {', '.join(kinds)}; train again")
        total = stakes.sum(axis=1)
        money = np.where(total > 0, stakes @ self.shares, self.base)
        return np.asarray(np.clip(money, self.low, np.maximum(self.high, total)), dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """Plain values for storing."""
        return {"kinds": list(self.kinds), "shares": self.shares, **{k: getattr(self, k) for k in ("base", "low", "high")}}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> AmountModel:
        """The inverse of `state`."""
        base, low, high = (float(state[k]) for k in ("base", "low", "high"))
        return cls(tuple(str(k) for k in state["kinds"]), np.asarray(state["shares"], dtype=np.float64), base, low, high)


def fit_amount(stakes: FloatArray, kinds: Sequence[str], amount: FloatArray, prior_share: float) -> AmountModel | None:
    """Fit on rows with an adjustment (amount above 0; others are left out). None when there is none.

    stakes: [row, kind], what was claimed before the examination, at or above 0. `prior_share` is what is believed to be found of a claim.
    """
    rows = np.flatnonzero(amount > 0)
    if not len(rows):
        return None
    claimed, money = np.asarray(stakes, dtype=np.float64)[rows], amount[rows]
    total = claimed.sum(axis=1)
    free = money[total <= 0]
    base = float((free.sum() + _BASE_ROWS * np.median(money)) / (len(free) + _BASE_ROWS))
    shares = _shares(claimed[total > 0], money[total > 0], prior_share)
    return AmountModel(tuple(kinds), shares, base, float(money.min()), float(money.max()))


def _shares(claimed: FloatArray, money: FloatArray, prior: float) -> FloatArray:
    kinds = claimed.shape[1]
    if not len(money):
        return np.full(kinds, prior)
    from scipy.optimize import nnls

    weight = 1.0 / np.sqrt(np.maximum(claimed.sum(axis=1), _LEAST_STAKE))
    typical = float(np.median((claimed.sum(axis=1) * weight) ** 2))
    pull = np.sqrt(_PRIOR_ROWS * typical)
    return np.asarray(nnls(np.vstack([claimed * weight[:, None], np.eye(kinds) * pull]), np.r_[money * weight, np.full(kinds, prior * pull)])[0])
