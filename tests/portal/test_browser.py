"""A real browser at a real server: an inspector comes in by his link, answers a point and reads his answer; the page breaks no policy of its own."""

from __future__ import annotations

import re
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
from jobs.respond.feedback import Applied
from jobs.respond.handover import hand_over
from jobs.respond.lists import write_lists
from jobs.respond.login import issue_link
from jobs.respond.posts import staff
from jobs.respond.records import CaseAction, Statement, TaskPoint
from jobs.respond.returned_csv import CASE_SHEET, NEW_SHEET, POINT_SHEET
from jobs.respond.returned_list import import_list
from jobs.respond.store import Store
from portal.app import create_app
from tests.portal.conftest import TODAY
from tests.respond.helpers import AS_OF, DISTRICT, OFFICIAL, case_id, conf, drawn, person, point, rows, taxpayer_id
from tests.respond.test_lists import DANGEROUS

ASSESSOR = f"{DISTRICT}-assessor-01"
SALES, COST = point(1)["point_id"], point(1, "cit_cost_inflated", "CIT")["point_id"]


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


def fill(page: Any, sheet: str, number: str, at: int = 0, **cells: str) -> None:
    """Fill in one row of the list's page: of a case or point, by its number; `at`: which of several."""
    row = page.locator(f'[data-sheet="{sheet}"][data-locked*="{number}"]').nth(at)
    row.evaluate("row => { for (let d = row.closest('details'); d; d = d.parentElement.closest('details')) d.open = true; }")
    for key, value in cells.items():
        field = row.locator(f'[data-cell="{key}"]')
        if field.evaluate("f => f.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def save(page: Any, folder: Path) -> Path:
    with page.expect_download() as started:
        page.get_by_role("button", name="Save what was filled in").click()
    target = folder / str(started.value.suggested_filename)
    started.value.save_as(target)
    return target


def test_the_list_is_filled_in_on_its_page_saved_and_read_back(browser: Any, store: Store, tmp_path: Path) -> None:
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    said: list[str] = []
    page = page_of(browser, said)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.split(":")[0]))
    page.goto((tmp_path / f"{DISTRICT}.html").as_uri())
    page.locator("thead th").first.click()
    page.locator("thead th").first.click()  # sorted the other way: the fields go with their case
    fill(page, CASE_SHEET, case_id(1), received_on="2026-02-01", begun_on="2026-02-03", outcome="closed", outcome_on="2026-03-01", effort_spent="4.5", remark="已补缴, \"全部\"")
    fill(page, POINT_SHEET, SALES, answered_on="2026-02-20", result="confirmed", adjusted="24,395.55")
    fill(page, POINT_SHEET, COST, answered_on="2026-02-21", result="excluded", reason_code="innocent_explanation", remark="=1+1;=2")
    fill(page, CASE_SHEET, case_id(2), outcome="returned", outcome_on="2026-02-02", outcome_reason="wrong_office", remark="'=x")
    fill(page, CASE_SHEET, case_id(5), received_on="2026-02-01", begun_on="2026-02-02")
    new = {"risk_code": "vat_sales_understated", "tax": "VAT", "period_from": "2026-01-01", "answered_on": "2026-02-09"}
    fill(page, NEW_SHEET, case_id(5), period_to="2026-01-31", adjusted="-300", **new)
    page.locator("tbody", has_text=case_id(5)).get_by_role("button", name="Add a row").click()
    fill(page, NEW_SHEET, case_id(5), 1, period_to="2026-01-30", adjusted="1,200", **new)
    assert "已填 7 行" in page.locator("#said").inner_text()
    path = save(page, tmp_path)
    assert path.name == f"{DISTRICT}_{AS_OF}.csv" and path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert "已保存 7 行" in page.locator("#said").inner_text() and said == [] and set(asked) <= {"file", "blob"}

    assert import_list(store, conf(), path, ASSESSOR) == Applied(10, 0, ())
    with store.read() as session:
        done = {a.point_id or a.kind: a for a in session.scalars(select(CaseAction).where(CaseAction.case_id == case_id(1), CaseAction.person == ASSESSOR))}
        assert {k: (str(a.event_on), a.result, a.reason_code, a.amount, a.effort_days, a.text) for k, a in done.items()} == {
            "received": ("2026-02-01", None, None, None, None, None), "begun": ("2026-02-03", None, None, None, None, None),
            SALES: ("2026-02-20", "confirmed", None, 2_439_555, None, None), COST: ("2026-02-21", "excluded", "innocent_explanation", None, None, "=1+1;=2"),
            "closed": ("2026-03-01", None, None, None, 4.5, "已补缴, \"全部\""),
        }
        assert session.scalars(select(CaseAction.text).where(CaseAction.case_id == case_id(2), CaseAction.kind == "returned")).all() == ["'=x"]
        found = select(CaseAction.case_id, CaseAction.amount).where(CaseAction.result == "new").order_by(CaseAction.amount)
        assert [tuple(r) for r in session.execute(found)] == [(case_id(5), -30_000), (case_id(5), 120_000)]
    assert import_list(store, conf(), save(page, tmp_path), ASSESSOR) == Applied(0, 10, ())  # saved again, sent again


