"""DAGs of sources, run whole by `dag.test()`, each on a source of its own: one finds a file, one none, one is late, one is given bad words; some pull."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.dags.house import REPO, Airflow, airflow_at

ZONE = ZoneInfo("Asia/Shanghai")
EVIL = "2026-01-05'; touch broken; $(touch broken) \"`touch broken`"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Airflow:
    found = airflow_at(tmp_path_factory.mktemp("sources"), database)
    for name in ("penalty_1.csv", "ownership_1.jsonl", "treasury_1.csv"):
        folder = found.drop / name.split("_")[0]
        folder.mkdir()
        (folder / name).write_text("a", encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def began() -> datetime:
    return datetime.now(ZONE)


@pytest.fixture(scope="module")
def runs(airflow: Airflow, began: datetime) -> dict[str, dict[str, Any]]:
    asked = [
        {"dag_id": "source_penalty"},
        {"dag_id": "source_land"},
        {"dag_id": "source_ownership", "conf": {"received_at": "2026-01-05T09:00:00+08:00", "history": True}},
        {"dag_id": "source_treasury", "conf": {"received_at": EVIL}, "retries": 0},
    ]
    return {a["dag_id"].removeprefix("source_"): done for a, done in zip(asked, airflow.run_dags(*asked, timeout=400), strict=True)}


def manifest(airflow: Airflow, source: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (airflow.inbox / source / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def test_what_lies_in_the_drop_lands_and_is_received_now(airflow: Airflow, began: datetime, runs: dict[str, dict[str, Any]]) -> None:
    done = runs["penalty"]
    assert (done["state"], done["tasks"]) == ("success", {"look": "success", "land": "success", "in_time": "success"})
    (entry,) = manifest(airflow, "penalty")
    assert (entry["file"], entry["receipt"], entry["kind"]) == ("penalty_1.csv", 1, "delivery")
    assert began <= datetime.fromisoformat(entry["received_at"]) <= datetime.now(ZONE)
    assert done["assets"] == ["penalty"] and not list((airflow.drop / "penalty").iterdir())


def test_an_empty_drop_lands_nothing_and_touches_no_asset(runs: dict[str, dict[str, Any]]) -> None:
    done = runs["land"]
    assert (done["state"], done["tasks"]["land"], done["assets"]) == ("success", "skipped", [])
    assert "never delivered" in done["values"]["in_time"]


def test_a_late_source_is_marked_and_does_not_fail(airflow: Airflow, runs: dict[str, dict[str, Any]]) -> None:
    # the contract expects the first of every month: a delivery of January 2026 alone is long overdue today
    done = runs["ownership"]
    assert (done["state"], done["tasks"]["land"], done["tasks"]["in_time"]) == ("success", "success", "skipped")
    assert [(e["received_at"], e["kind"]) for e in manifest(airflow, "ownership")] == [("2026-01-05T09:00:00+08:00", "history")]


def test_words_from_a_parameter_never_reach_the_shell(airflow: Airflow, runs: dict[str, dict[str, Any]]) -> None:
    done = runs["treasury"]
    assert (done["state"], done["tasks"]["land"], done["assets"]) == ("failed", "failed", [])
    assert not list(airflow.root.rglob("broken")) and not list(airflow.drop.rglob("broken"))
    assert not (airflow.inbox / "treasury").exists() and [p.name for p in (airflow.drop / "treasury").iterdir()] == ["treasury_1.csv"]


def test_the_night_waits_for_a_late_source_it_must_not_run_without_until_it_lands(tmp_path: Path, database: Path) -> None:
    airflow = with_late(tmp_path, database, "treasury", "treasury_2.csv")
    done = airflow.script("run_waiting", "treasury", str(airflow.drop / "treasury"), timeout=300)
    assert done["landed"] == ["landed treasury/treasury_2.csv"], "it landed while the check waited for its next poke"
    assert (done["state"], done["tasks"]["arrived"]) == ("success", "success")
    assert [e["receipt"] for e in manifest(airflow, "treasury")] == [1, 2]


def test_the_night_does_not_wait_for_a_late_source_it_may_run_without(tmp_path: Path, database: Path) -> None:
    airflow = with_late(tmp_path, database, "penalty", "penalty_2.csv")
    done = airflow.script("run_waiting", "penalty", str(airflow.drop / "penalty"), timeout=300)
    assert (done["state"], done["tasks"]["arrived"], done["landed"]) == ("success", "success", [])


def with_late(root: Path, database: Path, source: str, file: str) -> Airflow:
    """A house whose only delivery is of the source, of January 2026, with its next file still in the drop."""
    found = airflow_at(root, database)
    folder = found.drop / source
    folder.mkdir()
    (folder / file.replace("_2", "_1")).write_text("a", encoding="utf-8")
    command = [str(Path(sys.executable).with_name("assay")), "land", source, str(folder), "--received-at", "2026-01-05T09:00:00+08:00"]
    subprocess.run(command, check=True, env=found.env, cwd=found.root, capture_output=True, timeout=60)
    (folder / file).write_text("b", encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("place")
    (found / "penalty_1.csv").write_text("a", encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def pulling(place: Path, tmp_path_factory: pytest.TempPathFactory, database: Path) -> Airflow:
    """Penalties, ownership and licences are pulled: from a folder with a file, one without, one that is gone. All but penalties have been late since January."""
    found = airflow_at(tmp_path_factory.mktemp("pulling"), database)
    found.env["ASSAY_CONF"] = str(found.root / "conf")
    shutil.copytree(REPO / "conf", found.root / "conf")
    (found.root / "empty").mkdir()
    for name, folder in (("penalty", place), ("ownership", found.root / "empty"), ("licence", found.root / "gone")):
        path = found.root / "conf" / "sources" / f"{name}.yaml"
        path.write_text(f"{path.read_text(encoding='utf-8')}\npull: {{kind: folder, url: {folder}, settle: 0s}}\n", encoding="utf-8")
    for name in ("ownership", "licence"):
        (found.inbox / name).mkdir()
        entry = {"receipt": 1, "file": "a", "received_at": "2026-01-05T09:00:00+08:00", "kind": "delivery"}
        (found.inbox / name / "manifest.jsonl").write_text(json.dumps(entry) + "\n", encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def pulls(pulling: Airflow) -> list[dict[str, Any]]:
    killed = {"kill_at": "pull:landed", "retries": 1}  # it landed, and the task that landed it dies before it can say so
    asked = [{"dag_id": "source_penalty", **killed}, {"dag_id": "source_ownership"}, {"dag_id": "source_licence", "retries": 0}]
    return pulling.run_dags(*asked, timeout=600)


def test_what_is_pulled_is_handed_on_also_when_the_task_dies_right_after(pulling: Airflow, pulls: list[dict[str, Any]]) -> None:
    done = pulls[0]
    assert (done["state"], done["tasks"]) == ("success", {"pull": "success", "look": "success", "hand_on": "success", "in_time": "success"})
    assert done["tries"]["pull"] == 2, "the first try was killed, the second found nothing new"
    assert done["assets"] == ["penalty"]
    assert [(e["receipt"], e["file"], e["kind"]) for e in manifest(pulling, "penalty")] == [(1, "penalty_1.csv", "delivery")]


def test_a_pull_that_finds_nothing_hands_nothing_on_and_marks_the_source_as_late(pulls: list[dict[str, Any]]) -> None:
    done = pulls[1]
    assert (done["state"], done["tasks"]) == ("success", {"pull": "success", "look": "success", "hand_on": "skipped", "in_time": "skipped"})
    assert done["assets"] == []


def test_a_place_that_cannot_be_read_fails_the_run_and_lateness_is_said_all_the_same(pulls: list[dict[str, Any]]) -> None:
    done = pulls[2]
    assert (done["state"], done["tasks"]) == ("failed", {"pull": "failed", "look": "upstream_failed", "hand_on": "upstream_failed", "in_time": "skipped"})
