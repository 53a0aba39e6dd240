"""The inspectors' list as a workbook that is filled in and sent back: typed numbers and dates, text that can never become a formula.

Row 1 of each sheet is hidden and holds the machine's column names, so that headings may be read by people in any language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import xlsxwriter

from jobs.respond.answers import EXCLUDED, RESULTS
from jobs.respond.office_list import LEVELS, ListedCase, ListedPoint, OfficeList

OUTCOMES = ("closed", "dropped", "returned")
NEW_ROWS = 30
_ILLEGAL = dict.fromkeys([*range(0, 9), *range(11, 32), 127])  # control characters a workbook may not hold, and returns, which it would spell out


@dataclass(frozen=True)
class Head:
    """One column: the machine's name, headings, width, the kind of its cells; `fill` columns are the inspector's."""

    key: str
    zh: str
    en: str
    width: int
    kind: str = "text"
    fill: bool = False
    choices: tuple[str, ...] = ()


CASES = (
    Head("rank", "序号", "No.", 6, "count"), Head("case_id", "案件编号", "Case", 25), Head("taxpayer_id", "纳税人识别号", "Tax id", 21), Head("name", "纳税人名称", "Taxpayer", 30),
    Head("treatment", "应对方式", "Treatment", 13), Head("risk", "案由", "What it is about", 26), Head("level", "风险等级", "Level", 9), Head("amount", "涉及税额（空白：无法计算）", "Tax at stake (blank: cannot be computed)", 17, "money"),
    Head("points", "风险点数", "Points", 8, "count"), Head("effort_days", "计划人天", "Days planned", 9, "number"), Head("term_days", "期限（送达后天数）", "Term, days from service", 11, "count"),
    Head("last_day", "最早追征期限", "Assessable until", 13, "date"), Head("why", "选案理由", "Why", 60),
    Head("received_on", "接收日期", "Received on", 12, "date", True), Head("begun_on", "开始日期", "Begun on", 12, "date", True),
    Head("outcome", "结案方式", "Outcome", 12, "text", True, OUTCOMES), Head("outcome_on", "结案日期", "Outcome on", 12, "date", True),
    Head("outcome_reason", "退回/终止原因", "Reason if dropped or returned", 18, "text", True), Head("effort_spent", "实际人天", "Days spent", 10, "number", True),
    Head("remark", "备注", "Remark", 30, "text", True),
)
POINTS = (
    Head("case_id", "案件编号", "Case", 25), Head("name", "纳税人名称", "Taxpayer", 28), Head("point_id", "风险点编号", "Point", 23), Head("risk", "风险点", "Risk point", 28),
    Head("risk_code", "风险代码", "Code", 24), Head("tax", "税种", "Tax", 7), Head("period_from", "所属期起", "From", 12, "date"), Head("period_to", "所属期止", "To", 12, "date"),
    Head("declared_label", "申报项目", "Declared item", 22), Head("declared", "申报数", "Declared", 16, "number"), Head("other_label", "比对项目", "Compared with", 22),
    Head("other", "比对数", "Value there", 16, "number"), Head("difference", "差异（大减小）", "Difference, larger less smaller", 16, "number"), Head("larger", "较大一方", "Larger side", 18),
    Head("amount_error", "涉及税额（空白：无法计算）", "Tax at stake (blank: cannot be computed)", 17, "money"),
    Head("until", "追征期限", "Assessable until", 13, "date"), Head("sentence", "说明", "In words", 60),
    Head("answered_on", "反馈日期", "Answered on", 12, "date", True), Head("result", "核查结果", "Result", 14, "text", True, tuple(r for r in RESULTS if r != "new")),
    Head("reason_code", "排除原因", "Reason if excluded", 22, "text", True, EXCLUDED), Head("adjusted", "调整税额", "Tax adjusted", 15, "money", True),
    Head("remark", "备注", "Remark", 30, "text", True),
)
NEW = (
    Head("case_id", "案件编号", "Case", 25, "text", True), Head("risk_code", "风险代码", "Risk code", 26, "text", True), Head("tax", "税种", "Tax", 9, "text", True),
    Head("period_from", "所属期起", "From", 12, "date", True), Head("period_to", "所属期止", "To", 12, "date", True), Head("answered_on", "反馈日期", "Found on", 12, "date", True),
    Head("adjusted", "调整税额", "Tax adjusted", 15, "money", True), Head("remark", "备注", "Remark", 40, "text", True),
)
SHEETS = {"案件 Cases": CASES, "风险点 Points": POINTS, "新发现 New": NEW}
_GUIDE = (
    ("黄色列由办案人员填写后发回。其他列请勿改动。", "Yellow columns are yours to fill in; send the workbook back. Leave the others as they are."),
    ("“风险点 Points”逐条反馈：confirmed 确认有问题；in_part 部分有问题；excluded 排除（须选原因）；not_examined 未核查。", "Answer each row of Points: confirmed, in_part, excluded (with its reason) or not_examined."),
    ("排除原因：data_wrong 数据有误；innocent_explanation 情况属实、理由正当；threshold 未达标准；policy_read_differently 政策理解不同；already_corrected 已自行更正。", "Reasons for excluding: data_wrong, innocent_explanation, threshold, policy_read_differently, already_corrected."),
    ("确认或部分确认须填“调整税额”（元）；调减填负数。", "confirmed and in_part need the tax adjusted, in currency units; a downward adjustment is negative."),
    ("未列出的问题请填在“新发现 New”。综合检查案件的发现都填在该表。", "Faults that are not listed go to New; so do all findings of a comprehensive examination."),
    ("综合检查未发现问题的，直接结案（closed）；未实施检查的，请填终止（dropped）及原因。", "A comprehensive examination that found nothing is closed; one that was not carried out is dropped, with the reason."),
    ("结案前：每个风险点都须有结果，纳税人的陈述、申辩须已答复。", "Before a case is closed every point has a result and every statement of the taxpayer an answer."),
)


def write_workbook(found: OfficeList, path: Path, reasons: Sequence[str]) -> None:
    """Write one office's list. `reasons`: the codes a dropped or returned case may give."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "constant_memory": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": f"{found.office.zh} {found.as_of}", "created": datetime.combine(found.as_of, time()), "comments": found.office.en})
        styles = _styles(book)
        heads = sheets(reasons)
        content: dict[str, list[dict[str, Any]]] = {
            "案件 Cases": [_case(c) for c in found.cases], "风险点 Points": [_point(c, p) for c in found.cases for p in c.points], "新发现 New": [{}] * NEW_ROWS,
        }
        for name, columns in heads.items():
            _sheet(book, name, columns, content[name], styles)
        guide = book.add_worksheet("填写说明 Guide")
        guide.set_column(0, 0, 110)
        for row, (zh, en) in enumerate(_GUIDE):
            guide.write_string(row * 3, 0, zh, styles["strong"])
            guide.write_string(row * 3 + 1, 0, en, styles["wrap"])


