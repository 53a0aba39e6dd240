"""The code tables of conf/codes/ that a contract's `code_table` columns are read by.

A code counts when it is valid on the day of the event; an old one becomes its only successor of that day. Everything else is
quarantined: a code nobody knows, one that was not valid then, one that ended, one that several codes could follow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.conf import Conf, Source
from jobs.conf.codes import CodeSystem
from jobs.lake.arrays import day_number
from jobs.lake.tables import STRING

UNKNOWN, EXPIRED, ENDED, SPLIT = "code", "code_expired", "code_ended", "code_split"
WORDS = {
    UNKNOWN: "is no code of table {0}; correct it, or have the table brought up to date",
    EXPIRED: "is a code of table {0}, but was not valid on the day of the event, and nobody said what it became",
    ENDED: "ended without a successor in table {0} before the day of the event",
    SPLIT: "could be several codes of table {0} on the day of the event; somebody must decide",
}
_Days = tuple[int, int]


@dataclass(frozen=True)
class CodeTable:
    """One code table: days of validity of each code, and what old codes became, as day numbers since 1970."""

    name: str
    periods: Mapping[str, tuple[_Days, ...]]
    successors: Mapping[str, tuple[tuple[str, _Days], ...]]

    def on(self, code: str, day: int) -> tuple[str | None, str]:
        """What a code stands for on a day, and the rule it breaks where it stands for nothing."""
        if self._valid(code, day):
            return code, ""
        said = {new for new, (first, last) in self.successors.get(code, ()) if first <= day <= last}
        valid = {new for new in said if new and self._valid(new, day)}
        if len(valid) == 1:
            return valid.pop(), ""
        if valid:
            return None, SPLIT
        if said == {""}:
            return None, ENDED
        return None, EXPIRED if code in self.periods or code in self.successors else UNKNOWN

    def read(self, text: pa.Array, days: npt.NDArray[np.int64]) -> tuple[pa.Array, npt.NDArray[np.object_]]:
        """What each code stands for on its day (null where it breaks a rule, or was null), and the rule ('': none)."""
        coded = text.dictionary_encode()
        at = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
        names = coded.dictionary.to_pylist()
        pairs, which = np.unique(np.stack([at, days]), axis=1, return_inverse=True)
        found = [(None, "") if n < 0 else self.on(names[n], int(day)) for n, day in pairs.T.tolist()]
        order = pa.array(which.ravel())
        return pa.array([value for value, _ in found], STRING).take(order), np.array([rule for _, rule in found], dtype=object)[which.ravel()]

    def _valid(self, code: str, day: int) -> bool:
        return any(first <= day <= last for first, last in self.periods.get(code, ()))

    @property
    def digest(self) -> str:
        """Digest of what the table says of codes: names do not count."""
        return hashlib.sha256(json.dumps([self.name, sorted(self.periods.items()), sorted(self.successors.items())]).encode()).hexdigest()[:16]


Tables = Mapping[str, CodeTable]
NO_TABLES: Tables = {}


def tables_of(source: Source, conf: Conf) -> dict[str, CodeTable]:
    """The code tables a source's columns name."""
    return {name: compiled(name, conf.codes) for name in sorted({f.code_table for _, _, f in source.fields() if f.code_table})}


def compiled(name: str, system: CodeSystem) -> CodeTable:
    """One table of a system, made for reading."""
    periods = {c: tuple((day_number(p.valid_from), day_number(p.valid_to)) for p in of) for c, of in system.tables[name].items()}
    said = system.successors.get(name, {})
    return CodeTable(name, periods, {c: tuple((s.new, (day_number(s.valid_from), day_number(s.valid_to))) for s in of) for c, of in said.items()})


def digest(tables: Tables) -> str:
    """Digest of several tables: part of the id of each batch that was read by them."""
    return "|".join(f"{name}:{tables[name].digest}" for name in sorted(tables))
