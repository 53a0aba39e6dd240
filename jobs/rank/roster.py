"""The roster of tonight: every active taxpayer once, with his score of the champion (or of the rules, while there is none)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Floats, floats, one_each, positions, taken, whole_array
from jobs.lake.step import Night

RULES = "rules"


@dataclass(frozen=True)
class Roster:
    """Arrays in the order of `ids` (ascending). Numbers are NaN for a taxpayer without a score."""

    ids: pa.Array
    home: pa.Array
    segment: pa.Array
    value: Floats
    probability: Floats
    amount: Floats


def roster(taxpayer: pa.Table, score: pa.Table, night: Night) -> Roster:
    """Active taxpayers (not closed on as_of) with their scores.

    A taxpayer known to several sources counts once. Raises ValueError when `score` has rows but none of the model in force.
    """
    known = one_each(taxpayer, "taxpayer_id", "source" if "source" in taxpayer.column_names else None)
    gone = pc.fill_null(pc.less_equal(known["closed_on"], pa.scalar(night.as_of, pa.date32())), False)
    closed = pc.or_(gone, pc.fill_null(pc.equal(known["status"], "closed"), False))
    active = known.filter(pc.invert(closed))
    mine = current(score, night)
    ids = whole_array(active["taxpayer_id"])
    at = positions(ids, mine["taxpayer_id"])
    return Roster(ids, whole_array(active["office_id"]), whole_array(active["segment"]),
                  *(taken(floats(mine[name]), at) for name in ("value", "probability", "amount")))


def current(score: pa.Table, night: Night) -> pa.Table:
    """The score rows of the model in force: the champion's version, or `rules`."""
    version = night.model.version if night.model else RULES
    mine = score.filter(pc.equal(score["model_version"], version))
    if score.num_rows and not mine.num_rows:
        there = sorted(set(score["model_version"].to_pylist()))
        raise ValueError(f"score: no row of model_version '{version}', which is in force; there are {there}: run the step 'score' for this night")
    return mine


def missing_as(values: Floats, fill: float) -> Floats:
    """NaN replaced."""
    return np.where(np.isnan(values), fill, values)
