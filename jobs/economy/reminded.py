"""What taxpayers do when reminded: the forgetful and the ignorant mostly correct, opportunists sometimes, the intent hardly ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jobs.economy.dossier import Dossier, Period
from jobs.economy.findings import TOLERANCE
from jobs.economy.world import TAXES, World, month_number
from jobs.lake.arrays import day_number

CORRECTS = {"ignorance": 0.65, "inability": 0.5, "opportunity": 0.3, "intent": 0.06, "none": 0.5}


@dataclass
class Response:
    """What a night brings about: rows for World.corrections and World.acts, findings, and actions for the case store."""

    corrections: list[tuple[float, ...]] = field(default_factory=list)
    acts: list[tuple[float, ...]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)


def respond(world: World, known: Mapping[str, Dossier], points: Mapping[str, dict[str, Any]], reminders: list[dict[str, Any]], as_of: date) -> Response:
    """Corrections and payments that follow the reminders of a night. A suppressed reminder reaches nobody."""
    found = Response()
    told = sorted((r["taxpayer_id"], r["point_id"]) for r in reminders if r["suppressed"] is None)
    for taxpayer_id, point_id in dict.fromkeys(told):
        dossier, point = known.get(taxpayer_id), points.get(point_id)
        if dossier and point and point["tax"] in TAXES:
            _one(world, dossier, point, as_of, found)
    return found


def _one(world: World, dossier: Dossier, point: Mapping[str, Any], as_of: date, found: Response) -> None:
    spans = dossier.about(point["tax"], point["period_from"], point["period_to"])
    wrong, only_paid = faults(point["risk_code"], spans)
    if not wrong:
        return
    c, key = world.chance, (dossier.firm, day_number(as_of), TAXES.index(point["tax"]))
    cause = max((p.cause for p in wrong), key=lambda name: list(CORRECTS).index(name) if name != "none" else -1)
    if float(c.uniform("corrects", *key)) >= CORRECTS[cause]:
        return
    day = day_number(as_of) + int(c.whole(6, 65, "corrects on", *key))
    first, last = min(p.first for p in wrong), max(p.last for p in wrong)
    found.corrections.append((dossier.firm, TAXES.index(point["tax"]), day_number(first), day_number(last), day, float(only_paid)))
    if dossier.evades and float(c.uniform("learns", *key)) < 0.5:
        found.acts.append((dossier.firm, month_number(world, as_of) + 2, 0.4, 0))


def faults(code: str, spans: list[Period]) -> tuple[list[Period], bool]:
    """The periods in which a point's fault is real, and whether paying alone mends it."""
    if code == "filing_missing":
        return [p for p in spans if not p.filed], False
    if code == "payment_short":
        return [p for p in spans if p.filed and p.declared - p.paid > TOLERANCE], True
    if code in ("filing_late", "ownership_risk"):
        return [], False
    return [p for p in spans if p.hidden > TOLERANCE], False


def mended(dossier: Dossier, response: Response, tax: str, first: date, last: date) -> bool:
    """Did the taxpayer correct a tax for days that overlap these?"""
    low, high = day_number(first), day_number(last)
    return any(f == dossier.firm and TAXES[int(t)] == tax and a <= high and b >= low for f, t, a, b, _, _ in response.corrections)
