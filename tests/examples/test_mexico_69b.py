"""Mexico's list of article 69-B, both snapshots, through the example's own conf into a lake of its own. No names are shown."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.conf import Conf, load
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, known, read_files, resolve, whole
from jobs.lake.step import Night
from jobs.lake.tables import table
from jobs.sources.conservation import conservation
from jobs.sources.ingest import ingest
from tests import data

ROOT = Path(__file__).parents[2]
DATA = data.DATA / "mx_69b"
FILES = ("Listado_Completo_69-B_2021-05.csv", "Listado_Completo_69-B_2023-01.csv")
FIRST, SECOND = date(2021, 5, 20), date(2023, 1, 10)
pytestmark = [pytest.mark.spark, data.needs("mx_69b")]
ORDER = {"presumed": 0, "rebutted": 1, "definitive": 2, "annulled": 3}
Given = tuple[Lake, Path, Conf, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def given(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    home = tmp_path_factory.mktemp("mexico")
    folder = home / "inbox" / "list_69b"
    folder.mkdir(parents=True)
    with (folder / "manifest.jsonl").open("w") as manifest:
        for receipt, (name, day) in enumerate(zip(FILES, (FIRST, SECOND), strict=True), 1):
            shutil.copy(DATA / name, folder)
            manifest.write(json.dumps({"receipt": receipt, "file": name, "received_at": f"{day}T09:00:00-06:00", "kind": "history"}) + "\n")
    conf = load(ROOT / "examples" / "mexico_69b" / "conf")
    lake = Lake.open(home / "lake", conf.house.buckets)
    rows = []
    for day in (FIRST, SECOND):
        run = lake.take_lease("ingest")
        rows += ingest(lake, spark, Night(day, run, conf), home / "inbox")
        assert "list_69b" in conservation(lake, run)
    yield lake, home / "inbox", conf, rows


def _list(lake: Lake, as_of: date) -> list[dict[str, Any]]:
    contract = table("watchlist")
    rows = read_files(lake.root, contract, data_files(lake.root, "watchlist"))
    found: pa.Table = resolve(known(rows, as_of, 10**6, lake.batches_in_force(10**6)), contract)
    return found.to_pylist()


def _status(lake: Lake, as_of: date) -> dict[str, str]:
    """The status of each party: that of its stage published last."""
    last: dict[str, tuple[date, int, str]] = {}
    for r in _list(lake, as_of):
        last[r["party_id"]] = max(last.get(r["party_id"], (date.min, -1, "")), (r["published_on"], ORDER[r["stage"]], r["status"]))
    return {party: status for party, (_, _, status) in last.items()}


def test_conservation(given: Given):
    counts = [[r[c] for c in ("received", "accepted", "superseded", "duplicate", "quarantined")] for r in given[3]]
    # 87 masked ids and 30 with a date nobody can read; 86 and 63 in the second, of which 5 are both or have both dates broken
    assert counts == [[12505, 12374, 14, 0, 117], [12666, 1495, 35, 10992, 144]]


def test_masked_ids_and_unreadable_dates_are_quarantined_with_their_lines(given: Given):
    lines = {name: _raw(name) for name in FILES}
    found = whole(given[0].root, "quarantine").to_pylist()
    rules = Counter(rule for r in found for rule in r["rules"])
    assert rules == {"masked:party_id": 87 + 86, "date:definitive.published_on": 26 + 50, "date:annulled.published_on": 4 + 13}
    for r in found:
        row = lines[r["file"]][r["line"]]
        masked, broken = row[1] == "XXXXXXXXXXXX", [c for c in (row[13], row[17]) if c and len(c) != 10]
        assert masked == ("masked:party_id" in r["rules"]) and bool(broken) == any(rule.startswith("date:") for rule in r["rules"])


def _raw(name: str) -> dict[int, list[str]]:
    """The cells of the file by the physical line on which a record starts, read by the csv module."""
    found, start = {}, 1
    with (DATA / name).open(encoding="cp1252", newline="") as stream:
        reader = csv.reader(stream)
        for row in reader:
            found[start] = row
            start = reader.line_num + 1
    return found


def test_every_row_that_was_read_agrees_with_the_file(given: Given):
    lines = {name: _raw(name) for name in FILES}
    column = {"presumed": 5, "rebutted": 9, "definitive": 13, "annulled": 17}
    rows = whole(given[0].root, "watchlist").to_pylist()
    assert len(rows) > 26_000
    for r in rows:
        cells = lines[r["file"]][r["line"]]
        assert (r["party_id"], f"{r['published_on']:%d/%m/%Y}") == (cells[1].strip(), cells[column[r["stage"]]].strip())


def test_nothing_is_known_before_its_publication(given: Given):
    for as_of in (date(2014, 1, 1), date(2017, 6, 30), date(2020, 1, 1), FIRST, date(2022, 3, 1), SECOND):
        assert all(r["published_on"] <= as_of and r["known_at"] <= as_of for r in _list(given[0], as_of))
    assert _list(given[0], date(2013, 1, 1)) == [] and len(_list(given[0], date(2017, 6, 30))) > 3000


def test_what_the_second_snapshot_added_to_the_past_was_not_known_when_the_first_came(given: Given):
    first = {(r["party_id"], r["stage"], r["published_on"]) for r in _list(given[0], FIRST)}
    assert {(r["party_id"], r["stage"], r["published_on"]) for r in _list(given[0], FIRST + timedelta(1))} == first
    later = [r for r in _list(given[0], SECOND) if (r["party_id"], r["stage"], r["published_on"]) not in first]
    assert all(r["known_at"] > FIRST for r in later) and any(r["known_at"] < SECOND for r in later)


def test_statuses_are_later_reversed(given: Given):
    before, after = _status(given[0], FIRST), _status(given[0], SECOND)
    presumed = Counter(after[p] for p, s in before.items() if s == "Presunto")
    # 39 parties of the file's own count are not here: lines in quarantine, and parties with several procedures at once
    assert presumed == {"Definitivo": 588, "Presunto": 118, "Sentencia Favorable": 38, "Desvirtuado": 17}
    assert Counter(after[p] for p, s in before.items() if s == "Definitivo")["Sentencia Favorable"] == 327


def test_bronze_holds_the_files_own_statuses(given: Given):
    """Of 767 lines `Presunto` of the first file 601 are Definitivo in the second, 17 Desvirtuado, 33 Sentencia Favorable (by the id's first line)."""
    first, second = (_bronze(given[0], name) for name in FILES)
    became: dict[str, str] = {}
    for party, status in second:
        became.setdefault(party, status)
    presumed = [party for party, status in first if status == "Presunto" and party != "XXXXXXXXXXXX"]
    assert len(presumed) == 767
    assert Counter(became[p] for p in presumed) == {"Definitivo": 601, "Presunto": 116, "Sentencia Favorable": 33, "Desvirtuado": 17}
    before: dict[str, str] = {}
    for party, status in first:
        before.setdefault(party, status)
    # By the files' own statuses 316 definitive ones were annulled later; by the dates of their stages (the test above) 327, several procedures of one party told apart.
    assert sum(1 for p, s in before.items() if s == "Definitivo" and became.get(p) == "Sentencia Favorable" and p != "XXXXXXXXXXXX") == 316


def _bronze(lake: Lake, name: str) -> list[tuple[str, str]]:
    rows = [r for r in whole(lake.root, "bronze_list_69b").to_pylist() if r["file"] == name]
    cells = (next(csv.reader([r["raw"].replace("\n", " ")])) for r in sorted(rows, key=lambda r: r["line"]))
    return [(c[1].strip(), c[3]) for c in cells]


def test_a_second_run_changes_nothing(given: Given, spark: Any):
    lake, inbox, conf, _ = given
    before = {n: len(whole(lake.root, n).to_pylist()) for n in ("watchlist", "bronze_list_69b", "quarantine", "batch")}
    assert ingest(lake, spark, Night(date(2023, 2, 1), lake.take_lease("ingest"), conf), inbox) == []
    assert {n: len(whole(lake.root, n).to_pylist()) for n in before} == before
