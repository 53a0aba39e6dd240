from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lake.read import known, resolve
from jobs.lake.tables import Table, table
from jobs.sources.check import RECORDS, row_schema
from jobs.sources.receive import Arrived, Received, Terms, receive, stored_schema

D1, D2, D3 = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)
PENALTY, PAYMENT = table("penalty"), table("payment")
NOTHING = stored_schema(PENALTY).empty_table()
NO_PAYMENT = stored_schema(PAYMENT).empty_table()


def _arrived(contract: Table, rows: list[dict[str, Any]], broken: list[dict[str, Any]] | None = None) -> Arrived:
    """A delivery: one record per row, in lines 1, 2, …; `broken` records follow."""
    keys = {"penalty": {"penalty_no": "p"}, "payment": {"payment_no": "p", "paid_on": D1, "taxpayer_id": "t"}}[contract.name]
    plain = {**keys, "known_at": D1, "event_at": D1, "version": None, "row_digest": "a"}
    full = [{**plain, "line": n, **row} for n, row in enumerate(rows, 1)]
    schema = row_schema(contract).append(pa.field("file", pa.string()))
    records = [{"line": r["line"], "raw": "r", "file": "f", "id": "t"} for r in full]
    records += [{"line": len(full) + n, "raw": "r", "file": "f", "rules": ["x"], "reason": "x", **b} for n, b in enumerate(broken or [], 1)]
    return Arrived(
        pa.Table.from_pylist(records, schema=RECORDS.append(pa.field("file", pa.string()))),
        pa.Table.from_pylist([{**r, "file": "f"} for r in full], schema=schema),
    )


def _fates(found: Received) -> list[str]:
    return [r["fate"] for r in sorted(found.records.to_pylist(), key=lambda r: r["line"])]


def _numbered(rows: list[dict[str, Any]], stored: pa.Table = NOTHING) -> Received:
    return receive(_arrived(PENALTY, rows), stored, PENALTY, Terms(D3, 1))


def test_the_highest_version_is_accepted_and_the_others_superseded():
    found = _numbered([{"version": 1}, {"version": 2, "row_digest": "b"}])
    assert _fates(found) == ["superseded", "accepted"] and found.rows.num_rows == 2
    late = _numbered([{"version": 1, "row_digest": "c"}], found.stored)  # other content of version 1: stored, known to all
    assert _fates(late) == ["superseded"] and late.rows.num_rows == 1
    top = _numbered([{"version": 3, "row_digest": "a"}], found.stored)
    assert _fates(top) == ["accepted"]


def test_same_key_version_and_content_is_a_duplicate_within_a_batch_and_against_the_stored():
    found = _numbered([{"version": 1}, {"version": 1}])
    assert _fates(found) == ["accepted", "duplicate"] and found.rows["line"].to_pylist() == [1]
    again = _numbered([{"version": 1}], found.stored)
    assert _fates(again) == ["duplicate"] and again.rows.num_rows == 0


def test_a_duplicate_known_earlier_is_stored_and_stays_a_duplicate():
    first = _numbered([{"version": 1, "known_at": D2}])
    earlier = _numbered([{"version": 1, "known_at": D1}], first.stored)
    assert _fates(earlier) == ["duplicate"] and earlier.rows["known_at"].to_pylist() == [D1]
    third = _numbered([{"version": 1, "known_at": D1}], earlier.stored)
    assert third.rows.num_rows == 0


def _events(rows: list[dict[str, Any]], stored: pa.Table = NO_PAYMENT) -> Received:
    return receive(_arrived(PAYMENT, rows), stored, PAYMENT, Terms(D3, 1, numbered=False))


def test_an_event_never_changes_other_content_is_a_conflict():
    found = _events([{}, {}, {"row_digest": "b"}])
    assert _fates(found) == ["accepted", "duplicate", "quarantined"] and found.rows.num_rows == 1
    assert found.records.to_pylist()[2]["rules"] == ["conflict"] and "event of its own" in found.records.to_pylist()[2]["reason"]
    assert found.rows["version"].to_pylist() == [0]
    later = _events([{"row_digest": "b"}, {"known_at": date(2025, 1, 1)}], found.stored)
    assert _fates(later) == ["quarantined", "duplicate"] and later.rows["known_at"].to_pylist() == [date(2025, 1, 1)]


def test_the_partition_date_is_part_of_an_events_key():
    assert _fates(_events([{}, {"paid_on": D2, "row_digest": "b"}])) == ["accepted", "accepted"]


def _snapshot(rows: list[dict[str, Any]], stored: pa.Table = NOTHING, broken: list[dict[str, Any]] | None = None, **terms: Any) -> Received:
    plain = {"day": D3, "receipt": 2, "snapshot": True, "numbered": False}
    return receive(_arrived(PENALTY, rows, broken), stored, PENALTY, Terms(**{**plain, **terms}))