def sheets(reasons: Sequence[str]) -> dict[str, tuple[Head, ...]]:
    """The columns of each sheet, with the codes that a dropped or returned case may give."""
    cases = tuple(Head(h.key, h.zh, h.en, h.width, h.kind, h.fill, tuple(reasons)) if h.key == "outcome_reason" else h for h in CASES)
    return {**SHEETS, "案件 Cases": cases}


def _styles(book: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "top", "border": 1, "border_color": "#D9DEE4"}
    kinds: dict[str, dict[str, Any]] = {"text": {"text_wrap": True, "quote_prefix": True, "num_format": "@"}, "money": {"num_format": "#,##0.00"}, "number": {"num_format": "#,##0.00##"}, "count": {"num_format": "0"}, "date": {"num_format": "yyyy-mm-dd"}}
    styles = {kind: book.add_format({**base, **more}) for kind, more in kinds.items()}
    styles |= {f"fill_{kind}": book.add_format({**base, **more, "bg_color": "#FFF8E1", "quote_prefix": False, "locked": False}) for kind, more in kinds.items()}
    styles["head"] = book.add_format({**base, "bold": True, "font_color": "#FFFFFF", "bg_color": "#1F4E79", "text_wrap": True, "valign": "vcenter"})
    styles["fill_head"] = book.add_format({**base, "bold": True, "bg_color": "#F2C94C", "text_wrap": True, "valign": "vcenter"})
    styles["strong"] = book.add_format({"font_name": "Microsoft YaHei", "font_size": 11, "text_wrap": True})
    styles["wrap"] = book.add_format({"font_name": "Microsoft YaHei", "font_size": 10, "text_wrap": True, "font_color": "#5B6875"})
    return styles


