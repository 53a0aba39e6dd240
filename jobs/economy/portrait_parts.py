"""Parts of the country report about business: who is there, sizes, industries, trade, seasons and shocks. Each gives what its section shows."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from jobs.economy.figures import last_year
from jobs.economy.kinds import SEGMENTS
from jobs.economy.portrait_drawing import BLUE, GREY, INK, RUST, SHADES, TEAL, Series, heat, lines, months, ranges
from jobs.economy.realism import Check, expanded
from jobs.economy.shocks import Recoding
from jobs.economy.summary import Summary
from jobs.economy.world import add_months, month_number
from jobs.lake.arrays import Floats, Ints

Part = dict[str, Any]
_POINTS = 400  # of the largest firms drawn; more cannot be told apart


def population(s: Summary) -> Part:
    """How many firms there are, and what they turn over."""
    world = s.world
    living, sold = s.n("firms_last_year"), sum(s.of("year_segment", seg, "sales")[1] for seg in SEGMENTS) / 100
    first, last = (add_months(world.start, month) for month in (month_number(world, world.opens), last_year(world).stop - 1))
    return {
        "ever": s.n("firms_ever"), "living": living, "general": s.n("general_taxpayers") / max(living, 1), "grouped": s.n("groups") / max(living, 1), "sales": sold,
        "months": len(s.items("alive")), "first": f"{first:%B %Y}", "last": f"{last:%B %Y}", "year": f"{add_months(world.start, last_year(world).start):%B %Y} to {last:%B %Y}",
        "unreachable": s.n("ends", item="unreachable"), "closed": s.n("ends", item="closed"),
    }  # fmt: skip


def sizes(s: Summary) -> Part:
    """Sales by rank against Zipf's law, and what each segment weighs."""
    sold = s.largest[s.largest > 0] / 100
    every = np.arange(1, len(sold) + 1)
    rank = np.unique(np.rint(np.geomspace(1, max(1, len(sold)), _POINTS)).astype(np.int64)) if len(sold) > _POINTS else every
    middle = max(1, len(sold) // 3)
    law = sold[middle - 1] * middle / np.maximum(rank, 1) if len(sold) else sold
    chart = lines(
        [Series("largest firms", rank.astype(float), sold[rank - 1], TEAL, points=True), Series("Zipf's law: sales fall as 1 / rank", rank.astype(float), law, INK, dashed=True, width=1)],
        "Yearly sales of the largest firms by rank", "rank", f"yearly sales, {s.world.country.currency}", log="xy", height=3.9,
    )  # fmt: skip
    whole = {what: sum(s.of("year_segment", seg, what)[1] for seg in SEGMENTS) for what in ("sales", "vat", "heads")}
    firms = sum(s.n("firms_segment", seg) for seg in SEGMENTS)
    rows = [
        {"name": seg, "firms": s.n("firms_segment", seg), "share": s.n("firms_segment", seg) / max(firms, 1), **{what: s.of("year_segment", seg, what)[1] / max(whole[what], 1) for what in whole}}
        for seg in SEGMENTS
    ]  # fmt: skip
    return {"chart": chart, "rows": rows, "kept": len(sold), "first": sold[0] / sold[99] if len(sold) >= 100 else None}


def industries(s: Summary, found: list[Check]) -> Part:
    """What each industry weighs, and whether its ratios lie in the ranges that the country's file cites."""
    kinds = s.world.country.industries
    burden, margin = ([c for c in found if c.group == "Industries" and c.name.endswith(end)] for end in ("median VAT burden", "median margin"))
    whole = sum(s.of("year_industry", one.code, "sales")[1] for one in kinds)
    rows = [
        {
            "code": one.code, "word": one.word, "item": one.item, "firms": s.n("firms_industry", one.code), "sales": s.of("year_industry", one.code, "sales")[1] / max(whole, 1),
            "wages": _ratio(s, one.code, "wages"), "exports": _ratio(s, one.code, "exports"), "stock": _ratio(s, one.code, "stock") * 12, "burden": b, "margin": m,
        }
        for one, b, m in zip(kinds, burden, margin, strict=True)
    ]  # fmt: skip
    codes = [one.code for one in kinds]
    charts = [
        ranges(codes, [np.nan if c.value is None else c.value for c in part], [float(c.low or 0) for c in part], [float(c.high or 0) for c in part], f"Median {name} by industry", edge)
        for name, part, edge in (("VAT burden", burden, 0.1), ("margin", margin, 0.3))
    ]  # fmt: skip
    table = s.figures
    losses = float((table["profit"].to_numpy() < 0).mean()) if table.num_rows else 0.0
    return {"rows": rows, "burden": charts[0], "margin": charts[1], "losses": losses, "outside": [c for c in burden + margin if c.verdict == "fail"]}


def _ratio(s: Summary, code: str, what: str) -> float:
    return s.of("year_industry", code, what)[1] / max(s.of("year_industry", code, "sales")[1], 1)


def trade(s: Summary) -> Part:
    """Partners, links that last, and what industries buy of each other."""
    series = [Series(name, *_survival(expanded(s, name)), colour, points=True) for name, colour in (("customers", TEAL), ("suppliers", RUST))]
    chart = lines(series, "Firms by number of partners", "partners in the year, at least", "share of firms", log="xy", height=3.6, legend="upper right")
    codes = [one.code for one in s.world.country.industries]
    matrix = np.array([[s.of("matrix", a, b)[1] for b in codes] for a in codes], dtype=np.float64)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    links, mutual = s.of("links")
    before, lasted = s.of("links_before")
    return {
        "chart": chart, "matrix": heat(shares, codes, "What industries buy of each other", "supplier's industry", "buyer's industry"), "links": links, "mutual": mutual / max(links, 1),
        "lasted": lasted / before if before else None, "most": int(expanded(s, "customers").max(initial=0)), "inside": matrix.sum() / 100,
    }  # fmt: skip


def _survival(values: Ints) -> tuple[Floats, Floats]:
    """Share of all firms that have at least so many, for each number above zero that occurs."""
    at, n = np.unique(values[values > 0], return_counts=True)
    return at.astype(np.float64), np.cumsum(n[::-1])[::-1] / max(len(values), 1)


def seasons(s: Summary) -> Part:
    """Sales over the months: the most seasonal industries, what recessions did, births and deaths."""
    world = s.world
    shown = np.array(list(s.items("alive")), dtype=np.int64)
    names = [f"{add_months(world.start, int(m)):%b %y}" for m in shown]
    at = np.arange(len(shown), dtype=np.float64)
    codes = [one.code for one in world.country.industries]
    sold = np.array([[s.of("sales", code, str(m))[1] / 100 for m in shown] for code in codes])
    means = np.maximum(sold.mean(axis=1, keepdims=True), 1)
    calendar = np.array([[(sold / means)[k][(shown + world.start.month - 1) % 12 == c].mean() for c in range(12)] for k in range(len(codes))])
    lively = np.argsort(-calendar.std(axis=1), kind="stable")[:3]
    total = sold.sum(axis=0)
    season = [Series("all industries", at, total / total.mean(), INK, width=2.6)]
    season += [Series(f"{codes[k]}", at, sold[k] / means[k], SHADES[2 * n], width=1.6) for n, k in enumerate(lively)]
    births, deaths = (np.array([s.n(m, "lasting", str(t)) for t in shown], dtype=np.float64) for m in ("births", "deaths"))
    fleeting = np.array([s.n("births", "fleeting", str(t)) for t in shown], dtype=np.float64)
    life = [Series("registered", at, births, TEAL), Series("ended", at, deaths, RUST), Series("fraud firms", at, fleeting, GREY, dashed=True)]
    return {
        "chart": months(season, names, "Sales by month", "sales, mean = 1"), "shocks": _shocks(s, shown, names, sold, codes),
        "life": months(life, names, "Firms registered and ended by month", "firms"), "lively": [codes[k] for k in lively], "births": births.sum(), "deaths": deaths.sum(),
    }  # fmt: skip


def _shocks(s: Summary, shown: Ints, names: list[str], sold: Floats, codes: list[str]) -> Part:
    world, shocks = s.world, s.world.country.shocks
    hit = [codes.index(r.industry) for r in shocks.recessions]
    at = np.arange(len(shown), dtype=np.float64)
    spared = [k for k in range(len(codes)) if k not in hit]
    rest = sold[spared].sum(axis=0)
    shared = [Series("all others", at, rest / max(rest[:12].mean(), 1), GREY)]
    shared += [Series(r.industry, at, sold[k] / max(sold[k][:12].mean(), 1), colour) for r, k, colour in zip(shocks.recessions, hit, (RUST, BLUE, TEAL), strict=False)]
    bands = [(_place(s, r.first, shown), _place(s, r.last, shown), f"{r.industry} at {r.depth:.0%}") for r in shocks.recessions if _seen(s, r.first, shown)]
    laws = [(_place(s, law.valid_from, shown), "law changes") for law in world.country.law[1:] if _seen(s, law.valid_from, shown)]
    marks = [*laws, *((_place(s, quiet.month, shown), f"{quiet.source} silent") for quiet in shocks.silences if _seen(s, quiet.month, shown))]
    marks += [(_place(s, change.first, shown), f"{change.source} has new codes") for change in shocks.codes if _seen(s, change.first, shown)]
    told = [f"Sales of industry {r.industry} fall to {r.depth:.0%} of what they were from {r.first:%B %Y} to {r.last:%B %Y}." for r in shocks.recessions]
    told += [f"The law changes on {law.valid_from}: {law.source.split('.')[0]}." for law in world.country.law[1:]]
    told += [f"The source {quiet.source} sends nothing for {quiet.month:%B %Y}; it comes with the next delivery." for quiet in shocks.silences]
    told += [f"From {change.first} on {change.source} writes new codes in {change.column}: {_renaming(change)}." for change in shocks.codes]
    return {"chart": months(shared, names, "Recessions", "sales, first year = 1", bands, marks) if bands or marks else None, "told": told}


def _renaming(change: Recoding) -> str:
    kept = f"; {', '.join(change.orphans)} has no successor" if change.orphans else ""
    return ", ".join(f"{old} becomes {new}" for old, new in change.renamed.items()) + kept


def _place(s: Summary, day: date, shown: Ints) -> float:
    return float(min(max(month_number(s.world, day) - shown[0], 0), len(shown) - 1))


def _seen(s: Summary, day: date, shown: Ints) -> bool:
    return bool(shown[0] <= month_number(s.world, day) <= shown[-1])
