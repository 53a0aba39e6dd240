from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from jobs.evaluate.reminders import reminder_result
from jobs.evaluate.results import case_result, point_result
from jobs.lake.step import Tables
from jobs.lake.tables import table
from tests.rank.given import conf, event, night, rows, taxpayer

FIRST, NOW = date(2026, 1, 20), date(2026, 7, 20)
NIGHT = night(conf(), as_of=NOW)


def listed(case: str, id_: str, **more: Any) -> dict[str, Any]:
    return {"as_of": FIRST, "taxpayer_id": id_, "case_id": case, "rank": 1, "treatment": "assess", "office_id": "11", "case_source": "model", "level": "high",
            "inclusion_probability": 1.0, "effort_days": 5.0, "value": 10.0, **more}


def answered(case: str, id_: str, result: str, amount: str | None, number: int = 1, **more: Any) -> dict[str, Any]:
    sign = {"confirmed": 1, "in_part": 1, "new": 1, "excluded": 0, "not_examined": None}[result]
    if amount is not None and sign is not None:
        sign = (Decimal(amount) > 0) - (Decimal(amount) < 0)
    return {"case_id": case, "point_id": f"{id_}-{number}", "taxpayer_id": id_, "tax": "VAT", "risk_code": "sales", "period_from": date(2025, 1, 1), "period_to": date(2025, 1, 31),
            "treatment": "assess", "case_source": "model", "office_id": "11", "finding": result, "adjusted": sign, "assessed": Decimal(amount) if amount else None,
            "collected": Decimal("10.00") if amount else None, "effort_days": 2.0, "standing": "final", "known_at": date(2026, 6, 1), **more}


def kept(name: str, out: pa.Table) -> list[dict[str, Any]]:
    own = [c.name for c in table(name).own]
    assert out.column_names == own
    for column in table(name).own:
        assert out.schema.field(column.name).type == column.type, column.name
    return out.to_pylist()


def cases(selection: list[dict[str, Any]], outcomes: list[dict[str, Any]], events: list[dict[str, Any]], scores: list[dict[str, Any]] | None = None) -> dict[str, dict[str, Any]]:
    ids = sorted({s["taxpayer_id"] for s in selection})
    tables = Tables(now={"taxpayer": rows("taxpayer", *(taxpayer(i) for i in ids)), "outcome": rows("outcome", *outcomes), "case_event": rows("case_event", *events)},
                    history={"selection": rows("selection", *selection), "score": rows("score", *(scores or []))})
    return {r["case_id"]: r for r in kept("case_result", case_result(tables, NIGHT))}


def test_a_case_is_the_sum_of_its_examined_points() -> None:
    out = cases([listed("C1", "A"), listed("C2", "B"), listed("C3", "C")],
                [answered("C1", "A", "confirmed", "100.00"), answered("C1", "A", "excluded", None, 2), answered("C1", "A", "confirmed", "-30.50", 3),
                 answered("C2", "B", "not_examined", None), answered("C9", "A", "confirmed", "5.00")],
                [event("C1", "A", "pushed", FIRST), event("C1", "A", "begun", FIRST, no=2), event("C2", "B", "pushed", FIRST)])
    assert (out["C1"]["adjusted"], out["C1"]["found"], out["C1"]["paid"], out["C1"]["effort_days"]) == (1, Decimal("69.50"), Decimal("20.00"), 6.0)
    assert (out["C1"]["pushed"], out["C1"]["worked"]) == (True, True)
    assert (out["C2"]["adjusted"], out["C2"]["pushed"], out["C2"]["worked"]) == (None, True, False)
    assert (out["C3"]["pushed"], out["C3"]["worked"], out["C3"]["effort_days"]) == (False, False, 5.0)
    assert (out["C1"]["segment"], out["C1"]["industry"]) == ("small", "51")


@pytest.mark.parametrize(("kind", "more", "worked"), [
    ("begun", {}, True), ("point_answered", {}, True), ("reviewed", {}, True),
    ("received", {}, False), ("served", {}, False), ("paid", {}, False),
    ("statement", {}, False),  # the taxpayer's act
    ("closed", {"reason_code": "no_answer_needed"}, False),  # the machine's
    ("closed", {}, False),
])
def test_worked_is_an_act_of_an_official(kind: str, more: dict[str, Any], worked: bool) -> None:
    out = cases([listed("C1", "A")], [], [event("C1", "A", "pushed", FIRST), {**event("C1", "A", kind, NOW, no=2), **more}])
    assert out["C1"]["worked"] is worked


