"""ARFF, dense and sparse: the header names the columns, every line below @data is a record.

Format: the attribute-relation file format of Weka (version 3.7, with sparse rows). Instance weights and relational attributes are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from jobs.conf import Files
from jobs.sources.found import settled
from jobs.sources.header import extra, header_fault
from jobs.sources.part import KEPT_RAW, Part, broken, only_broken, refused
from jobs.sources.text import records, unreadable

_NAME = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|(?!['\"])[^\s{},%]+"
ATTRIBUTE = re.compile(rf"@attribute\s+({_NAME})\s*(.*)", re.IGNORECASE | re.DOTALL)
VALUE = re.compile(rf"\s*({_NAME}|)\s*(,|$)")
QUOTES = ("'", '"')


@dataclass(frozen=True)
class Attribute:
    """A declared column: name, and the value that a sparse row means where it says nothing."""

    name: str
    default: str


def read_arff(stream: BinaryIO, files: Files, wanted: Sequence[str]) -> Iterator[Part]:
    """The data lines of an ARFF file, with the `wanted` attributes as text (`?`: null)."""
    files, notes = settled(stream, files, wanted)
    attributes: list[Attribute] | None = None
    declared: list[Attribute] = []
    fault: tuple[str, str] | None = None
    for found in records(stream, files.encoding, None):
        faulty, readable = unreadable(found)
        lines, texts = readable.lines.tolist(), readable.raw().to_pylist()
        start = 0
        if attributes is None:
            try:
                start = _header(texts, lines, declared)
            except ValueError as wrong:
                yield refused("arff", f"{wrong}; have the file written again")
                return
            if start < 0:
                continue
            attributes = declared
            names = [a.name for a in attributes]
            fault = header_fault(names, wanted)
            notes = (*notes, *extra(names, wanted))
        below = [(n, t) for n, t in zip(lines[start:], texts[start:], strict=True) if not t.lstrip().startswith("%")]
        yield _part(below, faulty, attributes, wanted, fault, notes)
        notes = ()
    if attributes is None:
        yield refused("arff" if declared else "empty_file", "the file ends before its @data line; have it sent again")


def _header(texts: Sequence[str], lines: Sequence[int], declared: list[Attribute]) -> int:
    """Attributes are added to `declared`; the position of the first data line, or -1 when @data has not come yet."""
    for n, text in enumerate(texts):
        line = text.strip()
        word = line.split(None, 1)[0].lower() if line else "%"
        if word == "@data":
            return n + 1
        if word == "@attribute" and (said := ATTRIBUTE.match(line)):
            declared.append(_attribute(*said.groups()))
        elif word != "@relation" and not word.startswith("%"):
            raise ValueError(f"line {lines[n]} is neither @relation, @attribute, @data nor a comment: {line[:80]!r}")
    return -1


def _attribute(name: str, kind: str) -> Attribute:
    if kind.lower().startswith("relational"):
        raise ValueError(f"attribute {name} is relational, which is not read")
    if kind.startswith("{"):
        first = VALUE.match(kind[1:].rstrip().rstrip("}"))
        return Attribute(_plain(name), _plain(first.group(1)) if first else "")
    return Attribute(_plain(name), "0" if kind.lower().split()[:1] in (["numeric"], ["real"], ["integer"]) else "")


def _plain(text: str) -> str:
    if text[:1] in QUOTES and text[-1:] == text[:1] and len(text) > 1:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _part(below: Sequence[tuple[int, str]], faulty: list[pa.Table], attributes: Sequence[Attribute], wanted: Sequence[str],
          fault: tuple[str, str] | None, notes: tuple[str, ...]) -> Part:  # fmt: skip
    if fault:
        all_broken = broken([n for n, _ in below], [t[:KEPT_RAW] for _, t in below], *fault)
        return only_broken(pa.concat_tables([*faulty, all_broken]), notes)
    places = {w: next(n for n, a in enumerate(attributes) if a.name == w) for w in wanted}
    good: list[tuple[int, str]] = []
    cells: dict[str, list[str | None]] = {w: [] for w in wanted}
    for line, text in below:
        values = _values(text.strip(), attributes)
        if isinstance(values, str):
            faulty.append(broken([line], [text[:KEPT_RAW]], "columns", values))
            continue
        good.append((line, text))
        for name, place in places.items():
            cells[name].append(values[place])
    return Part(pa.array([n for n, _ in good], pa.int64()), pa.array([t for _, t in good], pa.string()),
                {w: pa.array(c, pa.string()) for w, c in cells.items()}, pa.concat_tables(faulty), notes=notes)  # fmt: skip


def _values(text: str, attributes: Sequence[Attribute]) -> list[str | None] | str:
    """The values of a data line; words when it does not fit the header."""
    if text.startswith("{"):
        return _sparse(text, attributes)
    values = _split(text)
    if values is None:
        return "a quote is not closed, or text follows one"
    if len(values) != len(attributes):
        return f"{len(values)} values where the header has {len(attributes)} attributes"
    return values


def _split(text: str) -> list[str | None] | None:
    if "'" not in text and '"' not in text:
        return [None if v == "?" else v for v in (p.strip() for p in text.split(","))]
    values: list[str | None] = []
    at = 0
    while found := VALUE.match(text, at):
        values.append(None if found.group(1) == "?" else _plain(found.group(1)))
        at = found.end()
        if not found.group(2):
            return values
    return None


def _sparse(text: str, attributes: Sequence[Attribute]) -> list[str | None] | str:
    values: list[str | None] = [a.default for a in attributes]
    if not text.endswith("}"):
        return "a sparse row must end with its brace; instance weights are not read"
    pairs = _split(text[1:-1].strip().replace("\t", " ")) if "'" not in text and '"' not in text else [p.strip() for p in re.findall(rf"\d+\s+(?:{_NAME})", text)]
    seen = set()
    for pair in pairs or []:
        place, _, value = (pair or "").strip().partition(" ")
        if not pair and text[1:-1].strip() == "":
            break
        if not place.isdigit() or int(place) >= len(attributes) or int(place) in seen:
            return f"a sparse row names attribute {place!r}, which is no position of the header or stands there twice"
        seen.add(int(place))
        values[int(place)] = None if value.strip() == "?" else _plain(value.strip())
    return values
