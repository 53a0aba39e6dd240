"""A clone without the real files must not look as if everything had been run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.data import DATA, NOT_THERE, ROOT, needs, not_run


def test_skips_on_real_data_are_counted_and_the_missing_folders_named() -> None:
    told = not_run([f"Skipped: {NOT_THERE}mx_69b/", "Skipped: no browser", f"Skipped: {NOT_THERE}einvoice/", f"Skipped: {NOT_THERE}mx_69b/"])
    assert told is not None and told.startswith("NOT RUN: 3 test(s) on real data, for einvoice/, mx_69b/ is missing in ")
    assert not_run(["Skipped: no browser"]) is None


def last_lines(folder: Path | str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/models/test_leaks.py"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "ASSAY_TEST_DATA": str(folder)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_run_without_the_files_ends_with_one_loud_line(tmp_path: Path) -> None:
    end = last_lines(tmp_path)
    assert "!! real data !!" in end
    assert "NOT RUN: 1 test(s) on real data, for uci_audit/ is missing in the folder ASSAY_TEST_DATA names; set ASSAY_TEST_DATA to the folder that has it" in end


@needs("uci_audit")
def test_a_run_with_the_files_wherever_they_lie_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "uci_audit").symlink_to(DATA / "uci_audit")
    assert "NOT RUN" not in last_lines(tmp_path)
