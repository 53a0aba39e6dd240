"""peer and peer_member: what is usual among comparable taxpayers, and by which group each one is judged.

A group is industry x size; where fewer than LEAST others have the ratio it backs off from the four-digit class to the two-digit
division, the section, the size alone, and all. Medians and 1.4826 MAD, for a few odd members must not move them (Rousseeuw and
Croux 1993). Taxpayers with a confirmed point that stands are left out: evaders are no standard. Nobody is compared with himself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.analyse.arrays import is_one_of
from jobs.lake.arrays import Flags, Floats, Ints, floats, positions
from jobs.lake.step import Night, Tables

LEAST = 30
LEAST_OF_ALL = 5  # under so few even the last group is no standard
SCALE = 1.4826  # makes the MAD of a normal distribution its standard deviation
ALL = "*"
# Sections of GB/T 4754-2017 by the last two-digit division of each
_SECTIONS = ((5, "A"), (12, "B"), (43, "C"), (46, "D"), (50, "E"), (52, "F"), (60, "G"), (62, "H"), (65, "I"), (69, "J"), (70, "K"), (72, "L"),
             (75, "M"), (79, "N"), (82, "O"), (83, "P"), (85, "Q"), (90, "R"), (96, "S"), (97, "T"))  # fmt: skip


@dataclass(frozen=True)
class Group:
    """One ratio within one level of groups: each taxpayer's group code, its members sorted by value, and where each group begins."""

    code: Ints
    values: Floats
    member: Flags
    start: Ints
    size: Ints
    ordered: Floats
    rank: Ints


def peers(tables: Tables, night: Night) -> dict[str, pa.Table]:
    """Tables `peer` and `peer_member` from ratio, taxpayer and outcome of all buckets.

    Groups under LEAST members are not given out, but for the group of all.
    """
    ratio, taxpayers = tables["ratio"], tables["taxpayer"].sort_by([("taxpayer_id", "ascending"), ("source", "ascending")])
    ids = pc.unique(taxpayers["taxpayer_id"].combine_chunks())
    levels = _levels(taxpayers.take(pa.array(positions(ids, taxpayers["taxpayer_id"].combine_chunks()))))
    clean = ~np.isin(np.arange(len(ids)), positions(_confirmed(tables["outcome"]), ids))
    statistics, members = [], []
    for measure in sorted(pc.unique(ratio["measure"]).to_pylist()):
        rows = ratio.filter(pc.equal(ratio["measure"], measure))
        place = positions(rows["taxpayer_id"], ids)
        values = np.full(len(ids), np.nan)
        values[place[place >= 0]] = floats(rows["value"])[place >= 0]
        found = [group(level, values, clean) for level in levels]
        statistics += [_statistics(measure, names, g) for names, g in zip(levels, found, strict=True)]
        members.append(_members(measure, ids, levels, found, values, place))
    return {"peer": _stack(statistics, _PEER), "peer_member": _stack(members, _MEMBER)}


_PEER = pa.schema([("measure", pa.string()), ("peer_group", pa.string()), ("n", pa.int32()), *((c, pa.float64()) for c in ("median", "mad", "p10", "p90"))])
_MEMBER = pa.schema([("taxpayer_id", pa.string()), ("measure", pa.string()), ("peer_group", pa.string()), ("value", pa.float64()), ("n", pa.int32()),
                     ("median", pa.float64()), ("mad", pa.float64())])  # fmt: skip


