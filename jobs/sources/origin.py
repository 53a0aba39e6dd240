"""What a delivery's fates were decided against, so that a half-received batch is completed only against the same state.

Fates depend on the batches in force of the source. An ingest that was killed after its first commit leaves rows that are not visible
yet. Run again, it may find a batch retired or an earlier delivery come in between: the rows that are there no longer fit. Each commit
therefore carries the origin of the batch, and a batch that is there from another origin is received under another id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from jobs.conf import Source
from jobs.lake.lake import Lake
from jobs.lake.write import open_table

MARK = "-"


def origin_of(batches: Iterable[str]) -> int:
    """A number for the batches of the source that were there before: those in force, and those received just before in the same run."""
    return int.from_bytes(hashlib.sha256("\n".join(sorted(batches)).encode()).digest()[:7], "big")


def settled_id(lake: Lake, source: Source, batch_id: str, origin: int) -> str:
    """The id under which the batch is received: its own, unless rows of it from another origin are committed already."""
    tables = [source.table, *sorted(source.details or {}), "quarantine", f"bronze_{source.name}"]
    handles = [h for h in (open_table(lake.root, name) for name in tables) if h is not None]
    marks = {h.transaction_version(batch_id) for h in handles}
    return batch_id if marks <= {None, origin} else f"{batch_id}{MARK}{origin:014x}"


def received_id(batch_id: str) -> str:
    """The id that the delivery itself gives, whatever its origin."""
    return batch_id.partition(MARK)[0]
