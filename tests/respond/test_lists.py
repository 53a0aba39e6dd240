"""The lists of a night: everything on them once, in one order, readable again, self-contained, and text that stays text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from jobs.respond.lists import list_html, write_lists
from jobs.respond.names import Names
from jobs.respond.office_list import office_lists
from jobs.respond.workbook import CASES, NEW, POINTS, SHEETS
from tests.respond.helpers import AS_OF, DISTRICT, INSPECTION, case_id, chosen, conf, drawn, person, point, reason, rows, taxpayer_id

CASE_SHEET, POINT_SHEET, NEW_SHEET = SHEETS
SALES, COST = point(1)["point_id"], point(1, "cit_cost_inflated", "CIT")["point_id"]
DANGEROUS = (
    "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1:A9)", "\t=1+1", "\r=1+1", '=HYPERLINK("http://evil.example","x")', "{=1+1}", "http://evil.example", "12345678901234567890",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "a\x00b\x08c", "' onmouseover='x", "贸易<b>公司</b>&amp;",
)


def sheet_rows(path: Path, sheet: str) -> list[dict[str, Any]]:
    """The rows under the two heading rows, by the machine's column names."""
    book = openpyxl.load_workbook(path)
    keys = [c.value for c in book[sheet][1]]
    return [dict(zip(keys, row)) for row in book[sheet].iter_rows(min_row=3, values_only=True)]


def with_words(words: str) -> dict[str, pa.Table]:
    """The drawn night with the same text wherever a text comes from outside: name, address, labels, sentences, reasons."""
    facts = {
        "declared": {"source": "vat_return", "field": "sales", "value": 8.0, "label_en": words, "label_zh": words, "unit": "currency"},
        "other": {"source": "invoice", "field": "net", "value": 9.5, "label_en": words, "label_zh": words, "unit": "currency"},
        "difference": 1.5, "sentence_en": words, "sentence_zh": words, "taxpayer_en": words, "taxpayer_zh": words,
    }
    night = drawn()
    return night | {
        "taxpayer": rows("taxpayer", [{**person(n, words), "address": words} for n in range(1, 8)]),
        "risk_point": rows("risk_point", [{**p, "facts": json.dumps(facts, ensure_ascii=False)} for p in night["risk_point"].to_pylist()]),
        "reason": rows("reason", [{**reason(n, 1, words), "text_zh": words} for n in (1, 2, 4)]),
    }


def test_every_case_of_an_office_is_on_its_list_once_and_letters_are_not(tmp_path: Path) -> None:
    written = write_lists(drawn(), AS_OF, conf(), tmp_path)
    assert sorted(p.name for p in written) == [f"{o}.{kind}" for o in (DISTRICT, INSPECTION) for kind in ("html", "xlsx")]
    expected = {DISTRICT: {1, 2, 5, 6}, INSPECTION: {4}}  # 3 and 7 get a letter
    for office, numbers in expected.items():
        cases = sheet_rows(tmp_path / f"{office}.xlsx", CASE_SHEET)
        assert sorted(r["case_id"] for r in cases) == sorted(case_id(n) for n in numbers)
        page = (tmp_path / f"{office}.html").read_text(encoding="utf-8")
        assert {n for n in range(1, 8) if case_id(n) in page} == numbers
        assert all(page.count(f'<span class="id">{case_id(n)}</span>') == 1 for n in numbers)


