"""Runs steps: pins what they read, calls them, checks and commits what they give, records what it cost, and publishes.

One night at a time holds the lease. A night is staged step by step, then published by one row that names the version of
every table; until that row nobody sees any of it.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.conf import Conf
from jobs.lake.faults import fault_point
from jobs.lake.kernel import FILE_SCHEMA, Input, KernelTask, gather, handed_over, run_kernel, stream, to_file, write_result, write_stream
from jobs.lake.lake import Lake, Published, now
from jobs.lake.prune import of_batches
from jobs.lake.read import DataFile, as_json, data_files, files_on, whole
from jobs.lake.seal import seal
from jobs.lake.state import NAMES, since, state_before
from jobs.lake.step import Kind, ModelRef, Night, Step, Tables
from jobs.lake.tables import TABLES, table
from jobs.lake.write import NewFile, append_once, open_table, replace_as_of, table_version
from jobs.lineage.observe import Seen, observed, tell

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger(__name__)


class Refused(Exception):
    """A check refuses to go on (exit 3); the message says which, and the remedy."""


def code_version() -> str:
    """The installed version of Assay."""
    return package_version("assay")


@dataclass
class Runner:
    """Runs a pipeline's steps on one lake with one Spark session."""

    lake: Lake
    spark: SparkSession
    conf: Conf
    steps: tuple[Step, ...]
    inbox: Path | None = None
    champion: ModelRef | None = None
    timings: list[tuple[str, str, float, int]] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """Where steps write their files: the lake."""
        return self.lake.root

    @property
    def rooms(self) -> list[str]:
        """The rooms of the night, in order."""
        return list(dict.fromkeys(s.room for s in self.night_steps))

    @property
    def night_steps(self) -> tuple[Step, ...]:
        """The steps of the night; deliveries come after approval."""
        return tuple(s for s in self.steps if s.kind is not Kind.DELIVER)

    @property
    def nightly_steps(self) -> tuple[Step, ...]:
        """The steps that can be run again from the lake alone: those that write nightly tables."""
        return tuple(s for s in self.night_steps if s.outputs and table(s.outputs[0]).layer == "nightly")

    def begin(self, as_of: date, revise: bool = False) -> Night:
        """Take the lease and pin what no step of the night writes. Refused when the date is published and not revised."""
        nights = self.lake.nights()
        done = next((n for n in nights if n.as_of == as_of), None)
        if done and not revise:
            raise Refused(f"the night of {as_of} is published (revision {done.revision}); `--revise` publishes it again, recalling nothing")
        if later := [n for n in nights if n.as_of > as_of and not done]:
            raise Refused(f"{as_of} is before the published night of {later[-1].as_of}; nights run forward in time")
        previous = self.lake.night_before(as_of)
        run = self.lake.take_lease(f"night {as_of}")
        night = Night(as_of, run, self.conf, f"night-{as_of}-{run}", done.revision + 1 if done else 1, self.conf.house.seed, previous, self.champion)
        self.lake.archive(self.conf.digest, self.conf.canonical())
        self.versions = {name: table_version(self.lake.root, name) for name in TABLES}
        self._record(night, "begin", "begin", {}, dict(self.versions), 0, 0.0, as_json({"model": vars(self.champion) if self.champion else None}))
        tell(self.lake.root, night, "START")
        return night

    def resume(self, as_of: date) -> Night:
        """The night of this date that is being staged, with its pins. Refused when another run holds the lease."""
        begun = [r for r in self._records() if r["step"] == "begin" and r["as_of"] == as_of]
        last = max(begun, key=lambda r: r["run"], default=None)
        if last is None or last["run"] != self.lake.epoch():
            raise Refused(f"no night of {as_of} is being staged under the lease; start with `--room {self.rooms[0]}`")
        if last["conf_digest"] != self.conf.digest:
            raise Refused(f"the configuration changed since the night of {as_of} began; start it again with `--room {self.rooms[0]}`")
        previous = self.lake.night_before(as_of)
        model = json.loads(last["note"])["model"]
        self.versions = {}
        for record in sorted((r for r in self._records() if r["run"] == last["run"]), key=lambda r: r["at"]):
            self.versions |= json.loads(record["writes"])
        return Night(as_of, last["run"], self.conf, last["run_id"], last["revision"], last["seed"], previous, ModelRef(**model) if model else None)

    def run(self, night: Night, rooms: list[str] | None = None) -> None:
        """Run the steps of the given rooms (default: all) that this run has not recorded yet."""
        done = self._done(night)
        for step in self.night_steps:
            if (rooms is None or step.room in rooms) and step.name not in done:
                self._step(step, night)

    def publish(self, night: Night) -> Published:
        """Check that every step is recorded, then publish by one row. Refused otherwise."""
        done = self._done(night)
        if missing := [s.name for s in self.night_steps if s.name not in done]:
            raise Refused(f"the night of {night.as_of} cannot be published: step(s) {', '.join(missing)} have not run")
        fault_point("before:publish")
        tables = {name: v for name, v in self.versions.items() if v >= 0}
        self.lake.night_act(night.as_of, night.revision, "published", night.run, tables)
        fault_point("after:publish")
        seal(self.lake.root, night.run)
        found = next(n for n in self.lake.nights() if n.as_of == night.as_of)
        if found.run != night.run:
            raise Refused(f"revision {night.revision} of {night.as_of} was published by run {found.run}, not by this run {night.run}; look at what is there")
        tell(self.lake.root, night, "COMPLETE")
        return found

    def _step(self, step: Step, night: Night) -> None:
        began = time.perf_counter()
        log.info("%s: %s", step.room, step.name)
        fault_point(f"before:{step.name}")
        with observed(self.lake.root, night, step, self.versions) as seen:
            rows, note = self._carry_out(step, night, seen)
        seconds = time.perf_counter() - began
        self._record(night, step.room, step.name, dict(seen.reads), dict(seen.writes), rows, seconds, note)
        self.timings.append((step.room, step.name, seconds, rows))

    def _carry_out(self, step: Step, night: Night, seen: Seen) -> tuple[int, str | None]:
        """Run a step and commit what it gives: rows written, and a note; `seen` learns what was read and written."""
        if step.kind is Kind.INGEST:
            rows, note = step.run(self.lake, self.spark, night, self.inbox)
            if not self.lake.batches_in_force(night.run):
                raise Refused(f"nothing was received on or before {night.as_of}; put files into {self.inbox or 'the inbox'}, or take a later --as-of")
            seen.writes = {name: table_version(self.lake.root, name) for name, t in TABLES.items() if t.layer in ("version", "event", "quarantine") or name == "batch"}
        else:
            inputs = self._inputs(step, night)
            seen.reads = {i.name: self.versions.get(i.name, -1) for i in inputs}
            files = self._call(step, night, inputs)
            seen.writes, note = self._store(step, night, files), None
            rows = sum(f.rows for found in files.values() for f in found)
        self.versions |= seen.writes
        fault_point(f"after:{step.name}")
        return rows, note

    def _call(self, step: Step, night: Night, inputs: tuple[Input, ...]) -> dict[str, list[NewFile]]:
        if step.kind is Kind.KERNEL:
            return self._kernel(step, night, inputs)
        if step.kind is Kind.FRAME:
            return self._frame(step, night, inputs)
        result = step.run(gather(self.lake.root, inputs, night.as_of, night.run), night)
        return write_result(step, night, result, self.target, self.lake.buckets)

    def _kernel(self, step: Step, night: Night, inputs: tuple[Input, ...]) -> dict[str, list[NewFile]]:
        context = self.spark.sparkContext
        shared = context.broadcast((step, night))
        root, buckets = self.lake.root, self.lake.buckets
        tasks = [KernelTask(root, self.target, b, buckets, tuple(i.of_bucket(b) for i in inputs)) for b in range(buckets)]
        found = context.parallelize(tasks, len(tasks)).map(lambda task: run_kernel(shared.value[0], shared.value[1], task)).collect()
        shared.destroy()
        return {name: [f for files in found for f in files.get(name, [])] for name in step.outputs}

    def _frame(self, step: Step, night: Night, inputs: tuple[Input, ...]) -> dict[str, list[NewFile]]:
        from pyspark.sql import functions as F
        from pyspark.sql.pandas.types import from_arrow_schema

        frames: dict[str, dict[str, Any]] = {}
        for wanted in (replace(i, columns=step.columns.get(i.name)) for i in inputs):
            frames.setdefault(wanted.slot, {})[wanted.name] = self._frame_of(wanted, night)
        result: DataFrame = step.run(Tables(**frames), night)
        contract = table(step.outputs[0])
        if contract.bucket_by:
            result = result.repartition(self.lake.buckets, F.crc32(F.col(contract.bucket_by)) % self.lake.buckets)
        write = partial(write_stream, step, night, self.target, self.lake.buckets)
        described = result.mapInArrow(write, from_arrow_schema(FILE_SCHEMA)).collect()
        return {step.outputs[0]: [to_file(row.asDict()) for row in described]}

    def _frame_of(self, wanted: Input, night: Night) -> DataFrame:
        from pyspark.sql.pandas.types import from_arrow_schema

        count = self.lake.buckets if table(wanted.name).bucket_by else 1
        numbers = self.spark.range(0, count, 1, count)
        return numbers.mapInArrow(partial(stream, self.lake.root, wanted, night.as_of, night.run), from_arrow_schema(handed_over(wanted)))

    def _inputs(self, step: Step, night: Night) -> tuple[Input, ...]:
        batches = self.lake.batches_in_force(night.run)
        found = [self._unclocked(self._now(n, night, batches), step, night) for n in step.reads]
        found += [replace(self._now(n, night, batches), slot="versions") for n in step.versions]
        published = {n.as_of: n for n in self.lake.nights()}
        for name in step.previous:
            last = published.get(night.previous) if night.previous else None
            files = files_on(self.lake.root, name, last.tables.get(name, -1), last.as_of) if last else ()
            found.append(Input("previous", name, files))
        found += [Input("history", name, self._history(name, night, published)) for name in step.history]
        if step.changes:
            found += self._change_inputs(step, batches)
        return tuple(found + [Input("stored", n, tuple(data_files(self.lake.root, n))) for n in step.stored])

    def _now(self, name: str, night: Night, batches: frozenset[str]) -> Input:
        return Input("now", name, files_on(self.lake.root, name, self.versions.get(name, -1), night.as_of), batches)

    def _history(self, name: str, night: Night, published: dict[date, Published]) -> tuple[DataFile, ...]:
        """The files of all published dates before the night's, as they were published: a revision that is being staged, or was given up, is not."""
        dates = {d for d in published if d < night.as_of}
        past = [f for f in data_files(self.lake.root, name, self.versions.get(name, -1)) if f.as_of in dates]
        revised = self.lake.given_up() & dates
        kept = [f for f in past if f.as_of not in revised]
        return (*kept, *(f for d in sorted(revised) for f in files_on(self.lake.root, name, published[d].tables.get(name, -1), d)))

    def _unclocked(self, wanted: Input, step: Step, night: Night) -> Input:
        """An additive table whose clocks the step does not want: from the last month state on."""
        if table(wanted.name).layer != "additive" or step.clocked(wanted.name):
            return wanted
        name = NAMES[wanted.name]
        state = state_before(data_files(self.lake.root, name, self.versions.get(name, -1)), night.as_of, night.run)
        return replace(wanted, clocked=False, state=state, files=wanted.files if state is None else since(wanted.files, state))

    def _change_inputs(self, step: Step, batches: frozenset[str]) -> list[Input]:
        handle = open_table(self.lake.root, step.outputs[0])
        applied = 0 if handle is None else int(handle.transaction_version(f"applied:{step.name}") or 0)
        before = self.lake.batches_in_force(applied)
        # What is applied is told by its batch alone: a row known after this night's date would never be looked at again.
        ahead = table(step.outputs[0]).layer == "additive"
        received = self.lake.receipts()
        found = []
        for name in step.changes:
            every = tuple(data_files(self.lake.root, name, self.versions.get(name, -1)))
            found.append(Input("changes", name, of_batches(every, batches ^ before, received), batches, before, near=every, ahead=ahead))
        return found

    def _commit(self, step: Step, night: Night, name: str, files: list[NewFile]) -> int:
        root = self.lake.root
        if table(name).layer == "nightly":
            return replace_as_of(root, name, files, night.as_of, night.run)
        if not files:
            return table_version(root, name)
        marks = {f"applied:{step.name}": night.run} if step.changes else {}
        return append_once(root, name, files, f"{step.name}:{night.run}", night.run, marks)

    def _store(self, step: Step, night: Night, files: dict[str, list[NewFile]]) -> dict[str, int]:
        return {name: self._commit(step, night, name, files.get(name, [])) for name in step.outputs}

    def _done(self, night: Night) -> set[str]:
        return {r["step"] for r in self._records() if r["run"] == night.run}

    def _records(self) -> list[dict[str, Any]]:
        return whole(self.lake.root, "run").to_pylist()  # type: ignore[no-any-return]

    def _record(self, night: Night, room: str, step: str, reads: dict[str, int], writes: dict[str, int], rows: int, seconds: float, note: str | None) -> None:
        row = {
            "run": night.run, "run_id": night.run_id, "as_of": night.as_of, "revision": night.revision, "room": room, "step": step,
            "code_version": code_version(), "conf_digest": night.conf.digest, "reads": as_json(reads), "writes": as_json(writes), "rows": rows,
            "model_version": night.model.version if night.model else None, "seed": night.seed, "seconds": seconds, "at": now(), "note": note,
        }  # fmt: skip
        self.lake.append("run", [row], f"run:{night.run}:{step}", night.run)

