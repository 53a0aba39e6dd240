"""Case stores to test on: SQLite in a file, and a private PostgreSQL cluster where the server's programs are installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.respond.posts import staff
from jobs.respond.store import Store
from tests.respond.helpers import AS_OF, conf


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _as_server() -> list[str]:
    """PostgreSQL refuses to run as root: become its user, as Debian sets it up."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of a private cluster on loopback; skipped where PostgreSQL is not installed or cannot be started."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's server programs are not installed here; SQLite alone is tested")
    import tempfile

    home = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        if os.geteuid() == 0:
            shutil.chown(home, "postgres", "postgres")
        become = [*_as_server(), "env", "LC_ALL=C"]
        subprocess.run([*become, str(programs / "initdb"), "-D", str(home / "data"), "-U", "assay", "-A", "trust", "-E", "UTF8", "--no-sync"], check=True, capture_output=True, cwd="/")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        subprocess.run([*become, str(programs / "pg_ctl"), "-D", str(home / "data"), "-l", str(home / "log"), "-o", options, "-w", "-t", "60", "start"], check=True, capture_output=True, cwd="/")
    except (OSError, LookupError, subprocess.CalledProcessError) as fault:
        shutil.rmtree(home, ignore_errors=True)
        pytest.skip(f"a private PostgreSQL cluster could not be started here: {fault}")
    try:
        yield f"postgresql+psycopg://assay@127.0.0.1:{port}/"
    finally:
        subprocess.run([*become, str(programs / "pg_ctl"), "-D", str(home / "data"), "-m", "immediate", "stop"], check=False, capture_output=True, cwd="/")
        shutil.rmtree(home, ignore_errors=True)


_made = iter(range(1_000_000))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'cases.db'}"
        return
    import psycopg

    base = request.getfixturevalue("postgres")
    name = f"cases_{next(_made)}"
    with psycopg.connect(base.replace("+psycopg", "") + "postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    yield base + name


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store with the posts of conf and their seats filled, on both kinds of database."""
    opened = Store.open(url)
    staff(opened, conf(), AS_OF)
    yield opened
    opened.close()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    """The same on SQLite alone, for what does not depend on the database."""
    opened = Store.open(f"sqlite:///{tmp_path / 'lite.db'}")
    staff(opened, conf(), AS_OF)
    yield opened
    opened.close()