def test_downward_and_overturned() -> None:
    out = cases([listed("C1", "A"), listed("C2", "B")], [answered("C1", "A", "confirmed", "-40.00"), answered("C2", "B", "confirmed", "90.00", standing="overturned")], [])
    assert (out["C1"]["adjusted"], out["C1"]["found"]) == (-1, Decimal("-40.00"))
    assert (out["C2"]["adjusted"], out["C2"]["found"]) == (0, Decimal("0.00"))  # an overturned case is no positive


def test_the_score_is_that_of_the_night_of_the_list() -> None:
    def scored(on: date, version: str, value: float, probability: float) -> dict[str, Any]:
        return {"as_of": on, "taxpayer_id": "A", "model_version": version, "value": value, "probability": probability, "rules_score": 2.0}

    out = cases([listed("C1", "A")], [], [], [scored(FIRST, "rules", 99.0, 0.1), scored(FIRST, "3", 10.0, 0.7), scored(NOW, "3", 10.0, 0.9)])
    assert (out["C1"]["model_version"], out["C1"]["probability"], out["C1"]["rules_score"], out["C1"]["rules_value"]) == ("3", 0.7, 2.0, 99.0)


def test_no_history_is_no_case() -> None:
    tables = Tables(now={"taxpayer": rows("taxpayer"), "outcome": rows("outcome"), "case_event": rows("case_event")}, history={"selection": rows("selection"), "score": rows("score")})
    assert kept("case_result", case_result(tables, NIGHT)) == []


SECOND = date(2026, 4, 20)


def seen(point: str, on: date, *indicators: str) -> dict[str, Any]:
    return {"point_id": point, "as_of": on, "indicators": list(indicators)}


def results(outcomes: list[dict[str, Any]], past: list[dict[str, Any]], tonight: list[dict[str, Any]] | None = None) -> dict[str, dict[str, Any]]:
    tables = Tables(now={"outcome": rows("outcome", *outcomes), "risk_point": rows("risk_point", *(tonight or []))}, history={"risk_point": rows("risk_point", *past)})
    return {r["point_id"]: r for r in kept("point_result", point_result(tables, NIGHT))}


@pytest.mark.parametrize(("past", "indicators"), [
    ([seen("A-1", FIRST, "i1", "i3"), seen("A-1", SECOND, "late")], ["i1", "i3"]),  # the night of the list, whatever came later
    ([seen("A-1", SECOND, "late"), seen("A-1", FIRST, "i1")], ["i1"]),  # in whatever order the history comes
    ([seen("A-1", date(2025, 10, 20), "old"), seen("A-1", FIRST, "i1")], ["i1"]),
    ([seen("A-1", date(2025, 10, 20), "old")], ["old"]),
    ([seen("A-1", SECOND, "joined"), seen("A-1", date(2026, 5, 20), "later")], ["joined"]),  # joined the open case on a later night, and was answered after it
    ([seen("A-1", date(2026, 6, 2), "too late")], []),  # first seen after the answer (1 June)
    ([seen("A-9", FIRST, "i1")], []),
    ([], []),
])
def test_a_point_carries_the_indicators_of_the_night_of_its_list(past: list[dict[str, Any]], indicators: list[str]) -> None:
    tonight = [seen("A-1", NOW, "tonight")]
    assert results([answered("C1", "A", "confirmed", "100.00", opened_on=FIRST)], past, tonight)["A-1"]["indicators"] == indicators


def test_what_the_examiner_found_by_himself_is_no_hit_of_a_later_indicator() -> None:
    assert results([answered("C1", "A", "new", "7.00", opened_on=FIRST)], [seen("A-1", SECOND, "later")])["A-1"]["indicators"] == []


def test_answered_points_with_their_results() -> None:
    outcomes = [answered("C1", "A", "confirmed", "100.00"), answered("C1", "A", "excluded", None, 2, reason_code="threshold"), answered("C1", "A", "not_examined", None, 3),
                answered("C2", "B", "confirmed", "9.00", treatment="remind"), answered("C1", "A", "confirmed", "8.00", 5, standing="overturned")]
    out = results(outcomes, [])
    assert "B-1" not in out  # a reminder's result is no audit
    assert [(out[p]["examined"], out[p]["adjusted"]) for p in ("A-1", "A-2", "A-3", "A-5")] == [(True, 1), (True, 0), (False, None), (True, 0)]
    assert out["A-5"]["amount"] == Decimal("0.00")


