"""Golden cases of the VAT indicators: for each a hit, a near miss and a case that cannot be computed, with the arithmetic in sight."""

from __future__ import annotations

from datetime import date

import pytest

from tests.analyse.drawn import Firm, evaluate, parameters

SUMMER = date(2025, 6, 20)  # the first quarter of 2025 is past grace
SPRING = date(2026, 2, 20)  # the year 2025 is past grace


def firm(name: str, **taxpayer: object) -> Firm:
    """Files VAT every month of 2023 to 2025."""
    return Firm(name, taxpayer).filed("VAT", "2023-01", 36)


def test_sales_below_invoices() -> None:
    hit = firm("hit").months("2025-01", 3, vat_sales=90, out_net=100, out_tax=13)
    near = firm("near").months("2025-01", 3, vat_sales=96, out_net=100, out_tax=13)
    none = firm("none").months("2025-01", 3, vat_sales=96)
    found = evaluate(SUMMER, parameters("vat_sales_below_invoices", 0.05, rate=0.13), hit, near, none)
    row = found.of("hit", "2025-01")
    assert (row["hit"], row["declared"], row["other"]) == (True, 270, 300)
    assert row["difference"] == pytest.approx((300 - 270) / 300)
    assert float(row["base"]) == pytest.approx(30 * 39 / 300)
    assert row["strength"] == pytest.approx(0.1 / 0.05)
    assert found.of("near", "2025-01")["hit"] is False  # 4 % missing, 5 % allowed
    assert found.of("none", "2025-01")["hit"] is None  # nothing invoiced: no denominator
    assert found.of("none", "2025-01")["missing_reason"] == "denominator_not_positive"


def test_exempt_sales_count_as_declared() -> None:
    sells = firm("sells").months("2025-01", 3, vat_sales=50, vat_exempt=50, out_net=100, out_tax=6)
    assert evaluate(SUMMER, parameters("vat_sales_below_invoices", 0.05, rate=0.13), sells).of("sells", "2025-01")["hit"] is False


def test_sales_below_statement() -> None:
    hit = firm("hit").months("2025-01", 3, vat_sales=90).month("2025-03", fs_revenue=300)
    near = firm("near").months("2025-01", 3, vat_sales=96).month("2025-03", fs_revenue=300)
    none = firm("none").months("2025-01", 3, vat_sales=90)
    found = evaluate(SUMMER, parameters("vat_sales_below_statement", 0.05, rate=0.13), hit, near, none)
    assert found.of("hit", "2025-01")["difference"] == pytest.approx(30 / 300)
    assert float(found.of("hit", "2025-01")["base"]) == pytest.approx(30 * 0.13)  # no invoices of his own: the configured rate
    assert found.of("near", "2025-01")["hit"] is False
    assert found.of("none", "2025-01")["missing_reason"] == "no_statement"


def test_burden_below_peers() -> None:
    hit = firm("hit").months("2025-01", 12, vat_sales=100, vat_due=1).peer("vat_burden_12m", 0.04, 0.01)
    near = firm("near").months("2025-01", 12, vat_sales=100, vat_due=2.5).peer("vat_burden_12m", 0.04, 0.01)
    none = firm("none").months("2025-01", 12, vat_sales=100, vat_due=1)
    small = firm("small", vat_kind="small_scale").months("2025-01", 12, vat_sales=100).peer("vat_burden_12m", 0.04, 0.01)
    found = evaluate(SPRING, parameters("vat_burden_below_peers", 2), hit, near, none, small)
    assert found.of("hit", "2025-01")["difference"] == pytest.approx((0.04 - 0.01) / 0.01)
    assert float(found.of("hit", "2025-01")["base"]) == pytest.approx((0.04 - 0.01) * 1200)
    assert found.of("near", "2025-01")["hit"] is False  # 1.5 deviations
    assert found.of("none", "2025-01")["missing_reason"] == "no_peers"
    assert {f for f, _, _ in found.rows} == {"hit", "near", "none"}  # small-scale taxpayers have no burden of their own
    assert all(m == "2025-01" for _, _, m in found.rows)  # tonight's peers say nothing about 2024


