"""Broken files, each made by a few lines of code: which lines arrive, which are quarantined, by which rule, where.

A fixture is a file of payments whose good lines must arrive whatever stands beside them. `rules` are told by place (`member!line`
in an archive). Files that could hurt their reader are read in a process of their own with bounded memory.
"""

from __future__ import annotations

import gzip
import io
import json
import resource
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.conf import load
from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.lake.step import Night
from jobs.sources.ingest import ingest
from jobs.sources.part import KEPT_RAW, MAX_RECORD
from jobs.sources.route import RECORDS, ROWS, FileTask, Parcel, from_bytes, route
from tests.sources.given import DELIVERY, GOOD, HOUSE, source

CONF = Path(__file__).parents[2] / "conf"
HEADER = "no,id,day,amount"
BAD_ID = GOOD[:-1] + "4"


def line(no: object = 1, id_: object = GOOD, day: object = "2026-01-02", amount: object = "1.50") -> str:
    return f"{no},{id_},{day},{amount}"


def pay(*lines: str, header: str = HEADER, end: str = "\n") -> bytes:
    return end.join([header, *lines, ""]).encode()


@dataclass(frozen=True)
class Fixture:
    """A broken file: its bytes, the contract's `files`, the places whose rows arrive, the rules by place, a word of each reason."""

    data: bytes | Callable[[], bytes]
    accepted: tuple[str, ...] = ()
    rules: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    said: str = ""
    big: bool = False


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) >= 1 and len(old) == len(new)
    return data.replace(old, new)


def linked() -> bytes:
    info = zipfile.ZipInfo("link.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped((info, b"/etc/passwd"))


def encrypted() -> bytes:
    data = bytearray(zipped(("a.csv", pay(line())), ("b.csv", pay(line(2)))))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(mark) + at] |= 1
    return bytes(data)


def lying(member: bytes, claimed: int) -> bytes:
    """A member that says it is smaller than it is."""
    data = zipped(("a.csv", member))
    size = len(member).to_bytes(4, "little")
    return changed(data, size, claimed.to_bytes(4, "little"))


def overlapping() -> bytes:
    data = bytearray(zipped(("a.csv", pay(line())), ("b.csv", pay(line(2)))))
    second = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = (0).to_bytes(4, "little")
    return bytes(data)


