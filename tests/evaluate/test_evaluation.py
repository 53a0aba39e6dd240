from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.evaluate.evaluation import evaluation
from jobs.evaluate.intervals import hajek_mean, hajek_share, lift, ratio, wilson
from jobs.lake.step import Tables
from jobs.lake.tables import table
from tests.rank.given import AS_OF, TREATMENTS, conf, night, rows, taxpayer

Key = tuple[str, str, str]


def evaluated(points: list[dict[str, Any]] | None = None, cases: list[dict[str, Any]] | None = None, reminders: list[dict[str, Any]] | None = None,
              selection: list[dict[str, Any]] | None = None, people: list[dict[str, Any]] | None = None) -> dict[Key, dict[str, Any]]:
    tables = Tables(now={"point_result": rows("point_result", *(points or [])), "case_result": rows("case_result", *(cases or [])),
                         "reminder_result": rows("reminder_result", *(reminders or [])), "selection": rows("selection", *(selection or [])),
                         "taxpayer": rows("taxpayer", *(people or []))})
    out = evaluation(tables, night())
    assert out.schema.types == [c.type for c in table("evaluation").own] and out.column_names == [c.name for c in table("evaluation").own]
    found = {(r["measure"], r["scope"], r["item"]): r for r in out.to_pylist()}
    assert len(found) == out.num_rows
    return found


def answer(case: str, number: int, adjusted: int | None, *, code: str = "sales", indicators: tuple[str, ...] = ("i1",), source: str = "model", amount: float = 0, days: float = 1) -> dict[str, Any]:
    return {"case_id": case, "point_id": f"{case}-{number}", "risk_code": code, "case_source": source, "examined": adjusted is not None, "adjusted": adjusted,
            "amount": Decimal(str(amount)), "effort_days": days, "indicators": list(indicators)}


def test_each_indicator_and_code_learns_from_its_own_points() -> None:
    handed = [{"case_id": f"C{k}", "pushed": True} for k in (1, 2, 3, 4)]
    out = evaluated([answer("C1", 1, 1, indicators=("i1", "i2")), answer("C1", 2, 0), answer("C2", 1, -1, code="cost"), answer("C3", 1, None), answer("C4", 1, 1, indicators=()),
                     answer("H1", 1, 1)], handed)  # the last: the old system's, opened by no indicator
    first = out["hit_rate", "indicator", "i1"]
    assert (first["n"], first["value"], first["baseline"]) == (3, pytest.approx(1 / 3), 0.5)  # up, nothing, down; not examined apart; all: 2 of 4
    assert (out["hit_rate", "indicator", "i2"]["n"], out["hit_rate", "indicator", "i2"]["value"]) == (1, 1.0)
    assert (out["hit_rate", "risk_code", "sales"]["n"], out["hit_rate", "risk_code", "sales"]["value"]) == (3, pytest.approx(2 / 3))
    assert (out["not_examined", "risk_code", "sales"]["n"], out["not_examined", "risk_code", "sales"]["value"]) == (4, 0.25)
    assert out["downward", "risk_code", "cost"]["value"] == 1.0  # a correct result, and no hit
    assert out["hit_rate", "risk_code", "cost"]["value"] == 0.0


def case(n: int, **more: Any) -> dict[str, Any]:
    return {"case_id": f"C{n:03d}", "taxpayer_id": f"T{n:03d}", "selected_on": date(2026, 1, 20), "case_source": "model", "treatment": "assess", "office_id": "11", "rank": n + 1, "level": "high",
            "inclusion_probability": 1.0, "pushed": True, "worked": True, "adjusted": 1, "found": Decimal("100"), "paid": Decimal("0"), "effort_days": 5.0,
            "value": 1.0, "model_version": "1", "probability": 0.5, "rules_value": 1.0, **more}


def test_only_cases_assay_handed_over_are_compared_and_all_of_the_old_system_stand_aside() -> None:
    model = [case(k, adjusted=int(k < 6), found=Decimal(100 * (k < 6))) for k in range(10)]
    random = [case(20 + k, case_source="random", adjusted=int(k < 2), found=Decimal(50 * (k < 2))) for k in range(10)]
    lapsed = case(50, pushed=False)
    old = [answer(f"H{k}", 1, 1, source=source, amount=9) for k, source in enumerate(("model", "rule", "random", "assigned"))]
    own = [answer(c["case_id"], 1, c["adjusted"], source=c["case_source"], amount=float(c["found"])) for c in (*model, *random)]
    out = evaluated([*own, *old], [*model, *random, lapsed])
    assert {i: (r["n"], r["value"], r["baseline"]) for (m, s, i), r in out.items() if (m, s) == ("hit_rate", "case_source")} == {"model": (10, 0.6, 0.2), "random": (10, 0.2, 0.2)}
    per_day = out["value_per_day", "case_source", "model"]
    assert (per_day["value"], per_day["baseline"]) == (12.0, 2.0)  # 600 / 50 days; 100 / 50 days
    assert out["lift", "case_source", "model"]["value"] == pytest.approx(3.0)
    past = {i: (r["n"], r["value"], r["baseline"]) for (m, s, i), r in out.items() if (m, s) == ("hit_rate", "past_source")}
    assert past == dict.fromkeys(("assigned", "model", "random", "rule"), (1, 1.0, None))
    assert not [k for k in out if k[0] == "lift" and k[1] == "past_source"]


