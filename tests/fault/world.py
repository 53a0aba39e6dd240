"""A small lake with everything in it, built in stages that can each be killed and run again: two nights from files, then upkeep, without Spark.

A stage is one process's work. Each is idempotent: whatever happened to it, running it again must give what a clean run gives.
"""

from __future__ import annotations

import json
import os
import random
import sys
from contextlib import suppress
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.analyse.months import taxpayer_month
from jobs.conf import Conf, House
from jobs.lake import faults
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, known, read_files, resolve, whole
from jobs.lake.step import Kind, Night, Step, Tables
from jobs.lake.tables import TABLES, table
from jobs.lake.upkeep import upkeep
from jobs.lake.write import Fenced, LakeError
from jobs.runner import Refused, Runner
from jobs.sources.ingest import ingest_step
from tests.lake.fire import SILVER
from tests.sources.given import GOOD, HOUSE, OTHER, listed, pay, returns, source
from tests.sources.in_process import InProcess

BUCKETS = 2
CONF = Conf.model_construct(
    house=House.model_validate({**HOUSE.model_dump(), "buckets": BUCKETS}), sources={s.name: s for s in (source(), returns(), listed())}
)
NIGHTS = {"night1": date(2026, 1, 10), "night2": date(2026, 1, 25)}
STAGES = ("night1", "night2", "upkeep")
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.fault.world"])
Content = dict[str, list[str]]


def counted(tables: Tables, night: Night) -> pa.Table:
    """A nightly table: cells of the month table as known, and how many nights went before."""
    sizes = (tables["taxpayer_month"].num_rows, tables.history["monitoring"].num_rows)
    return pa.table({"office_id": ["all"] * 2, "measure": ["cells", "before"], "level": ["all"] * 2, "n": pa.array(sizes, pa.int64())})


STEPS = (
    Step("ingest", "sources", Kind.INGEST, ingest_step),
    Step("taxpayer_month", "analyse", Kind.KERNEL, taxpayer_month, "taxpayer_month", changes=SILVER),
    Step("monitoring", "respond", Kind.DRIVER, counted, "monitoring", reads=("taxpayer_month",), history=("monitoring",)),
)


def write_inbox(inbox: Path, seed: int) -> None:
    """Deliveries of three sources on the days before each night: repeats, conflicts, broken lines, amended returns, snapshots."""
    draw = random.Random(seed)
    paid = [f"p{n},{draw.choice((GOOD, OTHER))},2025-{n % 9 + 1:02}-02,{draw.randint(1, 99)}.00" for n in range(24)]
    spoilt = ["short", "x1,9.1E+17,2025-01-01,1.00", f"p0,{GOOD},2025-01-02,100.50"]
    head, year = "id,begin,end,filed,sales,due,n", "{0},2025-{1:02}-01,2025-{1:02}-28,2025-{2:02}-10,{3},{4},{5}"
    filed = [year.format(who, m, m + 1, draw.randint(1, 500), draw.randint(1, 60), 1) for who in (GOOD, OTHER) for m in range(1, 7)]
    amended = [year.format(GOOD, draw.randint(1, 6), 9, draw.randint(1, 500), draw.randint(1, 60), 2) for _ in range(2)][:1]
    draw.shuffle(paid)
    _land(inbox / "pay", 1, "2026-01-05", pay(paid[:12] + spoilt))
    _land(inbox / "pay", 2, "2026-01-08", pay(paid[8:18]))
    _land(inbox / "pay", 3, "2026-01-20", pay(paid[15:]))
    _land(inbox / "vat", 1, "2026-01-06", "\n".join([head, *filed[:9]]) + "\n")
    _land(inbox / "vat", 2, "2026-01-21", "\n".join([head, *filed[7:], *amended]) + "\n")
    _land(inbox / "list", 1, "2026-01-02", "id,a,b\nk1,2020-01-01,\nk2,2020-02-01,2020-03-01\n")
    _land(inbox / "list", 2, "2026-01-22", "id,a,b\nk1,2020-01-01,2026-01-10\n")


