"""Pages: templates with escaping always on, and the few ways numbers and dates are written for people."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
TAX_ZH = {
    "VAT": "增值税", "CIT": "企业所得税", "PIT": "个人所得税", "SOCIAL": "社会保险费", "STAMP": "印花税", "PROPERTY": "房产税", "LVAT": "土地增值税",
}  # fmt: skip
TAX_EN = {
    "VAT": "Value added tax", "CIT": "Enterprise income tax", "PIT": "Individual income tax", "SOCIAL": "Social contributions", "STAMP": "Stamp duty", "PROPERTY": "Property tax",
    "LVAT": "Land VAT",
}  # fmt: skip
STATES_ZH = {
    "pushed": "已推送", "received": "已接收", "begun": "应对中", "answered": "已反馈", "reviewed": "已复核", "returned": "已退回", "dropped": "已终止", "closed": "已结案",
    "served": "已送达", "statement": "纳税人陈述", "statement_answered": "答复陈述", "point_answered": "风险点反馈", "paid": "入库", "appealed": "申请复议", "overturned": "撤销",
}
NO_AMOUNT = "无法计算 cannot be computed"  # nothing filed to reckon with: zero would read as nothing owed
_UNITS = {"currency": "{:,.2f}", "count": "{:,.0f}", "estimate": "≈ {:,.0f}"}


def amount(value: Any, unit: str = "currency") -> str:
    """A number for people: money with two decimals, an estimate and counts with none, shares in per cent, their difference in points; no number: a dash."""
    if value is None or value == "":
        return "—"
    if isinstance(value, str):
        return value
    number = float(value)
    if unit == "points":
        return f"{number * 100:,.1f} 个百分点 pp"
    return percent(number) if unit == "share" else _UNITS.get(unit, "{:,.2f}").format(number)


def percent(value: float) -> str:
    """A share with the digits it deserves, as the sentences write it (jobs/analyse/point_facts.py); nearly all is not all."""
    if 0.9995 <= value < 1:
        return ">99.9%"
    size = abs(value)
    return f"{value:,.0%}" if size >= 1 or not value else f"{value:.2%}" if size < 0.01 else f"{value:.1%}"


def cents(value: int | None) -> str:
    """Whole cents as money."""
    return "—" if value is None else f"{value / 100:,.2f}"


def at_stake(value: int | None) -> str:
    """Tax at stake in cents: a dash where it is not shown, words where nothing was filed from which it could be computed."""
    return NO_AMOUNT if value == 0 else cents(value)


def zh_date(value: date | str) -> str:
    """2026年1月20日."""
    day = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{day.year}年{day.month}月{day.day}日"


def zh_period(start: date | str, end: date | str) -> str:
    """A natural tax period in words: 2025年, 2025年第4季度, 2025年12月, else both days."""
    first, last = (date.fromisoformat(d) if isinstance(d, str) else d for d in (start, end))
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if months == 12 and first.month == 1:
        return f"{first.year}年度"
    if months == 3 and first.month % 3 == 1:
        return f"{first.year}年第{first.month // 3 + 1}季度"
    return f"{first.year}年{first.month}月" if months == 1 else f"{zh_date(first)}至{zh_date(last)}"


def en_period(start: date | str, end: date | str) -> str:
    """The same in English: 2025, Q4 2025, 2025-12, else both days."""
    first, last = (date.fromisoformat(d) if isinstance(d, str) else d for d in (start, end))
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if months == 12 and first.month == 1:
        return str(first.year)
    if months == 3 and first.month % 3 == 1:
        return f"Q{first.month // 3 + 1} {first.year}"
    return f"{first:%Y-%m}" if months == 1 else f"{first} to {last}"


def environment(*folders: Path) -> Environment:
    """A template environment whose output is escaped whatever the file is called; unknown names raise."""
    made = Environment(loader=FileSystemLoader([*map(str, folders), str(TEMPLATES)]), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"amount": amount, "cents": cents, "at_stake": at_stake, "zh_date": zh_date}
    made.globals |= {"zh_period": zh_period, "en_period": en_period, "tax_zh": TAX_ZH, "tax_en": TAX_EN, "state_zh": STATES_ZH, "css": Markup((TEMPLATES / "house.css").read_text(encoding="utf-8"))}
    return made


def page(template: str, **content: Any) -> str:
    """Render one of the room's own templates."""
    return environment().get_template(template).render(**content)
