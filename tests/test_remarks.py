"""What a night noted when it received is found again by its run, and the official is told who was late."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jobs.cli.batch import night_was_late
from jobs.cli.place import Place
from jobs.conf import load
from jobs.lake.lake import Lake, Published

DAY = date(2026, 1, 20)

#   steps of the night's run, with their notes                                                          remarks
NOTED = [
    ([("begin", "{}"), ("ingest", "land: late; expected 2026-01-01 05:00, last delivery x\nland 3: columns")], ["land: late; expected 2026-01-01 05:00, last delivery x", "land 3: columns"]),
    ([("begin", "{}"), ("ingest", None)], []),
    ([("begin", "{}")], []),
]


@pytest.mark.parametrize(("steps", "remarks"), NOTED)
def test_a_nights_remarks_are_those_of_its_own_run(tmp_path: Path, steps: list[tuple[str, str | None]], remarks: list[str]) -> None:
    lake = Lake.open(tmp_path / "lake", 2)
    for said in ([("ingest", "of a run before")], steps):
        run = lake.take_lease("night")
        for step, note in said:
            row = {"run": run, "run_id": str(run), "as_of": DAY, "revision": 1, "room": "sources", "step": step, "code_version": "", "conf_digest": "", "reads": "{}",
                   "writes": "{}", "rows": 0, "model_version": None, "seed": 1, "seconds": 0.0, "at": datetime(2026, 1, 20, tzinfo=UTC), "note": note}  # fmt: skip
            lake.append("run", [row], f"{run}:{step}", run)
    place, night = Place(lake, load(), tmp_path, ""), Published(DAY, 1, run, {})
    assert place.remarks(night) == remarks
    assert night_was_late(place, night) == remarks[:1]
