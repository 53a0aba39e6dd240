"""The last annual CIT return against peers, the year before, VAT sales and the statements (METHODS A6: 12, 23-32, 63, 64)."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import PEERS, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.windows import share
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Ratios of the annual return [taxpayer]; NaN before the first that is past its grace."""
    revenue, cost, profit = (books.yearly(f"cit_{i}") for i in ("revenue", "cost", "profit"))
    before = {i: books.yearly(f"cit_{i}", back=1) for i in ("revenue", "cost", "profit")}
    vat = books.over_cit_year("vat_sales") + books.over_cit_year("vat_exempt") + books.over_cit_year("vat_exports")
    rose, cost_rose = share(revenue, before["revenue"]) - 1, share(cost, before["cost"]) - 1
    known = ~np.isnan(profit)
    return {
        **{n: books.own(n) for n in ("cost_ratio", "expense_ratio", "profit_margin", "cit_burden")},
        **{f"{n}_peers": books.peer(n) for n in ("cost_ratio", "expense_ratio", "profit_margin", "cit_burden")},
        "cit_revenue_growth": rose,
        "cit_cost_less_revenue_growth": cost_rose - rose,
        "cit_vat_gap": share(revenue - vat, np.fmax(revenue, vat)),
        "cit_loss_years": np.where(known, (profit < 0) * 1.0 + (before["profit"] < 0) * 1.0, np.nan),
    }


def _of(*lines: str) -> tuple[str, ...]:
    return tuple(f"return_line.{i}" for i in lines)


FAMILY = Family(
    "cit",
    "Corporate income tax",
    (
        Feature("cost_ratio", "ratio", 12, "cost / revenue", _of("cost", "revenue")),
        Feature("expense_ratio", "ratio", 12, "expenses / revenue", _of("expense", "revenue")),
        Feature("profit_margin", "ratio", 12, "taxable profit / revenue", _of("profit", "revenue")),
        Feature("cit_burden", "ratio", 12, "CIT due / revenue", _of("due", "revenue")),
        Feature("cost_ratio_peers", "robust deviations", 12, "cost ratio against peers", (*_of("cost", "revenue"), *PEERS)),
        Feature("expense_ratio_peers", "robust deviations", 12, "expense ratio against peers", (*_of("expense", "revenue"), *PEERS)),
        Feature("profit_margin_peers", "robust deviations", 12, "profit margin against peers", (*_of("profit", "revenue"), *PEERS)),
        Feature("cit_burden_peers", "robust deviations", 12, "CIT burden against peers", (*_of("due", "revenue"), *PEERS)),
        Feature("cit_revenue_growth", "ratio", 24, "revenue / of the year before, less 1", _of("revenue")),
        Feature("cit_cost_less_revenue_growth", "ratio", 24, "growth of cost less growth of revenue", _of("cost", "revenue")),
        Feature("cit_vat_gap", "ratio", 12, "(CIT revenue - VAT sales of the year) / the larger", _of("revenue", "sales", "exempt", "exports")),
        Feature("cit_loss_years", "count", 24, "years with a loss, of the last two returns", _of("profit")),
    ),
    count,
)