def _stack(parts: list[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([p.cast(schema) for p in parts]) if parts else schema.empty_table()


def _confirmed(outcome: pa.Table) -> pa.ChunkedArray:
    standing = pc.and_(pc.greater(outcome["adjusted"], 0), pc.invert(pa.array(is_one_of(outcome["standing"], ("overturned",)))))
    return outcome["taxpayer_id"].filter(pc.fill_null(standing, False))


def _levels(taxpayers: pa.Table) -> list[pa.DictionaryArray]:
    """Group names of every taxpayer, tightest level first."""
    size = pc.fill_null(taxpayers["segment"], "unknown")
    industry = pc.fill_null(taxpayers["industry"], "")
    division = pc.utf8_slice_codeunits(industry, 0, 2)
    section = pc.dictionary_encode(division).combine_chunks()
    letters = pa.array([_section(d) for d in section.dictionary.to_pylist()], pa.string())
    kinds = [pc.utf8_slice_codeunits(industry, 0, 4), division, letters.take(section.indices)]
    names = [pc.binary_join_element_wise(pc.if_else(pc.equal(k, ""), ALL, k), size, "|") for k in kinds]
    names += [pc.binary_join_element_wise(pa.scalar(ALL), size, "|"), pa.array([ALL] * taxpayers.num_rows, pa.string())]
    flat = [n.combine_chunks() if isinstance(n, pa.ChunkedArray) else n for n in names]
    return [pc.dictionary_encode(n) for n in flat]


def _section(division: str) -> str:
    """The section (A to T) of a two-digit division; empty when it is none."""
    return next((letter for last, letter in _SECTIONS if int(division) <= last), "") if division.isdigit() else ""


def group(level: pa.DictionaryArray, values: Floats, clean: Flags) -> Group:
    """Sort the members of each group of a level by value."""
    code = level.indices.to_numpy().astype(np.int64)
    member = np.isfinite(values) & clean
    rows = np.flatnonzero(member)
    order = rows[np.lexsort((values[rows], code[rows]))]
    size = np.bincount(code[rows], minlength=len(level.dictionary)).astype(np.int64)
    start = np.cumsum(size) - size
    rank = np.full(len(values), -1, dtype=np.int64)
    rank[order] = np.arange(len(order)) - start[code[order]]
    return Group(code, values, member, start, size, values[order], rank)


def _median(g: Group, code: Ints, without: Ints) -> Floats:
    """Median of a group of sorted values, the one of rank `without` (-1: none) left out; NaN when nobody is left."""
    left = g.size[code] - (without >= 0)

    def at(place: Ints) -> Floats:
        shifted = place + ((without >= 0) & (place >= without))
        return g.ordered[np.clip(g.start[code] + shifted, 0, max(len(g.ordered) - 1, 0))] if len(g.ordered) else np.zeros(len(code))

    return np.where(left > 0, (at((left - 1) // 2) + at(left // 2)) / 2, np.nan)


def _quantile(g: Group, share: float) -> Floats:
    """Quantile of every group, linear between neighbours."""
    place = np.maximum(g.size - 1, 0) * share
    low = np.floor(place).astype(np.int64)

    def at(offset: Ints) -> Floats:
        return g.ordered[np.clip(g.start + np.minimum(offset, np.maximum(g.size - 1, 0)), 0, max(len(g.ordered) - 1, 0))]

    return at(low) + (at(low + 1) - at(low)) * (place - low) if len(g.ordered) else np.full(len(g.size), np.nan)


def _deviations(level: pa.DictionaryArray, g: Group) -> Group:
    """The same groups, of the distances from each group's median."""
    centre = _median(g, np.arange(len(g.size)), np.full(len(g.size), -1))
    return group(level, np.where(g.member, np.abs(g.values - centre[g.code]), np.nan), g.member)


def _statistics(measure: str, level: pa.DictionaryArray, g: Group) -> pa.Table:
    every = np.arange(len(g.size))
    nobody = np.full(len(g.size), -1)
    spread = SCALE * _median(_deviations(level, g), every, nobody)
    names = level.dictionary
    given = (g.size >= LEAST) | (np.asarray(pc.equal(names, ALL).to_numpy(zero_copy_only=False)) & (g.size >= LEAST_OF_ALL))
    found = {"measure": pa.array([measure] * len(every), pa.string()), "peer_group": names, "n": pa.array(g.size.astype(np.int32)),
             "median": _median(g, every, nobody), "mad": _none_if_zero(spread), "p10": _quantile(g, 0.1), "p90": _quantile(g, 0.9)}  # fmt: skip
    return pa.table({k: _nullable(v) for k, v in found.items()}).filter(pa.array(given))


def _members(measure: str, ids: pa.Array, levels: list[pa.DictionaryArray], found: list[Group], values: Floats, place: Ints) -> pa.Table:
    """By which group each taxpayer is judged: the tightest with LEAST others; distances are from the group's median, his own left out."""
    others = np.stack([g.size[g.code] - g.member for g in found])
    least = np.array([LEAST] * (len(levels) - 1) + [0])[:, None]
    chosen = np.argmax(others >= least, axis=0)
    each = np.arange(len(ids))

    def pick(of: Callable[[pa.DictionaryArray, Group], Floats]) -> Floats:
        return np.asarray(np.stack([of(level, g) for level, g in zip(levels, found, strict=True)])[chosen, each])

    n = others[chosen, each]
    enough = n >= LEAST_OF_ALL
    centre = np.where(enough, pick(lambda _, g: _median(g, g.code, g.rank)), np.nan)
    spread = np.where(enough, SCALE * pick(lambda level, g: _without_own(_deviations(level, g))), np.nan)
    names = pa.chunked_array([level.dictionary_decode() for level in levels]).take(pa.array(chosen * len(ids) + each))
    here = np.sort(place[place >= 0])
    table = pa.table({"taxpayer_id": ids, "measure": pa.array([measure] * len(ids), pa.string()), "peer_group": names, "value": _nullable(values),
                      "n": pa.array(n.astype(np.int32)), "median": _nullable(centre), "mad": _nullable(_none_if_zero(spread))})  # fmt: skip
    return table.take(pa.array(here))


def _without_own(distances: Group) -> Floats:
    return _median(distances, distances.code, distances.rank)


def _none_if_zero(spread: Floats) -> Floats:
    return np.where(spread > 0, spread, np.nan)


def _nullable(values: Floats | pa.Array) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values)) if isinstance(values, np.ndarray) else values