def book(rows: list[list[Any]], **cells: Any) -> bytes:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    for place, value in cells.items():
        made.active[place] = value
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def with_part(data: bytes, name: str, part: bytes) -> bytes:
    """A workbook with one of its parts replaced."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        return zipped(*[(i.filename, part if i.filename == name else old.read(i)) for i in old.infolist()])


def sheet(cells: str) -> bytes:
    """A workbook whose sheet is written by hand."""
    xml = f'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{cells}</sheetData></worksheet>'
    return with_part(book([["x"]]), "xl/worksheets/sheet1.xml", xml.encode())


def text_cells(number: int, *texts: str) -> str:
    return f'<row r="{number}">' + "".join(f'<c r="{"ABCD"[n]}{number}" t="inlineStr"><is><t>{t}</t></is></c>' for n, t in enumerate(texts)) + "</row>"


HEAD_ROW = text_cells(1, "no", "id", "day", "amount")


def parquet(**columns: Any) -> bytes:
    out = io.BytesIO()
    given = {"no": ["1", "2"], "id": [GOOD, GOOD], "day": ["2026-01-02", "2026-01-02"], "amount": ["1.50", "1.50"], **columns}
    pq.write_table(pa.table({n: v for n, v in given.items() if v is not None}), out)
    return out.getvalue()


ROW = [["no", "id", "day", "amount"]]
XLSX, JSONL, PARQUET, ARFF = ({"format": f} for f in ("xlsx", "jsonl", "parquet", "arff"))
GB = {"format": "csv", "encoding": "gb18030"}
AUTO = {"format": "csv", "encoding": "auto", "delimiter": "auto", "preamble": "auto"}
CHINESE = {"no": "号码", "id": "税号", "day": "日期", "amount": "金额"}
FIXED = {"format": "fixed", "fixed": {"no": (1, 2), "id": (3, 18), "day": (21, 10), "amount": (31, 6)}}
ARFF_HEAD = "@relation r\n@attribute no string\n@attribute id string\n@attribute day string\n@attribute amount numeric\n@data\n"
NAMED = {
    "payment_no": {"from": "号码", "required": True}, "taxpayer_id": {"from": "税号", "type": "id", "required": True},
    "paid_on": {"from": "日期", "type": "date", "required": True}, "amount": {"from": "金额", "type": "money", "required": True},
}  # fmt: skip
CHINESE_HEADER = "号码,税号,日期,金额"


def entry(**said: Any) -> str:
    return json.dumps({"no": "1", "id": GOOD, "day": "2026-01-02", "amount": "1.50", **said}, ensure_ascii=False)


FIXTURES: dict[str, Fixture] = {
    # encodings
    "gb18030_sent_as_utf8": Fixture(pay(line(), header=CHINESE_HEADER).decode().encode("gb18030"), rules={"2": ["encoding"]}, columns=NAMED, said="the file is gb18030"),
    "utf8_sent_as_gb18030": Fixture(pay(line(), header=CHINESE_HEADER), rules={"2": ["encoding"]}, files=GB, columns=NAMED, said="the file is utf-8"),
    "utf16_sent_as_utf8": Fixture(pay(line()).decode().encode("utf-16"), rules={"2": ["encoding"]}, said="the file is utf-16"),
    "one_line_of_another_encoding": Fixture(pay(line(), line("二")).replace("二".encode(), "二号".encode("gb18030")) + line(3).encode(), ("2", "4"), {"3": ["encoding"]}),
    "cut_character_at_the_end": Fixture(pay(line(1), line(2)) + "3,税".encode()[:-1], ("2", "3"), {"4": ["encoding"]}),
    "byte_order_mark_in_the_middle": Fixture(pay(line(), "\ufeff" + line(2, "\ufeff" + GOOD)), ("2",), {"3": ["check_digit:taxpayer_id"]}),
    "guessed_encoding_with_bytes_outside_it": Fixture(
        pay(line("Société"), line("naïve")).decode().encode("cp1252") + b"\x81\x8d," + line()[2:].encode() + b"\n", ("2", "3"), {"4": ["encoding"]}, AUTO),
    "nul_bytes": Fixture(pay(line(), line("2\x00"), line(3)), ("2", "4"), {"3": ["nul"]}),
    "file_of_nul_bytes": Fixture(b"\x00" * 5000, files=AUTO, rules={"1": ["empty_file"]}),
    # the shape of the table
    "missing_column": Fixture(pay("1," + GOOD + ",2026-01-02", header="no,id,day"), rules={"2": ["column_missing"]}, said="column(s) amount are missing"),
    "renamed_column": Fixture(pay(line(), header="no,id,day,amounts"), rules={"2": ["column_missing"]}, said="'amount' may now be 'amounts'"),
    "extra_column": Fixture(pay(line() + ",x", header=HEADER + ",more"), ("2",)),
    "reordered_columns": Fixture(pay(f"1.50,2026-01-02,{GOOD},1", header="amount,day,id,no"), ("2",)),
    "column_twice": Fixture(pay(line() + ",2.50", header=HEADER + ",amount"), rules={"2": ["column_twice"]}),
    "row_too_short": Fixture(pay(line(), "2," + GOOD, line(3)), ("2", "4"), {"3": ["columns"]}),
    "row_too_long": Fixture(pay(line(), line(2) + ",9", line(3)), ("2", "4"), {"3": ["columns"]}, said="5 fields where the header has 4"),
    "wrong_delimiter": Fixture(pay(line().replace(",", ";"), header=HEADER.replace(",", ";")), rules={"2": ["delimiter"]}),
    "another_delimiter_half_way": Fixture(pay(line(), line(2).replace(",", ";"), line(3)), ("2", "4"), {"3": ["columns"]}),
    "hundred_thousand_columns": Fixture(lambda: pay("1," + "," * 99_999, header="no," + ",".join(f"c{n}" for n in range(100_000))), rules={"2": ["column_missing"]}, big=True),
    "header_in_the_wrong_place": Fixture(pay(HEADER, line(), header="title"), rules={"2": ["column_missing"], "3": ["column_missing"]}),
    "header_again_in_the_middle": Fixture(pay(line(), HEADER, line(3)), ("2", "4"), {"3": ["check_digit:taxpayer_id", "date:paid_on", "money:amount"]}),
    "totals_below_the_rows": Fixture(pay(line(), "合计,,,1.50"), ("2",), {"3": ["required:taxpayer_id", "required:paid_on"]}),
    "empty_file": Fixture(b"", rules={"1": ["empty_file"]}),
    "blank_lines_alone": Fixture(b"\n \n\n", rules={"1": ["empty_file"]}),
    "header_alone": Fixture(pay()),
    # quotes and line ends
    "unclosed_quote": Fixture(pay(line(), '"2,' + line()[2:], line(3)), ("2", "4"), {"3": ["quote"]}),
    "quote_within_a_cell": Fixture(pay(line(), line('5" pipe'), line(3)), ("2", "4"), {"3": ["quote"]}),
    "unclosed_quote_at_the_end": Fixture(pay(line(), line(2)) + b'"3', ("2", "3"), {"4": ["quote"]}),
    "mixed_line_ends": Fixture(pay(line(), end="\r\n") + (line(2) + "\n" + line(3) + "\r\n").encode(), ("2", "3", "4")),
    "lone_returns_within_lines": Fixture(pay(line(), line(2) + "\r" + line(3), line(4)), ("2", "4"), {"3": ["columns"]}),
    "lone_returns_alone": Fixture(pay(line(), line(2), end="\r"), ("2", "3")),
    "no_line_end_at_the_end": Fixture(pay(line())[:-1], ("2",)),
    # cells
    "id_in_scientific_notation": Fixture(pay(line(), line(2, "9.1350100E+17")), ("2",), {"3": ["scientific:taxpayer_id"]}, said="digits are lost"),
    "id_with_a_wrong_check_character": Fixture(pay(line(), line(2, BAD_ID)), ("2",), {"3": ["check_digit:taxpayer_id"]}),
    "id_without_its_leading_zeros": Fixture(pay(line(1, "00012345"), line(2, "12345")), ("2",), {"3": ["pattern:taxpayer_id"]}, said="leading zeros may be lost",
        columns={"taxpayer_id": {"from": "id", "type": "id", "required": True, "pattern": r"\d{8}"}}),
    "id_in_full_width_characters": Fixture(pay(line(), line(2, "９１３５０１００")), ("2",), {"3": ["id:taxpayer_id"]}, columns={"taxpayer_id": {"from": "id", "type": "id", "required": True}}),
    "id_with_a_line_end": Fixture(pay(line(), f'2,"{GOOD[:9]}\n{GOOD[9:]}",2026-01-02,1.50'), ("2",), {"3": ["id:taxpayer_id"]}),
    "id_missing": Fixture(pay(line(), line(2, "")), ("2",), {"3": ["required:taxpayer_id"]}),
    "amount_in_full_width_digits": Fixture(pay(line(), line(2, amount="１２.００")), ("2",), {"3": ["money:amount"]}),
    "amount_with_separators": Fixture(pay(line(), f'2,{GOOD},2026-01-02,"1,234.50"'), ("2",), {"3": ["money:amount"]}),
    "amount_with_a_decimal_comma": Fixture(pay(line(), f'2,{GOOD},2026-01-02,"1234,50"'), ("2",), {"3": ["money:amount"]}),
    "amount_with_its_unit": Fixture(pay(line(), line(2, amount="1.5万元")), ("2",), {"3": ["unit:amount"]}, said="names a unit"),
    "amount_with_a_currency_sign": Fixture(pay(line(), line(2, amount="¥150")), ("2",), {"3": ["money:amount"]}),
    "amount_in_brackets": Fixture(pay(line(), line(2, amount="(150.00)")), ("2",), {"3": ["money:amount"]}),
    "amount_with_a_minus_behind_or_of_another_kind": Fixture(pay(line(), line(2, amount="150-"), line(3, amount="−150"), line(4, amount="－150")), ("2",), {n: ["money:amount"] for n in "345"}),
    "red_letter_amount": Fixture(pay(line(), line(2, amount="-150.00")), ("2", "3")),
    "amount_not_a_number": Fixture(pay(line(), line(2, amount="NaN"), line(3, amount="Inf"), line(4, amount="1e5"), line(5, amount="#N/A")), ("2",), {n: ["money:amount"] for n in "3456"}),
    "amount_of_three_decimals": Fixture(pay(line(), line(2, amount="1.005")), ("2",), {"3": ["money:amount"]}, said="more than two decimals"),
    "amount_beyond_all_money": Fixture(pay(line(), line(2, amount="9" * 17), line(3, amount="9" * 40)), ("2",), {"3": ["money:amount"], "4": ["money:amount"]}),
    "day_before_month": Fixture(pay(line(), line(2, day="02/01/2026")), ("2",), {"3": ["date:paid_on"]}, said="no date written %Y-%m-%d"),
    "day_that_is_none": Fixture(pay(line(), line(2, day="2026-02-30"), line(3, day="0000-00-00")), ("2",), {"3": ["date:paid_on"], "4": ["date:paid_on"]}),
    "day_after_the_receipt": Fixture(pay(line(), line(2, day="2027-01-02")), ("2",), {"3": ["future"]}),
    "day_as_a_spreadsheets_number": Fixture(pay(line(), line(2, day="46024")), ("2",), {"3": ["date:paid_on"]}),
    "several_faults_in_one_row": Fixture(pay(line("", BAD_ID, "x", "y"), line(2)), ("3",), {"2": ["required:payment_no", "check_digit:taxpayer_id", "date:paid_on", "money:amount"]}),
    "ten_megabyte_cell": Fixture(lambda: pay(line(), line("x" * 10_000_000), line(3)), ("2", "4"), {"3": ["too_long"]}, big=True),
    "cell_of_thirty_thousand_characters": Fixture(pay(line(), line("x" * 30_000), line(3)), ("2", "4"), {"3": ["too_long:payment_no"]}),
    "hundred_megabytes_without_a_line_end": Fixture(lambda: pay() + b"x" * 100_000_000, rules={"2": ["too_long"]}, big=True),
    # units
    "unit_above_the_header": Fixture(("单位：万元\n" + pay(line()).decode()).encode(), rules={"3": ["unit"]}, files={"format": "csv", "preamble": 1}, said="the contract's scale is 1"),
    "unit_in_the_header": Fixture(pay(line(), header="no,id,day,金额（万元）"), rules={"2": ["unit"]}, columns={"amount": {"from": "金额（万元）", "type": "money", "required": True}}),
    "unit_agreed": Fixture(("单位：万元\n" + pay(line()).decode()).encode(), ("3",), files={"format": "csv", "preamble": 1}, columns={"amount": {"from": "amount", "type": "money", "unit": "万元", "required": True}}),
    # archives
    "zip_path_traversal": Fixture(zipped(("../../etc/cron.d/x", pay(line()))), rules={"1": ["path"]}),
    "zip_absolute_path": Fixture(zipped(("/etc/passwd", pay(line()))), rules={"1": ["path"]}),
    "zip_windows_path": Fixture(zipped(("C:\\x.csv", pay(line()))), rules={"1": ["path"]}),
    "zip_link": Fixture(linked(), rules={"1": ["path"]}),
    "zip_name_of_a_thousand_characters": Fixture(zipped(("x" * 1000, pay(line()))), rules={"1": ["path"]}),
    "zip_in_zip": Fixture(zipped(("a.csv", pay(line())), ("b.zip", zipped(("c.csv", pay(line(2)))))), ("a.csv!2",), {"b.zip!1": ["nested"]}),
    "gzip_in_zip": Fixture(zipped(("a.csv", pay(line())), ("b.csv.gz", gzip.compress(pay(line(2))))), ("a.csv!2",), {"b.csv.gz!1": ["nested"]}),
    "zip_encrypted_member": Fixture(encrypted(), ("b.csv!2",), {"a.csv!1": ["encrypted"]}),
    "zip_lying_size": Fixture(lying(pay(line(), line(2)), 40), rules={"a.csv!1": ["zip"]}, said="not as large as it says"),
    "zip_bomb": Fixture(lambda: zipped(("a.csv", pay(line()) + b" " * 300_000_000)), rules={"1": ["bomb"]}, big=True),
    "zip_bomb_that_lies": Fixture(lambda: lying(pay(line()) + b" " * 300_000_000, 1000), rules={"a.csv!1": ["zip"]}, big=True),
    "zip_overlapping_members": Fixture(overlapping(), rules={"1": ["bomb"]}, said="overlap"),
    "zip_of_too_many_members": Fixture(lambda: zipped(*[(f"{n}.csv", b"") for n in range(2000)]), rules={"1": ["members"]}, big=True),
    "zip_names_twice": Fixture(changed(zipped(("a.csv", pay(line())), ("b.csv", pay(line(2)))), b"b.csv", b"a.csv"), rules={"1": ["zip"]}, said="same name"),
    "zip_truncated": Fixture(zipped(("a.csv", pay(line())))[:-30], rules={"1": ["zip"]}),
    "zip_damaged_member": Fixture(changed(zipped(("a.csv", pay(line())), ("b.csv", pay(line(2))), method=zipfile.ZIP_STORED), b"2," + GOOD.encode(), b"3," + GOOD.encode()), ("a.csv!2",), {"b.csv!1": ["zip"]}),
    "zip_empty": Fixture(zipped(), rules={"1": ["empty_file"]}),
    "zip_of_good_and_bad": Fixture(zipped(("a.csv", pay(line(), line(2, BAD_ID))), ("b.csv", b"")), ("a.csv!2",), {"a.csv!3": ["check_digit:taxpayer_id"], "b.csv!1": ["empty_file"]}),
    "gzip_truncated": Fixture(gzip.compress(pay(*[line(n) for n in range(500)]))[:-20], rules={"1": ["gzip"]}),
    "gzip_damaged": Fixture(changed(gzip.compress(pay(line())), b"\x1f\x8b\x08\x00", b"\x1f\x8b\x08\x00")[:-8] + b"\0" * 8, rules={"1": ["gzip"]}),
    "gzip_bomb": Fixture(lambda: gzip.compress(b" " * 300_000_000), rules={"1": ["bomb"]}, big=True),
    # workbooks
    "xlsx_id_as_a_number": Fixture(book([*ROW, ["1", GOOD, "2026-01-02", 1.5], ["2", 91350100, "2026-01-02", 1.5]]), ("2",), {"3": ["check_digit:taxpayer_id", "id:taxpayer_id"]}, XLSX),
    "xlsx_error_cell": Fixture(book([*ROW, ["1", GOOD, "2026-01-02", "#DIV/0!"], ["2", GOOD, "2026-01-02", 1.5]]), ("3",), {"2": ["money:amount", "excel_error:amount"]}, XLSX),
    "xlsx_formula_without_value": Fixture(book([*ROW, ["1", GOOD, "2026-01-02", "=1+1"], ["2", GOOD, "2026-01-02", 1.5]]), ("3",), {"2": ["required:amount", "formula:amount"]}, XLSX),
    "xlsx_amount_of_three_decimals": Fixture(book([*ROW, ["1", GOOD, "2026-01-02", 1.005], ["2", GOOD, "2026-01-02", 0.3]]), ("3",), {"2": ["money:amount"]}, XLSX),
    "xlsx_truncated": Fixture(book(ROW)[:-100], rules={"1": ["zip"]}, files=XLSX),
    "xlsx_that_is_text": Fixture(pay(line()), rules={"1": ["zip"]}, files=XLSX),
    "xlsx_encrypted": Fixture(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, rules={"1": ["xlsx"]}, files=XLSX, said="without a password"),
    "xlsx_with_entities": Fixture(with_part(book(ROW), "xl/workbook.xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'), rules={"1": ["doctype"]}, files=XLSX),
    "xlsx_bomb": Fixture(lambda: with_part(book(ROW), "xl/worksheets/sheet1.xml", b" " * 300_000_000), rules={"1": ["bomb"]}, files=XLSX, big=True),
    "xlsx_row_beyond_all_rows": Fixture(sheet(HEAD_ROW + text_cells(2, "1", GOOD, "2026-01-02", "1.50") + text_cells(2**40, "9", GOOD, "2026-01-02", "1.50")), ("2",), files=XLSX, big=True),
    "xlsx_empty": Fixture(book([]), rules={"1": ["empty_file"]}, files=XLSX),
    "xlsx_without_the_header": Fixture(book([["a", "b"], ["1", "2"]]), rules={"2": ["column_missing"]}, files=XLSX),
    # JSON lines, Parquet, ARFF, fixed width
    "json_truncated": Fixture((entry() + "\n" + entry(no="2")[:-5]).encode(), ("1",), {"2": ["json"]}, JSONL),
    "json_not_a_number": Fixture((entry() + "\n" + entry(amount=float("nan")) + "\n").encode(), ("1",), {"2": ["json"]}, JSONL),
    "json_key_twice": Fixture((entry() + "\n" + entry()[:-1] + ', "id": "x"}\n').encode(), ("1",), {"2": ["json"]}, JSONL, said="stands twice"),
    "json_one_array": Fixture(f"[{entry()}]\n".encode(), rules={"1": ["json"]}, files=JSONL, said="no object"),
    "json_too_deep": Fixture((entry() + '\n{"no": ' + "[" * 100_000 + "\n").encode(), ("1",), {"2": ["json"]}, JSONL),
    "json_id_as_a_number": Fixture((entry() + "\n" + entry(id=9.1350100e17) + "\n").encode(), ("1",), {"2": ["scientific:taxpayer_id"]}, JSONL),
    "parquet_truncated": Fixture(parquet()[:-10], rules={"1": ["parquet"]}, files=PARQUET),
    "parquet_that_is_text": Fixture(pay(line()), rules={"1": ["parquet"]}, files=PARQUET),
    "parquet_of_nothing": Fixture(b"", rules={"1": ["parquet"]}, files=PARQUET),
    "parquet_without_a_column": Fixture(parquet(amount=None), rules={"1": ["column_missing"], "2": ["column_missing"]}, files=PARQUET),
    "parquet_ids_as_floats": Fixture(parquet(id=[9.1e17, 9.2e17]), rules={n: ["id:taxpayer_id"] for n in "12"}, files=PARQUET),
    "parquet_amounts_not_finite": Fixture(parquet(amount=[1.5, float("inf")]), ("1",), {"2": ["money:amount"]}, PARQUET),
    "parquet_amounts_as_lists": Fixture(parquet(amount=[["1"], ["2"]]), rules={n: ["column_type"] for n in "12"}, files=PARQUET, said="no single values"),
    "arff_without_data": Fixture(b"@relation r\n@attribute no string\n", rules={"1": ["arff"]}, files=ARFF),
    "arff_that_is_text": Fixture(pay(line()), rules={"1": ["arff"]}, files=ARFF),
    "arff_row_too_short": Fixture((ARFF_HEAD + f"1,{GOOD},2026-01-02,1.50\n2,{GOOD}\n").encode(), ("7",), {"8": ["columns"]}, ARFF),
    "arff_unclosed_quote": Fixture((ARFF_HEAD + f"'1,{GOOD},2026-01-02,1.50\n2,{GOOD},2026-01-02,1.50\n").encode(), ("8",), {"7": ["columns"]}, ARFF),
    "arff_sparse_place_that_is_none": Fixture((ARFF_HEAD + f"{{0 1, 1 {GOOD}, 2 2026-01-02, 3 1.50}}\n{{9 1}}\n").encode(), ("7",), {"8": ["columns"]}, ARFF),
    "fixed_width_shifted_line": Fixture(f"01{GOOD}2026-01-02  1.50\n02{GOOD}2026-01-02 1.50\n".encode(), ("1",), {"2": ["width"]}, FIXED),
    "fixed_width_character_cut_in_two": Fixture(f"01{GOOD}2026-01-02  1.50\n0税{GOOD}2026-01-02  1.5\n".encode("gb18030"), ("1",), {"2": ["width"]}, {**FIXED, "encoding": "gb18030", "counted_in": "bytes"}),
}  # fmt: skip


def contract(fixture: Fixture) -> Any:
    given = source(files={"format": "csv", **fixture.files})
    columns = {n: f.model_dump(by_alias=True) for n, f in given.columns.items()} | fixture.columns
    return source(files={"format": "csv", **fixture.files}, columns=columns)


def made(fixture: Fixture) -> bytes:
    return fixture.data() if callable(fixture.data) else fixture.data


def through(fixture: Fixture, folder: Path) -> tuple[list[dict[str, Any]], pa.Table]:
    """The records and rows of the file as the task of ingest sends them on: nothing may be raised, whatever the file."""
    (folder / "f").write_bytes(made(fixture))
    parcels: list[Parcel] = [p for _, p in route(FileTask(0, contract(fixture), HOUSE, DELIVERY, str(folder), ("f",), 1))]
    records = [r for p in parcels if RECORDS in p.tables for r in from_bytes(p.tables[RECORDS]).to_pylist()]
    rows = [from_bytes(p.tables[ROWS]) for p in parcels if ROWS in p.tables]
    return records, pa.concat_tables(rows) if rows else pa.table({"file": [], "line": []})


def place(file: str, number: int) -> str:
    return f"{file.partition('!')[2]}!{number}" if "!" in file else str(number)


def told(name: str, folder: Path) -> dict[str, Any]:
    """What became of a fixture, as JSON can carry it."""
    records, rows = through(FIXTURES[name], folder)
    broken = [r for r in records if r["rules"]]
    return {
        "accepted": sorted({place(f, n) for f, n in zip(rows["file"].to_pylist(), rows["line"].to_pylist(), strict=True)}),
        "rules": {place(r["file"], r["line"]): r["rules"] for r in broken}, "records": len(records), "broken": len(broken),
        "raw": max((len(r["raw"] or "") for r in records), default=0), "reasons": " | ".join(r["reason"] for r in broken),
    }  # fmt: skip


def judge(name: str, found: dict[str, Any]) -> None:
    fixture = FIXTURES[name]
    assert found["rules"] == fixture.rules
    assert tuple(found["accepted"]) == tuple(sorted(fixture.accepted))
    assert found["records"] == len(fixture.accepted) + len(fixture.rules)  # each record once: nothing lost, nothing told twice
    assert fixture.said in found["reasons"]
    assert found["raw"] <= MAX_RECORD and (not fixture.big or found["raw"] <= max(KEPT_RAW, 100_100))


@pytest.mark.parametrize("name", [n for n, f in FIXTURES.items() if not f.big])
def test_broken_file(name: str, tmp_path: Path):
    judge(name, told(name, tmp_path))


@pytest.mark.spark
def test_all_of_them_at_once_through_ingest(spark: Any, tmp_path: Path):
    """A source for each contract, all files in its one delivery: every record has one fate, and what is quarantined is what it should be."""
    small = {n: f for n, f in FIXTURES.items() if not f.big}
    kinds: dict[str, list[str]] = {}
    for name, fixture in small.items():
        kinds.setdefault(json.dumps([fixture.files, fixture.columns], sort_keys=True), []).append(name)
    sources = {}
    for number, names in enumerate(kinds.values()):
        key = f"kind_{number}"
        sources[key] = contract(small[names[0]]).model_copy(update={"name": key})
        (tmp_path / "inbox" / key).mkdir(parents=True)
        for name in names:
            (tmp_path / "inbox" / key / name).write_bytes(made(small[name]))
    conf = load(CONF).model_copy(update={"sources": sources, "house": HOUSE})
    lake = Lake.open(tmp_path / "lake", HOUSE.buckets)
    batches = ingest(lake, spark, Night(DELIVERY.day, lake.take_lease("ingest"), conf), tmp_path / "inbox")
    broken = whole(lake.root, "quarantine").to_pylist()
    told = {(r["file"].partition("!")[0], place(r["file"], r["line"])): r["rules"] for r in broken if r["rules"] != ["conflict"]}
    assert told == {(name, at): rules for name, fixture in small.items() for at, rules in fixture.rules.items()}
    received = sum(len(f.accepted) + len(f.rules) for f in small.values())
    assert sum(b["received"] for b in batches) == received
    # Files of one source send the same payments: repeats and conflicts are told too, and no good row is anything else.
    good = sum(b[fate] for b in batches for fate in ("accepted", "superseded", "duplicate")) + len(broken) - len(told)
    assert good == sum(len(f.accepted) for f in small.values()) and len(broken) == sum(b["quarantined"] for b in batches)


LIMIT = 1 << 30
"""Bytes of address space beyond what the imports take: far below what the big files would fill."""


@pytest.mark.parametrize("names", [[n for n, f in FIXTURES.items() if f.big]], ids=["all"])
def test_big_files_are_told_within_bounded_memory(names: list[str], tmp_path: Path):
    for name in names:  # made here: making them takes memory that reading them must not
        (tmp_path / name).mkdir()
        (tmp_path / name / "made").write_bytes(made(FIXTURES[name]))
    run = subprocess.run([sys.executable, "-m", "tests.sources.test_broken_files", str(tmp_path), *names], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    for text in run.stdout.splitlines():
        found = json.loads(text)
        judge(found["name"], found)
        assert found["peak"] < 700 << 20, found["name"]


def _bounded(folder: Path, names: list[str]) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT, used + LIMIT))
    for name in names:
        data = (folder / name / "made").read_bytes()
        object.__setattr__(FIXTURES[name], "data", data)
        tracemalloc.start()
        pool = pa.default_memory_pool()
        found = told(name, folder / name)
        peak = tracemalloc.get_traced_memory()[1] + pool.max_memory()
        tracemalloc.stop()
        print(json.dumps({"name": name, "peak": peak, **found}))


def test_there_are_enough_of_them():
    assert len(FIXTURES) >= 60


@pytest.mark.parametrize("amount", ["1.5", "2", "0.01"])
def test_the_good_rows_are_the_ones_that_were_sent(amount: str, tmp_path: Path):
    _, rows = through(Fixture(pay(line(amount=amount))), tmp_path)
    assert rows["amount"].to_pylist() == [Decimal(amount).quantize(Decimal("0.01"))] and rows["taxpayer_id"].to_pylist() == [GOOD]


if __name__ == "__main__":
    _bounded(Path(sys.argv[1]), sys.argv[2:])
