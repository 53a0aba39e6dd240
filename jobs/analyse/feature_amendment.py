"""How often, and in which direction, declared tax is amended. Correcting upward is a right and no fault: both directions are apart."""

from __future__ import annotations

import numpy as np

from jobs.analyse.feature import Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.windows import share, total_known
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Counts, and amounts over the tax declared for the same months [taxpayer]."""
    times, up, down = (books.counted(m) for m in ("amendments_n", "amended_up", "amended_down"))
    due = books.counted("vat_due") + books.counted("cit_due") + books.counted("pit_due")
    return {
        "amendments_n_12m": total_known(times, 12),
        "amendments_n_36m": total_known(times, 36),
        "amended_up_share_36m": share(total_known(up, 36), total_known(np.abs(due), 36)),
        "amended_down_share_36m": share(-total_known(down, 36), total_known(np.abs(due), 36)),
        "amended_down_share_12m": share(-total_known(down, 12), total_known(np.abs(due), 12)),
    }


_VERSIONS = ("return_line.due", "return_line.filed_on")

FAMILY = Family(
    "amendment",
    "Amendments",
    (
        Feature("amendments_n_12m", "count", 12, "versions of returns after the first", _VERSIONS),
        Feature("amendments_n_36m", "count", 36, "versions of returns after the first", _VERSIONS),
        Feature("amended_up_share_36m", "ratio", 36, "tax added by amendments / tax declared", _VERSIONS),
        Feature("amended_down_share_36m", "ratio", 36, "tax taken away by amendments / tax declared", _VERSIONS),
        Feature("amended_down_share_12m", "ratio", 12, "tax taken away by amendments / tax declared", _VERSIONS),
    ),
    count,
)
