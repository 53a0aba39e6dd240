"""A delivery half received before something else changed is received as it would be now, and nothing of the half is seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.lake.lake import Lake
from jobs.lake.read import DataFile, whole
from jobs.lake.step import Night
from jobs.lake.tables import Table
from jobs.sources import bucket
from jobs.sources.ingest import pending
from tests.sources.given import GOOD, pay
from tests.sources.test_ingest import AS_OF, CHILD, CONF, _ingest, _land, _state

P1, P2, P3 = (f"p{n},{GOOD},2025-01-0{n},{n}.00" for n in (1, 2, 3))


def killed(lake: Lake, inbox: Path, point: str) -> None:
    command = [sys.executable, "-c", CHILD, lake.root, str(inbox)]
    done = subprocess.run(command, env={**os.environ, "ASSAY_FAULT": point}, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-500:]


def paid(lake: Lake) -> list[str]:
    return sorted(_state(lake, "payment", AS_OF)["payment_no"].to_pylist())


#   point                what is committed of receipt 2 when it is killed
@pytest.mark.parametrize("point", ["ingest:payment", "ingest:bronze_pay", "committed:lease"])
def test_a_batch_retired_while_another_was_half_received(tmp_path: Path, point: str) -> None:
    inbox, lake = tmp_path / "inbox", Lake.open(tmp_path / "lake", 3)
    _land(inbox, "pay", 1, "2026-01-05", {"a.csv": pay([P1, P2])})
    first = _ingest(lake, inbox)[1][0]
    _land(inbox, "pay", 2, "2026-01-06", {"b.csv": pay([P2, P3])})  # p2 is a duplicate as long as receipt 1 is in force
    killed(lake, inbox, point)
    lake.retire(first["batch_id"], lake.take_lease("retire"), "wrong file")
    row = _ingest(lake, inbox)[1][0]
    assert (row["accepted"], row["duplicate"]) == (2, 0)
    assert paid(lake) == ["p2", "p3"]
    assert _ingest(lake, inbox)[1] == []
    lake.retire(row["batch_id"], lake.take_lease("retire"), "wrong too")
    assert pending(lake, Night(AS_OF, lake.epoch(), CONF), inbox) == []  # retired on purpose stays out


def test_an_earlier_delivery_that_comes_in_between(tmp_path: Path) -> None:
    inbox, lake = tmp_path / "inbox", Lake.open(tmp_path / "lake", 3)
    _land(inbox, "pay", 2, "2026-01-06", {"b.csv": pay([P2, P3])})
    killed(lake, inbox, "ingest:payment")
    _land(inbox, "pay", 1, "2026-01-05", {"a.csv": pay([P1, P2])})
    rows = _ingest(lake, inbox)[1]
    assert [(r["receipt"], r["accepted"], r["duplicate"]) for r in rows] == [(1, 2, 0), (2, 1, 1)]
    assert paid(lake) == ["p1", "p2", "p3"]


def test_nothing_changed_in_between_completes_the_same_batch(tmp_path: Path) -> None:
    inbox, lake = tmp_path / "inbox", Lake.open(tmp_path / "lake", 3)
    _land(inbox, "pay", 1, "2026-01-05", {"a.csv": pay([P1, P2])})
    killed(lake, inbox, "ingest:payment")
    _ingest(lake, inbox)
    assert whole(lake.root, "payment").num_rows == 2


def test_repeats_are_told_from_the_files_of_their_months_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox, lake = tmp_path / "inbox", Lake.open(tmp_path / "lake", 3)
    for month in range(1, 5):
        _land(inbox, "pay", month, f"2026-01-0{month}", {f"{month}.csv": pay([f"p{month},{GOOD},2025-0{month}-02,{month}.00"])})
        _ingest(lake, inbox, date(2026, 1, month))
    _land(inbox, "pay", 9, "2026-01-09", {"again.csv": pay([f"p3,{GOOD},2025-03-02,3.00", f"p9,{GOOD},2025-03-09,9.00"])})
    read: list[str] = []
    real = bucket.read_files

    def watched(root: str, contract: Table, files: list[DataFile], columns: list[str]) -> pa.Table:
        read.extend(str(f.days) for f in files)
        return real(root, contract, files, columns)

    monkeypatch.setattr(bucket, "read_files", watched)
    row = _ingest(lake, inbox)[1][0]
    assert (row["accepted"], row["duplicate"]) == (1, 1)
    assert read == [str((date(2025, 3, 2), date(2025, 3, 2)))]
