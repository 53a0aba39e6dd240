"""Risk level per taxpayer: bands cut to the plan's capacity, hard rules, and why it changed since the last published night."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Levels
from jobs.lake.arrays import Flags, Floats, Ints, floats, positions, taken, total_order, whole_array
from jobs.lake.step import Night, Tables
from jobs.rank.capacity import cases_a_year, planned
from jobs.rank.points import Gathered, gather, open_points
from jobs.rank.roster import RULES, Roster, missing_as, roster
from jobs.rank.treatment import LEVELS

_BAND, _HARD, _FLOOR, _WAITS = 1, 2, 3, 4


def risk_level(tables: Tables, night: Night) -> pa.Table:
    """Driver step. Reads taxpayer, score, risk_point; previous: risk_level, score. Writes risk_level for every active taxpayer.

    Down from the highest band, a level takes taxpayers who meet its conditions in the total order, until it and the levels above hold
    `capacity_share` x the cases a year of the treatments that may answer them. A point whose code is in `hard_high` makes the level high
    whatever the band, as far as the year's cases can answer it; a risk type with a floor in the plan has its share of the list even when value has taken all places.
    A taxpayer below every band has level none: he is not to be disturbed.
    """
    people = roster(tables["taxpayer"], tables["score"], night)
    weights = {t: n for n, t in enumerate(planned(night.conf, night.as_of))}
    found = gather(open_points(tables["risk_point"], night.as_of, night.conf), people.ids, night.conf.register_, weights)
    bands = night.conf.levels_on(night.as_of)
    level, how = _cut(people, found, bands, night)
    before = _before(people.ids, tables.previous.get("risk_level"))
    then = _value_then(people.ids, tables.previous.get("score"))
    return pa.table({
        "taxpayer_id": people.ids,
        "level": pa.array([LEVELS[n] for n in level], pa.string()),
        "previous": before,
        "why": pa.array(_why(people, found, level, how, before, then, bands), pa.string()),
    })


def _cut(people: Roster, found: Gathered, bands: Levels, night: Night) -> tuple[Ints, Ints]:
    """Level of each taxpayer (place in LEVELS) and what gave it: 0 none, 1 band, 2 hard rule, 3 floor, 4 hard rule without a place."""
    level, how = np.zeros(len(people.ids), dtype=np.int64), np.zeros(len(people.ids), dtype=np.int64)
    order = total_order(people.value, people.probability, people.ids)
    cases, treatments = cases_a_year(night.conf, night.as_of, people.home), night.conf.treatments
    probability, amount = missing_as(people.probability, -1.0), missing_as(people.amount, -1.0)
    ranked = sorted(bands.bands, key=lambda b: -LEVELS.index(b.level))
    waiting = _hard(order, found, level, how, bands, cases, night)
    answered: set[str] = set()
    for band in ranked:
        answered |= {t for t in cases if band.level in treatments[t].levels}
        size = int(band.capacity_share * sum(cases[t] for t in sorted(answered)) + 1e-9)
        if band is ranked[-1]:
            _floors(order, found, level, how, size, LEVELS.index(band.level), night)
        fits = (probability >= band.min_probability) & (amount >= float(band.min_amount)) & (people.value > 0) & (level == 0) & ~waiting
        taken_in = order[fits[order]][: max(size - int((level > 0).sum()), 0)]
        level[taken_in], how[taken_in] = LEVELS.index(band.level), _BAND
    level[waiting], how[waiting] = LEVELS.index("medium"), _WAITS
    return level, how


def _hard(order: Ints, found: Gathered, level: Ints, how: Ints, bands: Levels, cases: Mapping[str, float], night: Night) -> Flags:
    """Make the taxpayers of a hard rule high, best first, as far as the year's cases can answer them; gives those who wait.

    Where fraud is suspected only treatments that the law allows then count. A rule that fires too widely must not fill every level with
    taxpayers whom nobody can be sent to: those who wait are medium, take no place of the bands, and come up as places fall free.
    """
    hard = hard_high(found, bands, len(level))
    share = next((b.capacity_share for b in bands.bands if b.level == "high"), 1.0)
    answering = {t: n for t, n in cases.items() if "high" in night.conf.treatments[t].levels}
    safe = sum(n for t, n in sorted(answering.items()) if night.conf.treatments[t].allowed_if_fraud)
    for group, room in ((found.fraud, safe), (~found.fraud, sum(answering.values()))):
        placed = order[(hard & group)[order]][: max(int(share * room + 1e-9), 1)]
        level[placed], how[placed] = LEVELS.index("high"), _HARD
    return np.asarray(hard & (level == 0))


def _floors(order: Ints, found: Gathered, level: Ints, how: Ints, size: int, place: int, night: Night) -> None:
    """Give each risk type with a floor its share of the lowest band, best first; those already placed count."""
    for risk_type, share in sorted(night.conf.plan(night.as_of).floors.items()):
        of_type = found.types.get(risk_type)
        if of_type is not None:
            lacking = ceil(share * size - 1e-9) - int((of_type & (level > 0)).sum())
            chosen = order[(of_type & (level == 0))[order]][: max(lacking, 0)]
            level[chosen], how[chosen] = place, _FLOOR


def _before(ids: pa.Array, previous: pa.Table | None) -> pa.Array:
    """The level of the last published night; null for who was not known then."""
    if previous is None or previous.num_rows == 0:
        return pa.nulls(len(ids), pa.string())
    at = positions(ids, previous["taxpayer_id"])
    return whole_array(previous["level"]).take(pa.array(at, mask=at < 0))


def _value_then(ids: pa.Array, score: pa.Table | None) -> Floats:
    """The value a taxpayer had on the last published night by the model in force then; NaN where there was none."""
    if score is None or score.num_rows == 0:
        return np.full(len(ids), np.nan)
    learned = score.filter(pc.not_equal(score["model_version"], RULES))
    then = learned if learned.num_rows else score
    return taken(floats(then["value"]), positions(ids, then["taxpayer_id"]))


def _why(people: Roster, found: Gathered, level: Ints, how: Ints, before: pa.Array, then: Floats, bands: Levels) -> list[str]:
    """The sentence per taxpayer. Only those who have a level or lost one get a text of their own."""
    texts = np.full(len(level), "below every band", dtype=object)
    was = np.asarray(pc.fill_null(before, "").to_pylist(), dtype=object)
    hard = set(bands.hard_high)
    for n in np.flatnonzero((level > 0) | ((was != "") & (was != "none"))):
        texts[n] = _cause(int(how[n]), float(people.value[n]), float(people.probability[n]), float(people.amount[n]),
                          [c for c in sorted(found.codes) if c in hard and found.codes[c][n]], [t for t in sorted(found.types) if found.types[t][n]])
        if was[n] and was[n] != LEVELS[level[n]]:
            texts[n] += f"; was {was[n]}" + ("" if np.isnan(then[n]) else f" at value {then[n]:,.0f}")
    return [str(t) for t in texts]


def _cause(how: int, value: float, probability: float, amount: float, hard: list[str], types: list[str]) -> str:
    numbers = "no score" if np.isnan(value) else f"value {value:,.0f} per inspector-day, probability {probability:.2f}, amount {amount:,.0f}"
    if how in (_HARD, _WAITS):
        return f"rule: {', '.join(hard)}{'; beyond the cases of the year that can answer it' if how == _WAITS else ''}; {numbers}"
    if how == _FLOOR:
        return f"floor: {', '.join(types)}; {numbers}"
    return f"{'band' if how == _BAND else 'below every band'}: {numbers}"


def as_place(level: pa.Array) -> Ints:
    """Levels as places in LEVELS; null and unknown as 0."""
    return np.maximum(positions(level, list(LEVELS)), 0)


def level_of(ids: pa.Array, levels: pa.Table) -> Ints:
    """The level of each taxpayer tonight, as its place in LEVELS."""
    at = positions(ids, levels["taxpayer_id"])
    if levels.num_rows == 0:
        return np.zeros(len(ids), dtype=np.int64)
    return as_place(whole_array(levels["level"]).take(pa.array(at, mask=at < 0)))


def hard_high(found: Gathered, bands: Levels, n: int) -> Flags:
    """True where a hard rule made the level high."""
    hit = np.zeros(n, dtype=bool)
    for code in bands.hard_high:
        hit |= found.codes.get(code, np.zeros(n, dtype=bool))
    return hit
