from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from jobs.conf import Capacity
from jobs.lake.step import Tables
from jobs.rank.capacity import tonight
from jobs.rank.points import counted_points, gather, open_points, stakes_by_code
from jobs.rank.selection import select
from jobs.rank.treatment import LEVELS
from tests.rank.given import AS_OF, conf, event, level, night, plan, point, rows, score, taxpayer, world


def chosen(out: dict[str, pa.Table]) -> list[str]:
    return out["selection"].sort_by([("office_id", "ascending"), ("treatment", "ascending"), ("rank", "ascending")])["taxpayer_id"].to_pylist()


def simple(values: dict[str, float], **changes: object) -> Tables:
    """Everybody high with one point that calls for `assess`."""
    more = {"events": [], "outcomes": [], **changes}
    return world([taxpayer(i) for i in values], [score(i, v) for i, v in values.items()], [level(i, "high") for i in values], [point(i) for i in values], **more)  # type: ignore[arg-type]


def test_the_best_by_value_fill_the_days_of_the_plan() -> None:
    # assess takes 5 days, the plan of office 11 has 10: two cases
    out = select(simple({"A": 50, "B": 70, "C": 60}), night())
    assert chosen(out) == ["B", "C"]
    assert out["selection"]["rank"].to_pylist() == [1, 2] or sorted(out["selection"]["rank"].to_pylist()) == [1, 2]
    assert set(out["selection"]["case_source"].to_pylist()) == {"model"}


def test_a_tie_is_broken_by_score_then_by_id() -> None:
    people = [taxpayer(i) for i in "DCBA"]
    scores = [score("A", 50, 0.4), score("B", 50, 0.6), score("C", 50, 0.4), score("D", 50, 0.4)]
    out = select(world(people, scores, [level(i, "high") for i in "ABCD"], [point(i) for i in "ABCD"]), night())
    assert chosen(out) == ["B", "A"]


def test_level_none_and_closed_and_scoreless_without_rule_stay_out() -> None:
    people = [taxpayer("A"), taxpayer("B", status="closed"), taxpayer("C", closed_on=date(2026, 1, 1)), taxpayer("D")]
    out = select(world(people, [score("A", 90), score("B", 90), score("C", 90), score("D", 5)], [level("A", "none"), level("B", "high"), level("C", "high"), level("D", "high")],
                       [point(i) for i in "ABCD"]), night())
    assert chosen(out) == ["D"]


def test_a_duplicate_taxpayer_is_on_the_list_once() -> None:
    tables = simple({"A": 50})
    twice = pa.concat_tables([tables["taxpayer"], rows("taxpayer", taxpayer("A", source="second"))])
    out = select(Tables(now={**tables.now, "taxpayer": twice}), night())
    assert chosen(out) == ["A"]


@pytest.mark.parametrize(("events", "expected"), [
    ([event("C1", "A", "pushed", date(2026, 4, 1))], ["B"]),  # open
    ([event("C1", "A", "pushed", date(2024, 1, 1)), event("C1", "A", "closed", date(2024, 9, 1), no=2)], ["A", "B"]),  # cooled off
    ([event("C1", "A", "pushed", date(2025, 1, 1)), event("C1", "A", "closed", date(2025, 9, 1), no=2)], ["B"]),  # cooling-off runs
    ([event("C1", "A", "pushed", date(2025, 1, 1)), event("C1", "A", "dropped", date(2025, 9, 1), no=2)], ["A", "B"]),  # dropped unworked: nothing to cool off from
    ([event("C1", "A", "pushed", date(2026, 2, 1), "remind")], ["A", "B"]),  # a reminder asks for no answer: over after 30 days
    ([event("C1", "A", "pushed", date(2026, 4, 10), "remind")], ["B"]),  # ... but not before
    ([event("C1", "A", "pushed", date(2026, 2, 1), "remind"), event("C1", "A", "received", date(2026, 2, 3), "remind", no=2)], ["A", "B"]),  # nobody took it up: closed by itself
    ([event("C1", "A", "pushed", date(2026, 2, 1), "remind"), event("C1", "A", "begun", date(2026, 2, 3), "remind", no=2)], ["B"]),  # somebody works on it
])
def test_barriers(events: list[dict[str, object]], expected: list[str]) -> None:
    generous = plan(capacity=(Capacity(office="11", treatment="assess", days=100),))
    assert chosen(select(simple({"A": 50, "B": 40}, events=events), night(conf(generous)))) == expected


