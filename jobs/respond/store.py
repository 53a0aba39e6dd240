"""The case store: opening it, migrating it, and its transactions.

SQLite by default, PostgreSQL in production, the same code. Writers are one at a time on SQLite (BEGIN IMMEDIATE) and meet at the audit
chain's head row on PostgreSQL; readers never wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_340_061  # the advisory lock under which PostgreSQL is migrated


@dataclass(frozen=True)
class Store:
    """An open case store."""

    engine: Engine

    @classmethod
    def open(cls, url: str) -> Store:
        """Open a store by SQLAlchemy URL and bring its tables up to date. A plain path is a SQLite file."""
        given = make_url(url if "://" in url else f"sqlite:///{url}")
        if given.drivername == "postgresql":
            given = given.set(drivername="postgresql+psycopg")
        if given.get_backend_name() == "sqlite" and given.database:
            Path(given.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(given, hide_parameters=True, pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            _tame_sqlite(engine)
        _migrate(engine)
        return cls(engine)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that may change things: all of it or nothing."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only looks."""
        with self.engine.connect().execution_options(reads=True) as connection, Session(connection) as session:
            yield session

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def _tame_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, so that DDL is part of a transaction too
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=30000", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _began(connection: Any) -> None:
        reads = connection.get_execution_options().get("reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
