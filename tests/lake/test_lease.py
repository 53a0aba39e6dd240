"""The lease fences: of two runs of one date one alone publishes, and who was overtaken makes nothing visible, however late he looks."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.lake import write
from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.lake.step import Kind, Night, Step, Tables
from jobs.lake.tables import table
from jobs.lake.write import Fenced, LakeError, append_once, write_files
from jobs.runner import Refused, Runner
from tests.analyse.given import conf
from tests.lake.helpers import acknowledge, receive, silver
from tests.sources.in_process import InProcess

REPO = Path(__file__).parents[2]
D1, D2 = date(2026, 1, 10), date(2026, 1, 11)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(tmp_path / "lake", 1)


@pytest.mark.parametrize("act", ["received", "published"])
def test_who_is_overtaken_between_looking_and_committing_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    old = lake.take_lease("old")
    looked = write.refuse_if_fenced

    def overtaken_just_after(*args: object, **more: object) -> None:
        looked(*args, **more)  # type: ignore[arg-type]
        monkeypatch.setattr(write, "refuse_if_fenced", looked)
        lake.take_lease("new")

    monkeypatch.setattr(write, "refuse_if_fenced", overtaken_just_after)
    with pytest.raises(Fenced):
        if act == "received":
            acknowledge(lake, "b", old)
        else:
            lake.night_act(D1, 1, "published", old, {})
    assert lake.nights() == [] and lake.batches_in_force(10**6) == frozenset()


def test_the_same_batch_committed_by_another_just_after_looking_is_there_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blind retry of delta-rs would add the rows a second time."""
    run = lake.take_lease("t")
    receive(lake, "penalty", [{"penalty_no": "0", "party_name": "x"}], "b0", run)
    looked = write.refuse_if_fenced

    def twin_just_after(*args: object, **more: object) -> None:
        looked(*args, **more)  # type: ignore[arg-type]
        monkeypatch.setattr(write, "refuse_if_fenced", looked)
        receive(lake, "penalty", [{"penalty_no": "1", "party_name": "x"}], "b1", run)

    monkeypatch.setattr(write, "refuse_if_fenced", twin_just_after)
    receive(lake, "penalty", [{"penalty_no": "1", "party_name": "x"}], "b1", run)
    assert sorted(whole(lake.root, "penalty")["penalty_no"].to_pylist()) == ["0", "1"]


def test_a_batch_that_is_there_from_another_origin_is_no_repeat(lake: Lake) -> None:
    run, contract = lake.take_lease("t"), table("penalty")
    files = write_files(lake.root, contract, silver("penalty", [{"penalty_no": "1", "party_name": "x"}], "b", run), buckets=1)
    append_once(lake.root, "penalty", files, "b", run, origin=7)
    append_once(lake.root, "penalty", files, "b", run, origin=7)
    with pytest.raises(LakeError, match="another state of the lake"):
        append_once(lake.root, "penalty", files, "b", run, origin=8)
    assert whole(lake.root, "penalty").num_rows == 1


def number(tables: Tables, night: Night) -> pa.Table:
    """Tonight's run, and how many rows the published past has."""
    n = pa.array([night.run, tables.history["monitoring"].num_rows], pa.int64())
    return pa.table({"office_id": ["o", "o"], "measure": ["run", "past"], "level": ["all", "all"], "n": n})


STEPS = (Step("monitoring", "respond", Kind.DRIVER, number, "monitoring", history=("monitoring",)),)


def runner(lake: Lake) -> Runner:
    return Runner(lake, InProcess(), conf(), STEPS)  # type: ignore[arg-type]


def published(lake: Lake, as_of: date, revise: bool = False) -> Night:
    stage = runner(lake)
    night = stage.begin(as_of, revise)
    stage.run(night)
    stage.publish(night)
    return night


