"""Large XML from strangers, record by record: memory follows the largest record, not the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO
from xml.parsers import expat

from lxml import etree

from jobs.sources.standards.xml import MAX_DOCUMENT, PARSER, Refused, syntax

MAX_STREAM = 64 << 30
"""Bytes of a file that is read record by record."""
_BLOCK = 1 << 20


class _Counted:
    """A stream that knows how much was read since the last record, and refuses a record that never ends."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.since = stream, 0

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.since += len(data)
        if self.since > MAX_DOCUMENT:
            raise Refused("too_long", f"more than {MAX_DOCUMENT} bytes without the end of a record that this standard knows")
        return data


def well_formed(stream: BinaryIO) -> None:
    """Read a stream once to its end and set it back. Refused when it is no XML, cut off, or declares a document type.

    So a file that is broken at its end gives no half of itself. A block without a single tag is one endless text.
    """
    parser, read = expat.ParserCreate(), 0
    parser.StartDoctypeDeclHandler = _doctype
    try:
        while block := stream.read(_BLOCK):
            read += len(block)
            if read > MAX_STREAM:
                raise Refused("too_long", f"more than {MAX_STREAM} bytes", "have it sent by month")
            if len(block) == _BLOCK and b"<" not in block:
                raise Refused("text_too_long", f"a text of more than {_BLOCK} bytes", place=f"line {parser.CurrentLineNumber}")
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as fault:
        place = f"line {fault.lineno}, column {fault.offset}" if isinstance(fault, expat.ExpatError) else ""
        raise Refused("xml", f"not well-formed XML: {str(fault)[:200]}", place=place) from fault
    stream.seek(0)


def _doctype(*_: object) -> None:
    raise Refused("doctype", "declares a document type; document types and entities are never read", "have it sent without")


def records(stream: BinaryIO, names: tuple[str, ...], wanted: Callable[[str, str], bool]) -> Iterator[tuple[str, str, etree._Element]]:
    """The outermost elements of these local names whose (name, parent) is wanted: name, parent's name, element.

    An element lives until the next is asked for; what stands before it in the tree is gone already.
    """
    counted = _Counted(stream)
    tags = ["{*}" + name for name in names]
    within: etree._Element | None = None
    try:
        for event, element in etree.iterparse(counted, events=("start", "end"), tag=tags, **PARSER):
            if event == "start":
                if within is None and wanted(local(element), local(element.getparent())):
                    within = element
                continue
            if within is None or element is not within:
                continue
            yield local(element), local(element.getparent()), element
            within, counted.since = None, 0
            _forget_before(element)
    except etree.XMLSyntaxError as fault:
        raise syntax(fault) from fault


def local(element: etree._Element | None) -> str:
    """An element's name without its namespace; empty for none."""
    return str(element.tag).rpartition("}")[2] if element is not None else ""


def _forget_before(element: etree._Element) -> None:
    """Drop everything that ended before this element, at its own level and at those of its ancestors."""
    while element is not None:
        parent = element.getparent()
        if parent is None:
            return
        while (before := element.getprevious()) is not None:
            parent.remove(before)
        element = parent
