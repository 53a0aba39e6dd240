"""Input VAT claimed against purchase invoices and what the suppliers declared (METHODS A6: 7, 11, 22, 69)."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import PEERS, PURCHASES, SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import highest, ratio, times
from jobs.lake.arrays import Floats

TOLERANCE = 0.05


def count(books: Panel) -> dict[str, Floats]:
    """(claimed - invoiced) / claimed, and purchases against sales [taxpayer]; positive: more claimed than invoices show."""
    claimed, invoiced = books.declared("vat_input", "VAT"), books.invoiced("in_tax")
    both = ~np.isnan(claimed) & ~np.isnan(invoiced)
    some = both & (claimed > 0)
    monthly = np.where(some, (claimed - invoiced) / np.where(some, claimed, 1.0), np.nan)
    bought, declared = books.invoiced("in_net"), sales(books)
    return {
        **{f"input_gap_{m}m": ratio(claimed - invoiced, claimed, m) for m in (3, 12, 36)},
        "input_gap_worst_12m": highest(monthly, 12),
        "input_gap_months_12m": times(monthly > TOLERANCE, both, 12),
        "purchase_ratio_3m": ratio(bought, declared, 3),
        "purchase_ratio_12m": ratio(bought, declared, 12),
        "purchase_ratio_change_12m": ratio(bought, declared, 12) - ratio(bought, declared, 12, back=12),
        "purchase_ratio_peers": books.peer("purchase_ratio"),
    }


_IN, _RATIO = ("return_line.input", *PURCHASES), (*PURCHASES, *SALES)

FAMILY = Family(
    "input_gap",
    "Input tax against purchase invoices",
    (
        Feature("input_gap_3m", "share", 3, "(input VAT claimed - tax on purchase invoices) / claimed", _IN),
        Feature("input_gap_12m", "share", 12, "(input VAT claimed - tax on purchase invoices) / claimed", _IN),
        Feature("input_gap_36m", "share", 36, "(input VAT claimed - tax on purchase invoices) / claimed", _IN),
        Feature("input_gap_worst_12m", "share", 12, "largest monthly gap", _IN),
        Feature("input_gap_months_12m", "month", 12, "months in which over 5 % of what is claimed has no invoice", _IN),
        Feature("purchase_ratio_3m", "ratio", 3, "net bought by invoice / sales declared", _RATIO),
        Feature("purchase_ratio_12m", "ratio", 12, "net bought by invoice / sales declared", _RATIO),
        Feature("purchase_ratio_change_12m", "difference", 24, "that ratio less the one of the 12 months before", _RATIO),
        Feature("purchase_ratio_peers", "robust deviations", 12, "purchases over sales against peers", (*_RATIO, *PEERS)),
    ),
    count,
)
