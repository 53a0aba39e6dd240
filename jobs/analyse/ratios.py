"""ratio: the ratios by which a taxpayer is compared with his peers, over twelve usable months or the last year filed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from jobs.analyse.panel import Panel, panel
from jobs.analyse.windows import growth, mean, ratio, share, total
from jobs.lake.arrays import Floats
from jobs.lake.step import Night, Tables


@dataclass(frozen=True)
class Ratio:
    """A ratio compared with peers: what it is, and how it is counted [taxpayer]."""

    name: str
    meaning: str
    count: Callable[[Panel], Floats]


def sales(books: Panel) -> Floats:
    """Taxable and exempt sales declared for VAT [taxpayer, month]."""
    return books.declared("vat_sales", "VAT") + books.declared("vat_exempt", "VAT") + books.declared("vat_exports", "VAT")


def year_of_statements(books: Panel, item: str) -> Floats:
    """Sum of a statement's flow over the last four quarters."""
    return total(books.statement(item), 4)


def _general(books: Panel, values: Floats) -> Floats:
    """Small-scale taxpayers deduct no input tax: they are no peers in these ratios."""
    return np.where(books.is_("vat_kind", "small_scale") == 1, np.nan, values)


def _of_statements(above: str, below: str) -> Callable[[Panel], Floats]:
    return lambda books: share(year_of_statements(books, above), year_of_statements(books, below))


def _of_cit(above: str, below: str) -> Callable[[Panel], Floats]:
    return lambda books: share(books.yearly(above), books.yearly(below))


def _gross_margin(books: Panel) -> Floats:
    revenue = year_of_statements(books, "fs_revenue")
    return share(revenue - year_of_statements(books, "fs_cost"), revenue)


def _heads(books: Panel) -> Floats:
    return mean(books.declared("pit_heads", "PIT"), 12)


RATIOS = (
    Ratio("vat_burden_12m", "VAT due / sales declared, 12 months, general taxpayers",
          lambda b: _general(b, ratio(b.declared("vat_due", "VAT"), sales(b), 12))),
    Ratio("input_output_ratio", "input VAT / output VAT declared, 12 months, general taxpayers",
          lambda b: _general(b, ratio(b.declared("vat_input", "VAT"), b.declared("vat_output", "VAT"), 12))),
    Ratio("uninvoiced_share", "(sales declared - net invoiced) / sales declared, 12 months",
          lambda b: ratio(sales(b) - b.invoiced("out_net"), sales(b), 12)),
    Ratio("purchase_ratio", "net bought by invoice / sales declared, 12 months", lambda b: ratio(b.invoiced("in_net"), sales(b), 12)),
    Ratio("sales_growth", "sales declared of 12 months / of the 12 before, less 1", lambda b: growth(sales(b), 12)),
    Ratio("gross_margin_12m", "(revenue - cost of sales) / revenue, four quarterly statements", _gross_margin),
    Ratio("statement_profit_rate", "profit before tax / revenue, four quarterly statements", _of_statements("fs_profit", "fs_revenue")),
    Ratio("wage_share", "wages / revenue, four quarterly statements", _of_statements("fs_wages", "fs_revenue")),
    Ratio("inventory_turnover", "cost of sales of four quarters / their mean inventory",
          lambda b: share(year_of_statements(b, "fs_cost"), mean(b.statement("fs_inventory"), 4))),
    Ratio("payable_to_cost", "mean payables / cost of sales of four quarters",
          lambda b: share(mean(b.statement("fs_payable"), 4), year_of_statements(b, "fs_cost"))),
    Ratio("cost_ratio", "cost / revenue, last annual CIT return", _of_cit("cit_cost", "cit_revenue")),
    Ratio("expense_ratio", "expenses / revenue, last annual CIT return", _of_cit("cit_expense", "cit_revenue")),
    Ratio("profit_margin", "taxable profit / revenue, last annual CIT return", _of_cit("cit_profit", "cit_revenue")),
    Ratio("cit_burden", "CIT due / revenue, last annual CIT return", _of_cit("cit_due", "cit_revenue")),
    Ratio("revenue_per_head", "sales declared of 12 months / mean employees declared", lambda b: share(total(sales(b), 12), _heads(b))),
    Ratio("wage_per_head", "wages declared of 12 months / mean employees declared", lambda b: share(total(b.declared("pit_wages", "PIT"), 12), _heads(b))),
)  # fmt: skip


def own_ratios(tables: Tables, night: Night) -> pa.Table:
    """The ratio table's own columns: taxpayer_id, measure, value (null: missing), one row per taxpayer and ratio.

    Reads taxpayer, tax_registration, taxpayer_month, partner_month and filing.
    """
    books = panel(tables, night, ("partner_month",))
    parts = [_rows(books, r.name, r.count(books)) for r in RATIOS]
    return pa.concat_tables(parts).sort_by([("taxpayer_id", "ascending"), ("measure", "ascending")])


def _rows(books: Panel, name: str, values: Floats) -> pa.Table:
    known = np.isfinite(values)
    return pa.table({"taxpayer_id": books.ledger.ids, "measure": pa.array([name] * books.count, pa.string()), "value": pa.array(values, mask=~known)})
