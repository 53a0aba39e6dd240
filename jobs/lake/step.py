"""What a step is, what it is given, and what it must give back.

A step is a function of tables and a night. It declares what it takes, and only that is there:

=========  ===============================================================================================
reads      the table as known on night.as_of; of a nightly table: tonight's rows
previous   a nightly table's rows of the last published night
history    a nightly table's rows of all published dates before as_of
changes    signed rows (column `sign`, +1 or -1) of the batches this step has not yet applied
versions   every version of a version or link table known on night.as_of, of the batches in force: nothing resolved
stored     the raw rows of the step's own additive or link output, as stored so far
=========  ===============================================================================================

`reads`, `versions` and `changes` make the order of the steps; `previous` and `history` make none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any

import pyarrow as pa

from jobs.conf import Conf


class Kind(Enum):
    """Where a step's function runs and what it is handed."""

    INGEST = "ingest"  # files in: called with (lake, spark, night)
    FRAME = "frame"  # Spark DataFrames in and out; no session, clock, path, count or collect
    KERNEL = "kernel"  # one task per bucket: Arrow in, Arrow out
    DRIVER = "driver"  # Arrow tables of all buckets on the driver; only what is bounded
    DELIVER = "deliver"  # after approval: case store, letters, lists


@dataclass(frozen=True)
class ModelRef:
    """The champion a night uses: registry version, a local path to its verified file, its digest."""

    version: str
    path: str
    digest: str


@dataclass(frozen=True)
class Night:
    """What a step may know besides its tables. No clock: `as_of` is the only today there is."""

    as_of: date
    run: int
    conf: Conf
    run_id: str = ""
    revision: int = 1
    seed: int = 0
    previous: date | None = None
    model: ModelRef | None = None


@dataclass(frozen=True)
class Tables:
    """The tables of one step (of one bucket, for a kernel): Arrow tables, or Spark DataFrames for a frame step.

    `tables["filing"]` is what is known tonight; `.previous`, `.history` and `.changes` are as declared.
    `.touched` holds, for each version table in `changes`, all rows in force of the documents the changes touch, every version.
    `.stored` holds the rows of the step's own output that it declares to need.
    """

    now: Mapping[str, Any] = field(default_factory=dict)
    previous: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    touched: Mapping[str, Any] = field(default_factory=dict)
    stored: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        if name not in self.now:
            raise KeyError(f"step does not declare that it reads '{name}'; it reads {sorted(self.now)}")
        return self.now[name]


@dataclass(frozen=True)
class Step:
    """One row of the pipeline. `writes` names one table, or several when `run` returns a dict of them."""

    name: str
    room: str
    kind: Kind
    run: Callable[..., Any]
    writes: str | tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    previous: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()  # of its own additive or link output: all rows so far
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # frame steps: of a table only these cross into the JVM
    clocks: tuple[str, ...] = ()  # additive tables in `reads` whose rows are wanted with known_at and run, not summed up to a month
    uses_model: bool = False

    def clocked(self, name: str) -> bool:
        """Whether an additive table's rows keep their clocks: a frame step says it by naming their columns."""
        named = self.columns.get(name, ("known_at",)) if self.kind is Kind.FRAME else ()
        return name in self.clocks or bool({"known_at", "run"}.intersection(named))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tables the step writes."""
        return (self.writes,) if isinstance(self.writes, str) else self.writes


Result = pa.Table | dict[str, pa.Table]
