"""The Arrow schema a kernel gives back: a table's own columns; the runner adds those of the layer."""

from __future__ import annotations

import pyarrow as pa

from jobs.lake.tables import table


def own_schema(name: str) -> pa.Schema:
    """The own columns of a table's contract."""
    return pa.schema([pa.field(c.name, c.type) for c in table(name).own])
