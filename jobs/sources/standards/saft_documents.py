"""Invoices and payments inside an audit file."""

from __future__ import annotations

from decimal import Decimal

from lxml import etree

from jobs.sources.standards.canonical import Document, Row
from jobs.sources.standards.kinds import kind_of
from jobs.sources.standards.nodes import any_text, each, first, needed, text_at
from jobs.sources.standards.saft_parts import Company, Parties, sided, signed, value
from jobs.sources.standards.totals import CENT, ZERO, compare, reconcile, total
from jobs.sources.standards.values import needed_date

Counted = tuple[Document, Decimal, Decimal]
"""A document with its debit and credit, as the section's totals count them."""
KINDS = {
    "FT": ("ordinary", 1), "FS": ("simplified", 1), "FR": ("ordinary", 1), "VD": ("ordinary", 1), "TV": ("ordinary", 1), "ND": ("debit_note", 1),
    "NC": ("credit_note", -1), "TD": ("credit_note", -1), "AA": ("ordinary", 1), "DA": ("credit_note", -1),
}  # fmt: skip
"""Portugal's types of invoice (Portaria 321-A/2007, field 4.1.4.8)."""
VOID = "A"
"""Portugal's status of a cancelled document: it stays in the file and out of every total."""


def invoice_of(element: etree._Element, section: str, company: Company, parties: Parties) -> Counted:
    """A sales or purchase invoice. Refused without number or date.

    Lines lie on the credit side of a sale and the debit side of a purchase; of a credit note the other way round. Their nets
    are given the sign of the document's own total, so that they add up to it.
    """
    sale = section == "SalesInvoices"
    lines, totals = list(each(element, "Line")), first(element, "DocumentTotals")
    shift = sum((signed(line) for line in lines), ZERO) * (1 if sale else -1)
    net, gross = value(totals, "NetTotal"), value(totals, "GrossTotal")
    turned = bool(lines) and net is not None and shift * net < 0
    kind, sign = _kind(element, turned)
    document = Document()
    invoice = document.add(
        "invoice", standard="saf-t", number=needed(element, "InvoiceNo", "InvoiceNumber"), issued=needed_date(element, "InvoiceDate"), kind=kind, sign=sign,
        currency=company.currency, self_billed=(any_text(element, "SpecialRegimes/SelfBillingIndicator", "SelfBillingIndicator") or "0") in ("1", "389", "true"),
        corrects=any_text(element, "Line/References/Reference", "Line/References/CreditNote/Reference"), uuid=text_at(element, "ATCUD"), **_parties(element, sale, company, parties),
    )  # fmt: skip
    facing = (1 if sale else -1) * (-1 if turned else 1)
    for n, line in enumerate(lines, 1):
        document.add("invoice_line", number=invoice["number"], line=text_at(line, "LineNumber") or str(n), **_line(line, facing))
    _totals(document, invoice, totals, net, gross)
    reconcile(document, invoice, slack=CENT, by_line=True)
    if sign == 0:
        return document, ZERO, ZERO
    sides = [sided(line) for line in lines]
    return document, sum((d or ZERO for d, _ in sides), ZERO), sum((c or ZERO for _, c in sides), ZERO)


def _kind(element: etree._Element, turned: bool) -> tuple[str, int]:
    code = text_at(element, "InvoiceType")
    if text_at(element, "DocumentStatus/InvoiceStatus") == VOID:
        return "void", 0
    if code in KINDS:
        return KINDS[code]
    if code and code.isdigit():
        return kind_of(code)[:2]
    return ("credit_note", -1) if turned else ("ordinary", 1)


def _parties(element: etree._Element, sale: bool, company: Company, parties: Parties) -> Row:
    role = "Customer" if sale else "Supplier"
    info = first(element, f"{role}Info")
    key = text_at(info, f"{role}ID") if info is not None else None
    tax_id, name, country = parties.of(role, key or text_at(element, f"{role}ID"))
    if info is not None:
        tax_id = any_text(info, "TaxRegistration/TaxRegistrationNumber", "TaxRegistrationNumber", "RegistrationNumber") or tax_id
        name, country = any_text(info, "Name", "CompanyName") or name, any_text(info, "BillingAddress/Country", "Address/Country") or country
    own, other = ("seller", "buyer") if sale else ("buyer", "seller")
    return {
        f"{own}_id": company.id, f"{own}_name": company.name, f"{own}_country": company.country,
        f"{other}_id": tax_id, f"{other}_name": name, f"{other}_country": country,
    }  # fmt: skip


