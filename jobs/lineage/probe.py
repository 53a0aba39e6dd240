"""Asking an indicator's own rule again: what it finds on one period of one taxpayer, and which figures each of its readings moves.

No list of inputs is kept beside the rules, for it would go stale. The rule runs on a frame that notes what it is asked for; then each
reading is moved a little, up and down, and what changes in the result shows what the reading feeds. Conditions (is a return filed, is
a source there) move nothing and so are no part of a figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from jobs.analyse.frame import Frame
from jobs.analyse.indicator import Indicator
from jobs.lake.arrays import Floats, Ints

COLUMNS = ("declared", "other", "difference", "base")
Figures = dict[str, float]
Kind = Literal["months", "number", "peer"]


@dataclass(frozen=True)
class Reading:
    """One thing a rule looked at. `months`: a measure over `length` months from month number `start` (0: January 1970); `number`: a column
    of a table with one row per taxpayer, named `<table>.<column>`; `peer`: `<ratio>.median` or `<ratio>.mad`.
    """

    kind: Kind
    name: str
    start: int = 0
    length: int = 0


@dataclass(frozen=True)
class Probe(Frame):
    """A frame that notes what is read of row `row`, and moves the readings named in `moves` by so much."""

    row: int = 0
    moves: Mapping[Reading, float] = field(default_factory=dict)
    seen: dict[Reading, float] = field(default_factory=dict)

    def sum(self, name: str, back: int = 0) -> Floats:
        """As in Frame; noted."""
        start = self.ledger.first + int(self.start[self.row]) - back * self.length
        return self._noted(Reading("months", name, start, self.length), super().sum(name, back))

    def numbers(self, table: str, column: str) -> Floats:
        """As in Frame; noted."""
        return self._noted(Reading("number", f"{table}.{column}"), super().numbers(table, column))

    def peer(self, measure: str) -> tuple[Floats, Floats]:
        """As in Frame; noted."""
        median, mad = super().peer(measure)
        return self._noted(Reading("peer", f"{measure}.median"), median), self._noted(Reading("peer", f"{measure}.mad"), mad)

    def _month(self, name: str, at: Ints) -> Floats:
        return self._noted(Reading("months", name, self.ledger.first + int(at[self.row]), 1), super()._month(name, at))

    def _noted(self, reading: Reading, values: Floats) -> Floats:
        self.seen[reading] = float(values[self.row])
        return values + self.moves.get(reading, 0.0)


def ask(rule: Indicator, frame: Frame, row: int, settings: Mapping[str, float]) -> tuple[Figures, dict[Reading, tuple[float, tuple[str, ...]]]]:
    """What the rule finds on a row of a frame, and each reading behind it: its value and the columns it moves (COLUMNS)."""
    seen: dict[Reading, float] = {}
    found = _figures(rule, frame, row, settings, {}, seen)
    moved = {}
    for reading, value in seen.items():
        if np.isfinite(value):
            step = max(1.0, abs(value) / 100) if reading.kind == "months" else max(0.01, abs(value) / 100)
            results = [_figures(rule, frame, row, settings, {reading: s}, {}) for s in (step, -step)]
            feeds = tuple(c for c in COLUMNS if any(not _same(r[c], found[c]) for r in results))
            if feeds:
                moved[reading] = (value, feeds)
    return found, moved


def _figures(rule: Indicator, frame: Frame, row: int, settings: Mapping[str, float], moves: Mapping[Reading, float], seen: dict[Reading, float]) -> Figures:
    probe = Probe(frame.ledger, frame.tax, frame.span, frame.taxpayer, frame.start, row, moves, seen)
    with np.errstate(all="ignore"):
        result = rule.rule(probe, settings)
    return {c: float(getattr(result, c)[row]) for c in COLUMNS}


def _same(one: float, other: float) -> bool:
    return one == other or (np.isnan(one) and np.isnan(other))