def test_handed_over_effort_is_taken_off_the_days_of_this_part_of_the_year() -> None:
    # plan 10 days of assess; one case (5 days) was pushed in February of the same year: one place is left
    events = [event("C1", "Z", "pushed", date(2026, 2, 1)), event("C0", "Y", "pushed", date(2025, 11, 1))]
    assert chosen(select(simple({"A": 50, "B": 40}, events=events), night())) == ["A"]


@pytest.mark.parametrize(("more", "places"), [
    ([], (1, 2)),  # office 11 has 10 days, one case of 5 was pushed there
    ([("returned", "11")], (2, 2)),  # wrong office: it costs nobody a day until it is pushed on
    ([("returned", "11"), ("pushed", "12")], (2, 1)),
    ([("returned", "11"), ("pushed", "12"), ("returned", "12"), ("pushed", "11")], (1, 2)),
    ([("pushed", "12")], (2, 1)),  # moved without being sent back
    ([("pushed", "11")], (1, 2)),  # told twice
])
def test_a_case_counts_in_the_office_that_has_it(more: list[tuple[str, str]], places: tuple[int, int]) -> None:
    both = plan(capacity=tuple(Capacity(office=o, treatment="assess", days=10) for o in ("11", "12")))
    steps = [("pushed", "11"), *more]
    events = [event("C1", "Z", kind, date(2026, 2, 1), no=n + 1, office_id=office) for n, (kind, office) in enumerate(steps)]
    for given_ in (events, events[::-1]):
        slots = tonight(conf(both), AS_OF, pa.array(["11", "12"]), rows("case_event", *given_)).slots
        assert (slots["11", "assess"], slots["12", "assess"]) == places


def test_days_of_a_past_quarter_are_gone() -> None:
    # 40 days a year are 10 in each quarter: two cases, though nothing was handed over from January to March
    quarterly = plan(release="quarter", capacity=(Capacity(office="11", treatment="assess", days=40),))
    assert len(chosen(select(simple({i: 50 for i in "ABCDEF"}), night(conf(quarterly))))) == 2


def test_contact_limit_leaves_only_procedures() -> None:
    events = [event(f"C{n}", "A", "pushed", date(2026, 1, 1), "remind", no=n) for n in range(3)]
    tables = world([taxpayer("A"), taxpayer("B")], [score("A", 50), score("B", 40)], [level("A", "medium"), level("B", "medium")], [point("A", "input"), point("B", "input")], events)
    out = select(tables, night())
    assert dict(zip(out["selection"]["taxpayer_id"].to_pylist(), out["selection"]["treatment"].to_pylist(), strict=True)) == {"A": "assess", "B": "remind"}


def test_examined_periods_bar_the_point_unless_its_facts_changed() -> None:
    done = {"case_id": "C", "point_id": "p", "taxpayer_id": "A", "tax": "VAT", "risk_code": "x", "period_from": date(2025, 1, 15), "period_to": date(2025, 2, 10),
            "treatment": "assess", "finding": "excluded", "known_at": date(2025, 10, 1)}
    people, scores, levels = [taxpayer("A")], [score("A", 50)], [level("A", "medium")]
    old, new = point("A", "input", number=1), point("A", "input", number=6)
    out = select(world(people, scores, levels, [old, new], outcomes=[done]), night())
    assert out["selection"]["points"].to_pylist() == [["A-input-6"]]
    for state, new_on, lifted in [("changed", "2025-10-02", True), ("opened", "2025-10-02", True),  # the new fact stays one on the nights after
                                  ("changed", "2025-10-01", False), ("changed", None, False)]:  # seen by the examiner; only his peers moved
        moved = {**old, "state": state, "facts": json.dumps({"new_on": new_on} if new_on else {})}
        out = select(world(people, scores, levels, [moved, new], outcomes=[done]), night())
        assert out["selection"]["points"].to_pylist() == [["A-input-1", "A-input-6"] if lifted else ["A-input-6"]], (state, new_on)
    looked_away = {**done, "finding": "not_examined"}
    assert len(select(world(people, scores, levels, [old, new], outcomes=[looked_away]), night())["selection"]["points"].to_pylist()[0]) == 2


