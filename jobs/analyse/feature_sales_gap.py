"""Sales declared against the invoices the taxpayer issued (METHODS A6: 10, 13, 15). Invoices say the least that was sold."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import INVOICES, PEERS, SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import highest, ratio, times, variation
from jobs.lake.arrays import Floats

TOLERANCE = 0.05  # cut-off between months: invoices of the last days are declared in the next


def count(books: Panel) -> dict[str, Floats]:
    """(declared - invoiced) / invoiced, and its worst months [taxpayer]; negative: less declared than invoiced."""
    declared, invoiced = sales(books), books.invoiced("out_net")
    output, invoice_tax = books.declared("vat_output", "VAT"), books.invoiced("out_tax")
    both = ~np.isnan(declared) & ~np.isnan(invoiced)
    over = both & (invoiced > 0)
    monthly = np.where(over, (declared - invoiced) / np.where(over, invoiced, 1.0), np.nan)
    uninvoiced = declared - invoiced
    return {
        **{f"sales_gap_{m}m": ratio(declared, invoiced, m) - 1 for m in (3, 12, 36)},
        "sales_gap_worst_12m": -highest(-monthly, 12),
        "sales_gap_months_12m": times(monthly < -TOLERANCE, both, 12),
        "output_gap_12m": ratio(output, invoice_tax, 12) - 1,
        "uninvoiced_share_12m": ratio(uninvoiced, declared, 12),
        "uninvoiced_change_12m": ratio(uninvoiced, declared, 12) - ratio(uninvoiced, declared, 12, back=12),
        "uninvoiced_variation_12m": variation(uninvoiced, 12),
        "uninvoiced_peers": books.peer("uninvoiced_share"),
    }


_IN = (*SALES, *INVOICES)

FAMILY = Family(
    "sales_gap",
    "Declared sales against invoices",
    (
        Feature("sales_gap_3m", "ratio", 3, "(sales declared - net invoiced) / net invoiced", _IN),
        Feature("sales_gap_12m", "ratio", 12, "(sales declared - net invoiced) / net invoiced", _IN),
        Feature("sales_gap_36m", "ratio", 36, "(sales declared - net invoiced) / net invoiced", _IN),
        Feature("sales_gap_worst_12m", "ratio", 12, "lowest monthly gap", _IN),
        Feature("sales_gap_months_12m", "month", 12, "months in which over 5 % of what was invoiced is not declared", _IN),
        Feature("output_gap_12m", "ratio", 12, "(output VAT declared - tax invoiced) / tax invoiced", ("return_line.output", "invoice.tax_amount")),
        Feature("uninvoiced_share_12m", "share", 12, "sales declared without invoice / sales declared", _IN),
        Feature("uninvoiced_change_12m", "difference", 24, "that share less the one of the 12 months before", _IN),
        Feature("uninvoiced_variation_12m", "ratio", 12, "standard deviation / mean of monthly sales without invoice", _IN),
        Feature("uninvoiced_peers", "robust deviations", 12, "share without invoice against peers", (*_IN, *PEERS)),
    ),
    count,
)
