"""One small DAG per source, built from its contract: pulls what is new, or lands what the agency left, and says so when nothing came in time.

Each runs at the contract's times and, for what comes late, every hour. Its asset is updated only when something landed.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset, MultipleCronTriggerTimetable, Param, task
from airflow.sdk.exceptions import AirflowSkipException
from assay_house import CONF, ONCE_MORE, ZONE, assay

from jobs.conf import Source

log = logging.getLogger(__name__)

LATECOMERS = "15 * * * *"
HISTORY = Param(False, type="boolean", description="the files bring the past")
RECEIVED_AT = Param(None, type=["null", "string"], description="ISO moment of receipt, for files received before this platform ran; null: now")


def drop_folder(name: str) -> Path:
    """Where the source's agency leaves its files: ASSAY_DROP/<source>."""
    return Path(os.environ.get("ASSAY_DROP", "drop")).resolve() / name


def source_dag(source: Source) -> DAG:
    """The DAG of one source: its files are pulled or landed, then it is checked that the delivery came in time."""
    with DAG(
        dag_id=f"source_{source.name}",
        description=f"{source.agency.en}: {'pulls' if source.pull else 'lands'} {source.name}",
        schedule=MultipleCronTriggerTimetable(source.expect.schedule, LATECOMERS, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args=ONCE_MORE,
        params={"history": HISTORY} if source.pull else {"received_at": RECEIVED_AT, "history": HISTORY},
        tags=["source", source.table],
    ) as dag:
        if source.pull:
            pulled(source.name)
        else:
            brought(source.name)
    return dag


def pulled(name: str) -> None:
    """Pull; hand the asset on when this run brought something; say whether the source is late even when it could not be pulled."""

    @task.short_circuit
    def look(dag_run: Any) -> bool:
        """Did anything land since this run began? The manifest knows it also when the task that landed it was killed and tried again."""
        from jobs.cli.landing import received_since

        return received_since(name, dag_run.start_date)

    @task(outlets=[Asset(name)])
    def hand_on() -> None:
        """Updates the source's asset."""

    pull = BashOperator(
        task_id="pull",
        bash_command=assay("pull", name, more="${HISTORY:+--history}"),
        env={"HISTORY": "{{ 'yes' if params.history else '' }}"},
        append_env=True,
    )
    pull >> look() >> hand_on()
    pull >> checked(name, "all_done")


def brought(name: str) -> None:
    """Look into the drop folder, land what lies there, check that the delivery came in time."""

    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def look() -> bool:
        """Is anything there that fits the contract's file pattern?"""
        from jobs.cli.landing import anything_waiting

        return anything_waiting(name, drop_folder(name))

    land = BashOperator(
        task_id="land",
        bash_command=assay("land", name, str(drop_folder(name)), more='${WHEN:+--received-at "$WHEN"} ${HISTORY:+--history}'),
        env={"WHEN": "{{ params.received_at or '' }}", "HISTORY": "{{ 'yes' if params.history else '' }}"},
        append_env=True,
        outlets=[Asset(name)],
    )
    look() >> land >> checked(name, "none_failed")


def checked(name: str, after: str) -> Any:
    """The task that warns, and ends as skipped, when the delivery is late."""

    @task(trigger_rule=after)
    def in_time() -> str:
        from jobs.cli.landing import arrival_now

        found = arrival_now(name)
        if found.late:
            log.warning("%s", found)
            raise AirflowSkipException(str(found))
        return str(found)

    return in_time()


for contract in CONF.sources.values():
    globals()[f"source_{contract.name}"] = source_dag(contract)