def test_lapsed_silent_and_closed_points_do_not_select() -> None:
    points = [point("A", "input", until_error=date(2026, 4, 19)), point("B", "input", state="silent"), point("C", "input", state="closed"), point("D", "input", until_error=AS_OF)]
    out = select(world([taxpayer(i) for i in "ABCD"], [score(i, 50) for i in "ABCD"], [level(i, "medium") for i in "ABCD"], points), night())
    # without a point left, medium still admits a comprehensive examination, never a reminder
    treatments = dict(zip(out["selection"]["taxpayer_id"].to_pylist(), out["selection"]["treatment"].to_pylist(), strict=True))
    assert treatments["D"] == "remind"
    assert set(treatments.values()) - {"assess"} == {"remind"}


def test_amount_is_the_largest_per_tax_period_and_base_summed() -> None:
    points = [point("A", "sales", 1000), point("A", "input", 400), point("A", "sales", 250.55, number=2)]
    out = select(world([taxpayer("A")], [score("A", 50)], [level("A", "high")], points), night())
    assert out["selection"]["amount"].to_pylist() == [Decimal("1250.55")]  # max(1000, 400) + 250.55
    assert out["selection"]["points"].to_pylist() == [["A-sales-1", "A-input-1", "A-sales-2"]]


YEAR, Q1, Q2 = (date(2025, 1, 1), date(2025, 12, 31)), (date(2025, 1, 1), date(2025, 3, 31)), (date(2025, 4, 1), date(2025, 6, 30))
JANUARY, ACROSS = (date(2025, 1, 1), date(2025, 1, 31)), (date(2025, 3, 1), date(2025, 4, 30))


@pytest.mark.parametrize(("stakes", "counted"), [
    ([(YEAR, 100, "sales"), (Q1, 40, "sales"), (Q2, 30, "sales")], 100),  # the year is more than its quarters: 100 against 40 + 30
    ([(YEAR, 100, "sales"), (Q1, 80, "sales"), (Q2, 30, "sales")], 110),  # the quarters are more: 80 + 30
    ([(YEAR, 100, "sales"), (Q1, 40, "sales"), (Q2, 30, "sales"), (JANUARY, 75, "sales")], 105),  # January is more than its quarter: 75 + 30
    ([(YEAR, 100, "sales"), (Q1, 40, "profit")], 140),  # another base is another fault
    ([(Q1, 40, "sales"), (ACROSS, 50, "sales"), (Q2, 30, "sales")], 70),  # one that straddles both counts instead of them or not at all
    ([(YEAR, 0, "sales"), (Q1, 0, "sales")], 0),
    ([(Q1, 40, "sales"), (Q1, 40, "sales"), (Q2, 30, "sales")], 70),  # a tie
])
def test_tax_of_overlapping_periods_counts_once(stakes: list[tuple[tuple[date, date], float, str]], counted: float) -> None:
    points = [point("A", "sales", amount, number=n + 1, period_from=period[0], period_to=period[1], base=base) for n, (period, amount, base) in enumerate(stakes)]
    other_tax = point("A", "sales", 5, number=9, period_from=YEAR[0], period_to=YEAR[1], base="sales", tax="CIT")
    neighbour = point("B", "sales", 9, number=1, period_from=YEAR[0], period_to=YEAR[1], base="sales")
    for given_ in ([*points, other_tax, neighbour], [neighbour, other_tax, *points[::-1]]):
        found = rows("risk_point", *given_)
        ids = pa.array(["A", "B"])
        assert stakes_by_code(counted_points(found, AS_OF, conf()), ids, conf()).sum(axis=1).tolist() == [counted + 5, 9]
        assert gather(open_points(found, AS_OF, conf()), ids, conf().register_, {}).cents.tolist() == [(counted + 5) * 100, 900]


