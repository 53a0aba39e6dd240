"""Ingest end to end into a real lake: one inbox of everything that can go wrong. One test holds it against real Spark."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.conf import Conf, House
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, known, read_files, resolve, whole
from jobs.lake.step import Night
from jobs.lake.tables import table
from jobs.sources.conservation import conservation
from jobs.sources.ingest import ingest, pending
from tests.sources.given import GOOD, HOUSE, OTHER, listed, pay, returns, source
from tests.sources.in_process import InProcess

AS_OF = date(2026, 2, 1)
RETURN = "id,begin,end,filed,sales,due,n\n"
CONF = Conf.model_construct(
    house=House.model_validate({**HOUSE.model_dump(), "buckets": 3}),
    sources={s.name: s for s in (source(), returns(), listed())},
)


def _land(inbox: Path, name: str, receipt: int, day: str, files: dict[str, str | bytes], kind: str = "history") -> None:
    folder = inbox / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.jsonl").open("a") as manifest:
        for file, data in files.items():
            (folder / file).write_bytes(data.encode() if isinstance(data, str) else data)
            manifest.write(json.dumps({"receipt": receipt, "file": file, "received_at": f"{day}T09:00:00+08:00", "kind": kind}) + "\n")


def _country(inbox: Path) -> None:
    year = "{0},2025-{1:02d}-01,2025-{1:02d}-28,2025-{2:02d}-10,{3},{4},{5}\n"
    good = [f"p{n},{GOOD if n % 2 else OTHER},2025-0{n}-02,{n}.00" for n in range(1, 9)]
    _land(inbox, "pay", 1, "2026-01-05", {
        "a.csv": pay([*good, good[0], f"p2,{OTHER},2025-02-02,9.00", "p9,9.13E+17,2025-01-01,一", "short"]),
        "b.csv": pay([f"q1,{GOOD},2025-01-01,1.00"]).encode("utf-16"), "c.csv": "", "d.csv": pay(["x;y"], "no;id;day;amount"),
        "e.csv": pay([f"r1,{GOOD},2025-01-01,1.00"]),
    })  # fmt: skip
    _land(inbox, "pay", 2, "2026-01-20", {"f.csv": pay([good[3], f"r2,{GOOD},2026-01-19,1.00"])}, "delivery")
    _land(inbox, "vat", 1, "2026-01-05", {"r.csv": RETURN + year.format(GOOD, 1, 2, 100, 13, 1) + year.format(OTHER, 1, 2, 7, 1, 1)})
    _land(inbox, "vat", 2, "2026-01-06", {"r2.csv": RETURN + year.format(GOOD, 1, 3, 150, 19, 2)})
    _land(inbox, "list", 1, "2026-01-02", {"l1.csv": "id,a,b\nk1,2020-01-01,\nk2,2020-02-01,2020-03-01\n"})
    _land(inbox, "list", 2, "2026-01-20", {"l2.csv": "id,a,b\nk1,2020-01-01,2026-01-10\nXXX,2020-02-01,\n"})


def _ingest(lake: Lake, inbox: Path, as_of: date = AS_OF, spark: Any = None) -> tuple[int, list[dict[str, Any]]]:
    run = lake.take_lease("ingest")
    return run, ingest(lake, spark or InProcess(), Night(as_of, run, CONF), inbox)


def _content(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Every visible row of every table, without the run it came in."""
    force = lake.batches_in_force(10**6)
    found = {}
    for name in ("payment", "return_line", "watchlist", "quarantine", "bronze_pay", "bronze_vat", "bronze_list", "batch"):
        rows = [{k: v for k, v in r.items() if k != "run"} for r in whole(lake.root, name).to_pylist() if r["batch_id"] in force]
        found[name] = sorted(rows, key=lambda r: json.dumps(r, default=str, sort_keys=True))
    return found


def _state(lake: Lake, name: str, as_of: date) -> pa.Table:
    rows = read_files(lake.root, table(name), data_files(lake.root, name))
    return resolve(known(rows, as_of, 10**6, lake.batches_in_force(10**6)), table(name))


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Path, int, list[dict[str, Any]]]:
    inbox, root = tmp_path_factory.mktemp("inbox"), tmp_path_factory.mktemp("lake")
    _country(inbox)
    lake = Lake.open(root, 3)
    run, rows = _ingest(lake, inbox)
    return lake, inbox, run, rows


