"""From the agency's table to silver: what is pulled is received like any delivery, and the night notes who is late."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import psycopg

from jobs.conf import Conf, House, Source
from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.lake.step import Night
from jobs.sources.ingest import ingest_step
from tests.sources.given import HOUSE
from tests.sources.in_process import InProcess
from tests.sources.pull.given import NOW, pulled
from tests.sources.pull.test_postgres import TABLE, contract, insert

Database = psycopg.Connection[tuple[object, ...]]


def received(lake: Lake, contract: Source, inbox: Path, as_of: date) -> tuple[list[tuple[int, ...]], str | None]:
    """Take in what was pulled: received, accepted, duplicate and quarantined of each receipt so far, and the night's note."""
    conf = Conf.model_construct(house=House.model_validate({**HOUSE.model_dump(), "buckets": 2}), sources={"pay": contract})
    _, note = ingest_step(lake, InProcess(), Night(as_of, lake.take_lease("ingest"), conf), inbox)  # type: ignore[arg-type]
    rows = sorted(whole(lake.root, "batch").to_pylist(), key=lambda r: r["receipt"])
    return [(r["received"], r["accepted"], r["duplicate"], r["quarantined"]) for r in rows], note


def test_rows_of_a_table_reach_the_lake_once_and_a_late_table_is_noted(database: Database, inbox: Path, tmp_path: Path) -> None:
    database.execute(TABLE)
    lake, ours, day = Lake.open(tmp_path / "lake", 2), contract("1h"), NOW.date()
    insert(database, "a", 0)
    insert(database, "b", 1)
    (first,) = pulled(ours, inbox)
    assert received(lake, ours, inbox, day) == ([(2, 2, 0, 0)], None)
    insert(database, "c", 2)
    (inbox / "pay" / first).rename(tmp_path / "archived")  # the pull cannot know any more what it held; the lake does
    pulled(ours, inbox, NOW + timedelta(days=1))
    counts, note = received(lake, ours, inbox, day + timedelta(days=1))
    assert (counts, note) == ([(2, 2, 0, 0), (3, 1, 2, 0)], None)
    counts, note = received(lake, ours, inbox, day + timedelta(days=9))
    assert counts == [(2, 2, 0, 0), (3, 1, 2, 0)]
    assert note == "pay: late; expected 2026-01-27 00:00, last delivery 2026-01-21 09:00"
