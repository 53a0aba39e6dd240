"""A real Airflow runs a night by itself: sources land, their assets start it, a task and the scheduler are killed, an official approves.

Nothing here calls `assay`: Airflow does, and people through its interface. `make fault` runs it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from jobs.conf import load
from jobs.lake.read import whole
from tests.dags.house import CLERK, OFFICIAL, REPO, Airflow, airflow_at
from tests.dags.scheduled import Scheduled, scheduled, until
from tests.same_end import acts, broken_anchors, cases, differing_tables, evidence

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.fault, pytest.mark.spark, pytest.mark.slow]

WAITED = ("invoice", "treasury", "vat_return")  # the contracts say that the night waits for these
ABSENT = "pit_return"  # delivers every day, says its contract, and has not
LOST_TASK, LOST_WITH_SCHEDULER = "analyse", "rank"


@dataclass
class Night:
    """What a night under the scheduler came to, as Airflow's interface told it."""

    house: Airflow
    sources: dict[str, dict[str, str]] = field(default_factory=dict)
    warned: str = ""
    started_by: str = ""
    nights: int = 0
    tries: dict[str, int] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)

    @property
    def lake(self) -> Path:
        return Path(self.house.env["ASSAY_LAKE"])

    @property
    def as_of(self) -> date:
        return max(a["as_of"] for a in whole(str(self.lake), "night").to_pylist())


