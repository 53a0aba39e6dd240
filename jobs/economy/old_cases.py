"""The old system's cases read back from the papers it sends: one element per case, for the census alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Floats, Ints, whole_array

Text = npt.NDArray[np.str_]


@dataclass(frozen=True)
class OldCases:
    """Cases: firm position, month of the push, how it was chosen, what was done, cents found (signed) in all its points."""

    firm: Ints
    month: Ints
    source: Text
    treatment: Text
    found: Floats


def old_cases(world: World, ids: np.ndarray, history: pa.Table) -> OldCases:
    """Cases of a case history. `ids`: the bucket's taxpayer ids, by firm position."""
    number, case = np.unique(strings(history["case_id"]), return_inverse=True)
    first = np.unique(case, return_index=True)[1]
    firm = whole_array(pc.fill_null(pc.index_in(history["taxpayer_id"], value_set=pa.array(ids)), -1)).to_numpy().astype(np.int64)
    answered = _amounts(history["amount"]) * (strings(history["kind"]) == "point_answered")
    found = np.bincount(case, weights=answered, minlength=len(number)).astype(np.float64)
    day = np.full(len(number), NEVER)
    np.minimum.at(day, case, whole_array(history["_day"]).to_numpy())
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - (world.start.year - 1970) * 12 - world.start.month + 1
    return OldCases(firm[first], month, strings(history["case_source"])[first], strings(history["treatment"])[first], found)


def strings(column: pa.ChunkedArray) -> Text:
    """A column of text as NumPy strings, null as empty."""
    return np.asarray(pc.fill_null(column.cast(pa.string()), "").to_pylist(), dtype=str)


def _amounts(column: pa.ChunkedArray) -> Floats:
    """Cents of amounts written as text, 0 where there is none."""
    plain = pc.if_else(pc.equal(pc.fill_null(column, ""), ""), "0", column)
    return np.asarray(np.rint(whole_array(pc.cast(plain, pa.float64())).to_numpy() * 100), dtype=np.float64)
