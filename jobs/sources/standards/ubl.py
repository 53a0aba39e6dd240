"""UBL 2.1 invoices and credit notes (EN 16931, Peppol BIS Billing 3) as canonical columns.

Amounts are text as printed; a credit note's are positive, as the standard writes them, and its kind says what it is.
Business terms (BT) are those of EN 16931-1: net BT-109, tax BT-110, gross BT-112.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from lxml import etree

from jobs.sources.standards.xml import Refused, each, text

N = {
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
}
KINDS = {"380": "ordinary", "381": "credit_note", "384": "correction", "386": "prepayment", "389": "self_billed"}
Row = dict[str, str | None]


def read_ubl(root: etree._Element) -> tuple[Row, list[Row]]:
    """The invoice of a UBL document and its lines.

    Columns: standard, kind, number, issued, seller_id, seller_name, buyer_id, buyer_name, currency, net, tax, gross,
    difference (gross - net - tax), item, corrects; per line line_no, item, quantity, unit, net, rate. Refused when a
    part without which it is no invoice is missing: it names the element.
    """
    code = _at(root, "cbc:InvoiceTypeCode") or _at(root, "cbc:CreditNoteTypeCode")
    credit = etree.QName(root).localname == "CreditNote"
    currency = _at(root, "cbc:DocumentCurrencyCode")
    invoice: Row = {
        "standard": "ubl",
        "kind": "credit_note" if credit else KINDS.get(code or "380", f"type_{code}"),
        "number": _need(root, "cbc:ID"),
        "issued": _need(root, "cbc:IssueDate"),
        **_party(root, "seller", "cac:AccountingSupplierParty/cac:Party"),
        **_party(root, "buyer", "cac:AccountingCustomerParty/cac:Party"),
        "currency": currency,
        "net": _need(root, "cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount"),
        "tax": _tax(root, currency),
        "gross": _need(root, "cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount"),
        "corrects": _at(root, "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID"),
    }
    invoice["difference"] = _difference(invoice)
    lines = [_line(line, "CreditedQuantity" if credit else "InvoicedQuantity") for line in each(root, "cac:CreditNoteLine" if credit else "cac:InvoiceLine", N)]
    invoice["item"] = lines[0]["item"] if lines else None
    return invoice, lines


def _at(element: etree._Element, path: str) -> str | None:
    return text(element.find(path, N))


def _need(root: etree._Element, path: str) -> str:
    found = _at(root, path)
    if found is None:
        raise Refused("ubl", f"no {path.replace('cbc:', '').replace('cac:', '')} in line {root.sourceline} ff.; without it this is no invoice: have it sent again")
    return found


def _party(root: etree._Element, role: str, path: str) -> Row:
    """Tax id: the VAT registration, else another tax registration, the legal registration, another identifier."""
    party = root.find(path, N)
    if party is None:
        raise Refused("ubl", f"no {role}: the document has no {path.replace('cac:', '')}; have it sent again")
    schemes = list(each(party, "cac:PartyTaxScheme", N))
    vat = [s for s in schemes if (_at(s, "cac:TaxScheme/cbc:ID") or "").upper() == "VAT"]
    ids = [_at(s, "cbc:CompanyID") for s in (*vat, *schemes)]
    ids += [_at(party, "cac:PartyLegalEntity/cbc:CompanyID"), _at(party, "cac:PartyIdentification/cbc:ID"), _at(party, "cbc:EndpointID")]
    names = (_at(party, "cac:PartyLegalEntity/cbc:RegistrationName"), _at(party, "cac:PartyName/cbc:Name"))
    return {f"{role}_id": next((i for i in ids if i), None), f"{role}_name": next((n for n in names if n), None)}


def _tax(root: etree._Element, currency: str | None) -> str:
    """The tax total in the invoice's currency (a second one may stand in the accounting currency); 0 where none is charged."""
    totals = [a for a in each(root, "cac:TaxTotal/cbc:TaxAmount", N) if text(a)]
    own = [a for a in totals if a.get("currencyID") in (currency, None)]
    return text((own or totals)[0]) or "0" if totals else "0"


def _difference(invoice: Row) -> str | None:
    try:
        net, tax, gross = (Decimal(invoice[c] or "") for c in ("net", "tax", "gross"))
    except InvalidOperation:
        return None  # the amount's own rule says which one is wrong
    return format(gross - net - tax, "f") if (gross - net - tax).is_finite() else None


def _line(line: etree._Element, quantity: str) -> Row:
    amount = line.find(f"cbc:{quantity}", N)
    return {
        "line_no": _at(line, "cbc:ID"),
        "item": _at(line, "cac:Item/cbc:Name"),
        "quantity": text(amount),
        "unit": amount.get("unitCode") if amount is not None else None,
        "net": _at(line, "cbc:LineExtensionAmount"),
        "rate": _at(line, "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent"),
    }
