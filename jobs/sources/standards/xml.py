"""XML from strangers, parsed without DTD, entities, network or unbounded trees, and recognised by its root element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, cast

from lxml import etree

from jobs.sources.part import KEPT_RAW

MAX_DOCUMENT = 32 << 20
"""Bytes of one document; invoices with thousands of lines stay far below."""
MAX_DEPTH = 200

STANDARDS = {
    "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice": "ubl",
    "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote": "ubl",
    "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice": "cii",
    "{http://www.sat.gob.mx/cfd/3}Comprobante": "cfdi",
    "{http://www.sat.gob.mx/cfd/4}Comprobante": "cfdi",
    "{http://www.sat.gob.mx/esquemas/retencionpago/1}Retenciones": "cfdi-retenciones",
    "{http://www.sat.gob.mx/esquemas/retencionpago/2}Retenciones": "cfdi-retenciones",
}
NAMES = {
    "cii": "UN/CEFACT Cross Industry Invoice",
    "cfdi": "CFDI (Mexico)",
    "cfdi-retenciones": "CFDI withholdings (Mexico)",
    "fatturapa": "FatturaPA (Italy)",
    "saf-t": "SAF-T audit file",
}


class Refused(Exception):
    """A document that is not read: rule and reason, with the remedy."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule, self.reason = rule, reason


def read_document(stream: BinaryIO) -> bytes:
    """The document's bytes. Refused when there are none or too many."""
    data = stream.read(MAX_DOCUMENT + 1)
    if not data.strip():
        raise Refused("empty_file", "the file is empty; ask for it again")
    if len(data) > MAX_DOCUMENT:
        raise Refused("too_long", f"more than {MAX_DOCUMENT} bytes; one invoice is never that large")
    return data


def parse(data: bytes) -> etree._Element:
    """The root element. Refused when the document declares a DTD, cannot be parsed, or nests too deeply."""
    for mark in ("<!DOCTYPE", "<!ENTITY"):
        if mark.encode() in data or mark.encode("utf-16-le") in data or mark.encode("utf-16-be") in data:
            raise Refused("doctype", f"declares {mark}; document types and entities are never read: have it sent without")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        place = f"line {fault.lineno}, column {fault.offset}: " if isinstance(fault, etree.XMLSyntaxError) else ""
        raise Refused("xml", f"not well-formed XML: {place}{str(fault)[:200]}; have it sent again") from fault
    if root.getroottree().docinfo.doctype:
        raise Refused("doctype", "declares a document type; have it sent without")
    if _depth(root) > MAX_DEPTH:
        raise Refused("too_deep", f"elements nest more than {MAX_DEPTH} deep; no invoice does")
    return root


def _depth(root: etree._Element) -> int:
    depth = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def standard_of(root: etree._Element) -> str | None:
    """The standard a root element belongs to; None when it is none we know."""
    tag = str(root.tag)
    if tag in STANDARDS:
        return STANDARDS[tag]
    local = etree.QName(root).localname
    return {"FatturaElettronica": "fatturapa", "AuditFile": "saf-t"}.get(local)


def text(element: etree._Element | None) -> str | None:
    """The element's own text, stripped; None when there is none."""
    found = (element.text or "").strip() if element is not None else ""
    return found or None


def shown(data: bytes) -> str:
    """The document as text for bronze and quarantine; bytes that are no UTF-8 become U+FFFD, NUL bytes are shown as such."""
    return data.decode("utf-8", errors="replace").replace("\x00", "\u2400")


def head(data: bytes) -> str:
    """The beginning of a refused document."""
    return shown(data[:KEPT_RAW])


def each(element: etree._Element, path: str, names: dict[str, str]) -> Iterator[etree._Element]:
    """The elements at a path."""
    return cast("Iterator[etree._Element]", element.iterfind(path, names))
