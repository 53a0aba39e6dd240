"""A disk of a few megabytes, where one can be mounted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

FULL = ("committed:lease", "written:payment", "checkpoint")
"""Where the disk is full: before files are written, before they are committed, before a checkpoint."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB of memory; skipped where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here ({mounted.stderr.strip()}); the full disk was not tried")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)
