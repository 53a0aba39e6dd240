"""UN/CEFACT Cross Industry Invoice (EN 16931, Factur-X, XRechnung; ZUGFeRD 1 by its older names).

A credit note is told by its type code; its amounts are positive. Business terms as in `ubl`.
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

_OLDER = {
    "ExchangedDocument": "HeaderExchangedDocument",
    "SupplyChainTradeTransaction": "SpecifiedSupplyChainTradeTransaction",
    "ApplicableHeaderTradeAgreement": "ApplicableSupplyChainTradeAgreement",
    "ApplicableHeaderTradeSettlement": "ApplicableSupplyChainTradeSettlement",
    "SpecifiedTradeSettlementHeaderMonetarySummation": "SpecifiedTradeSettlementMonetarySummation",
    "SpecifiedLineTradeAgreement": "SpecifiedSupplyChainTradeAgreement",
    "SpecifiedLineTradeDelivery": "SpecifiedSupplyChainTradeDelivery",
    "SpecifiedLineTradeSettlement": "SpecifiedSupplyChainTradeSettlement",
    "SpecifiedTradeSettlementLineMonetarySummation": "SpecifiedTradeSettlementMonetarySummation",
}
"""Names of today and those of ZUGFeRD 1."""


def read_cii(root: etree._Element) -> Iterator[Document]:
    """The one invoice of a CII document with lines, taxes, allowances. Refused without number, date, parties or a total."""
    yield _document(root)


def _part(element: etree._Element, name: str) -> etree._Element | None:
    found = first(element, name)
    return found if found is not None or name not in _OLDER else first(element, _OLDER[name])


def _must(element: etree._Element, name: str) -> etree._Element:
    found = _part(element, name)
    if found is None:
        raise missing(element, name)
    return found


def _document(root: etree._Element) -> Document:
    head, trade = _must(root, "ExchangedDocument"), _must(root, "SupplyChainTradeTransaction")
    agreement, settlement = _must(trade, "ApplicableHeaderTradeAgreement"), _must(trade, "ApplicableHeaderTradeSettlement")
    sums = _must(settlement, "SpecifiedTradeSettlementHeaderMonetarySummation")
    kind, sign, by_buyer = kind_of(text_at(head, "TypeCode"))
    document = Document()
    issued = needed_date(head, "IssueDateTime/DateTimeString", "IssueDateTime/DateTime")
    invoice = document.add(
        "invoice", standard="cii", number=needed(head, "ID"), kind=kind, sign=sign, self_billed=by_buyer, issued=issued,
        version=any_text(root, "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID", "SpecifiedExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID"),
        currency=text_at(settlement, "InvoiceCurrencyCode") or next((a.get("currencyID") for a in sums if a.get("currencyID")), None),
        period_from=date_at(settlement, "BillingSpecifiedPeriod/StartDateTime/DateTimeString"), period_to=date_at(settlement, "BillingSpecifiedPeriod/EndDateTime/DateTimeString"),
        corrects=any_text(settlement, "InvoiceReferencedDocument/IssuerAssignedID", "InvoiceReferencedDocument/ID"),
        **_party(agreement, "seller", "SellerTradeParty"), **_party(agreement, "buyer", "BuyerTradeParty"),
    )  # fmt: skip
    for line in each(trade, "IncludedSupplyChainTradeLineItem"):
        if row := _line(line):
            document.add("invoice_line", number=invoice["number"], **row)
    for found in each(settlement, "SpecifiedTradeAllowanceCharge"):
        document.add("invoice_allowance", number=invoice["number"], **_allowance(found))
    for found in each(settlement, "SpecifiedLogisticsServiceCharge"):
        document.add("invoice_allowance", number=invoice["number"], charge=True, reason=text_at(found, "Description"), amount=money(found, "AppliedAmount") or ZERO)
    for found in each(settlement, "ApplicableTradeTax"):
        document.add("invoice_tax", number=invoice["number"], withheld=False, **_tax(found))
    _sums(sums, settlement, document, invoice)
    reconcile(document, invoice, lines_stated=money(sums, "LineTotalAmount"))
    return document


def _party(agreement: etree._Element, role: str, path: str) -> Row:
    """Tax id: the VAT registration (scheme VA), else another tax registration, the legal registration, another identifier."""
    party = first(agreement, path)
    if party is None:
        raise missing(agreement, path, f": it has no {role}")
    taxes = [(said(i), i.get("schemeID")) for i in each(party, "SpecifiedTaxRegistration/ID")]
    found = next((i for i, scheme in taxes if i and scheme == "VA"), None) or next((i for i, _ in taxes if i), None)
    found = found or any_text(party, "SpecifiedLegalOrganization/ID", "GlobalID", "ID", "URIUniversalCommunication/URIID")
    name = any_text(party, "Name", "SpecifiedLegalOrganization/TradingBusinessName")
    if not (found or name):
        raise missing(party, "Name", f": the {role} has neither name nor identifier")
    return {f"{role}_id": found, f"{role}_name": name, f"{role}_country": text_at(party, "PostalTradeAddress/CountryID")}


def _line(line: etree._Element) -> Row | None:
    """A line of goods; None for one that only groups or informs others (Factur-X EXTENDED)."""
    if text_at(line, "AssociatedDocumentLineDocument/LineStatusReasonCode") in ("GROUP", "INFORMATION"):
        return None
    agreement, delivery, settlement = (_part(line, f"SpecifiedLineTrade{p}") for p in ("Agreement", "Delivery", "Settlement"))
    if settlement is None:
        return None  # a line of text (ZUGFeRD 1)
    price = next((p for n in ("NetPriceProductTradePrice", "GrossPriceProductTradePrice") if agreement is not None and (p := first(agreement, n)) is not None), None)
    quantity = first(delivery, "BilledQuantity") if delivery is not None else None
    count, sums = said(quantity), _part(settlement, "SpecifiedTradeSettlementLineMonetarySummation")
    charge, per = (money(price, "ChargeAmount"), money(price, "BasisQuantity")) if price is not None else (None, None)
    rate = money(settlement, "ApplicableTradeTax/RateApplicablePercent")
    return {
        "line": text_at(line, "AssociatedDocumentLineDocument/LineID"),
        "item": text_at(line, "SpecifiedTradeProduct/Name"),
        "item_code": any_text(line, "SpecifiedTradeProduct/SellerAssignedID", "SpecifiedTradeProduct/GlobalID"),
        "quantity": number_of(quantity, count) if quantity is not None and count else None,
        "unit": quantity.get("unitCode") if quantity is not None else None,
        "price": charge / per if charge is not None and per else charge,
        "net": money(sums, "LineTotalAmount") if sums is not None else None,
        "tax_rate": rate if rate is not None else money(settlement, "ApplicableTradeTax/ApplicablePercent"),
        "tax_category": text_at(settlement, "ApplicableTradeTax/CategoryCode"),
        "tax": money(settlement, "ApplicableTradeTax/CalculatedAmount"),
    }


def _allowance(found: etree._Element) -> Row:
    return {
        "charge": (any_text(found, "ChargeIndicator/Indicator", "ChargeIndicator") or "").lower() in ("true", "1"),
        "reason": any_text(found, "Reason", "ReasonCode"),
        "amount": money(found, "ActualAmount") or ZERO,
        "base": money(found, "BasisAmount"),
        "rate": money(found, "CalculationPercent"),
        "tax_rate": money(found, "CategoryTradeTax/RateApplicablePercent"),
    }


def _tax(found: etree._Element) -> Row:
    rate = money(found, "RateApplicablePercent")
    return {
        "kind": text_at(found, "TypeCode"),
        "category": text_at(found, "CategoryCode"),
        "rate": rate if rate is not None else money(found, "ApplicablePercent"),
        "base": money(found, "BasisAmount"),
        "tax": money(found, "CalculatedAmount") or ZERO,
        "reason": any_text(found, "ExemptionReasonCode", "ExemptionReason"),
    }


def _sums(sums: etree._Element, settlement: etree._Element, document: Document, invoice: Row) -> None:
    """Net, tax and gross in the invoice's currency; a second tax total stands in the accounting currency (BT-111)."""
    currency, other = invoice["currency"], text_at(settlement, "TaxCurrencyCode")
    invoice["tax"] = _in(sums, "TaxTotalAmount", currency)
    if invoice["tax"] is None:
        invoice["tax"] = total(document.of("invoice_tax"), "tax")
    if other and other != currency:
        invoice["tax_currency"], invoice["tax_in_tax_currency"] = other, next((money_of(a) for a in each(sums, "TaxTotalAmount") if a.get("currencyID") == other), None)
    net, gross, payable = _in(sums, "TaxBasisTotalAmount", currency), _in(sums, "GrandTotalAmount", currency), _in(sums, "DuePayableAmount", currency)
    lines, rounding = money(sums, "LineTotalAmount"), money(sums, "RoundingAmount")
    if net is None and lines is None:
        raise missing(sums, "TaxBasisTotalAmount")
    if net is None:
        net = (lines or ZERO) - (money(sums, "AllowanceTotalAmount") or ZERO) + (money(sums, "ChargeTotalAmount") or ZERO)
    invoice["net"], invoice["prepaid"] = net, money(sums, "TotalPrepaidAmount")
    invoice["gross"] = gross if gross is not None else net + amount_of(invoice, "tax")
    invoice["payable"] = payable - rounding if payable is not None and rounding is not None else payable


def _in(sums: etree._Element, name: str, currency: object) -> Decimal | None:
    found = [a for a in each(sums, name) if said(a)]
    own = [a for a in found if a.get("currencyID") == currency] or [a for a in found if a.get("currencyID") is None]
    return money_of(own[0]) if own else None


def money_of(element: etree._Element) -> Decimal | None:
    """An element's own text as an amount."""
    text = said(element)
    return number_of(element, text) if text else None
