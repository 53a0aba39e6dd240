"""A list that comes back: what was filled in becomes actions in the case store, what is wrong is refused by row with its reason."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from jobs.lake.lake import Lake
from jobs.respond.audit import verify
from jobs.respond.feedback import Applied
from jobs.respond.handover import hand_over
from jobs.respond.lists import write_lists
from jobs.respond.posts import staff
from jobs.respond.records import Case, CaseAction, TaskPoint
from jobs.respond.returned_list import UnreadableList, import_list
from jobs.respond.store import Store
from jobs.respond.workbook import SHEETS
from tests.respond.helpers import AS_OF, DISTRICT, OFFICIAL, case_id, conf, drawn, person, point, rows

CASE_SHEET, POINT_SHEET, NEW_SHEET = SHEETS
ASSESSOR = f"{DISTRICT}-assessor-01"
SALES, COST = point(1)["point_id"], point(1, "cit_cost_inflated", "CIT")["point_id"]
Fill = tuple[str, str | int, dict[str, Any]]  # sheet, the case or point of the row (or its number), what is put where


def day(month: int, dom: int) -> datetime:
    return datetime(2026, month, dom)


def filled(path: Path, *fills: Fill) -> Path:
    """The district's list with cells filled in as an inspector does, saved by another program than wrote it."""
    book = openpyxl.load_workbook(path)
    for name, which, values in fills:
        sheet = book[name]
        keys = {c.value: c.column for c in sheet[1]}
        at = which if isinstance(which, int) else row_of(sheet, keys["point_id" if name == POINT_SHEET else "case_id"], which)
        for key, value in values.items():
            sheet.cell(at, keys[key]).value = value
    target = path.with_name("filled.xlsx")
    book.save(target)
    return target


def row_of(sheet: Any, column: int, value: str) -> int:
    return next(n for n in range(3, sheet.max_row + 1) if sheet.cell(n, column).value == value)


def full_work() -> list[Fill]:
    """Case 1 worked from receipt to closing, case 5 with a new point, case 2 sent back."""
    return [
        (CASE_SHEET, case_id(1), {"received_on": day(2, 1), "begun_on": day(2, 3), "outcome": "closed", "outcome_on": day(3, 1), "effort_spent": 4.5, "remark": "已补缴"}),
        (POINT_SHEET, SALES, {"answered_on": day(2, 20), "result": "confirmed", "adjusted": 24395.55}),
        (POINT_SHEET, COST, {"answered_on": "2026-02-21", "result": " excluded ", "reason_code": "innocent_explanation", "remark": "=1+1"}),
        (CASE_SHEET, case_id(2), {"outcome": "returned", "outcome_on": day(2, 2), "outcome_reason": "wrong_office"}),
        (CASE_SHEET, case_id(5), {"received_on": day(2, 1), "begun_on": day(2, 2)}),
        (NEW_SHEET, 3, {"case_id": case_id(5), "risk_code": "vat_sales_understated", "tax": "VAT", "period_from": day(1, 1), "period_to": day(1, 31), "answered_on": day(2, 9), "adjusted": -300}),
    ]


@pytest.fixture
def listed(lite: Store, tmp_path: Path) -> Path:
    """The district's list of the drawn night, whose cases are in the store."""
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    return tmp_path / f"{DISTRICT}.xlsx"


def state(store: Store) -> dict[str, Any]:
    with store.read() as session:
        assert verify(session).whole
        found: dict[str, Any] = {c.case_id: c.state for c in session.scalars(select(Case))}
        return found | {p.point_id: (p.state, p.result, p.reason_code, p.amount) for p in session.scalars(select(TaskPoint))}


def refusals(done: Applied) -> list[tuple[str, str, str]]:
    """Sheet and row, code, and the first word of the message of each refused row."""
    return [(r.place.removeprefix("filled.xlsx:"), r.code, r.message.split()[0]) for r in done.refused]


def test_a_filled_list_becomes_actions(lite: Store, listed: Path) -> None:
    done = import_list(lite, conf(), filled(listed, *full_work()), ASSESSOR)
    assert (done.done, done.repeated, done.refused) == (9, 0, ())
    now = state(lite)
    assert [now[case_id(n)] for n in (1, 2, 5, 6)] == ["closed", "returned", "answered", "pushed"]
    assert now[SALES] == ("answered", "confirmed", None, 2_439_555)
    assert now[COST] == ("answered", "excluded", "innocent_explanation", 0)
    with lite.read() as session:
        closed = session.scalars(select(CaseAction).where(CaseAction.kind == "closed")).one()
        assert (closed.event_on, closed.effort_days, closed.text, closed.person, closed.office_id) == (date(2026, 3, 1), 4.5, "已补缴", ASSESSOR, DISTRICT)
        new = session.scalars(select(CaseAction).where(CaseAction.result == "new")).one()
        assert (new.case_id, new.amount, new.period_to) == (case_id(5), -30_000, date(2026, 1, 31))


