"""Training: which cases are labels, which features were known, and a champion that is what was trained."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from jobs import conf as configuration
from jobs.lake.tables import table
from jobs.rank.labels import labels, snapshot_rows
from jobs.rank.points import stake_codes
from jobs.rank.registry import champion
from jobs.rank.train import train, training_rows, windows
from models.store import ModelRefused, load

AS_OF = date(2026, 1, 20)


@pytest.fixture(scope="module")
def conf() -> configuration.Conf:
    return configuration.load()


def outcome(*rows: dict) -> pa.Table:
    base = {
        "case_id": "C1", "point_id": "p", "taxpayer_id": "A", "tax": "VAT", "risk_code": "vat_sales_understated", "treatment": "assess",
        "finding": "confirmed", "adjusted": 1, "assessed": Decimal("100.00"), "standing": "final", "opened_on": date(2025, 3, 1),
        "known_at": date(2025, 6, 1),
    }  # fmt: skip
    return pa.Table.from_pylist(
        [base | {"point_id": f"p{n}"} | r for n, r in enumerate(rows)],
        schema=pa.schema([c for c in table("outcome").schema if c.name != "bucket"]),
    )


def found(*rows: dict, conf: configuration.Conf) -> list[tuple]:
    known = labels(outcome(*rows), AS_OF, conf)
    return list(zip(known.case_id.to_pylist(), known.label.tolist(), known.amount.tolist(), known.known_at.astype(str).tolist()))


def test_a_case_is_positive_when_one_point_was_adjusted_upward(conf: configuration.Conf) -> None:
    rows = (
        {"case_id": "C1", "assessed": Decimal("100.25")},
        {"case_id": "C1", "assessed": Decimal("50.50"), "known_at": date(2025, 7, 1)},
        {"case_id": "C1", "finding": "excluded", "adjusted": 0, "assessed": Decimal("0.00")},
        {"case_id": "C2", "adjusted": -1, "assessed": Decimal("-80.00")},
        {"case_id": "C3", "finding": "excluded", "adjusted": 0, "assessed": None},
    )
    # 100.25 + 50.50 = 150.75, known when the last point was; downward is a correct result, not a positive
    assert found(*rows, conf=conf) == [("C1", 1.0, 15075, "2025-07-01"), ("C2", 0.0, 0, "2025-06-01"), ("C3", 0.0, 0, "2025-06-01")]


@pytest.mark.parametrize(
    "row",
    [
        {"finding": "not_examined", "adjusted": None},
        {"treatment": "remind"},
        {"known_at": date(2026, 1, 21)},
        {"taxpayer_id": None},
    ],
)
def test_what_is_no_label(row: dict, conf: configuration.Conf) -> None:
    assert found(row, conf=conf) == []


def test_an_overturned_finding_is_no_positive(conf: configuration.Conf) -> None:
    assert found({"standing": "overturned"}, conf=conf) == [("C1", 0.0, 0, "2025-06-01")]


def test_features_are_those_of_the_last_snapshot_before_the_case(conf: configuration.Conf) -> None:
    known = labels(outcome({"case_id": "C1"}, {"case_id": "C2", "taxpayer_id": "B"}, {"case_id": "C3", "taxpayer_id": "D"}), AS_OF, conf)
    days = [date(2025, 1, 1), date(2025, 3, 1), date(2025, 3, 2), date(2024, 3, 1), date(2025, 3, 1)]
    rows = snapshot_rows(known, pa.chunked_array([days]), pa.chunked_array([["A", "A", "A", "B", "X"]]), 200)
    # A: the snapshot of the very day; B: 365 days old, too old; D: never seen
    assert rows.tolist() == [1, -1, -1]


def country(n: int = 900, seed: int = 5) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Taxpayers with one examined case each: f0 and f1 tell together, f2 is noise, `surcharge` was filled in after the audit."""
    rng = np.random.default_rng(seed)
    f0, f1 = rng.normal(size=n), rng.normal(size=n)
    x = (f0 + f1) / np.sqrt(2)
    hit = rng.random(n) < 1 / (1 + np.exp(-2 * x + 0.5))
    opened = [date(2024, 1, 10) + timedelta(days=int(d)) for d in np.sort(rng.integers(0, 650, n))]
    ids = [f"T{i:04d}" for i in rng.permutation(n)]
    snapshot = [o - timedelta(days=int(d)) for o, d in zip(opened, rng.integers(0, 90, n))]
    features = pa.table(
        {
            "taxpayer_id": ids, "as_of": pa.array(snapshot), "feature_set": ["f"] * n, "snapshot": ["backfill"] * n,
            "f0": np.where(rng.random(n) < 0.05, np.nan, f0), "f1": f1, "f2": rng.normal(size=n), "credit_rating_low": hit.astype(float),
            "surcharge": np.where(hit, rng.random(n) + 1, 0.0),
        }
    )  # fmt: skip
    outcomes = outcome(*(
        {"case_id": f"C{i}", "taxpayer_id": t, "adjusted": int(h), "finding": "confirmed" if h else "excluded", "opened_on": o,
         "assessed": Decimal(int(1000 * np.exp(v))) if h else Decimal(0), "known_at": o + timedelta(days=60)}
        for i, (t, h, o, v) in enumerate(zip(ids, hit, opened, x))
    ))  # fmt: skip
    scores = pa.table(
        {
            "taxpayer_id": ids, "as_of": pa.array(snapshot), "model_version": ["rules"] * n, "rules_score": np.maximum(x + rng.normal(size=n) * 2, 0),
            "amount": pa.array([Decimal(500)] * n, pa.decimal128(18, 2)),
        }
    )  # fmt: skip
    return features, outcomes, scores


