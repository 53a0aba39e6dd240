"""What all pages share: the portal's parts, and how a page is shown."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from jobs.conf import Conf
from jobs.respond.login import form_token
from jobs.respond.pages import environment
from jobs.respond.store import Store

COOKIE = "assay"


@dataclass(frozen=True)
class Portal:
    """The parts a page needs."""

    store: Store
    conf: Conf
    today: Callable[[], date]
    secure: bool


def portal(request: Request) -> Portal:
    """The parts of the application that serves this request."""
    found: Portal = request.app.state.portal
    return found


def show(request: Request, template: str, status: int = 200, **content: Any) -> HTMLResponse:
    """Render a page; forms get the session's token, styles the answer's nonce."""
    secret = request.cookies.get(COOKIE)
    parts = portal(request)
    common = {
        "house": parts.conf.house.name, "nonce": request.state.nonce, "once": secrets.token_urlsafe(12), "today": parts.today(), "token": form_token(secret) if secret else "", "visitor": None,
    }
    return HTMLResponse(_templates().get_template(template).render(**{**common, **content}), status_code=status)


def once_key(once: str, content: str) -> str | None:
    """The key under which a form counts once: the same page sent twice with the same content. Another page, or other content, is another act."""
    return hashlib.sha256(f"form|{once}|{content}".encode()).hexdigest() if once else None


@cache
def _templates() -> Environment:
    return environment(Path(__file__).parent / "templates")
