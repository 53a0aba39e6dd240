"""Taxpayers at the portal: their own letters, their own statements, the answers; nothing of anybody else and nothing of how they were chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from jobs.lake.step import Tables
from jobs.respond.access import taxpayer
from jobs.respond.audit import verify
from jobs.respond.handover import hand_over
from jobs.respond.login import form_token, issue_link
from jobs.respond.posts import staff
from jobs.respond.records import AuditEntry, Case, CaseAction, Statement
from jobs.respond.reminders import letter_id, remind
from jobs.respond.store import Store
from jobs.respond.workflow import Action, act
from portal.app import create_app
from tests.portal.conftest import TODAY, Enter, Visit, field
from tests.respond.helpers import (
    AS_OF,
    DISTRICT,
    OFFICIAL,
    case_id,
    chosen,
    conf,
    drawn,
    night,
    person,
    point,
    rows,
    seed_without_holdout,
    taxpayer_id,
)

Own = Callable[[int], Visit]
NEVER = re.compile(r"score|\blevel|model|\brank|probab|fraud|random|inspect|selected|评分|等级|模型|排名|概率|稽查|虚开|随机|选案|" + re.escape(OFFICIAL), re.IGNORECASE)


def statements(store: Store) -> list[tuple[str, str, str | None]]:
    with store.read() as session:
        return [(s.case_id, s.text, s.answer) for s in session.scalars(select(Statement).order_by(Statement.case_id, Statement.event_no))]


def test_he_reads_his_letter_and_nothing_of_how_he_was_chosen(enter_taxpayer: Own) -> None:
    visit = enter_taxpayer(3)
    page, letter = visit.get("/me").text, visit.get(f"/me/letters/{letter_id(AS_OF, taxpayer_id(3))}").text
    for shown in (page, letter):
        visible = re.sub(r"<style.*?</style>|<[^>]+>", " ", shown, flags=re.DOTALL)
        assert "987,654.32" in visible and "800,000.00" in visible and "未作出任何决定" in visible and "12366" in visible
        assert not NEVER.findall(visible.replace("虚构省税务局", ""))
        assert case_id(3) not in visible and "330203-" not in visible


def test_each_sees_his_own_letters_alone(enter_taxpayer: Own) -> None:
    other = enter_taxpayer(2)
    assert "目前没有给您的提示函" in other.get("/me").text and "第3贸易" not in other.get("/me").text
    assert other.get(f"/me/letters/{letter_id(AS_OF, taxpayer_id(3))}").status_code == 404
    assert enter_taxpayer(3).get("/me/letters/L20260120-000000000000").status_code == 404
    assert "目前没有给您的提示函" in enter_taxpayer(7).get("/me").text  # his reminder was suppressed: fraud is suspected
    assert "目前没有给您的提示函" in enter_taxpayer(1).get("/me").text  # an assessment is not announced here


def test_he_may_state_his_case_and_it_is_on_file_with_no_other_effect(store: Store, enter_taxpayer: Own) -> None:
    visit, said = enter_taxpayer(3), "我们已于2026年2月1日更正申报。\nSee attached."
    with store.read() as session:
        case = session.get(Case, case_id(3))
        before = {c.name: getattr(case, c.name) for c in Case.__table__.columns if c.name != "events"}
    answer = visit.post("/me/statement", page="/me", letter_id=letter_id(AS_OF, taxpayer_id(3)), text=said)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me?sent=true")
    assert statements(store) == [(case_id(3), said, None)]
    with store.read() as session:
        event = session.scalars(select(CaseAction).where(CaseAction.kind == "statement")).one()
        assert (event.case_id, event.person, event.post, event.event_on, event.office_id) == (case_id(3), taxpayer(taxpayer_id(3)), "taxpayer", TODAY, DISTRICT)
        case = session.get(Case, case_id(3))
        assert {c.name: getattr(case, c.name) for c in Case.__table__.columns if c.name != "events"} == before
        trail = [json.loads(e.body) for e in session.scalars(select(AuditEntry))]
        assert [t["person"] for t in trail if t["act"] == "statement"] == [taxpayer(taxpayer_id(3))] and "更正申报" not in json.dumps(trail, ensure_ascii=False)
        assert verify(session).whole
    page = visit.get("/me?sent=true").text
    assert "never counts against you" in page and "更正申报。\nSee attached." in page and "waiting for our answer" in page


def test_the_answer_reaches_him_without_the_name_of_who_gave_it(store: Store, enter_taxpayer: Own) -> None:
    visit = enter_taxpayer(3)
    visit.post("/me/statement", page="/me", letter_id=letter_id(AS_OF, taxpayer_id(3)), text="已更正")
    act(store, conf(), Action(case_id(3), "statement_answered", TODAY, f"{DISTRICT}-assessor-01", text="已核实，<予以采纳>"))
    page = visit.get("/me").text
    assert "已核实，&lt;予以采纳&gt;" in page and "waiting for our answer" not in page and "assessor" not in page


def test_a_statement_sent_twice_by_the_same_page_is_one(store: Store, enter_taxpayer: Own) -> None:
    visit = enter_taxpayer(3)
    page = visit.get("/me").text
    form = {"token": field(page, "token"), "once": field(page, "once"), "letter_id": letter_id(AS_OF, taxpayer_id(3)), "text": "same"}
    assert [visit.post("/me/statement", **form).status_code for _ in range(2)] == [303, 303]
    assert len(statements(store)) == 1
    visit.post("/me/statement", page="/me", letter_id=form["letter_id"], text="same")  # said again on another day's page: said again
    assert len(statements(store)) == 2


@pytest.mark.parametrize(("text", "status"), [("", 422), ("   \n", 409), ("x" * 20_001, 422)])
def test_an_empty_or_endless_statement_is_sent_back(store: Store, enter_taxpayer: Own, text: str, status: int) -> None:
    assert enter_taxpayer(3).post("/me/statement", page="/me", letter_id=letter_id(AS_OF, taxpayer_id(3)), text=text).status_code == status
    assert statements(store) == []


def test_nobody_speaks_on_anothers_file(store: Store, enter_taxpayer: Own, enter: Enter) -> None:
    for visit in (enter_taxpayer(2), enter("taxpayer:"), enter("taxpayer:" + taxpayer_id(3).lower())):
        token = form_token(visit.client.cookies["assay"])
        assert visit.post("/me/statement", token=token, letter_id=letter_id(AS_OF, taxpayer_id(3)), text="mine").status_code == 404
    token = field(enter_taxpayer(3).get("/me").text, "token")  # the right token of another session
    assert enter_taxpayer(2).post("/me/statement", token=token, letter_id=letter_id(AS_OF, taxpayer_id(3)), text="mine").status_code == 401
    assert statements(store) == []


def test_after_the_file_is_closed_he_is_still_heard(store: Store, enter_taxpayer: Own) -> None:
    later = drawn() | {"selection": rows("selection", []), "reminder": drawn()["reminder"].slice(0, 0)}
    hand_over(store, conf(), later, date(2026, 4, 20), OFFICIAL)
    with store.read() as session:
        assert session.get(Case, case_id(3)).state == "closed"  # type: ignore[union-attr]
    visit = Visit(TestClient(create_app(store, conf(), today=lambda: date(2026, 4, 21)), base_url="https://portal.test"))
    visit.post("/in", link=issue_link(store, taxpayer(taxpayer_id(3)), "test"))
    assert visit.post("/me/statement", page="/me", letter_id=letter_id(AS_OF, taxpayer_id(3)), text="late, but said").status_code == 303
    assert [s[1] for s in statements(store)] == ["late, but said"]


def test_what_he_and_we_wrote_is_escaped(tmp_path: Path) -> None:
    bad = "</textarea><script>alert(1)</script>"
    facts = json.loads(point(3)["facts"]) | {"taxpayer_zh": bad, "taxpayer_en": bad}
    facts["declared"] |= {"label_zh": bad, "label_en": bad}
    found = drawn() | {
        "selection": rows("selection", [chosen(3, "remind", DISTRICT, 1, [point(3)["point_id"]])]), "risk_point": rows("risk_point", [{**point(3), "facts": json.dumps(facts)}]),
        "taxpayer": rows("taxpayer", [person(3, bad)]),
    }
    found["reminder"] = remind(Tables(now=found), night(seed=seed_without_holdout()))
    store = Store.open(f"sqlite:///{tmp_path / 'bad.db'}")
    staff(store, conf(), AS_OF)
    hand_over(store, conf(), found, AS_OF, OFFICIAL)
    visit = Visit(TestClient(create_app(store, conf(), today=lambda: TODAY), base_url="https://portal.test"))
    visit.post("/in", link=issue_link(store, taxpayer(taxpayer_id(3)), "test"))
    number = letter_id(AS_OF, taxpayer_id(3))
    visit.post("/me/statement", page="/me", letter_id=number, text=bad)
    for page in (visit.get("/me").text, visit.get(f"/me/letters/{number}").text):
        assert "<script" not in page and "&lt;script&gt;alert(1)" in page
    store.close()
