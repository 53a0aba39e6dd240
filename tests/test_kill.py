"""A night really killed at three places, run again each time, leaves the same tables as one clean run; the sealed truth is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.cli.look import same_rows
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, read_files, whole
from jobs.lake.tables import TABLES, table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

AS_OF = date(2026, 1, 20)
POINTS = ("committed:return_line", "committed:trade_edge_month", "committed:selection")


def nightly(root: Path, country: Path, fault: str = "") -> int:
    environment = {**os.environ, "ASSAY_LAKE": str(root), "ASSAY_INBOX": str(country / "inbox"), "ASSAY_FAULT": fault}
    command = [str(Path(sys.executable).with_name("assay")), "nightly", "--as-of", AS_OF.isoformat()]
    return subprocess.run(command, env=environment, cwd=Path(__file__).parents[1], capture_output=True, check=False).returncode


def content(root: Path, name: str) -> object:
    """A table's rows without what names the run or the file it came in by."""
    rows = read_files(str(root), table(name), data_files(str(root), name))
    return rows.drop_columns([c for c in ("run",) if c in rows.column_names])


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
    for name, contract in TABLES.items():
        if contract.layer != "control":
            assert same_rows(content(clean, name), content(killed, name), contract.key), name  # type: ignore[arg-type]
    fates = [whole(str(r), "batch").select(["source", "receipt", "received", "accepted", "superseded", "duplicate", "quarantined"]) for r in (clean, killed)]
    assert fates[0].sort_by([("source", "ascending"), ("receipt", "ascending")]).equals(fates[1].sort_by([("source", "ascending"), ("receipt", "ascending")]))
