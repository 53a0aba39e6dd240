"""Candidates, calibration, explanations, choice and the store."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import metrics
from models.amount import AmountModel, fit_amount
from models.calibrate import calibrate
from models.candidates import CANDIDATES, FitError
from models.choose import ObjectiveError, capacity, choose, objective
from models.design import Design, fit_design, place
from models.draw import uniform
from models.explain import contributions
from models.fit import Model, fit
from models.interval import interval, precision_draws
from models.matrix import Matrix
from models.store import ModelRefused, load, save

LEARN = ("single_feature", "logistic", "gradient_boosting")


def world(n: int = 1500, seed: int = 0) -> tuple[Matrix, np.ndarray, list[str]]:
    """x tells, sector tells a little, noise does not; a tenth of x is missing."""
    rng = np.random.default_rng(seed)
    x, noise, sector = rng.normal(size=n), rng.normal(size=n), rng.integers(0, 4, n).astype(float)
    p = 1 / (1 + np.exp(-1.5 * x - (sector == 2) + 1))
    x = np.where(rng.random(n) < 0.1, np.nan, np.exp(3 * x))
    matrix = Matrix(
        ("x", "noise", "sector", "rules_score"),
        np.column_stack([x, noise, sector, rng.random(n)]),
        (False, False, True, False),
        ((), (), ("a", "b", "c", "d"), ()),
    )
    return matrix, (rng.random(n) < p).astype(float), [f"id{i}" for i in range(n)]


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_fits_explains_and_survives_the_store(name: str, tmp_path: Path) -> None:
    matrix, label, ids = world()
    train, test = np.arange(1000), np.arange(1000, 1500)
    model = fit(name, matrix.take(train), label[train], ids[:1000])
    probability = model.probability(matrix.take(test))
    assert ((probability > 0) & (probability < 1)).all()
    if name in LEARN:
        assert metrics.auc(probability, label[test]).expected > 0.7
        assert metrics.calibration_error(probability, label[test], 5) < 0.08
    baseline = np.array([1.0, 0.0, np.nan, 0.5])
    shares = contributions(model, matrix.take(test), baseline)
    gap = model.raw(matrix.take(test)) - model.raw(Matrix(matrix.names, baseline[None, :], matrix.categorical, matrix.levels))
    assert np.allclose(shares.sum(axis=1), gap, atol=1e-9)
    digest = save(model, tmp_path / "m.skops", {"note": "x"})
    again, extra = load(tmp_path / "m.skops", digest)
    assert (again.probability(matrix.take(test)) == probability).all()
    assert extra == {"note": "x"}
    assert save(fit(name, matrix.take(train), label[train], ids[:1000]), tmp_path / "n.skops", {"note": "x"}) == digest


def test_contributions_are_those_of_the_features_that_matter() -> None:
    matrix, label, ids = world()
    model = fit("gradient_boosting", matrix, label, ids)
    row = Matrix(matrix.names, np.array([[np.exp(6.0), 0.0, 2.0, 0.5]]), matrix.categorical, matrix.levels)
    shares = contributions(model, row, np.array([1.0, 0.0, 0.0, 0.5]))[0]
    assert shares[0] > 1 and shares[2] > 0
    assert shares[1] == shares[3] == 0  # equal to the baseline's: exactly nothing
    own = contributions(model, row, np.repeat(row.values, 1, axis=0))
    assert (own == 0).all()


def test_single_feature_sorts_in_the_direction_that_tells_and_puts_missing_last() -> None:
    x = np.array([5.0, 4.0, 3.0, 2.0, 1.0, np.nan] * 20)
    label = (x < 2.5).astype(float)
    core = CANDIDATES["single_feature"](Matrix(("flat", "x"), np.column_stack([np.ones(120), x])), label, 0)
    raw = core.raw(Matrix(("flat", "x"), np.column_stack([np.ones(6), x[:6]])))
    assert np.argsort(-raw, kind="stable").tolist() == [4, 3, 2, 1, 0, 5]


def test_refusals() -> None:
    matrix, label, ids = world(60)
    with pytest.raises(FitError, match="only one label"):
        fit("logistic", matrix, np.ones(60), ids)
    with pytest.raises(FitError, match="known: rules"):
        fit("magic", matrix, label, ids)
    with pytest.raises(FitError, match="rules_score"):
        fit("rules", matrix.select(("x",)), label, ids)


@pytest.mark.parametrize("name", LEARN)
def test_a_feature_missing_in_training_and_a_constant_one_do_no_harm(name: str) -> None:
    matrix, label, ids = world(300)
    late = np.full((300, 2), np.nan)
    late[:, 1] = 4.0
    wide = Matrix(
        (*matrix.names, "late", "flat"),
        np.column_stack([matrix.values, late]),
        (*matrix.categorical, False, False),
        (*matrix.levels, (), ()),
    )
    model = fit(name, wide, label, ids)
    filled = Matrix(wide.names, np.nan_to_num(wide.values, nan=1.0), wide.categorical, wide.levels)
    shares = contributions(model, filled, wide.values[0])
    assert np.isfinite(model.probability(filled)).all()
    assert (shares[:, -2:] == 0).all()
    with pytest.raises(FitError):
        CANDIDATES["gradient_boosting"](Matrix(("late",), late[:, :1]), label, 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 400), st.integers(0, 99), st.booleans())
def test_calibration_never_ties_or_reorders(n: int, seed: int, wild: bool) -> None:
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=n) * (1e6 if wild else 1)
    label = (rng.random(n) < 0.3).astype(float)
    grid = np.sort(np.unique(np.round(rng.normal(size=50) * (1e6 if wild else 1), 3)))
    p = calibrate(raw, label, wild).probability(grid)
    assert ((p > 0) & (p < 1)).all()
    assert (np.diff(p) > 0).all()


def test_calibration_with_plenty_of_rows_follows_steps() -> None:
    rng = np.random.default_rng(7)
    raw = rng.uniform(-3, 3, 20_000)
    truth = np.where(raw < 0, 0.1, np.where(raw < 2, 0.15, 0.8))
    label = (rng.random(20_000) < truth).astype(float)
    found = calibrate(raw, label)
    assert found.knots
    p = found.probability(raw)
    assert metrics.calibration_error(p, label) < 0.02
    # a sigmoid alone would state far too much just below 2
    assert abs(p[(raw > 1) & (raw < 1.8)].mean() - 0.15) < 0.04
    assert (np.diff(found.probability(np.linspace(-5, 5, 200))) > 0).all()


def test_a_backward_score_gets_the_base_rate_not_a_reversed_list() -> None:
    rng = np.random.default_rng(8)
    raw = rng.normal(size=2000)
    label = (rng.random(2000) < 1 / (1 + np.exp(2 * raw))).astype(float)
    p = calibrate(raw[:1000], label[:1000]).probability(raw)
    assert np.ptp(p) < 0.05 and abs(p.mean() - label.mean()) < 0.05


def test_permuted_labels_teach_nothing() -> None:
    matrix, label, ids = world(6000, 3)
    label = np.random.default_rng(9).permutation(label)
    half = np.arange(3000)
    for name in LEARN:
        model = fit(name, matrix.take(half), label[half], ids[:3000])
        assert metrics.auc(model.probability(matrix.take(half + 3000)), label[3000:]).expected == pytest.approx(0.5, abs=0.04)


def test_place_gives_a_value_that_fills_many_quantiles_their_middle() -> None:
    quantiles = np.array([0, 0, 0, 1, 2.0])  # places -1, -0.5, 0, 0.5, 1
    assert place(np.array([0, 1, 2, 99, -5, np.nan]), quantiles).tolist()[:5] == [-0.5, 0.5, 1, 1, -0.5]


def test_each_kind_of_fault_learns_its_own_share() -> None:
    rng = np.random.default_rng(10)
    stakes = np.exp(rng.uniform(6, 14, (20_000, 2))) * (rng.random((20_000, 2)) < 0.5)
    found = np.where(rng.random(20_000) < 0.5, stakes @ np.array([0.2, 0.9]) * np.exp(rng.normal(0, 0.3, 20_000)), 0.0)
    model = fit_amount(stakes, ("input", "sales"), found, 0.6)
    # half of the examinations find a fifth, or nine tenths: a tenth and 45 per cent of all stakes
    assert model is not None and model.shares == pytest.approx([0.1 * np.exp(0.045), 0.45 * np.exp(0.045)], rel=0.15)
    again, chance = AmountModel.from_state(model.state()), np.full(3, 0.5)
    one = np.array([[10_000.0, 0.0], [0.0, 10_000.0], [10_000.0, 10_000.0]])
    assert again.expected(one, ("input", "sales"), chance) == pytest.approx(one @ model.shares)
    with pytest.raises(ValueError, match="train again"):
        model.expected(one, ("sales", "input"), chance)


@pytest.mark.parametrize(("found", "kind", "expected"), [
    ([5000.0], 0, [0.5, 0.5]),  # one result, just what is believed: nothing changes
    ([10_000.0], 0, [161 / 321, 0.5]),  # one result of the whole against 320 rows of the prior: (1 + 320 x 0.5) / 321
    ([10_000.0] * 320, 0, [0.75, 0.5]),  # (320 + 160) / 640
    ([10_000.0] * 160 + [0.0] * 160, 1, [0.25, 0.375]),  # half find nothing: believed is a quarter; (160 + 320 x 0.25) / 640
    ([1.0] * 320, 1, [0.5, 0.25]),  # nearly nothing was found: 160 / 640, never below 0
])
def test_a_share_moves_from_what_is_believed_as_results_come_in(found: list[float], kind: int, expected: list[float]) -> None:
    stakes = np.zeros((len(found), 2))
    stakes[:, kind] = 10_000
    model = fit_amount(stakes, ("a", "b"), np.array(found), 0.5)
    assert model is not None and model.shares == pytest.approx(expected, abs=1e-3)


def test_a_given_score_keeps_its_distances_in_a_linear_model() -> None:
    """By places alone the far end of a score would lie as close together as its middle."""
    matrix = Matrix(("rules_score", "other"), np.column_stack([np.r_[np.linspace(0, 1, 99), 50.0], np.linspace(0, 1, 100)]))
    given, placed = fit_design(matrix, ("rules_score",)).columns(matrix).T, fit_design(matrix).columns(matrix).T
    assert given[0][-1] - given[0][-2] > 20 * (given[0][-2] - given[0][-3]) and given[0].mean() == pytest.approx(0, abs=1e-9)
    assert placed[0][-1] - placed[0][-2] < 0.1 and (given[1] == placed[1]).all()
    again = Design.from_state(fit_design(matrix, ("rules_score",)).state())
    assert (again.columns(matrix) == np.column_stack(given)).all()


def test_amounts_where_nothing_was_claimed() -> None:
    few = fit_amount(np.zeros((5, 1)), ("a",), np.array([10.0, 0, 40, np.nan, 0]), 0.5)
    # the two found 10 and 40: (50 + 10 rows of their median, 25) / 12, each times the chance that anything is found
    assert few is not None and few.expected(np.zeros((2, 1)), ("a",), np.array([0.2, 1.0])) == pytest.approx([5, 25])
    assert fit_amount(np.zeros((2, 1)), ("a",), np.zeros(2), 0.5) is None


def test_capacity_and_objective() -> None:
    assert [capacity(c).rows(78) for c in ("1%", "5%", "100%", 100, "10")] == [1, 3, 78, 78, 10]
    assert capacity("5%").rows(7027) == 351  # 351.35
    assert objective("precision@5%").text == "precision@5%" and objective(" auc ").at is None
    for bad in ("0%", "120%", "1.5", "x", "-3", "0", True):
        with pytest.raises(ObjectiveError):
            capacity(bad)
    for bad in ("auc@5%", "precision", "precision@", "profit@5%"):
        with pytest.raises(ObjectiveError, match=r"known|capacity"):
            objective(bad)


def test_choice_by_mean_and_regret() -> None:
    # b is best on average: (0.5 + 0.7)/2; regrets on the two splits: a 0, 0.4; b 0.1, 0
    found = choose({"a": [0.6, 0.3, None], "b": [0.5, 0.7, 0.1]}, objective("precision@5%"))
    assert found.chosen == "b"
    assert found.regrets == pytest.approx({"a": 0.2, "b": 0.05})
    assert found.forward_regret == pytest.approx(0.4)  # after the first split one would have taken a
    assert choose({"a": [0.5], "b": [0.5]}, objective("auc")).chosen == "a"
    assert choose({"a": [0.2], "b": [0.1]}, objective("brier")).chosen == "b"
    with pytest.raises(ObjectiveError, match="not defined"):
        choose({"a": [None]}, objective("auc"))


def test_bootstrap_covers_and_pairs() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for seed in range(100):
        label = (rng.random(400) < 0.3).astype(float)
        found = interval(precision_draws(np.arange(400), label, 100, np.arange(400), 200, seed))
        assert found is not None
        covered += found[0] <= 0.3 <= found[1]
    assert 88 <= covered <= 100
    order, label = np.arange(400), (rng.random(400) < 0.3).astype(float)
    same = precision_draws(order, label, 50, order, 100, 1) - precision_draws(order, label, 50, order, 100, 1)
    assert (same == 0).all()
    assert interval(precision_draws(order, np.full(400, np.nan), 50, order, 100, 1)) is None


def test_draws_belong_to_the_id() -> None:
    draws = uniform(1, "fold", ["a", "b", "a"])
    assert draws[0] == draws[2] != draws[1]
    assert uniform(1, "other", ["a"])[0] != draws[0] != uniform(2, "fold", ["a"])[0]
    assert abs(uniform(1, "x", [str(n) for n in range(20_000)]).mean() - 0.5) < 0.01


class Evil:
    """A type that is not on our list."""


def test_the_store_refuses_what_is_not_ours(tmp_path: Path) -> None:
    matrix, label, ids = world(300)
    model = fit("logistic", matrix, label, ids)
    path = tmp_path / "m.skops"
    digest = save(model, path)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelRefused, match="SHA-256"):
        load(path, digest)
    with pytest.raises(ModelRefused, match="not on our list"):
        save(model, path, {"evil": Evil()})
    import hashlib

    for content in (b"", b"\x80\x04.", _crafted(data), _renamed(data)):
        path.write_bytes(content)
        with pytest.raises(ModelRefused):
            load(path, hashlib.sha256(content).hexdigest())


def _crafted(data: bytes) -> bytes:
    """A file that asks for os.system: its own digest is right, its types are not."""
    return _with_schema(data, lambda s: s | {"__class__": "system", "__module__": "os", "__loader__": "TypeNode"})


def _renamed(data: bytes) -> bytes:
    return _with_schema(
        data,
        lambda s: (
            s | {"content": {"other": s["content"]["extra"]}, "key_types": s["key_types"] | {"content": s["key_types"]["content"][:1]}}
        ),
    )


def _with_schema(data: bytes, change) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as held, zipfile.ZipFile(out, "w") as fresh:
        for name in held.namelist():
            content = held.read(name)
            fresh.writestr(name, json.dumps(change(json.loads(content))) if name == "schema.json" else content)
    return out.getvalue()


def test_a_matrix_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Matrix(("a",), np.ones((2, 2)))
    with pytest.raises(ValueError, match="same name"):
        Matrix(("a", "a"), np.ones((2, 2)))
    chosen = Matrix(("a", "b"), np.array([[1.0, 2.0]])).select(("b", "c"))
    assert chosen.values.tolist()[0][0] == 2 and np.isnan(chosen.values[0][1])


def test_a_model_state_is_its_own_inverse() -> None:
    matrix, label, ids = world(300)
    model = fit("gradient_boosting", matrix, label, ids)
    assert (Model.from_state(model.state()).raw(matrix) == model.raw(matrix)).all()
