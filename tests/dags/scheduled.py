"""A real Airflow: api-server, scheduler with LocalExecutor and dag-processor, each its own process, on SQLite in a temporary home.

Parts can be killed as a machine dies: with everything they started. Whatever carries this home in its environment is ended at the end,
for tasks lead sessions of their own and outlive those that started them.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.dags.house import PASSWORD, Airflow

PARTS = {"api-server": [], "dag-processor": [], "scheduler": ["--skip-serve-logs"]}
RETRY_AFTER = 25
SETTINGS = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "2",
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": str(RETRY_AFTER),  # five minutes in earnest
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",  # the DAGs do not change meanwhile
    # how soon another scheduler believes that one is dead, and takes what it left
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
}
NAMES = re.compile(r"\b[0-9A-Z]{15,18}\b")


class Unexpected(AssertionError):
    """Something did not come in time, or came otherwise; the message ends with what Airflow's parts said last."""


@dataclass
class Scheduled:
    """A running Airflow: its processes, and its public interface as a user sees it."""

    house: Airflow
    port: int
    parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def start(self, *names: str, **more: str) -> None:
        """Start parts, each with these variables beside the house's own."""
        for name in names:
            command = [str(Path(sys.executable).with_name("airflow")), name, *PARTS[name]]
            with (self.house.root / f"{name}.log").open("ab") as log:
                self.parts[name] = subprocess.Popen(
                    command, cwd=self.house.root, env={**self.house.env, **more}, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
                )

    def kill(self, name: str) -> None:
        """SIGKILL a part and everything below it at once."""
        kill_tree(psutil.Process(self.parts[name].pid))
        self.parts.pop(name).wait(timeout=30)

    def kill_command(self, words: str, within: float, after: float) -> None:
        """SIGKILL the command whose line holds the words, with all it started, so many seconds after it began."""
        wanted = until(f"the command '{words}'", within, lambda: next(iter(self.commands(words)), None))
        while time.time() - wanted.create_time() < after:
            time.sleep(0.2)
        kill_tree(wanted)

    def commands(self, words: str) -> list[psutil.Process]:
        """Processes of this home whose command line holds the words, Airflow's own left out."""
        found = []
        for process in self.processes():
            try:
                line = " ".join(process.cmdline())
                if words in line and "airflow" not in process.name() and "bash" not in process.name():
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def processes(self) -> list[psutil.Process]:
        """Everything that was started with this home, whoever started it."""
        home, found = self.house.env["AIRFLOW_HOME"], []
        for process in psutil.process_iter():
            try:
                if process.pid != os.getpid() and process.environ().get("AIRFLOW_HOME") == home:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def end(self) -> None:
        """End all of it, by id, until nothing is left."""
        for _ in range(50):
            if not (left := self.processes()):
                return
            for process in left:
                kill(process)
            psutil.wait_procs(left, timeout=5)
            for part in self.parts.values():
                part.poll()
        raise Unexpected(f"processes {[p.pid for p in self.processes()]} do not end")

    def call(self, method: str, path: str, user: str, **more: Any) -> httpx.Response:
        """One request to the public interface as that user."""
        if user not in self.tokens:
            said = httpx.post(f"http://127.0.0.1:{self.port}/auth/token", json={"username": user, "password": PASSWORD}, timeout=30)
            self.tokens[user] = said.raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        return httpx.request(method, f"http://127.0.0.1:{self.port}/api/v2/{path}", headers=headers, timeout=60, **more)

    def get(self, path: str, user: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", path, user).raise_for_status().json()
        return found

    def tasks(self, dag: str, run: str, user: str) -> dict[str, dict[str, Any]]:
        """The task instances of a run by task."""
        return {t["task_id"]: t for t in self.get(f"dags/{dag}/dagRuns/{run}/taskInstances", user)["task_instances"]}

    def tail(self) -> str:
        """The last lines of every part, without what looks like a taxpayer's number."""
        said = []
        for name in PARTS:
            path = self.house.root / f"{name}.log"
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-25:] if path.exists() else []
            said += [f"--- {name}", *(NAMES.sub("<number>", line)[:300] for line in lines)]
        return "\n".join(said)


@contextmanager
def scheduled(house: Airflow) -> Iterator[Scheduled]:
    """Start Airflow in a prepared house; ended with all it started, come what may."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    house.env.update(SETTINGS, AIRFLOW__API__PORT=str(port), AIRFLOW__API__BASE_URL=address, AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"{address}/execution/")
    with sqlite3.connect(house.root / "airflow.db") as database:
        database.execute("pragma journal_mode=wal")  # readers and the writer do not wait for each other
    found = Scheduled(house, port)
    try:
        found.start(*PARTS)
        yield found
    except (Exception, KeyboardInterrupt) as fault:
        raise Unexpected(f"{fault}\n{found.tail()}") from fault
    finally:
        found.end()


def until(what: str, seconds: float, look: Callable[[], Any]) -> Any:
    """Look twice a second until something is found. Unexpected after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (found := look()) is not None:
            return found
        time.sleep(0.5)
    raise Unexpected(f"{what} did not come within {seconds:.0f} s")


def kill_tree(process: psutil.Process) -> None:
    """Stop a process and all below it, so that nobody sees another's end, then kill them."""
    process.send_signal(signal.SIGSTOP)
    below = process.children(recursive=True)
    for part in [process, *below]:
        kill(part)


def kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        pass
