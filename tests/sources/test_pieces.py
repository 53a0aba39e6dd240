"""A large Parquet file is read by several tasks: what comes of it is what comes of it whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.conf import load
from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.lake.step import Night
from jobs.sources import read_parquet
from jobs.sources.ingest import ingest
from jobs.sources.read_parquet import pieces
from tests.sources.given import DAY, GOOD, HOUSE, OTHER, source
from tests.sources.in_process import InProcess

CONF = Path(__file__).parents[2] / "conf"


def _file(path: Path) -> None:
    count = 90
    ids = [(GOOD, OTHER, "x")[n % 3] for n in range(count)]
    rows = pa.table({"no": [str(n // 2) for n in range(count)], "id": ids, "day": ["2026-01-02"] * count, "amount": ["1.50"] * count})
    pq.write_table(rows, path, row_group_size=10)


def _received(folder: Path) -> list[list[dict[str, Any]]]:
    """The tables after ingest of the file, without names of files and batches' own columns."""
    inbox = folder / "inbox" / "pay"
    inbox.mkdir(parents=True)
    _file(inbox / "big.parquet")
    conf = load(CONF).model_copy(update={"sources": {"pay": source(files={"format": "parquet"})}, "house": HOUSE})
    lake = Lake.open(folder / "lake", HOUSE.buckets)
    ingest(lake, InProcess(), Night(DAY, lake.take_lease("ingest"), conf), folder / "inbox")
    found = []
    for name in ("payment", "quarantine", "bronze_pay", "batch"):
        rows = [{k: v for k, v in r.items() if k not in ("at",)} for r in whole(lake.root, name).to_pylist()]
        found.append(sorted(rows, key=lambda r: (r.get("file") or "", r.get("line") or 0)))
    return found


def test_pieces_and_whole_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one = _received(tmp_path / "whole")
    monkeypatch.setattr(read_parquet, "PIECE", 1000)
    many = _received(tmp_path / "pieces")
    assert len(pieces(tmp_path / "pieces" / "inbox" / "pay" / "big.parquet")) > 1
    assert many == one and len(one[0]) == 60 and len(one[1]) == 30


@pytest.mark.parametrize(("size", "expected"), [(1 << 20, []), (1000, "all")])
def test_pieces_hold_every_row_group_once(size: int, expected: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _file(tmp_path / "f")
    monkeypatch.setattr(read_parquet, "PIECE", size)
    found = pieces(tmp_path / "f")
    assert [g for piece in found for g in piece] == (list(range(9)) if expected == "all" else expected)


def test_a_file_that_is_none_is_left_to_its_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "f").write_bytes(b"x" * 10_000)
    monkeypatch.setattr(read_parquet, "PIECE", 1000)
    assert pieces(tmp_path / "f") == []
