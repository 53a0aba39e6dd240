"""Runs DAGs one after the other by `dag.test()` and answers their approvals through Airflow's own routes.

What came of them is the last line of output, as JSON. Everything that a second thread uses is imported before it starts: imported
inside it, runs hung.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from airflow.api_fastapi.app import create_app
from airflow.configuration import conf
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from sqlalchemy import select

WAIT = 0.5
PASSWORDS: dict[str, str] = json.loads(Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]).read_text(encoding="utf-8"))


def main(runs: list[dict[str, Any]]) -> None:
    bag = dag_bag()
    assert not bag.import_errors, bag.import_errors
    client = TestClient(create_app(apps="core")) if any(run.get("answers") for run in runs) else None
    print(json.dumps([outcome(bag, client, asked) for asked in runs], default=str))


def dag_bag() -> BundleDagBag:
    """The DAGs as a worker parses them."""
    folder = Path(conf.get("core", "dags_folder"))
    return BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")


def outcome(bag: BundleDagBag, client: TestClient | None, asked: dict[str, Any]) -> dict[str, Any]:
    """Run one DAG: states of its tasks, what each gave, tries, assets touched, the status code of each answer, and what was killed."""
    dag = bag.get_dag(asked["dag_id"])
    for task in dag.tasks:
        task.retries, task.retry_delay = asked.get("retries", task.retries), timedelta(0)
    answered: list[Any] = []
    killed: list[str] = []
    if asked.get("answers"):
        threading.Thread(target=answer, args=(client, asked, answered), daemon=True).start()
    if asked.get("kill_at"):
        die_once_at(dag, asked["kill_at"])
    if asked.get("kill"):
        threading.Thread(target=kill_once, args=(asked["kill"], killed), daemon=True).start()
    run = dag.test(run_conf=asked.get("conf"), mark_success_pattern=asked.get("passed"))
    return {"state": run.state, **rows_of(run), "answered": answered, "killed": killed}


def rows_of(run: Any) -> dict[str, Any]:
    with create_session() as session:
        found = run.get_task_instances(session=session)
        values = session.scalars(select(XComModel).where(XComModel.run_id == run.run_id, XComModel.dag_id == run.dag_id, XComModel.key == "return_value"))
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run.run_id, AssetEvent.source_dag_id == run.dag_id))
        return {
            "tasks": {ti.task_id: str(ti.state) for ti in found},
            "tries": {ti.task_id: ti.try_number for ti in found},
            "values": {x.task_id: XComModel.deserialize_value(x) for x in values},
            "assets": [event.asset.name for event in events],
        }


def die_once_at(dag: Any, point: str) -> None:
    """Every command of the DAG dies by SIGKILL at a named fault point, on its first try alone."""
    for task in dag.tasks:
        if hasattr(task, "bash_command"):
            task.env = {**(task.env or {}), "ASSAY_FAULT": "{{ '" + point + "' if ti.try_number == 1 else '' }}"}


def kill_once(words: str, killed: list[str]) -> None:
    """SIGKILL the first command below this process whose line holds the words, with all it started, a moment after it began."""
    mine = psutil.Process()
    while not killed:
        for process in mine.children(recursive=True):
            try:
                line = " ".join(process.cmdline())
                if words in line and "bash" not in process.name() and time.time() - process.create_time() > 4:
                    for part in [*process.children(recursive=True), process]:
                        part.kill()
                    killed.append(line)
                    return
            except psutil.NoSuchProcess:
                continue
        time.sleep(WAIT)


def answer(client: TestClient, asked: dict[str, Any], answered: list[Any]) -> None:
    """Give each (user, option) in turn once the approval waits; keep the status codes."""
    try:
        base = f"/api/v2/dags/{asked['dag_id']}/dagRuns"
        first = login(client, asked["answers"][0][0])
        while not (found := client.get(f"{base}/~/hitlDetails?response_received=false&state=awaiting_input", headers=first).json()["hitl_details"]):
            time.sleep(WAIT)
        ti = found[0]["task_instance"]
        path = f"{base}/{ti['dag_run_id']}/taskInstances/{ti['task_id']}/{ti['map_index']}/hitlDetails"
        answered.append({"subject": found[0]["subject"], "body": found[0]["body"], "assigned": found[0]["assigned_users"]})
        for user, option in asked["answers"]:
            said = client.patch(path, headers=login(client, user), json={"chosen_options": [option], "params_input": asked.get("input", {})})
            answered.append(said.status_code)
    except Exception:
        answered.append(traceback.format_exc())


def login(client: TestClient, user: str) -> dict[str, str]:
    said = client.post("/auth/token", json={"username": user, "password": PASSWORDS[user]})
    return {"Authorization": f"Bearer {said.json()['access_token']}"}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
