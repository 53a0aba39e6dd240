"""Pages of taxpayers: what we wrote, what they state, and our answers. Nothing else about them, and nothing about anybody else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from jobs.respond import access
from jobs.respond.access import Refusal
from jobs.respond.desk import letters_of, statements_of
from jobs.respond.letters import letter_html
from jobs.respond.workflow import Action, act
from portal.pages import once_key, portal, show
from portal.visits import own_form, taxpayer

router = APIRouter(prefix="/me")
Own = Annotated[str, Depends(taxpayer)]


@router.get("")
def mine(request: Request, own: Own, sent: bool = False) -> Response:
    """Letters, statements and answers of this taxpayer."""
    store = portal(request).store
    return show(request, "me.html.j2", letters=letters_of(store, own), statements=statements_of(store, own), visitor=own, sent=sent)


@router.get("/letters/{letter_id}")
def letter(request: Request, own: Own, letter_id: str) -> Response:
    """One letter as it was sent, to read or print."""
    for found in letters_of(portal(request).store, own):
        if found["letter_id"] == letter_id:
            policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
            return HTMLResponse(letter_html(found), headers={"Content-Security-Policy": policy})
    raise Refusal("unknown_case", "no such letter")


@router.post("/statement", dependencies=[Depends(own_form)])
def state(request: Request, own: Own, letter_id: Annotated[str, Form(max_length=64)], text: Annotated[str, Form(max_length=20000)],
          once: Annotated[str, Form(max_length=200)] = "") -> Response:
    """Put a statement on file. It is answered, and never counts against the taxpayer."""
    parts = portal(request)
    case_id = next((found["case_id"] for found in letters_of(parts.store, own) if found["letter_id"] == letter_id), None)
    if case_id is None:
        raise Refusal("unknown_case", "no such letter")
    act(parts.store, parts.conf, Action(case_id, "statement", parts.today(), access.taxpayer(own), text=text, key=once_key(once, f"{own}|{case_id}|{text}")))
    return RedirectResponse("/me?sent=true", status_code=303)
