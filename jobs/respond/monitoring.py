"""Monitoring (过程监控): what supervisors must see each night, by level and office, from the events of the cases."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import COMPREHENSIVE, Conf
from jobs.lake.arrays import Flags, Ints, day_number, day_numbers, positions
from jobs.lake.step import Night, Tables
from jobs.lake.tables import table

NEAR_DAYS = 10
MEASURES = ("pushed", "not_received", "not_begun", "near_term", "overdue", "returned", "dropped", "closed")
_STATES = ("pushed", "received", "begun", "reviewed", "returned", "dropped", "closed")
_STARTS = pa.array(["begun", "served"])  # service of a document starts its term (送达), not sending
_NEVER = np.iinfo(np.int64).min


def monitor(tables: Tables, night: Night) -> pa.Table:
    """Table monitoring: cases by office, measure and level (and level `all`). Driver step.

    Reads case_event; history: selection, for each case's level: unknown where no published night selected it, comprehensive for what the draw
    or the model alone chose (a level of none would give the random slice away). pushed, returned, dropped
    and closed count cases of this year; the others count cases open now. A case has a term only where its treatment obliges an answer; the
    term runs from the day the case was begun, anew from the service of its document. Reminders are letters, not work, and are left out.
    """
    events = _work(tables["case_event"], night.conf)
    cases = _cases(events)
    if cases.num_rows == 0:
        return pa.Table.from_pylist([], schema=_schema())
    levels = _levels(cases["case_id"], tables)
    found = _measured(cases, night)
    rows = []
    for measure in MEASURES:
        hit = cases.select(["office_id"]).append_column("level", levels).filter(pa.array(found[measure]))
        for by in (hit, hit.set_column(1, "level", pa.array(["all"] * hit.num_rows, pa.string()))):
            counted = by.group_by(["office_id", "level"]).aggregate([([], "count_all")])
            rows += [{"office_id": o, "measure": measure, "level": v, "n": n} for o, v, n in zip(*(counted[c].to_pylist() for c in ("office_id", "level", "count_all")))]
    rows.sort(key=lambda r: (r["office_id"], MEASURES.index(str(r["measure"])), r["level"]))
    return pa.Table.from_pylist(rows, schema=_schema())


def _schema() -> pa.Schema:
    return pa.schema([pa.field(c.name, c.type) for c in table("monitoring").own])


def _work(events: pa.Table, conf: Conf) -> pa.Table:
    letters = pa.array(sorted(conf.letters), pa.string())
    return events.filter(pc.invert(pc.fill_null(pc.is_in(events["treatment"], value_set=letters), False)))


def _cases(events: pa.Table) -> pa.Table:
    """One row per case: its office, treatment, last state, and the days it was pushed, its term began and it came into its last state."""
    moves = events.filter(pc.is_in(events["kind"], value_set=pa.array(_STATES)))
    ordered = moves.sort_by([("case_id", "ascending"), ("event_no", "ascending")])
    last = ordered.group_by("case_id", use_threads=False).aggregate([("kind", "last"), ("event_on", "last"), ("event_on", "min"), ("treatment", "last"), ("office_id", "last")])
    begun = events.filter(pc.is_in(events["kind"], value_set=_STARTS)).sort_by([("case_id", "ascending"), ("event_no", "ascending")]).group_by("case_id", use_threads=False).aggregate([("event_on", "last")])
    at = positions(last["case_id"], begun["case_id"])
    days = day_numbers(begun["event_on_last"]) if begun.num_rows else np.empty(0, dtype=np.int64)
    begun_on = np.where(at >= 0, days[np.maximum(at, 0)], _NEVER) if len(days) else np.full(last.num_rows, _NEVER)
    return pa.table({
        "case_id": last["case_id"], "state": last["kind_last"], "since": last["event_on_last"], "pushed_on": last["event_on_min"],
        "treatment": last["treatment_last"], "office_id": last["office_id_last"], "begun_on": begun_on,
    })


def _measured(cases: pa.Table, night: Night) -> dict[str, Flags]:
    state = np.asarray(cases["state"].to_pylist(), dtype=object)
    since, pushed, begun = day_numbers(cases["since"]), day_numbers(cases["pushed_on"]), np.asarray(cases["begun_on"], dtype=np.int64)
    today, new_year = day_number(night.as_of), day_number(date(night.as_of.year, 1, 1))
    term = _terms(cases["treatment"], night.conf)
    working = np.isin(state, ["begun", "reviewed"]) & (begun != _NEVER) & (term > 0)
    left = np.where(working, begun + term - today, NEAR_DAYS + 1)
    return {
        "pushed": pushed >= new_year, "not_received": state == "pushed", "not_begun": state == "received", "near_term": working & (left >= 0) & (left <= NEAR_DAYS),
        "overdue": working & (left < 0), **{s: (state == s) & (since >= new_year) for s in ("returned", "dropped", "closed")},
    }


def _terms(treatment: pa.ChunkedArray, conf: Conf) -> Ints:
    """Term in days of each case's treatment, 0 where the law asks for no answer."""
    known = list(conf.treatments.values())
    days = np.asarray([*((t.term_days or 0) if t.must_reply else 0 for t in known), 0], dtype=np.int64)
    return days[positions(treatment, [t.id for t in known])]


def _levels(case_ids: pa.ChunkedArray, tables: Tables) -> pa.Array:
    history = tables.history.get("selection")
    if history is None or history.num_rows == 0:
        return pa.array(["unknown"] * len(case_ids), pa.string())
    at = positions(case_ids, history["case_id"])
    hidden = pc.or_(pc.equal(history["case_source"], "random"), pc.equal(pc.fill_null(pc.list_value_length(history["points"]), 0), 0))
    found = pc.if_else(pc.fill_null(hidden, False), COMPREHENSIVE, history["level"]).take(pa.array(np.maximum(at, 0)))
    return pc.fill_null(pc.if_else(pa.array(at >= 0), found, "unknown"), "unknown").combine_chunks()