def test_fraud_goes_to_inspection_and_never_to_a_reminder() -> None:
    generous = plan(capacity=(Capacity(office="19", treatment="inspect", days=20), Capacity(office="11", treatment="remind", days=9)))
    tables = world([taxpayer("A"), taxpayer("B")], [score("A", 50), score("B", 40)], [level("A", "high"), level("B", "medium")], [point("A", "mill"), point("A", "input"), point("B", "mill")])
    out = select(tables, night(conf(generous)))["selection"]
    assert out.select(["taxpayer_id", "treatment", "office_id", "case_source"]).to_pylist() == [
        {"taxpayer_id": "A", "treatment": "inspect", "office_id": "19", "case_source": "rule"}]


def test_who_finds_the_pool_full_takes_a_lighter_treatment_his_level_allows() -> None:
    both = plan(capacity=(Capacity(office="11", treatment="assess", days=5), Capacity(office="11", treatment="remind", days=0.1)))
    tables = world([taxpayer(i) for i in "ABC"], [score("A", 50), score("B", 40), score("C", 30)], [level(i, "medium") for i in "ABC"], [point("A"), point("B"), point("C", "input")])
    out = select(tables, night(conf(both)))["selection"]
    assert dict(zip(out["taxpayer_id"].to_pylist(), out["treatment"].to_pylist(), strict=True)) == {"A": "assess", "B": "remind"}  # B's higher value displaces C


def test_floor_gives_a_place_that_value_would_not() -> None:
    with_floor = plan(floors={"non_filing": 0.5}, capacity=(Capacity(office="11", treatment="remind", days=0.2),))
    tables = world([taxpayer(i) for i in "ABC"], [score("A", 50), score("B", 40), score("C", 1)], [level(i, "low") for i in "ABC"], [point("A", "input"), point("B", "input"), point("C", "missing")])
    out = select(tables, night(conf(with_floor)))["selection"]
    assert [(r["taxpayer_id"], r["floor"], r["case_source"]) for r in out.sort_by("rank").to_pylist()] == [("A", None, "model"), ("C", "non_filing", "rule")]


def test_model_alone_is_comprehensive_and_without_champion_all_is_rule() -> None:
    tables = world([taxpayer("A"), taxpayer("B")], [score("A", 50), score("B", 40)], [level("A", "high"), level("B", "low")], [])
    out = select(tables, night())["selection"]
    assert [(r["taxpayer_id"], r["treatment"], r["points"], r["case_source"]) for r in out.to_pylist()] == [("A", "assess", [], "model")]
    rules = world([taxpayer("A")], [score("A", 50, version="rules")], [level("A", "high")], [point("A")])
    assert select(rules, night(model=False))["selection"]["case_source"].to_pylist() == ["rule"]


