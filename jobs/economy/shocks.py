"""What happens to a country once: recessions, a source that falls silent, codes that are replaced on a day. Changes of law stand in the law table."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from jobs.conf.base import Strict
from jobs.lake.arrays import day_number, whole_array


class Recession(Strict):
    """Sales of an industry fall to `depth` of what they were, from one month to another."""

    industry: str
    first: date
    last: date
    depth: Annotated[float, Field(gt=0, le=3)]

    @model_validator(mode="after")
    def _ends(self) -> Recession:
        if self.last < self.first:
            raise ValueError(f"last {self.last} lies before first {self.first}")
        return self


class Silence(Strict):
    """A month in which a source sends nothing; what it left out comes with the next delivery."""

    source: str
    month: date


class Recoding(Strict):
    """A source's code table is replaced: rows sent from `first` on carry the new codes in a column.

    `renamed`: new code by old; several old ones may become one. `orphans`: old codes that have no successor, and are sent on as they were.
    """

    source: str
    column: str
    first: date
    renamed: Annotated[dict[str, str], Field(min_length=1)]
    orphans: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> Recoding:
        old = {*self.renamed, *self.orphans}
        if both := sorted(set(self.renamed) & set(self.orphans)):
            raise ValueError(f"{', '.join(both)} stands in renamed and in orphans; a code has a successor or none")
        if again := sorted(old & set(self.renamed.values())):
            raise ValueError(f"{', '.join(again)} is an old code and a new one; nobody could tell them apart")
        return self


class Shocks(Strict):
    """What happens to the country once."""

    recessions: tuple[Recession, ...] = ()
    silences: tuple[Silence, ...] = ()
    codes: tuple[Recoding, ...] = ()

    def recoded(self, source: str, rows: pa.Table, sent: pa.Array) -> pa.Table:
        """Rows of a source with the codes of the day on which each is sent (`sent`: day numbers)."""
        for change in self.codes:
            if change.source == source and change.column in rows.column_names:
                before = whole_array(rows[change.column])
                old, new = pa.array(change.renamed.keys()), pa.array(change.renamed.values())
                after = pc.coalesce(new.take(pc.index_in(before, value_set=old)), before)
                cells = pc.if_else(pc.greater_equal(sent, day_number(change.first)), after, before)
                rows = rows.set_column(rows.column_names.index(change.column), change.column, cells)
        return rows