def test_the_same_list_again_changes_nothing(lite: Store, listed: Path) -> None:
    path = filled(listed, *full_work())
    import_list(lite, conf(), path, ASSESSOR)
    before = state(lite)
    again = import_list(lite, conf(), path, ASSESSOR)
    assert (again.done, again.repeated, again.refused) == (0, 9, ()) and state(lite) == before


def test_an_empty_list_does_nothing(lite: Store, listed: Path) -> None:
    before = state(lite)
    assert import_list(lite, conf(), listed, ASSESSOR) == Applied(0, 0, ()) and state(lite) == before


BEGUN: list[Fill] = [(CASE_SHEET, case_id(1), {"received_on": day(2, 1), "begun_on": day(2, 3)})]
BAD_POINT = [
    ({"result": "maybe"}, "result", "'maybe'"),
    ({"result": "确认"}, "result", "'确认'"),
    ({"result": "new", "adjusted": 5}, "result", "'new'"),  # a listed point is not found without us
    ({"result": "confirmed"}, "amount", "'confirmed'"),
    ({"result": "confirmed", "adjusted": "两万元"}, "unreadable", "adjusted:"),
    ({"result": "confirmed", "adjusted": "twenty thousand"}, "unreadable", "adjusted:"),
    ({"result": "confirmed", "adjusted": "1.234,50"}, "unreadable", "adjusted:"),
    ({"result": "excluded"}, "reason", "an"),
    ({"result": "excluded", "reason_code": "because"}, "reason", "an"),
    ({"result": "not_examined", "adjusted": 7}, "amount", "'not_examined'"),
    ({"result": "confirmed", "adjusted": 5, "answered_on": None}, "unreadable", "answered_on:"),
    ({"result": "confirmed", "adjusted": 5, "answered_on": "20/02/2026"}, "unreadable", "answered_on:"),
    ({"result": "confirmed", "adjusted": 5, "answered_on": "46073"}, "unreadable", "answered_on:"),
    ({"result": None, "adjusted": 5}, "unreadable", "result:"),
    ({"result": "confirmed", "adjusted": "=2*3"}, "amount", "'confirmed'"),  # a formula nobody computed has no value
]


@pytest.mark.parametrize(("cells", "code", "says"), BAD_POINT)
def test_a_bad_answer_is_refused_by_row_and_the_good_ones_still_arrive(lite: Store, listed: Path, cells: dict[str, Any], code: str, says: str) -> None:
    good: Fill = (POINT_SHEET, COST, {"answered_on": day(2, 21), "result": "not_examined"})
    path = filled(listed, *BEGUN, good, (POINT_SHEET, SALES, {"answered_on": day(2, 20), **cells}))
    done = import_list(lite, conf(), path, ASSESSOR)
    assert refusals(done) == [(f"{POINT_SHEET}:{point_row(listed, SALES)}", code, says)]
    assert done.refused[0].case_id == case_id(1) and done.done == 3
    assert state(lite)[SALES] == ("open", None, None, None) and state(lite)[COST][:2] == ("answered", "not_examined")


def point_row(listed: Path, point_id: str) -> int:
    sheet = openpyxl.load_workbook(listed)[POINT_SHEET]
    return row_of(sheet, next(c.column for c in sheet[1] if c.value == "point_id"), point_id)


@pytest.mark.parametrize(("cells", "code", "says"), [
    ({"outcome": "finished", "outcome_on": day(2, 4)}, "unknown_act", "the"),
    ({"outcome": "closed"}, "unreadable", "outcome_on:"),
    ({"outcome_on": day(2, 4)}, "unreadable", "outcome:"),
    ({"outcome": "dropped", "outcome_on": day(2, 4)}, "reason", "'dropped'"),
    ({"outcome": "dropped", "outcome_on": day(2, 4), "outcome_reason": "tired"}, "reason", "'dropped'"),
    ({"outcome": "closed", "outcome_on": day(2, 4)}, "points_open", "2"),
    ({"outcome": "dropped", "outcome_on": day(2, 4), "outcome_reason": "lapsed", "effort_spent": "five"}, "unreadable", "effort_spent:"),
    ({"outcome": "dropped", "outcome_on": day(2, 4), "outcome_reason": "lapsed", "effort_spent": -1}, "unreadable", "effort_spent:"),
    ({"received_on": day(1, 1)}, "date", "2026-01-01"),
    ({"begun_on": "soon"}, "unreadable", "begun_on:"),
])
def test_a_bad_case_row_is_refused_and_the_next_one_arrives(lite: Store, listed: Path, cells: dict[str, Any], code: str, says: str) -> None:
    path = filled(listed, (CASE_SHEET, case_id(1), {"received_on": day(2, 1), "begun_on": day(2, 3), **cells}), (CASE_SHEET, case_id(6), {"received_on": day(2, 1)}))
    done = import_list(lite, conf(), path, ASSESSOR)
    assert (f"{CASE_SHEET}:3", code, says) in refusals(done)
    assert {r.case_id for r in done.refused} == {case_id(1)} and state(lite)[case_id(6)] == "received"
    assert code != "unreadable" or (state(lite)[case_id(1)], done.done) == ("pushed", 1)  # of an unreadable row nothing is done


