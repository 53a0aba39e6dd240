"""`assay backtest`: any table in, honest numbers out, or an error with a remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from jobs.evaluate.backtest import backtest
from models.ranking import at
from tests.data import DATA, needs

FAST = ["single_feature", "logistic"]


def study(folder: Path, **more: Any) -> Path:
    base = {
        "name": "drawn",
        "rows": {"path": "t.csv"},
        "label": {"column": "y"},
        "split": {"kind": "folds", "k": 4},
        "capacity": ["5%", 20],
        "candidates": FAST,
        "seed": 7,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**base, **more}, allow_unicode=True), encoding="utf-8")
    return path


def table(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Firms over four years: x tells, sector tells a little; ids with leading zeros; half of the firms have two rows."""
    rng = np.random.default_rng(seed)
    x, sector = rng.normal(size=n), rng.integers(0, 4, n)
    hit = rng.random(n) < 1 / (1 + np.exp(-2 * x - (sector == 1) + 1))
    day = pd.Timestamp("2010-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 1460, n)), unit="D")
    return pd.DataFrame({
        "firm": [f"{i:06d}" for i in rng.integers(0, n * 2 // 3, n)], "day": day.strftime("%Y-%m-%d"), "x": np.where(rng.random(n) < 0.1, np.nan, x),
        "noise": rng.normal(size=n), "sector": np.array(["retail", "trade", "12", "34"])[sector], "y": hit.astype(int),
        "tax": np.where(hit, np.round(rng.lognormal(8, 1, n), 2), 0),
    })  # fmt: skip


def run(folder: Path, frame: pd.DataFrame | None = None, **more: Any) -> tuple[int, dict[str, Any]]:
    if frame is not None:
        frame.to_csv(folder / "t.csv", index=False)
    code = backtest(study(folder, **more), folder / "out")
    held = folder / "out" / "metrics.json"
    return code, json.loads(held.read_text(encoding="utf-8")) if held.exists() else {}


def test_folds_write_what_the_design_names(tmp_path: Path) -> None:
    frame = table()
    code, found = run(tmp_path, frame, rows={"path": "t.csv", "id": "firm"}, features={"drop": ["day", "tax"]})
    assert code == 0
    assert found["chosen"] == "logistic"
    assert set(found["candidates"]) == set(FAST)
    assert found["candidates"]["logistic"]["regret"] >= 0
    held = pq.read_table(tmp_path / "out" / "predictions.parquet").to_pandas()
    assert list(held.columns)[:8] == ["row", "id", "as_of", "split", "candidate", "score", "rank", "label"]
    assert held.groupby("candidate")["row"].apply(lambda r: sorted(r) == list(range(600))).all()
    assert (held["id"] == frame["firm"].to_numpy()[held["row"]]).all()  # leading zeros kept
    assert (held["label"] == frame["y"].to_numpy()[held["row"]]).all()
    # an entity lies in one fold, and the numbers follow from the predictions
    assert (held.groupby("id")["split"].nunique() == 1).all()
    for (name, split), part in held.groupby(["candidate", "split"]):
        cell = found["candidates"][name]["splits"][split]["capacities"]["5%"]
        assert cell["k"] == int(len(part) * 0.05)
        top = at(part["score"].to_numpy(), part["label"].to_numpy(dtype=float), cell["k"])
        assert cell["precision"] == pytest.approx(top["precision"].as_dict())
        ordered = part.sort_values(["score", "id", "row"], ascending=[False, True, True])
        assert ordered["rank"].tolist() == list(range(1, len(part) + 1))
        assert cell["brier"]["expected"] == pytest.approx(((part["probability"] - part["label"]) ** 2).mean())
    assert found["candidates"]["logistic"]["splits"]["pooled"]["auc"]["expected"] > 0.8
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert (
        "no dates" in page
        and "<svg" in page
        and "src=" not in page
        and "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace("http://creativecommons.org", "")
    )


def test_twice_the_same_and_whatever_the_order_of_rows(tmp_path: Path) -> None:
    frame = table(300)
    frame["firm"] = [f"f{n}" for n in range(300)]
    ask = {
        "rows": {"path": "t.csv", "id": "firm"},
        "features": {"drop": ["day", "tax"]},
        "candidates": "default",
        "split": {"kind": "folds", "k": 2},
    }
    results = []
    for n, part in enumerate((frame, frame, frame.iloc[::-1])):
        folder = tmp_path / str(n)
        folder.mkdir()
        assert run(folder, part, **ask)[0] == 0
        results.append([(folder / "out" / name).read_bytes() for name in ("metrics.json", "predictions.parquet", "report.html")])
    assert results[0] == results[1]
    one, other = (
        pq.read_table(tmp_path / n / "out" / "predictions.parquet").to_pandas().drop(columns="row").sort_values(["candidate", "id"])
        for n in "02"
    )
    assert one["split"].tolist() == other["split"].tolist()
    assert np.allclose(one["score"], other["score"], atol=1e-6)


def test_time_windows_know_only_the_past(tmp_path: Path) -> None:
    frame = table(900)
    rows = {"path": "t.csv", "id": "firm", "as_of": "day"}
    label = {"column": "y", "amount": "tax", "known_after": "180d"}
    code, found = run(
        tmp_path,
        frame,
        rows=rows,
        label=label,
        split={"kind": "time", "first_test": "2012-01-01", "every": "1y", "embargo": "30d"},
        objective="value@5%",
    )
    assert code == 0
    held = pq.read_table(tmp_path / "out" / "predictions.parquet").to_pandas()
    assert sorted(held["split"].unique()) == ["2012-01-01", "2013-01-01"]
    day = pd.to_datetime(frame["day"])
    for split, part in held[held["candidate"] == "logistic"].groupby("split"):
        start = pd.Timestamp(split)
        assert part["row"].tolist() == np.flatnonzero((day >= start) & (day < start + pd.DateOffset(years=1))).tolist()
        known = (day + pd.Timedelta(days=180) <= start) & (day < start - pd.Timedelta(days=30))
        assert found["candidates"]["logistic"]["splits"][split]["train_rows"] == int(known.sum())
        cell = found["candidates"]["logistic"]["splits"][split]["capacities"]["5%"]
        top = part.sort_values("rank").head(cell["k"])
        assert cell["value"]["expected"] == pytest.approx(frame["tax"].to_numpy()[top["row"]].sum())
    # the amount is what the audit brought: never a feature
    assert "tax" not in json.dumps(found["candidates"])
    assert found["candidates"]["single_feature"]["features"] == ["x"]


def test_one_window_ends_with_its_last_day_and_splits_no_group(tmp_path: Path) -> None:
    frame = table(400)
    frame["household"] = [f"g{n % 150}" for n in range(400)]
    split = {"kind": "time", "test_from": "2012-06-01", "test_to": "2012-12-31", "group": "household"}
    code, found = run(tmp_path, frame, rows={"path": "t.csv", "as_of": "day"}, features={"drop": ["tax"]}, split=split)
    held = pq.read_table(tmp_path / "out" / "predictions.parquet").to_pandas()
    day = frame["day"]
    inside = (day >= "2012-06-01") & (day <= "2012-12-31")
    assert code == 0 and set(held["row"]) == set(np.flatnonzero(inside))
    before = (day < "2012-06-01") & ~frame["household"].isin(frame["household"][inside])
    assert found["candidates"]["logistic"]["splits"]["2012-06-01"]["train_rows"] == int(before.sum())


def test_a_poisoned_future_changes_nothing(tmp_path: Path) -> None:
    frame = table(500)
    ask = {"rows": {"path": "t.csv", "as_of": "day"}, "features": {"drop": ["tax", "firm"]}, "label": {"column": "y", "known_after": "90d"},
           "split": {"kind": "time", "test_from": "2012-06-01", "test_to": "2012-12-31"}}  # fmt: skip
    run(tmp_path, frame, **ask)
    before = pq.read_table(tmp_path / "out" / "predictions.parquet").to_pandas()
    late = pd.to_datetime(frame["day"]) + pd.Timedelta(days=90) > "2012-06-01"
    frame.loc[late, "y"] = 1 - frame.loc[late, "y"]
    frame.loc[frame["day"] > "2012-12-31", ["x", "noise"]] = 777.0
    run(tmp_path, frame, **ask)
    after = pq.read_table(tmp_path / "out" / "predictions.parquet").to_pandas()
    assert late.sum() > 100
    assert (before["score"] == after["score"]).all()
    assert (before["label"] != after["label"]).all()


def test_permuted_labels_bring_nothing(tmp_path: Path) -> None:
    frame = table(2000)
    frame["y"] = np.random.default_rng(1).permutation(frame["y"])
    code, found = run(tmp_path, frame, features={"drop": ["tax", "day", "firm"]}, candidates="default")
    assert code == 0
    for held in found["candidates"].values():
        pooled = held["splits"]["pooled"]
        assert pooled["auc"]["expected"] == pytest.approx(0.5, abs=0.04)
        low, high = pooled["capacities"]["5%"]["precision_interval"]
        assert low - 0.05 <= found["base_rate"] <= high + 0.05


def test_rows_without_a_label_take_up_capacity_but_are_not_judged(tmp_path: Path) -> None:
    frame = table(800)
    frame["y"] = frame["y"].astype("Int64").mask(np.arange(800) % 3 == 0)
    code, found = run(tmp_path, frame, features={"drop": ["tax", "day", "firm"]})
    held = pq.read_table(tmp_path / "out" / "predictions.parquet")
    assert code == 0 and found["labelled"] == 533  # 800 - 267
    assert held["label"].null_count == 2 * 267
    pooled = found["candidates"]["logistic"]["splits"]["pooled"]
    assert pooled["rows"] == 800 and pooled["labelled"] == 533
    assert 0.4 < pooled["capacities"]["20"]["labelled_share"]["expected"] < 0.9


def test_rules_in_use_are_a_candidate(tmp_path: Path) -> None:
    frame = table(600)
    frame["points"] = (frame["x"].fillna(0) > 0.5).astype(int) + (frame["noise"] > 1).astype(int)
    code, found = run(tmp_path, frame, features={"drop": ["tax", "day", "firm"]}, rules="points", candidates=["rules", "logistic"])
    assert code == 0
    cell = found["candidates"]["rules"]["splits"]["pooled"]["capacities"]["5%"]
    assert cell["precision"]["expected"] > found["base_rate"]
    split = found["candidates"]["rules"]["splits"]["fold-1"]["capacities"]["5%"]["precision"]
    assert split["worst"] <= split["expected"] <= split["best"]


@needs("uci_audit")
def test_uci_audit_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows, label = {"path": str(DATA / "uci_audit" / "audit_risk.csv")}, {"column": "Risk"}
    code, found = run(tmp_path, rows=rows, label=label, features={"drop": ["TOTAL"], "categorical": ["LOCATION_ID"]})
    assert code == 3
    assert "Audit_Risk" in caplog.text and "exactly Audit_Risk >= 1" in caplog.text and "features.drop" in caplog.text
    assert [leak["feature"] for leak in found["leaks"]] == ["Audit_Risk", "Inherent_Risk", "Score"]
    assert all(leak["why"] for leak in found["leaks"])
    assert not (tmp_path / "out" / "predictions.parquet").exists()
    assert "Audit_Risk" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert any("'Score_B' occurs again" in note and "'Score_B#2'" in note for note in found["notes"])
    dropped = {"drop": ["TOTAL", "Audit_Risk", "Inherent_Risk", "Score", "Score_B"], "categorical": ["LOCATION_ID"]}
    code, found = run(tmp_path, rows=rows, label=label, features=dropped)
    assert code == 0 and found["leaks"] == []
    code, found = run(tmp_path, rows=rows, label=label, features={"drop": ["TOTAL"]}, allow_leaks=True)
    assert code == 0 and len(found["leaks"]) == 3


@needs("polish_bankruptcy")
def test_polish_bankruptcy_by_folds(tmp_path: Path) -> None:
    rows = {"path": str(DATA / "polish_bankruptcy" / "1year.arff")}
    code, found = run(
        tmp_path,
        rows=rows,
        label={"column": "bankruptcy"},
        split={"kind": "folds", "k": 2},
        candidates="default",
        capacity=["1%", "5%", 100],
    )
    assert code == 0
    assert (found["rows"], found["positives"], found["features"]) == (7027, 271, 64)
    pooled = {name: held["splits"]["pooled"] for name, held in found["candidates"].items()}
    assert pooled["gradient_boosting"]["auc"]["expected"] > 0.9 > pooled["single_feature"]["auc"]["expected"]
    assert pooled["gradient_boosting"]["capacities"]["5%"]["lift"]["expected"] > 5


def test_parquet_delta_and_types(tmp_path: Path) -> None:
    frame = table(400)
    frame["y"] = frame["y"] == 1
    frame["day"] = pd.to_datetime(frame["day"])
    frame["sector"] = frame["sector"].astype("category")
    frame["money"] = [None if n % 7 == 0 else f"{v:.2f}" for n, v in enumerate(frame["noise"] * 1000)]
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    arrow = arrow.append_column("exact", pa.array(frame["tax"].round(2)).cast(pa.decimal128(18, 2))).append_column(
        "list", pa.array([[1]] * 400)
    )
    pq.write_table(arrow, tmp_path / "t.parquet")
    ask = {"features": {"drop": ["tax", "exact"]}, "split": {"kind": "time", "test_from": "2012-06-01", "test_to": "2013-12-31"}}
    code, found = run(tmp_path, rows={"path": "t.parquet", "id": "firm", "as_of": "day"}, **ask)
    assert code == 0
    assert any("'list' is left out" in note for note in found["notes"])
    import deltalake

    deltalake.write_deltalake((tmp_path / "t").as_posix(), arrow.drop_columns(["list", "sector"]))
    code, other = run(tmp_path, rows={"path": "t", "id": "firm", "as_of": "day"}, **ask)
    assert code == 0 and other["positives"] == found["positives"]
