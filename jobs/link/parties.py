"""party: which taxpayer a row of another agency is about. The deterministic part: by id, by repaired id, by name.

Links are strict, default or loose; what reads them takes the tightest it needs. Only new or changed decisions are appended.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Ints
from jobs.lake.read import latest
from jobs.lake.step import Night, Tables
from jobs.link.ids import is_valid, within_one
from jobs.link.names import normalised

SOURCES = {
    "penalty": ("penalty_no", "party_name", "party_id"),
    "land_holding": ("parcel_id", "holder_name", "holder_id"),
    "licence": ("licence_no", "party_name", "party_id"),
}
DECISION = ("taxpayer_id", "method", "threshold", "row_digest")


@dataclass(frozen=True)
class Method:
    """A way to link, how often it is right, and the tightest threshold it passes. Judgement until labelled pairs correct it."""

    name: str
    probability: float
    threshold: str | None


METHODS = (
    Method("none", 0.0, None),
    Method("id", 0.999, "strict"),
    Method("id_repaired", 0.97, "strict"),
    Method("name", 0.9, "default"),
    Method("name", 0.5, "loose"),  # the name fits, but the id received is a valid one of somebody else
)
NONE, BY_ID, REPAIRED, BY_NAME, DESPITE_ID = range(len(METHODS))


def link(tables: Tables, night: Night) -> pa.Table:
    """New and changed rows of `party`: its own columns and known_at.

    Reads penalty, land_holding, licence and taxpayer as of the date, every version of taxpayer (`versions`: by former names too), and the
    links `stored` so far. A link is known when both the row and the taxpayer's first registration are, and a changed one not
    before the decision it replaces.
    """
    records = pa.concat_tables([_records(tables[name], *columns) for name, columns in SOURCES.items()])
    taxpayers = _taxpayers(tables["taxpayer"], tables.versions["taxpayer"])
    place, method = _match(records, taxpayers, night.conf.house.id_standard)
    return _changed(_decided(records, taxpayers, place, method), tables.stored["party"])


def _records(rows: pa.Table, key: str, name: str, received: str) -> pa.Table:
    columns = {"source": "source", "record_key": key, "name": name, "received_id": received, "row_digest": "row_digest", "known_at": "known_at"}
    return pa.table({new: rows[old] for new, old in columns.items()})


def _taxpayers(now: pa.Table, versions: pa.Table) -> pa.Table:
    """taxpayer_id, name, known_at: once per taxpayer registered now and name he ever had, known since his first registration."""
    first = versions.group_by("taxpayer_id", use_threads=False).aggregate([("known_at", "min")])
    names = versions.select(["taxpayer_id", "name"]).group_by(["taxpayer_id", "name"], use_threads=False).aggregate([])
    kept = names.filter(pc.is_in(names["taxpayer_id"], value_set=pc.unique(now["taxpayer_id"])))
    dated = kept.join(first, "taxpayer_id").rename_columns(["taxpayer_id", "name", "known_at"])
    return dated.sort_by([("taxpayer_id", "ascending"), ("name", "ascending")])


def _match(records: pa.Table, taxpayers: pa.Table, standard: str) -> tuple[Ints, Ints]:
    """For each record the row of its taxpayer (-1: none) and the method, by number in METHODS."""
    place = _position(records["received_id"], taxpayers["taxpayer_id"])
    method = np.where(place >= 0, BY_ID, NONE)
    open_ = np.flatnonzero(place < 0)
    if not len(open_):
        return place, method
    ids = taxpayers["taxpayer_id"].to_pylist()
    by_name: dict[str, dict[str, int]] = defaultdict(dict)
    for row, name in enumerate(_normalised(taxpayers["name"])):
        by_name[name].setdefault(ids[row], row)
    by_name.pop("", None)
    names, received = _normalised(records["name"]), records["received_id"].to_pylist()
    for row in open_.tolist():  # only what no id settles
        place[row], method[row] = _by_name(received[row], list(by_name.get(names[row], {}).values()), ids, standard)
    return place, method


def _by_name(received: str | None, candidates: list[int], ids: list[str], standard: str) -> tuple[int, int]:
    near = [c for c in candidates if received and within_one(received, ids[c])]
    if len(near) == 1:
        return near[0], REPAIRED
    if len(candidates) != 1:
        return -1, NONE
    return candidates[0], DESPITE_ID if received and is_valid(received, standard) else BY_NAME


def _decided(records: pa.Table, taxpayers: pa.Table, place: Ints, method: Ints) -> pa.Table:
    found = pa.array(place, mask=place < 0)
    taxpayer, registered = taxpayers["taxpayer_id"].take(found), taxpayers["known_at"].take(found)
    return records.set_column(records.column_names.index("known_at"), "known_at", pc.max_element_wise(records["known_at"], registered)).append_column(
        "taxpayer_id", taxpayer).append_column(
        "party_id", pc.coalesce(taxpayer, pa.array(_unknown(records), pa.string()))).append_column(
        "method", pa.array([METHODS[m].name for m in method], pa.string())).append_column(
        "probability", pa.array([METHODS[m].probability for m in method], pa.float64())).append_column(
        "threshold", pa.array([METHODS[m].threshold for m in method], pa.string()))  # fmt: skip


def _unknown(records: pa.Table) -> list[str]:
    """A persistent id for a party that is no taxpayer: the same for the same id received, else the same name, else the row's own."""
    columns = (records[c].to_pylist() for c in ("received_id", "source", "record_key"))
    seeds = (received or name or f"{source}|{key}" for name, received, source, key in zip(_normalised(records["name"]), *columns, strict=True))
    return [f"P{hashlib.sha256(seed.encode()).hexdigest()[:19]}" for seed in seeds]


def _changed(decided: pa.Table, stored: pa.Table) -> pa.Table:
    """Decisions that differ from the last stored ones of the same record."""
    key = ["source", "record_key"]
    last = latest(stored, ("source", "record_key")).select([*key, *DECISION, "known_at"])
    last = last.rename_columns([c if c in key else f"{c}_last" for c in last.column_names])
    both = decided.join(last.append_column("seen", pa.array([True] * last.num_rows, pa.bool_())), key, join_type="left outer")
    same = np.asarray(pc.fill_null(both["seen"], False).to_numpy())
    for column in DECISION:
        left, right = pc.fill_null(both[column], ""), pc.fill_null(both[f"{column}_last"], "")
        same &= np.asarray(pc.equal(left, right).to_numpy())
    new = both.filter(pa.array(~same))
    new = new.set_column(new.column_names.index("known_at"), "known_at", pc.max_element_wise(new["known_at"], new["known_at_last"]))
    return new.select(decided.column_names).sort_by([(c, "ascending") for c in key])


def _normalised(names: pa.ChunkedArray) -> list[str]:
    """Each distinct name is normalised once."""
    coded = pc.dictionary_encode(pc.fill_null(names, "")).combine_chunks()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.unify_dictionaries().combine_chunks()
    distinct = np.array([normalised(n) for n in coded.dictionary.to_pylist()], dtype=object)
    return list(distinct[coded.indices.to_numpy()]) if len(distinct) else []


def _position(values: pa.ChunkedArray, ids: pa.ChunkedArray) -> Ints:
    found = pc.fill_null(pc.index_in(values, value_set=ids.combine_chunks()), -1)
    return np.asarray(found.to_numpy(), dtype=np.int64).copy()
