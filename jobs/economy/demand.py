"""What final customers want of each firm, month by month: season, growth, luck, a start-up's slow beginning."""

from __future__ import annotations

import numpy as np

from jobs.economy.firms import Firms, alive
from jobs.economy.kinds import COSTS, SHIFTED, STOCK
from jobs.economy.lookalikes import outsourced
from jobs.economy.world import World, month_number
from jobs.lake.arrays import Floats


def final_sales(world: World, f: Firms) -> Floats:
    """Sales without tax to consumers and to buyers outside the province, in currency: [firm, month]."""
    c, months = world.chance, np.arange(world.horizon)
    i, t = f.number[:, None], months[None, :]
    calendar = (months + world.start.month - 1) % 12
    season = world.country.column("season")[f.industry] * c.between(0.4, 1.6, "season", f.number)
    phase = np.floor(c.uniform("phase", f.number) * 3 - 1) + world.country.column("peak")[f.industry]
    wave = 1 + season[:, None] * np.cos((calendar[None, :] - phase[:, None]) * np.pi / 6)
    festival = np.where(calendar == 1, 0.7, 1.0)[None, :]  # the month of the Spring Festival is short
    growth = np.exp(c.normal("growth", f.number) * 0.006)[:, None] ** t
    slow = np.exp(0.14 * c.normal("half-year", i, t // 6) + 0.10 * c.normal("month", i, t))
    ramp = np.clip((t - f.birth[:, None] + 1) / c.between(3, 14, "ramp", f.number)[:, None], 0.15, 1)
    decline = np.clip((f.death[:, None] - t) / 4.0, 0.25, 1)
    inside = world.country.column("inside")[f.industry][:, None]
    sales = f.size[:, None] * (1 - inside) * _shocked(world, f) * wave * festival * growth * slow * ramp * decline * alive(world, f)
    sales[f.brief] = 0.0  # they have no customers but those who find them
    return np.asarray(sales)


def _shocked(world: World, f: Firms) -> Floats:
    """What is left of an industry's sales in a recession: [firm, month]."""
    codes = [i.code for i in world.country.industries]
    left = np.ones((len(codes), world.horizon))
    for one in world.country.shocks.recessions:
        first, last = (month_number(world, day) for day in (one.first, one.last))
        left[codes.index(one.industry), max(first, 0) : max(last + 1, 0)] = one.depth
    return np.asarray(left[f.industry])


def materials(world: World, f: Firms) -> Floats:
    """Each firm's own material cost as a share of sales: industry, and how good the firm is: [firm]."""
    base = world.country.column("materials")[f.industry]
    spread = np.minimum(0.07, (1 - base) * 0.55)
    base = base - np.where(np.isin(f.typology, (SHIFTED, COSTS, STOCK)), np.minimum(0.08, (1 - base) * 0.5), 0.0)  # who hides profit has some
    base = np.where(f.passing, 0.95, base)
    spread = np.where(f.passing, 0.02, spread)
    return np.asarray(np.clip(base - 0.9 * outsourced(world, f) + spread * world.chance.normal("margin", f.number), 0.03, 0.97))
