"""What evaders write down instead of what happened: one function per thing that can be bent. Arrays are [firm, month], cents.

`level` is the intensity of evasion by month (schedule.evading), 0 for the honest, so that an honest firm's books come out as they are.
"""

from __future__ import annotations

import numpy as np

from jobs.economy.bills import cents
from jobs.economy.firms import Firms, alive
from jobs.economy.kinds import COSTS, EXPORTS, LOANS, PRIVATE_USE, STOCK, SUPPRESSED, WAGES
from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints


def _those(f: Firms, kind: int, level: Floats) -> Floats:
    return np.where((f.typology == kind)[:, None], level, 0.0)


def invented_exports(world: World, f: Firms, level: Floats) -> Ints:
    """Sales abroad that never left the country."""
    luck = world.chance.between(0.4, 1.6, "invents exports", f.number[:, None], np.arange(world.horizon)[None, :])
    return cents(_those(f, EXPORTS, level) * f.size[:, None] * luck * alive(world, f))


def private_purchases(world: World, f: Firms, level: Floats, sales: Ints) -> Ints:
    """Cars, furniture and dinners of the owners that the firm pays and books; honest firms have none of it."""
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    often = c.uniform("own use", i, t) < 0.5
    return np.where(often, np.rint(sales * _those(f, PRIVATE_USE, level) * c.between(0.1, 0.5, "own use size", i, t)), 0).astype(np.int64)


def booked_costs(world: World, f: Firms, level: Floats, sales: Ints) -> Ints:
    """Expenses without anything behind them, on receipts that are no VAT invoices."""
    luck = world.chance.between(0.3, 1.2, "invents costs", f.number[:, None], np.arange(world.horizon)[None, :])
    return np.rint(sales * _those(f, COSTS, level) * luck).astype(np.int64)


def booked_staff(world: World, f: Firms, level: Floats, heads: Ints, wages: Ints) -> tuple[Ints, Ints]:
    """Employees and wages as written down: some are paid in cash."""
    off = _those(f, WAGES, level)
    shown = np.maximum(np.rint(heads * (1 - off)).astype(np.int64), (heads > 0).astype(np.int64))
    return np.where(off > 0, shown, heads), np.where(off > 0, np.rint(wages * (1 - off)), wages).astype(np.int64)


def booked_stock(world: World, f: Firms, level: Floats, hidden: Ints, sales: Ints, cost: Ints, stock: Ints) -> tuple[Ints, Ints]:
    """Cost and stock as written down.

    Who hides sales either books the whole cost or lets the stock swell; who manipulates stock writes it too low and the cost too high.
    """
    swells = (f.typology == SUPPRESSED) & (world.chance.uniform("swells", f.number) < 0.4)
    left_out = np.where(swells[:, None], cost * (hidden / np.maximum(sales, 1)), 0.0).astype(np.int64)
    swollen = np.where(alive(world, f), stock + np.cumsum(left_out, axis=1), 0)
    months = np.maximum(np.arange(world.horizon)[None, :] - f.since[:, None] + 1, 0)
    missing = np.rint(stock * _those(f, STOCK, level).clip(0, 0.9) * np.minimum(1.0, months / 18.0) * 3).clip(0, None)
    missing = np.minimum(missing, stock * 0.8).astype(np.int64)
    moved = np.diff(missing, axis=1, prepend=0)
    return cost - left_out + moved, swollen - missing


def kept_loans(world: World, f: Firms, level: Floats) -> Ints:
    """Balance of what owners take out of the firm as a loan that nobody means to pay back."""
    taken = np.cumsum(_those(f, LOANS, level) * f.size[:, None] * 0.08, axis=1)
    return np.where(alive(world, f), cents(taken), 0)
