"""Real files that are too large or not ours to commit: where they lie, and the one way a test asks for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BESIDE = ROOT.parent / "shared" / "data"
DATA = Path(os.environ.get("ASSAY_TEST_DATA") or BESIDE)
NOT_THERE = "real data is not there: "  # how the summary at the end of a run knows these from other skips


def needs(folder: str) -> pytest.MarkDecorator:
    """Skips the test where the folder is missing; the run then ends with a line that says so (conftest.py)."""
    return pytest.mark.skipif(not (DATA / folder).is_dir(), reason=f"{NOT_THERE}{folder}/")


def not_run(reasons: list[str]) -> str | None:
    """The line a run ends with: how many tests on real data were skipped, for want of which folders, and the remedy. None when there were none."""
    missing = [r.split(NOT_THERE, 1)[1] for r in reasons if NOT_THERE in r]
    if not missing:
        return None
    where = "the folder ASSAY_TEST_DATA names" if os.environ.get("ASSAY_TEST_DATA") else "../shared/data"
    return f"NOT RUN: {len(missing)} test(s) on real data, for {', '.join(sorted(set(missing)))} is missing in {where}; set ASSAY_TEST_DATA to the folder that has it"
