"""A column checked by its values gives what the same column checked row by row gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs.conf import Field_
from jobs.lake.tables import DATE, MONEY, STRING
from jobs.sources import cells
from jobs.sources.digest import row_digests, text_digests
from jobs.sources.distinct import SAMPLE, by_value, few_values

VALUES = ["1.50", "-7", "1,000", None, "", " 2.5 ", "3.005", "12万元", "99999999999999999", "0.1234567", "1E3"]


def _mixed(values: list[Any], count: int) -> pa.Array:
    return pa.array([values[n] for n in np.random.default_rng(5).integers(0, len(values), count)])


@pytest.mark.parametrize(
    ("values", "field", "target"),
    [
        (VALUES, {"type": "money", "required": True}, MONEY),
        (VALUES, {"type": "money", "unit": "万元"}, MONEY),
        (["91350100M000100Y43", "91350100M000100Y44", "9.13E+17", None, "１２３", "a b"], {"type": "id", "check_digit": True}, STRING),
        (["2026-01-02", "02/01/2026", "2026-02-30", None, "1899-01-01"], {"type": "date", "formats": ["%Y-%m-%d", "%d/%m/%Y"]}, DATE),
        (["a", "b", None, "c", "XX"], {"type": "code", "codes": {"a": "A", "b": "B"}, "masked": ["XX"], "required": True}, STRING),
    ],
)
def test_by_value_and_by_row_agree(values: list[Any], field: dict[str, Any], target: pa.DataType, monkeypatch: pytest.MonkeyPatch):
    column, said = _mixed(values, 3 * SAMPLE), Field_.model_validate({"from": "x", **field})
    assert few_values(column) is not None
    fast = cells.convert(column, "x", said, target, "Asia/Shanghai", "cn.uscc")
    monkeypatch.setattr(cells, "few_values", lambda _: None)
    slow = cells.convert(column, "x", said, target, "Asia/Shanghai", "cn.uscc")
    assert fast.values.equals(slow.values)
    told = [[(b.rule, b.words, np.flatnonzero(b.where).tolist(), b.cells.filter(pa.array(b.where)).to_pylist()) for b in c.broken] for c in (fast, slow)]
    assert told[0] == told[1] and told[0]


def test_money_in_one_step_and_in_many_agree():
    text = pa.array([v for v in VALUES if v != ""])
    plain, broken = Field_.model_validate({"from": "x", "type": "money"}), list[cells.Broken]()
    whole = cells._any_money(cells.Cells(cells.as_text(text), None, "x", plain, "UTC", "cn.uscc"), broken)
    found = cells.convert(text, "x", plain, MONEY, "UTC", "cn.uscc")
    assert found.values.equals(whole)
    assert {(b.rule, tuple(b.where)) for b in found.broken} == {(b.rule, tuple(b.where)) for b in broken} and broken


@pytest.mark.parametrize(("type_", "stored"), [(pa.decimal128(18, 2), True), (pa.decimal128(10, 0), True), (pa.decimal128(20, 4), False)])
def test_decimals_of_a_file_are_taken_as_they_are_or_checked(type_: pa.DataType, stored: bool):
    column = pc.cast(pa.array(["1", "-20", None]), type_)
    assert [str(v) for v in cells.convert(column, "x", Field_.model_validate({"from": "x", "type": "money"}), MONEY, "UTC", "c").values.to_pylist()] == ["1.00", "-20.00", "None"]


def test_columns_of_many_values_and_short_ones_are_left_alone():
    assert few_values(pa.array([str(n) for n in range(5 * SAMPLE)])) is None
    assert few_values(_mixed(["a"], SAMPLE - 1)) is None
    column = _mixed(["a", None], 2 * SAMPLE)
    assert by_value(column, pc.utf8_upper).equals(pc.utf8_upper(column))


def test_digests_tell_columns_and_nulls_apart_and_not_the_order_of_columns():
    a, b = pa.array(["x", None, "x", ""]), pa.array([None, "x", "x", None])
    found = row_digests({"a": a, "b": b})
    assert found.equals(row_digests({"b": b, "a": a})) and len(set(found.to_pylist())) == 4
    assert found[0] == row_digests({"a": a})[0]  # a null is as if the column were not there


def test_digests_of_a_slice_are_those_of_the_whole():
    text = pa.array(["a", "bb", "", "ccc"])
    assert text_digests(text.slice(1, 2)).to_pylist() == text_digests(text).to_pylist()[1:3]
    assert text_digests(text.slice(0, 0)).to_pylist() == []
