"""What may be told to the taxpayer about one risk point: both facts, or a question about the declared field alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.conf import Conf
from jobs.respond.pages import TAX_ZH, en_period, zh_period

NOT_DISCLOSED = "not disclosed"


@dataclass(frozen=True)
class Said:
    """What a letter says about one point: facts that may be told, a sentence in both languages, and whether it only asks."""

    facts: tuple[dict[str, Any], ...]
    zh: str
    en: str
    question: bool


def say(facts_json: str, tax: str, period_from: date, period_to: date, conf: Conf) -> Said:
    """Turn a point's facts into words for the taxpayer, as far as conf/disclosure.yaml allows for the source of each fact.

    Both sources allowed and a sentence for the taxpayer given: both facts and that sentence. Otherwise a question that names the declared
    field and nothing of the other side, neither its value nor the difference nor its source.
    """
    facts = json.loads(facts_json or "{}")
    declared, other = facts.get("declared") or {}, facts.get("other") or {}
    zh_when, en_when = zh_period(period_from, period_to), en_period(period_from, period_to)
    own = _fact(declared) if _allowed(declared, conf) else None
    second = _fact(other) if _allowed(other, conf) else None
    zh, en = facts.get("taxpayer_zh") or NOT_DISCLOSED, facts.get("taxpayer_en") or NOT_DISCLOSED
    if own and second and NOT_DISCLOSED not in (zh, en):
        return Said((own, second), zh, en, False)
    if own:
        return Said((own,), *_question(own, zh_when, en_when), True)
    return Said((), f"请核对{zh_when}的{TAX_ZH.get(tax, tax)}申报资料是否完整、准确？", f"For {en_when}, is what you declared for {tax} complete and correct?", True)


def _question(own: dict[str, Any], zh_when: str, en_when: str) -> tuple[str, str]:
    """About the declared field alone; what is reckoned from several fields is asked about as such."""
    zh, en = "如有特殊情况，欢迎说明。", "If there is something particular about it, you are welcome to explain."
    if own["unit"] in ("share", "estimate"):
        return (f"请核对{zh_when}“{own['label_zh']}”所依据的申报数据是否完整、准确？{zh}", f"For {en_when}, are the figures behind “{own['label_en']}” complete and correct? {en}")
    return (f"请核对{zh_when}“{own['label_zh']}”一项是否完整、准确？{zh}", f"For {en_when}, is the item “{own['label_en']}” complete and correct? {en}")


def _allowed(fact: dict[str, Any], conf: Conf) -> bool:
    return any(d.source == fact.get("source") and d.allowed for d in conf.disclosure)


def _fact(fact: dict[str, Any]) -> dict[str, Any]:
    return {key: fact.get(key) for key in ("source", "label_zh", "label_en", "value", "unit")}
