"""risk_point: hits about the same taxpayer, tax, risk code and period become one suspected fault with a life of its own.

Only hits of published indicators count: trial indicators never open a point. The loop runs over points that fire or stood last
night, which are few; everything over all hits is counted in Arrow (point_evidence.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pyarrow as pa

from jobs.analyse import indicator_families as _registered  # noqa: F401  registers every indicator, whose words the facts are told in
from jobs.analyse.indicator import REGISTRY
from jobs.analyse.point_evidence import FINDINGS, Evidence, Key, Row, gather
from jobs.analyse.point_facts import TOLERANCE, Facts, Hit, as_json, digest, facts_of, moved, own_moved
from jobs.analyse.point_id import POINT, point_ids
from jobs.analyse.point_life import Answer, Before, Now, Seen, next_state
from jobs.analyse.schema import own_schema
from jobs.conf import ConfError
from jobs.lake.arrays import day_number
from jobs.lake.step import Night, Tables

_EPOCH = date(1970, 1, 1)
_CENT = Decimal("0.01")


def risk_point(tables: Tables, night: Night) -> pa.Table:
    """Own columns of risk_point for one bucket.

    Reads indicator_hit, outcome, filing; previous: risk_point; history: risk_point. The amount is the largest base of the hits (they measure one fault),
    under the limitation for error and for evasion. ConfError when no limitation is in force.
    """
    evidence = gather(tables, night)
    rows = [row for n, key in enumerate(evidence.keys) if (row := _row(n, key, evidence)) is not None]
    schema = own_schema("risk_point")
    found = pa.Table.from_pylist(rows, schema=schema)
    return found.set_column(0, schema.field("point_id"), point_ids(found))


def _row(n: int, key: Key, evidence: Evidence) -> Row | None:
    """One point's row tonight, or None when it is not shown."""
    hits, before = evidence.fired.get(key, []), evidence.before.get(key)
    facts = facts_of(hits, evidence.night.conf.house.currency) if hits else None
    told = _told(before)
    seen = _seen(n, key, evidence, told, facts)
    now = next_state(_before(before, evidence.night), seen)
    if now is None:
        return None
    shown = facts if told is None or (facts is not None and seen.moved and now.state != "silent") else told
    if shown is None:
        return None
    shown = _dated(shown, told, now, seen, evidence.night)
    stake = _from_hits(hits) if hits else _from_before(before or {})
    return _written(key, now, shown, stake, before if before and before["state"] != "closed" else None, n, evidence)


def _told(before: Row | None) -> Facts | None:
    """The facts as told last night; a closed point's are history."""
    return None if before is None or before["state"] == "closed" else dict(json.loads(before["facts"]))


def _dated(facts: Facts, told: Facts | None, now: Now, seen: Seen, night: Night) -> Facts:
    """The facts with `new_on`, the last night on which a fact changed that is not the peers': what may lift the bar on examined periods."""
    fresh = now.state == "changed" if told is None else seen.own
    new_on = night.as_of.isoformat() if fresh else (told or {}).get("new_on")
    return facts | {"new_on": new_on} if new_on else facts


def _before(before: Row | None, night: Night) -> Before | None:
    if before is None:
        return None
    return Before(before["state"], before.get("as_of") or night.previous or night.as_of, before["earlier_explanation"])


def _seen(n: int, key: Key, evidence: Evidence, told: Facts | None, facts: Facts | None) -> Seen:
    row = evidence.answers.get(key)
    answer = None
    if row is not None:
        overturned = row["standing"] == "overturned"
        confirmed = row["finding"] in FINDINGS and not overturned
        reason = row["finding"] if confirmed else "overturned" if overturned else row["reason_code"] or "no reason given"
        answer = Answer(confirmed, reason, row["known_at"])
    before = evidence.before.get(key)
    since = before["opened_on"] if before is not None else answer.known_at if answer is not None else None
    filed = since is not None and bool(evidence.limits.last_filed[n] > day_number(since))
    gone = before is not None and evidence.in_force.isdisjoint(before["indicators"] or [])
    changed = told is not None and facts is not None and moved(told, facts)
    own = told is not None and facts is not None and own_moved(told, facts)
    undone = row is not None and answer is not None and answer.confirmed and _undone(n, key, row, evidence)
    return Seen(facts is not None, changed, evidence.blank.get(key), _lapsed(n, key, evidence), answer, filed, gone, own, undone)


