from __future__ import annotations

import math

import numpy as np

from jobs.analyse.ratios import RATIOS, own_ratios
from tests.analyse.books import AS_OF, Rows, filings, firm, months, tables
from tests.analyse.given import night

PLAIN = {"vat_sales": 100.0, "vat_output": 13.0, "vat_input": 10.0, "vat_due": 3.0, "out_n": 5, "out_net": 80.0}


def run(month_rows: Rows, filing_rows: Rows, taxpayers: Rows | None = None) -> dict[tuple[str, str], float | None]:
    found = own_ratios(tables(month_rows, filing_rows, taxpayers), night(AS_OF))
    return {(r["taxpayer_id"], r["measure"]): r["value"] for r in found.to_pylist()}


def test_ratios_of_twelve_usable_months() -> None:
    found = run(months(PLAIN | {"vat_exempt": 20.0, "pit_heads": 2, "pit_wages": 8.0}), filings() + filings("PIT"))
    assert math.isclose(found["A", "vat_burden_12m"] or 0, 3 / 120)
    assert math.isclose(found["A", "input_output_ratio"] or 0, 10 / 13)
    assert math.isclose(found["A", "uninvoiced_share"] or 0, 40 / 120)
    assert math.isclose(found["A", "revenue_per_head"] or 0, 1440 / 2) and math.isclose(found["A", "wage_per_head"] or 0, 96 / 2)
    assert found["A", "gross_margin_12m"] is None and found["A", "cost_ratio"] is None


def test_statements_and_the_annual_return() -> None:
    quarter = months({"fs_revenue": 1000.0, "fs_cost": 700.0, "fs_profit": 90.0, "fs_wages": 50.0, "fs_inventory": 350.0, "fs_payable": 140.0}, last=np.datetime64("2025-09"), count=12)[::3]
    year = months({"cit_revenue": 4000.0, "cit_cost": 3000.0, "cit_expense": 400.0, "cit_profit": 600.0, "cit_due": 150.0}, last=np.datetime64("2024-12"), count=1)
    found = run(months(PLAIN) + quarter + year, filings() + filings("CIT", last=np.datetime64("2024-12"), count=12, span=12))
    wanted = {"gross_margin_12m": 0.3, "statement_profit_rate": 0.09, "wage_share": 0.05, "inventory_turnover": 2800 / 350, "payable_to_cost": 140 / 2800,
              "cost_ratio": 0.75, "expense_ratio": 0.1, "profit_margin": 0.15, "cit_burden": 150 / 4000}  # fmt: skip
    assert all(math.isclose(found["A", name] or 0, value) for name, value in wanted.items())


def test_small_scale_taxpayers_have_no_burden_to_compare() -> None:
    found = run(months(PLAIN), filings(), [firm(vat_kind="small_scale")])
    assert found["A", "vat_burden_12m"] is None and found["A", "input_output_ratio"] is None and found["A", "uninvoiced_share"] is not None


def test_every_taxpayer_has_a_row_of_every_ratio() -> None:
    found = run([], [], [firm("A"), firm("B")])
    assert len(found) == 2 * len(RATIOS) and set(found.values()) == {None}
