"""The list against the rules on the same nights and the same examined cases: what each order would have found at an equal capacity.

Every case here was handed over on a night with a champion, examined, and ranked by both. Each night's cases are put in each order, and the
first fifth and the first half are taken as if no more could have been worked. This is known only inside the examined cases, which the list
itself chose: whom the rules alone would have listed, nobody examined. It can show that one order is better within them, no more.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.evaluate.groups import groups
from jobs.evaluate.intervals import NOTHING, Result, ratio, wilson
from jobs.evaluate.sources import examined, learned
from jobs.lake.arrays import Flags, Floats, Ints, floats, whole_array

LIST, RULES = "value", "rules_value"
ORDERS = (LIST, "probability", RULES)
CAPACITIES = {"first_fifth": 0.2, "first_half": 0.5}
_INSIDE = "cases examined on nights with a champion, each night's in this order; intervals resample cases with the orders held"


def replayed(cases: pa.Table) -> pa.Table:
    """The cases the comparison rests on, by case_id: of nights with a champion, examined, ranked by the list and by the rules."""
    own = examined(cases)
    both = pc.and_(pc.is_valid(own[LIST]), pc.is_valid(own[RULES]))
    return own.filter(pc.and_(pa.array(learned(own), pa.bool_()), both)).sort_by("case_id")


def places(known: pa.Table, order: str) -> tuple[Ints, Ints]:
    """Each case's place in its night by an order, from 0, and how many cases the night has. Ties by case_id."""
    score, place, size = floats(known[order]), np.zeros(known.num_rows, dtype=np.int64), np.zeros(known.num_rows, dtype=np.int64)
    for _, at in groups(whole_array(known["selected_on"])):
        best_first = at[np.lexsort((at, -np.where(np.isnan(score[at]), -np.inf, score[at])))]
        place[best_first], size[at] = np.arange(len(at)), len(at)
    return place, size


def replay(cases: pa.Table, seed: int) -> Iterator[Result]:
    """At each capacity and by each order: share of the tax found, hit rate, tax per inspector-day; and the list's less the rules'."""
    known = replayed(cases)
    if known.num_rows == 0:
        return
    for scope, share in CAPACITIES.items():
        inside = {}
        for order in ORDERS:
            place, size = places(known, order)
            inside[order] = place < np.rint(share * size)
            yield from _at_capacity(known, scope, order, inside[order], np.rint(share * size) / size, seed)
        yield from _difference(known, scope, inside[LIST], inside[RULES], seed)


def _at_capacity(known: pa.Table, scope: str, order: str, inside: Flags, chance: Floats, seed: int) -> Iterator[Result]:
    """`chance`: how likely a case is among the first in random order, which gives each baseline."""
    found, hit, days = floats(known["found"]), floats(known["adjusted"]) > 0, floats(known["effort_days"])
    n, expected = int(inside.sum()), float(chance.sum())
    tax = ratio(np.where(inside, found, 0.0), found, seed)
    base_tax = float((chance * found).sum() / found.sum()) if found.sum() > 0 else float("nan")
    yield Result("capacity_tax", scope, order, n, tax, base_tax, f"share of the tax found in {_INSIDE}; baseline: random order")
    base_hit = float(chance[hit].sum() / expected) if expected > 0 else float("nan")
    yield Result("capacity_hits", scope, order, n, wilson(int(hit[inside].sum()), n), base_hit, f"share adjusted upward; {_INSIDE}; baseline: random order")
    per_day = ratio(found[inside], days[inside], seed) if n else NOTHING
    base_day = float((chance * found).sum() / (chance * days).sum()) if (chance * days).sum() > 0 else float("nan")
    yield Result("capacity_per_day", scope, order, n, per_day, base_day, f"tax per inspector-day; {_INSIDE}; baseline: random order")


def _difference(known: pa.Table, scope: str, listed: Flags, by_rules: Flags, seed: int) -> Iterator[Result]:
    """Case by case, so that what both orders hold cancels out of the interval."""
    found, hit = floats(known["found"]), (floats(known["adjusted"]) > 0).astype(np.float64)
    apart = listed.astype(np.float64) - by_rules
    note = "the list's order less the rules', on the same cases; an interval that holds 0 shows neither to be better"
    yield Result("list_less_rules", scope, "tax", known.num_rows, ratio(apart * found, found, seed), 0.0, f"share of the tax found: {note}")
    yield Result("list_less_rules", scope, "hits", known.num_rows, ratio(apart * hit, listed.astype(np.float64), seed), 0.0, f"hit rate: {note}")
