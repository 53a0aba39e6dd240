"""The night, run whole by `dag.test()` on a small country: a room is killed and tried again, an official approves, lists go out once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.lake.lake import Lake
from jobs.lake.step import Kind
from jobs.pipeline import STEPS
from tests.dags.house import CLERK, OFFICIAL, Airflow, airflow_at

pytestmark = pytest.mark.slow
AS_OF = date(2026, 1, 20)
ROOMS = list(dict.fromkeys(s.room for s in STEPS if s.kind is not Kind.DELIVER))


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Airflow:
    """300 taxpayers x 18 months in the inbox, but for one source, whose files still lie where the agency left them."""
    found = airflow_at(tmp_path_factory.mktemp("night"), database)
    command = [str(Path(sys.executable).with_name("assay")), "economy", "--taxpayers", "300", "--months", "18", "--start", "2024-07-01", "--out", str(found.root / "country")]
    subprocess.run(command, check=True, env=found.env, cwd=found.root, capture_output=True, timeout=300)
    shutil.copytree(found.root / "country" / "inbox", found.inbox, dirs_exist_ok=True)
    (found.inbox / "penalty" / "manifest.jsonl").unlink()
    os.rename(found.inbox / "penalty", found.drop / "penalty")
    return found


@pytest.fixture(scope="module")
def runs(airflow: Airflow) -> list[dict[str, Any]]:
    night = {"dag_id": "nightly", "conf": {"as_of": AS_OF.isoformat(), "run_without": True}}
    again = {"dag_id": "nightly", "conf": {"as_of": AS_OF.isoformat(), "revise": True, "run_without": True}}
    approved = {"answers": [[CLERK, "Approve"], [OFFICIAL, "Perhaps"], [OFFICIAL, "Approve"], [OFFICIAL, "Reject"]], "input": {"note": "seen; \"sound\" $(id)"}}
    return airflow.run_dags(
        {"dag_id": "source_penalty", "conf": {"history": True, "received_at": "2026-01-19T09:00:00+08:00"}},
        {**night, **approved, "kill": "assay nightly --room analyse"},
        night,
        {**again, "passed": "|".join(ROOMS), "answers": [[OFFICIAL, "Reject"]]},
        timeout=900,
    )


def test_every_room_runs_once_and_the_killed_one_again(runs: list[dict[str, Any]]) -> None:
    night = runs[1]
    assert night["state"] == "success" and set(night["tasks"].values()) == {"success"}
    assert len(night["killed"]) == 1
    assert {task for task, tries in night["tries"].items() if tries > 1} - {"approval"} == {"analyse"}


def test_the_right_official_is_heard_once_and_nobody_else(runs: list[dict[str, Any]]) -> None:
    asked, *codes = runs[1]["answered"]
    assert codes == [403, 400, 200, 409]
    assert asked["assigned"] == [{"id": OFFICIAL, "name": OFFICIAL}]
    assert AS_OF.isoformat() in asked["subject"]


def test_he_is_told_what_goes_out_and_which_sources_were_late(airflow: Airflow, runs: list[dict[str, Any]]) -> None:
    text = runs[1]["answered"][0]["body"]
    cases = read(airflow, "selection").num_rows
    assert cases > 0 and f"{cases} cases of the night of {AS_OF}, revision 1" in text
    assert "* treasury: late; expected 2026-01-19 01:00, last delivery 2026-01-05" in text
    assert "penalty: late" not in text, "what its DAG landed the day before is in time"
    ids = set(read(airflow, "selection")["taxpayer_id"].to_pylist())
    assert not [i for i in ids if i in text]


def test_the_night_is_published_approved_by_name_and_handed_over_once(airflow: Airflow, runs: list[dict[str, Any]]) -> None:
    assert runs[1]["tasks"]["hand_over"] == "success"
    (night,) = lake(airflow).nights()
    assert (night.as_of, night.revision, night.approved_by, night.handed_over) == (AS_OF, 1, OFFICIAL, True)
    acts = [(a["act"], a["official"], a["note"]) for a in whole(airflow, "night") if a["act"] == "approved"]
    assert acts == [("approved", OFFICIAL, "seen; \"sound\" $(id)")]
    assert list((airflow.root / "out").rglob("*.xlsx")) and list((airflow.root / "out").rglob("*.html"))


def test_what_its_own_dag_landed_is_in_the_night(airflow: Airflow, runs: list[dict[str, Any]]) -> None:
    assert runs[0]["assets"] == ["penalty"]
    (batch,) = [b for b in whole(airflow, "batch") if b["source"] == "penalty"]
    assert batch["accepted"] > 0 and batch["kind"] == "history"


def test_a_second_start_for_a_published_date_ends_at_its_first_task(runs: list[dict[str, Any]]) -> None:
    assert set(runs[2]["tasks"].values()) == {"skipped"}


def test_a_rejected_list_is_not_handed_over(airflow: Airflow, runs: list[dict[str, Any]]) -> None:
    assert runs[3]["answered"][1:] == [200]
    assert (runs[3]["tasks"]["approval"], runs[3]["tasks"]["hand_over"]) == ("success", "skipped")
    assert [a["act"] for a in whole(airflow, "night")].count("handed_over") == 1


def lake(airflow: Airflow) -> Lake:
    from jobs.conf import load

    return Lake.open(airflow.env["ASSAY_LAKE"], load().house.buckets)


def whole(airflow: Airflow, name: str) -> list[dict[str, Any]]:
    from jobs.lake.read import whole as rows

    found: list[dict[str, Any]] = rows(lake(airflow).root, name).to_pylist()
    return found


def read(airflow: Airflow, name: str) -> Any:
    from jobs.lake.read import whole as rows

    return rows(lake(airflow).root, name)
