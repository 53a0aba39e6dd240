"""Places to pull from: a real PostgreSQL, and an HTTP server on loopback that does what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.respond.conftest import postgres
from tests.sources.pull.server import Interface

__all__ = ["postgres"]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


@pytest.fixture
def database(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection of the agency's to a database that is empty again; ASSAY_TREASURY leads there too."""
    address = f"{postgres.replace('+psycopg', '')}postgres"
    monkeypatch.setenv("ASSAY_TREASURY", address)
    with psycopg.connect(address, autocommit=True) as found:
        for (name,) in found.execute("SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'").fetchall():
            found.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
        found.execute("CREATE SCHEMA public")
        yield found


@pytest.fixture
def interface() -> Iterator[Interface]:
    found = Interface()
    yield found
    found.close()
