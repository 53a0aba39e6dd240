from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from jobs.analyse.months import taxpayer_month
from jobs.lake.step import Tables
from tests.analyse.given import given, money, night

NIGHT = night(date(2026, 1, 20))
JAN, FEB = date(2025, 1, 1), date(2025, 2, 1)
Rows = list[dict[str, Any]]


def ret(lines: dict[str, float], form: str = "VAT-G", tax: str = "VAT", version: int = 1, known: date = date(2025, 2, 10), batch: str = "b", **more: Any) -> Rows:
    """A return of January 2025 (or of `more`), one row per line."""
    head = {"taxpayer_id": "A", "tax": tax, "form": form, "period_from": JAN, "period_to": date(2025, 1, 31), "version": version, "known_at": known, "batch_id": batch}
    return [{**head, "return_line": k, "amount": money(v), **more} for k, v in lines.items()]


def run(returns: Rows = (), touched: Rows = (), invoices: Rows = (), payments: Rows = (), statements: Rows = ()) -> Rows:
    """`returns` and `statements` are changes; without `touched` nothing was there before."""
    found = taxpayer_month(
        Tables(
            changes={
                "invoice": given("invoice", invoices, sign=True), "payment": given("payment", payments, sign=True),
                "return_line": given("return_line", returns, sign=True), "financial_statement": given("financial_statement", statements, sign=True),
            },
            touched={
                "return_line": given("return_line", touched or [{k: v for k, v in r.items() if k != "sign"} for r in returns]),
                "financial_statement": given("financial_statement", [{k: v for k, v in r.items() if k != "sign"} for r in statements]),
            },
        ),
        NIGHT,
    )  # fmt: skip
    return [{k: v for k, v in r.items() if v != 0} for r in found.to_pylist()]


def plus(rows: Rows, sign: int = 1) -> Rows:
    return [{**r, "sign": sign} for r in rows]


def test_invoices_are_counted_in_the_month_of_issue_and_red_ones_take_away() -> None:
    one = {"seller_id": "A", "issued_on": date(2025, 1, 31), "known_at": date(2025, 2, 1), "sign": 1}
    found = run(invoices=[
        {**one, "invoice_no": "1", "kind": "special", "buyer_id": "B", "net": money(100), "tax_amount": money(13)},
        {**one, "invoice_no": "2", "kind": "ordinary", "buyer_id": None, "net": money("50.05"), "tax_amount": None},
        {**one, "invoice_no": "3", "kind": "red", "buyer_id": "B", "net": money(-40), "tax_amount": money("-5.20")},
        {**one, "invoice_no": "4", "kind": "special", "buyer_id": "B", "currency": "USD", "net": money(999), "tax_amount": money(9)},
    ])  # fmt: skip
    # 100 + 50.05 - 40 = 110.05; dollars are never added to yuan
    assert found == [{"taxpayer_id": "A", "month": JAN, "known_at": date(2025, 2, 1), "out_n": 3, "out_red_n": 1, "out_consumer_n": 1,
                      "out_net": 110_05, "out_tax": 13_00 - 5_20, "out_red_net": -40_00}]  # fmt: skip


def test_a_retired_batch_of_invoices_is_taken_back() -> None:
    one = {"seller_id": "A", "invoice_no": "1", "issued_on": JAN, "kind": "special", "buyer_id": "B", "net": money(10), "tax_amount": money(1)}
    assert run(invoices=[{**one, "sign": 1}, {**one, "sign": -1}]) == []


def test_payments_go_to_the_period_they_are_for() -> None:
    one = {"taxpayer_id": "A", "paid_on": date(2025, 3, 1), "period_from": JAN, "period_to": date(2025, 1, 31), "known_at": date(2025, 3, 2), "sign": 1}
    found = run(payments=[
        {**one, "payment_no": "1", "tax": "VAT", "kind": "tax", "amount": money(100)},
        {**one, "payment_no": "2", "tax": "VAT", "kind": "refund", "amount": money(-30)},
        {**one, "payment_no": "3", "tax": "VAT", "kind": "interest", "amount": money(2)},
        {**one, "payment_no": "4", "tax": "CIT", "kind": "tax", "amount": money(7), "period_from": None, "period_to": None},
    ])  # fmt: skip
    assert found == [
        {"taxpayer_id": "A", "month": JAN, "known_at": date(2025, 3, 2), "paid_vat": 70_00, "paid_extra": 2_00},
        {"taxpayer_id": "A", "month": date(2025, 3, 1), "known_at": date(2025, 3, 2), "paid_cit": 7_00},
    ]


def test_a_return_and_its_amendment_each_count_from_the_day_they_were_known() -> None:
    first = ret({"sales": 1000, "output": 130, "input": 100, "due": 30, "credit_out": 5})
    second = ret({"sales": 1200, "output": 156, "input": 100, "due": 56}, version=2, known=date(2025, 4, 1))
    found = run(plus(first + second))
    assert found == [
        {"taxpayer_id": "A", "month": JAN, "known_at": date(2025, 2, 10), "vat_sales": 1000_00, "vat_output": 130_00, "vat_input": 100_00,
         "vat_due": 30_00, "vat_credit": 5_00, "returns_n": 1},
        {"taxpayer_id": "A", "month": JAN, "known_at": date(2025, 4, 1), "vat_sales": 200_00, "vat_output": 26_00, "vat_due": 26_00, "vat_credit": -5_00,
         "amendments_n": 1, "amended_up": 26_00},
    ]  # fmt: skip


