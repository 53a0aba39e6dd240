"""Income: personal income tax and social contributions withheld each month, enterprise income tax of the year."""

from __future__ import annotations

import numpy as np

from jobs.economy.books import Books
from jobs.economy.firms import Firms
from jobs.economy.kinds import LOANS, MILL
from jobs.economy.returns import Returns, Slips, at_end, by_period, calendar_years, permille, returned, scaled, whole, worked
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Ints


def wages(world: World, f: Firms, b: Books, works: Flags, slips: Slips) -> Returns:
    """Monthly withholding (PIT-W). Loans to owners that are still open at a year's end count as dividends."""
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    hit = c.uniform("wage slip", i, t) < f.careless[:, None] * 0.5
    shown = np.where(hit, scaled(b.booked_wages, np.where(c.uniform("wage up", i, t) < 0.25, 1.15, c.between(0.5, 0.9, "wage down", i, t))), b.booked_wages)
    amends = hit & (c.uniform("wage found", i, t) < world.country.honest.found_by_itself)
    first, right, true = ({"wages": w, "heads": h * 100, "due": withheld(world, h, w)} for w, h in ((shown, b.booked_heads), (b.booked_wages, b.booked_heads), (b.wages, b.heads)))
    true["due"] = true["due"] + _deemed(world, f, b)
    owed = works & (b.heads > 0)
    return returned("PIT", "PIT-W", [(n, n) for n in range(world.horizon)], owed, (first, right, true), hit, amends)


def _deemed(world: World, f: Firms, b: Books) -> Ints:
    """Tax on the rise of open loans at each year's end: only of those who take their profit that way."""
    open_ = np.where((f.typology == LOANS)[:, None] & ((np.arange(world.horizon) + world.start.month - 1) % 12 == 11), b.kept_loans, 0)
    before = np.maximum.accumulate(np.concatenate([np.zeros_like(open_[:, :1]), open_[:, :-1]], axis=1), axis=1)
    return permille(np.maximum(open_ - before, 0) * (open_ > 0), world.figure("pit_dividend")[None, :], 100)


def withheld(world: World, heads: Ints, paid: Ints) -> Ints:
    """PIT to withhold in a month, in cents, when every employee earns the average: [..., month]."""
    mean = paid / 100.0 / np.maximum(heads, 1)
    found = np.zeros(mean.shape)
    for law, months in world.laws():
        part = mean[..., months]
        base = np.maximum(part * (1 - law.social_employee / 100) - law.pit_allowance, 0)
        tax, below = np.zeros_like(base), 0.0
        for band in law.pit:
            tax += np.maximum(base - band.over, 0) * (band.rate / 100 - below)
            below = band.rate / 100
        found[..., months] = tax
    return np.asarray(np.rint(found * 100).astype(np.int64) * heads)


def contributions(world: World, f: Firms, b: Books, works: Flags, slips: Slips) -> Returns:
    """Monthly social contributions (SOC-M) of employer and employees on wages paid."""
    rate = (world.figure("social_employer") + world.figure("social_employee"))[None, :]
    shown, true = ({"base": w, "heads": h * 100, "due": permille(w, rate, 100)} for w, h in ((b.booked_wages, b.booked_heads), (b.wages, b.heads)))
    owed = works & (b.heads > 0)
    never = np.zeros_like(owed)
    return returned("SOCIAL", "SOC-M", [(n, n) for n in range(world.horizon)], owed, (shown, shown, true), never, never)


def income(world: World, f: Firms, b: Books, works: Flags, taxes: Ints, true_taxes: Ints) -> Returns:
    """Annual enterprise income tax (CIT-A). `taxes`: what stamp, property and the employer's contributions cost, as booked and as it should be."""
    c, years = world.chance, calendar_years(world)
    y = np.arange(len(years))[None, :]
    cost = np.where((f.typology == MILL)[:, None], b.fake, b.cost)  # paper sales bring no income
    sold = b.true_sales + np.where((f.typology == MILL)[:, None], b.booked_exports - b.exports, 0)
    true = _taxed(world, years, by_period(sold, years), by_period(cost, years), by_period(b.wages + b.true_expense + true_taxes, years))
    revenue, spent = by_period(b.sales, years), by_period(b.booked_wages + b.expense + taxes, years)
    booked = by_period(b.booked_cost + b.fake, years)
    hit = c.uniform("income slip", f.number[:, None], y) < f.careless[:, None] * 1.5
    wrong = np.where(hit, np.where(c.uniform("income up", f.number[:, None], y) < 0.4, -1, 1) * c.between(0.02, 0.10, "income size", f.number[:, None], y), 0.0)
    amends = hit & (c.uniform("income found", f.number[:, None], y) < 0.25)
    first, right = (_taxed(world, years, revenue, part, spent) for part in (booked + scaled(booked, wrong), booked))
    owed = worked(works, years) & ~f.individual[:, None] & whole(years, 12)
    return returned("CIT", "CIT-A", years, owed, (first, right, true), hit, amends)


def _taxed(world: World, years: list[tuple[int, int]], revenue: Ints, cost: Ints, expense: Ints) -> dict[str, Ints]:
    """The small rate holds for a profit up to its limit, the full rate for all of a larger one."""
    profit = revenue - cost - expense
    full, low, limit = (at_end(world, world.figure(n), years)[None, :] for n in ("cit", "cit_small", "cit_small_below"))
    due = permille(np.maximum(profit, 0), np.where(profit <= limit * 100, low, full), 100)
    return {"revenue": revenue, "cost": cost, "expense": expense, "profit": profit, "due": due}