@pytest.mark.parametrize(("model", "lone", "alone"), [
    (True, 12, 2),  # two of eight places are drawn; two go to the model's own best without a point, though everybody with a point is worth more
    (True, 1, 1),  # nobody else whom the model alone would examine
    (False, 12, 0),  # rules know nobody without a point
])
def test_as_many_model_alone_stand_beside_the_random_slice(model: bool, lone: int, alone: int) -> None:
    with_points, without = [f"P{k:02d}" for k in range(30)], [f"Q{k:02d}" for k in range(lone)]
    version = "3" if model else "rules"
    tables = world([taxpayer(i) for i in (*with_points, *without, "N")], [score("N", 99, version=version), *[score(i, 100, version=version) for i in with_points] + [score(i, 50 - k, version=version) for k, i in enumerate(without)]],
                   [level(i, "high") for i in with_points] + [level(i, "low") for i in without] + [level("N", "none")], [point(i) for i in with_points])
    eight = plan(random_share=0.25, random_cap_per_year=1.0, capacity=(Capacity(office="11", treatment="assess", days=40),))
    found = select(tables, night(conf(eight), model=model))["selection"]
    sources = found["case_source"].to_pylist()
    own = [(r["taxpayer_id"], r["case_source"]) for r in found.to_pylist() if not r["points"] and r["case_source"] != "random"]
    assert (len(sources), sources.count("random"), len(own)) == (8, 2, alone)
    drawn = {r["taxpayer_id"] for r in found.to_pylist() if r["case_source"] == "random"}
    assert sorted(own) == [(i, "model") for i in [q for q in without if q not in drawn][:alone]]


def test_a_score_of_another_model_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="score: no row of model_version '3'"):
        select(world([taxpayer("A")], [score("A", 1, version="2")], [level("A", "high")], [point("A")]), night())


def test_large_business_acts_for_its_own_and_unknown_offices_are_left_out() -> None:
    wide = plan(capacity=(Capacity(office="18", treatment="assess", days=5), Capacity(office="11", treatment="assess", days=5)))
    tables = world([taxpayer("A", office_id="18", segment="large"), taxpayer("B", office_id=None), taxpayer("C", office_id="99")],
                   [score(i, 50) for i in "ABC"], [level(i, "high") for i in "ABC"], [point(i) for i in "ABC"])
    assert select(tables, night(conf(wide)))["selection"]["office_id"].to_pylist() == ["18"]


def test_empty_tables_give_empty_lists() -> None:
    out = select(world([], [], [], []), night())
    assert out["selection"].num_rows == 0 and out["inclusion"].num_rows == 0


# --- invariants -----------------------------------------------------------------------------------------------------------------------

CODES = ("sales", "input", "mill", "missing")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Tables, object]:
    n = draw(st.integers(1, 25))
    ids = [f"T{k:02d}" for k in range(n)]
    scores = [score(i, draw(st.sampled_from([None, 0.0, 10.0, 20.0, 30.5])), draw(st.sampled_from([0.1, 0.5, 0.9]))) for i in ids]
    levels = [level(i, draw(st.sampled_from(LEVELS))) for i in ids]
    points = [point(i, c) for i in ids for c in CODES if draw(st.booleans())]
    people = [taxpayer(i, office_id=draw(st.sampled_from(["11", "12", "18"]))) for i in ids]
    events = [event(f"C{i}", i, "pushed", AS_OF.replace(day=draw(st.integers(1, 20))), draw(st.sampled_from(["remind", "assess"]))) for i in ids if draw(st.integers(0, 4)) == 0]
    figures = {"days_per_thousand": {"assess": draw(st.floats(0, 3000)), "remind": draw(st.floats(0, 60)), "inspect": draw(st.floats(0, 5000))},
               "capacity": (Capacity(office="12", treatment="assess", days=draw(st.floats(0, 40))),),
               "random_share": draw(st.floats(0, 1)), "random_cap_per_year": draw(st.floats(0, 1)),
               "floors": {"fraud": draw(st.floats(0, 0.5)), "non_filing": draw(st.floats(0, 0.5))}}
    return world(people, scores, levels, points, events), plan(**figures)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_r1_capacity_is_never_exceeded_and_nobody_stands_twice(drawn: tuple[Tables, object]) -> None:
    tables, plan_ = drawn
    out = select(tables, night(conf(plan_)))["selection"]  # type: ignore[arg-type]
    per_thousand = {t: plan_.days_per_thousand[t] * tables["taxpayer"].num_rows / 1000 for t in ("assess", "remind", "inspect")}  # type: ignore[attr-defined]
    spent: dict[tuple[str, str], float] = {}
    for row in out.to_pylist():
        spent[row["office_id"], row["treatment"]] = spent.get((row["office_id"], row["treatment"]), 0) + row["effort_days"]
    own = plan_.capacity[0].days  # type: ignore[attr-defined]
    assert spent.get(("12", "assess"), 0) <= own + 1e-6
    for treatment in ("assess", "remind", "inspect"):
        assert sum(d for (office, t), d in spent.items() if t == treatment and (office, t) != ("12", "assess")) <= per_thousand[treatment] + 1e-6
    ids = out["taxpayer_id"].to_pylist()
    assert len(ids) == len(set(ids)) == len(set(out["case_id"].to_pylist()))
    for pool in spent:
        ranks = sorted(r["rank"] for r in out.to_pylist() if (r["office_id"], r["treatment"]) == pool)
        assert ranks == list(range(1, len(ranks) + 1))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.randoms())
