"""Upkeep changes files, never rows: what is read before is read after, at every clock; what nobody may ask for any more goes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.lake import write
from jobs.lake.compact import compact, era_of
from jobs.lake.examine import examine
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, read_files, whole
from jobs.lake.seal import tables_there
from jobs.lake.tables import table
from jobs.lake.upkeep import checkpoint, last_checkpoint, upkeep, vacuum
from jobs.lake.write import Fenced, LakeError, append_once, open_table, replace_as_of, table_version, write_files
from tests.lake.helpers import receive, silver

JAN = date(2026, 1, 10)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(tmp_path / "lake", 2)


def invoice(no: int, issued: date, known: date) -> dict[str, Any]:
    return {"seller_id": "AE"[no % 2], "invoice_no": f"{no:03}", "issued_on": issued, "net": no, "known_at": known, "row_digest": str(no)}


def many(lake: Lake, count: int = 20, issued: date = date(2026, 1, 5), known: date = JAN, first: int = 0) -> None:
    """As many nights, each with a small batch."""
    for n in range(first, first + count):
        run = lake.take_lease("ingest")
        receive(lake, "invoice", [invoice(2 * n, issued, known), invoice(2 * n + 1, issued, known)], f"b{n}", run)


def rows(lake: Lake, version: int | None = None) -> list[dict[str, Any]]:
    return sorted(whole(lake.root, "invoice", version).to_pylist(), key=lambda r: (r["invoice_no"], r["batch_id"]))


def eras(lake: Lake) -> dict[str, int]:
    found = [f for f in data_files(lake.root, "invoice") if f.bucket == data_files(lake.root, "invoice")[0].bucket]
    return {("loose" if f.loose else era_of(f)): f.rows for f in sorted(found, key=lambda f: f.path)}


def test_more_than_sixteen_small_files_become_one_sorted_by_key(lake: Lake) -> None:
    many(lake, 16)
    assert compact(lake, "invoice", lake.epoch()) is None  # sixteen are not too many
    many(lake, 1, first=16)
    before, version = rows(lake), table_version(lake.root, "invoice")
    assert len(data_files(lake.root, "invoice")) == 34
    compact(lake, "invoice", lake.epoch())
    files = data_files(lake.root, "invoice")
    assert [(f.bucket, f.rows, era_of(f)) for f in files] == [(0, 17, "2026-01"), (1, 17, "2026-01")]
    assert rows(lake) == before == rows(lake, version)
    for file in files:
        numbers = read_files(lake.root, table("invoice"), [file])["invoice_no"].to_pylist()
        assert numbers == sorted(numbers)
    many(lake, 1, first=16)  # the batch is there: nothing comes twice
    assert rows(lake) == before


#   issued       known        era
ERAS = [
    (date(2026, 1, 5), date(2026, 1, 10), "2026-01"),
    (date(2025, 11, 5), date(2026, 1, 10), "2025-11"),
    (date(2024, 5, 5), date(2024, 6, 1), "2024-05"),
    (date(2024, 5, 5), date(2026, 1, 10), "late-2024"),
]


@pytest.mark.parametrize(("issued", "known", "era"), ERAS)
def test_a_file_holds_one_month_or_what_came_late_of_one_year(lake: Lake, issued: date, known: date, era: str) -> None:
    receive(lake, "invoice", [invoice(0, issued, known), invoice(2, date(2026, 1, 1), JAN)], "b", lake.take_lease("t"))
    compact(lake, "invoice", lake.epoch(), many=0)
    assert set(eras(lake)) == {era, "2026-01"}


def test_a_closed_month_is_not_written_again_and_a_late_year_grows_by_files(lake: Lake) -> None:
    receive(lake, "invoice", [invoice(0, date(2024, 5, 5), date(2024, 5, 9)), invoice(2, date(2026, 1, 1), JAN)], "first", lake.take_lease("t"))
    compact(lake, "invoice", lake.epoch(), many=0)
    closed = next(f.path for f in data_files(lake.root, "invoice") if era_of(f) == "2024-05")
    for n in range(3):
        receive(lake, "invoice", [invoice(4 + 2 * n, date(2024, 5, 5), JAN), invoice(40 + 2 * n, date(2026, 1, 1), JAN)], f"late{n}", lake.take_lease("t"))
        compact(lake, "invoice", lake.epoch(), many=0)
    files = data_files(lake.root, "invoice")
    assert closed in {f.path for f in files}
    assert sum(f.rows for f in files if era_of(f) == "late-2024") == 3
    assert [f.rows for f in files if era_of(f) == "2026-01"] == [4]


def test_a_file_whose_batch_is_not_received_stays_as_it_is(lake: Lake) -> None:
    run = lake.take_lease("t")
    half = write_files(lake.root, table("invoice"), silver("invoice", [invoice(0, JAN, JAN)], "half", run), buckets=2)
    append_once(lake.root, "invoice", half, "half", run)
    receive(lake, "invoice", [invoice(2, JAN, JAN)], "b", run)
    compact(lake, "invoice", run, many=0)
    assert sorted((f.loose, f.rows) for f in data_files(lake.root, "invoice")) == [(False, 1), (True, 1)]


def test_compaction_is_fenced_and_leaves_nightly_tables_alone(lake: Lake) -> None:
    many(lake, 17)
    old = lake.epoch()
    lake.take_lease("another")
    version = table_version(lake.root, "invoice")
    for act in (lambda: compact(lake, "invoice", old), lambda: checkpoint(lake, "invoice", old, 1)):
        with pytest.raises(Fenced):
            act()
    assert table_version(lake.root, "invoice") == version and last_checkpoint(lake.root, "invoice") == -1
    with pytest.raises(LakeError, match="not compacted"):
        compact(lake, "monitoring", lake.epoch())


def test_marks_outlive_compaction_checkpoint_and_vacuum(lake: Lake) -> None:
    many(lake, 20)
    run = lake.take_lease("upkeep")
    upkeep(lake, run, hours=0, days=0)
    handle = open_table(lake.root, "invoice")
    assert handle is not None and last_checkpoint(lake.root, "invoice") > 0
    assert [handle.transaction_version(f"b{n}") for n in range(20)] == [1] * 20
    before = rows(lake)
    many(lake, 20)  # every batch again
    assert rows(lake) == before
    upkeep(lake, lake.take_lease("upkeep"), hours=0, days=0)
    done = upkeep(lake, lake.take_lease("upkeep"), hours=0, days=0)
    assert not any(d.merged or d.came or d.checkpoint for d in done)  # a second time there is nothing to do


def counted(run: int, n: int) -> pa.Table:
    return pa.table({"office_id": ["o"], "measure": ["m"], "level": ["all"], "n": pa.array([n], pa.int64()), "run": pa.array([run], pa.int64())})


def monitored(run: int, n: int, as_of: date, lake: Lake) -> int:
    return replace_as_of(lake.root, "monitoring", write_files(lake.root, table("monitoring"), counted(run, n), as_of), as_of, run)


def test_vacuum_keeps_what_is_published_within_the_retention_and_no_more(lake: Lake) -> None:
    old, new = date(2025, 1, 1), date(2026, 1, 1)
    for as_of, revision, n in ((old, 1, 1), (old, 2, 2), (new, 1, 3)):
        run = lake.take_lease("night")
        lake.night_act(as_of, revision, "published", run, {"monitoring": monitored(run, n, as_of, lake)})
    run = lake.take_lease("night")
    monitored(run, 9, new, lake)  # replaced since, as by a revision that is being staged
    orphan = write_files(lake.root, table("monitoring"), counted(run, 5), new)
    assert vacuum(lake, "monitoring", run, days=90) == []  # files of today are left alone
    gone = vacuum(lake, "monitoring", run, hours=0, days=90)
    assert len(gone) == 2 and orphan[0].path in gone  # the orphan, and the first revision of the old date
    published = data_files(lake.root, "monitoring", lake.nights()[-1].tables["monitoring"])
    assert sorted(read_files(lake.root, table("monitoring"), published)["n"].to_pylist()) == [2, 3]
    assert sorted(whole(lake.root, "monitoring")["n"].to_pylist()) == [2, 9]


def test_vacuum_keeps_a_published_date_whose_revision_was_given_up(lake: Lake) -> None:
    old, new = date(2025, 1, 1), date(2026, 1, 1)
    for as_of in (old, new):
        run = lake.take_lease("night")
        lake.night_act(as_of, 1, "published", run, {"monitoring": monitored(run, 1, as_of, lake)})
    run = lake.take_lease("night")
    begin = {"run": run, "run_id": "x", "as_of": old, "revision": 2, "room": "begin", "step": "begin", "code_version": "", "conf_digest": "", "reads": "{}", "writes": "{}"}
    lake.append("run", [begin], "x", run)
    monitored(run, 9, old, lake)
    assert lake.given_up() == {old}
    assert vacuum(lake, "monitoring", lake.take_lease("upkeep"), hours=0, days=0) == []


def test_the_tables_there_are_those_with_a_log(lake: Lake) -> None:
    many(lake, 1)
    assert tables_there(lake.root) == ["batch", "invoice", "lease", "night"]


def test_the_doctor_looks_at_files_that_only_a_published_night_still_reads(lake: Lake) -> None:
    many(lake, 1)
    lake.night_act(JAN, 1, "published", lake.take_lease("night"), {"invoice": table_version(lake.root, "invoice")})
    old = data_files(lake.root, "invoice")[0].path
    compact(lake, "invoice", lake.epoch(), many=0)
    assert [f for f in examine(lake) if f.fault] == []
    path = Path(lake.root) / table("invoice").path / old
    path.write_bytes(path.read_bytes()[:200] + b"?" + path.read_bytes()[201:])
    assert [f.fault for f in examine(lake) if "not as written" in f.what] == [True]
    assert [f for f in examine(lake, deep=False) if f.fault] == []


def test_the_doctor_says_which_files_no_digest_speaks_for(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    many(lake, 1)
    assert examine(lake) == []
    monkeypatch.setattr(write, "digest_of", lambda path: "old")
    many(lake, 1, first=1)
    assert sorted({str(f).split(";")[0] for f in examine(lake) if "invoice" in f.what}) == [
        "advice: invoice: 2 file(s) from before names bore digests: a changed byte in them may go unseen"
    ]
