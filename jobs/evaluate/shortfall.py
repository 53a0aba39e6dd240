"""Why a list holds less than it might: where the champion's first stand on the night's list, and which kinds of evasion he does not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Flags, Ints, flags, whole_array

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Standing:
    """Of the champion's first: how many stand where on the night, and the share of all tax at stake that lies with them."""

    name: str
    n: int
    share: float


@dataclass(frozen=True)
class Missed:
    """A kind of evasion that the list holds less of than chance would: how many taxpayers, its share of all, the best place, how many were ever found out."""

    kind: str
    n: int
    share: float
    best_place: int
    found: int


def standings(first: pa.Array, at_stake: Ints, total: int, as_of: date, selections: Mapping[date, pa.Table], outcome: pa.Table | None) -> list[Standing]:
    """Each of the champion's first is counted once, by the first that holds. at_stake: cents, in the order of `first`."""
    tonight = _in(first, selections[as_of]["taxpayer_id"]) if as_of in selections else np.zeros(len(first), dtype=bool)
    earlier, answered = np.zeros(len(first), dtype=bool), np.zeros(len(first), dtype=bool)
    for night, listed in selections.items():
        if as_of - YEAR < night < as_of:
            earlier |= _in(first, listed["taxpayer_id"])
    if outcome is not None:
        recent = outcome.filter(pc.fill_null(pc.greater(outcome["known_at"], pa.scalar(as_of - YEAR, pa.date32())), False))
        answered = _in(first, recent["taxpayer_id"])
    found, left = [], np.ones(len(first), dtype=bool)
    for name, flag in (("on tonight's list", tonight), ("on a list of the year before: their case is open, or they rest after it", earlier), ("a case answered within a year", answered),
                       ("no place: the days of their treatment were given to others, or another barrier held", left)):
        now = flag & left
        found.append(Standing(name, int(now.sum()), float(at_stake[now].sum() / total)))
        left = left & ~flag
    return found


def missed(order: Ints, size: int, at_stake: Ints, typology: npt.NDArray[np.object_], ids: pa.Array, outcome: pa.Table | None) -> list[Missed]:
    """Kinds of which the first `size` of the order hold a smaller share than a list drawn at random would."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(1, len(order) + 1)
    total, chance = max(int(at_stake.sum()), 1), size / max(len(order), 1)
    up = outcome.filter(pc.fill_null(pc.greater(outcome["adjusted"], 0), False)) if outcome is not None else None
    ever = _in(ids, up["taxpayer_id"]) if up is not None else np.zeros(len(ids), dtype=bool)
    out = []
    for kind in sorted(set(typology) - {""}):
        of = typology == kind
        if at_stake[of & (place <= size)].sum() < chance * at_stake[of].sum():
            out.append(Missed(kind, int(of.sum()), float(at_stake[of].sum() / total), int(place[of].min()), int((of & ever).sum())))
    return out


def _in(ids: pa.Array, among: pa.ChunkedArray) -> Flags:
    return flags(pc.is_in(ids, value_set=whole_array(among), skip_nulls=True))
