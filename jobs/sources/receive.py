"""The fate of each record at receipt, in one bucket: accepted, superseded, duplicate or quarantined. It never changes again.

Only rows of batches in force count as stored, and never the delivery's own. How a repeat is told (docs/lake.md):

* event: same key and content is a duplicate, same key and other content a conflict, which is quarantined;
* numbered versions: same key, version and content is a duplicate, anything else is stored;
* snapshots, and sources without a version: what equals the version before it is a duplicate, a change is stored; a key
  that a whole snapshot no longer has is hidden by a `deleted` version.

A duplicate known earlier than what is stored is stored too, and reading counts from the earliest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Ints, day_number
from jobs.lake.buckets import group_codes
from jobs.lake.read import version_rank
from jobs.lake.tables import BOOL, DATE, LONG, STRING, Table

ACCEPTED, SUPERSEDED, DUPLICATE, QUARANTINED = "accepted", "superseded", "duplicate", "quarantined"
FATES = (ACCEPTED, SUPERSEDED, DUPLICATE, QUARANTINED)
GONE = "~deleted"
CONFLICT = "conflict"
CONFLICT_REASON = "another record with this key and other content came before; a correction must come as an event of its own"
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Terms:
    """What the receipt and the contract say about telling repeats: day of receipt, receipt number, snapshot, numbered versions.

    `previous_day`: receipt of the snapshot before this one. `complete`: no record of this snapshot is unreadable, so
    that a key it does not have is gone.
    """

    day: date
    receipt: int
    snapshot: bool = False
    numbered: bool = True
    previous_day: date | None = None
    complete: bool = True


@dataclass(frozen=True)
class Arrived:
    """One delivery in one bucket. records: file, line, raw, rules, reason, id; rows and details as of check, with file."""

    records: pa.Table
    rows: pa.Table
    details: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """records with fate and known_at; rows and details to be stored; `stored` as the next delivery finds it."""

    records: pa.Table
    rows: pa.Table
    details: dict[str, pa.Table]
    stored: pa.Table


def stored_schema(contract: Table) -> pa.Schema:
    """What is known of stored rows: key columns (without source), known_at, version, row_digest, deleted."""
    types = {c.name: c.type for c in contract.own}
    key = [pa.field(k, types[k]) for k in contract.key if k != "source"]
    return pa.schema([*key, ("known_at", DATE), ("version", LONG), ("row_digest", STRING), ("deleted", BOOL)])


def receive(arrived: Arrived, stored: pa.Table, contract: Table, terms: Terms) -> Received:
    """Give every record its fate, and say what is stored."""
    document = [k for k in contract.version_of if k != "source"]
    rows = _on_our_clock(arrived.rows, terms)
    unit_of, units = _units(rows, document)
    known = _documents(stored, document)
    if contract.layer == "event":
        fate, keep, version = _events(units, known, document)
    elif terms.numbered and not terms.snapshot:
        fate, keep, version = _numbered(units, known, document)
    else:
        fate, keep, version = _changes(units, known, document, terms)
    records, conflicts = _record_fates(arrived.records, units, fate, terms)
    keep &= ~conflicts
    rows = rows.set_column(rows.schema.get_field_index("version"), "version", pa.array(version[unit_of], LONG))
    kept = rows.filter(pa.array(keep[unit_of])).append_column("deleted", pa.nulls(int(keep[unit_of].sum()), BOOL))
    details = {name: _followed(table, kept) for name, table in arrived.details.items()}
    schema = stored_schema(contract)
    after = pa.concat_tables([stored.select(schema.names), kept.select(schema.names)])
    if terms.snapshot and contract.layer == "version" and terms.complete:
        gone = _gone(after, units, arrived.records, contract, document, terms)
        kept = pa.concat_tables([kept, _filled(gone, kept.schema)])
        after = pa.concat_tables([after, gone.select(schema.names)])
    return Received(records, kept, details, after)


def _on_our_clock(rows: pa.Table, terms: Terms) -> pa.Table:
    """In a snapshot, what the snapshot before it did not have was not known when that one came, whatever date it bears."""
    if not terms.snapshot or terms.previous_day is None:
        return rows
    early = pc.less_equal(rows["known_at"], pa.scalar(terms.previous_day, DATE))
    known_at = pc.if_else(early, pa.scalar(terms.day, DATE), rows["known_at"])
    return rows.set_column(rows.schema.get_field_index("known_at"), "known_at", known_at)


def _units(rows: pa.Table, document: list[str]) -> tuple[Ints, pa.Table]:
    """The unit of each row (rows of one record and document share one version), and the units, one row each."""
    columns = list(dict.fromkeys([*document, "file", "line", "known_at", "version", "row_digest"]))
    places = group_codes(rows, ["file", "line"])
    if len(places) and int(places.max()) + 1 == len(places):  # a row a record: nothing to group
        return np.arange(rows.num_rows), rows.select(columns)
    codes = group_codes(rows, ["file", "line", *document])
    first, unit_of = np.unique(codes, return_index=True, return_inverse=True)[1:]
    return unit_of.astype(np.int64), rows.select(columns).take(pa.array(first))


def _documents(stored: pa.Table, document: list[str]) -> pa.Table:
    """Stored rows, one per document, version, content and known_at."""
    columns = list(dict.fromkeys([*document, "known_at", "version", "row_digest"]))
    if stored.num_rows == 0:
        return stored.select(columns)
    first = np.unique(group_codes(stored, columns), return_index=True)[1]
    return stored.select(columns).take(pa.array(first))


@dataclass(frozen=True)
class _Both:
    """Stored and new documents in one table: codes of key and content, which are new, and the order of arrival."""

    table: pa.Table
    key: Ints
    digest: Ints
    fresh: Mask
    arrival: Ints
    known_at: Ints


def _both(units: pa.Table, known: pa.Table, document: list[str]) -> _Both:
    columns = known.column_names
    table = pa.concat_tables([known, units.select(columns)]).combine_chunks()
    fresh = np.arange(table.num_rows) >= known.num_rows
    by_line = np.lexsort((units["line"].to_numpy(), alphabetic(units["file"])))
    place = np.empty(len(by_line), dtype=np.int64)
    place[by_line] = np.arange(len(by_line))
    arrival = np.concatenate([np.full(known.num_rows, -1, dtype=np.int64), place])
    known_at = table["known_at"].cast(pa.int32()).to_numpy().astype(np.int64)
    return _Both(table, group_codes(table, document), group_codes(table, ["row_digest"]), fresh, arrival, known_at)


def alphabetic(names: pa.ChunkedArray) -> Ints:
    """Codes of strings in alphabetic order: int64 [row]."""
    found = pc.dictionary_encode(names).combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = found.unify_dictionaries().combine_chunks()
    places: Ints = np.argsort(pc.sort_indices(found.dictionary).to_numpy().astype(np.int64)).astype(np.int64)
    return np.asarray(places[found.indices.to_numpy()])


def _events(units: pa.Table, known: pa.Table, document: list[str]) -> tuple[npt.NDArray[np.object_], Mask, Ints]:
    """Of one key the first content counts: repeats of it are duplicates, other content is a conflict."""
    both = _both(units, known, document)
    order = np.lexsort((both.arrival, both.key))
    first = _spread_first(both.key[order], order)
    same = both.digest == both.digest[first]
    old = ~both.fresh[first]
    fate = np.where(first == np.arange(len(first)), ACCEPTED, np.where(same, DUPLICATE, QUARANTINED)).astype(object)
    keep = (fate == ACCEPTED) | ((fate == DUPLICATE) & old & _earliest(both, both.key))
    version = np.zeros(len(fate), dtype=np.int64)
    version[~both.fresh] = known["version"].to_numpy()
    stays = np.where((fate == DUPLICATE) & old, version[first], _versions(units, known, 0))
    return fate[both.fresh], keep[both.fresh], stays[both.fresh]


def _numbered(units: pa.Table, known: pa.Table, document: list[str]) -> tuple[npt.NDArray[np.object_], Mask, Ints]:
    """Same key, version and content is a duplicate; of the others the highest of its key is accepted, the rest superseded."""
    both = _both(units, known, document)
    content = group_codes(both.table, [*document, "version", "row_digest"])
    order = np.lexsort((both.arrival, both.known_at, both.fresh, content))
    first = _spread_first(content[order], order)
    fresh_content = first == np.arange(len(first))
    keep = fresh_content | (~both.fresh[first] & _earliest(both, content))
    fate = _ranked(both, fresh_content)
    return fate[both.fresh], keep[both.fresh], both.table["version"].to_numpy()[both.fresh]


def _changes(units: pa.Table, known: pa.Table, document: list[str], terms: Terms) -> tuple[npt.NDArray[np.object_], Mask, Ints]:
    """What equals the version just before it, of the same key, is a duplicate; changes are stored."""
    versions = _versions(units, known, terms.receipt)[known.num_rows :]
    numbered = units.set_column(units.schema.get_field_index("version"), "version", pa.array(versions, LONG))
    both = _both(numbered, known, document)
    rank = version_rank(both.table) if both.table.num_rows else both.arrival
    order = np.lexsort((both.arrival, both.fresh, rank, both.key))
    same = np.zeros(len(order), dtype=bool)
    same[1:] = (both.key[order][1:] == both.key[order][:-1]) & (both.digest[order][1:] == both.digest[order][:-1])
    repeats = np.zeros(len(order), dtype=bool)
    repeats[order] = same
    # A run of equal content goes back to its first row, whose version a repeat shares.
    starts = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    origin = np.empty(len(order), dtype=np.int64)
    origin[order] = order[starts]
    new = both.fresh & ~repeats
    fate = _ranked(both, new)
    earlier = both.fresh & repeats & ~both.fresh[origin] & (both.known_at < both.known_at[origin])
    keep = new | (earlier & (not terms.snapshot))
    version = both.table["version"].to_numpy()
    return fate[both.fresh], keep[both.fresh], np.where(repeats, version[origin], version)[both.fresh]


def _versions(units: pa.Table, known: pa.Table, default: int) -> Ints:
    """Versions of stored and new documents; where the contract names none, the default."""
    given = pc.fill_null(units["version"], default).to_numpy().astype(np.int64)
    return np.concatenate([known["version"].to_numpy().astype(np.int64), given])


def _spread_first(codes: Ints, order: Ints) -> Ints:
    """For each row the first row, in the given order, with its code."""
    starts = np.concatenate([[True], codes[1:] != codes[:-1]]) if len(codes) else np.zeros(0, dtype=bool)
    first = np.empty(len(order), dtype=np.int64)
    first[order] = order[np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))] if len(order) else order
    return first


def _earliest(both: _Both, codes: Ints) -> Mask:
    """New rows known before every stored row of their code, and before any other new one (by arrival)."""
    if len(codes) == 0:
        return np.zeros(0, dtype=bool)
    low = np.full(int(codes.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(low, codes[~both.fresh], both.known_at[~both.fresh])
    order = np.lexsort((both.arrival, both.known_at, ~both.fresh, codes))
    leads = _spread_first(codes[order], order) == np.arange(len(codes))
    return both.fresh & leads & (both.known_at < low[codes])  # type: ignore[no-any-return]


def _ranked(both: _Both, new: Mask) -> npt.NDArray[np.object_]:
    """accepted: the highest of its key among stored and new; superseded: a higher one is there; duplicate: not new."""
    if both.table.num_rows == 0:
        return np.zeros(0, dtype=object)
    rank = version_rank(both.table)
    counted = new | ~both.fresh
    best = np.full(int(both.key.max()) + 1, -1, dtype=np.int64)
    np.maximum.at(best, both.key[counted], rank[counted])
    return np.where(~new, DUPLICATE, np.where(rank == best[both.key], ACCEPTED, SUPERSEDED)).astype(object)


def _number(fate: npt.NDArray[np.object_]) -> Ints:
    """Positions in FATES."""
    return np.select([fate == f for f in FATES], range(len(FATES))).astype(np.int64)


def _record_fates(records: pa.Table, units: pa.Table, fate: npt.NDArray[np.object_], terms: Terms) -> tuple[pa.Table, Mask]:
    """Records with fate and known_at; which units belong to a record that is in conflict."""
    places = pa.concat_tables([records.select(["file", "line"]), units.select(["file", "line"])])
    codes = group_codes(places, ["file", "line"])
    mine, theirs = codes[: records.num_rows], codes[records.num_rows :]
    best = np.full(int(codes.max()) + 1 if len(codes) else 0, 3, dtype=np.int64)
    np.minimum.at(best, theirs, _number(fate))
    conflict = np.zeros(len(best), dtype=bool)
    conflict[theirs[fate == QUARANTINED]] = True
    whole = ~np.asarray(pc.is_valid(records["rules"]).to_numpy())
    number = np.where(whole & ~conflict[mine], best[mine], 3)
    day = np.full(len(best), np.iinfo(np.int32).max, dtype=np.int64)
    np.minimum.at(day, theirs, units["known_at"].cast(pa.int32()).to_numpy().astype(np.int64))
    receipt = day_number(terms.day)
    known_at = np.where((number == 3) | (day[mine] > receipt), receipt, day[mine]).astype(np.int32)
    clash = pa.array(whole & conflict[mine])
    rules = pc.if_else(clash, pa.scalar([CONFLICT], pa.list_(STRING)), records["rules"])
    reason = pc.if_else(clash, CONFLICT_REASON, records["reason"])
    columns = {
        **{n: records[n] for n in ("file", "line", "raw")},
        "rules": rules,
        "reason": reason,
        "fate": pa.array(FATES, STRING).take(pa.array(number)),
        "known_at": pc.cast(pa.array(known_at), DATE),
    }
    return pa.table(columns), conflict[theirs]


def _followed(details: pa.Table, kept: pa.Table) -> pa.Table:
    """Inner rows of the records that are stored, with the clock and version of their record."""
    places = pa.concat_tables([kept.select(["file", "line"]), details.select(["file", "line"])])
    codes = group_codes(places, ["file", "line"])
    owner = np.full(int(codes.max()) + 1 if len(codes) else 0, -1, dtype=np.int64)
    owner[codes[: kept.num_rows]] = np.arange(kept.num_rows)
    found = owner[codes[kept.num_rows :]]
    stays = details.filter(pa.array(found >= 0))
    of = kept.take(pa.array(found[found >= 0]))
    for name in ("known_at", "version"):
        stays = stays.set_column(stays.schema.get_field_index(name), name, of[name])
    return stays.append_column("deleted", pa.nulls(stays.num_rows, BOOL))


def _gone(after: pa.Table, units: pa.Table, records: pa.Table, contract: Table, document: list[str], terms: Terms) -> pa.Table:
    """`deleted` versions of the keys in force that this snapshot no longer has; keys of records that broke a rule are spared."""
    if after.num_rows == 0:
        return after
    places = pa.concat_tables([after.select(document), units.select(document)])
    codes = group_codes(places, document)
    mine, present = codes[: after.num_rows], np.unique(codes[after.num_rows :])
    rank = version_rank(after)
    best = np.full(int(codes.max()) + 1, -1, dtype=np.int64)
    np.maximum.at(best, mine, rank)
    broken = records.filter(pc.is_valid(records["rules"]))["id"]
    spared = pc.is_in(after[contract.bucket_by or ""], value_set=broken.combine_chunks().drop_null())
    gone = (rank == best[mine]) & ~np.isin(mine, present) & ~np.asarray(spared.to_numpy()) & ~np.asarray(pc.fill_null(after["deleted"], False).to_numpy())
    found = after.filter(pa.array(gone))
    version = found["version"] if terms.numbered else pc.max_element_wise(found["version"], pa.scalar(terms.receipt, LONG))
    count = found.num_rows
    for name, values in (("version", version), ("known_at", pa.repeat(pa.scalar(terms.day, DATE), count)),
                         ("row_digest", pa.repeat(pa.scalar(GONE), count)), ("deleted", pa.repeat(pa.scalar(True), count))):  # fmt: skip
        found = found.set_column(found.schema.get_field_index(name), name, values)
    if found.num_rows == 0:
        return found
    key = [k for k in contract.key if k != "source"]
    return found.take(pa.array(np.unique(group_codes(found, key), return_index=True)[1]))


def _filled(gone: pa.Table, schema: pa.Schema) -> pa.Table:
    blank = {"file": pa.repeat(pa.scalar(""), gone.num_rows), "line": pa.repeat(pa.scalar(0, LONG), gone.num_rows)}
    columns = [gone[f.name] if f.name in gone.column_names else blank.get(f.name, pa.nulls(gone.num_rows, f.type)) for f in schema]
    return pa.table(columns, schema=schema)