def test_every_record_is_accounted_for(received: tuple[Lake, Path, int, list[dict[str, Any]]]):
    lake, _, run, rows = received
    counts = {(r["source"], r["receipt"]): [r[f] for f in ("received", "accepted", "superseded", "duplicate", "quarantined")] for r in rows}
    assert counts == {
        ("list", 1): [2, 2, 0, 0, 0], ("list", 2): [2, 1, 0, 0, 1],
        # a.csv 12 lines: 8 good, 1 repeat, 1 conflict, 2 broken; b.csv and d.csv one broken line each, c.csv one empty file, e.csv one good
        ("pay", 1): [16, 9, 0, 1, 6], ("pay", 2): [2, 1, 0, 1, 0],
        ("vat", 1): [2, 2, 0, 0, 0], ("vat", 2): [1, 1, 0, 0, 0],
    }  # fmt: skip
    assert "all" in conservation(lake, run)
    bronze = whole(lake.root, "bronze_pay").to_pylist()
    assert len(bronze) == 18 and len({(r["batch_id"], r["file"], r["line"]) for r in bronze}) == 18


def test_quarantine_names_file_line_rules_raw_text_and_remedy(received: tuple[Lake, Path, int, list[dict[str, Any]]]):
    found = {(r["file"], r["line"]): r for r in whole(received[0].root, "quarantine").to_pylist()}
    assert {place: r["rules"] for place, r in found.items()} == {
        ("a.csv", 11): ["conflict"], ("a.csv", 12): ["scientific:taxpayer_id", "money:amount"], ("a.csv", 13): ["columns"],
        ("b.csv", 2): ["encoding"], ("c.csv", 1): ["empty_file"], ("d.csv", 2): ["delimiter"], ("l2.csv", 3): ["masked:party_id"],
    }  # fmt: skip
    assert found["a.csv", 12]["raw"] == "p9,9.13E+17,2025-01-01,一"
    assert all(r["reason"] and r["fate"] == "quarantined" for r in found.values())


def test_history_is_known_by_its_own_dates_and_deliveries_by_their_receipt(received: tuple[Lake, Path, int, list[dict[str, Any]]]):
    paid = {r["payment_no"]: r["known_at"] for r in _state(received[0], "payment", AS_OF).to_pylist()}
    assert paid["p1"] == date(2025, 1, 3) and paid["r2"] == date(2026, 1, 20) and len(paid) == 10
    assert _state(received[0], "payment", date(2025, 1, 2)).num_rows == 1  # r1 is known on 2 January


def test_amended_returns_supersede_from_the_day_they_were_known(received: tuple[Lake, Path, int, list[dict[str, Any]]]):
    def sales(as_of: date) -> dict[str, float]:
        rows = _state(received[0], "return_line", as_of).to_pylist()
        return {r["taxpayer_id"]: float(r["amount"]) for r in rows if r["return_line"] == "sales"}

    assert sales(date(2025, 2, 10)) == {}
    assert sales(date(2025, 2, 11)) == {GOOD: 100.0, OTHER: 7.0}
    assert sales(date(2025, 3, 11)) == {GOOD: 150.0, OTHER: 7.0}


def test_a_snapshot_is_read_over_the_one_before(received: tuple[Lake, Path, int, list[dict[str, Any]]]):
    def stages(as_of: date) -> set[tuple[str, str]]:
        return {(r["party_id"], r["stage"]) for r in _state(received[0], "watchlist", as_of).to_pylist()}

    assert stages(date(2020, 1, 31)) == {("k1", "first")}
    assert stages(date(2026, 1, 19)) == {("k1", "first"), ("k1", "second"), ("k2", "first"), ("k2", "second")}
    assert stages(AS_OF) == {("k1", "first"), ("k1", "second")}  # the second snapshot no longer shows k2


def test_a_second_run_changes_nothing(received: tuple[Lake, Path, int, list[dict[str, Any]]]):
    lake, inbox, _, _ = received
    before = _content(lake)
    run, rows = _ingest(lake, inbox)
    assert rows == [] and conservation(lake, run) == "nothing new was received" and _content(lake) == before


def test_one_delivery_at_a_time_gives_the_same_tables(received: tuple[Lake, Path, int, list[dict[str, Any]]], tmp_path: Path):
    lake = Lake.open(tmp_path / "lake", 3)
    for day in (date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 6), AS_OF):
        _ingest(lake, received[1], day)
    assert _content(lake) == _content(received[0])


