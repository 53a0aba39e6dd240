"""The `assay` command as its user meets it: help, exit codes, messages with a remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]


def assay(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("assay")), *words]
    return subprocess.run(command, cwd=HERE, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_help_names_the_commands() -> None:
    done = assay("--help")
    assert done.returncode == 0
    for command in ("demo", "economy", "ingest", "nightly", "approve", "profile", "train", "evaluate", "lists", "backtest", "doctor", "quarantine", "replay"):
        assert command in done.stdout


def test_explain_prints_every_step() -> None:
    done = assay("nightly", "--as-of", "2026-01-20", "--explain")
    assert done.returncode == 0
    assert done.stdout.split()[0] == "sources"
    assert "risk_point" in done.stdout


#   words                                                   exit   the message says
WRONG = [
    (("nightly",), 2, "--as-of"),
    (("nightly", "--as-of", "20.1.2026"), 2, "2026"),
    (("ingest", "no-such-folder", "--as-of", "2026-01-20"), 2, "no such folder"),
    (("approve", "--as-of", "2026-01-20", "--official", "A"), 3, "assay nightly"),
    (("profile", "91330200MA2812345X", "--as-of", "2026-01-20"), 3, "no published night"),
    (("backtest", "no-such-study.yaml"), 2, "no-such-study.yaml"),
]


@pytest.mark.parametrize(("words", "code", "says"), WRONG)
def test_what_is_wrong_is_said_with_its_exit_code(tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    done = assay(*words, ASSAY_LAKE=str(tmp_path / "lake"))
    assert done.returncode == code, done.stderr
    assert says in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_configuration_with_a_wrong_key_is_refused_before_spark_starts(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(HERE / "conf", tmp_path / "conf")
    path = tmp_path / "conf" / "assay.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("buckets:", "bukets:"), encoding="utf-8")
    done = assay("nightly", "--as-of", "2026-01-20", ASSAY_CONF=str(tmp_path / "conf"), ASSAY_LAKE=str(tmp_path / "lake"))
    assert done.returncode == 2
    assert "assay.yaml" in done.stderr and "bukets" in done.stderr


def test_another_bucket_count_is_refused(tmp_path: Path) -> None:
    from jobs.lake.lake import Lake

    Lake.open(tmp_path / "lake", 7)
    done = assay("doctor", ASSAY_LAKE=str(tmp_path / "lake"))
    assert done.returncode == 3 and "7 buckets" in done.stderr
