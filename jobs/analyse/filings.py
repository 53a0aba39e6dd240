"""filing: what became of each obligation: filed when, how often, with what tax due, and what was paid for it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of
from jobs.lake.additive import as_dates, days, timeline
from jobs.lake.arrays import Flags, Ints, cents, money
from jobs.lake.buckets import group_codes
from jobs.lake.step import Night, Tables
from jobs.lake.tables import TABLES

DOCUMENT = TABLES["return_line"].version_of
ORDER = ("version", "known_at", "row_digest")
PERIOD = ("taxpayer_id", "tax", "period_from", "period_to")
_NEVER = 10**6  # days: not filed
_SHIFT = np.int64(2**32)


def filing(tables: Tables, night: Night) -> pa.Table:
    """The filing table's own columns, one row per obligation.

    Reads obligation and payment, and every version of return_line (`versions`), for the first filing may no longer be in force.
    days_late is negative for returns filed before the due date. state stays not_due until grace_until even when the return is in,
    so that nobody judges it early; unknown where nobody's return of the tax for the period or a later one has arrived.
    """
    owed, documents = tables["obligation"], _documents(tables.versions["return_line"])
    place = _place(documents, owed)
    there = place >= 0
    count, at = owed.num_rows, place[there]
    first, last = np.full(count, _NEVER), np.full(count, -_NEVER)
    np.minimum.at(first, at, documents["first"].to_numpy()[there])
    np.maximum.at(last, at, documents["last"].to_numpy()[there])
    filed = np.bincount(at, minlength=count) > 0
    sums = {n: _added(at, documents[n].to_numpy()[there], count) for n in ("versions", "due", "due_first")}
    due_at = days(owed["due_at"])
    late = np.where(filed, first - due_at, 0)
    return pa.table(
        {
            **{c: owed[c] for c in (*PERIOD, "due_at")},
            "filed_on": _masked(as_dates(np.where(filed, first, 0)), filed),
            "last_filed_on": _masked(as_dates(np.where(filed, last, 0)), filed),
            "days_late": pa.array(late.astype(np.int32), mask=~filed),
            "versions": pa.array(sums["versions"].astype(np.int32)),
            "due": _masked(money(sums["due"]), filed),
            "due_first": _masked(money(sums["due_first"]), filed),
            "paid": money(_paid(tables["payment"], owed)),
            "state": _state(owed, documents, filed, late > 0, night),
        }
    )


def _documents(rows: pa.Table) -> pa.Table:
    """One row per return in force: its period, days first and last filed, versions, tax due now and as first declared (cents)."""
    version = group_codes(rows, [*DOCUMENT, *ORDER])
    head = np.unique(version, return_index=True)[1]
    wide = rows.select([*DOCUMENT, *ORDER, "filed_on", "event_at", "deleted"]).take(pa.array(head))
    due, is_due = np.zeros(len(head), dtype=np.int64), is_one_of(rows["return_line"], ("due",))
    due[version[is_due]] = cents(rows["amount"])[is_due]
    times = timeline(wide, DOCUMENT, ORDER)
    final = np.ones(len(times.winner), dtype=bool)
    final[times.before[times.before >= 0]] = False
    seen = final[times.seen_state]
    state, row = times.seen_state[seen], times.seen_row[seen]
    lowest = np.append(True, state[1:] != state[:-1])[: len(state)]
    filed = pc.coalesce(wide["filed_on"], wide["event_at"], wide["known_at"])
    on = days(filed)
    first = np.minimum.reduceat(on[row], np.flatnonzero(lowest)) if len(row) else on[:0]
    winner = times.winner[final]
    found = wide.select(list(PERIOD)).take(pa.array(winner))
    columns = {"first": first, "last": on[winner], "versions": np.bincount(state, minlength=len(final))[final], "due": due[winner], "due_first": due[row[lowest]]}
    for name, values in columns.items():
        found = found.append_column(name, pa.array(values.astype(np.int64)))
    return found.filter(pc.invert(pc.fill_null(wide["deleted"].take(pa.array(winner)), False)))


def _place(documents: pa.Table, owed: pa.Table) -> Ints:
    """Row of the obligation a return answers (same taxpayer, tax and period); -1: none."""
    key = list(PERIOD)
    codes = group_codes(pa.concat_tables([owed.select(key), documents.select(key).cast(owed.select(key).schema)]), key)
    row = np.full(int(codes.max(initial=-1)) + 1, -1, dtype=np.int64)
    row[codes[: owed.num_rows]] = np.arange(owed.num_rows)
    return np.asarray(row[codes[owed.num_rows :]])


def _paid(payments: pa.Table, owed: pa.Table) -> Ints:
    """Tax paid less refunds by obligation, in cents: payments whose period lies within the obligation's, such as instalments."""
    tax = payments.filter(pc.and_(pc.invert(pc.is_in(payments["kind"], value_set=pa.array(["interest", "penalty"]))), pc.is_valid(payments["period_to"])))
    who = ["taxpayer_id", "tax"]
    codes = group_codes(pa.concat_tables([owed.select(who), tax.select(who).cast(owed.select(who).schema)]), who)
    ends = codes[: owed.num_rows] * _SHIFT + days(owed["period_to"])
    order = np.argsort(ends, kind="stable")
    wanted = codes[owed.num_rows :] * _SHIFT + days(tax["period_to"])
    place = np.searchsorted(ends[order], wanted)
    inside = place < len(order)
    hit = order[place[inside]]
    begins = np.append(days(owed["period_from"]), 0)
    same = codes[: owed.num_rows][hit] == codes[owed.num_rows :][inside]
    within = same & (begins[hit] <= days(tax["period_to"])[inside])
    return _added(hit[within], cents(tax["amount"])[inside][within], owed.num_rows)


def _added(at: Ints, values: Ints, count: int) -> Ints:
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, at, values)
    return total


def _masked(values: pa.Array, known: Flags) -> pa.Array:
    return pc.if_else(pa.array(known), values, pa.scalar(None, values.type))


def _state(owed: pa.Table, documents: pa.Table, filed: Flags, late: Flags, night: Night) -> pa.Array:
    usable = np.asarray(pc.less_equal(owed["grace_until"], pa.scalar(night.as_of, pa.date32())).to_numpy())
    arrived = documents.group_by("tax", use_threads=False).aggregate([("period_to", "max")])
    newest = dict(zip(arrived["tax"].to_pylist(), days(arrived["period_to_max"]).tolist(), strict=True))
    taxes = pc.unique(owed["tax"].combine_chunks() if isinstance(owed["tax"], pa.ChunkedArray) else owed["tax"])
    covered = np.zeros(owed.num_rows, dtype=bool)
    for tax in taxes.to_pylist():
        covered |= is_one_of(owed["tax"], (tax,)) & (days(owed["period_to"]) <= newest.get(tax, -_NEVER))
    names = np.where(~usable, "not_due", np.where(filed & late, "late", np.where(filed, "filed", np.where(covered, "missing", "unknown"))))
    return pa.array(names.tolist(), pa.string())
