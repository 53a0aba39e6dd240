"""What a Parquet footer says of its file, as Delta statistics: by these columns readers leave files out."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow.parquet as pq

STATISTICS = ("known_at", "period_from", "period_to", "month", "issued_on", "paid_on", "declared_on", "event_on", "run", "batch_id")


def statistics_of(footer: pq.FileMetaData) -> tuple[dict[str, Any], dict[str, int]]:
    """Delta statistics of a file over the columns of STATISTICS that it has, and the nulls of all its columns.

    A column whose range a row group does not state is left out: no range is never taken for an empty one.
    """
    nulls: dict[str, int] = {}
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    vague = set[str]()
    for group in range(footer.num_row_groups):
        rows = footer.row_group(group)
        for n in range(rows.num_columns):
            column = rows.column(n)
            name, statistics = column.path_in_schema, column.statistics
            if "." in name:
                continue
            if statistics is None:
                vague.add(name)
                continue
            nulls[name] = nulls.get(name, 0) + (statistics.null_count or 0)
            if name in STATISTICS and statistics.has_min_max:
                low[name] = min(low.get(name, statistics.min), statistics.min)
                high[name] = max(high.get(name, statistics.max), statistics.max)
            elif rows.num_rows:
                vague.add(name)
    told = [n for n in STATISTICS if n in low and n not in vague]
    found = {"numRecords": footer.num_rows, "nullCount": {n: nulls.get(n, 0) for n in told},
             "minValues": {n: _plain(low[n]) for n in told}, "maxValues": {n: _plain(high[n]) for n in told}}  # fmt: skip
    return found, nulls


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
