from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from jobs.conf import ConfError, Field_
from jobs.lake.tables import BOOL, DATE, FLOAT, LONG, MONEY, STRING
from jobs.sources.cells import Converted, convert
from jobs.sources.check import Receipt, check
from tests.sources.given import DAY, GOOD, HOUSE, OTHER, checked, lines, listed, parts, pay, returns, rules, source


def _convert(cells: list[Any], type_: str, target: pa.DataType = STRING, typed: pa.DataType | None = None, **said: Any) -> Converted:
    field = Field_.model_validate({"from": "x", "type": type_, **said})
    return convert(pa.array(cells, typed or STRING), "x", field, target, "Asia/Shanghai", "cn.uscc")


def _values(found: Converted) -> list[Any]:
    return found.values.to_pylist()


def _rules(found: Converted) -> dict[str, list[int]]:
    out: dict[str, list[int]] = {}
    for b in found.broken:
        out.setdefault(b.rule, []).extend(n for n, hit in enumerate(b.where) if hit)
    return out


def test_amounts_in_words_separators_and_full_width_digits_are_no_amounts():
    found = _convert(["1.50", "一百元", "1,234.00", "１２", "1E3", "1.005", "", None, " -7 "], "money", MONEY)
    assert _values(found) == [Decimal("1.50"), None, None, None, None, None, None, None, Decimal("-7.00")]
    assert _rules(found) == {"money:x": [1, 2, 3, 4, 5]}


def test_ten_thousands_are_scaled_exactly():
    found = _convert(["1.5", "0.0000001", "0.0001", "999999999999999"], "money", MONEY, unit="万元")
    assert _values(found) == [Decimal("15000.00"), None, Decimal("1.00"), None]  # a tenth of a cent; more than money can be
    assert _rules(found) == {"money:x": [1, 3]}


def test_a_float_is_money_only_where_it_is_the_nearest_to_an_exact_amount():
    found = _convert([0.1, 0.1 + 0.2, 123456789012.34, float("nan"), float("inf"), 1e18, None], "money", MONEY, pa.float64())
    assert _values(found) == [Decimal("0.10"), None, Decimal("123456789012.34"), None, None, None, None]
    assert _rules(found) == {"money:x": [1, 3, 4, 5]}


def test_decimal_and_integer_cells_are_exact():
    assert _values(_convert([Decimal("1.23")], "money", MONEY, pa.decimal128(10, 2))) == [Decimal("1.23")]
    assert _values(_convert([5], "money", MONEY, pa.int64())) == [Decimal("5.00")]


def test_dates_in_undeclared_styles_are_no_dates():
    found = _convert(["2024-02-29", "2023-02-29", "29/02/2024", "20240229", "2024-2-9", "Feb 29 2024", "0024-02-29"], "date", DATE, formats=["%Y-%m-%d", "%Y%m%d"])
    assert _values(found) == [date(2024, 2, 29), None, None, date(2024, 2, 29), None, None, None]
    assert _rules(found) == {"date:x": [1, 2, 4, 5, 6]}


def test_a_timestamp_is_the_day_in_the_zone_of_the_house():
    late = datetime.fromisoformat("2024-01-01T20:00:00+00:00")
    assert _values(_convert([late], "date", DATE, pa.timestamp("us", tz="UTC"))) == [date(2024, 1, 2)]
    found = _convert(["2024-01-01T20:00:00+0000", "2024-01-01"], "timestamp", DATE, formats=["%Y-%m-%dT%H:%M:%S%z"])
    assert _values(found) == [date(2024, 1, 2), None] and _rules(found) == {"timestamp:x": [1]}


def test_ids_in_scientific_notation_and_numeric_ids_are_refused():
    found = _convert(["9.13502E+17", "913502e+17", "12E45", "1 2", "1\t2"], "id")
    assert _values(found) == [None, None, "12E45", None, None]
    assert _rules(found) == {"scientific:x": [0, 1], "id:x": [3, 4]}
    assert _rules(_convert([9.1e17], "id", STRING, pa.float64())) == {"id:x": [0]}


