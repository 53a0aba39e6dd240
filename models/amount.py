"""How much an examination is expected to bring: of what contradictions add up to, the share that past examinations found, by kind of fault.

What contradictions add up to is to an examination what a claim is to an insurer: a share of it is found to be due, often none, and the
share differs by kind. The shares are learned from all past results, those that found nothing too, by least squares with a variance
proportional to the stakes: the ratio estimator of survey sampling (Cochran, Sampling Techniques, ch. 6) with one ratio per kind, never
below 0 and strongly drawn to what is believed before anything is known, because a few large cases carry such sums. Where nothing was
claimed it is probability x what an adjustment there usually brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.matrix import FloatArray

_PRIOR_ROWS = 320.0  # typical examined rows, per kind of fault, that the prior share weighs as much as
_BASE_ROWS = 10.0  # the same for what is found where nothing was claimed
_LEAST_STAKE = 1000.0  # currency: smaller stakes do not get more weight than this one


@dataclass(frozen=True)
class AmountModel:
    """Expected = stakes x shares where there is a stake, probability x `base` elsewhere; at most the larger of `high` and the stakes."""

    kinds: tuple[str, ...]
    shares: FloatArray
    base: float
    high: float

    def expected(self, stakes: FloatArray, kinds: Sequence[str], probability: FloatArray) -> FloatArray:
        """Tax that an examination of each row is expected to bring. stakes: [row, kind], in the unit trained on; probability of an adjustment.

        ValueError for kinds other than those trained on: a share of one kind says nothing of another.
        """
        if tuple(kinds) != self.kinds:
            raise ValueError(f"the amounts were trained on stakes by {', '.join(self.kinds)}, not by {', '.join(kinds)}; train again")
        total = stakes.sum(axis=1)
        money = np.where(total > 0, stakes @ self.shares, probability * self.base)
        return np.asarray(np.minimum(money, np.maximum(self.high, total)), dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """Plain values for storing."""
        return {"kinds": list(self.kinds), "shares": self.shares, "base": self.base, "high": self.high}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> AmountModel:
        """The inverse of `state`."""
        return cls(tuple(str(k) for k in state["kinds"]), np.asarray(state["shares"], dtype=np.float64), float(state["base"]), float(state["high"]))


def fit_amount(stakes: FloatArray, kinds: Sequence[str], amount: FloatArray, prior_share: float) -> AmountModel | None:
    """Fit on examined rows; an amount that is not above 0 counts as nothing found. None when nothing was ever found.

    stakes: [row, kind], what was claimed before the examination, at or above 0. `prior_share` is what is believed to be found of a claim
    if there is an adjustment: of all claims, that times the share of rows with one.
    """
    claimed, money = np.asarray(stakes, dtype=np.float64), np.maximum(np.nan_to_num(amount), 0.0)
    hit, total = money > 0, claimed.sum(axis=1)
    if not hit.any():
        return None
    free = money[hit & (total <= 0)]
    base = float((free.sum() + _BASE_ROWS * np.median(money[hit])) / (len(free) + _BASE_ROWS))
    shares = _shares(claimed[total > 0], money[total > 0], prior_share * float(hit.mean()))
    return AmountModel(tuple(kinds), shares, base, float(money.max()))


def _shares(claimed: FloatArray, money: FloatArray, prior: float) -> FloatArray:
    kinds = claimed.shape[1]
    if not len(money):
        return np.full(kinds, prior)
    from scipy.optimize import nnls

    weight = 1.0 / np.sqrt(np.maximum(claimed.sum(axis=1), _LEAST_STAKE))
    typical = float(np.median((claimed.sum(axis=1) * weight) ** 2))
    pull = np.sqrt(_PRIOR_ROWS * typical)
    return np.asarray(nnls(np.vstack([claimed * weight[:, None], np.eye(kinds) * pull]), np.r_[money * weight, np.full(kinds, prior * pull)])[0])
