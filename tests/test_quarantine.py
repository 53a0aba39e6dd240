"""`assay quarantine` as whoever mends a delivery meets it: what is listed, what a row shows and hides, what a release says and refuses."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.cli.order import lease, ordered
from jobs.cli.place import Place
from jobs.cli.quarantine import described, listing, outcome
from jobs.conf import ConfError
from jobs.lake.lake import Lake
from jobs.runner import Refused
from jobs.sources.quarantine import Which, counts, waiting
from tests.sources.given import GOOD, OTHER, pay, source
from tests.sources.lake_of import Office
from tests.sources.test_release import SLASHES

TIPS = source(
    name="tips", table="tip_off", files={"pattern": "*", "format": "jsonl"}, event_at="received_on", known={"from": "received_on"},
    columns={
        "tip_no": {"from": "no", "required": True, "purposes": ["case"]}, "received_on": {"from": "day", "type": "date", "required": True, "purposes": ["case"]},
        "accused_name": {"from": "accused", "required": True, "purposes": ["case"]}, "content": {"from": "text", "purposes": ["case"]},
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    found = Office(tmp_path_factory.mktemp("office"), (source(), TIPS))
    found.land("pay", 1, "2026-01-05", {"a.csv": pay([f"p1,{GOOD},02/01/2025,x", f"p2,{GOOD},02/01/2025,1.00", f"p3,{OTHER},2025-01-01,3.00"])})
    found.land("pay", 2, "2026-01-09", {"b.csv": pay([f"p4,{GOOD},2025-01-01,y"])})
    tip = {"no": "t1", "day": "tomorrow", "accused": "Somebody Ltd", "text": "They keep two books", "informant": "A Neighbour"}
    found.land("tips", 1, "2026-01-06", {"t.jsonl": json.dumps(tip) + "\n"})
    found.receive()
    return found


def place(office: Office) -> Place:
    return Place(office.lake, office.conf, office.inbox, "sqlite://")


#    asked for                                       files and lines that are named
FILTERS = [
    ({}, {"a.csv:2", "a.csv:3", "b.csv:2", "t.jsonl:1"}),
    ({"source": "pay"}, {"a.csv:2", "a.csv:3", "b.csv:2"}),
    ({"rule": "money"}, {"a.csv:2", "b.csv:2"}),
    ({"rule": "date:paid_on"}, {"a.csv:2", "a.csv:3"}),
    ({"rule": "dat"}, set()),
    ({"since": "2026-01-06"}, {"b.csv:2", "t.jsonl:1"}),
    ({"source": "pay", "since": "2026-01-06"}, {"b.csv:2"}),
]


@pytest.mark.parametrize(("asked", "named"), FILTERS)
def test_list_names_what_was_asked_for(office: Office, asked: dict[str, str], named: set[str]) -> None:
    which = Which(**{k: date.fromisoformat(v) if k == "since" else v for k, v in asked.items()})  # type: ignore[arg-type]
    assert {f"{r['file']}:{r['line']}" for r in waiting(office.lake, which)} == named


def test_a_batch_is_named_by_the_beginning_of_its_id(office: Office) -> None:
    batch = next(a["batch_id"] for a in office.acts() if (a["source"], a["receipt"]) == ("pay", 2))
    assert [r["file"] for r in waiting(office.lake, Which(batch=batch[:8]))] == ["b.csv"]


def test_counts_are_by_source_batch_and_rule(office: Office) -> None:
    found = [(source_, rule, n) for source_, _, rule, n in counts(waiting(office.lake))]
    assert sorted(found) == [("pay", "date:paid_on", 2), ("pay", "money:amount", 1), ("pay", "money:amount", 1), ("tips", "date:received_on", 1)]
    text = listing(waiting(office.lake), place(office), 1)
    assert text.splitlines()[-1] == "4 row(s) in quarantine, the first 1 named"


def test_show_says_what_the_row_broke_and_what_the_contract_says_today(office: Office) -> None:
    rows = {f"{r['file']}:{r['line']}": r for r in waiting(office.lake)}
    office.sources = (SLASHES, TIPS)
    try:
        both, mended = described(rows["a.csv:2"], place(office)), described(rows["a.csv:3"], place(office))
    finally:
        office.sources = (source(), TIPS)
    assert "rules    date:paid_on, money:amount" in both
    assert f"record   p1,{GOOD},02/01/2025,x" in both
    assert "today    still breaks money:amount: amount: 'x'" in both
    assert "today    would pass: `assay quarantine release --batch" in mended


def test_of_a_gated_source_neither_record_nor_reason_is_shown(office: Office) -> None:
    (row,) = waiting(office.lake, Which(source="tips"))
    said = described(row, place(office)) + listing([row], place(office), 9)
    assert "date:received_on" in said and "t.jsonl:1" in said
    assert not any(word in said for word in ("Somebody", "two books", "Neighbour", "tomorrow"))


def test_hidden_columns_are_hidden_whatever_the_others_say(tmp_path: Path) -> None:
    plain = source().model_dump(by_alias=True)["columns"]
    columns = {**plain, "payment_no": {**plain["payment_no"], "purposes": ["case"]}}
    office = Office(tmp_path, (source(columns=columns),))
    office.land("pay", 1, "2026-01-05", {"a.csv": pay([f"SECRET-1,{GOOD},2025-01-01,x", f"SECRET-2,{GOOD}"])})
    office.receive()
    first, second = (described(row, place(office)) for row in waiting(office.lake))
    assert "amount: x" in first and "no: •••" in first and "SECRET" not in first + second


def test_a_release_needs_a_name_and_a_reason() -> None:
    for by, reason in (("", "a fix"), ("Somebody", "  ")):
        with pytest.raises(ConfError, match="--by"):
            ordered(by, reason)


def test_no_act_on_batches_while_a_night_is_being_staged(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", 2)
    lake.take_lease("ingest")
    assert lease(lake, "release") == 2
    run = lake.take_lease("night 2026-01-20")
    with pytest.raises(Refused, match="night 2026-01-20 is being staged"):
        lease(lake, "release")
    assert lake.epoch() == run, "the night was not overtaken"
    assert lease(lake, "release", overtake=True) == run + 1
    lake.night_act(date(2026, 1, 20), 1, "published", lake.take_lease("night 2026-01-20"))
    assert lease(lake, "release") == run + 3


def test_what_a_release_came_to_is_said_with_its_sum(tmp_path: Path) -> None:
    office = Office(tmp_path, (source(),))
    office.land("pay", 1, "2026-01-05", {"a.csv": pay([f"p1,{GOOD},02/01/2025,x", f"p2,{GOOD},02/01/2025,1.00"])})
    office.receive()
    office.sources = (SLASHES,)
    said = outcome(office.release())
    assert "1 received = 1 accepted + 0 superseded + 0 duplicate + 0 quarantined" in said
    assert said.endswith("1 row(s) released, 1 stay in quarantine")


@pytest.mark.parametrize(("words", "code", "says"), [
    (("quarantine", "release", "--reason", "x"), 2, "--by"),
    (("quarantine", "release", "--by", " ", "--reason", "x"), 2, "--by"),
    (("quarantine", "release", "--by", "A", "--reason", "x"), 3, "no row in quarantine is meant"),
    (("quarantine", "show", "abc"), 2, "0 rows"),
    (("quarantine", "list"), 0, "0 row(s) in quarantine"),
    (("quarantine",), 0, "0 row(s) in quarantine"),
    (("batch", "list"), 0, "nothing was received yet"),
    (("batch", "list", "--stopped"), 0, "no delivery is stopped"),
    (("batch", "show", "abc"), 2, "0 batches"),
    (("batch", "accept", "abc", "--by", "A", "--reason", "x"), 3, "0 stopped deliveries"),
    (("batch", "reject", "abc", "--by", "A", "--reason", " "), 2, "--by"),
    (("batch", "retire", "abc", "--by", "A", "--reason", "x"), 3, "0 batches in force"),
    (("batch", "again", "abc", "--by", "A", "--reason", "x"), 3, "0 batches that can be received again"),
])  # fmt: skip
def test_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, says: str) -> None:
    from jobs.conf import load

    lake = Lake.open(tmp_path / "lake", load(Path(__file__).parents[1] / "conf").house.buckets)
    monkeypatch.setenv("ASSAY_LAKE", lake.root)
    monkeypatch.setattr(sys, "argv", ["assay", *words])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert (leaving.value.code or 0) == code
    captured = capsys.readouterr()
    assert says in (captured.err if code else captured.out)
