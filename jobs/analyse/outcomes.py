"""outcome: the labels. One row per point answered, turned by appeals, with the day on which it was known.

A comprehensive examination that found nothing is closed with that result, and gives one row of its own.

What a taxpayer says (kind `statement`) is never read here: it may close a point through an answer, and cannot worsen a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of
from jobs.analyse.point_id import POINT, point_ids
from jobs.analyse.schema import own_schema
from jobs.lake.arrays import Flags, Floats, Ints, cents, floats, money
from jobs.lake.buckets import group_codes
from jobs.lake.step import Night, Tables

ANSWERS = ("point_answered", "reviewed", "closed")  # a review with a result replaces the answer it re-checked; closing with one: nothing was found
_NEVER = -1


@dataclass(frozen=True)
class Events:
    """Events in their order within each case: `case` and `answer` number the cases and the (case, point) pairs."""

    rows: pa.Table
    case: Ints
    pair: Ints

    def is_(self, *kinds: str) -> Flags:
        """Which events are of these kinds."""
        return is_one_of(self.rows["kind"], kinds)


def outcome(tables: Tables, night: Night) -> pa.Table:
    """Own columns of outcome, one row per (case, point) with a result.

    Reads case_event. An answer that names neither point nor risk code is about nothing and gives no row. The last answer counts; it is `overturned` (adjusted and amount 0) by a later event of that kind about the point
    or the whole case, `appealed` until the case is closed after the appeal, `final` when the case is closed, else `open`.
    known_at: the day the answer was known, or the overturning. adjusted: sign of the amount; null when not examined.
    paid and effort_days that name no point are shared over the case's points: by amount, and equally over those examined.
    """
    events = _ordered(tables["case_event"])
    last = _last(events, events.pair, events.is_(*ANSWERS) & _given(events.rows["result"]) & (events.pair != _NEVER))
    answers = np.sort(last[last != _NEVER])
    rows = events.rows.take(pa.array(answers))
    turned = _after(events, answers, "overturned")
    examined = ~is_one_of(rows["result"], ["not_examined"])
    amount = np.where(turned | is_one_of(rows["result"], ["excluded"]) | ~examined, 0, cents(rows["amount"]))
    known = np.where(turned, _day(events, answers, "overturned"), rows["known_at"].cast(pa.int32()).to_numpy())
    found = {
        **{name: rows[name] for name in ("case_id", "point_id", *POINT, "reason_code")},
        "finding": rows["result"],
        "case_source": _of_case(events, answers, "case_source"),
        "treatment": _of_case(events, answers, "treatment"),
        "office_id": pc.coalesce(rows["office_id"].combine_chunks(), _of_case(events, answers, "office_id")),
        "adjusted": pa.array(np.sign(amount).astype(np.int32), mask=~examined),
        "assessed": money(amount),
        "collected": money(_paid(events, answers, amount)),
        "effort_days": pa.array(np.round(_effort(events, answers, examined), 6)),
        "standing": pa.array(_standing(events, answers, turned), pa.string()),
        "opened_on": _opened(events, answers),
        "known_at": pa.array(known.astype(np.int32)).cast(pa.date32()),
    }
    schema = own_schema("outcome")
    return pa.table({name: found[name] for name in schema.names}, schema=schema)


def _ordered(rows: pa.Table) -> Events:
    ids = point_ids(rows.select(list(POINT)))
    about_point = pc.is_valid(rows["risk_code"])
    named = pc.coalesce(rows["point_id"].combine_chunks(), pc.if_else(about_point.combine_chunks(), ids, pa.scalar(None, pa.string())))
    rows = rows.set_column(rows.schema.get_field_index("point_id"), "point_id", named)
    rows = rows.sort_by([(n, "ascending") for n in ("case_id", "event_on", "event_no", "source")])
    return Events(
        rows, group_codes(rows, ["case_id"]), np.where(_given(rows["point_id"]), group_codes(rows, ["case_id", "point_id"]), _NEVER)
    )


def _given(column: pa.ChunkedArray) -> Flags:
    return np.asarray(column.is_valid().to_numpy(), dtype=bool)


def _last(events: Events, group: Ints, which: Flags) -> Ints:
    """Last row of each group among those that count; -1: none. [group]"""
    found = np.full(int(group.max(initial=_NEVER)) + 1, _NEVER, dtype=np.int64)
    np.maximum.at(found, group[which], np.flatnonzero(which))
    return found


def _latest(events: Events, answers: Ints, kind: str) -> Ints:
    """Row of the last event of a kind about each answer's point or its whole case; -1: none."""
    which = events.is_(kind)
    own = which & (events.pair != _NEVER)
    by_pair = _last(events, events.pair, own)
    by_case = _last(events, events.case, which & (events.pair == _NEVER))
    return np.maximum(by_pair[events.pair[answers]], by_case[events.case[answers]])


