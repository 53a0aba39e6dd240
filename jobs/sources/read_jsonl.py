"""JSON lines: one object a line; nested keys are reached by a path `a.b`. Numbers stay the text they are written as."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from jobs.conf import Files
from jobs.sources.part import Part, broken, refused
from jobs.sources.text import Records, records, unreadable


def read_jsonl(stream: BinaryIO, files: Files, wanted: Sequence[str]) -> Iterator[Part]:
    """The objects of a JSON-lines file, with the values at the `wanted` paths as text (null: absent).

    A line that is no JSON object is broken alone. Keys nobody wants, and wanted keys that never occur, are noted.
    """
    extra: set[str] = set()
    seen: set[str] = set()
    anything = False
    top = {w.split(".")[0] for w in wanted}
    for found in records(stream, files.encoding, None, int(files.preamble)):
        anything = True
        part, keys = _part(found, wanted)
        extra |= keys - top
        seen |= {w for w in wanted if part.cells[w].null_count < len(part.line)}
        yield part
    if not anything:
        yield refused("empty_file", "the file has no line; ask for it again")
        return
    notes = [f"keys not in the contract: {', '.join(sorted(extra))}"] if extra else []
    if never := [w for w in wanted if w not in seen]:
        notes.append(f"keys of the contract that no record has: {', '.join(never)}")
    if notes:
        empty = {w: pa.array([], pa.string()) for w in wanted}
        yield Part(pa.array([], pa.int64()), pa.array([], pa.string()), empty, notes=tuple(notes))


def _part(found: Records, wanted: Sequence[str]) -> tuple[Part, set[str]]:
    faulty, readable = unreadable(found)
    rows: list[dict[str, Any]] = []
    good: list[int] = []
    keys: set[str] = set()
    texts = readable.raw()
    for n, text in enumerate(texts.to_pylist()):
        row = _object(text)
        if isinstance(row, dict):
            good.append(n)
            rows.append(row)
            keys.update(row)
        else:
            faulty.append(broken([int(readable.lines[n])], [text], "json", f"{row}; one JSON object must stand on each line"))
    cells = {w: pa.array([_at(row, w.split(".")) for row in rows], pa.string()) for w in wanted}
    keep = np.array(good, dtype=np.int64)
    return Part(pa.array(readable.lines[keep], pa.int64()), texts.take(pa.array(keep)), cells, pa.concat_tables(faulty)), keys


def _object(text: str) -> dict[str, Any] | str:
    try:
        found = json.loads(text, parse_float=str, parse_int=str, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as fault:
        return f"no JSON: {fault}"[:300]
    return found if isinstance(found, dict) else f"a JSON {type(found).__name__}, no object"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _at(row: Any, path: list[str]) -> str | None:
    for key in path:
        row = row.get(key) if isinstance(row, dict) else None
    if row is None or isinstance(row, str):
        return row
    return json.dumps(row, ensure_ascii=False, sort_keys=True)