def test_lists_are_held_against_the_random_cases_of_their_own_nights() -> None:
    rules = {"selected_on": date(2025, 10, 20), "model_version": "rules", "case_source": "rule"}
    first = [case(k, **rules, adjusted=0) for k in range(4)] + [case(10 + k, **{**rules, "case_source": "random"}, adjusted=1) for k in range(2)]
    by_model = [case(20 + k, adjusted=int(k < 3)) for k in range(4)] + [case(30, case_source="rule", adjusted=1)] + [case(40 + k, case_source="random", adjusted=0) for k in range(5)]
    out = evaluated(cases=[*first, *by_model])
    shown = {(s, i): (r["n"], r["value"]) for (m, s, i), r in out.items() if m == "hit_rate" and s in ("list", "random_beside")}
    assert shown == {("list", "champion"): (5, 0.8), ("random_beside", "champion"): (5, 0.0), ("list", "rules"): (4, 0.0), ("random_beside", "rules"): (2, 1.0)}
    assert out["lift", "list", "champion"]["low"] < out["lift", "list", "champion"]["value"] and "n = 5" in out["lift", "list", "champion"]["note"]
    assert (out["nights", "list", "champion"]["value"], out["nights", "list", "rules"]["value"]) == (1.0, 1.0)


def test_a_case_found_downward_over_all_is_no_hit() -> None:
    out = evaluated(cases=[case(0, adjusted=-1, found=Decimal(-20))])
    assert (out["hit_rate", "case_source", "model"]["n"], out["hit_rate", "case_source", "model"]["value"]) == (1, 0.0)


def test_executed_by_rank_and_office_of_the_cases_handed_over() -> None:
    out = evaluated(cases=[case(0), case(1, worked=False), case(7, office_id="12"), case(60, worked=False), case(61, pushed=False)])
    assert (out["executed", "all", "all"]["n"], out["executed", "all", "all"]["value"]) == (4, 0.5)
    assert {i: (r["n"], r["value"]) for (m, s, i), r in out.items() if (m, s) == ("executed", "rank")} == {"01-05": (2, 0.5), "06-10": (1, 1.0), "51+": (1, 0.0)}
    assert out["executed", "office", "12"]["baseline"] == 0.5


def test_a_reminder_is_a_letter_and_no_work() -> None:
    letter = TREATMENTS[0].model_copy(update={"document": "reminder_letter"})
    configured = conf()
    configured.treatments["remind"] = letter
    tables = {n: rows(n) for n in ("point_result", "reminder_result", "selection", "taxpayer")}
    cases = rows("case_result", case(0), case(1, treatment="remind", worked=True), case(2, treatment="remind", worked=False))
    out = {(r["measure"], r["scope"], r["item"]): r for r in evaluation(Tables(now={**tables, "case_result": cases}), night(configured)).to_pylist()}
    assert (out["executed", "all", "all"]["n"], out["executed", "all", "all"]["value"]) == (1, 1.0)
    assert ("executed", "treatment", "remind") not in out


def test_reminders_beside_those_held_out_and_only_ripe_ones() -> None:
    def one(n: int, arm: str, closed: bool, corrected: str, matured: bool = True, on: date = AS_OF) -> dict[str, Any]:
        return {"taxpayer_id": f"T{n}", "point_id": f"P{n}", "sent_on": on, "arm": arm, "closed": closed, "corrected": Decimal(corrected), "paid": Decimal("1"), "matured": matured}

    out = evaluated(reminders=[one(1, "sent", True, "30"), one(2, "sent", False, "0"), one(3, "holdout", False, "4"), one(4, "sent", True, "99", matured=False), one(5, "fraud", False, "0"),
                               one(6, "holdout", True, "50", on=date(2025, 1, 1))])  # the last: of a list that lapsed, so that nobody was reminded beside him
    assert (out["reminder_closed", "reminder", "sent"]["n"], out["reminder_closed", "reminder", "sent"]["value"], out["reminder_closed", "reminder", "sent"]["baseline"]) == (2, 0.5, 0.0)
    assert (out["reminder_corrected", "reminder", "sent"]["value"], out["reminder_corrected", "reminder", "sent"]["baseline"]) == (15.0, 4.0)
    assert out["reminder_closed", "reminder", "fraud"]["n"] == 1  # each suppression is counted


