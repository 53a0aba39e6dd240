"""Batches retired and received again: whoever leaned on them follows, in one commit; nothing twice, nothing lost, after any sequence of acts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.lake.read import whole
from jobs.lake.write import LakeError
from jobs.sources.again import replace_batch
from jobs.sources.receive import FATES
from tests.sources.given import GOOD, OTHER, listed, pay, source
from tests.sources.in_process import InProcess
from tests.sources.lake_of import AS_OF, ORDER, Office
from tests.sources.test_release import SLASHES, with_columns


def record(n: int, amount: str | None = None, day: str = "2025-01-02") -> str:
    """A payment whose content follows from its number."""
    return f"p{n},{GOOD if n % 2 else OTHER},{day},{amount or f'{n}.00'}"


def office(folder: Path, *files: list[str], contract: Any = None) -> Office:
    """Receipts 1, 2, … on 5, 6, … January, one file each."""
    found = Office(folder, (contract or source(),))
    for n, rows in enumerate(files, 1):
        found.land("pay", n, f"2026-01-{n + 4:02d}", {f"{n}.csv": pay(rows)})
        found.receive()
    return found


def paid(found: Office) -> dict[str, tuple[str, int]]:
    """Which file and day each payment counts from."""
    return {r["payment_no"]: (r["file"], r["known_at"].day) for r in found.state("payment")}


#   receipts of records                 retired  received again  payments afterwards, by file and day
RETIRED = [
    ([[1, 2], [3]], 1, [], {"p3": ("2.csv", 6)}),
    ([[1, 2], [2, 3]], 1, [2], {"p2": ("2.csv", 6), "p3": ("2.csv", 6)}),
    ([[1, 2], [2, 3]], 2, [], {"p1": ("1.csv", 5), "p2": ("1.csv", 5)}),
    ([[1, 2], [2], [2, 4]], 1, [2, 3], {"p2": ("2.csv", 6), "p4": ("3.csv", 7)}),
    ([[1], [2], [2, 4]], 1, [3], {"p2": ("2.csv", 6), "p4": ("3.csv", 7)}),
]  # fmt: skip


@pytest.mark.parametrize(("files", "retired", "again", "left"), RETIRED)
def test_who_held_duplicates_is_received_again(tmp_path: Path, files: list[list[int]], retired: int, again: list[int], left: dict[str, tuple[str, int]]):
    found = office(tmp_path, *([record(n) for n in numbers] for numbers in files))
    done = found.replace(retired, back=False)
    assert [r["receipt"] for r in done.received] == again
    assert {r["receipt"] for r in done.retired} == {retired, *again}
    assert paid(found) == left
    assert found.receive() == [], "retired on purpose stays out"


def test_a_conflict_with_a_retired_batch_is_one_no_more(tmp_path: Path):
    found = office(tmp_path, [record(1, "9.00")], [record(1, "5.00")])
    assert found.waiting() == {("2.csv", 2): ["conflict"]}
    found.replace(1, back=False)
    assert found.waiting() == {} and paid(found) == {"p1": ("2.csv", 6)}


def test_received_again_under_a_mended_contract_with_the_old_day(tmp_path: Path):
    found = office(tmp_path, [record(1, day="02/01/2025"), record(2)], [record(2)])
    found.sources = (SLASHES,)
    found.replace(1, back=True)
    assert paid(found) == {"p1": ("1.csv", 5), "p2": ("1.csv", 5)} and found.waiting() == {}


def test_retired_by_a_person_is_out_for_good_unless_he_brings_it_back(tmp_path: Path):
    found = office(tmp_path, [record(1)], [record(2)])
    batch = found.replace(1, back=False).retired[0]["batch_id"]
    found.sources = (SLASHES,)
    assert found.receive() == [] and paid(found) == {"p2": ("2.csv", 6)}
    for _ in range(2):  # the second time it is in force under another id
        with pytest.raises(LakeError, match="not in force") if _ else contextlib.nullcontext():
            replace_batch(found.lake, InProcess(), found.conf, found.inbox, batch, ORDER, found.lake.take_lease("again"), True)  # type: ignore[arg-type]
    assert paid(found) == {"p1": ("1.csv", 5), "p2": ("2.csv", 6)}


def test_what_was_released_out_of_a_batch_goes_and_comes_with_it(tmp_path: Path):
    found = office(tmp_path, [record(1, day="02/01/2025"), record(2)])
    found.sources = (SLASHES,)
    found.release()
    state = paid(found)
    found.replace(1, back=True)
    assert paid(found) == state
    found.replace(1, back=False)
    assert paid(found) == {} and found.waiting() == {}


def test_a_release_that_held_duplicates_brings_its_delivery_back(tmp_path: Path):
    found = office(tmp_path, [record(1, day="02/01/2025")], [record(1)])
    found.sources = (SLASHES,)
    found.release()
    assert paid(found) == {"p1": ("1.csv", 5)}, "known from the earlier day"
    found.replace(2, back=False)
    assert paid(found) == {"p1": ("1.csv", 5)}


def test_later_snapshots_are_told_anew(tmp_path: Path):
    def seen(found: Office, as_of: date) -> set[str]:
        return {r["party_id"] for r in found.state("watchlist", as_of)}

    found = Office(tmp_path, (listed(),))
    for n, ids in enumerate(("k1 k2", "k1 k2 wrong", "k1 k3"), 1):
        found.land("list", n, f"2026-01-{n + 4:02d}", {f"{n}.csv": "id,a,b\n" + "".join(f"{i},2020-01-01,\n" for i in ids.split())})
        found.receive()
    found.replace(2, back=False, source="list")
    assert [seen(found, date(2026, 1, day)) for day in (5, 6, 7)] == [{"k1", "k2"}, {"k1", "k2"}, {"k1", "k3"}]
    found.replace(1, back=False, source="list")
    assert [seen(found, date(2026, 1, day)) for day in (5, 6, 7)] == [set(), set(), {"k1", "k3"}]


def test_refused_as_a_whole_where_a_file_is_needed_and_gone(tmp_path: Path):
    found = office(tmp_path, [record(1)], [record(1)])
    (found.inbox / "pay" / "2.csv").unlink()
    before = found.acts()
    with pytest.raises(LakeError, match="put it back from the archive"):
        found.replace(1, back=False)
    assert found.acts() == before and paid(found) == {"p1": ("1.csv", 5)}


CHILD = """
import sys
from pathlib import Path
from tests.sources.given import source
from tests.sources.lake_of import Office
Office(Path(sys.argv[1]), (source(),)).replace(1, back=False)
"""


@pytest.mark.parametrize("point", ["ingest:judged", "ingest:payment", "ingest:bronze_pay#2", "again:rows", "again:acts"])
def test_killed_it_has_happened_or_not(tmp_path: Path, point: str):
    found = office(tmp_path, [record(1), record(2)], [record(2), record(3)], [record(2)])
    before = paid(found)
    environment = {**os.environ, "ASSAY_FAULT": point}
    killed = subprocess.run([sys.executable, "-c", CHILD, str(found.folder)], env=environment, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    after = {"p2": ("2.csv", 6), "p3": ("2.csv", 6)}
    if point == "again:acts":
        assert paid(found) == after
    else:
        assert paid(found) == before
        found.replace(1, back=False)
        assert paid(found) == after


LOOSE = with_columns(3, paid_on={"from": "day", "type": "date", "required": True, "formats": ["%Y-%m-%d", "%d/%m/%Y"]}, amount={"from": "amount", "type": "money", "masked": ["x"]})
CONTRACTS = (source(), SLASHES, LOOSE)
RECORDS = st.lists(st.tuples(st.integers(1, 6), st.sampled_from(("good", "slashes", "masked", "short"))), min_size=1, max_size=4)
ACTS = st.lists(st.one_of(st.tuples(st.just("receive"), RECORDS), st.tuples(st.sampled_from(("mend", "release", "retire", "again", "repeat")), st.integers(0, 9))), min_size=3, max_size=7)


def written(n: int, how: str) -> str:
    """A record; its content follows from its number once its fault is mended. Masked amounts belong to numbers of their own."""
    return {"good": record(n), "slashes": record(n, day="02/01/2025"), "masked": record(n + 100, "x"), "short": f"p{n},{GOOD}"}[how]


def conserved(found: Office, landed: dict[int, str]) -> None:
    """Every line of every receipt in force has exactly one fate in force, and every act adds up."""
    force = found.lake.batches_in_force(10**6)
    for act in found.acts():
        assert act["received"] == sum(act[f] for f in FATES)
    receipts = {a["receipt"] for a in found.acts() if a["batch_id"] in force}
    places = Counter((r["file"], r["line"]) for r in whole(found.lake.root, "bronze_pay").to_pylist() if r["batch_id"] in force and r["fate"] != "quarantined")
    places.update(found.waiting().keys())
    expected = {(f"{n}.csv", line) for n in receipts for line in range(2, 2 + landed[n].count("\n") - 1)}
    assert places == Counter(expected), "nothing twice, nothing lost"
    numbers = [r["payment_no"] for r in found.state("payment")]
    assert len(numbers) == len(set(numbers))


@settings(max_examples=6, deadline=None, derandomize=True)
@given(acts=ACTS)
def test_any_sequence_of_acts_conserves_every_record(acts: list[tuple[str, Any]]):
    with tempfile.TemporaryDirectory() as folder:
        found, landed, contract = Office(Path(folder) / "a", (source(),)), dict[int, str](), 0
        for act, said in acts:
            force = found.lake.batches_in_force(10**6)
            there = sorted({a["receipt"] for a in found.acts() if a["batch_id"] in force})
            if act in ("receive", "repeat"):
                if act == "repeat" and not landed:
                    continue
                n = len(landed) + 1
                landed[n] = pay(written(*r) for r in said) if act == "receive" else landed[1 + said % len(landed)]
                found.land("pay", n, f"2026-01-{n:02d}", {f"{n}.csv": landed[n]})
                found.receive()
            elif act == "mend":
                contract = min(contract + 1, 2)
                found.sources = (CONTRACTS[contract],)
            elif act == "release":
                found.release()
            elif there:
                found.replace(there[said % len(there)], back=act == "again")
            if landed and found.acts():
                conserved(found, landed)
        found.release()
        force = found.lake.batches_in_force(10**6)
        right = Office(Path(folder) / "b", (CONTRACTS[contract],))
        for n in sorted({a["receipt"] for a in found.acts() if a["batch_id"] in force}):
            right.land("pay", n, f"2026-01-{n:02d}", {f"{n}.csv": landed[n]})
        right.receive()
        keys = ("payment_no", "known_at", "amount", "paid_on")
        assert [[r[k] for k in keys] for r in found.state("payment", AS_OF)] == [[r[k] for k in keys] for r in right.state("payment", AS_OF)]
