"""Labels of past cases, and the features that were known when each case was opened: the training rows of the audit score.

A label is what an examination found: 1 when tax was adjusted upward on any of the case's points, 0 when it was not (a downward adjustment
is a correct result, but not what the score foretells). Never a label: points not examined, overturned findings, results of reminders.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Conf
from jobs.lake.arrays import Floats, Ints, cents, positions, whole_array

_EXAMINED = ("confirmed", "in_part", "excluded", "new")
_MANY = 1_000_000  # days: more than any date's number


@dataclass(frozen=True)
class Labelled:
    """One row per examined case, in the order of case_id. `amount` is the upward adjustment in cents, 0 without one."""

    case_id: pa.Array
    taxpayer_id: pa.Array
    opened_on: npt.NDArray[np.datetime64]
    known_at: npt.NDArray[np.datetime64]
    label: Floats
    amount: Ints

    def take(self, rows: Ints) -> Labelled:
        """Some of the rows."""
        at = pa.array(rows, pa.int64())
        return Labelled(
            self.case_id.take(at), self.taxpayer_id.take(at), self.opened_on[rows], self.known_at[rows], self.label[rows], self.amount[rows]
        )


def labels(outcome: pa.Table, as_of: date, conf: Conf) -> Labelled:
    """The labelled cases known on a date. Reads columns of table outcome: case_id, taxpayer_id, treatment, finding, standing, adjusted, assessed,
    opened_on, known_at. A case's label is known when its last point's is.

    Only treatments that oblige an answer (conf/treatments.yaml, must_reply) examine anything; one that conf does not know counts as such.
    """
    silent = [t.id for t in conf.treatments.values() if not t.must_reply]
    keep = pc.and_(
        pc.is_in(outcome["finding"], value_set=pa.array(_EXAMINED)),
        pc.and_(pc.is_valid(outcome["adjusted"]), pc.less_equal(outcome["known_at"], pa.scalar(as_of, pa.date32()))),
    )
    keep = pc.and_(keep, pc.invert(pc.fill_null(pc.is_in(outcome["treatment"], value_set=pa.array(silent, pa.string())), False)))
    rows = outcome.filter(pc.and_(keep, pc.and_(pc.is_valid(outcome["taxpayer_id"]), pc.is_valid(outcome["opened_on"]))))
    stands = pc.invert(pc.fill_null(pc.equal(rows["standing"], "overturned"), False))
    up = np.asarray(pc.and_(stands, pc.greater(rows["adjusted"], 0)).to_numpy(zero_copy_only=False), dtype=bool)
    marked = rows.select(["case_id", "taxpayer_id", "opened_on", "known_at"])
    marked = marked.append_column("up", pa.array(up.astype(np.int64))).append_column(
        "cents", pa.array(np.where(up, cents(rows["assessed"]), 0))
    )
    found = marked.group_by(["case_id", "taxpayer_id"]).aggregate(
        [("up", "max"), ("cents", "sum"), ("opened_on", "min"), ("known_at", "max")]
    )
    found = found.sort_by([("case_id", "ascending"), ("taxpayer_id", "ascending")])
    return Labelled(
        whole_array(found["case_id"]), whole_array(found["taxpayer_id"]), _days(found["opened_on_min"]), _days(found["known_at_max"]),
        found["up_max"].to_numpy().astype(np.float64), np.maximum(found["cents_sum"].to_numpy(), 0).astype(np.int64),
    )  # fmt: skip


def snapshot_rows(known: Labelled, as_of: pa.ChunkedArray, taxpayer_id: pa.ChunkedArray, oldest: int) -> Ints:
    """For each labelled case the row of the latest snapshot that is not later than the day the case was opened: int64 [case], -1: none.

    `as_of` and `taxpayer_id` are columns of the snapshots; a snapshot older than `oldest` days before the opening is too old. Of two
    snapshots of one taxpayer and day the later row counts.
    """
    ids = whole_array(pc.unique(taxpayer_id))
    key = positions(taxpayer_id, ids) * _MANY + _days(as_of).astype(np.int64)
    order = np.argsort(key, kind="stable")
    owner = positions(known.taxpayer_id, ids)
    wanted = owner * _MANY + known.opened_on.astype(np.int64)
    at = np.searchsorted(key[order], wanted, side="right") - 1
    row = order[np.maximum(at, 0)] if len(order) else np.zeros(len(wanted), dtype=np.int64)
    near = (at >= 0) & (owner >= 0)
    near[near] = (key[row[near]] // _MANY == owner[near]) & (wanted[near] - key[row[near]] <= oldest)
    return np.where(near, row, -1)


def _days(column: pa.ChunkedArray) -> npt.NDArray[np.datetime64]:
    return np.asarray(whole_array(column.cast(pa.date32())).to_numpy(zero_copy_only=False)).astype("datetime64[D]")
