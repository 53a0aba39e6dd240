"""Feedback in bulk: the good rows are done once, the bad ones refused with their place; events go back to the lake exactly once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from jobs.lake.manifest import append_entries, read_entries
from jobs.respond.audit import verify
from jobs.respond.export import export_events
from jobs.respond.feedback import apply_feedback, read_action
from jobs.respond.handover import hand_over
from jobs.respond.records import AuditEntry, Case, CaseAction
from jobs.respond.store import Store
from tests.respond.helpers import AS_OF, DISTRICT, OFFICIAL, case_id, conf, drawn, point, taxpayer_id

ROOT = Path(__file__).parents[2]
RECEIVED = datetime(2026, 4, 20, 6, 0, tzinfo=UTC)
COLUMNS = {c for c in conf().sources["case_event"].columns}


def action(kind: str, on: str, n: int = 1, **more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("point_id", "risk_code", "tax", "period_from", "period_to", "result", "reason_code", "amount", "effort_days", "text"))
    return {**empty, "case_id": case_id(n), "event_on": on, "kind": kind, "post": "assessor", "office_id": DISTRICT, **more}


def worked() -> list[dict[str, Any]]:
    return [
        action("closed", "2026-03-15", effort_days=5.5),  # out of order in the file, in order by its day
        action("received", "2026-01-22"), action("begun", "2026-01-26"),
        action("statement", "2026-02-03", post="taxpayer", text="已更正申报"), action("statement_answered", "2026-02-10", text="采纳"),
        action("point_answered", "2026-02-11", point_id=point(1)["point_id"], result="confirmed", amount=1234.56),
        action("point_answered", "2026-02-12", point_id=point(1, "cit_cost_inflated", "CIT")["point_id"], result="excluded", reason_code="data_wrong"),
        action("paid", "2026-03-20", post="collector", amount="1234.56"),
    ]


def written(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def handed(store: Store) -> Store:
    hand_over(store, conf(), drawn(), AS_OF, OFFICIAL)
    return store


@pytest.fixture
def quick(lite: Store) -> Store:
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    return lite


def test_good_rows_are_done_bad_ones_refused_and_again_is_nothing(handed: Store, tmp_path: Path) -> None:
    bad: list[Any] = [
        "{not json", json.dumps(["a list"]), action("received", "yesterday"), action("received", "2026-01-22", n=2, colour="red"), action("begun", "2026-01-22", n=2),
        action("received", "2026-01-22", n=4), action("received", "2026-01-22") | {"case_id": "C-unknown"}, action("received", "2026-01-22", n=2, post="emperor"),
        action("point_answered", "2026-02-11", n=2, amount="many"),
    ]
    path = written(tmp_path / "f.jsonl", [*worked(), *bad])
    first = apply_feedback(handed, conf(), path)
    assert first.done == len(worked())
    assert {r.place for r in first.refused} == {f"f.jsonl:{n}" for n in range(9, 18)}
    assert {r.code for r in first.refused} == {"unreadable", "state", "not_granted", "vacant", "unknown_case"}
    again = apply_feedback(handed, conf(), path)
    assert (again.done, again.repeated, len(again.refused)) == (0, len(worked()), len(bad))
    with handed.read() as session:
        case = session.get(Case, case_id(1))
        assert case is not None and case.state == "closed"
        amounts = session.scalars(select(CaseAction.amount).where(CaseAction.kind.in_(["point_answered", "paid"])).order_by(CaseAction.event_no)).all()
        assert amounts == [123456, None, 123456]
        assert verify(session).whole
        outcomes = [json.loads(e.body)["outcome"] for e in session.scalars(select(AuditEntry))]
        assert outcomes.count("refused") == 2 * 4  # unreadable rows never became actions


def test_the_same_people_are_found_each_time_and_kept_apart(quick: Store, tmp_path: Path) -> None:
    lines = worked()[1:]
    lines[2:2] = [action("statement_answered", "2026-02-01")]
    path = written(tmp_path / "f.jsonl", [*worked(), action("reviewed", "2026-03-01", post="reviewer")])
    apply_feedback(quick, conf(), path)
    with quick.read() as session:
        people = dict(session.execute(select(CaseAction.kind, CaseAction.person).where(CaseAction.case_id == case_id(1))).all())
    assert people["begun"] == people["point_answered"] == people["closed"]
    assert people["reviewed"] != people["begun"]


def test_killed_before_commit_and_read_again(handed: Store, url: str, tmp_path: Path) -> None:
    path = written(tmp_path / "f.jsonl", worked())
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom pathlib import Path\nfrom jobs.respond import feedback\nfrom jobs.respond.store import Store\n"
        f"from tests.respond.helpers import conf\nfeedback._BATCH = 3\nfeedback.apply_feedback(Store.open({url!r}), conf(), Path({str(path)!r}))"
    )
    assert subprocess.run([sys.executable, "-c", script], env={**os.environ, "ASSAY_FAULT": "feedback:before_commit"}, cwd=ROOT, check=False).returncode == -9
    assert apply_feedback(handed, conf(), path).done == len(worked())


def test_every_event_is_exported_once_in_the_columns_of_the_source(handed: Store, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    assert export_events(handed, inbox, RECEIVED) == 6
    apply_feedback(handed, conf(), written(tmp_path / "f.jsonl", worked()))
    assert export_events(handed, inbox, RECEIVED.replace(month=3, day=15)) == 6  # statement_answered is ours alone; paid comes later
    assert export_events(handed, inbox, RECEIVED) == 1
    assert export_events(handed, inbox, RECEIVED) == 0
    manifest = [json.loads(line) for line in (inbox / "case_event" / "manifest.jsonl").read_text().splitlines()]
    assert [(m["receipt"], m["kind"], m["file"]) for m in manifest] == [(n, "delivery", f"{n:06d}.jsonl") for n in (1, 2, 3)]
    events = [json.loads(line) for m in manifest for line in (inbox / "case_event" / m["file"]).read_text(encoding="utf-8").splitlines()]
    assert all(set(e) == COLUMNS for e in events)
    assert len({(e["case_id"], e["event_no"]) for e in events}) == len(events) == 13
    paid = events[-1]
    assert (paid["kind"], paid["amount"], paid["taxpayer_id"], paid["case_source"]) == ("paid", "1234.56", taxpayer_id(1), "model")
    assert all("更正" not in json.dumps(e, ensure_ascii=False) for e in events)  # what the taxpayer wrote stays in the store


@pytest.mark.parametrize("where", ["export:stamped", "export:file", "export:manifest"])
def test_killed_while_exporting_each_event_is_there_once(handed: Store, url: str, tmp_path: Path, where: str) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom datetime import datetime\nfrom pathlib import Path\nfrom jobs.respond.export import export_events\n"
        f"from jobs.respond.store import Store\nexport_events(Store.open({url!r}), Path({str(tmp_path)!r}), datetime.fromisoformat({RECEIVED.isoformat()!r}))"
    )
    assert subprocess.run([sys.executable, "-c", script], env={**os.environ, "ASSAY_FAULT": where}, cwd=ROOT, check=False).returncode == -9
    export_events(handed, tmp_path, RECEIVED)
    assert export_events(handed, tmp_path, RECEIVED) == 0
    lines = (tmp_path / "case_event" / "manifest.jsonl").read_text().splitlines()
    assert len(lines) == 1
    events = [json.loads(line) for line in (tmp_path / "case_event" / json.loads(lines[0])["file"]).read_text().splitlines()]
    assert sorted(e["case_id"] for e in events) == sorted(case_id(n) for n in range(1, 7))


def test_a_number_taken_while_an_export_lay_killed_is_left_to_whom_it_belongs(handed: Store, url: str, tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom datetime import datetime\nfrom pathlib import Path\nfrom jobs.respond.export import export_events\n"
        f"from jobs.respond.store import Store\nexport_events(Store.open({url!r}), Path({str(tmp_path)!r}), datetime.fromisoformat({RECEIVED.isoformat()!r}))"
    )
    assert subprocess.run([sys.executable, "-c", script], env={**os.environ, "ASSAY_FAULT": "export:stamped"}, cwd=ROOT, check=False).returncode == -9
    manifest = tmp_path / "case_event" / "manifest.jsonl"
    append_entries(manifest, [json.dumps({"receipt": 1, "file": "by_hand.jsonl", "received_at": RECEIVED.isoformat(), "kind": "delivery"})])
    export_events(handed, tmp_path, RECEIVED)
    assert export_events(handed, tmp_path, RECEIVED) == 0
    assert [(e["receipt"], e["file"]) for e in read_entries(manifest)] == [(1, "by_hand.jsonl"), (2, "000001.jsonl")]
    assert len((manifest.parent / "000001.jsonl").read_text(encoding="utf-8").splitlines()) == 6


def test_a_receipt_time_without_zone_is_refused(lite: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        export_events(lite, tmp_path, datetime(2026, 1, 1))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cents=st.integers(-(10**15), 10**15))
def test_amounts_keep_every_cent(cents: int) -> None:
    text = f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
    assert read_action(action("paid", "2026-01-01", amount=text)).amount == cents


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400", True, [], "12,000", "＝1"])
def test_amounts_that_are_none(value: Any) -> None:
    with pytest.raises(ValueError, match="amount: must be a number"):
        read_action(action("paid", "2026-01-01", amount=value))


def test_two_lines_alike_are_one_action(quick: Store, tmp_path: Path) -> None:
    done = apply_feedback(quick, conf(), written(tmp_path / "f.jsonl", [action("received", "2026-01-22")] * 2))
    assert (done.done, done.repeated) == (1, 1)
    assert date(2026, 1, 22) > AS_OF
