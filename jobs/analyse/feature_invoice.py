"""How the taxpayer invoices: red letters, consumers, size and surges (METHODS A6: 16, 20, 71)."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import INVOICES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.windows import growth, log_amount, mean, ratio, share, total
from jobs.lake.arrays import Floats

NEW_MONTHS = 24


def count(books: Panel) -> dict[str, Floats]:
    """Counts and shares of invoices issued [taxpayer]."""
    n, net, tax, red, red_net, consumer = (books.invoiced(f"out_{m}") for m in ("n", "net", "tax", "red_n", "red_net", "consumer_n"))
    surge = share(mean(net, 3), mean(net, 12, back=3))
    age = books.months_since("registered_on")
    return {
        "invoices_log_12m": log_amount(total(n, 12)),
        "invoice_size_log_12m": log_amount(ratio(net, n, 12)),
        "invoice_size_growth_6m": growth(_size(net, n), 6),
        "red_share_12m": ratio(red, n, 12),
        "red_net_share_12m": ratio(-red_net, net - red_net, 12),
        "consumer_share_12m": ratio(consumer, n, 12),
        "invoice_rate_12m": ratio(tax, net, 12),
        "invoice_surge_3m": surge,
        "invoice_surge_while_new": np.where(np.isnan(age), np.nan, np.where(age <= NEW_MONTHS, surge, 0.0)),
    }


def _size(net: Floats, n: Floats) -> Floats:
    return np.where(n > 0, net / np.where(n > 0, n, 1.0), np.nan)


FAMILY = Family(
    "invoice",
    "Invoices issued",
    (
        Feature("invoices_log_12m", "log count", 12, "invoices issued", ("invoice.invoice_no",)),
        Feature("invoice_size_log_12m", "log currency", 12, "mean net of an invoice", INVOICES),
        Feature("invoice_size_growth_6m", "ratio", 12, "mean net of an invoice of 6 months / of the 6 before, less 1", INVOICES),
        Feature("red_share_12m", "share", 12, "of invoices issued, red-letter ones", ("invoice.kind",)),
        Feature("red_net_share_12m", "share", 12, "net of red-letter invoices / net of all others", (*INVOICES, "invoice.kind")),
        Feature("consumer_share_12m", "share", 12, "of invoices issued, to consumers", ("invoice.buyer_id",)),
        Feature("invoice_rate_12m", "ratio", 12, "tax / net of invoices issued", INVOICES),
        Feature("invoice_surge_3m", "ratio", 15, "mean month of 3 / mean month of the 12 before", INVOICES),
        Feature("invoice_surge_while_new", "ratio", 15, "that ratio for those registered within 24 months, else 0", (*INVOICES, "taxpayer.registered_on")),
    ),
    count,
)
