"""Monitoring: drawn events, and what a supervisor must see of them that night, by office and level."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.lake.step import Tables
from jobs.lake.tables import table
from jobs.respond.export import export_events
from jobs.respond.handover import hand_over
from jobs.respond.monitoring import monitor
from jobs.respond.store import Store
from jobs.respond.workflow import Action, act
from tests.respond.helpers import AS_OF, DISTRICT, OFFICIAL, case_id, chosen, conf, drawn, night, rows, taxpayer_id

TODAY = date(2026, 6, 1)
A, B = "330203", "330205"


def events(number: str, office: str, treatment: str | None, *moves: tuple[str, date]) -> list[dict[str, Any]]:
    return [
        {"case_id": number, "event_no": k, "event_on": on, "taxpayer_id": number, "kind": kind, "case_source": "model", "treatment": treatment, "office_id": office}
        for k, (kind, on) in enumerate(moves, start=1)
    ]


def selected(**levels: str) -> pa.Table:
    return rows("selection", [{**chosen(1, "assess", A, 1, ["p"]), "case_id": number, "level": level, "as_of": AS_OF} for number, level in levels.items()])


def counted(found: list[dict[str, Any]], history: pa.Table | None = None, as_of: date = TODAY) -> dict[tuple[str, str, str], int]:
    given = monitor(Tables(now={"case_event": rows("case_event", found)}, history={} if history is None else {"selection": history}), night(as_of))
    assert given.schema.names == [c.name for c in table("monitoring").own]
    return {(r["office_id"], r["measure"], r["level"]): r["n"] for r in given.to_pylist()}


def of_level(found: dict[tuple[str, str, str], int], level: str) -> dict[tuple[str, str], int]:
    return {(office, measure): n for (office, measure, given), n in found.items() if given == level}


def day(month: int, dom: int) -> date:
    return date(2026, month, dom)


def test_each_state_is_counted_where_it_belongs() -> None:
    """assess: 60 days from the day it was begun, so begun 2 April is due 1 June; ten days before that it is near."""
    found = counted([
        *events("c1", A, "assess", ("pushed", day(5, 1))),  # not received
        *events("c2", A, "assess", ("pushed", day(5, 1)), ("received", day(5, 2))),  # not begun
        *events("c3", A, "assess", ("pushed", day(3, 1)), ("received", day(3, 2)), ("begun", day(4, 2))),  # due today: near, not overdue
        *events("c4", A, "assess", ("pushed", day(3, 1)), ("received", day(3, 2)), ("begun", day(4, 1))),  # due yesterday: overdue
        *events("c5", A, "assess", ("pushed", day(3, 1)), ("received", day(3, 2)), ("begun", day(4, 12))),  # due 11 June, in 10 days: near
        *events("c6", A, "assess", ("pushed", day(3, 1)), ("received", day(3, 2)), ("begun", day(4, 13))),  # due 12 June, in 11 days: neither
        *events("c7", B, "inspect", ("pushed", day(2, 1)), ("received", day(2, 2)), ("begun", day(2, 10)), ("reviewed", day(5, 30))),  # 90 days, over on 11 May
        *events("c8", B, "assess", ("pushed", day(1, 5)), ("returned", day(1, 9))),
        *events("c9", B, "assess", ("pushed", day(1, 5)), ("received", day(1, 6)), ("dropped", day(1, 9))),
        *events("c10", B, "assess", ("pushed", day(1, 5)), ("received", day(1, 6)), ("begun", day(1, 7)), ("closed", day(1, 9))),  # closed: no term any more
    ])
    assert of_level(found, "all") == {
        (A, "pushed"): 6, (A, "not_received"): 1, (A, "not_begun"): 1, (A, "near_term"): 2, (A, "overdue"): 1,
        (B, "pushed"): 4, (B, "overdue"): 1, (B, "returned"): 1, (B, "dropped"): 1, (B, "closed"): 1,
    }
    assert of_level(found, "unknown") == of_level(found, "all")  # no published night selected them


def test_the_term_runs_from_service() -> None:
    """assess: 60 days. Begun 1 April it would be over on 31 May; served on 20 April it runs until 19 June."""
    served = events("c1", A, "assess", ("pushed", day(3, 1)), ("received", day(3, 2)), ("begun", day(4, 1)), ("served", day(4, 20)))
    assert (A, "overdue") not in of_level(counted(served), "all")
    assert of_level(counted(served, as_of=day(6, 20)), "all")[A, "overdue"] == 1
    assert of_level(counted(served[:3]), "all")[A, "overdue"] == 1


def test_what_is_over_is_counted_in_its_year_and_what_is_open_always() -> None:
    found = of_level(counted([
        *events("c1", A, "assess", ("pushed", date(2025, 11, 1)), ("returned", date(2025, 12, 31))),
        *events("c2", A, "assess", ("pushed", date(2025, 11, 1)), ("dropped", date(2026, 1, 1))),
        *events("c3", A, "assess", ("pushed", date(2025, 11, 1))),
        *events("c4", A, "assess", ("pushed", date(2025, 11, 1)), ("received", date(2025, 11, 2)), ("begun", date(2025, 11, 3))),
    ]), "all")
    assert found == {(A, "dropped"): 1, (A, "not_received"): 1, (A, "overdue"): 1}


def test_levels_are_those_of_the_night_that_selected_the_case() -> None:
    found = counted(
        [*events("c1", A, "assess", ("pushed", day(5, 1))), *events("c2", A, "assess", ("pushed", day(5, 1))), *events("c3", A, "assess", ("pushed", day(5, 1)))],
        selected(c1="high", c2="low"),
    )
    assert {k[2]: n for k, n in found.items() if k[1] == "not_received"} == {"all": 3, "high": 1, "low": 1, "unknown": 1}


def test_cases_of_the_draw_and_of_the_model_alone_have_one_level_of_their_own() -> None:
    cases = [*events("c1", A, "assess", ("pushed", day(5, 1))), *events("c2", A, "assess", ("pushed", day(5, 1))), *events("c3", A, "assess", ("pushed", day(5, 1)))]
    history = rows("selection", [
        {**chosen(1, "assess", A, 1, [], "random", level="none"), "case_id": "c1", "as_of": AS_OF}, {**chosen(2, "assess", A, 2, [], level="medium"), "case_id": "c2", "as_of": AS_OF},
        {**chosen(3, "assess", A, 3, ["p"], level="medium"), "case_id": "c3", "as_of": AS_OF},
    ])
    assert {k[2]: n for k, n in counted(cases, history).items() if k[1] == "not_received"} == {"all": 3, "comprehensive": 2, "medium": 1}


@pytest.mark.parametrize(("treatment", "overdue"), [("assess", True), ("interview", True), ("guide", False), ("none", False), ("unheard_of", False), (None, False)])
def test_only_a_treatment_that_obliges_an_answer_falls_overdue(treatment: str | None, overdue: bool) -> None:
    found = of_level(counted(events("c1", A, treatment, ("pushed", day(1, 1)), ("received", day(1, 1)), ("begun", day(1, 1)))), "all")
    assert ((A, "overdue") in found) == overdue and found[A, "pushed"] == 1


def test_a_term_that_obliges_nobody_to_answer_is_never_overdue() -> None:
    courteous = conf().treatments | {"guide": conf().treatments["guide"].model_copy(update={"term_days": 5})}
    changed = replace(night(TODAY), conf=conf().model_copy(update={"treatments": courteous}))
    given = monitor(Tables(now={"case_event": rows("case_event", events("c1", A, "guide", ("pushed", day(1, 1)), ("received", day(1, 1)), ("begun", day(1, 1))))}), changed)
    assert given["measure"].to_pylist() == ["pushed", "pushed"]


def test_letters_are_not_work_and_no_events_are_no_rows() -> None:
    assert counted(events("c1", A, "remind", ("pushed", day(5, 1)))) == {}
    assert counted([]) == {}


def test_events_in_any_order_and_those_that_move_nothing_change_nothing() -> None:
    moves = events(
        "c1", A, "assess", ("pushed", day(3, 1)), ("received", day(3, 2)), ("begun", day(4, 1)), ("statement", day(4, 3)), ("point_answered", day(5, 1)), ("paid", day(5, 2))
    )
    assert counted(moves[::-1]) == counted(moves) and of_level(counted(moves), "all") == {(A, "pushed"): 1, (A, "overdue"): 1}


def test_a_case_sent_back_and_pushed_on_waits_in_its_new_office(lite: Store, tmp_path: Path) -> None:
    """Through the case store itself: what it exports is what monitoring counts."""
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    act(lite, conf(), Action(case_id(1), "returned", day(2, 1), f"{DISTRICT}-assessor-01", reason_code="wrong_office"))
    act(lite, conf(), Action(case_id(1), "pushed", day(2, 3), "330000-analyst-01", to_office=B))
    export_events(lite, tmp_path, datetime(2026, 2, 4, tzinfo=UTC))
    sent = [json.loads(line) for line in (tmp_path / "case_event" / "000001.jsonl").read_text(encoding="utf-8").splitlines()]
    own = [{**e, "event_on": date.fromisoformat(e["event_on"])} for e in sent if e["taxpayer_id"] == taxpayer_id(1)]
    assert of_level(counted(own, as_of=day(2, 4)), "all") == {(B, "pushed"): 1, (B, "not_received"): 1}
