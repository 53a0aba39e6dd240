"""Treatment from risk level and risk codes, within what the law and the contact limit leave.

The usual treatment is the heaviest that the register names for the taxpayer's points. Of the planned treatments that may answer the level
(and fraud, where suspected) the lightest one not below the usual is taken, else the heaviest below it. While his cooling-off runs no
treatment that opens a procedure is left; above the contact limit only those are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jobs.conf import Treatment
from jobs.lake.arrays import Flags, Ints

LEVELS = ("none", "low", "medium", "high")


@dataclass(frozen=True)
class Choice:
    """Per taxpayer the treatments that may be used, by their place among the planned ones, lightest first.

    first: the place chosen, -1 where none is left. allowed: bool [taxpayer, treatment].
    """

    names: tuple[str, ...]
    first: Ints
    allowed: Flags

    def lighter(self, place: Ints) -> Ints:
        """The next lighter treatment that is allowed too, -1 where there is none: the way out when the chosen one is full."""
        places = np.arange(len(self.names))
        below = self.allowed & (places[None, :] < place[:, None])
        return np.asarray(np.where(below, places[None, :], -1).max(axis=1, initial=-1), dtype=np.int64)


def choose(treatments: Mapping[str, Treatment], level: Ints, usual: Ints, fraud: Flags, cooling: Flags, limited: Flags) -> Choice:
    """Choose for each taxpayer. level: place in LEVELS. usual: place among `treatments`, -1: nothing to treat.

    fraud: a point is marked fraud. cooling: cooling-off runs. limited: contact limit reached.
    """
    entries = list(treatments.values())
    if not entries:
        return Choice((), np.full(len(level), -1, dtype=np.int64), np.zeros((len(level), 0), dtype=bool))
    by_level = np.asarray([[name in t.levels for t in entries] for name in LEVELS])
    procedure = np.asarray([t.opens_procedure for t in entries])
    safe = np.asarray([t.allowed_if_fraud for t in entries])
    allowed = by_level[level] & (usual >= 0)[:, None]
    allowed &= safe[None, :] | ~fraud[:, None]
    allowed &= ~(procedure[None, :] & cooling[:, None])
    allowed &= procedure[None, :] | ~limited[:, None]
    places = np.arange(len(entries))[None, :]
    upward = np.where(allowed & (places >= usual[:, None]), places, len(entries)).min(axis=1)
    downward = np.where(allowed & (places < usual[:, None]), places, -1).max(axis=1)
    return Choice(tuple(treatments), np.where(upward < len(entries), upward, downward).astype(np.int64), allowed)