def _sheet(book: Any, name: str, heads: Sequence[Head], rows: Sequence[dict[str, Any]], styles: dict[str, Any]) -> None:
    sheet = book.add_worksheet(name)
    sheet.set_row(0, None, None, {"hidden": True})
    sheet.set_row(1, 44)
    for column, head in enumerate(heads):
        sheet.set_column(column, column, head.width)
        sheet.write_string(0, column, head.key)
        sheet.write_string(1, column, f"{head.zh}\n{head.en}", styles["fill_head" if head.fill else "head"])
        for number, row in enumerate(rows, start=2):
            _cell(sheet, number, column, head, row.get(head.key), styles)
        _validation(sheet, column, head, len(rows) + 1)
    sheet.freeze_panes(2, next((n + 1 for n, h in enumerate(heads) if h.key == "name"), 1))
    sheet.autofilter(1, 0, max(len(rows) + 1, 2), len(heads) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(1)


def _cell(sheet: Any, row: int, column: int, head: Head, value: Any, styles: dict[str, Any]) -> None:
    style = styles[f"fill_{head.kind}" if head.fill else head.kind]
    if value is None or value == "":
        sheet.write_blank(row, column, None, style)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, datetime.combine(value, time()), style)
    elif isinstance(value, int | float) and head.kind != "text":
        sheet.write_number(row, column, value, style)
    else:
        sheet.write_string(row, column, as_text(value), styles["fill_text" if head.fill else "text"])


def as_text(value: Any) -> str:
    """A value as the text a cell may hold: no control characters, and not longer than a cell."""
    return str(value).translate(_ILLEGAL)[:32000]


def _validation(sheet: Any, column: int, head: Head, last: int) -> None:
    if not head.fill or last < 2:
        return
    rule: dict[str, Any] | None = None
    if head.choices:
        rule = {"validate": "list", "source": list(head.choices), "error_message": "请从列表中选择 Choose from the list"}
    elif head.kind == "date":
        rule = {"validate": "date", "criteria": ">=", "value": date(2000, 1, 1), "error_message": "请填日期，如 2026-03-31 Give a date"}
    elif head.kind in ("money", "number"):
        rule = {"validate": "decimal", "criteria": "between", "minimum": 0 if head.kind == "number" else -1e13, "maximum": 1e13, "error_message": "请填数字 Give a number"}
    if rule:
        sheet.data_validation(2, column, last, column, {**rule, "ignore_blank": True})


def _case(case: ListedCase) -> dict[str, Any]:
    entry = case.entry
    why: Iterable[str] = (f"{n}. {r['text_zh'] or r['text']}" for n, r in enumerate(entry.reasons, start=1))
    return {
        "rank": entry.rank, "case_id": entry.case_id, "taxpayer_id": entry.taxpayer_id, "name": case.name, "treatment": f"{case.treatment.zh} {case.treatment.en}",
        "risk": f"{case.code.zh}\n{case.code.en}", "level": f"{LEVELS[entry.level].zh} {entry.level}" if entry.level in LEVELS else None, "amount": entry.amount / 100 if entry.amount else None,
        "points": len(case.points) or None, "effort_days": entry.effort_days, "term_days": case.term_days, "last_day": case.last_day, "why": "\n".join(why),
    }


def _point(case: ListedCase, point: ListedPoint) -> dict[str, Any]:
    row = point.row
    return {
        "case_id": case.entry.case_id, "name": case.name, "point_id": row["point_id"], "risk": f"{point.name.zh}\n{point.name.en}", "risk_code": row["risk_code"], "tax": row["tax"],
        "period_from": row["period_from"], "period_to": row["period_to"], "declared_label": point.declared.get("label_zh"), "declared": _number(point.declared.get("value")),
        "other_label": point.other.get("label_zh"), "other": _number(point.other.get("value")), "difference": _number(point.difference), "larger": f"{point.larger.zh} {point.larger.en}" if point.larger else None,
        "amount_error": point.stake / 100 or None, "until": point.until, "sentence": f"{point.sentence.zh}\n{point.sentence.en}".strip(),
    }


def _number(value: Any) -> float | None:
    return float(value) if value is not None and not isinstance(value, str | bool) else None