def test_uninvoiced_sales_fell() -> None:
    def shop(name: str, now: float) -> Firm:
        return (
            firm(name)
            .months("2024-01", 12, vat_sales=150, out_net=100, out_tax=13)
            .months("2025-01", 3, vat_sales=100 + now, out_net=100, out_tax=13)
        )

    new = Firm("new").filed("VAT", "2025-01", 3).months("2025-01", 3, vat_sales=100, out_net=100)
    none = firm("none").months("2024-01", 15, vat_sales=101, out_net=100)
    found = evaluate(
        SUMMER, parameters("vat_uninvoiced_sales_fell", 0.4, rate=0.13, least_share=0.1), shop("hit", 20), shop("near", 35), new, none
    )
    row = found.of("hit", "2025-01")  # expected 300 x 600/1200 = 150, declared 60
    assert (row["hit"], row["declared"], row["other"]) == (True, 60, 150)
    assert row["difference"] == pytest.approx(90 / 150)
    assert float(row["base"]) == pytest.approx(90 * 0.13)
    assert found.of("near", "2025-01")["hit"] is False  # fell by 45 of 150
    assert found.of("new", "2025-01")["missing_reason"] == "no_earlier_periods"
    assert ("none", "VAT", "2025-01") not in found.rows  # uninvoiced sales were never a tenth of sales


def test_purchases_exceed_sales() -> None:
    def trader(name: str, sales: float) -> Firm:
        return (
            firm(name)
            .months("2025-01", 12, vat_sales=sales, in_net=100, in_tax=13)
            .month("2024-12", fs_inventory=200, fs_assets=900)
            .month("2025-12", fs_inventory=300, fs_assets=900)
        )

    none = firm("none").months("2025-01", 12, vat_sales=10, in_net=100, in_tax=13)
    found = evaluate(SPRING, parameters("vat_purchases_exceed_sales", 0.05, rate=0.13), trader("hit", 80), trader("near", 90), none)
    row = found.of("hit", "2025-01")  # used up 1200 - 100 = 1100, sold 960
    assert (row["hit"], row["other"]) == (True, 1100)
    assert row["difference"] == pytest.approx(140 / 1100)
    assert float(row["base"]) == pytest.approx(140 * 0.13)
    assert found.of("near", "2025-01")["hit"] is False  # 20 / 1100
    assert found.of("none", "2025-01")["missing_reason"] == "no_statement"


def test_red_letter_share() -> None:
    hit = firm("hit").month("2025-02", out_net=70, out_tax=9.1, out_red_net=-30, out_red_n=3)
    near = firm("near").month("2025-02", out_net=85, out_tax=11.05, out_red_net=-15, out_red_n=3)
    few = firm("few").month("2025-02", out_net=10, out_tax=1.3, out_red_net=-90, out_red_n=2)
    none = firm("none").month("2025-02", out_net=-5, out_red_n=3)
    found = evaluate(SUMMER, parameters("vat_red_letter_share", 0.2, rate=0.13, least_count=3), hit, near, few, none)
    assert found.of("hit", "2025-01")["difference"] == pytest.approx(30 / 100)
    assert float(found.of("hit", "2025-01")["base"]) == pytest.approx(30 * 0.13)
    assert found.of("near", "2025-01")["hit"] is False
    assert found.of("none", "2025-01")["missing_reason"] == "denominator_not_positive"
    assert ("few", "VAT", "2025-01") not in found.rows


def test_identical_returns() -> None:
    def shop(name: str, same: int) -> Firm:
        return firm(name).months("2025-01", same, vat_sales=50).month("2025-12", vat_sales=70).months("2025-01", 12, in_net=10, in_tax=1.2)

    late = Firm("late").filed("VAT", "2025-01", 11).filed("VAT", "2025-12", 1, state="missing").months("2025-01", 12, in_net=10)
    found = evaluate(SPRING, parameters("vat_identical_returns", 6), shop("hit", 8), shop("near", 5), late)
    assert found.of("hit", "2025-01")["difference"] == 8
    assert float(found.of("hit", "2025-01")["base"]) == pytest.approx(14.4 * 8 / 12)
    assert found.of("near", "2025-01")["difference"] == 6  # five returns of 50; then six of 0 from June to November
    assert found.of("late", "2025-01")["missing_reason"] == "not_filed"


