"""Owners, their other companies, and sales to them. A common owner is a connection, not yet a relation in the law's sense."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import OUTCOMES, PURCHASES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.windows import log_amount, ratio, share
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Numbers of owners and companies, shares of sales to them [taxpayer]."""
    related, sold = books.invoiced("out_related_net"), books.invoiced("out_net")
    companies = books.number("partner", "owner_companies")
    margin = books.own("profit_margin")
    sales_share = books.number("partner", "related_sales_share")
    return {
        "related_sales_share_12m": sales_share,
        "related_sales_share_36m": ratio(related, sold, 36),
        "related_sales_at_loss": np.where(np.isnan(margin), np.nan, sales_share * (margin < 0)),
        "owners_n": books.number("partner", "owners"),
        "owner_companies_log": log_amount(companies),
        "owner_penalised_share": share(books.number("partner", "owner_penalised"), companies),
        "owner_confirmed_n": books.number("partner", "owner_confirmed"),
    }


_OWN = ("ownership.owner_id",)

FAMILY = Family(
    "related",
    "Owners and related parties",
    (
        Feature("related_sales_share_12m", "share", 12, "share of sales to parties with a common owner", (*_OWN, *PURCHASES)),
        Feature("related_sales_share_36m", "share", 36, "share of sales to parties with a common owner", (*_OWN, *PURCHASES)),
        Feature("related_sales_at_loss", "share", 12, "that share, where the last annual return shows a loss", (*_OWN, *PURCHASES, "return_line.profit", "return_line.revenue")),
        Feature("owners_n", "count", None, "owners", _OWN),
        Feature("owner_companies_log", "log count", None, "other companies of the same owners", _OWN),
        Feature("owner_penalised_share", "share", None, "of these, with a penalty of market supervision", (*_OWN, "penalty.party_id", "penalty.party_name")),
        Feature("owner_confirmed_n", "count", None, "of these, with a confirmed point", (*_OWN, *OUTCOMES)),
    ),
    count,
)
