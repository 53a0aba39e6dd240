"""OpenLineage events of steps: valid, told in order, the same ids again, nameless, readable after a kill. No Spark: steps are played."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs import conf as configuration
from jobs.lake.lake import Lake
from jobs.lake.step import Kind, Night, Step
from jobs.lake.tables import TABLES
from jobs.lake.write import LakeError, table_version
from jobs.lineage.observe import observed, tell
from tests.lake.helpers import receive
from tests.lineage.openlineage_schema import faults

DAY = date(2026, 1, 20)
LINK = Step("obligation", "analyse", Kind.KERNEL, lambda: None, "obligation", reads=("taxpayer",), versions=("return_line",))
INGEST = Step("ingest", "sources", Kind.INGEST, lambda: None)
TAXPAYER = "91310000MA1FL00001"


def house() -> configuration.Conf:
    return configuration.Conf.model_construct(house=configuration.House(name={"en": "t", "zh": "t"}, currency="CNY", zone="Asia/Shanghai", buckets=2, seed=7), sources={})


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_LINEAGE", raising=False)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    found = Lake.open(tmp_path / "lake", 2)
    found.take_lease("test")
    return found


def night(lake: Lake, run: int | None = None) -> Night:
    number = run or lake.epoch()
    return Night(DAY, number, house(), f"night-{DAY}-{number}", seed=7)


def versions(lake: Lake) -> dict[str, int]:
    return {name: table_version(lake.root, name) for name in TABLES}


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def told(lake: Lake) -> list[dict[str, Any]]:
    return events(Path(lake.root) / "lineage" / f"night-{DAY}-{lake.epoch()}.jsonl")


def played(lake: Lake) -> list[dict[str, Any]]:
    """A night of one step that reads taxpayer and adds two rows to a table, and what was told of it."""
    receive(lake, "taxpayer", [{"taxpayer_id": TAXPAYER, "name": "A"}], "b1", lake.epoch())
    before = versions(lake)
    tell(lake.root, night(lake), "START")
    with observed(lake.root, night(lake), LINK, before) as seen:
        receive(lake, "payment", [{"payment_no": n, "paid_on": DAY, "taxpayer_id": TAXPAYER} for n in ("1", "2")], "b2", lake.epoch())
        seen.reads, seen.writes = {"taxpayer": before["taxpayer"], "return_line": -1}, {"payment": table_version(lake.root, "payment"), "taxpayer": before["taxpayer"]}
    tell(lake.root, night(lake), "COMPLETE")
    return told(lake)


def test_a_step_is_told_from_start_to_completion_with_versions_and_rows(lake: Lake) -> None:
    found = played(lake)
    assert [(e["eventType"], e["job"]["name"]) for e in found] == [
        ("START", "night"), ("START", "analyse.obligation"), ("COMPLETE", "analyse.obligation"), ("COMPLETE", "night"),
    ]  # fmt: skip
    assert [faults(e) for e in found] == [[]] * 4
    done = found[2]
    assert {i["name"]: i["facets"].get("version", {}).get("datasetVersion") for i in done["inputs"]} == {"silver/taxpayer": str(table_version(lake.root, "taxpayer")), "silver/return_line": None}
    (out,) = done["outputs"]  # a table that the step left as it was is no output
    assert (out["name"], out["outputFacets"]["outputStatistics"]["rowCount"]) == ("silver/payment", 2)
    assert {f["name"] for f in out["facets"]["schema"]["fields"]} == {c.name for c in TABLES["payment"].columns}
    assert done["run"]["facets"]["parent"]["run"]["runId"] == found[0]["run"]["runId"]


def test_ids_are_the_same_for_a_run_and_step_and_differ_between_lakes_and_runs(lake: Lake, tmp_path: Path) -> None:
    first = played(lake)
    assert first[1]["run"]["runId"] == first[2]["run"]["runId"] != first[0]["run"]["runId"]
    with observed(lake.root, night(lake), LINK, versions(lake)):
        pass
    assert told(lake)[-1]["run"]["runId"] == first[1]["run"]["runId"]
    other = Lake.open(tmp_path / "other", 2)
    other.take_lease("test")
    assert played(other)[1]["run"]["runId"] != first[1]["run"]["runId"]
    lake.take_lease("another run")
    with observed(lake.root, night(lake), LINK, versions(lake)):
        pass
    assert told(lake)[0]["run"]["runId"] != first[1]["run"]["runId"]


@pytest.mark.parametrize(("fault", "kind"), [(LakeError(f"taxpayer {TAXPAYER} twice"), "FAIL"), (ValueError(TAXPAYER), "FAIL"), (KeyboardInterrupt(), "ABORT")])
def test_a_failure_is_told_without_what_its_message_names(lake: Lake, fault: BaseException, kind: str) -> None:
    with pytest.raises(type(fault)), observed(lake.root, night(lake), LINK, versions(lake)):
        raise fault
    started, ended = told(lake)
    assert (started["eventType"], ended["eventType"]) == ("START", kind) and faults(ended) == []
    assert ended["run"]["facets"]["errorMessage"]["message"].startswith(type(fault).__name__)
    assert TAXPAYER not in json.dumps(told(lake))


def test_a_failure_names_where_our_code_raised_it(lake: Lake) -> None:
    with pytest.raises(LakeError), observed(lake.root, night(lake), LINK, versions(lake)):
        lake.retire("no such batch", lake.epoch(), "")
    assert "LakeError in jobs.lake.lake:" in told(lake)[-1]["run"]["facets"]["errorMessage"]["message"]


def test_ingest_tells_what_was_received_by_source(lake: Lake) -> None:
    with observed(lake.root, night(lake), INGEST, versions(lake)):
        receive(lake, "taxpayer", [{"taxpayer_id": n, "name": n} for n in ("A", "B", "C")], "b1", lake.epoch())
        for no, rows, files in (("b2", 5, ["x.csv", "y.csv"]), ("b3", 7, ["z.csv"])):
            act = {"batch_id": no, "act": "received", "run": lake.epoch(), "source": "registry", "received": rows, "files": files, "tables": ["taxpayer"]}
            lake.append("batch", [act], f"received-{no}", lake.epoch())
    done = told(lake)[-1]
    assert faults(done) == []
    registry = next(i for i in done["inputs"] if i["name"] == "inbox/registry")
    assert {k: registry["inputFacets"]["inputStatistics"][k] for k in ("rowCount", "fileCount")} == {"rowCount": 12, "fileCount": 3}
    assert {o["name"]: o["outputFacets"]["outputStatistics"]["rowCount"] for o in done["outputs"]} == {"silver/taxpayer": 3}


KILLED = """
import os, signal, sys
from tests.lineage.test_observe import *
lake = Lake(sys.argv[1], 2)
with observed(lake.root, night(lake), LINK, versions(lake)):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_leaves_readable_lines_and_half_a_line_spoils_no_other(lake: Lake) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED, lake.root], cwd=Path(__file__).parents[2], check=False, capture_output=True).returncode
    assert died == -signal.SIGKILL
    assert [e["eventType"] for e in told(lake)] == ["START"]
    path = Path(lake.root) / "lineage" / f"night-{DAY}-{lake.epoch()}.jsonl"
    with path.open("a", encoding="utf-8") as torn:
        torn.write('{"eventType": "STA')
    tell(lake.root, night(lake), "COMPLETE")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3 and json.loads(lines[2])["eventType"] == "COMPLETE"


@pytest.mark.parametrize(("said", "expected"), [("{tmp}/events", "{tmp}/events/night-2026-01-20-1.jsonl"), ("{tmp}/all.jsonl", "{tmp}/all.jsonl"), ("off", None), (" OFF ", None)])
def test_the_environment_says_where_events_go(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, expected: str | None) -> None:
    monkeypatch.setenv("ASSAY_LINEAGE", said.format(tmp=tmp_path))
    tell(lake.root, night(lake), "START")
    tell(lake.root, night(lake), "COMPLETE")
    assert not (Path(lake.root) / "lineage").exists()
    files = sorted(tmp_path.rglob("*.jsonl"))
    assert files == ([Path(expected.format(tmp=tmp_path))] if expected else [])
    assert all(len(events(f)) == 2 for f in files)


def test_a_place_that_cannot_be_written_stops_no_step(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be", encoding="utf-8")
    monkeypatch.setenv("ASSAY_LINEAGE", str(tmp_path / "taken"))
    with caplog.at_level(logging.WARNING), observed(lake.root, night(lake), LINK, versions(lake)):
        carried_out = True
    assert carried_out and "ASSAY_LINEAGE=off" in caplog.text
