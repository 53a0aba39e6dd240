"""What the page of a list saved comes back: the same actions as by the workbook, text that stays text, and each fault with its file, line, column and remedy."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jobs.respond.feedback import Applied
from jobs.respond.handover import hand_over
from jobs.respond.lists import write_lists
from jobs.respond.records import CaseAction
from jobs.respond.returned_csv import CASE_SHEET, COLUMNS, HEADINGS, NEW_SHEET, POINT_SHEET, UnreadableList
from jobs.respond.returned_list import import_list
from jobs.respond.store import Store
from tests.respond.helpers import AS_OF, DISTRICT, OFFICIAL, case_id, conf, drawn, point, taxpayer_id
from tests.respond.test_returned_list import ASSESSOR, COST, SALES, filled, full_work, state

Row = dict[str, str]


@pytest.fixture
def handed(lite: Store) -> Store:
    """The cases of the drawn night."""
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    return lite


def of_case(n: int, **cells: str) -> Row:
    return {"sheet": CASE_SHEET, "case_id": case_id(n), "taxpayer_id": taxpayer_id(n), "name": f"宁波市第{n}贸易有限公司", **cells}


def of_point(n: int, risk_code: str = "vat_sales_understated", tax: str = "VAT", **cells: str) -> Row:
    return {"sheet": POINT_SHEET, "case_id": case_id(n), "name": f"宁波市第{n}贸易有限公司", "point_id": point(n, risk_code, tax)["point_id"], "risk_code": risk_code, "tax": tax, **cells}


def of_new(n: int, **cells: str) -> Row:
    return {"sheet": NEW_SHEET, "case_id": case_id(n), **cells}


BEGUN = of_case(1, received_on="2026-02-01", begun_on="2026-02-03")
ANSWER = of_point(1, answered_on="2026-02-20", result="confirmed", adjusted="24395.55")
WORK = [  # what full_work() says, as the page saves it
    of_case(1, received_on="2026-02-01", begun_on="2026-02-03", outcome="closed", outcome_on="2026-03-01", effort_spent="4.5", remark="已补缴"),
    ANSWER, of_point(1, "cit_cost_inflated", "CIT", answered_on="2026-02-21", result=" excluded ", reason_code="innocent_explanation", remark="'=1+1"),
    of_case(2, outcome="returned", outcome_on="2026-02-02", outcome_reason="wrong_office"), of_case(5, received_on="2026-02-01", begun_on="2026-02-02"),
    of_new(5, risk_code="vat_sales_understated", tax="VAT", period_from="2026-01-01", period_to="2026-01-31", answered_on="2026-02-09", adjusted="-300"),
]


def text_of(*given: Row, columns: tuple[str, ...] = COLUMNS, headings: bool = True, delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns)
    if headings:
        writer.writerow([dict(zip(COLUMNS, HEADINGS)).get(c, c) for c in columns])
    writer.writerows([row.get(c, "") for c in columns] for row in given)
    return out.getvalue()


def saved(tmp_path: Path, *given: Row, **more: Any) -> Path:
    path = tmp_path / "saved.csv"
    path.write_bytes(text_of(*given, **more).encode("utf-8-sig"))
    return path


def test_what_the_page_saved_does_what_the_workbook_would(handed: Store, tmp_path: Path) -> None:
    done = import_list(handed, conf(), saved(tmp_path, *WORK), ASSESSOR)
    assert done == Applied(9, 0, ())
    now = state(handed)
    assert [now[case_id(n)] for n in (1, 2, 5, 6)] == ["closed", "returned", "answered", "pushed"]
    assert now[SALES] == ("answered", "confirmed", None, 2_439_555) and now[COST] == ("answered", "excluded", "innocent_explanation", 0)
    with handed.read() as session:
        closed = session.scalars(select(CaseAction).where(CaseAction.kind == "closed")).one()
        assert (closed.event_on, closed.effort_days, closed.text, closed.person, closed.office_id) == (date(2026, 3, 1), 4.5, "已补缴", ASSESSOR, DISTRICT)
        assert session.scalars(select(CaseAction.text).where(CaseAction.reason_code == "innocent_explanation")).one() == "=1+1"  # a text, as it was typed
        new = session.scalars(select(CaseAction).where(CaseAction.result == "new")).one()
        assert (new.case_id, new.amount, new.period_to) == (case_id(5), -30_000, date(2026, 1, 31))


def test_the_same_answers_by_page_and_by_workbook_count_once(handed: Store, tmp_path: Path) -> None:
    work = [{k: v for k, v in row.items() if v != "'=1+1"} for row in WORK]  # in a workbook that is a formula, which has no value
    assert import_list(handed, conf(), saved(tmp_path, *work), ASSESSOR).done == 9
    before = state(handed)
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    assert import_list(handed, conf(), saved(tmp_path, *work), ASSESSOR) == Applied(0, 9, ())
    assert import_list(handed, conf(), filled(tmp_path / f"{DISTRICT}.xlsx", *full_work()), ASSESSOR) == Applied(0, 9, ())
    assert state(handed) == before


@pytest.mark.parametrize(("change", "done"), [
    (lambda text: text.encode(), 3),  # no byte order mark
    (lambda text: text.replace("\r\n", "\n").encode("utf-8-sig"), 3),
    (lambda text: text.replace(HEADINGS[0], "工作表").encode(), 3),  # another heading for people: its row says nothing, and is refused
    (lambda text: (text + "\r\n," + "," * (len(COLUMNS) - 2) + "\r\n").encode(), 3),  # empty rows at the end, as spreadsheets leave them
])
def test_what_programs_change_by_themselves_is_no_change(handed: Store, tmp_path: Path, change: Callable[[str], bytes], done: int) -> None:
    path = tmp_path / "saved.csv"
    path.write_bytes(change(text_of(BEGUN, ANSWER)))
    assert import_list(handed, conf(), path, ASSESSOR).done == done


def test_columns_may_stand_in_another_order_and_without_headings(handed: Store, tmp_path: Path) -> None:
    assert import_list(handed, conf(), saved(tmp_path, BEGUN, ANSWER, columns=COLUMNS[::-1], headings=False), ASSESSOR) == Applied(3, 0, ())


LONG = "x" * 140_000
MALFORMED = [  # the file, what the message says: file, line, fault and remedy
    (b"", "saved.csv:1: is empty"),
    (b"hello\n", "saved.csv:1: the list lacks sheet, case_id"),
    (text_of(BEGUN, delimiter=";").encode(), "saved.csv:1: is separated by ';', not by commas"),
    (text_of(BEGUN, delimiter="\t").encode(), r"saved.csv:1: is separated by '\\t', not by commas"),
    (text_of(BEGUN, columns=tuple(c for c in COLUMNS if c != "result")).encode(), "saved.csv:1: the list lacks result; send the file back"),
    (text_of(BEGUN, columns=(*COLUMNS, "score")).encode(), "saved.csv:1: the list does not know score"),
    (text_of(BEGUN, columns=(*COLUMNS, "result")).encode(), "saved.csv:1: the list names a column twice"),
    (text_of(BEGUN).encode("gb18030"), "saved.csv:2: is no UTF-8 text; send the file back as the page saved it, or as 'CSV UTF-8'"),
    (text_of(BEGUN).encode("utf-16"), "saved.csv:1: is no UTF-8 text"),
    (text_of(BEGUN).encode() + b'"\xe5\xae"', "saved.csv:4: is no UTF-8 text"),
    (text_of(BEGUN, of_case(2, remark="a\0b")).encode(), "saved.csv:4: is no UTF-8 text"),
    ((text_of(BEGUN) + '"never closed,x\n\n\n').encode(), r"saved.csv:4: is no CSV \(unexpected end of data\)"),
    ((text_of(BEGUN) + '"closed" early,x\r\n').encode(), "saved.csv:4: is no CSV"),
    (text_of(BEGUN, of_case(2, remark=LONG)).encode(), "saved.csv:4: is no CSV .field larger"),
]


@pytest.mark.parametrize(("content", "says"), MALFORMED)
def test_a_file_that_is_no_list_is_refused_as_a_whole(handed: Store, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "saved.csv"
    path.write_bytes(content)
    before = state(handed)
    with pytest.raises(UnreadableList, match=f"^{says}"):
        import_list(handed, conf(), path, ASSESSOR)
    assert state(handed) == before


def test_a_file_that_is_not_there_or_too_large_is_said_to_be(handed: Store, tmp_path: Path) -> None:
    with pytest.raises(UnreadableList, match=r"missing\.csv: cannot be read"):
        import_list(handed, conf(), tmp_path / "missing.csv", ASSESSOR)
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(20_000_001)
    with pytest.raises(UnreadableList, match=r"large\.csv: is larger than 20,000,000 bytes"):
        import_list(handed, conf(), large, ASSESSOR)


BAD_ROWS = [  # the row at line 4, its code, what the message begins with
    ({**ANSWER, "sheet": "Points"}, "unreadable", "sheet: must be one of 案件 Cases, 风险点 Points, 新发现 New, is 'Points'"),
    ({**ANSWER, "sheet": ""}, "unreadable", "sheet: must be"),
    ({**ANSWER, "outcome": "closed"}, "unreadable", "outcome: must be empty in a row of '风险点 Points'"),
    ({**of_case(6, received_on="2026-02-01"), "result": "confirmed", "adjusted": "5"}, "unreadable", "result, adjusted: must be empty in a row of '案件 Cases'"),
    ({**ANSWER, "adjusted": "两万元"}, "unreadable", "adjusted: must be a number, is '两万元'"),
    ({**ANSWER, "adjusted": "24,395.55"}, "unreadable", "adjusted: must be a number, is '24,395.55'"),
    ({**ANSWER, "adjusted": "1.234,50"}, "unreadable", "adjusted: must be"),
    ({**ANSWER, "adjusted": "NaN"}, "unreadable", "adjusted: must be"),
    ({**ANSWER, "adjusted": "=2*3"}, "unreadable", "adjusted: must be a number, is '=2*3'"),
    ({**ANSWER, "answered_on": "20/02/2026"}, "unreadable", "answered_on: must be a date such as 2026-03-31"),
    ({**ANSWER, "answered_on": ""}, "unreadable", "answered_on: give the day of the answer"),
    ({**ANSWER, "result": ""}, "unreadable", "result: choose one"),
    (of_point(1, remark="spoke to the accountant"), "unreadable", "result: choose one"),  # not lost without a word
    (of_case(6, remark="see file"), "unreadable", "outcome: choose"),
    (of_case(6, outcome="dropped", outcome_on="2026-02-04", outcome_reason="lapsed", effort_spent="-1"), "unreadable", "effort_spent: must be a number that is not negative"),
    (of_new(1, risk_code="x", tax="VAT", answered_on="2026-02-09", adjusted="1"), "new_point", "a new point needs"),
    ({**ANSWER, "result": "maybe"}, "result", "'maybe' is no answer"),
    ({**ANSWER, "name": "另一家公司"}, "locked", "name: changed in the list"),
    ({**ANSWER, "case_id": case_id(2), "name": "宁波市第2贸易有限公司"}, "state", ""),  # the case is not begun; the point would not be its own either
    ({**ANSWER, "risk_code": "cit_cost_inflated", "tax": "CIT"}, "locked", "risk_code, tax: changed"),
    (of_case(6, received_on="2026-02-01") | {"taxpayer_id": "9.133E+17"}, "locked", "taxpayer_id: changed"),
    (of_case(6, received_on="2026-02-01") | {"case_id": "C-none"}, "unknown_case", ""),
]


@pytest.mark.parametrize(("row", "code", "says"), BAD_ROWS)
def test_a_bad_row_is_refused_with_its_line_and_the_good_ones_arrive(handed: Store, tmp_path: Path, row: Row, code: str, says: str) -> None:
    good = of_point(1, "cit_cost_inflated", "CIT", answered_on="2026-02-21", result="not_examined")
    done = import_list(handed, conf(), saved(tmp_path, BEGUN, row, good), ASSESSOR)
    assert [(r.place, r.code) for r in done.refused] == [("saved.csv:4", code)] and done.refused[0].message.startswith(says)
    assert code != "unreadable" or done.refused[0].message.endswith("correct the row and send the list again")
    assert done.done == 3 and state(handed)[SALES][0] == "open" and state(handed)[COST][:2] == ("answered", "not_examined")


def test_a_row_with_a_cell_too_many_is_refused_and_lines_within_a_cell_are_counted(handed: Store, tmp_path: Path) -> None:
    path = tmp_path / "saved.csv"
    text = text_of(of_case(1, received_on="2026-02-01", begun_on="2026-02-03", outcome="dropped", outcome_on="2026-02-04", outcome_reason="lapsed", remark="two\nlines"))
    path.write_text(text + ",".join(["x"] * 9) + "\r\n", encoding="utf-8", newline="")
    done = import_list(handed, conf(), path, ASSESSOR)
    assert [(r.place, r.message.split(":")[0]) for r in done.refused] == [("saved.csv:5", f"9 cells, not {len(COLUMNS)}")]
    assert done.done == 3


def test_a_list_sent_by_somebody_without_the_post_does_nothing(handed: Store, tmp_path: Path) -> None:
    before = state(handed)
    done = import_list(handed, conf(), saved(tmp_path, BEGUN), "330205-assessor-01")
    assert (done.done, {r.code for r in done.refused}) == (0, {"not_granted"}) and state(handed) == before
