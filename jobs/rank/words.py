"""Features in words, English and Chinese: what a value is called, over which months, and how it is written."""

from __future__ import annotations

import math
import re

from jobs.rank.feature_words import WORDS

_WINDOW = re.compile(r"_(\d+)m(?=_|$)")
_PEERS = "_peers"


def phrase(feature: str) -> tuple[str, str]:
    """A feature's name in words: (English, Chinese). A name without words stands as it is, its parts apart."""
    base = _WINDOW.sub("", feature).removesuffix(_PEERS)
    en, zh, _ = WORDS.get(base) or (base.replace("_", " ").capitalize(), base.replace("_", " "), "n")
    for months in _WINDOW.findall(feature):
        en, zh = f"{en} over {months} months", f"{zh}({months}个月)"
    if feature.endswith(_PEERS):
        en, zh = f"{en}, distance from comparable taxpayers", f"{zh}偏离同行程度"
    return en, zh


def written(feature: str, value: float) -> str:
    """A feature's value as people write it, without a negative zero. Distances from peers are in robust deviations."""
    text = _written(feature, value)
    return text if text.strip("-0.,%") else text.lstrip("-") or text


def _written(feature: str, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    base = _WINDOW.sub("", feature)
    way = "n" if base.endswith(_PEERS) else WORDS.get(base, ("", "", "n"))[2]
    if way == "%":
        return f"{value * 100:,.1f}%"
    if way in ("money", "number"):
        return f"{math.copysign(math.expm1(abs(value)), value):,.0f}"
    if way == "flag":
        return "yes" if value else "no"
    return figure(value)


def figure(value: float) -> str:
    """A number for people: grouped from a thousand on, three significant digits below."""
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"
