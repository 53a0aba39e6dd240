"""The night: one task per room of the pipeline, then a named official's approval, then the hand-over.

It starts once every source that the contracts say to wait for has landed, or at the hour of conf/assay.yaml, whichever comes
first; a second start for a published date ends at its first task. Sources that may be missing are named, and the night goes on.
What happened to cases since the last night is exported from the case store before anything is taken in.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from functools import reduce
from operator import and_
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronTriggerTimetable, Param, chain, task
from airflow.sdk.exceptions import AirflowSkipException
from assay_house import CONF, ONCE_MORE, ZONE, assay, local, officials

from jobs.lake.step import Kind
from jobs.pipeline import STEPS

log = logging.getLogger(__name__)

AS_OF = "{{ ti.xcom_pull('due') }}"
ROOMS = list(dict.fromkeys(step.room for step in STEPS if step.kind is not Kind.DELIVER))
PARAMS = {
    "as_of": Param(None, type=["null", "string"], format="date", description="date of the night; null: the day of the run"),
    "revise": Param(False, type="boolean", description="publish a published date again, as its next revision"),
    "run_without": Param(False, type="boolean", description="go on without the sources the contracts say to wait for"),
}


def schedule() -> Any:
    """By the assets of the sources to wait for, at the latest at the hour the night is due."""
    clock = CronTriggerTimetable(CONF.house.nightly, timezone=ZONE)
    waited = [Asset(s.name) for s in CONF.sources.values() if s.expect.policy == "wait"]
    return AssetOrTimeSchedule(timetable=clock, assets=reduce(and_, waited)) if waited else clock


def room_task(room: str) -> BashOperator:
    """`assay nightly --room`; running it again after a failure goes on where the room stopped."""
    revise = " ${REVISE:+--revise}" if room == ROOMS[0] else ""
    return BashOperator(
        task_id=room,
        bash_command=assay("nightly", "--room", room, more='--as-of "$AS_OF"' + revise),
        env={"AS_OF": AS_OF, "REVISE": "{{ 'yes' if params.revise else '' }}"},
        append_env=True,
    )


with DAG(
    dag_id="nightly",
    description="From what arrived to case lists that an official has approved",
    schedule=schedule(),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=ONCE_MORE,
    params=PARAMS,
    tags=["night"],
) as dag:

    @task
    def due(params: dict[str, Any], dag_run: Any) -> str:
        """The date of the night; ends the run as skipped when that date is published and no revision is wanted."""
        from jobs.cli.place import Place

        as_of = params["as_of"] or local(dag_run.logical_date or dag_run.run_after).date().isoformat()
        if not params["revise"] and any(n.as_of.isoformat() == as_of for n in Place.here().lake.nights()):
            raise AirflowSkipException(f"the night of {as_of} is published; start the DAG with revise to publish it again")
        return str(as_of)

    @task.sensor(mode="reschedule", poke_interval=600, timeout=timedelta(hours=18).total_seconds(), retries=0)
    def arrived(as_of: str, params: dict[str, Any]) -> bool:
        """Names the late sources; waits while one of them must be waited for."""
        from jobs.cli.landing import arrivals_for

        found = [a for a in arrivals_for(date.fromisoformat(as_of)) if a.late or a.last is None]
        for arrival in found:
            log.warning("%s", arrival)
        return params["run_without"] or not any(a.waited_for for a in found)

    @task(multiple_outputs=False)
    def summary(as_of: str) -> dict[str, Any]:
        """What the official is asked to let out: its revision, and counts in Markdown."""
        from jobs.cli.place import Place
        from jobs.cli.summary import night_summary

        place, day = Place.here(), date.fromisoformat(as_of)
        return {"revision": place.published(day).revision, "text": night_summary(place, day)}

    export = BashOperator(task_id="export", bash_command=assay("feedback"), append_env=True)
    rooms = [room_task(room) for room in ROOMS]
    approval = ApprovalOperator(
        task_id="approval",
        subject=f"Let the case lists of {AS_OF} go out?",
        body="{{ ti.xcom_pull('summary')['text'] }}",
        assigned_users=officials(),
        params={"note": Param("", type="string", description="remark kept with the approval")},
        defaults=ApprovalOperator.REJECT,
        response_timeout=timedelta(hours=20),
    )
    hand_over = BashOperator(
        task_id="hand_over",
        bash_command=assay("approve", more='--as-of "$AS_OF" --revision "$REVISION" --official "$OFFICIAL" --note "$NOTE" --out "${ASSAY_OUT:-out}"'),
        env={
            "AS_OF": AS_OF,
            "REVISION": "{{ ti.xcom_pull('summary')['revision'] }}",
            "OFFICIAL": "{{ ti.xcom_pull('approval')['responded_by_user']['name'] }}",
            "NOTE": "{{ ti.xcom_pull('approval')['params_input'].get('note', '') }}",
        },
        append_env=True,
    )
    night = due()
    chain(arrived(night), export, *rooms, summary(night), approval, hand_over)