def test_r4_row_order_changes_nothing(drawn: tuple[Tables, object], shuffle: object) -> None:
    tables, plan_ = drawn
    mixed = {}
    for name, rows_ in tables.now.items():
        order = list(range(rows_.num_rows))
        shuffle.shuffle(order)  # type: ignore[attr-defined]
        mixed[name] = rows_.take(pa.array(order, pa.int64()))
    one, other = select(tables, night(conf(plan_))), select(Tables(now=mixed), night(conf(plan_)))  # type: ignore[arg-type]
    assert one["selection"].equals(other["selection"]) and one["inclusion"].equals(other["inclusion"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 30), min_size=3, max_size=15), st.data())
def test_r3_raising_a_value_never_lowers_a_rank(values: list[int], data: st.DataObject) -> None:
    who = f"T{data.draw(st.integers(0, len(values) - 1)):02d}"
    by_id = {f"T{k:02d}": float(v) for k, v in enumerate(values)}
    generous = night(conf(plan(capacity=(Capacity(office="11", treatment="assess", days=20),))))
    before, after = chosen(select(simple(by_id), generous)), chosen(select(simple({**by_id, who: by_id[who] + data.draw(st.integers(1, 20))}), generous))
    if who in before:
        assert who in after and after.index(who) <= before.index(who)


@pytest.mark.parametrize("seed", range(25))
def test_r2_the_list_is_worth_what_the_exact_optimum_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 24
    ids = [f"T{k:02d}" for k in range(n)]
    value, levels, codes = rng.exponential(100, n).round(2), rng.choice(["medium", "high"], n), rng.choice(["sales", "input"], n)
    slots = {"assess": int(rng.integers(1, 6)), "remind": int(rng.integers(1, 8))}
    plan_ = plan(capacity=(Capacity(office="11", treatment="assess", days=5 * slots["assess"]), Capacity(office="11", treatment="remind", days=0.1 * slots["remind"])))
    tables = world([taxpayer(i) for i in ids], [score(i, v) for i, v in zip(ids, value, strict=True)], [level(i, v) for i, v in zip(ids, levels, strict=True)],
                   [point(i, c) for i, c in zip(ids, codes, strict=True)])
    out = select(tables, night(conf(plan_)))["selection"]
    got = sum(value[ids.index(r["taxpayer_id"])] * r["effort_days"] for r in out.to_pylist())  # value per day x days
    # high: assess only; medium with `sales`: assess, else remind; medium with `input`: remind only
    may = np.array([[lv == "high" or c == "sales", lv == "medium"] for lv, c in zip(levels, codes, strict=True)]).ravel()
    once = np.kron(np.eye(n), np.ones(2))
    pools = np.tile(np.eye(2), n)
    exact = milp(-np.kron(value, [5, 0.1]), integrality=np.ones(2 * n), bounds=Bounds(0, may.astype(float)),
                 constraints=[LinearConstraint(once, -np.inf, 1), LinearConstraint(pools, -np.inf, [slots["assess"], slots["remind"]])])
    assert got >= 0.98 * -exact.fun