@pytest.mark.parametrize(("fill", "column"), [
    ((CASE_SHEET, case_id(1), {"taxpayer_id": 91330200}), "taxpayer_id"),
    ((CASE_SHEET, case_id(1), {"name": "另一家公司"}), "name"),
    ((CASE_SHEET, case_id(1), {"amount": 1}), "amount"),
    ((CASE_SHEET, case_id(1), {"amount": None}), "amount"),
    ((CASE_SHEET, case_id(1), {"effort_days": "5"}), "effort_days"),
    ((CASE_SHEET, case_id(1), {"case_id": case_id(2)}), "name, taxpayer_id"),  # sorted by one column alone
    ((POINT_SHEET, SALES, {"risk_code": "cit_cost_inflated"}), "risk_code"),
    ((POINT_SHEET, SALES, {"tax": "CIT", "name": "x"}), "name, tax"),
    ((POINT_SHEET, SALES, {"period_from": day(1, 1)}), "period_from"),
    ((POINT_SHEET, SALES, {"period_to": "2025年第4季度"}), "period_to"),
    ((POINT_SHEET, SALES, {"amount_error": 24395.02}), "amount_error"),
    ((POINT_SHEET, SALES, {"until": None}), "until"),
])
def test_a_changed_locked_cell_refuses_its_row_and_no_other(lite: Store, listed: Path, fill: Fill, column: str) -> None:
    sheet, which, change = fill
    answer = {"received_on": day(2, 1)} if sheet == CASE_SHEET else {"answered_on": day(2, 20), "result": "confirmed", "adjusted": 9}
    good: list[Fill] = [(CASE_SHEET, case_id(6), {"received_on": day(2, 1)})] + (BEGUN if sheet == POINT_SHEET else [])
    done = import_list(lite, conf(), filled(listed, *good, (sheet, which, answer | change)), ASSESSOR)
    assert [(r.code, r.message.split(":")[0]) for r in done.refused] == [("locked", column)]
    assert done.done == len(good) + len(good[1:]) and state(lite)[case_id(6)] == "received" and state(lite)[SALES][0] == "open"


def test_what_a_spreadsheet_changes_by_itself_is_no_change(lite: Store, tmp_path: Path) -> None:
    """Line ends, spaces at the end, whole numbers, dates as text: none of them is the inspector's doing."""
    odd = drawn() | {"taxpayer": rows("taxpayer", [person(n, "甲\r\n公司\x07  有限 ") for n in range(1, 8)])}
    hand_over(lite, conf(), odd, AS_OF, OFFICIAL)
    write_lists(odd, AS_OF, conf(), tmp_path)
    path = filled(
        tmp_path / f"{DISTRICT}.xlsx", (CASE_SHEET, case_id(1), {"amount": 24395.0, "effort_days": 5, "name": "甲 公司 有限", "received_on": day(2, 1), "begun_on": day(2, 3)}),
        (POINT_SHEET, SALES, {"period_from": "2025-10-01", "amount_error": 24395, "answered_on": day(2, 20), "result": "not_examined"}),
    )
    assert import_list(lite, conf(), path, ASSESSOR) == Applied(3, 0, ())


def test_a_point_of_another_case_and_a_case_nobody_knows(lite: Store, listed: Path) -> None:
    before = state(lite)
    done = import_list(lite, conf(), filled(
        listed, *BEGUN, (POINT_SHEET, SALES, {"case_id": case_id(2), "answered_on": day(2, 20), "result": "not_examined"}),
        (CASE_SHEET, case_id(6), {"case_id": "C20260120-000000000000", "received_on": day(2, 1)}),
        (NEW_SHEET, 3, {"case_id": "C-none", "risk_code": "x", "tax": "VAT", "period_from": day(1, 1), "period_to": day(1, 31), "answered_on": day(2, 9), "adjusted": 1}),
        (NEW_SHEET, 4, {"case_id": case_id(1), "risk_code": "x", "tax": "VAT", "answered_on": day(2, 9), "adjusted": 1}),
        (NEW_SHEET, 5, {"remark": "see file"}),
    ), ASSESSOR)
    assert sorted(code for _, code, _ in refusals(done)) == ["new_point", "state", "unknown_case", "unknown_case", "unreadable"]
    assert done.done == 2 and {k: v for k, v in state(lite).items() if k != case_id(1)} == {k: v for k, v in before.items() if k != case_id(1)}


