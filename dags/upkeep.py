"""The lake looked after once a week: small files merged, checkpoints, what no reader may ask for any more deleted; then the doctor.

Upkeep is refused while a night is being staged and is tried again an hour later; a fault that the doctor finds fails the run.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, CronTriggerTimetable
from assay_house import CONF, ONCE_MORE, ZONE, assay

with DAG(
    dag_id="upkeep",
    description="The lake: small files merged, old ones deleted, everything examined",
    schedule=CronTriggerTimetable(CONF.house.upkeep, timezone=ZONE),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=ONCE_MORE,
    tags=["lake"],
) as dag:
    look_after = BashOperator(task_id="upkeep", bash_command=assay("upkeep"), append_env=True, retries=6, retry_delay=timedelta(hours=1))
    look_after >> BashOperator(task_id="doctor", bash_command=assay("doctor"), append_env=True)
