"""What a ranking brings at a capacity, honestly over ties: the worst, the expected and the best of all ways to break them.

Ties at the cut decide people's fate, so no number here depends on the order of the rows. Rows without a label (never examined) take up
capacity but count neither as right nor wrong: precision is over the labelled, and the labelled share is reported beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import hypergeom

from models.matrix import FloatArray, IntArray


@dataclass(frozen=True)
class Spread:
    """A number under the worst, the average and the best way of breaking ties; None where it is not defined."""

    worst: float | None
    expected: float | None
    best: float | None

    def as_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return {"worst": self.worst, "expected": self.expected, "best": self.best}

    def scaled(self, by: float | None) -> Spread:
        """Each part divided by `by`; not defined when `by` is None or 0."""
        if not by:
            return Spread(None, None, None)
        return Spread(*(None if v is None else v / by for v in (self.worst, self.expected, self.best)))


@dataclass(frozen=True)
class Ties:
    """Rows in descending order of score, cut into blocks of equal score. Counts and sums are per block, best score first."""

    order: IntArray
    starts: IntArray
    sizes: IntArray
    positives: IntArray
    negatives: IntArray


def ties(score: FloatArray, label: FloatArray) -> Ties:
    """The blocks of equal score. `label` is 1, 0 or NaN; a missing score ranks last."""
    key = np.where(np.isnan(score), -np.inf, score)
    order = np.argsort(-key, kind="stable")
    ranked = key[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else np.empty(0, dtype=np.int64)
    sizes = np.diff(np.r_[starts, len(ranked)])
    by_block = [np.add.reduceat((label[order] == v).astype(np.int64), starts) if len(starts) else starts for v in (1, 0)]
    return Ties(order, starts, sizes, by_block[0], by_block[1])


def _cut(t: Ties, k: int) -> tuple[int, int]:
    """The block that the cut goes through and how many of its rows are inside."""
    block = int(np.searchsorted(t.starts, k - 1, side="right")) - 1
    return block, k - int(t.starts[block])


def at(score: FloatArray, label: FloatArray, k: int, amount: FloatArray | None = None, t: Ties | None = None) -> dict[str, Spread]:
    """Precision, recall, lift, labelled share and value of the `k` best rows, each over ties.

    Lift = precision / share of positives among the labelled. Value = sum of `amount` over the labelled rows of the list (a row without an
    amount counts 0). Precision is None when the list holds no labelled row. `k` is cut to the number of rows.
    """
    t = t or ties(score, label)
    k = min(k, len(score))
    if k <= 0:
        none = Spread(None, None, None)
        return {"precision": none, "recall": none, "lift": none, "labelled_share": none, "value": none}
    block, inside = _cut(t, k)
    above_p, above_n = int(t.positives[:block].sum()), int(t.negatives[:block].sum())
    p, n = int(t.positives[block]), int(t.negatives[block])
    unknown = int(t.sizes[block]) - p - n
    precision = _precision(above_p, above_n, p, n, unknown, inside)
    total, base = int((label == 1).sum()), int((label == 1).sum()) / max(int((~np.isnan(label)).sum()), 1)
    share = inside / int(t.sizes[block])
    hits = Spread(above_p + max(0, inside - n - unknown), above_p + p * share, above_p + min(p, inside))
    labelled = above_p + above_n
    known = Spread(labelled + max(0, inside - unknown), labelled + (p + n) * share, labelled + min(p + n, inside))
    return {
        "precision": precision,
        "recall": hits.scaled(total),
        "lift": precision.scaled(base),
        "labelled_share": known.scaled(k),
        "value": Spread(None, None, None) if amount is None else _value(t, label, amount, block, inside),
    }


def _precision(above_p: int, above_n: int, p: int, n: int, unknown: int, inside: int) -> Spread:
    few = max(0, inside - n - unknown)
    worst_n = min(n, inside - few)
    many = min(p, inside)
    best_n = max(0, inside - many - unknown)
    # a way that leaves nothing labelled defines no precision: then the one labelled row that must come in decides
    worst = _ratio(above_p + few, above_n + worst_n) if above_p + above_n + few + worst_n else (1.0 if p else None)
    best = _ratio(above_p + many, above_n + best_n) if above_p + above_n + many + best_n else (0.0 if n else None)
    return Spread(worst, _expected_precision(above_p, above_n, p, n, unknown, inside), best)


def _ratio(hits: float, misses: float) -> float | None:
    return hits / (hits + misses) if hits + misses > 0 else None


def _expected_precision(above_p: int, above_n: int, p: int, n: int, unknown: int, inside: int) -> float | None:
    """Mean of hits / labelled over all draws of `inside` rows of the block; draws that leave nothing labelled are left out.

    Given how many labelled rows are drawn, the hits among them average their share p / (p + n).
    """
    if p + n == 0:
        return _ratio(above_p, above_n)
    drawn = np.arange(max(0, inside - unknown), min(p + n, inside) + 1)
    weight = hypergeom.pmf(drawn, p + n + unknown, p + n, inside)
    labelled = above_p + above_n + drawn
    use = labelled > 0
    if not use.any() or weight[use].sum() <= 0:
        return None
    ratio = (above_p + drawn[use] * p / (p + n)) / labelled[use]
    return float((ratio * weight[use]).sum() / weight[use].sum())


def _value(t: Ties, label: FloatArray, amount: FloatArray, block: int, inside: int) -> Spread:
    worth = np.where(np.isnan(label) | np.isnan(amount), 0.0, amount)[t.order]
    start, size = int(t.starts[block]), int(t.sizes[block])
    above, tied = float(worth[:start].sum()), np.sort(worth[start : start + size])
    return Spread(above + float(tied[:inside].sum()), above + float(tied.mean()) * inside, above + float(tied[size - inside :].sum()))


def ndcg(score: FloatArray, gain: FloatArray, k: int, t: Ties) -> Spread:
    """Normalised discounted cumulative gain of the first `k` places, over ties. Gains must not be negative; NaN counts 0.

    Discount 1 / log2(place + 1). Within a block the expected gain of each place is the block's mean (McSherry and Najork 2008); worst and
    best put its gains in ascending and descending order.
    """
    k = min(k, len(score))
    gains = np.nan_to_num(gain, nan=0.0)
    discount = np.zeros(len(score))
    discount[:k] = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = float((np.sort(gains)[::-1] * discount).sum())
    if k <= 0 or ideal <= 0:
        return Spread(None, None, None)
    ranked, block = gains[t.order], np.repeat(np.arange(len(t.sizes)), t.sizes)
    mean = np.add.reduceat(ranked, t.starts) / t.sizes
    up = ranked[np.lexsort((ranked, block))]
    down = ranked[np.lexsort((-ranked, block))]
    parts = [float((g * discount).sum()) / ideal for g in (up, mean[block], down)]
    return Spread(parts[0], parts[1], parts[2])
