"""A drawn taxpayer's books for panel and feature tests: months of returns, invoices and purchases, as of 20 January 2026.

November 2025 is the last month whose VAT return may be judged (30 November + 15 + 10 days); of quarters September 2025.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.analyse.features import READS, feature
from jobs.lake.step import Tables
from tests.analyse.given import given, money, night

AS_OF = date(2026, 1, 20)
LAST = np.datetime64("2025-11")
Rows = list[dict[str, Any]]


def firm(taxpayer: str = "A", **more: Any) -> dict[str, Any]:
    return {"taxpayer_id": taxpayer, "status": "active", "vat_kind": "general", "kind": "enterprise", "registered_on": date(2015, 6, 1), "capital": money(1000)} | more


def day(month: np.datetime64, end: bool = False) -> date:
    return ((month + 1).astype("datetime64[D]") - 1 if end else month.astype("datetime64[D]")).astype(object)  # type: ignore[no-any-return]


def months(values: Mapping[str, float | Sequence[float]], taxpayer: str = "A", last: np.datetime64 = LAST, count: int = 36, counts: bool = False) -> Rows:
    """Rows of taxpayer_month: each measure a constant, or its last values, oldest first; in currency (counts: as they are)."""
    rows = []
    for back in range(count):
        row = {}
        for name, given_ in values.items():
            series = [given_] * count if isinstance(given_, int | float) else list(given_)
            if back < len(series):
                whole = counts or name in ("out_n", "out_red_n", "out_consumer_n", "pit_heads", "returns_n", "amendments_n")
                row[name] = round(series[-1 - back] * (1 if whole else 100))
        rows.append({"taxpayer_id": taxpayer, "month": day(last - back), **row})
    return rows


def filings(tax: str = "VAT", taxpayer: str = "A", last: np.datetime64 = LAST, count: int = 36, span: int = 1, state: str | Mapping[int, str] = "filed", **more: Any) -> Rows:
    """Rows of filing, newest first; `state` may name states by position."""
    rows = []
    for n in range(count // span):
        end = last - n * span
        said = state if isinstance(state, str) else state.get(n, "filed")
        late = {"filed": 0, "late": 5}.get(said)
        row = {"taxpayer_id": taxpayer, "tax": tax, "period_from": day(end - span + 1), "period_to": day(end, end=True), "state": said, "days_late": late, "as_of": AS_OF}
        rows.append(row | more)
    return rows


def tables(month_rows: Rows, filing_rows: Rows, taxpayers: Rows | None = None, **more: Any) -> Tables:
    """Everything the feature kernel reads."""
    now: dict[str, pa.Table] = {t: given(t, more.get(t, ())) for t in READS}
    now |= {"taxpayer": given("taxpayer", taxpayers or [firm()]), "taxpayer_month": given("taxpayer_month", month_rows), "filing": given("filing", filing_rows)}
    return Tables(now, previous=more.get("previous", {}), history=more.get("history", {}))


def features(*args: Any, taxpayer: str = "A", as_of: date = AS_OF, **more: Any) -> dict[str, float | None]:
    """The features of one taxpayer of drawn tables."""
    found = feature(tables(*args, **more), night(as_of)).to_pylist()
    return next(r for r in found if r["taxpayer_id"] == taxpayer)
