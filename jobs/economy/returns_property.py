"""Taxes on property and behaviour, declared on one form: stamp duty by the quarter, property tax by the half-year, land VAT by project."""

from __future__ import annotations

import numpy as np

from jobs.economy.books import Books
from jobs.economy.firms import Firms
from jobs.economy.kinds import LAND_COSTS
from jobs.economy.returns import Returns, Slips, at_end, by_period, calendar_years, periods, permille, returned, scaled, whole, worked
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats, Ints


def stamp(world: World, f: Firms, b: Books, works: Flags, slips: Slips) -> Returns:
    """Quarterly stamp duty (PB-STAMP) on sales and purchases under contract: not on sales over the counter."""
    quarters = periods(world, 3)
    rate = at_end(world, world.figure("stamp_permyriad"), quarters)[None, :]
    base = by_period(b.invoiced + b.booked_exports + b.purchases + b.fake, quarters)
    true = by_period(b.invoiced + b.exports + b.purchases, quarters)
    missed = worked(slips.hit & works, quarters) & (world.chance.uniform("stamp missed", f.number[:, None], np.arange(len(quarters))[None, :]) < 0.5)
    shown = np.where(missed, base * 7 // 10, base)
    contents = tuple({"base": v, "due": permille(v, rate, 10_000)} for v in (shown, base, np.where((b.fake.sum(axis=1) > 0)[:, None], true, base)))
    owed = worked(works, quarters) & ~f.individual[:, None] & whole(quarters, 3)
    return returned("STAMP", "PB-STAMP", quarters, owed, contents, missed, np.zeros_like(missed))  # type: ignore[arg-type]


def property_tax(world: World, f: Firms, b: Books, works: Flags) -> Returns:
    """Half-yearly property tax (PB-PROP): on value for own use, on rent for what is let."""
    halves = periods(world, 6)
    on_value, less, on_rent = (at_end(world, world.figure(n), halves)[None, :] for n in ("property_value", "property_deduction", "property_rent"))
    lasted = by_period(works.astype(np.int64), halves) / 6.0
    value = np.where(f.lets, 0, b.value)[:, None] * lasted * (1 - less / 100) / 2

    def content(rent: Ints) -> dict[str, Ints]:
        let = by_period(rent, halves)
        return {"base": np.rint(value).astype(np.int64) + let, "due": permille(value, on_value, 100) + permille(let, on_rent, 100)}

    owed = worked(works, halves) & (b.value > 0)[:, None] & whole(halves, 6)
    never = np.zeros_like(owed)
    return returned("PROPERTY", "PB-PROP", halves, owed, (content(b.booked_rent), content(b.booked_rent), content(b.rent)), never, never)


def land_vat(world: World, f: Firms, b: Books, works: Flags, level: Floats) -> Returns:
    """Land VAT (PB-LVAT) of developers: the project sold in a year, settled with it. Cost counts with the tenth and the fifth the law adds."""
    years = calendar_years(world)
    revenue, cost = by_period(b.sales - b.booked_rent, years), by_period(b.booked_cost, years) * 13 // 10
    raised = scaled(cost, np.where((f.typology == LAND_COSTS)[:, None], at_end(world, level, years), 0.0))
    shown, true = (_gain(world, years, revenue, c) for c in (cost + raised, cost))
    owed = worked(works, years) & f.develops[:, None] & whole(years, 12) & (revenue > 0)
    never = np.zeros_like(owed)
    return returned("LVAT", "PB-LVAT", years, owed, (shown, shown, true), never, never)


def _gain(world: World, years: list[tuple[int, int]], revenue: Ints, cost: Ints) -> dict[str, Ints]:
    gain = np.maximum(revenue - cost, 0)
    ratio, due = gain / np.maximum(cost, 1), np.zeros_like(gain)
    for y, (_, last) in enumerate(years):
        for band in world.law_of(min(last, world.horizon - 1)).land_vat:
            above = ratio[:, y] > band.over
            due[:, y] = np.where(above, np.maximum(permille(gain[:, y], band.rate, 100) - permille(cost[:, y], band.quick, 100), 0), due[:, y])
    return {"base": gain, "cost": cost, "due": due}
