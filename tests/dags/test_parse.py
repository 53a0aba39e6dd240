"""The dags folder as a worker parses it, and Airflow kept inside it."""

from __future__ import annotations

import itertools
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.conf import load
from jobs.lake.step import Kind
from jobs.pipeline import STEPS
from tests.dags.house import DAGS, OFFICIAL, REPO, Airflow, airflow_at


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory, database: Path) -> dict[str, Any]:
    return airflow_at(tmp_path_factory.mktemp("parse"), database).script("parse_dags", timeout=180)


def test_every_dag_can_be_imported(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == {}


def test_there_is_one_dag_per_contract_the_night_and_upkeep(parsed: dict[str, Any]) -> None:
    assert set(parsed["dags"]) == {f"source_{name}" for name in load().sources} | {"nightly", "upkeep"}


def test_the_lake_is_looked_after_at_its_hour_and_then_examined(parsed: dict[str, Any]) -> None:
    dag = parsed["dags"]["upkeep"]
    assert f'"{load().house.upkeep}"' in dag["timetable"]
    assert (dag["tasks"], dag["downstream"]["upkeep"]) == (["upkeep", "doctor"], ["doctor"])
    assert {t: command.split()[-1] for t, command in dag["commands"].items()} == {"upkeep": "upkeep", "doctor": "doctor"}


def test_a_source_dag_has_the_schedule_and_the_asset_of_its_contract(parsed: dict[str, Any]) -> None:
    for source in load().sources.values():
        dag = parsed["dags"][f"source_{source.name}"]
        assert f'"{source.expect.schedule}"' in dag["timetable"]
        assert dag["outlets"] == {"land": [source.name]}
        assert dag["tasks"] == ["look", "land", "in_time"]


def test_the_night_has_one_task_per_room_in_the_order_of_the_pipeline(parsed: dict[str, Any]) -> None:
    dag = parsed["dags"]["nightly"]
    rooms = list(dict.fromkeys(s.room for s in STEPS if s.kind is not Kind.DELIVER))
    chain = ["arrived", "export", *rooms, "summary", "approval", "hand_over"]
    assert dag["tasks"] == ["due", *chain]
    for before, after in itertools.pairwise(chain):
        assert after in dag["downstream"][before]


def test_nothing_goes_out_but_through_the_approval_of_an_assigned_official(parsed: dict[str, Any]) -> None:
    dag = parsed["dags"]["nightly"]
    assert [t for t, after in dag["downstream"].items() if "hand_over" in after] == ["approval"]
    assert dag["assigned"] == {"approval": [{"id": OFFICIAL, "name": OFFICIAL}]}
    assert [t for t, command in dag["commands"].items() if " approve " in command] == ["hand_over"]


def test_the_night_waits_for_the_assets_of_the_sources_it_must_not_run_without(parsed: dict[str, Any]) -> None:
    timetable = parsed["dags"]["nightly"]["timetable"]
    for source in load().sources.values():
        assert (f'"{source.name}"' in timetable) == (source.expect.policy == "wait")
    assert f'"{load().house.nightly}"' in timetable


def test_tasks_are_tried_twice_and_one_run_at_a_time(parsed: dict[str, Any]) -> None:
    for dag in parsed["dags"].values():
        assert dag["max_active_runs"] == 1 and not dag["catchup"]
        assert {n for t, n in dag["retries"].items() if t not in ("arrived", "upkeep")} == {1}


def test_commands_are_this_environments_own_and_take_values_from_the_environment(parsed: dict[str, Any]) -> None:
    mine = shlex.quote(str(Path(sys.prefix) / "bin" / "assay"))
    commands = [c for dag in parsed["dags"].values() for c in dag["commands"].values()]
    assert commands and all(c.startswith(f"exec {mine} ") for c in commands)
    assert not any("{{" in c for c in commands), "a value rendered into the line could end the word it stands in"


def test_without_a_named_official_the_night_is_refused_with_the_remedy(airflow: Airflow) -> None:
    airflow.env["ASSAY_OFFICIALS"] = " , "
    found = airflow.script("parse_dags", timeout=180)
    assert "nightly" not in found["dags"]
    assert [("ASSAY_OFFICIALS is empty: name the Airflow users" in text) for text in found["errors"].values()] == [True]


def test_airflow_is_imported_nowhere_else() -> None:
    allowed = {DAGS, REPO / "tests" / "dags"}
    asked = re.compile(r"^\s*(import|from) airflow", re.M)
    places = [p for folder in ("jobs", "models", "portal", "examples", "bench", "tests", "tools") for p in (REPO / folder).rglob("*.py")]
    assert [str(p) for p in places if not allowed & set(p.parents) and asked.search(p.read_text(encoding="utf-8"))] == []
