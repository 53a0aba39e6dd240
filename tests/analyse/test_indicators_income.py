"""Golden cases of the income tax and wage indicators: a hit, a near miss and a case that cannot be computed."""

from __future__ import annotations

from datetime import date

import pytest

from tests.analyse.drawn import Firm, evaluate, parameters

JUNE = date(2025, 6, 20)  # CIT of 2024 was due on 31 May 2025, grace is over
SPRING = date(2025, 2, 20)  # VAT and PIT of 2024 are past grace


def firm(name: str) -> Firm:
    """Files VAT and PIT every month, CIT every year."""
    return Firm(name).filed("VAT", "2023-01", 29).filed("PIT", "2023-01", 29).filed("CIT", "2023-01", 2, "year")


def test_revenue_below_vat_sales() -> None:
    hit = firm("hit").months("2024-01", 12, vat_sales=100).month("2024-12", cit_revenue=1000)
    near = firm("near").months("2024-01", 12, vat_sales=100).month("2024-12", cit_revenue=1160)
    none = (
        Firm("none")
        .filed("VAT", "2024-01", 11)
        .filed("VAT", "2024-12", 1, state="missing")
        .filed("CIT", "2024-01", 1, "year")
        .months("2024-01", 12, vat_sales=100)
    )
    found = evaluate(JUNE, parameters("cit_revenue_below_vat_sales", 0.05, rate=0.25, small_rate=0.05, small_below=0), hit, near, none)
    assert found.of("hit", "2024-01")["difference"] == pytest.approx(200 / 1200)
    assert float(found.of("hit", "2024-01")["base"]) == 50  # 200 x 25 %
    assert found.of("near", "2024-01")["hit"] is False  # 40 of 1200
    assert found.of("none", "2024-01")["missing_reason"] == "vat_not_filed"


@pytest.mark.parametrize(("declared", "at_stake"), [
    (0, 10),  # 200 more at 5 %
    (-150, 2.5),  # a loss is used up first: 50 at 5 %
    (-500, 0),
    (400, 130),  # 600 is no longer small: 600 x 25 % less 400 x 5 %
])
def test_tax_at_stake_follows_the_size_of_the_profit(declared: float, at_stake: float) -> None:
    books = firm("hit").months("2024-01", 12, vat_sales=100).month("2024-12", cit_revenue=1000, cit_profit=declared)
    found = evaluate(JUNE, parameters("cit_revenue_below_vat_sales", 0.05, rate=0.25, small_rate=0.05, small_below=500), books)
    assert float(found.of("hit", "2024-01")["base"]) == at_stake


def test_revenue_below_statement() -> None:
    def kept(name: str, declared: float) -> Firm:
        books = firm(name).month("2024-12", cit_revenue=declared)
        for month in ("2024-03", "2024-06", "2024-09", "2024-12"):
            books.month(month, fs_revenue=300)
        return books

    none = firm("none").month("2024-12", cit_revenue=900)
    found = evaluate(JUNE, parameters("cit_revenue_below_statement", 0.05, rate=0.25, small_rate=0.05, small_below=0), kept("hit", 1000), kept("near", 1150), none)
    assert found.of("hit", "2024-01")["difference"] == pytest.approx(200 / 1200)
    assert float(found.of("hit", "2024-01")["base"]) == 50
    assert found.of("near", "2024-01")["hit"] is False
    assert found.of("none", "2024-01")["missing_reason"] == "no_statement"


def test_cost_ratio_above_peers() -> None:
    hit = firm("hit").month("2024-12", cit_revenue=1000, cit_cost=900).peer("cost_ratio", 0.7, 0.08)
    near = firm("near").month("2024-12", cit_revenue=1000, cit_cost=850).peer("cost_ratio", 0.7, 0.08)
    none = firm("none").month("2024-12", cit_cost=900).peer("cost_ratio", 0.7, 0.08)
    found = evaluate(JUNE, parameters("cit_cost_ratio_above_peers", 2, rate=0.25, small_rate=0.05, small_below=0), hit, near, none)
    assert found.of("hit", "2024-01")["difference"] == pytest.approx(2.5)
    assert float(found.of("hit", "2024-01")["base"]) == 50  # 0.2 x 1000 x 25 %
    assert found.of("near", "2024-01")["hit"] is False
    assert found.of("none", "2024-01")["missing_reason"] == "denominator_not_positive"


def test_stock_grew_without_sales() -> None:
    def maker(name: str, stock: float) -> Firm:
        return (
            firm(name)
            .month("2023-12", fs_inventory=100, fs_assets=1000, fs_revenue=1000, fs_cost=800)
            .month("2024-12", fs_inventory=stock, fs_assets=1000, fs_revenue=1100, fs_cost=880)
        )

    none = firm("none").month("2024-12", fs_inventory=900, fs_assets=1000, fs_revenue=1100, fs_cost=880)
    found = evaluate(JUNE, parameters("cit_stock_grew_without_sales", 0.5, rate=0.25, small_rate=0.05, small_below=0), maker("hit", 310), maker("near", 150), none)
    row = found.of("hit", "2024-01")  # stock x 3.1, sales x 1.1; in step: 110
    assert (row["declared"], row["other"]) == (310, 110)
    assert row["difference"] == pytest.approx(3.1 - 1.1)
    assert float(row["base"]) == pytest.approx((310 - 110) * (1100 / 880 - 1) * 0.25)
    assert found.of("near", "2024-01")["hit"] is False  # 1.5 - 1.1
    assert found.of("none", "2024-01")["missing_reason"] == "no_statement"


