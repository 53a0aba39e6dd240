"""Reading the table of a study: CSV, ARFF, Parquet or Delta into one Arrow table, with a note on everything that was repaired.

Text stays text here (ids keep their leading zeros); what a column means is decided in columns.py. Header names are repaired, never dropped:
the second column of the same name becomes `name#2`, an empty one `column_7`.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from jobs.evaluate.backtest import arff
from jobs.evaluate.backtest.study import Rows, StudyError

_SUFFIX = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".tab": "csv", ".dat": "csv", ".gz": "csv",
    ".arff": "arff", ".parquet": "parquet", ".pq": "parquet", ".parq": "parquet",
}  # fmt: skip
_BROKEN_SHARE = 0.01


def read(rows: Rows, folder: Path) -> tuple[pa.Table, list[str]]:
    """The study's table and notes on repairs. `rows.path` is relative to the study's folder.

    StudyError when the file is absent, empty, of an unknown kind, or broken, with the line and the remedy.
    """
    path = folder / rows.path
    if not path.exists():
        near = ", ".join(sorted(p.name for p in path.parent.glob("*"))[:10]) if path.parent.is_dir() else "no such folder"
        raise StudyError(f"rows.path: {path} does not exist; paths are relative to the study file (in that folder: {near})")
    kind = rows.format or _kind(path)
    notes: list[str] = []
    try:
        found = {"csv": _read_csv, "arff": _read_arff, "parquet": _read_parquet, "delta": _read_delta}[kind](path, notes)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        raise StudyError(
            f"rows.path: {path.name} cannot be read as {kind}: {str(fault).splitlines()[0]}; check the file, or set rows.format"
        ) from fault
    if not found.num_rows:
        raise StudyError(f"rows.path: {path.name} holds no rows")
    return _plain_types(found, notes), notes


def _plain_types(found: pa.Table, notes: list[str]) -> pa.Table:
    """Views, large and dictionary text as plain text; an index that pandas wrote along is left out."""
    for name in [n for n in found.column_names if n.startswith("__index_level_")]:
        notes.append(f"'{name}' is left out: the index of a data frame, no column of the table")
        found = found.drop_columns([name])
    for place, field in enumerate(found.schema):
        inner = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if (
            pa.types.is_string_view(inner)
            or pa.types.is_large_string(inner)
            or (pa.types.is_dictionary(field.type) and pa.types.is_string(inner))
        ):
            found = found.set_column(place, field.name, found.column(place).cast(pa.string()))
    return found


def _kind(path: Path) -> str:
    if path.is_dir():
        return "delta" if (path / "_delta_log").is_dir() else "parquet"
    suffix = path.suffix.lower()
    if suffix not in _SUFFIX:
        raise StudyError(f"rows.path: {path.name}: cannot tell its kind from '{suffix}'; set rows.format to csv, arff, parquet or delta")
    return _SUFFIX[suffix]


def unique_names(header: list[str], notes: list[str]) -> list[str]:
    """Names made unique, in order, with a note for each repair."""
    seen: Counter[str] = Counter()
    taken, names = set(header), []
    for place, raw in enumerate(header, 1):
        name = raw.strip() or f"column_{place}"
        if not raw.strip():
            notes.append(f"column {place} has no name: called '{name}'")
        seen[name] += 1
        if seen[name] > 1:
            number = seen[name]
            while f"{name}#{number}" in taken:
                number += 1
            notes.append(f"header '{name}' occurs again as column {place}: called '{name}#{number}'")
            name = f"{name}#{number}"
            taken.add(name)
        names.append(name)
    return names


def decode(path: Path, notes: list[str]) -> str:
    """A text file in UTF-8 (with or without BOM), UTF-16 with BOM, GB18030 or, failing all, Windows-1252."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        import gzip

        data = gzip.decompress(data)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8-sig":
            return text
        if any("\u4e00" <= c <= "\u9fff" for c in text[:200_000]) and not any("\ue000" <= c <= "\uf8ff" for c in text[:200_000]):
            notes.append("the file is not UTF-8: read as GB18030")
            return text
    notes.append("the file is not UTF-8: read as Windows-1252")
    return data.decode("cp1252", errors="replace")


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts the header and the lines below into the same number of fields, the most of them."""
    best, fields = ",", 1
    for mark in (",", ";", "\t", "|"):
        counts = [len(row) for row in csv.reader(lines, delimiter=mark)]
        if counts and counts[0] > fields and sum(c == counts[0] for c in counts) >= 0.8 * len(counts):
            best, fields = mark, counts[0]
    return best


def _read_csv(path: Path, notes: list[str]) -> pa.Table:
    text = decode(path, notes).replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    if not text.strip():
        raise StudyError(f"rows.path: {path.name} is empty")
    head = text[:200_000].splitlines()[:50]
    mark = _delimiter(head)
    reader = csv.reader(io.StringIO(text[:1_000_000]), delimiter=mark)
    header = next(reader)
    body = "\n".join(text.splitlines()[reader.line_num :]) if reader.line_num > 1 else text.partition("\n")[2]
    if mark != ",":
        notes.append(f"fields are separated by {'tab' if mark == chr(9) else repr(mark)}")
    return parse_delimited(body, unique_names(header, notes), mark, '"', path.name, notes)


def parse_delimited(body: str, names: list[str], mark: str, quote: str, file: str, notes: list[str]) -> pa.Table:
    """Delimited text without a header as columns of text. Few lines with a wrong number of fields are left out with a note; many are an error."""
    if not body.strip():
        raise StudyError(f"rows.path: {file} holds a header but no rows")
    broken: list[tuple[int, int]] = []

    def skip(row: pacsv.InvalidRow) -> str:
        broken.append((row.number or 0, row.actual_columns))
        return "skip"

    found = pacsv.read_csv(
        io.BytesIO(body.encode("utf-8")),
        read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=1 << 24),
        parse_options=pacsv.ParseOptions(delimiter=mark, quote_char=quote, newlines_in_values=quote in body, invalid_row_handler=skip),
        convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )
    if broken:
        total = found.num_rows + len(broken)
        places = ", ".join(f"row {number} has {fields} fields" for number, fields in broken[:5])
        if len(broken) > max(1, _BROKEN_SHARE * total):
            raise StudyError(
                f"rows.path: {file}: {len(broken)} of {total} rows do not have the header's {len(names)} fields ({places}); correct them"
            )
        notes.append(f"{len(broken)} of {total} rows left out: not the header's {len(names)} fields ({places})")
    return found


def _read_arff(path: Path, notes: list[str]) -> pa.Table:
    names, body, quote = arff.split(decode(path, notes), path.name)
    return parse_delimited(body, unique_names(names, notes), ",", quote, path.name, notes)


def _read_parquet(path: Path, notes: list[str]) -> pa.Table:
    found = pq.read_table(path)
    return found.rename_columns(unique_names(found.column_names, notes))


def _read_delta(path: Path, notes: list[str]) -> pa.Table:
    from deltalake import DeltaTable, QueryBuilder
    from deltalake.exceptions import DeltaError, TableNotFoundError

    try:
        table = DeltaTable(path.as_posix())
        found = pa.table(QueryBuilder().register("rows", table).execute("select * from rows").read_all())
    except (DeltaError, TableNotFoundError) as fault:
        raise StudyError(f"rows.path: {path.name} cannot be read as a Delta table: {str(fault).splitlines()[0]}") from fault
    notes.append(f"Delta table read at version {table.version()}")
    return found
