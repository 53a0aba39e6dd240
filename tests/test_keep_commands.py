"""`assay upkeep`, `doctor`, `backup` and `restore`, as an operator types them."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jobs import conf as configuration
from jobs.cli import app
from jobs.lake.lake import Lake, now
from jobs.lake.read import data_files
from jobs.lake.tables import table
from jobs.runner import Refused
from tests.lake.helpers import receive


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Twenty small batches, and a case store beside them."""
    for name in ("ASSAY_CASES", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ASSAY_LAKE", str(tmp_path / "lake"))
    found = Lake.open(tmp_path / "lake", configuration.load().house.buckets)
    for n in range(20):
        receive(found, "penalty", [{"penalty_no": str(n), "party_name": "x"}], f"b{n}", found.take_lease("t"))
    with sqlite3.connect(tmp_path / "lake-cases.sqlite") as store:
        store.execute("create table t (n integer)")
    return found


def assay(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_upkeep_merges_and_the_doctor_is_content(lake: Lake) -> None:
    assert "more than 16 small files" in assay("doctor").output
    before = len(data_files(lake.root, "batch"))
    done = assay("upkeep")
    assert done.exit_code == 0 and "the log is sealed" in done.output
    assert (before, len(data_files(lake.root, "batch"))) == (20, 1)
    said = assay("doctor")
    assert said.exit_code == 0 and "advice" not in said.output


def test_upkeep_does_not_take_the_lease_from_a_night_that_is_being_staged(lake: Lake) -> None:
    run = lake.take_lease("night")
    begin = {"run": run, "run_id": "x", "as_of": date(2026, 1, 1), "revision": 1, "room": "begin", "step": "begin", "code_version": "", "conf_digest": "", "reads": "{}",
             "writes": "{}", "at": now()}  # fmt: skip
    lake.append("run", [begin], "x", run)
    refused = assay("upkeep")
    assert isinstance(refused.exception, Refused) and "2026-01-01 is being staged" in str(refused.exception)
    assert lake.epoch() == run


def test_the_doctor_refuses_a_lake_with_a_changed_byte(lake: Lake) -> None:
    path = Path(lake.root) / table("penalty").path / data_files(lake.root, "penalty")[0].path
    path.write_bytes(path.read_bytes()[:200] + b"?" + path.read_bytes()[201:])
    said = assay("doctor")
    assert isinstance(said.exception, Refused) and "is not as it was written; restore it from the last back-up" in said.output


def test_a_drill(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert assay("backup", str(tmp_path / "kept")).exit_code == 0
    monkeypatch.setenv("ASSAY_LAKE", str(tmp_path / "elsewhere"))
    done = assay("restore", str(tmp_path / "kept"))
    assert done.exit_code == 0 and "no fault" in done.output, done.output
    again = Lake.open(tmp_path / "elsewhere", lake.buckets)
    assert again.batches_in_force(10**6) == lake.batches_in_force(10**6)
    assert (tmp_path / "elsewhere-cases.sqlite").is_file()
    assert "not empty" in str(assay("restore", str(tmp_path / "kept")).exception)
