"""The one model that every standard is read into: tables, their columns, and what one document gives of them.

Amounts are as printed, in the document's currency; `sign` says what they do to the seller's turnover: -1 where the
standard prints a credit note's amounts without a minus. Rates are percent. `document` numbers the documents of a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal

import pyarrow as pa

MONEY = pa.decimal128(24, 6)
FINE = pa.decimal128(38, 10)
TEXT, COUNT, DAY, YES = pa.string(), pa.int64(), pa.date32(), pa.bool_()

Value = str | Decimal | date | int | bool | None
Row = dict[str, Value]


def _schema(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field("file", TEXT), *(pa.field(n, t) for n, t in columns), pa.field("document", COUNT)])


def _money(names: str) -> list[tuple[str, pa.DataType]]:
    return [(n, MONEY) for n in names.split()]


def _text(names: str) -> list[tuple[str, pa.DataType]]:
    return [(n, TEXT) for n in names.split()]


TABLES: dict[str, pa.Schema] = {
    "invoice": _schema(
        *_text("standard number kind"), ("issued", DAY), *_text("seller_id seller_name buyer_id buyer_name currency"), *_money("net tax gross difference"),
        ("sign", COUNT), ("self_billed", YES), ("period_from", DAY), ("period_to", DAY), *_money("rounding prepaid withheld payable"),
        *_text("tax_currency"), *_money("tax_in_tax_currency"), *_text("seller_country buyer_country corrects version uuid"), ("lines", COUNT), ("faults", TEXT),
    ),
    "invoice_line": _schema(
        *_text("number line item"), ("quantity", FINE), ("unit", TEXT), ("price", FINE), *_money("net"), ("tax_rate", FINE), *_money("tax"),
        *_text("tax_category item_code"),
    ),
    "invoice_tax": _schema(*_text("number kind category"), ("rate", FINE), *_money("base tax"), *_text("currency reason"), ("withheld", YES)),
    "invoice_allowance": _schema(("number", TEXT), ("charge", YES), ("reason", TEXT), *_money("amount base"), ("rate", FINE), ("tax_rate", FINE)),
    "payment": _schema(
        *_text("standard number payment"), ("paid_on", DAY), *_text("payer_id payee_id currency"), *_money("amount"), ("exchange_rate", FINE), ("form", TEXT),
    ),
    "payment_document": _schema(
        *_text("number payment paid_uuid paid_number instalment currency"), ("exchange_rate", FINE), *_money("balance_before paid balance_after"),
    ),
    "withholding": _schema(
        *_text("standard number kind"), ("issued", DAY), *_text("withholder_id withholder_name payee_id payee_name"), ("period_from", DAY), ("period_to", DAY),
        *_money("operation taxed exempt withheld difference"), *_text("version uuid"),
    ),
    "withholding_tax": _schema(*_text("number tax_kind payment_kind"), *_money("base tax")),
    "audit_file": _schema(
        *_text("standard version country company_id company_name currency"), ("period_from", DAY), ("period_to", DAY), ("created", DAY), *_text("software"),
    ),
    "account": _schema(
        *_text("company_id account_id name standard_account kind"), *_money("opening_debit opening_credit closing_debit closing_credit"),
    ),
    "party": _schema(
        *_text("company_id role party_id tax_id name country account_id"), *_money("opening_debit opening_credit closing_debit closing_credit"),
    ),
    "ledger_line": _schema(
        *_text("company_id journal transaction_id period"), ("posted", DAY), *_text("line account_id customer_id supplier_id source_document item"),
        *_money("debit credit"), *_text("currency"), *_money("currency_amount"), *_text("tax_kind tax_code"), ("tax_rate", FINE), *_money("tax_base tax"),
    ),
    "tax_code": _schema(*_text("standard tax_kind code name country"), ("rate", FINE), ("standard_code", TEXT), ("valid_from", DAY), ("valid_to", DAY)),
    "check": _schema(*_text("number rule"), *_money("stated computed difference")),
}  # fmt: skip
"""Table -> columns. `check`: what a document or a section of an audit file says of itself against what its parts add up to."""

BY_DOCUMENT = ("invoice", "payment", "withholding", "audit_file")
"""Tables of which one row is one document."""


@dataclass
class Document:
    """What one document of a file gives: rows by table. `raw` is its text when a file holds several."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    raw: bytes | None = None

    def add(self, table: str, **row: Value) -> Row:
        """Add a row; what a column lacks is null."""
        self.rows.setdefault(table, []).append(row)
        return row

    def of(self, table: str) -> list[Row]:
        """The rows of a table."""
        return self.rows.get(table, [])


_WIDE = Context(prec=60)


def column(values: list[Value], target: pa.DataType) -> pa.Array:
    """Values as an Arrow column; decimals finer than the column are rounded half to even."""
    if pa.types.is_decimal(target):
        finest = Decimal(1).scaleb(-target.scale)
        values = [v.quantize(finest, ROUND_HALF_EVEN, _WIDE) if isinstance(v, Decimal) and -int(v.as_tuple().exponent) > target.scale else v for v in values]
    return pa.array(values, target)
