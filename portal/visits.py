"""Coming and going: a one-time link becomes a session; every form must have been made by the session that sends it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from jobs.respond.login import SESSION_LASTS, Visitor, form_is_own, leave, redeem, visitor
from portal.pages import COOKIE, portal, show

router = APIRouter()


class Nobody(Exception):
    """Nobody is logged in, or not somebody of this kind."""


def anyone(request: Request) -> Visitor:
    """The visitor of this session. Nobody otherwise."""
    found = visitor(portal(request).store, request.cookies.get(COOKIE))
    if found is None:
        raise Nobody
    return found


def official(who: Annotated[Visitor, Depends(anyone)]) -> str:
    """The staff number of an official. Nobody otherwise."""
    if who.taxpayer_id is not None:
        raise Nobody
    return who.subject


def taxpayer(who: Annotated[Visitor, Depends(anyone)]) -> str:
    """The id of a taxpayer. Nobody otherwise."""
    if who.taxpayer_id is None:
        raise Nobody
    return who.taxpayer_id


def own_form(request: Request, token: Annotated[str, Form()] = "") -> None:
    """Refuse a form that another site sent. Nobody otherwise."""
    secret = request.cookies.get(COOKIE)
    if not secret or not form_is_own(secret, token):
        raise Nobody


@router.get("/")
def home(who: Annotated[Visitor, Depends(anyone)]) -> Response:
    """The page of whoever is there."""
    return RedirectResponse("/cases" if who.taxpayer_id is None else "/me", status_code=303)


@router.get("/in/{link}")
def door(request: Request, link: str) -> Response:
    """Ask before a link is used up: mail scanners open links too."""
    return show(request, "door.html.j2", link=link)


@router.post("/in")
def enter(request: Request, link: Annotated[str, Form(max_length=200)]) -> Response:
    """Exchange a link for a session."""
    secret = redeem(portal(request).store, link)
    if secret is None:
        return show(request, "message.html.j2", status=401, zh="链接无效或已使用，请联系主管税务机关重新获取。", en="The link is unknown or used up; ask your tax office for another.")
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(COOKIE, secret, max_age=int(SESSION_LASTS.total_seconds()), httponly=True, samesite="strict", secure=portal(request).secure)
    return answer


@router.post("/out", dependencies=[Depends(own_form)])
def out(request: Request) -> Response:
    """End the session."""
    leave(portal(request).store, request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer
