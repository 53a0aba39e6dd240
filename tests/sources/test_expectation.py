"""What a delivery is expected to look like, drawn: numbers of earlier deliveries and of this one, and the level that comes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from jobs.conf import Expect
from jobs.lake.arrays import day_number
from jobs.sources.expectation import in_words, judge, level_of
from jobs.sources.landing import Delivery
from jobs.sources.profile import BINS, Profile, profile, quartiles
from tests.sources.given import GOOD, OTHER, checked, pay, returns, source

DAY = date(2026, 2, 1)
OPTIONAL = source(columns={**source().model_dump(by_alias=True)["columns"], "amount": {"from": "amount", "type": "money"}})
EXPECT = Expect(schedule="0 0 * * *")


def sizes(*amounts: float) -> np.ndarray[Any, Any]:
    """The bins of these amounts, each sixty times."""
    rows = [f"p{n},{GOOD},2025-01-01,{a}" for n, a in enumerate(amounts)]
    found = profile(*_checked(rows), OPTIONAL).sizes["amount"]
    return found * 60


def _checked(rows: list[str]) -> tuple[Any, Any]:
    found = checked(pay(rows), OPTIONAL)
    return found.records, found.rows


def looked(records: int = 100, broken: int = 0, old: int = 10, empty: int = 0, amounts: tuple[float, ...] = (10, 100, 1000), ids: int = 0, known: int = 0, others: int = 100) -> Profile:
    whole = records - broken
    return Profile(records, broken, day_number(DAY) - old, {"amount": whole - empty}, {"amount": sizes(*amounts)}, ids, known, others)


def delivery(receipt: int, kind: str = "delivery") -> Delivery:
    return Delivery("pay", receipt, datetime(2026, 2, 1, tzinfo=UTC), DAY, kind, "", ("f",))  # type: ignore[arg-type]


def after(*earlier: tuple[str, Profile], now: Profile, kind: str = "delivery", expect: Expect = EXPECT) -> dict[tuple[str, str], str]:
    """The level of every measure of a delivery that comes after these."""
    past: list[dict[str, Any]] = []
    for n, (of, found) in enumerate(earlier):
        past += judge(f"b{n}", n, delivery(n + 1, of), expect, found, past)
    return {(r["measure"], r["column"]): r["level"] for r in judge("b", 99, delivery(99, kind), expect, now, past)}


PLAIN = looked()
THREE = (("delivery", PLAIN),) * 3

#   what is unlike             this delivery                                   measure               level
UNLIKE = [
    ("nothing", looked(), None, "well"),
    ("thirty times the records", looked(records=3000), ("volume", ""), "warn"),
    ("two hundred times the records", looked(records=20000), ("volume", ""), "stop"),
    ("fifteen times the records", looked(records=1500), ("volume", ""), "well"),
    ("an old file sent again", looked(old=80), ("age", ""), "warn"),
    ("older, but not by much", looked(old=60), ("age", ""), "well"),
    ("a fifth breaks a rule", looked(broken=20), ("quarantined", ""), "warn"),
    ("most break a rule", looked(broken=60), ("quarantined", ""), "stop"),
    ("most of a column is empty", looked(empty=65), ("nulls", "amount"), "warn"),
    ("a column is empty", looked(empty=100), ("nulls", "amount"), "stop"),
    ("yuan for ten-thousands", looked(amounts=(1e5, 1e6, 1e7)), ("median", "amount"), "stop"),
    ("ten-thousands for yuan", looked(amounts=(0.001, 0.01, 0.1)), ("median", "amount"), "stop"),
    ("cents for yuan", looked(amounts=(1e3, 1e4, 1e5)), ("median", "amount"), "stop"),
    ("twenty times as much", looked(amounts=(200, 2000, 20000)), ("median", "amount"), "warn"),
    ("only the large ones grow", looked(amounts=(10, 100, 1e8)), ("three_quarters", "amount"), "well"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "now", "measure", "level"), UNLIKE)
def test_what_is_unlike_the_past_is_said(what: str, now: Profile, measure: tuple[str, str] | None, level: str):
    found = after(*THREE, now=now)
    if measure is None:
        assert set(found.values()) == {"well"}
    else:
        assert found[measure] == level
        others = {m for m, said in found.items() if said in ("warn", "stop") and m[0] not in (measure[0], "quarter", "median", "three_quarters")}
        assert not others, f"{what}: {others} are like the past"


#   earlier deliveries                                   judged now                    left unjudged
TOO_LITTLE = [
    ((), set(), {"volume", "age", "quarantined", "nulls", "median"}),
    ((("history", PLAIN),), {"quarantined", "nulls", "median"}, {"volume", "age"}),
    ((("delivery", PLAIN),) * 2, {"quarantined", "nulls", "median"}, {"volume", "age"}),
    ((("delivery", looked(records=10)),) * 3, {"median"}, {"quarantined", "nulls"}),
]


@pytest.mark.parametrize(("earlier", "judged", "left"), TOO_LITTLE)
def test_without_a_past_nothing_is_judged(earlier: tuple[tuple[str, Profile], ...], judged: set[str], left: set[str]):
    found = after(*earlier, now=looked(records=6000, broken=5000, empty=1000, old=500, amounts=(1e6, 1e7, 1e8)))
    levels = {measure: said for (measure, _), said in found.items()}
    assert all(levels[m] == "no_past" for m in left) and all(levels[m] == "stop" for m in judged)


def test_history_is_measured_and_not_judged_by_number_or_age():
    found = after(*THREE, now=looked(records=60000, old=400), kind="history")
    assert found["volume", ""] == found["age", ""] == "no_past" and found["median", "amount"] == "well"


def test_small_deliveries_may_be_smaller_still():
    assert after(*(("delivery", looked(records=8)),) * 3, now=looked(records=1, amounts=(1,)))["volume", ""] == "no_past"


def test_the_last_deliveries_count_and_not_those_before_them():
    grown = (("delivery", PLAIN),) * 8 + (("delivery", looked(records=2000)),) * 8
    assert after(*grown, now=looked(records=2000))["volume", ""] == "well"
    few = Expect(schedule="0 0 * * *", volume={"warn": 20, "few": 20})  # type: ignore[arg-type]
    assert after(*grown, now=looked(records=100), expect=few)["volume", ""] == "warn"


#   records before     now      of a snapshot  of an increment  … where few are said
FEW = [
    ((1000,) * 3, 5, "stop", "well", "warn"),
    ((1000,) * 3, 200, "well", "well", "well"),
    ((1000, 5, 1000), 5, "well", "well", "well"),
    ((1000, 5, 1000), 900, "well", "well", "well"),
    ((10, 5, 10), 1000, "stop", "stop", "stop"),
    ((1000,) * 3, 0, "stop", "well", "warn"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "now", "snapshot", "increment", "said"), FEW)
def test_records_are_held_against_the_range_of_the_past(before: tuple[int, ...], now: int, snapshot: str, increment: str, said: str):
    for whole, expect, level in ((True, EXPECT, snapshot), (False, EXPECT, increment), (False, Expect(schedule="0 0 * * *", volume={"warn": 20, "stop": 100, "few": 20}), said)):  # type: ignore[arg-type]
        past: list[dict[str, Any]] = []
        for n, records in enumerate(before, 1):
            past += judge(f"b{n}", n, delivery(n), expect, looked(records=records), past)
        (volume,) = [r for r in judge("b", 9, delivery(9), expect, looked(records=now) if now else Profile(), past, whole) if r["measure"] == "volume"]
        assert volume["level"] == level


def test_later_receipts_are_no_past_of_one_that_is_taken_late():
    past = judge("b5", 5, delivery(5), EXPECT, PLAIN, [])
    assert {r["past"] for r in judge("b2", 9, delivery(2), EXPECT, PLAIN, past)} == {None}


@pytest.mark.parametrize(("known", "level"), [(100, "well"), (90, "well"), (89, "warn"), (49, "stop"), (0, "stop")])
def test_coverage_is_judged_by_itself(known: int, level: str):
    expect = Expect(schedule="0 0 * * *", coverage={"of": "taxpayer"})  # type: ignore[arg-type]
    assert after(now=looked(ids=100, known=known), expect=expect)["coverage", "taxpayer"] == level
    assert after(now=looked(ids=10, known=0), expect=expect)["coverage", "taxpayer"] == "no_past"
    assert after(now=looked(ids=100, known=0, others=0), expect=expect)["coverage", "taxpayer"] == "no_past", "the other table has not come yet"


def test_words_give_the_number_and_what_it_was_before():
    past = judge("b0", 1, delivery(1), EXPECT, PLAIN, [])
    rows = {(r["measure"], r["column"]): in_words(r) for r in judge("b1", 2, delivery(2), EXPECT, looked(empty=100, amounts=(1e5, 1e6, 1e7)), past)}
    assert rows["nulls", "amount"] == "100% of the cells of amount are empty, 0 in the last 1"
    assert rows["median", "amount"].startswith("median of amount is 1.122e+06, 112.2 in the last 1 (1e+04 times)")
    assert level_of([]) == "well"


def test_levels_stand_in_order():
    for said in ({"volume": {"warn": 9, "stop": 3}}, {"coverage": {"of": "taxpayer", "warn": 0.4, "stop": 0.6}}):
        with pytest.raises(ValidationError, match=r"warn \("):
            Expect(schedule="0 0 * * *", **said)  # type: ignore[arg-type]


def test_a_profile_adds_up_whatever_the_parts():
    rows = [f"p{n},{GOOD if n % 3 else OTHER},2025-01-{n:02d},{n * 7}.50" for n in range(1, 21)] + ["bad,row"]
    whole = profile(*_checked(rows), OPTIONAL)
    parts = [profile(*_checked(rows[:7]), OPTIONAL), profile(*_checked(rows[7:]), OPTIONAL)]
    added = sum(parts, Profile())
    assert (added.records, added.broken, added.newest, added.present) == (21, 1, day_number(date(2025, 1, 20)), {"amount": 20}) == (whole.records, whole.broken, whole.newest, whole.present)
    assert np.array_equal(added.sizes["amount"], whole.sizes["amount"]) and added.sizes["amount"].sum() == 20


def test_lines_of_a_form_are_columns_of_their_own():
    text = "id,begin,end,filed,sales,due,n\n" + "".join(f"{GOOD},2025-{m:02d}-01,2025-{m:02d}-28,2025-{m + 1:02d}-10,{100 * m},{'' if m % 2 else 13},1\n" for m in range(1, 9))
    found = checked(text, returns())
    counted = profile(found.records, found.rows.append_column("file", pa.array(["f"] * found.rows.num_rows)), returns())
    assert (counted.present["sales"], counted.present["due"], counted.whole) == (8, 4, 8)
    assert quartiles(counted.sizes["sales"])[1] == pytest.approx(400, rel=0.15)
    assert len(counted.sizes["due"]) == BINS
