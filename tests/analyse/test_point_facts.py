"""Facts in numbers and words: amounts as filed, estimates as such, shares with the digits they deserve, differences with one meaning."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from jobs.analyse import indicator_families as _registered  # noqa: F401  registers every indicator
from jobs.analyse.indicator import REGISTRY, Side
from jobs.analyse.point_facts import facts_of, percent, period_name, written_value

QUARTER, YEAR = (date(2025, 1, 1), date(2025, 3, 31)), (date(2025, 1, 1), date(2025, 12, 31))
MONEY, ABOUT = Side("vat_return", "sales", "Sales", "销售额"), Side("peer", "x", "Median", "中位数", estimate=True)


def hit(indicator: str, declared: float | None, other: float | None, difference: float, period: tuple[date, date] = QUARTER) -> dict[str, Any]:
    return {"indicator": indicator, "declared": declared, "other": other, "difference": difference, "base": 1.0, "period_from": period[0], "period_to": period[1]}


@pytest.mark.parametrize(
    ("value", "side", "en", "zh"),
    [
        (1234.5, MONEY, "CNY 1,234.50", "1,234.50元"),
        (0.01, MONEY, "CNY 0.01", "0.01元"),
        (0.0, MONEY, "CNY 0", "0元"),
        (-7.25, MONEY, "CNY -7.25", "-7.25元"),
        (1234.0, ABOUT, "about CNY 1,234", "约1,234元"),
        (0.0, ABOUT, "CNY 0", "0元"),
        (None, MONEY, "—", "—"),
    ],
)
def test_money_is_written_to_the_cent_and_an_estimate_as_about(value: float | None, side: Side, en: str, zh: str) -> None:
    assert (written_value(value, side, "CNY", "en"), written_value(value, side, "CNY", "zh")) == (en, zh)
    assert written_value(5.0, MONEY, "MXN", "zh") == "MXN 5.00"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0%"), (0.0043, "0.43%"), (0.25, "25.0%"), (0.9994, "99.9%"), (0.9999, "over 99.9%"), (1.0, "100%"), (12.345, "1,234%"), (-0.127, "-12.7%")],
)
def test_a_share_has_the_digits_it_deserves_and_nearly_all_is_not_all(value: float, text: str) -> None:
    assert percent(value, "en") == text
    assert percent(value, "zh") == text.replace("over ", "超过")


def test_facts_hold_what_was_filed_to_the_cent_and_no_cents_of_an_estimate() -> None:
    filed = facts_of([hit("payment_below_due", 112_124.37, 0.3, 0.99)], "CNY")
    assert (filed["declared"]["value"], filed["other"]["value"], filed["declared"]["unit"]) == (112_124.37, 0.3, "currency")
    reckoned = facts_of([hit("vat_uninvoiced_sales_fell", 100.25, 400.75, 0.75)], "CNY")
    assert (reckoned["other"]["value"], reckoned["other"]["unit"], reckoned["difference"]) == (401, "estimate", 301)
    assert "CNY 100.25 " in reckoned["sentence_en"] and "about CNY 401 " in reckoned["sentence_en"] and "约401元" in reckoned["taxpayer_zh"]


@pytest.mark.parametrize(
    ("indicator", "declared", "other", "difference", "larger"),
    [
        ("vat_sales_below_invoices", 900.0, 1000.5, 100.5, "other"),
        ("payment_below_due", 1000.5, 900.0, 100.5, "declared"),
        ("vat_input_above_purchases", 300.0, 100.0, 200.0, "declared"),
        ("returns_amended_down", 60.0, 100.0, 40.0, "other"),
        ("cit_cost_ratio_above_peers", 0.95, 0.8, 0.15, "declared"),
        ("vat_burden_below_peers", 0.01, 0.04, 0.03, "other"),
        ("returns_late_repeatedly", 3.0, 12.0, None, "neither"),
        ("vat_red_letter_share", 300.0, 1000.0, None, "neither"),
        ("vat_sales_below_invoices", 900.0, None, None, "other"),
    ],
)
def test_a_difference_is_positive_in_the_direction_of_the_fault(indicator: str, declared: float, other: float | None, difference: float | None, larger: str) -> None:
    facts = facts_of([hit(indicator, declared, other, 0.1)], "CNY")
    assert (facts["difference"], facts["larger"]) == (difference, larger)


def test_every_indicator_has_its_name_in_the_facts_it_leads_or_joins() -> None:
    facts = facts_of([hit("vat_sales_below_statement", 1.0, 2.0, 0.5), hit("vat_sales_below_invoices", 1.0, 2.0, 0.5)], "CNY")
    assert (facts["name_en"], facts["also"][0]["name_zh"]) == ("Sales declared for VAT below revenue of the statement", "申报销售额小于开票金额")


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_sentences_end_as_sentences_do_in_their_language(name: str) -> None:
    about = REGISTRY[name].about
    for text in (about.sentence_en, about.taxpayer_en):
        assert text.endswith((".", "?", "not disclosed"))
    for text in (about.sentence_zh, about.taxpayer_zh):
        assert text == "not disclosed" or (text.endswith("。") and not {",", ";", "(", ")", ":"} & set(text))


@pytest.mark.parametrize("name", sorted(n for n, r in REGISTRY.items() if "count" in (r.about.declared.unit, r.about.other.unit)))
@pytest.mark.parametrize(("declared", "other"), [(0.0, 1.0), (1.0, 1.0), (3.0, 12.0)])
def test_a_sentence_with_a_count_reads_the_same_for_none_one_and_many(name: str, declared: float, other: float) -> None:
    facts = facts_of([hit(name, declared, other, max(other - declared, 1.0), YEAR)], "CNY")
    for text in (facts["sentence_en"], facts["taxpayer_en"]):
        assert "{" not in text and not re.search(r"(?<![.\d])\d+ (were|was|are|is|have|has|returns?|compan)", text), text


def test_periods_are_named_as_the_letters_name_them() -> None:
    assert (period_name(*QUARTER), period_name(*YEAR)) == (("Q1 2025", "2025年第1季度"), ("2025", "2025年度"))
