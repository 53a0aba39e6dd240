"""taxpayer_month: what a taxpayer invoiced, declared and paid, by month of the tax period, as signed differences.

Invoices and payments are events: the rows of new batches, less those of retired ones. Returns and statements have versions:
what their documents say now on every date, less what the rows applied before said (jobs/lake/additive.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of, month_numbers, months
from jobs.lake.additive import increments, minus, signed, timeline, total
from jobs.lake.arrays import Ints, cents
from jobs.lake.buckets import group_codes
from jobs.lake.step import Night, Tables
from jobs.lake.tables import TABLES

CONTRACT = TABLES["taxpayer_month"]
KEY = CONTRACT.key
ORDER = ("version", "known_at", "row_digest")

_VAT = {"sales": "vat_sales", "exempt": "vat_exempt", "due": "vat_due"}
RETURN_LINES = {
    **{("VAT-S", line): measure for line, measure in _VAT.items()},
    **{("VAT-G", line): measure for line, measure in {**_VAT, "output": "vat_output", "input": "vat_input", "credit_out": "vat_credit", "exports": "vat_exports"}.items()},
    **{("CIT-A", line): f"cit_{line}" for line in ("revenue", "cost", "expense", "profit", "due")},
    **{("PIT-W", line): f"pit_{line}" for line in ("wages", "heads", "due", "dividend_due")},
}
STATEMENT_ITEMS = {i: f"fs_{i}" for i in ("revenue", "cost", "profit", "inventory", "assets", "receivable_related", "payable", "wages")}
RED = ("red", "credit_note")


def taxpayer_month(tables: Tables, night: Night) -> pa.Table:
    """Signed differences of taxpayer_month: its own columns and known_at; nonzero rows only.

    Takes `changes` of invoice and payment, and `changes` and `touched` of return_line and financial_statement. Months are those
    of issue (invoices), of the period's end (returns, statements, payments). Amounts in cents.
    """
    parts = [
        _invoices(tables.changes["invoice"], night.conf.house.currency),
        _payments(tables.changes["payment"]),
        *(_documents(tables, name) for name in ("return_line", "financial_statement")),
    ]
    return total(pa.concat_tables([_widened(p) for p in parts]), KEY, CONTRACT.measures)


def in_currency(rows: pa.Table, currency: str) -> pa.Table:
    """Invoices in the administration's currency or without a stated one: amounts of several are never added."""
    return rows.filter(pc.fill_null(pc.equal(rows["currency"], currency), True))


def _invoices(changes: pa.Table, currency: str) -> pa.Table:
    rows = in_currency(changes, currency)
    one, red = np.ones(rows.num_rows, dtype=np.int64), is_one_of(rows["kind"], RED).astype(np.int64)
    consumer = np.asarray(rows["buyer_id"].is_null().to_numpy()).astype(np.int64)
    net, tax = cents(rows["net"]), cents(rows["tax_amount"])
    values = {"out_n": one, "out_red_n": red, "out_consumer_n": consumer, "out_net": net, "out_tax": tax, "out_red_net": net * red}
    return signed(_cells(rows, "seller_id", "issued_on", values), KEY, list(values))


def _payments(changes: pa.Table) -> pa.Table:
    rows = changes.append_column("at", pc.coalesce(changes["period_to"], changes["paid_on"]))
    amount, extra = cents(rows["amount"]), is_one_of(rows["kind"], ("interest", "penalty"))
    values = {f"paid_{tax.lower()}": np.where(is_one_of(rows["tax"], (tax,)) & ~extra, amount, 0) for tax in ("VAT", "CIT", "PIT")}
    values["paid_extra"] = np.where(extra, amount, 0)
    return signed(_cells(rows, "taxpayer_id", "at", values), KEY, list(values))


def _cells(rows: pa.Table, taxpayer: str, at: str, values: Mapping[str, Ints]) -> pa.Table:
    columns = {"taxpayer_id": rows[taxpayer], "month": months(month_numbers(rows[at])), "known_at": rows["known_at"], "sign": rows["sign"]}
    return pa.table(columns | {m: pa.array(v) for m, v in values.items()}).filter(pc.is_valid(rows[taxpayer]))


