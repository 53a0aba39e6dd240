"""Codes read by a code table as valid on the day of the event: old ones become their successors of that day, the rest is quarantined by its rule."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from jobs.conf import Conf, ConfError, Source, load
from jobs.conf.codes import Code, CodeSystem, Successor
from jobs.lake.read import whole
from jobs.sources.code_tables import compiled, tables_of
from tests.sources.given import GOOD, pay, source
from tests.sources.lake_of import Office

HERE = Path(__file__).parents[2]
SWITCH = date(2025, 7, 1)
BEFORE, AFTER = date(2025, 6, 30), SWITCH
SYSTEM = CodeSystem(
    {"kind": {c: [Code("kind", c, c, *days)] for c, days in {
        "old": (date(1994, 1, 1), BEFORE), "new": (SWITCH, date.max), "always": (date(1994, 1, 1), date.max),
        "split": (date(1994, 1, 1), BEFORE), "gone": (date(1994, 1, 1), BEFORE), "orphan": (date(1994, 1, 1), BEFORE), "two": (date(1994, 1, 1), BEFORE),
    }.items()}},
    {"kind": {
        "old": [Successor("kind", "old", "new")], "two": [Successor("kind", "two", "new")], "ancient": [Successor("kind", "ancient", "always")],
        "split": [Successor("kind", "split", "new"), Successor("kind", "split", "always")], "gone": [Successor("kind", "gone", "")],
    }},
)  # fmt: skip


#   code       day      stands for   rule
@pytest.mark.parametrize(("code", "day", "value", "rule"), [
    ("old", BEFORE, "old", ""), ("old", AFTER, "new", ""), ("two", AFTER, "new", ""), ("always", AFTER, "always", ""),
    ("new", AFTER, "new", ""), ("new", BEFORE, None, "code_expired"), ("ancient", AFTER, "always", ""),
    ("split", BEFORE, "split", ""), ("split", AFTER, None, "code_split"), ("gone", AFTER, None, "code_ended"), ("orphan", AFTER, None, "code_expired"),
    ("none", AFTER, None, "code"), (None, AFTER, None, ""),
])  # fmt: skip
def test_what_a_code_stands_for_on_a_day(code: str | None, day: date, value: str | None, rule: str) -> None:
    found, rules = compiled("kind", SYSTEM).read(pa.array([code, "always"]), pa.array([day, AFTER]).cast(pa.int32()).cast(pa.int64()).to_numpy())
    assert (found.to_pylist(), rules.tolist()) == ([value, "always"], [rule, ""])


def coded(**said: Any) -> Source:
    columns = {**source().model_dump(by_alias=True)["columns"], "kind": {"from": "kind", "type": "code", "code_table": "kind", **said}}
    return source(columns=columns)


def test_a_delivery_is_read_by_the_table_and_a_corrected_table_makes_it_another_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = SYSTEM
    monkeypatch.setattr(Office, "conf", property(lambda self: Conf.model_construct(house=_house(self), sources={s.name: s for s in self.sources}, codes=conf)))
    office = Office(tmp_path / "office", (coded(),))
    lines = [f"p1,{GOOD},2025-06-30,1.00,old", f"p2,{GOOD},2025-07-01,1.00,old", f"p3,{GOOD},2025-07-01,1.00,split", f"p4,{GOOD},2025-07-01,1.00,?", f"p5,{GOOD},2025-07-01,1.00,", f"p6,{GOOD},someday,1.00,old"]
    office.land("pay", 1, "2026-01-05", {"a.csv": pay(lines, "no,id,day,amount,kind")})
    (act,) = office.receive()
    assert (act["accepted"], act["quarantined"]) == (3, 3)
    assert {r["payment_no"]: r["kind"] for r in office.state("payment")} == {"p1": "old", "p2": "new", "p5": None}
    broken = {r["line"]: (r["rules"], r["reason"]) for r in whole(office.lake.root, "quarantine").to_pylist()}
    assert broken[7][0] == ["date:paid_on"]  # no day, no word about the code
    assert broken[4][0] == ["code_split:kind"] and broken[5] == (["code:kind"], "kind: '?' is no code of table kind; correct it, or have the table brought up to date")
    office.lake.retire(act["batch_id"], office.lake.take_lease("retire"), "the code table was wrong")
    assert office.receive() == []  # the same files, contract and codes: the same batch, which was retired
    conf = CodeSystem(SYSTEM.tables, {"kind": {**SYSTEM.successors["kind"], "split": SYSTEM.successors["kind"]["split"][:1]}})
    (again,) = office.receive()
    assert (again["accepted"], again["quarantined"]) == (4, 2) and again["batch_id"] != act["batch_id"]
    assert office.waiting() == {("a.csv", 5): ["code:kind"], ("a.csv", 7): ["date:paid_on"]}


def _house(office: Office) -> Any:
    from jobs.conf import House
    from tests.sources.given import HOUSE

    return House.model_validate({**HOUSE.model_dump(), "buckets": office.lake.buckets})


def test_names_do_not_make_another_batch_and_days_do() -> None:
    plain = compiled("kind", SYSTEM).digest
    renamed = CodeSystem({"kind": {c: [p._replace(name="x") for p in of] for c, of in SYSTEM.tables["kind"].items()}}, SYSTEM.successors)
    moved = CodeSystem({"kind": {c: [p._replace(valid_from=date(1990, 1, 1)) for p in of] for c, of in SYSTEM.tables["kind"].items()}}, SYSTEM.successors)
    assert compiled("kind", renamed).digest == plain != compiled("kind", moved).digest


#   said of the column                                     refused because
@pytest.mark.parametrize(("said", "why"), [
    ({"codes": {"a": "b"}}, "either `codes` or a `code_table`"), ({"code_table": None}, "either `codes` or a `code_table`"), ({"type": "string"}, "code_table is for code columns"),
])  # fmt: skip
def test_a_code_column_has_one_list_of_codes(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        coded(**said)


def test_the_shipped_tables_are_read_with_the_configuration_and_survive_its_archive() -> None:
    conf = load(HERE / "conf")
    assert Conf.model_validate_json(conf.canonical()).codes == conf.codes
    assert str(HERE) not in conf.canonical()
    grade = tables_of(conf.sources["credit_rating"], conf)["credit_grade"]
    days = pa.array([date(2017, 4, 30), date(2019, 4, 30)]).cast(pa.int32()).cast(pa.int64()).to_numpy()
    assert [r for r in grade.read(pa.array(["M", "M"]), days)[1]] == ["code_expired", ""]  # grade M came in April 2018


#   file                  written                                          the error names
@pytest.mark.parametrize(("file", "text", "says"), [
    ("codes/credit_grade.csv", "table,code,name\n", "conf/sources/credit_rating.yaml: grade: code_table: no table 'credit_grade' in conf/codes/; known: none"),
    ("codes/credit_grade.csv", "table,code,name\ncredit_grade,,A\n", "conf/codes/credit_grade.csv:2: table and code must not be empty"),
])  # fmt: skip
def test_faults_of_code_tables_are_faults_of_the_configuration(tmp_path: Path, file: str, text: str, says: str) -> None:
    shutil.copytree(HERE / "conf", tmp_path / "conf")
    (tmp_path / "conf" / file).write_text(text, encoding="utf-8")
    with pytest.raises(ConfError) as fault:
        load(tmp_path / "conf")
    assert says in str(fault.value)
