"""A bucket's books in windows that end, for each taxpayer, with his last usable month: what features are counted from.

The last usable month is the last one that ends a VAT period, at the taxpayer's filing frequency, whose grace is over. Nothing of
later months is ever looked at. Declared amounts of a longer period are spread evenly over its months; months for which no return
has been filed are NaN, and so are months before the lake's memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import NO_MONTH, is_one_of, month_numbers
from jobs.analyse.calendar import usable_month
from jobs.analyse.ledger import Ledger, ledger, needed
from jobs.analyse.windows import share
from jobs.lake.arrays import Flags, Floats, Ints, floats
from jobs.lake.step import Night, Tables

MONTHS = 36
QUARTERS = 12
FARTHEST = 20.0  # robust deviations: farther says no more
STATEMENT = ("fs_revenue", "fs_cost", "fs_profit", "fs_inventory", "fs_assets", "fs_payable", "fs_wages")


@dataclass
class Panel:
    """The books of a bucket: `ledger` for ids and sums, `end` [taxpayer] the last usable month on the ledger's axis."""

    ledger: Ledger
    end: Ints
    tables: Tables
    _spread: dict[str, tuple[Flags, Ints, Ints]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of taxpayers."""
        return len(self.ledger.ids)

    def none(self) -> Floats:
        """NaN for every taxpayer."""
        return np.full(self.count, np.nan)

    def invoiced(self, name: str) -> Floats:
        """A measure of invoices [taxpayer, 36 months]: zero is zero from registration on, and since invoices have been received."""
        values = self._aligned(self._raw(name))
        return np.where(self._in_memory | ((values != 0) & ~np.isnan(values)), values, np.nan)

    def declared(self, name: str, tax: str) -> Floats:
        """A measure of returns of a tax [taxpayer, 36 months], in the months for which a return is in and past its grace."""
        covered, end, span = self._periods(tax)
        raw = self._raw(name)
        spread = np.take_along_axis(raw, end, axis=1) / span
        return self._aligned(np.where(covered, spread, np.nan))

    def counted(self, name: str) -> Floats:
        """A measure that is zero where no row says otherwise [taxpayer, 36 months]: amendments; NaN before the lake's memory."""
        return self._aligned(self._raw(name))

    def monthly(self, tax: str) -> Flags:
        """Months that have a return of their own [taxpayer, 36 months]: only these can repeat one another."""
        covered, _, span = self._periods(tax)
        return np.asarray(np.nan_to_num(self._aligned(np.where(covered & (span == 1), 1.0, 0.0))) == 1)

    def peer(self, measure: str) -> Floats:
        """Robust deviation from the peers: (own - median) / 1.4826 MAD, cut at 20 either way; NaN without peers."""
        rows = self.ledger.tables["peer_member"]
        mine = rows.filter(pc.equal(rows["measure"], measure))
        row = self.ledger.row_of(mine["taxpayer_id"])
        apart = share(floats(mine["value"]) - floats(mine["median"]), floats(mine["mad"]))
        found = self.none()
        found[row[row >= 0]] = np.clip(apart[row >= 0], -FARTHEST, FARTHEST)
        return found

    def own(self, measure: str) -> Floats:
        """The taxpayer's own value of a ratio that is compared with peers (jobs/analyse/ratios.py)."""
        rows = self.ledger.tables["peer_member"]
        mine = rows.filter(pc.equal(rows["measure"], measure))
        row, found = self.ledger.row_of(mine["taxpayer_id"]), self.none()
        found[row[row >= 0]] = floats(mine["value"])[row >= 0]
        return found

    def statement(self, name: str) -> Floats:
        """An item of the statements [taxpayer, 12 quarters], the last one that ended by the last usable month last; NaN: none filed."""
        return np.where(self._stated, self._quarterly(name), np.nan)

    def yearly(self, name: str, back: int = 0) -> Floats:
        """A measure of the last annual CIT return that may be judged [taxpayer], or of the one `back` years before it."""
        return self._month(name, self._cit_end - 12 * back, self._cit_filed(back))

    def over_cit_year(self, name: str) -> Floats:
        """Sum of a declared VAT measure over the year of the last CIT return; NaN unless VAT returns cover it all."""
        covered, _, _ = self._periods("VAT")
        whole = self._year_sum(covered.astype(np.float64)) == 12
        return np.where(whole, self._year_sum(self._raw(name)), np.nan)

    def filed_on(self) -> tuple[Ints, Ints, pa.Table]:
        """Obligations that may be judged: taxpayer, months before the last usable one (0: in it), and their rows of `filing`."""
        rows = self._judged
        taxpayer = self.ledger.row_of(rows["taxpayer_id"])
        age = self.end[taxpayer] + self.ledger.first - month_numbers(rows["period_to"])
        inside = (taxpayer >= 0) & (age >= 0)
        return taxpayer[inside], age[inside], rows.filter(pa.array(inside))

    def number(self, table: str, column: str) -> Floats:
        """A number of a table with one row per taxpayer [taxpayer]."""
        return self.ledger.numbers(table, column)

    def is_(self, column: str, value: str) -> Floats:
        """1 where an attribute of the registry has a value, 0 where another, NaN where it is null."""
        found = self.ledger.attribute("taxpayer", column)
        return np.where(np.asarray(found.is_null().to_numpy(zero_copy_only=False)), np.nan, is_one_of(found, (value,)).astype(np.float64))

    def months_since(self, column: str) -> Floats:
        """Months from a date of the registry to the last usable month; NaN without one."""
        then = month_numbers(self.ledger.attribute("taxpayer", column))
        return np.where(then > NO_MONTH, self.end + self.ledger.first - then, np.nan).astype(np.float64)

    @cached_property
    def _in_memory(self) -> Flags:
        raw = self._raw("out_n")
        said = np.any(raw != 0, axis=0) if self.count else np.zeros(raw.shape[1], dtype=bool)
        begins = int(np.argmax(said)) if said.any() else raw.shape[1]
        since = month_numbers(self.ledger.attribute("taxpayer", "registered_on")) - self.ledger.first
        at = self._at
        return np.asarray((at >= begins) & (at >= since[:, None]))

    @cached_property
    def _at(self) -> Ints:
        return np.asarray(self.end[:, None] - np.arange(MONTHS - 1, -1, -1)[None, :])

    def _raw(self, name: str) -> Floats:
        return np.diff(self.ledger.prefix(name), axis=1)

    def _aligned(self, raw: Floats) -> Floats:
        inside = (self._at >= 0) & (self._at < raw.shape[1])
        return np.where(inside, np.take_along_axis(raw, np.where(inside, self._at, 0), axis=1), np.nan)

    def _month(self, name: str, at: Ints, known: Flags) -> Floats:
        inside = known & (at >= 0) & (at < self.ledger.months)
        return np.where(inside, self._raw(name)[np.arange(self.count), np.where(inside, at, 0)], np.nan)

    @cached_property
    def _quarter_at(self) -> Ints:
        last = self.end - (self.end + self.ledger.first + 1) % 3
        return np.asarray(last[:, None] - 3 * np.arange(QUARTERS - 1, -1, -1)[None, :])

    def _quarterly(self, name: str) -> Floats:
        inside = self._quarter_at >= 0
        return np.where(inside, np.take_along_axis(self._raw(name), np.where(inside, self._quarter_at, 0), axis=1), np.nan)

    @cached_property
    def _stated(self) -> Flags:
        return np.asarray(np.any([np.nan_to_num(self._quarterly(m)) != 0 for m in STATEMENT], axis=0))

    @cached_property
    def _judged(self) -> pa.Table:
        rows = self.ledger.tables["filing"]
        return rows.filter(pa.array(is_one_of(rows["state"], ("filed", "late", "missing"))))

    def _periods(self, tax: str) -> tuple[Flags, Ints, Ints]:
        """Of each month on the ledger's axis: does a filed return cover it, the month its period ends with, the period's months."""
        if tax not in self._spread:
            rows = self._judged.filter(pc.and_(pc.equal(self._judged["tax"], tax), pa.array(is_one_of(self._judged["state"], ("filed", "late")))))
            taxpayer, last = self.ledger.row_of(rows["taxpayer_id"]), month_numbers(rows["period_to"]) - self.ledger.first
            length = last - (month_numbers(rows["period_from"]) - self.ledger.first) + 1
            shape = (self.count, self.ledger.months)
            covered, end, span = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.int64), np.ones(shape, dtype=np.int64)
            for back in range(int(length.max(initial=0))):
                here = (length > back) & (taxpayer >= 0) & (last - back >= 0) & (last < self.ledger.months)
                cell = (taxpayer[here], last[here] - back)
                covered[cell], end[cell], span[cell] = True, last[here], length[here]
            self._spread[tax] = covered, end, span
        return self._spread[tax]

    @cached_property
    def _cit_end(self) -> Ints:
        """Last month of the last CIT period in by the last usable month; before the axis when there is none."""
        covered, end, _ = self._periods("CIT")
        seen = covered & (end <= self.end[:, None])
        return np.asarray(np.where(seen, end, -MONTHS).max(axis=1, initial=-MONTHS))

    def _cit_filed(self, back: int) -> Flags:
        at = self._cit_end - 12 * back
        inside = at >= 0
        return np.asarray(inside & self._periods("CIT")[0][np.arange(self.count), np.where(inside, at, 0)])

    def _year_sum(self, values: Floats) -> Floats:
        whole = self._cit_end - 11 >= 0
        end = np.where(whole, self._cit_end, 11)
        prefix = np.concatenate([np.zeros((self.count, 1)), np.cumsum(values, axis=1)], axis=1)
        row = np.arange(self.count)
        return np.where(whole, prefix[row, np.minimum(end + 1, values.shape[1])] - prefix[row, end - 11], np.nan)


