from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lake.additive import differences, signed

KEY, DOCUMENT, ORDER, MEASURES = ("cell",), ("doc",), ("version", "known_at", "row_digest"), ("amount", "n")
ROWS = pa.schema([("cell", pa.string()), ("doc", pa.string()), ("version", pa.int64()), ("known_at", pa.date32()), ("row_digest", pa.string()),
                  ("amount", pa.int64()), ("n", pa.int64()), ("deleted", pa.bool_())])  # fmt: skip
STORED = pa.schema([("cell", pa.string()), ("known_at", pa.date32()), ("amount", pa.int64()), ("n", pa.int64())])


def row(version: int, known: date, amount: int, doc: str = "d", cell: str = "c", digest: str = "", deleted: bool = False) -> dict[str, object]:
    return {"cell": cell, "doc": doc, "version": version, "known_at": known, "row_digest": digest or str(amount), "amount": amount, "n": 1, "deleted": deleted}


def apply(rows: list[dict[str, object]], stored: pa.Table) -> pa.Table:
    found = differences(pa.Table.from_pylist(rows, schema=ROWS), KEY, DOCUMENT, ORDER, MEASURES, stored)
    return found.cast(STORED)


def read(stored: pa.Table, as_of: date, cell: str = "c", measure: str = "amount") -> int:
    return sum(r[measure] for r in stored.to_pylist() if r["cell"] == cell and r["known_at"] <= as_of)


def test_worked_example_of_the_lake() -> None:
    """100 known 10 Feb, 150 known 5 Mar, then the second version, 120 known 20 Feb, arrives late."""
    first = apply([row(1, date(2026, 2, 10), 100), row(3, date(2026, 3, 5), 150)], STORED.empty_table())
    assert [(r["known_at"], r["amount"]) for r in first.to_pylist()] == [(date(2026, 2, 10), 100), (date(2026, 3, 5), 50)]
    late = apply([row(1, date(2026, 2, 10), 100), row(3, date(2026, 3, 5), 150), row(2, date(2026, 2, 20), 120)], first)
    assert [(r["known_at"], r["amount"]) for r in late.to_pylist()] == [(date(2026, 2, 20), 20), (date(2026, 3, 5), -20)]
    both = pa.concat_tables([first, late])
    assert read(both, date(2026, 2, 25)) == 100 + 20
    assert read(both, date(2026, 3, 31)) == 100 + 50 + 20 - 20
    assert read(first, date(2026, 2, 25)) == 100  # the night published on 25 Feb reads its own run


def test_nothing_new_appends_nothing() -> None:
    rows = [row(1, date(2026, 2, 10), 100)]
    assert apply(rows, apply(rows, STORED.empty_table())).num_rows == 0


def test_a_deleted_version_takes_the_value_away_from_its_own_date() -> None:
    stored = apply([row(1, date(2026, 1, 1), 100), row(2, date(2026, 1, 9), 0, deleted=True)], STORED.empty_table())
    assert (read(stored, date(2026, 1, 8)), read(stored, date(2026, 1, 9))) == (100, 0)
    assert read(stored, date(2026, 1, 9), measure="n") == 0


def test_a_repeat_counts_once_and_from_the_date_known_first() -> None:
    stored = apply([row(1, date(2026, 1, 5), 100), row(1, date(2026, 1, 2), 100)], STORED.empty_table())
    assert [(r["known_at"], r["amount"]) for r in stored.to_pylist()] == [(date(2026, 1, 2), 100)]


def test_a_document_that_moves_leaves_its_old_cell() -> None:
    stored = apply([row(1, date(2026, 1, 1), 100, cell="a"), row(2, date(2026, 1, 5), 100, cell="b")], STORED.empty_table())
    assert (read(stored, date(2026, 1, 4), "a"), read(stored, date(2026, 1, 5), "a"), read(stored, date(2026, 1, 5), "b")) == (100, 0, 100)


def test_a_retired_batch_of_events_is_negated_on_the_date_it_was_known() -> None:
    rows = pa.table({"cell": ["c", "c", "c"], "known_at": pa.array([date(2026, 1, 1)] * 3), "amount": [10, 7, 10], "n": [1, None, 1], "sign": [1, 1, -1]})
    assert signed(rows, KEY, MEASURES).to_pylist() == [{"cell": "c", "known_at": date(2026, 1, 1), "amount": 7, "n": 0}]


ROW = st.builds(
    lambda doc, version, day, amount, cell, deleted: row(version, date(2026, 1, 1) + timedelta(days=day), amount, f"d{doc}", f"c{cell}", f"{amount}{cell}{deleted}", deleted),
    st.integers(0, 2), st.integers(1, 3), st.integers(0, 6), st.integers(-5, 5), st.integers(0, 1), st.booleans(),
)  # fmt: skip
ACTS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=8)


def rebuilt(rows: list[dict[str, object]], as_of: date, cell: str) -> int:
    """H(as_of) by brute force: of each document, its highest version known, repeats from the date known first."""
    found = 0
    for doc in {r["doc"] for r in rows}:
        versions: dict[tuple[object, object], dict[str, object]] = {}
        for r in sorted((r for r in rows if r["doc"] == doc and r["known_at"] <= as_of), key=lambda r: r["known_at"]):
            versions.setdefault((r["version"], r["row_digest"]), r)
        if versions:
            best = max(versions.values(), key=lambda r: (r["version"], r["known_at"], r["row_digest"]))
            found += 0 if best["deleted"] or best["cell"] != cell else best["amount"]
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(ROW, max_size=3), min_size=6, max_size=6), ACTS)
def test_any_order_of_arrivals_and_retirements_reads_as_a_rebuild_on_every_date(batches: list[list[dict[str, object]]], acts: list[tuple[bool, int]]) -> None:
    stored, in_force = STORED.empty_table(), set[int]()
    for receive, number in acts:
        in_force = in_force | {number} if receive else in_force - {number}
        rows = [r for b in sorted(in_force) for r in batches[b]]
        stored = pa.concat_tables([stored, apply(rows, stored)])
        for day in range(-1, 8):
            as_of = date(2026, 1, 1) + timedelta(days=day)
            for cell in ("c0", "c1"):
                assert read(stored, as_of, cell) == rebuilt(rows, as_of, cell)


def test_row_order_does_not_matter() -> None:
    rows = [row(v, date(2026, 1, 1 + v), 10 * v, f"d{v % 2}") for v in range(1, 9)]
    shuffled = [rows[i] for i in np.random.default_rng(7).permutation(len(rows))]
    assert apply(rows, STORED.empty_table()).equals(apply(shuffled, STORED.empty_table()))
