"""Parquet: typed cells stay typed; the raw text of a record is its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.sources.distinct import by_value
from jobs.sources.part import Part, broken, only_broken, refused

ROWS = 200_000
PIECE = 64 << 20
_ESCAPED = r'["\\\x00-\x1f]'


def read_parquet(stream: BinaryIO, wanted: Sequence[str], groups: range | None = None) -> Iterator[Part]:
    """The records of a Parquet file, numbered from 1, with the `wanted` columns in their own types.

    A file that ends too early, or is no Parquet at all, is refused as one document; a row group that cannot be read is
    one broken record at its first row, and the groups around it arrive. `groups`: only these row groups; lines count through the file.
    """
    try:
        reader = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as fault:
        yield refused("parquet", f"not a whole Parquet file ({str(fault)[:200]}); have it sent again")
        return
    names = reader.schema_arrow.names
    missing = [w for w in wanted if w not in names]
    extra = [n for n in names if n not in wanted]
    notes = (f"columns not in the contract: {', '.join(extra)}",) if extra else ()
    line = 1 + sum(reader.metadata.row_group(g).num_rows for g in range(groups.start if groups else 0))
    for group in groups or range(reader.num_row_groups):
        rows = reader.metadata.row_group(group).num_rows
        try:
            for batch in reader.iter_batches(ROWS, row_groups=[group]):
                yield _part(pa.table(batch), line, wanted, missing, notes)
                line, notes, rows = line + batch.num_rows, (), rows - batch.num_rows
        except (pa.ArrowException, OSError) as fault:
            reason = f"the {rows} rows from here on cannot be read ({str(fault)[:200]}); have the file sent again"
            yield only_broken(broken([line], [""], "parquet", reason), notes)
            line, notes = line + rows, ()
    if notes:
        yield only_broken(broken([], [], "parquet", ""), notes)


def pieces(path: Path) -> list[range]:
    """The row groups of a large Parquet file in pieces of about PIECE bytes, for as many tasks; empty where it is not worth it, or cannot be read."""
    if path.stat().st_size < 2 * PIECE:
        return []
    try:
        footer = pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return []  # the task that reads the file will say what is wrong with it
    count = min(footer.num_row_groups, -(-path.stat().st_size // PIECE))
    bounds = [footer.num_row_groups * n // count for n in range(count + 1)] if count else []
    return [range(a, b) for a, b in pairwise(bounds)] if count > 1 else []


def _part(rows: pa.Table, line: int, wanted: Sequence[str], missing: list[str], notes: tuple[str, ...]) -> Part:
    lines = pa.array(np.arange(line, line + rows.num_rows), pa.int64())
    raw = as_json(rows)
    if missing:
        reason = f"column(s) {', '.join(missing)} are missing; found: {', '.join(rows.column_names)[:500]}; map the new name in the contract or have the file sent again"
        return only_broken(broken(lines, raw, "column_missing", reason), notes)
    if nested := [f"{w} ({rows.schema.field(w).type})" for w in wanted if pa.types.is_nested(rows.schema.field(w).type) or pa.types.is_binary(rows.schema.field(w).type)]:
        reason = f"column(s) {', '.join(nested)} hold no single values; have the file sent with plain columns"
        return only_broken(broken(lines, raw, "column_type", reason), notes)
    return Part(lines, raw, {w: rows.column(w).combine_chunks() for w in wanted}, notes=notes)


def as_json(rows: pa.Table) -> pa.Array:
    """Each row as a JSON object, without a loop over rows; nulls are left out."""
    if not rows.column_names:
        return pa.array(["{}"] * rows.num_rows, pa.string())
    parts = [by_value(rows.column(name).combine_chunks(), partial(_member, name)) for name in rows.column_names]
    return pc.binary_join_element_wise("{", pc.binary_join_element_wise(*parts, ", ", null_handling="skip"), "}", "")


def _member(name: str, column: pa.Array) -> pa.Array:
    """`"name": value` of each row; null where there is none."""
    bare = pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
    try:
        text = column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        text = pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())
    if not bare and pc.any(pc.match_substring_regex(text, _ESCAPED)).as_py():
        text = pa.array([None if t is None else json.dumps(t, ensure_ascii=False)[1:-1] for t in text.to_pylist()], pa.string())
    mark = "" if bare else '"'
    return pc.binary_join_element_wise(f"{json.dumps(name, ensure_ascii=False)}: {mark}", text, mark, "")
