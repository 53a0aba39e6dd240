"""Where each measure of taxpayer_month comes from, as data: the silver table, whose row it is, when, which lines, which amount."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pyarrow as pa

from jobs.analyse.months import RED, RETURN_LINES, STATEMENT_ITEMS, in_currency
from jobs.lineage.cell import Part, Row, line_of
from jobs.lineage.known import Known

_ONE = Decimal(1)


@dataclass(frozen=True)
class Origin:
    """Rows of `table` whose `owner` is the taxpayer and whose month is that of the first date given in `at`; of these the ones that carry
    all values of one of `match` (empty: every row) and none of `without`. They add `amount`; without one each counts 1.
    """

    table: str
    owner: str
    at: tuple[str, ...]
    amount: str | None = None
    match: tuple[Mapping[str, str | None], ...] = ()
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def takes(self, row: Row) -> bool:
        """Whether a row counts."""
        if any(row[column] in values for column, values in self.without.items()):
            return False
        return not self.match or any(all(row[c] == v for c, v in one.items()) for one in self.match)

    def month(self, row: Row) -> date | None:
        """First day of the month a row counts in."""
        found: date | None = next((row[c] for c in self.at if row[c] is not None), None)
        return found.replace(day=1) if found else None

    def adds(self, row: Row) -> Decimal:
        """What a row adds."""
        return _ONE if self.amount is None else Decimal(row[self.amount] or 0)


_RED = tuple({"kind": kind} for kind in RED)
_EXTRA = ("interest", "penalty")


def _issued(amount: str | None, *match: Mapping[str, str | None]) -> Origin:
    return Origin("invoice", "seller_id", ("issued_on",), amount, match)


def _paid(*match: Mapping[str, str | None], without: Mapping[str, tuple[str, ...]] | None = None) -> Origin:
    return Origin("payment", "taxpayer_id", ("period_to", "paid_on"), "amount", match, without or {})


def _declared(measure: str) -> Origin:
    lines = tuple({"form": form, "return_line": line} for (form, line), m in RETURN_LINES.items() if m == measure)
    return Origin("return_line", "taxpayer_id", ("period_to",), "amount", lines)


ORIGINS: Mapping[str, Origin] = {
    "out_n": _issued(None),
    "out_red_n": _issued(None, *_RED),
    "out_consumer_n": _issued(None, {"buyer_id": None}),
    "out_net": _issued("net"),
    "out_tax": _issued("tax_amount"),
    "out_red_net": _issued("net", *_RED),
    **{measure: _declared(measure) for measure in dict.fromkeys(RETURN_LINES.values())},
    **{measure: Origin("financial_statement", "taxpayer_id", ("period_to",), "amount", ({"item": item},)) for item, measure in STATEMENT_ITEMS.items()},
    **{f"paid_{tax.lower()}": _paid({"tax": tax}, without={"kind": _EXTRA}) for tax in ("VAT", "CIT", "PIT")},
    "paid_extra": _paid(*({"kind": kind} for kind in _EXTRA)),
}


def month_parts(known: Known, taxpayer_id: str, measure: str, months: Collection[date]) -> list[Part]:
    """The silver rows behind a measure of taxpayer_month in some months, one part a month; in currency or counts."""
    origin = ORIGINS[measure]
    rows = known.rows(origin.table, origin.owner, [taxpayer_id])
    found: dict[date, list[Row]] = {}
    for row in (money_of(rows, known) if origin.table == "invoice" else rows).to_pylist():
        if origin.takes(row) and (month := origin.month(row)) in months:
            found.setdefault(month, []).append(row)  # type: ignore[arg-type]
    return [_part(origin, month, found[month]) for month in sorted(found)]


def money_of(invoices: pa.Table, known: Known) -> pa.Table:
    """Invoices in the administration's currency: the others are never added."""
    return in_currency(invoices, known.conf.house.currency)


def _part(origin: Origin, month: date, rows: list[Row]) -> Part:
    lines = tuple(line_of(origin.table, row, origin.adds(row)) for row in sorted(rows, key=lambda r: (-abs(origin.adds(r)), r["file"], r["line"])))
    return Part("" if len(lines) == 1 else f"{len(lines)} lines of {month:%Y-%m}", sum((origin.adds(r) for r in rows), Decimal(0)), lines)
