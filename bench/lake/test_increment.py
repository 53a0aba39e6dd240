"""A night's increment costs what changed, not what is stored: the same delivery into 3 and into 36 months of history."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bench.lake.history import BUCKETS, CONF, NOW, READER, Size, apply, identity, invoices, lake_of, month_before, runner_on
from jobs.lake.kernel import load
from jobs.lake.lake import Lake
from jobs.lake.step import Night
from jobs.sources.ingest import ingest
from tests.sources.in_process import InProcess

pytestmark = pytest.mark.bench
RESULTS = Path(__file__).parents[1] / "results"
FEW, MANY, NIGHTS = 3, 36, 5
SIZE = Size()
AS_OF = date(2026, 1, 20)


def deliver(inbox: Path, receipt: int, count: int) -> None:
    """A day's delivery: of this month, one in twenty late from last month."""
    folder = inbox / "inv"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["seller,no,day,buyer,net,tax"]
    for month, share in ((month_before(0), 0.95), (month_before(1), 0.05)):
        found = invoices(SIZE, month, 900_000_000 + receipt * 1_000_000 + int(share * 10), int(count * share))
        days = np.minimum(found["day"], np.datetime64(AS_OF))
        parts = (identity(found["seller"]).to_pylist(), found["no"].tolist(), days.astype(str).tolist(), identity(found["buyer"]).to_pylist(), found["net"].tolist())
        lines += [f"{s},{n},{d},{b},{v}.00,{v}.00" for s, n, d, b, v in zip(*parts, strict=True)]
    (folder / f"{receipt}.csv").write_text("\n".join(lines) + "\n")
    with (folder / "manifest.jsonl").open("a") as manifest:
        manifest.write(json.dumps({"receipt": receipt, "file": f"{receipt}.csv", "received_at": "2026-01-20T09:00:00+08:00", "kind": "history"}) + "\n")


def receive(lake: Lake, inbox: Path) -> None:
    (row,) = ingest(lake, InProcess(), Night(AS_OF, lake.take_lease("ingest"), CONF), inbox)  # type: ignore[arg-type]
    assert row["accepted"] == row["received"], row


def read(lake: Lake) -> int:
    """What kernels are handed of the month table, bucket by bucket."""
    night = Night(AS_OF, lake.epoch(), CONF)
    (wanted,) = [i for i in runner_on(lake, READER)._inputs(READER, night) if i.slot == "now"]
    return sum(load(lake.root, wanted.of_bucket(b), night.as_of, night.run).num_rows for b in range(BUCKETS))


@contextmanager
def measured(into: list[tuple[float, float]]) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    into.append((time.perf_counter() - wall, time.process_time() - cpu))


def test_an_increment_costs_the_same_with_three_years_stored_as_with_three_months(tmp_path: Path) -> None:
    count = SIZE.taxpayers * SIZE.invoices * MANY // 1000
    lakes = {months: lake_of(tmp_path / f"lake{months}", months, SIZE) for months in (FEW, MANY)}
    parts: dict[str, dict[int, list[tuple[float, float]]]] = {p: {FEW: [], MANY: []} for p in ("ingest", "months", "read")}
    for receipt in range(1, NIGHTS + 1):
        for months in (FEW, MANY) if receipt % 2 else (MANY, FEW):
            lake, inbox = lakes[months], tmp_path / f"inbox{months}"
            deliver(inbox, receipt, count)
            acts: dict[str, Callable[[], object]] = {"ingest": lambda: receive(lake, inbox), "months": lambda: apply(lake, AS_OF), "read": lambda: read(lake)}  # noqa: B023
            for part, act in acts.items():
                with measured(parts[part][months]):
                    act()
    rows = {months: read(lakes[months]) for months in lakes}
    found = {"taxpayers": SIZE.taxpayers, "invoices stored": {m: SIZE.taxpayers * SIZE.invoices * m for m in lakes}, "increment": count, "nights": NIGHTS,
             "month rows read": rows, "seconds": {}, "ratio": {}}  # fmt: skip
    for at, clock in enumerate(("wall", "processor")):
        # the first night of each warms files and imports; of the others the middle one counts
        seconds = {p: {m: statistics.median(t[at] for t in times[1:]) for m, times in by.items()} for p, by in parts.items()}
        seconds["writing"] = {m: seconds["ingest"][m] + seconds["months"][m] for m in lakes}
        seconds["all"] = {m: seconds["writing"][m] + seconds["read"][m] for m in lakes}
        found["seconds"][clock] = {p: {m: round(s, 3) for m, s in by.items()} for p, by in seconds.items()}  # type: ignore[index]
        found["ratio"][clock] = {p: round(by[MANY] / by[FEW], 2) for p, by in seconds.items()}  # type: ignore[index]
    (RESULTS / "increment.json").write_text(json.dumps(found, indent=1) + "\n")
    assert NOW < AS_OF and found["ratio"]["processor"]["all"] <= 1.3, found  # type: ignore[index]
