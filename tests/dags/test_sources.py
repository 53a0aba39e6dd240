"""The DAG of a source, run whole by `dag.test()`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.dags.house import Airflow


def leave(airflow: Airflow, name: str, text: str) -> None:
    folder = airflow.drop / "penalty"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def manifest(airflow: Airflow) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (airflow.inbox / "penalty" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def test_what_lies_in_the_drop_lands_and_is_received_now(airflow: Airflow) -> None:
    leave(airflow, "penalty_1.csv", "a")
    before = datetime.now(ZoneInfo("Asia/Shanghai"))
    done = airflow.test_dag("source_penalty")
    assert (done["state"], done["tasks"]) == ("success", {"look": "success", "land": "success", "in_time": "success"})
    (entry,) = manifest(airflow)
    assert (entry["file"], entry["receipt"], entry["kind"]) == ("penalty_1.csv", 1, "delivery")
    assert before <= datetime.fromisoformat(entry["received_at"]) <= datetime.now(before.tzinfo)
    assert done["assets"] == ["penalty"]


def test_an_empty_drop_lands_nothing_and_touches_no_asset(airflow: Airflow) -> None:
    done = airflow.test_dag("source_penalty")
    assert (done["state"], done["tasks"]["land"], done["assets"]) == ("success", "skipped", [])
    assert "never delivered" in done["values"]["in_time"]


def test_a_late_source_is_marked_and_does_not_fail(airflow: Airflow) -> None:
    leave(airflow, "penalty_1.csv", "a")
    # the contract expects the first of every month: a delivery of January 2026 is long overdue today
    done = airflow.test_dag("source_penalty", {"received_at": "2026-01-05T09:00:00+08:00", "history": True})
    assert (done["state"], done["tasks"]["land"], done["tasks"]["in_time"]) == ("success", "success", "skipped")
    assert [(e["received_at"], e["kind"]) for e in manifest(airflow)] == [("2026-01-05T09:00:00+08:00", "history")]


def test_words_from_a_parameter_never_reach_the_shell(airflow: Airflow) -> None:
    leave(airflow, "penalty_1.csv", "a")
    done = airflow.test_dag("source_penalty", {"received_at": "2026-01-05'; touch \"$ASSAY_DROP/broken\"; $(touch broken)"}, retries=0)
    assert (done["state"], done["tasks"]["land"]) == ("failed", "failed")
    assert not (airflow.drop / "broken").exists() and not list(airflow.root.rglob("broken"))
    assert not (airflow.inbox / "penalty" / "manifest.jsonl").exists()
