"""What keeps a taxpayer off tonight's list: an open case, cooling-off, the contact limit, the years of rest after a random draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Treatment
from jobs.lake.arrays import Flags, Ints, day_number, day_numbers, flags, positions
from jobs.lake.step import Night

_OVER = pa.array(["closed", "dropped"])
_WORKED = pa.array(["begun", "point_answered"])


@dataclass(frozen=True)
class Barriers:
    """Per taxpayer, in the order of the ids given."""

    open_case: Flags
    cooling: Flags
    limited: Flags
    resting: Flags


def barriers(case_event: pa.Table, ids: pa.Array, night: Night) -> Barriers:
    """Barriers of each taxpayer from the case events known tonight.

    open_case: a case neither closed nor dropped; one that asks for no answer and that nobody began closes by itself after its term, else 30 days.
    cooling: a procedure closed less than `cooling_off_days` ago. limited: `contacts_per_year` cases begun in the plan's calendar year, as in respond.
    resting: a random case begun within `random_rest_years`.
    """
    plan = night.conf.plan(night.as_of)
    cases = _cases(case_event)
    known = _Known(tuple(night.conf.treatments.values()), cases["treatment"])
    today, began = day_number(night.as_of), day_numbers(cases["began"])
    ended = flags(pc.is_valid(cases["over"]))
    waiting = known.must_reply | flags(cases["worked"]) | (began + known.silent_days > today)
    random = flags(pc.equal(cases["case_source"], "random"))
    at = positions(cases["taxpayer_id"], ids)
    contacts = np.bincount(at[(at >= 0) & (began >= day_number(date(night.as_of.year, 1, 1)))], minlength=len(ids))
    return Barriers(
        open_case=_any(at, ~ended & waiting, len(ids)),
        cooling=_any(at, known.procedure & (day_numbers(cases["closed"]) > today - plan.cooling_off_days), len(ids)),
        limited=contacts >= plan.contacts_per_year,
        resting=_any(at, random & (began > day_number(_years_before(night.as_of, plan.random_rest_years))), len(ids)),
    )


class _Known:
    """What the law says of each case's treatment; of one that is no longer in conf/treatments.yaml: a reply is due, no procedure."""

    def __init__(self, entries: tuple[Treatment, ...], treatment: pa.ChunkedArray) -> None:
        at = positions(treatment, [t.id for t in entries])
        self.must_reply = np.asarray([*(t.must_reply for t in entries), True], dtype=bool)[at]
        self.procedure = np.asarray([*(t.opens_procedure for t in entries), False], dtype=bool)[at]
        self.silent_days = np.asarray([*(t.silent_days for t in entries), 0], dtype=np.int64)[at]


def _cases(case_event: pa.Table) -> pa.Table:
    """One row per case: its first day, the day it was over (null: still open), the day it was closed after work (null: not, or dropped), whether work began."""
    never = pa.scalar(None, pa.date32())
    over = pc.if_else(pc.is_in(case_event["kind"], value_set=_OVER), case_event["event_on"], never)
    closed = pc.if_else(pc.equal(case_event["kind"], "closed"), case_event["event_on"], never)
    worked = pc.is_in(case_event["kind"], value_set=_WORKED)
    rows = case_event.select(["case_id", "taxpayer_id", "treatment", "case_source", "event_on"])
    how = [("taxpayer_id", "min"), ("treatment", "min"), ("case_source", "min"), ("event_on", "min"), ("over", "max"), ("closed", "max"), ("worked", "max")]
    grouped = rows.append_column("over", over).append_column("closed", closed).append_column("worked", worked).group_by("case_id").aggregate(how)
    return grouped.select([f"{name}_{by}" for name, by in how]).rename_columns(["taxpayer_id", "treatment", "case_source", "began", "over", "closed", "worked"])


def _years_before(day: date, years: int) -> date:
    return day.replace(year=day.year - years, day=min(day.day, 28))


def _any(at: Ints, which: Flags, n: int) -> Flags:
    found = np.zeros(n, dtype=bool)
    found[at[which & (at >= 0)]] = True
    return found
