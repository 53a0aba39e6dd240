"""A night really killed at three places, run again each time, leaves the same tables as one clean run; the sealed truth is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from jobs.lake.lake import Lake
from jobs.lake.tables import table
from jobs.lake.write import append_once, write_files
from tests.same_end import differing_tables, received

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

AS_OF = date(2026, 1, 20)
POINTS = ("committed:return_line", "committed:trade_edge_month", "committed:selection")


def nightly(root: Path, country: Path, fault: str = "") -> int:
    environment = {**os.environ, "ASSAY_LAKE": str(root), "ASSAY_INBOX": str(country / "inbox"), "ASSAY_FAULT": fault}
    command = [str(Path(sys.executable).with_name("assay")), "nightly", "--as-of", AS_OF.isoformat()]
    return subprocess.run(command, env=environment, cwd=Path(__file__).parents[1], capture_output=True, check=False).returncode


def test_a_night_killed_three_times_equals_a_clean_one(spark: SparkSession, tmp_path: Path) -> None:
    from jobs.economy.country import generate

    country = tmp_path / "country"
    generate(spark, country, 200, 12, 11, date(2025, 1, 1), 2)
    clean, killed = tmp_path / "clean", tmp_path / "killed"
    assert nightly(clean, country) == 0
    (country / "truth").rename(tmp_path / "sealed")  # what no step may read is not there
    for point in POINTS:
        assert nightly(killed, country, point) == -signal.SIGKILL, point
        assert Lake.open(killed, 4).nights() == []  # nobody sees half a night
    assert nightly(killed, country) == 0
    assert nightly(killed, country) == 3  # a second run of a published date is refused and changes nothing
    assert [n.as_of for n in Lake.open(killed, 4).nights()] == [AS_OF]
    assert received(clean) >= {"bronze_registry", "bronze_invoice", "bronze_vat_return"}
    assert differing_tables(clean, killed) == []


#   lines received                what differs from lines 1 and 2 of "a"
BRONZE = [
    (("a", "a"), []),
    (("a", "b"), ["bronze_land"]),
    (("a",), ["bronze_land"]),
    (("a", "a", "a"), ["bronze_land"]),
    ((), ["bronze_land"]),
]


@pytest.mark.parametrize(("lines", "differs"), BRONZE)
def test_the_comparison_looks_into_bronze(tmp_path: Path, lines: tuple[str, ...], differs: list[str]) -> None:
    for name, raw in (("left", ("a", "a")), ("right", lines)):
        lake = Lake.open(tmp_path / name, 1)
        run = lake.take_lease("test")
        schema = table("bronze_land").schema
        rows = [{"batch_id": "b", "file": "land_1.csv", "line": n, "source": "land", "raw": text, "known_at": AS_OF, "run": run} for n, text in enumerate(raw, 1)]
        if rows:
            append_once(lake.root, "bronze_land", write_files(lake.root, table("bronze_land"), pa.Table.from_pylist(rows, schema=schema), buckets=1), "b", run)
    assert differing_tables(tmp_path / "left", tmp_path / "right") == differs
