"""Amounts and dates as documents print them, turned into decimals and days, or refused by name and place."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from lxml import etree

from jobs.sources.standards.nodes import first, missing, place, said
from jobs.sources.standards.xml import Refused

T = TypeVar("T")
MOST_DIGITS = 18
"""Digits before the point; what is larger is no amount of money in any currency."""
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_GROUPED = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d{1,3}(?:[  ']\d{3})+(?:[.,]\d+)?)", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,(?:\d{1,2}|\d{4,})", re.ASCII)
_DAY = re.compile(r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|年(\d{1,2})月(\d{1,2})日?|(\d{2})(\d{2}))(?=$|[T\sZ+-]|\d{4,6}$)", re.ASCII)
_WIDTH = str.maketrans("０１２３４５６７８９．，－＋　", "0123456789.,-+ ")


def amount(text: str) -> Decimal | None:
    """The number a text stands for; None when it is none or could be two (`1,234`).

    XML Schema's decimals are the rule. Full-width digits, a currency sign before, grouped thousands and a decimal comma are
    understood where they can mean one thing only.
    """
    if _PLAIN.fullmatch(text):
        return _bounded(text)
    text = text.translate(_WIDTH).strip().lstrip("¥￥$€£").strip().replace("\u2212", "-")
    if _PLAIN.fullmatch(text):
        return _bounded(text)
    if _COMMA.fullmatch(text):
        return _bounded(text.replace(",", "."))
    if found := _GROUPED.fullmatch(text):
        return _bounded(found[1] + _ungrouped(found[2]))
    return None


def _ungrouped(text: str) -> str:
    last = max(text.rfind("."), text.rfind(","))
    if last < 0 or text.count(text[last]) > 1:
        return re.sub(r"\D", "", text)
    return re.sub(r"\D", "", text[:last]) + "." + text[last + 1 :]


def _bounded(text: str) -> Decimal | None:
    found = Decimal(text)
    return found if found.adjusted() < MOST_DIGITS and len(text) < 60 else None


def day(text: str) -> date | None:
    """The day of an ISO date or time, `20260131`, `2026/1/31` or `2026年1月31日`; None when it is none."""
    found = _DAY.match(text.translate(_WIDTH).strip())
    if not found:
        return None
    year, *parts = (int(g) for g in found.groups() if g)
    try:
        return date(year, parts[0], parts[1])
    except ValueError:
        return None


def money(element: etree._Element, path: str) -> Decimal | None:
    """The amount at a path, None when there is none. Refused when it is no number."""
    return _at(element, path, number_of)


def _at(element: etree._Element, path: str, read: Callable[[etree._Element, str], T]) -> T | None:
    found = first(element, path)
    text = said(found) if found is not None else None
    return None if text is None or found is None else read(found, text)


def number_of(element: etree._Element, text: str, name: str | None = None) -> Decimal:
    """A text of an element as a number. Refused, with name and place, when it is none."""
    found = amount(text)
    if found is None:
        name = name or etree.QName(element).localname
        raise Refused(f"amount:{name}", f"{name} '{text[:40]}' is no amount of at most {MOST_DIGITS} digits written like -1234.50", "have it corrected", place(element))
    return found


def date_at(element: etree._Element, path: str) -> date | None:
    """The day at a path, None when there is none. Refused when it is no date."""
    return _at(element, path, day_of)


def needed_date(element: etree._Element, *paths: str) -> date:
    """The day at the first of several paths that has one. Refused when none has, or it is no date."""
    found = next((d for p in paths if (d := date_at(element, p)) is not None), None)
    if found is None:
        raise missing(element, paths[0])
    return found


def day_of(element: etree._Element, text: str, name: str | None = None) -> date:
    """A text of an element as a day. Refused, with name and place, when it is none."""
    found = day(text)
    if found is None:
        name = name or etree.QName(element).localname
        raise Refused(f"date:{name}", f"{name} '{text[:40]}' is no date such as 2026-01-31", "have it corrected", place(element))
    return found
