from __future__ import annotations

from decimal import Decimal

import pyarrow as pa

from jobs.conf import Band, Capacity
from jobs.lake.step import Tables
from jobs.rank.capacity import cases_a_year, tonight, year_days
from jobs.rank.level import risk_level
from tests.rank.given import AS_OF, LEVELS, conf, night, plan, point, rows, score, taxpayer, world


def levels(tables: Tables, **changes: object) -> dict[str, tuple[str, str | None, str]]:
    out = risk_level(tables, night(conf(plan(**changes))))
    return {r["taxpayer_id"]: (r["level"], r["previous"], r["why"]) for r in out.to_pylist()}


ROOM = {"capacity": (Capacity(office="11", treatment="assess", days=10), Capacity(office="11", treatment="remind", days=0.2))}


def test_bands_are_cut_to_the_cases_of_their_treatments() -> None:
    # high: 10 days / 5 = 2 cases of assess; medium and high together: 2 + 0.2 / 0.1 = 4; low and above: 4 too
    ids = "ABCDEF"
    got = levels(world([taxpayer(i) for i in ids], [score(i, 60 - n) for n, i in enumerate(ids)], [], []), **ROOM)
    assert [got[i][0] for i in ids] == ["high", "high", "medium", "medium", "none", "none"]
    assert got["A"][2] == "band: value 60 per inspector-day, probability 0.50, amount 10,000"
    assert got["F"][2] == "below every band"


def test_a_band_needs_its_probability_and_amount() -> None:
    people = [score("A", 60, probability=0.2), score("B", 50, amount=500), score("C", 40), score("D", None)]
    got = levels(world([taxpayer(i) for i in "ABCD"], people, [], []), **ROOM)
    assert [got[i][0] for i in "ABCD"] == ["medium", "medium", "high", "none"]


def test_hard_rule_makes_high_whatever_the_value_and_takes_its_place() -> None:
    got = levels(world([taxpayer(i) for i in "ABC"], [score("A", 60), score("B", 50), score("C", 0.0)], [], [point("C", "mill")]), **ROOM)
    assert [got[i][0] for i in "ABC"] == ["high", "medium", "high"]  # two high cases: the mill and A
    assert got["C"][2].startswith("rule: mill; ")


def test_a_hard_rule_that_fires_too_widely_does_not_fill_the_levels() -> None:
    # fraud may be answered by inspect alone: 20 days / 20 = 1 case a year. A is high, the other mills wait; B and D have the bands as before
    room = {"capacity": (*ROOM["capacity"], Capacity(office="19", treatment="inspect", days=20))}
    people = [score("A", 60), score("B", 50), score("C", 40), score("D", 30), score("E", 20)]
    got = levels(world([taxpayer(i) for i in "ABCDE"], people, [], [point("A", "mill"), point("C", "mill"), point("E", "mill")]), **room)
    assert [got[i][0] for i in "ABCDE"] == ["high", "high", "medium", "high", "medium"]  # high: 2 cases of assess and 1 of inspect
    assert "beyond the cases of the year" in got["C"][2] and "beyond" not in got["A"][2]


def test_a_floor_keeps_its_share_of_the_lowest_band() -> None:
    ids = "ABCDEF"
    people = [score(i, 60.0 - n) for n, i in enumerate(ids)]
    got = levels(world([taxpayer(i) for i in ids], people, [], [point("F", "missing")]), floors={"non_filing": 0.25}, **ROOM)
    assert (got["D"][0], got["E"][0], got["F"][0]) == ("medium", "none", "low")  # one of the four places, by the floor, though all were taken by value
    assert got["F"][2].startswith("floor: non_filing; ")
    wide = LEVELS.model_copy(update={"bands": (*LEVELS.bands[:2], Band(level="low", capacity_share=2, min_probability=0.9, min_amount=Decimal(0)))})
    out = risk_level(world([taxpayer(i) for i in ids], people, [], [point("F", "missing")]), night(conf(plan(floors={"non_filing": 0.1}, **ROOM), wide)))
    assert {r["taxpayer_id"]: r["level"] for r in out.to_pylist()} == {"A": "high", "B": "high", "C": "medium", "D": "medium", "E": "none", "F": "low"}


def test_a_change_says_why() -> None:
    tables = world([taxpayer("A"), taxpayer("B")], [score("A", 60), score("B", 0.0)], [], [])
    before = {"risk_level": rows("risk_level", {"taxpayer_id": "A", "level": "medium"}, {"taxpayer_id": "B", "level": "high"}), "score": rows("score", score("A", 20, version="2"))}
    got = {r["taxpayer_id"]: r for r in risk_level(Tables(now=tables.now, previous=before), night(conf(plan(**ROOM)))).to_pylist()}
    assert got["A"]["previous"] == "medium" and got["A"]["why"].endswith("; was medium at value 20")
    assert got["B"]["level"] == "none" and got["B"]["why"].endswith("; was high")


def test_small_offices_share_whole_cases_by_largest_remainder() -> None:
    # 1,000 days per 1,000 taxpayers: office 11 has 7 taxpayers = 7 days, 12 has 5 = 5 days: 12 days are 2 cases of 5, one each
    per = plan(capacity=(), days_per_thousand={"assess": 1000})
    homes = pa.array(["11"] * 7 + ["12"] * 5)
    assert year_days(conf(per), AS_OF, {"11": 7, "12": 5}, {("11", "assess"): "11", ("12", "assess"): "12"}) == {("11", "assess"): 7, ("12", "assess"): 5}
    assert tonight(conf(per), AS_OF, homes, rows("case_event")).slots == {("11", "assess"): 1, ("12", "assess"): 1}
    assert cases_a_year(conf(per), AS_OF, homes) == {"assess": 12 / 5}


def test_an_unscored_country_has_no_levels_but_hard_ones() -> None:
    got = levels(world([taxpayer("A"), taxpayer("B")], [], [], [point("B", "mill")]), **ROOM)
    assert (got["A"][0], got["B"][0]) == ("none", "high")
    assert got["B"][2] == "rule: mill; no score"