def test_burden_against_the_population_and_small_groups_hidden() -> None:
    people = [taxpayer(f"T{k:03d}", segment="small" if k < 20 else "large", industry="5100" if k < 24 else "2600") for k in range(25)] + [taxpayer("T900", closed_on=date(2020, 1, 1))]
    out = evaluated(people=people, selection=[{"taxpayer_id": f"T{k:03d}", "case_id": f"N{k}"} for k in (0, 1, 22)],
                    cases=[case(3), case(4, adjusted=0), case(5, pushed=False), case(6, selected_on=date(2024, 1, 1))])
    assert (out["selected_share", "size", "small"]["n"], out["selected_share", "size", "small"]["value"], out["selected_share", "size", "small"]["baseline"]) == (20, 0.1, 3 / 25)
    hidden = out["selected_share", "size", "large"]
    assert (hidden["n"], hidden["value"], hidden["note"]) == (5, None, "fewer than 10 taxpayers: not shown")
    assert out["burden", "size", "small"]["value"] == pytest.approx(2 / 20)
    assert out["clean_burden", "size", "small"]["value"] == pytest.approx(1 / 20)


def test_population_from_the_random_slice_beside_the_naive_share() -> None:
    random = [case(k, case_source="random", inclusion_probability=0.1 if k < 5 else 0.02, adjusted=int(k in (0, 5)), found=Decimal(100 if k in (0, 5) else 0)) for k in range(10)]
    out = evaluated(cases=[*random, *(case(20 + k) for k in range(10))])
    # weights 10 (five cases, one hit) and 50 (five cases, one hit): (10 + 50) / (50 + 250) = 0.2
    assert out["population_share", "population", "adjusted upward"]["value"] == pytest.approx(0.2)
    assert out["population_share", "population", "adjusted upward"]["baseline"] == pytest.approx(12 / 20)
    assert out["population_amount", "population", "tax found per taxpayer"]["value"] == pytest.approx(20.0)