def test_check_digits():
    found = _convert([GOOD, GOOD[:-1] + "4", None], "id", check_digit=True)
    assert _values(found) == [GOOD, None, None] and _rules(found) == {"check_digit:x": [1]}
    with pytest.raises(ConfError, match="id_standard"):
        convert(pa.array(["x"]), "x", Field_.model_validate({"from": "x", "type": "id", "check_digit": True}), STRING, "UTC", "no.such")


def test_numbers_codes_bools_ranges_and_masks():
    assert _rules(_convert(["1", "1.5", "x"], "int", LONG)) == {"int:x": [1, 2]}
    found = _convert(["1e3", "nan", "-1", "5"], "number", FLOAT, min=0, max=10)
    assert _rules(found) == {"number:x": [1], "range:x": [2, 0]}
    assert _rules(_convert([float("nan"), 1.0], "number", FLOAT, pa.float64())) == {"number:x": [0]}
    found = _convert(["企业", "农户", None], "code", codes={"企业": "enterprise"})
    assert _values(found) == ["enterprise", None, None] and _rules(found) == {"code:x": [1]}
    assert _values(_convert(["是", "No", "?"], "bool", BOOL)) == [True, False, None]
    assert _values(_convert(["XXX", "a"], "string", masked=["XXX"])) == [None, "a"]
    assert _rules(_convert(["XXX", "a", None], "string", masked=["XXX"], required=True)) == {"masked:x": [0], "required:x": [2]}
    assert _rules(_convert(["y" * 30_000], "string")) == {"too_long:x": [0]}


def test_good_rows_arrive_beside_broken_ones_and_all_rules_are_named():
    found = checked(pay([f"p1,{GOOD},2026-01-02,1.00", "p2,9.1E+17,2026/01/02,一百", ",,,"]), source())
    assert lines(found) == [2]
    assert rules(found) == {
        3: ["scientific:taxpayer_id", "date:paid_on", "money:amount"],
        4: ["required:payment_no", "required:taxpayer_id", "required:paid_on", "required:amount"],
    }
    row = found.records.to_pylist()[1]
    assert row["raw"] == "p2,9.1E+17,2026/01/02,一百"
    assert "amount: '一百' is no amount in digits with a decimal point" in row["reason"]


def test_known_at_is_the_receipt_of_a_delivery_and_the_agencys_date_plus_delay_in_history():
    text = pay([f"p1,{GOOD},2025-03-10,1.00", f"p2,{GOOD},2026-01-05,1.00"])
    assert checked(text, source()).rows["known_at"].to_pylist() == [DAY, DAY]
    history = checked(text, source(), Receipt(DAY, history=True))
    assert history.rows["known_at"].to_pylist() == [date(2025, 3, 11), DAY]  # never later than the receipt
    assert history.rows["event_at"].to_pylist() == [date(2025, 3, 10), DAY]


def test_a_record_dated_after_its_receipt_is_broken():
    found = checked(pay([f"p1,{GOOD},2026-01-06,1.00"]), source())
    assert rules(found) == {2: ["future"]} and lines(found) == []


RETURN = "id,begin,end,filed,sales,due,n\n"


def test_one_record_gives_a_row_per_line_and_null_gives_none():
    found = checked(RETURN + f"{GOOD},2025-01-01,2025-01-31,2025-02-10,100,,1\n", returns())
    assert [(r["return_line"], r["amount"], r["version"], r["line"]) for r in found.rows.to_pylist()] == [("sales", Decimal("100.00"), 1, 2)]
    both = checked(RETURN + f"{GOOD},2025-01-01,2025-01-31,2025-02-10,100,13,2\n", returns())
    assert len(set(both.rows["row_digest"].to_pylist())) == 1 and both.rows.num_rows == 2
    assert both.rows["row_digest"][0] != found.rows["row_digest"][0]


