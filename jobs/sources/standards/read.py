"""One file of any standard, recognised by its first bytes and its root element, as canonical documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from jobs.sources.standards.jpk import read_jpk
from jobs.sources.standards.ofd import read_ofd
from jobs.sources.standards.recognise import Found, read_root
from jobs.sources.standards.saft import read_saft
from jobs.sources.standards.saft_cash import read_cash
from jobs.sources.standards.xml import Refused, parse, read_document, root_name

ZIP = b"PK\x03\x04"
_START = 1 << 16
BY_RECORD: dict[str, tuple[str, Callable[[BinaryIO], Found]]] = {
    "AuditFile": ("saf-t", read_saft),
    "auditfile": ("saf-t-cash-register", read_cash),
    "JPK": ("jpk", read_jpk),
}
"""Root elements of standards whose files may be of any size, and are read record by record."""
_SIGNED = re.compile(rb"\s*-----BEGIN (?:PKCS7|CMS|SIGNED)|\x30[\x80-\x84].{0,8}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02|MI[A-Za-z0-9+/\r\n]{60}", re.DOTALL)


@dataclass(frozen=True)
class Reading:
    """The standard of a file and its documents, read as they are asked for; one that cannot be read stands there as its refusal."""

    standard: str
    documents: Found


def read_file(stream: BinaryIO) -> Reading:
    """A file's documents. `stream` can be read again from its beginning. Refused when the file as a whole is none of ours."""
    start = stream.read(_START)
    stream.seek(0)
    if start.startswith(ZIP):
        return Reading("ofd", iter(read_ofd(stream)))
    if start.startswith(b"%PDF"):
        raise Refused("pdf", "a PDF; what is printed on a page is not read", "have the XML sent that belongs to it")
    if _SIGNED.match(start):
        raise Refused("signed", "a signed envelope (p7m, CMS); a signature is neither opened nor taken for checked", "take the XML out with a tool that checks the signature, and give that")
    if by_record := BY_RECORD.get(root_name(start)):
        standard, read = by_record
        return Reading(standard, read(stream))
    standard, documents = read_root(parse(read_document(stream)))
    return Reading(standard, documents)
