"""How large the taxpayer is: logarithms of amounts over the last year and the last quarter."""

from __future__ import annotations

from jobs.analyse.feature import INVOICES, PURCHASES, SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import log_amount, mean, total
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Amounts as sign and logarithm of 1 + amount [taxpayer]."""
    declared = sales(books)
    amounts = {
        "sales_log_3m": total(declared, 3),
        "sales_log_12m": total(declared, 12),
        "invoiced_log_12m": total(books.invoiced("out_net"), 12),
        "bought_log_12m": total(books.invoiced("in_net"), 12),
        "vat_due_log_12m": total(books.declared("vat_due", "VAT"), 12),
        "wages_log_12m": total(books.declared("pit_wages", "PIT"), 12),
        "heads_log_12m": mean(books.declared("pit_heads", "PIT"), 12),
        "assets_log": mean(books.statement("fs_assets"), 2),
    }
    return {name: log_amount(values) for name, values in amounts.items()}


FAMILY = Family(
    "level",
    "Levels",
    (
        Feature("sales_log_3m", "log currency", 3, "sales declared", SALES),
        Feature("sales_log_12m", "log currency", 12, "sales declared", SALES),
        Feature("invoiced_log_12m", "log currency", 12, "net invoiced", INVOICES),
        Feature("bought_log_12m", "log currency", 12, "net bought by invoice", PURCHASES),
        Feature("vat_due_log_12m", "log currency", 12, "VAT due declared", ("return_line.due",)),
        Feature("wages_log_12m", "log currency", 12, "wages declared", ("return_line.wages",)),
        Feature("heads_log_12m", "log count", 12, "mean employees declared", ("return_line.heads",)),
        Feature("assets_log", "log currency", 6, "mean total assets of the last two statements", ("financial_statement.assets",)),
    ),
    count,
)
