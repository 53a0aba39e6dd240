"""Forty faults of every kind, the same each time; `make fault` draws hundreds (tests/fault/test_many.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fault.conftest import FULL
from tests.fault.faults import DAMAGES, PLACES, POINTS, backfill, corrupt, double, full, kill
from tests.fault.film import Scene, film
from tests.fault.world import STAGES


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    return film(tmp_path_factory.mktemp("film"), 1)


def test_the_points_are_all_passed(scenes: list[Scene]) -> None:
    assert [s.stage for s in scenes] == list(STAGES)
    assert set(POINTS) <= {p for s in scenes for p in s.points}


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_run_again_equals_a_clean_run(scenes: list[Scene], point: str, tmp_path: Path) -> None:
    kill(scenes, point, 1, tmp_path)


@pytest.mark.parametrize("seed", range(6))
def test_two_processes_at_once_have_one_effect(scenes: list[Scene], seed: int, tmp_path: Path) -> None:
    double(scenes, seed, tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_back_fills_in_any_order_read_the_same(seed: int, tmp_path: Path) -> None:
    backfill(seed, tmp_path)


@pytest.mark.parametrize("point", FULL)
def test_a_full_disk_is_said_and_leaves_no_trace(scenes: list[Scene], point: str, small_disk: Path) -> None:
    full(scenes, point, small_disk)


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_found(scenes: list[Scene], where: str, damage: str, tmp_path: Path) -> None:
    assert corrupt(scenes[-1].before.parent / "now", scenes[-1].end, where, damage, 1, tmp_path) != "harmless"
