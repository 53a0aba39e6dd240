"""What offices do with a night's cases: some are left lying, the others go through their stages with answers that follow from truth.

Offices differ in how much of a list they work. An inspection takes months, so that many answers come only with a later step.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from jobs.economy.answers import Answer, Case, answers
from jobs.economy.dossier import Dossier
from jobs.economy.enforcing import ByCause
from jobs.economy.findings import CONFIRMED, IN_PART, NEW, RESULTS
from jobs.economy.inspectors import code, skill
from jobs.economy.outcomes import after_closing
from jobs.economy.reactions import (
    CAREFUL,
    CAREFUL_FACTOR,
    CARELESS,
    CARELESS_FACTOR,
    NONE,
    NOT_WORKED,
    REACTIONS,
    SHUT,
    STARTS,
    does_less,
    takes_heart,
)
from jobs.economy.reminded import NONE_CAUSE, Response, answer, effect_of
from jobs.economy.world import ACT_FACTOR, ACT_SHUT, ACT_START, TAXES, World, month_number

LASTS = {"guide": (5, 25), "interview": (10, 40), "assess": (20, 75), "inspect": (60, 150)}
EFFORT = {"guide": 0.5, "interview": 1.0, "assess": 5.0, "inspect": 20.0}
STATEMENTS = ("已按规定申报，差异系开票时间与收入确认时间不同所致。", "该批货物质量存在问题，已与客户协商退货。", "人员变动，会计交接时漏报，请予核实。", "本年度扩大经营，存货增加属正常备货。")
ANSWER = "已核对所附资料，意见已在认定中考虑。"


def work(world: World, known: Mapping[str, Dossier], points: Mapping[str, dict[str, Any]], selection: list[dict[str, Any]], as_of: date, response: Response) -> None:
    """Add to the response what offices do with the selections of a night. Reminders are letters: no office works them.

    ValueError for a case of an office that the country does not have.
    """
    executes = world.country.place.executes
    for row in sorted(selection, key=lambda r: r["case_id"]):
        dossier = known.get(row["taxpayer_id"])
        if dossier is None or row["treatment"] not in LASTS:
            continue
        if row["office_id"] not in executes:
            raise ValueError(f"case {row['case_id']}: the country has no office {row['office_id']}; it has {', '.join(sorted(executes))} (place in its YAML)")
        case = Case(row, dossier, [points[p] for p in row["points"] or [] if p in points], as_of)
        if float(world.chance.uniform("executes", *case.key)) < executes[row["office_id"]]:
            _examine(world, case, response)
        else:
            _neglect(world, case, response)


def _neglect(world: World, case: Case, response: Response) -> None:
    c, received = world.chance, case.as_of + timedelta(days=int(world.chance.whole(2, 25, "received", *case.key)))
    _note(world, case, case.as_of, NONE_CAUSE, NOT_WORKED, month_number(world, case.as_of) + 1, 1.0, response)
    fate = int(c.pick([0.45, 0.35, 0.12, 0.08], "neglect", *case.key))
    if fate == 0:
        return
    if fate == 3:
        response.actions.append(action(case, "returned", received, "dispatcher", reason_code="wrong_office"))
        return
    response.actions.append(action(case, "received", received, "dispatcher"))
    if fate == 2:
        response.actions.append(action(case, "dropped", received + timedelta(days=30), "supervisor", reason_code="no_capacity"))


def _examine(world: World, case: Case, response: Response) -> None:
    c, key, treatment = world.chance, case.key, case.row["treatment"]
    received = case.as_of + timedelta(days=int(c.whole(1, 8, "received", *key)))
    begun = received + timedelta(days=int(c.whole(2, 25, "begun", *key)))
    low, high = LASTS[treatment]
    closed = begun + timedelta(days=int(c.whole(low, high, "closed", *key)))
    if treatment == "guide":
        _guide(world, case, begun, response)
    said, examiner = answers(world, case, response), case.examiner(world)
    response.actions += [action(case, "received", received, "dispatcher"), action(case, "begun", begun, examiner)]
    if treatment != "guide" and float(c.uniform("speaks", *key)) < 0.3:
        text = STATEMENTS[int(c.whole(0, len(STATEMENTS), "says", *key))]
        heard = begun + (closed - begun) / 3
        response.actions.append(action(case, "statement", heard, "taxpayer", text=text))
        response.actions.append(action(case, "statement_answered", begun + (closed - begun) * 2 / 3, examiner, text=ANSWER))
    large = case.row["office_id"] == str(world.country.place.large_office)
    effort = round(EFFORT[treatment] * float(c.between(0.6, 1.6, "effort", *key)) * (2.0 if large else 1.0), 1)
    for n, one in enumerate(said):
        day = begun + (closed - begun) * (0.4 + 0.6 * (n + 1) / (len(said) + 1))
        response.actions.append(_answered(case, one, max(day, begun + timedelta(days=1)), examiner))
    response.actions.append(action(case, "closed", closed, examiner, effort_days=effort))
    if treatment != "guide":
        raised = [a for a in said if a.amount > 0 and a.result in (CONFIRMED, IN_PART, NEW)]
        after_closing(world, case, raised, closed, response)
        _aftermath(world, case, raised, closed, response)


def _guide(world: World, case: Case, begun: date, response: Response) -> None:
    """A visit explains the points, as a letter would, in person."""
    about = [p for p in case.points if p["tax"] in TAXES]
    if about:
        effect = answer(world, case.dossier, about, begun, world.country.effects.guide, response)
        response.effects.append(_about(world, case, begun) | effect)


def _aftermath(world: World, case: Case, raised: list[Answer], closed: date, response: Response) -> None:
    """Conduct from the month after the closing on, by cause. Firms that exist only for fraud are shut down by an inspection that finds it."""
    dossier, key, month = case.dossier, case.key, month_number(world, closed) + 1
    cause = dossier.cause if dossier.evades else "ignorance" if raised else NONE_CAUSE
    effects = world.country.effects
    moved = _moves(world, case, cause, effects.examine if case.thorough else effects.interview)
    reaction, factor, kind = NONE, 1.0, ACT_FACTOR
    if dossier.fleeting:
        if raised and case.row["treatment"] == "inspect":
            reaction, kind = SHUT, ACT_SHUT
    elif dossier.evades:
        if raised and moved:
            left, how = does_less(world, *key)
            reaction, factor = int(how), float(left)
    elif dossier.honest and raised:
        reaction, factor = (CAREFUL, CAREFUL_FACTOR) if moved else (NONE, 1.0)
    elif dossier.honest:
        reaction = int(takes_heart(world, *key))
        factor = {CARELESS: CARELESS_FACTOR, STARTS: float(world.chance.between(0.5, 1.0, "a little", *key))}.get(reaction, 1.0)
        kind = ACT_START if reaction == STARTS else ACT_FACTOR
    if reaction != NONE:
        response.acts.append((dossier.firm, month, factor, kind))
    _note(world, case, closed, cause, reaction, month, factor, response)


def _moves(world: World, case: Case, cause: str, chances: ByCause) -> bool:
    return cause != NONE_CAUSE and float(world.chance.uniform("does less", *case.key)) < getattr(chances, cause)


def _note(world: World, case: Case, day: date, cause: str, reaction: int, month: int, factor: float, response: Response) -> None:
    response.effects.append(_about(world, case, day) | effect_of(world, case.dossier, cause, REACTIONS[reaction], month, factor))


def _about(world: World, case: Case, day: date) -> dict[str, Any]:
    """Who treated, how and when."""
    who = case.inspector(world)
    return {
        "case_id": case.row["case_id"], "treatment": case.row["treatment"], "case_source": case.row.get("case_source"), "probability": case.row.get("inclusion_probability"),
        "office_id": case.row["office_id"], "inspector": code(who), "skill": float(skill(world, np.array(who))), "given_on": day,
    }  # fmt: skip


def _answered(case: Case, a: Answer, day: date, examiner: str) -> dict[str, Any]:
    amount = a.amount / 100 if a.result in (CONFIRMED, IN_PART, NEW) else None
    said = {"point_id": a.point_id, "risk_code": a.code, "tax": a.tax, "period_from": str(a.first), "period_to": str(a.last), "result": RESULTS[a.result]}
    return action(case, "point_answered", day, examiner, **said, reason_code=a.reason, amount=amount)


def action(case: Case, kind: str, day: date, post: str, **more: Any) -> dict[str, Any]:
    """One line for the case store; what is None is left out."""
    row = {"case_id": case.row["case_id"], "event_on": day.isoformat(), "kind": kind, "post": post, "office_id": case.row["office_id"], **more}
    return {name: value for name, value in row.items() if value is not None}
