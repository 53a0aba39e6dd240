"""The application: security headers on every answer, small requests only, and errors that say what to do without telling what exists."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import date
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response

from jobs.conf import Conf, load
from jobs.lake.lake import now
from jobs.respond.access import Refusal
from jobs.respond.store import Store
from portal import officials, taxpayers, visits
from portal.pages import Portal, show

_MOST_BYTES = 200_000
Next = Callable[[Request], Awaitable[Response]]


def create_app(store: Store, conf: Conf, today: Callable[[], date] | None = None, secure: bool = True) -> FastAPI:
    """The portal over one store. `secure`: cookies over TLS alone (off only for a test or a demo on this machine)."""
    app = FastAPI(title="Assay portal", docs_url=None, redoc_url=None, openapi_url=None)
    zone = ZoneInfo(conf.house.zone)
    app.state.portal = Portal(store, conf, today or (lambda: now().astimezone(zone).date()), secure)
    app.include_router(visits.router)
    app.include_router(officials.router)
    app.include_router(taxpayers.router)
    app.middleware("http")(_guard)
    app.add_exception_handler(visits.Nobody, _nobody)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(404, _missing)
    return app


def from_environment() -> FastAPI:
    """For `uvicorn portal.app:from_environment --factory`: ASSAY_CASES names the store, ASSAY_CONF the configuration."""
    import os

    conf = load()
    url = os.environ.get("ASSAY_CASES") or conf.house.case_store
    if not url:
        raise RuntimeError("no case store: set ASSAY_CASES to its SQLAlchemy URL, or case_store in conf/assay.yaml")
    return create_app(Store.open(url), conf, secure=os.environ.get("ASSAY_PORTAL_PLAIN") != "1")


async def _guard(request: Request, call_next: Next) -> Response:
    request.state.nonce = secrets.token_urlsafe(16)
    size = request.headers.get("content-length", "")
    small = request.method != "POST" or (size.isdecimal() and int(size) <= _MOST_BYTES)
    answer = await call_next(request) if small else HTMLResponse("413", status_code=413)
    answer.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'nonce-{request.state.nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    )
    answer.headers.update({
        "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
    })
    return answer


async def _nobody(request: Request, _: Exception) -> Response:
    if request.method == "GET" and request.url.path == "/":
        return show(request, "welcome.html.j2")
    return show(request, "message.html.j2", status=401, zh="请使用收到的登录链接登录。", en="Please enter with the link you were given.")


async def _refused(request: Request, fault: Exception) -> Response:
    code = fault.code if isinstance(fault, Refusal) else ""
    if code in ("unknown_case", "not_granted"):
        return await _missing(request, fault)
    return show(request, "message.html.j2", status=409, zh="该操作未办理。", en=f"Not done: {fault}")


async def _unreadable(request: Request, _: Exception) -> Response:
    return show(request, "message.html.j2", status=422, zh="表单缺少内容或内容过长，请更正后重新提交。", en="The form lacks something or a text is too long; correct it and send it again.")


async def _missing(request: Request, _: Exception) -> Response:
    return show(request, "message.html.j2", status=404, zh="没有这一页，或您无权查看。", en="There is no such page, or it is not yours to see.")
