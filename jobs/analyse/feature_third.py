"""What other agencies say: penalties of market supervision and land, after linking."""

from __future__ import annotations

import numpy as np

from jobs.analyse.arrays import month_number, month_numbers
from jobs.analyse.feature import SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import log_amount, share, total
from jobs.lake.arrays import Floats, floats

_CENTS = 100.0


def count(books: Panel) -> dict[str, Floats]:
    """Sums of party_fact [taxpayer]; facts known on the date count, whatever month they lie in."""
    land = _sum(books, "land_value") / _CENTS
    return {
        "penalties_n_36m": _sum(books, "penalties", 36),
        "penalty_log_36m": log_amount(_sum(books, "penalty_amount", 36) / _CENTS),
        "penalties_n_12m": _sum(books, "penalties", 12),
        "parcels_n": _sum(books, "parcels"),
        "land_log": log_amount(land),
        "land_to_sales_12m": share(land, total(sales(books), 12)),
    }


def _sum(books: Panel, measure: str, months: int | None = None) -> Floats:
    """Sum over the months up to the as-of date; NaN for all while nothing has ever been linked."""
    rows = books.ledger.tables["party_fact"]
    if not rows.num_rows:
        return books.none()
    row, age = books.ledger.row_of(rows["taxpayer_id"]), month_number(books.ledger.as_of) - month_numbers(rows["month"])
    inside = (row >= 0) & ((age < months) if months else True)
    return np.bincount(row[inside], weights=floats(rows[measure])[inside], minlength=books.count).astype(np.float64)


_LINKED, _PARCEL = ("penalty.party_id", "penalty.party_name"), ("land_holding.holder_id", "land_holding.holder_name")

FAMILY = Family(
    "third",
    "Other agencies",
    (
        Feature("penalties_n_36m", "count", 36, "penalties of market supervision", _LINKED),
        Feature("penalty_log_36m", "log currency", 36, "fines of market supervision", (*_LINKED, "penalty.amount")),
        Feature("penalties_n_12m", "count", 12, "penalties of market supervision", _LINKED),
        Feature("parcels_n", "count", None, "parcels of land held", _PARCEL),
        Feature("land_log", "log currency", None, "original value of land held", (*_PARCEL, "land_holding.original_value")),
        Feature("land_to_sales_12m", "ratio", 12, "original value of land / sales declared", (*_PARCEL, "land_holding.original_value", *SALES)),
    ),
    count,
)
