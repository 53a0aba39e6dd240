"""truth.html: the same lists against the sealed truth of a synthetic country. Made by the demo, never by a step of a night.

Per night and list: of the tax truly hidden, how much lies with the taxpayers that the list would put within capacity. Hidden is what was due
less what had been declared, amended or corrected by the night and what an examination had found by then, for periods that had ended and can
still be assessed; going on is what the same fault hides in half a year at the pace of the last six months before the night. What a list set in
motion later, a correction after a reminder among it, has a later day and counts neither for nor against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from markupsafe import Markup

from jobs.evaluate.drawing import bars, curves
from jobs.evaluate.report import page
from jobs.evaluate.shortfall import Missed, Standing, missed, standings
from jobs.lake.arrays import Floats, Ints, cents, day_number, day_numbers, flags, floats, one_each, positions, total_order, whole_array
from models.draw import uniform

CAPACITY = 0.05
OPEN_YEARS = 3
_PACE_DAYS = 183
_DRAWS = 1000
RULES = "rules"
COLOURS = {"champion": "#0f766e", "rules": "#b45309", "rules score": "#d9a066", "single feature": "#7c6f9c", "oracle": "#111827", "random": "#9ca3af", "handed over": "#2563a8"}
_TRUTH = ("taxpayer_id", "period_from", "period_to", "due", "declared_first", "declared_amended", "amended_on", "corrected_on", "typology")
_HONEST = pa.array(["honest", "honest_error", "non_filer"])


@dataclass(frozen=True)
class Truth:
    """Per taxpayer, in the order of `ids`: cents hidden and going on, and his typology ("" when he does not evade)."""

    ids: pa.Array
    hidden: Ints
    going_on: Ints
    typology: npt.NDArray[np.object_]

    @property
    def at_stake(self) -> Ints:
        """What a list can recover or prevent, in cents."""
        return np.asarray(self.hidden + self.going_on)


@dataclass(frozen=True)
class Result:
    """What one list covers on one night. Shares are of the tax truly at stake with all taxpayers ranked."""

    name: str
    size: int
    recovered: int
    prevented: int
    share: float
    evaders: float
    typologies: dict[str, float]
    low: float = float("nan")
    high: float = float("nan")
    note: str = ""


@dataclass(frozen=True)
class NightResult:
    """All lists of one night, and the curves of share covered against share of taxpayers."""

    as_of: date
    taxpayers: int
    size: int
    total: int
    evaders: int
    lists: dict[str, Result]
    curves: dict[str, Floats]
    standings: list[Standing] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)


def truth_report(
    truth: Path, scores: Mapping[date, pa.Table], selections: Mapping[date, pa.Table], out: Path,
    features: Mapping[date, pa.Table] | None = None, outcomes: Mapping[date, pa.Table] | None = None,
) -> list[NightResult]:  # fmt: skip
    """Write truth.html and return its numbers.

    truth: the country's truth/ folder. scores, selections, features, outcomes: the tables of each published night. Without features the row
    of the best single feature is left out; without outcomes nothing counts as found yet. FileNotFoundError when the folder holds no truth.
    """
    known = read_truth(truth)
    nights = [
        against_truth(known, as_of, scores[as_of], selections, (features or {}).get(as_of), (outcomes or {}).get(as_of)) for as_of in sorted(scores)
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page("truth.html.j2", _found(nights)), encoding="utf-8")
    return nights


def read_truth(folder: Path) -> pa.Table:
    """truth/tax: a row per return owed, with what was due, what was declared and from which day, and the typology.

    FileNotFoundError when nothing is there, ValueError when the country was made before the days of corrections were kept.
    """
    files = sorted((folder / "tax").glob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"{folder}/tax: no truth there; give the truth/ folder of a country made by `assay economy`")
    missing = sorted(set(_TRUTH) - set(pq.read_schema(files[0]).names))
    if missing:
        raise ValueError(f"{files[0]}: column {missing[0]} is missing; the country is of an older version, make it anew with `assay economy`")
    return pa.concat_tables([pq.read_table(f, columns=list(_TRUTH)) for f in files])


def declared_by(known: pa.Table, as_of: date) -> Ints:
    """Cents that stood declared on a day: the first return, an amendment from its day, all that was due from the day of a correction.

    A first return counts whenever it is filed: who files late of his own accord is late, and hides nothing by it.
    """
    today = pa.scalar(as_of, pa.date32())
    amended, corrected = (flags(pc.less_equal(known[n], today)) for n in ("amended_on", "corrected_on"))
    own = np.where(amended, cents(known["declared_amended"]), cents(known["declared_first"]))
    return np.asarray(np.where(corrected, cents(known["due"]), own))


def truth_on(known: pa.Table, ids: pa.Array, as_of: date, outcome: pa.Table | None = None) -> Truth:
    """What is hidden by the given taxpayers on a night; what examinations had found by then (table outcome) is hidden no more."""
    today = day_number(as_of)
    ended = day_numbers(known["period_to"])
    oldest = day_number(as_of.replace(year=as_of.year - OPEN_YEARS, day=min(as_of.day, 28)))
    at = positions(known["taxpayer_id"], ids)
    gap = np.maximum(cents(known["due"]) - declared_by(known, as_of), 0)
    open_ = (at >= 0) & (ended <= today) & (ended > oldest)
    hidden, going_on = np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
    np.add.at(hidden, at[open_], gap[open_])
    if outcome is not None:
        hidden = np.maximum(hidden - _found_before(outcome, ids, oldest), 0)
    recent = open_ & (day_numbers(known["period_from"]) > today - _PACE_DAYS)
    np.add.at(going_on, at[recent], gap[recent])
    evading = open_ & ~np.asarray(pc.is_in(known["typology"], value_set=_HONEST)) & (gap > 0)
    typology = np.full(len(ids), "", dtype=object)
    typology[at[evading]] = np.asarray(known["typology"].to_pylist(), dtype=object)[evading]
    return Truth(ids, hidden, going_on, typology)


def _found_before(outcome: pa.Table, ids: pa.Array, oldest: int) -> Ints:
    """Cents that examinations had adjusted upward per taxpayer, in periods still open. An overturned finding stands at 0."""
    at = positions(outcome["taxpayer_id"], ids)
    counts = (at >= 0) & (day_numbers(outcome["period_to"]) > oldest)
    found = np.zeros(len(ids), dtype=np.int64)
    np.add.at(found, at[counts], np.maximum(cents(outcome["assessed"]), 0)[counts])
    return found


def against_truth(
    known: pa.Table, as_of: date, score: pa.Table, selections: Mapping[date, pa.Table], feature: pa.Table | None, outcome: pa.Table | None = None, capacity: float = CAPACITY
) -> NightResult:
    """Every list of a night against the truth, at the top `capacity` of the taxpayers scored that night."""
    ids = whole_array(one_each(score, "taxpayer_id")["taxpayer_id"])
    truth = truth_on(known, ids, as_of, outcome)
    size = round(capacity * len(ids))
    orders = _orders(score, ids)
    notes = dict.fromkeys(orders, "")
    if feature is not None and feature.num_rows:
        orders["single feature"], notes["single feature"] = _best_feature(feature, ids, truth, size)
    orders["oracle"] = total_order(truth.at_stake.astype(np.float64), truth.hidden.astype(np.float64), ids)
    lists = {name: _covered(name, order[:size], truth, notes.get(name, "")) for name, order in orders.items()}
    lists["random"] = _random(truth, size, as_of)
    selection = selections.get(as_of)
    if selection is not None and selection.num_rows:
        lists["handed over"] = _covered("handed over", positions(selection["taxpayer_id"], ids), truth, "every treatment, barriers and random slice included")
    total = max(int(truth.at_stake.sum()), 1)
    lines = {name: np.concatenate([[0.0], np.cumsum(truth.at_stake[order]) / total]) for name, order in orders.items()}
    stands: list[Standing] = []
    unseen: list[Missed] = []
    if "champion" in orders:
        first = orders["champion"][:size]
        stands = standings(ids.take(pa.array(first)), truth.at_stake[first], total, as_of, selections, outcome)
        unseen = missed(orders["champion"], size, truth.at_stake, truth.typology, ids, outcome)
    return NightResult(as_of, len(ids), size, int(truth.at_stake.sum()), int((truth.typology != "").sum()), lists, lines, stands, unseen)


def _orders(score: pa.Table, ids: pa.Array) -> dict[str, Ints]:
    """The champion's order by value, where there is a champion; the rules' by value and by bare score."""
    found: dict[str, Ints] = {}
    versions = sorted(set(score["model_version"].to_pylist()) - {RULES})
    for name, version in [("champion", v) for v in versions[-1:]] + [("rules", RULES)]:
        mine = one_each(score.filter(pc.equal(score["model_version"], version)), "taxpayer_id")
        at = positions(ids, mine["taxpayer_id"])
        column = {c: np.where(at >= 0, floats(mine[c])[np.maximum(at, 0)], np.nan) for c in ("value", "probability", "rules_score")} if mine.num_rows else {}
        if column:
            found[name] = total_order(column["value"], column["probability"], ids)
            if name == "rules":
                found["rules score"] = total_order(column["rules_score"], column["value"], ids)
    return found


def _best_feature(feature: pa.Table, ids: pa.Array, truth: Truth, size: int) -> tuple[Ints, str]:
    """The feature and direction whose sort covers most: chosen in hindsight on the truth itself, so no rule could have been sharper."""
    mine = one_each(feature, "taxpayer_id")
    at = positions(ids, mine["taxpayer_id"])
    best, chosen, name = -1, np.arange(len(ids)), ""
    columns = sorted(f.name for f in mine.schema if pa.types.is_floating(f.type))
    for column in columns:
        values = np.where(at >= 0, floats(mine[column])[np.maximum(at, 0)], np.nan)
        for sign, word in ((1.0, "highest"), (-1.0, "lowest")):
            order = total_order(sign * values, np.zeros(len(ids)), ids)
            covered = int(truth.at_stake[order[:size]].sum())
            if covered > best:
                best, chosen, name = covered, order, f"{word} {column}"
    return chosen, f"{name}, the best of {2 * len(columns)} sorts, chosen in hindsight on the truth"


def _covered(name: str, listed: Ints, truth: Truth, note: str = "") -> Result:
    listed = listed[listed >= 0]
    total = max(int(truth.at_stake.sum()), 1)
    kinds = sorted(set(truth.typology) - {""})
    typologies = {}
    for kind in kinds:
        of_kind = truth.typology == kind
        typologies[kind] = float(truth.at_stake[listed][of_kind[listed]].sum() / max(int(truth.at_stake[of_kind].sum()), 1))
    evaders = float((truth.typology[listed] != "").mean()) if len(listed) else float("nan")
    recovered, prevented = int(truth.hidden[listed].sum()), int(truth.going_on[listed].sum())
    return Result(name, len(listed), recovered, prevented, (recovered + prevented) / total, evaders, typologies, note=note)


def _random(truth: Truth, size: int, as_of: date) -> Result:
    """Lists drawn at random: the mean and the middle 95 % of 1,000 of them."""
    n, total = len(truth.ids), max(int(truth.at_stake.sum()), 1)
    rng = np.random.Generator(np.random.Philox(int(uniform(0, f"truth|{as_of}", [""])[0] * 2**53)))
    shares = np.asarray([truth.at_stake[rng.permutation(n)[:size]].sum() / total for _ in range(_DRAWS)]) if n else np.zeros(1)
    part = size / max(n, 1)
    kinds = dict.fromkeys(sorted(set(truth.typology) - {""}), part)
    low, high = np.quantile(shares, [0.025, 0.975])
    return Result("random", size, int(truth.hidden.sum() * part), int(truth.going_on.sum() * part), part, float((truth.typology != "").mean()) if n else float("nan"), kinds,
                  float(low), float(high), "mean; 95 % of 1,000 draws between")


def _found(nights: list[NightResult]) -> dict[str, object]:
    learned = [n for n in nights if "champion" in n.lists]
    shown = learned[-1] if learned else nights[-1] if nights else None
    verdict = None
    if learned:
        mean = {name: float(np.mean([n.lists[name].share for n in learned if name in n.lists])) for name in ("champion", "rules", "random", "oracle")}
        verdict = {**mean, "nights": len(learned), "times": mean["champion"] / max(mean["random"], 1e-9), "beats": mean["champion"] > mean["rules"]}
    return {"nights": nights, "shown": shown, "verdict": verdict, "bars": _bars(shown) if shown else None, "curve": _curve(shown) if shown else None,
            "kinds": sorted(shown.lists["oracle"].typologies) if shown else [], "capacity": CAPACITY, "years": OPEN_YEARS}


def _bars(night: NightResult) -> Markup:
    order = [n for n in ("oracle", "champion", "rules", "rules score", "single feature", "random") if n in night.lists]
    texts = [f"{night.lists[n].share:.0%}" for n in order]
    return Markup(bars(order, [night.lists[n].share * 100 for n in order], [COLOURS[n] for n in order], texts, "Share of hidden tax covered at capacity, in per cent"))


def _curve(night: NightResult) -> Markup:
    across = np.linspace(0, 1, 201)  # as many points as the eye can tell apart
    lines = [(n, across, np.interp(across, np.linspace(0, 1, len(c)), c), COLOURS[n]) for n, c in night.curves.items() if n != "rules score"]
    return Markup(curves(lines, "Share of hidden tax covered by share of taxpayers", x="share of taxpayers, first on the list", y="share of the hidden tax"))


