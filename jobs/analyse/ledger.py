"""A bucket's books as dense arrays [taxpayer, month]: what the indicators' frames add up.

Each measure is held as prefix sums along the months, so that a sum over any natural period is two look-ups.
Money is counted in cents and given in currency; months outside the axis give NaN, never zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of, month_number, month_numbers
from jobs.lake.arrays import Floats, Ints, floats, positions
from jobs.lake.tables import table

LOOK_BACK_MONTHS = 48  # a period is judged while it may still be open for error, and some months more
HISTORY_MONTHS = LOOK_BACK_MONTHS + 24  # earlier periods that the judged ones are compared with
_COUNTS = frozenset({"out_n", "out_red_n", "out_consumer_n", "pit_heads", "returns_n", "amendments_n"})
_CENTS = 100.0


@dataclass
class Ledger:
    """The taxpayers of a bucket (sorted ids), the months judged (numbers since 1970), and their measures."""

    as_of: date
    ids: pa.Array
    first: int
    months: int
    tables: dict[str, pa.Table]
    _prefix: dict[str, Floats] = field(default_factory=dict)

    def prefix(self, name: str) -> Floats:
        """Prefix sums [taxpayer, month + 1] of a measure of taxpayer_month, partner_month or `<tax>.<column>` of filing."""
        if name not in self._prefix:
            self._prefix[name] = self._count(name)
        return self._prefix[name]

    def covered(self, name: str) -> Ints:
        """Prefix counts [month + 1] of months in which the measure's source said anything about any taxpayer of the bucket."""
        said = np.any(np.diff(self.prefix(name), axis=1) != 0, axis=0) if len(self.ids) else np.zeros(self.months, dtype=bool)
        return np.concatenate([[0], np.cumsum(said)]).astype(np.int64)

    def row_of(self, ids: pa.ChunkedArray) -> Ints:
        """Row number of each id; -1 where it is not registered in this bucket."""
        return positions(ids, self.ids)

    def attribute(self, table_name: str, column: str) -> pa.Array:
        """A column of a table with one row per taxpayer, in the ledger's order; null where there is none."""
        rows = self.tables[table_name]
        place = np.full(len(self.ids), -1, dtype=np.int64)
        at = self.row_of(rows["taxpayer_id"])
        place[at[at >= 0]] = np.flatnonzero(at >= 0)
        found: pa.Array = rows[column].combine_chunks().take(pa.array(place, mask=place < 0))
        return found

    def numbers(self, table_name: str, column: str) -> Floats:
        """`attribute` as float64."""
        return floats(self.attribute(table_name, column))

    def _count(self, name: str) -> Floats:
        if "." in name:
            tax, column = name.split(".")
            rows = self.tables["filing"].filter(pc.equal(self.tables["filing"]["tax"], tax))
            return self._dense(rows, "period_to", _filing_number(rows, column))
        source = next(t for t in ("taxpayer_month", "partner_month") if name in {c.name for c in table(t).own})
        rows = self.tables[source]
        scale = _CENTS if source == "taxpayer_month" and name not in _COUNTS else 1.0
        return np.asarray(self._dense(rows, "month", np.nan_to_num(floats(rows[name]))) / scale, dtype=np.float64)

    def _dense(self, rows: pa.Table, month: str, weights: Floats) -> Floats:
        taxpayer, at = self.row_of(rows["taxpayer_id"]), month_numbers(rows[month]) - self.first
        inside = (taxpayer >= 0) & (at >= 0) & (at < self.months)
        cells = np.bincount(
            taxpayer[inside] * self.months + at[inside], weights=weights[inside], minlength=len(self.ids) * self.months
        ).reshape(len(self.ids), self.months)
        return np.concatenate([np.zeros((len(self.ids), 1)), np.cumsum(cells, axis=1)], axis=1)


def _filing_number(rows: pa.Table, column: str) -> Floats:
    """A filing column as summable numbers; the derived ones count returns in a state."""
    if column in ("not_due", "filed", "late", "missing", "unknown"):
        return is_one_of(rows["state"], [column]).astype(np.float64)
    if column == "owed":
        return (~is_one_of(rows["state"], ["not_due"])).astype(np.float64)
    if column == "lowered":
        return np.asarray(np.nan_to_num(np.fmax(floats(rows["due_first"]) - floats(rows["due"]), 0.0)), dtype=np.float64)
    if column == "late_money_days":
        days = np.fmax(floats(rows["days_late"]), 0.0)
        return np.asarray(np.nan_to_num(np.fmax(floats(rows["due"]), 0.0) * days), dtype=np.float64)
    return np.asarray(np.nan_to_num(floats(rows[column])), dtype=np.float64)


def ledger(tables: dict[str, pa.Table], as_of: date) -> Ledger:
    """The books of one bucket as known on a date; months later than the date are left out."""
    ids = pc.unique(tables["taxpayer"]["taxpayer_id"].combine_chunks())
    ids = ids.take(pc.sort_indices(ids))
    last = month_number(as_of)
    known = [month_numbers(tables[t][c]) for t, c in (("taxpayer_month", "month"), ("filing", "period_to"))]
    first = min([last, *(int(m.min()) for m in known if len(m))])
    first = max(first, last - HISTORY_MONTHS)
    first -= first % 12  # whole years, so that quarters and years start on the axis
    return Ledger(as_of, ids, first, last - first + 1, tables)


def needed(tables: Any, names: Sequence[str]) -> dict[str, pa.Table]:
    """The named tables of a step, as a plain dict."""
    return {name: tables[name] for name in names}
