"""Tie metrics against brute force over every way of breaking the ties."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from models import metrics
from models.ranking import at, ndcg, ties

ROWS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 1.0, np.nan]), st.integers(-3, 9)), min_size=1, max_size=6)


def orders(score: np.ndarray) -> list[list[int]]:
    """Every ranking that respects the scores."""
    return [list(p) for p in permutations(range(len(score))) if all(score[a] >= score[b] for a, b in pairwise(p))]


def close(spread, values: list) -> None:
    values = [v for v in values if v is not None]
    found = (spread.worst, spread.expected, spread.best)
    assert found == ((None,) * 3 if not values else pytest.approx((min(values), sum(values) / len(values), max(values))))


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(1, 7))
def test_at_capacity_equals_brute_force(rows: list, k: int) -> None:
    score, label, amount = (np.array(v, dtype=float) for v in zip(*rows))
    found, k = at(score, label, k, amount), min(k, len(rows))
    lists = [np.array(o[:k]) for o in orders(score)]
    known = ~np.isnan(label)
    total = int((label == 1).sum())
    close(found["precision"], [(label[o] == 1).sum() / known[o].sum() if known[o].any() else None for o in lists])
    close(found["recall"], [(label[o] == 1).sum() / total if total else None for o in lists])
    close(found["labelled_share"], [known[o].mean() for o in lists])
    close(found["value"], [amount[o][known[o]].sum() for o in lists])
    base = total / known.sum() if known.any() else 0
    close(found["lift"], [(label[o] == 1).sum() / known[o].sum() / base if known[o].any() and base else None for o in lists])


@settings(max_examples=100, deadline=None)
@given(ROWS, st.integers(1, 7))
def test_ndcg_equals_brute_force(rows: list, k: int) -> None:
    score, label, _ = (np.array(v, dtype=float) for v in zip(*rows))
    gain = np.abs(np.array([r[2] for r in rows], dtype=float))
    k = min(k, len(rows))
    weight = 1 / np.log2(np.arange(2, k + 2))
    ideal = (np.sort(gain)[::-1][:k] * weight).sum()
    close(ndcg(score, gain, k, ties(score, label)), [(gain[o[:k]] * weight).sum() / ideal if ideal else None for o in orders(score)])


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_auc_and_average_precision_equal_brute_force(rows: list) -> None:
    score, label, _ = (np.array(v, dtype=float) for v in zip(*rows))
    known = np.flatnonzero(~np.isnan(label))
    both = len(set(label[known])) == 2
    ranks = [[n for n in o if n in known] for o in orders(score)]
    areas = [roc_auc_score(label[o], -np.arange(len(o))) if both else None for o in ranks]
    close(metrics.auc(score, label), areas)
    close(metrics.average_precision(score, label), [average_precision_score(label[o], -np.arange(len(o))) if both else None for o in ranks])


def test_the_cut_through_a_tie() -> None:
    # 0.9 | 0.5 0.5 0.5 | 0.1 with one positive and one unlabelled among the tied, capacity 2
    score, label = np.array([0.9, 0.5, 0.5, 0.5, 0.1]), np.array([1, 1, 0, np.nan, 1])
    found = at(score, label, 2)
    # worst: the negative joins, 1/2; best: the positive, 2/2 (the unlabelled gives 1/1); expected (1 + 1/2 + 1)/3
    assert (found["precision"].worst, found["precision"].best) == (0.5, 1.0)
    assert found["precision"].expected == pytest.approx(2.5 / 3)
    assert found["labelled_share"].as_dict() == pytest.approx({"worst": 0.5, "expected": (1 + 2 / 3) / 2, "best": 1.0})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.sampled_from([0.0, 1.0])), min_size=2, max_size=40), st.randoms())
def test_row_order_does_not_matter(rows: list, random) -> None:
    shuffled = rows[:]
    random.shuffle(shuffled)
    one, two = (np.array(r, dtype=float).T for r in (rows, shuffled))
    k = len(rows) // 2
    assert at(one[0], one[1], k) == at(two[0], two[1], k)
    assert metrics.auc(one[0], one[1]) == metrics.auc(two[0], two[1])


def test_a_missing_score_ranks_last_and_no_rows_give_nothing() -> None:
    assert at(np.array([np.nan, -9.0]), np.array([1.0, 0.0]), 1)["precision"].expected == 0
    empty = np.empty(0)
    assert at(empty, empty, 5)["precision"].expected is None
    assert metrics.auc(empty, empty).expected is None


def test_probabilities() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(1, 4, 20_000)
    y = (rng.random(20_000) < p).astype(float)
    assert metrics.brier(p, y) == pytest.approx(brier_score_loss(y, p))
    assert metrics.calibration_slope(p, y) == pytest.approx(1, abs=0.05)
    sharper = 1 / (1 + np.exp(-2 * np.log(p / (1 - p))))
    assert metrics.calibration_slope(sharper, y) == pytest.approx(0.5, abs=0.05)
    assert metrics.calibration_error(p, y) < 0.02 < metrics.calibration_error(sharper, y)
    assert metrics.calibration_slope(np.full(10, 0.3), y[:10]) is None
    assert metrics.brier(np.array([0.5, np.nan]), np.array([1.0, 1.0])) == 0.25
