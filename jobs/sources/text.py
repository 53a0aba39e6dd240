"""Text files as UTF-8 chunks of whole records, with the physical line on which each record starts.

Bytes that do not belong to the declared encoding become U+FFFD, and a record that holds one is quarantined: the lines
around it still arrive. Records are told apart by the parity of quotes, in NumPy; a quote that never closes would swallow
the rest of the file, so a record that spans lines and does not have the header's number of fields is cut at its lines.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.sources.part import KEPT_RAW, MAX_RECORD, broken

CHUNK = 8 << 20
NEWLINE, RETURN, QUOTE, NUL = 10, 13, 34, 0
LOST = "\ufffd".encode()
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """Records of a chunk: UTF-8 bytes, start and end (without line end) of each, its line in the file, its number of fields."""

    data: npt.NDArray[np.uint8]
    starts: Positions
    ends: Positions
    lines: Positions
    fields: Positions

    def __len__(self) -> int:
        return len(self.starts)

    def select(self, keep: npt.NDArray[np.bool_] | slice) -> Records:
        """Some of the records, over the same bytes."""
        return Records(self.data, self.starts[keep], self.ends[keep], self.lines[keep], self.fields[keep])

    def raw(self) -> pa.Array:
        """The text of each record."""
        if len(self) == 0:
            return pa.array([], pa.string())
        bounds = self._bounds()
        if self._adjoining():
            text = self.data
        else:
            lengths = bounds[1:] - bounds[:-1]
            text = self.data[np.repeat(self.starts - bounds[:-1], lengths) + np.arange(bounds[-1])]
        found = pa.StringArray.from_buffers(len(self), pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(text)))
        return pc.ascii_rtrim(found, "\r\n")

    def text(self) -> npt.NDArray[np.uint8]:
        """The bytes of all records, one after the other, a line end after each."""
        if self._adjoining():
            return self.data[self.starts[0] : self._stop()]
        lengths = self.ends - self.starts + 1
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        found: npt.NDArray[np.uint8] = self.data[np.repeat(self.starts - offsets[:-1], lengths) + np.arange(offsets[-1])]
        found[offsets[1:] - 1] = NEWLINE
        return found

    def _stop(self) -> int:
        after = int(self.ends[-1])
        return after + 1 + int(self.data[after] == RETURN)

    def _adjoining(self) -> bool:
        """Whether nothing but a line end lies between two records: then nothing needs copying."""
        gaps = self.starts[1:] - self.ends[:-1]
        return len(self) > 0 and bool(((gaps == 1) | ((gaps == 2) & (self.data[self.ends[:-1]] == RETURN))).all())

    def _bounds(self) -> Positions:
        if self._adjoining():
            return np.concatenate([self.starts, [self._stop()]])
        return np.concatenate([[0], np.cumsum(self.ends - self.starts)])

    def unclosed(self) -> npt.NDArray[np.bool_]:
        """Which records hold an odd number of quotes."""
        counts = np.concatenate([[0], np.cumsum(self.data == QUOTE, dtype=np.int32)])
        return np.asarray(((counts[self.ends] - counts[self.starts]) & 1) == 1)

    def holds(self, value: int | bytes) -> npt.NDArray[np.bool_]:
        """Which records hold a byte, or a sequence of bytes."""
        wanted = bytes([value]) if isinstance(value, int) else value
        hit = self.data == wanted[0]
        for n, byte in enumerate(wanted[1:], 1):
            hit[:-n] &= self.data[n:] == byte
            hit[-n:] = False
        counts = np.concatenate([[0], np.cumsum(hit)])
        return counts[self.ends] > counts[self.starts]


def unreadable(found: Records) -> tuple[list[pa.Table], Records]:
    """Of lines: those that are too long, hold NUL bytes or bytes outside the encoding, as broken records; and the others."""
    long, nul, lost = found.ends - found.starts > MAX_RECORD, found.holds(NUL), found.holds(LOST)
    faulty = []
    for mask, rule, reason in ((long, "too_long", f"more than {MAX_RECORD} bytes in one line"), (nul & ~long, "nul", "the line holds NUL bytes"),
                               (lost & ~nul & ~long, "encoding", "bytes that are not of the declared encoding")):  # fmt: skip
        chosen = found.select(mask)
        heads = [chosen.data[s : min(e, s + KEPT_RAW)].tobytes().decode("utf-8", "ignore") for s, e in zip(chosen.starts, chosen.ends, strict=True)]
        faulty.append(broken(chosen.lines, heads, rule, f"{reason}; have the file sent again"))
    return faulty, found.select(~(long | nul | lost))


def decoded(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    """The stream as UTF-8 chunks without a byte-order mark, an empty one last; bytes outside the encoding become U+FFFD.

    In a file that ends its lines with returns alone these become line ends.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    first, returns = True, False
    while True:
        data = stream.read(CHUNK)
        text = decoder.decode(data, final=not data)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
            returns = "\r" in text and "\n" not in text
        if returns:
            text = text.replace("\r", "\n")
        if text:
            yield text.encode("utf-8", errors="replace")
        if not data:
            yield b""
            return


