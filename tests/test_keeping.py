"""Nights after upkeep and after a back-up: merged, summed, vacuumed, restored elsewhere, both still replay to the last digit."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.cli.keep import ailments, keep_databases
from jobs.cli.look import replayed
from jobs.cli.place import Place
from jobs.lake.backup import backup, restore
from jobs.lake.lake import Lake
from jobs.lake.read import data_files
from jobs.lake.upkeep import upkeep

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_older_nights_replay_after_vacuum_and_from_a_back_up(night_lake: Place, spark: SparkSession, tmp_path: Path) -> None:
    shutil.copytree(night_lake.lake.root, tmp_path / "lake")
    place = replace(night_lake, lake=Lake.open(tmp_path / "lake", night_lake.lake.buckets))
    first, last = place.lake.nights()
    done = upkeep(place.lake, place.lake.take_lease("upkeep"), many=0, hours=0, days=1)
    assert sum(d.deleted for d in done) > 0
    assert {f.as_of for f in data_files(place.lake.root, "taxpayer_month_state")} != set()
    assert ailments(place) == []
    seen = {name: place.known(first, name) for name in ("invoice", "risk_point")}
    assert keep_databases(place, tmp_path / "kept") == []
    backup(place.lake, tmp_path / "kept" / "lake", days=1)
    restore(tmp_path / "kept" / "lake", tmp_path / "restored")
    place = replace(place, lake=Lake.open(tmp_path / "restored", place.lake.buckets))
    assert ailments(place) == []
    assert {name: place.known(first, name).num_rows for name in seen} == {name: rows.num_rows for name, rows in seen.items()}
    runner = place.runner_on(spark)
    assert (replayed(place, runner, first), replayed(place, runner, last)) == ([], [])