def month(known: date, due: int, paid: int = 0, month_: date = date(2025, 1, 1), id_: str = "A") -> dict[str, Any]:
    zero = {c.name: 0 for c in table("taxpayer_month").own if c.name not in ("taxpayer_id", "month")}
    return {**zero, "taxpayer_id": id_, "month": month_, "known_at": known, "vat_due": due, "paid_vat": paid, "cit_due": 777}


def reminded(id_: str = "A", **more: Any) -> dict[str, Any]:
    return {"as_of": FIRST, "taxpayer_id": id_, "point_id": f"{id_}-1", "case_id": "C", "question": False, "suppressed": None, **more}


def risk_point(on: date, state: str, id_: str = "A", amount: str = "500.00") -> dict[str, Any]:
    return {"as_of": on, "point_id": f"{id_}-1", "taxpayer_id": id_, "tax": "VAT", "risk_code": "sales", "period_from": date(2025, 1, 1), "period_to": date(2025, 3, 31),
            "amount_error": Decimal(amount), "state": state}


def followed(months: list[dict[str, Any]], reminders: list[dict[str, Any]], tonight: list[dict[str, Any]], as_of: date = NOW, pushed: tuple[str, ...] = ("C",),
             more: tuple[dict[str, Any], ...] = ()) -> list[dict[str, Any]]:
    past = [risk_point(FIRST, "opened"), risk_point(FIRST, "opened", "B"), risk_point(date(2026, 4, 21), "opened"), *more]
    events = [event(c, "A", "pushed", FIRST) for c in pushed]
    tables = Tables(now={"taxpayer_month": rows("taxpayer_month", *months), "risk_point": rows("risk_point", *tonight), "case_event": rows("case_event", *events)},
                    history={"reminder": rows("reminder", *reminders), "risk_point": rows("risk_point", *past)})
    return kept("reminder_result", reminder_result(tables, night(conf(), as_of=as_of)))


def test_what_was_declared_and_paid_within_90_days_for_the_points_months() -> None:
    months = [month(date(2025, 2, 15), 10_000), month(date(2026, 2, 1), 2_500, 1_000), month(date(2026, 4, 20), 500), month(date(2026, 4, 21), 9_999),
              month(date(2026, 2, 1), 7_777, month_=date(2025, 4, 1)), month(date(2026, 2, 1), 300, id_="B"), month(FIRST, 50)]
    out = followed(months, [reminded(), reminded("B", suppressed="holdout")], [])
    # before the letter: no; the same day: no; 12 days after: 25.00; the 90th day: 5.00; the 91st: no; another month: no; another taxpayer: no
    assert [(r["arm"], r["corrected"], r["paid"], r["amount"], r["matured"]) for r in out] == [
        ("sent", Decimal("30.00"), Decimal("10.00"), Decimal("500.00"), True), ("holdout", Decimal("3.00"), Decimal("0.00"), Decimal("500.00"), True)]


@pytest.mark.parametrize(("tonight", "as_of", "closed", "matured"), [
    ([risk_point(date(2026, 4, 21), "closed")], date(2026, 4, 21), True, True),  # the first night after 90 days
    ([risk_point(NOW, "closed")], NOW, False, True),  # it was still open on that night
    ([risk_point(date(2026, 3, 1), "closed")], date(2026, 3, 1), True, False),
    ([], NOW, False, True),
])
def test_closed_by_the_first_night_after_the_window(tonight: list[dict[str, Any]], as_of: date, closed: bool, matured: bool) -> None:
    out = followed([], [reminded()], tonight, as_of)
    assert [(r["closed"], r["matured"]) for r in out] == [(closed, matured)]


def test_a_letter_of_a_list_that_was_never_handed_over_was_not_sent() -> None:
    given = [reminded(), reminded("B", case_id="L"), reminded("B", suppressed="holdout", case_id="never", point_id="B-2")]
    out = followed([], given, [])
    # C was pushed, L lapsed; what was held out has no case of its own, and evaluation judges it by its night
    assert [(r["taxpayer_id"], r["arm"]) for r in out] == [("A", "sent"), ("B", "holdout")]


def test_the_amount_is_that_of_the_night_of_the_reminder() -> None:
    earlier, later = risk_point(date(2025, 10, 20), "opened", amount="70.00"), risk_point(date(2026, 4, 21), "changed", "B", amount="900.00")
    out = followed([], [reminded(), reminded("B"), reminded("B", as_of=date(2026, 4, 21))], [], more=(earlier, later))
    assert [(r["taxpayer_id"], r["sent_on"], r["amount"]) for r in out] == [
        ("A", FIRST, Decimal("500.00")), ("B", FIRST, Decimal("500.00")), ("B", date(2026, 4, 21), Decimal("900.00"))]
