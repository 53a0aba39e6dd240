"""report.html of a country: what it is like, whether it is like an economy, and what is unlike one. For an analyst of a tax office.

Made from the census under truth/, so it says what nobody's desk may know: whoever works with the country's files should not read it first.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from jobs.economy import portrait_parts as business
from jobs.economy import portrait_tax as tax
from jobs.economy.learning import findable
from jobs.economy.realism import Check, checks
from jobs.economy.summary import Summary, read_summary

_TEMPLATES = Path(__file__).parent / "templates"


def portrait(country: Path) -> Path:
    """Write report.html into a country's folder; its path. FileNotFoundError when the folder holds no country, or one without a census."""
    out = country / "report.html"
    out.write_text(page(read_summary(country / "truth")), encoding="utf-8")
    return out


def page(s: Summary) -> str:
    """The report as one page without external assets."""
    found = findable(s.figures)
    every = checks(s, found)
    world = s.world
    shown = {
        "world": world, "country": world.country, "population": business.population(s), "verdict": verdict(every), "groups": grouped(every), "sizes": business.sizes(s),
        "industries": business.industries(s, every), "trade": business.trade(s), "seasons": business.seasons(s), "amounts": tax.amounts(s), "filing": tax.filing(s),
        "evasion": tax.evasion(s, found), "enforcement": tax.enforcement(s), "third": tax.third_parties(s), "finding": tax.finding(found), "sampled": s.figures.num_rows,
    }  # fmt: skip
    house = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    house.filters.update(percent=_percent, grouped=_grouped, million=_million, value=_value, bound=_bound)
    return house.get_template("portrait.html.j2").render(**shown)


def verdict(every: list[Check]) -> dict[str, Any]:
    """How many checks passed, and which did not."""
    count = Counter(c.verdict for c in every)
    judged = [c for c in every if c.verdict in ("pass", "fail", "unclear")]
    return {"count": count, "judged": len(judged), "failed": [c for c in judged if c.verdict == "fail"], "unclear": [c for c in judged if c.verdict == "unclear"], "little": [c for c in every if c.verdict == "too little"]}


def grouped(every: list[Check]) -> dict[str, list[Check]]:
    """Checks by group, in order."""
    found: dict[str, list[Check]] = {}
    for one in every:
        found.setdefault(one.group, []).append(one)
    return found


def _percent(value: float | None, places: int = 0) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value * 100:.{places}f}\u00a0%"


def _grouped(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:,.0f}"


def _million(value: float) -> str:
    for unit, name in ((1e9, "bn"), (1e6, "M")):
        if abs(value) >= unit:
            return f"{value / unit:,.2f}\u00a0{name}"
    return f"{value:,.0f}"


def _value(check: Check) -> str:
    return "–" if check.value is None or not math.isfinite(check.value) else _written(check, check.value)


def _written(check: Check, value: float) -> str:
    return {"share": _percent(value, 1), "count": f"{value:,.0f}", "small": f"{value:.4f}"}.get(check.unit, f"{value:.2f}")


def _bound(check: Check) -> str:
    if check.unit == "count" and check.high == 0:
        return "none broken"
    low, high = (None if b is None else _written(check, b) for b in (check.low, check.high))
    return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}" if high else "reported only"
