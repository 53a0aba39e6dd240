"""Officials at the portal: each sees the cases his posts reach, does what they may do, and the random slice stays hidden."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from jobs.respond.access import taxpayer
from jobs.respond.audit import verify
from jobs.respond.handover import hand_over
from jobs.respond.login import issue_link
from jobs.respond.posts import end_appointments, staff
from jobs.respond.records import AuditEntry, Case, CaseAction, TaskPoint
from jobs.respond.store import Store
from jobs.respond.workflow import Action, act
from portal.app import create_app
from tests.portal.conftest import TODAY, Enter, Visit
from tests.respond.helpers import (
    AS_OF,
    DISTRICT,
    INSPECTION,
    OFFICIAL,
    case_id,
    chosen,
    conf,
    drawn,
    person,
    point,
    reason,
    rows,
    taxpayer_id,
)

ASSESSOR, REVIEWER, SUPERVISOR = f"{DISTRICT}-assessor-01", f"{DISTRICT}-reviewer-01", f"{DISTRICT}-supervisor-01"
SALES, COST = point(1)["point_id"], point(1, "cit_cost_inflated", "CIT")["point_id"]


def on_list(page: str) -> set[int]:
    return {n for n in range(1, 8) if f"/cases/{case_id(n)}" in page}


#   who                           the drawn cases he sees (3 is a letter, 7 was never opened)
REACH = [
    (ASSESSOR, {1, 2, 5, 6}), (REVIEWER, {1, 2, 5, 6}), (f"{DISTRICT}-dispatcher-01", {1, 2, 5, 6}), ("330299-inspector-01", {4}), ("330205-assessor-01", set()),
    ("330000-analyst-01", {1, 2, 4, 5, 6}), ("330200-legal-01", {1, 2, 4, 5, 6}), (f"{DISTRICT}-collector-01", set()), (f"{DISTRICT}-counter-01", set()), ("99-nobody-01", set()), (OFFICIAL, set()),
]


@pytest.mark.parametrize(("who", "sees"), REACH)
def test_each_sees_the_cases_within_his_reach_and_no_other(enter: Enter, who: str, sees: set[int]) -> None:
    visit = enter(who)
    assert on_list(visit.get("/cases").text) == sees
    for n in (1, 2, 4, 5, 6):
        answer = visit.get(f"/cases/{case_id(n)}")
        assert answer.status_code == (200 if n in sees else 404)
        assert (f"第{n}贸易" in answer.text) == (n in sees)


def test_a_case_out_of_reach_looks_like_one_that_does_not_exist_and_both_looks_are_on_the_trail(store: Store, enter: Enter) -> None:
    visit = enter("330205-assessor-01")
    pages = [re.sub(r"nonce[-=]\S+", "", visit.get(f"/cases/{number}").text) for number in (case_id(1), "C20260120-000000000000")]
    assert pages[0] == pages[1]
    enter(ASSESSOR).get(f"/cases/{case_id(1)}")
    with store.read() as session:
        looks = [json.loads(e.body) for e in session.scalars(select(AuditEntry).order_by(AuditEntry.seq)) if json.loads(e.body)["act"] == "view"]
        assert [(v["person"], v["outcome"], v.get("code")) for v in looks] == [
            ("330205-assessor-01", "refused", "not_granted"), ("330205-assessor-01", "refused", "unknown_case"), (ASSESSOR, "seen", None),
        ]
        assert verify(session).whole


def test_an_appointment_that_ended_opens_nothing_though_the_session_goes_on(store: Store, enter: Enter) -> None:
    visit = enter(ASSESSOR)
    assert on_list(visit.get("/cases").text) == {1, 2, 5, 6}
    end_appointments(store, ASSESSOR, date(2026, 2, 9))
    assert on_list(visit.get("/cases").text) == set() and visit.get(f"/cases/{case_id(1)}").status_code == 404


def test_a_case_is_worked_from_receipt_to_closing(store: Store, enter: Enter) -> None:
    visit = enter(ASSESSOR)
    for kind, form in (("received", {}), ("begun", {"event_on": "2026-02-02"})):
        assert visit.act(case_id(1), kind, **form).headers["location"] == f"/cases/{case_id(1)}"
    assert visit.act(case_id(1), "point_answered", point_id=SALES, result="confirmed", amount="24,395.50").status_code == 303
    assert visit.act(case_id(1), "closed").status_code == 409  # one point has no answer yet
    assert visit.act(case_id(1), "point_answered", point_id=COST, result="excluded", reason_code="threshold").status_code == 303
    new = {"result": "new", "risk_code": "pit_wages_understated", "tax": "PIT", "period_from": "2025-01-01", "period_to": "2025-12-31", "amount": "-10"}
    assert visit.act(case_id(1), "point_answered", **new).status_code == 303
    assert enter(REVIEWER).act(case_id(1), "reviewed").status_code == 303
    assert enter(SUPERVISOR).act(case_id(1), "closed", effort_days="4.5").status_code == 303
    with store.read() as session:
        points = {p.risk_code: (p.result, p.reason_code, p.amount) for p in session.scalars(select(TaskPoint).where(TaskPoint.case_id == case_id(1)))}
        assert points == {"vat_sales_understated": ("confirmed", None, 2_439_550), "cit_cost_inflated": ("excluded", "threshold", 0), "pit_wages_understated": ("new", None, -1000)}
        events = session.execute(select(CaseAction.kind, CaseAction.person, CaseAction.event_on).where(CaseAction.case_id == case_id(1)).order_by(CaseAction.event_no)).all()
        assert [tuple(e) for e in events][1:3] == [("received", ASSESSOR, TODAY), ("begun", ASSESSOR, date(2026, 2, 2))]
        assert [e.kind for e in events][-2:] == ["reviewed", "closed"] and verify(session).whole
    assert 1 not in on_list(visit.get("/cases").text) and 1 in on_list(visit.get("/cases?over=true").text)


@pytest.mark.parametrize(("who", "kind", "form", "status"), [
    (f"{DISTRICT}-dispatcher-01", "begun", {}, 404),  # the post lacks the function
    (REVIEWER, "point_answered", {"point_id": SALES, "result": "not_examined"}, 404),
    ("330000-analyst-01", "closed", {}, 404),
    (ASSESSOR, "paid", {"amount": "5"}, 404),
    (ASSESSOR, "appealed", {}, 404),
    (ASSESSOR, "reviewed", {}, 404),
    (ASSESSOR, "begun", {}, 409),  # not received yet
    (ASSESSOR, "burned", {}, 409),
    (ASSESSOR, "returned", {"reason_code": "tired"}, 409),
    (ASSESSOR, "received", {"event_on": "2026-02-11"}, 409),  # tomorrow
    (ASSESSOR, "received", {"event_on": "2026-01-19"}, 409),  # before it was opened
    (ASSESSOR, "received", {"event_on": "1999-12-31"}, 409),
    (ASSESSOR, "received", {"event_on": "10.2.2026"}, 409),
    (ASSESSOR, "received", {"amount": "二万"}, 409),
    (ASSESSOR, "received", {"effort_days": "-1"}, 409),
])
def test_what_may_not_be_done_is_not_done(store: Store, enter: Enter, who: str, kind: str, form: dict[str, str], status: int) -> None:
    with store.read() as session:
        before = session.get(Case, case_id(1)).events  # type: ignore[union-attr]
    assert enter(who).act(case_id(1), kind, **form).status_code == status
    with store.read() as session:
        assert session.get(Case, case_id(1)).events == before  # type: ignore[union-attr]


def test_a_form_field_cannot_name_another_person_post_or_office(store: Store, enter: Enter) -> None:
    assert enter(ASSESSOR).act(case_id(1), "received", person="330203-supervisor-01", post="supervisor", office_id="330299").status_code == 303
    with store.read() as session:
        event = session.scalars(select(CaseAction).where(CaseAction.kind == "received")).one()
        assert (event.person, event.post, event.office_id) == (ASSESSOR, "assessor", DISTRICT)


def test_the_page_offers_what_may_be_done_and_nothing_else(enter: Enter) -> None:
    def offered(who: str, n: int = 1) -> set[str]:
        return set(re.findall(r'name="kind" value="(\w+)"', enter(who).get(f"/cases/{case_id(n)}").text))

    assert offered(ASSESSOR) == {"received", "returned", "dropped"}
    assert offered(REVIEWER) == offered("330000-analyst-01") == set()
    enter(ASSESSOR).act(case_id(1), "received")
    enter(ASSESSOR).act(case_id(1), "begun")
    assert offered(ASSESSOR) == {"served", "point_answered", "dropped", "closed"}


def test_a_form_sent_twice_counts_once_and_an_answer_may_be_given_changed_and_given_again(store: Store, enter: Enter) -> None:
    visit = enter(ASSESSOR)
    visit.act(case_id(1), "received")
    visit.act(case_id(1), "begun")
    page, path = visit.get(f"/cases/{case_id(1)}").text, f"/cases/{case_id(1)}/act"
    token, once = (re.findall(rf'name="{k}" value="([^"]+)"', page)[0] for k in ("token", "once"))
    form = {"token": token, "once": once, "kind": "point_answered", "point_id": SALES, "result": "confirmed", "amount": "100"}
    assert [visit.post(path, **form).status_code for _ in range(3)] == [303, 303, 303]
    assert visit.post(path, **{**form, "point_id": COST}).status_code == 303  # another form of the same page, after going back to it
    for result, amount in (("not_examined", ""), ("confirmed", "100")):
        assert visit.act(case_id(1), "point_answered", point_id=SALES, result=result, amount=amount).status_code == 303
    with store.read() as session:
        said = session.execute(select(CaseAction.point_id, CaseAction.result).where(CaseAction.kind == "point_answered").order_by(CaseAction.event_no)).all()
        assert [tuple(s) for s in said] == [(SALES, "confirmed"), (COST, "confirmed"), (SALES, "not_examined"), (SALES, "confirmed")]
        assert session.get(TaskPoint, (case_id(1), SALES)).amount == 10_000  # type: ignore[union-attr]


def test_a_statement_is_heard_answered_and_brings_a_letter_onto_the_list_until_then(store: Store, enter: Enter) -> None:
    visit = enter(ASSESSOR)
    act(store, conf(), Action(case_id(3), "statement", date(2026, 2, 1), taxpayer(taxpayer_id(3)), text="<b>已更正</b>"))
    assert 3 in on_list(visit.get("/cases").text) and "1 份陈述待答复" in visit.get("/cases").text
    page = visit.get(f"/cases/{case_id(3)}").text
    assert "&lt;b&gt;已更正&lt;/b&gt;" in page and "<b>已更正" not in page
    assert visit.act(case_id(3), "statement_answered", text=" ").status_code == 409
    assert visit.act(case_id(3), "statement_answered", text="予以采纳").status_code == 303
    assert "予以采纳" in visit.get(f"/cases/{case_id(3)}").text and 3 not in on_list(visit.get("/cases").text)


def store_of(path: Path, tables: dict[str, pa.Table]) -> Store:
    opened = Store.open(f"sqlite:///{path}")
    staff(opened, conf(), AS_OF)
    hand_over(opened, conf(), tables, AS_OF, OFFICIAL)
    return opened


def seen(store: Store, who: str, *paths: str) -> list[str]:
    """Pages without what is new in every answer: nonce, token, number of the form."""
    visit = Visit(TestClient(create_app(store, conf(), today=lambda: TODAY), base_url="https://portal.test"))
    visit.post("/in", link=issue_link(store, who, "test"))
    return [re.sub(r'nonce="[^"]*"|name="(token|once)" value="[^"]*"', "", visit.get(path).text) for path in paths]


@pytest.mark.parametrize("who", [ASSESSOR, REVIEWER, SUPERVISOR, "330000-analyst-01"])
def test_a_random_case_looks_to_everybody_like_one_of_the_model(tmp_path: Path, who: str) -> None:
    features = rows("reason", [reason(n, k, f"Figure {k} of {n}", "feature") for n in (5, 6) for k in (1, 2, 3)])
    model = chosen(6, "assess", DISTRICT, 4, [], level="medium", amount=Decimal(0))
    random = chosen(6, "assess", DISTRICT, 4, [point(6)["point_id"]], "random", level="none", amount=Decimal(99999), inclusion_probability=0.0123, value=None)
    pages = []
    for name, row in (("model", model), ("random", random)):
        night = drawn() | {
            "selection": rows("selection", [chosen(5, "assess", DISTRICT, 1, []), row]), "reason": features, "risk_point": rows("risk_point", [point(6)]), "reminder": drawn()["reminder"].slice(0, 0)
        }
        store = store_of(tmp_path / f"{name}.db", night)
        pages.append(seen(store, who, "/cases", f"/cases/{case_id(6)}"))
        for kind in ("received", "begun"):
            act(store, conf(), Action(case_id(6), kind, TODAY, ASSESSOR))
        found = Action(case_id(6), "point_answered", TODAY, ASSESSOR, result="new", amount=500, risk_code="vat_sales_understated", tax="VAT", period_from=date(2025, 10, 1), period_to=date(2025, 12, 31))
        act(store, conf(), found)
        pages[-1] += seen(store, who, "/cases", f"/cases/{case_id(6)}")
        store.close()
    assert pages[0] == pages[1] and len(pages[0]) == 4 and "Figure 3 of 6" in pages[0][1]
    assert not any(word in page for page in pages[1] for word in ("random", "99,999", "0.0123", "随机", "inclusion"))


def test_names_and_facts_are_escaped(tmp_path: Path) -> None:
    bad = '"><script>alert(1)</script>'
    facts = json.loads(point(1)["facts"]) | {"sentence_zh": bad, "sentence_en": bad}
    facts["declared"] |= {"label_zh": bad, "source": bad}
    night = drawn() | {
        "taxpayer": rows("taxpayer", [person(n, bad) for n in range(1, 8)]), "risk_point": rows("risk_point", [{**point(1), "facts": json.dumps(facts)}]),
        "selection": rows("selection", [chosen(1, "assess", DISTRICT, 1, [SALES])]), "reason": rows("reason", [{**reason(1, 1, bad), "text_zh": bad}]),
    }
    store = store_of(tmp_path / "bad.db", night)
    act(store, conf(), Action(case_id(1), "statement", TODAY, taxpayer(taxpayer_id(1)), text=bad))
    for page in seen(store, ASSESSOR, "/cases", f"/cases/{case_id(1)}"):
        assert "<script" not in page and "&#34;&gt;&lt;script&gt;" in page
    store.close()


def test_the_inspection_bureau_is_apart_from_the_district(store: Store, enter: Enter) -> None:
    assert enter(ASSESSOR).act(case_id(4), "received").status_code == 404
    with store.read() as session:
        case = session.get(Case, case_id(4))
        assert case is not None and (case.office_id, case.state) == (INSPECTION, "pushed")


NOT_COMPUTED = "无法计算 cannot be computed"


@pytest.mark.parametrize(("given", "of_case", "of_point", "until"), [
    ({}, "24,395.00", "24,395.00", "2029-01-15"),
    ({"amount_error": Decimal(0), "amount_evasion": Decimal(0)}, NOT_COMPUTED, NOT_COMPUTED, "2029-01-15"),
    ({"amount_error": None, "amount_evasion": None, "until_error": None}, NOT_COMPUTED, NOT_COMPUTED, None),
    ({"amount_error": None, "amount_evasion": None, "facts": None, "until_error": None}, NOT_COMPUTED, NOT_COMPUTED, None),
    ({"fraud": True, "amount_error": Decimal(0), "amount_evasion": Decimal(700)}, "700.00", "700.00", None),  # the limit for error is not its limit
    ({"fraud": True, "amount_error": Decimal(900), "amount_evasion": Decimal(0)}, NOT_COMPUTED, NOT_COMPUTED, None),
])
def test_a_case_shows_what_is_at_stake_or_that_it_cannot_be_computed(tmp_path: Path, given: dict[str, object], of_case: str, of_point: str, until: str | None) -> None:
    one = point(4, "vat_fictitious_invoices", **given)
    amount = one["amount_evasion" if one["fraud"] else "amount_error"] or Decimal(0)
    night = drawn() | {"selection": rows("selection", [chosen(4, "inspect", INSPECTION, 1, [one["point_id"]], amount=amount)]), "risk_point": rows("risk_point", [one])}
    store = store_of(tmp_path / "stake.db", night)
    page, = seen(store, "330299-inspector-01", f"/cases/{case_id(4)}")
    store.close()
    assert re.findall(r"<b>([^<]*)</b>涉及税额", page) == [of_case]
    assert re.findall(r"at stake</span><b>([^<]*)</b>", page) == [of_point] and "<b>0.00</b>" not in page
    assert re.findall(r"追征期限 until (\S+?)<", page) == ([until] if until else [])


def test_a_point_found_without_us_has_no_stake(enter: Enter) -> None:
    visit = enter(ASSESSOR)
    for kind in ("received", "begun"):
        visit.act(case_id(5), kind)
    visit.act(case_id(5), "point_answered", result="new", risk_code="vat_sales_understated", tax="VAT", period_from="2025-01-01", period_to="2025-12-31", amount="10")
    page = visit.get(f"/cases/{case_id(5)}").text
    assert "new · 10.00" in page and "at stake" not in page and NOT_COMPUTED not in page
