"""How the taxpayer grows, and whether what should move together does (METHODS A6: 2, 4, 6, 26, 29-32)."""

from __future__ import annotations

from jobs.analyse.feature import INVOICES, PURCHASES, SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import growth
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Growth rates and their differences [taxpayer]; NaN where the earlier mean is not positive."""
    declared, invoiced, bought = sales(books), books.invoiced("out_net"), books.invoiced("in_net")
    output, paid_in = books.declared("vat_output", "VAT"), books.declared("vat_input", "VAT")
    return {
        "sales_growth_3m": growth(declared, 3),
        "sales_growth_3m_yoy": growth(declared, 3, before=12),
        "sales_growth_12m": growth(declared, 12),
        "invoiced_growth_3m": growth(invoiced, 3),
        "bought_growth_6m": growth(bought, 6),
        "vat_due_growth_12m": growth(books.declared("vat_due", "VAT"), 12),
        "wages_growth_12m": growth(books.declared("pit_wages", "PIT"), 12),
        "input_less_output_growth_6m": growth(paid_in, 6) - growth(output, 6),
        "input_less_output_growth_12m": growth(paid_in, 12) - growth(output, 12),
        "bought_less_sold_growth_12m": growth(bought, 12) - growth(declared, 12),
    }


FAMILY = Family(
    "growth",
    "Growth",
    (
        Feature("sales_growth_3m", "ratio", 6, "sales declared of 3 months / of the 3 before, less 1", SALES),
        Feature("sales_growth_3m_yoy", "ratio", 15, "sales declared of 3 months / of the same months a year before, less 1", SALES),
        Feature("sales_growth_12m", "ratio", 24, "sales declared of 12 months / of the 12 before, less 1", SALES),
        Feature("invoiced_growth_3m", "ratio", 6, "net invoiced of 3 months / of the 3 before, less 1", INVOICES),
        Feature("bought_growth_6m", "ratio", 12, "net bought of 6 months / of the 6 before, less 1", PURCHASES),
        Feature("vat_due_growth_12m", "ratio", 24, "VAT due of 12 months / of the 12 before, less 1", ("return_line.due",)),
        Feature("wages_growth_12m", "ratio", 24, "wages of 12 months / of the 12 before, less 1", ("return_line.wages",)),
        Feature("input_less_output_growth_6m", "ratio", 12, "growth of input VAT less growth of output VAT", ("return_line.input", "return_line.output")),
        Feature("input_less_output_growth_12m", "ratio", 24, "growth of input VAT less growth of output VAT", ("return_line.input", "return_line.output")),
        Feature("bought_less_sold_growth_12m", "ratio", 24, "growth of purchases less growth of sales declared", (*PURCHASES, *SALES)),
    ),
    count,
)