def test_a_snapshot_stores_what_changed_and_hides_what_is_gone():
    first = _snapshot([{"penalty_no": k} for k in "pqr"], receipt=1, day=D1)
    assert _fates(first) == ["accepted"] * 3 and first.rows["version"].to_pylist() == [1, 1, 1]
    second = _snapshot([{"penalty_no": "p"}, {"penalty_no": "q", "row_digest": "b", "known_at": D3}], first.stored)
    assert _fates(second) == ["duplicate", "accepted"]
    rows = {r["penalty_no"]: r for r in second.rows.to_pylist()}
    assert set(rows) == {"q", "r"} and rows["q"]["version"] == 2
    assert (rows["r"]["deleted"], rows["r"]["known_at"], rows["r"]["version"]) == (True, D3, 2)
    third = _snapshot([{"penalty_no": k, "row_digest": d, "known_at": D3} for k, d in (("p", "a"), ("q", "a"), ("r", "a"))], second.stored, receipt=3)
    assert _fates(third) == ["duplicate", "accepted", "accepted"]  # q is back to its first content, r is there again
    assert {r["penalty_no"]: r["version"] for r in third.rows.to_pylist()} == {"q": 3, "r": 3}


def test_a_broken_record_spares_its_key_and_an_unreadable_one_spares_all():
    first = _snapshot([{"penalty_no": k} for k in "pq"], receipt=1)
    assert _snapshot([], first.stored, broken=[{"id": "q"}]).rows["penalty_no"].to_pylist() == ["p"]
    assert _snapshot([], first.stored, broken=[{"id": None}], complete=False).rows.num_rows == 0


def test_history_of_a_snapshot_is_not_known_before_the_snapshot_that_lacked_it():
    first = _snapshot([{"penalty_no": "p", "known_at": date(2020, 1, 1)}], receipt=1, day=D1)
    assert first.rows["known_at"].to_pylist() == [date(2020, 1, 1)]
    rows = [{"penalty_no": "p"}, {"penalty_no": "old", "known_at": date(2020, 1, 1)}, {"penalty_no": "new", "known_at": D2}]
    second = _snapshot(rows, first.stored, previous_day=D1)
    assert {r["penalty_no"]: r["known_at"] for r in second.rows.to_pylist()} == {"old": D3, "new": D2}


def test_increments_without_a_version_store_changes_by_receipt():
    first = receive(_arrived(PENALTY, [{}]), NOTHING, PENALTY, Terms(D1, 1, numbered=False))
    assert first.rows["version"].to_pylist() == [1]
    changed = receive(_arrived(PENALTY, [{"row_digest": "b"}]), first.stored, PENALTY, Terms(D2, 2, numbered=False))
    assert _fates(changed) == ["accepted"] and changed.rows["version"].to_pylist() == [2]
    same = receive(_arrived(PENALTY, [{"row_digest": "b", "known_at": date(2025, 1, 1)}]), changed.stored, PENALTY, Terms(D3, 3, numbered=False))
    assert _fates(same) == ["duplicate"] and same.rows["version"].to_pylist() == [2]  # known earlier: stored as what it repeats


def test_lines_of_one_record_move_together():
    contract = table("return_line")
    schema = row_schema(contract).append(pa.field("file", pa.string()))
    key = {"taxpayer_id": "t", "tax": "VAT", "form": "F", "period_from": D1, "period_to": D1}
    own = {"known_at": D1, "event_at": D1, "file": "f", "version": 1}
    rows = [{**key, **own, "line": n, "return_line": name, "row_digest": d} for n, d in ((1, "a"), (2, "a"), (3, "b")) for name in ("sales", "due")]
    records = pa.Table.from_pylist([{"line": n, "raw": "", "file": "f", "id": "t"} for n in (1, 2, 3)], schema=RECORDS.append(pa.field("file", pa.string())))
    found = receive(Arrived(records, pa.Table.from_pylist(rows, schema=schema)), stored_schema(contract).empty_table(), contract, Terms(D3, 1))
    assert _fates(found) == ["superseded", "duplicate", "accepted"]
    assert Counter(r["line"] for r in found.rows.to_pylist()) == {1: 2, 3: 2}


def test_inner_rows_follow_their_record():
    contract, inner = table("invoice"), table("invoice_line")
    own = {"known_at": D1, "event_at": D1, "file": "f", "row_digest": "a", "issued_on": D1, "seller_id": "s"}
    file = pa.field("file", pa.string())
    rows = pa.Table.from_pylist([{**own, "invoice_no": "i", "line": n} for n in (1, 2)], schema=row_schema(contract).append(file))
    lines = pa.Table.from_pylist([{**own, "invoice_no": "i", "line": n, "line_no": "1", "known_at": D2} for n in (1, 2)], schema=row_schema(inner).append(file))
    records = pa.Table.from_pylist([{"line": n, "raw": "", "file": "f", "id": "s"} for n in (1, 2)], schema=RECORDS.append(file))
    found = receive(Arrived(records, rows, {"invoice_line": lines}), stored_schema(contract).empty_table(), contract, Terms(D3, 1, numbered=False))
    assert _fates(found) == ["accepted", "duplicate"]
    assert [(r["line"], r["known_at"], r["version"]) for r in found.details["invoice_line"].to_pylist()] == [(1, D1, 0)]


