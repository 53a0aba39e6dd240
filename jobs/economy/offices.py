"""What offices do with a night's cases: some are left lying, the others go through their stages with answers that follow from truth.

Offices differ in how much of a list they work. An inspection takes months, so that many answers come only with a later step.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from jobs.economy.answers import Answer, Case, answers
from jobs.economy.dossier import Dossier
from jobs.economy.findings import CONFIRMED, IN_PART, NEW, RESULTS
from jobs.economy.kinds import MILL, MISSING
from jobs.economy.reminded import Response
from jobs.economy.world import World, month_number

EXECUTES = {"330203": 0.95, "330205": 0.85, "330206": 0.6, "330211": 0.9, "330212": 0.75, "330298": 0.92, "330299": 0.82}
LASTS = {"guide": (5, 25), "interview": (10, 40), "assess": (20, 75), "inspect": (60, 150)}
EFFORT = {"guide": 0.5, "interview": 1.0, "assess": 5.0, "inspect": 20.0}
STATEMENTS = ("已按规定申报，差异系开票时间与收入确认时间不同所致。", "该批货物质量存在问题，已与客户协商退货。", "人员变动，会计交接时漏报，请予核实。", "本年度扩大经营，存货增加属正常备货。")
ANSWER = "已核对所附资料，意见已在认定中考虑。"


def work(world: World, known: Mapping[str, Dossier], points: Mapping[str, dict[str, Any]], selection: list[dict[str, Any]], as_of: date, response: Response) -> None:
    """Add to the response what offices do with the selections of a night. Reminders are letters: no office works them."""
    for row in sorted(selection, key=lambda r: r["case_id"]):
        dossier = known.get(row["taxpayer_id"])
        if dossier is None or row["treatment"] not in LASTS:
            continue
        case = Case(row, dossier, [points[p] for p in row["points"] or [] if p in points], as_of)
        if float(world.chance.uniform("executes", *case.key)) < EXECUTES.get(row["office_id"], 0.8):
            _examine(world, case, response)
        else:
            _neglect(world, case, response)


def _neglect(world: World, case: Case, response: Response) -> None:
    c, received = world.chance, case.as_of + timedelta(days=int(world.chance.whole(2, 25, "received", *case.key)))
    fate = int(c.pick([0.45, 0.35, 0.12, 0.08], "neglect", *case.key))
    if fate == 0:
        return
    if fate == 3:
        response.actions.append(_action(case, "returned", received, "dispatcher", reason_code="wrong_office"))
        return
    response.actions.append(_action(case, "received", received, "dispatcher"))
    if fate == 2:
        response.actions.append(_action(case, "dropped", received + timedelta(days=30), "supervisor", reason_code="no_capacity"))


def _examine(world: World, case: Case, response: Response) -> None:
    c, key, treatment = world.chance, case.key, case.row["treatment"]
    received = case.as_of + timedelta(days=int(c.whole(1, 8, "received", *key)))
    begun = received + timedelta(days=int(c.whole(2, 25, "begun", *key)))
    low, high = LASTS[treatment]
    closed = begun + timedelta(days=int(c.whole(low, high, "closed", *key)))
    said = answers(world, case, response)
    response.actions += [_action(case, "received", received, "dispatcher"), _action(case, "begun", begun, case.examiner)]
    if treatment != "guide" and float(c.uniform("speaks", *key)) < 0.3:
        text = STATEMENTS[int(c.whole(0, len(STATEMENTS), "says", *key))]
        heard = begun + (closed - begun) / 3
        response.actions.append(_action(case, "statement", heard, "taxpayer", text=text))
        response.actions.append(_action(case, "statement_answered", begun + (closed - begun) * 2 / 3, case.examiner, text=ANSWER))
    effort = round(EFFORT[treatment] * float(c.between(0.6, 1.6, "effort", *key)) * (2.0 if case.row["office_id"] == "330298" else 1.0), 1)
    for n, answer in enumerate(said):
        day = begun + (closed - begun) * (0.4 + 0.6 * (n + 1) / (len(said) + 1))
        response.actions.append(_answered(case, answer, max(day, begun + timedelta(days=1))))
    response.actions.append(_action(case, "closed", closed, case.examiner, effort_days=effort))
    if treatment != "guide":
        _aftermath(world, case, said, closed, response)


def _aftermath(world: World, case: Case, said: list[Answer], closed: date, response: Response) -> None:
    """What follows a finding: payment, and conduct from then on. Mills and missing traders pay nothing and are shut down."""
    c, key, dossier = world.chance, case.key, case.dossier
    raised = [a for a in said if a.amount > 0 and a.result in (CONFIRMED, IN_PART, NEW)]
    if not raised:
        return
    fleeting = dossier.typology in (MILL, MISSING)
    pays = float(c.uniform("pays finding", *key)) < (0.1 if fleeting else 0.8)
    paid_on = closed + timedelta(days=int(c.whole(10, 60, "paid", *key)))
    for a in raised:
        response.findings.append({
            "firm": dossier.firm, "taxpayer_id": dossier.taxpayer_id, "tax": a.tax, "period_from": a.first, "period_to": a.last, "amount": a.amount, "found_on": closed,
            "paid_on": paid_on if pays else None, "case_id": case.row["case_id"],
        })  # fmt: skip
    if pays:
        response.actions.append(_action(case, "paid", paid_on, "collector", amount=sum(a.amount for a in raised) / 100))
    month = month_number(world, closed) + 1
    if fleeting and case.row["treatment"] == "inspect":
        response.acts.append((dossier.firm, month, 1.0, 1))
    elif dossier.evades and float(c.uniform("stops", *key)) < 0.6:
        response.acts.append((dossier.firm, month, 0.2, 0))


def _answered(case: Case, a: Answer, day: date) -> dict[str, Any]:
    amount = a.amount / 100 if a.result in (CONFIRMED, IN_PART, NEW) else None
    said = {"point_id": a.point_id, "risk_code": a.code, "tax": a.tax, "period_from": str(a.first), "period_to": str(a.last), "result": RESULTS[a.result]}
    return _action(case, "point_answered", day, case.examiner, **said, reason_code=a.reason, amount=amount)


def _action(case: Case, kind: str, day: date, post: str, **more: Any) -> dict[str, Any]:
    row = {"case_id": case.row["case_id"], "event_on": day.isoformat(), "kind": kind, "post": post, "office_id": case.row["office_id"], **more}
    return {name: value for name, value in row.items() if value is not None}
