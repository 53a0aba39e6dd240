"""A night killed at points drawn at random, each time run again: tables, cases, letters and files equal those of a clean one.

It is a second night: it has a predecessor, cases in work, answers and payments. Before each of its steps a copy of everything is kept, so
that a killed command begins where the night had come, and pays for one room. `make fault` runs it; ASSAY_FAULT_SEED draws other points.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.cli.keep import ailments
from jobs.pipeline import STEPS
from jobs.runner import Refused
from tests.same_end import acts, broken_anchors, cases, differing_tables, evidence, files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.cli.place import Place

pytestmark = [pytest.mark.fault, pytest.mark.spark, pytest.mark.slow]

KILLS = 20  # in the night's rooms; the commands before and after it are killed at every point they have
SEED = int(os.environ.get("ASSAY_FAULT_SEED", "20260420"))
FIRST, AS_OF, AFTER = date(2026, 1, 20), date(2026, 4, 20), date(2026, 7, 20)
REPO = Path(__file__).parents[1]
FAMILIES = ("ingest:", "committed:", "before:", "after:", "publish")


@dataclass(frozen=True)
class Scene:
    """All that a night has and leaves: lake, inbox, drop, case store, what went out."""

    root: Path

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def store(self) -> Path:
        return self.root / "cases.sqlite"

    def place(self) -> Place:
        from jobs.cli.demo import open_place

        return open_place(self.root)

    def copy(self, to: Path) -> Scene:
        """The same elsewhere, but for the sealed truth: what no step may read is not there."""
        shutil.copytree(self.root, to, ignore=shutil.ignore_patterns("truth"))
        return Scene(to)

    def assay(self, *words: str, fault: str = "", trace: Path | None = None) -> int:
        """The command on this scene, killed at a fault point; its exit code."""
        env = {
            **os.environ, "ASSAY_LAKE": str(self.lake), "ASSAY_INBOX": str(self.root / "country" / "inbox"), "ASSAY_CASES": f"sqlite:///{self.store}",
            "ASSAY_FAULT": fault, "ASSAY_FAULT_TRACE": str(trace or ""),
        }  # fmt: skip
        filled = [word.replace("@", f"{self.root}/") for word in words]
        return subprocess.run([str(Path(sys.executable).with_name("assay")), *filled], env=env, cwd=REPO, capture_output=True, check=False).returncode


@dataclass(frozen=True)
class Moment:
    """What was there before a part of the night, and the fault points that part passes, in order."""

    part: str
    words: tuple[str, ...]
    before: Scene
    points: tuple[str, ...]

    def occurrences(self) -> list[str]:
        """Its points as ASSAY_FAULT names them: `name#2` is the second time that `name` is passed."""
        seen: Counter[str] = Counter()
        found = []
        for point in self.points:
            seen[point] += 1
            found.append(f"{point}#{seen[point]}")
        return found


@dataclass(frozen=True)
class Film:
    """A clean night as a row of moments, and what it ended in."""

    rooms: tuple[Moment, ...]
    published: Scene
    desk: tuple[Moment, ...]
    ends: dict[str, Scene]


@pytest.fixture(scope="module")
def film(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Film:
    root = tmp_path_factory.mktemp("film")
    scene = until_the_night(spark, root / "scene")
    rooms = tuple(filmed_rooms(scene, spark, root))
    published = scene.copy(root / "published")
    desk, ends = filmed_commands(scene, spark, root)
    return Film(rooms, published, desk, ends)


def until_the_night(spark: SparkSession, root: Path) -> Scene:
    """A country that has lived through a first night: handed over, worked, answered, exported."""
    from jobs.cli.demo import Clock, one_night, open_place, seat
    from jobs.economy.country import generate

    generate(spark, root / "country", 200, 12, 11, date(2025, 1, 1), 2)
    place = open_place(root)
    seat(place, FIRST)
    one_night(place, spark, root, FIRST, AS_OF, Clock(), histories=0)
    return Scene(root)


def filmed_rooms(scene: Scene, spark: SparkSession, root: Path) -> Iterator[Moment]:
    """Run the night step by step, with a copy of the scene before each."""
    runner = scene.place().runner_on(spark)
    for n, step in enumerate(runner.night_steps):
        before, trace = scene.copy(root / f"{n:02d}"), root / f"{n:02d}.trace"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ASSAY_FAULT_TRACE", str(trace))
            part = replace(runner, steps=STEPS[: n + 1])
            night = part.begin(AS_OF) if n == 0 else part.resume(AS_OF)
            part.run(night)
            if len(part.steps) == len(STEPS):
                part.publish(night)
        words = ("nightly", "--as-of", AS_OF.isoformat(), "--room", step.room)
        yield Moment(step.name, words, before, tuple(trace.read_text(encoding="utf-8").split()))


def filmed_commands(scene: Scene, spark: SparkSession, root: Path) -> tuple[tuple[Moment, ...], dict[str, Scene]]:
    """The commands at the door and at the desk, each run once, with what it left."""
    found, ends = [], {}
    drop = scene.root / "drop"
    drop.mkdir()
    for n in range(2):
        (drop / f"penalty_late_{n}.csv").write_text(f"penalty {n}", encoding="utf-8")
    for words in (
        ("land", "penalty", "@drop", "--received-at", "2026-04-20T09:00:00+08:00"),
        ("approve", "--as-of", AS_OF.isoformat(), "--official", "Official", "--revision", "1", "--out", "@out"),
        ("feedback", f"@country/feedback/{AS_OF}.jsonl"),
    ):
        if words[0] == "feedback":
            live_on(scene, spark)
        before, trace = scene.copy(root / words[0]), root / f"{words[0]}.trace"
        assert scene.assay(*words, trace=trace) == 0, words
        found.append(Moment(words[0], words, before, tuple(trace.read_text(encoding="utf-8").split())))
        ends[words[0]] = scene.copy(root / f"{words[0]}-end")
    return tuple(found), ends


def live_on(scene: Scene, spark: SparkSession) -> None:
    """What offices and taxpayers do about the night."""
    from jobs.economy.react import step as react

    place = scene.place()
    night = place.published(AS_OF)
    react(spark, scene.root / "country", *(place.read(night, name) for name in ("selection", "risk_point", "reminder")), AS_OF, AFTER)


@dataclass(frozen=True)
class Kill:
    """Where a room's command dies, and how the night is run again: the room (as Airflow does) or from the start (as a person does)."""

    moment: Moment
    place: str
    whole: bool


