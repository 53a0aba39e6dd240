"""Selection: the list that fits tonight's capacity, and the random slice reserved before anything is ranked.

Order of work: barriers, capacity, random slice, as many of the model's own choice without a point beside it (or the code that both carry
would name the slice), floors of risk types, then by value; who finds his pool full may take a lighter treatment
that his level allows. The order is total: value, then score, then taxpayer_id. A random case takes a keyed place on its list, because its
place would otherwise give it away.
"""

from __future__ import annotations

import hashlib
from math import ceil

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Flags, Floats, Ints, floats, money, positions, taken, total_order, whole_array
from jobs.lake.step import Night, Tables
from jobs.rank.allocate import allocate, first_fit
from jobs.rank.candidates import Candidates, Pools, candidates
from jobs.rank.level import hard_high
from jobs.rank.random_slice import Slice, draw, probabilities
from jobs.rank.treatment import LEVELS, Choice
from models.draw import uniform

Objects = npt.NDArray[np.object_]


def select(tables: Tables, night: Night) -> dict[str, pa.Table]:
    """Driver step. Writes selection and inclusion.

    Reads taxpayer, score, risk_level, risk_point, outcome, case_event; history: selection, inclusion.
    """
    all_ = candidates(tables, night)
    slice_ = _random_slice(all_, tables, night)
    drawn_pool = np.where(slice_.drawn, all_.comprehensive_pool, -1)
    beside = _beside(all_, drawn_pool, night)
    given = np.maximum(drawn_pool, beside)
    left = all_.pools.slots - _count(given, len(all_.pools.slots))
    pool, floor = _by_value(all_, (given < 0) & ~all_.bars.open_case & (all_.choice.first >= 0), left, night)
    pool = np.where(given >= 0, given, pool)
    return {"selection": _selection(all_, slice_, pool, floor, night), "inclusion": _inclusion(all_, slice_)}


def _random_slice(all_: Candidates, tables: Tables, night: Night) -> Slice:
    """Draw over all who may be examined: no open case, no cooling-off, no draw within the years of rest."""
    plan = night.conf.plan(night.as_of)
    barred = all_.bars.open_case | all_.bars.cooling | all_.bars.resting
    pool = np.where(barred, -1, all_.comprehensive_pool)
    room = plan.random_cap_per_year - _used(all_.people.ids, tables, night)
    chance = probabilities(pool, all_.pools.slots, plan.random_share, np.maximum(room, 0.0))
    return draw(all_.people.ids, _strata(all_, pool), chance, night.seed, f"random_slice|{night.as_of.isoformat()}")


def _beside(all_: Candidates, drawn_pool: Ints, night: Night) -> Ints:
    """The pool of those whom the model alone would examine, the best first, as many in each pool as the draw has taken there; -1: the others.

    They need a level, but not the one that the treatment answers otherwise: the draw takes anybody too. Rules without a model know nobody who
    has no point: on such a night there is none.
    """
    pool = np.full(len(all_.people.ids), -1, dtype=np.int64)
    if night.model is None:
        return pool
    lone = np.asarray([not p for p in all_.found.points], dtype=bool)
    may = lone & (all_.level > LEVELS.index("none")) & ~all_.bars.open_case & ~all_.bars.cooling & (drawn_pool < 0)
    order = total_order(all_.people.value, all_.people.probability, all_.people.ids)
    order = order[may[order]]
    drawn = _count(drawn_pool, len(all_.pools.slots))
    asking = all_.comprehensive_pool[order]
    placed = first_fit(asking, np.minimum(drawn, all_.pools.slots - drawn))
    pool[order[placed]] = asking[placed]
    return pool


def _count(pool: Ints, pools: int) -> Ints:
    return np.bincount(pool[pool >= 0], minlength=pools).astype(np.int64)


def _strata(all_: Candidates, pool: Ints) -> pa.Array:
    offices = np.asarray([*(office for office, _ in all_.pools.names), ""], dtype=object)[pool]
    return pc.binary_join_element_wise(pa.array(offices, pa.string()), pc.fill_null(all_.people.segment, "unknown"), "|")


def _used(ids: pa.Array, tables: Tables, night: Night) -> Floats:
    """Probability of the random slice already spent on each taxpayer this year, by the lists that were handed over."""
    inclusion, selection = tables.history.get("inclusion"), tables.history.get("selection")
    if inclusion is None or selection is None or inclusion.num_rows == 0:
        return np.zeros(len(ids))
    pushed = tables["case_event"].filter(pc.equal(tables["case_event"]["kind"], "pushed"))
    nights = selection.filter(pc.is_in(selection["case_id"], value_set=whole_array(pushed["case_id"])))["as_of"].unique()
    this_year = pc.equal(pc.year(inclusion["as_of"]), night.as_of.year)
    spent = inclusion.filter(pc.and_(this_year, pc.is_in(inclusion["as_of"], value_set=nights)))
    summed = spent.group_by("taxpayer_id").aggregate([("probability", "sum")])
    return np.nan_to_num(taken(floats(summed["probability_sum"]), positions(ids, summed["taxpayer_id"])))


