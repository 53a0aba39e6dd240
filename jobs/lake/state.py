"""Month states: an additive table summed up to the end of a month, so that a night reads a state and what came since, not all of history.

A state written by run R for day S holds, cell by cell, the sum of the rows with known_at <= S and run <= R. A reader at (as_of, run) takes the
last state with S <= as_of and R <= run, and adds the rows with known_at > S or run > R that it may see: the same sums, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.lake import Lake
from jobs.lake.read import DataFile, data_files, known, read_files
from jobs.lake.tables import ADDITIVE, STATES, Table, table
from jobs.lake.write import NewFile, fence, replace_as_of, table_version, write_files

KEPT = 4
"""States of a table that are kept: the last ones."""
NAMES = {t.name: s.name for t, s in zip(ADDITIVE, STATES, strict=True)}


@dataclass(frozen=True)
class State:
    """One state: its day, the run it was written by, its files."""

    as_of: date
    run: int
    files: tuple[DataFile, ...]


def state_before(files: Iterable[DataFile], as_of: date, run: int) -> State | None:
    """The last state among a state table's files that a reader at (as_of, run) may take."""
    groups: dict[tuple[date, int], list[DataFile]] = {}
    for file in files:
        if file.as_of is not None and file.runs is not None and file.as_of <= as_of and file.runs[1] <= run:
            groups.setdefault((file.as_of, file.runs[1]), []).append(file)
    if not groups:
        return None
    day, by = max(groups)
    return State(day, by, tuple(groups[day, by]))


def since(files: Iterable[DataFile], state: State) -> tuple[DataFile, ...]:
    """The additive table's files that may hold rows the state does not."""
    return tuple(f for f in files if f.known is None or f.runs is None or f.known[1] > state.as_of or f.runs[1] > state.run)


def read_since(root: str, contract: Table, files: Iterable[DataFile], state: State | None, columns: Iterable[str] | None, as_of: date, run: int) -> pa.Table:
    """The rows a reader at (as_of, run) sums, without their clocks: those of the state, and those that came since."""
    names = [c.name for c in contract.own if columns is None or c.name in set(columns)]
    chosen = files if state is None else since(files, state)
    rows = known(read_files(root, contract, chosen, [*names, "known_at", "run"]), as_of, run, None)
    if state is None:
        return rows.select(names)
    later = pc.or_(pc.greater(rows["known_at"], pa.scalar(state.as_of, pa.date32())), pc.greater(rows["run"], state.run))
    return pa.concat_tables([read_files(root, table(NAMES[contract.name]), state.files, names).select(names), rows.filter(later).select(names)])


def turn_of_month(as_of: date) -> date:
    """The last day of the month before."""
    return as_of.replace(day=1) - timedelta(days=1)


def write_states(lake: Lake, epoch: int, as_of: date) -> list[str]:
    """Write the state of the last closed month for every additive table that has none for it; old ones expire. The tables written."""
    day, written = turn_of_month(as_of), []
    for contract in ADDITIVE:
        name = NAMES[contract.name]
        if table_version(lake.root, contract.name) >= 0:
            fence(lake.root, contract.name, epoch)  # no row of an earlier run may come in once the state is summed
        files, there = data_files(lake.root, contract.name), {f.as_of for f in data_files(lake.root, name) if f.as_of is not None}
        if not files or day in there:
            continue
        new = [f for b in sorted({f.bucket for f in files}, key=str) for f in _summed(lake, contract, [f for f in files if f.bucket == b], day, epoch)]
        if new:
            replace_as_of(lake.root, name, new, day, epoch)
            written.append(name)
        for old in sorted(there)[: max(0, len(there) + 1 - KEPT)]:
            replace_as_of(lake.root, name, [], old, epoch)
    return written


def _summed(lake: Lake, contract: Table, files: list[DataFile], day: date, epoch: int) -> list[NewFile]:
    """The state of one bucket. It rests on the state before where there is one."""
    before = state_before((f for f in data_files(lake.root, NAMES[contract.name]) if f.bucket == files[0].bucket), day, epoch)
    rows = read_since(lake.root, contract, files, before, None, day, epoch)
    sums = rows.group_by(list(contract.key)).aggregate([(m, "sum") for m in contract.measures])
    sums = sums.rename_columns([c.removesuffix("_sum") for c in sums.column_names]).sort_by([(k, "ascending") for k in contract.key])
    run = pa.array([epoch] * sums.num_rows, pa.int64())
    return write_files(lake.root, table(NAMES[contract.name]), sums.append_column("run", run), day, lake.buckets)