def test_nothing_arrived_and_nothing_stored():
    assert _numbered([]).records.num_rows == 0 and _snapshot([]).rows.num_rows == 0 and _events([]).rows.num_rows == 0


row = st.fixed_dictionaries({
    "penalty_no": st.sampled_from("pqr"), "version": st.integers(1, 3), "row_digest": st.sampled_from("ab"),
    "known_at": st.integers(0, 4).map(lambda n: D1 + timedelta(n)),
})  # fmt: skip
delivery = st.lists(row, max_size=6)


def _received(deliveries: list[list[dict[str, Any]]], terms: dict[str, Any]) -> list[Received]:
    found: list[Received] = []
    for n, rows in enumerate(deliveries, 1):
        stored = found[-1].stored if found else NOTHING
        found.append(receive(_arrived(PENALTY, rows), stored, PENALTY, Terms(D1 + timedelta(9), n, **terms)))
    return found


def _resolved(rows: list[dict[str, Any]], as_of: date) -> dict[str, tuple[int, str]]:
    full = [{"run": 1, "batch_id": "b", "source": "s", "deleted": None, **r} for r in rows]
    schema = pa.schema([f for f in PENALTY.schema if f.name != "bucket"])
    seen = known(pa.Table.from_pylist(full, schema=schema), as_of, 1, None)
    return {r["penalty_no"]: (r["version"], r["row_digest"]) for r in resolve(seen, PENALTY).to_pylist()}


@settings(max_examples=80, deadline=None)
@given(st.lists(delivery, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_every_record_has_one_fate_and_re_receipt_stores_nothing(deliveries: list[list[dict[str, Any]]], snapshot: bool, numbered: bool):
    found = _received(deliveries, {"snapshot": snapshot, "numbered": numbered})
    for rows, one in zip(deliveries, found, strict=True):
        assert one.records.num_rows == len(rows) and set(_fates(one)) <= {"accepted", "superseded", "duplicate"}
    if not snapshot and numbered:
        again = receive(_arrived(PENALTY, deliveries[0]), found[-1].stored, PENALTY, Terms(D1 + timedelta(9), 9))
        assert set(_fates(again)) <= {"duplicate"} and again.rows.num_rows == 0


@settings(max_examples=80, deadline=None)
@given(st.lists(delivery, min_size=1, max_size=4), st.integers(0, 5))
def test_what_is_stored_reads_as_if_everything_had_been(deliveries: list[list[dict[str, Any]]], days: int):
    as_of = D1 + timedelta(days)
    everything = [{**r, "line": n, "file": "f", "event_at": D1} for n, r in enumerate(r for d in deliveries for r in d)]
    stored = [r for one in _received(deliveries, {}) for r in one.rows.to_pylist()]
    assert _resolved(stored, as_of) == _resolved(everything, as_of)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("pqr"), st.sampled_from("ab")), min_size=1, max_size=5))
def test_snapshots_read_as_the_last_one(snapshots: list[dict[str, str]]):
    deliveries = [[{"penalty_no": k, "row_digest": d, "known_at": D1 + timedelta(n)} for k, d in s.items()] for n, s in enumerate(snapshots)]
    found: list[Received] = []
    for n, rows in enumerate(deliveries):
        stored = found[-1].stored if found else NOTHING
        found.append(receive(_arrived(PENALTY, rows), stored, PENALTY, Terms(D1 + timedelta(n), n + 1, snapshot=True, numbered=False)))
    stored_rows = [r for one in found for r in one.rows.to_pylist()]
    for n, snapshot in enumerate(snapshots):
        assert {k: d for k, (_, d) in _resolved(stored_rows, D1 + timedelta(n)).items()} == snapshot


@settings(max_examples=40, deadline=None)
@given(st.lists(st.fixed_dictionaries({"payment_no": st.sampled_from("pq"), "row_digest": st.sampled_from("ab")}), max_size=6), st.randoms())
def test_an_events_fate_does_not_depend_on_row_order(rows: list[dict[str, Any]], random: Any):
    arrived = _arrived(PAYMENT, rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = Arrived(arrived.records.take(pa.array(order, pa.int64())), arrived.rows.take(pa.array(order, pa.int64())))
    terms = Terms(D3, 1, numbered=False)
    one, other = (receive(a, NO_PAYMENT, PAYMENT, terms) for a in (arrived, shuffled))
    assert _fates(one) == _fates(other)
    assert sorted(one.rows["line"].to_pylist()) == sorted(other.rows["line"].to_pylist())
