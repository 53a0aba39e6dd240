from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.conf import Files
from jobs.sources import text
from jobs.sources.part import MAX_RECORD, Part
from jobs.sources.read_csv import read_csv

WANTED = ("a", "b")


def _read(data: str | bytes, encoding: str = "utf-8", wanted: tuple[str, ...] = WANTED, **files: object) -> list[Part]:
    raw = data.encode(encoding) if isinstance(data, str) else data
    return list(read_csv(io.BytesIO(raw), Files.model_validate({"format": "csv", "encoding": encoding, **files}), wanted))


def _cells(parts: list[Part]) -> list[tuple[int, str, str]]:
    return [row for p in parts if p.cells for row in zip(p.line.to_pylist(), *(p.cells[w].to_pylist() for w in WANTED), strict=True)]


def _broken(parts: list[Part]) -> dict[int, str]:
    return {r["line"]: r["rules"][0] for p in parts for r in p.broken.to_pylist()}


def _reason(parts: list[Part]) -> str:
    return str(next(r["reason"] for p in parts for r in p.broken.to_pylist()))


def test_lines_are_physical_and_raw_text_is_kept():
    parts = _read('a,b\r\n1,"x, y"\r\n\r\n"two\r\nlines",3\r\n4,5\r\n')
    assert _cells(parts) == [(2, "1", "x, y"), (4, "two\r\nlines", "3"), (6, "4", "5")]
    assert parts[0].raw.to_pylist() == ['1,"x, y"', '"two\r\nlines",3', "4,5"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_declared_encodings(encoding: str):
    assert _cells(_read("a,b\n税,额\n", encoding)) == [(2, "税", "额")]


def test_preamble_above_the_header_is_skipped_but_counted():
    assert _cells(_read("title\nsecond title\na,b\n1,2\n", preamble=2)) == [(4, "1", "2")]


def test_missing_column_breaks_every_record_and_names_what_was_found():
    parts = _read("a,bb\n1,2\n3,4\n")
    assert _cells(parts) == [] and _broken(parts) == {2: "column_missing", 3: "column_missing"}
    assert "column(s) b are missing; found: a, bb" in _reason(parts) and "'b' may now be 'bb'" in _reason(parts)


def test_extra_column_is_noted_and_rows_arrive():
    parts = _read("a,c,b\n1,x,2\n")
    assert _cells(parts) == [(2, "1", "2")] and parts[0].notes == ("columns not in the contract: c",)


def test_wrong_delimiter_is_named():
    parts = _read("a;b\n1;2\n")
    assert _broken(parts) == {2: "delimiter"} and "';'" in _reason(parts)


@pytest.mark.parametrize(("declared", "sent"), [("utf-8", "gb18030"), ("gb18030", "utf-8"), ("utf-8", "utf-16")])
def test_wrong_encoding_of_the_header_is_named(declared: str, sent: str):
    parts = _read("税号,金额\n1,2\n".encode(sent), declared, ("税号", "金额"))
    assert set(_broken(parts).values()) == {"encoding"} and f"the file is {sent}" in _reason(parts)


def test_wrong_bytes_in_one_row_break_that_row_alone():
    parts = _read(b"a,b\n1,2\n\xff\xfe,3\n4,5\n")
    assert _cells(parts) == [(2, "1", "2"), (4, "4", "5")] and _broken(parts) == {3: "encoding"}


def test_nul_bytes_break_their_row_alone():
    parts = _read(b"a,b\n1,\x00\n4,5\n")
    assert _cells(parts) == [(3, "4", "5")] and _broken(parts) == {2: "nul"}


def test_too_few_and_too_many_fields_break_their_rows_alone():
    parts = _read("a,b\n1\n2,3,4\n5,6\n")
    assert _cells(parts) == [(4, "5", "6")] and _broken(parts) == {2: "columns", 3: "columns"}


def test_a_quote_that_never_closes_does_not_swallow_the_file():
    parts = _read('a,b\n1,"open\n2,3\n4,5\n6,7\n')
    assert _cells(parts) == [(3, "2", "3"), (4, "4", "5"), (5, "6", "7")] and _broken(parts) == {2: "quote"}


def test_two_stray_quotes_do_not_join_the_rows_between():
    parts = _read('a,b\n1,5" pipe\n2,3\n4,7" pipe\n6,7\n')
    assert _cells(parts) == [(3, "2", "3"), (5, "6", "7")] and _broken(parts) == {2: "quote", 4: "quote"}


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_empty_file_is_refused_as_one_document(data: bytes):
    assert _broken(_read(data)) == {1: "empty_file"}


def test_header_alone_is_a_delivery_of_nothing():
    parts = _read("a,b\n")
    assert _cells(parts) == [] and _broken(parts) == {}


def test_a_wanted_header_twice_is_refused():
    assert _broken(_read("a,b,a\n1,2,3\n")) == {2: "column_twice"}


def test_a_huge_cell_is_broken_with_bounded_memory():
    data = b"a,b\n1,2\n3," + b"x" * (12 * MAX_RECORD) + b"\n4,5\n"
    tracemalloc.start()
    parts = _read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert _cells(parts) == [(2, "1", "2"), (4, "4", "5")] and _broken(parts) == {3: "too_long"}
    assert peak < 60 * len(data)
    assert max(len(r["raw"]) for p in parts for r in p.broken.to_pylist()) <= 2000


cell = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from(',"\n;'), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(cell.map(lambda c: "k" + c), cell), max_size=12), st.integers(1, 40), st.sampled_from(["\n", "\r\n"]))
def test_reads_what_the_csv_module_wrote_at_any_chunk_size(rows: list[tuple[str, str]], chunk: int, end: str):
    rows = [(a.replace("\ufffd", ""), b.replace("\ufffd", "")) for a, b in rows]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows([WANTED, *rows])
    whole, text.CHUNK = text.CHUNK, chunk
    try:
        parts = _read(out.getvalue())
    finally:
        text.CHUNK = whole
    assert [(a, b) for _, a, b in _cells(parts)] == rows
    assert _broken(parts) == {}
    assert sum(len(p.line) for p in parts) == len(rows)
