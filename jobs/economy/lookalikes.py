"""Lawful habits that look like evasion from outside: one function per habit. They are drawn over all firms alike, so evaders have them too.

How common each is stands in the country's YAML under honest.lookalikes.
"""

from __future__ import annotations

import numpy as np

from jobs.economy.firms import Firms, alive
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats


def _some(world: World, f: Firms, name: str) -> Flags:
    return np.asarray(world.chance.uniform(name, f.number) < getattr(world.country.honest.lookalikes, name))


def lawful_loans(world: World, f: Firms) -> Floats:
    """What owners owe the firm and mean to settle: advances for its business, now and then a loan paid back within the year, in currency: [firm, month]."""
    c, t = world.chance, np.arange(world.horizon)[None, :]
    drawn = np.where(c.uniform("owner loan", f.number) < 0.08, f.size * c.between(0.3, 2.0, "owner loan size", f.number), 0.0)
    year_month = (t + world.start.month - 1) % 12
    back = year_month / 11.0 * (year_month < 11)
    return np.where(alive(world, f), drawn[:, None] * back + _advances(world, f), 0.0)


def _advances(world: World, f: Firms) -> Floats:
    """Money that owners hold for the firm's business, settled now and then and open over many a year's end, in currency: [firm, month]."""
    c, t = world.chance, np.arange(world.horizon)[None, :]
    has = _some(world, f, "advances") & ~f.individual
    every = c.whole(5, 31, "settled", f.number)[:, None]
    since = (t + c.whole(0, 31, "settled phase", f.number)[:, None]) % every
    monthly = f.size * np.exp(c.normal("advance", f.number) * 0.6) * 0.06
    return np.where(has[:, None], monthly[:, None] * (since + 1) * c.between(0.8, 1.2, "advanced", f.number[:, None], t), 0.0)


def outsourced(world: World, f: Firms) -> Floats:
    """What goes to agents, advertising and hired hands instead of materials and own staff, as a share of sales: [firm]."""
    share = world.chance.between(0.02, 0.16, "outsourced", f.number)
    room = world.country.column("materials")[f.industry] * 0.4
    return np.where(_some(world, f, "outsourcing"), np.minimum(share, room), 0.0)


def hired_out(world: World, f: Firms) -> Floats:
    """Share of the staff that a firm hires from an agency, whose bill is an expense and no wage: [firm]."""
    c = world.chance
    hires = _some(world, f, "outsourcing") & (c.uniform("agency staff", f.number) < 0.5)
    return np.where(hires, c.between(0.05, 0.7, "agency share", f.number), 0.0)


def services_within(world: World, f: Firms) -> Floats:
    """What a group's firm truly pays a sibling for services, as a share of its size: little in most, much in some: [firm]."""
    c = world.chance
    serves = f.grouped & f.general & (c.uniform("serves", f.number) < world.country.honest.lookalikes.group_services)
    return np.where(serves, np.minimum(0.025 * np.exp(c.normal("service", f.number)), 0.2), 0.0)


def stock_habit(world: World, f: Firms) -> Floats:
    """How much stock a firm holds against its industry: most about as much, some sell from their suppliers' stores, some buy ahead: [firm]."""
    c = world.chance
    usual = c.between(0.5, 1.8, "stock", f.number)
    return np.where(_some(world, f, "no_stock") | f.passing, 0.02, np.where(_some(world, f, "buys_ahead"), usual * c.between(1.5, 4.0, "ahead", f.number), usual))


def voucher_share(world: World, f: Firms) -> Floats:
    """Input tax on lawful vouchers that are no invoices (customs payment slips, farm produce, tolls), as a share of that on invoices: [firm]."""
    c = world.chance
    share = np.minimum(np.exp(c.normal("voucher share", f.number)) * 0.12, 0.9)
    return np.where(_some(world, f, "vouchers"), share, 0.0)


def through_agents(world: World, f: Firms) -> Flags:
    """Which exporters have an agent elsewhere clear their goods, so that customs does not know them: [firm]."""
    return _some(world, f, "export_agents")