@pytest.fixture(scope="module")
def house(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, database: Path) -> Airflow:
    """A country whose history ended some weeks ago: three sources lie in the drop, the others have landed before."""
    from jobs.economy.country import generate

    found = airflow_at(tmp_path_factory.mktemp("scheduler"), database)
    months = date.today().year * 12 + date.today().month - 20
    generate(spark, found.root / "country", 300, 18, 7, date(months // 12, months % 12 + 1, 1), 2)
    shutil.copytree(found.root / "country" / "inbox", found.inbox, dirs_exist_ok=True)
    for name in WAITED:
        (found.inbox / name / "manifest.jsonl").unlink()
        os.rename(found.inbox / name, found.drop / name)
    found.env["ASSAY_CONF"] = str(planned(found.root / "conf"))
    return found


def planned(folder: Path) -> Path:
    """The repository's configuration with a plan for this year, whichever year the test runs in."""
    shutil.copytree(REPO / "conf", folder)
    this_year = date.today().year
    last = max(folder.glob("plan/*.yaml"))
    if int(last.stem) < this_year:
        text = re.sub(rf"\b{last.stem}\b", str(this_year), last.read_text(encoding="utf-8"))
        (folder / "plan" / f"{this_year}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def night(house: Airflow) -> Night:
    """The whole story, from files in the drop to lists, with a task, the scheduler and a hand-over killed on the way."""
    found = Night(house)
    with scheduled(house) as airflow:
        until("the DAGs", 180, lambda: parsed(airflow))
        for name in set(load().sources) - {*WAITED, ABSENT}:  # what is not under test must not wake up meanwhile
            airflow.call("PATCH", f"dags/source_{name}", OFFICIAL, json={"is_paused": True}).raise_for_status()
        look_at_the_door(airflow, found)
        (run,) = until("a night started by the assets", 60, lambda: runs_of(airflow, "nightly") or None)
        found.started_by = run["run_type"]
        lose_a_task(airflow, run["dag_run_id"])
        lose_the_scheduler(airflow, run["dag_run_id"])
        approve(airflow, run["dag_run_id"], found)
        lose_the_hand_over(airflow, run["dag_run_id"])
        look_at_the_end(airflow, run["dag_run_id"], found)
    return found


def parsed(airflow: Scheduled) -> bool | None:
    """Does the interface answer, and name every DAG?"""
    try:
        there = {d["dag_id"] for d in airflow.get("dags?limit=100", OFFICIAL)["dags"]}
    except httpx.HTTPError:
        return None
    return {"nightly", *(f"source_{n}" for n in load().sources)} <= there or None


def runs_of(airflow: Scheduled, dag: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = airflow.get(f"dags/{dag}/dagRuns", OFFICIAL)["dag_runs"]
    return found


def look_at_the_door(airflow: Scheduled, found: Night) -> None:
    """Start the DAGs of the sources as an operator does, and see what they came to."""
    begun = {}
    for name in (ABSENT, *WAITED):
        body = {"logical_date": None, "conf": {"history": True} if name in WAITED else {}}
        begun[name] = airflow.call("POST", f"dags/source_{name}/dagRuns", OFFICIAL, json=body).raise_for_status().json()["dag_run_id"]
    for name, run in begun.items():
        until(f"the end of source_{name}", 180, lambda name=name, run=run: over(airflow, f"source_{name}", run))
        found.sources[name] = {t: str(i["state"]) for t, i in airflow.tasks(f"source_{name}", run, OFFICIAL).items()}
    found.warned = airflow.call("GET", f"dags/source_{ABSENT}/dagRuns/{begun[ABSENT]}/taskInstances/in_time/logs/1", OFFICIAL).text


def over(airflow: Scheduled, dag: str, run: str) -> str | None:
    state = airflow.get(f"dags/{dag}/dagRuns/{run}", OFFICIAL)["state"]
    return state if state in ("success", "failed") else None


def lose_a_task(airflow: Scheduled, run: str) -> None:
    """SIGKILL the command of a running task with its Spark; Airflow tries it again."""
    airflow.kill_command(f"nightly --room {LOST_TASK}", within=180, after=8)
    until(f"another try of {LOST_TASK}", 60, lambda: airflow.tasks("nightly", run, OFFICIAL)[LOST_TASK]["state"] == "up_for_retry" or None)


def lose_the_scheduler(airflow: Scheduled, run: str) -> None:
    """SIGKILL the scheduler and all below it while a room runs; another one takes over. It is told to die in the hand-over."""
    until(f"the command of {LOST_WITH_SCHEDULER}", 240, lambda: airflow.commands(f"nightly --room {LOST_WITH_SCHEDULER}") or None)
    airflow.kill("scheduler")
    assert not airflow.commands("nightly --room"), "the room lives on without its scheduler"
    airflow.start("scheduler", ASSAY_FAULT="hand_over:in_batch")


def approve(airflow: Scheduled, run: str, found: Night) -> None:
    """Somebody who is not named tries in vain, the named official approves, and once is enough."""
    path = "dags/nightly/dagRuns/~/hitlDetails?response_received=false&state=awaiting_input"
    (asked,) = until("the question to the official", 240, lambda: airflow.get(path, OFFICIAL)["hitl_details"] or None)
    found.asked = asked
    for user in (CLERK, OFFICIAL, OFFICIAL):
        answer = {"chosen_options": ["Approve"], "params_input": {"note": "seen"}}
        said = airflow.call("PATCH", f"dags/nightly/dagRuns/{run}/taskInstances/approval/-1/hitlDetails", user, json=answer)
        found.codes.append(said.status_code)


def lose_the_hand_over(airflow: Scheduled, run: str) -> None:
    """The hand-over dies in its transaction; so does its scheduler, and one without that fault takes over."""
    until("the end of the first hand-over", 120, lambda: airflow.tasks("nightly", run, OFFICIAL)["hand_over"]["state"] == "up_for_retry" or None)
    airflow.kill("scheduler")
    airflow.start("scheduler")


def look_at_the_end(airflow: Scheduled, run: str, found: Night) -> None:
    until("the end of the night", 180, lambda: over(airflow, "nightly", run))
    tasks = airflow.tasks("nightly", run, OFFICIAL)
    found.states = {name: str(t["state"]) for name, t in tasks.items()}
    found.tries = {name: t["try_number"] for name, t in tasks.items()}
    found.nights = len(runs_of(airflow, "nightly"))


@pytest.fixture(scope="module")
def clean(night: Night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same date from the same inbox by two commands, undisturbed."""
    root = tmp_path_factory.mktemp("clean")
    env = {**night.house.env, "ASSAY_LAKE": str(root / "lake"), "ASSAY_OUT": str(root / "out")}
    day = ["--as-of", night.as_of.isoformat()]
    for words in (["nightly", *day], ["approve", *day, "--official", OFFICIAL, "--note", "seen", "--out", str(root / "out")]):
        command = [str(Path(sys.executable).with_name("assay")), *words]
        subprocess.run(command, env=env, cwd=REPO, check=True, capture_output=True, timeout=300)
    return root


def test_what_lies_in_the_drop_lands_and_an_absent_source_warns(night: Night) -> None:
    for name in WAITED:
        assert night.sources[name] == {"look": "success", "land": "success", "in_time": "success"}, name
    assert night.sources[ABSENT] == {"look": "success", "land": "skipped", "in_time": "skipped"}
    assert f"{ABSENT}: late; expected" in night.warned and "warning" in night.warned


def test_the_assets_start_one_night_and_every_task_of_it_ends_well(night: Night) -> None:
    assert (night.started_by, night.nights) == ("asset_triggered", 1)
    assert set(night.states.values()) == {"success"}


def test_what_was_killed_was_tried_again_and_nothing_else(night: Night) -> None:
    again = {name for name, tries in night.tries.items() if tries > 1}
    assert again - {"approval"} == {LOST_TASK, LOST_WITH_SCHEDULER, "hand_over"}


def test_the_official_is_told_that_the_night_ran_without_the_absent_source(night: Night) -> None:
    assert night.codes == [403, 200, 409]
    late = [line for line in night.asked["body"].splitlines() if line.startswith("* ")]
    assert any(line.startswith(f"* {ABSENT}: late; expected") for line in late)
    assert not any(line.startswith(f"* {name}:") for line in late for name in WAITED), "what landed an hour ago is in time"


def test_the_night_ends_as_an_undisturbed_one_and_hands_over_once(night: Night, clean: Path) -> None:
    assert differing_tables(clean / "lake", night.lake) == []
    assert acts(night.lake) == acts(clean / "lake")
    assert [a[2] for a in acts(night.lake)].count("handed_over") == 1
    assert evidence(night.lake) == evidence(clean / "lake")
    assert broken_anchors(night.lake, f"sqlite:///{night.lake}-cases.sqlite") == []
    handed = cases(night.lake.parent / "lake-cases.sqlite")
    assert handed == cases(clean / "lake-cases.sqlite") and handed["handover"]
    assert list((night.house.root / "out").rglob("*.xlsx")), "the night ends in lists"
