"""Changes since a step was last applied: what counts now and did not, less what counted and does no more."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.lake.kernel import Input, load
from jobs.lake.lake import Lake
from jobs.lake.read import data_files
from tests.lake.helpers import receive

EARLY, LATE, NIGHT = date(2026, 1, 5), date(2026, 1, 9), date(2026, 1, 10)


def invoice(no: str, known_at: date, net: int = 10) -> dict[str, Any]:
    return {"seller_id": "A", "invoice_no": no, "issued_on": date(2025, 12, 1), "net": net, "known_at": known_at, "row_digest": f"{no}-{net}"}


def changes(lake: Lake, before: int) -> list[tuple[str, date, int]]:
    run = lake.epoch()
    wanted = Input("changes", "invoice", tuple(data_files(lake.root, "invoice")), lake.batches_in_force(run), lake.batches_in_force(before))
    rows = load(lake.root, wanted, NIGHT, run).to_pylist()
    return sorted((r["invoice_no"], r["known_at"], r["sign"]) for r in rows)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(tmp_path / "lake", 1)


def test_new_rows_come_and_retired_rows_go(lake: Lake) -> None:
    receive(lake, "invoice", [invoice("1", LATE), invoice("2", LATE)], "a", lake.take_lease("t"))
    applied = lake.epoch()
    assert changes(lake, 0) == [("1", LATE, 1), ("2", LATE, 1)]
    assert changes(lake, applied) == []
    lake.retire("a", lake.take_lease("t"), "wrong")
    receive(lake, "invoice", [invoice("2", LATE), invoice("3", LATE)], "b", lake.epoch())
    #  1 goes; 2 goes with batch a and comes with batch b; 3 comes
    assert changes(lake, applied) == [("1", LATE, -1), ("2", LATE, -1), ("2", LATE, 1), ("3", LATE, 1)]


def test_an_event_known_earlier_than_stored_moves_and_is_not_counted_twice(lake: Lake) -> None:
    receive(lake, "invoice", [invoice("1", LATE)], "a", lake.take_lease("t"))
    applied = lake.epoch()
    receive(lake, "invoice", [invoice("1", EARLY)], "b", lake.take_lease("t"))
    assert changes(lake, applied) == [("1", EARLY, 1), ("1", LATE, -1)]
    lake.retire("b", lake.take_lease("t"), "wrong")
    assert changes(lake, applied) == []


def test_a_batch_received_and_retired_between_two_nights_never_was(lake: Lake) -> None:
    receive(lake, "invoice", [invoice("1", LATE)], "a", lake.take_lease("t"))
    lake.retire("a", lake.take_lease("t"), "wrong")
    assert changes(lake, 0) == []
