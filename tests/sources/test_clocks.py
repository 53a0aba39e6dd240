"""Time zones and midnight: which day a stamp is, in the administration's zone, and what is no time at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.conf import Field_, House
from jobs.lake.tables import DATE
from jobs.sources.cells import convert
from jobs.sources.landing import received_day
from tests.sources.given import HOUSE

PLAIN, OFFSET = "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"


def day_of(cell: Any, style: str = PLAIN, house: str = "Asia/Shanghai", type_: pa.DataType | None = None, **said: Any) -> date | str:
    """The day of one cell, or the rule it breaks."""
    field = Field_.model_validate({"from": "x", "type": "timestamp", "formats": [style], **said})
    found = convert(pa.array([cell], type_), "x", field, DATE, house, "cn.uscc")
    return found.broken[0].rule if found.broken else found.values[0].as_py()


#   stamp                        read as         house zone          said          day
DAYS = [
    ("2026-01-05 23:59:59", PLAIN, "Asia/Shanghai", {}, date(2026, 1, 5)),
    ("2026-01-06 00:00:00", PLAIN, "Asia/Shanghai", {}, date(2026, 1, 6)),
    ("2026-01-05T15:59:59+0000", OFFSET, "Asia/Shanghai", {}, date(2026, 1, 5)),
    ("2026-01-05T16:00:00+0000", OFFSET, "Asia/Shanghai", {}, date(2026, 1, 6)),
    ("2026-01-05T23:59:59-06:00", OFFSET, "America/Mexico_City", {}, date(2026, 1, 5)),
    ("2026-01-05T23:59:59Z", OFFSET, "Asia/Shanghai", {}, date(2026, 1, 6)),
    ("2026-01-05 16:00:00", PLAIN, "Asia/Shanghai", {}, date(2026, 1, 5)),  # without a zone: the administration's own
    ("2026-01-05 16:00:00", PLAIN, "Asia/Shanghai", {"zone": "UTC"}, date(2026, 1, 6)),  # an agency that stamps in UTC and does not say so
    ("2024-02-29 12:00:00", PLAIN, "Asia/Shanghai", {}, date(2024, 2, 29)),
    ("2026-02-29 12:00:00", PLAIN, "Asia/Shanghai", {}, "timestamp:x"),
    ("2026-02-30T12:00:00+0800", OFFSET, "Asia/Shanghai", {}, "timestamp:x"),
    ("2026-02-28 24:00:00", PLAIN, "Asia/Shanghai", {}, "timestamp:x"),
    ("2026-02-28 23:59:60", PLAIN, "Asia/Shanghai", {}, "timestamp:x"),  # a leap second would be the next day
    ("2026-03-29 02:30:00", PLAIN, "Europe/Berlin", {}, date(2026, 3, 29)),  # the hour that spring leaves out
    ("2026-10-25 02:30:00", PLAIN, "Europe/Berlin", {}, date(2026, 10, 25)),  # the hour that comes twice
    ("2026-03-29 00:30:00", PLAIN, "Asia/Beirut", {}, date(2026, 3, 29)),  # left out at midnight: not the day before
    ("2026-03-28T22:30:00+0000", OFFSET, "Asia/Beirut", {}, date(2026, 3, 29)),
    ("2026-10-24 23:30:00", PLAIN, "Asia/Beirut", {}, date(2026, 10, 24)),  # comes twice before midnight
    ("1991-06-01T16:30:00+0000", OFFSET, "Asia/Shanghai", {}, date(1991, 6, 2)),  # China had summer time then: 01:30 on the 2nd
]


@pytest.mark.parametrize(("stamp", "style", "zone", "said", "expected"), DAYS)
def test_the_day_of_a_stamp_is_the_administrations_own(stamp: str, style: str, zone: str, said: dict[str, Any], expected: date | str) -> None:
    assert day_of(stamp, style, zone, **said) == expected


#   a typed cell                                                     said              day
TYPED = [
    (datetime(2026, 1, 5, 16, tzinfo=UTC), pa.timestamp("us", tz="UTC"), {}, date(2026, 1, 6)),
    (datetime(2026, 1, 5, 16), pa.timestamp("us"), {}, date(2026, 1, 5)),
    (datetime(2026, 1, 5, 16), pa.timestamp("ns"), {"zone": "UTC"}, date(2026, 1, 6)),
    (datetime(2026, 1, 5, 16, tzinfo=UTC), pa.timestamp("us", tz="America/New_York"), {"zone": "Asia/Tokyo"}, date(2026, 1, 6)),  # a zone in the file has the last word
]


@pytest.mark.parametrize(("cell", "type_", "said", "expected"), TYPED)
def test_typed_stamps_follow_the_same_rule(cell: datetime, type_: pa.DataType, said: dict[str, Any], expected: date) -> None:
    assert day_of(cell, type_=type_, **said) == expected


#   zone               cut-off   received                       day
RECEIPTS = [
    ("Asia/Shanghai", "24:00", "2026-01-05T23:59:59+08:00", date(2026, 1, 5)),
    ("Asia/Shanghai", "24:00", "2026-01-05T16:00:00+00:00", date(2026, 1, 6)),
    ("Asia/Shanghai", "17:30", "2026-01-05T17:29:59+08:00", date(2026, 1, 5)),
    ("Asia/Shanghai", "17:30", "2026-01-05T17:30:00+08:00", date(2026, 1, 6)),
    ("Asia/Shanghai", "17:30", "2024-02-28T18:00:00+08:00", date(2024, 2, 29)),
    ("Asia/Shanghai", "17:30", "2025-12-31T18:00:00+08:00", date(2026, 1, 1)),
    ("Asia/Shanghai", "00:00", "2026-01-05T00:00:00+08:00", date(2026, 1, 6)),
    ("Europe/Berlin", "24:00", "2026-03-28T23:30:00+00:00", date(2026, 3, 29)),  # half past midnight, winter time still
    ("Europe/Berlin", "24:00", "2026-03-29T21:59:59+00:00", date(2026, 3, 29)),  # summer time by now: 23:59:59
    ("Europe/Berlin", "24:00", "2026-03-29T22:00:00+00:00", date(2026, 3, 30)),
]


@pytest.mark.parametrize(("zone", "cut_off", "received", "expected"), RECEIPTS)
def test_the_day_of_receipt_ends_at_midnight_or_at_the_cut_off(zone: str, cut_off: str, received: str, expected: date) -> None:
    house = House.model_validate({**HOUSE.model_dump(), "zone": zone, "cut_off": cut_off})
    assert received_day(datetime.fromisoformat(received), house) == expected


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2035, 12, 31)), st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "Asia/Beirut", "America/Havana", "Asia/Kathmandu"]))
def test_a_stamp_without_an_offset_keeps_the_day_that_is_written(moment: datetime, zone: str) -> None:
    """Whatever the clock does there: a local stamp lies on its own date."""
    assert day_of(f"{moment:%Y-%m-%d %H:%M:%S}", house=zone) == moment.date()
