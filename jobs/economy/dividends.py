"""What owners take out of profitable companies: a part of a year's profit after tax, in the summer of the next, as far as profits and cash go.

How many companies do so, and what part, stands in the country's YAML under `dividends`. The company withholds the tax. What a parent would get stays in its subsidiary.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jobs.economy.firms import Firms
from jobs.economy.kinds import LOANS
from jobs.economy.life import held_by_parent
from jobs.economy.returns import Lines, Returns, calendar_years, permille
from jobs.economy.world import World
from jobs.lake.arrays import Ints

_PAID = (5, 8)  # months of the next year, from 0: after the year's income tax is settled
_RESERVE = 0.1  # of profits, which stays in the company by law


def dividends(world: World, f: Firms, works: np.ndarray, profit: Ints, income_tax: Ints, cash: Ints) -> Ints:
    """Dividends declared and paid, in cents before tax, whole currency: [firm, month].

    profit: of the month, before income tax; income_tax: at each year's end; cash: at the month's end if nobody took anything, negative where a bank lends.
    """
    c, said, found = world.chance, world.country.dividends, np.zeros_like(profit)
    takes = f.owns & (f.typology != LOANS) & ~held_by_parent(world, f) & (c.uniform("takes", f.number) < said.firms)
    kept = np.cumsum(profit - income_tax, axis=1)
    buffer = np.rint(f.size * 100).astype(np.int64)  # a month's sales stay at hand
    at = np.arange(len(f))
    for first, last in calendar_years(world)[:-1]:
        month = last + 1 + c.whole(*_PAID, "taken in", f.number, last)
        there = takes & (month < world.horizon) & works[at, np.minimum(month, world.horizon - 1)]
        earned = kept[:, last] - (kept[:, first - 1] if first else 0)
        before = found.sum(axis=1)
        most = np.minimum(np.rint(kept[:, last] * (1 - _RESERVE)).astype(np.int64), cash[at, np.minimum(month, world.horizon) - 1] - buffer) - before
        amount = np.minimum(np.rint(earned * c.between(*said.payout, "payout", f.number, last)).astype(np.int64), most)
        found[at[there], month[there]] = np.maximum(amount[there], 0) // 100 * 100
    return found


def withheld_on(world: World, amount: Ints) -> Ints:
    """Tax withheld on dividends, in cents: [firm, month]."""
    return permille(amount, world.figure("pit_dividend")[None, :], 100)


def with_dividends(world: World, r: Returns, amount: Ints) -> Returns:
    """The withholding returns with what owners took, which nobody misstates: lines `dividends` and `dividend_due`, the latter a part of `due`."""
    tax = withheld_on(world, amount)

    def told(lines: Lines) -> Lines:
        return lines | {"dividends": amount, "dividend_due": tax, "due": lines["due"] + tax}

    return replace(r, first=told(r.first), final=told(r.final), true=told(r.true), due=r.due + tax)
