from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.conf import IndicatorParameters
from jobs.lake.step import ModelRef, Night, Tables
from jobs.rank.reasons import reason
from jobs.rank.words import figure, phrase, written
from models.fit import fit
from models.matrix import Matrix
from models.store import save
from tests.rank.given import AS_OF, conf, night, point, rows, taxpayer

FACTS = json.dumps({"declared": {"value": 100.0}, "other": {"value": 150.0}, "difference": 50.0, "sentence_en": "Sales declared are below invoices issued.", "sentence_zh": "申报销售额低于开票金额。"})


def chosen(id_: str, points: list[str]) -> dict[str, Any]:
    return {"taxpayer_id": id_, "case_id": f"C{id_}", "points": points, "treatment": "assess"}


def hit(id_: str, indicator: str, strength: float | None, code: str) -> dict[str, Any]:
    return {"taxpayer_id": id_, "indicator": indicator, "risk_code": code, "tax": "VAT", "period_from": date(2025, 1, 1), "period_to": date(2025, 3, 31),
            "declared": 1.0, "other": 2.0, "difference": 1.0, "threshold": 0.5, "strength": strength, "hit": (strength or 0) > 1, "facts": FACTS if (strength or 0) >= 0.8 else None}


def rules_night() -> Night:
    known = tuple(IndicatorParameters(id=i, state="trial" if i == "t" else "published", owner="o", threshold=1.0, source="drawn") for i in "abcdet")
    return night(conf().model_copy(update={"indicators": known}), model=False)


def given(selection: list[dict[str, Any]], points: list[dict[str, Any]], hits: list[dict[str, Any]] | None = None, features: dict[str, list[float | None]] | None = None) -> Tables:
    ids = [f"T{k:02d}" for k in range(20)]
    features = features or {"vat_burden_12m": [float(k) for k in range(20)], "late_n": [None] * 5 + [1.0] * 15, "paid_gap": [0.0] * 20}
    feature = rows("feature", *({"taxpayer_id": i} for i in ids))
    for name, values in features.items():
        feature = feature.append_column(name, pa.array(values, pa.float64()))
    return Tables(now={"selection": rows("selection", *selection), "risk_point": rows("risk_point", *points), "indicator_hit": rows("indicator_hit", *(hits or [])),
                       "feature": feature, "taxpayer": rows("taxpayer", *(taxpayer(i) for i in ids))})


def test_points_come_first_by_amount_with_their_sentence_and_numbers() -> None:
    points = [point("T01", "sales", 100, facts=FACTS), point("T01", "input", 900, facts=FACTS, until_error=date(2026, 8, 1)), point("T01", "sales", 500, number=2), point("T01", "sales", 50, number=3)]
    out = reason(given([chosen("T01", [p["point_id"] for p in points])], points), night(model=False)).to_pylist()
    # one reason per risk code, its largest point first: input 900; sales 500 with 100 and 50 in other periods; then what differs from peers
    assert [(r["ordinal"], r["point_id"], r["weight"]) for r in out[:2]] == [(1, "T01-input-1", 900.0), (2, "T01-sales-2", 500.0)]
    assert out[2]["kind"] == "feature"
    assert out[0]["text"] == "Sales declared are below invoices issued. Tax at stake: 900.00. Can be assessed only until 2026-08-01."
    assert out[1]["text"] == "sales en. Tax at stake: 500.00. The same in 2 other periods: 150.00."  # no sentence in the facts: the register's name stands in
    assert out[0]["text_zh"].startswith("申报销售额低于开票金额。涉及税额：900.00。")
    numbers = json.loads(out[0]["numbers"])
    assert (numbers["declared"], numbers["other"], numbers["difference"], numbers["amount"], numbers["periods"]) == (100.0, 150.0, 50.0, 900.0, 1)


