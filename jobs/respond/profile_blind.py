"""What a profile leaves out while a comprehensive examination is open: level and points would tell a random case from the model's own.

The model alone examines nobody whose level is none, and nobody with a live point comprehensively; the random draw does both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from jobs.respond.blind import comprehensive
from jobs.respond.records import OVER

Row = Mapping[str, Any]
_SHOWN = ("silent", "lapsed")  # never selected, so they tell nothing


def withheld_until(selection: Iterable[Row], events: Iterable[Row], points: Iterable[Row]) -> date | None:
    """The day up to which the taxpayer's points and level are left out; None: nothing is. All rows are about one taxpayer.

    Reads tonight's selection, the events of his cases, and his points.
    """
    days = [row["as_of"] for row in selection if row.get("as_of") and comprehensive(row)]
    live = [p["opened_on"] for p in points if p["state"] not in _SHOWN and p["opened_on"]]
    cases: dict[str, list[Row]] = {}
    for event in sorted(events, key=lambda e: int(e["event_no"])):
        cases.setdefault(event["case_id"], []).append(event)
    for own in cases.values():
        pushed, source = own[0]["event_on"], own[0]["case_source"]
        over = any(e["kind"] in OVER for e in own)
        if not over and (source == "random" or (source == "model" and not any(day <= pushed for day in live))):
            days.append(pushed)
    return max(days, default=None)


def left_out(point: Row, until: date) -> bool:
    """Whether a point is left out: it was there to be chosen when the examination was opened."""
    return point["state"] not in _SHOWN and point["opened_on"] is not None and point["opened_on"] <= until
