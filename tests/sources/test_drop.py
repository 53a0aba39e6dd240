"""Landing from a drop folder: each file once, whatever is killed or repeated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from jobs.conf import Source, load
from jobs.sources.drop import land, waiting

AT = datetime.fromisoformat("2026-01-20T09:00:00+08:00")


@pytest.fixture
def source() -> Source:
    return load().sources["penalty"]  # files: penalty_*.csv


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def leave(drop: Path, **files: str) -> None:
    for name, text in files.items():
        (drop / f"{name}.csv").write_text(text, encoding="utf-8")


def manifest(inbox: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (inbox / "penalty" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def test_what_waits_lands_as_one_delivery_and_leaves_the_drop(source: Source, drop: Path, tmp_path: Path) -> None:
    leave(drop, penalty_1="a", penalty_2="b")
    assert land(source, drop, tmp_path / "inbox", AT) == ["penalty_1.csv", "penalty_2.csv"]
    assert [(e["receipt"], e["file"], e["kind"], e["received_at"]) for e in manifest(tmp_path / "inbox")] == [
        (1, "penalty_1.csv", "delivery", "2026-01-20T09:00:00+08:00"),
        (1, "penalty_2.csv", "delivery", "2026-01-20T09:00:00+08:00"),
    ]
    assert list(drop.iterdir()) == []


def test_the_next_landing_is_the_next_receipt_and_an_empty_drop_is_none(source: Source, drop: Path, tmp_path: Path) -> None:
    leave(drop, penalty_1="a")
    land(source, drop, tmp_path / "inbox", AT, "history")
    assert land(source, drop, tmp_path / "inbox", AT) == []
    leave(drop, penalty_2="b")
    land(source, drop, tmp_path / "inbox", AT)
    assert [(e["receipt"], e["kind"]) for e in manifest(tmp_path / "inbox")] == [(1, "history"), (2, "delivery")]


def test_unfinished_hidden_and_foreign_files_are_left_alone(source: Source, drop: Path) -> None:
    for name in ("penalty_1.csv.part", ".penalty_2.csv", "readme.txt", "penalty_3.tmp"):
        (drop / name).write_text("x", encoding="utf-8")
    (drop / "penalty_dir.csv").mkdir()
    assert waiting(source, drop) == []


def test_a_name_used_again_keeps_both_contents(source: Source, drop: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    leave(drop, penalty_1="old")
    land(source, drop, inbox, AT)
    leave(drop, penalty_1="new")
    (name,) = land(source, drop, inbox, AT)
    assert name != "penalty_1.csv" and Path(name).match(source.files.pattern)
    assert (inbox / "penalty" / "penalty_1.csv").read_text() == "old" and (inbox / "penalty" / name).read_text() == "new"


def test_the_same_file_left_again_lands_once(source: Source, drop: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    for content in ("old", "old", "new", "new"):
        leave(drop, penalty_1=content)
        land(source, drop, inbox, AT)
    assert [e["receipt"] for e in manifest(inbox)] == [1, 2]
    assert list(drop.iterdir()) == []


@pytest.mark.parametrize("point", ["landing:copied", "landing:entered"])
def test_a_landing_killed_and_repeated_lands_each_file_once(source: Source, drop: Path, tmp_path: Path, point: str) -> None:
    leave(drop, penalty_1="a", penalty_2="b")
    code = (
        "import sys; from datetime import datetime; from pathlib import Path; from jobs.conf import load; from jobs.sources.drop import land;"
        "land(load().sources['penalty'], Path(sys.argv[1]), Path(sys.argv[2]), datetime.fromisoformat('2026-01-20T09:00:00+08:00'))"
    )
    call = [sys.executable, "-c", code, str(drop), str(tmp_path / "inbox")]
    killed = subprocess.run(call, env={**os.environ, "ASSAY_FAULT": point}, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(drop.iterdir())) == 2, "nothing leaves the drop before it is entered"
    land(source, drop, tmp_path / "inbox", AT)
    assert sorted((e["receipt"], e["file"]) for e in manifest(tmp_path / "inbox")) == [(1, "penalty_1.csv"), (1, "penalty_2.csv")]
    assert [p.read_text() for p in sorted((tmp_path / "inbox" / "penalty").glob("*.csv"))] == ["a", "b"]
    assert list(drop.iterdir()) == []
