"""party_fact: what third parties say about a taxpayer, after linking, by month, as signed differences."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of, month_numbers, months
from jobs.lake.additive import differences
from jobs.lake.arrays import cents
from jobs.lake.step import Night, Tables
from jobs.lake.tables import TABLES

CONTRACT = TABLES["party_fact"]
USED = ("strict", "default")  # a loose link is shown to people, never counted against a taxpayer
DOCUMENT = ("source", "record_key", "what")
ORDER = ("version", "row_known_at", "row_digest", "link_known_at", "link_run")
KEPT = ("version", "known_at", "row_digest", "deleted", "source")


def party_fact(tables: Tables, night: Night) -> pa.Table:
    """Differences of party_fact: its own columns and known_at; nonzero rows only.

    Reads every version of penalty, land_holding and party (`versions`) and the facts `stored` so far. A penalty lies in the month
    of its decision, a parcel counts +1 in the month it was acquired and -1 in the month it was disposed of. Amounts in cents.
    """
    penalty, land = tables.versions["penalty"], tables.versions["land_holding"]
    facts = [
        _facts(penalty, "penalty_no", "decided_on", "penalties", "penalty_amount", "amount", 1),
        _facts(land, "parcel_id", "acquired_on", "parcels", "land_value", "original_value", 1),
        _facts(land, "parcel_id", "ceased_on", "parcels", "land_value", "original_value", -1),
    ]
    rows = _linked(pa.concat_tables(facts), tables.versions["party"])
    return differences(rows, CONTRACT.key, DOCUMENT, ORDER, CONTRACT.measures, tables.stored["party_fact"])


def _facts(rows: pa.Table, key: str, at: str, count: str, amount: str, column: str, sign: int) -> pa.Table:
    """One row per version of a record; a version without a date counts nothing, yet takes the place of the one before."""
    dated = np.asarray(rows[at].is_valid().to_numpy())
    found = rows.select(list(KEPT)).rename_columns([{"known_at": "row_known_at"}.get(c, c) for c in KEPT])
    found = found.set_column(found.column_names.index("deleted"), "deleted", pc.or_(pc.fill_null(found["deleted"], False), pa.array(~dated)))
    zero = np.zeros(rows.num_rows, dtype=np.int64)
    values = dict.fromkeys(CONTRACT.measures, zero) | {count: zero + sign, amount: cents(rows[column]) * sign}
    more = {"record_key": rows[key], "what": pa.array([at] * rows.num_rows, pa.string()), "month": months(np.where(dated, month_numbers(rows[at]), 0))}
    for name, value in {**more, **{m: pa.array(v) for m, v in values.items()}}.items():
        found = found.append_column(name, value)
    return found


def _linked(facts: pa.Table, party: pa.Table) -> pa.Table:
    """Each version of a record with each decision whose it is, known when both are: the latest of both counts on any date."""
    links = party.select(["source", "record_key", "taxpayer_id", "threshold", "known_at", "run"]).rename_columns(
        ["source", "record_key", "taxpayer_id", "threshold", "link_known_at", "link_run"])  # fmt: skip
    both = facts.join(links, ["source", "record_key"], join_type="inner")
    used = pc.and_(pa.array(is_one_of(both["threshold"], USED)), pc.is_valid(both["taxpayer_id"]))
    both = both.set_column(both.column_names.index("deleted"), "deleted", pc.or_(both["deleted"], pc.invert(used)))
    both = both.set_column(both.column_names.index("taxpayer_id"), "taxpayer_id", pc.fill_null(both["taxpayer_id"], ""))
    return both.append_column("known_at", pc.max_element_wise(both["row_known_at"], both["link_known_at"]))