@pytest.mark.parametrize("stranger", ["330205-assessor-01", "330299-inspector-01", f"{DISTRICT}-reviewer-01", f"{DISTRICT}-counter-01", "nobody", OFFICIAL])
def test_a_list_sent_by_somebody_of_another_office_or_without_the_post_does_nothing(lite: Store, listed: Path, stranger: str) -> None:
    before = state(lite)
    done = import_list(lite, conf(), filled(listed, *BEGUN, (POINT_SHEET, SALES, {"answered_on": day(2, 20), "result": "not_examined"})), stranger)
    assert done.done == 0 and state(lite) == before
    assert {code for _, code, _ in refusals(done)} == {"not_granted"} and len(done.refused) == 3


def without(sheet: str, key: str) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        cell = next(c for c in book[sheet][1] if c.value == key)
        cell.value = "something"

    return change


@pytest.mark.parametrize(("change", "says"), [
    (lambda book: book.remove(book[POINT_SHEET]), "sheet '风险点 Points' is missing"),
    (without(CASE_SHEET, "case_id"), "hidden row 1 lacks case_id"),
    (without(NEW_SHEET, "adjusted"), "hidden row 1 lacks adjusted"),
])
def test_a_workbook_that_is_not_ours_is_refused_as_a_whole(lite: Store, listed: Path, change: Callable[[Any], None], says: str) -> None:
    book = openpyxl.load_workbook(filled(listed, *BEGUN))
    change(book)
    book.save(listed)
    before = state(lite)
    with pytest.raises(UnreadableList, match=says):
        import_list(lite, conf(), listed, ASSESSOR)
    assert state(lite) == before


def test_what_is_no_workbook_is_said_to_be_none(lite: Store, tmp_path: Path) -> None:
    csv, truncated, empty, bomb = (tmp_path / f"{n}.xlsx" for n in ("csv", "truncated", "empty", "bomb"))
    csv.write_text("case_id,result\n", encoding="utf-8")
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    truncated.write_bytes((tmp_path / f"{DISTRICT}.xlsx").read_bytes()[:3000])
    empty.touch()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(3):
            archive.writestr(f"xl/{n}.xml", b"0" * 80_000_000)
    for path in (csv, truncated, empty, tmp_path / "missing.xlsx"):
        with pytest.raises(UnreadableList, match=rf"{path.name}: is no XLSX workbook"):
            import_list(lite, conf(), path, ASSESSOR)
    with pytest.raises(UnreadableList, match="unpacks to more than"):
        import_list(lite, conf(), bomb, ASSESSOR)


def test_the_command_takes_a_filled_list_in_and_says_what_it_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`assay feedback LIST --person P` on a case store of its own."""
    from jobs.cli import app

    url = f"sqlite:///{tmp_path / 'cases.sqlite'}"
    store = Store.open(url)
    staff(store, conf(), AS_OF)
    hand_over(store, conf(), drawn(), AS_OF, OFFICIAL)
    write_lists(drawn(), AS_OF, conf(), tmp_path / "lists")
    path = filled(tmp_path / "lists" / f"{DISTRICT}.xlsx", *full_work(), (CASE_SHEET, case_id(6), {"outcome": "closed"}))
    for name, value in (("ASSAY_CASES", url), ("ASSAY_LAKE", str(tmp_path / "lake")), ("ASSAY_INBOX", str(tmp_path / "inbox"))):
        monkeypatch.setenv(name, value)
    Lake.open(tmp_path / "lake", conf().house.buckets)
    said = CliRunner().invoke(app, ["feedback", str(path), "--person", ASSESSOR])
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[0] == "filled.xlsx: 9 actions done, 0 repeated, 1 refused"
    assert lines[1].strip().startswith(f"filled.xlsx:{CASE_SHEET}:6: unreadable: outcome_on: give the day of the outcome")
    assert lines[2] == "15 events exported to the inbox"  # 6 pushed and 9 of the list
    assert (tmp_path / "inbox" / "case_event" / "000001.jsonl").is_file()
    assert state(store)[case_id(1)] == "closed"
    store.close()
