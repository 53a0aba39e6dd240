"""Release from quarantine, drawn: given files and a mended contract, what becomes of every row; once, however often and wherever it is killed."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.conf import Source
from jobs.sources.receive import FATES
from tests.sources.given import GOOD, OTHER, checked, listed, pay, returns, rules, source
from tests.sources.lake_of import AS_OF, ORDER, Office

HEAD = "no,id,day,amount"
AMOUNT = {"from": "amount", "type": "money", "required": True}


def with_columns(revision: int = 2, **said: dict[str, Any]) -> Source:
    plain = source().model_dump(by_alias=True)["columns"]
    return source(revision=revision, columns={**plain, **said})


def zipped(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


TENS = with_columns(amount={**AMOUNT, "codes": None, "min": -5})
FLOOR = with_columns(1, amount={**AMOUNT, "min": 0})
SLASHES = with_columns(paid_on={"from": "day", "type": "date", "required": True, "formats": ["%Y-%m-%d", "%d/%m/%Y"]})
SEMICOLONS = source(revision=2, files={"pattern": "*", "format": "csv", "delimiter": ";"})
UTF16 = source(revision=2, files={"pattern": "*", "format": "csv", "encoding": "utf-16"})
PREAMBLE = source(files={"pattern": "*", "format": "csv", "preamble": 9})
RENAMED = with_columns(amount={**AMOUNT, "from": "sum"})


def test_a_row_with_three_faults_names_all_three_with_their_columns():
    found = checked(pay([f"p1,{GOOD},2025-01-01,1.00", "p2,9.13E+17,1st of May,a lot"]), source())
    assert rules(found) == {3: ["scientific:taxpayer_id", "date:paid_on", "money:amount"]}
    (reason,) = [r["reason"] for r in found.records.to_pylist() if r["rules"]]
    assert all(said in reason for said in ("taxpayer_id: '9.13E+17'", "paid_on: '1st of May'", "amount: 'a lot'"))


@dataclass
class Drawn:
    """Given one delivery and two contracts: the rows in quarantine before, those that stay, those read afterwards."""

    files: dict[str, str | bytes]
    before: Source
    after: Source
    waits: dict[tuple[str, int], list[str]]
    stays: dict[tuple[str, int], list[str]]
    read: list[str]
    which: dict[str, Any] = field(default_factory=dict)


DRAWN = {
    "a floor too high": Drawn(
        {"a.csv": pay([f"p1,{GOOD},2025-01-01,1.00", f"p2,{GOOD},2025-01-01,-2.00", f"p3,{GOOD},2025-01-01,-9.00"])}, FLOOR, TENS,
        {("a.csv", 3): ["range:amount"], ("a.csv", 4): ["range:amount"]}, {("a.csv", 4): ["range:amount"]}, ["p1", "p2"]),
    "two faults, one mended": Drawn(
        {"a.csv": pay([f"p1,{GOOD},02/01/2025,1.00", f"p2,{GOOD},02/01/2025,x"])}, source(), SLASHES,
        {("a.csv", 2): ["date:paid_on"], ("a.csv", 3): ["date:paid_on", "money:amount"]}, {("a.csv", 3): ["date:paid_on", "money:amount"]}, ["p1"]),
    "a delimiter: each line was refused": Drawn(
        {"a.csv": f"no;id;day;amount\np1;{GOOD};2025-01-01;1.00\np2;{GOOD};2025-01-01;x\n"}, source(), SEMICOLONS,
        {("a.csv", 2): ["delimiter"], ("a.csv", 3): ["delimiter"]}, {("a.csv", 3): ["delimiter"]}, ["p1"]),
    "an encoding: bytes of another": Drawn(
        {"a.csv": pay([f"p{n},{GOOD},2025-01-01,{n}" for n in range(1, 3)]).encode("utf-16")}, source(), UTF16,
        {("a.csv", 2): ["encoding"], ("a.csv", 3): ["encoding"]}, {}, ["p1", "p2"]),
    "a preamble too long: the file was refused as one": Drawn(
        {"a.csv": pay([f"p{n},{GOOD},2025-01-01,{n if n != 3 else 'x'}" for n in range(1, 5)])}, PREAMBLE, source(revision=2),
        {("a.csv", 1): ["empty_file"]}, {("a.csv", 4): ["money:amount"]}, ["p1", "p2", "p4"]),
    "a column renamed in one file": Drawn(
        {"a.csv": pay([f"p1,{GOOD},2025-01-01,1.00"], "no,id,day,sum"), "b.csv": pay([f"p2,{GOOD},2025-01-01,1.00"])}, source(), RENAMED,
        {("a.csv", 2): ["column_missing"]}, {}, ["p1", "p2"]),
    "only one rule is meant": Drawn(
        {"a.csv": pay([f"p1,{GOOD},02/01/2025,1.00", f"p2,{GOOD},2025-01-01,x"])}, source(),
        with_columns(paid_on={"from": "day", "type": "date", "required": True, "formats": ["%Y-%m-%d", "%d/%m/%Y"]}, amount={"constant": "1.00", "type": "money"}),
        {("a.csv", 2): ["date:paid_on"], ("a.csv", 3): ["money:amount"]}, {("a.csv", 2): ["date:paid_on"]}, ["p2"], {"rule": "money"}),
    "a member of an archive": Drawn(
        {"a.zip": zipped({"m.csv": pay([f"p1,{GOOD},02/01/2025,1.00", f"p2,{GOOD},2025-01-02,2.00"]), "n.csv": pay([f"p3,{GOOD},02/01/2025,x"])})}, source(), SLASHES,
        {("a.zip!m.csv", 2): ["date:paid_on"], ("a.zip!n.csv", 2): ["date:paid_on", "money:amount"]}, {("a.zip!n.csv", 2): ["date:paid_on", "money:amount"]}, ["p1", "p2"]),
    "a repeat of what is in force": Drawn(
        {"a.csv": pay([f"p1,{GOOD},2025-01-02,1.00"]), "b.csv": pay([f"p1,{GOOD},02/01/2025,1.00"])}, source(), SLASHES,
        {("b.csv", 2): ["date:paid_on"]}, {}, ["p1"]),
    "other content than what is in force": Drawn(
        {"a.csv": pay([f"p1,{GOOD},2025-01-02,1.00"]), "b.csv": pay([f"p1,{GOOD},02/01/2025,7.00", f"p2,{GOOD},02/01/2025,7.00"])}, source(), SLASHES,
        {("b.csv", 2): ["date:paid_on"], ("b.csv", 3): ["date:paid_on"]}, {("b.csv", 2): ["date:paid_on"]}, ["p1", "p2"]),
}  # fmt: skip


def _received(folder: Path, drawn: Drawn, contract: Source, kind: str = "delivery") -> Office:
    office = Office(folder, (contract,))
    office.land("pay", 1, "2026-01-05", drawn.files, kind)
    office.receive()
    return office


@pytest.mark.parametrize("name", DRAWN)
def test_what_becomes_of_each_row(name: str, tmp_path: Path):
    drawn = DRAWN[name]
    office = _received(tmp_path, drawn, drawn.before)
    assert office.waiting() == drawn.waits
    office.sources = (drawn.after,)
    found = office.release(**drawn.which)
    assert office.waiting() == drawn.stays
    assert sorted({r["payment_no"] for r in office.state("payment")}) == drawn.read
    assert len(office.state("payment")) == len(drawn.read), "nothing twice"
    assert {r["known_at"] for r in office.state("payment")} == {date(2026, 1, 5)}, "known from the day it was first received"
    assert found.taken + found.stay == len(drawn.waits) - (1 if drawn.which else 0)
    for row in found.rows:
        assert (row["kind"], row["receipt"], row["by"], row["note"]) == ("release", 1, ORDER.by, ORDER.reason)
        assert row["received"] == sum(row[f] for f in FATES)


@pytest.mark.parametrize("kind", ["delivery", "history"])
@pytest.mark.parametrize("name", [n for n, d in DRAWN.items() if not d.which and d.after is not RENAMED])
def test_released_is_as_if_the_contract_had_been_right_at_once(name: str, kind: str, tmp_path: Path):
    drawn = DRAWN[name]
    office = _received(tmp_path / "mended", drawn, drawn.before, kind)
    office.sources = (drawn.after,)
    office.release()
    right = _received(tmp_path / "right", drawn, drawn.after, kind)
    for as_of in (date(2025, 1, 2), date(2025, 1, 3), date(2026, 1, 4), AS_OF):
        assert office.state("payment", as_of) == right.state("payment", as_of)


def test_released_twice_is_released_once(tmp_path: Path):
    drawn = DRAWN["a preamble too long: the file was refused as one"]
    office = _received(tmp_path, drawn, drawn.before)
    office.sources = (drawn.after,)
    office.release()
    state, acts = office.state("payment"), office.acts()
    again = office.release()
    assert (again.rows, again.taken, again.stay) == ([], 0, 1)
    assert (office.state("payment"), office.acts()) == (state, acts)


def test_what_stays_can_be_released_after_the_next_fix(tmp_path: Path):
    office = Office(tmp_path, (source(),))
    office.land("pay", 1, "2026-01-05", {"a.csv": pay([f"p1,{GOOD},02/01/2025,1.00", f"p2,{GOOD},02/01/2025,x"])}, "history")
    office.receive()
    office.sources = (SLASHES,)
    office.release()
    office.sources = (with_columns(3, paid_on=SLASHES.columns["paid_on"].model_dump(by_alias=True), amount={**AMOUNT, "masked": ["x"], "required": False}),)
    office.release()
    assert office.waiting() == {}
    assert [(r["payment_no"], r["known_at"]) for r in office.state("payment")] == [("p1", date(2025, 1, 3)), ("p2", date(2025, 1, 3))]


def test_files_received_again_under_another_receipt_do_not_double_released_rows(tmp_path: Path):
    drawn = DRAWN["a floor too high"]
    office = _received(tmp_path, drawn, drawn.before)
    office.sources = (drawn.after,)
    office.release()
    state = office.state("payment")
    office.land("pay", 2, "2026-01-09", {"again.csv": drawn.files["a.csv"]})
    (row,) = office.receive()
    assert (row["accepted"], row["duplicate"], row["quarantined"]) == (0, 2, 1)
    assert office.state("payment") == state


def test_a_batch_retired_after_a_release_and_received_again_takes_every_row_once(tmp_path: Path):
    drawn = DRAWN["a floor too high"]
    office = _received(tmp_path, drawn, drawn.before)
    first = office.acts()[0]["batch_id"]
    office.sources = (drawn.after,)
    office.release()
    state = office.state("payment")
    office.lake.retire(first, office.lake.take_lease("retire"), "received under a wrong contract")
    (row,) = office.receive()
    assert (row["accepted"], row["duplicate"], row["quarantined"]) == (1, 1, 1)
    assert office.state("payment") == state


def test_amended_returns_are_released_in_their_place(tmp_path: Path):
    text = "id,begin,end,filed,sales,due,n\n{0},2025-01-01,2025-01-31,2025-02-10,100,13,1\n{0},2025-01-01,2025-01-31,2025-03-10,1E2,19,2\n{0},2025-01-01,2025-01-31,2025-04-10,170,20,3\n"
    office = Office(tmp_path, (returns(),))
    office.land("vat", 1, "2026-01-05", {"r.csv": text.format(GOOD)}, "history")
    office.receive()
    assert office.waiting() == {("r.csv", 3): ["money:sales"]}
    mended = returns(lines={"sales": {"from": "sales", "type": "number"}, "due": {"from": "due", "type": "money"}}, revision=2)
    office.sources = (mended,)
    (row,) = office.release().rows
    assert (row["accepted"], row["superseded"]) == (0, 1), "version 3 was there"
    sales = {d: [float(r["amount"]) for r in office.state("return_line", d) if r["return_line"] == "sales"] for d in (date(2025, 3, 1), date(2025, 3, 11), date(2025, 4, 11))}
    assert sales == {date(2025, 3, 1): [100.0], date(2025, 3, 11): [100.0], date(2025, 4, 11): [170.0]}


def test_a_snapshot_is_taken_whole_and_an_altered_file_is_left_alone(tmp_path: Path):
    office = Office(tmp_path, (listed(), source()))
    office.land("list", 1, "2026-01-05", {"l.csv": "id,a,b\nXXX,2020-01-01,\n"})
    office.land("pay", 1, "2026-01-05", {"a.csv": pay([f"p1,{GOOD},02/01/2025,1.00"]), "b.csv": pay([f"p2,{GOOD},02/01/2025,1.00"])})
    office.receive()
    office.sources = (listed(), SLASHES)
    (office.inbox / "pay" / "a.csv").write_text(pay([f"p1,{OTHER},02/01/2025,1.00"]))
    found = office.release()
    assert found.rows == [] and found.stay == 3
    said = sorted(found.left.values())
    assert "no longer the file that was received" in said[0] and "assay batch again" in said[1]
    (office.inbox / "pay" / "a.csv").unlink()
    assert any("put it back from the archive" in s for s in office.release().left.values())


CHILD = """
import sys
from pathlib import Path
from tests.sources.lake_of import Office
from tests.sources.test_release import DRAWN
office = Office(Path(sys.argv[1]), (DRAWN[sys.argv[2]].after,))
office.release()
"""


@pytest.mark.parametrize("point", ["release:chosen", "ingest:payment", "ingest:quarantine", "ingest:bronze_pay", "committed:released", "release:places", "release:batch"])
def test_killed_and_run_again_is_released_once(point: str, tmp_path: Path):
    name = "a preamble too long: the file was refused as one"
    office = _received(tmp_path / "killed", DRAWN[name], DRAWN[name].before)
    whole = _received(tmp_path / "whole", DRAWN[name], DRAWN[name].before)
    whole.sources = office.sources = (DRAWN[name].after,)
    whole.release()
    environment = {**os.environ, "ASSAY_FAULT": point}
    killed = subprocess.run([sys.executable, "-c", CHILD, str(office.folder), name], env=environment, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = point == "release:batch"
    assert (office.waiting() == DRAWN[name].waits) is not done
    office.release()
    assert office.waiting() == whole.waiting() and office.state("payment") == whole.state("payment")
    assert sorted(map(_fates, office.acts())) == sorted(map(_fates, whole.acts()))


def _fates(act: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(str(act[k]) for k in ("source", "receipt", "kind", "act", "received", *FATES, "by", "note"))
