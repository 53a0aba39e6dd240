"""Alembic's environment: the store hands in its connection; `alembic` on the command line takes the URL from ASSAY_CASES."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection, create_engine

from jobs.respond.records import Base


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with create_engine(os.environ["ASSAY_CASES"]).begin() as own:
        _run(own)
