"""Runs the night's own check of arrivals by `dag.test()`, without `run_without`: poked while a source is late, and again once it has landed.

The source lands when the check has said no and put itself off; everything after the check counts as done. Poked every second, not every ten
minutes. What came of it is the last line of output, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select

from tests.dags.run_dag import dag_bag, rows_of

PATIENCE = 120


def main(source: str, drop: str) -> None:
    dag = dag_bag().get_dag("nightly")
    check = dag.get_task("arrived")
    check.poke_interval, check.timeout = 1, timedelta(seconds=PATIENCE).total_seconds()
    landed: list[str] = []
    over = threading.Event()
    lander = threading.Thread(target=land_once_put_off, args=(source, drop, landed, over), daemon=True)
    lander.start()
    after = "|".join(t for t in dag.task_ids if t not in ("due", "arrived"))
    run = dag.test(mark_success_pattern=after)
    over.set()
    lander.join()  # the check may see the landed file before the command that landed it has ended
    print(json.dumps({"state": run.state, **rows_of(run), "landed": landed}, default=str))


def land_once_put_off(source: str, drop: str, landed: list[str], over: threading.Event) -> None:
    """Land the source's files the first time the check is found waiting for its next poke."""
    while not over.wait(0.2):
        with create_session() as session:
            state = session.scalar(select(TaskInstance.state).where(TaskInstance.dag_id == "nightly", TaskInstance.task_id == "arrived"))
        if state == "up_for_reschedule":
            command = [str(Path(sys.executable).with_name("assay")), "land", source, drop]
            landed.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
