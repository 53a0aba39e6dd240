from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from jobs.analyse.calendar import usable_month
from jobs.analyse.filings import filing
from jobs.analyse.obligations import obligation
from jobs.lake.step import Tables
from tests.analyse.given import conf, given, money, night

Rows = list[dict[str, Any]]
JAN, JAN31 = date(2025, 1, 1), date(2025, 1, 31)


def ret(taxpayer: str, start: date, end: date, filed: date, due: float | None = 10, tax: str = "VAT", form: str = "VAT-G", version: int = 1, **more: Any) -> Rows:
    head = {"taxpayer_id": taxpayer, "tax": tax, "form": form, "period_from": start, "period_to": end, "filed_on": filed, "known_at": filed, "version": version}
    lines = {"sales": 100.0} | ({} if due is None else {"due": due})
    return [{**head, "return_line": k, "amount": money(v), **more} for k, v in lines.items()]


def owed(registrations: Rows, as_of: date, returns: Rows, taxpayers: Rows = ()) -> pa.Table:  # type: ignore[assignment]
    tables = {"taxpayer": given("taxpayer", taxpayers), "return_line": given("return_line", returns)}
    return obligation(Tables(tables, versions={"tax_registration": given("tax_registration", registrations)}), night(as_of))


def run(obligations: Rows, returns: Rows = (), payments: Rows = (), as_of: date = date(2025, 3, 20)) -> Rows:  # type: ignore[assignment]
    tables = Tables({"obligation": given("obligation", obligations), "payment": given("payment", payments)}, versions={"return_line": given("return_line", returns)})
    return filing(tables, night(as_of)).to_pylist()  # type: ignore[no-any-return]


def duty(taxpayer: str = "A", tax: str = "VAT", start: date = JAN, end: date = JAN31, due: date = date(2025, 2, 15), grace: date = date(2025, 2, 25)) -> dict[str, Any]:
    return {"taxpayer_id": taxpayer, "tax": tax, "period_from": start, "period_to": end, "due_at": due, "grace_until": grace, "as_of": date(2025, 3, 20)}


VAT = {"taxpayer_id": "A", "tax": "VAT", "frequency": "month", "valid_from": date(2020, 1, 1), "known_at": date(2025, 1, 2)}


def months_of(found: pa.Table, taxpayer: str = "A") -> list[str]:
    return [f"{r['period_from']:%y-%m}/{r['period_to']:%m}" for r in found.to_pylist() if r["taxpayer_id"] == taxpayer]


def test_every_ended_period_since_the_registration_was_known_is_owed() -> None:
    found = owed([VAT], date(2025, 3, 20), []).to_pylist()
    # 31 January + 15 days = 15 February, + 10 days of grace = 25 February; March has not ended
    assert [(r["period_from"], r["period_to"], r["due_at"], r["grace_until"]) for r in found] == [
        (JAN, JAN31, date(2025, 2, 15), date(2025, 2, 25)),
        (date(2025, 2, 1), date(2025, 2, 28), date(2025, 3, 15), date(2025, 3, 25)),
    ]


@pytest.mark.parametrize(("whose", "month", "filed", "expected"), [
    ("B", 10, date(2024, 11, 10), ["25-01/01", "25-02/02"]),  # another taxpayer's return says nothing about A, in whatever bucket he is
    ("A", 11, date(2024, 12, 10), ["24-11/11", "24-12/12", "25-01/01", "25-02/02"]),  # A's own returns go further back than the registry
    ("A", 10, date(2026, 1, 10), ["25-01/01", "25-02/02"]),  # an odd return, long after its period, answers that period alone
])
def test_duties_go_back_to_ones_own_registration_and_returns(whose: str, month: int, filed: date, expected: list[str]) -> None:
    end = date(2024, month + 1, 1) - timedelta(days=1)
    returns = ret(whose, end.replace(day=1), end, filed)
    assert months_of(owed([VAT], date(2025, 3, 20), returns)) == expected


QUARTER = {**VAT, "frequency": "quarter", "known_at": date(2024, 1, 2)}


