"""A real browser at a real server: an inspector comes in by his link, answers a point and reads his answer; the page breaks no policy of its own."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import select

from jobs.respond.access import taxpayer
from jobs.respond.lists import write_lists
from jobs.respond.login import issue_link
from jobs.respond.records import CaseAction, Statement, TaskPoint
from jobs.respond.store import Store
from portal.app import create_app
from tests.portal.conftest import TODAY
from tests.respond.helpers import AS_OF, DISTRICT, case_id, conf, drawn, point, taxpayer_id

ASSESSOR = f"{DISTRICT}-assessor-01"
SALES = point(1)["point_id"]


def chromium() -> str:
    found = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: the portal is tested without a browser alone")
    return found


@pytest.fixture
def browser() -> Iterator[Any]:
    program = chromium()
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with driver.sync_playwright() as player:
        started = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def address(store: Store) -> Iterator[str]:
    """The portal served over loopback; without TLS, so its cookie may go without it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(store, conf(), today=lambda: TODAY, secure=False), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    assert server.started, "the portal did not start within 20 seconds"
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


def page_of(browser: Any, said: list[str]) -> Any:
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda fault: said.append(str(fault)))
    page.set_default_timeout(10_000)
    return page


def test_an_inspector_answers_a_point_and_a_taxpayer_states_his_case(browser: Any, address: str, store: Store) -> None:
    said: list[str] = []
    page = page_of(browser, said)
    page.goto(f"{address}/in/{issue_link(store, ASSESSOR, 'test')}")
    page.get_by_role("button", name="Enter").click()
    page.get_by_role("link", name="宁波市第1贸易有限公司").click()
    assert page.url == f"{address}/cases/{case_id(1)}"
    for button in ("Receive", "Begin"):
        page.get_by_role("button", name=button, exact=False).click()
    form = page.locator(f'form:has(input[name="point_id"][value="{SALES}"])')
    form.locator('select[name="result"]').select_option("in_part")
    form.locator('input[name="amount"]').fill("12,345.67")
    form.locator('input[name="text"]').fill("部分收入已于次月申报")
    form.get_by_role("button").click()
    answered = page.locator(".pt.answered")
    assert answered.count() == 1 and "in_part · 12,345.67" in answered.inner_text()
    assert page.evaluate("getComputedStyle(document.querySelector('.bar')).backgroundColor") != "rgba(0, 0, 0, 0)"  # the policy lets its own style in
    page.get_by_role("button", name="Leave").click()
    assert "each link works once" in page.content()

    own = page_of(browser, said)
    own.goto(f"{address}/in/{issue_link(store, taxpayer(taxpayer_id(3)), 'test')}")
    own.get_by_role("button", name="Enter").click()
    own.locator('textarea[name="text"]').fill("出口免税，已备案。")
    own.get_by_role("button", name="Send").click()
    assert "Your statement is on file" in own.content() and "出口免税，已备案。" in own.content()

    assert said == []  # no error of the page, nothing its policy had to block
    with store.read() as session:
        done = session.get(TaskPoint, (case_id(1), SALES))
        assert done is not None and (done.result, done.amount) == ("in_part", 1_234_567)
        assert session.scalars(select(CaseAction.text).where(CaseAction.kind == "point_answered")).all() == ["部分收入已于次月申报"]
        assert session.scalars(select(Statement.text)).all() == ["出口免税，已备案。"]


def test_the_list_sorts_by_a_click_under_its_own_policy(browser: Any, tmp_path: Path) -> None:
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    said: list[str] = []
    page = page_of(browser, said)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / f"{DISTRICT}.html").as_uri())

    def ranks() -> list[str]:
        return [str(t) for t in page.locator("td.rank").all_inner_texts()]

    assert ranks() == ["1", "2", "3", "4"]
    page.locator("thead th").first.click()
    page.locator("thead th").first.click()
    assert ranks() == ["4", "3", "2", "1"] and said == [] and len(asked) == 1
