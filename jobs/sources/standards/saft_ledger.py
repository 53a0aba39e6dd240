"""Entries of a general ledger inside an audit file. The children of a line are looked up once: ledgers have millions of lines."""

from __future__ import annotations

from decimal import Decimal

from lxml import etree

from jobs.sources.standards.canonical import Document, Row
from jobs.sources.standards.nodes import first, text_at
from jobs.sources.standards.saft_parts import Company
from jobs.sources.standards.stream import local
from jobs.sources.standards.totals import compare, total
from jobs.sources.standards.values import date_at, number_of

LINES = {"Line": "", "DebitLine": "D", "CreditLine": "C"}
"""Kinds of line, and the side that the kind says."""
Parts = dict[str, etree._Element]


def transaction_of(element: etree._Element, journal: str | None, company: Company) -> Document:
    """A journal entry's lines. Recorded when debit and credit of the entry are not equal."""
    document, number = Document(), text_at(element, "TransactionID")
    common: Row = {
        "company_id": company.id, "journal": journal, "transaction_id": number, "posted": date_at(element, "TransactionDate") or date_at(element, "GLPostingDate"),
        "period": "-".join(p for p in (text_at(element, "PeriodYear"), text_at(element, "Period")) if p) or None, "currency": company.currency,
        "customer_id": text_at(element, "CustomerID"), "supplier_id": text_at(element, "SupplierID"),
    }  # fmt: skip
    inner = first(element, "Lines")
    lines = [
        {**common, **_line({local(c): c for c in line if isinstance(c.tag, str)}, side)}
        for line in (inner if inner is not None else element)
        if (side := LINES.get(local(line))) is not None
    ]
    document.rows["ledger_line"] = lines
    compare(document, "transaction: debit = credit", total(lines, "debit"), total(lines, "credit"), number=number)
    return document


def _said(parts: Parts, *names: str) -> str | None:
    for name in names:
        if name in parts and (text := (parts[name].text or "").strip()):
            return text
    return None


def _amount(parts: Parts, name: str) -> Decimal | None:
    """An amount that stands plain or in `Amount`."""
    found = parts.get(name)
    if found is None:
        return None
    text = (found.text or "").strip()
    if not text:
        inner = first(found, "Amount")
        text = (inner.text or "").strip() if inner is not None else ""
    return number_of(found, text, name) if text else None


def _line(parts: Parts, side: str) -> Row:
    debit, credit = _amount(parts, "DebitAmount"), _amount(parts, "CreditAmount")
    if debit is None and credit is None and (plain := _amount(parts, "Amount")) is not None:
        side = side or (_said(parts, "DebitCreditIndicator") or "C")[:1].upper()
        debit, credit = (plain, None) if side == "D" else (None, plain)
    row: Row = {
        "line": _said(parts, "RecordID", "LineNumber"), "account_id": _said(parts, "AccountID"), "source_document": _said(parts, "SourceDocumentID", "ReferenceNumber"),
        "item": _said(parts, "Description"), "debit": debit, "credit": credit,
    }  # fmt: skip
    row |= {f"{role.lower()}_id": found for role in ("Customer", "Supplier") if (found := _said(parts, f"{role}ID"))}
    amount = parts.get("DebitAmount" if debit is not None else "CreditAmount")
    if amount is not None and len(amount) > 1 and (code := text_at(amount, "CurrencyCode")):
        row |= {"currency": code, "currency_amount": _amount({local(c): c for c in amount}, "CurrencyAmount")}
    return row | _tax(parts["TaxInformation"]) if "TaxInformation" in parts else row


def _tax(found: etree._Element) -> Row:
    parts = {local(c): c for c in found if isinstance(c.tag, str)}
    return {
        "tax_kind": _said(parts, "TaxType"), "tax_code": _said(parts, "TaxCode"), "tax_rate": _amount(parts, "TaxPercentage"), "tax_base": _amount(parts, "TaxBase"),
        "tax": next((v for n in ("TaxAmount", "DebitTaxAmount", "CreditTaxAmount") if (v := _amount(parts, n)) is not None), None),
    }  # fmt: skip
