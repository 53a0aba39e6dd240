"""What a country costs per taxpayer-month, how that grows with its size, how much memory it takes, and that partitions change nothing.

Sizes from ASSAY_BENCH_TAXPAYERS (default 3000,20000), 36 months each; ASSAY_BENCH_PARTITIONS tasks (default 4). Results are added to
bench/results/economy.json and printed from there, so that the large sizes need not be run each time. A million takes some 25 GB of disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench.economy.watched import Watched, watch

HERE = Path(__file__).parents[2]
RESULTS = HERE / "bench" / "results"
SIZES = [int(n) for n in os.environ.get("ASSAY_BENCH_TAXPAYERS", "3000,20000").split(",")]
PARTITIONS = int(os.environ.get("ASSAY_BENCH_PARTITIONS", "4"))
MONTHS, SEED = 36, 20260101
LINEAR = 1.3  # unit cost of the largest size over that of a tenth of it, at most
MILLION, MINUTES, GIB = 1_000_000, 45, 10

pytestmark = pytest.mark.bench


def write(out: Path, taxpayers: int, partitions: int) -> Watched:
    command = [sys.executable, "-m", "bench.economy.one", str(taxpayers), str(MONTHS), str(SEED), str(partitions), str(out)]
    return watch(command, HERE)


def digest(folder: Path) -> str:
    """Of all files, names and contents; a million taxpayers' are read once."""
    found = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".crc")):
        found.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def measured(taxpayers: int, seen: Watched, out: Path) -> dict[str, Any]:
    moments = json.loads(seen.printed.splitlines()[-1])
    months = taxpayers * MONTHS
    wall, processor = moments["written"] - moments["ready"], seen.cpu(moments["ready"], moments["written"])
    return {
        "taxpayers": taxpayers, "months": MONTHS, "partitions": PARTITIONS, "cores": len(os.sched_getaffinity(0)), "wall": round(wall, 1), "cpu": round(processor, 1),
        "wall_us": round(wall / months * 1e6, 1), "cpu_us": round(processor / months * 1e6, 1), "start": round(moments["ready"] - seen.began, 1),
        "report": round(moments["reported"] - moments["written"], 1), "peak_gib": round(seen.peak / 2**30, 2), "bytes": sum(p.stat().st_size for p in out.rglob("*") if p.is_file()),
        "on": date.today().isoformat(), "revision": revision(),
    }  # fmt: skip


def revision() -> str:
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


@pytest.mark.parametrize("taxpayers", SIZES)
def test_cost_of_a_size(taxpayers: int, tmp_path: Path) -> None:
    try:
        row = measured(taxpayers, write(tmp_path / "country", taxpayers, PARTITIONS), tmp_path / "country")
    finally:
        shutil.rmtree(tmp_path / "country", ignore_errors=True)
    keep(row)
    if taxpayers >= MILLION:
        assert row["wall"] <= MINUTES * 60 and row["peak_gib"] <= GIB


def test_cost_is_linear() -> None:
    """The unit cost of the largest size run against the next one of at most a third of it: in processor time, as wall time measures a shared machine's neighbours too."""
    rows = {r["taxpayers"]: r for r in kept()}
    done = sorted(n for n in SIZES if n in rows)
    smaller = [n for n in done if n * 3 <= done[-1]]
    if not smaller:
        pytest.skip("needs two sizes, one three times the other")
    assert rows[done[-1]]["cpu_us"] / rows[smaller[-1]]["cpu_us"] <= LINEAR


def test_partitions_change_no_file(tmp_path: Path) -> None:
    size = min(SIZES)
    found = []
    for partitions in (1, 5):
        write(tmp_path / "country", size, partitions)
        found.append(digest(tmp_path / "country"))
        shutil.rmtree(tmp_path / "country")
    assert found[0] == found[1]
    (RESULTS / "economy_digest.json").write_text(json.dumps({"taxpayers": size, "months": MONTHS, "seed": SEED, "partitions": [1, 5], "digest": found[0], "revision": revision()}, indent=1) + "\n", encoding="utf-8")
    print_table()


def kept() -> list[dict[str, Any]]:
    path = RESULTS / "economy.json"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def keep(row: dict[str, Any]) -> None:
    """One row a size: the last run's."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    rows = sorted([r for r in kept() if r["taxpayers"] != row["taxpayers"]] + [row], key=lambda r: int(r["taxpayers"]))
    (RESULTS / "economy.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print_table()


def print_table() -> None:
    rows = kept()
    head = ["taxpayers", "months", "tasks", "cores", "wall, s", "processor, s", "wall, µs per taxpayer-month", "processor, µs", "peak memory, GiB", "files, GB", "Spark's start, s", "report, s", "on", "revision"]
    keys = ["taxpayers", "months", "partitions", "cores", "wall", "cpu", "wall_us", "cpu_us", "peak_gib", "bytes", "start", "report", "on", "revision"]
    text = ["# Generation of a country", "", "Wall and processor time are of writing the country, without Spark's start and the report; memory is the sum of PSS over all processes at its highest.", ""]
    text += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for r in rows:
        cells = [f"{r[k] / 1e9:.2f}" if k == "bytes" else f"{r[k]:,}" if isinstance(r[k], int) else str(r[k]) for k in keys]
        text.append("| " + " | ".join(cells) + " |")
    by = {r["taxpayers"]: r for r in rows}
    text += ["", *(f"Unit cost at {b:,} over that at {a:,}: {by[b]['cpu_us'] / by[a]['cpu_us']:.2f} in processor time, {by[b]['wall_us'] / by[a]['wall_us']:.2f} in wall time." for a, b in zip(sorted(by), sorted(by)[1:], strict=False))]
    path = RESULTS / "economy_digest.json"
    if path.is_file():
        told = json.loads(path.read_text(encoding="utf-8"))
        text += ["", f"{told['taxpayers']:,} taxpayers x {told['months']} months written with {' and '.join(map(str, told['partitions']))} partitions: the same files, digest `{told['digest'][:16]}` (revision {told['revision']})."]
    (RESULTS / "economy.md").write_text("\n".join(text) + "\n", encoding="utf-8")
