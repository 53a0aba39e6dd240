"""A lake under fire: batches received, retired and received again in any order, and the real month kernel applied between, without Spark."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from jobs.analyse.months import taxpayer_month
from jobs.lake.compact import compact
from jobs.lake.kernel import Input, load
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, known, read_files, resolve, whole
from jobs.lake.seal import tables_there
from jobs.lake.state import write_states
from jobs.lake.step import Kind, Night, Step
from jobs.lake.tables import table
from jobs.lake.write import append_once, table_version, write_files
from jobs.runner import Runner
from tests.analyse.given import conf
from tests.lake.helpers import receive, silver
from tests.sources.in_process import InProcess

SILVER = ("invoice", "payment", "return_line", "financial_statement")
STEP = Step("taxpayer_month", "analyse", Kind.KERNEL, taxpayer_month, "taxpayer_month", changes=SILVER)
MEASURES = ("out_n", "out_net", "paid_vat", "vat_sales", "vat_due", "returns_n")
Sums = dict[tuple[str, date, str], int]
"""What is summed: (taxpayer, month, measure) to cents; zeros left out."""


@dataclass
class Fire:
    """One lake of one bucket. `applied` keeps what every run read on every date, when it ran."""

    lake: Lake
    applied: dict[tuple[int, date], Sums] = field(default_factory=dict)

    @staticmethod
    def at(folder: Path) -> Fire:
        return Fire(Lake.open(folder, 1))

    def receive(self, batch_id: str, rows: dict[str, list[dict[str, Any]]]) -> None:
        """One delivery, with rows of several tables."""
        run = self.lake.take_lease("ingest")
        for name, found in rows.items():
            receive(self.lake, name, found, batch_id, run)

    def half(self, batch_id: str, rows: dict[str, list[dict[str, Any]]]) -> None:
        """A delivery whose rows are committed, and whose process then died."""
        run = self.lake.take_lease("ingest")
        for name, found in rows.items():
            files = write_files(self.lake.root, table(name), silver(name, found, batch_id, run), buckets=1)
            append_once(self.lake.root, name, files, batch_id, run)

    def compact(self) -> None:
        run = self.lake.take_lease("upkeep")
        for name in tables_there(self.lake.root):
            if table(name).layer != "nightly":
                compact(self.lake, name, run, many=0)

    def state(self, as_of: date) -> None:
        """A state of the days before as_of: here the turn of the month is the day before."""
        write_states(self.lake, self.lake.take_lease("upkeep"), as_of)

    def retire(self, batch_id: str) -> None:
        self.lake.retire(batch_id, self.lake.take_lease("retire"), "wrong")

    def in_force(self) -> frozenset[str]:
        return self.lake.batches_in_force(self.lake.epoch())

    def night(self, as_of: date, days: tuple[date, ...]) -> None:
        """The month step of a night of that date; what it reads on each day is kept."""
        runner = Runner(self.lake, InProcess(), conf(), (STEP,))  # type: ignore[arg-type]
        found = Night(as_of, self.lake.take_lease("night"), conf())
        runner.versions = {n: table_version(self.lake.root, n) for n in SILVER}
        runner._store(STEP, found, runner._call(STEP, found, runner._inputs(STEP, found)))
        for day in days:
            if day <= as_of:
                self.applied[found.run, day] = self.read(day, found.run)

    def read(self, day: date, run: int) -> Sums:
        """The month table as (day, run) reads it: a plain sum."""
        rows = read_files(self.lake.root, table("taxpayer_month"), data_files(self.lake.root, "taxpayer_month"))
        found: Sums = {}
        for row in known(rows, day, run, None).to_pylist():
            for measure in MEASURES:
                cell = (row["taxpayer_id"], row["month"], measure)
                found[cell] = found.get(cell, 0) + row[measure]
        return {k: v for k, v in found.items() if v}

    def read_from_state(self, day: date, run: int) -> Sums:
        """The same as a kernel reads it: from the last state on."""
        found: Sums = {}
        for row in load(self.lake.root, self.wanted(day, run), day, run).to_pylist():
            for measure in MEASURES:
                cell = (row["taxpayer_id"], row["month"], measure)
                found[cell] = found.get(cell, 0) + row[measure]
        return {k: v for k, v in found.items() if v}

    def wanted(self, day: date, run: int) -> Input:
        """What a kernel that sums the month table is told to read."""
        step = Step("reader", "analyse", Kind.KERNEL, taxpayer_month, "obligation", reads=("taxpayer_month",))
        runner = Runner(self.lake, InProcess(), conf(), (step,))  # type: ignore[arg-type]
        night = Night(day, run, conf())
        runner.versions = {n: table_version(self.lake.root, n) for n in ("taxpayer_month", "taxpayer_month_state")}
        (wanted,) = [i for i in runner._inputs(step, night) if i.slot == "now"]
        return wanted

    def rebuilt(self, day: date) -> Sums:
        """The same from the silver rows in force alone, one by one."""
        found: Sums = {}

        def count(taxpayer: str, at: date, measure: str, value: int) -> None:
            cell = (taxpayer, at.replace(day=1), measure)
            found[cell] = found.get(cell, 0) + value

        for row in self.silver("invoice", day):
            count(row["seller_id"], row["issued_on"], "out_n", 1)
            count(row["seller_id"], row["issued_on"], "out_net", int(row["net"] * 100))
        for row in self.silver("payment", day):
            count(row["taxpayer_id"], row["paid_on"], "paid_vat", int(row["amount"] * 100))
        for row in self.silver("return_line", day):
            count(row["taxpayer_id"], row["period_to"], f"vat_{row['return_line']}", int(row["amount"] * 100))
            if row["return_line"] == "due":
                count(row["taxpayer_id"], row["period_to"], "returns_n", 1)
        return {k: v for k, v in found.items() if v}

    def silver(self, name: str, day: date) -> list[dict[str, Any]]:
        if not (Path(self.lake.root) / table(name).path).exists():
            return []
        return resolve(known(whole(self.lake.root, name), day, 10**6, self.in_force()), table(name)).to_pylist()  # type: ignore[no-any-return]
