"""What an inspector may see of a selection: the random slice must not show (双随机).

Cases chosen at random and cases chosen by the model alone are called comprehensive (综合) alike. Their level, value, amount and points are
not shown, and of their reasons only the features: as many of each case's first ones as every such case has, so that none stands out by
their number. (Selection gives random cases a keyed place among the others.) So two lists that differ only in which of these cases were
random are the same, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import COMPREHENSIVE

Row = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One case as its list shows it. Amounts in cents; None: not shown."""

    case_id: str
    taxpayer_id: str
    office_id: str
    treatment: str
    risk_code: str
    rank: int
    level: str | None
    amount: int | None
    effort_days: float
    points: tuple[Row, ...] = ()
    reasons: tuple[Row, ...] = field(default=())


def entries(tables: Mapping[str, pa.Table]) -> list[Entry]:
    """The cases of a night as shown, by office, treatment and rank. Reads selection, risk_point and reason."""
    selection = tables["selection"].to_pylist()
    ids = pa.array([r["taxpayer_id"] for r in selection], pa.string())
    points = {p["point_id"]: p for p in of_taxpayers(tables["risk_point"], ids)}
    reasons = _by_taxpayer(of_taxpayers(tables["reason"], ids))
    common = _in_common(selection, reasons)
    order = sorted(selection, key=lambda r: (r["office_id"], r["treatment"], r["rank"], r["taxpayer_id"]))
    return [_entry(row, points, reasons.get(row["taxpayer_id"], []), common) for row in order]


def comprehensive(row: Mapping[str, Any]) -> bool:
    """Chosen at random, or by the model with no point behind it."""
    return row["case_source"] == "random" or not row["points"]


def main_code(points: Iterable[Mapping[str, Any]]) -> str:
    """The risk code with the largest amount, then the first by name; comprehensive when there is no point."""
    largest = min(points, key=lambda p: (-stake(p), p["risk_code"]), default=None)
    return str(largest["risk_code"]) if largest else COMPREHENSIVE


def of_taxpayers(table: pa.Table, ids: pa.Array) -> list[Row]:
    """The rows of a table that are about these taxpayers."""
    rows: list[Row] = table.filter(pc.is_in(table["taxpayer_id"], value_set=ids)).to_pylist()
    return rows


def _entry(row: Row, points: Mapping[str, Row], reasons: list[Row], common: int) -> Entry:
    hidden = comprehensive(row)
    own = () if hidden else tuple(points[p] for p in sorted(row["points"]) if p in points)
    ordered = sorted(reasons, key=lambda r: r["ordinal"])
    shown = [r for r in ordered if r["kind"] == "feature"][:common] if hidden else ordered
    return Entry(
        case_id=row["case_id"], taxpayer_id=row["taxpayer_id"], office_id=row["office_id"], treatment=row["treatment"], risk_code=main_code(own), rank=row["rank"],
        level=None if hidden else row["level"], amount=None if hidden else _cents(row["amount"]), effort_days=float(row["effort_days"] or 0),
        points=tuple(sorted(own, key=lambda p: (-stake(p), p["point_id"]))), reasons=tuple(_reason(r) for r in shown),
    )


def _reason(row: Row) -> Row:
    return {"text": row["text"], "text_zh": row["text_zh"], "numbers": json.loads(row["numbers"] or "{}"), "point_id": row["point_id"]}


def _in_common(selection: list[Row], reasons: Mapping[str, list[Row]]) -> int:
    """How many features every comprehensive case has among its reasons."""
    counts = (sum(r["kind"] == "feature" for r in reasons.get(row["taxpayer_id"], [])) for row in selection if comprehensive(row))
    return min(counts, default=0)


def _by_taxpayer(rows: list[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["taxpayer_id"], []).append(row)
    return groups


def stake(point: Mapping[str, Any]) -> int:
    """Tax at stake of a point in cents: fraud needs intent, so it runs by the limit for evasion; zero where no amount can be computed."""
    return _cents(point["amount_evasion" if point["fraud"] else "amount_error"]) or 0


def _cents(amount: Any) -> int | None:
    return None if amount is None else int(amount * 100)
