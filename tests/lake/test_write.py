"""The writers: exactly once, fenced, checked, killable."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import zlib
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.lake.buckets import bucket_of, buckets_of, group_codes
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, whole
from jobs.lake.tables import TABLES, table
from jobs.lake.write import Fenced, LakeError, NewFile, append_once, open_table, replace_as_of, write_files
from tests.lake.helpers import DAY, receive, silver


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(tmp_path / "lake", 4)


def penalties(lake: Lake, *numbers: str, batch: str = "b", run: int = 1) -> list[NewFile]:
    rows = silver("penalty", [{"penalty_no": n, "party_name": n} for n in numbers], batch, run)
    return write_files(lake.root, table("penalty"), rows, buckets=lake.buckets)


def test_a_batch_is_committed_once_however_often_it_comes(lake: Lake) -> None:
    run = lake.take_lease("t")
    for _ in range(3):
        append_once(lake.root, "penalty", penalties(lake, "1", "2"), "b", run)
    assert sorted(whole(lake.root, "penalty")["penalty_no"].to_pylist()) == ["1", "2"]


def test_back_fills_out_of_order_are_all_kept(lake: Lake) -> None:
    run = lake.take_lease("t")
    for batch in ("2026-03", "2026-01", "2026-02"):
        append_once(lake.root, "penalty", penalties(lake, batch, batch=batch), batch, run)
    assert sorted(whole(lake.root, "penalty")["penalty_no"].to_pylist()) == ["2026-01", "2026-02", "2026-03"]


def test_threads_with_the_same_batches_leave_each_once(lake: Lake) -> None:
    run = lake.take_lease("t")
    barrier = threading.Barrier(4)

    def write() -> None:
        barrier.wait()
        for n in range(5):
            append_once(lake.root, "penalty", penalties(lake, str(n), batch=str(n)), str(n), run)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(whole(lake.root, "penalty")["penalty_no"].to_pylist()) == ["0", "1", "2", "3", "4"]


def test_a_run_that_lost_the_lease_is_refused(lake: Lake) -> None:
    old = lake.take_lease("old")
    new = lake.take_lease("new")
    with pytest.raises(Fenced, match=f"run {old} was overtaken by run {new}"):
        append_once(lake.root, "penalty", penalties(lake, "1"), "b", old)
    assert data_files(lake.root, "penalty") == []


def test_of_two_who_take_the_lease_at_once_each_gets_its_own(lake: Lake) -> None:
    epochs: list[int] = []
    barrier = threading.Barrier(4)

    def take() -> None:
        barrier.wait()
        epochs.append(lake.take_lease("t"))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(epochs) == [1, 2, 3, 4]


def test_replacing_a_date_touches_that_date_alone(lake: Lake) -> None:
    run, contract = lake.take_lease("t"), table("monitoring")

    def rows(n: int) -> pa.Table:
        return pa.table({"office_id": ["o"], "measure": ["m"], "level": ["all"], "n": pa.array([n], pa.int64()), "run": pa.array([run], pa.int64())})

    for day, n in ((1, 10), (2, 20), (1, 11)):
        as_of = date(2026, 1, day)
        replace_as_of(lake.root, "monitoring", write_files(lake.root, contract, rows(n), as_of), as_of, run)
    found = whole(lake.root, "monitoring")
    assert sorted(zip(found["as_of"].to_pylist(), found["n"].to_pylist(), strict=True)) == [(date(2026, 1, 1), 11), (date(2026, 1, 2), 20)]
    with pytest.raises(LakeError, match="outside the date"):
        replace_as_of(lake.root, "monitoring", write_files(lake.root, contract, rows(1), date(2026, 1, 3)), date(2026, 1, 4), run)
    replace_as_of(lake.root, "monitoring", [], date(2026, 1, 1), run)  # a date expires
    assert whole(lake.root, "monitoring")["n"].to_pylist() == [20]


def spoil(lake: Lake, change: str) -> NewFile:
    """A file that delta-rs itself would accept."""
    good = penalties(lake, "1")[0]
    path = Path(lake.root) / table("penalty").path / good.path
    rows = pq.read_table(path, partitioning=None)
    if change == "type":
        rows = rows.set_column(rows.column_names.index("amount"), "amount", pa.array(["12"], pa.string()))
    elif change == "missing column":
        rows = rows.drop_columns(["decided_on"])
    elif change == "extra column":
        rows = rows.append_column("secret", pa.array(["x"]))
    elif change == "null key":
        rows = rows.set_column(rows.column_names.index("penalty_no"), pa.field("penalty_no", pa.string()), pa.array([None], pa.string()))
    if change == "missing file":
        path.unlink()
        return good
    pq.write_table(rows, path)
    return NewFile(good.path, path.stat().st_size, 1, good.partition)


@pytest.mark.parametrize("change", ["type", "missing column", "extra column", "null key", "missing file"])
def test_a_file_that_breaks_the_contract_is_not_committed(lake: Lake, change: str) -> None:
    run = lake.take_lease("t")
    with pytest.raises(LakeError, match="penalty"):
        append_once(lake.root, "penalty", [spoil(lake, change)], "b", run)
    assert data_files(lake.root, "penalty") == []


def test_a_commit_says_which_days_and_periods_a_file_spans(lake: Lake) -> None:
    #  known 1 and 9 January, declared for December 2025        what readers prune by
    head = {"taxpayer_id": "A", "tax": "VAT", "form": "VAT-G", "return_line": "due", "period_from": date(2025, 12, 1), "period_to": date(2025, 12, 31)}
    receive(lake, "return_line", [{**head, "known_at": date(2026, 1, 9)}, {**head, "form": "VAT-S", "known_at": DAY}], "b", lake.take_lease("t"))
    handle = open_table(lake.root, "return_line")
    assert handle is not None
    (action,) = pa.table(handle.get_add_actions(flatten=True)).to_pylist()
    assert (action["num_records"], action["min.known_at"], action["max.known_at"]) == (2, DAY, date(2026, 1, 9))
    assert (action["min.period_to"], action["max.period_to"]) == (date(2025, 12, 31), date(2025, 12, 31))


def test_each_layer_has_its_one_writer(lake: Lake) -> None:
    with pytest.raises(LakeError, match="replace_as_of"):
        append_once(lake.root, "monitoring", [], "b", 1)
    with pytest.raises(LakeError, match="append_once"):
        replace_as_of(lake.root, "penalty", [], DAY, 1)


def test_buckets_agree_with_zlib_and_with_each_other() -> None:
    keys = ["91330200MA2812345X", "", None, "税号", "a"]
    expected = [zlib.crc32((k or "").encode()) % 7 for k in keys]
    assert buckets_of(pa.array(keys, pa.string()), 7).tolist() == expected == [bucket_of(k, 7) for k in keys]


@pytest.mark.spark
def test_buckets_agree_with_spark(spark: Any) -> None:
    from pyspark.sql import functions as F

    keys = ["91330200MA2812345X", "税号", "a", "b"]
    rows = spark.createDataFrame([(k,) for k in keys], "k string").select("k", (F.crc32("k") % 7).alias("b")).collect()
    assert {r["k"]: r["b"] for r in rows} == {k: bucket_of(k, 7) for k in keys}


def test_group_codes_take_null_as_equal_to_null() -> None:
    rows = pa.table({"a": ["x", None, "x", None], "b": [1, None, 1, 2]})
    codes = group_codes(rows, ["a", "b"]).tolist()
    assert codes[0] == codes[2] and len(set(codes)) == 3


@pytest.mark.spark
def test_spark_reads_what_the_writers_wrote(spark: Any, lake: Lake) -> None:
    receive(lake, "penalty", [{"penalty_no": "1", "amount": 5}, {"penalty_no": "2"}], "b", lake.take_lease("t"))
    frame = spark.read.format("delta").load(f"{lake.root}/{table('penalty').path}")
    assert sorted(r["penalty_no"] for r in frame.collect()) == ["1", "2"]
    assert spark.read.format("delta").option("versionAsOf", 0).load(f"{lake.root}/{table('penalty').path}").count() == 0


KILLED = """
import sys
from jobs.lake.lake import Lake
from tests.lake.helpers import receive
lake = Lake.open(sys.argv[1], 4)
receive(lake, "penalty", [{"penalty_no": "1"}, {"penalty_no": "2"}], "b", lake.take_lease("t"))
"""


@pytest.mark.parametrize("point", ["committed:lease", "committed:penalty", "committed:batch"])
def test_a_receipt_killed_anywhere_and_repeated_is_visible_once(tmp_path: Path, point: str) -> None:
    root, repo = tmp_path / "lake", Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED, str(root)]
    killed = subprocess.run(command, env={**os.environ, "ASSAY_FAULT": point, "PYTHONPATH": str(repo)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(repo)}, check=True)
    lake = Lake.open(root, 4)
    assert sorted(whole(lake.root, "penalty")["penalty_no"].to_pylist()) == ["1", "2"]
    assert lake.batches_in_force(lake.epoch()) == {"b"}


def test_every_contract_is_whole() -> None:
    for contract in TABLES.values():
        names = [c.name for c in contract.columns]
        assert len(names) == len(set(names)), contract.name
        assert set(contract.key) <= set(names), contract.name
        assert set(contract.version_of) <= set(contract.key), contract.name
        assert not contract.bucket_by or contract.bucket_by in names, contract.name
        assert all(c.meaning for c in contract.columns), contract.name
