"""An Airflow of its own for each test: home, metadata database and users in a temporary folder, every run in its own process."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[2]
DAGS = REPO / "dags"
OFFICIAL, CLERK, PASSWORD = "official", "clerk", secrets.token_hex(8)


@dataclass(frozen=True)
class Airflow:
    """The folder and the environment in which Airflow's processes of one test run."""

    root: Path
    env: dict[str, str]

    @property
    def inbox(self) -> Path:
        return Path(self.env["ASSAY_INBOX"])

    @property
    def drop(self) -> Path:
        return Path(self.env["ASSAY_DROP"])

    def run_dags(self, *runs: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
        """`dag.test()` of DAGs one after the other: states of tasks, what each gave, tries, assets touched, codes of the answers.

        Of each run: `dag_id`; `conf`: its parameters; `answers`: (user, option) pairs given to the approval in turn, with `input`;
        `passed`: pattern of tasks counted as done without running; `retries`: tries again of each task; `kill`: words of a command
        that is killed once; `kill_at`: a fault point at which commands die on their first try.
        """
        found: list[dict[str, Any]] = self.script("run_dag", json.dumps(runs), timeout=timeout)
        return found

    def script(self, name: str, *words: str, timeout: float) -> Any:
        """Run a module of this folder; what its last line of output says, as JSON. Its whole session ends with it, or at the timeout."""
        call = [sys.executable, "-m", f"tests.dags.{name}", *words]
        with (self.root / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(call, cwd=self.root, env=self.env, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
            try:
                said, _ = process.communicate(timeout=timeout)
            finally:
                end_session(process)
        lines = said.decode().strip().splitlines()
        assert process.returncode == 0 and lines, f"{name} ended with {process.returncode}:\n{(self.root / f'{name}.log').read_text()[-6000:]}"
        return json.loads(lines[-1])


def end_session(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads its own session, with all it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(timeout=30)


def environment(root: Path) -> dict[str, str]:
    """The variables that make an Airflow at `root`: SQLite, our DAGs alone, two users who differ only in being assigned."""
    (root / "passwords.json").write_text(json.dumps({OFFICIAL: PASSWORD, CLERK: PASSWORD}), encoding="utf-8")
    ours = {name: str(root / name.removeprefix("ASSAY_").lower()) for name in ("ASSAY_LAKE", "ASSAY_INBOX", "ASSAY_DROP", "ASSAY_OUT")}
    for folder in ("inbox", "drop"):
        (root / folder).mkdir(exist_ok=True)
    return {
        **os.environ,
        **ours,
        "ASSAY_CONF": str(REPO / "conf"),
        "ASSAY_OFFICIALS": OFFICIAL,
        "AIRFLOW_HOME": str(root / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{OFFICIAL}:admin,{CLERK}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(root / "passwords.json"),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{root / 'airflow.db'}",
        "PYTHONPATH": os.pathsep.join([str(REPO), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }


def migrated(root: Path) -> Path:
    """A metadata database of the present schema, made once and copied by each test."""
    env = environment(root)
    command = str(Path(sys.executable).with_name("airflow"))
    done = subprocess.run([command, "db", "migrate"], env=env, cwd=root, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return root / "airflow.db"


def airflow_at(root: Path, database: Path) -> Airflow:
    """A fresh Airflow in a folder, from a migrated database."""
    shutil.copyfile(database, root / "airflow.db")
    return Airflow(root, environment(root))