def test_rules_night_fills_up_with_indicators_then_with_what_differs_from_peers() -> None:
    points = [point("T19", "sales", 100, facts=FACTS)]
    hits = [hit("T19", "a", 3.0, "sales"), hit("T19", "b", 0.8, "input"), hit("T19", "c", None, "missing"), hit("T19", "d", 0.7, "mill"),
            hit("T19", "t", 0.9, "missing"),  # in trial
            {**hit("T19", "e", 2.0, "mill"), "hit": True}]  # it fired, so it has a point; that this is not in the case has a reason
    out = reason(given([chosen("T19", [points[0]["point_id"]])], points, hits), rules_night()).to_pylist()
    assert [(r["kind"], r["code"]) for r in out] == [("point", "sales"), ("indicator", "input"), ("feature", "vat_burden_12m")]
    assert out[1]["text"] == "Sales declared are below invoices issued. On its own no risk point: 0.80 times the threshold."
    assert out[1]["text_zh"] == "申报销售额低于开票金额。单独不构成风险点：为阈值的0.80倍。"
    numbers = json.loads(out[1]["numbers"])
    assert (numbers["indicator"], numbers["declared"], numbers["other"], numbers["threshold"], numbers["strength"]) == ("b", 100.0, 150.0, 0.5, 0.8)
    # burdens are 0..19: median 9.5, absolute deviations 0.5..9.5 twice each: their median 5, x 1.4826 = 7.413; (19 - 9.5) / 7.413 = 1.28
    assert out[2]["text"] == "VAT burden over 12 months: 1,900.0%; the median of taxpayers of the same size is 950.0%."
    assert out[2]["weight"] == pytest.approx(9.5 / 7.413)


def test_an_indicator_above_its_threshold_with_too_little_tax_says_so() -> None:
    out = reason(given([chosen("T01", ["T01-sales-1"])], [point("T01", "sales", 100)], [{**hit("T01", "b", 1.9, "input"), "hit": False}]), rules_night()).to_pylist()
    assert out[1]["text"].endswith("On its own no risk point: too little tax is at stake.")


@pytest.mark.parametrize("random_has_hits", [True, False])
def test_random_and_model_alone_have_the_same_number_of_features_and_no_contradiction(random_has_hits: bool) -> None:
    features = {f"{name}_n": [float(k) for k in range(20)] for name in "abc"}
    hits = [hit("T00", "b", 0.9, "input"), {**hit("T00", "a", 3.0, "sales"), "hit": True}] if random_has_hits else []
    out = reason(given([chosen("T00", []), chosen("T19", [])], [], hits, features), rules_night()).to_pylist()
    for id_ in ("T00", "T19"):
        assert [r["kind"] for r in out if r["taxpayer_id"] == id_] == ["point", "feature", "feature"]


def test_random_and_model_alone_read_alike_and_nothing_says_which_way() -> None:
    out = reason(given([chosen("T00", []), chosen("T19", [])], []), night(model=False)).to_pylist()
    first = {r["taxpayer_id"]: r["text"] for r in out if r["ordinal"] == 1}
    assert first["T00"] == first["T19"]
    assert all(r["code"] == "comprehensive" for r in out if r["ordinal"] == 1)
    assert not any(word in r["text"].lower() for r in out for word in ("random", "raises", "lowers", "score"))


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(400, 3)) * [3, 1, 1] + [10, 1, 0]
    model = fit("logistic", Matrix(("vat_burden_12m", "late_n", "paid_gap"), values), (values[:, 0] < 9).astype(float), [f"X{k}" for k in range(400)])
    path = tmp_path_factory.mktemp("model") / "m.skops"
    return ModelRef("3", str(path), save(model, path))


def test_with_a_champion_features_come_by_their_contribution(champion: ModelRef) -> None:
    with_model = Night(as_of=AS_OF, run=1, conf=conf(), seed=7, model=champion)
    points = [point("T00", "sales", 100, facts=FACTS)]
    out = reason(given([chosen("T00", [points[0]["point_id"]]), chosen("T19", [])], points), with_model).to_pylist()
    of_t00 = [r for r in out if r["taxpayer_id"] == "T00"]
    assert [r["kind"] for r in of_t00] == ["point", "feature"]  # late_n is missing, and a paid_gap that is everybody's is no reason
    assert of_t00[1]["code"] == "vat_burden_12m" and of_t00[1]["weight"] > 0  # burden 0 against a median of 9.5: low burdens were adjusted in training
    assert [r["code"] for r in out if r["taxpayer_id"] == "T19"] == ["comprehensive", "vat_burden_12m"]
    assert reason(given([chosen("T00", [points[0]["point_id"]]), chosen("T19", [])], points), with_model).to_pylist() == out


