"""What taxpayers do when reminded or guided: the forgetful and the ignorant mostly correct, opportunists sometimes, the intent hardly ever.

Of the evaders who correct, some do less from then on; the others have only paid once. Firms that exist only for fraud do not answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from jobs.economy.dossier import Dossier, Period
from jobs.economy.enforcing import ByCause
from jobs.economy.reactions import CAREFUL, CAREFUL_FACTOR, CORRECTS, NONE, REACTIONS, does_less
from jobs.economy.world import ACT_FACTOR, TAXES, World, add_months, month_number
from jobs.lake.arrays import day_number

_GRAVITY = ("none", "ignorance", "inability", "opportunity", "intent")
_EPOCH = date(1970, 1, 1)
REMIND = "remind"
NONE_CAUSE = _GRAVITY[0]


@dataclass
class Response:
    """What a night brings about: rows for World.corrections and World.acts, findings, actions for the case store, and the true effects."""

    corrections: list[tuple[float, ...]] = field(default_factory=list)
    acts: list[tuple[float, ...]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    effects: list[dict[str, Any]] = field(default_factory=list)


def respond(world: World, known: Mapping[str, Dossier], points: Mapping[str, dict[str, Any]], reminders: list[dict[str, Any]], as_of: date) -> Response:
    """Corrections and payments that follow the reminders of a night. A suppressed reminder reaches nobody."""
    found = Response()
    told: dict[str, list[str]] = {}
    for taxpayer_id, point_id in dict.fromkeys(sorted((r["taxpayer_id"], r["point_id"]) for r in reminders if r["suppressed"] is None)):
        told.setdefault(taxpayer_id, []).append(point_id)
    for taxpayer_id, ids in told.items():
        dossier, about = known.get(taxpayer_id), [points[p] for p in ids if p in points and points[p]["tax"] in TAXES]
        if dossier and about:
            effect = answer(world, dossier, about, as_of, world.country.effects.remind, found)
            found.effects.append({"treatment": REMIND, "given_on": as_of, **effect})
    return found


def answer(world: World, dossier: Dossier, points: Sequence[Mapping[str, Any]], day: date, chances: ByCause, found: Response) -> dict[str, Any]:
    """What a taxpayer does about points he was told of: rows of corrections and acts are added; returned is what is true about it."""
    causes, days = [NONE_CAUSE], list[int]()
    for point in points:
        spans = dossier.about(point["tax"], point["period_from"], point["period_to"])
        wrong, only_paid = faults(point["risk_code"], spans, world.country.enforcement.tolerance_cents)
        if wrong:
            causes.append(_cause(wrong))
            days += _corrects(world, dossier, point["tax"], wrong, only_paid, day, chances, found)
    cause = max(causes, key=_GRAVITY.index)
    month = month_number(world, day) + 2
    reaction, factor = _conduct(world, dossier, cause, day_number(day), bool(days))
    if factor != 1.0:
        found.acts.append((dossier.firm, month, factor, ACT_FACTOR))
    first = _EPOCH + timedelta(days=min(days)) if days else None
    return effect_of(world, dossier, cause, REACTIONS[reaction], month, factor) | {"corrected_on": first}


def _cause(wrong: list[Period]) -> str:
    """The gravest cause; a fault without one is taken for ignorance."""
    worst = max((p.cause for p in wrong), key=_GRAVITY.index)
    return worst if worst != NONE_CAUSE else "ignorance"


def _corrects(world: World, dossier: Dossier, tax: str, wrong: list[Period], only_paid: bool, day: date, chances: ByCause, found: Response) -> list[int]:
    """Day of the correction of one tax, empty when there is none."""
    c, key = world.chance, (dossier.firm, day_number(day), TAXES.index(tax))
    if dossier.fleeting or float(c.uniform("corrects", *key)) >= getattr(chances, _cause(wrong)):
        return []
    on = day_number(day) + int(c.whole(6, 65, "corrects on", *key))
    first, last = min(p.first for p in wrong), max(p.last for p in wrong)
    found.corrections.append((dossier.firm, TAXES.index(tax), day_number(first), day_number(last), on, float(only_paid)))
    return [on]


def _conduct(world: World, dossier: Dossier, cause: str, day: int, corrected: bool) -> tuple[int, float]:
    """The reaction and the factor on what the firm does from then on."""
    if not corrected:
        return NONE, 1.0
    if float(world.chance.uniform("learns", dossier.firm, day)) >= world.country.evasion.learns:
        return CORRECTS, 1.0
    if dossier.evades:
        factor, how = does_less(world, dossier.firm, day)
        return int(how), float(factor)
    return (CAREFUL, CAREFUL_FACTOR) if dossier.honest and cause == "ignorance" else (CORRECTS, 1.0)


def effect_of(world: World, dossier: Dossier, cause: str, reaction: str, month: int, factor: float) -> dict[str, Any]:
    """What is true about a treated firm. `factor` is turned into before and after once all of a night is decided."""
    return {
        "firm": dossier.firm, "taxpayer_id": dossier.taxpayer_id, "cause": cause, "evades": dossier.evades, "typology": dossier.typology, "reaction": reaction,
        "from_on": add_months(world.start, month), "factor": factor,
    }  # fmt: skip


def faults(code: str, spans: list[Period], least: int) -> tuple[list[Period], bool]:
    """The periods in which a point's fault is real, and whether paying alone mends it. `least`: cents up to which nobody minds."""
    if code == "filing_missing":
        return [p for p in spans if not p.filed], False
    if code == "payment_short":
        return [p for p in spans if p.filed and p.declared - p.paid > least], True
    if code in ("filing_late", "ownership_risk"):
        return [], False
    return [p for p in spans if p.hidden > least], False


def mended(dossier: Dossier, response: Response, tax: str, first: date, last: date) -> bool:
    """Did the taxpayer correct a tax for days that overlap these?"""
    low, high = day_number(first), day_number(last)
    return any(f == dossier.firm and TAXES[int(t)] == tax and a <= high and b >= low for f, t, a, b, _, _ in response.corrections)
