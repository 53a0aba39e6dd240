"""Kernels that bring a bucket's cases, points and reminders together with what has come of them.

What is counted later is bounded by the number of cases; what must be searched (features of the night, events, declarations) is searched here,
one bucket at a time.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.evaluate.sources import RULES
from jobs.lake.arrays import Flags, Floats, Ints, cents, day_numbers, flags, floats, money, one_each, positions, taken, whole_array
from jobs.lake.buckets import group_codes
from jobs.lake.step import Night, Tables

STATISTICS = (
    "taxpayer.segment", "taxpayer.industry", "taxpayer.region",
    *(f"case_event.{c}" for c in ("case_source", "treatment", "office_id", "risk_code", "result", "amount", "effort_days")),
)  # fmt: skip
"""The silver columns that results are grouped by or summed from: their contracts must give them for the purpose `statistics`."""
_WORKED = pa.array(["begun", "point_answered", "reviewed"])  # acts of an official: a statement is the taxpayer's, and files close by themselves
_EXAMINED = pa.array(["confirmed", "in_part", "excluded", "new"])


def case_result(tables: Tables, night: Night) -> pa.Table:
    """Kernel. One row per selection of every published night before this one.

    Reads taxpayer, outcome, case_event; history: selection, score. A case nobody was handed has `pushed` false: its list lapsed. `worked`
    needs an act of an official. `adjusted` is the sign of the sum over the case's examined points, overturned ones left out.
    """
    selection = one_each(tables.history["selection"], "case_id")
    cases = whole_array(selection["case_id"])
    score = _score_then(tables.history.get("score"), selection)
    found, paid, examined, effort = _found(tables["outcome"], cases)
    event = tables["case_event"]
    taxpayer = one_each(tables["taxpayer"], "taxpayer_id")
    who = pa.array(positions(selection["taxpayer_id"], taxpayer["taxpayer_id"]))
    who = pc.if_else(pc.less(who, 0), pa.scalar(None, pa.int64()), who)
    return pa.table({
        **{name: selection[name] for name in ("case_id", "taxpayer_id")},
        "selected_on": selection["as_of"],
        **{name: selection[name] for name in ("case_source", "treatment", "office_id", "rank", "level", "inclusion_probability")},
        **score,
        "value": selection["value"],
        "pushed": _with(event, cases, pa.array(["pushed"])),
        "worked": _with(event, cases, _WORKED),
        "adjusted": pa.array(np.sign(found), pa.int32(), mask=~examined),
        "found": money(found),
        "paid": money(paid),
        "effort_days": np.where(np.isnan(effort), floats(selection["effort_days"]), effort),
        "segment": whole_array(taxpayer["segment"]).take(who),
        "industry": pc.utf8_slice_codeunits(whole_array(taxpayer["industry"]), 0, 2).take(who),
        "region": whole_array(taxpayer["region"]).take(who),
    })


def point_result(tables: Tables, night: Night) -> pa.Table:
    """Kernel. Every answered point with the indicators that stood behind it on the night of its list.

    Reads outcome; history: risk_point. Results of reminders are no audits and stay in reminder_result. What an indicator saw after the list
    was made is no hit of it: only for a point that joined an open case later do those of the first night count that saw it, before the answer.
    """
    outcome = tables["outcome"]
    outcome = outcome.filter(pc.invert(pc.is_in(outcome["treatment"], value_set=pa.array(_soft(night), pa.string()))))
    indicators = _indicators_then(tables.history.get("risk_point"), outcome)
    return pa.table({
        **{n: outcome[n] for n in ("case_id", "point_id", "taxpayer_id", "tax", "risk_code", "period_from", "period_to", "case_source", "treatment", "office_id")},
        "examined": pa.array(_examined(outcome), pa.bool_()),
        "adjusted": pa.array(np.where(_overturned(outcome), 0, _sign(outcome)), pa.int32(), mask=~_examined(outcome)),
        "amount": pc.if_else(pa.array(_overturned(outcome)), money(np.zeros(outcome.num_rows, dtype=np.int64)), outcome["assessed"]),
        "effort_days": outcome["effort_days"],
        "reason_code": outcome["reason_code"],
        "indicators": indicators,
        "known_at": outcome["known_at"],
    })


def _indicators_then(past: pa.Table | None, outcome: pa.Table) -> pa.Array:
    """The indicators behind each answered point when its case was opened (list<string>, empty: none)."""
    if past is None or past.num_rows == 0:
        return pa.array([[]] * outcome.num_rows, pa.list_(pa.string()))
    asked = pa.table({"point_id": outcome["point_id"], "row": np.arange(outcome.num_rows), "opened": day_numbers(outcome["opened_on"]), "known": day_numbers(outcome["known_at"]),
                      "new": pc.fill_null(pc.equal(outcome["finding"], "new"), False)})
    seen = pa.table({"point_id": past["point_id"], "seen": day_numbers(past["as_of"]), "at": np.arange(past.num_rows)})
    both = asked.join(seen, "point_id", join_type="inner").sort_by([("row", "ascending"), ("seen", "ascending")])
    row, when, at = (both[n].to_numpy() for n in ("row", "seen", "at"))
    best = np.full(outcome.num_rows, -1, dtype=np.int64)
    joined = (when > both["opened"].to_numpy()) & (when <= both["known"].to_numpy()) & ~flags(both["new"])
    best[row[joined][::-1]] = at[joined][::-1]  # the first such night: written last
    then = when <= both["opened"].to_numpy()
    best[row[then]] = at[then]  # the last night by then, before any later one
    listed = whole_array(past["indicators"]).take(pa.array(best, mask=best < 0))
    return pc.if_else(pc.is_null(listed), pa.scalar([], pa.list_(pa.string())), listed)


def _soft(night: Night) -> list[str]:
    return sorted(t.id for t in night.conf.treatments.values() if not t.must_reply)


def _examined(outcome: pa.Table) -> Flags:
    return flags(pc.is_in(outcome["finding"], value_set=_EXAMINED))


def _overturned(outcome: pa.Table) -> Flags:
    return flags(pc.equal(outcome["standing"], "overturned"))


def _sign(outcome: pa.Table) -> Ints:
    return np.sign(np.nan_to_num(floats(outcome["adjusted"]))).astype(np.int64)


def _found(outcome: pa.Table, cases: pa.Array) -> tuple[Ints, Ints, Flags, Floats]:
    """Per case: cents found and paid (signed, overturned left out), whether any point was examined, effort days (NaN: none reported)."""
    at = positions(outcome["case_id"], cases)
    counts = _examined(outcome) & (at >= 0)
    upheld = counts & ~_overturned(outcome)
    found, paid, examined = np.zeros(len(cases), dtype=np.int64), np.zeros(len(cases), dtype=np.int64), np.zeros(len(cases), dtype=bool)
    np.add.at(found, at[upheld], cents(outcome["assessed"])[upheld])
    np.add.at(paid, at[upheld], cents(outcome["collected"])[upheld])
    examined[at[counts]] = True
    days = floats(outcome["effort_days"])
    told = (at >= 0) & ~np.isnan(days)
    effort = np.bincount(at[told], weights=days[told], minlength=len(cases))
    return found, paid, examined, np.where(np.bincount(at[told], minlength=len(cases)) > 0, effort, np.nan)


def _with(event: pa.Table, cases: pa.Array, kinds: pa.Array) -> pa.Array:
    """Does the case have an event of one of the kinds."""
    have = event.filter(pc.is_in(event["kind"], value_set=kinds))["case_id"]
    return pc.is_in(cases, value_set=whole_array(have), skip_nulls=True)


def _score_then(score: pa.Table | None, selection: pa.Table) -> dict[str, pa.Array]:
    """Probability and rules score of the night of the list, of the model its value came from (of several, the one with that value).

    Beside it `rules_value`: the value that the same night's rules gave, by which that night's list would have gone without a champion.
    """
    n = selection.num_rows
    if score is None or score.num_rows == 0 or n == 0:
        return {"model_version": pa.nulls(n, pa.string()), **{name: pa.nulls(n, pa.float64()) for name in ("probability", "rules_score", "rules_value")}}
    both = pa.concat_tables([score.select(["as_of", "taxpayer_id", "value"]), selection.select(["as_of", "taxpayer_id", "value"])])
    exact, loose = group_codes(both, ["as_of", "taxpayer_id", "value"]), group_codes(both, ["as_of", "taxpayer_id"])
    at = _first(exact[:-n], exact[-n:])
    at = np.where(at >= 0, at, _first(loose[:-n], loose[-n:]))
    mask = at < 0
    taken_ = {name: taken(floats(score[name]), at) for name in ("probability", "rules_score")}
    version = whole_array(score["model_version"]).take(pa.array(np.maximum(at, 0), mask=mask))
    by_rules = np.flatnonzero(flags(pc.equal(score["model_version"], RULES)))
    beside = _first(loose[:-n][by_rules], loose[-n:])
    taken_["rules_value"] = taken(floats(score["value"])[by_rules], beside)
    return {"model_version": version, **{k: pa.array(v, pa.float64(), mask=np.isnan(v)) for k, v in taken_.items()}}


def _first(keys: Ints, wanted: Ints) -> Ints:
    return positions(pa.array(wanted), pa.array(keys))