@pytest.mark.parametrize(("cells", "wrong"), [
    ({"answered_on": "2026-02-20", "result": "confirmed", "adjusted": "1.234,50"}, "adjusted"),
    ({"answered_on": "2026-02-20", "result": "confirmed", "adjusted": "two"}, "adjusted"),
    ({"answered_on": "2026-02-20", "result": "confirmed", "adjusted": "12,34"}, "adjusted"),
    ({"answered_on": "1026-02-20", "result": "confirmed", "adjusted": "5"}, "answered_on"),
])
def test_what_cannot_be_read_is_marked_and_not_saved(browser: Any, tmp_path: Path, cells: dict[str, str], wrong: str) -> None:
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    page = page_of(browser, [])
    downloads: list[Any] = []
    page.on("download", lambda download: downloads.append(download.suggested_filename))
    page.goto((tmp_path / f"{DISTRICT}.html").as_uri())
    fill(page, POINT_SHEET, SALES, **cells)
    page.locator(f'[data-locked*="{SALES}"]').evaluate("row => row.closest('details').open = false")
    page.get_by_role("button", name="Save").click()
    assert "Not saved" in page.locator("#said").inner_text() and downloads == []
    assert page.locator("[aria-invalid=true]").evaluate_all("all => all.map(f => f.dataset.cell)") == [wrong]
    assert page.locator("[aria-invalid=true]").is_visible()  # its case was folded


def test_what_is_still_lacking_is_said_when_it_is_saved(browser: Any, store: Store, tmp_path: Path) -> None:
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    page = page_of(browser, [])
    page.goto((tmp_path / f"{DISTRICT}.html").as_uri())
    page.get_by_role("button", name="Save").click()
    assert "nothing filled in" in page.locator("#said").inner_text()
    fill(page, CASE_SHEET, case_id(1), received_on="2026-02-01")  # a day alone says enough
    fill(page, POINT_SHEET, SALES, remark="asked for the contract")
    path = save(page, tmp_path)
    assert page.locator("[aria-invalid=true]").evaluate_all("all => all.map(f => f.dataset.cell)") == ["answered_on", "result"]
    done = import_list(store, conf(), path, ASSESSOR)
    assert (done.done, [(r.place, r.message.split(":")[0]) for r in done.refused]) == (1, [(f"{path.name}:3", "result")])


def test_names_that_would_be_formulas_come_back_as_the_text_they_are(browser: Any, tmp_path: Path) -> None:
    """Whatever separates cells, none of the file begins with a formula's sign; and the rows are still those of the case."""
    names = [*DANGEROUS, "甲;=1+1|@x", "'=quoted", "  =led by spaces", "－全角", 'a";=1;"b', "x\n=y\t=z"]
    for at in range(0, len(names), 6):
        some = names[at : at + 6]
        night = drawn() | {"taxpayer": rows("taxpayer", [person(n, some[n - 1]) if n <= len(some) else person(n) for n in range(1, 8)])}
        folder = tmp_path / str(at)
        store = Store.open(f"sqlite:///{tmp_path / f'{at}.db'}")
        staff(store, conf(), AS_OF)
        hand_over(store, conf(), night, AS_OF, OFFICIAL)
        write_lists(night, AS_OF, conf(), folder)
        page = page_of(browser, [])
        page.goto((folder / f"{DISTRICT}.html").as_uri())
        for n in (1, 2, 5, 6):
            fill(page, CASE_SHEET, case_id(n), received_on="2026-02-01", begun_on="2026-02-02")
        fill(page, POINT_SHEET, SALES, answered_on="2026-02-20", result="not_examined")
        path = save(page, folder)
        cells = re.split(r'[,;|\t\r\n]', path.read_text(encoding="utf-8-sig"))
        assert [c for c in cells if re.match(r'[" ]*[=+@＝＋－＠]|[" ]*-(?!\d+(\.\d+)?"?$)', c)] == []
        assert import_list(store, conf(), path, ASSESSOR) == Applied(9, 0, ())
        store.close()


def test_without_script_or_on_paper_the_fields_are_empty_boxes_to_write_in(browser: Any, tmp_path: Path) -> None:
    write_lists(drawn(), AS_OF, conf(), tmp_path)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((tmp_path / f"{DISTRICT}.html").as_uri())
    assert not page.locator("#save").is_visible() and page.get_by_role("button", name="Add a row").count() == 0
    page.emulate_media(media="print")
    boxes = page.locator("[data-cell]")
    assert boxes.count() == 4 * 7 + 3 * 5 + 4 * 7
    for n in range(boxes.count()):
        box = boxes.nth(n).bounding_box()  # folded cases are printed too
        assert box is not None and box["width"] > 60 and box["height"] > 20
    look = boxes.evaluate_all("all => all.map(f => [f.type === 'date' ? getComputedStyle(f).color : '', getComputedStyle(f).appearance, getComputedStyle(f).borderTopWidth].join(' '))")
    assert set(look) == {"rgba(0, 0, 0, 0) none 1px", " none 1px"}  # an empty date shows no mm/dd/yyyy
    assert page.locator(".codes").first.is_visible()