def test_calibration_and_replay() -> None:
    cases = [case(k, probability=0.1 * (k // 5) + 0.1, adjusted=int(k % 5 < k // 5), value=float(k), rules_value=float(-k), found=Decimal(100 if k >= 13 else 0)) for k in range(25)]
    out = evaluated(cases=cases)
    assert [(out["calibration", "probability", str(b)]["value"], round(out["calibration", "probability", str(b)]["baseline"], 6)) for b in range(1, 6)] == [
        (0.0, 0.1), (0.2, 0.2), (0.4, 0.3), (0.6, 0.4), (0.8, 0.5)]


def test_list_and_rules_replayed_on_the_same_cases_at_the_same_capacity() -> None:
    # ten cases; the list puts them as numbered, the rules the other way round; 0 and 1 hold 300 and 100, 9 holds 100
    money = {0: 300, 1: 100, 9: 100}
    of = [case(k, value=float(-k), rules_value=float(k), probability=0.5, found=Decimal(money.get(k, 0)), adjusted=int(k in money), effort_days=float(1 + k)) for k in range(10)]
    out = evaluated(cases=of)
    at = {(m, s, i): r for (m, s, i), r in out.items() if m.startswith("capacity_")}
    fifth = {o: [at[f"capacity_{m}", "first_fifth", o]["value"] for m in ("tax", "hits", "per_day")] for o in ("value", "rules_value")}
    assert fifth == {"value": [0.8, 1.0, pytest.approx(400 / 3)], "rules_value": [0.2, 0.5, pytest.approx(100 / 19)]}
    assert [at[f"capacity_{m}", "first_fifth", "value"]["baseline"] for m in ("tax", "hits", "per_day")] == [pytest.approx(v) for v in (0.2, 0.3, 500 / 55)]
    assert (at["capacity_tax", "first_half", "value"]["value"], at["capacity_tax", "first_half", "value"]["n"]) == (0.8, 5)
    apart = {i: (r["n"], pytest.approx(r["value"])) for (m, s, i), r in out.items() if (m, s) == ("list_less_rules", "first_fifth")}
    assert apart == {"tax": (10, 0.6), "hits": (10, 0.5)}


@pytest.mark.parametrize(("aside", "why"), [
    ({"selected_on": date(2025, 10, 20), "model_version": "rules"}, "a night without a champion"),
    ({"rules_value": None}, "not ranked by the rules"), ({"value": None}, "not ranked by the list"),
    ({"adjusted": None}, "not examined"), ({"pushed": False}, "a list that lapsed"),
])
def test_replay_holds_only_cases_that_both_ranked(aside: dict[str, Any], why: str) -> None:
    of = [case(k, value=float(k), rules_value=float(k)) for k in range(5)]
    out = evaluated(cases=[*of, *(case(20 + k, **{"found": Decimal(1000), **aside}) for k in range(5))])
    assert out["list_less_rules", "first_half", "tax"]["n"] == 5, why


def test_replay_takes_its_share_of_each_night() -> None:
    # the second night's cases are all worth more to both: taken over both nights together the first night would have none
    nights = [case(k, value=float(k), rules_value=1.0, found=Decimal(100 if k == 4 else 0)) for k in range(5)]
    nights += [case(10 + k, selected_on=date(2026, 4, 20), value=100.0 + k, rules_value=1.0, found=Decimal(100 if k == 4 else 0)) for k in range(5)]
    assert evaluated(cases=nights)["capacity_tax", "first_fifth", "value"]["value"] == 1.0


def test_orders_that_hold_the_same_cases_are_not_told_apart() -> None:
    rng = np.random.default_rng(8)
    of = [case(k, value=float(k), rules_value=float(k) * 2, found=Decimal(int(rng.integers(0, 900))), adjusted=1) for k in range(40)]
    apart = evaluated(cases=of)["list_less_rules", "first_fifth", "tax"]
    assert (apart["value"], apart["low"], apart["high"]) == (0.0, 0.0, 0.0)


def test_nothing_yet_is_said_with_n_zero() -> None:
    out = evaluated()
    assert out["population_share", "population", "adjusted upward"]["n"] == 0
    assert all(r["value"] is None for r in out.values())


def test_row_order_changes_nothing() -> None:
    points = [answer(f"M{k}", 1, int(k < 6), amount=100 * k, days=k + 1) for k in range(10)]
    cases = [case(k, adjusted=k % 2, found=Decimal(k)) for k in range(12)]
    assert evaluated(points, cases) == evaluated(points[::-1], cases[::-1])


# --- intervals ------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 500), st.data())
def test_wilson_holds_its_share(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    found = wilson(hits, n)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert wilson(10, 100).low == pytest.approx(0.0552, abs=1e-4) and wilson(10, 100).high == pytest.approx(0.1744, abs=1e-4)


def test_undefined_is_nan_never_inf() -> None:
    nothing = np.empty(0)
    for found in (wilson(0, 0), ratio(nothing, nothing, 1), ratio(np.ones(2), np.zeros(2), 1), lift(1, 2, 0, 0), hajek_share(nothing, nothing), hajek_mean(np.ones(1), np.ones(1))):
        assert np.isnan([found.value, found.low, found.high]).all()
    assert np.isfinite(lift(3, 10, 0, 10).high)


@pytest.mark.parametrize("skewed", [False, True])
def test_s1_the_interval_covers_the_truth_and_s2_the_naive_share_does_not(skewed: bool) -> None:
    """1,000 draws of about 150 from 3,000, a fifth non-compliant; half of those selected otherwise come from the worst."""
    rng = np.random.default_rng(5)
    truth = (rng.random(3000) < 0.2).astype(float)
    chance = np.where(np.arange(3000) % 3 == 0, 0.08, 0.035) if skewed else np.full(3000, 0.05)
    inside = naive = 0
    for _ in range(1000):
        drawn = rng.random(3000) < chance
        found = hajek_share(truth[drawn], chance[drawn])
        inside += found.low <= truth.mean() <= found.high
        audited = np.concatenate([truth[drawn], np.ones(80)])
        naive += wilson(audited.sum(), len(audited)).low <= truth.mean()
    assert 930 <= inside <= 975
    assert naive < 50


def test_ratio_interval_is_reproducible_and_holds_the_ratio() -> None:
    rng = np.random.default_rng(2)
    above, below = rng.exponential(10, 50), np.full(50, 2.0)
    found = ratio(above, below, 7)
    assert found == ratio(above, below, 7)
    assert found.low < found.value < found.high and found.value == pytest.approx(above.sum() / 100)


def test_contract_of_an_empty_lake() -> None:
    assert isinstance(evaluation(Tables(now={n: rows(n) for n in ("case_result", "point_result", "reminder_result", "selection", "taxpayer")}), night()), pa.Table)