def _documents(tables: Tables, name: str) -> pa.Table:
    """What the touched documents say on every date, less what the rows applied before said."""
    changes, touched = tables.changes[name], tables.touched[name]
    gone = pc.less(changes["sign"], 0)
    added = pc.unique(changes["batch_id"].filter(pc.invert(gone)))
    kept = touched.filter(pc.invert(pc.is_in(touched["batch_id"], value_set=added)))
    earlier = pa.concat_tables([kept, changes.filter(gone).select(kept.column_names)])
    now, then = _history(touched, name), _history(earlier, name)
    return minus(now, then, KEY, [c for c in now.column_names if c not in (*KEY, "known_at")])


def _history(rows: pa.Table, name: str) -> pa.Table:
    """H(k) - H(day before k) of the documents in `rows`, by taxpayer, month and k."""
    document = TABLES[name].version_of
    wide = _versions(rows, name, document)
    times = timeline(wide, document, ORDER)
    measures = [c for c in wide.column_names if c not in (*document, *ORDER, "deleted", "month", "due_known")]
    values = {m: wide[m].to_numpy()[times.winner] for m in measures}
    if name == "return_line":
        values |= _amendments(wide, times.seen_state, times.seen_row, len(times.winner))
    return increments(times, wide, KEY, values)


def _versions(rows: pa.Table, name: str, document: Sequence[str]) -> pa.Table:
    """One row per version of a document: its lines as columns in cents, `month` of its period's end, `due_known`."""
    line, mapping = ("return_line", RETURN_LINES) if name == "return_line" else ("item", {("", k): v for k, v in STATEMENT_ITEMS.items()})
    version = group_codes(rows, [*document, *ORDER])
    first = np.unique(version, return_index=True)[1]
    amounts, lines = cents(rows["amount"]), rows[line]
    wide = {m: np.zeros(len(first), dtype=np.int64) for m in dict.fromkeys(mapping.values())}
    due_known = np.zeros(len(first), dtype=bool)
    for (form, item), measure in mapping.items():
        here = is_one_of(lines, (item,)) & (is_one_of(rows["form"], (form,)) if form else True)
        wide[measure][version[here]] = amounts[here] // 100 if measure == "pit_heads" else amounts[here]
        due_known[version[here]] |= item == "due"
    found = rows.select([*document, *ORDER, "deleted"]).take(pa.array(first))
    found = found.append_column("month", months(month_numbers(found["period_to"]))).append_column("due_known", pa.array(due_known))
    if name == "return_line":
        wide["returns_n"] = np.ones(len(first), dtype=np.int64)
    for measure, values in wide.items():
        found = found.append_column(measure, pa.array(values))
    return found


def _amendments(wide: pa.Table, state: Ints, row: Ints, states: int) -> dict[str, Ints]:
    """Versions after the first and the rise and fall of tax due from version to version, as seen in each state."""
    follows = np.flatnonzero(np.append(False, state[1:] == state[:-1])[: len(state)])
    due = sum(wide[m].to_numpy() for m in ("vat_due", "cit_due", "pit_due"))
    known = wide["due_known"].to_numpy() & ~pc.fill_null(wide["deleted"], False).to_numpy()
    step = np.where(known[row[follows]] & known[row[follows - 1]], due[row[follows]] - due[row[follows - 1]], 0)
    found = {m: np.zeros(states, dtype=np.int64) for m in ("amendments_n", "amended_up", "amended_down")}
    np.add.at(found["amendments_n"], state[follows], 1)
    np.add.at(found["amended_up"], state[follows], np.maximum(step, 0))
    np.add.at(found["amended_down"], state[follows], np.minimum(step, 0))
    return found


def _widened(part: pa.Table) -> pa.Table:
    """All measures of the contract; those the part does not know count 0."""
    zero = pa.array(np.zeros(part.num_rows, dtype=np.int64))
    columns = {c: part[c] for c in (*KEY, "known_at")}
    return pa.table(columns | {m: part[m] if m in part.column_names else zero for m in CONTRACT.measures})
