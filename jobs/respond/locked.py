"""The cells of a list that are not the inspector's to change, compared with the case store when the list comes back.

A workbook that was sorted by one column alone puts answers beside other cases: such a row is refused rather than booked to the wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from jobs.conf import COMPREHENSIVE
from jobs.respond.records import Case, TaskPoint
from jobs.respond.workbook import as_text

Cells = Mapping[str, Any]


def changed_cells(session: Session, cells: Cells) -> list[str]:
    """The locked columns of a row that differ from the store, in the order of their names; none where the store has no such case or point."""
    case = session.get(Case, _said(cells.get("case_id")))
    if case is None:
        return []
    expected = _of_case(case)
    if "point_id" in cells:
        point = session.get(TaskPoint, (case.case_id, _said(cells["point_id"])))
        expected = {} if point is None else _of_point(case, point)
    return sorted(name for name, value in expected.items() if name in cells and not _same(cells[name], value))


def _of_case(case: Case) -> dict[str, Any]:
    amount = None if case.risk_code == COMPREHENSIVE else case.amount / 100
    return {"taxpayer_id": case.taxpayer_id, "name": case.taxpayer_name, "amount": amount, "effort_days": case.effort_planned}


def _of_point(case: Case, point: TaskPoint) -> dict[str, Any]:
    stake = point.amount_evasion if point.fraud else point.amount_error
    amount = None if stake is None else stake / 100
    return {
        "name": case.taxpayer_name, "risk_code": point.risk_code, "tax": point.tax, "period_from": point.period_from, "period_to": point.period_to,
        "amount_error": amount, "until": point.until_error,
    }


def _same(cell: Any, value: Any) -> bool:
    if isinstance(value, int | float):
        return (cell is None and value == 0) or (isinstance(cell, int | float) and abs(cell - value) < 0.005)
    if isinstance(value, date):
        return _said(cell.date() if isinstance(cell, datetime) else cell) == value.isoformat()
    return _said(cell) == _said(value)


def _said(cell: Any) -> str:
    """A cell's text; spaces and line ends are not told apart, as spreadsheets change them."""
    return "" if cell is None else " ".join(as_text(cell).split())