def test_windows_know_only_what_was_known(conf: configuration.Conf) -> None:
    features, outcomes, scores = country()
    rows = training_rows(features, outcomes, scores, None, AS_OF, conf)
    splits = windows(rows.known, AS_OF, conf)
    assert 2 <= len(splits) <= 4
    for split in splits:
        assert rows.known.known_at[split.train].max() <= split.start <= rows.known.opened_on[split.test].min()
        assert rows.known.opened_on[split.test].max() <= np.datetime64(AS_OF) - conf.ranking.label_lag_days


def test_the_champion_learns_without_the_leak(conf: configuration.Conf, tmp_path: Path) -> None:
    features, outcomes, scores = country()
    uri = f"sqlite:///{tmp_path}/registry/mlflow.db"
    assert champion(uri) is None
    trained = train(features, outcomes, scores, None, AS_OF, conf, uri)
    assert set(trained.comparison) == {"rules", "single_feature", "logistic", "gradient_boosting"}
    assert [leak.feature for leak in trained.leaks] == ["surcharge"]
    assert trained.chosen in ("logistic", "gradient_boosting")
    assert 0.75 < trained.comparison[trained.chosen]["auc"] < 0.95
    reference = champion(uri)
    assert reference == trained.model
    model, extra = load(Path(reference.path), reference.digest)
    assert "credit_rating_low" not in model.features and "surcharge" not in model.features
    assert extra["amount"] is not None
    again = train(features.take(list(range(features.num_rows))[::-1]), outcomes, scores, None, AS_OF, conf, uri)
    assert again.model.digest == reference.digest
    Path(reference.path).write_bytes(b"PK" + Path(reference.path).read_bytes()[2:] + b"x")
    with pytest.raises(ModelRefused, match="SHA-256"):
        load(Path(reference.path), reference.digest)


def test_what_becomes_known_later_changes_nothing(conf: configuration.Conf, tmp_path: Path) -> None:
    features, outcomes, scores = country(600)
    then = date(2025, 6, 1)
    first = train(features, outcomes, scores, None, then, conf, f"sqlite:///{tmp_path}/a/mlflow.db")
    rng = np.random.default_rng(1)
    late = np.array([k > then for k in outcomes["known_at"].to_pylist()])
    poisoned = outcomes.set_column(
        outcomes.column_names.index("adjusted"),
        "adjusted",
        pa.array(np.where(late, rng.integers(0, 2, 600), outcomes["adjusted"].to_numpy()), pa.int32()),
    )
    after = np.array([d > then for d in features["as_of"].to_pylist()])
    noisy = features.set_column(features.column_names.index("f0"), "f0", pa.array(np.where(after, 99.0, features["f0"].to_numpy())))
    second = train(noisy, poisoned, scores, None, then, conf, f"sqlite:///{tmp_path}/b/mlflow.db")
    assert late.any() and after.any()
    assert first.model is not None and first.model.digest == second.model.digest


def test_stakes_are_those_of_the_snapshot_day(conf: configuration.Conf) -> None:
    features, outcomes, scores = country(300)
    ids, days = features["taxpayer_id"].to_pylist(), features["as_of"].to_pylist()
    point = {"tax": "VAT", "risk_code": "vat_input_inflated", "period_from": date(2023, 1, 1), "period_to": date(2023, 3, 31), "base": "input", "state": "opened", "fraud": False}
    rows = [
        point | {"point_id": f"p{n}{k}", "taxpayer_id": ids[n], "as_of": day, "amount_error": Decimal(amount), "amount_evasion": Decimal(amount)}
        for n in range(3)
        for k, (day, amount) in enumerate([(days[n], 100 * (n + 1)), (days[n] - timedelta(days=1), 9999)])
    ]
    points = pa.Table.from_pylist([*rows, rows[0] | {"point_id": "silent", "state": "silent", "base": "other"}], schema=table("risk_point").schema)
    found = training_rows(features, outcomes, scores, points, AS_OF, conf)
    place = stake_codes(conf).index("vat_input_inflated")
    by = dict(zip(found.ids, found.stakes[:, place], strict=True))
    assert [by[i] for i in ids[:4]] == [100, 200, 300, 0]
    assert found.stakes.sum() == 600


def test_snapshots_of_another_feature_set_are_left_out(conf: configuration.Conf) -> None:
    features, outcomes, scores = country(300)
    last = max(features["as_of"].to_pylist())
    sets = ["new" if d == last or n % 2 else "old" for n, d in enumerate(features["as_of"].to_pylist())]
    mixed = features.set_column(features.column_names.index("feature_set"), "feature_set", pa.array(sets))
    rows = training_rows(mixed, outcomes, scores, None, AS_OF, conf)
    assert rows.feature_set == "new" and len(rows.known.label) == sets.count("new")


def test_too_few_labels_leave_the_nights_rules_only(conf: configuration.Conf, tmp_path: Path) -> None:
    features, outcomes, _ = country(40)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    trained = train(features, outcomes, None, None, AS_OF, conf, uri)
    assert trained.model is None and "60 are needed" in trained.note
    assert champion(uri) is None
