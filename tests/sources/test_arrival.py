"""Late or not: the contract's schedule held against the receipts, on drawn moments."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.conf import Conf, ConfError, Source, load
from jobs.sources.arrival import arrivals, last_expected, late_in_night, tells_late


@pytest.fixture(scope="module")
def conf() -> Conf:
    return load()


def with_schedule(conf: Conf, schedule: str, late_after: str, policy: str = "wait") -> Conf:
    source = conf.sources["treasury"]
    expect = source.expect.model_copy(update={"schedule": schedule, "late_after": late_after, "policy": policy})
    return conf.model_copy(update={"sources": {"treasury": source.model_copy(update={"expect": expect})}})


def received(inbox: Path, *moments: str) -> None:
    (inbox / "treasury").mkdir(exist_ok=True)
    lines = [json.dumps({"receipt": n + 1, "file": f"treasury_{n}.csv", "received_at": m, "kind": "delivery"}) for n, m in enumerate(moments)]
    (inbox / "treasury" / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "last", "late"),
    [
        # daily at 01:00, late after a day: at 06:00 on the 20th the delivery of the 19th must be there, that of the 20th may still come
        ("2026-01-20T06:00:00+08:00", "2026-01-19T01:10:00+08:00", False),
        ("2026-01-20T06:00:00+08:00", "2026-01-19T00:59:59+08:00", True),
        ("2026-01-20T00:59:59+08:00", "2026-01-18T01:00:00+08:00", False),  # its day of patience ends at 01:00
        ("2026-01-20T01:00:00+08:00", "2026-01-18T01:00:00+08:00", True),
        ("2026-01-19T22:00:00+00:00", "2026-01-18T17:10:00+00:00", False),  # the first row, told in UTC
    ],
)
def test_late_once_the_patience_of_the_contract_has_run_out(conf: Conf, tmp_path: Path, moment: str, last: str, late: bool) -> None:
    received(tmp_path, last)
    (found,) = arrivals(with_schedule(conf, "0 1 * * *", "1d"), tmp_path, at(moment))
    assert (found.late, found.waited_for) == (late, late)


def test_a_late_source_is_waited_for_only_by_policy(conf: Conf, tmp_path: Path) -> None:
    received(tmp_path, "2026-01-05T09:00:00+08:00")
    (found,) = arrivals(with_schedule(conf, "0 1 * * *", "1d", "run_without"), tmp_path, at("2026-01-20T06:00:00+08:00"))
    assert found.late and not found.waited_for
    assert str(found) == "treasury: late; expected 2026-01-19 01:00, last delivery 2026-01-05 09:00"


def test_a_source_that_never_delivered_is_named_and_not_waited_for(conf: Conf, tmp_path: Path) -> None:
    (found,) = arrivals(with_schedule(conf, "0 1 * * *", "1d"), tmp_path, at("2026-01-20T06:00:00+08:00"))
    assert not found.late and not found.waited_for and "never delivered" in str(found)


def test_receipts_after_the_moment_are_not_seen(conf: Conf, tmp_path: Path) -> None:
    received(tmp_path, "2026-01-10T01:00:00+08:00", "2026-02-01T01:00:00+08:00")
    (found,) = arrivals(with_schedule(conf, "0 1 * * *", "1d"), tmp_path, at("2026-01-20T06:00:00+08:00"))
    assert found.late


def test_a_schedule_that_is_no_cron_expression_names_the_key(conf: Conf, tmp_path: Path) -> None:
    with pytest.raises(ConfError, match=r"treasury\.yaml: expect\.schedule: 'daily'"):
        arrivals(with_schedule(conf, "daily", "1d"), tmp_path, at("2026-01-20T06:00:00+08:00"))


@settings(deadline=None)
@given(st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)), st.integers(0, 60))
def test_expected_is_the_last_time_whose_patience_is_over(moment: datetime, days: int) -> None:
    now = moment.replace(microsecond=0, tzinfo=UTC)
    gone = now - last_expected(patient(days), now)
    # a daily schedule: the last 01:00 at least `days` days ago lies less than a day further back
    assert days * 86400 <= gone.total_seconds() < (days + 1) * 86400


@cache
def treasury() -> Source:
    return load().sources["treasury"]


def patient(days: int) -> Source:
    source = treasury()
    return source.model_copy(update={"expect": source.expect.model_copy(update={"schedule": "0 1 * * *", "late_after": f"{days}d"})})


#   received by the night's run                          late in the night of the 20th, looked at from
NIGHTS = [
    (["2026-01-19T01:10:00+08:00"], "2026-01-20T06:00:00+08:00", False),  # tonight: what is due by now is there
    (["2026-01-18T01:10:00+08:00"], "2026-01-20T06:00:00+08:00", True),
    (["2026-01-19T01:10:00+08:00"], "2026-03-01T06:00:00+08:00", False),  # run later: seen as at the end of its day
    (["2026-01-18T23:10:00+08:00"], "2026-03-01T06:00:00+08:00", True),
    (["2026-01-05T01:00:00+08:00", "2026-02-01T01:00:00+08:00"], "2026-03-01T06:00:00+08:00", True),  # what came after the night is not seen by it
    ([], "2026-03-01T06:00:00+08:00", False),  # never delivered: not connected
]


@pytest.mark.parametrize(("receipts", "now", "late"), NIGHTS)
def test_a_night_says_who_was_late_by_what_it_received(conf: Conf, receipts: list[str], now: str, late: bool) -> None:
    found = late_in_night(with_schedule(conf, "0 1 * * *", "1d"), {"treasury": [at(r) for r in receipts]}, date(2026, 1, 20), at(now))
    assert [a.source for a in found] == (["treasury"] if late else [])
    assert all(tells_late(str(a)) for a in found) and not tells_late("vat_return 3: columns not in the contract: late; x")
