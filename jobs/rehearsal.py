"""Steps run on the lake's tables without writing to them: for back-fills, replays and dry runs.

A rehearsal pins what is there, keeps what its steps give in a scratch folder, and hands it on to later steps from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from jobs.lake.kernel import Input
from jobs.lake.lake import Lake
from jobs.lake.read import DataFile, data_files, read_files
from jobs.lake.step import Kind, Night, Step
from jobs.lake.tables import TABLES, table
from jobs.lake.write import NewFile, replace_as_of, table_version, write_files
from jobs.lineage.observe import observed
from jobs.runner import Runner


@dataclass
class Rehearsal(Runner):
    """A runner whose writes stay in `scratch`."""

    scratch: str = ""
    kept: dict[str, tuple[DataFile, ...]] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """Where steps write their files: the scratch folder."""
        return self.scratch

    def rehearse(self, night: Night, steps: tuple[Step, ...]) -> dict[str, pa.Table]:
        """Run steps in order for a night; the rows of every table they gave, by name."""
        self.versions = {name: table_version(self.lake.root, name) for name in TABLES}
        self.kept = {}
        for step in steps:
            files = self._call(step, night, self._inputs(step, night))
            for name in step.outputs:
                self.kept[name] = tuple(_data_file(f) for f in files.get(name, []))
        return {name: read_files(self.scratch, table(name), files) for name, files in self.kept.items()}

    def _now(self, name: str, night: Night, batches: frozenset[str]) -> Input:
        if name not in self.kept:
            return super()._now(name, night, batches)
        return Input("now", name, self.kept[name], batches, root=self.scratch)


def _data_file(file: NewFile) -> DataFile:
    as_of, bucket = file.partition.get("as_of"), file.partition.get("bucket")
    return DataFile(file.path, date.fromisoformat(as_of) if as_of else None, int(bucket) if bucket is not None else None, file.rows)


@contextmanager
def rehearsal(runner: Runner) -> Iterator[Rehearsal]:
    """A rehearsal on the runner's lake; its scratch folder goes when the block ends."""
    with TemporaryDirectory(prefix="assay-rehearsal-") as scratch:
        yield Rehearsal(runner.lake, runner.spark, runner.conf, runner.steps, scratch=str(Path(scratch)))


def backfill(runner: Runner, dates: list[date], wanted: tuple[str, ...]) -> int:
    """Rebuild nightly tables for past dates from what is known now, and keep them as a back-fill (column `snapshot`, where there is one).

    A back-fill is not what a night of that date saw: rows received since count if known by then, and there is no model.
    Published dates and those back-filled earlier are left alone. Gives the number of rows written.
    """
    lake = runner.lake
    there = {n.as_of for n in lake.nights()} | {f.as_of for f in data_files(lake.root, wanted[-1])}
    run = lake.take_lease("backfill")
    steps = runner.nightly_steps
    upto = max(n for n, s in enumerate(steps) if set(wanted) & set(s.outputs)) + 1
    told = Step("backfill", "rehearsal", Kind.DRIVER, backfill, wanted)
    written = 0
    with rehearsal(runner) as stage:
        for as_of in sorted(set(dates) - there):
            night = Night(as_of, run, runner.conf, f"backfill-{as_of}", seed=runner.conf.house.seed)
            with observed(lake.root, night, told, {name: table_version(lake.root, name) for name in wanted}) as seen:
                found = stage.rehearse(night, steps[:upto])
                written += sum(_keep(lake, name, found[name], as_of, run) for name in wanted)
                seen.writes = {name: table_version(lake.root, name) for name in wanted}
    return written


def _keep(lake: Lake, name: str, rows: pa.Table, as_of: date, run: int) -> int:
    rows = rows.drop_columns(["as_of", "bucket"])
    if "snapshot" in rows.column_names:
        rows = rows.set_column(rows.column_names.index("snapshot"), "snapshot", pa.array(["backfill"] * rows.num_rows, pa.string()))
    replace_as_of(lake.root, name, write_files(lake.root, table(name), rows, as_of, lake.buckets), as_of, run)
    return int(rows.num_rows)
