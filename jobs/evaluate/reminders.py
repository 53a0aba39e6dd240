"""What followed a reminder: the point closed, tax declared and paid for its periods, within 90 days; beside those held out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Flags, Ints, day_number, day_numbers, flags, money, positions, whole_array
from jobs.lake.buckets import group_codes
from jobs.lake.step import Night, Tables
from jobs.lake.tables import table

WINDOW_DAYS = 90
_DECLARED = {"VAT": "vat_due", "CIT": "cit_due", "PIT": "pit_due"}
_PAID = {"VAT": "paid_vat", "CIT": "paid_cit", "PIT": "paid_pit"}


def reminder_result(tables: Tables, night: Night) -> pa.Table:
    """Kernel. One row per reminder of every published night before this one, held-out and suppressed ones included (intention to treat).

    A letter counts where its case was handed over: a list that nobody approved sent none. What was held out or suppressed has no case of its
    own, so whether its night was handed over shows only in the rows of the others (`evaluation` looks there).
    Reads taxpayer_month, risk_point, case_event; history: reminder, risk_point. corrected: rise of tax declared for the point's tax and months that
    became known after the reminder and within 90 days; paid likewise. A return filed for the first time counts: not filing was the point.
    """
    reminder = tables.history.get("reminder")
    past = tables.history.get("risk_point")
    if reminder is None or past is None or reminder.num_rows == 0:
        return pa.table({c.name: pa.array([], c.type) for c in table("reminder_result").own})
    reminder = _of_lists_handed_over(reminder, tables["case_event"])
    point = _point_then(past, reminder)
    sent = day_numbers(reminder["as_of"])
    today = day_number(night.as_of)
    suppressed = whole_array(pc.fill_null(reminder["suppressed"], "sent"))
    months = tables["taxpayer_month"]
    return pa.table({
        "taxpayer_id": reminder["taxpayer_id"], "point_id": reminder["point_id"], "sent_on": reminder["as_of"], "tax": point["tax"], "arm": suppressed,
        "question": pc.fill_null(reminder["question"], False), "amount": point["amount_error"],
        "matured": pa.array(sent + WINDOW_DAYS <= today, pa.bool_()),
        "closed": pa.array(_closed(tables, reminder, sent, today), pa.bool_()),
        "corrected": money(_rise(months, reminder["taxpayer_id"], point, sent, _DECLARED)),
        "paid": money(_rise(months, reminder["taxpayer_id"], point, sent, _PAID)),
    })


def _of_lists_handed_over(reminder: pa.Table, event: pa.Table) -> pa.Table:
    """Without the letters of cases that were never pushed."""
    pushed = whole_array(event.filter(pc.equal(event["kind"], "pushed"))["case_id"])
    return reminder.filter(pc.or_(pc.is_valid(reminder["suppressed"]), pc.is_in(reminder["case_id"], value_set=pushed, skip_nulls=True)))


def _point_then(past: pa.Table, reminder: pa.Table) -> pa.Table:
    """The point each reminder was about as it stood that night (its tax, period and amount), row by row."""
    both = pa.concat_tables([t.select(["point_id", "as_of"]) for t in (past, reminder)])
    key = group_codes(both, ["point_id", "as_of"])
    at = positions(pa.array(key[past.num_rows :]), pa.array(key[: past.num_rows]))
    return past.take(pa.array(at, mask=at < 0))


def _closed(tables: Tables, reminder: pa.Table, sent: Ints, today: int) -> Flags:
    """Was the point seen closed by the first night on which the window had run out (nights are not daily)."""
    columns = ["as_of", "point_id", "state"]
    past = tables.history["risk_point"].select(columns)
    seen = pa.concat_tables([past, tables["risk_point"].select(columns)])
    nights = np.unique(np.append(day_numbers(past["as_of"]), today))
    horizon = nights[np.minimum(np.searchsorted(nights, sent + WINDOW_DAYS), len(nights) - 1)]
    numbered = pa.table({"point_id": reminder["point_id"], "row": np.arange(len(sent)), "sent": sent, "horizon": horizon})
    both = numbered.join(seen.filter(pc.equal(seen["state"], "closed")).select(["point_id", "as_of"]), "point_id", join_type="inner")
    when = day_numbers(both["as_of"])
    out = np.zeros(len(sent), dtype=bool)
    out[both["row"].to_numpy()[(when > both["sent"].to_numpy()) & (when <= both["horizon"].to_numpy())]] = True
    return out


def _rise(months: pa.Table, owner: pa.ChunkedArray, point: pa.Table, sent: Ints, measures: dict[str, str]) -> Ints:
    """Cents by which a measure of the point's tax and months rose in the window after each reminder."""
    numbered = pa.table({"taxpayer_id": owner, "row": np.arange(len(sent)), "sent": sent, "from": point["period_from"], "to": point["period_to"], "tax": point["tax"]})
    mine = months.filter(pc.is_in(months["taxpayer_id"], value_set=whole_array(owner))).select(["taxpayer_id", "month", "known_at", *measures.values()])
    both = numbered.join(mine, "taxpayer_id", join_type="inner")
    known, since = day_numbers(both["known_at"]), both["sent"].to_numpy()
    first = pc.less_equal(pc.floor_temporal(both["from"], unit="month"), both["month"])
    inside = flags(pc.and_(first, pc.less_equal(both["month"], both["to"]))) & (known > since) & (known <= since + WINDOW_DAYS)
    total = np.zeros(len(sent), dtype=np.int64)
    for tax, measure in measures.items():
        of_tax = inside & flags(pc.equal(both["tax"], tax))
        np.add.at(total, both["row"].to_numpy()[of_tax], whole_array(pc.fill_null(both[measure], 0)).to_numpy()[of_tax])
    return total