@pytest.fixture(scope="module")
def kills(film: Film) -> list[Kill]:
    """Drawn places: the families of points in turn, within a family every name alike."""
    rng = random.Random(SEED)
    places: dict[str, list[tuple[Moment, str]]] = {}
    for moment in film.rooms:
        for place in moment.occurrences():
            places.setdefault(place.split("#")[0], []).append((moment, place))
    families = [sorted(n for n in places if family(n) == f) for f in FAMILIES]
    for names in families:
        rng.shuffle(names)
    in_turn = [name for names in zip_longest(*families) for name in names if name]
    return [Kill(*rng.choice(places[name]), rng.random() < 0.4) for name in in_turn[:KILLS]]


def family(name: str) -> str:
    return next(f for f in FAMILIES[::-1] if f in name)  # before:publish belongs to publishing


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_room_run_again_ends_the_night_as_if_nothing_had_happened(film: Film, kills: list[Kill], spark: SparkSession, tmp_path: Path, number: int) -> None:
    kill = kills[number]
    scene, said = kill.moment.before.copy(tmp_path / "scene"), f"{kill.moment.part} at {kill.place}"
    assert scene.assay(*kill.moment.words, fault=kill.place) == -signal.SIGKILL, said
    published = any(n.as_of == AS_OF for n in scene.place().lake.nights())
    assert published == (kill.place in ("committed:night#1", "after:publish#1")), "nobody sees half a night"
    again(scene, spark, kill, published)
    assert differing_tables(film.published.lake, scene.lake) == [], said
    assert acts(scene.lake) == acts(film.published.lake), said
    assert ailments(scene.place()) == [], said


def again(scene: Scene, spark: SparkSession, kill: Kill, published: bool) -> None:
    """Run the night to its end in this session: on from the room, or from its start."""
    runner = scene.place().runner_on(spark)
    if kill.whole and published:
        with pytest.raises(Refused):
            runner.begin(AS_OF)
        return
    anew = kill.whole or kill.moment.part == STEPS[0].name  # the first room always begins the night anew
    night = runner.begin(AS_OF) if anew else runner.resume(AS_OF)
    runner.run(night)
    runner.publish(night)


UPKEEP = ("compact.py", "upkeep.py")


def test_every_point_of_the_commands_before_and_after_the_night(film: Film, tmp_path: Path) -> None:
    for moment in film.desk:
        end = film.ends[moment.part]
        for place in moment.occurrences():
            scene, said = moment.before.copy(tmp_path / f"{moment.part}-{place.replace(':', '-')}"), f"{moment.part} at {place}"
            assert scene.assay(*moment.words, fault=place) == -signal.SIGKILL, said
            assert scene.assay(*moment.words) == 0, said
            assert differing_tables(end.lake, scene.lake) == [], said
            assert acts(scene.lake) == acts(end.lake), said
            assert evidence(scene.lake) == evidence(end.lake), said
            assert broken_anchors(scene.lake, f"sqlite:///{scene.store}") == [], said
            assert cases(scene.store) == cases(end.store), said
            for folder in ("country/inbox", "drop", "out"):
                assert files(scene.root / folder) == files(end.root / folder), f"{said}: {folder}"


def test_every_point_in_the_code_is_passed_by_some_part_of_the_night(film: Film) -> None:
    """A point that no run passes protects nothing. Those of upkeep are killed in tests/fault."""
    passed = {point for moment in (*film.rooms, *film.desk) for point in moment.points}
    for path in (p for p in (REPO / "jobs").rglob("*.py") if p.name not in UPKEEP):
        for named in re.findall(r'fault_point\(f?"([^"]+)"\)', path.read_text(encoding="utf-8")):
            wanted = re.compile(re.sub(r"\\{.*?\\}", ".+", re.escape(named)))
            assert any(wanted.fullmatch(p) for p in passed), f"{path.name}: {named}"