def test_the_same_files_received_again_are_duplicates(received: tuple[Lake, Path, int, list[dict[str, Any]]], tmp_path: Path):
    inbox, root = tmp_path / "inbox", tmp_path / "lake"
    shutil.copytree(received[1], inbox)
    shutil.copytree(received[0].root, root)
    lake = Lake.open(root, 3)
    state = {n: _state(lake, n, AS_OF) for n in ("payment", "return_line")}
    for name, file in (("pay", "a.csv"), ("vat", "r.csv"), ("vat", "r2.csv")):
        _land(inbox, name, 9, "2026-01-25", {f"again-{file}": (inbox / name / file).read_bytes()})
    rows = _ingest(lake, inbox)[1]
    assert [(r["source"], r["accepted"], r["superseded"], r["duplicate"], r["quarantined"]) for r in rows] == [("pay", 0, 0, 9, 3), ("vat", 0, 0, 3, 0)]
    assert {n: _state(lake, n, AS_OF).num_rows for n in state} == {n: t.num_rows for n, t in state.items()}
    assert all(not r["tables"] for r in rows)


def test_a_retired_batch_stays_out_until_something_changes(received: tuple[Lake, Path, int, list[dict[str, Any]]], tmp_path: Path):
    root = tmp_path / "lake"
    shutil.copytree(received[0].root, root)
    lake = Lake.open(root, 3)
    run = lake.take_lease("retire")
    batch = next(r for r in received[3] if (r["source"], r["receipt"]) == ("vat", 2))
    lake.retire(batch["batch_id"], run, "wrong file")
    assert pending(lake, Night(AS_OF, run, CONF), received[1]) == []
    assert float(next(r["amount"] for r in _state(lake, "return_line", AS_OF).to_pylist() if r["taxpayer_id"] == GOOD and r["return_line"] == "sales")) == 100.0
    other = Conf.model_construct(house=CONF.house, sources={**CONF.sources, "vat": returns(revision=2)})
    assert [(b.source.name, b.delivery.receipt) for b in pending(lake, Night(AS_OF, run, other), received[1])] == [("vat", 2)]


def test_a_delivery_that_is_not_all_there_waits(tmp_path: Path):
    _land(tmp_path / "inbox", "pay", 1, "2026-01-05", {"a.csv": pay([])})
    (tmp_path / "inbox" / "pay" / "a.csv").unlink()
    _land(tmp_path / "inbox", "pay", 2, "2026-01-05", {"b.csv": pay([])})
    assert pending(Lake.open(tmp_path / "lake", 3), Night(AS_OF, 1, CONF), tmp_path / "inbox") == []


def test_a_contract_may_take_files_whole_or_not_at_all(tmp_path: Path):
    _land(tmp_path / "inbox", "pay", 1, "2026-01-05", {"a.csv": pay([f"p1,{GOOD},2025-01-01,1.00", "x"]), "b.csv": pay([f"p2,{GOOD},2025-01-01,1.00"])})
    lake = Lake.open(tmp_path / "lake", 3)
    run = lake.take_lease("ingest")
    conf = Conf.model_construct(house=CONF.house, sources={"pay": source(broken="file")})
    (row,) = ingest(lake, InProcess(), Night(AS_OF, run, conf), tmp_path / "inbox")
    assert (row["accepted"], row["quarantined"]) == (1, 2)
    assert sorted(r["rules"] for r in whole(lake.root, "quarantine").to_pylist()) == [["columns"], ["file"]]


@pytest.mark.spark
def test_spark_gives_the_same_tables(received: tuple[Lake, Path, int, list[dict[str, Any]]], spark: Any, tmp_path: Path):
    lake = Lake.open(tmp_path / "lake", 3)
    _ingest(lake, received[1], spark=spark)
    assert _content(lake) == _content(received[0])


CHILD = """
import sys
from pathlib import Path
from jobs.lake.lake import Lake
from tests.sources.test_ingest import _ingest
_ingest(Lake.open(sys.argv[1], 3), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("point", ["committed:lease", "ingest:payment", "ingest:quarantine", "ingest:bronze_vat", "committed:batch"])
def test_killed_and_run_again_gives_the_same_tables(received: tuple[Lake, Path, int, list[dict[str, Any]]], tmp_path: Path, point: str):
    command = [sys.executable, "-c", CHILD, str(tmp_path / "lake"), str(received[1])]
    killed = subprocess.run(command, env={**os.environ, "ASSAY_FAULT": point}, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    lake = Lake.open(tmp_path / "lake", 3)
    assert _content(lake) != _content(received[0])
    _ingest(lake, received[1])
    assert _content(lake) == _content(received[0])