def _after(events: Events, answers: Ints, kind: str) -> Flags:
    return np.asarray(_latest(events, answers, kind) > answers)


def _day(events: Events, answers: Ints, kind: str) -> Ints:
    known = events.rows["known_at"].cast(pa.int32()).to_numpy().astype(np.int64)
    return np.append(known, 0)[_latest(events, answers, kind)]


def _standing(events: Events, answers: Ints, turned: Flags) -> list[str]:
    closed, appealed = _latest(events, answers, "closed"), _latest(events, answers, "appealed")
    states = np.select(
        [turned, (appealed > answers) & (appealed > closed), closed != _NEVER], ["overturned", "appealed", "final"], "open"
    )
    return [str(s) for s in states]


def _of_case(events: Events, answers: Ints, column: str) -> pa.Array:
    """What the case's first event that says it says."""
    said = _given(events.rows[column])
    first = np.full(int(events.case.max(initial=_NEVER)) + 1, len(said), dtype=np.int64)
    np.minimum.at(first, events.case[said], np.flatnonzero(said))
    place = first[events.case[answers]]
    return events.rows[column].combine_chunks().take(pa.array(place, mask=place == len(said)))


def _opened(events: Events, answers: Ints) -> pa.Array:
    """Day the case was pushed; where the old system kept no such event, its first day."""
    day, never = events.rows["event_on"].cast(pa.int32()).to_numpy().astype(np.int64), np.iinfo(np.int32).max
    first = np.full((2, int(events.case.max(initial=_NEVER)) + 1), never, dtype=np.int64)
    pushed = events.is_("pushed")
    np.minimum.at(first[0], events.case[pushed], day[pushed])
    np.minimum.at(first[1], events.case, day)
    opened = np.where(first[0] != never, first[0], first[1])[events.case[answers]]
    return pa.array(opened.astype(np.int32)).cast(pa.date32())


def _paid(events: Events, answers: Ints, amount: Ints) -> Ints:
    """Cents paid on each answer's point: its own, and its share of what was paid on the case; the last cents go to the largest."""
    which = events.is_("paid")
    value = cents(events.rows["amount"])
    own = _summed(events.pair, value, which & (events.pair != _NEVER))[events.pair[answers]]
    case = events.case[answers]
    on_case = _summed(events.case, value, which & (events.pair == _NEVER))
    owed = np.maximum(amount, 0)
    whole = np.bincount(case, weights=owed, minlength=len(on_case)).astype(np.int64)
    part = np.where(whole[case] > 0, np.floor(on_case[case] * (owed / np.maximum(whole[case], 1))), 0).astype(np.int64)
    rest = on_case - np.bincount(case, weights=part, minlength=len(on_case)).astype(np.int64)
    largest = np.lexsort((answers, -owed, case))
    head = largest[np.unique(case[largest], return_index=True)[1]]
    part[head] += np.where(whole[case[head]] > 0, rest[case[head]], 0)
    return np.asarray(own + part)


def _effort(events: Events, answers: Ints, examined: Flags) -> Floats:
    """Inspector-days of each answer's point: its own, and an equal share of what was spent on the case."""
    days = np.nan_to_num(floats(events.rows["effort_days"]))
    own = np.bincount(np.maximum(events.pair, 0), weights=np.where(events.pair != _NEVER, days, 0), minlength=1)[events.pair[answers]]
    case = events.case[answers]
    on_case = np.bincount(events.case, weights=np.where(events.pair == _NEVER, days, 0), minlength=1)
    worked = np.bincount(case, weights=examined, minlength=len(on_case))
    takes = examined | (worked[case] == 0)
    return np.asarray(own + np.where(takes, on_case[case] / np.bincount(case, weights=takes, minlength=len(on_case))[case], 0))


def _summed(group: Ints, value: Ints, which: Flags) -> Ints:
    """Sum of integers by group, exact. [group]"""
    found = np.zeros(int(group.max(initial=0)) + 1, dtype=np.int64)
    np.add.at(found, group[which], value[which])
    return found
