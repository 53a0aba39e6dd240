"""XML from strangers, parsed without DTD, entities, network or unbounded trees."""

from __future__ import annotations

import re
from typing import BinaryIO

from lxml import etree

from jobs.sources.part import KEPT_RAW

MAX_DOCUMENT = 32 << 20
"""Bytes of one document; invoices with thousands of lines stay far below."""
MAX_DEPTH = 200
MAX_TEXT = 1 << 20
"""Characters of one text; only attached files may be longer, and libxml2 ends them at ten million."""
ATTACHED = ("Attachment", "EmbeddedDocumentBinaryObject", "AttachmentBinaryObject")
"""Elements that hold a whole file, by local name."""
PARSER = {"resolve_entities": False, "no_network": True, "load_dtd": False, "dtd_validation": False, "huge_tree": False, "recover": False}
_PROLOG = re.compile(rb"(?>\s+|\xef\xbb\xbf|\xff\xfe|\xfe\xff|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_BEGINS = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*(?:<|\+ADw)")
_TAG = re.compile(rb"<(?:[^\s:<>/]+:)?([^\s:<>/]+)[\s>/]")
_SEARCHED = 1 << 16
_AGAIN = "have it sent again"


class Refused(Exception):
    """A document that is not read: rule, reason and remedy in words, and the place, when there is one."""

    def __init__(self, rule: str, reason: str, remedy: str = _AGAIN, place: str = "") -> None:
        super().__init__(f"{place}: {reason}; {remedy}" if place else f"{reason}; {remedy}")
        self.rule, self.reason, self.remedy, self.place = rule, reason, remedy, place


def read_document(stream: BinaryIO) -> bytes:
    """The document's bytes. Refused when there are none or too many."""
    data = stream.read(MAX_DOCUMENT + 1)
    if not data.strip():
        raise Refused("empty_file", "the file is empty", "ask for it again")
    if len(data) > MAX_DOCUMENT:
        raise Refused("too_long", f"more than {MAX_DOCUMENT} bytes; one invoice is never that large", "have it sent as single documents")
    return data


def no_doctype(data: bytes) -> None:
    """Refused when a document type or an entity is declared before the root element, in any encoding of one, two or four bytes."""
    start = data[:_SEARCHED].replace(b"\x00", b"")
    found = _PROLOG.match(start)
    if start[found.end() if found else 0 :].startswith(b"<!"):
        raise Refused("doctype", "declares a document type; document types and entities are never read", "have it sent without")


def root_name(start: bytes) -> str:
    """The local name of the root element that a document's first bytes open; empty when they open none."""
    plain = start.replace(b"\x00", b"")
    prolog = _PROLOG.match(plain)
    found = _TAG.match(plain, prolog.end() if prolog else 0)
    return found[1].decode("utf-8", "replace") if found else ""


def parse(data: bytes) -> etree._Element:
    """The root element. Refused when the document declares a DTD, cannot be parsed, nests too deeply or holds an endless text."""
    no_doctype(data)
    if not _BEGINS.match(data[:_SEARCHED].replace(b"\x00", b"")):
        raise Refused("xml", "no XML: it does not begin with an element", "leave it out, or send the XML")
    try:
        root = etree.fromstring(data, etree.XMLParser(**PARSER))
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise syntax(fault) from fault
    if root.getroottree().docinfo.doctype:
        raise Refused("doctype", "declares a document type", "have it sent without")
    if _too_deep(root):
        raise Refused("too_deep", f"elements nest more than {MAX_DEPTH} deep; no invoice does")
    if len(data) > MAX_TEXT and (long := next(iter(_long(root)), None)) is not None:
        raise Refused("text_too_long", f"{etree.QName(long).localname} holds more than {MAX_TEXT} characters", place=f"line {long.sourceline}")
    return root


_too_deep = etree.XPath(f"boolean({'/*' * (MAX_DEPTH + 1)})")
_long = etree.XPath(
    f"//*[text()[string-length() > {MAX_TEXT}]][not({' or '.join(f'local-name() = {n!r}' for n in ATTACHED)})] | //*[@*[string-length() > {MAX_TEXT}]]"
)


def syntax(fault: Exception) -> Refused:
    """The refusal of what is no XML, or XML beyond the parser's limits, with line and column."""
    said = str(fault)
    place = f"line {fault.lineno}, column {fault.offset}" if isinstance(fault, etree.XMLSyntaxError) else ""
    if "depth" in said.lower():
        return Refused("too_deep", f"elements nest too deeply: {said[:200]}", place=place)
    if "huge" in said.lower() or "too long" in said.lower():
        return Refused("text_too_long", f"one text is longer than any is: {said[:200]}", place=place)
    if "entity" in said.lower() and "amplification" in said.lower():
        return Refused("doctype", f"entities that grow: {said[:200]}", "have it sent without", place)
    return Refused("xml", f"not well-formed XML: {said[:200]}", place=place)


def shown(data: bytes) -> str:
    """The document as text for bronze and quarantine; bytes that are no UTF-8 become U+FFFD, NUL bytes are shown as such."""
    return data.decode("utf-8", errors="replace").replace("\x00", "\u2400")


def head(data: bytes) -> str:
    """The beginning of a refused document."""
    return shown(data[:KEPT_RAW])
