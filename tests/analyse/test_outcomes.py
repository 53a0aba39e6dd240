"""Labels from drawn case files: states, turns, shares of effort and payment, and what the taxpayer said left out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.analyse.outcomes import outcome
from jobs.analyse.point_id import point_ids
from jobs.lake.step import Tables
from jobs.lake.tables import TABLES
from tests.analyse.given import given, night

Q1 = {"tax": "VAT", "period_from": date(2025, 1, 1), "period_to": date(2025, 3, 31)}
Q2 = {"tax": "VAT", "period_from": date(2025, 4, 1), "period_to": date(2025, 6, 30)}


class File:
    """A case file: events are written in order, a day apart unless said."""

    def __init__(self, case_id: str = "C1", taxpayer_id: str = "T") -> None:
        self.case_id, self.taxpayer_id, self.events = case_id, taxpayer_id, list[dict[str, Any]]()

    def add(self, kind: str, day: int, **more: Any) -> File:
        on = date(2026, 1, day)
        row = {
            "case_id": self.case_id,
            "event_no": len(self.events) + 1,
            "event_on": on,
            "event_at": on,
            "known_at": date(2026, 1, day + 1),
            "taxpayer_id": self.taxpayer_id,
        }
        money = {"amount": Decimal(str(more.pop("amount")))} if "amount" in more else {}
        self.events.append({**row, "kind": kind, **money, **more})
        return self

    def answer(self, day: int, point: str | None, result: str, amount: float | None = None, **more: Any) -> File:
        money = {} if amount is None else {"amount": amount}
        return self.add(
            "point_answered", day, point_id=point, result=result, **({"risk_code": "vat_sales_understated", **Q1} | money | more)
        )


def labels(*files: File) -> dict[tuple[str, str], dict[str, Any]]:
    table = given("case_event", [e for f in files for e in f.events])
    found = outcome(Tables(now={"case_event": table}), night(date(2026, 3, 1)))
    assert found.column_names == [c.name for c in TABLES["outcome"].own]
    shuffled = table.take(np.random.default_rng(5).permutation(table.num_rows))
    assert outcome(Tables(now={"case_event": shuffled}), night(date(2026, 3, 1))).equals(found)
    return {(r["case_id"], r["point_id"]): r for r in found.to_pylist()}


def test_answers_become_labels_with_sign_and_day() -> None:
    case = File().add("pushed", 2, case_source="model", treatment="assess", office_id="330203")
    case.answer(10, "p1", "confirmed", 100).answer(11, "p2", "excluded", reason_code="innocent_explanation").answer(
        12, "p3", "not_examined"
    ).answer(13, "p4", "in_part", -40)
    found = labels(case)
    assert {p: (r["finding"], r["adjusted"], r["assessed"], r["standing"]) for (_, p), r in found.items()} == {
        "p1": ("confirmed", 1, 100, "open"),
        "p2": ("excluded", 0, 0, "open"),
        "p3": ("not_examined", None, 0, "open"),
        "p4": ("in_part", -1, -40, "open"),  # downward is a correct result
    }
    p1 = found["C1", "p1"]
    assert (p1["case_source"], p1["treatment"], p1["office_id"], p1["opened_on"], p1["known_at"]) == (
        "model",
        "assess",
        "330203",
        date(2026, 1, 2),
        date(2026, 1, 11),
    )
    assert found["C1", "p2"]["reason_code"] == "innocent_explanation"


def test_a_comprehensive_case_that_found_nothing_is_a_negative_of_its_own() -> None:
    nothing = {"risk_code": "comprehensive", "result": "excluded", "reason_code": "nothing_found", "effort_days": 12.0}
    empty = File("C1").add("pushed", 2, case_source="random", treatment="inspect", office_id="330299").add("begun", 3).add("closed", 9, **nothing)
    found_some = File("C2", "U").answer(5, "p1", "new", 50).add("closed", 9, effort_days=4.0)
    silent = File("C3", "V").add("pushed", 2, treatment="remind").add("closed", 20, reason_code="no_answer_needed")
    appealed = File("C4", "W").add("closed", 9, **nothing).add("appealed", 12)
    found = {case: row for (case, _), row in labels(empty, found_some, silent, appealed).items()}
    assert {c: (r["risk_code"], r["finding"], r["adjusted"], r["assessed"], r["standing"], r["effort_days"]) for c, r in found.items()} == {
        "C1": ("comprehensive", "excluded", 0, 0, "final", 12.0),
        "C2": ("vat_sales_understated", "new", 1, 50, "final", 4.0),
        "C4": ("comprehensive", "excluded", 0, 0, "appealed", 12.0),
    }
    assert (found["C1"]["case_source"], found["C1"]["treatment"], found["C1"]["known_at"]) == ("random", "inspect", date(2026, 1, 10))


def test_the_last_answer_counts_and_its_day_is_the_labels() -> None:
    case = File().answer(10, "p1", "excluded").answer(20, "p1", "confirmed", 70)
    assert [(r["adjusted"], r["known_at"]) for r in labels(case).values()] == [(1, date(2026, 1, 21))]
    reviewed = (
        File()
        .answer(10, "p1", "confirmed", 70)
        .add("reviewed", 15, point_id="p1", result="excluded", risk_code="vat_sales_understated", **Q1)
    )
    assert [r["finding"] for r in labels(reviewed).values()] == ["excluded"]
    noted = File().answer(10, "p1", "confirmed", 70).add("reviewed", 15, point_id="p1")
    assert [r["finding"] for r in labels(noted).values()] == ["confirmed"]  # a review that changes nothing


@pytest.mark.parametrize(
    ("later", "state", "adjusted"),
    [
        ([("closed", None)], "final", 1),
        ([("closed", None), ("appealed", None)], "appealed", 1),
        ([("appealed", None), ("closed", None)], "final", 1),
        ([("closed", None), ("appealed", None), ("overturned", None)], "overturned", 0),
        ([("closed", None), ("overturned", "p1")], "overturned", 0),
        ([("closed", None), ("overturned", "p2")], "final", 1),  # another point of the case
        ([("statement", "p1")], "open", 1),
    ],
)
def test_states(later: list[tuple[str, str | None]], state: str, adjusted: int) -> None:
    case = File().answer(2, "p1", "confirmed", 100).answer(3, "p2", "excluded")
    for day, (kind, point) in enumerate(later, start=4):
        case.add(kind, day, point_id=point)
    found = labels(case)["C1", "p1"]
    assert (found["standing"], found["adjusted"], found["assessed"]) == (state, adjusted, 100 * adjusted)
    assert found["known_at"] == (date(2026, 1, 3) if adjusted else date(2026, 1, 4 + len(later)))


def test_a_new_answer_after_the_overturning_stands() -> None:
    case = File().answer(2, "p1", "confirmed", 100).add("overturned", 5).answer(9, "p1", "in_part", 30)
    assert [(r["standing"], r["adjusted"], r["assessed"]) for r in labels(case).values()] == [("open", 1, 30)]


def test_statements_never_change_a_label() -> None:
    plain = File().add("pushed", 1, case_source="rule").answer(3, "p1", "confirmed", 100, effort_days=2.0)
    heard = (
        File()
        .add("pushed", 1, case_source="rule")
        .add("statement", 2, point_id="p1", amount=-100, reason_code="innocent_explanation")
        .answer(3, "p1", "confirmed", 100, effort_days=2.0)
    )
    assert labels(plain) == labels(heard)


def test_effort_of_the_case_is_shared_over_the_points_examined() -> None:
    case = (
        File()
        .add("begun", 2, effort_days=3.0)
        .answer(3, "p1", "confirmed", 100, effort_days=1.0)
        .answer(4, "p2", "excluded")
        .answer(5, "p3", "not_examined")
    )
    assert {p: r["effort_days"] for (_, p), r in labels(case).items()} == {"p1": 1.0 + 1.5, "p2": 1.5, "p3": 0.0}
    nothing = File().add("begun", 2, effort_days=1.0).answer(5, "p3", "not_examined").answer(5, "p4", "not_examined")
    assert {r["effort_days"] for r in labels(nothing).values()} == {0.5}


def test_payment_on_the_case_is_shared_by_amount_to_the_cent() -> None:
    case = File().answer(3, "p1", "confirmed", 100).answer(3, "p2", "confirmed", 200).answer(3, "p3", "in_part", -50)
    case.add("paid", 9, amount=100).add("paid", 10, point_id="p1", amount=5)
    found = {p: r["collected"] for (_, p), r in labels(case).items()}
    assert found == {"p1": Decimal("38.33"), "p2": Decimal("66.67"), "p3": 0}  # 33.33 + 5; the last cent to the largest


def test_a_new_finding_without_a_point_gets_the_points_own_name() -> None:
    case = File().answer(3, None, "new", 60, risk_code="cit_cost_inflated")
    ((_, name),) = labels(case)
    key = pa.table(
        {
            "taxpayer_id": ["T"],
            "risk_code": ["cit_cost_inflated"],
            "tax": ["VAT"],
            "period_from": [Q1["period_from"]],
            "period_to": [Q1["period_to"]],
        }
    )
    assert name == point_ids(key)[0].as_py()
    assert not labels(File().add("point_answered", 3, result="new", amount=60))  # about nothing


def test_the_same_point_in_two_cases_has_two_labels() -> None:
    found = labels(File("C1").answer(3, "p1", "excluded"), File("C2").answer(4, "p1", "confirmed", 10))
    assert {c: r["adjusted"] for (c, _), r in found.items()} == {"C1": 0, "C2": 1}


def test_point_id_is_the_hash_of_the_agreed_text() -> None:
    import hashlib

    row = pa.table(
        {"taxpayer_id": ["T"], "tax": ["VAT"], "risk_code": ["x"], "period_from": [date(2025, 1, 1)], "period_to": [date(2025, 3, 31)]}
    )
    assert point_ids(row)[0].as_py() == hashlib.sha256(b"T|VAT|x|2025-01-01|2025-03-31").hexdigest()[:20]


def test_no_events_no_labels() -> None:
    assert labels() == {}
