"""Who the taxpayer trades with: concentration, young, closed and unknown suppliers, and input tax they did not declare.

METHODS A4 and A6: 50, 51, 69.
"""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import OUTCOMES, PURCHASES, REGISTRY, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.windows import highest, log_amount, ratio, share
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Shares of input tax by kind of supplier, and concentration [taxpayer]; NaN without purchases, or without sales."""
    bought, suspect, undeclared = (books.invoiced(m) for m in ("in_tax", "in_tax_suspect", "in_tax_undeclared"))
    monthly = np.where(bought > 0, suspect / np.where(bought > 0, bought, 1.0), np.nan)
    tax = books.number("partner", "in_tax")
    return {
        "suppliers_log": log_amount(books.number("partner", "suppliers")),
        "customers_log": log_amount(books.number("partner", "customers")),
        **{n: books.number("partner", n) for n in ("top_supplier_share", "top_customer_share", "reciprocity")},
        **{f"in_tax_{k}_share": share(books.number("partner", f"in_tax_{k}"), tax) for k in ("young", "closed", "unknown", "silent", "confirmed")},
        "suspect_share_3m": ratio(suspect, bought, 3),
        "suspect_share_36m": ratio(suspect, bought, 36),
        "suspect_share_worst_12m": highest(monthly, 12),
        "undeclared_share_6m": ratio(undeclared, bought, 6),
        "undeclared_share_36m": ratio(undeclared, bought, 36),
    }


_FROM = (*PURCHASES, *REGISTRY)
_SILENT = (*PURCHASES, "return_line.output", "return_line.sales")

FAMILY = Family(
    "partner",
    "Trade partners",
    (
        Feature("suppliers_log", "log count", 12, "suppliers by invoice", PURCHASES),
        Feature("customers_log", "log count", 12, "customers by invoice", PURCHASES),
        Feature("top_supplier_share", "share", 12, "largest supplier's share of purchases", PURCHASES),
        Feature("top_customer_share", "share", 12, "largest customer's share of sales", PURCHASES),
        Feature("reciprocity", "share", 12, "share of sales to own suppliers", PURCHASES),
        Feature("in_tax_young_share", "share", 12, "of input tax, from suppliers registered less than a year before", _FROM),
        Feature("in_tax_closed_share", "share", 12, "of input tax, from suppliers closed or abnormal now", _FROM),
        Feature("in_tax_unknown_share", "share", 12, "of input tax, from ids not registered", _FROM),
        Feature("in_tax_silent_share", "share", 12, "of input tax, what suppliers did not declare as output tax", _SILENT),
        Feature("in_tax_confirmed_share", "share", 12, "of input tax, from suppliers with a confirmed point", (*PURCHASES, *OUTCOMES)),
        Feature("suspect_share_3m", "share", 3, "of input tax, from young, closed, abnormal or unknown suppliers", _FROM),
        Feature("suspect_share_36m", "share", 36, "of input tax, from young, closed, abnormal or unknown suppliers", _FROM),
        Feature("suspect_share_worst_12m", "share", 12, "largest monthly share from such suppliers", _FROM),
        Feature("undeclared_share_6m", "share", 6, "of input tax, what suppliers did not declare", _SILENT),
        Feature("undeclared_share_36m", "share", 36, "of input tax, what suppliers did not declare", _SILENT),
    ),
    count,
)
