"""What was known of the taxpayer before: points of published nights, and answered points by then.

Statements, hearings, appeals and reminders' answers are never features; an overturned point counts nothing.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of, month_number, month_numbers
from jobs.analyse.feature import OUTCOMES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.windows import log_amount
from jobs.lake.arrays import Flags, Floats, floats

_POINTS_KEY = ("taxpayer_id", "point_id")


def count(books: Panel) -> dict[str, Floats]:
    """Points of earlier nights (NaN while there is none), and outcomes of examined points [taxpayer]."""
    return {**_points(books), **_hits(books), **_outcomes(books)}


def _points(books: Panel) -> dict[str, Floats]:
    rows = books.tables.history.get("risk_point")
    if rows is None or not rows.num_rows:
        return {"points_before_n_12m": books.none(), "nights_with_points_12m": books.none()}
    age = month_number(books.ledger.as_of) - month_numbers(rows["as_of"])
    open_ = rows.filter(pa.array((age <= 12) & is_one_of(rows["state"], ("opened", "changed"))))
    points = open_.group_by(list(_POINTS_KEY), use_threads=False).aggregate([])
    nights = open_.group_by(["taxpayer_id", "as_of"], use_threads=False).aggregate([])
    return {"points_before_n_12m": _tally(books, points), "nights_with_points_12m": _tally(books, nights)}


def _hits(books: Panel) -> dict[str, Floats]:
    rows = books.tables.previous.get("indicator_hit")
    if rows is None or not rows.num_rows:
        return {"hits_last_night_n": books.none()}
    return {"hits_last_night_n": _tally(books, rows.filter(pc.fill_null(rows["hit"], False)))}


def _outcomes(books: Panel) -> dict[str, Floats]:
    rows = books.ledger.tables["outcome"]
    standing = pc.invert(pa.array(is_one_of(rows["standing"], ("overturned",))))
    rows = rows.filter(pc.and_(pc.and_(standing, pc.is_valid(rows["adjusted"])), pc.less_equal(rows["known_at"], pa.scalar(books.ledger.as_of, pa.date32()))))
    age = month_number(books.ledger.as_of) - month_numbers(rows["known_at"])
    sign, amount = floats(rows["adjusted"]), floats(rows["assessed"])
    recent = age < 36
    row = books.ledger.row_of(rows["taxpayer_id"])
    last = np.full(books.count, np.inf)
    np.minimum.at(last, row[row >= 0], age[row >= 0].astype(np.float64))
    return {
        "confirmed_n_36m": _tally(books, rows, recent & (sign > 0)),
        "excluded_n_36m": _tally(books, rows, recent & (sign == 0)),
        "adjusted_down_n_36m": _tally(books, rows, recent & (sign < 0)),
        "adjusted_log_36m": log_amount(_tally(books, rows, recent, np.nan_to_num(amount))),
        "months_since_examined": np.where(np.isinf(last), np.nan, last),
    }


def _tally(books: Panel, rows: pa.Table, keep: Flags | None = None, weights: Floats | None = None) -> Floats:
    row = books.ledger.row_of(rows["taxpayer_id"])
    inside = (row >= 0) & (True if keep is None else keep)
    return np.bincount(row[inside], weights=None if weights is None else weights[inside], minlength=books.count).astype(np.float64)


FAMILY = Family(
    "history",
    "Earlier nights and outcomes",
    (
        Feature("points_before_n_12m", "count", 12, "different points open in earlier published nights", ()),
        Feature("nights_with_points_12m", "count", 12, "earlier published nights with an open point", ()),
        Feature("hits_last_night_n", "count", None, "indicators that fired in the last published night", ()),
        Feature("confirmed_n_36m", "count", 36, "points adjusted upward", OUTCOMES),
        Feature("excluded_n_36m", "count", 36, "points examined and excluded", OUTCOMES),
        Feature("adjusted_down_n_36m", "count", 36, "points adjusted downward", OUTCOMES),
        Feature("adjusted_log_36m", "log currency", 36, "tax adjusted, signed", OUTCOMES),
        Feature("months_since_examined", "month", None, "months since a point was last examined; null: never", OUTCOMES),
    ),
    count,
)
