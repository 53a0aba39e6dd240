"""How the taxpayer files: late, missing, at the last moment. Over all his taxes, periods past their grace only."""

from __future__ import annotations

import numpy as np

from jobs.analyse.arrays import is_one_of
from jobs.analyse.feature import Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.windows import share
from jobs.lake.arrays import Floats, Ints, floats


def count(books: Panel) -> dict[str, Floats]:
    """Counts and shares of obligations by what became of them [taxpayer]; NaN for those who owed nothing."""
    taxpayer, age, rows = books.filed_on()
    late, missing = (is_one_of(rows["state"], (s,)).astype(np.float64) for s in ("late", "missing"))
    days = floats(rows["days_late"])
    overdue = np.fmax(np.nan_to_num(days), 0.0)
    last_moment = ((days >= -1) & (days <= 0)).astype(np.float64)

    def added(months: int, values: Floats) -> Floats:
        return _added(taxpayer, age, values, months, books.count)

    owed = {months: added(months, np.ones(len(taxpayer), dtype=np.float64)) for months in (12, 24, 36)}
    return {
        "late_n_12m": np.where(owed[12] > 0, added(12, late), np.nan),
        "late_share_24m": share(added(24, late), owed[24]),
        "days_late_mean_12m": share(added(12, overdue), owed[12]),
        "missing_n_12m": np.where(owed[12] > 0, added(12, missing), np.nan),
        "missing_share_36m": share(added(36, missing), owed[36]),
        "last_moment_share_12m": share(added(12, last_moment), owed[12]),
        "late_change_12m": share(added(12, late), owed[12]) - share(added(24, late), owed[24]),
    }


def _added(taxpayer: Ints, age: Ints, values: Floats, months: int, size: int) -> Floats:
    inside = age < months
    return np.bincount(taxpayer[inside], weights=values[inside], minlength=size).astype(np.float64)


_FILED = ("return_line.filed_on", "tax_registration.frequency")

FAMILY = Family(
    "filing",
    "Lateness and non-filing",
    (
        Feature("late_n_12m", "count", 12, "returns filed after the due date", _FILED),
        Feature("late_share_24m", "share", 24, "of returns owed, filed after the due date", _FILED),
        Feature("days_late_mean_12m", "day", 12, "mean days after the due date, early ones counted 0", _FILED),
        Feature("missing_n_12m", "count", 12, "returns owed and not filed after the grace", _FILED),
        Feature("missing_share_36m", "share", 36, "of returns owed, not filed after the grace", _FILED),
        Feature("last_moment_share_12m", "share", 12, "of returns owed, filed on the due date or the day before", _FILED),
        Feature("late_change_12m", "share", 24, "share filed late in 12 months less that in 24", _FILED),
    ),
    count,
)