def test_a_record_that_says_nothing_is_broken_not_lost():
    found = checked(RETURN + f"{GOOD},2025-01-01,2025-01-31,2025-02-10,,,1\n", returns())
    assert rules(found) == {2: ["nothing"]}
    assert rules(checked("id,a,b\nk,,\n", listed())) == {2: ["nothing"]}


def test_versions_are_whole_numbers_or_dates():
    assert rules(checked(RETURN + f"{GOOD},2025-01-01,2025-01-31,2025-02-10,1,1,first\n", returns())) == {2: ["int:version"]}
    dated = returns(version={"from": "n", "type": "date"}, known={"from": "version", "delay_days": 2})
    found = checked(RETURN + f"{GOOD},2025-01-01,2025-01-31,2025-02-10,1,1,1970-01-11\n", dated, Receipt(DAY, True))
    assert set(found.rows["version"].to_pylist()) == {10} and set(found.rows["known_at"].to_pylist()) == {date(1970, 1, 13)}
    assert rules(checked(RETURN + f"{GOOD},2025-01-01,2025-01-31,2025-02-10,1,1,1\n", dated)) == {2: ["version"]}


def test_stages_are_rows_with_their_own_dates():
    found = checked("id,a,b\nk,2020-01-01,2021-01-01\nm,2020-05-05,\nXXX,2020-01-01,\n", listed(), Receipt(DAY, True))
    got = {(r["party_id"], r["stage"]): r["known_at"] for r in found.rows.to_pylist()}
    assert got == {("k", "first"): date(2020, 1, 1), ("k", "second"): date(2021, 1, 1), ("m", "first"): date(2020, 5, 5)}
    assert rules(found) == {4: ["masked:party_id"]}


def test_digest_does_not_depend_on_receipt_or_version_but_on_content():
    row = "{0},2025-01-01,2025-01-31,2025-02-10,{1},1,{2}\n"
    found = checked(RETURN + row.format(GOOD, 5, 1) + row.format(GOOD, 5, 2) + row.format(GOOD, 6, 1) + row.format(OTHER, 5, 1), returns())
    by_line = {r["line"]: r["row_digest"] for r in found.rows.to_pylist()}
    assert by_line[2] == by_line[3] and len({by_line[n] for n in (2, 4, 5)}) == 3


def test_broken_inner_rows_break_their_document():
    ubl = {"pattern": "*", "format": "ubl"}
    columns = {n: {"from": n} for n in ("invoice_no", "seller_id")} | {"issued_on": {"from": "issued_on", "type": "date"}}
    contract = source(
        table="invoice", files=ubl, columns=columns, event_at="issued_on", known={"from": "issued_on"},
        details={"invoice_line": {"line_no": {"from": "n"}, "net": {"from": "net", "type": "money"}}},
    )  # fmt: skip
    from jobs.sources.part import BROKEN, Part

    cells = {"invoice_no": pa.array(["i1", "i2"]), "seller_id": pa.array(["s", "s"]), "issued_on": pa.array(["2025-01-01", "2025-01-02"])}
    inner = pa.table({"line": pa.array([2, 1, 2], pa.int64()), "n": ["1", "1", "2"], "net": ["1.00", "2.00", "viel"]})
    part = Part(pa.array([1, 2]), pa.array(["a", "b"]), cells, BROKEN.empty_table(), {"invoice_line": inner})
    found = check(part, contract, HOUSE, Receipt(DAY))
    assert rules(found) == {2: ["money:invoice_line.net"]} and lines(found) == [1]
    assert [(r["invoice_no"], r["line_no"], r["net"], r["issued_on"]) for r in found.details["invoice_line"].to_pylist()] == [("i1", "1", Decimal("2.00"), date(2025, 1, 1))]


def test_an_empty_file_is_one_broken_record():
    found = checked("", source())
    assert rules(found) == {1: ["empty_file"]} and found.records.num_rows == 1 and found.rows.num_rows == 0


def test_parts_of_a_header_alone_have_the_right_shape():
    assert [p.line.to_pylist() for p in parts("no,id,day,amount\n", source())] == [[]]
    assert checked("no,id,day,amount\n", source()).records.num_rows == 0
