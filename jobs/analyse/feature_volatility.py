"""How steady the taxpayer's months are."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import INVOICES, PURCHASES, SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import deviation, highest, mean, share, slope, variation
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Variation, trend and peaks of monthly amounts [taxpayer]."""
    declared, invoiced = sales(books), books.invoiced("out_net")
    due = books.declared("vat_due", "VAT")
    burden = np.where(declared > 0, due / np.where(declared > 0, declared, 1.0), np.nan)
    return {
        "sales_variation_12m": variation(declared, 12),
        "invoiced_variation_12m": variation(invoiced, 12),
        "bought_variation_12m": variation(books.invoiced("in_net"), 12),
        "burden_deviation_12m": deviation(burden, 12),
        "sales_slope_24m": slope(declared, 24),
        "sales_peak_12m": share(highest(declared, 12), mean(declared, 12)),
        "invoiced_peak_12m": share(highest(invoiced, 12), mean(invoiced, 12)),
    }


FAMILY = Family(
    "volatility",
    "Volatility",
    (
        Feature("sales_variation_12m", "ratio", 12, "standard deviation / mean of monthly sales declared", SALES),
        Feature("invoiced_variation_12m", "ratio", 12, "standard deviation / mean of monthly net invoiced", INVOICES),
        Feature("bought_variation_12m", "ratio", 12, "standard deviation / mean of monthly purchases", PURCHASES),
        Feature("burden_deviation_12m", "ratio", 12, "standard deviation of the monthly VAT burden", (*SALES, "return_line.due")),
        Feature("sales_slope_24m", "ratio per month", 24, "trend of monthly sales declared / their mean", SALES),
        Feature("sales_peak_12m", "ratio", 12, "largest month of sales declared / mean month", SALES),
        Feature("invoiced_peak_12m", "ratio", 12, "largest month invoiced / mean month", INVOICES),
    ),
    count,
)
