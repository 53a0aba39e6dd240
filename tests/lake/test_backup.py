"""The drill: what is backed up while others write is restored whole; a back-up that is not whole is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from jobs.cli.keep import online_copy
from jobs.lake import backup as backing
from jobs.lake.backup import MANIFEST, backup, restore
from jobs.lake.examine import examine
from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.lake.write import LakeError
from tests.fault.film import Scene, film
from tests.fault.world import BUCKETS, content, lake_of, stage
from tests.lake.helpers import receive


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    return film(tmp_path_factory.mktemp("film"), 5)


def test_restored_it_reads_the_same_is_whole_and_goes_on(scenes: list[Scene], tmp_path: Path) -> None:
    scene = next(s for s in scenes if s.stage == "night2")
    done = backup(lake_of(scene.before), tmp_path / "kept")
    assert done.new == done.files > 0
    place = scene.copy(tmp_path / "place")
    (place / "lake").rename(tmp_path / "lost")
    restore(tmp_path / "kept", place / "lake")
    assert content(place) == scene.seen_before
    assert [f for f in examine(lake_of(place)) if f.fault] == []
    stage(place, "night2")  # the next night on what was restored equals the one on what was lost
    assert content(place) == scene.end
    with pytest.raises(LakeError, match="not empty"):
        restore(tmp_path / "kept", place / "lake")


def test_a_second_back_up_copies_what_is_new(scenes: list[Scene], tmp_path: Path) -> None:
    scene = next(s for s in scenes if s.stage == "night2")
    place = scene.copy(tmp_path / "place")
    first = backup(lake_of(place), tmp_path / "kept")
    assert backup(lake_of(place), tmp_path / "kept").new == 0
    stage(place, "night2")
    second = backup(lake_of(place), tmp_path / "kept")
    assert second.new == second.files - first.files > 0
    restore(tmp_path / "kept", tmp_path / "again" / "lake")
    assert content(tmp_path / "again") == scene.end


def test_what_comes_in_while_it_is_copied_is_not_visible_in_it(scenes: list[Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = scenes[1].copy(tmp_path / "place")
    lake, copied, come = lake_of(place), backing._table, []

    def meanwhile(*args: object) -> object:
        done = copied(*args)  # type: ignore[arg-type]
        if not come:
            come.append(receive(lake, "penalty", [{"penalty_no": "1", "party_name": "x"}], "late", lake.take_lease("ingest")))
        return done

    monkeypatch.setattr(backing, "_table", meanwhile)
    backup(lake, tmp_path / "kept")
    assert "late" in lake.batches_in_force(10**6)
    restore(tmp_path / "kept", tmp_path / "again" / "lake")
    again = Lake.open(tmp_path / "again" / "lake", BUCKETS)
    assert "late" not in again.batches_in_force(10**6)
    assert content(tmp_path / "again") == scenes[1].seen_before
    receive(again, "penalty", [{"penalty_no": "1", "party_name": "x"}], "late", again.take_lease("ingest"))
    assert whole(again.root, "penalty").num_rows == 1


@pytest.mark.parametrize("harm", ["unfinished", "changed", "gone"])
def test_a_back_up_that_is_not_whole_is_refused(scenes: list[Scene], tmp_path: Path, harm: str) -> None:
    backup(lake_of(scenes[1].before), tmp_path / "kept")
    victim = next((tmp_path / "kept" / "silver").rglob("*.parquet"))
    if harm == "unfinished":
        (tmp_path / "kept" / MANIFEST).unlink()
    elif harm == "changed":
        victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    else:
        victim.unlink()
    with pytest.raises(LakeError, match="back-up"):
        restore(tmp_path / "kept", tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def test_a_damaged_file_is_not_backed_up_in_silence(scenes: list[Scene], tmp_path: Path) -> None:
    place = scenes[1].copy(tmp_path / "place")
    victim = next((place / "lake" / "silver").rglob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    with pytest.raises(LakeError, match="not as it was written"):
        backup(lake_of(place), tmp_path / "kept")
    assert not (tmp_path / "kept" / MANIFEST).exists()


def test_the_case_store_is_copied_while_it_is_written(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "cases.sqlite") as store:
        store.execute("pragma journal_mode = wal")
        store.execute("create table t (n integer)")
        store.execute("insert into t values (1)")
        store.commit()
        store.execute("insert into t values (2)")  # not committed
        online_copy(tmp_path / "cases.sqlite", tmp_path / "copy.sqlite")
    with sqlite3.connect(tmp_path / "copy.sqlite") as copy:
        assert copy.execute("select n from t").fetchall() == [(1,)]