@pytest.mark.parametrize(("own", "others", "text"), [
    (0.00041, -0.00013, None),  # 0.0% and -0.0%: written alike
    (0.0, 0.0, None),
    (-0.0004, 0.05, "VAT burden over 12 months: 0.0%; the median of taxpayers of the same size is 5.0%."),  # no negative zero
])
def test_figures_are_compared_as_they_are_written(own: float, others: float, text: str | None) -> None:
    features: dict[str, list[float | None]] = {"vat_burden_12m": [own] + [others] * 19}
    out = reason(given([chosen("T00", [])], [], features=features), night(model=False)).to_pylist()
    assert [r["text"] for r in out[1:]] == ([text] if text else [])


def test_few_of_ones_size_are_compared_with_all_and_it_says_so() -> None:
    tables = given([chosen("T00", [])], [], features={"late_n": [float(k) for k in range(20)]})
    ids = tables["taxpayer"]["taxpayer_id"].to_pylist()
    for large, text in ((9, "the median of all taxpayers is 9.5."), (10, "the median of taxpayers of the same size is 4.5.")):  # 0..19, or 0..9
        people = rows("taxpayer", *(taxpayer(i, segment="large" if n < large else "small") for n, i in enumerate(ids)))
        out = reason(Tables(now={**tables.now, "taxpayer": people}), night(model=False)).to_pylist()
        assert out[1]["text"] == f"Returns filed late: 0; {text}"
        assert ("同规模" in out[1]["text_zh"]) == (large == 10)


SOON, LATER = date(2026, 8, 1), date(2026, 9, 1)


@pytest.mark.parametrize(("untils", "text"), [
    ((SOON, LATER), "sales en. Tax at stake: 500.00. Can be assessed only until 2026-08-01. The same in 1 other period: 100.00."),
    ((LATER, SOON), "sales en. Tax at stake: 500.00. Can be assessed only until 2026-09-01. The same in 1 other period: 100.00. For 2025-02-01 to 2025-02-28 it can be assessed only until 2026-08-01."),
    ((date(2028, 1, 1), SOON), "sales en. Tax at stake: 500.00. The same in 1 other period: 100.00. For 2025-02-01 to 2025-02-28 it can be assessed only until 2026-08-01."),
    ((SOON, date(2028, 1, 1)), "sales en. Tax at stake: 500.00. Can be assessed only until 2026-08-01. The same in 1 other period: 100.00."),
    ((None, None), "sales en. Tax at stake: 500.00. The same in 1 other period: 100.00."),
])
def test_the_last_day_stands_beside_the_period_it_is_about(untils: tuple[date | None, date | None], text: str) -> None:
    points = [point("T01", "sales", amount, number=n + 1, until_error=until) for n, (amount, until) in enumerate(zip((500, 100), untils, strict=True))]
    out = reason(given([chosen("T01", [p["point_id"] for p in points])], points), night(model=False)).to_pylist()
    assert out[0]["text"] == text


@pytest.mark.parametrize(("stakes", "text", "text_zh"), [
    ((0,), "missing en. No amount can be computed.", "missing zh。无法计算涉及税额。"),
    ((0, 0), "missing en. No amount can be computed. The same in 1 other period.", "missing zh。无法计算涉及税额。另有1个税款所属期存在同类疑点。"),
    ((0, 1234.5), "missing en. Tax at stake: 1,234.50. The same in 1 other period.", "missing zh。涉及税额：1,234.50。另有1个税款所属期存在同类疑点。"),
    ((2000, 1234.5), "missing en. Tax at stake: 2,000.00. The same in 1 other period: 1,234.50.", "missing zh。涉及税额：2,000.00。另有1个税款所属期存在同类疑点：1,234.50。"),
])
def test_where_no_amount_can_be_computed_the_reason_says_so(stakes: tuple[float, ...], text: str, text_zh: str) -> None:
    points = [point("T01", "missing", stake, number=n) for n, stake in enumerate(stakes, start=1)]
    out = reason(given([chosen("T01", [p["point_id"] for p in points])], points), night(model=False)).to_pylist()
    assert (out[0]["text"], out[0]["text_zh"]) == (text, text_zh)


