"""Splits of rows into training and test: folds of tables without dates, windows of time of tables with them.

Vocabulary of the field (dssg/triage's timechop): as_of = the date a row pretends to be; known_at = the day its label became known.
The rule that keeps time honest: whoever trains on the first day of a test window knows only rows that are older than the window by
the embargo, and only labels known by then: max(known_at of training labels) <= start of the test window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.draw import uniform
from models.matrix import IntArray

Days = npt.NDArray[np.datetime64]


class SplitError(ValueError):
    """The rows cannot be split as asked; the message says what to change."""


@dataclass(frozen=True)
class Split:
    """Row numbers to train on and to test on; for windows of time also the days they lie between."""

    name: str
    train: IntArray
    test: IntArray
    start: np.datetime64 | None = None
    end: np.datetime64 | None = None
    notes: tuple[str, ...] = field(default=())


def folds(k: int, label: npt.NDArray[np.float64], ids: Sequence[str], seed: int, groups: Sequence[str] | None = None) -> list[Split]:
    """`k` folds in which every row is tested once and no group (or id) lies on both sides.

    `label` is 1, 0 or NaN (unknown). Groups are dealt by keyed hash, those with a positive first, so that positives are spread evenly:
    each fold's number of groups with a positive differs from another's by at most one. Rows without a label are tested, never trained on.
    SplitError when there are fewer groups than folds, or fewer groups with a positive (or without one) than folds.
    """
    names, member = np.unique(np.asarray(groups if groups is not None else ids, dtype=object).astype(str), return_inverse=True)
    if len(names) < k:
        raise SplitError(f"{len(names)} groups cannot make {k} folds; lower split.k to at most {len(names)}")
    positive = np.bincount(member, weights=(label == 1), minlength=len(names)) > 0
    negative = np.bincount(member, weights=(label == 0), minlength=len(names)) > 0
    least = int(min(positive.sum(), negative.sum()))
    if least < 2:
        raise SplitError(f"only {least} of the groups hold the rarer label; folds need at least 2")
    order = np.lexsort((names, uniform(seed, "fold", list(names)), ~positive))
    fold_of = np.empty(len(names), dtype=np.int64)
    fold_of[order] = np.arange(len(names)) % k
    fold = fold_of[member]
    known = ~np.isnan(label)
    return [Split(f"fold-{n + 1}", np.flatnonzero((fold != n) & known), np.flatnonzero(fold == n)) for n in range(k)]


def windows(first: np.datetime64, last: np.datetime64, every: int, unit: str) -> list[tuple[np.datetime64, np.datetime64]]:
    """Test windows [start, end) from `first` until one holds `last`; `every` counts days ('D'), months ('M') or years ('Y').

    Months and years keep the day of the month, or take the month's last day where it is too short.
    """
    out, n = [], 0
    while (start := _later(first, n * every, unit)) <= last:
        out.append((start, _later(first, (n + 1) * every, unit)))
        n += 1
    return out


def _later(day: np.datetime64, steps: int, unit: str) -> np.datetime64:
    if unit == "D":
        return day + np.timedelta64(steps, "D")
    months = steps * (12 if unit == "Y" else 1)
    month = day.astype("datetime64[M]")
    offset = day - month.astype("datetime64[D]")
    start = (month + np.timedelta64(months, "M")).astype("datetime64[D]")
    length = (month + np.timedelta64(months + 1, "M")).astype("datetime64[D]") - start
    return np.datetime64(start + min(offset, length - np.timedelta64(1, "D")), "D")


def temporal(
    as_of: Days,
    known_at: Days,
    label: npt.NDArray[np.float64],
    tests: Sequence[tuple[np.datetime64, np.datetime64]],
    embargo: int = 0,
    groups: Sequence[str] | None = None,
) -> list[Split]:
    """One split for each test window [start, end).

    Trained on: rows with a label, as_of < start - embargo days, known_at <= start, and a group that the window does not hold.
    Windows without test rows are left out. SplitError when no window has rows on both sides.
    """
    member = None if groups is None else np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)[1]
    labelled = ~np.isnan(label)
    splits = []
    for start, end in tests:
        test = np.flatnonzero((as_of >= start) & (as_of < end))
        old = labelled & (as_of < start - np.timedelta64(embargo, "D")) & (known_at <= start)
        if member is not None:
            old &= ~np.isin(member, member[test])
        train = np.flatnonzero(old)
        if len(test) and len(train):
            splits.append(Split(str(start), train, test, start, end))
    if not splits:
        span = f"{as_of.min()} to {as_of.max()}" if len(as_of) else "nothing"
        raise SplitError(
            f"no test window has rows on both sides: rows lie from {span}, windows from {tests[0][0] if tests else 'nowhere'}, "
            f"embargo {embargo} days; move the windows into the rows' dates, or lower embargo or label.known_after"
        )
    return splits
