"""Where the measures of partner_month come from: the invoices of each supplier, what the registry says of him, what he declared.

Counted a second time from the rows of the suppliers concerned, without Spark and without the month's sums of jobs/analyse/partner_months.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.partner_columns import YOUNG_MONTHS, areas
from jobs.lake.step import Night
from jobs.lineage.cell import Line, Part, Row, line_of
from jobs.lineage.declared import money_of, month_parts
from jobs.lineage.known import Known

_NONE = Decimal(0)
_CENT = Decimal("0.01")
AMOUNT = {"in_net": "net", "in_tax": "tax_amount", "in_tax_undeclared": "tax_amount", "in_tax_suspect": "tax_amount"}


@dataclass(frozen=True)
class Trade:
    """What one supplier invoiced the taxpayer in a month."""

    supplier: str
    month: date
    invoices: tuple[Row, ...]

    def total(self, column: str) -> Decimal:
        """Sum of an amount over the invoices."""
        return sum((r[column] or _NONE for r in self.invoices), _NONE)


def partner_parts(known: Known, taxpayer_id: str, measure: str, months: Collection[date]) -> list[Part]:
    """One part per supplier and month behind a measure of partner_month (AMOUNT), the largest first."""
    trades = purchases(known, taxpayer_id, months)
    if measure == "in_tax_suspect":
        found = [p for t in trades if (p := _suspect(known, t)) is not None]
    elif measure == "in_tax_undeclared":
        found = [p for t in trades if (p := _undeclared(known, t)) is not None]
    else:
        found = [Part("" if len(t.invoices) == 1 else f"{len(t.invoices)} invoices of {t.supplier} in {t.month:%Y-%m}", t.total(AMOUNT[measure]), _lines(t, AMOUNT[measure]), t.month) for t in trades]
    return sorted(found, key=lambda p: (-abs(p.amount), p.what))


def purchases(known: Known, taxpayer_id: str, months: Collection[date]) -> list[Trade]:
    """The invoices a taxpayer received. They lie in the sellers' buckets; his side of the trade edges says who the sellers are."""
    edges = known.rows("trade_edge_month", "taxpayer_id", [taxpayer_id])
    wanted = pa.array(sorted(months), pa.date32())
    mine = edges.filter(pc.and_(pc.equal(edges["side"], "buys"), pc.is_in(edges["month"], value_set=wanted)))
    sellers = [s for s in pc.unique(mine["partner_id"]).to_pylist() if s]
    if not sellers:
        return []
    rows = money_of(known.rows("invoice", "seller_id", sellers), known)
    found: dict[tuple[str, date], list[Row]] = {}
    for row in rows.filter(pc.equal(rows["buyer_id"], taxpayer_id)).to_pylist():
        month = row["issued_on"].replace(day=1)
        if month in months:
            found.setdefault((row["seller_id"], month), []).append(row)
    return [Trade(seller, month, tuple(found[seller, month])) for seller, month in sorted(found)]


def _lines(trade: Trade, column: str) -> tuple[Line, ...]:
    return tuple(line_of("invoice", r, r[column]) for r in sorted(trade.invoices, key=lambda r: (-abs(r[column] or _NONE), r["file"], r["line"])))


def _suspect(known: Known, trade: Trade) -> Part | None:
    """The trade with a supplier who is young, closed, abnormal or unknown in its month, with the register's line; None: he is not."""
    rows = _registered(known, trade.supplier)
    why = _doubts(known, trade, rows)
    if not why:
        return None
    lines = tuple(line_of("taxpayer", r) for r in rows)
    return Part(f"{trade.supplier} in {trade.month:%Y-%m}: {', '.join(why)}", trade.total("tax_amount"), (*_lines(trade, "tax_amount"), *lines), trade.month)


def _doubts(known: Known, trade: Trade, rows: list[Row]) -> list[str]:
    if not rows:
        here = areas(Night(known.night.as_of, known.night.run, known.conf))
        return ["not registered, though his id is of this administration's area"] if trade.supplier[2:8] in here else []
    row = rows[0]
    young = row["registered_on"] is not None and row["registered_on"] > _months_before(trade.month, YOUNG_MONTHS)
    closed = row["closed_on"] is not None and row["closed_on"] <= known.night.as_of
    said = [(young, f"registered {row['registered_on']}"), (closed, f"closed {row['closed_on']}"), (row["status"] not in (None, "active"), str(row["status"]))]
    return [text for holds, text in said if holds]


def _undeclared(known: Known, trade: Trade) -> Part | None:
    """The part of the trade's tax that the supplier's VAT return of the period leaves out; None: no return of his may be judged."""
    periods = [r for r in known.rows("filing", "taxpayer_id", [trade.supplier]).to_pylist() if r["tax"] == "VAT" and r["state"] in ("filed", "late", "missing")]
    for row in periods:
        if row["period_from"].replace(day=1) <= trade.month <= row["period_to"]:
            return _left_out(known, trade, _months_of(row["period_from"], row["period_to"]))
    return None


def _left_out(known: Known, trade: Trade, months: list[date]) -> Part:
    rows = _registered(known, trade.supplier)
    small = bool(rows) and rows[0]["vat_kind"] == "small_scale"
    declared = _both(known, trade.supplier, ("vat_sales", "vat_exempt") if small else ("vat_output",), months)
    invoiced = sum((p.amount for p in month_parts(known, trade.supplier, "out_net" if small else "out_tax", months)), _NONE)
    said = sum((p.amount for p in declared), _NONE)
    share = min(max(1 - said / invoiced, _NONE), Decimal(1)) if invoiced > 0 else _NONE
    what = f"{trade.supplier} in {trade.month:%Y-%m}: {'sales' if small else 'output tax'} declared {said:,.2f} of {invoiced:,.2f} invoiced in the return's period, {share:.2%} left out"
    returns = tuple(line for p in declared for line in p.lines)
    return Part(what, trade.total("tax_amount") * share, (*_lines(trade, "tax_amount"), *returns) if share else (), trade.month)


def _both(known: Known, taxpayer_id: str, measures: Iterable[str], months: list[date]) -> list[Part]:
    return [part for m in measures for part in month_parts(known, taxpayer_id, m, months)]


def _registered(known: Known, taxpayer_id: str) -> list[Row]:
    return sorted(known.rows("taxpayer", "taxpayer_id", [taxpayer_id]).to_pylist(), key=lambda r: str(r["source"]))


def _months_of(first: date, last: date) -> list[date]:
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + k) // 12, (first.month - 1 + k) % 12 + 1, 1) for k in range(count)]


def _months_before(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, day.day)


def by_month(parts: Iterable[Part]) -> Decimal:
    """Parts summed month by month, each month to the cent: as partner_month holds them."""
    months: dict[date | None, Decimal] = {}
    for part in parts:
        months[part.month] = months.get(part.month, _NONE) + part.amount
    return sum((m.quantize(_CENT, ROUND_HALF_UP) for m in months.values()), _NONE)
