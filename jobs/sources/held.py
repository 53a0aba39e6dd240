"""Which records of a file a release takes: those in quarantine that are to be checked again, and those that were never received.

A file that could not be read at all is one record in quarantine; once it can be read, its lines are records nobody has received.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.lake.arrays import Ints
from jobs.sources.check import Checked

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Held:
    """By file: the lines in quarantine that are to be checked again, and all lines received so far."""

    chosen: Mapping[str, frozenset[int]]
    received: Mapping[str, Ints]

    def taken(self, file: str, found: Checked) -> Checked:
        """Of checked records: the chosen ones that now break no rule, and whatever was never received, broken or not."""
        line = found.records["line"].to_numpy()
        whole = ~np.asarray(pc.is_valid(found.records["rules"]).to_numpy())
        keep = (self._is_chosen(file, line) & whole) | ~np.isin(line, self.received.get(file, np.zeros(0, dtype=np.int64)))
        kept = pa.array(line[keep])
        details = {name: _of(table, kept) for name, table in found.details.items()}
        return replace(found, records=found.records.filter(pa.array(keep)), rows=_of(found.rows, kept), details=details)

    def gone(self, file: str, seen: Ints) -> list[int]:
        """Chosen lines that are no record any more, in a file that was read beyond them: `seen` are the lines it has now."""
        last = int(seen.max(initial=0))
        return sorted(line for line in self.chosen.get(file, ()) if line < last and line not in set(seen.tolist()))

    def unsettled(self, records: pa.Table, fate: str) -> Mask:
        """Records of a bucket that stay where they are: chosen ones of this fate."""
        same = np.asarray(pc.equal(records["fate"], fate).to_numpy(zero_copy_only=False), dtype=bool)
        file, line = np.asarray(records["file"].to_pylist(), dtype=object), records["line"].to_numpy()
        found = np.zeros(len(line), dtype=bool)
        for name in self.chosen:
            here = file == name
            found[here] = self._is_chosen(name, line[here])
        return same & found

    def _is_chosen(self, file: str, line: Ints) -> Mask:
        return np.isin(line, np.array(sorted(self.chosen.get(file, ())), dtype=np.int64))


def _of(table: pa.Table, lines: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["line"], value_set=lines))
