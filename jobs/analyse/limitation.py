"""How much of a point's tax can still be assessed, and until when, both if it is an error and if it is evasion (追征期).

Years run from the day each return of the period was due. A period of several returns lapses return by return: what is still open
is counted as the share of its returns that are, for indicators judge a period as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Conf, ConfError, Limitation, in_force
from jobs.lake.arrays import Flags, Floats, Ints, day_numbers
from jobs.lake.buckets import group_codes

_NOT_FILED = -(10**6)  # days: before every date


@dataclass(frozen=True)
class Assessable:
    """Per point: shares still open, last days (days since 1970; -1: no limit), and the last day a return of the period was filed."""

    share_error: Floats
    share_evasion: Floats
    until_error: Ints
    until_evasion: Ints
    last_filed: Ints


def assessable(points: pa.Table, filing: pa.Table, conf: Conf, as_of: date) -> Assessable:
    """Limitation of each point (columns taxpayer_id, tax, period_from, period_to) by conf/limitation.yaml as of the date.

    A point with no return owed counts from the period's last day. ConfError when no limitation is in force for a tax.
    """
    point, due, filed = _pairs(points, filing)
    rows = points.num_rows
    error, evasion = _years(points["tax"], conf, as_of)
    shares, untils = [], []
    for years in (error, evasion):
        until = np.where(years[point] < 0, -1, plus_years(due, years[point]))
        is_open = (until == -1) | (until >= np.datetime64(as_of, "D").astype(np.int64))
        owed = np.bincount(point, minlength=rows)
        shares.append(np.bincount(point, weights=is_open, minlength=rows) / np.maximum(owed, 1))
        latest = np.full(rows, -1, dtype=np.int64)
        np.maximum.at(latest, point, until)
        untils.append(latest)
    last = np.full(rows, _NOT_FILED, dtype=np.int64)
    np.maximum.at(last, point, filed)
    return Assessable(shares[0], shares[1], untils[0], untils[1], last)


def plus_years(days: Ints, years: Ints) -> Ints:
    """The same day some years later, the month's last day where there is no such day (29 February)."""
    day = days.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    later = month + 12 * np.maximum(years, 0)
    last = (later + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    found = np.minimum(later.astype("datetime64[D]") + (day - month.astype("datetime64[D]")), last)
    return np.asarray(found.astype(np.int64))


def _pairs(points: pa.Table, filing: pa.Table) -> tuple[Ints, Ints, Ints]:
    """(point, day due, day last filed) of every return owed in a point's period; its last day where none is."""
    owner = group_codes(
        pa.concat_tables([points.select(["taxpayer_id", "tax"]), filing.select(["taxpayer_id", "tax"])]), ["taxpayer_id", "tax"]
    )
    mine, theirs = owner[: points.num_rows], owner[points.num_rows :]
    start, end = day_numbers(points["period_from"], _NOT_FILED), day_numbers(points["period_to"], _NOT_FILED)
    closing = day_numbers(filing["period_to"], _NOT_FILED)
    order = np.lexsort((closing, theirs))
    axis = theirs[order] * 2**32 + closing[order]
    low = np.searchsorted(axis, mine * 2**32 + start)
    high = np.searchsorted(axis, mine * 2**32 + end, side="right")
    point = np.repeat(np.arange(points.num_rows), high - low)
    offset = np.arange(len(point)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    at = order[low[point] + offset]
    bare = np.flatnonzero(high == low)
    due = np.concatenate([day_numbers(filing["due_at"], _NOT_FILED)[at], end[bare]])
    filed = np.concatenate([day_numbers(filing["last_filed_on"], _NOT_FILED)[at], np.full(len(bare), _NOT_FILED)])
    return np.concatenate([point, bare]), due, filed


def _years(taxes: pa.ChunkedArray, conf: Conf, as_of: date) -> tuple[Ints, Ints]:
    """Years for error and for evasion (-1: no limit) of each tax; the tax's own entry before that of all taxes."""
    found: dict[str, Limitation] = {entry.tax: entry for entry in in_force(conf.limitation, as_of)}
    error, evasion = np.zeros(len(taxes), dtype=np.int64), np.zeros(len(taxes), dtype=np.int64)
    for tax in pc.unique(taxes).to_pylist():
        entry = found.get(tax) or found.get("*")
        if entry is None:
            raise ConfError(f"conf/limitation.yaml: nothing in force on {as_of} for tax '{tax}'; add an entry for it or for '*'")
        at: Flags = np.asarray(pc.equal(taxes, tax).to_numpy(), dtype=bool)
        error[at], evasion[at] = entry.error_years, -1 if entry.evasion_years is None else entry.evasion_years
    return error, evasion