READS = ("taxpayer", "tax_registration", "taxpayer_month", "filing")


def panel(tables: Tables, night: Night, more: tuple[str, ...] = ()) -> Panel:
    """The panel of a bucket as known on the night's date; `more` names further tables its features look at."""
    books = ledger(needed(tables, (*READS, *more)), night.as_of)
    return Panel(books, _end(books, tables["tax_registration"], night) - books.first, tables)


def _end(books: Ledger, registered: pa.Table, night: Night) -> Ints:
    """Last usable month of each taxpayer: by the quarter for those registered to file VAT quarterly, else by the month."""
    end = np.full(len(books.ids), usable_month(night.conf, "VAT", "month", night.as_of), dtype=np.int64)
    if any(d.tax == "VAT" and d.frequency == "quarter" for d in night.conf.calendar):
        open_ = pc.fill_null(pc.greater_equal(registered["valid_to"], pa.scalar(night.as_of, pa.date32())), True)
        quarterly = registered.filter(pc.and_(pc.and_(pc.equal(registered["tax"], "VAT"), pc.equal(registered["frequency"], "quarter")), open_))
        row = books.row_of(quarterly["taxpayer_id"])
        end[row[row >= 0]] = usable_month(night.conf, "VAT", "quarter", night.as_of)
    return end
