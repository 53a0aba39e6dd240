from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.conf import House
from jobs.lake.manifest import LandingError
from jobs.sources.conservation import NotConserved, conservation_table
from jobs.sources.landing import batch_id, deliveries, received_day
from tests.sources.given import DAY, HOUSE, source

AS_OF = date(2026, 2, 1)


def _entry(**said: Any) -> str:
    return json.dumps({"receipt": 1, "file": "a.csv", "received_at": "2026-01-05T09:00:00+08:00", "kind": "history", **said}) + "\n"


def _inbox(tmp_path: Path, manifest: str | None, *files: str) -> Path:
    folder = tmp_path / "pay"
    folder.mkdir()
    for name in files:
        (folder / name).write_text(name)
    if manifest is not None:
        (folder / "manifest.jsonl").write_text(manifest)
    return tmp_path


def test_files_of_one_receipt_are_one_delivery(tmp_path: Path):
    inbox = _inbox(tmp_path, _entry(file="b.csv") + _entry() + _entry(receipt=2, file="c.csv", kind="delivery"), "a.csv", "b.csv", "c.csv")
    found = deliveries(inbox, source(), HOUSE, AS_OF)
    assert [(d.receipt, d.kind, d.files, d.day) for d in found] == [(1, "history", ("a.csv", "b.csv"), DAY), (2, "delivery", ("c.csv",), DAY)]


def test_what_was_received_after_the_as_of_date_is_not_there_yet(tmp_path: Path):
    inbox = _inbox(tmp_path, _entry(), "a.csv")
    assert deliveries(inbox, source(), HOUSE, date(2026, 1, 4)) == []
    assert len(deliveries(inbox, source(), HOUSE, DAY)) == 1


@pytest.mark.parametrize(("cut_off", "time", "day"), [
    ("24:00", "2026-01-05T15:59:59+00:00", 5), ("24:00", "2026-01-05T16:00:00+00:00", 6),  # midnight in Shanghai
    ("18:00", "2026-01-05T17:59:00+08:00", 5), ("18:00", "2026-01-05T18:00:00+08:00", 6),
])  # fmt: skip
def test_the_day_of_receipt_is_the_houses_own_and_ends_at_the_cut_off(cut_off: str, time: str, day: int):
    house = House.model_validate({**HOUSE.model_dump(), "cut_off": cut_off})
    assert received_day(datetime.fromisoformat(time), house) == date(2026, 1, day)


def test_unlisted_files_become_one_delivery_received_on_the_as_of_date_and_keep_it(tmp_path: Path):
    inbox = _inbox(tmp_path, _entry(), "a.csv", "b.csv", "c.csv", ".hidden.csv")
    contract = source(files={"pattern": "*.csv", "format": "csv"})
    (inbox / "pay" / "notes.txt").write_text("not for us")
    found = deliveries(inbox, contract, HOUSE, AS_OF)
    assert [(d.receipt, d.files, d.day, d.kind) for d in found][1:] == [(2, ("b.csv", "c.csv"), AS_OF, "delivery")]
    later = deliveries(inbox, contract, HOUSE, date(2026, 3, 1))
    assert later == found
    assert len((inbox / "pay" / "manifest.jsonl").read_text().splitlines()) == 3


def test_an_entry_after_a_torn_line_end_starts_on_its_own_line(tmp_path: Path):
    inbox = _inbox(tmp_path, _entry().rstrip("\n"), "a.csv", "b.csv")
    assert len(deliveries(inbox, source(), HOUSE, AS_OF)) == 2
    assert len(deliveries(inbox, source(), HOUSE, AS_OF)) == 2


def test_a_folder_that_cannot_be_written_names_the_remedy(tmp_path: Path):
    inbox = _inbox(tmp_path, None, "a.csv")
    (inbox / "pay" / ".landing.lock").mkdir()  # even root cannot open a folder for writing
    with pytest.raises(LandingError, match=r"manifest.jsonl: cannot be written.*make the folder writable"):
        deliveries(inbox, source(), HOUSE, AS_OF)


@pytest.mark.parametrize("entry", [
    "{", "[]\n", _entry(receipt="x"), _entry(receipt=0), _entry(received_at="2026-01-05T09:00:00"), _entry(kind="other"), _entry(file="../a.csv"),
    _entry(file="/etc/passwd"), _entry(file=".a"),
])  # fmt: skip
def test_a_broken_manifest_names_file_and_line(tmp_path: Path, entry: str):
    inbox = _inbox(tmp_path, _entry() + entry, "a.csv")
    with pytest.raises(LandingError, match=r"manifest.jsonl:2: "):
        deliveries(inbox, source(), HOUSE, AS_OF)


def test_one_receipt_has_one_time(tmp_path: Path):
    inbox = _inbox(tmp_path, _entry() + _entry(file="b.csv", kind="delivery"), "a.csv", "b.csv")
    with pytest.raises(LandingError, match="receipt 1 has several times or kinds"):
        deliveries(inbox, source(), HOUSE, AS_OF)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    found = deliveries(_inbox(tmp_path, _entry(), "b.csv"), source(), HOUSE, AS_OF)
    assert found[0].missing == ("a.csv",)


def test_batch_id_follows_content_contract_and_receipt(tmp_path: Path):
    inbox = _inbox(tmp_path, _entry() + _entry(receipt=2), "a.csv")
    one, two = deliveries(inbox, source(), HOUSE, AS_OF)
    ids = {batch_id(one, source(), HOUSE), batch_id(two, source(), HOUSE), batch_id(one, source(delivery="snapshot"), HOUSE)}
    (inbox / "pay" / "a.csv").write_text("other")
    assert len(ids | {batch_id(one, source(), HOUSE)}) == 4
    assert batch_id(one, source(owner="someone else"), HOUSE) in {batch_id(one, source(), HOUSE)}


def test_times_are_kept_in_utc(tmp_path: Path):
    assert deliveries(_inbox(tmp_path, _entry(), "a.csv"), source(), HOUSE, AS_OF)[0].received_at == datetime(2026, 1, 5, 1, tzinfo=UTC)


def test_the_conservation_table_adds_up_or_says_so():
    row = {"source": "pay", "receipt": 1, "received": 10, "accepted": 6, "superseded": 1, "duplicate": 2, "quarantined": 1}
    assert conservation_table([row, {**row, "receipt": 2}]).splitlines()[-1].split() == ["all", "20", "12", "2", "4", "2"]
    with pytest.raises(NotConserved, match="pay, receipt 1: 10 received, but 5 accepted"):
        conservation_table([{**row, "accepted": 5}])
