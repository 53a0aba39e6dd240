"""A country's census read back: parts added up file by file, so that nobody holds more than the sums, the largest firms and a sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.economy.figures import SAMPLE
from jobs.economy.world import World
from jobs.lake.arrays import Ints

_AT_ONCE = 200  # parts read before they are added up

Cell = tuple[int, int]


@dataclass(frozen=True)
class Summary:
    """A whole country: `cells` by measure, group and item; `largest` sales in cents, descending and complete; figures of a sample of firms."""

    world: World
    cells: dict[str, dict[str, dict[str, Cell]]]
    largest: Ints
    figures: pa.Table
    pairs: tuple[Ints, Ints] | None  # buyer and supplier, null in a large country

    def of(self, measure: str, group: str = "", item: str = "") -> Cell:
        """Count and total of one cell; zeros where nothing was counted."""
        return self.cells.get(measure, {}).get(group, {}).get(item, (0, 0))

    def n(self, measure: str, group: str = "", item: str = "") -> int:
        """Count of one cell."""
        return self.of(measure, group, item)[0]

    def groups(self, measure: str) -> list[str]:
        """Groups of a measure, in order."""
        return sorted(self.cells.get(measure, {}))

    def items(self, measure: str, group: str = "") -> dict[str, Cell]:
        """Cells of a group by item: by number where items are numbers."""
        found = self.cells.get(measure, {}).get(group, {})
        return dict(sorted(found.items(), key=lambda p: (0, int(p[0]), "") if p[0].lstrip("-").isdigit() else (1, 0, p[0])))

    def sum(self, measure: str, group: str | None = None, item: str | None = None) -> Cell:
        """Sum over all groups and items, or those of one."""
        found = [c for g, items in self.cells.get(measure, {}).items() if group in (None, g) for i, c in items.items() if item in (None, i)]
        return sum(c[0] for c in found), sum(c[1] for c in found)


def read_summary(truth: Path) -> Summary:
    """The summary of a country as it was when its census was taken. FileNotFoundError when there is no country, or none with a census."""
    world = World.load(truth)
    if not (truth / "census").is_dir():
        raise FileNotFoundError(f"{truth.parent}: has no census (truth/census); it was written by an earlier version, make it anew with `assay economy`")
    cells = _cells(truth)
    parts, days = cells["through"][""][""]
    then = replace(world, through=date(1970, 1, 1) + timedelta(days=days // parts), acts=np.zeros((0, 4)), corrections=np.zeros((0, 6)))
    return Summary(then, cells, _largest(truth), _figures(truth), _pairs(truth))


def _parts(truth: Path, name: str) -> Iterator[pa.Table]:
    for path in sorted((truth / name).glob("*.parquet")):
        yield pq.read_table(path)


def _cells(truth: Path) -> dict[str, dict[str, dict[str, Cell]]]:
    keys, held = ["measure", "group", "item"], []
    total: pa.Table | None = None
    for n, part in enumerate(_parts(truth, "census"), 1):
        held.append(part)
        if n % _AT_ONCE == 0:
            total, held = _added([*([total] if total else []), *held], keys), []
    total = _added([*([total] if total else []), *held], keys)
    cells: dict[str, dict[str, dict[str, Cell]]] = defaultdict(lambda: defaultdict(dict))
    for measure, group, item, n, amount in zip(*(total[c].to_pylist() for c in total.column_names), strict=True):
        cells[measure][group][item] = (n, amount)
    return {m: dict(g) for m, g in cells.items()}


def _added(parts: list[pa.Table], keys: list[str]) -> pa.Table:
    found = pa.concat_tables(parts).group_by(keys).aggregate([("n", "sum"), ("total", "sum")])
    return found.select([*keys, "n_sum", "total_sum"]).rename_columns([*keys, "n", "total"])


def _largest(truth: Path) -> Ints:
    """Every part holds its own largest: complete above the largest of the parts' smallest."""
    parts = [part["sales"].to_numpy() for part in _parts(truth, "census_top")]
    every = np.sort(np.concatenate(parts))[::-1]
    return np.asarray(every[every >= max(int(p[-1]) for p in parts)])


def _figures(truth: Path) -> pa.Table:
    return pa.concat_tables(_parts(truth, "figures")).sort_by("firm").slice(0, 2 * SAMPLE)


def _pairs(truth: Path) -> tuple[Ints, Ints] | None:
    if not (truth / "edges").is_dir():
        return None
    every = pa.concat_tables(_parts(truth, "edges"))
    return every["buyer"].to_numpy().astype(np.int64), every["supplier"].to_numpy().astype(np.int64)
