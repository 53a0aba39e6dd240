"""When returns are filed, amended and paid, if at all: the conduct of a firm towards its deadlines. Days are day numbers.

Due days are those of conf/calendar.yaml as the law stands in the country: 15 days after the period, the annual CIT return 151 days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.accounts import Accounts, short_of_cash
from jobs.economy.firms import Firms
from jobs.economy.kinds import MILL, MISSING
from jobs.economy.returns import Returns, at_end
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Ints

DUE_DAYS = {"VAT": 15, "PIT": 15, "CIT": 151, "SOCIAL": 15, "STAMP": 15, "PROPERTY": 15, "LVAT": 90}


@dataclass(frozen=True)
class Conduct:
    """What became of each return owed: arrays [firm, period]; NEVER where it does not happen."""

    starts: Ints  # [period] first day
    ends: Ints  # [period] last day
    filed: Ints
    amended: Ints
    paid: Ints  # day of the main payment
    amount: Ints  # cents of it
    second: Ints  # day of the payment that follows an amendment
    second_amount: Ints
    corrected: Ints  # day of a return that declares everything, filed when told
    settled: Ints  # day on which arrears are paid when told
    told_amount: Ints  # cents paid on either occasion
    told: Ints  # day of that payment


def conduct(world: World, f: Firms, r: Returns, a: Accounts) -> Conduct:
    """Filing and payment days of the returns of one tax."""
    starts = world.first_day(np.array([a for a, _ in r.months]))
    ends = world.last_day(np.array([b for _, b in r.months]))
    filed = _filed(world, f, r, ends)
    c, i, p = world.chance, f.number[:, None], starts[None, :]
    amended = np.where(r.mistake & r.amends & (filed < NEVER), filed + c.whole(25, 150, "amend " + r.tax, i, p), NEVER)
    illiquid = at_end(world, short_of_cash(world, f, a), r.months)
    due_day = ends[None, :] + DUE_DAYS[r.tax]
    prompt = np.maximum(filed + c.whole(0, 4, "pay " + r.tax, i, p), due_day - 4)
    u = c.uniform("pays " + r.tax, i, p)
    prompt = np.where(filed <= due_day, np.minimum(prompt, due_day), prompt)
    late = u < illiquid * 0.5
    paid = np.where(late, prompt + c.whole(8, 100, "pay late " + r.tax, i, p), prompt)
    never = (u > 1 - illiquid * 0.12) | (np.isin(f.typology, (MISSING, MILL))[:, None] & (c.uniform("vanish", i, p) < 0.8))
    amount = r.first["due"]
    paid = np.where((filed < NEVER) & ~never & (amount > 0), paid, NEVER)
    rise = r.final["due"] - r.first["due"]
    second = np.where((amended < NEVER) & (rise > 0), amended + c.whole(0, 12, "pay more", i, p), NEVER)
    corrected = np.where(r.owed, world.corrected(f.number, r.tax, starts, ends, False), NEVER)
    settled = np.where(r.owed & (filed < NEVER), world.corrected(f.number, r.tax, starts, ends, True), NEVER)
    before = np.where(paid < NEVER, amount, 0) + np.where(second < NEVER, rise, 0)
    told = np.where(corrected < NEVER, corrected + c.whole(0, 15, "told", i, p), settled)
    owing = np.maximum(np.where(corrected < NEVER, np.maximum(r.due, 0), r.final["due"]) - before, 0)
    told = np.where((told < NEVER) & ((corrected >= NEVER) | (c.uniform("can pay", i, p) < 0.85)), told, NEVER)
    return Conduct(starts, ends, filed, amended, paid, amount, second, rise, corrected, settled, owing, told)


def _filed(world: World, f: Firms, r: Returns, ends: Ints) -> Ints:
    c, i, p = world.chance, f.number[:, None], ends[None, :]
    due_day = ends[None, :] + DUE_DAYS[r.tax]
    early = c.whole(0, 12 if r.tax != "CIT" else 90, "files " + r.tax, i, p)
    tardy = np.where(c.uniform("tardy", f.number) < world.country.honest.tardy_firms, c.between(0.12, 0.35, "tardy rate", f.number), 0.012)[:, None]
    late = c.uniform("late " + r.tax, i, p) < tardy
    filed = np.where(late, due_day + 1 + np.floor(45 * c.uniform("days late " + r.tax, i, p) ** 2).astype(np.int64), due_day - early)
    # Some are chronic non-filers; the dying stop filing; a missing trader files once or twice.
    often = np.where(f.passing, 0.35, world.country.honest.non_filers)  # who does not last has other worries
    chronic = np.where(c.uniform("chronic", f.number) < often, 0.2 + np.where(f.passing, 0.8, 0.4) * c.uniform("chronic rate", f.number), 0.002)[:, None]
    skipped = c.uniform("skips " + r.tax, i, p) < chronic
    last = world.first_day(np.minimum(f.death, 10**5))[:, None]
    fading = (ends[None, :] > last - 75) & (c.uniform("fades", f.number) < 0.4)[:, None]
    vanished = (f.typology == MISSING)[:, None] & (ends[None, :] > world.first_day(f.birth)[:, None] + c.whole(60, 180, "vanishes", f.number)[:, None])
    return np.where(r.owed & ~skipped & ~fading & ~vanished, filed, NEVER)