def records(stream: BinaryIO, encoding: str, delimiter: str | None, preamble: int = 0) -> Iterator[Records]:
    """The records of a text file, in parts: the first record after the preamble is the header of a delimited file.

    Without a delimiter every physical line is a record and quotes mean nothing. Blank lines are no records.
    """
    carried, line, fields, skipped = b"", 1, 0, preamble
    for chunk in decoded(stream, encoding):
        final = not chunk
        data = carried + chunk
        if skipped:
            data, passed = _without_lines(data, skipped, final)
            skipped, line = skipped - passed, line + passed
            if skipped and not final:
                carried = data
                continue
        if final and data and not data.endswith(b"\n"):
            data += b"\n"
        found, used, lines = _split(np.frombuffer(data, dtype=np.uint8), delimiter, line, fields, final)
        carried, line = data[used:], line + lines
        if len(carried) > 2 * MAX_RECORD and b"\n" not in carried:
            carried = carried[: 2 * MAX_RECORD]  # a record that is refused for its length need not be kept
        if len(found):
            fields = fields or int(found.fields[0])
            yield found


def _without_lines(data: bytes, count: int, final: bool) -> tuple[bytes, int]:
    passed, start = 0, 0
    while passed < count:
        at = data.find(b"\n", start)
        if at < 0:
            return (b"", count) if final else (data[start:], passed)
        passed, start = passed + 1, at + 1
    return data[start:], passed


def _split(data: npt.NDArray[np.uint8], delimiter: str | None, line: int, fields: int, final: bool) -> tuple[Records, int, int]:
    """Records of the chunk, bytes used, physical lines used. An unfinished record stays for the next chunk."""
    breaks = np.flatnonzero(data == NEWLINE)
    if len(breaks) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return Records(data, empty, empty, empty, empty), 0, 0
    quotes = np.cumsum(data == QUOTE, dtype=np.int32) if delimiter else np.zeros(len(data), dtype=np.int32)
    ends = breaks[(quotes[breaks] & 1) == 0]
    unfinished = len(data) - (int(ends[-1]) + 1 if len(ends) else 0)
    if final or unfinished > MAX_RECORD:
        # The last quote never closes: what is left is cut at its lines.
        ends = np.union1d(ends, breaks[breaks > (ends[-1] if len(ends) else -1)])
    if len(ends) == 0:
        return Records(data, ends, ends, ends, ends), 0, 0
    starts = np.concatenate([[0], ends[:-1] + 1])
    count = _fields(data, starts, ends, quotes, delimiter)
    expected = fields or int(count[np.flatnonzero(ends > starts)[0]]) if (ends > starts).any() else fields
    if delimiter and expected:
        inner = np.searchsorted(breaks, ends) - np.searchsorted(breaks, starts) > 0
        if (torn := inner & ((count != expected) | _stray(data, starts, ends, quotes, delimiter))).any():
            owner = np.searchsorted(ends, breaks)
            owner = np.minimum(owner, len(ends) - 1)
            ends = np.union1d(ends, breaks[torn[owner] & (breaks <= ends[-1])])
            starts = np.concatenate([[0], ends[:-1] + 1])
            count = _fields(data, starts, ends, quotes, delimiter)
    lines = line + np.searchsorted(breaks, starts)
    used = int(ends[-1]) + 1
    trimmed = ends - ((ends > starts) & (data[np.maximum(ends - 1, 0)] == RETURN))
    found = Records(data, starts, trimmed, lines, count)
    return found.select(_not_blank(found)), used, int(np.searchsorted(breaks, used))


def _fields(data: npt.NDArray[np.uint8], starts: Positions, ends: Positions, quotes: npt.NDArray[np.int32], delimiter: str | None) -> Positions:
    if not delimiter:
        return np.ones(len(starts), dtype=np.int64)
    # Parity counts from the record's own start, so that a stray quote before it does not matter.
    before = np.where(starts > 0, quotes[np.maximum(starts - 1, 0)], 0)
    at = np.flatnonzero(data == ord(delimiter))
    owner = np.searchsorted(ends, at)
    at, owner = at[owner < len(ends)], owner[owner < len(ends)]
    outside = ((quotes[at] - before[owner]) & 1) == 0
    return 1 + np.bincount(owner[outside], minlength=len(ends)).astype(np.int64)


def _stray(data: npt.NDArray[np.uint8], starts: Positions, ends: Positions, quotes: npt.NDArray[np.int32], delimiter: str) -> npt.NDArray[np.bool_]:
    """Which records have a quote that opens in the middle of a cell: such a quote encloses nothing, least of all line ends."""
    at = np.flatnonzero(data == QUOTE)
    owner = np.searchsorted(ends, at)
    at, owner = at[owner < len(ends)], owner[owner < len(ends)]
    before = np.where(starts > 0, quotes[np.maximum(starts - 1, 0)], 0)
    opens = ((quotes[at] - before[owner]) & 1) == 1
    previous = data[np.maximum(at - 1, 0)]
    proper = (at == starts[owner]) | (previous == ord(delimiter)) | (previous == QUOTE)
    return np.bincount(owner[opens & ~proper], minlength=len(ends)) > 0


def _not_blank(found: Records) -> npt.NDArray[np.bool_]:
    visible = np.concatenate([[0], np.cumsum(found.data > 32)])
    return visible[found.ends] > visible[found.starts]