def _tax_parts(element: etree._Element) -> list[etree._Element]:
    return [*each(element, "TaxInformation"), *each(element, "Tax")]


def _tax_amount(element: etree._Element) -> Decimal | None:
    return next((v for n in ("TaxAmount", "DebitTaxAmount", "CreditTaxAmount") if (v := value(element, n)) is not None), None)


def _line(line: etree._Element, facing: int) -> Row:
    taxes = _tax_parts(line)
    amounts = [a for t in taxes if (a := _tax_amount(t)) is not None]
    return {
        "item": any_text(line, "ProductDescription", "Description"),
        "item_code": text_at(line, "ProductCode"),
        "quantity": value(line, "Quantity"),
        "unit": any_text(line, "UnitOfMeasure", "InvoiceUOM"),
        "price": value(line, "UnitPrice"),
        "net": signed(line) * facing,
        "tax_rate": value(taxes[0], "TaxPercentage") if taxes else None,
        "tax_category": text_at(taxes[0], "TaxCode") if taxes else None,
        "tax": sum(amounts, ZERO) if amounts else None,
    }


def _totals(document: Document, invoice: Row, totals: etree._Element | None, net: Decimal | None, gross: Decimal | None) -> None:
    """Net, tax and gross as stated; what is not stated follows from the lines."""
    lines = document.of("invoice_line")
    for part in each(totals, "TaxInformationTotals") if totals is not None else ():
        document.add(
            "invoice_tax", number=invoice["number"], kind=text_at(part, "TaxType"), category=text_at(part, "TaxCode"), rate=value(part, "TaxPercentage"), base=value(part, "TaxBase"),
            tax=_tax_amount(part) or ZERO, withheld=False,
        )  # fmt: skip
    stated, withheld = value(totals, "TaxPayable"), ZERO
    parts = document.of("invoice_tax")
    net = net if net is not None else total(lines, "net")
    if stated is None and (parts or any(line["tax"] is not None for line in lines)):
        stated = total(parts or lines, "tax")
    tax = stated if stated is not None else gross - net if gross is not None else ZERO
    for part in each(totals.getparent(), "WithholdingTax") if totals is not None else ():
        withheld += value(part, "WithholdingTaxAmount") or ZERO
    invoice |= {"net": net, "tax": tax, "gross": gross if gross is not None else net + tax, "withheld": withheld or None}


def payment_of(element: etree._Element, section: str, company: Company, parties: Parties) -> Counted:
    """A payment or receipt; what it settles by document. Refused without number or date."""
    lines, document = list(each(element, "Line")), Document()
    sides = [sided(line) for line in lines]
    debit, credit = sum((d or ZERO for d, _ in sides), ZERO), sum((c or ZERO for _, c in sides), ZERO)
    customer = any_text(element, "CustomerID", "Line/CustomerID", "CustomerInfo/CustomerID")
    supplier = any_text(element, "SupplierID", "Line/SupplierID", "SupplierInfo/SupplierID")
    stated = value(first(element, "DocumentTotals"), "GrossTotal")
    number = needed(element, "PaymentRefNo")
    bought = supplier is not None and customer is None
    other = parties.of("Supplier", supplier)[0] if bought else parties.of("Customer", customer)[0]
    document.add(
        "payment", standard="saf-t", number=number, payment="1", paid_on=needed_date(element, "TransactionDate"), currency=company.currency,
        payer_id=company.id if bought else other, payee_id=other if bought else company.id,
        amount=stated if stated is not None else abs(credit - debit) or max(debit, credit), form=any_text(element, "PaymentMethod/PaymentMechanism", "PaymentMethod"),
    )  # fmt: skip
    for line in lines:
        document.add(
            "payment_document", number=number, payment="1", currency=company.currency, paid=abs(signed(line)),
            paid_number=any_text(line, "SourceDocumentID/OriginatingON", "SourceDocumentID"),
        )  # fmt: skip
    if text_at(element, "DocumentStatus/PaymentStatus") == VOID:
        return document, ZERO, ZERO
    compare(document, "payment: stated = sum of lines", stated, abs(credit - debit), CENT * max(1, len(lines)), number)
    return document, debit, credit
