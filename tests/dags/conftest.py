"""One migrated database a session, one Airflow a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dags.house import Airflow, airflow_at, migrated


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("airflow"))


@pytest.fixture
def airflow(tmp_path: Path, database: Path) -> Airflow:
    return airflow_at(tmp_path, database)
