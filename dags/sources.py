"""One small DAG per source, built from its contract: lands what the agency left, and says so when nothing came in time.

Each runs at the contract's times and, for what comes late, every hour. Its asset is updated only when something landed.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset, MultipleCronTriggerTimetable, Param, task
from airflow.sdk.exceptions import AirflowSkipException
from assay_house import CONF, ONCE_MORE, ZONE, assay

from jobs.conf import Source

log = logging.getLogger(__name__)

LATECOMERS = "15 * * * *"
PARAMS = {
    "received_at": Param(None, type=["null", "string"], description="ISO moment of receipt, for files received before this platform ran; null: now"),
    "history": Param(False, type="boolean", description="the files bring the past"),
}


def drop_folder(name: str) -> Path:
    """Where the source's agency leaves its files: ASSAY_DROP/<source>."""
    return Path(os.environ.get("ASSAY_DROP", "drop")).resolve() / name


def source_dag(source: Source) -> DAG:
    """The DAG of one source: look, land, check that the delivery came in time."""
    with DAG(
        dag_id=f"source_{source.name}",
        description=f"{source.agency.en}: lands {source.name}",
        schedule=MultipleCronTriggerTimetable(source.expect.schedule, LATECOMERS, timezone=ZONE),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args=ONCE_MORE,
        params=PARAMS,
        tags=["source", source.table],
    ) as dag:

        @task.short_circuit(ignore_downstream_trigger_rules=False)
        def look() -> bool:
            """Is anything there that fits the contract's file pattern?"""
            from jobs.cli.landing import anything_waiting

            return anything_waiting(source.name, drop_folder(source.name))

        @task(trigger_rule="none_failed")
        def in_time() -> str:
            """Warn and end as skipped when the delivery is late."""
            from jobs.cli.landing import arrival_now

            found = arrival_now(source.name)
            if found.late:
                log.warning("%s", found)
                raise AirflowSkipException(str(found))
            return str(found)

        land = BashOperator(
            task_id="land",
            bash_command=assay("land", source.name, str(drop_folder(source.name)), more='${WHEN:+--received-at "$WHEN"} ${HISTORY:+--history}'),
            env={"WHEN": "{{ params.received_at or '' }}", "HISTORY": "{{ 'yes' if params.history else '' }}"},
            append_env=True,
            outlets=[Asset(source.name)],
        )
        look() >> land >> in_time()
    return dag


for contract in CONF.sources.values():
    globals()[f"source_{contract.name}"] = source_dag(contract)
