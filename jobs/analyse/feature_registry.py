"""Who the taxpayer is by the registry. No region, no credit rating: the first is an equity group, the second holds past audits."""

from __future__ import annotations

from jobs.analyse.feature import SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import log_amount, share, total
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Age, state, kind and capital [taxpayer]."""
    capital = books.number("taxpayer", "capital")
    return {
        "age_months": books.months_since("registered_on"),
        "is_abnormal": books.is_("status", "abnormal"),
        "is_closed": books.is_("status", "closed"),
        "is_small_scale": books.is_("vat_kind", "small_scale"),
        "is_individual": books.is_("kind", "individual"),
        "capital_log": log_amount(capital),
        "sales_to_capital_12m": share(total(sales(books), 12), capital),
    }


FAMILY = Family(
    "registry",
    "Registry life",
    (
        Feature("age_months", "month", None, "months since registration", ("taxpayer.registered_on",)),
        Feature("is_abnormal", "0 or 1", None, "declared abnormal", ("taxpayer.status",)),
        Feature("is_closed", "0 or 1", None, "deregistered", ("taxpayer.status",)),
        Feature("is_small_scale", "0 or 1", None, "small-scale VAT taxpayer", ("taxpayer.vat_kind",)),
        Feature("is_individual", "0 or 1", None, "individual business", ("taxpayer.kind",)),
        Feature("capital_log", "log currency", None, "registered capital", ("taxpayer.capital",)),
        Feature("sales_to_capital_12m", "ratio", 12, "sales declared / registered capital", (*SALES, "taxpayer.capital")),
    ),
    count,
)