def test_losses_with_rising_sales() -> None:
    def loser(name: str, profit: float, revenue: float = 1200) -> Firm:
        return firm(name).month("2023-12", cit_revenue=1000, cit_profit=-50).month("2024-12", cit_revenue=revenue, cit_profit=profit)

    new = Firm("new").filed("CIT", "2024-01", 1, "year").month("2024-12", cit_revenue=1200, cit_profit=-60)
    found = evaluate(
        JUNE,
        parameters("cit_losses_with_rising_sales", 0.02, rate=0.25, small_rate=0.05, small_below=0, least_rise=0.05),
        loser("hit", -60),
        loser("near", 10),
        loser("flat", -60, 1040),
        new,
    )
    row = found.of("hit", "2024-01")
    assert (row["declared"], row["other"], row["difference"]) == (-60, 200, pytest.approx(60 / 1200))
    assert float(row["base"]) == 15
    assert found.of("near", "2024-01")["hit"] is False
    assert found.of("flat", "2024-01")["hit"] is False  # 4 % more sales
    assert found.of("new", "2024-01")["missing_reason"] == "no_earlier_periods"


def test_related_sales_at_low_margin() -> None:
    def member(name: str, profit: float, related: float = 60) -> Firm:
        return (
            firm(name)
            .months("2024-01", 12, out_net=100, out_related_net=related)
            .month("2024-12", cit_revenue=1200, cit_profit=profit)
            .peer("profit_margin", 0.08, 0.02)
        )

    none = firm("none").months("2024-01", 12, out_net=100, out_related_net=60).month("2024-12", cit_revenue=1200)
    found = evaluate(
        JUNE,
        parameters("cit_related_sales_at_low_margin", 0.03, rate=0.25, small_rate=0.05, small_below=0, least_share=0.3),
        member("hit", 24),
        member("near", 72),
        member("own", 0, 20),
        none,
    )
    assert found.of("hit", "2024-01")["difference"] == pytest.approx(0.08 - 0.02)
    assert float(found.of("hit", "2024-01")["base"]) == pytest.approx(0.06 * 1200 * 0.25)
    assert found.of("near", "2024-01")["hit"] is False
    assert ("own", "CIT", "2024-01") not in found.rows  # a fifth of sales only
    assert found.of("none", "2024-01")["missing_reason"] == "no_peers"


def test_wages_below_statement() -> None:
    hit = firm("hit").months("2024-01", 12, pit_wages=80, pit_due=2).month("2024-12", fs_wages=1200)
    near = firm("near").months("2024-01", 12, pit_wages=97, pit_due=2).month("2024-12", fs_wages=1200)
    bare = firm("bare").month("2024-12", fs_wages=1200)
    none = firm("none").months("2024-01", 12, pit_wages=80)
    shares = firm("shares").months("2024-01", 12, pit_wages=80, pit_due=12, pit_dividend_due=10).month("2024-12", fs_wages=1200)
    found = evaluate(SPRING, parameters("pit_wages_below_statement", 0.05, rate=0.03), hit, near, bare, none, shares)
    assert found.of("hit", "2024-01")["difference"] == pytest.approx(240 / 1200)
    assert float(found.of("hit", "2024-01")["base"]) == pytest.approx(240 * 24 / 960)
    assert found.of("shares", "2024-01")["base"] == found.of("hit", "2024-01")["base"]  # tax on dividends says nothing of the rate on wages
    assert found.of("near", "2024-01")["hit"] is False  # 36 of 1200
    assert float(found.of("bare", "2024-01")["base"]) == pytest.approx(1200 * 0.03)  # nothing withheld: the configured rate
    assert found.of("none", "2024-01")["missing_reason"] == "no_statement"


def test_sales_per_head_above_peers() -> None:
    def plant(name: str, heads: int) -> Firm:
        return firm(name).months("2024-01", 12, vat_sales=1000, pit_heads=heads, pit_wages=heads * 10).peer("revenue_per_head", 600, 200)

    found = evaluate(
        SPRING, parameters("pit_sales_per_head_above_peers", 3, rate=0.03), plant("hit", 8), plant("near", 12), plant("none", 0)
    )
    row = found.of("hit", "2024-01")
    assert row["difference"] == pytest.approx((12000 / 8 - 600) / 200)
    assert float(row["base"]) == pytest.approx((12000 / 600 - 8) * (960 / 8) * 0.03)  # 12 more employees at 120 a year
    assert found.of("near", "2024-01")["hit"] is False  # 1000 per head: two deviations
    assert found.of("none", "2024-01")["missing_reason"] == "denominator_not_positive"


def test_return_in_grace_is_not_judged() -> None:
    early = (
        Firm("early").filed("CIT", "2024-01", 1, "year", state="not_due").filed("VAT", "2024-01", 12).months("2024-01", 12, vat_sales=100)
    )
    assert not evaluate(date(2025, 6, 5), parameters("cit_revenue_below_vat_sales", 0.05, rate=0.25, small_rate=0.05, small_below=0), early).rows
