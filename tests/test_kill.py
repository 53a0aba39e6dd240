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

from jobs.lake.lake import Lake
from tests.same_end import differing_tables

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
    assert differing_tables(clean, killed) == []
