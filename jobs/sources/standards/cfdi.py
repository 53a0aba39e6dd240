"""CFDI 3.2, 3.3 and 4.0 (Mexico; Anexo 20 of the Resolución Miscelánea Fiscal), with what the payments complement adds.

net = SubTotal - Descuento; tax = transferred taxes, local ones too; gross = Total + what the buyer withholds, so that
net + tax = gross as everywhere; payable = Total. A credit note (E) is printed positive. Attribute names of 3.2 begin small.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from lxml import etree

from jobs.sources.standards.attributes import money, needed, said
from jobs.sources.standards.canonical import Document, Row
from jobs.sources.standards.cfdi_payment import read_payments
from jobs.sources.standards.nodes import each, first, missing
from jobs.sources.standards.totals import CENT, ZERO, amount_of, compare, reconcile, total
from jobs.sources.standards.values import day_of

KINDS = {"I": ("ordinary", 1), "E": ("credit_note", -1), "T": ("transport", 1), "N": ("payroll", 1), "P": ("payment", 1),
         "INGRESO": ("ordinary", 1), "EGRESO": ("credit_note", -1), "TRASLADO": ("transport", 1)}  # fmt: skip
TAXES = {"001": "ISR", "002": "IVA", "003": "IEPS"}


def read_cfdi(root: etree._Element) -> Iterator[Document]:
    """The invoice of a CFDI with lines, taxes and payments. Refused without date, parties or totals."""
    yield _document(root)


def _document(root: etree._Element) -> Document:
    version, kind = needed(root, "Version"), needed(root, "TipoDeComprobante")
    word, sign = KINDS.get(kind.upper(), (f"type_{kind}", 1))
    stamp = next(iter(root.iter("{*}TimbreFiscalDigital")), None)
    uuid = said(stamp, "UUID")
    number = "".join(p for p in (said(root, "Serie"), said(root, "Folio")) if p) or uuid
    document = Document()
    invoice = document.add(
        "invoice", standard="cfdi", version=version, number=number, uuid=uuid, kind=word, sign=sign, self_billed=False,
        issued=day_of(root, needed(root, "Fecha"), "Fecha"), currency=said(root, "Moneda") or "MXN", corrects=said(first(root, "CfdiRelacionados/CfdiRelacionado"), "UUID"),
        **_party(root, "seller", "Emisor"), **_party(root, "buyer", "Receptor"),
    )  # fmt: skip
    old = version.startswith("3.2") or version.startswith("2")
    for n, concept in enumerate(each(root, "Conceptos/Concepto"), 1):
        document.add("invoice_line", number=number, line=str(n), **_line(concept))
    subtotal, discount, total_ = (money(root, n) for n in ("SubTotal", "Descuento", "Total"))
    if subtotal is None or total_ is None:
        raise missing(root, "SubTotal" if subtotal is None else "Total")
    if old and discount:
        document.add("invoice_allowance", number=number, charge=False, reason=said(root, "MotivoDescuento"), amount=discount)
    _taxes(root, document, number, old)
    invoice["net"], invoice["payable"] = subtotal - (discount or ZERO), total_
    invoice["tax"] = _stated(root, document, "TotalImpuestosTrasladados", False)
    invoice["withheld"] = _stated(root, document, "TotalImpuestosRetenidos", True)
    invoice["gross"] = total_ + amount_of(invoice, "withheld")
    read_payments(root, document, invoice)
    reconcile(document, invoice, slack=CENT, by_line=True, lines_stated=subtotal - (ZERO if old else discount or ZERO))
    if uuid is None:
        invoice["faults"] = ", ".join(f for f in (invoice["faults"], "not stamped") if isinstance(f, str))
        document.add("check", number=number, rule="not stamped: no fiscal folio (UUID)")
    return document


def _party(root: etree._Element, role: str, name: str) -> Row:
    party = first(root, name)
    if party is None:
        raise missing(root, name, f": it has no {role}")
    home = said(party, "ResidenciaFiscal")
    foreign = said(party, "NumRegIdTrib") if home else None
    return {f"{role}_id": foreign or needed(party, "Rfc"), f"{role}_name": said(party, "Nombre"), f"{role}_country": home or "MX"}


def _line(concept: etree._Element) -> Row:
    """A concept; its net is after its discount. Its rate is that of VAT; a local or excise tax stands in invoice_tax alone."""
    taxes = list(each(concept, "Impuestos/Traslados/Traslado"))
    vat = next((t for t in taxes if said(t, "Impuesto") in ("002", "IVA")), None)
    rate = money(vat, "TasaOCuota")
    gross = money(concept, "Importe")
    return {
        "item": said(concept, "Descripcion"),
        "item_code": said(concept, "NoIdentificacion", "ClaveProdServ"),
        "quantity": money(concept, "Cantidad"),
        "unit": said(concept, "ClaveUnidad", "Unidad"),
        "price": money(concept, "ValorUnitario"),
        "net": None if gross is None else gross - (money(concept, "Descuento") or ZERO),
        "tax_rate": rate * 100 if rate is not None else None,
        "tax_category": said(vat, "TipoFactor"),
        "tax": sum((money(t, "Importe") or ZERO for t in taxes), ZERO) if taxes else None,
    }


def _taxes(root: etree._Element, document: Document, number: str | None, old: bool) -> None:
    """Taxes of the whole document; of 3.2 in percent, later as a fraction. Local taxes come from their complement."""
    for path, withheld in (("Impuestos/Traslados/Traslado", False), ("Impuestos/Retenciones/Retencion", True)):
        for found in each(root, path):
            rate, code = money(found, "TasaOCuota", "tasa"), said(found, "Impuesto")
            document.add(
                "invoice_tax", number=number, withheld=withheld, kind=TAXES.get(code or "", code), category=said(found, "TipoFactor"),
                rate=rate if rate is None or old else rate * 100, base=money(found, "Base"), tax=money(found, "Importe") or ZERO,
            )  # fmt: skip
    for name, rate_name, withheld in (("TrasladosLocales", "TasadeTraslado", False), ("RetencionesLocales", "TasadeRetencion", True)):
        for found in root.iter("{*}" + name):
            document.add(
                "invoice_tax", number=number, withheld=withheld, kind=said(found, "ImpLocTrasladado", "ImpLocRetenido"), category="local",
                rate=money(found, rate_name), tax=money(found, "Importe") or ZERO,
            )  # fmt: skip


def _stated(root: etree._Element, document: Document, name: str, withheld: bool) -> Decimal:
    """A total of taxes as stated, with local ones; where it is not stated, the sum of its parts."""
    rows = [t for t in document.of("invoice_tax") if t["withheld"] is withheld]
    stated = money(first(root, "Impuestos"), name)
    parts = total([t for t in rows if t["category"] != "local"], "tax")
    if withheld:
        compare(document, "withheld", stated, parts, CENT)
    return (parts if stated is None else stated) + total([t for t in rows if t["category"] == "local"], "tax")
