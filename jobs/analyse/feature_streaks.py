"""What goes on for months: nil returns, nothing due, credit carried forward, the same figure again (METHODS A6: 9, 18, 19)."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import streak, times
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Months in a row, and of the last twelve, that meet a condition [taxpayer]."""
    declared, due, credit = sales(books), books.declared("vat_due", "VAT"), books.declared("vat_credit", "VAT")
    known, single = ~np.isnan(declared), books.monthly("VAT")
    before = np.concatenate([np.full((books.count, 1), np.nan), declared[:, :-1]], axis=1)
    same = (declared == before) & (declared > 0)
    return {
        "nil_sales_streak": streak(declared == 0, known),
        "nil_sales_months_12m": times(declared == 0, known, 12),
        "nil_due_streak": streak(due <= 0, known),
        "nil_due_months_12m": times(due <= 0, known, 12),
        "credit_streak": streak(credit > 0, known),
        "same_sales_streak": streak(same, single),
        "unfiled_months_24m": (~known[:, -24:]).sum(axis=1).astype(np.float64),
    }


FAMILY = Family(
    "streaks",
    "Streaks",
    (
        Feature("nil_sales_streak", "month", 36, "months in a row with nil sales declared", SALES),
        Feature("nil_sales_months_12m", "month", 12, "months with nil sales declared", SALES),
        Feature("nil_due_streak", "month", 36, "months in a row with no VAT due", ("return_line.due",)),
        Feature("nil_due_months_12m", "month", 12, "months with no VAT due", ("return_line.due",)),
        Feature("credit_streak", "month", 36, "months in a row with VAT credit carried forward", ("return_line.credit_out",)),
        Feature("same_sales_streak", "month", 36, "months in a row with exactly the sales of the month before", SALES),
        Feature("unfiled_months_24m", "month", 24, "months no VAT return covers, those before registration included", SALES),
    ),
    count,
)
