"""Pages of officials: the list within one's reach, one case, and what may be done to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from jobs.respond.access import Refusal
from jobs.respond.answers import EXCLUDED, RESULTS
from jobs.respond.desk import case_file, worklist
from jobs.respond.feedback import read_action
from jobs.respond.workflow import act
from portal.pages import once_key, portal, show
from portal.visits import official, own_form

router = APIRouter(prefix="/cases")
Person = Annotated[str, Depends(official)]
Short = Annotated[str, Form(max_length=200)]


@router.get("")
def cases(request: Request, person: Person, over: bool = False) -> Response:
    """The list of cases."""
    parts = portal(request)
    offices = {o.id: o.name for o in parts.conf.offices}
    return show(request, "cases.html.j2", lines=worklist(parts.store, parts.conf, person, parts.today(), over), offices=offices, visitor=person, over=over)


@router.get("/{case_id}")
def case(request: Request, person: Person, case_id: str) -> Response:
    """One case with its points, statements and history."""
    parts = portal(request)
    found = case_file(parts.store, parts.conf, person, case_id, parts.today())
    offices = {o.id: o.name for o in parts.conf.offices}
    results, reasons = [r for r in RESULTS if r != "new"], EXCLUDED
    return show(request, "case.html.j2", file=found, offices=offices, visitor=person, results=results, excluded=reasons, register=sorted(parts.conf.register_))


@router.post("/{case_id}/act", dependencies=[Depends(own_form)])
def do(request: Request, person: Person, case_id: str, kind: Short, event_on: Short = "", point_id: Short = "", result: Short = "", reason_code: Short = "",
       amount: Short = "", effort_days: Short = "", risk_code: Short = "", tax: Short = "", period_from: Short = "", period_to: Short = "", to_office: Short = "",
       text: Annotated[str, Form(max_length=20000)] = "", once: Short = "") -> Response:
    """Do one act; the workflow decides whether it may be done."""
    parts = portal(request)
    given = {
        "case_id": case_id, "kind": kind, "event_on": event_on or parts.today().isoformat(), "person": person, "point_id": point_id, "result": result, "reason_code": reason_code,
        "amount": amount.replace(",", ""), "effort_days": effort_days, "risk_code": risk_code, "tax": tax, "period_from": period_from, "period_to": period_to,
        "to_office": to_office, "text": text,
    }
    try:
        action = read_action(given)
    except ValueError as fault:
        raise Refusal("unreadable", f"{fault}; correct it and send the form again") from None
    if action.event_on > parts.today() or action.event_on < date(2000, 1, 1):
        raise Refusal("date", f"{action.event_on} is not a day that has been; give the day it really happened")
    act(parts.store, parts.conf, replace(action, key=once_key(once, action.key or "")))  # not by content alone: an answer may be given, changed, given again
    return RedirectResponse(f"/cases/{case_id}", status_code=303)
