"""The conservation table: every record received has exactly one fate, or the ingest stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.sources.receive import FATES

HEAD = ("source", "receipt", "received", *FATES)


class NotConserved(Exception):
    """Records were lost or counted twice; nothing of the batch becomes visible."""


def conserved(row: Mapping[str, Any]) -> None:
    """NotConserved unless received = accepted + superseded + duplicate + quarantined."""
    total = sum(int(row[f]) for f in FATES)
    if int(row["received"]) != total:
        parts = " + ".join(f"{row[f]} {f}" for f in FATES)
        raise NotConserved(f"{row['source']}, receipt {row['receipt']}: {row['received']} received, but {parts} = {total}; nothing was made visible")


def conservation(lake: Lake, run: int) -> str:
    """The batches a run received, as a table of text; says so when it received none."""
    rows = [r for r in whole(lake.root, "batch").to_pylist() if r["run"] == run and r["act"] == "received"]
    return conservation_table(sorted(rows, key=lambda r: (r["source"], r["receipt"]))) if rows else "nothing new was received"


def conservation_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Batches as text, one line each and the sum: source, receipt, received and the four fates. NotConserved when a sum fails."""
    for row in rows:
        conserved(row)
    lines = [HEAD, *(tuple(str(row[c]) for c in HEAD) for row in rows)]
    if len(rows) > 1:
        lines.append(("all", "", *(str(sum(int(r[c]) for r in rows)) for c in HEAD[2:])))
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    return "\n".join("  ".join(c.ljust(w) if n == 0 else c.rjust(w) for n, (c, w) in enumerate(zip(line, widths, strict=True))) for line in lines)