def test_identical_returns_of_quarterly_filers_are_counted_by_return() -> None:
    shop = Firm("shop").filed("VAT", "2025-01", 4, "quarter").months("2025-01", 12, in_net=10)
    for month in ("2025-03", "2025-06", "2025-09"):
        shop.month(month, vat_sales=50)
    found = evaluate(SPRING, parameters("vat_identical_returns", 4), shop.month("2025-12", vat_sales=60))
    assert found.of("shop", "2025-01")["difference"] == 3  # the months between quarters are no zero returns
    assert found.of("shop", "2025-01")["hit"] is False


def test_young_firm_with_output_tax_that_nothing_covers() -> None:
    def young(name: str, **more: float) -> Firm:
        return firm(name, registered_on=date(2024, 10, 1)).months("2025-01", 3, out_net=1000, out_tax=130, **more)

    old = firm("old").months("2025-01", 3, out_net=1000, out_tax=130, in_net=1, in_tax=0.1)
    found = evaluate(
        SUMMER,
        parameters("vat_young_firm_unpaid_output", 0.4, age_days=540),
        young("hit", in_tax=60),
        young("near", in_tax=60, paid_vat=30),
        old,
    )
    row = found.of("hit", "2025-01")
    assert row["difference"] == pytest.approx((390 - 180) / 390)
    assert float(row["base"]) == pytest.approx(210)
    assert found.of("near", "2025-01")["hit"] is False  # (390 - 270) / 390 = 0.31
    assert ("old", "VAT", "2025-01") not in found.rows
    silent = evaluate(SUMMER, parameters("vat_young_firm_unpaid_output", 0.4, age_days=540), young("alone"))
    assert silent.of("alone", "2025-01")["missing_reason"] == "source_silent"  # nobody's purchases have arrived


def test_input_above_purchases() -> None:
    hit = firm("hit").months("2025-01", 3, vat_input=50, in_tax=40)
    near = firm("near").months("2025-01", 3, vat_input=41, in_tax=40)
    none = Firm("none").filed("VAT", "2025-01", 3, state="missing").months("2025-01", 3, vat_input=50, in_tax=1)
    found = evaluate(SUMMER, parameters("vat_input_above_purchases", 0.05), hit, near, none)
    assert found.of("hit", "2025-01")["difference"] == pytest.approx(30 / 150)
    assert float(found.of("hit", "2025-01")["base"]) == 30
    assert found.of("near", "2025-01")["hit"] is False
    assert found.of("none", "2025-01")["missing_reason"] == "not_filed"


def test_input_not_declared_by_suppliers() -> None:
    hit = firm("hit").months("2025-01", 3, vat_input=50, in_tax=50, in_tax_undeclared=20)
    near = firm("near").months("2025-01", 3, vat_input=50, in_tax=50, in_tax_undeclared=5)
    none = Firm("none").filed("VAT", "2025-01", 3, state="unknown").months("2025-01", 3, vat_input=50, in_tax=50, in_tax_undeclared=20)
    found = evaluate(SUMMER, parameters("vat_input_not_declared_by_suppliers", 0.15), hit, near, none)
    assert (found.of("hit", "2025-01")["difference"], found.of("hit", "2025-01")["other"]) == (pytest.approx(60 / 150), 90)
    assert float(found.of("hit", "2025-01")["base"]) == 60
    assert found.of("near", "2025-01")["hit"] is False
    assert found.of("none", "2025-01")["missing_reason"] == "not_filed"


