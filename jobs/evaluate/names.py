"""What the report calls offices, treatments, risk codes, districts, sizes and industries: the words of conf/, in English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from jobs.conf import Conf, in_force

Names = Mapping[tuple[str, str], str]
_WORDS = {"segment": "size", "region": "region", "industry": "industry", "level": "level", "reason": "reason_code"}


def names_of(conf: Conf, as_of: date) -> dict[tuple[str, str], str]:
    """Name of each (scope, item) of table evaluation that the configuration knows; the same code may be an office and a district."""
    found = {("office", o.id): o.name.en for o in in_force(conf.offices, as_of)}
    found |= {("treatment", t.id): t.name.en for t in conf.treatments.values()}
    found |= {("risk_code", r.code): r.name.en for r in conf.register_.values()}
    for word in in_force(conf.wording, as_of):
        kind, _, code = word.key.partition(".")
        if code and kind in _WORDS:
            found[_WORDS[kind], code] = word.en
    return found


def called(names: Names, scope: str, item: str) -> str:
    """The name of an item; without one, its code in plain words, with the taxes written as taxes."""
    if (scope, item) in names:
        return names[scope, item]
    words = item.split("_")
    return " ".join(w.upper() if w in ("vat", "cit", "pit") else w for w in words)
