"""Hundreds of faults, drawn anew from seeds: `make fault`. ASSAY_FAULT_LOG names the file that gets a JSON line for each."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.fault.conftest import FULL
from tests.fault.faults import DAMAGES, PLACES, POINTS, backfill, corrupt, double, full, kill
from tests.fault.film import Scene, film

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("ASSAY_FAULT_SEED", "20260101"))
WORLDS, EACH, DOUBLES, BACK_FILLS, DAMAGED = 3, 17, 100, 20, 100


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[list[Scene]]:
    return [film(tmp_path_factory.mktemp("film"), SEED + n) for n in range(WORLDS)]


@pytest.mark.parametrize("point", POINTS)
def test_kills(films: list[list[Scene]], point: str, tmp_path: Path) -> None:
    """19 points x 17 kills = 323."""
    for n in range(EACH):
        kill(films[n % WORLDS], point, SEED + n, tmp_path)


def test_double_runs(films: list[list[Scene]], tmp_path: Path) -> None:
    for n in range(DOUBLES):
        double(films[n % WORLDS], SEED + n, tmp_path)


def test_back_fills(tmp_path: Path) -> None:
    for n in range(BACK_FILLS):
        backfill(SEED + n, tmp_path)


@pytest.mark.parametrize("point", FULL)
def test_full_disks(films: list[list[Scene]], point: str, small_disk: Path) -> None:
    full(films[0], point, small_disk)


def test_damaged_files(films: list[list[Scene]], tmp_path: Path) -> None:
    """Of every kind in turn; none may be read as if nothing were, and none may go unnoticed."""
    draw, found = random.Random(SEED), []
    for n in range(DAMAGED):
        scenes = films[n % WORLDS]
        found.append(corrupt(scenes[-1].before.parent / "now", scenes[-1].end, PLACES[n % 3], DAMAGES[n // 3 % 3], draw.randrange(2**31), tmp_path))
    assert set(found) <= {"error", "doctor", "error and doctor"}, found
