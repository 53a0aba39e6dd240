"""Additive tables are kept right by appended differences, never by updates (docs/lake.md, "Additive tables").

Let H(k) be the value resolved as of date k. For every date k on which something about a touched document became known, and
every date already stored, (H(k) - H(day before k)) - (the stored sum at exactly k) is appended, stamped known_at = k. The sum
of all rows with known_at <= k is then H(k) for every k, whatever arrived late, and a replay by run still reads its own rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Ints
from jobs.lake.buckets import group_codes

KNOWN_AT = "known_at"


@dataclass(frozen=True)
class Timeline:
    """What each document looked like on each date on which something about it became known.

    Axes: [state] = (document, date), ordered; [seen] = (state, row visible on that date), ordered by state, then version.
    `winner` is the row in force in a state, `before` the state of the same document before it (-1: none).
    """

    known_at: Ints
    winner: Ints
    before: Ints
    seen_state: Ints
    seen_row: Ints


def differences(rows: pa.Table, key: Sequence[str], document: Sequence[str], order: Sequence[str], measures: Sequence[str],
                stored: pa.Table) -> pa.Table:  # fmt: skip
    """What must be appended so that the table reads right on every date: key, known_at and measures, nonzero rows only.

    `rows` holds all rows in force of the touched documents, every version, with known_at; one row is one version of one
    document, and a row whose `deleted` is true counts nothing. `stored` holds what the table says of the same cells so far.
    A document may move from one key to another between versions.
    """
    times = timeline(rows, document, order)
    values = {m: rows.column(m).to_numpy()[times.winner] for m in measures}
    return minus(increments(times, rows, key, values), stored, key, measures)


def timeline(rows: pa.Table, document: Sequence[str], order: Sequence[str]) -> Timeline:
    """The states of the documents in `rows`; versions are ordered by `order`, in which known_at may stand.

    Rows equal in document and order but for known_at repeat one version: they count from the date known first.
    """
    documents, known = group_codes(rows, list(document)), days(rows.column(KNOWN_AT))
    first = _known_first(group_codes(rows, [*document, *(c for c in order if c != KNOWN_AT)]), known)
    ranks = dense_rank(rows, order)
    documents, known, ranks = documents[first], known[first], ranks[first]
    shift = np.int64(2**32)
    pairs = np.unique(documents * shift + known)
    start = np.searchsorted(pairs, documents * shift + known)
    stop = np.searchsorted(pairs, (documents + 1) * shift - 2**31)
    count = stop - start
    row = np.repeat(np.arange(len(documents)), count)
    state = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start, count)
    by_version = np.lexsort((ranks[row], state))
    state, row = state[by_version], first[row[by_version]]
    last = np.append(state[1:] != state[:-1], True)[: len(state)]
    owner = (pairs + 2**31) // shift
    same = np.append(False, owner[1:] == owner[:-1])[: len(owner)]
    before = np.where(same, np.arange(len(owner)) - 1, -1)
    return Timeline(pairs - owner * shift, row[last], before, state, row)


def increments(times: Timeline, rows: pa.Table, key: Sequence[str], values: Mapping[str, Ints]) -> pa.Table:
    """H(k) - H(day before k) by key and k: `values` [state] are what each state counts, at the key of its winning row."""
    hidden = pc.fill_null(rows.column("deleted"), False).to_numpy() if "deleted" in rows.column_names else np.zeros(rows.num_rows, bool)
    counts = ~hidden[times.winner]
    after = np.flatnonzero(times.before >= 0)
    later, earlier = np.arange(len(times.winner)), times.before[after]
    state = np.concatenate([later[counts], earlier[counts[earlier]]])
    stamp = np.concatenate([times.known_at[counts], times.known_at[after][counts[earlier]]])
    sign = np.concatenate([np.ones(int(counts.sum()), np.int64), -np.ones(int(counts[earlier].sum()), np.int64)])
    cells = rows.select(list(key)).take(pa.array(times.winner[state]))
    columns = {k: cells.column(k) for k in key} | {KNOWN_AT: as_dates(stamp)} | {m: pa.array(v[state] * sign) for m, v in values.items()}
    return total(pa.table(columns), key, list(values))


def minus(wanted: pa.Table, stored: pa.Table, key: Sequence[str], measures: Sequence[str]) -> pa.Table:
    """`wanted` less `stored` by key and known_at: nonzero rows only, ordered by key and known_at."""
    names = [*key, KNOWN_AT, *measures]
    negated = stored.select([*key, KNOWN_AT])
    for measure in measures:
        negated = negated.append_column(measure, pc.negate(pc.fill_null(stored.column(measure), 0)))
    return total(pa.concat_tables([wanted.select(names), negated.cast(wanted.select(names).schema)]), key, measures)


def signed(rows: pa.Table, key: Sequence[str], measures: Sequence[str], sign: str = "sign") -> pa.Table:
    """Events: the accepted rows of new batches less those of retired ones, by key and known_at; nonzero rows only."""
    factor = rows.column(sign)
    columns = {k: rows.column(k) for k in (*key, KNOWN_AT)} | {m: pc.multiply(pc.fill_null(rows.column(m), 0), factor) for m in measures}
    return total(pa.table(columns), key, measures)


def total(rows: pa.Table, key: Sequence[str], measures: Sequence[str]) -> pa.Table:
    """Sum measures by key and known_at, drop rows in which all are zero, and order the rest."""
    by = [*key, KNOWN_AT]
    summed = rows.group_by(by, use_threads=False).aggregate([(m, "sum") for m in measures])
    summed = summed.rename_columns([c.removesuffix("_sum") if c not in by else c for c in summed.column_names]).select([*by, *measures])
    nonzero = np.zeros(summed.num_rows, dtype=bool)
    for measure in measures:
        nonzero |= summed.column(measure).to_numpy() != 0
    return summed.filter(pa.array(nonzero)).sort_by([(c, "ascending") for c in by])


def dense_rank(rows: pa.Table, columns: Sequence[str]) -> Ints:
    """The place of each row in the order of the named columns, ties equal: int64 [row]."""
    place = np.zeros(rows.num_rows, dtype=np.int64)
    for name in columns:
        column = pc.rank(rows.column(name), sort_keys="ascending", tiebreaker="dense").to_numpy().astype(np.int64)
        place = place * (int(column.max(initial=0)) + 1) + column
        place = np.unique(place, return_inverse=True)[1].astype(np.int64)
    return place


def days(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Dates as days since 1970-01-01; no nulls: int64 [row]."""
    return np.asarray(column.cast(pa.int32()).to_numpy(), dtype=np.int64)


def as_dates(numbers: Ints) -> pa.Array:
    """Days since 1970-01-01 as dates."""
    return pa.array(numbers.astype(np.int32)).cast(pa.date32())


def _known_first(content: Ints, known: Ints) -> Ints:
    order = np.lexsort((known, content))
    head = np.append(True, content[order][1:] != content[order][:-1])[: len(order)]
    return np.sort(order[head])
