"""Which standard is this? Told by the root element's name and what stands in it; prefixes and namespaces are the writer's choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from jobs.sources.standards.canonical import Document
from jobs.sources.standards.cfdi import read_cfdi
from jobs.sources.standards.cfdi_withholding import read_withholding
from jobs.sources.standards.cii import read_cii
from jobs.sources.standards.fatturapa import read_fatturapa
from jobs.sources.standards.nodes import first
from jobs.sources.standards.ofd import read_china
from jobs.sources.standards.ubl import CREDITS, SELF_BILLED, read_ubl
from jobs.sources.standards.xml import Refused, parse

Found = Iterator[Document | Refused]
READERS: dict[str, Callable[[etree._Element], Found]] = {
    "ubl": read_ubl,
    "cii": read_cii,
    "fatturapa": read_fatturapa,
    "cfdi": read_cfdi,
    "cfdi-retenciones": read_withholding,
    "ofd": read_china,
}
NAMES = {
    "ubl": "UBL invoice",
    "cii": "UN/CEFACT Cross Industry Invoice",
    "fatturapa": "FatturaPA (Italy)",
    "cfdi": "CFDI (Mexico)",
    "cfdi-retenciones": "CFDI withholdings (Mexico)",
    "ofd": "e-invoice (China, OFD or its XML)",
    "saf-t": "SAF-T audit file",
    "saf-t-cash-register": "SAF-T cash register file",
    "jpk": "JPK file (Poland)",
}
_ROOTS = {
    **dict.fromkeys(("Invoice", "DebitNote", "FreightInvoice", *CREDITS, *SELF_BILLED), "ubl"),
    **dict.fromkeys(("CrossIndustryInvoice", "CrossIndustryDocument"), "cii"),
    **dict.fromkeys(("FatturaElettronica", "FatturaElettronicaSemplificata"), "fatturapa"),
    "Comprobante": "cfdi",
    "Retenciones": "cfdi-retenciones",
    "eInvoice": "ofd",
    "EInvoice": "ofd",
    "AuditFile": "saf-t",
    "auditfile": "saf-t-cash-register",
    "JPK": "jpk",
}
_SHAPES = {
    "ubl": ("LegalMonetaryTotal", "RequestedMonetaryTotal", "AccountingSupplierParty"),
    "cii": ("SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction", "ExchangedDocument"),
    "fatturapa": ("FatturaElettronicaHeader", "FatturaElettronicaBody"),
    "cfdi": ("Emisor", "Receptor"),
    "cfdi-retenciones": ("Emisor", "Receptor", "Totales"),
}
"""What a root of a namespace that is not the standard's own must hold to be taken for it."""
_OWN = (
    "urn:oasis:names:specification:ubl:schema:xsd:", "urn:un:unece:uncefact:data:standard:", "urn:ferd:", "http://ivaservizi.agenziaentrate.gov.it/",
    "http://www.fatturapa.gov.it/sdi/fatturapa/", "http://www.sat.gob.mx/", "http://www.edrm.org.cn/", "http://www.chinatax.gov.cn/",
)  # fmt: skip
_MESSAGES = {
    "http://www.fatturapa.gov.it/sdi/messaggi/": "a message of Italy's exchange system about an invoice",
    "http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fattura/messaggi/": "a message of Italy's exchange system about an invoice",
    "urn:oasis:names:specification:ubl:schema:xsd:": "a UBL document that is no invoice",
    "http://www.ofdspec.org/": "a part of an OFD package; give the whole .ofd file",
}
_WITHIN = 6
"""Levels below an envelope where an invoice may stand."""


def standard_of(root: etree._Element) -> str | None:
    """The standard a root element belongs to; None when it is none we know."""
    name = etree.QName(root)
    found = _ROOTS.get(name.localname)
    if found is None or found not in _SHAPES:
        return found
    if (name.namespace or "").startswith(_OWN) or any(first(root, part) is not None for part in _SHAPES[found]):
        return found
    return None


def read_root(root: etree._Element) -> tuple[str, Found]:
    """The standard of a parsed document and its documents; an envelope gives the invoices in it. Refused when there is none."""
    standard = standard_of(root)
    if standard in READERS:
        return standard, READERS[standard](root)
    inner = _enveloped(root) if standard is None else []
    if not inner:
        raise unknown(root)
    names = {standard_of(e) or "" for e in inner}
    return "+".join(sorted(names)), (d for e in inner for d in READERS[standard_of(e) or ""](e))


def _enveloped(root: etree._Element) -> list[etree._Element]:
    """The outermost invoices inside an envelope, as elements or as text that is itself a document."""
    found, level = [], [root]
    for _ in range(_WITHIN):
        level = [child for e in level for child in e if isinstance(child.tag, str)]
        found += [e for e in level if standard_of(e) in READERS]
        level = [e for e in level if standard_of(e) not in READERS]
    return found or [r for r in _texts(root) if standard_of(r) in READERS]


def _texts(root: etree._Element) -> Iterator[etree._Element]:
    for text in root.xpath("//*[not(*)][starts-with(normalize-space(), '<')]/text()"):
        try:
            yield parse(str(text).strip().encode())
        except Refused:
            continue


def unknown(root: etree._Element) -> Refused:
    """The refusal of a document that is none of ours, or one of a standard's messages that is no invoice."""
    name = etree.QName(root)
    known = next((words for start, words in _MESSAGES.items() if (name.namespace or "").startswith(start)), None)
    if known:
        return Refused(f"no_invoice:{name.localname}", f"{known} ({name.localname})", "nothing is lost: the invoice itself comes apart from it")
    if name.localname == "StandardTaxCodes":
        return Refused("no_invoice:StandardTaxCodes", "a list of tax codes, not a document of any taxpayer", "enter it as a code table")
    said = f"{{{name.namespace}}}{name.localname}" if name.namespace else name.localname
    return Refused("standard:unknown", f"its root element is {said[:150]}, of no standard that Assay reads", f"send one of: {', '.join(sorted(NAMES))}")