def _land(folder: Path, receipt: int, day: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{receipt}.csv").write_text(text, encoding="utf-8")
    with (folder / "manifest.jsonl").open("a") as manifest:
        manifest.write(json.dumps({"receipt": receipt, "file": f"{receipt}.csv", "received_at": f"{day}T09:00:00+08:00", "kind": "history"}) + "\n")


def lake_of(scene: Path) -> Lake:
    return Lake.open(scene / "lake", BUCKETS)


def stage(scene: Path, name: str) -> None:
    """One stage, to its end; done already: nothing."""
    lake = lake_of(scene)
    if name == "upkeep":
        upkeep(lake, lake.take_lease("upkeep"), many=1, hours=0, commits=1)
        return
    if any(n.as_of == NIGHTS[name] for n in lake.nights()):
        return
    runner = Runner(lake, InProcess(), CONF, STEPS, scene / "inbox")  # type: ignore[arg-type]
    night = runner.begin(NIGHTS[name])
    runner.run(night)
    runner.publish(night)


def process(scene: str, name: str, fault: str, trace: str, barrier: Any) -> None:
    """What a process of its own does: wait for the others, then the stage. Exit 3: refused, as one of two must be; 1: failed.

    A fault `fill:POINT` fills the disk at the point, any other kills there.
    """
    filled = fault.removeprefix("fill:") if fault.startswith("fill:") else ""
    os.environ.update({"ASSAY_FAULT": "" if filled else fault, "ASSAY_FAULT_TRACE": trace})
    if filled:
        _fill_at(filled, Path(scene))
    if barrier is not None:
        barrier.wait(60)
    try:
        stage(Path(scene), name)
    except (Fenced, Refused, LakeError):
        os._exit(3)


def _fill_at(point: str, scene: Path) -> None:
    """From the point on the disk is full: `filler` takes what is left of it."""

    def passed(name: str) -> None:
        if name != point or (scene / "filler").exists():
            return
        with (scene / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(4096))

    for module in list(sys.modules.values()):
        if getattr(module, "fault_point", None) is faults.fault_point and module is not faults:
            module.fault_point = passed  # type: ignore[attr-defined]


def exit_codes(scene: Path, name: str, faults: list[str], trace: str = "") -> list[int | None]:
    """Run the stage in as many processes as faults are given, all at once; how each ended (-9: killed)."""
    barrier = PROCESSES.Barrier(len(faults)) if len(faults) > 1 else None
    running = [PROCESSES.Process(target=process, args=(str(scene), name, fault, trace, barrier)) for fault in faults]
    for one in running:
        one.start()
    for one in running:
        one.join(120)
    return [one.exitcode for one in running]


def content(scene: Path) -> Content:
    """All that readers can see, without the numbers of runs: rows of batches in force, sums, what is published."""
    lake = lake_of(scene)
    force = lake.batches_in_force(10**9)
    found: Content = {}
    for name in ("payment", "return_line", "watchlist", "quarantine", "bronze_pay", "bronze_vat", "bronze_list", "batch"):
        found[name] = _plain(r for r in whole(lake.root, name).to_pylist() if r["batch_id"] in force)
    sums = whole(lake.root, "taxpayer_month").drop_columns(["run", "bucket"])
    summed = sums.group_by(["taxpayer_id", "month", "known_at"]).aggregate([(m, "sum") for m in TABLES["taxpayer_month"].measures])
    found["taxpayer_month"] = _plain(r for r in summed.to_pylist() if any(v for k, v in r.items() if k.endswith("_sum")))
    for night in lake.nights():
        files = [f for f in data_files(lake.root, "monitoring", night.tables["monitoring"]) if f.as_of == night.as_of]
        found[f"monitoring {night.as_of}"] = _plain(read_files(lake.root, table("monitoring"), files).to_pylist())
    found["night"] = [f"{n.as_of} {n.revision}" for n in lake.nights()]
    return found


def _paid(numbers: range, day: int) -> str:
    return pay([f"p{n},{GOOD if n % 2 else OTHER},2025-0{n % 4 + day}-02,{n}.00" for n in numbers])


def _filed(month: int, version: int, filed: int) -> str:
    return f"id,begin,end,filed,sales,due,n\n{GOOD},2025-0{month}-01,2025-0{month}-28,2025-0{filed}-10,{month * 100 + version},{month + version},{version}\n"


PAST: tuple[tuple[str, str], ...] = (
    ("pay", _paid(range(6), 1)), ("pay", _paid(range(4, 10), 1)), ("pay", _paid(range(8, 16), 1)),
    ("vat", _filed(1, 1, 2)), ("vat", _filed(1, 2, 4)), ("vat", _filed(1, 3, 6)), ("vat", _filed(2, 1, 3)), ("vat", _filed(2, 2, 8)),
)  # fmt: skip
"""Deliveries of a past year, each known by its own dates: repeats, and versions of two returns."""


def past(scene: Path, waves: list[list[int]]) -> dict[str, list[str]]:
    """Receive the deliveries of PAST in waves with a night after each; what every date of the year then reads."""
    lake = lake_of(scene)
    for number, wave in enumerate(waves):
        for one in wave:
            _land(scene / "inbox" / PAST[one][0], one + 1, "2026-01-05", PAST[one][1])
        runner = Runner(lake, InProcess(), CONF, STEPS, scene / "inbox")  # type: ignore[arg-type]
        night = runner.begin(date(2026, 1, 10 + number))
        runner.run(night)
        runner.publish(night)
    found: dict[str, list[str]] = {}
    for month in range(1, 13):
        day = date(2025, month, 15)
        for name, columns in (("payment", ("payment_no", "amount", "known_at")), ("return_line", ("return_line", "period_to", "version", "amount", "known_at"))):
            rows = resolve(known(whole(lake.root, name), day, 10**9, lake.batches_in_force(10**9)), table(name)).to_pylist()
            found[f"{name} {day}"] = sorted(str([r[c] for c in columns]) for r in rows)
        sums = known(whole(lake.root, "taxpayer_month"), day, 10**9, None).drop_columns(["run", "bucket", "known_at"])
        summed = sums.group_by(["taxpayer_id", "month"]).aggregate([(m, "sum") for m in TABLES["taxpayer_month"].measures]).to_pylist()
        found[f"taxpayer_month {day}"] = _plain(r for r in summed if any(v for k, v in r.items() if k.endswith("_sum")))
    return found


def _plain(rows: Any) -> list[str]:
    return sorted(json.dumps({k: v for k, v in r.items() if k != "run"}, default=str, sort_keys=True) for r in rows)
