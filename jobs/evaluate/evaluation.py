"""What came of it: hit rates, value per day, execution, reminders, who was selected, and what the random slice says of everybody.

Each result has its n, its interval and, beside it, the number a sceptic would hold against it in the same run. Only cases of Assay's own
lists that were handed over enter; those of the old system stand aside as past cases, whatever their source was called. A downward
adjustment is a correct result, not a miss; `not_examined` is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import COMPREHENSIVE
from jobs.evaluate.groups import groups
from jobs.evaluate.intervals import NOTHING, Result, hajek_mean, hajek_share, ratio, wilson
from jobs.evaluate.replay import replay
from jobs.evaluate.sources import case_sources, handed_over
from jobs.lake.arrays import Flags, Floats, flags, floats, one_each, whole_array
from jobs.lake.step import Night, Tables
from jobs.lake.tables import table

SMALL = 10
_BANDS = ((1, 5), (6, 10), (11, 20), (21, 50), (51, None))
_SMALL = f"fewer than {SMALL} taxpayers: not shown"


def evaluation(tables: Tables, night: Night) -> pa.Table:
    """Driver step. Reads case_result, point_result, reminder_result, selection, taxpayer. Writes evaluation."""
    cases = tables["case_result"].sort_by("case_id")
    points = tables["point_result"].sort_by([("case_id", "ascending"), ("point_id", "ascending")])
    found = [*hit_rates(own_points(cases, points)), *case_sources(cases, points, night.seed), *executed(cases, night), *reminders(tables["reminder_result"], night.seed),
             *equity(tables["taxpayer"], tables["selection"], cases, night), *population(cases), *calibration(cases), *replay(cases, night.seed)]
    return _table(found)


def hit_rates(points: pa.Table) -> Iterator[Result]:
    """Per indicator and risk code, from the points each of them opened: hits, points not examined, downward results.

    A comprehensive examination that found nothing says so of the case, not of a risk code: it counts in `case_sources` alone.
    """
    points = points.filter(pc.fill_null(pc.not_equal(points["risk_code"], COMPREHENSIVE), True))
    examined, up, down = _examined(points)
    every = float(up.sum() / examined.sum()) if examined.any() else float("nan")
    note = "share of its own examined points adjusted upward; baseline: all examined points"
    for scope, owner, row in (("risk_code", whole_array(points["risk_code"]), np.arange(points.num_rows)), ("indicator", *_exploded(points))):
        for item, at in groups(owner):
            rows = row[at]
            n = int(examined[rows].sum())
            yield Result("hit_rate", scope, item, n, wilson(int(up[rows].sum()), n), every, note)
            yield Result("downward", scope, item, n, wilson(int(down[rows].sum()), n), float("nan"), "adjusted in the taxpayer's favour: a correct result")
            yield Result("not_examined", scope, item, len(rows), wilson(int((~examined[rows]).sum()), len(rows)), float("nan"), "points answered without being examined: no label")


def own_points(cases: pa.Table, points: pa.Table) -> pa.Table:
    """The answered points of cases that Assay handed over: the old system's points were opened by no indicator of ours."""
    return points.filter(pc.is_in(points["case_id"], value_set=whole_array(handed_over(cases)["case_id"]), skip_nulls=True))


def executed(cases: pa.Table, night: Night) -> Iterator[Result]:
    """Share of the cases handed over that an official worked, by rank on the list, office, level and treatment.

    A reminder is a letter, not work: nobody takes it up, and the machine closes it by itself. As in monitoring it is left out.
    """
    letters = pa.array(sorted(night.conf.letters), pa.string())
    handed = handed_over(cases)
    handed = handed.filter(pc.invert(pc.is_in(handed["treatment"], value_set=letters)))
    worked = flags(handed["worked"])
    every = wilson(int(worked.sum()), len(worked))
    note = "cases that an official began, answered or reviewed by tonight, of those handed over; reminders are letters and left out; baseline: all"
    yield Result("executed", "all", "all", len(worked), every, float("nan"), note)
    scopes = {"rank": _bands(handed["rank"]), "office": handed["office_id"], "level": handed["level"], "treatment": handed["treatment"]}
    for scope, column in scopes.items():
        for item, at in groups(whole_array(column)):
            yield Result("executed", scope, item, len(at), wilson(int(worked[at].sum()), len(at)), every.value, note)