def test_input_from_suspect_suppliers_again_and_again() -> None:
    def buyer(name: str, suspect: float, months: int = 12) -> Firm:
        return (
            firm(name)
            .months("2024-04", 12, vat_input=30, in_tax=50)
            .months("2025-03", 1, in_tax_suspect=suspect, suspect_n=1)
            .months("2024-04", months - 1, in_tax_suspect=suspect, suspect_n=2)
        )

    found = evaluate(
        SUMMER,
        parameters("vat_input_from_suspect_suppliers", 0.2, least_months=7),
        buyer("hit", 20),
        buyer("near", 9),
        buyer("once", 50, 6),
    )
    row = found.of("hit", "2025-01")
    assert row["difference"] == pytest.approx(240 / 600)
    assert (row["declared"], row["other"], float(row["base"])) == (90, 60, 60)  # the quarter's own: 3 x 20 of 3 x 30 deducted
    assert found.of("near", "2025-01")["hit"] is False  # 18 %
    assert ("once", "VAT", "2025-01") not in found.rows  # in six months only
    new = (
        Firm("new")
        .filed("VAT", "2025-01", 3, state="missing")
        .months("2024-04", 12, vat_input=30, in_tax=50, in_tax_suspect=20, suspect_n=1)
    )
    lone = evaluate(SUMMER, parameters("vat_input_from_suspect_suppliers", 0.2, least_months=7), new)
    assert lone.of("new", "2025-01")["missing_reason"] == "not_filed"


def test_purchase_ratio_above_peers() -> None:
    def shop(name: str, bought: float) -> Firm:
        return firm(name).months("2025-01", 12, vat_sales=100, in_net=bought, in_tax=1).peer("purchase_ratio", 0.6, 0.1)

    none = firm("none").months("2025-01", 12, vat_sales=100, in_net=90)
    found = evaluate(SPRING, parameters("vat_purchase_ratio_above_peers", 2, rate=0.13), shop("hit", 90), shop("near", 75), none)
    row = found.of("hit", "2025-01")
    assert row["difference"] == pytest.approx((0.9 - 0.6) / 0.1)
    assert float(row["base"]) == pytest.approx((1080 / 0.6 - 1200) * 0.13)  # 1800 of sales would be usual
    assert found.of("near", "2025-01")["hit"] is False
    assert found.of("none", "2025-01")["missing_reason"] == "no_peers"


def test_input_ratio_above_peers() -> None:
    hit = firm("hit").months("2025-01", 12, vat_input=95, vat_output=100).peer("input_output_ratio", 0.7, 0.1)
    near = firm("near").months("2025-01", 12, vat_input=85, vat_output=100).peer("input_output_ratio", 0.7, 0.1)
    none = firm("none").months("2025-01", 12, vat_input=95).peer("input_output_ratio", 0.7, 0.1)
    found = evaluate(SPRING, parameters("vat_input_ratio_above_peers", 2), hit, near, none)
    assert found.of("hit", "2025-01")["difference"] == pytest.approx(2.5)
    assert float(found.of("hit", "2025-01")["base"]) == pytest.approx((0.95 - 0.7) * 1200)
    assert found.of("near", "2025-01")["hit"] is False
    assert found.of("none", "2025-01")["missing_reason"] == "denominator_not_positive"  # no output VAT


def test_credit_above_stock() -> None:
    def holder(name: str, stock: float) -> Firm:
        return firm(name).month("2025-03", vat_credit=100, fs_inventory=stock, fs_assets=5000).months("2025-01", 3, in_net=100, in_tax=13)

    none = firm("none").month("2025-03", vat_credit=100)
    found = evaluate(SUMMER, parameters("vat_credit_above_stock", 0.5, rate=0.13), holder("hit", 200), holder("near", 500), none)
    assert found.of("hit", "2025-01")["difference"] == pytest.approx((100 - 26) / 100)
    assert float(found.of("hit", "2025-01")["base"]) == 74
    assert found.of("near", "2025-01")["hit"] is False  # 500 x 13 % = 65 of 100
    grown = holder("grown", 200).month("2025-06", vat_credit=120, fs_inventory=200, fs_assets=5000).months("2025-04", 3, in_net=100, in_tax=13)
    second = evaluate(SPRING, parameters("vat_credit_above_stock", 0.5, rate=0.13), grown)
    assert [float(second.of("grown", q)["base"]) for q in ("2025-01", "2025-04")] == [74, 20]  # carried on from quarter to quarter, it counts once
    assert found.of("none", "2025-01")["missing_reason"] == "no_statement"
