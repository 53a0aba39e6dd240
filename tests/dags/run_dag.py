"""Runs one DAG by `dag.test()` and answers its approval through Airflow's own routes. Its last line of output is JSON.

Everything that a second thread uses is imported before it starts: imported inside it, runs hung.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from airflow.api_fastapi.app import create_app
from airflow.configuration import conf
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from sqlalchemy import select

WAIT = 1.0
PASSWORDS: dict[str, str] = json.loads(Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]).read_text(encoding="utf-8"))


def main(asked: dict[str, Any]) -> None:
    bag = dag_bag()
    assert not bag.import_errors, bag.import_errors
    dag = bag.get_dag(asked["dag_id"])
    for task in dag.tasks:
        task.retries = asked.get("retries", task.retries)
    answered: list[Any] = []
    if asked.get("answers"):
        client = TestClient(create_app(apps="core"))
        threading.Thread(target=answer, args=(client, asked, answered), daemon=True).start()
    run = dag.test(run_conf=asked["conf"], mark_success_pattern=asked.get("passed"))
    print(json.dumps({"state": run.state, **outcome_of(run), "answered": answered}, default=str))


def dag_bag() -> BundleDagBag:
    """The DAGs as a worker parses them."""
    folder = Path(conf.get("core", "dags_folder"))
    return BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")


def outcome_of(run: Any) -> dict[str, Any]:
    """State of each task, the value it gave, and the assets it touched."""
    with create_session() as session:
        states = {ti.task_id: str(ti.state) for ti in run.get_task_instances(session=session)}
        rows = session.scalars(select(XComModel).where(XComModel.run_id == run.run_id, XComModel.key == "return_value"))
        values = {x.task_id: XComModel.deserialize_value(x) for x in rows}
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run.run_id))
        assets = [event.asset.name for event in events]
    return {"tasks": states, "values": values, "assets": assets}


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
            said = client.patch(path, headers=login(client, user), json={"chosen_options": [option], "params_input": {}})
            answered.append(said.status_code)
    except Exception:
        answered.append(traceback.format_exc())


def login(client: TestClient, user: str) -> dict[str, str]:
    said = client.post("/auth/token", json={"username": user, "password": PASSWORDS[user]})
    return {"Authorization": f"Bearer {said.json()['access_token']}"}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
