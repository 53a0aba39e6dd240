"""What the contract leaves to the file: encoding, delimiter, header."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.conf import Files
from jobs.sources.found import HEAD, evidence, found_encoding, found_header, settled
from jobs.sources.read_csv import read_csv

CHINESE = "税号,名称\n1,福州市鼓楼区某某贸易有限公司\n2,厦门A座商行\n"
PORTUGUESE = "id,nome\n1,São Paulo\n2,Proibição - Lei de Improbidade\n3,AÇÃO\n"
FRENCH = "id;nom\n1;Société Générale\n2;Noël & Cie\n"


@pytest.mark.parametrize("text", [CHINESE, PORTUGUESE, FRENCH, "a,b\n1,2\n"])
@pytest.mark.parametrize(
    ("written", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be")],
)
def test_unicode_is_told_whatever_the_language(text: str, written: str, found: str):
    assert found_encoding(text.encode(written)) == found


@pytest.mark.parametrize(
    ("text", "written"),
    [(CHINESE, "gb18030"), ("id,n\n1,税务局\n", "gb18030"), ("编号,n\n1,A座\n", "gb18030"),
     (PORTUGUESE, "cp1252"), (FRENCH, "cp1252"), ("id,n\n1,ação\n", "cp1252"), ("PROIBIÇÃO,n\n1,2\n", "cp1252"), ("n\n12 €\n", "cp1252")],
)  # fmt: skip
def test_codes_of_one_country_are_told_by_how_their_bytes_stand(text: str, written: str):
    assert found_encoding(text.encode(written)) == written


def test_a_few_wrong_bytes_do_not_make_utf_8_another_encoding():
    data = (PORTUGUESE * 20).encode() + b"9,caf\xe9\n"
    assert found_encoding(data) == "utf-8"
    parts = list(read_csv(io.BytesIO(data), Files(format="csv", encoding="auto"), ["id", "nome"]))
    assert [r["rules"] for p in parts for r in p.broken.to_pylist() if "caf" in r["raw"]] == [["encoding"]]


def test_the_first_letters_beyond_ascii_may_come_late():
    data = b"id,n\n" + b"1,a\n" * (2 * HEAD) + "2,税务局\n".encode("gb18030")
    assert found_encoding(evidence(io.BytesIO(data))) == "gb18030"
    (*_, last) = read_csv(io.BytesIO(data), Files(format="csv", encoding="auto"), ["id", "n"])
    assert last.cells["n"][-1].as_py() == "税务局"


@pytest.mark.parametrize(
    ("text", "preamble", "expected"),
    [
        ("a,b\n1,2\n", "auto", (0, ",")),
        ("title\nof two lines; really\na;b\n1;2\n", "auto", (2, ";")),
        ("x\ty\tz\n", "auto", (0, "\t")),  # no wanted column: the most frequent delimiter of the first line
        ("a only\na,b\n", "auto", (1, ",")),  # all columns go before some
        ("a|c\n1|2\n", "auto", (0, "|")),  # most columns, and the header fault then names the missing one
        ("a,b\na;b\n", 1, (1, ";")),
        ("", "auto", (0, ",")),
    ],
)
def test_the_header_is_the_line_with_the_contracts_columns(text: str, preamble: int | str, expected: tuple[int, str]):
    assert found_header(text, (",", ";", "\t", "|"), preamble, ["a", "b"]) == expected


def test_what_was_found_is_noted():
    files = Files(format="csv", encoding="auto", delimiter="auto", preamble="auto")
    found, notes = settled(io.BytesIO("名单\na;b\n1;税\n".encode("gb18030")), files, ["a", "b"])
    assert (found.encoding, found.delimiter, found.preamble) == ("gb18030", ";", 1)
    assert notes == ("read as gb18030, cells divided by ';', header on line 2",)


letters = st.text("税务局福州市公司有限0123456789abc ", min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(letters.filter(str.strip), min_size=1, max_size=20), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"]), st.sampled_from(",;\t|"))
def test_what_is_found_reads_back_what_was_written(cells: list[str], encoding: str, delimiter: str):
    text = f"统计表\n编号{delimiter}名称\n" + "".join(f"{n}{delimiter}{c}\n" for n, c in enumerate(cells))
    files = Files(format="csv", encoding="auto", delimiter="auto", preamble="auto")
    parts = list(read_csv(io.BytesIO(text.encode(encoding)), files, ["编号", "名称"]))
    assert [c for p in parts for c in p.cells["名称"].to_pylist()] == cells
