"""Says what a worker finds in the dags folder: errors, and of each DAG its tasks in order, assets and schedule. JSON on its last line."""

from __future__ import annotations

import json
from typing import Any

from airflow.serialization.serialized_objects import DagSerialization

from tests.dags.run_dag import dag_bag


def main() -> None:
    bag = dag_bag()
    print(json.dumps({"errors": bag.import_errors, "dags": {name: described(dag) for name, dag in bag.dags.items()}}))


def described(dag: Any) -> dict[str, Any]:
    stored = DagSerialization.serialize_dag(dag)
    return {
        "tasks": [t.task_id for t in dag.topological_sort()],
        "downstream": {t.task_id: sorted(t.downstream_task_ids) for t in dag.tasks},
        "outlets": {t.task_id: [a.name for a in t.outlets] for t in dag.tasks if t.outlets},
        "retries": {t.task_id: t.retries for t in dag.tasks},
        "commands": {t.task_id: t.bash_command for t in dag.tasks if hasattr(t, "bash_command")},
        "assigned": {t.task_id: t.assigned_users for t in dag.tasks if hasattr(t, "assigned_users")},
        "timetable": json.dumps(stored["timetable"]),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
    }


if __name__ == "__main__":
    main()