def _undone(n: int, key: Key, answer: Row, evidence: Evidence) -> bool:
    """Whether a return filed since the finding puts more at stake than was told before it less what it assessed.

    A correction that follows the finding leaves no more than that. Of a finding about no point of ours it cannot be said.
    """
    hits, stake = evidence.fired.get(key), evidence.stakes.get(key)
    if not hits or stake is None or evidence.limits.last_filed[n] <= day_number(answer["known_at"]):
        return False
    left = stake - (answer["assessed"] or 0) + stake * Decimal(repr(TOLERANCE))
    return bool(max(h["base"] for h in hits) > left)


def _fraud(key: Key, night: Night) -> bool:
    if key[2] not in night.conf.register_:
        raise ConfError(
            f"conf/register.yaml: no risk code '{key[2]}', though an indicator or an open point carries it; add the entry again"
        )
    return night.conf.register_[key[2]].fraud


def _lapsed(n: int, key: Key, evidence: Evidence) -> str | None:
    """Fraud needs intent, so it runs by the limit for evasion; any other code by the one for error."""
    fraud, limits = _fraud(key, evidence.night), evidence.limits
    share = limits.share_evasion[n] if fraud else limits.share_error[n]
    return None if share > 0 else f"the limitation for {'evasion' if fraud else 'error'} has run out"


@dataclass(frozen=True)
class Stake:
    """What is at stake: the base it is measured on, the whole amount or what was open before, the indicators."""

    base: str
    error: Decimal
    evasion: Decimal
    strength: float
    indicators: list[str]
    whole: bool


def _from_hits(hits: list[Hit]) -> Stake:
    amount = max(h["base"] for h in hits)
    strength = max(h["strength"] for h in hits)
    return Stake(REGISTRY[hits[0]["indicator"]].about.base, amount, amount, strength, sorted({h["indicator"] for h in hits}), True)


def _from_before(before: Row) -> Stake:
    return Stake(
        before["base"], before["amount_error"], before["amount_evasion"], before["strength"], list(before["indicators"] or []), False
    )


def _written(key: Key, now: Now, facts: Facts, stake: Stake, before: Row | None, n: int, evidence: Evidence) -> Row:
    limits, night = evidence.limits, evidence.night
    return {
        "point_id": "",
        **dict(zip(POINT, key, strict=True)),
        "base": stake.base,
        "facts": as_json(facts),
        "facts_digest": digest(facts),
        "indicators": stake.indicators,
        "amount_error": _open(stake.error, float(limits.share_error[n]), stake.whole),
        "amount_evasion": _open(stake.evasion, float(limits.share_evasion[n]), stake.whole),
        "until_error": _day(int(limits.until_error[n])),
        "until_evasion": _day(int(limits.until_evasion[n])),
        "strength": stake.strength,
        "fraud": _fraud(key, night),
        "state": now.state,
        "state_reason": now.reason,
        "opened_on": night.as_of if before is None else before["opened_on"],
        "earlier_explanation": now.explanation,
    }


def _open(amount: Decimal, share: float, whole: bool) -> Decimal:
    """The part of an amount that can still be assessed; an amount carried over from last night was cut already, and only falls to zero."""
    cut = Decimal(repr(share)) if whole else Decimal(int(share > 0))
    return (amount * cut).quantize(_CENT, ROUND_HALF_EVEN)


def _day(days: int) -> date | None:
    return None if days < 0 else _EPOCH + timedelta(days=days)
