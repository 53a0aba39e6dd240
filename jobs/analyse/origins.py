"""Which silver columns a figure of the gold tables comes from: what purposes are checked by.

An indicator is a function; which figures it takes is not believed but watched: it is run once over books without a taxpayer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.analyse.frame import Frame, frame
from jobs.analyse.indicator import Indicator
from jobs.analyse.ledger import Ledger, ledger
from jobs.analyse.months import RETURN_LINES, STATEMENT_ITEMS
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import RATIOS
from jobs.lake.arrays import Floats
from jobs.lake.tables import table

_DAY = date(2026, 1, 1)
_BOOKS = ("taxpayer", "taxpayer_month", "filing", "partner", "partner_month", "peer_member")
_INVOICE = ("invoice.net", "invoice.tax_amount")
_PURCHASE = (*_INVOICE, "invoice.buyer_id")
_RETURN = ("return_line.filed_on",)
_DUE = ("return_line.due",)
_SUPPLIER = ("taxpayer.registered_on", "taxpayer.status", "taxpayer.closed_on")
_OWNER = ("ownership.owner_id",)

_FILING = {
    **dict.fromkeys(("owed", "not_due", "filed", "late", "missing", "unknown", "state", "filed_on", "last_filed_on", "days_late", "versions"), _RETURN),
    **dict.fromkeys(("due", "due_first", "lowered"), _DUE), "late_money_days": (*_RETURN, *_DUE), "paid": ("payment.amount",),
}  # fmt: skip
_MONTH = {
    **{"out_n": (), "out_red_n": ("invoice.kind",), "out_consumer_n": ("invoice.buyer_id",), "out_net": ("invoice.net",), "out_tax": ("invoice.tax_amount",)},
    "out_red_net": ("invoice.net", "invoice.kind"),
    **{measure: (f"return_line.{line}",) for (_, line), measure in RETURN_LINES.items()},
    **{measure: (f"financial_statement.{item}",) for item, measure in STATEMENT_ITEMS.items()},
    **dict.fromkeys(("paid_vat", "paid_cit", "paid_pit"), ("payment.amount",)), "paid_extra": ("payment.amount", "payment.kind"),
    **dict.fromkeys(("returns_n", "amendments_n", "amended_up", "amended_down"), _DUE),
}  # fmt: skip
_PARTNER_MONTH = {
    "in_net": ("invoice.net", "invoice.buyer_id"), "in_tax": ("invoice.tax_amount", "invoice.buyer_id"), "in_tax_undeclared": (*_PURCHASE, "return_line.output", "return_line.sales"),
    "in_tax_suspect": (*_PURCHASE, *_SUPPLIER), "suspect_n": (*_PURCHASE, *_SUPPLIER), "out_related_net": (*_PURCHASE, *_OWNER),
}  # fmt: skip
_PARTNER = {
    **dict.fromkeys(("suppliers", "customers", "in_net", "in_tax", "top_supplier_share", "top_customer_share", "reciprocity"), _PURCHASE),
    "in_tax_young": (*_PURCHASE, "taxpayer.registered_on"), "in_tax_closed": (*_PURCHASE, "taxpayer.status", "taxpayer.closed_on"), "in_tax_unknown": _PURCHASE,
    "in_tax_silent": (*_PURCHASE, "return_line.output", "return_line.sales"), "in_tax_confirmed": (*_PURCHASE, "case_event.result"), "related_sales_share": (*_PURCHASE, *_OWNER),
    "owners": _OWNER, "owner_companies": _OWNER, "owner_penalised": (*_OWNER, "penalty.party_id", "penalty.party_name"), "owner_confirmed": (*_OWNER, "case_event.result"),
}  # fmt: skip
ORIGINS: dict[str, dict[str, tuple[str, ...]]] = {"filing": _FILING, "taxpayer_month": _MONTH, "partner_month": _PARTNER_MONTH, "partner": _PARTNER}
"""Gold table -> column -> silver `table.column` (of return_line and financial_statement: the line or item)."""


class _Books(Ledger):
    """A ledger that notes which figures were asked for."""

    seen: set[str]

    def prefix(self, name: str) -> Floats:
        self.seen |= set(_of_measure(name))
        return super().prefix(name)

    def attribute(self, table_name: str, column: str) -> pa.Array:
        self.seen |= set(ORIGINS.get(table_name, {}).get(column, (f"{table_name}.{column}",)))
        return super().attribute(table_name, column)


class _Frame(Frame):
    """A frame that notes which peers were asked for."""

    def peer(self, measure: str) -> tuple[Floats, Floats]:
        books: Any = self.ledger
        books.seen |= {*peer_columns(measure), "taxpayer.industry", "taxpayer.segment"}
        return super().peer(measure)


def indicator_columns(rule: Indicator) -> tuple[str, ...]:
    """The silver columns behind an indicator: those its figures come from, and silver tables or columns it declares."""
    books = _books()
    for tax, span in rule.about.frames:
        there = frame(books, tax, span)
        rule.rule(_Frame(books, tax, span, there.taxpayer, there.start), dict.fromkeys(rule.about.settings, 1.0))
    return tuple(sorted(books.seen | set(_declared(rule))))


@cache
def peer_columns(measure: str) -> tuple[str, ...]:
    """The silver columns behind a ratio that is compared with peers."""
    books = _books()
    ratio = next(r for r in RATIOS if r.name == measure)
    ratio.count(Panel(books, np.zeros(0, dtype=np.int64), books.tables))  # type: ignore[arg-type]
    return tuple(sorted(books.seen))


def _of_measure(name: str) -> tuple[str, ...]:
    if "." in name:
        return _FILING[name.split(".")[1]]
    return _MONTH[name] if name in _MONTH else _PARTNER_MONTH[name]


def _declared(rule: Indicator) -> Iterator[str]:
    """What `inputs` says of silver: a column by name, a table as all its columns."""
    for name in rule.about.inputs:
        of, _, column = name.partition(".")
        contract = table(of)
        if contract.layer in ("version", "event") and (column or of not in _BOOKS):  # of the books' own tables it is watched which columns are read
            yield from [name] if column else [f"{of}.{c.name}" for c in contract.own]


def _books() -> _Books:
    plain = ledger({n: table(n).schema.empty_table() for n in _BOOKS}, _DAY)
    found = _Books(plain.as_of, plain.ids, plain.first, plain.months, plain.tables)
    found.seen = set()
    return found
