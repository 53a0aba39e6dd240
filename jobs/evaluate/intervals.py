"""95 % intervals of what is measured: shares, ratios of sums, ratios of shares, and estimates from unequal probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.lake.arrays import Floats

_Z = 1.959964
_ROUNDS = 1000


@dataclass(frozen=True)
class Measured:
    """A result with its interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """One row of table evaluation: what was measured, on how many, and the number a sceptic would hold against it."""

    measure: str
    scope: str
    item: str
    n: int
    found: Measured
    baseline: float
    note: str


NOTHING = Measured(float("nan"), float("nan"), float("nan"))


def wilson(hits: float, n: float) -> Measured:
    """Share of hits with the score interval (Wilson, 1927); right also at 0 and n hits. `n` may be an effective size."""
    if n <= 0:
        return NOTHING
    share, z2 = hits / n, _Z**2
    middle, half = (share + z2 / (2 * n)) / (1 + z2 / n), _Z * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Measured(share, min(share, max(0.0, float(middle - half))), max(share, min(1.0, float(middle + half))))


def ratio(above: Floats, below: Floats, seed: int) -> Measured:
    """sum(above) / sum(below) with a percentile interval over 1,000 resamples of cases. Rows must come in an order of their own (by id)."""
    if not len(above) or below.sum() <= 0:
        return NOTHING
    rng = np.random.Generator(np.random.Philox(seed))
    drawn = np.stack([np.bincount(rng.integers(0, len(above), len(above)), minlength=len(above)) for _ in range(_ROUNDS)]).astype(np.float64)
    bottom = drawn @ below
    found = (drawn @ above)[bottom > 0] / bottom[bottom > 0]
    low, high = np.quantile(found, [0.025, 0.975])
    return Measured(float(above.sum() / below.sum()), float(low), float(high))


def lift(hits: int, n: int, base_hits: int, base_n: int) -> Measured:
    """Ratio of two shares with the interval on its logarithm (Katz et al., 1978), half a hit added where there is none."""
    if n == 0 or base_n == 0:
        return NOTHING
    a, b = (hits + 0.5, base_hits + 0.5) if hits == 0 or base_hits == 0 else (float(hits), float(base_hits))
    centre = (a / n) / (b / base_n)
    half = _Z * np.sqrt(max(1 / a - 1 / n, 0.0) + max(1 / b - 1 / base_n, 0.0))
    return Measured(centre, float(centre * np.exp(-half)), float(centre * np.exp(half)))


def hajek_share(hit: Floats, probability: Floats) -> Measured:
    """Share in the frame from a sample with unequal probabilities (Hájek's ratio), with Wilson's interval at the effective sample size."""
    weight = 1 / probability
    if not len(hit):
        return NOTHING
    return wilson(*(float(v) for v in _effective(hit, weight)))


def _effective(hit: Floats, weight: Floats) -> tuple[float, float]:
    size = weight.sum() ** 2 / (weight**2).sum()
    return float((weight * hit).sum() / weight.sum() * size), float(size)


def hajek_mean(amount: Floats, probability: Floats) -> Measured:
    """Mean in the frame (Hájek's ratio) with the linearised normal interval; amounts are heavy-tailed, so it is too narrow on few cases."""
    weight, n = 1 / probability, len(amount)
    if n < 2:
        return NOTHING
    mean = float((weight * amount).sum() / weight.sum())
    variance = n / (n - 1) * (weight**2 * (1 - probability) * (amount - mean) ** 2).sum() / weight.sum() ** 2
    return Measured(mean, mean - _Z * float(np.sqrt(variance)), mean + _Z * float(np.sqrt(variance)))
