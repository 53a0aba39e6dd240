"""Fixed width, ARFF, XLSX and archives, read as they should be. What is broken in them: test_broken_files.py."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from jobs.conf import Files
from jobs.conf.source import Source
from jobs.sources.part import Part
from jobs.sources.read import documents, read
from jobs.sources.read_arff import read_arff
from jobs.sources.read_fixed import read_fixed
from jobs.sources.read_xlsx import read_xlsx
from tests.sources.given import GOOD, checked, rules, source


def _rows(parts: list[Part]) -> list[tuple[Any, ...]]:
    return [row for p in parts if p.cells for row in zip(p.line.to_pylist(), *(c.to_pylist() for c in p.cells.values()), strict=True)]


def _broken(parts: list[Part]) -> dict[int, str]:
    return {r["line"]: r["rules"][0] for p in parts for r in p.broken.to_pylist()}


FIXED = {"no": (1, 3), "name": (4, 6), "amount": (10, 4)}


def _fixed(data: bytes, **said: Any) -> list[Part]:
    files = Files.model_validate({"format": "fixed", "fixed": FIXED, **said})
    return list(read_fixed(io.BytesIO(data), files, ["no", "name", "amount"]))


def test_fixed_width_counts_characters_or_bytes():
    assert _rows(_fixed("001税务局   1.50\n".encode())) == [(1, "001", "税务局   ", "1.50")]
    assert _rows(_fixed("001税务局1.50\n002ab    2.50\n".encode("gb18030"), encoding="gb18030", counted_in="bytes")) == [(1, "001", "税务局", "1.50"), (2, "002", "ab    ", "2.50")]


def test_a_line_of_another_length_or_cut_inside_a_character_is_broken_alone():
    data = "001税务局1.50\n002税务\n003 税务局.50\n004ab    2.50\n".encode("gb18030")
    parts = _fixed(data, encoding="gb18030", counted_in="bytes")
    assert [r[0] for r in _rows(parts)] == [1, 4] and _broken(parts) == {2: "width", 3: "width"}
    parts = _fixed(b"001abcdef1.50\n002abcdef1.50X\n", width=13)
    assert [r[0] for r in _rows(parts)] == [1] and _broken(parts) == {2: "width"}


ARFF = """% comment
@RELATION 'a b'
@attribute 'net profit' numeric
@ATTRIBUTE name string
@attribute kind {no, yes}

@data
1.5,'it\\'s, here',yes
?, plain ,no
% between
{1 'x', 2 yes}
{ }
1,2
"""


def test_arff_dense_and_sparse():
    parts = list(read_arff(io.BytesIO(ARFF.encode()), Files(format="arff"), ["net profit", "name", "kind"]))
    assert _rows(parts) == [(8, "1.5", "it's, here", "yes"), (9, None, "plain", "no"), (11, "0", "x", "yes"), (12, "0", "", "no")]
    assert _broken(parts) == {13: "columns"}


def _book(sheets: Mapping[str, list[list[Any]]], hidden: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _xlsx(data: bytes, **said: Any) -> list[Part]:
    files = Files.model_validate({"format": "xlsx", **said})
    return list(read_xlsx(io.BytesIO(data), files, ["id", "day", "amount"], {"day": "%d/%m/%Y"}))


HEADER = ["id", "day", "amount"]


def test_xlsx_cells_are_written_as_the_contract_writes_them():
    rows = [["list of the month"], HEADER, ["007", date(2026, 1, 5), 1234.5], [], [7, datetime(2026, 1, 5, 9, 30), 0.1], [None, "05/01/2026", "1.00"]]
    parts = _xlsx(_book({"s": rows}), preamble="auto")
    assert _rows(parts) == [(3, "007", "05/01/2026", "1234.5"), (5, "7", "2026-01-05T09:30:00", "0.1"), (6, None, "05/01/2026", "1.00")]
    assert "header on row 2" in parts[0].notes
    assert parts[0].raw[0].as_py() == '["007", "2026-01-05", "1234.5"]'


def test_xlsx_reads_the_first_visible_sheet_or_the_named_one_and_names_hidden_ones():
    data = _book({"notes": [["x"]], "a": [HEADER, ["1", "d", 1]], "b": [HEADER, ["2", "d", 1]]}, hidden=("notes",))
    first, named = _xlsx(data), _xlsx(data, sheet="b")
    assert [r[1] for r in _rows(first)] == ["1"] and [r[1] for r in _rows(named)] == ["2"]
    assert "hidden sheet(s): notes" in first[0].notes
    assert _broken(_xlsx(data, sheet="c")) == {1: "sheet"}


def test_xlsx_ids_as_numbers_break_their_rule_and_the_others_are_still_named():
    contract = source(files={"format": "xlsx"})
    data = _book({"s": [["no", "id", "day", "amount"], ["1", GOOD, "2026-01-02", 1.5], ["2", 913501000001, "2 Jan", 1], [3, GOOD, "2026-01-02", 1]]})
    assert rules(checked(data, contract)) == {3: ["check_digit:taxpayer_id", "id:taxpayer_id", "date:paid_on"]}


def _csv_source(**said: Any) -> Source:
    return source(files={"format": "csv", **said})


CSV = f"no,id,day,amount\n1,{GOOD},2026-01-02,1.50\n".encode()


def test_members_of_an_archive_keep_their_names_and_lines():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/two.csv", CSV)
        archive.writestr("a.csv", CSV * 1)
        archive.writestr("__MACOSX/a.csv", b"\x00")
    found = [(member, [n for p in parts for n in p.line.to_pylist()]) for member, parts in documents(io.BytesIO(out.getvalue()), _csv_source())]
    assert found == [("a.csv", [2]), ("b/two.csv", [2])]


def test_a_gzip_file_is_the_file_inside():
    (part,) = read(io.BytesIO(gzip.compress(CSV)), _csv_source())
    assert part.line.to_pylist() == [2] and part.member == ""


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"format": "fixed"}, "names the columns"),
        ({"format": "csv", "fixed": FIXED}, "of no other"),
        ({"format": "csv", "encoding": "klingon"}, "no codec 'klingon'"),
        ({"format": "jsonl", "preamble": "auto"}, "only csv and xlsx"),
        ({"format": "csv", "delimiter": ";;"}, "pattern"),
        ({"format": "fixed", "fixed": {"a": (0, 3)}}, "greater than or equal to 1"),
    ],
)
def test_mistakes_in_a_contract_are_named(said: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        Files.model_validate(said)
