"""One Spark session per test process: starting one costs more than most tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    from jobs.lake.session import session

    found = session("assay-tests", memory="2g")
    yield found
    found.stop()
