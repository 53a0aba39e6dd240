"""Reading as of a date: both clocks, batches in force, versions, repeats."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lake.read import in_force, known, latest, resolve
from jobs.lake.tables import table
from tests.lake.helpers import silver

FEB10, FEB20, MAR5 = date(2026, 2, 10), date(2026, 2, 20), date(2026, 3, 5)
PERIOD = {"tax": "VAT", "form": "VAT-G", "period_from": date(2026, 1, 1), "period_to": date(2026, 1, 31)}


def line(version: int, amount: int | None, known_at: date, name: str = "due", digest: str | None = None, **more: Any) -> dict[str, Any]:
    return {"taxpayer_id": "A", **PERIOD, "return_line": name, "amount": amount, "version": version, "known_at": known_at, "row_digest": digest or f"v{version}", **more}


def amounts(rows: list[dict[str, Any]], as_of: date, run: int = 9) -> dict[str, int]:
    contract = table("return_line")
    found = resolve(known(silver("return_line", rows, "b", 1), as_of, run, frozenset({"b"})), contract)
    return {r["return_line"]: int(r["amount"]) for r in found.to_pylist()}


#   version   1          3          2 (late)      as of 15 Feb   25 Feb   10 Mar
#   amount    100        150        120           100            120      150
#   known     10 Feb     5 Mar      20 Feb
VERSIONS = [line(1, 100, FEB10), line(3, 150, MAR5), line(2, 120, FEB20)]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [(date(2026, 2, 9), {}), (date(2026, 2, 15), {"due": 100}), (date(2026, 2, 25), {"due": 120}), (date(2026, 3, 10), {"due": 150})],
)
def test_the_highest_version_known_by_then_counts(as_of: date, expected: dict[str, int]) -> None:
    assert amounts(VERSIONS, as_of) == expected


def test_all_lines_of_a_document_move_together() -> None:
    #  version 1: sales 10, due 1        version 2: due 2 alone        read: due 2, and no sales left over from version 1
    rows = [line(1, 10, FEB10, "sales"), line(1, 1, FEB10, "due"), line(2, 2, FEB20, "due")]
    assert amounts(rows, MAR5) == {"due": 2}


def test_a_deleted_version_hides_the_key() -> None:
    assert amounts([line(1, 100, FEB10), line(2, None, FEB20, deleted=True)], MAR5) == {}


def test_equal_versions_are_ordered_by_known_at_then_digest() -> None:
    assert amounts([line(1, 5, FEB20, digest="a"), line(1, 4, FEB10, digest="z")], MAR5) == {"due": 5}
    assert amounts([line(1, 5, FEB20, digest="a"), line(1, 4, FEB20, digest="z")], MAR5) == {"due": 4}


def test_a_repeat_counts_once_and_from_the_earliest_day() -> None:
    rows = [line(1, 100, MAR5, digest="same"), line(1, 100, FEB10, digest="same")]
    assert amounts(rows, FEB20) == {"due": 100}
    found = resolve(known(silver("return_line", rows, "b", 1), MAR5, 9, frozenset({"b"})), table("return_line"))
    assert found["known_at"].to_pylist() == [FEB10]


def test_a_later_run_and_a_batch_not_in_force_are_not_seen() -> None:
    rows = silver("return_line", [line(1, 1, FEB10)], "b", 5)
    assert known(rows, MAR5, 4, frozenset({"b"})).num_rows == 0
    assert known(rows, MAR5, 5, frozenset()).num_rows == 0
    assert known(rows, MAR5, 5, frozenset({"b"})).num_rows == 1


#   run       1         2         3              in force at 0: -   1: a   2: a, b   3: b
@pytest.mark.parametrize(("run", "expected"), [(0, set()), (1, {"a"}), (2, {"a", "b"}), (3, {"b"})])
def test_batches_in_force(run: int, expected: set[str]) -> None:
    acts = pa.table({"batch_id": ["a", "b", "a"], "act": ["received", "received", "retired"], "run": [1, 2, 3]})
    assert in_force(acts, run) == expected


def test_link_rows_are_read_by_the_last_known() -> None:
    rows = pa.table({"k": ["x", "x", "y"], "t": ["old", "new", "only"], "known_at": pa.array([FEB10, MAR5, FEB10], pa.date32()), "run": [1, 2, 1]})
    assert sorted(latest(rows, ("k",))["t"].to_pylist()) == ["new", "only"]


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    one = st.tuples(st.sampled_from("AB"), st.integers(0, 3), st.integers(0, 9), st.integers(0, 40), st.booleans())
    return [
        {**line(v, a, FEB10 + timedelta(days=k), digest=f"{v}{a}{d}"), "taxpayer_id": t, "deleted": d} for t, v, a, k, d in draw(st.lists(one, max_size=12))
    ]


@settings(max_examples=150, deadline=None)
@given(histories(), st.integers(0, 45), st.randoms())
def test_resolution_equals_the_rule_said_in_words(rows: list[dict[str, Any]], day: int, random: Any) -> None:
    as_of = FEB10 + timedelta(days=day)
    expected: dict[str, int] = {}
    for taxpayer in "AB":
        seen = [r for r in rows if r["taxpayer_id"] == taxpayer and r["known_at"] <= as_of]
        first = {(r["version"], r["row_digest"]): min(s["known_at"] for s in seen if (s["version"], s["row_digest"]) == (r["version"], r["row_digest"])) for r in seen}
        if seen:
            top = max(seen, key=lambda r: (r["version"], first[r["version"], r["row_digest"]], r["row_digest"]))
            if not top["deleted"]:
                expected[taxpayer] = top["amount"]
    shuffled = list(rows)
    random.shuffle(shuffled)
    found = resolve(known(silver("return_line", shuffled, "b", 1), as_of, 9, frozenset({"b"})), table("return_line"))
    assert {r["taxpayer_id"]: int(r["amount"]) for r in found.to_pylist()} == expected
