"""Rows pulled from a table or an interface, as a file that the contract's format reads, and their digests, by which they are known again."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.conf import Files

log = logging.getLogger(__name__)
TOGETHER = 20_000  # rows of one Parquet row group: what is held in memory
Row = Sequence[Any]
Digest = bytes


class Writer(Protocol):
    """Takes rows one by one."""

    def __call__(self, row: Row, /) -> Any: ...  # noqa: D102


class Content:
    """A digest of many rows together, whatever their order: what a snapshot is compared by."""

    def __init__(self) -> None:
        self.total, self.rows = 0, 0

    def add(self, row: Digest) -> None:
        """Count a row in."""
        self.total, self.rows = (self.total + int.from_bytes(row)) % (1 << 128), self.rows + 1

    def __str__(self) -> str:
        return f"{self.total:032x}-{self.rows}"


def digest(row: Row) -> Digest:
    """16 bytes that tell a row from others. An empty text is an absent one: in CSV they are the same."""
    return blake2b(json.dumps(["" if v is None else v for v in row], ensure_ascii=False).encode("utf-8", "surrogatepass"), digest_size=16).digest()


@contextmanager
def writing(out: BinaryIO, columns: Sequence[str], files: Files) -> Iterator[Writer]:
    """A writer of rows of text (null: absent), in the order of the columns, as the contract's format: CSV or Parquet."""
    if files.format == "parquet":
        with _parquet(out, columns) as write:
            yield write
    else:
        with _text(out, files) as text:
            lines = csv.writer(text, delimiter=files.delimiter, lineterminator="\n")
            lines.writerow(columns)
            yield lines.writerow


def digests(path: Path, columns: Sequence[str], files: Files) -> Iterator[Digest]:
    """The digests of the rows of a file that `writing` wrote; none when it was written with other columns: then its rows are new."""
    if files.format == "parquet":
        with pq.ParquetFile(path) as file:
            if file.schema_arrow.names == list(columns):
                for batch in file.iter_batches(TOGETHER):
                    yield from map(digest, zip(*(c.to_pylist() for c in batch.columns), strict=True))
    else:
        with path.open(encoding=files.encoding, newline="") as text:
            lines = csv.reader(text, delimiter=files.delimiter)
            if next(lines, None) == list(columns):
                yield from map(digest, lines)


def seen(paths: Iterable[Path], read: Callable[[Path], Iterator[Digest]]) -> Counter[Digest]:
    """How often each row stands in landed files.

    What cannot be read any more, because it was taken away or written by another contract, counts as not landed: the lake finds what comes twice.
    """
    found: Counter[Digest] = Counter()
    for path in paths:
        try:
            found.update(read(path))
        except (OSError, ValueError, csv.Error) as fault:
            log.warning("%s: %s is not read again (%s); what stands in it may land twice, and is a duplicate to the lake", path.parent.name, path.name, type(fault).__name__)
    return found


def is_new(row: Digest, landed: Counter[Digest]) -> bool:
    """Is this one more than have landed? What is found again is taken off."""
    if landed[row] <= 0:
        return True
    landed[row] -= 1
    return False


@contextmanager
def _parquet(out: BinaryIO, columns: Sequence[str]) -> Iterator[Writer]:
    schema = pa.schema([(name, pa.string()) for name in columns])
    with pq.ParquetWriter(out, schema, compression="zstd") as file:
        held: list[Row] = []

        def flush() -> None:
            file.write_table(pa.table([pa.array(values, pa.string()) for values in zip(*held, strict=True)], schema=schema))
            held.clear()

        def write(row: Row) -> None:
            held.append(row)
            if len(held) == TOGETHER:
                flush()

        yield write
        if held:
            flush()


@contextmanager
def _text(out: BinaryIO, files: Files) -> Iterator[TextIO]:
    text = io.TextIOWrapper(out, encoding=files.encoding, newline="")
    try:
        yield text
    finally:
        text.flush()
        text.detach()
