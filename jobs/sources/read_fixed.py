"""Fixed width: every column at its position in the line, counted in characters or in bytes of the file's encoding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Files
from jobs.sources.part import KEPT_RAW, Part, broken, refused
from jobs.sources.text import records, unreadable

Position = tuple[int, int]


def read_fixed(stream: BinaryIO, files: Files, wanted: Sequence[str]) -> Iterator[Part]:
    """The lines of a fixed-width file, with the `wanted` columns as text. A line of another length than the contract's is broken alone."""
    positions = files.fixed or {}
    end = max((first - 1 + width for first, width in positions.values()), default=0)
    anything = False
    for found in records(stream, files.encoding, None, int(files.preamble)):
        anything = True
        faulty, readable = unreadable(found)
        raw = readable.raw()
        length, cells, torn = _cut(raw, files, {w: positions[w] for w in wanted})
        wrong = length != files.width if files.width else length < end
        reason = f"{files.counted_in} long, where the contract says {files.width or f'at least {end}'}; have the file sent again or correct `fixed`"
        faulty += [broken([int(readable.lines[n])], [raw[n].as_py()[:KEPT_RAW]], "width", f"the line is {length[n]} {reason}") for n in np.flatnonzero(wrong)]
        cut = torn & ~wrong
        faulty.append(broken(readable.lines[cut], raw.filter(pa.array(cut)), "width", "a column's end cuts a character in two; `counted_in` or a position is wrong, or the line is shifted"))
        keep = pa.array(~(wrong | torn))
        yield Part(pa.array(readable.lines, pa.int64()).filter(keep), raw.filter(keep), {w: c.filter(keep) for w, c in cells.items()}, pa.concat_tables(faulty))
    if not anything:
        yield refused("empty_file", "the file has no line; ask for it again")


def _cut(raw: pa.Array, files: Files, positions: Mapping[str, Position]) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], dict[str, pa.Array], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Length of each line, its cells, and which lines have a cell that begins or ends inside a character."""
    torn = np.zeros(len(raw), dtype=bool)
    if files.counted_in == "characters" or bool(pc.all(pc.string_is_ascii(raw)).as_py() is not False):
        cells = {name: pc.utf8_slice_codeunits(raw, first - 1, first - 1 + width) for name, (first, width) in positions.items()}
        return np.asarray(pc.utf8_length(raw).to_numpy(zero_copy_only=False), dtype=np.int64), cells, torn
    lines = [text.encode(files.encoding) for text in raw.to_pylist()]
    found: dict[str, list[str]] = {name: [] for name in positions}
    for n, line in enumerate(lines):
        for name, (first, width) in positions.items():
            try:
                found[name].append(line[first - 1 : first - 1 + width].decode(files.encoding))
            except UnicodeDecodeError:
                found[name].append("")
                torn[n] = True
    return np.array([len(line) for line in lines], dtype=np.int64), {name: pa.array(values, pa.string()) for name, values in found.items()}, torn
