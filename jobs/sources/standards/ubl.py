"""UBL 2 invoices, credit notes and debit notes (EN 16931, Peppol BIS Billing 3, self-billing and national flavours).

A credit note's amounts are positive, as the standard writes them; its kind and sign say what they mean. Business terms (BT)
are those of EN 16931-1: net BT-109, tax BT-110, gross BT-112, prepaid BT-113, payable BT-115, tax in tax currency BT-111.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from lxml import etree

from jobs.sources.standards.canonical import Document, Row
from jobs.sources.standards.kinds import kind_of
from jobs.sources.standards.nodes import any_text, each, first, missing, needed, said, text_at
from jobs.sources.standards.totals import ZERO, amount_of, reconcile, total
from jobs.sources.standards.values import date_at, money, needed_date, number_of

CREDITS = ("CreditNote", "SelfBilledCreditNote")
SELF_BILLED = ("SelfBilledInvoice", "SelfBilledCreditNote")
_LINES = ("InvoiceLine", "CreditNoteLine", "DebitNoteLine")
_QUANTITIES = ("InvoicedQuantity", "CreditedQuantity", "DebitedQuantity")


def read_ubl(root: etree._Element) -> Iterator[Document]:
    """The one invoice of a UBL document with lines, taxes, allowances. Refused without number, date, parties or a total."""
    yield _document(root)


def _document(root: etree._Element) -> Document:
    name = etree.QName(root).localname
    kind, sign, by_buyer = kind_of(any_text(root, "InvoiceTypeCode", "CreditNoteTypeCode"), name in CREDITS)
    number, issued, sums = needed(root, "ID"), needed_date(root, "IssueDate"), _monetary_total(root)
    currency = text_at(root, "DocumentCurrencyCode") or next((a.get("currencyID") for a in sums if a.get("currencyID")), None)
    document = Document()
    invoice = document.add(
        "invoice", standard="ubl", version=any_text(root, "CustomizationID", "UBLVersionID"), number=number,
        uuid=text_at(root, "UUID"), kind="debit_note" if name == "DebitNote" else kind, sign=sign, self_billed=by_buyer or name in SELF_BILLED,
        issued=issued, currency=currency,
        period_from=date_at(root, "InvoicePeriod/StartDate"), period_to=date_at(root, "InvoicePeriod/EndDate"),
        corrects=any_text(root, "BillingReference/InvoiceDocumentReference/ID", "BillingReference/CreditNoteDocumentReference/ID"),
        **_party(root, "seller", "AccountingSupplierParty"), **_party(root, "buyer", "AccountingCustomerParty"),
    )  # fmt: skip
    for line in (e for n in _LINES for e in root.iterchildren("{*}" + n)):
        document.add("invoice_line", number=number, **_line(line))
    for each_one in each(root, "AllowanceCharge"):
        document.add("invoice_allowance", number=number, **_allowance(each_one))
    _taxes(root, document, invoice)
    _sums(sums, document, invoice)
    reconcile(document, invoice, lines_stated=money(sums, "LineExtensionAmount"))
    return document


def _monetary_total(root: etree._Element) -> etree._Element:
    for name in ("LegalMonetaryTotal", "RequestedMonetaryTotal"):
        if (found := first(root, name)) is not None:
            return found
    raise missing(root, "LegalMonetaryTotal")


def _party(root: etree._Element, role: str, path: str) -> Row:
    """Tax id: the VAT registration, else another tax registration, the legal registration, another identifier."""
    party = first(root, f"{path}/Party")
    if party is None:
        raise missing(root, f"{path}/Party", f": it has no {role}")
    schemes = [(text_at(s, "CompanyID"), (text_at(s, "TaxScheme/ID") or "").upper()) for s in each(party, "PartyTaxScheme")]
    found = next((i for i, tax in schemes if i and tax == "VAT"), None) or next((i for i, _ in schemes if i), None)
    found = found or any_text(party, "PartyLegalEntity/CompanyID", "PartyIdentification/ID", "EndpointID")
    name = any_text(party, "PartyLegalEntity/RegistrationName", "PartyName/Name") or _person(party)
    if not (found or name):
        raise missing(party, "PartyLegalEntity/RegistrationName", f": the {role} has neither name nor identifier")
    return {f"{role}_id": found, f"{role}_name": name, f"{role}_country": text_at(party, "PostalAddress/Country/IdentificationCode")}


def _person(party: etree._Element) -> str | None:
    return " ".join(n for n in (text_at(party, "Person/FirstName"), text_at(party, "Person/FamilyName")) if n) or None


def _line(line: etree._Element) -> Row:
    quantity = next((e for n in _QUANTITIES for e in line.iterchildren("{*}" + n)), None)
    count = said(quantity)
    price, per = money(line, "Price/PriceAmount"), money(line, "Price/BaseQuantity")
    return {
        "line": text_at(line, "ID"),
        "item": any_text(line, "Item/Name", "Item/Description"),
        "item_code": any_text(line, "Item/SellersItemIdentification/ID", "Item/StandardItemIdentification/ID"),
        "quantity": number_of(quantity, count) if quantity is not None and count else None,
        "unit": quantity.get("unitCode") if quantity is not None else None,
        "price": price / per if price is not None and per else price,
        "net": money(line, "LineExtensionAmount"),
        "tax_rate": next((r for p in ("Item/ClassifiedTaxCategory/Percent", "TaxTotal/TaxSubtotal/TaxCategory/Percent", "TaxTotal/TaxSubtotal/Percent") if (r := money(line, p)) is not None), None),
        "tax_category": any_text(line, "Item/ClassifiedTaxCategory/ID", "TaxTotal/TaxSubtotal/TaxCategory/ID"),
        "tax": money(line, "TaxTotal/TaxAmount"),
    }


def _allowance(found: etree._Element) -> Row:
    return {
        "charge": (text_at(found, "ChargeIndicator") or "").lower() in ("true", "1"),
        "reason": any_text(found, "AllowanceChargeReason", "AllowanceChargeReasonCode"),
        "amount": money(found, "Amount") or ZERO,
        "base": money(found, "BaseAmount"),
        "rate": money(found, "MultiplierFactorNumeric"),
        "tax_rate": money(found, "TaxCategory/Percent"),
    }


def _taxes(root: etree._Element, document: Document, invoice: Row) -> None:
    """Tax totals: that in the invoice's currency counts; one in the accounting currency stands beside it.

    Several in the invoice's currency are one per tax where they have parts, else the same total said twice.
    """
    totals = [t for t in each(root, "TaxTotal") if first(t, "TaxAmount") is not None]
    other = text_at(root, "TaxCurrencyCode")
    own = [t for t in totals if _currency(t) in (invoice["currency"], None)]
    foreign = [t for t in totals if _currency(t) not in (invoice["currency"], None)]
    own = own or ([] if other and foreign and other != invoice["currency"] else foreign)
    parted = [t for t in own if first(t, "TaxSubtotal") is not None]
    invoice["tax"] = sum((money(t, "TaxAmount") or ZERO for t in parted or own[:1]), ZERO)
    second = next((t for t in totals if t not in own and _currency(t) == (other or _currency(t))), None)
    if second is not None:
        invoice["tax_currency"], invoice["tax_in_tax_currency"] = _currency(second), money(second, "TaxAmount")
    for withheld, part in [*((False, p) for t in totals for p in each(t, "TaxSubtotal")), *((True, p) for p in each(root, "WithholdingTaxTotal/TaxSubtotal"))]:
        document.add("invoice_tax", number=invoice["number"], withheld=withheld, **_subtotal(part))
    if any(True for _ in each(root, "WithholdingTaxTotal")):
        invoice["withheld"] = sum((money(t, "TaxAmount") or ZERO for t in each(root, "WithholdingTaxTotal")), ZERO)


def _currency(total_: etree._Element) -> str | None:
    amount = first(total_, "TaxAmount")
    return amount.get("currencyID") if amount is not None else None


def _subtotal(part: etree._Element) -> Row:
    rate = money(part, "TaxCategory/Percent")
    return {
        "kind": any_text(part, "TaxCategory/TaxScheme/ID", "TaxCategory/TaxScheme/Name"),
        "category": text_at(part, "TaxCategory/ID"),
        "rate": rate if rate is not None else money(part, "Percent"),
        "base": money(part, "TaxableAmount"),
        "tax": money(part, "TaxAmount") or ZERO,
        "currency": _currency(part),
        "reason": any_text(part, "TaxCategory/TaxExemptionReasonCode", "TaxCategory/TaxExemptionReason"),
    }


def _sums(sums: etree._Element, document: Document, invoice: Row) -> None:
    """Net and gross as stated; where the optional ones are missing, from what must be there."""
    lines, payable = money(sums, "LineExtensionAmount"), money(sums, "PayableAmount")
    net, gross = money(sums, "TaxExclusiveAmount"), money(sums, "TaxInclusiveAmount")
    invoice["prepaid"], rounding = money(sums, "PrepaidAmount"), money(sums, "PayableRoundingAmount")
    if net is None:
        net = _net(sums, document, lines)
    if gross is None:
        gross = payable + amount_of(invoice, "prepaid") - (rounding or ZERO) if payable is not None else net + amount_of(invoice, "tax")
    invoice["net"], invoice["gross"] = net, gross
    invoice["payable"] = payable - rounding if payable is not None and rounding is not None else payable
    invoice["withheld"] = invoice.get("withheld")


def _net(sums: etree._Element, document: Document, lines: Decimal | None) -> Decimal:
    if lines is None and not document.of("invoice_line"):
        raise missing(sums, "TaxExclusiveAmount")
    base = lines if lines is not None else total(document.of("invoice_line"), "net")
    return base - (money(sums, "AllowanceTotalAmount") or ZERO) + (money(sums, "ChargeTotalAmount") or ZERO)
