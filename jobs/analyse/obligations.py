"""obligation: the returns each taxpayer owes. Non-filing is measured against these, never against the returns that came."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import month_number
from jobs.analyse.calendar import SPAN, due_at, due_on, grace_until, period_end
from jobs.lake.additive import as_dates
from jobs.lake.arrays import Ints, positions
from jobs.lake.step import Night, Tables

LOOK_BACK_MONTHS = 72  # longest limitation in use and a year to compare with
_FOREVER = 10**6  # days: after every date


def obligation(tables: Tables, night: Night) -> pa.Table:
    """Returns owed for every period that has ended: taxpayer_id, tax, period_from, period_to, due_at, grace_until.

    From tax_registration (tax, frequency, validity), cut at the taxpayer's closing, and conf/calendar.yaml. Nothing is owed for
    periods before the first return of the tax that the bucket holds: what was never delivered is not missing.
    """
    taxpayers, registered = tables["taxpayer"], tables["tax_registration"]
    closed = _closed_on(registered["taxpayer_id"], taxpayers)
    parts = [
        part
        for tax, frequency in sorted({(d.tax, d.frequency) for d in night.conf.calendar})
        if (part := _of(tax, frequency, tables, closed, night)) is not None
    ]
    if not parts:
        return _owed(registered["taxpayer_id"].slice(0, 0), "", *[np.zeros(0, np.int64)] * 4)
    found = pa.concat_tables(parts)
    key = ["taxpayer_id", "tax", "period_from", "period_to"]
    once = found.group_by(key, use_threads=False).aggregate([("due_at", "min"), ("grace_until", "min")])
    return once.rename_columns([*key, "due_at", "grace_until"]).sort_by([(k, "ascending") for k in key])


def _of(tax: str, frequency: str, tables: Tables, closed: Ints, night: Night) -> pa.Table | None:
    registered, returns = tables["tax_registration"], tables["return_line"]
    mine = np.flatnonzero(np.asarray(pc.and_(pc.equal(registered["tax"], tax), pc.equal(registered["frequency"], frequency)).fill_null(False).to_numpy()))
    filed = pc.min(returns["period_from"].filter(pc.equal(returns["tax"], tax))).as_py()
    if not len(mine) or filed is None:
        return None
    first = max(month_number(filed), month_number(night.as_of) - LOOK_BACK_MONTHS)
    start, end, due, grace = _periods(tax, frequency, first, night)
    since = registered["valid_from"].cast(pa.int32()).fill_null(-_FOREVER).to_numpy().astype(np.int64)[mine]
    until = np.minimum(registered["valid_to"].cast(pa.int32()).fill_null(_FOREVER).to_numpy().astype(np.int64)[mine], closed[mine])
    row, period = np.nonzero((end[None, :] >= since[:, None]) & (start[None, :] <= until[:, None]))
    owner = registered["taxpayer_id"].take(pa.array(mine[row]))
    return _owed(owner, tax, start[period], end[period], due[period], grace[period])


def _periods(tax: str, frequency: str, first: int, night: Night) -> tuple[Ints, Ints, Ints, Ints]:
    """First and last day, due date and end of grace, in days, of the periods from month `first` that have ended."""
    span, epoch, conf = SPAN[frequency], np.datetime64("1970-01-01"), night.conf
    found = []
    for number in range(first, month_number(night.as_of) + 1):
        last = period_end(number)
        entry = due_on(conf, tax, frequency, last) if (number + 1) % span == 0 and last < night.as_of else None
        if entry:
            found.append((period_end(number - span) + timedelta(days=1), last, due_at(entry, last), grace_until(entry, last)))
    columns = np.array(found, dtype="datetime64[D]").reshape(len(found), 4)
    numbers = (columns - epoch).astype(np.int64)
    return numbers[:, 0], numbers[:, 1], numbers[:, 2], numbers[:, 3]


def _closed_on(ids: pa.ChunkedArray, taxpayers: pa.Table) -> Ints:
    """Day of closing by registration; far in the future for those open or not registered."""
    place = positions(ids, taxpayers["taxpayer_id"].combine_chunks())
    closed = np.append(taxpayers["closed_on"].cast(pa.int32()).fill_null(_FOREVER).to_numpy().astype(np.int64), _FOREVER)
    return np.asarray(closed[place])


def _owed(owner: pa.ChunkedArray, tax: str, start: Ints, end: Ints, due: Ints, grace: Ints) -> pa.Table:
    return pa.table(
        {"taxpayer_id": owner, "tax": pa.array([tax] * len(start), pa.string()), "period_from": as_dates(start), "period_to": as_dates(end),
         "due_at": as_dates(due), "grace_until": as_dates(grace)}
    )  # fmt: skip
