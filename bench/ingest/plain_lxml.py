"""The peer: what somebody writes in an afternoon who knows each standard's paths. Same fields, no checks, no other spelling."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from lxml import etree

UBL = {"b": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2", "a": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"}
CII = {
    "r": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "s": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "u": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
CFDI = {"c": "http://www.sat.gob.mx/cfd/4"}
Rows = tuple[dict[str, Any], list[dict[str, Any]]]


def ubl(root: Any) -> Rows:
    at = partial(root.findtext, namespaces=UBL)
    sums, seller, buyer = "a:LegalMonetaryTotal/b:", "a:AccountingSupplierParty/a:Party/", "a:AccountingCustomerParty/a:Party/"
    head = {
        "number": at("b:ID"), "issued": _day(at("b:IssueDate")), "currency": at("b:DocumentCurrencyCode"),
        "seller_id": at(seller + "a:PartyTaxScheme/b:CompanyID"), "seller_name": at(seller + "a:PartyLegalEntity/b:RegistrationName"),
        "buyer_id": at(buyer + "a:PartyTaxScheme/b:CompanyID"), "buyer_name": at(buyer + "a:PartyLegalEntity/b:RegistrationName") or at(buyer + "a:PartyName/b:Name"),
        "net": _number(at(sums + "TaxExclusiveAmount")), "tax": _number(at("a:TaxTotal/b:TaxAmount")), "gross": _number(at(sums + "TaxInclusiveAmount")),
    }  # fmt: skip
    lines = []
    for line in root.iterfind("a:InvoiceLine", UBL):
        get = partial(line.findtext, namespaces=UBL)
        quantity = line.find("b:InvoicedQuantity", UBL)
        lines.append({
            "line": get("b:ID"), "item": get("a:Item/b:Name"), "quantity": _number(quantity.text), "unit": quantity.get("unitCode"), "net": _number(get("b:LineExtensionAmount")),
            "price": _number(get("a:Price/b:PriceAmount")), "tax_rate": _number(get("a:Item/a:ClassifiedTaxCategory/b:Percent")),
        })  # fmt: skip
    return head, lines


def cii(root: Any) -> Rows:
    at = partial(root.findtext, namespaces=CII)
    trade, settled = "s:SupplyChainTradeTransaction/", "s:SupplyChainTradeTransaction/r:ApplicableHeaderTradeSettlement/"
    sums, parties = settled + "r:SpecifiedTradeSettlementHeaderMonetarySummation/r:", trade + "r:ApplicableHeaderTradeAgreement/"
    head = {
        "number": at("s:ExchangedDocument/r:ID"), "issued": _day(at("s:ExchangedDocument/r:IssueDateTime/u:DateTimeString")), "currency": at(settled + "r:InvoiceCurrencyCode"),
        "seller_id": at(parties + "r:SellerTradeParty/r:SpecifiedTaxRegistration/r:ID"), "seller_name": at(parties + "r:SellerTradeParty/r:Name"),
        "buyer_id": at(parties + "r:BuyerTradeParty/r:SpecifiedTaxRegistration/r:ID"), "buyer_name": at(parties + "r:BuyerTradeParty/r:Name"),
        "net": _number(at(sums + "TaxBasisTotalAmount")), "tax": _number(at(sums + "TaxTotalAmount")), "gross": _number(at(sums + "GrandTotalAmount")),
    }  # fmt: skip
    lines = []
    for line in root.iterfind(trade + "r:IncludedSupplyChainTradeLineItem", CII):
        get = partial(line.findtext, namespaces=CII)
        quantity = line.find("r:SpecifiedLineTradeDelivery/r:BilledQuantity", CII)
        own = "r:SpecifiedLineTradeSettlement/r:"
        lines.append({
            "line": get("r:AssociatedDocumentLineDocument/r:LineID"), "item": get("r:SpecifiedTradeProduct/r:Name"), "quantity": _number(quantity.text), "unit": quantity.get("unitCode"),
            "price": _number(get("r:SpecifiedLineTradeAgreement/r:NetPriceProductTradePrice/r:ChargeAmount")), "tax_rate": _number(get(own + "ApplicableTradeTax/r:RateApplicablePercent")),
            "net": _number(get(own + "SpecifiedTradeSettlementLineMonetarySummation/r:LineTotalAmount")),
        })  # fmt: skip
    return head, lines


def fatturapa(root: Any) -> Rows:
    at = root.findtext
    seller, buyer = (f"FatturaElettronicaHeader/{n}/DatiAnagrafici/" for n in ("CedentePrestatore", "CessionarioCommittente"))
    body = root.find("FatturaElettronicaBody")
    own = "DatiGenerali/DatiGeneraliDocumento/"
    parts = body.findall("DatiBeniServizi/DatiRiepilogo")
    net, tax = (sum((Decimal(p.findtext(n)) for p in parts), Decimal(0)) for n in ("ImponibileImporto", "Imposta"))
    stated = body.findtext(own + "ImportoTotaleDocumento")
    head = {
        "number": body.findtext(own + "Numero"), "issued": _day(body.findtext(own + "Data")), "currency": body.findtext(own + "Divisa"),
        "seller_id": (at(seller + "IdFiscaleIVA/IdPaese") or "") + (at(seller + "IdFiscaleIVA/IdCodice") or ""), "seller_name": at(seller + "Anagrafica/Denominazione"),
        "buyer_id": at(buyer + "CodiceFiscale"), "buyer_name": f"{at(buyer + 'Anagrafica/Nome')} {at(buyer + 'Anagrafica/Cognome')}",
        "net": net, "tax": tax, "gross": Decimal(stated) if stated else net + tax,
    }  # fmt: skip
    lines = [
        {
            "line": d.findtext("NumeroLinea"), "item": d.findtext("Descrizione"), "quantity": _number(d.findtext("Quantita")), "unit": d.findtext("UnitaMisura"),
            "price": _number(d.findtext("PrezzoUnitario")), "net": _number(d.findtext("PrezzoTotale")), "tax_rate": _number(d.findtext("AliquotaIVA")),
        }
        for d in body.iterfind("DatiBeniServizi/DettaglioLinee")
    ]  # fmt: skip
    return head, lines


def cfdi(root: Any) -> Rows:
    seller, buyer, taxes = root.find("c:Emisor", CFDI), root.find("c:Receptor", CFDI), root.find("c:Impuestos", CFDI)
    net, tax = Decimal(root.get("SubTotal")) - Decimal(root.get("Descuento", "0")), Decimal(taxes.get("TotalImpuestosTrasladados"))
    head = {
        "number": root.get("Serie", "") + root.get("Folio", ""), "issued": _day(root.get("Fecha")), "currency": root.get("Moneda"),
        "seller_id": seller.get("Rfc"), "seller_name": seller.get("Nombre"), "buyer_id": buyer.get("Rfc"), "buyer_name": buyer.get("Nombre"),
        "net": net, "tax": tax, "gross": Decimal(root.get("Total")) + Decimal(taxes.get("TotalImpuestosRetenidos", "0")),
    }  # fmt: skip
    lines = []
    for n, c in enumerate(root.iterfind("c:Conceptos/c:Concepto", CFDI), 1):
        moved = c.find("c:Impuestos/c:Traslados/c:Traslado", CFDI)
        lines.append({
            "line": str(n), "item": c.get("Descripcion"), "quantity": _number(c.get("Cantidad")), "unit": c.get("ClaveUnidad"), "price": _number(c.get("ValorUnitario")),
            "net": Decimal(c.get("Importe")) - Decimal(c.get("Descuento", "0")), "tax_rate": Decimal(moved.get("TasaOCuota")) * 100,
        })  # fmt: skip
    return head, lines


READERS = {"ubl": ubl, "cii": cii, "fatturapa": fatturapa, "cfdi": cfdi}


def read(data: bytes, standard: str) -> Rows:
    """Head and lines of one document."""
    return READERS[standard](etree.fromstring(data))


def _day(text: str | None) -> date:
    return date.fromisoformat((text or "")[:10])


def _number(text: str | None) -> Decimal | None:
    return Decimal(text.strip()) if text else None