def test_an_amendment_that_comes_in_a_later_night_appends_only_what_it_changes() -> None:
    first = ret({"sales": 1000, "due": 30}, batch="b1")
    second = ret({"sales": 900, "due": 20}, version=2, known=date(2025, 4, 1), batch="b2")
    assert run(plus(second), touched=first + second) == [
        {"taxpayer_id": "A", "month": JAN, "known_at": date(2025, 4, 1), "vat_sales": -100_00, "vat_due": -10_00, "amendments_n": 1, "amended_down": -10_00}
    ]


def test_returns_of_several_taxes_in_one_month_do_not_disturb_each_other() -> None:
    vat, wages = ret({"sales": 1000, "due": 30}, batch="b1"), ret({"wages": 500, "heads": 4, "dividends": 20, "dividend_due": 4, "due": 9}, form="PIT-W", tax="PIT", batch="b2")
    assert run(plus(wages), touched=wages) == [
        {"taxpayer_id": "A", "month": JAN, "known_at": date(2025, 2, 10), "pit_wages": 500_00, "pit_heads": 4, "pit_due": 9_00, "pit_dividend_due": 4_00, "returns_n": 1}
    ]
    assert len(run(plus(vat + wages))) == 1


def test_a_yearly_return_lies_in_the_last_month_of_its_period() -> None:
    year = {"period_from": JAN, "period_to": date(2025, 12, 31)}
    found = run(plus(ret({"revenue": 10, "cost": 6, "profit": 1, "due": 0.25}, form="CIT-A", tax="CIT", **year)))
    assert found[0]["month"] == date(2025, 12, 1)
    assert (found[0]["cit_revenue"], found[0]["cit_cost"], found[0]["cit_due"]) == (10_00, 6_00, 25)


def test_a_return_without_its_due_line_is_no_fall_of_tax() -> None:
    found = run(plus(ret({"sales": 10, "due": 3}) + ret({"sales": 10}, version=2, known=date(2025, 4, 1))))
    assert found[1] == {"taxpayer_id": "A", "month": JAN, "known_at": date(2025, 4, 1), "vat_due": -3_00, "amendments_n": 1}


def test_statement_items_lie_at_the_end_of_their_quarter() -> None:
    head = {"taxpayer_id": "A", "period_from": JAN, "period_to": date(2025, 3, 31), "known_at": date(2025, 4, 20), "sign": 1}
    found = run(statements=[{**head, "item": i, "amount": money(v)} for i, v in (("revenue", 100), ("inventory", 40), ("receivable_related", 3), ("other", 9))])
    assert found == [{"taxpayer_id": "A", "month": date(2025, 3, 1), "known_at": date(2025, 4, 20), "fs_revenue": 100_00, "fs_inventory": 40_00, "fs_receivable_related": 3_00}]


def test_a_retired_return_leaves_nothing() -> None:
    rows = ret({"sales": 1000, "due": 30}, batch="b1")
    there = run(plus(rows))
    gone = taxpayer_month(
        Tables(changes={n: given(n, plus(rows, -1) if n == "return_line" else [], sign=True) for n in ("invoice", "payment", "return_line", "financial_statement")},
               touched={n: given(n) for n in ("return_line", "financial_statement")}), NIGHT)  # fmt: skip
    assert [r["vat_sales"] for r in gone.to_pylist()] == [-r["vat_sales"] for r in there]


BATCH = st.lists(
    st.builds(
        lambda month, version, day, due: ret({"sales": due * 10, "due": due}, version=version, known=date(2025, 3, 1) + timedelta(days=day),
                                             period_from=date(2025, month, 1), period_to=date(2025, month, 28), filed_on=date(2025, 3, 1) + timedelta(days=due)),
        st.integers(1, 2), st.integers(1, 3), st.integers(0, 4), st.integers(0, 3)),
    max_size=2)  # fmt: skip


@settings(max_examples=60, deadline=None)
@drawn(st.lists(BATCH, min_size=4, max_size=4), st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=6))
def test_any_order_of_batches_and_retirements_sums_to_a_rebuild(batches: list[list[Rows]], acts: list[tuple[bool, int]]) -> None:
    def of(number: int, sign: int | None = None) -> Rows:
        more = {} if sign is None else {"sign": sign}
        return [{**r, "batch_id": f"b{number}", **more} for document in batches[number] for r in document]

    def kernel(changes: Rows, there: Rows) -> pa.Table:
        names = ("invoice", "payment", "return_line", "financial_statement")
        documents = {(r["period_from"],) for r in changes}
        touched = [r for r in there if (r["period_from"],) in documents]
        return taxpayer_month(
            Tables(changes={n: given(n, changes if n == "return_line" else [], sign=True) for n in names},
                   touched={n: given(n, touched if n == "return_line" else []) for n in ("return_line", "financial_statement")}), NIGHT)  # fmt: skip

    appended: list[pa.Table] = []
    before = set[int]()
    for receive, number in acts:
        now = before | {number} if receive else before - {number}
        changes = [r for b in now - before for r in of(b, 1)] + [r for b in before - now for r in of(b, -1)]
        there = [r for b in sorted(now) for r in of(b)]
        appended.append(kernel(changes, there))
        rebuilt = kernel([{**r, "sign": 1} for r in there], there)
        for day in range(6):
            as_of = date(2025, 3, 1) + timedelta(days=day)
            for measure in ("vat_sales", "vat_due", "returns_n", "amendments_n", "amended_up", "amended_down"):
                assert _sums(appended, as_of, measure) == _sums([rebuilt], as_of, measure)
        before = now


def _sums(parts: list[pa.Table], as_of: date, measure: str) -> dict[date, int]:
    found: dict[date, int] = {}
    for row in (r for p in parts for r in p.to_pylist() if r["known_at"] <= as_of):
        found[row["month"]] = found.get(row["month"], 0) + row[measure]
    return {m: v for m, v in found.items() if v}
