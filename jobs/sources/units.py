"""Units of money that a file names itself, in the lines above its header or in a column's name, against the contract's scale."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

UNITS = {"亿元": 10**8, "百万元": 10**6, "万元": 10**4, "千元": 10**3, "元": 1, "thousands": 10**3, "millions": 10**6}
_WORDS = "|".join(UNITS)
IN_HEADER = re.compile(rf"[(（\[]\s*(?:单位\s*[:：]\s*)?(?:in\s+)?({_WORDS})\s*[)）\]]", re.IGNORECASE)
ABOVE = re.compile(rf"(?:单位\s*[:：]\s*(?:人民币)?|amounts?\s+in\s+)({_WORDS})", re.IGNORECASE)
IN_CELL = r"[0-9]\s*(?:(?:亿|百万|万|千)元?|元)$"


def unit_fault(above: str, header: Sequence[str], scales: Mapping[str, Decimal]) -> tuple[str, str] | None:
    """Rule and reason when the file counts in another unit than the contract; None when they agree, or the file does not say.

    `scales`: the contract's scale of each money column. What a column's own name says goes before what stands above the header.
    """
    general = ABOVE.search(above)
    for column, scale in scales.items():
        said = IN_HEADER.search(column) or (general if column in header else None)
        if said and UNITS[said.group(1).lower()] != scale:
            return "unit", f"column {column} is in {said.group(1)} by the file's own words, but the contract's scale is {scale}; correct `scale` or ask the agency which it is"
    return None
