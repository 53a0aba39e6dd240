"""The frame an indicator is a function of: one row per (taxpayer, tax, natural period) that may be judged tonight.

A period is judged once every return owed in it is past due date and grace (filing.state is no longer not_due).
Periods are calendar quarters and years: monthly faults of one kind are told as one point per quarter, or inspectors would be
flooded with twelve points about one habit; figures that exist once a year are compared by year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of
from jobs.analyse.ledger import LOOK_BACK_MONTHS, Ledger
from jobs.lake.arrays import Flags, Floats, Ints, floats

Span = Literal["quarter", "year"]
MONTHS: dict[Span, int] = {"quarter": 3, "year": 12}


@dataclass(frozen=True)
class Frame:
    """Rows of one tax and span: `taxpayer` is the ledger's row, `start` the month number on its axis."""

    ledger: Ledger
    tax: str
    span: Span
    taxpayer: Ints
    start: Ints

    @property
    def length(self) -> int:
        """Months of the period."""
        return MONTHS[self.span]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.taxpayer)

    def sum(self, name: str, back: int = 0) -> Floats:
        """Sum of a measure over the period, or over the one `back` periods before it; NaN before the ledger begins."""
        begin = self.start - back * self.length
        prefix = self.ledger.prefix(name)
        inside = begin >= 0
        low = np.where(inside, begin, 0)
        total = prefix[self.taxpayer, np.minimum(low + self.length, self.ledger.months)] - prefix[self.taxpayer, low]
        return np.where(inside, np.round(total, 2), np.nan)  # rounding takes the float's residue off

    def last(self, name: str, back: int = 0) -> Floats:
        """The measure in the period's last month: balances such as stock."""
        return self._month(name, self.start - back * self.length + self.length - 1)

    def _month(self, name: str, at: Ints) -> Floats:
        prefix = self.ledger.prefix(name)
        inside = (at >= 0) & (at < self.ledger.months)
        place = np.where(inside, at, 0)
        return np.where(inside, np.round(prefix[self.taxpayer, place + 1] - prefix[self.taxpayer, place], 2), np.nan)

    def monthly(self, name: str, back: int = 0) -> Floats:
        """The measure by month of the period, or of the one `back` periods before it [row, month]."""
        begin = self.start - back * self.length
        return np.stack([self._month(name, begin + k) for k in range(self.length)], axis=1)

    def covered(self, name: str) -> Flags:
        """Whether the measure's source had arrived for every month of the period (seen over the whole bucket)."""
        said = self.ledger.covered(name)
        end = np.minimum(self.start + self.length, self.ledger.months)
        return np.asarray(said[end] - said[self.start] == self.length)

    def arrived(self, name: str) -> Flags:
        """Whether the measure's source said anything about anybody in the period: for sources that do not speak every month."""
        said = self.ledger.covered(name)
        return np.asarray(said[np.minimum(self.start + self.length, self.ledger.months)] > said[self.start])

    def filing(self, column: str, tax: str | None = None, back: int = 0) -> Floats:
        """Sum of a filing column or count of returns in a state, over the period."""
        return self.sum(f"{tax or self.tax}.{column}", back)

    def filed(self, tax: str | None = None, back: int = 0) -> Flags:
        """Every return of the tax owed in the period is past grace and in; false where none is owed."""
        owed = self.filing("owed", tax, back)
        there = self.filing("filed", tax, back) + self.filing("late", tax, back)
        return np.asarray((owed > 0) & (owed == there) & (self.filing("not_due", tax, back) == 0))

    def numbers(self, table: str, column: str) -> Floats:
        """A number that the taxpayer has once (table `partner`), on each of his rows."""
        return self.ledger.numbers(table, column)[self.taxpayer]

    def is_(self, column: str, value: str) -> Flags:
        """Where a column of the registry has a value; null is not it."""
        return is_one_of(self.texts(column), [value])

    def texts(self, column: str) -> pa.Array:
        """A column of the registry."""
        return self.ledger.attribute("taxpayer", column).take(pa.array(self.taxpayer))

    def age_days(self) -> Floats:
        """Days from registration to the period's end."""
        registered = floats(self.texts("registered_on").cast(pa.int32()))
        return self.period_to.astype(np.int64).astype(np.float64) - registered

    def peer(self, measure: str) -> tuple[Floats, Floats]:
        """Median and deviation (1.4826 MAD) of the taxpayer's peers in a ratio, without himself; NaN where there are none."""
        members = self.ledger.tables["peer_member"]
        mine = members.filter(pc.equal(members["measure"], measure))
        at = self.ledger.row_of(mine["taxpayer_id"])
        found = []
        for column in ("median", "mad"):
            values = np.full(len(self.ledger.ids), np.nan)
            values[at[at >= 0]] = floats(mine[column])[at >= 0]
            found.append(values[self.taxpayer])
        return found[0], found[1]

    def newest(self, count: int) -> Flags:
        """The taxpayer's latest `count` periods: those that tonight's peers and partners say something about."""
        latest = np.full(len(self.ledger.ids), -1, dtype=np.int64)
        np.maximum.at(latest, self.taxpayer, self.start)
        return np.asarray(self.start > latest[self.taxpayer] - count * self.length)

    @property
    def period_from(self) -> npt.NDArray[np.datetime64]:
        """First day of each period."""
        return (self.ledger.first + self.start).astype("datetime64[M]").astype("datetime64[D]")

    @property
    def period_to(self) -> npt.NDArray[np.datetime64]:
        """Last day of each period."""
        end = (self.ledger.first + self.start + self.length).astype("datetime64[M]").astype("datetime64[D]")
        return np.asarray(end - np.timedelta64(1, "D"))


def frame(ledger: Ledger, tax: str, span: Span) -> Frame:
    """The rows of a tax and span: every natural period in which returns are owed and all of them are past grace."""
    length = MONTHS[span]
    starts = np.arange(0, ledger.months - length, length)  # the month of the date itself is not over
    starts = starts[starts + length > ledger.months - LOOK_BACK_MONTHS]
    owed, waiting = ledger.prefix(f"{tax}.owed"), ledger.prefix(f"{tax}.not_due")
    judged = (owed[:, starts + length] - owed[:, starts] > 0) & (waiting[:, starts + length] - waiting[:, starts] == 0)
    taxpayer, place = np.nonzero(judged)
    return Frame(ledger, tax, span, taxpayer.astype(np.int64), starts[place].astype(np.int64))
