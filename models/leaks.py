"""Leak checks: features that give the label away.

A column that was filled in after the audit (a surcharge, a status, a score the label was cut from) makes any model look perfect and
useless. Each check names the feature and says in words why it cannot be what was known at selection:

order    sorting by it alone separates the labels: AUC above 0.95 in either direction
values   knowing which value (or narrow band) it takes does, whatever the order: AUC above 0.95 of the positive share of each value,
         measured on rows left out, so that a column of unique values is not accused
mark     being filled in, being other than zero, or one value marks positives alone (or never positives) and covers most of them
copy     it equals the label, or its opposite, in every labelled row

The limit of 0.95 is METHODS' test T4. No check fires by luck: the separation must also be beyond chance after counting all features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from models.draw import uniform
from models.matrix import FloatArray, IntArray, Matrix
from models.metrics import auc

LIMIT = 0.95
PURITY = 0.99
MIN_MARKED = 20


@dataclass(frozen=True)
class Leak:
    """A feature that gives the label away: which check found it, its strength and the reason in words."""

    feature: str
    check: str
    strength: float
    why: str


def find_leaks(matrix: Matrix, label: FloatArray, groups: IntArray | None = None) -> list[Leak]:
    """All features that give the label away, strongest first, each named once.

    `label` is 1, 0 or NaN; rows without a label are left out. `groups` numbers entities: an entity's rows are left out together when the
    values are measured, so that a lasting label of the same entity is no accusation. At most 100,000 rows, drawn by keyed hash.
    """
    rows = np.flatnonzero(~np.isnan(label))
    member = np.arange(len(label)) if groups is None else groups
    if len(rows) > 100_000:
        draw = uniform(0, "leaks", [str(m) for m in member[rows]])
        rows = rows[np.argsort(draw, kind="stable")[:100_000]]
    y, part = label[rows], member[rows]
    if not len(y) or y.min() == y.max():
        return []
    least = norm.isf(0.001 / max(len(matrix.names), 1)) * _null_deviation(y)
    fold = np.floor(uniform(0, "leak-fold", [str(m) for m in part]) * 5).astype(np.int64)
    found = []
    for n, name in enumerate(matrix.names):
        x = matrix.values[rows, n]
        leak = _check(name, x, y, fold, matrix.categorical[n], matrix.levels[n], float(least))
        if leak is not None:
            found.append(leak)
    return sorted(found, key=lambda leak: (-leak.strength, leak.feature))


def _null_deviation(y: FloatArray) -> float:
    """Standard deviation of the AUC of a feature that knows nothing (Mann-Whitney)."""
    p, n = float((y == 1).sum()), float((y == 0).sum())
    return float(np.sqrt((p + n + 1) / (12 * p * n)))


def _check(
    name: str, x: FloatArray, y: FloatArray, fold: IntArray, categorical: bool, levels: tuple[str, ...], least: float
) -> Leak | None:
    there = ~np.isnan(x)
    if not there.any() or (there.all() and x.min() == x.max()):
        return None
    beyond = max(LIMIT, 0.5 + least)
    if not categorical:
        leak = _copy(name, x, y, least) or _order(name, x, y, beyond)
        if leak is not None:
            return leak
    return _values(name, x, y, fold, categorical, levels, beyond) or _mark(name, x, y, categorical, levels)


def _copy(name: str, x: FloatArray, y: FloatArray, least: float) -> Leak | None:
    if 0.5 <= least or len(np.unique(x)) != 2:
        return None
    high = x == x.max()
    if (high == (y == 1)).all() or (high == (y == 0)).all():
        return Leak(name, "copy", 1.0, f"equals the label (or its opposite) in each of the {len(y)} labelled rows")
    return None


def _order(name: str, x: FloatArray, y: FloatArray, beyond: float) -> Leak | None:
    """Missing values are tried as the lowest and, through the opposite direction, as the highest."""
    for filled in (np.where(np.isnan(x), -np.inf, x), np.where(np.isnan(x), np.inf, x)):
        area = auc(filled, y).expected or 0.5
        strength = max(area, 1 - area)
        if strength <= beyond:
            continue
        way = "high" if area > 0.5 else "low"
        cut = _threshold(filled if area > 0.5 else -filled, y)
        if cut is not None:
            word, shown = (">=", cut) if area > 0.5 else ("<=", -cut)
            return Leak(name, "order", strength, f"the label is exactly {name} {word} {shown:.6g} in each of the {len(y)} labelled rows")
        return Leak(
            name, "order", strength, f"sorting by it alone separates the labels: AUC {strength:.4f} ({way} values are the positives)"
        )
    return None


def _threshold(x: FloatArray, y: FloatArray) -> float | None:
    """The lowest value of the positives when every negative lies below it; None otherwise."""
    lowest, highest = float(x[y == 1].min()), float(x[y == 0].max())
    return lowest if lowest > highest and np.isfinite(lowest) else None


def _codes(x: FloatArray, categorical: bool) -> IntArray:
    """Values as group numbers: each value of its own when there are few, else 64 bands of equal size; missing is a group."""
    there = ~np.isnan(x)
    known = x[there]
    distinct = np.unique(known)
    out = np.zeros(len(x), dtype=np.int64)
    if categorical or len(distinct) <= 256:
        out[there] = np.searchsorted(distinct, known) + 1
    else:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, 65)[1:-1]))
        out[there] = np.searchsorted(edges, known, side="right") + 1
    return out


def _values(
    name: str, x: FloatArray, y: FloatArray, fold: IntArray, categorical: bool, levels: tuple[str, ...], beyond: float
) -> Leak | None:
    codes = _codes(x, categorical)
    strength = _left_out_auc(codes, y, fold)
    if strength <= beyond:
        return None
    groups = len(np.unique(codes))
    shares = np.bincount(codes, weights=y) / np.maximum(np.bincount(codes), 1)
    counts = np.bincount(codes)
    pure = int(counts[(shares <= 1 - PURITY) | (shares >= PURITY)].sum())
    shown = ""
    if categorical and levels:
        top = int(np.argmax(np.where(shares >= PURITY, counts, -1)))
        shown = f"; for example '{levels[top - 1]}' in {counts[top]} rows" if top > 0 and shares[top] >= PURITY else ""
    kind = "values" if categorical or len(np.unique(x[~np.isnan(x)])) <= 256 else "bands of values"
    return Leak(
        name,
        "values",
        strength,
        f"its {groups} {kind} are nearly pure: AUC {strength:.4f} on rows left out, {pure} of {len(y)} rows lie in one with one label{shown}",
    )


def _left_out_auc(codes: IntArray, y: FloatArray, fold: IntArray) -> float:
    """AUC of each row's share of positives among the other folds' rows of the same value, drawn a little towards the base rate."""
    size, base = int(codes.max()) + 1, float(y.mean())
    hits, rows = np.bincount(codes, weights=y, minlength=size), np.bincount(codes, minlength=size).astype(float)
    share = np.empty(len(y))
    for f in np.unique(fold):
        inside = fold == f
        h = hits - np.bincount(codes[inside], weights=y[inside], minlength=size)
        r = rows - np.bincount(codes[inside], minlength=size)
        share[inside] = ((h + base) / (r + 1.0))[codes[inside]]
    return auc(share, y).expected or 0.5


def _mark(name: str, x: FloatArray, y: FloatArray, categorical: bool, levels: tuple[str, ...]) -> Leak | None:
    marks = [("being filled in", ~np.isnan(x))]
    if categorical:
        counts = np.bincount(x[~np.isnan(x)].astype(np.int64))
        for code in np.argsort(-counts, kind="stable")[:50]:
            shown = levels[code] if code < len(levels) else str(code)
            marks.append((f"the value '{shown}'", x == code))
    else:
        marks.append(("a value other than zero", ~np.isnan(x) & (x != 0)))
    for words, mark in marks:
        for which, of, label_name in ((mark, y == 1, "positive"), (~mark, y == 1, "positive"), (mark, y == 0, "negative")):
            leak = _pure(name, words if which is mark else f"the absence of {words}", which, of, label_name)
            if leak is not None:
                return leak
    return None


def _pure(name: str, words: str, mark: np.ndarray, of: np.ndarray, label_name: str) -> Leak | None:
    """A mark is a leak when it is pure, covers most of a label that is not the usual one, and is no accident of few rows."""
    marked, base = int(mark.sum()), float(of.mean())
    if marked < MIN_MARKED or base > 0.5 or marked == len(mark):
        return None
    purity, cover = float(of[mark].mean()), float((mark & of).sum() / of.sum())
    if purity < PURITY or cover < (0.25 if base <= 0.1 else 0.6):
        return None
    return Leak(
        name,
        "mark",
        0.5 + cover / 2,
        f"{words} marks {label_name} rows alone: {purity:.1%} of {marked} rows, {cover:.0%} of all that are {label_name}",
    )