@pytest.mark.parametrize(("versions", "expected"), [
    # monthly since July 2024, told with the old first day of the duty: the quarters before stay quarters
    ([QUARTER, {**VAT, "version": 2, "known_at": date(2024, 7, 3)}], ["24-01/03", "24-04/06", "24-07/07", "24-08/08", "24-09/09"]),
    # the same told a month late, with the day from which it holds
    ([QUARTER, {**VAT, "version": 2, "valid_from": date(2024, 7, 1), "known_at": date(2024, 8, 20)}], ["24-01/03", "24-04/06", "24-07/07", "24-08/08", "24-09/09"]),
    # and back
    ([{**VAT, "known_at": date(2024, 1, 2)}, {**QUARTER, "version": 2, "known_at": date(2024, 4, 2)}], ["24-01/01", "24-02/02", "24-03/03", "24-04/06", "24-07/09"]),
    # a version that corrects the first day only, and an older one that arrives after it
    ([{**QUARTER, "version": 3, "valid_from": date(2024, 4, 1), "known_at": date(2024, 6, 1)}, QUARTER, {**QUARTER, "version": 2, "known_at": date(2024, 9, 1)}], ["24-04/06", "24-07/09"]),
    # the duty was struck off the register
    ([QUARTER, {**QUARTER, "version": 2, "deleted": True, "known_at": date(2024, 6, 1)}], []),
])
def test_each_period_is_owed_by_the_registration_of_its_time(versions: Rows, expected: list[str]) -> None:
    for rows in (versions, versions[::-1]):
        assert months_of(owed(rows, date(2024, 10, 5), [])) == expected


def test_a_period_that_ends_today_is_not_yet_owed() -> None:
    assert owed([VAT], date(2025, 2, 28), ret("B", JAN, JAN31, date(2025, 2, 1))).num_rows == 1


def test_duties_begin_and_end_with_registration_and_closing() -> None:
    known = {**VAT, "known_at": date(2024, 1, 2)}
    found = owed(
        [{**known, "valid_from": date(2024, 11, 15)}, {**known, "taxpayer_id": "C"}, {**known, "taxpayer_id": "D", "valid_to": date(2024, 2, 1)}],
        date(2025, 1, 10), [], [{"taxpayer_id": "C", "closed_on": date(2024, 3, 5)}],
    ).to_pylist()  # fmt: skip
    months = {t: [r["period_from"].month for r in found if r["taxpayer_id"] == t] for t in "ACD"}
    assert months == {"A": [11, 12], "C": [1, 2, 3], "D": [1, 2]}


def test_quarters_and_years() -> None:
    registrations = [QUARTER, {**QUARTER, "tax": "CIT", "frequency": "year"}, {**QUARTER, "tax": "GIFT"}]  # the calendar knows no return on gifts
    found = owed(registrations, date(2025, 1, 10), []).to_pylist()
    assert [(r["tax"], r["period_from"].month, r["due_at"]) for r in found if r["tax"] == "VAT"] == [
        ("VAT", 1, date(2024, 4, 15)), ("VAT", 4, date(2024, 7, 15)), ("VAT", 7, date(2024, 10, 15)), ("VAT", 10, date(2025, 1, 15))]  # fmt: skip
    assert [r["due_at"] for r in found if r["tax"] == "CIT"] == [date(2025, 5, 31)]  # 31 December + 151 days
    assert {r["tax"] for r in found} == {"VAT", "CIT"}


def test_two_sources_that_register_the_same_duty_owe_one_return() -> None:
    assert owed([VAT, {**VAT, "source": "other"}], date(2025, 3, 1), ret("B", JAN, JAN31, date(2025, 2, 1))).num_rows == 2  # January, February


def test_nothing_registered_gives_an_empty_table() -> None:
    assert owed([], date(2025, 3, 1), []).num_rows == 0
    assert run([]) == []


def test_states() -> None:
    other = ret("B", date(2025, 1, 1), JAN31, date(2025, 2, 1))
    late = ret("A", JAN, JAN31, date(2025, 2, 18))
    assert [(r["state"], r["days_late"]) for r in run([duty()], ret("A", JAN, JAN31, date(2025, 2, 15)))] == [("filed", 0)]
    assert [(r["state"], r["days_late"]) for r in run([duty()], ret("A", JAN, JAN31, date(2025, 2, 10)))] == [("filed", -5)]
    assert [(r["state"], r["days_late"], r["filed_on"]) for r in run([duty()], late)] == [("late", 3, date(2025, 2, 18))]
    assert [(r["state"], r["days_late"], r["due"]) for r in run([duty()], other)] == [("missing", None, None)]
    assert [r["state"] for r in run([duty()], [])] == ["unknown"]


