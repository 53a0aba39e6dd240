"""One Spark session per test process, and one small country with two nights for all tests that look at a whole night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.cli.place import Place


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from jobs.lake.session import session

    found = session("assay-tests", memory="2g")
    yield found
    found.stop()


@pytest.fixture(scope="session")
def night_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """300 taxpayers x 18 months, two published nights with approval, hand-over, reaction and feedback between them.

    Tests that use it carry `@pytest.mark.xdist_group("night")`, so that one worker alone builds it, and read it only.
    """
    from jobs.cli.demo import Clock, Scale, one_night, open_place, seat
    from jobs.economy.country import generate

    out = tmp_path_factory.mktemp("night")
    scale = Scale(300, 18, (date(2026, 1, 20), date(2026, 4, 20)))
    generate(spark, out / "country", scale.taxpayers, scale.months, scale.seed, scale.start, 4)
    place = open_place(out)
    seat(place, scale.nights[0])
    for as_of, after in zip(scale.nights, (*scale.nights[1:], None), strict=True):
        one_night(place, spark, out, as_of, after, Clock(), histories=0)
    return place
