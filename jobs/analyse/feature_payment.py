"""What reached the treasury against what was declared due."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.windows import log_amount, ratio, share, times, total
from jobs.lake.arrays import Floats

TOLERANCE = 0.05


def count(books: Panel) -> dict[str, Floats]:
    """Paid over due by tax [taxpayer]; months that no return covers are left out of both."""
    due, paid = books.declared("vat_due", "VAT"), books.declared("paid_vat", "VAT")
    known = ~np.isnan(due)
    return {
        "vat_paid_share_3m": ratio(paid, due, 3),
        "vat_paid_share_12m": ratio(paid, due, 12),
        "vat_paid_share_36m": ratio(paid, due, 36),
        "vat_unpaid_months_12m": times((due > 0) & (paid < (1 - TOLERANCE) * due), known, 12),
        "vat_unpaid_log_12m": log_amount(total(due - paid, 12)),
        "pit_paid_share_12m": ratio(books.declared("paid_pit", "PIT"), books.declared("pit_due", "PIT"), 12),
        "cit_paid_share": share(books.yearly("paid_cit"), books.yearly("cit_due")),
        "extra_paid_share_12m": ratio(books.declared("paid_extra", "VAT"), due, 12),
    }


_VAT = ("return_line.due", "payment.amount", "payment.tax")

FAMILY = Family(
    "payment",
    "Treasury against returns",
    (
        Feature("vat_paid_share_3m", "share", 3, "VAT paid / VAT due", _VAT),
        Feature("vat_paid_share_12m", "share", 12, "VAT paid / VAT due", _VAT),
        Feature("vat_paid_share_36m", "share", 36, "VAT paid / VAT due", _VAT),
        Feature("vat_unpaid_months_12m", "month", 12, "months with over 5 % of the VAT due not paid", _VAT),
        Feature("vat_unpaid_log_12m", "log currency", 12, "VAT due less paid", _VAT),
        Feature("pit_paid_share_12m", "share", 12, "PIT paid / PIT withheld as declared", _VAT),
        Feature("cit_paid_share", "share", 12, "CIT paid / CIT due, last annual return", _VAT),
        Feature("extra_paid_share_12m", "ratio", 12, "interest and penalties paid / VAT due", (*_VAT, "payment.kind")),
    ),
    count,
)
