"""The house: imports point one way, Airflow lives under dags/ alone, nothing in the tree names a machine or a registry."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
PRODUCT = ("jobs", "models", "portal")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=HERE, capture_output=True, text=True, check=False).stdout.split("\n")
    found = [HERE / name for name in listed if name]
    if not found:
        pytest.skip("not a git checkout")
    return [p for p in found if p.is_file()]


def test_imports_point_one_way() -> None:
    command = str(Path(sys.executable).with_name("lint-imports"))
    done = subprocess.run([command], cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_airflow_is_imported_under_dags_alone() -> None:
    found = [str(p) for room in PRODUCT for p in (HERE / room).rglob("*.py") if re.search(r"^\s*(import|from) airflow", p.read_text(encoding="utf-8"), re.M)]
    assert found == []


def test_no_file_names_a_machine_a_registry_or_loads_a_pickle() -> None:
    machine = re.compile(r"/(work|root|home)/[\w.]")
    registry = re.compile(r"https?://[\w.-]*(pypi|pythonhosted|maven|npmjs|deb\.debian)")
    pickled = re.compile(r"^\s*(import|from) (pickle|joblib|cloudpickle)", re.M)
    bad = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path.name != "test_house.py" and (machine.search(text) or registry.search(text)):
            bad.append(path.name)
        if path.suffix == ".py" and path.parts[len(HERE.parts)] in PRODUCT and pickled.search(text):
            bad.append(path.name)
    assert bad == []


def test_every_room_says_what_it_is_for() -> None:
    for room in ("sources", "lake", "link", "analyse", "rank", "respond", "evaluate", "economy", "lineage"):
        text = (HERE / "jobs" / room / "__init__.py").read_text(encoding="utf-8")
        assert len(text.split()) > 15, room


def test_generated_pages_are_what_the_code_says_today(tmp_path: Path) -> None:
    from jobs.cli.pages import write_pages

    docs = Path(__file__).parents[1] / "docs"
    stale = [page.name for page in write_pages(tmp_path) if page.read_text(encoding="utf-8") != (docs / page.name).read_text(encoding="utf-8")]
    assert not stale, "run `make docs`"
