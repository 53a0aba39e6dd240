"""Bootstrap intervals of what a list brings, resampling entities (not rows), for a ranking that is given."""

from __future__ import annotations

import numpy as np

from models.matrix import FloatArray, IntArray


def precision_interval(
    order: IntArray, label: FloatArray, k: int, member: IntArray, rounds: int = 200, seed: int = 0, level: float = 0.95
) -> tuple[float, float] | None:
    """Percentile interval of precision at `k`, resampling entities with replacement.

    `order` is the ranking as row numbers, best first; `member` numbers the entity of each row. The capacity stays the same share of the
    resampled rows. Only the sample of rows varies, not the model. None when no round holds a labelled row.
    """
    n, entities = len(order), int(member.max()) + 1 if len(member) else 0
    if n == 0 or k <= 0:
        return None
    rng = np.random.Generator(np.random.Philox(seed))
    known = (~np.isnan(label[order])).astype(np.float64)
    hit = (label[order] == 1).astype(np.float64)
    who, found = member[order], []
    for _ in range(max(50, min(rounds, int(5e7 / n)))):
        weight = np.bincount(rng.integers(0, entities, entities), minlength=entities)[who].astype(np.float64)
        before = np.cumsum(weight) - weight
        inside = np.clip(k * weight.sum() / n - before, 0.0, weight)
        labelled = float((inside * known).sum())
        if labelled > 0:
            found.append(float((inside * hit).sum()) / labelled)
    if not found:
        return None
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