def _by_value(all_: Candidates, may: Flags, left: Ints, night: Night) -> tuple[Ints, Objects]:
    """The pool each taxpayer ends in (-1: none) and the risk type whose floor gave him his place (None: his value)."""
    order = total_order(all_.people.value, all_.people.probability, all_.people.ids)
    order = order[may[order]]
    first = all_.choice.first[order]
    plain = _fill(all_, order, first, left)
    size = int((plain >= 0).sum())
    pool, floor = np.full(len(all_.people.ids), -1, dtype=np.int64), np.full(len(all_.people.ids), None, dtype=object)
    for risk_type, share in sorted(night.conf.plan(night.as_of).floors.items()):
        of_type = all_.found.types.get(risk_type)
        if of_type is not None:
            lacking = ceil(share * size - 1e-9) - int((of_type & (pool >= 0)).sum())
            asking = np.where(of_type[order] & (pool[order] < 0), all_.pools.of(all_.choice.first)[order], -1)
            given = first_fit(asking, left - np.bincount(pool[pool >= 0], minlength=len(left)), max(lacking, 0))
            pool[order[given]] = asking[given]
            floor[order[given & (plain < 0)]] = risk_type
    rest = order[pool[order] < 0]
    pool[rest] = _fill(all_, rest, all_.choice.first[rest], left - np.bincount(pool[pool >= 0], minlength=len(left)))
    return pool, floor


def _fill(all_: Candidates, order: Ints, first: Ints, left: Ints) -> Ints:
    """Fill the pools in the order given: the pool of each candidate of `order`, -1 for none."""
    pools = Pools(all_.pools.names, left, all_.pools.home[order], all_.pools.table)
    choice = Choice(all_.choice.names, first, all_.choice.allowed[order])
    return allocate(first, left, pools.of, choice.lighter)


def _selection(all_: Candidates, slice_: Slice, pool: Ints, floor: Objects, night: Night) -> pa.Table:
    chosen = np.flatnonzero(pool >= 0)
    ids = all_.people.ids.take(pa.array(chosen))
    offices = [all_.pools.names[p][0] for p in pool[chosen]]
    treatments = [all_.pools.names[p][1] for p in pool[chosen]]
    drawn = slice_.drawn[chosen]
    hard = hard_high(all_.found, night.conf.levels_on(night.as_of), len(pool))[chosen]
    by_rule = hard | np.asarray([f is not None for f in floor[chosen]], dtype=bool) | (night.model is None)
    source = np.where(drawn, "random", np.where(by_rule, "rule", "model"))
    value = all_.people.value[chosen]
    return pa.table({
        "taxpayer_id": ids,
        "case_id": pa.array([case_id(night, i) for i in ids.to_pylist()], pa.string()),
        "rank": pa.array(_ranks(all_, chosen, pool[chosen], drawn, night), pa.int32()),
        "treatment": pa.array(treatments, pa.string()),
        "office_id": pa.array(offices, pa.string()),
        "case_source": pa.array(source.tolist(), pa.string()),
        "inclusion_probability": pa.array(np.where(drawn, slice_.probability[chosen], 1.0), pa.float64()),
        "level": pa.array([LEVELS[n] for n in all_.level[chosen]], pa.string()),
        "amount": money(np.where(drawn, 0, all_.found.cents[chosen])),
        "effort_days": pa.array([night.conf.treatments[t].effort_days for t in treatments], pa.float64()),
        "value": pa.array(value, pa.float64(), mask=np.isnan(value)),
        "floor": pa.array(floor[chosen].tolist(), pa.string()),
        "points": pa.array([[] if d else all_.found.points[n] for n, d in zip(chosen, drawn, strict=True)], pa.list_(pa.string())),
    })


def _ranks(all_: Candidates, chosen: Ints, pool: Ints, drawn: Flags, night: Night) -> Ints:
    """Rank in office and treatment, from 1: by the total order, random cases at a keyed place between."""
    ids = all_.people.ids.take(pa.array(chosen))
    order = total_order(all_.people.value[chosen], all_.people.probability[chosen], ids)
    by_pool = order[np.argsort(pool[order] * 2 + drawn[order], kind="stable")]
    group = pool[by_pool] * 2 + drawn[by_pool]
    place = np.arange(len(by_pool)) - np.searchsorted(group, group)
    size = np.searchsorted(group, group, side="right") - np.searchsorted(group, group)
    key = np.empty(len(chosen))
    key[by_pool] = (place + 0.5) / np.maximum(size, 1)
    hidden = uniform(night.seed, f"list_place|{night.as_of.isoformat()}", ids.to_pylist())
    rows = pa.table({"pool": pool, "key": np.where(drawn, hidden, key), "id": ids, "at": np.arange(len(chosen))})
    at = rows.sort_by([("pool", "ascending"), ("key", "ascending"), ("id", "ascending")])["at"].to_numpy()
    ranked = np.empty(len(chosen), dtype=np.int64)
    ranked[at] = np.arange(len(at)) - np.searchsorted(pool[at], pool[at]) + 1
    return ranked


def case_id(night: Night, taxpayer_id: str) -> str:
    """The case a selection becomes: `C`, the date, and 12 hex digits of sha256(`as_of|taxpayer_id`)."""
    digest = hashlib.sha256(f"{night.as_of.isoformat()}|{taxpayer_id}".encode()).hexdigest()[:12]
    return f"C{night.as_of:%Y%m%d}-{digest}"


def _inclusion(all_: Candidates, slice_: Slice) -> pa.Table:
    """Everyone in the frame, with the probability he had."""
    inside = np.flatnonzero(~np.isnan(slice_.probability))
    pool = np.where(np.isnan(slice_.probability), -1, all_.comprehensive_pool)
    return pa.table({
        "taxpayer_id": all_.people.ids.take(pa.array(inside)),
        "stratum": _strata(all_, pool).take(pa.array(inside)),
        "probability": slice_.probability[inside],
        "draw": slice_.draw[inside],
        "drawn": pa.array(slice_.drawn[inside], pa.bool_()),
    })
