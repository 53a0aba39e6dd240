"""obligation: the returns each taxpayer owes. Non-filing is measured against these, never against the returns that came."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import month_number
from jobs.analyse.calendar import SPAN, due_at, due_on, grace_until, period_end
from jobs.lake.additive import as_dates
from jobs.lake.arrays import Ints, day_numbers, flags, positions
from jobs.lake.buckets import group_codes
from jobs.lake.step import Night, Tables
from jobs.lake.tables import TABLES

LOOK_BACK_MONTHS = 72  # longest limitation in use and a year to compare with
ORDER = ("version", "known_at", "row_digest")
_IN_TIME_DAYS = 366  # a return filed within a year of its period's end shows that its taxpayer was filing then
_FOREVER = 10**6  # days: after every date


def obligation(tables: Tables, night: Night) -> pa.Table:
    """Returns owed for every period that has ended: taxpayer_id, tax, period_from, period_to, due_at, grace_until.

    By conf/calendar.yaml and every version of tax_registration (`versions`), cut at the taxpayer's closing. Each period is owed by the
    registration of its time, at its last day (`_spells`). Periods are owed from the day the taxpayer's duty was first known, or from
    his own first return of the tax filed within a year of its period, if that is earlier: what others filed says nothing about him,
    and a single return for a period long past answers that period alone. Where returns reach less far back than the register, the
    calendar's entry says from when periods are owed (valid_from).
    """
    spells = _spells(tables.versions["tax_registration"])
    spells = spells.append_column("begins", pa.array(_begins(spells, tables["return_line"]), pa.int64()))
    spells = spells.append_column("closed", pa.array(_closed_on(spells["taxpayer_id"], tables["taxpayer"]), pa.int64()))
    parts = [_of(tax, frequency, spells, night) for tax, frequency in sorted({(d.tax, d.frequency) for d in night.conf.calendar})]
    if not parts:
        return _owed(spells["taxpayer_id"].slice(0, 0), "", *[np.zeros(0, np.int64)] * 4)
    found = pa.concat_tables(parts)
    key = ["taxpayer_id", "tax", "period_from", "period_to"]
    once = found.group_by(key, use_threads=False).aggregate([("due_at", "min"), ("grace_until", "min")])
    return once.rename_columns([*key, "due_at", "grace_until"]).sort_by([(k, "ascending") for k in key])


def _spells(versions: pa.Table) -> pa.Table:
    """The times for which a taxpayer files a tax with one frequency: taxpayer_id, tax, frequency, and in days since 1970 first_known (of
    the taxpayer's duty), since and until (validity, as the spell's last version has it), first and last (the days on which it is in force).

    A new frequency takes over from its first day of validity, or, where the register keeps the old first day, from the day it was known.
    """
    key = TABLES["tax_registration"].version_of
    ordered = versions.sort_by([(name, "ascending") for name in (*key, *ORDER)])
    code = group_codes(ordered, key)
    last_of_key = np.append(code[1:] != code[:-1], True)[: len(code)]
    hidden = np.unique(code[last_of_key & flags(ordered["deleted"])])
    ordered, code = ordered.filter(pa.array(~np.isin(code, hidden))), code[~np.isin(code, hidden)]
    how = group_codes(ordered, ["frequency"])
    starts = np.append(True, (code[1:] != code[:-1]) | (how[1:] != how[:-1]))[: len(code)]
    head = np.flatnonzero(starts)
    tail = np.append(head[1:], len(code))[: len(head)] - 1
    again = np.append(False, code[head][1:] == code[head][:-1])[: len(head)]  # the same duty with another frequency
    since, known = day_numbers(ordered["valid_from"], -_FOREVER), day_numbers(ordered["known_at"], -_FOREVER)
    before = np.append(-1, tail[:-1])[: len(head)]
    first = np.where(again, np.where(since[head] > since[before], since[head], known[head]), -_FOREVER)
    follows = np.append(again[1:], False)[: len(head)]
    last = np.where(follows, np.append(first[1:], 0)[: len(head)] - 1, _FOREVER)
    found = ordered.select(["taxpayer_id", "tax", "frequency"]).take(pa.array(tail))
    numbers = {"since": since[tail], "until": day_numbers(ordered["valid_to"], _FOREVER)[tail], "first": first, "last": last, "first_known": _least(ordered, known)[tail]}
    for name, values in numbers.items():
        found = found.append_column(name, pa.array(values, pa.int64()))
    return found


def _begins(spells: pa.Table, returns: pa.Table) -> Ints:
    """The day from which each taxpayer's duty can be judged: it was known, or he filed."""
    filed = pc.coalesce(returns["filed_on"], returns["event_at"], returns["known_at"])
    in_time = day_numbers(filed, _FOREVER) <= day_numbers(returns["period_to"], _FOREVER) + _IN_TIME_DAYS
    who = ["taxpayer_id", "tax"]
    own = returns.filter(pa.array(in_time))
    both = pa.concat_tables([spells.select(who), own.select(who).cast(spells.select(who).schema)])
    days = np.concatenate([spells["first_known"].to_numpy(), day_numbers(own["period_from"], _FOREVER)])
    return _least(both, days)[: spells.num_rows]


def _least(rows: pa.Table, days: Ints) -> Ints:
    """The least of `days` over the rows of the same taxpayer and tax, for each row."""
    code = group_codes(rows, ["taxpayer_id", "tax"])
    least = np.full(int(code.max(initial=-1)) + 1, _FOREVER, dtype=np.int64)
    np.minimum.at(least, code, days)
    return np.asarray(least[code])


def _of(tax: str, frequency: str, spells: pa.Table, night: Night) -> pa.Table:
    mine = spells.filter(pc.and_(pc.equal(spells["tax"], tax), pc.equal(spells["frequency"], frequency)))
    start, end, due, grace = _periods(tax, frequency, month_number(night.as_of) - LOOK_BACK_MONTHS, night)
    of = {name: mine[name].to_numpy()[:, None] for name in ("since", "until", "first", "last", "begins", "closed")}
    valid = (end >= of["since"]) & (start <= np.minimum(of["until"], of["closed"]))
    in_force = (end >= of["first"]) & (end <= of["last"])
    row, period = np.nonzero(valid & in_force & (end >= of["begins"]))
    return _owed(mine["taxpayer_id"].take(pa.array(row)), tax, start[period], end[period], due[period], grace[period])


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
    return np.asarray(np.append(day_numbers(taxpayers["closed_on"], _FOREVER), _FOREVER)[place])


def _owed(owner: pa.ChunkedArray, tax: str, start: Ints, end: Ints, due: Ints, grace: Ints) -> pa.Table:
    return pa.table(
        {"taxpayer_id": owner, "tax": pa.array([tax] * len(start), pa.string()), "period_from": as_dates(start), "period_to": as_dates(end),
         "due_at": as_dates(due), "grace_until": as_dates(grace)}
    )  # fmt: skip