def test_a_publication_that_is_not_this_runs_own_is_refused(lake: Lake) -> None:
    stage = runner(lake)
    night = stage.begin(D1)
    stage.run(night)
    lake.night_act(D1, 1, "published", night.run, {"monitoring": 1})
    other = Night(D1, night.run + 1, conf(), "night-x", 1)
    lake.append("lease", [{"epoch": other.run, "holder": "x", "purpose": "x", "taken_at": None}], "x", other.run)
    stage._step(STEPS[0], other)
    with pytest.raises(Refused, match=f"published by run {night.run}"):
        stage.publish(other)


def test_history_is_what_was_published_not_a_revision_given_up(lake: Lake) -> None:
    first = published(lake, D1)
    stage = runner(lake)
    given_up = stage.begin(D1, revise=True)
    stage.run(given_up)  # staged, never published
    assert sorted(whole(lake.root, "monitoring")["run"].unique().to_pylist()) == [given_up.run]
    stage = runner(lake)
    night = stage.begin(D2)
    (history,) = [i for i in stage._inputs(STEPS[0], night) if i.slot == "history"]
    from jobs.lake.kernel import load

    assert set(load(lake.root, history, D2, night.run)["run"].to_pylist()) == {first.run}
    revised = published(lake, D1, revise=True)
    stage = runner(lake)
    night = stage.begin(D2)
    (history,) = [i for i in stage._inputs(STEPS[0], night) if i.slot == "history"]
    assert set(load(lake.root, history, D2, night.run)["run"].to_pylist()) == {revised.run}


TWIN = """
import sys, time
from datetime import date
from pathlib import Path
from jobs.lake.lake import Lake
from jobs.lake.tables import table
from jobs.lake.write import Fenced, LakeError, append_once, write_files
from jobs.runner import Refused
from tests.lake.test_lease import D1, published
lake, ready = Lake.open(sys.argv[1], 1), Path(sys.argv[2])
ready.touch()
while not ready.with_name("go").exists():
    time.sleep(0.002)
try:
    print("published", published(lake, D1).run)
except (Refused, Fenced) as fault:
    print("refused", type(fault).__name__)
"""
BATCHES = """
import sys, time
from pathlib import Path
from jobs.lake.lake import Lake
from tests.lake.helpers import receive
lake, ready = Lake.open(sys.argv[1], 1), Path(sys.argv[2])
ready.touch()
while not ready.with_name("go").exists():
    time.sleep(0.002)
for n in range(10):
    receive(lake, "penalty", [{"penalty_no": f"{n}", "party_name": "x"}], f"b{n}", 1)
print("done")
"""


def together(code: str, lake: Lake, folder: Path, count: int) -> list[str]:
    """What several processes say that begin at one moment."""
    command = [[sys.executable, "-c", code, lake.root, str(folder / f"ready{n}")] for n in range(count)]
    running = [subprocess.Popen(c, cwd=REPO, stdout=subprocess.PIPE, text=True) for c in command]
    limit = time.monotonic() + 60
    while len(list(folder.glob("ready*"))) < count and time.monotonic() < limit:
        time.sleep(0.01)
    (folder / "go").touch()
    return [p.communicate(timeout=60)[0].strip() for p in running]


def test_two_processes_with_one_date_publish_it_once(lake: Lake, tmp_path: Path) -> None:
    said = together(TWIN, lake, tmp_path, 2)
    (night,) = lake.nights()
    assert [s for s in said if s.startswith("published")] == [f"published {night.run}"], said
    files = whole(lake.root, "monitoring") if night.run == lake.epoch() else None
    assert files is None or set(files["run"].to_pylist()) == {night.run}


def test_processes_with_the_same_batches_leave_each_once(lake: Lake, tmp_path: Path) -> None:
    lake.take_lease("t")
    receive(lake, "penalty", [{"penalty_no": "first", "party_name": "x"}], "first", 1)
    assert together(BATCHES, lake, tmp_path, 3) == ["done"] * 3
    assert sorted(whole(lake.root, "penalty")["penalty_no"].to_pylist()) == [str(n) for n in range(10)] + ["first"]
    assert whole(lake.root, "batch").num_rows == 11
