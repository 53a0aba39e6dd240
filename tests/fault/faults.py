"""The faults themselves: each takes a copy of a scene, does its harm, and says what came of it; silent difference is the one failure."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

from jobs.lake.examine import examine
from jobs.lake.read import data_files
from jobs.lake.seal import LOG, tables_there
from jobs.lake.tables import table
from tests.fault.film import Scene, record
from tests.fault.world import PAST, Content, content, exit_codes, lake_of, past, stage

POINTS = (
    "written:payment", "ingest:payment", "ingest:quarantine", "ingest:bronze_vat", "committed:batch", "committed:lease", "written:taxpayer_month",
    "committed:taxpayer_month", "committed:monitoring", "before:publish", "committed:night", "after:publish", "compact:event", "compacted:event",
    "compacted:control", "checkpoint", "checkpointed", "vacuum", "vacuumed",
)  # fmt: skip
"""The named points of ingest, commit, months, publish, compaction, checkpoint and VACUUM."""
DAMAGES = ("flipped", "truncated", "removed")
PLACES = ("data", "log", "checkpoint")


def torn(seen: Content, before: Content, end: Content) -> list[str]:
    """What a reader sees between that is neither as before nor part of the end: batches and nights are whole or not there."""
    strange = [f"{name}: {row[:120]}" for name, rows in seen.items() for row in rows if row not in end.get(name, []) and row not in before.get(name, [])]
    done = {line for line in seen["batch"] if line in end["batch"]}
    if len(done) == len(end["batch"]):
        strange += [f"{n}: rows are missing" for n in ("payment", "return_line", "bronze_pay", "bronze_vat") if seen[n] != end[n]]
    return strange


def kill(scenes: list[Scene], point: str, seed: int, folder: Path) -> None:
    """Kill the stage at a point, look at what is there, run it again, and hold it against the clean run."""
    draw, began = random.Random(seed), time.monotonic()
    scene = draw.choice([s for s in scenes if point in s.points])
    fault = f"{point}#{draw.randint(1, scene.points[point])}"
    place = scene.copy(folder / "killed")
    assert exit_codes(place, scene.stage, [fault]) == [-9], fault
    between = content(place)
    assert torn(between, scene.seen_before, scene.end) == [], fault
    stage(place, scene.stage)
    end = content(place)
    faults = [f for f in examine(lake_of(place)) if f.fault]
    record(kind="kill", seed=seed, stage=scene.stage, point=fault, equal=end == scene.end, faults=len(faults), seconds=round(time.monotonic() - began, 2))
    assert end == scene.end, fault
    assert faults == [], fault
    shutil.rmtree(place)


def double(scenes: list[Scene], seed: int, folder: Path) -> None:
    """Two processes run one stage from a barrier on; one of them may be killed in the middle. Then it is run once more."""
    draw, began = random.Random(seed), time.monotonic()
    scene = draw.choice(scenes)
    fault = draw.choice(["", "", f"{draw.choice(sorted(scene.points))}#1"])
    place = scene.copy(folder / "double")
    codes = exit_codes(place, scene.stage, ["", fault])
    between = content(place)
    assert set(codes) <= {0, 3, -9}, codes
    assert len(between["night"]) == len(set(between["night"])), between["night"]
    assert torn(between, scene.seen_before, scene.end) == [], codes
    stage(place, scene.stage)
    end = content(place)
    record(kind="double", seed=seed, stage=scene.stage, fault=fault, codes=codes, equal=end == scene.end, seconds=round(time.monotonic() - began, 2))
    assert end == scene.end, (codes, fault)
    shutil.rmtree(place)


def full(scenes: list[Scene], point: str, folder: Path) -> None:
    """The disk is full from a point on: the stage fails and says so; with room again it ends as a clean run."""
    (scene,) = [s for s in scenes if point in s.points and s.stage in ("night1", "upkeep")][:1]
    place = scene.copy(folder / "full")
    (code,) = exit_codes(place, scene.stage, [f"fill:{point}"])
    (place / "filler").unlink()
    assert code not in (0, -9), code
    assert torn(content(place), scene.seen_before, scene.end) == [], point
    stage(place, scene.stage)
    end = content(place)
    record(kind="disk full", stage=scene.stage, point=point, code=code, equal=end == scene.end)
    assert end == scene.end, point
    assert [f for f in examine(lake_of(place)) if f.fault] == []
    shutil.rmtree(place)


def backfill(seed: int, folder: Path) -> None:
    """Deliveries of the past come in any order, with nights between: on every date all reads as if they had come in order."""
    draw = random.Random(seed)
    order = list(range(len(PAST)))
    draw.shuffle(order)
    ordered = past(folder / "in-order", [list(range(len(PAST)))])
    cuts = sorted(draw.sample(range(1, len(order)), 2))
    shuffled = past(folder / "shuffled", [order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] :]])
    record(kind="back-fill", seed=seed, order=order, cuts=cuts, equal=shuffled == ordered)
    assert shuffled == ordered, order
    for name in ("in-order", "shuffled"):
        shutil.rmtree(folder / name)


def corrupt(scene: Path, clean: Content, where: str, damage: str, seed: int, folder: Path) -> str:
    """Damage one file of a finished lake; how it was found: `error` when reading, `doctor`, or `harmless` when nothing reads it.

    AssertionError when a reader would see something else and nobody says so.
    """
    draw = random.Random(seed)
    place = folder / "corrupt"
    shutil.copytree(scene, place)
    target = draw.choice(files_of(place, where))
    spoil(target, damage, draw)
    said = [f for f in examine(lake_of(place)) if f.fault]
    try:
        same = content(place) == clean
        found = "doctor" if said else "harmless" if same else "silent"
    except Exception:
        found = "error and doctor" if said else "error"
    name = target.relative_to(place / "lake").as_posix()
    record(kind="corrupt", seed=seed, where=where, damage=damage, file=name.split("/")[1] + "/" + target.name[:14], found=found)
    shutil.rmtree(place)
    assert found != "silent", f"{damage} {name}: readers see another content and nobody says so"
    return found


def files_of(place: Path, where: str) -> list[Path]:
    lake = lake_of(place)
    logs = [Path(lake.root) / table(name).path / LOG for name in tables_there(lake.root)]
    if where == "log":
        return sorted(p for log in logs for p in log.glob("*.json"))
    if where == "checkpoint":
        return sorted(p for log in logs for p in (*log.glob("*.checkpoint*.parquet"), *log.glob("_last_checkpoint")))
    return sorted(Path(lake.root) / table(n).path / f.path for n in tables_there(lake.root) for f in data_files(lake.root, n))


def spoil(target: Path, damage: str, draw: random.Random) -> None:
    data = bytearray(target.read_bytes())
    if damage == "removed":
        target.unlink()
        return
    if damage == "truncated":
        data = data[: draw.randrange(len(data))]
    else:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    target.write_bytes(data)