def test_before_the_grace_is_over_a_return_is_not_judged_even_if_it_is_there() -> None:
    returns = ret("A", JAN, JAN31, date(2025, 2, 18))
    assert [r["state"] for r in run([duty()], returns, as_of=date(2025, 2, 24))] == ["not_due"]
    assert [r["state"] for r in run([duty()], returns, as_of=date(2025, 2, 25))] == ["late"]


def test_amendments_keep_the_first_filing_and_the_first_tax() -> None:
    returns = ret("A", JAN, JAN31, date(2025, 2, 10), due=30) + ret("A", JAN, JAN31, date(2025, 3, 1), due=12.5, version=2)
    for rows in (returns, returns[::-1]):
        (found,) = run([duty()], rows)
        assert (found["filed_on"], found["last_filed_on"], found["versions"]) == (date(2025, 2, 10), date(2025, 3, 1), 2)
        assert (found["due_first"], found["due"], found["state"]) == (money(30), money("12.5"), "filed")


def test_a_withdrawn_return_is_not_filed() -> None:
    returns = ret("A", JAN, JAN31, date(2025, 2, 10)) + ret("A", JAN, JAN31, date(2025, 3, 1), version=2, deleted=True) + ret("B", JAN, JAN31, date(2025, 2, 1))
    assert [(r["state"], r["filed_on"]) for r in run([duty()], returns)] == [("missing", None)]


def test_a_return_that_was_received_twice_is_one_version() -> None:
    returns = ret("A", JAN, JAN31, date(2025, 2, 10)) + ret("A", JAN, JAN31, date(2025, 2, 10), batch_id="again")
    assert [(r["versions"], r["due"]) for r in run([duty()], returns)] == [(1, money(10))]


def test_payments_of_the_period_and_its_instalments_count_without_interest() -> None:
    year = duty(tax="CIT", start=JAN, end=date(2025, 12, 31), due=date(2026, 5, 31), grace=date(2026, 6, 10))
    pay = {"taxpayer_id": "A", "tax": "CIT", "kind": "tax", "paid_on": date(2025, 4, 1)}
    rows = [
        {**pay, "payment_no": "1", "period_from": JAN, "period_to": date(2025, 3, 31), "amount": money(40)},
        {**pay, "payment_no": "2", "period_from": JAN, "period_to": date(2025, 12, 31), "amount": money(60)},
        {**pay, "payment_no": "3", "period_from": JAN, "period_to": date(2025, 12, 31), "amount": money(-5), "kind": "refund"},
        {**pay, "payment_no": "4", "period_from": JAN, "period_to": date(2025, 12, 31), "amount": money(3), "kind": "interest"},
        {**pay, "payment_no": "5", "period_from": date(2024, 1, 1), "period_to": date(2024, 12, 31), "amount": money(1000)},
        {**pay, "payment_no": "6", "period_from": JAN, "period_to": date(2025, 12, 31), "amount": money(500), "taxpayer_id": "B"},
        {**pay, "payment_no": "7", "period_from": None, "period_to": None, "amount": money(9)},
    ]
    (found,) = run([year], [], rows)
    assert found["paid"] == money(40 + 60 - 5)


def test_the_last_usable_month() -> None:
    # 30 November + 25 days = 25 December; 31 December + 25 days = 25 January
    names = {(2025, 12, 24): "2025-10", (2025, 12, 25): "2025-11", (2026, 1, 20): "2025-11", (2026, 1, 25): "2025-12"}
    for day, name in names.items():
        number = usable_month(conf(), "VAT", "month", date(*day))
        assert f"{1970 + number // 12}-{number % 12 + 1:02d}" == name
    assert usable_month(conf(), "VAT", "quarter", date(2026, 1, 20)) == (2025 - 1970) * 12 + 8
