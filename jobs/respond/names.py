"""Names beside codes, Chinese and English, from the configuration: what a code of the register, an office, a treatment or a word of ours is called."""

from __future__ import annotations

import re
from datetime import date

from jobs.conf import Conf, Text, in_force

_WHY = re.compile(r"(?P<head>[^:(]+?)(?:: (?P<after>\w+)| \((?P<inside>\w+)\).*)?")


class Names:
    """The names in force on a date. A code without one is shown as it is: nothing is left out for want of a word."""

    def __init__(self, conf: Conf, as_of: date) -> None:
        self.words = {w.key: f"{w.zh} {w.en}" for w in in_force(conf.wording, as_of)}
        self.offices = {o.id: _both(o.name) for o in conf.offices}
        self.treatments = {name: _both(t.name) for name, t in conf.treatments.items()}

    def of(self, group: str, code: object) -> str:
        """The name of a code; of an industry that of the longest part of the code that has one."""
        text = "" if code is None else str(code)
        known = {"office_id": self.offices, "treatment": self.treatments}.get(group, {})
        parts = range(len(text), 1 if group == "industry" else len(text) - 1, -1)
        return known.get(text) or next((self.words[key] for n in parts if (key := f"{group}.{text[:n]}") in self.words), text)

    def beside(self, group: str, code: object) -> str:
        """The name with the code in brackets; the code alone where it has no name."""
        name = self.of(group, code)
        return name if name == str(code) else f"{name} ({code})"

    def why(self, text: str | None) -> str:
        """Why a point is in its state, with the reason code in it named."""
        found = _WHY.fullmatch(text or "")
        if found is None or (name := self.words.get(f"why.{found['head']}")) is None:
            return text or ""
        code = found["after"] or found["inside"]
        return f"{name}: {self.of('reason', code)}" if code else name


def _both(name: Text) -> str:
    return f"{name.zh} {name.en}"
