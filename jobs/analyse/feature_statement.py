"""Financial statements: margin, stock, receivables from owners, losses (METHODS A6: 23-38)."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import PEERS, SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import growth, mean, ratio, share, times, total
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Ratios over the last four quarterly statements, changes against the four before [taxpayer]."""
    revenue, cost, profit, stock, assets = (books.statement(f"fs_{i}") for i in ("revenue", "cost", "profit", "inventory", "assets"))
    stocked = growth(stock, 2, before=4)
    return {
        "gross_margin": books.own("gross_margin_12m"),
        "gross_margin_change": books.own("gross_margin_12m") - ratio(revenue - cost, revenue, 4, back=4),
        "gross_margin_peers": books.peer("gross_margin_12m"),
        "profit_rate": books.own("statement_profit_rate"),
        "profit_rate_peers": books.peer("statement_profit_rate"),
        "stock_turnover": books.own("inventory_turnover"),
        "stock_turnover_peers": books.peer("inventory_turnover"),
        "stock_growth": stocked,
        "stock_less_cost_growth": stocked - growth(cost, 4),
        "stock_to_assets": ratio(stock, assets, 2),
        "related_receivable_share": ratio(books.statement("fs_receivable_related"), assets, 2),
        "payable_to_cost": books.own("payable_to_cost"),
        "payable_to_cost_peers": books.peer("payable_to_cost"),
        "wage_share": books.own("wage_share"),
        "wage_share_peers": books.peer("wage_share"),
        "asset_turnover": share(total(revenue, 4), mean(assets, 4)),
        "loss_quarters_8": times(profit < 0, ~np.isnan(profit), 8),
        "loss_while_growing": _loss_while_growing(profit, revenue),
        "statement_vat_gap_12m": share(total(revenue, 4), total(sales(books), 12)) - 1,
    }


def _loss_while_growing(profit: Floats, revenue: Floats) -> Floats:
    """1 when the last four quarters lose money although revenue rose; NaN where either is unknown."""
    lost, rose = mean(profit, 4), growth(revenue, 4)
    return np.where(np.isnan(lost) | np.isnan(rose), np.nan, ((lost < 0) & (rose > 0)).astype(np.float64))


def _of(*items: str) -> tuple[str, ...]:
    return tuple(f"financial_statement.{i}" for i in items)


FAMILY = Family(
    "statement",
    "Financial statements",
    (
        Feature("gross_margin", "ratio", 12, "(revenue - cost) / revenue", _of("revenue", "cost")),
        Feature("gross_margin_change", "difference", 24, "margin less that of the four quarters before", _of("revenue", "cost")),
        Feature("gross_margin_peers", "robust deviations", 12, "margin against peers", (*_of("revenue", "cost"), *PEERS)),
        Feature("profit_rate", "ratio", 12, "profit before tax / revenue", _of("profit", "revenue")),
        Feature("profit_rate_peers", "robust deviations", 12, "profit rate against peers", (*_of("profit", "revenue"), *PEERS)),
        Feature("stock_turnover", "ratio", 12, "cost of sales / mean inventory", _of("cost", "inventory")),
        Feature("stock_turnover_peers", "robust deviations", 12, "turnover of stock against peers", (*_of("cost", "inventory"), *PEERS)),
        Feature("stock_growth", "ratio", 18, "inventory of two quarter ends / of those a year before, less 1", _of("inventory")),
        Feature("stock_less_cost_growth", "ratio", 24, "growth of inventory less growth of cost of sales", _of("inventory", "cost")),
        Feature("stock_to_assets", "share", 6, "inventory / total assets", _of("inventory", "assets")),
        Feature("related_receivable_share", "share", 6, "receivables from owners / total assets", _of("receivable_related", "assets")),
        Feature("payable_to_cost", "ratio", 12, "payables / cost of sales", _of("payable", "cost")),
        Feature("payable_to_cost_peers", "robust deviations", 12, "payables over cost against peers", (*_of("payable", "cost"), *PEERS)),
        Feature("wage_share", "ratio", 12, "wages / revenue", _of("wages", "revenue")),
        Feature("wage_share_peers", "robust deviations", 12, "wage share against peers", (*_of("wages", "revenue"), *PEERS)),
        Feature("asset_turnover", "ratio", 12, "revenue / mean total assets", _of("revenue", "assets")),
        Feature("loss_quarters_8", "count", 24, "quarters with a loss, of eight", _of("profit")),
        Feature("loss_while_growing", "0 or 1", 24, "a loss although revenue rose", _of("profit", "revenue")),
        Feature("statement_vat_gap_12m", "ratio", 12, "revenue of the statements / sales declared for VAT, less 1", (*_of("revenue"), *SALES)),
    ),
    count,
)
