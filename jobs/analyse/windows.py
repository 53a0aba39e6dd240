"""Arithmetic of windows over months: arrays [taxpayer, month], the last month last, NaN where nothing is known.

A window speaks when at least half of its months are known; otherwise, and wherever a denominator is not positive, it is NaN.
"""

from __future__ import annotations

import numpy as np

from jobs.lake.arrays import Flags, Floats

LEAST_KNOWN = 0.5
_NOTHING = 1e-9  # currency: below it a sum is zero but for rounding


def window(values: Floats, months: int, back: int = 0) -> Floats:
    """The `months` months that end `back` months before the last [taxpayer, month]."""
    end = values.shape[1] - back
    return values[:, max(end - months, 0) : max(end, 0)]


def total(values: Floats, months: int, back: int = 0) -> Floats:
    """Sum over a window, unknown months taken at the mean of the known ones."""
    return mean(values, months, back) * months


def mean(values: Floats, months: int, back: int = 0) -> Floats:
    """Mean of the known months of a window."""
    part = window(values, months, back)
    known = ~np.isnan(part)
    count = known.sum(axis=1)
    enough = count >= max(1, LEAST_KNOWN * months)
    summed = np.where(known, part, 0.0).sum(axis=1)
    return np.where(enough, summed / np.maximum(count, 1), np.nan)


def ratio(above: Floats, below: Floats, months: int, back: int = 0) -> Floats:
    """Sum of `above` over sum of `below`, over the months in which both are known."""
    both = np.where(np.isnan(above) | np.isnan(below), np.nan, 0.0)
    return share(mean(above + both, months, back), mean(below + both, months, back))


def share(part: Floats, whole: Floats) -> Floats:
    """`part` over `whole`; NaN unless whole > 0."""
    positive = whole > _NOTHING
    return np.where(positive, part / np.where(positive, whole, 1.0), np.nan)


def growth(values: Floats, months: int, before: int | None = None) -> Floats:
    """Mean of the last `months` over the mean of as many months `before` months earlier (default: just before), less 1."""
    back = months if before is None else before
    if values.shape[1] < back + months:
        return np.full(len(values), np.nan)
    return share(mean(values, months), mean(values, months, back)) - 1


def variation(values: Floats, months: int) -> Floats:
    """Coefficient of variation: standard deviation over the mean, of the known months; at least three must be known."""
    part = window(values, months)
    known = ~np.isnan(part)
    centre = mean(values, months)
    squares = np.where(known, (part - centre[:, None]) ** 2, 0.0).sum(axis=1)
    deviation = np.sqrt(squares / np.maximum(known.sum(axis=1), 1))
    return np.where(known.sum(axis=1) >= 3, share(deviation, centre), np.nan)


def deviation(values: Floats, months: int) -> Floats:
    """Standard deviation of the known months; at least three must be known."""
    part = window(values, months)
    known = ~np.isnan(part)
    count = np.maximum(known.sum(axis=1), 1)
    centre = np.where(known, part, 0.0).sum(axis=1) / count
    squares = np.where(known, (part - centre[:, None]) ** 2, 0.0).sum(axis=1)
    return np.where(known.sum(axis=1) >= max(3, LEAST_KNOWN * months), np.sqrt(squares / count), np.nan)


def slope(values: Floats, months: int) -> Floats:
    """Change per month of the least-squares line, over the mean; at least three months must be known."""
    part = window(values, months)
    known = ~np.isnan(part)
    count = np.maximum(known.sum(axis=1), 1)
    at = np.arange(part.shape[1], dtype=np.float64)[None, :]
    centre = np.where(known, at, 0.0).sum(axis=1) / count
    apart = np.where(known, at - centre[:, None], 0.0)
    squares = (apart**2).sum(axis=1)
    rise = (apart * np.where(known, part, 0.0)).sum(axis=1) / np.where(squares > 0, squares, 1.0)
    return np.where((known.sum(axis=1) >= 3) & (squares > 0), share(rise, mean(values, months)), np.nan)


def highest(values: Floats, months: int) -> Floats:
    """Largest known month of a window; NaN when fewer than half are known."""
    part = window(values, months)
    top = np.max(np.where(np.isnan(part), -np.inf, part), axis=1, initial=-np.inf)
    return np.where(np.isnan(mean(values, months)) | np.isinf(top), np.nan, top)


def times(condition: Flags, known: Flags, months: int, back: int = 0) -> Floats:
    """How many known months of a window meet a condition; NaN when fewer than half are known."""
    return total_known(np.where(known, condition.astype(np.float64), np.nan), months, back)


def total_known(values: Floats, months: int, back: int = 0) -> Floats:
    """Sum over the known months of a window, nothing added for unknown ones; NaN when fewer than half are known."""
    part = window(values, months, back)
    return np.where(np.isnan(mean(values, months, back)), np.nan, np.where(np.isnan(part), 0.0, part).sum(axis=1))


def streak(condition: Flags, known: Flags) -> Floats:
    """How many months in a row, up to the last, meet a condition; NaN when the last month is unknown."""
    broken = ~(condition & known)[:, ::-1]
    length = np.where(broken.any(axis=1), np.argmax(broken, axis=1), broken.shape[1]).astype(np.float64)
    return np.where(known[:, -1], length, np.nan) if known.shape[1] else np.full(len(known), np.nan)


def log_amount(values: Floats) -> Floats:
    """Sign and logarithm of 1 + amount: tames amounts over many orders of magnitude, keeps zero and sign."""
    return np.sign(values) * np.log1p(np.abs(values))
