"""A portal over a real case store with the drawn night in it, and visitors who come in by the door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from jobs.respond.access import taxpayer
from jobs.respond.handover import hand_over
from jobs.respond.login import issue_link
from jobs.respond.posts import staff
from jobs.respond.store import Store
from portal.app import create_app
from tests.respond.helpers import AS_OF, OFFICIAL, conf, drawn, taxpayer_id

TODAY = date(2026, 2, 10)


def field(page: str, name: str) -> str:
    """The value of a hidden field of a page's first form that has it; empty when there is none."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return found.group(1) if found else ""


class Visit:
    """Somebody in front of the portal, with the cookie he was given."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str) -> Response:
        return self.client.get(path, follow_redirects=False)

    def post(self, path: str, page: str = "", **form: str) -> Response:
        """Send a form as the page at `page` makes it: with its token and its number."""
        given = self.get(page).text if page else ""
        own = {k: field(given, k) for k in ("token", "once")} if page else {}
        return self.client.post(path, data={**own, **form}, follow_redirects=False)

    def act(self, case_id: str, kind: str, **form: str) -> Response:
        """Do an act on a case by its page, or by a form of one's own making where the page is not to be seen."""
        return self.post(f"/cases/{case_id}/act", page="/cases/" + case_id if self.get(f"/cases/{case_id}").status_code == 200 else "/cases", kind=kind, **form)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'cases.db'}")
    staff(opened, conf(), AS_OF)
    hand_over(opened, conf(), drawn(), AS_OF, OFFICIAL)
    yield opened
    opened.close()


@pytest.fixture
def nobody(store: Store) -> Visit:
    """A visitor who has not come in; cookies go over TLS alone, as in production."""
    return Visit(TestClient(create_app(store, conf(), today=lambda: TODAY), base_url="https://portal.test"))


Enter = Callable[[str], Visit]


@pytest.fixture
def enter(store: Store) -> Enter:
    """Come in as a staff number."""

    def come(subject: str) -> Visit:
        visit = Visit(TestClient(create_app(store, conf(), today=lambda: TODAY), base_url="https://portal.test"))
        assert visit.post("/in", link=issue_link(store, subject, "test")).status_code == 303
        return visit

    return come


@pytest.fixture
def enter_taxpayer(enter: Enter) -> Callable[[int], Visit]:
    """Come in as taxpayer n."""
    return lambda n: enter(taxpayer(taxpayer_id(n)))
