"""Brazil's two lists in one source, through the example's own conf into a lake of its own; and other real files through their readers."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from jobs.conf import Files, load
from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.lake.step import Night
from jobs.sources.conservation import conservation
from jobs.sources.ingest import ingest
from jobs.sources.read_arff import read_arff
from jobs.sources.read_csv import read_csv
from tests import data
from tests.sources.in_process import InProcess

ROOT = Path(__file__).parents[2]
DAY = date(2019, 9, 2)
ENCODINGS = {"ceis.csv": "utf-8", "punidas_cnep.csv": "cp1252"}
SHAPE = re.compile(r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}|\d{3}\.\d{3}\.\d{3}-\d{2}|\d{14}|\d{11}")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    home = tmp_path_factory.mktemp("brazil")
    folder = home / "inbox" / "barred"
    folder.mkdir(parents=True)
    entry = {"receipt": 1, "received_at": f"{DAY}T09:00:00-03:00", "kind": "delivery"}
    for name in ENCODINGS:
        shutil.copy(data.DATA / "br_ceis" / name, folder)
    (folder / "manifest.jsonl").write_text("".join(json.dumps({**entry, "file": n}) + "\n" for n in ENCODINGS))
    conf = load(ROOT / "examples" / "brazil_ceis" / "conf")
    opened = Lake.open(home / "lake", conf.house.buckets)
    run = opened.take_lease("ingest")
    ingest(opened, InProcess(), Night(DAY, run, conf), home / "inbox")
    print(conservation(opened, run))
    return opened


def _cells(name: str) -> dict[int, dict[str, str]]:
    with (data.DATA / "br_ceis" / name).open(encoding=ENCODINGS[name], newline="") as stream:
        reader = csv.reader(stream)
        header = [h.strip() for h in next(reader)]
        found, start = {}, reader.line_num + 1
        for row in reader:
            found[start] = dict(zip(header, row, strict=True))
            start = reader.line_num + 1
    return found


@data.needs("br_ceis")
def test_every_record_of_both_files_has_one_fate(lake: Lake):
    (batch,) = whole(lake.root, "batch").to_pylist()
    assert [batch[c] for c in ("received", "accepted", "superseded", "duplicate", "quarantined")] == [12_331, 9_885, 1_365, 1_068, 13]
    assert batch["received"] == sum(len(_cells(name)) for name in ENCODINGS) == 12_331
    assert "ceis.csv: read as utf-8" in batch["note"] and "punidas_cnep.csv: read as cp1252" in batch["note"]


@data.needs("br_ceis")
def test_ids_without_their_leading_zeros_are_quarantined_and_no_others(lake: Lake):
    found = {(r["file"], r["line"]): r["rules"] for r in whole(lake.root, "quarantine").to_pylist()}
    odd = {(name, n) for name in ENCODINGS for n, cells in _cells(name).items() if not SHAPE.fullmatch(cells["cnpjcpf"].strip())}
    assert set(found) == odd and set(map(tuple, found.values())) == {("pattern:party_id",)}
    assert Counter(name for name, _ in odd) == {"punidas_cnep.csv": 9, "ceis.csv": 4}


@data.needs("br_ceis")
def test_names_and_offices_are_those_of_the_files_in_either_encoding(lake: Lake):
    files = {name: _cells(name) for name in ENCODINGS}
    rows = whole(lake.root, "watchlist").to_pylist()
    assert {r["file"] for r in rows} == set(ENCODINGS)
    for r in rows:
        cells = files[r["file"]][r["line"]]
        said = [(cells[c].strip() or None) for c in ("cnpjcpf", "nome", "tipo", "nome_do_orgao")]
        assert [r[c] for c in ("party_id", "party_name", "stage", "reference")] == said


@data.needs("uci_audit")
@pytest.mark.parametrize(("name", "count"), [("audit_risk.csv", 776), ("trial.csv", 776)])
def test_uci_audit_goes_through_with_a_header_twice(name: str, count: int):
    with (data.DATA / "uci_audit" / name).open("rb") as stream:
        parts = list(read_csv(stream, Files(format="csv", encoding="auto", delimiter="auto"), ["LOCATION_ID", "Risk"]))
    assert (sum(len(p.line) for p in parts), sum(p.broken.num_rows for p in parts)) == (count, 0)
    with (data.DATA / "uci_audit" / "audit_risk.csv").open("rb") as stream:
        parts = list(read_csv(stream, Files(format="csv"), ["Score_B"]))
    assert {r["rules"][0] for p in parts for r in p.broken.to_pylist()} == {"column_twice"}


@data.needs("polish_bankruptcy")
def test_polish_bankruptcy_goes_through_the_arff_reader():
    with (data.DATA / "polish_bankruptcy" / "1year.arff").open("rb") as stream:
        parts = list(read_arff(stream, Files(format="arff"), ["net profit / total assets", "bankruptcy"]))
    classes = Counter(c for p in parts for c in p.cells["bankruptcy"].to_pylist())
    assert (sum(len(p.line) for p in parts), sum(p.broken.num_rows for p in parts), classes) == (7027, 0, {"0": 6756, "1": 271})
