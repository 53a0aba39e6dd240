"""Coming in and going out: nobody without a link gets anywhere, forms of other sites do nothing, every answer is guarded."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from jobs.respond.access import taxpayer
from jobs.respond.login import issue_link
from jobs.respond.records import AuditEntry, CaseAction, Login, Statement
from jobs.respond.store import Store
from portal.app import create_app
from tests.portal.conftest import TODAY, Enter, Visit, field
from tests.respond.helpers import DISTRICT, case_id, conf, taxpayer_id

ASSESSOR = f"{DISTRICT}-assessor-01"
CLOSED_DOORS = [
    ("GET", "/cases"), ("GET", "/cases?over=true"), ("GET", f"/cases/{case_id(1)}"), ("GET", "/cases/unknown"), ("POST", f"/cases/{case_id(1)}/act"), ("GET", "/me"), ("GET", "/me/letters/x"),
    ("POST", "/me/statement"), ("POST", "/out"),
]


def everything(store: Store) -> list[object]:
    with store.read() as session:
        return [*session.execute(select(CaseAction.case_id, CaseAction.event_no, CaseAction.kind)).all(), *session.execute(select(Statement.case_id, Statement.text)).all()]


def test_every_route_is_known_here_so_that_a_new_one_is_tried_too(nobody: Visit) -> None:
    app = nobody.client.app
    routes = {(method, route.path) for group in app.routes for route in getattr(group, "routes", [group]) for method in route.methods}  # type: ignore[attr-defined]
    assert {(m, p) for m, p in routes if m != "HEAD"} == {
        ("GET", "/"), ("GET", "/in/{link}"), ("POST", "/in"), ("POST", "/out"), ("GET", "/cases"), ("GET", "/cases/{case_id}"), ("POST", "/cases/{case_id}/act"),
        ("GET", "/me"), ("GET", "/me/letters/{letter_id}"), ("POST", "/me/statement"),
    }


@pytest.mark.parametrize(("method", "path"), CLOSED_DOORS)
@pytest.mark.parametrize("cookie", [None, "", "made-up", "' OR 1=1 --"])
def test_without_a_login_every_door_is_closed(nobody: Visit, store: Store, method: str, path: str, cookie: str | None) -> None:
    before = everything(store)
    headers = {"cookie": f"assay={cookie}"} if cookie is not None else {}
    answer = nobody.client.request(method, path, headers=headers, data={"kind": "received", "letter_id": "x", "text": "x", "token": "x"} if method == "POST" else None, follow_redirects=False)
    assert answer.status_code == 401 and everything(store) == before
    assert not any(word in answer.text for word in (taxpayer_id(1), case_id(1), "贸易有限公司"))


def test_the_first_page_asks_for_the_link_and_machine_pages_are_not_there(nobody: Visit) -> None:
    assert nobody.get("/").status_code == 200 and "each link works once" in nobody.get("/").text
    for path in ("/docs", "/redoc", "/openapi.json", "/static/x", "/cases/../etc/passwd", "/.env"):
        assert nobody.get(path).status_code in (401, 404), path


def test_a_link_works_once_and_only_after_the_button(store: Store, nobody: Visit) -> None:
    link = issue_link(store, ASSESSOR, "test")
    assert nobody.get(f"/in/{link}").status_code == 200 and nobody.get(f"/in/{link}").status_code == 200  # a mail scanner may look twice
    answer = nobody.post("/in", link=link)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303 and all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"))
    assert nobody.get("/").headers["location"] == "/cases" and nobody.get("/cases").status_code == 200
    another = Visit(TestClient(nobody.client.app, base_url="https://portal.test"))
    assert another.post("/in", link=link).status_code == 401 and another.get("/cases").status_code == 401


def test_links_and_sessions_end(store: Store, enter: Enter, nobody: Visit) -> None:
    assert nobody.post("/in", link=issue_link(store, ASSESSOR, "test", timedelta(seconds=-1))).status_code == 401
    visit = enter(ASSESSOR)
    with store.write() as session:
        session.execute(update(Login).where(Login.kind == "session").values(expires=1))
    assert visit.get("/cases").status_code == 401


def test_a_link_is_no_session_and_a_session_no_link(store: Store, enter: Enter, nobody: Visit) -> None:
    link = issue_link(store, ASSESSOR, "test")
    assert nobody.client.get("/cases", headers={"cookie": f"assay={link}"}).status_code == 401
    visit = enter(ASSESSOR)
    secret = visit.client.cookies["assay"]
    assert nobody.post("/in", link=secret).status_code == 401


def test_no_secret_is_in_the_store_or_on_the_audit_trail(store: Store, enter: Enter) -> None:
    secret = enter(ASSESSOR).client.cookies["assay"]
    with store.read() as session:
        kept = json.dumps([[row.digest, row.subject] for row in session.scalars(select(Login))] + [e.body for e in session.scalars(select(AuditEntry))])
    assert secret not in kept and ASSESSOR in kept


def test_leaving_ends_the_session(enter: Enter) -> None:
    visit = enter(ASSESSOR)
    secret = visit.client.cookies["assay"]
    assert visit.post("/out", page="/cases").status_code == 303
    assert visit.client.get("/cases", headers={"cookie": f"assay={secret}"}).status_code == 401


@pytest.mark.parametrize("token", [None, "", "x", "other"])
def test_a_form_of_another_site_or_session_does_nothing(store: Store, enter: Enter, token: str | None) -> None:
    visit, other = enter(ASSESSOR), enter(f"{DISTRICT}-assessor-02")
    given = field(other.get("/cases").text, "token") if token == "other" else token
    before = everything(store)
    form = {"kind": "received", "once": "1"} | ({} if given is None else {"token": given})
    for path in (f"/cases/{case_id(1)}/act", "/out"):
        assert visit.client.post(path, data=form, follow_redirects=False).status_code == 401
    assert everything(store) == before and visit.get("/cases").status_code == 200


def test_officials_and_taxpayers_do_not_get_into_each_others_pages(enter: Enter) -> None:
    official, own = enter(ASSESSOR), enter(taxpayer(taxpayer_id(3)))
    assert [official.get(p).status_code for p in ("/me", "/me/letters/x")] == [401, 401]
    assert [own.get(p).status_code for p in ("/cases", f"/cases/{case_id(3)}")] == [401, 401]
    token = field(own.get("/me").text, "token")
    assert own.post(f"/cases/{case_id(3)}/act", token=token, kind="received").status_code == 401
    token = field(official.get("/cases").text, "token")
    assert official.post("/me/statement", token=token, letter_id="x", text="x").status_code == 401


def test_every_answer_is_guarded(store: Store, enter: Enter, nobody: Visit) -> None:
    visit, own = enter(ASSESSOR), enter(taxpayer(taxpayer_id(3)))
    letter = re.findall(r"/me/letters/(\S+?)\"", own.get("/me").text)[0]
    answers = [
        nobody.get("/"), nobody.get("/cases"), nobody.get("/nowhere"), visit.get("/cases"), visit.get(f"/cases/{case_id(1)}"), visit.get("/cases/none"), own.get("/me"),
        own.get(f"/me/letters/{letter}"), visit.act(case_id(1), "received"), visit.act(case_id(1), "closed"), nobody.client.post("/in", content=b"x" * 300_000), nobody.post("/in"),
    ]
    assert [a.status_code for a in answers] == [200, 401, 404, 200, 200, 404, 200, 200, 303, 409, 413, 422]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script" not in policy
        wanted = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cache-control": "no-store", "x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin"}
        assert {k: answer.headers[k] for k in wanted} == wanted and "max-age" in answer.headers["strict-transport-security"]
        assert "<script" not in answer.text and not re.search(r'(src|href)="(https?:)?//', answer.text)
    nonces = [re.findall(r"nonce-([^']+)'", a.headers["content-security-policy"])[0] for a in answers[3:5]]
    assert len(set(nonces)) == 2 and all(f'<style nonce="{n}">' in a.text for n, a in zip(nonces, answers[3:5]))


def test_a_form_that_is_too_large_or_of_no_stated_size_is_not_read(enter: Enter) -> None:
    visit = enter(ASSESSOR)

    def stream() -> object:
        yield b"kind=received"

    for content, headers in ((b"x" * 200_001, {}), (stream(), {}), (b"x", {"content-length": "-1"}), (b"x", {"content-length": "many"})):
        assert visit.client.post(f"/cases/{case_id(1)}/act", content=content, headers=headers).status_code == 413  # type: ignore[arg-type]


def test_a_form_that_lacks_something_is_answered_in_words_and_not_echoed(enter: Enter) -> None:
    visit = enter(ASSESSOR)
    token = field(visit.get("/cases").text, "token")
    for form in ({}, {"kind": "x" * 201}, {"kind": "received", "text": "secret words " * 2000}):
        answer = visit.client.post(f"/cases/{case_id(1)}/act", data={"token": token, **form})
        assert answer.status_code == 422 and answer.headers["content-type"].startswith("text/html")
        assert "correct it and send it again" in answer.text and "secret words" not in answer.text


def test_only_a_demo_lets_the_cookie_go_without_tls(store: Store) -> None:
    plain = Visit(TestClient(create_app(store, conf(), today=lambda: TODAY, secure=False)))
    cookie = plain.post("/in", link=issue_link(store, ASSESSOR, "test")).headers["set-cookie"]
    assert "Secure" not in cookie and "HttpOnly" in cookie