def reminders(result: pa.Table, seed: int) -> Iterator[Result]:
    """What reminders of at least 90 days ago brought, arm by arm; baseline: those held out at random.

    Of nights that sent a letter: on a list that was never handed over nobody was held out from anything.
    """
    sent = result.filter(pc.equal(result["arm"], "sent"))["sent_on"].unique()
    ripe = result.filter(pc.and_(pc.fill_null(result["matured"], False), pc.is_in(result["sent_on"], value_set=sent))).sort_by([("taxpayer_id", "ascending"), ("point_id", "ascending"), ("sent_on", "ascending")])
    closed, one = flags(ripe["closed"]), np.ones(ripe.num_rows)
    arms = dict(groups(whole_array(ripe["arm"])))
    held = arms.get("holdout", np.empty(0, dtype=np.int64))
    sums = {name: floats(ripe[name]) for name in ("corrected", "paid")}
    for arm, at in arms.items():
        yield Result("reminder_closed", "reminder", arm, len(at), wilson(int(closed[at].sum()), len(at)), wilson(int(closed[held].sum()), len(held)).value,
                     "points closed within 90 days; baseline: held out")
        for name, values in sums.items():
            yield Result(f"reminder_{name}", "reminder", arm, len(at), ratio(values[at], one[at], seed), ratio(values[held], one[held], seed).value,
                         f"tax {'declared' if name == 'corrected' else 'paid'} within 90 days for the point's periods, per point; baseline: held out")


def equity(taxpayer: pa.Table, selection: pa.Table, cases: pa.Table, night: Night) -> Iterator[Result]:
    """Who is on tonight's list, who was handed a case and who was examined for nothing in a year, by size, industry and region."""
    people = one_each(taxpayer, "taxpayer_id")
    people = people.filter(pc.invert(pc.fill_null(pc.less_equal(people["closed_on"], pa.scalar(night.as_of, pa.date32())), False)))
    recent = cases.filter(pc.greater(cases["selected_on"], pa.scalar(night.as_of - timedelta(days=365), pa.date32())))
    handed = recent.filter(pc.fill_null(recent["pushed"], False))
    clean = recent.filter(pc.fill_null(pc.equal(recent["adjusted"], 0), False))
    counted = {"selected_share": (selection, "on tonight's list, of the group's taxpayers"), "burden": (handed, "handed over as a case within a year, of the group's taxpayers"),
               "clean_burden": (clean, "examined within a year and nothing found, of the group's taxpayers")}
    scopes = {"size": people["segment"], "industry": pc.utf8_slice_codeunits(people["industry"], 0, 2), "region": people["region"]}
    for measure, (rows, note) in counted.items():
        marked = flags(pc.is_in(people["taxpayer_id"], value_set=whole_array(rows["taxpayer_id"])))
        every = wilson(int(marked.sum()), len(marked)).value
        for scope, column in scopes.items():
            for item, at in groups(whole_array(column)):
                shown = len(at) >= SMALL
                yield Result(measure, scope, item, len(at), wilson(int(marked[at].sum()), len(at)) if shown else NOTHING, every, f"{note}; baseline: everybody" if shown else _SMALL)


