"""What a delivery looks like in numbers that add up over tasks: counted from the rows at hand while they are received, never by reading again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.conf import Source
from jobs.lake.arrays import Ints, floats
from jobs.lake.buckets import group_codes
from jobs.lake.tables import Table, table

BINS, PER_DECADE, LOWEST = 240, 10, -4
"""Sizes of numbers are counted in bins of a tenth of a decade, from 0.0001 to 10^20: a quartile is right to a quarter of itself."""
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Profile:
    """Counts of one delivery, or of a part of it.

    records, broken: how many, and of them those that break a rule. newest: day number of the latest event (-1: none). present:
    filled cells by column that may be empty. sizes: nonzero numbers by column and bin of log10. ids, known: distinct ids, and those another table
    knows; others: how many that table has.
    """

    records: int = 0
    broken: int = 0
    newest: int = -1
    present: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, Ints] = field(default_factory=dict)
    ids: int = 0
    known: int = 0
    others: int = 0

    def __add__(self, other: Profile) -> Profile:
        present = {c: self.present.get(c, 0) + other.present.get(c, 0) for c in {**self.present, **other.present}}
        none = np.zeros(BINS, dtype=np.int64)
        sizes = {c: self.sizes.get(c, none) + other.sizes.get(c, none) for c in {**self.sizes, **other.sizes}}
        newest = max(self.newest, other.newest)
        return Profile(self.records + other.records, self.broken + other.broken, newest, present, sizes, self.ids + other.ids, self.known + other.known, self.others + other.others)

    @property
    def whole(self) -> int:
        """Records that break no rule."""
        return self.records - self.broken


def profile(records: pa.Table, rows: pa.Table, source: Source) -> Profile:
    """Count checked records (column rules) and their rows."""
    contract = table(source.table)
    broken = int(pc.sum(pc.is_valid(records["rules"])).as_py() or 0)
    newest = pc.max(rows["event_at"].cast(pa.int32())).as_py()
    mapped = {n: f for n, f in source.columns.items() if f.from_ is not None and n not in contract.key}
    units = rows.take(pa.array(np.unique(_places(rows), return_index=True)[1])) if source.lines else rows
    present = {n: units.num_rows - units[n].null_count for n, f in mapped.items() if not f.required}
    numbers = {n: _sizes(units[n]) for n in mapped if pa.types.is_decimal(units[n].type) or pa.types.is_floating(units[n].type) or pa.types.is_integer(units[n].type)}
    for line, said in (source.lines or {}).items():
        here = rows["amount"].filter(pc.equal(rows[line_column(contract)], line))
        numbers[line] = _sizes(here)
        present |= {} if said.required else {line: len(here)}
    return Profile(records.num_rows, broken, -1 if newest is None else int(newest), present, numbers)


def covered(ids: pa.Array, known: pa.Array) -> Profile:
    """Of a delivery's distinct ids, how many another table knows."""
    return Profile(ids=len(ids), known=int(pc.sum(pc.is_in(ids, value_set=known)).as_py() or 0), others=len(known))


def line_column(contract: Table) -> str:
    """The column that names the lines of a form or statement."""
    return "return_line" if contract.name == "return_line" else "item"


def _places(rows: pa.Table) -> npt.NDArray[np.int64]:
    return group_codes(rows, ["file", "line"])


def _sizes(column: pa.ChunkedArray) -> Ints:
    """How many nonzero numbers lie in each bin of size: int64 [bin]."""
    values = np.abs(floats(column.drop_null()))
    values = values[np.isfinite(values) & (values > 0)]
    bins = np.clip(np.floor((np.log10(values) - LOWEST) * PER_DECADE), 0, BINS - 1).astype(np.int64)
    return np.bincount(bins, minlength=BINS).astype(np.int64)


def quartiles(sizes: Ints) -> list[float]:
    """The quartiles of a number's size, each as the middle of its bin."""
    upto = np.cumsum(sizes)
    places = [int(np.searchsorted(upto, share * upto[-1])) for share in QUARTILES]
    return [float(10 ** ((place + 0.5) / PER_DECADE + LOWEST)) for place in places]
