"""Choosing a candidate by an objective over several splits, and what the choice may have cost (regret)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

AT_CAPACITY = ("precision", "recall", "lift", "ndcg", "value")
WHOLE = ("auc", "average_precision", "brier")


class ObjectiveError(ValueError):
    """The objective or capacity cannot be read; the message says what can."""


@dataclass(frozen=True)
class Capacity:
    """How many rows can be worked: a share (`5%`) or a count (`100`)."""

    text: str
    share: float | None
    count: int | None

    def rows(self, n: int) -> int:
        """Rows of `n`: a share is rounded down but never below 1; a count is cut to `n`."""
        if self.share is not None:
            return min(n, max(1, int(np.floor(n * self.share + 1e-9))))
        return min(n, self.count or 0)


def capacity(text: str | int | float) -> Capacity:
    """Read `1%`, `0.5%`, `100` or 100. ObjectiveError otherwise."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", str(text))
    if not found or isinstance(text, bool):
        raise ObjectiveError(f"'{text}' is no capacity; give a share such as 5% or a count such as 100")
    number = float(found[1])
    if found[2]:
        if not 0 < number <= 100:
            raise ObjectiveError(f"'{text}': a share must lie above 0% and at most 100%")
        return Capacity(f"{number:g}%", number / 100, None)
    if number < 1 or number != int(number):
        raise ObjectiveError(f"'{text}': a count must be a whole number from 1; for a share write it with %")
    return Capacity(str(int(number)), None, int(number))


@dataclass(frozen=True)
class Objective:
    """A metric, and the capacity it is measured at where the metric has one. For brier less is better."""

    metric: str
    at: Capacity | None

    @property
    def text(self) -> str:
        """As written: `precision@5%` or `auc`."""
        return f"{self.metric}@{self.at.text}" if self.at else self.metric

    @property
    def sign(self) -> float:
        """1 when more is better, -1 when less is."""
        return -1.0 if self.metric == "brier" else 1.0


def objective(text: str) -> Objective:
    """Read `precision@5%`, `value@100`, `auc`. ObjectiveError naming what is known otherwise."""
    metric, _, cut = text.strip().partition("@")
    if metric in AT_CAPACITY and cut:
        return Objective(metric, capacity(cut))
    if metric in WHOLE and not cut:
        return Objective(metric, None)
    known = ", ".join(f"{m}@CAPACITY" for m in AT_CAPACITY) + ", " + ", ".join(WHOLE)
    raise ObjectiveError(f"'{text}' is no objective; known: {known} (CAPACITY such as 5% or 100)")


@dataclass(frozen=True)
class Choice:
    """The chosen candidate; mean objective and mean regret of each; and the regret of choosing each time by the splits before."""

    chosen: str
    means: dict[str, float]
    regrets: dict[str, float]
    forward_regret: float | None


def choose(results: Mapping[str, Sequence[float | None]], aim: Objective) -> Choice:
    """Choose the candidate with the best mean objective over the splits; equal means go to the one named first (the simpler).

    `results`: per candidate its objective on each split in order; None where it is not defined, and such a split is left out for all.
    Regret on a split = the best candidate's objective less one's own; 0 is best. ObjectiveError when no split remains.
    """
    names = list(results)
    table = np.array([[np.nan if v is None else aim.sign * v for v in results[name]] for name in names], dtype=np.float64)
    table = table[:, ~np.isnan(table).any(axis=0)]
    if not table.size:
        raise ObjectiveError(f"{aim.text} is not defined on any split; too few labelled rows of both kinds, or no amounts")
    regret = table.max(axis=0) - table
    means = table.mean(axis=1)
    best = int(np.argmax(means))
    forward = [regret[int(np.argmax(table[:, :n].mean(axis=1))), n] for n in range(1, table.shape[1])]
    return Choice(
        names[best],
        {name: float(aim.sign * m) for name, m in zip(names, means)},
        {name: float(r) for name, r in zip(names, regret.mean(axis=1))},
        float(np.mean(forward)) if forward else None,
    )
