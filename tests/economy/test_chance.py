"""Keyed draws and codes: a number depends on seed, purpose and ids alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from jobs.economy.chance import Chance
from jobs.economy.ids import broken, codes

ids = st.lists(st.integers(0, 10**9), min_size=1, max_size=30)


@given(seed=st.integers(0, 2**31), numbers=ids)
def test_a_draw_is_the_same_alone_and_among_others(seed: int, numbers: list[int]) -> None:
    c = Chance(seed)
    together = c.uniform("size", np.array(numbers), 3)
    assert [float(c.uniform("size", n, 3)) for n in numbers] == together.tolist()
    assert ((together > 0) & (together < 1)).all()


def test_purposes_seeds_and_order_of_ids_matter() -> None:
    i = np.arange(2000)
    a = Chance(1).uniform("a", i, 5)
    for other in (Chance(1).uniform("b", i, 5), Chance(2).uniform("a", i, 5), Chance(1).uniform("a", 5, i)):
        assert abs(np.corrcoef(a, other)[0, 1]) < 0.1


def test_draws_have_their_distribution() -> None:
    i = np.arange(20_000)
    assert abs(Chance(1).uniform("u", i).mean() - 0.5) < 0.01
    assert abs(Chance(1).normal("n", i).std() - 1) < 0.02
    shares = np.bincount(Chance(1).pick([1, 0, 3], "p", i), minlength=3) / 20_000
    assert shares[1] == 0 and abs(shares[0] - 0.25) < 0.02
    assert set(Chance(1).whole(2, 5, "w", i).tolist()) == {2, 3, 4}


@given(numbers=st.lists(st.integers(0, 31**6 - 1), min_size=1, max_size=30, unique=True), individual=st.booleans())
def test_codes_are_valid_and_differ(numbers: list[int], individual: bool) -> None:
    made = codes(np.array(numbers), np.full(len(numbers), 330203), np.full(len(numbers), individual)).tolist()
    assert len(set(made)) == len(numbers)
    for code in made:
        assert uscc.is_valid(code) and code[:2] == ("92" if individual else "91") and code[2:8] == "330203"
        assert not uscc.is_valid(broken(code))


def test_parties_outside_have_codes_of_their_own() -> None:
    i, region, company = np.arange(500), np.full(500, 330203), np.zeros(500, dtype=bool)
    assert not set(codes(i, region, company).tolist()) & set(codes(i, region, company, outside=True).tolist())


def test_a_number_beyond_the_space_is_refused() -> None:
    with pytest.raises(ValueError, match="number"):
        codes(np.array([31**6]), np.array([330203]), np.array([False]))
