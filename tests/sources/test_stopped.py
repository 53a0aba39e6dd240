"""Deliveries that are stopped: the last good state stays in force, and what is decided is carried out with the old receipt and day."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.cli.batch import described, listing, went_without
from jobs.lake.read import whole
from jobs.lake.write import LakeError
from jobs.sources.acts import ACCEPTED, REJECTED, decide, in_order, open_stops
from jobs.sources.receive import FATES
from tests.sources.given import GOOD, OTHER, pay, source
from tests.sources.lake_of import ORDER, Office

EXPECT = {"schedule": "0 0 * * *", "least": 1, "volume": {"warn": 5, "stop": 50}, "shift": {"warn": 5, "stop": 50}}
PAY = source(expect=EXPECT)
TEN_THOUSAND = 10_000


def month(receipt: int, count: int = 60, scale: int = 1) -> dict[str, str | bytes]:
    """A delivery of so many payments."""
    return {f"{receipt}.csv": pay([f"p{receipt}-{n},{GOOD if n % 2 else OTHER},2026-01-{receipt:02d},{(n + 10) * scale}" for n in range(count)])}


def office(folder: Path, *scales: int, contract: Any = PAY) -> Office:
    """Deliveries of the first days of January, each with its amounts so many times too large."""
    found = Office(folder, (contract,))
    for n, scale in enumerate(scales, 1):
        found.land("pay", n, f"2026-01-{n + 10}", month(n, scale=scale))
    return found


def fates(found: Office) -> list[tuple[int, str]]:
    return [(a["receipt"], a["act"]) for a in sorted(in_order(found.acts()), key=lambda a: a["receipt"])]


def receipts(found: Office) -> set[str]:
    return {r["file"] for r in found.state("payment")}


@pytest.mark.parametrize("together", [True, False], ids=["one night", "one by one"])
def test_a_delivery_in_another_unit_is_stopped_and_the_next_goes_on(tmp_path: Path, together: bool):
    found = office(tmp_path, 1, TEN_THOUSAND, 1)
    manifest = found.inbox / "pay" / "manifest.jsonl"
    entries = manifest.read_text().splitlines(keepends=True)
    for upto in [3] if together else [1, 2, 3]:
        manifest.write_text("".join(entries[:upto]))
        for late in range(upto + 1, 4):
            (found.inbox / "pay" / f"{late}.csv").rename(found.inbox / "pay" / f".{late}.csv")
        found.receive()
        for late in range(upto + 1, 4):
            (found.inbox / "pay" / f".{late}.csv").rename(found.inbox / "pay" / f"{late}.csv")
    assert fates(found) == [(1, "received"), (2, "stopped"), (3, "received")]
    assert receipts(found) == {"1.csv", "3.csv"}
    (stop,) = open_stops(found.acts())
    assert stop["received"] == sum(stop[f] for f in FATES) == 60
    assert "median of amount is" in stop["note"] and "times)" in stop["note"]
    assert found.receive() == [], "nothing is looked at twice"


def test_fates_are_given_as_if_a_stopped_delivery_had_not_come(tmp_path: Path):
    found = office(tmp_path, 1)
    crowd = [f"c{n},{GOOD},2026-01-02,{n % 60 + 10}" for n in range(3600)]
    found.land("pay", 2, "2026-01-12", {"2.csv": pay(crowd)})
    found.land("pay", 3, "2026-01-13", {"3.csv": pay(crowd[:60])})
    rows = {(r["receipt"], r["act"]): (r["accepted"], r["duplicate"]) for r in found.receive()}
    assert rows == {(1, "received"): (60, 0), (2, "stopped"): (3600, 0), (3, "received"): (60, 0)}
    decide(found.lake, "", ACCEPTED, ORDER)
    (late,) = found.receive()
    assert (late["accepted"], late["duplicate"]) == (3540, 60) and len(found.state("payment")) == 3660
    assert {r["known_at"] for r in found.state("payment") if r["payment_no"] == "c1"} == {date(2026, 1, 12)}, "it counts from the earlier day"


def test_stopped_and_waiting_by_the_contract(tmp_path: Path):
    found = office(tmp_path, 1, TEN_THOUSAND, 1, contract=source(expect={**EXPECT, "after_stop": "wait"}))
    found.receive()
    assert fates(found) == [(1, "received"), (2, "stopped")]
    decide(found.lake, open_stops(found.acts())[0]["batch_id"], REJECTED, ORDER)
    found.receive()
    assert fates(found) == [(1, "received"), (2, "stopped"), (2, "rejected"), (3, "received")]


def test_accepted_is_received_with_its_old_receipt_and_day(tmp_path: Path):
    found = office(tmp_path, 1, TEN_THOUSAND, 1)
    found.receive()
    row = decide(found.lake, open_stops(found.acts())[0]["batch_id"][:9], ACCEPTED, ORDER)
    assert (row["by"], row["note"]) == (ORDER.by, ORDER.reason) and row["at"]
    assert receipts(found) == {"1.csv", "3.csv"}, "a decision alone receives nothing"
    (taken,) = found.receive()
    assert (taken["receipt"], taken["act"], taken["accepted"]) == (2, "received", 60)
    right = office(tmp_path / "right", 1, TEN_THOUSAND, 1, contract=source(expect={**EXPECT, "shift": {"warn": 5, "stop": None}}))
    right.receive()
    for as_of in (date(2026, 1, 11), date(2026, 1, 12), date(2026, 1, 31)):
        assert found.state("payment", as_of) == right.state("payment", as_of)
    assert open_stops(found.acts()) == [] and found.receive() == []


def test_rejected_stays_out_whatever_becomes_of_the_contract(tmp_path: Path):
    found = office(tmp_path, 1, TEN_THOUSAND)
    found.receive()
    decide(found.lake, "", REJECTED, ORDER)
    found.sources = (source(revision=2, expect=EXPECT),)
    assert found.receive() == []
    found.land("pay", 3, "2026-01-20", {"again.csv": month(2)["2.csv"]})
    assert [r["act"] for r in found.receive()] == ["received"]
    assert receipts(found) == {"1.csv", "again.csv"}


def test_a_mended_contract_takes_a_stopped_delivery_without_a_decision(tmp_path: Path):
    columns = source().model_dump(by_alias=True)["columns"]
    found = office(tmp_path, 1, TEN_THOUSAND)
    found.receive()
    found.sources = (source(revision=2, expect=EXPECT, columns={**columns, "amount": {**columns["amount"], "scale": "0.0001", "unit": "毫"}}),)
    assert [r["act"] for r in found.receive()] == ["received"]
    assert receipts(found) == {"1.csv", "2.csv"} and open_stops(found.acts()) == []


def test_what_was_decided_once_cannot_be_decided_again(tmp_path: Path):
    found = office(tmp_path, 1, TEN_THOUSAND)
    found.receive()
    batch = open_stops(found.acts())[0]["batch_id"]
    decide(found.lake, batch, REJECTED, ORDER)
    for act in (ACCEPTED, REJECTED):
        with pytest.raises(LakeError, match="0 stopped deliveries"):
            decide(found.lake, batch, act, ORDER)


def test_a_stopped_delivery_is_no_past_for_the_next(tmp_path: Path):
    found = office(tmp_path, 1, TEN_THOUSAND, TEN_THOUSAND, TEN_THOUSAND)
    found.receive()
    assert fates(found) == [(1, "received"), (2, "stopped"), (3, "stopped"), (4, "stopped")]


def test_what_a_night_says_of_its_deliveries(tmp_path: Path):
    found = office(tmp_path, 1, TEN_THOUSAND, 8)
    run = found.receive()[-1]["run"]
    said = went_without(found.lake.root, run)
    assert len(said) == 2
    assert said[0].startswith("STOPPED: pay, receipt 2 (") and "the state before it stays in force" in said[0]
    assert said[1].startswith("warning: pay, receipt 3: ") and "(7.94 times)" in said[1]
    assert listing(found.acts(), only_stopped=True).startswith("STOPPED  pay, receipt 2, batch ")
    acts = [a for a in found.acts() if a["receipt"] == 2]
    judged = [r for r in whole(found.lake.root, "expectation").to_pylist() if r["receipt"] == 2]
    text = described(acts, judged).splitlines()
    assert text[0].startswith("pay, receipt 2, batch ") and text[1].startswith("run 1: stopped: ") and text[2].startswith("stop     ")


def test_coverage_sees_what_comes_the_same_night(tmp_path: Path):
    taxpayers = source(
        name="reg", table="taxpayer", files={"pattern": "*", "format": "csv"}, event_at="registered_on", known={"from": "registered_on"},
        columns={"taxpayer_id": {"from": "id", "type": "id", "required": True}, "registered_on": {"from": "day", "type": "date", "required": True}},
    )  # fmt: skip
    payments = source(expect={**EXPECT, "coverage": {"of": "taxpayer"}})
    rows = [f"p{n},T{n:03d},2026-01-01,1.00" for n in range(80)]
    plain = source().model_dump(by_alias=True)["columns"]
    payments = source(expect={**EXPECT, "coverage": {"of": "taxpayer"}}, columns={**plain, "taxpayer_id": {"from": "id", "type": "id", "required": True}})
    found = Office(tmp_path, (payments, taxpayers))
    found.land("reg", 1, "2026-01-10", {"r.csv": "id,day\n" + "".join(f"T{n:03d},2025-01-01\n" for n in range(60))})
    found.land("pay", 1, "2026-01-10", {"p.csv": pay(rows)})
    found.receive()
    found.land("pay", 2, "2026-01-11", {"q.csv": pay([r.replace("p", "q").replace("T0", "U0") for r in rows])})
    found.receive()
    shares = {r["receipt"]: (r["value"], r["n"], r["level"]) for r in whole(found.lake.root, "expectation").to_pylist() if r["measure"] == "coverage"}
    assert shares == {1: (0.75, 80, "warn"), 2: (0.0, 80, "stop")}


CHILD = """
import sys
from pathlib import Path
from tests.sources.lake_of import Office
from tests.sources.test_stopped import PAY
Office(Path(sys.argv[1]), (PAY,)).receive()
"""


@pytest.mark.parametrize("point", ["ingest:judged", "committed:expectation", "ingest:batch", "ingest:batch#2", "ingest:payment#2"])
def test_killed_and_run_again_stops_the_same(tmp_path: Path, point: str):
    found, plain = (office(tmp_path / name, 1, TEN_THOUSAND, 1) for name in ("killed", "plain"))
    plain.receive()
    command = [sys.executable, "-c", CHILD, str(found.folder)]
    killed = subprocess.run(command, env={**os.environ, "ASSAY_FAULT": point}, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    found.receive()
    assert fates(found) == fates(plain) and found.state("payment") == plain.state("payment")
