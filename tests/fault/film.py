"""Scenes before and after every stage of a clean run, from which each fault starts; and the log of what was tried."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.fault.world import STAGES, Content, content, exit_codes, write_inbox

REPO = Path(__file__).parents[2]
LOG = REPO / "bench" / "results" / "faults.jsonl"


@dataclass(frozen=True)
class Scene:
    """The state before a stage, what a clean run makes of it, and the points it passes, each with how often."""

    stage: str
    before: Path
    end: Content
    seen_before: Content
    points: dict[str, int]

    def copy(self, to: Path) -> Path:
        shutil.copytree(self.before, to)
        return to


def film(folder: Path, seed: int) -> list[Scene]:
    """A clean run of all stages."""
    now = folder / "now"
    write_inbox(now / "inbox", seed)
    scenes = []
    for name in STAGES:
        before, trace = folder / f"before-{name}", folder / f"trace-{name}"
        shutil.copytree(now, before)
        seen = content(before)
        assert exit_codes(now, name, [""], str(trace)) == [0]
        scenes.append(Scene(name, before, content(now), seen, dict(Counter(trace.read_text(encoding="utf-8").split()))))
    return scenes


def record(**line: object) -> None:
    """One line of the log; only full runs (ASSAY_FAULT_LOG) keep one."""
    if path := os.environ.get("ASSAY_FAULT_LOG"):
        with open(path, "a", encoding="utf-8") as out:
            out.write(json.dumps({**line, "at": round(time.time())}, sort_keys=True) + "\n")
