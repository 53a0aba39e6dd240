"""The facts of a risk point: both sides in numbers and in words, and when two nights' facts are the same.

Facts are what a taxpayer explains and an inspector checks, so amounts stand as they were filed, to the cent; what nobody filed but is
reckoned (an estimate) has no cents. They must not change with every night's noise: a value within TOLERANCE of the one already told
leaves the facts as they were told. What drifts further than that, a new indicator, or a lost leading one, is a change of facts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from jobs.analyse.indicator import REGISTRY, About, Side, Unit

TOLERANCE = 0.05
_DIGITS: dict[Unit, int] = {"currency": 2, "share": 4, "count": 0}
_DIGEST = 16
Hit = Mapping[str, Any]  # a row of indicator_hit that fired
Facts = dict[str, Any]


def facts_of(hits: Sequence[Hit], currency: str) -> Facts:
    """The facts of a point from the hits behind it, leading one (the most tax at stake) first."""
    also = [
        {"indicator": h["indicator"], "declared": _value(h["declared"], b.declared), "other": _value(h["other"], b.other), **_names(b)}
        for h in hits[1:]
        for b in (REGISTRY[h["indicator"]].about,)
    ]
    return told(hits[0], currency) | {"also": sorted(also, key=lambda a: str(a["indicator"]))}


def told(hit: Hit, currency: str) -> Facts:
    """What one indicator says: both sides in numbers, and its sentences.

    `difference` is counted in the direction of the fault, from the side named by `larger`; null where the sides are not subtracted.
    """
    about = REGISTRY[hit["indicator"]].about
    declared, other = _value(hit["declared"], about.declared), _value(hit["other"], about.other)
    period = period_name(hit["period_from"], hit["period_to"])
    numbers = {
        "indicator": about.id,
        **_names(about),
        "declared": _side(about.declared, declared, period[0]),
        "other": _side(about.other, other, period[0]),
        "difference": _difference(about, declared, other),
        "larger": about.larger,
    }
    return numbers | sentences(about, hit, declared, other, currency)


def sentences(about: About, hit: Hit, declared: float | None, other: float | None, currency: str) -> dict[str, str]:
    """The indicator's sentences with this hit's numbers, for the inspector and for the taxpayer, in English and Chinese."""
    written = {}
    for language, place in (("en", 0), ("zh", 1)):
        words = {
            "period": period_name(hit["period_from"], hit["period_to"])[place],
            "declared": written_value(declared, about.declared, currency, language),
            "other": written_value(other, about.other, currency, language),
            "gap": written_gap(hit["difference"], about, language),
        }
        for reader in ("sentence", "taxpayer"):
            written[f"{reader}_{language}"] = str(getattr(about, f"{reader}_{language}")).format(**words)
    return written


def digest(facts: Facts) -> str:
    """Digest of the numbers on both sides and the indicators that give them; words may be improved without a change of facts."""
    canonical = json.dumps(_numbers(facts), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGEST]


def as_json(facts: Facts) -> str:
    """Canonical JSON of facts."""
    return json.dumps(facts, sort_keys=True, ensure_ascii=False)


def own_moved(told: Facts, now: Facts) -> bool:
    """Whether facts of the taxpayer or of third parties about him differ from those told: what only his peers moved is no news of him.

    An indicator that fires no longer is no news either: the value that stopped it is, or its threshold.
    """
    before, after = _numbers(told), _numbers(now)
    if any(name not in before and not _by_peers(name) for name in after):
        return True
    both = [(before[name], after[name], 1 if _by_peers(name) else 2) for name in after if name in before]
    return any(not _close(b, a) for old, new, sides in both for b, a in zip(old[:sides], new[:sides], strict=True))


def moved(told: Facts, now: Facts) -> bool:
    """Whether tonight's facts differ from those told: a new indicator, the leading one gone, or a value off by more than TOLERANCE."""
    before, after = _numbers(told), _numbers(now)
    if told["indicator"] not in after or not set(after) <= set(before):
        return True
    return any(not _close(b, a) for name, values in after.items() for b, a in zip(before[name], values, strict=True))


def period_name(start: date, end: date) -> tuple[str, str]:
    """A natural period in English and Chinese."""
    months = (end.year - start.year) * 12 + end.month - start.month + 1
    if months == 12:
        return str(start.year), f"{start.year}年度"
    if months == 3:
        quarter = (start.month + 2) // 3
        return f"Q{quarter} {start.year}", f"{start.year}年第{quarter}季度"
    return f"{start} to {end}", f"{start}至{end}"


def written_value(value: float | None, side: Side, currency: str, language: str) -> str:
    """A value as people read it: filed amounts to the cent, estimates as about so much."""
    if value is None:
        return "—"
    if side.unit == "share":
        return percent(value, language)
    if side.unit == "count":
        return f"{value:,.0f}"
    number = f"{value:,.0f}" if side.estimate or not value else f"{value:,.2f}"
    money = f"{number}元" if (currency, language) == ("CNY", "zh") else f"{currency} {number}"
    return f"{'约' if language == 'zh' else 'about '}{money}" if side.estimate and value else money


def written_gap(difference: float, about: About, language: str) -> str:
    """The difference in the indicator's unit as people read it."""
    if about.gap == "percent":
        return percent(difference, language)
    return {"points": f"{difference * 100:,.1f}", "deviations": f"{difference:,.1f}", "count": f"{difference:,.0f}"}[about.gap]


def percent(value: float, language: str) -> str:
    """A share with the digits it deserves; nearly all is not all."""
    if 0.9995 <= value < 1:
        return f"{'超过' if language == 'zh' else 'over '}99.9%"
    size = abs(value)
    return f"{value:,.0%}" if size >= 1 or not value else f"{value:.2%}" if size < 0.01 else f"{value:.1%}"


def _difference(about: About, declared: float | None, other: float | None) -> float | None:
    if declared is None or other is None or about.larger == "neither":
        return None
    digits = 0 if about.declared.estimate or about.other.estimate else _DIGITS[about.declared.unit]
    return round(other - declared if about.larger == "other" else declared - other, digits) + 0.0


def _names(about: About) -> dict[str, str]:
    return {"name_en": about.name_en, "name_zh": about.name_zh}


def _value(value: float | None, side: Side) -> float | None:
    digits = 0 if side.estimate else _DIGITS[side.unit]
    return None if value is None else round(float(value), digits) + 0.0  # + 0.0: no negative zero


def _side(side: Side, value: float | None, period: str) -> dict[str, Any]:
    return {
        "source": side.source,
        "field": side.field,
        "value": value,
        "unit": "estimate" if side.estimate else side.unit,
        "period": period,
        "label_en": side.label_en,
        "label_zh": side.label_zh,
    }


def _numbers(facts: Facts) -> dict[str, tuple[float | None, float | None]]:
    lead = {facts["indicator"]: (facts["declared"]["value"], facts["other"]["value"])}
    return lead | {a["indicator"]: (a["declared"], a["other"]) for a in facts.get("also", [])}


def _by_peers(indicator: str) -> bool:
    return indicator in REGISTRY and REGISTRY[indicator].about.other.source == "peer"


def _close(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is after
    return abs(before - after) <= TOLERANCE * max(abs(before), abs(after))
