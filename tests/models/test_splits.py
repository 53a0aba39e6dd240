"""Splits: nothing of the future, no entity on both sides, every row tested once."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.splits import SplitError, folds, temporal, windows

D = np.datetime64


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


def test_training_knows_only_labels_known_by_the_first_day_of_the_window() -> None:
    as_of = days("2024-01-01", "2024-06-01", "2024-11-01", "2025-01-01", "2025-03-31", "2025-04-01")
    known = as_of + np.timedelta64(180, "D")
    # the window opens 2025-01-01: row 1 was known 2024-11-28, row 2 only on 2025-04-30; 03-31 is the window's last day
    (split,) = temporal(as_of, known, np.array([1, 0, 1, 0, 1, 0.0]), [(D("2025-01-01"), D("2025-04-01"))])
    assert split.train.tolist() == [0, 1]
    assert split.test.tolist() == [3, 4]


def test_embargo_groups_and_unlabelled_rows() -> None:
    as_of = days("2024-01-01", "2024-12-20", "2024-06-01", "2024-03-01", "2025-01-01")
    label = np.array([1.0, 1.0, np.nan, 0.0, np.nan])
    groups = ["a", "b", "c", "x", "x"]
    (split,) = temporal(as_of, as_of, label, [(D("2025-01-01"), D("2026-01-01"))], embargo=30, groups=groups)
    # row 1 lies within 30 days of the window, row 2 has no label, row 3 belongs to the group that is tested
    assert split.train.tolist() == [0]
    assert split.test.tolist() == [4]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 400), st.sampled_from("abcdefgh"), st.sampled_from([0.0, 1.0, np.nan])), min_size=2, max_size=60),
    st.integers(0, 900), st.integers(1, 300), st.integers(0, 90), st.booleans(),
)  # fmt: skip
def test_no_window_sees_the_future(rows: list, first: int, every: int, embargo: int, grouped: bool) -> None:
    start = D("2020-01-01")
    as_of = start + np.array([r[0] for r in rows]).astype("timedelta64[D]")
    known = as_of + np.array([r[1] for r in rows]).astype("timedelta64[D]")
    label, group = np.array([r[3] for r in rows]), [r[2] for r in rows]
    tests = windows(start + np.timedelta64(first, "D"), as_of.max(), every, "D")
    try:
        made = temporal(as_of, known, label, tests, embargo, group if grouped else None)
    except SplitError:
        return
    for s in made:
        assert known[s.train].max() <= s.start <= as_of[s.test].min()
        assert as_of[s.train].max() < s.start - np.timedelta64(embargo, "D")
        assert as_of[s.test].max() < s.end
        assert not np.isnan(label[s.train]).any()
        if grouped:
            assert not {group[n] for n in s.train} & {group[n] for n in s.test}


def test_windows_by_month_keep_the_day_or_take_the_last() -> None:
    assert [str(a) for a, _ in windows(D("2024-01-31"), D("2024-04-30"), 1, "M")] == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
        "2024-04-30",
    ]
    assert [(str(a), str(b)) for a, b in windows(D("2010-01-01"), D("2011-12-31"), 1, "Y")] == [
        ("2010-01-01", "2011-01-01"),
        ("2011-01-01", "2012-01-01"),
    ]
    assert windows(D("2024-01-01"), D("2023-12-31"), 1, "Y") == []


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0.0, 1.0, np.nan])), min_size=4, max_size=80),
    st.integers(2, 5),
    st.integers(0, 9),
)
def test_folds_test_each_row_once_and_never_split_a_group(rows: list, k: int, seed: int) -> None:
    groups, label = [str(r[0]) for r in rows], np.array([r[1] for r in rows])
    try:
        made = folds(k, label, [str(n) for n in range(len(rows))], seed, groups)
    except SplitError:
        return
    assert sorted(np.concatenate([s.test for s in made]).tolist()) == list(range(len(rows)))
    for s in made:
        assert not {groups[n] for n in s.train} & {groups[n] for n in s.test}
        assert not np.isnan(label[s.train]).any()


def test_folds_spread_positives_and_do_not_depend_on_the_order_of_rows() -> None:
    ids = [f"t{n}" for n in range(200)]
    label = np.array([1.0] * 23 + [0.0] * 177)
    made = folds(5, label, ids, seed=3)
    assert sorted(int(label[s.test].sum()) for s in made) == [4, 4, 5, 5, 5]  # 23 over 5 folds
    back = np.arange(200)[::-1]
    other = folds(5, label[back], [ids[n] for n in back], seed=3)
    assert [{ids[n] for n in s.test} for s in made] == [{ids[back[n]] for n in s.test} for s in other]
    assert [s.test.tolist() for s in folds(5, label, ids, seed=4)] != [s.test.tolist() for s in made]


def test_refusals_say_what_to_change() -> None:
    with pytest.raises(SplitError, match=r"lower split\.k to at most 3"):
        folds(5, np.array([1, 0, 1.0]), ["a", "b", "c"], 0)
    with pytest.raises(SplitError, match="only 1 of the groups"):
        folds(2, np.array([1, 0, 0.0]), ["a", "b", "c"], 0)
    day = days("2024-01-01")
    with pytest.raises(SplitError, match="2024-01-01 to 2024-01-01"):
        temporal(day, day, np.ones(1), [(D(date(2024, 1, 1)), D(date(2024, 1, 1) + timedelta(days=9)))])
