"""The header of a table against the columns a contract maps."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def extra(header: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """A remark on columns that nobody mapped."""
    others = [h for h in header if h not in set(wanted)]
    return (f"columns not in the contract: {', '.join(others)[:500]}",) if others else ()


def header_fault(header: Sequence[str], wanted: Sequence[str]) -> tuple[str, str] | None:
    """Rule and reason when a wanted column is missing or stands there twice; None when each is there once."""
    there = set(header)
    missing = [w for w in wanted if w not in there]
    if not missing:
        twice = [w for w in wanted if header.count(w) > 1]
        return ("column_twice", f"column(s) {', '.join(twice)} stand in the header twice; which one counts must be said by the agency") if twice else None
    others = [h for h in header if h not in set(wanted)][:1000]
    near = [f"{m!r} may now be {n[0]!r}" for m in missing if (n := difflib.get_close_matches(m, others, 1, 0.5))]
    hint = f" ({'; '.join(near)})" if near else ""
    found = ", ".join(header)[:500]
    return "column_missing", f"column(s) {', '.join(missing)} are missing; found: {found}{hint}; map the new name in the contract or have the file sent again"
