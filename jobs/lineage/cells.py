"""A reading of a rule as a cell: told again from silver rows by the tracer of its table, and held against what the rule saw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from jobs.lake.tables import table
from jobs.lineage.bought import AMOUNT, by_month, partner_parts
from jobs.lineage.cell import Cell, Part, Unit, added
from jobs.lineage.declared import ORIGINS, month_parts
from jobs.lineage.filed import filing_parts
from jobs.lineage.known import Known
from jobs.lineage.others import OWNER_COUNTS, owner_parts, peer_part
from jobs.lineage.probe import Reading

_OF_FILING = {
    "due": "tax due as now declared", "due_first": "tax due as first declared", "paid": "tax paid for the period", "lowered": "fall of tax due by amendments",
    "late_money_days": "tax due x days late", "owed": "returns owed and past grace", "not_due": "returns not yet past grace", "filed": "returns filed in time", "late": "returns filed late",
    "missing": "returns missing after grace", "unknown": "returns of which nobody's has arrived",
}  # fmt: skip
_MONEY_OF_FILING = ("due", "due_first", "paid", "lowered")


class NotTraced(Exception):
    """A rule reads something that no tracer follows to its lines; the message names it."""


def followed(reading: Reading) -> bool:
    """Whether there is a tracer for what was read."""
    if reading.kind == "peer":
        return True
    if reading.kind == "number":
        return reading.name.removeprefix("partner.") in OWNER_COUNTS
    return reading.name.rpartition(".")[2] in _OF_FILING if "." in reading.name else reading.name in ORIGINS or reading.name in AMOUNT


def cell(known: Known, taxpayer_id: str, reading: Reading, value: float, feeds: tuple[str, ...]) -> Cell:
    """The cell of a reading, with its parts and lines. NotTraced when there is no tracer for what was read."""
    if not followed(reading):
        raise NotTraced(f"{reading.name} is followed by no tracer; add one to jobs/lineage (declared.py, filed.py, bought.py or others.py)")
    if reading.kind == "peer":
        return _peer(known, taxpayer_id, reading, value, feeds)
    if reading.kind == "number":
        return _number(known, taxpayer_id, reading, value, feeds)
    months = months_of(reading)
    last = _last_day(months[-1])
    if "." in reading.name:
        tax, column = reading.name.split(".")
        unit: Unit = "currency" if column in _MONEY_OF_FILING else "currency-days" if column == "late_money_days" else "count"
        parts = filing_parts(known, taxpayer_id, tax, column, months)
        return _cell(reading, f"{tax}: {_OF_FILING[column]}", "filing", months[0], last, unit, feeds, value, added(parts), parts)
    if reading.name in ORIGINS:
        parts = month_parts(known, taxpayer_id, reading.name, months)
        return _cell(reading, _meaning("taxpayer_month", reading.name), "taxpayer_month", months[0], last, _unit(reading.name), feeds, value, added(parts), parts)
    parts = partner_parts(known, taxpayer_id, reading.name, months)
    return _cell(reading, _meaning("partner_month", reading.name), "partner_month", months[0], last, "currency", feeds, value, by_month(parts), parts)


def months_of(reading: Reading) -> list[date]:
    """First days of the months of a reading, in order."""
    return [date(1970 + n // 12, n % 12 + 1, 1) for n in range(reading.start, reading.start + reading.length)]


def _number(known: Known, taxpayer_id: str, reading: Reading, value: float, feeds: tuple[str, ...]) -> Cell:
    name, column = reading.name.split(".")
    parts = owner_parts(known, taxpayer_id, column)
    return _cell(reading, _meaning(name, column), name, None, None, "count", feeds, value, added(parts), parts)


def _peer(known: Known, taxpayer_id: str, reading: Reading, value: float, feeds: tuple[str, ...]) -> Cell:
    measure, statistic = reading.name.rsplit(".", 1)
    part, again = peer_part(known, taxpayer_id, measure, statistic)
    found = Decimal(repr(again)) if again is not None else Decimal(0)
    return _cell(reading, f"peers' {statistic} of {measure}", "peer_member", None, None, "ratio", feeds, value, found, [part] if part else [])


def _cell(reading: Reading, meaning: str, of: str, first: date | None, last: date | None, unit: Unit, feeds: tuple[str, ...], value: float, found: Decimal, parts: Sequence[Part]) -> Cell:
    seen = Decimal(repr(value)) if unit == "ratio" else Decimal(repr(round(value, 2)))
    return Cell(reading.name.removeprefix("partner."), meaning, of, first, last, unit, feeds, seen, found, tuple(parts))


def _meaning(of: str, column: str) -> str:
    return next(c.meaning for c in table(of).columns if c.name == column).replace("… ", "tax on purchases: ")


def _unit(measure: str) -> Unit:
    return "count" if next(c.unit for c in table("taxpayer_month").columns if c.name == measure) == "count" else "currency"


def _last_day(month: date) -> date:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)
