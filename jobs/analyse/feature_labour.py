"""Employees and wages: against sales, peers and the statements (METHODS A6: 48, 49)."""

from __future__ import annotations

from jobs.analyse.feature import PEERS, SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.windows import growth, log_amount, share, total
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Sales and wages per head, and wages declared against wages in the statements [taxpayer]."""
    heads, wages = books.declared("pit_heads", "PIT"), books.declared("pit_wages", "PIT")
    return {
        "revenue_per_head_log": log_amount(books.own("revenue_per_head")),
        "revenue_per_head_peers": books.peer("revenue_per_head"),
        "wage_per_head_log": log_amount(books.own("wage_per_head")),
        "wage_per_head_peers": books.peer("wage_per_head"),
        "wage_gap_12m": share(total(wages, 12), total(books.statement("fs_wages"), 4)) - 1,
        "heads_growth_12m": growth(heads, 6, before=12),
    }


_PIT = ("return_line.wages", "return_line.heads")

FAMILY = Family(
    "labour",
    "Employees and wages",
    (
        Feature("revenue_per_head_log", "log currency", 12, "sales declared per employee", (*SALES, "return_line.heads")),
        Feature("revenue_per_head_peers", "robust deviations", 12, "sales per employee against peers", (*SALES, "return_line.heads", *PEERS)),
        Feature("wage_per_head_log", "log currency", 12, "wages declared per employee", _PIT),
        Feature("wage_per_head_peers", "robust deviations", 12, "wages per employee against peers", (*_PIT, *PEERS)),
        Feature("wage_gap_12m", "ratio", 12, "wages declared / wages of the statements, less 1", ("return_line.wages", "financial_statement.wages")),
        Feature("heads_growth_12m", "ratio", 18, "mean employees of 6 months / of the same months a year before, less 1", ("return_line.heads",)),
    ),
    count,
)
