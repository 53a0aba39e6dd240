"""After any order of receipts, back-fills, retirements and nights the month table reads as a rebuild, on every date; past runs read what they read."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jobs.lake import state
from tests.lake.fire import Fire
from tests.lake.helpers import acknowledge

FIRST = date(2026, 1, 1)
DAYS = tuple(FIRST + timedelta(days=n) for n in range(8))
Rows = dict[str, list[dict[str, Any]]]


def invoice(no: int, day: int, net: int) -> dict[str, Any]:
    return {"seller_id": "A", "invoice_no": str(no), "issued_on": FIRST, "net": net, "known_at": DAYS[day], "row_digest": f"{no}-{net}"}


def payment(no: int, day: int, amount: int) -> dict[str, Any]:
    return {"taxpayer_id": "A", "payment_no": str(no), "tax": "VAT", "kind": "tax", "paid_on": FIRST, "amount": amount, "known_at": DAYS[day], "row_digest": f"p{no}-{amount}"}


def vat(month: int, version: int, day: int, due: int) -> list[dict[str, Any]]:
    head = {"taxpayer_id": "A", "tax": "VAT", "form": "VAT-G", "period_from": date(2025, month, 1), "period_to": date(2025, month, 28),
            "version": version, "known_at": DAYS[day], "row_digest": f"r{month}{version}{due}"}  # fmt: skip
    return [{**head, "return_line": "sales", "amount": due * 10}, {**head, "return_line": "due", "amount": due}]


def test_a_batch_known_later_than_the_night_that_finds_it_is_counted_from_its_day(tmp_path: Path) -> None:
    """Received in advance of the night's date, a batch must neither be seen early nor be taken for applied."""
    fire = Fire.at(tmp_path / "lake")
    fire.receive("b1", {"invoice": [invoice(1, 0, 5)]})
    fire.receive("b2", {"invoice": [invoice(2, 6, 7)], "return_line": vat(1, 1, 6, 3)})
    fire.night(DAYS[2], DAYS)
    assert fire.read(DAYS[2], 10**6)["A", FIRST, "out_net"] == 500
    fire.night(DAYS[7], DAYS)
    assert fire.read(DAYS[7], 10**6) == fire.rebuilt(DAYS[7])
    assert fire.read(DAYS[7], 10**6)["A", FIRST, "out_net"] == 500 + 700


def test_what_comes_late_counts_beside_the_state_it_came_too_late_for(tmp_path: Path) -> None:
    #  known 1 Jan      state of 4 Jan      known 2 Jan, received after it        read on 3 Jan and on 6 Jan: both
    fire = Fire.at(tmp_path / "lake")
    fire.receive("b1", {"invoice": [invoice(1, 0, 5)]})
    fire.night(DAYS[3], DAYS)
    fire.state(DAYS[4])
    fire.receive("b2", {"invoice": [invoice(2, 1, 7)]})
    fire.night(DAYS[5], DAYS)
    (file,) = fire.wanted(DAYS[5], 10**6).files
    assert file.known == (DAYS[1], DAYS[1])  # what the state holds is not read again
    for day in DAYS:
        assert fire.read_from_state(day, 10**6) == fire.rebuilt(day), day
    assert fire.read_from_state(DAYS[5], 10**6)["A", FIRST, "out_net"] == 500 + 700


@st.composite
def contents(draw: st.DrawFn) -> Rows:
    """A delivery: events whose key says their content, returns in versions."""
    day, no, value, month, version = st.integers(0, 7), st.integers(0, 3), st.integers(1, 3), st.integers(1, 2), st.integers(1, 3)
    invoices = draw(st.lists(st.builds(lambda n, d: invoice(n, d, n + 1), no, day), max_size=3, unique_by=lambda r: r["invoice_no"]))
    payments = draw(st.lists(st.builds(lambda n, d: payment(n, d, n + 1), no, day), max_size=2, unique_by=lambda r: r["payment_no"]))
    returns = draw(st.lists(st.builds(vat, month, version, day, value), max_size=2, unique_by=lambda r: (r[0]["period_to"], r[0]["version"])))
    return {"invoice": invoices, "payment": payments, "return_line": [line for document in returns for line in document]}


KINDS = ("receive", "receive", "retire", "night", "half", "compact", "state")
ACTS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 7)), min_size=4, max_size=10)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(contents(), min_size=4, max_size=4), ACTS)
@example(  # a back-fill comes after what follows it; its predecessor is retired and received again; nights between, the last one back in time
    [{"return_line": vat(1, 1, 0, 1)}, {"return_line": vat(1, 3, 5, 3)}, {"return_line": vat(1, 2, 3, 2)}, {"invoice": [invoice(1, 7, 2)]}],
    [("receive", 0, 0), ("receive", 1, 0), ("night", 0, 5), ("receive", 2, 0), ("receive", 3, 0), ("night", 0, 6), ("retire", 1, 0), ("receive", 1, 0), ("night", 0, 4)],
)
@example(  # half received, then merged and summed around it, completed after a night; another is retired out of a merged file
    [{"invoice": [invoice(1, 0, 2)]}, {"invoice": [invoice(2, 0, 3)]}, {"payment": [payment(1, 0, 5)]}, {"invoice": [invoice(1, 0, 2)]}],
    [("half", 0, 0), ("receive", 1, 0), ("compact", 0, 0), ("night", 0, 3), ("state", 0, 3), ("receive", 0, 0), ("compact", 0, 0), ("night", 0, 4), ("retire", 1, 0)],
)
def test_any_order_of_receipts_and_nights_reads_as_a_rebuild(deliveries: list[Rows], acts: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        fire = Fire.at(Path(folder) / "lake")
        ids: dict[int, str] = {}
        halves: dict[int, str] = {}
        for turn, (act, number, day) in enumerate(acts):
            if act == "receive" and number in halves:
                acknowledge(fire.lake, halves[number], fire.lake.take_lease("ingest"))  # a later run completes it
                ids[number] = halves.pop(number)
            elif act == "receive" and ids.get(number) not in fire.in_force():
                ids[number] = f"{number}.{turn}"  # received again is another batch
                fire.receive(ids[number], deliveries[number])
            elif act == "half" and number not in halves and ids.get(number) not in fire.in_force():
                halves[number] = f"{number}.{turn}"
                fire.half(halves[number], deliveries[number])
            elif act == "retire" and ids.get(number) in fire.in_force():
                fire.retire(ids[number])
            elif act == "night":
                fire.night(DAYS[day], DAYS)
            elif act == "compact":
                fire.compact()
            elif act == "state":
                fire.state(DAYS[day])
        fire.night(DAYS[-1], DAYS)
        for day_ in DAYS:
            assert fire.read(day_, 10**6) == fire.rebuilt(day_) == fire.read_from_state(day_, 10**6), day_
        for (run, day_), then in fire.applied.items():
            assert fire.read(day_, run) == then == fire.read_from_state(day_, run), (run, day_)


@pytest.fixture(autouse=True)
def days_are_months(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a week has many turns of the month."""
    monkeypatch.setattr(state, "turn_of_month", lambda as_of: as_of - timedelta(days=1))
