"""Bootstrap of what a list brings, resampling entities (not rows), for a ranking that is given."""

from __future__ import annotations

import numpy as np

from models.matrix import FloatArray, IntArray


def precision_draws(order: IntArray, label: FloatArray, k: int, member: IntArray, rounds: int = 200, seed: int = 0) -> FloatArray:
    """Precision at `k` in each of `rounds` resamples of entities with replacement; NaN where the list holds no labelled row.

    `order` is the ranking as row numbers, best first; `member` numbers the entity of each row. The capacity stays the same share of the
    resampled rows. Two rankings of the same rows drawn with the same seed see the same resamples, so their draws may be subtracted.
    Only the sample of rows varies, not the model.
    """
    n, entities = len(order), int(member.max()) + 1 if len(member) else 0
    rounds = max(50, min(rounds, int(5e7 / max(n, 1))))
    if n == 0 or k <= 0:
        return np.full(rounds, np.nan)
    rng = np.random.Generator(np.random.Philox(seed))
    known = (~np.isnan(label[order])).astype(np.float64)
    hit = (label[order] == 1).astype(np.float64)
    who, out = member[order], np.full(rounds, np.nan)
    for n_round in range(rounds):
        weight = np.bincount(rng.integers(0, entities, entities), minlength=entities)[who].astype(np.float64)
        inside = np.clip(k * weight.sum() / n - (np.cumsum(weight) - weight), 0.0, weight)
        labelled = float((inside * known).sum())
        if labelled > 0:
            out[n_round] = float((inside * hit).sum()) / labelled
    return out


def interval(draws: FloatArray, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval of bootstrap draws; None when fewer than half of them are defined."""
    defined = draws[~np.isnan(draws)]
    if len(defined) < max(1, len(draws) / 2):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
