"""The random slice: reserved before anything is ranked, of fixed size, with a known probability for everyone in its frame.

Randomised systematic sampling with unequal probabilities (Hartley and Rao, 1962): the frame is put in order by stratum and, inside it, by a
keyed uniform number; probabilities are cumulated, and every whole step after one random start is drawn. Each taxpayer's probability is
exactly the one recorded, the size is the sum of probabilities, and each stratum's share comes out within one case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from jobs.lake.arrays import Flags, Floats, Ints, whole_array
from models.draw import uniform


@dataclass(frozen=True)
class Slice:
    """Per taxpayer: inclusion probability (NaN: not in the frame), the keyed number behind the draw, drawn or not."""

    probability: Floats
    draw: Floats
    drawn: Flags


def probabilities(pool: Ints, slots: Ints, share: float, room: Floats) -> Floats:
    """Inclusion probability of each taxpayer of the frame.

    pool: his pool for a comprehensive examination, -1: outside the frame. slots: whole cases per pool. share: of them to draw at random.
    room: what the yearly cap leaves him. The sum is a whole number where it is at least one, by scaling down.
    """
    inside = pool >= 0
    members = np.bincount(pool[inside], minlength=len(slots)).astype(np.float64)
    each = np.divide(share * slots, members, out=np.zeros(len(slots)), where=members > 0)
    found = np.full(len(pool), np.nan)
    found[inside] = np.clip(np.minimum(each[pool[inside]], room[inside]), 0.0, 1.0)
    total = float(np.nansum(found))
    return found * (np.floor(total + 1e-9) / total) if total >= 1.0 else found


def draw(ids: pa.Array, stratum: pa.Array, probability: Floats, seed: int, purpose: str) -> Slice:
    """Draw the slice. Row order does not matter: order is by stratum, keyed number, taxpayer_id.

    The size is the sum of probabilities; where that is below one, a case is drawn with that probability.
    """
    keyed = uniform(seed, purpose, ids.to_pylist())
    inside = np.flatnonzero(~np.isnan(probability))
    rows = pa.table({"s": whole_array(stratum).take(pa.array(inside)), "u": keyed[inside], "id": ids.take(pa.array(inside)), "at": inside})
    at = rows.sort_by([("s", "ascending"), ("u", "ascending"), ("id", "ascending")])["at"].to_numpy()
    drawn = np.zeros(len(ids), dtype=bool)
    upto = np.cumsum(probability[at])
    if len(upto):
        total = np.round(upto[-1]) if abs(upto[-1] - np.round(upto[-1])) < 1e-6 else upto[-1]
        upto[-1] = total
        start = uniform(seed, f"{purpose}|start", [""])[0]
        steps = np.floor(np.concatenate([[0.0], upto]) - start)
        drawn[at] = np.diff(steps) > 0
    return Slice(probability, keyed, drawn)