def population(cases: pa.Table) -> Iterator[Result]:
    """What the random slice says of its whole frame; beside it the naive share among everybody examined, which selection makes wrong."""
    worked = cases.filter(pc.and_(pc.is_valid(cases["adjusted"]), pc.fill_null(pc.greater(cases["inclusion_probability"], 0), False)))
    adjusted, amount = floats(worked["adjusted"]) > 0, floats(worked["found"])
    random = flags(pc.equal(worked["case_source"], "random"))
    chance = floats(worked["inclusion_probability"])[random]
    drawn = int(flags(pc.and_(pc.equal(cases["case_source"], "random"), pc.fill_null(cases["pushed"], False))).sum())
    caveat = (f"Hájek estimate over {int(random.sum())} examined of {drawn} random cases handed over, for taxpayers of the frame (no open case, not "
              "examined in the cooling-off); a lower bound, as examinations do not find everything; baseline: naive share of all examined cases")
    yield Result("population_share", "population", "adjusted upward", int(random.sum()), hajek_share(adjusted[random].astype(np.float64), chance),
                 float(adjusted.mean()) if len(adjusted) else float("nan"), caveat)
    yield Result("population_amount", "population", "tax found per taxpayer", int(random.sum()), hajek_mean(amount[random], chance),
                 float(amount.mean()) if len(amount) else float("nan"), caveat + "; amounts are heavy-tailed: a statement on the share stands, one on the amount hardly")


def calibration(cases: pa.Table) -> Iterator[Result]:
    """A model's probability at selection against what was found, in five groups of equal size; baseline: the mean probability promised.

    Nights without a model are left out: what the rules state is an order, not a probability.
    """
    learned = pc.fill_null(pc.not_equal(cases["model_version"], "rules"), True)
    known = cases.filter(pc.and_(learned, pc.and_(pc.is_valid(cases["adjusted"]), pc.is_valid(cases["probability"])))).sort_by([("probability", "ascending"), ("case_id", "ascending")])
    promised, hit = floats(known["probability"]), floats(known["adjusted"]) > 0
    for n, at in enumerate(np.array_split(np.arange(known.num_rows), min(5, known.num_rows // 5) or 1)):
        if len(at):
            yield Result("calibration", "probability", str(n + 1), len(at), wilson(int(hit[at].sum()), len(at)), float(promised[at].mean()),
                         "examined cases adjusted upward, by promised probability (lowest first); selected cases only")


def _examined(points: pa.Table) -> tuple[Flags, Flags, Flags]:
    examined, sign = flags(points["examined"]), np.nan_to_num(floats(points["adjusted"]))
    return examined, examined & (sign > 0), examined & (sign < 0)


def _exploded(points: pa.Table) -> tuple[pa.Array, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Each point once per indicator behind it: the indicators, and the row of the point."""
    column = whole_array(points["indicators"])
    return pc.list_flatten(column), np.asarray(pc.list_parent_indices(column), dtype=np.int64)


def _bands(rank: pa.ChunkedArray) -> pa.Array:
    """Ranks in bands, named so that they sort."""
    number = np.nan_to_num(floats(rank)).astype(np.int64)
    names = np.full(len(number), None, dtype=object)
    for low, high in _BANDS:
        names[(number >= low) & (number <= (high or number.max(initial=low)))] = f"{low:02d}-{high:02d}" if high else f"{low}+"
    return pa.array(names.tolist(), pa.string())


def _table(found: list[Result]) -> pa.Table:
    def column(values: list[float]) -> pa.Array:
        numbers: Floats = np.asarray(values, dtype=np.float64)
        return pa.array(numbers, pa.float64(), mask=np.isnan(numbers))

    ordered = sorted(found, key=lambda r: (r.measure, r.scope, r.item))
    own = {"measure": [r.measure for r in ordered], "scope": [r.scope for r in ordered], "item": [r.item for r in ordered], "n": [r.n for r in ordered],
           "note": [r.note for r in ordered]}
    numbers = {"value": column([r.found.value for r in ordered]), "low": column([r.found.low for r in ordered]), "high": column([r.found.high for r in ordered]),
               "baseline": column([r.baseline for r in ordered])}
    contract = table("evaluation")
    return pa.table({c.name: numbers[c.name] if c.name in numbers else pa.array(own[c.name], c.type) for c in contract.own})
