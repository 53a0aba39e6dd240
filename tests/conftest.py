"""One Spark session per test process, and one small country with two nights for all tests that look at a whole night."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.data import not_run

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.cli.place import Place


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests on real data that was not there are no quiet letters `s`: the run ends by naming them."""
    skipped = [r.longrepr[2] for r in terminalreporter.stats.get("skipped", []) if isinstance(r.longrepr, tuple)]
    if line := not_run(skipped):
        terminalreporter.write_sep("!", "real data", red=True, bold=True)
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from jobs.lake.session import session

    found = session("assay-tests", memory="2g")
    yield found
    found.stop()


@pytest.fixture(scope="session")
def night_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """300 taxpayers x 18 months, two published nights with approval, hand-over, reaction and feedback between them.

    Built once for all workers, by the first that asks; tests only read it.
    """
    from jobs.cli.demo import open_place

    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # the folder all workers share
    out = root / "night"
    with (root / "night.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "done").exists():
            shutil.rmtree(out, ignore_errors=True)
            _two_nights(spark, out)
            (out / "done").touch()
    return open_place(out)


def _two_nights(spark: SparkSession, out: Path) -> None:
    from jobs.cli.demo import Clock, Scale, one_night, open_place, seat
    from jobs.economy.country import generate

    out.mkdir(parents=True)
    scale = Scale(300, 18, (date(2026, 1, 20), date(2026, 4, 20)))
    generate(spark, out / "country", scale.taxpayers, scale.months, scale.seed, scale.start, 4)
    place = open_place(out)
    seat(place, scale.nights[0])
    for as_of, after in zip(scale.nights, (*scale.nights[1:], None), strict=True):
        one_night(place, spark, out, as_of, after, Clock(), histories=0)
