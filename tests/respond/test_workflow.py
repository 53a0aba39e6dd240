"""What may be done to a case, by whom, in which order; what is refused changes nothing and is on the audit trail."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from jobs.respond.access import Refusal, taxpayer
from jobs.respond.audit import verify
from jobs.respond.handover import hand_over
from jobs.respond.posts import appoint, end_appointments, sync_posts
from jobs.respond.records import AuditEntry, Case, CaseAction, Statement, TaskPoint
from jobs.respond.store import Store
from jobs.respond.workflow import Action, act
from tests.respond.helpers import AS_OF, DISTRICT, INSPECTION, OFFICIAL, case_id, conf, drawn, point, taxpayer_id

ASSESSOR, OTHER, REVIEWER = f"{DISTRICT}-assessor-01", f"{DISTRICT}-assessor-02", f"{DISTRICT}-reviewer-01"
SALES, COST = point(1)["point_id"], point(1, "cit_cost_inflated", "CIT")["point_id"]
DAY = date(2026, 2, 1)


def do(store: Store, kind: str, person: str = ASSESSOR, n: int = 1, on: date = DAY, **more: Any) -> CaseAction:
    return act(store, conf(), Action(case_id(n), kind, on, person, **more))


def refused(store: Store, code: str, kind: str, person: str = ASSESSOR, **more: Any) -> None:
    before = _state(store)
    with pytest.raises(Refusal) as fault:
        do(store, kind, person, **more)
    assert fault.value.code == code
    assert _state(store) == before
    with store.read() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
        assert (json.loads(last.body)["outcome"], json.loads(last.body)["code"], json.loads(last.body)["person"]) == ("refused", code, person)


def _state(store: Store) -> list[Any]:
    with store.read() as session:
        cases = [(c.case_id, c.state, c.due_on, c.level, c.amount, c.events) for c in session.scalars(select(Case).order_by(Case.case_id))]
        return cases + [(p.point_id, p.state, p.result, p.amount) for p in session.scalars(select(TaskPoint).order_by(TaskPoint.case_id, TaskPoint.point_id))]


@pytest.fixture
def handed(store: Store) -> Store:
    hand_over(store, conf(), drawn(), AS_OF, OFFICIAL)
    return store


@pytest.fixture
def begun(lite: Store) -> Store:
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    do(lite, "received")
    do(lite, "begun")
    return lite


def test_a_case_from_push_to_closing(handed: Store) -> None:
    do(handed, "received")
    do(handed, "begun")
    do(handed, "point_answered", point_id=SALES, result="confirmed", amount=2_000_000)
    assert _case(handed).state == "begun"
    do(handed, "point_answered", point_id=COST, result="excluded", reason_code="innocent_explanation")
    assert _case(handed).state == "answered"
    do(handed, "reviewed", REVIEWER)
    do(handed, "closed", f"{DISTRICT}-supervisor-01", effort_days=4.5)
    do(handed, "paid", "330212-collector-01", amount=2_000_000)  # any office's counter may take the money
    case = _case(handed)
    assert (case.state, case.worked_by, case.due_on) == ("closed", ASSESSOR, date(2026, 4, 2))  # begun 1 Feb + 60 days
    with handed.read() as session:
        kinds = session.scalars(select(CaseAction.kind).where(CaseAction.case_id == case_id(1)).order_by(CaseAction.event_no)).all()
        assert kinds == ["pushed", "received", "begun", "point_answered", "point_answered", "reviewed", "closed", "paid"]
        assert verify(session).whole


def _case(store: Store, n: int = 1) -> Case:
    with store.read() as session:
        found = session.get(Case, case_id(n))
        assert found is not None
        return found


def test_the_term_starts_again_with_service(begun: Store) -> None:
    do(begun, "served", on=date(2026, 2, 10))
    assert _case(begun).due_on == date(2026, 4, 11)


def test_order_of_acts_is_kept(lite: Store) -> None:
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    for kind in ("begun", "point_answered", "reviewed", "closed", "appealed"):
        person = {"reviewed": REVIEWER, "appealed": "330000-legal-01"}.get(kind, ASSESSOR)
        refused(lite, "state", kind, person)
    refused(lite, "unknown_act", "burned")
    refused(lite, "date", "received", on=date(2026, 1, 19))
    with pytest.raises(Refusal, match="no case"):
        act(lite, conf(), Action("C-none", "received", DAY, ASSESSOR))


def test_returned_and_dropped_need_a_reason_from_the_list(lite: Store) -> None:
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    refused(lite, "reason", "returned")
    refused(lite, "reason", "dropped", reason_code="did_not_like_it")
    do(lite, "returned", reason_code="wrong_office")
    refused(lite, "office", "pushed", "330000-analyst-01", to_office="999")
    do(lite, "pushed", "330000-analyst-01", to_office="330205")
    assert (_case(lite).state, _case(lite).office_id) == ("pushed", "330205")
    refused(lite, "not_granted", "received")  # it is another office's case now
    do(lite, "received", "330205-assessor-01")
    do(lite, "dropped", "330205-assessor-01", reason_code="deregistered")
    assert _case(lite).state == "dropped"


def test_answers_are_checked(begun: Store) -> None:
    refused(begun, "result", "point_answered", point_id=SALES, result="maybe")
    refused(begun, "amount", "point_answered", point_id=SALES, result="confirmed")
    refused(begun, "amount", "point_answered", point_id=SALES, result="excluded", reason_code="threshold", amount=5)
    refused(begun, "reason", "point_answered", point_id=SALES, result="excluded", reason_code="because")
    refused(begun, "unknown_point", "point_answered", point_id=point(2)["point_id"], result="not_examined")
    refused(begun, "new_point", "point_answered", result="new", amount=100, risk_code="x", tax="VAT")
    refused(begun, "points_open", "closed")


def test_a_downward_result_is_an_answer_like_any_other(begun: Store) -> None:
    assert do(begun, "point_answered", point_id=SALES, result="in_part", amount=-30_000).amount == -30_000


def test_a_comprehensive_case_finds_new_points_and_closes(lite: Store) -> None:
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    do(lite, "received", n=5)
    do(lite, "begun", n=5)
    found = do(lite, "point_answered", n=5, result="new", amount=700_00, risk_code="vat_sales_understated", tax="VAT", period_from=date(2025, 10, 1), period_to=date(2025, 12, 31))
    assert found.point_id == point(5)["point_id"]  # the same key that the night would give
    do(lite, "closed", n=5)
    do(lite, "received", n=6)
    do(lite, "begun", n=6)
    do(lite, "closed", n=6)  # nothing found is a result too
    assert _case(lite, 6).state == "closed"


def test_statements_are_answered_before_closing_and_change_nothing_else(begun: Store) -> None:
    before = _case(begun)
    do(begun, "statement", taxpayer(taxpayer_id(1)), text="出口免税，已备案。")
    after = _case(begun)
    unchanged = ("state", "level", "amount", "due_on", "treatment", "office_id", "worked_by")
    assert [getattr(before, k) for k in unchanged] == [getattr(after, k) for k in unchanged]
    do(begun, "point_answered", point_id=SALES, result="confirmed", amount=100)
    do(begun, "point_answered", point_id=COST, result="not_examined")
    refused(begun, "statement_open", "closed")
    refused(begun, "text", "statement_answered", text=" ")
    do(begun, "statement_answered", text="备案已核实，予以采纳。")
    refused(begun, "no_statement", "statement_answered", text="again")
    do(begun, "closed")


def test_an_amount_may_not_rise_because_the_taxpayer_spoke(begun: Store) -> None:
    do(begun, "point_answered", point_id=SALES, result="in_part", amount=10_000)
    do(begun, "point_answered", point_id=SALES, result="in_part", amount=12_000)  # nobody was heard yet
    do(begun, "statement", taxpayer(taxpayer_id(1)), text="不同意。", point_id=SALES)
    refused(begun, "worse_after_statement", "point_answered", point_id=SALES, result="confirmed", amount=12_001)
    do(begun, "point_answered", point_id=SALES, result="in_part", amount=9_000)


def test_points_that_joined_late_do_not_hold_up_closing(begun: Store) -> None:
    late = point(1, "pit_wages_understated", "PIT", state="opened")
    from tests.respond.helpers import rows

    hand_over(begun, conf(), drawn() | {"selection": drawn()["selection"].slice(0, 0), "risk_point": rows("risk_point", [late])}, date(2026, 4, 20), OFFICIAL)
    for each in (SALES, COST):
        do(begun, "point_answered", point_id=each, result="not_examined", on=date(2026, 5, 1))
    do(begun, "closed", on=date(2026, 5, 1))
    with begun.read() as session:
        assert session.get(TaskPoint, (case_id(1), late["point_id"])).state == "released"  # type: ignore[union-attr]


def test_separation_of_duties(begun: Store) -> None:
    appoint(begun, OFFICIAL, "assessor", DISTRICT, AS_OF)
    appoint(begun, ASSESSOR, "reviewer", DISTRICT, AS_OF)
    refused(begun, "separation", "point_answered", OFFICIAL, point_id=SALES, result="not_examined")  # who selects does not work
    for each in (SALES, COST):
        do(begun, "point_answered", point_id=each, result="not_examined")
    refused(begun, "separation", "reviewed", ASSESSOR)  # who works does not review
    do(begun, "reviewed", REVIEWER)
    refused(begun, "separation", "closed", OFFICIAL)


def test_taxpayers_speak_on_their_own_file_alone(begun: Store) -> None:
    refused(begun, "not_granted", "statement", taxpayer(taxpayer_id(2)), text="x")
    for kind in ("received", "point_answered", "closed", "dropped", "statement_answered", "paid"):
        refused(begun, "not_granted", kind, taxpayer(taxpayer_id(1)))
    do(begun, "statement", f"{'330212'}-counter-01", text="taken at another district's counter")  # any counter serves the whole city


def test_grants_take_effect_at_once(begun: Store) -> None:
    end_appointments(begun, ASSESSOR, date(2026, 1, 31))
    refused(begun, "not_granted", "point_answered", point_id=SALES, result="not_examined")
    do(begun, "point_answered", OTHER, point_id=SALES, result="not_examined")
    fewer = conf().model_copy(update={"posts": tuple(p.model_copy(update={"functions": tuple(f for f in p.functions if f != "case.answer")}) for p in conf().posts)})
    assert sync_posts(begun, fewer, AS_OF) == 2
    refused(begun, "not_granted", "point_answered", OTHER, point_id=COST, result="not_examined")


def test_default_deny_over_every_post_office_and_act(lite: Store) -> None:
    """Every post x office x act of the configuration against one rule: allowed if and only if the post has the function and reaches the office."""
    from jobs.respond.access import authorise

    posts = {p.id: p for p in conf().posts}
    offices = {o.id: o for o in conf().offices}
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    decisions = allowed = 0
    with lite.read() as session:
        for n, home in ((1, DISTRICT), (4, INSPECTION)):
            case = session.get(Case, case_id(n))
            assert case is not None
            for post, office, rule in itertools.product(posts.values(), offices.values(), conf().workflow):
                person = f"{office.id}-{post.id}-01"
                seated = office.kind in post.office_kinds and post.seats > 0
                above = home != office.id and office.id in ("330000", "330200")
                reaches = office.id == home or post.span == "any" or (post.span == "below" and above)
                expected = seated and rule.function in post.functions and reaches
                try:
                    authorise(session, conf(), person, rule.function, case, DAY)
                    got = True
                except Refusal:
                    got = False
                assert got == expected, (post.id, office.id, rule.act, home)
                decisions += 1
                allowed += got
    assert decisions == 2 * len(posts) * len(offices) * len(conf().workflow) and 0 < allowed < decisions / 10


@pytest.mark.parametrize("person", ["", "nobody", "330203-assessor-99", "taxpayer:", "assay", "' OR 1=1 --"])
def test_strangers_may_do_nothing(begun: Store, person: str) -> None:
    for rule in conf().workflow:
        refused(begun, "not_granted", rule.act, person, text="x")


def test_an_unknown_statement_text_is_not_in_the_audit_trail(begun: Store) -> None:
    do(begun, "statement", taxpayer(taxpayer_id(1)), text="a private matter")
    with begun.read() as session:
        assert not [e for e in session.scalars(select(AuditEntry)) if "private matter" in e.body]
        assert session.scalars(select(Statement.text)).all() == ["a private matter"]


def test_an_action_is_a_value(begun: Store) -> None:
    one = Action(case_id(1), "received", DAY, ASSESSOR)
    assert replace(one, kind="begun") != one


@pytest.mark.parametrize(("found", "expected"), [(False, ("comprehensive", "excluded", "nothing_found")), (True, (None, None, None))])
def test_closing_a_comprehensive_examination_says_when_nothing_was_found(lite: Store, found: bool, expected: tuple[Any, ...]) -> None:
    hand_over(lite, conf(), drawn(), AS_OF, OFFICIAL)
    for n in (5, 6):  # chosen by the model alone, and at random: alike
        do(lite, "received", n=n)
        do(lite, "begun", n=n)
        if found:
            more = {"risk_code": "vat_cash_sales_suppressed", "tax": "VAT", "period_from": date(2025, 1, 1), "period_to": date(2025, 12, 31)}
            do(lite, "point_answered", n=n, result="new", amount=500_000, **more)
        closed = do(lite, "closed", n=n, effort_days=4.0)
        assert (closed.risk_code, closed.result, closed.reason_code) == expected


def test_closing_a_case_with_points_says_nothing_of_the_sort(begun: Store) -> None:
    for one in (SALES, COST):
        do(begun, "point_answered", point_id=one, result="excluded", reason_code="threshold")
    closed = do(begun, "closed")
    assert (closed.risk_code, closed.result, closed.reason_code) == (None, None, None)