def test_fraud_without_an_amount_under_its_own_limit_says_so() -> None:
    mill = point("T01", "mill", 900, amount_evasion=Decimal(0))
    out = reason(given([chosen("T01", [mill["point_id"]])], [mill]), night(model=False)).to_pylist()
    assert out[0]["text"] == "mill en. No amount can be computed."


_HALF_BESIDE_CHINESE = re.compile(r"[一-鿿。，：；（）][,:;.!?()]|[,:;.!?()][一-鿿]|%[;,.]")


def test_chinese_reasons_have_full_width_punctuation_and_half_width_numbers() -> None:
    """Every kind of sentence: points with and without amount and limit, an indicator, comprehensive, features with months, rates, yes and no."""
    points = [point("T19", "sales", 1234.5, facts=FACTS, until_error=date(2026, 8, 1)), point("T19", "sales", 7, number=2, until_error=date(2026, 7, 1)), point("T18", "missing", 0)]
    features: dict[str, list[float | None]] = {"vat_burden_12m": [float(k) for k in range(20)], "sales_gap_worst_12m": [0.0] * 17 + [0.5] * 3, "is_closed": [0.0] * 17 + [1.0] * 3}
    tables = given([chosen("T19", [p["point_id"] for p in points[:2]]), chosen("T18", [points[2]["point_id"]]), chosen("T17", [])], points, [hit("T19", "b", 0.9, "input")], features)
    said = [r["text_zh"] for r in reason(tables, rules_night()).to_pylist()]
    assert [(text, found.group()) for text in said if (found := _HALF_BESIDE_CHINESE.search(text))] == []
    assert all(text.endswith("。") for text in said)
    whole = "".join(said)
    for part in ("涉及税额：1,234.50。追征期至2026-08-01。", "同类疑点：7.00。", "其中2025-02-01至2025-02-28追征期至2026-07-01。", "无法计算涉及税额。", "单独不构成风险点：为阈值的0.90倍。",
                 "comprehensive zh：无单一疑点，请从以下数据入手", "增值税税负率（12个月）：1,800.0%；同规模纳税人中位数为950.0%。", "已注销：是；同规模纳税人中位数为否。"):
        assert part in whole, part


def test_no_case_no_reason_and_missing_features_are_left_out() -> None:
    assert reason(given([], []), night(model=False)).num_rows == 0
    out = reason(given([chosen("T00", [])], [], features={"a_n": [None] * 20, "b_n": [float(k) for k in range(20)]}), night(model=False))
    assert out["code"].to_pylist() == ["comprehensive", "b_n"]


def test_fraud_counts_by_the_evasion_amount() -> None:
    mill = point("T01", "mill", 0, amount_evasion=Decimal("70.00"))
    out = reason(given([chosen("T01", [mill["point_id"]])], [mill]), night(model=False)).to_pylist()
    assert out[0]["weight"] == 70.0


def test_words() -> None:
    assert phrase("vat_burden_12m") == ("VAT burden over 12 months", "增值税税负率(12个月)")
    assert phrase("cost_ratio_peers") == ("Cost over revenue, distance from comparable taxpayers", "成本率偏离同行程度")
    assert phrase("quaint_thing_3m") == ("Quaint thing over 3 months", "quaint thing(3个月)")
    assert [figure(v) for v in (1234.5, 0.12345, 0.0, float("nan"), 1e-5)] == ["1,234", "0.123", "0", "-", "1.0e-05"]
    assert [written("vat_burden_3m", 0.0213), written("sales_log_12m", float(np.log1p(250_000))), written("adjusted_log_36m", -float(np.log1p(99))), written("is_closed", 1.0),
            written("vat_burden_peers", -2.5), written("late_n_12m", 3.0), written("sales_log_12m", float("inf"))] == ["2.1%", "250,000", "-99", "yes", "-2.5", "3", "-"]


def test_every_feature_has_words() -> None:
    from jobs.analyse.features import FEATURES

    missing = [f.name for f in FEATURES if phrase(f.name)[1].isascii()]
    assert not missing


def test_a_changed_model_file_is_refused(champion: ModelRef) -> None:
    wrong = Night(as_of=AS_OF, run=1, conf=conf(), model=ModelRef("3", champion.path, "0" * 64))
    with pytest.raises(ValueError, match="SHA-256"):
        reason(given([chosen("T00", [])], []), wrong)
