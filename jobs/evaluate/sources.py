"""Where cases came from and what was found in them: Assay's own lists against the random slice of the same nights; the old system's aside.

A champion's nights and the rules' nights are different months with different cases, and on a champion's night the places given by rule
meet another treatment than those given by value. Neither comparison says which ranking is better: `replay` does, on the same cases.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.evaluate.groups import groups
from jobs.evaluate.intervals import Measured, Result, lift, ratio, wilson
from jobs.lake.arrays import Flags, Ints, flags, floats, whole_array

RULES = "rules"
_FOUND = "share of examined cases adjusted upward; the tax found is a lower bound, an examination finds only part of what is there"
_PER_DAY = "tax adjusted per inspector-day, signed; planned days where none are reported"


def case_sources(cases: pa.Table, points: pa.Table, seed: int) -> Iterator[Result]:
    """Hit rate, tax per inspector-day and lift of what Assay handed over, by source and by kind of night; past cases beside them."""
    own = examined(cases)
    yield from _by_source(own, seed)
    yield from _by_night(own)
    yield from _past(cases, points, seed)


def handed_over(cases: pa.Table) -> pa.Table:
    """Rows of case_result whose list went out; the others' lists lapsed."""
    return cases.filter(pc.fill_null(cases["pushed"], False))


def examined(cases: pa.Table) -> pa.Table:
    """Rows of case_result that were handed over and of which something was examined."""
    own = handed_over(cases)
    return own.filter(pc.is_valid(own["adjusted"]))


def learned(cases: pa.Table) -> Flags:
    """Per case: was its list made with a champion. The night decides, not the case: a model's night has one for everybody."""
    by_model = pc.fill_null(pc.not_equal(cases["model_version"], RULES), False)
    nights = cases.filter(by_model)["selected_on"].unique()
    return flags(pc.is_in(cases["selected_on"], value_set=nights, skip_nulls=True))


def _by_source(own: pa.Table, seed: int) -> Iterator[Result]:
    hit, amount, days = floats(own["adjusted"]) > 0, floats(own["found"]), np.nan_to_num(floats(own["effort_days"]))
    by_source = dict(groups(whole_array(own["case_source"])))
    random = by_source.get("random", np.empty(0, dtype=np.int64))
    base, base_value = wilson(int(hit[random].sum()), len(random)).value, ratio(amount[random], days[random], seed).value
    for item, at in by_source.items():
        yield Result("hit_rate", "case_source", item, len(at), wilson(int(hit[at].sum()), len(at)), base, _FOUND)
        yield Result("value_per_day", "case_source", item, len(at), ratio(amount[at], days[at], seed), base_value, _PER_DAY)
        if item != "random":
            yield _lift("case_source", item, hit, at, random)


def _by_night(own: pa.Table) -> Iterator[Result]:
    """All places of a list but the random ones, against the random ones of the same nights."""
    hit, random, model = floats(own["adjusted"]) > 0, flags(pc.equal(own["case_source"], "random")), learned(own)
    for item, night in (("champion", model), (RULES, ~model)):
        listed, beside = np.flatnonzero(night & ~random), np.flatnonzero(night & random)
        if not night.any():
            continue
        base = wilson(int(hit[beside].sum()), len(beside))
        nights = len(own.filter(pa.array(night))["selected_on"].unique())
        yield Result("hit_rate", "list", item, len(listed), wilson(int(hit[listed].sum()), len(listed)), base.value, _FOUND)
        yield Result("hit_rate", "random_beside", item, len(beside), base, float("nan"), "cases drawn at random on the same nights")
        yield Result("nights", "list", item, len(listed) + len(beside), Measured(float(nights), float("nan"), float("nan")), float("nan"), "nights of such lists of which a case was examined")
        yield _lift("list", item, hit, listed, beside)


def _lift(scope: str, item: str, hit: Flags, at: Ints, base: Ints) -> Result:
    found = lift(int(hit[at].sum()), len(at), int(hit[base].sum()), len(base))
    return Result("lift", scope, item, len(at), found, 1.0, f"hit rate against the random slice (n = {len(base)})")


def _past(cases: pa.Table, points: pa.Table, seed: int) -> Iterator[Result]:
    """The old system's cases by their source. They were chosen by others, on other days: no baseline, no lift."""
    ours = pc.is_in(points["case_id"], value_set=whole_array(cases["case_id"]), skip_nulls=True)
    kept = points.filter(pc.and_(pc.invert(ours), pc.fill_null(points["examined"], False)))
    by_case = kept.group_by(["case_id", "case_source"]).aggregate([("amount", "sum"), ("effort_days", "sum")]).sort_by("case_id")
    amount, days = floats(by_case["amount_sum"]), np.nan_to_num(floats(by_case["effort_days_sum"]))
    aside = "; a past case, not chosen by Assay: outside every comparison"
    for item, at in groups(whole_array(by_case["case_source"])):
        yield Result("hit_rate", "past_source", item, len(at), wilson(int((amount[at] > 0).sum()), len(at)), float("nan"), _FOUND + aside)
        told = at[days[at] > 0]
        yield Result("value_per_day", "past_source", item, len(told), ratio(amount[told], days[told], seed), float("nan"), "tax adjusted per inspector-day, signed" + aside)
