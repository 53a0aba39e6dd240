from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from jobs.lake.step import Tables
from jobs.link.ids import is_valid, within_one
from jobs.link.names import normalised
from jobs.link.parties import link
from tests.analyse.given import given, night

A, B, C = "91330203MA2AAAAA1X", "91330203MA2BBBBB2X", "91330203MA2CCCCC3X"
VALID_STRANGER = "91110000600037341L"
Rows = list[dict[str, Any]]


@pytest.mark.parametrize(
    "spelling", ["宏达贸易有限公司", "宁波市海曙区宏达贸易有限责任公司", "浙江省宁波市宏达 贸易 有限公司", "宏达贸易（宁波）有限公司", "宏达贸易　有限公司"]
)  # fmt: skip
def test_spellings_of_one_name_are_one(spelling: str) -> None:
    assert normalised(spelling) == "宏达贸易"


def test_what_is_left_of_a_name_is_never_nothing() -> None:
    assert [normalised(n) for n in ("海曙区", "有限公司", None, " ", "Acme Co., Ltd.", "ＡＢＣ贸易")] == ["海曙区", "有限", "", "", "ACME", "ABC贸易"]


def test_slips_of_the_pen() -> None:
    assert within_one("12345", "12345") and within_one("12345", "12945") and within_one("1234", "12345") and within_one("12345", "1345")
    assert within_one("12345", "13245") and within_one("2345", "12345") and within_one("1234", "1235")
    assert not within_one("12345", "19945") and not within_one("123", "12345") and not within_one("12345", "21354")


def test_a_valid_id_has_its_check_character() -> None:
    assert is_valid(VALID_STRANGER, "cn.uscc") and not is_valid(VALID_STRANGER[:-1] + "A", "cn.uscc")


def run(penalties: Rows, taxpayers: Rows, stored: Rows = (), lands: Rows = (), former: Rows = (), licences: Rows = ()) -> Rows:  # type: ignore[assignment]
    now = {"penalty": given("penalty", penalties), "land_holding": given("land_holding", lands), "licence": given("licence", licences), "taxpayer": given("taxpayer", taxpayers)}
    versions = {"taxpayer": given("taxpayer", [*taxpayers, *former])}
    return link(Tables(now, stored={"party": given("party", stored)}, versions=versions), night(date(2026, 1, 20))).to_pylist()  # type: ignore[no-any-return]


def firm(taxpayer: str, name: str, known: date = date(2020, 1, 1)) -> dict[str, Any]:
    return {"taxpayer_id": taxpayer, "name": name, "known_at": known}


def fine(number: str, received: str | None, name: str | None, known: date = date(2025, 3, 1)) -> dict[str, Any]:
    return {"penalty_no": number, "party_id": received, "party_name": name, "known_at": known}


def short(rows: Rows) -> list[tuple[Any, ...]]:
    return [(r["record_key"], r["taxpayer_id"], r["method"], r["threshold"]) for r in rows]


FIRMS = [firm(A, "宏达贸易有限公司"), firm(B, "东方机械有限公司"), firm(C, "东方机械有限公司")]


def test_each_method_in_its_order() -> None:
    found = run(
        [
            fine("1", A, "别的名字"),  # the id counts, whatever the name
            fine("2", A[:5] + A[6:], "宁波市宏达贸易有限公司"),  # one character missing, the name fits
            fine("3", B[:-1] + "9", "东方机械有限公司"),  # the name is not unique, the id says which
            fine("4", None, "海曙区宏达贸易有限公司"),  # unique name
            fine("5", None, "东方机械有限公司"),  # tie of two names: nobody
            fine("6", VALID_STRANGER, "宏达贸易有限公司"),  # somebody else's valid id
            fine("7", None, None),
            fine("8", A[:-3] + "999", "无此公司"),
        ],
        FIRMS,
    )  # fmt: skip
    assert short(found) == [
        ("1", A, "id", "strict"), ("2", A, "id_repaired", "strict"), ("3", B, "id_repaired", "strict"), ("4", A, "name", "default"),
        ("5", None, "none", None), ("6", A, "name", "loose"), ("7", None, "none", None), ("8", None, "none", None)]  # fmt: skip
    assert [r["party_id"] for r in found[:2]] == [A, A]
    assert found[4]["party_id"].startswith("P") and found[4]["party_id"] != found[6]["party_id"]


def test_one_unknown_party_keeps_one_id_over_its_rows() -> None:
    first, second = run([fine("1", VALID_STRANGER, "甲公司"), fine("2", VALID_STRANGER, "乙公司")], FIRMS)
    assert first["party_id"] == second["party_id"]


def test_former_names_count_and_a_later_version_makes_no_link_later() -> None:
    former = [firm(A, "旧日商行有限公司", known=date(2019, 1, 1))]
    (found,) = run([fine("1", None, "宁波市旧日商行有限公司")], [firm(A, "宏达贸易有限公司", known=date(2025, 12, 1))], former=former)
    assert (found["taxpayer_id"], found["known_at"]) == (A, date(2025, 3, 1))


def test_land_and_licences_are_linked_the_same_way() -> None:
    found = run([], FIRMS, lands=[{"parcel_id": "L1", "holder_id": None, "holder_name": "宏达贸易（宁波）有限公司"}],
                licences=[{"licence_no": "J1", "party_id": B, "party_name": "某公司"}, {"licence_no": "J2", "party_id": None, "party_name": "东方机械"}])  # fmt: skip
    assert short(found) == [("J1", B, "id", "strict"), ("J2", None, "none", None), ("L1", A, "name", "default")]


def test_only_new_and_changed_decisions_are_appended_and_a_link_is_known_when_both_sides_are() -> None:
    penalties = [fine("1", A, "宏达贸易有限公司"), fine("2", None, "新生贸易有限公司")]
    first = run(penalties, FIRMS)
    stored = [{**r, "run": 1} for r in first]
    assert run(penalties, FIRMS, stored) == []
    later = run(penalties, [*FIRMS, firm("N", "新生贸易有限公司", known=date(2025, 9, 1))], stored)
    assert [(r["record_key"], r["taxpayer_id"], r["known_at"]) for r in later] == [("2", "N", date(2025, 9, 1))]
    stored += [{**r, "run": 2} for r in later]
    gone = run(penalties, FIRMS, stored)  # the registry takes the taxpayer back
    assert [(r["record_key"], r["taxpayer_id"], r["known_at"]) for r in gone] == [("2", None, date(2025, 9, 1))]
    assert run(penalties, FIRMS, [*stored, *({**r, "run": 3} for r in gone)]) == []


@settings(deadline=None, max_examples=30)
@drawn(st.permutations(range(5)))
def test_row_order_does_not_matter(order: list[int]) -> None:
    penalties = [fine("1", A, "x"), fine("2", None, "宏达贸易有限公司"), fine("3", B[:-1], "东方机械"), fine("4", None, "东方机械"), fine("5", "Q", None)]
    assert run([penalties[i] for i in order], FIRMS[::-1]) == run(penalties, FIRMS)


def test_empty_tables() -> None:
    assert run([], []) == [] and isinstance(given("party"), pa.Table)