def test_the_order_is_total_and_the_files_do_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    tied = [chosen(n, "assess", DISTRICT, 1, []) for n in (4, 2, 3, 1)] + [chosen(5, "inspect", DISTRICT, 9, []), chosen(6, "interview", DISTRICT, 1, [])]
    night = drawn() | {"selection": rows("selection", tied)}
    turned = {k: v.take(pa.array(range(v.num_rows)[::-1], pa.int64())) for k, v in night.items()}
    first, again = write_lists(night, AS_OF, conf(), tmp_path / "a"), write_lists(turned, AS_OF, conf(), tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    listed = [r["taxpayer_id"] for r in sheet_rows(first[0], CASE_SHEET)]
    assert listed == [taxpayer_id(n) for n in (5, 1, 2, 3, 4, 6)]  # heaviest treatment first, then rank, then taxpayer_id
    page = first[1].read_text(encoding="utf-8")
    assert sorted(listed, key=lambda i: page.index(f'<span class="id">{i}</span>')) == listed


def test_numbers_and_dates_are_typed_and_read_back_as_they_were(tmp_path: Path) -> None:
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    case = sheet_rows(tmp_path / f"{DISTRICT}.xlsx", CASE_SHEET)[0]
    assert {k: case[k] for k in ("rank", "taxpayer_id", "name", "amount", "points", "effort_days", "term_days", "last_day")} == {
        "rank": 1, "taxpayer_id": taxpayer_id(1), "name": "宁波市第1贸易有限公司", "amount": 24395, "points": 2, "effort_days": 5, "term_days": 60, "last_day": datetime(2029, 1, 15),
    }
    assert case["why"].splitlines() == ["1. 理由：Declared sales are below invoices", "2. 理由：Costs are above peers"]
    points = sheet_rows(tmp_path / f"{DISTRICT}.xlsx", POINT_SHEET)
    assert [(p["case_id"], p["risk_code"], p["amount_error"]) for p in points] == [  # the largest of a case first
        (case_id(1), "cit_cost_inflated", 50000), (case_id(1), "vat_sales_understated", 24395), (case_id(2), "vat_sales_understated", 24395),
    ]
    assert [points[1][k] for k in ("point_id", "declared", "other", "difference", "period_from")] == [point(1)["point_id"], 800000, 987654.32, 187654.32, datetime(2025, 10, 1)]


def test_each_point_and_case_has_empty_columns_to_fill_in_with_their_choices(tmp_path: Path) -> None:
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    book = openpyxl.load_workbook(tmp_path / f"{DISTRICT}.xlsx")
    for name, heads in ((CASE_SHEET, CASES), (POINT_SHEET, POINTS), (NEW_SHEET, NEW)):
        sheet = book[name]
        assert sheet.row_dimensions[1].hidden and [c.value for c in sheet[1]] == [h.key for h in heads]
        fill = {h.key for h in heads if h.fill}
        assert {h.key for h, c in zip(heads, sheet[2]) if c.fill.fgColor.rgb == "FFF2C94C"} == fill
        for row in sheet.iter_rows(min_row=3):
            assert all(c.value is None and not c.protection.locked for h, c in zip(heads, row) if h.fill)
    choices = {str(v.formula1) for name in (CASE_SHEET, POINT_SHEET) for v in book[name].data_validations.dataValidation if v.type == "list"}
    assert choices == {
        '"closed,dropped,returned"', '"confirmed,in_part,excluded,not_examined"', '"data_wrong,innocent_explanation,threshold,policy_read_differently,already_corrected"',
        '"already_corrected,already_examined,conflict_of_interest,deregistered,duplicate,lapsed,no_capacity,not_found,wrong_office"',
    }


def test_the_page_has_the_same_columns_and_choices_to_fill_in_as_the_workbook(tmp_path: Path) -> None:
    """Per case and per point every yellow column of the workbook, empty; of new points all but the case, which the page knows."""
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    page = (tmp_path / f"{DISTRICT}.html").read_text(encoding="utf-8")
    parts = re.split(r'data-sheet="([^"]*)" data-locked="([^"]*)"', page)[1:]
    found = [(sheet, json.loads(html.unescape(locked)), re.findall(r'data-cell="(\w+)"', body)) for sheet, locked, body in zip(parts[::3], parts[1::3], parts[2::3])]
    fill = {sheet: [h.key for h in heads if h.fill and not (sheet == NEW_SHEET and h.key == "case_id")] for sheet, heads in SHEETS.items()}
    assert [(sheet, cells) for sheet, _, cells in found if cells != fill[sheet]] == []
    points = [(case_id(1), COST), (case_id(1), SALES), (case_id(2), point(2)["point_id"])]
    assert [(locked["case_id"], locked["point_id"]) for sheet, locked, _ in found if sheet == POINT_SHEET] == points
    for sheet in (CASE_SHEET, NEW_SHEET):
        assert [locked["case_id"] for s, locked, _ in found if s == sheet] == [case_id(n) for n in (1, 5, 2, 6)]
    choices = {tuple(re.findall(r'<option value="(\w+)"', chosen)) for chosen in re.findall(r"<select.*?</select>", page)}
    assert choices == {
        ("closed", "dropped", "returned"), ("confirmed", "in_part", "excluded", "not_examined"),
        ("data_wrong", "innocent_explanation", "threshold", "policy_read_differently", "already_corrected"),
        ("already_corrected", "already_examined", "conflict_of_interest", "deregistered", "duplicate", "lapsed", "no_capacity", "not_found", "wrong_office"),
    }
    assert not re.search(r"<input[^>]*\svalue=|\sselected\b", page)


@pytest.mark.parametrize("words", DANGEROUS)
def test_text_from_outside_is_never_a_formula_a_link_or_markup(tmp_path: Path, words: str) -> None:
    write_lists(with_words(words), AS_OF, conf(), tmp_path)
    kept = re.sub(r"[\x00-\x08\r]", "", words)
    for office in (DISTRICT, INSPECTION):
        book = openpyxl.load_workbook(tmp_path / f"{office}.xlsx")
        named = [c for sheet in (CASE_SHEET, POINT_SHEET) for row in book[sheet].iter_rows(min_row=3) for c in row if c.value is not None and book[sheet].cell(1, c.column).value == "name"]
        assert named and all(c.data_type == "s" and c.hyperlink is None and c.quotePrefix and c.value.split() == kept.split() for c in named)
        types = {c.data_type for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None}
        assert types <= {"s", "n", "d"}
        with zipfile.ZipFile(tmp_path / f"{office}.xlsx") as parts:
            assert not [n for n in parts.namelist() if "externalLink" in n or "vbaProject" in n or b"<f>" in parts.read(n) or b"TargetMode" in parts.read(n)]
        page = (tmp_path / f"{office}.html").read_text(encoding="utf-8")
        assert page.count("<script") == 1 and "<img" not in page and "alert(1)</script" not in page and "49" not in re.findall(r"<b>([^<]*)</b><br>", page)
        assert not re.search(r"<[^>]*\son\w+=[^>]*>", re.sub(r'"[^"]*"', '""', page))  # no handler among the attributes


def test_the_page_is_self_contained_and_runs_its_own_script_alone() -> None:
    for found in office_lists(drawn(), AS_OF, conf()):
        page = list_html(found, Names(conf(), AS_OF), ["lapsed"])
        assert not re.search(r"<(link|img|iframe|object|embed|base)\b|\bsrc\s*=|\bhref\s*=|@import|url\(|https?:", page)
        script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
        assert len(script) == 1 and "fetch" not in script[0] and "XMLHttp" not in script[0]
        policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
        digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
        assert policy == [f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"]


def test_a_taxpayer_nobody_registered_and_an_unknown_code_are_still_listed(tmp_path: Path) -> None:
    odd = chosen(1, "audit_of_tomorrow", "999999", 1, [point(1, "unheard_of")["point_id"]])
    night = drawn() | {"selection": rows("selection", [odd]), "taxpayer": rows("taxpayer", []), "risk_point": rows("risk_point", [{**point(1, "unheard_of"), "facts": None, "amount_error": None}])}
    write_lists(night, AS_OF, conf(), tmp_path)
    case = sheet_rows(tmp_path / "999999.xlsx", CASE_SHEET)[0]
    assert (case["name"], case["risk"], case["points"]) == (taxpayer_id(1), "unheard_of\nunheard_of", 1)
    assert sheet_rows(tmp_path / "999999.xlsx", POINT_SHEET)[0]["amount_error"] is None


def test_a_night_without_work_writes_no_list(tmp_path: Path) -> None:
    assert write_lists(drawn() | {"selection": rows("selection", [])}, date(2026, 1, 20), conf(), tmp_path) == []


def with_facts(stake: int, fraud: bool = False, evasion: int = 0, **facts: Any) -> dict[str, pa.Table]:
    """Taxpayer 1 with one point of these facts and this tax at stake."""
    one = point(1, facts=json.dumps(facts), amount_error=Decimal(stake), amount_evasion=Decimal(evasion or stake), fraud=fraud)
    return drawn() | {"selection": rows("selection", [chosen(1, "assess", DISTRICT, 1, [one["point_id"]], amount=Decimal(evasion or stake))]), "risk_point": rows("risk_point", [one])}


def side(value: float, unit: str = "currency") -> dict[str, Any]:
    return {"source": "vat_return", "field": "x", "value": value, "unit": unit, "label_en": "Label", "label_zh": "项目"}


@pytest.mark.parametrize(
    ("declared", "other", "difference", "larger", "text", "cell", "which"),
    [
        (side(1000.5), side(900.0), 100.5, "declared", "100.50", 100.5, "申报数较大 declared is larger"),
        (side(900.0), side(1000.5), 100.5, "other", "100.50", 100.5, "比对数较大 compared is larger"),
        (side(900.0), side(1001.0, "estimate"), 101.0, "other", "≈ 101", 101, "比对数较大 compared is larger"),
        (side(0.95, "share"), side(0.8, "share"), 0.15, "declared", "15.0 个百分点 pp", 0.15, "申报数较大 declared is larger"),
        (side(3.0, "count"), side(12.0, "count"), None, "neither", "—", None, None),
        (side(1000.5), side(900.0), -100.5, None, "100.50", 100.5, "申报数较大 declared is larger"),  # told before facts said which side
    ],
)
def test_a_difference_says_which_side_is_larger(tmp_path: Path, declared: Any, other: Any, difference: float | None, larger: str | None, text: str, cell: float | None, which: str | None) -> None:
    night = with_facts(500, declared=declared, other=other, difference=difference, **({"larger": larger} if larger else {}))
    write_lists(night, AS_OF, conf(), tmp_path)
    row = sheet_rows(tmp_path / f"{DISTRICT}.xlsx", POINT_SHEET)[0]
    assert (row["difference"], row["larger"]) == (cell, which)
    page = (tmp_path / f"{DISTRICT}.html").read_text(encoding="utf-8")
    assert f'<td class="num">{text}' in page and (which is None or f"{text}<br><span class=\"en\">{which}" in page)


def test_where_no_amount_can_be_computed_the_list_says_so_and_shows_no_zero(tmp_path: Path) -> None:
    write_lists(with_facts(0), AS_OF, conf(), tmp_path)
    page = (tmp_path / f"{DISTRICT}.html").read_text(encoding="utf-8")
    assert page.count('data-sort="0">无法计算 cannot be computed') == 1 and page.count("无法计算 cannot be computed") == 2  # the case and its point
    assert "cases without a computable amount: 1" in page
    assert sheet_rows(tmp_path / f"{DISTRICT}.xlsx", CASE_SHEET)[0]["amount"] is None and sheet_rows(tmp_path / f"{DISTRICT}.xlsx", POINT_SHEET)[0]["amount_error"] is None


def test_fraud_is_shown_with_what_is_at_stake_under_its_own_limit(tmp_path: Path) -> None:
    """The limit for error has run out, the one for evasion has not: nothing is not what is at stake."""
    write_lists(with_facts(0, fraud=True, evasion=700), AS_OF, conf(), tmp_path)
    assert sheet_rows(tmp_path / f"{DISTRICT}.xlsx", POINT_SHEET)[0]["amount_error"] == 700
