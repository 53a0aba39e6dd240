"""Leak checks: the guilty are named with a reason, the innocent are left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.leaks import find_leaks
from models.matrix import Matrix
from tests.data import DATA, needs


def check(label: np.ndarray, groups: np.ndarray | None = None, categorical: tuple[str, ...] = (), **columns: np.ndarray) -> dict[str, str]:
    names = tuple(columns)
    levels = tuple(tuple(f"level {n}" for n in range(int(np.nanmax(columns[c])) + 1)) if c in categorical else () for c in names)
    matrix = Matrix(
        names, np.column_stack([np.asarray(columns[c], dtype=float) for c in names]), tuple(c in categorical for c in names), levels
    )
    return {leak.feature: leak.check for leak in find_leaks(matrix, label, groups)}


@pytest.fixture
def label() -> np.ndarray:
    return (np.random.default_rng(1).random(3000) < 0.2).astype(float)


def test_the_guilty(label: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    n = len(label)
    band = np.where(label == 1, rng.uniform(4, 5, n), np.where(rng.random(n) < 0.5, rng.uniform(0, 4, n), rng.uniform(5, 9, n)))
    found = check(
        label, categorical=("status", "reason"),
        copy=label * 7, opposite=1 - label, noisy=label + rng.normal(0, 0.2, n), low=-label + rng.normal(0, 0.2, n), band=band,
        surcharge=np.where((label == 1) & (rng.random(n) < 0.7), rng.exponential(100, n), 0), closed=np.where(label == 1, rng.random(n), np.nan),
        status=np.where(label == 1, 2, rng.integers(0, 2, n)), reason=np.where((label == 1) & (rng.random(n) < 0.65), 5, rng.integers(0, 5, n)),
        innocent=rng.normal(size=n), strong=label + rng.normal(0, 1, n),
    )  # fmt: skip
    assert found == {
        "copy": "copy", "opposite": "copy", "noisy": "order", "low": "order", "band": "values", "surcharge": "mark", "closed": "order",
        "status": "values", "reason": "mark",
    }  # fmt: skip


def test_the_innocent(label: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    n = len(label)
    found = check(
        label, categorical=("name", "sector"), row=np.arange(n), name=np.arange(n), sector=rng.integers(0, 20, n),
        constant=np.ones(n), empty=np.full(n, np.nan), often_missing=np.where(rng.random(n) < 0.9, np.nan, rng.normal(size=n)),
        strong=label * 2 + rng.normal(0, 1, n), zero=np.where(rng.random(n) < 0.9, 0, 1),
    )  # fmt: skip
    assert found == {}


def test_luck_in_few_rows_is_no_leak() -> None:
    # 4 positives among 12 rows, 300 random columns: some separate perfectly by chance
    rng = np.random.default_rng(4)
    label = np.array([1.0] * 4 + [0.0] * 8)
    columns = {f"c{n}": rng.normal(size=12) for n in range(300)}
    perfect = [c for c, v in columns.items() if v[:4].min() > v[4:].max() or v[:4].max() < v[4:].min()]
    assert perfect
    assert check(label, **columns) == {}


def test_an_entity_with_a_lasting_label_is_no_accusation() -> None:
    # 300 firms x 10 years: the firm's name foretells its own label, but not another firm's
    rng = np.random.default_rng(5)
    firm = np.repeat(np.arange(300), 10)
    label = (rng.random(300) < 0.3).astype(float)[firm]
    assert check(label, categorical=("firm",), firm=firm) == {"firm": "values"}
    assert check(label, groups=firm, categorical=("firm",), firm=firm) == {}


def test_unlabelled_rows_and_one_label(label: np.ndarray) -> None:
    half = np.where(np.arange(len(label)) % 2 == 0, np.nan, label)
    assert check(half, leak=np.nan_to_num(half)) == {"leak": "copy"}
    assert check(np.ones(50), anything=np.arange(50.0)) == {}


@needs("uci_audit")
def test_uci_audit_names_what_the_label_was_cut_from_and_nothing_else() -> None:
    table = pd.read_csv(DATA / "uci_audit" / "audit_risk.csv").drop(columns=["LOCATION_ID"])
    label = table.pop("Risk").to_numpy(dtype=float)
    leaks = find_leaks(Matrix(tuple(table.columns), table.to_numpy(dtype=float)), label)
    assert [leak.feature for leak in leaks] == ["Audit_Risk", "Inherent_Risk", "Score"]
    assert "exactly Audit_Risk >= 1.0" in leaks[0].why
