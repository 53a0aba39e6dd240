"""Delimited text: every record keeps its line and raw text, and what cannot be read is told apart from what can."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from jobs.conf import Files
from jobs.sources.found import DELIMITERS, HEAD, settled
from jobs.sources.header import extra, header_fault
from jobs.sources.part import KEPT_RAW, MAX_RECORD, Part, broken, only_broken, refused
from jobs.sources.text import LOST, NUL, Records, records
from jobs.sources.units import unit_fault

ENCODINGS = ("utf-8", "gb18030", "cp1252", "utf-16")

Mask = npt.NDArray[np.bool_]


def read_csv(stream: BinaryIO, files: Files, wanted: Sequence[str], scales: Mapping[str, Decimal] | None = None) -> Iterator[Part]:
    """The records of a delimited file, with the cells of the `wanted` columns as text.

    A header without a wanted column breaks every record of the file, and each says so: which column, what was found, and
    under which encoding or delimiter it would have been there. So does a file that names another unit of money than `scales`,
    the contract's scale by column. Columns nobody wants are noted.
    """
    files, found_note = settled(stream, files, wanted)
    preamble = int(files.preamble)
    head = stream.read(HEAD)
    stream.seek(0)
    header: list[str] | None = None
    fault: tuple[str, str] | None = None
    for part in records(stream, files.encoding, files.delimiter, preamble):
        rest = part
        notes: tuple[str, ...] = ()
        if header is None:
            header = _cells(part.select(slice(0, 1)).raw()[0].as_py(), files.delimiter)
            fault = _fault(header, wanted, head, files) or unit_fault(_above(head, files), header, scales or {})
            notes = (*found_note, *extra(header, wanted))
            rest = part.select(slice(1, None))
        if fault:
            yield only_broken(broken(rest.lines, _shortened(rest), *fault), notes)
        else:
            yield _part(rest, header, wanted, files.delimiter, notes)
    if header is None:
        yield refused("empty_file", f"the file has no header below {preamble} line(s); ask for it again")


def _cells(text: str, delimiter: str) -> list[str]:
    return [c.strip() for c in next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])]


def _fault(header: list[str], wanted: Sequence[str], head: bytes, files: Files) -> tuple[str, str] | None:
    """What is wrong with the header; a missing column that another encoding or delimiter would show is told as such."""
    fault = header_fault(header, wanted)
    if fault is None or fault[0] != "column_missing":
        return fault
    for encoding in dict.fromkeys((files.encoding, *ENCODINGS)):
        for delimiter in dict.fromkeys((files.delimiter, *DELIMITERS)):
            if (encoding, delimiter) != (files.encoding, files.delimiter) and _fits(head, encoding, delimiter, wanted, int(files.preamble)):
                if encoding == files.encoding:
                    return "delimiter", f"the columns are divided by {delimiter!r}, not {files.delimiter!r}; set files.delimiter in the contract"
                return "encoding", f"the file is {encoding}, not {files.encoding}; set files.encoding in the contract or have it sent again"
    return fault


def _above(head: bytes, files: Files) -> str:
    text = head.decode(files.encoding, errors="replace")
    return "\n".join(text.splitlines()[: int(files.preamble)])


def _fits(head: bytes, encoding: str, delimiter: str, wanted: Sequence[str], preamble: int) -> bool:
    try:
        lines = head.decode(encoding, errors="ignore" if len(head) == HEAD else "strict").removeprefix("\ufeff").splitlines()
    except UnicodeDecodeError:
        return False
    return len(lines) > preamble and set(wanted) <= set(_cells(lines[preamble], delimiter))


def _shortened(found: Records) -> pa.Array:
    return found.raw() if len(found) == 0 or int((found.ends - found.starts).max()) <= MAX_RECORD else pa.array([_head(found, n) for n in range(len(found))])


def _head(found: Records, n: int) -> str:
    return found.data[found.starts[n] : min(found.ends[n], found.starts[n] + KEPT_RAW)].tobytes().decode("utf-8", errors="ignore")


def _part(found: Records, header: list[str], wanted: Sequence[str], delimiter: str, notes: tuple[str, ...]) -> Part:
    long, nul, lost, open_ = found.ends - found.starts > MAX_RECORD, found.holds(NUL), found.holds(LOST), found.unclosed()
    faulty = [
        broken(found.lines[long], [_head(found, int(n)) for n in np.flatnonzero(long)], "too_long", f"the record has more than {MAX_RECORD} bytes; a quote may be missing"),
        _broken_where(found, nul & ~long, "nul", "the record holds NUL bytes; have the file sent again"),
        _broken_where(found, lost & ~nul & ~long, "encoding", "bytes that are not of the declared encoding; have the file sent again or correct files.encoding"),
        _broken_where(found, open_ & ~lost & ~nul & ~long, "quote", "a quote is not closed on its line; double it or close it"),
    ]  # fmt: skip
    readable = found.select(~(long | nul | lost | open_))
    even = readable.fields == len(header)
    cells = _parsed(readable.select(even), header, wanted, delimiter) if even.any() else None
    good = readable.select(even if cells is not None else np.zeros(len(readable), dtype=bool))
    line, raw, cells = good.lines, good.raw(), cells or {w: pa.array([], pa.string()) for w in wanted}
    odd = readable.select(~even) if len(good) else readable
    mended, wrong = _one_by_one(odd, len(header), delimiter)
    if mended:
        kept = odd.select(np.isin(np.arange(len(odd)), [n for n, _ in mended]))
        cells = {w: pa.concat_arrays([cells[w], pa.array([c[header.index(w)] for _, c in mended], pa.string())]) for w in wanted}
        line, raw = np.concatenate([line, kept.lines]), pa.concat_arrays([raw, kept.raw()])
    reason = f"fields where the header has {len(header)}; a delimiter or quote is missing or too many"
    faulty += [broken([int(odd.lines[n])], [_head(odd, n)], "columns", f"{count} {reason}") for n, count in wrong]
    return Part(pa.array(line, pa.int64()), raw, cells, pa.concat_tables(faulty), notes=notes)


def _broken_where(found: Records, where: Mask, rule: str, reason: str) -> pa.Table:
    chosen = found.select(where)
    return broken(chosen.lines, chosen.raw(), rule, reason)


def _parsed(found: Records, header: list[str], wanted: Sequence[str], delimiter: str) -> dict[str, pa.Array] | None:
    """The wanted cells of records with the header's number of fields; None where the parser does not see as many records."""
    text = found.text()
    names = [f"c{n}" for n in range(len(header))]
    chosen = [f"c{header.index(w)}" for w in wanted]
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(pa.py_buffer(np.ascontiguousarray(text))),
            pa.csv.ReadOptions(column_names=names, block_size=max(len(text), 1), use_threads=False),
            pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False),
            pa.csv.ConvertOptions(include_columns=chosen, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(found):
        return None
    return {w: table.column(c).combine_chunks() if table.num_rows else pa.array([], pa.string()) for w, c in zip(wanted, chosen, strict=True)}


def _one_by_one(found: Records, expected: int, delimiter: str) -> tuple[list[tuple[int, list[str]]], list[tuple[int, int]]]:
    """Records whose quotes do not enclose cells, read alone: position and cells of those that fit the header, position and count of the rest."""
    good, wrong = [], []
    for n, text in enumerate(found.raw().to_pylist()):
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        if len(rows) == 1 and len(rows[0]) == expected:
            good.append((n, rows[0]))
        else:
            wrong.append((n, sum(len(row) for row in rows)))
    return good, wrong
