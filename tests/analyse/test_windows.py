from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jobs.analyse.windows import deviation, growth, highest, log_amount, mean, ratio, share, slope, streak, times, total, variation

NAN = math.nan
MATRIX = arrays(np.float64, st.tuples(st.integers(1, 4), st.just(12)), elements=st.one_of(st.just(NAN), st.integers(-100, 100).map(float)))


def one(*values: float) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([values], dtype=np.float64)


def test_a_window_speaks_when_half_of_it_is_known() -> None:
    assert mean(one(NAN, NAN, 4, 8), 4)[0] == 6 and math.isnan(mean(one(NAN, NAN, NAN, 8), 4)[0])
    assert total(one(NAN, NAN, 4, 8), 4)[0] == 24  # two months unknown, taken at the mean
    assert mean(one(1, 2, 3, 4), 2, back=1)[0] == 2.5


def test_a_ratio_takes_only_months_in_which_both_sides_are_known() -> None:
    assert ratio(one(1, NAN, 3), one(10, 10, 10), 3)[0] == 4 / 20
    assert math.isnan(ratio(one(1, 1), one(0, 0), 2)[0]) and math.isnan(ratio(one(1, 1), one(-3, 1), 2)[0])
    assert math.isnan(share(one(1)[0], one(NAN)[0])[0])


def test_growth_needs_something_to_grow_from() -> None:
    assert growth(one(1, 1, 3, 3), 2)[0] == 2 and math.isnan(growth(one(0, 0, 3, 3), 2)[0])
    assert growth(one(2, 9, 9, 3), 1, before=3)[0] == 0.5
    assert math.isnan(growth(one(1, 2), 2)[0])  # shorter than what it looks back on


def test_streaks_end_where_nothing_is_known() -> None:
    values = one(0, NAN, 0, 0)
    known = ~np.isnan(values)
    assert streak(values == 0, known)[0] == 2 and times(values == 0, known, 4)[0] == 3
    assert math.isnan(streak(one(0, NAN) == 0, ~np.isnan(one(0, NAN)))[0])
    assert streak(one(0, 0) == 0, np.ones((1, 2), bool))[0] == 2 and streak(one(0, 1) == 0, np.ones((1, 2), bool))[0] == 0


def test_logarithms_keep_zero_and_sign() -> None:
    assert log_amount(one(0.0, math.e - 1, 1 - math.e))[0] == pytest.approx([0, 1, -1])


@settings(max_examples=100, deadline=None)
@drawn(MATRIX, st.integers(1, 12))
def test_windows_equal_numpy_over_the_known_months(values: np.ndarray, months: int) -> None:  # type: ignore[type-arg]
    means, tops, spread, trend = mean(values, months), highest(values, months), deviation(values, months), slope(values, months)
    ratios = variation(values, months)
    for i, row in enumerate(values[:, -months:]):
        known = row[~np.isnan(row)]
        if len(known) < max(1, months / 2):
            assert np.isnan(means[i]) and np.isnan(tops[i])
            continue
        assert means[i] == pytest.approx(known.mean()) and tops[i] == known.max()
        if len(known) >= 3:
            assert spread[i] == pytest.approx(known.std())
            assert np.isnan(ratios[i]) or ratios[i] == pytest.approx(known.std() / known.mean())
            at = np.flatnonzero(~np.isnan(row))
            assert np.isnan(trend[i]) or trend[i] == pytest.approx(np.polyfit(at, known, 1)[0] / known.mean(), abs=1e-6)
