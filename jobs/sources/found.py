"""Encoding, delimiter and header of a text file, found where the contract says `auto`: by the file's own bytes, always the same.

A guess is held against the contract: the header is the line that has the columns the contract maps. What the guessed encoding
cannot decode is quarantined like any other byte that is not of the declared one.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from typing import BinaryIO

from jobs.conf import Files

HEAD = 1 << 16
DELIMITERS = (",", ";", "\t", "|")
LINES = 1000
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HIGH = re.compile(rb"[\x80-\xff]+")


def settled(stream: BinaryIO, files: Files, wanted: Sequence[str]) -> tuple[Files, tuple[str, ...]]:
    """The contract's `files` with everything `auto` decided for this file, and a note on what was found. The stream is left at its start."""
    if "auto" not in (files.encoding, files.delimiter, files.preamble):
        return files, ()
    said: dict[str, str | int] = {}
    if files.encoding == "auto":
        said["encoding"] = found_encoding(evidence(stream))
    head = stream.read(HEAD)
    stream.seek(0)
    if "auto" in (files.delimiter, files.preamble):
        text = head.decode(str(said.get("encoding", files.encoding)), errors="replace").removeprefix("\ufeff")
        delimiters = DELIMITERS if files.delimiter == "auto" else (files.delimiter,)
        line, delimiter = found_header(text, delimiters, files.preamble, wanted)
        said |= {"delimiter": delimiter, "preamble": line}
    found = files.model_copy(update=said)
    return found, (f"read as {found.encoding}, cells divided by {found.delimiter!r}, header on line {int(found.preamble) + 1}",)


def evidence(stream: BinaryIO) -> bytes:
    """64 KB that tell the encoding: from the line of the first byte beyond ASCII on (from the start when there is none)."""
    stream.seek(0)
    first = stream.read(HEAD)
    data, before = first, b""
    while data and data.isascii() and b"\0" not in data:
        before, data = data, stream.read(1 << 20)
    if data and data is not first:
        at = next((m.start() for m in _HIGH.finditer(data)), 0)
        joined = before[-4096:] + data[: at + HEAD]
        cut = joined.rfind(b"\n", 0, len(before[-4096:]) + at) + 1
        first = joined[cut : cut + HEAD]
    stream.seek(0)
    return first


def found_encoding(data: bytes) -> str:
    """utf-8, utf-16 (-le, -be), gb18030 or cp1252.

    A mark at the start decides; then zero bytes on one side of each pair; then whether the bytes are UTF-8, but for a few. What is left
    is Chinese when its high bytes stand in pairs of their own, and Western European when they stand among letters.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    even, odd = data[::2].count(0), data[1::2].count(0)
    if max(even, odd) * 50 > len(data) and min(even, odd) * 20 <= max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    whole = data[: data.rfind(b"\n") + 1] or data
    text = whole.decode("utf-8", errors="replace")
    lost, high = text.count("\ufffd"), sum(c > "\x7f" for c in text)
    if lost * 5 <= high:
        return "utf-8"
    chinese, western = _runs(whole)
    broken = whole.decode("gb18030", errors="replace").count("\ufffd")
    return "gb18030" if chinese > western and broken * 20 <= chinese else "cp1252"


def _runs(data: bytes) -> tuple[int, int]:
    """High bytes in runs that look Chinese (pairs), and in runs that look Western (odd, or short beside an ASCII letter)."""
    chinese = western = 0
    for run in _HIGH.finditer(data):
        size = len(run.group())
        beside = data[max(run.start() - 1, 0) : run.start()].isalpha() or data[run.end() : run.end() + 1].isalpha()
        if size % 2 or (size == 2 and beside):
            western += size
        else:
            chinese += size
    return chinese, western


def found_header(text: str, delimiters: Sequence[str], preamble: int | str, wanted: Sequence[str]) -> tuple[int, str]:
    """Lines above the header, and the delimiter: those under which a line has all, or else most, of the wanted columns.

    Of equals the first line counts; when no line has any, the first line and the delimiter that occurs most in it.
    """
    lines = text.splitlines()[:LINES]
    numbers = range(len(lines)) if preamble == "auto" else range(int(preamble), min(int(preamble) + 1, len(lines)))
    best, place = 0, None
    for number in numbers:
        for delimiter in delimiters:
            cells = {c.strip() for c in next(csv.reader(io.StringIO(lines[number], newline=""), delimiter=delimiter), [])}
            count = len(cells & set(wanted))
            if count > best:
                best, place = count, (number, delimiter)
        if best == len(set(wanted)):
            break
    if place is not None:
        return place
    first = 0 if preamble == "auto" else int(preamble)
    line = lines[first] if first < len(lines) else ""
    return first, max(delimiters, key=lambda d: (line.count(d), -delimiters.index(d)))
