"""Rows per second of CSV and Parquet files into silver, bucketed and committed, beside DuckDB on the same files in the same run.

ASSAY_BENCH_ROWS (default 1000000,5000000) rows of invoices, in ASSAY_BENCH_FORMATS (default parquet,csv). Three runs each: ingest, DuckDB that
writes silver and bronze as ingest does, DuckDB that writes silver alone. Results go to bench/results/ingest.json and are printed from there.
On a machine with neighbours seconds of processor tell more than wall time: both stand in the table.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench.economy.test_generation import revision
from bench.economy.watched import watch
from bench.ingest.given import write

HERE = Path(__file__).parents[2]
RESULTS = HERE / "bench" / "results"
ROWS = [int(n) for n in os.environ.get("ASSAY_BENCH_ROWS", "1000000,5000000").split(",")]
FORMATS = os.environ.get("ASSAY_BENCH_FORMATS", "parquet,csv").split(",")
BUCKETS = 16
GOAL = 2.0
FATES = ("received", "accepted", "duplicate", "quarantined")
WAYS = {"assay": ("bench.ingest.ours", []), "duckdb, silver and bronze": ("bench.ingest.peer", ["both"]), "duckdb, silver alone": ("bench.ingest.peer", ["silver"])}

pytestmark = pytest.mark.bench


def measured(module: str, more: list[str], inbox: Path, out: Path, form: str) -> dict[str, Any]:
    """One way over the files: wall and processor seconds from the first file to the last commit, peak memory, counts."""
    seen = watch([sys.executable, "-m", module, str(inbox), str(out), str(BUCKETS), form, *more], HERE)
    told = json.loads(seen.printed.splitlines()[-1])
    began, ended = told.pop("began"), told.pop("ended")
    shutil.rmtree(out, ignore_errors=True)
    return {"wall": round(ended - began, 1), "cpu": round(seen.cpu(began, ended), 1), "peak_gib": round(seen.peak / 2**30, 2), "counts": {f: told.get(f, 0) for f in FATES}}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("rows", ROWS)
def test_rows_per_second(rows: int, form: str, tmp_path: Path) -> None:
    write(rows, form, tmp_path)
    load = os.getloadavg()[0]
    found = {way: measured(module, more, tmp_path, tmp_path / "out", form) for way, (module, more) in WAYS.items()}
    shutil.rmtree(tmp_path, ignore_errors=True)
    assert len({json.dumps(f["counts"]) for f in found.values()}) == 1, found  # the same rows broken, repeated, accepted
    keep({"rows": rows, "format": form, "ways": found, "cores": len(os.sched_getaffinity(0)), "load": round(load, 1), "on": date.today().isoformat(), "revision": revision()})
    if form == "parquet":
        assert found["assay"]["cpu"] <= GOAL * found["duckdb, silver and bronze"]["cpu"]


def keep(row: dict[str, Any]) -> None:
    """One row a size and format: the last run's."""
    path = RESULTS / "ingest.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    rows = sorted([r for r in rows if (r["format"], r["rows"]) != (row["format"], row["rows"])] + [row], key=lambda r: (r["format"], r["rows"]))
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "ingest.md").write_text(page(rows), encoding="utf-8")


def page(rows: list[dict[str, Any]]) -> str:
    head = ["rows", "format", "way", "rows/s (wall)", "wall, s", "processor, s", "processor, µs a row", "of DuckDB's, wall", "of DuckDB's, processor", "peak memory, GiB", "load before", "on", "revision"]
    text = ["# Ingest beside DuckDB", "", "Invoices with some of everything that goes wrong, into 16 buckets: read, checked, repeats told, written and committed. `of DuckDB's`: assay's seconds over those of that way of DuckDB.", ""]
    text += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for r in rows:
        ours = r["ways"]["assay"]
        for way, f in r["ways"].items():
            cells = [f"{r['rows']:,}", r["format"], way, f"{r['rows'] / f['wall']:,.0f}", f["wall"], f["cpu"], f"{f['cpu'] / r['rows'] * 1e6:.1f}",
                     f"{ours['wall'] / f['wall']:.2f}", f"{ours['cpu'] / f['cpu']:.2f}", f["peak_gib"], r["load"], r["on"], r["revision"]]  # fmt: skip
            text.append("| " + " | ".join(str(c) for c in cells) + " |")
    return "\n".join(text) + "\n"
