"""A country counted in this process, without Spark: what a task does, for all buckets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

import numpy as np

from jobs.economy.accounts import Accounts
from jobs.economy.books import Books, books
from jobs.economy.bucket import Job, receive, send
from jobs.economy.country import enter_all
from jobs.economy.declare import declare
from jobs.economy.delivery import FEEDS, history_slices
from jobs.economy.filing import Conduct
from jobs.economy.firms import Firms, firms
from jobs.economy.returns import Returns
from jobs.economy.trade import FIELDS, Orders, orders
from jobs.economy.truth import Ledger, ledger
from jobs.economy.world import World, add_months


@dataclass(frozen=True)
class Counted:
    """One country in memory: a single bucket would differ in nothing."""

    world: World
    firms: Firms
    bought: Orders
    books: Books
    returns: list[Returns]
    conduct: list[Conduct]
    ledger: Ledger
    accounts: Accounts


def world(taxpayers: int = 600, months: int = 24, seed: int = 11, start: date = date(2024, 1, 1)) -> World:
    through = add_months(start, months) + timedelta(days=3)
    return World(taxpayers, months + start.month - 1, seed, date(start.year, 1, 1), start, through)


def with_evaders(w: World, share: float, **weights: float) -> World:
    """The same world with other shares of evaders; `weights` of typologies, the others share what is left as they did."""
    evasion = w.country.evasion
    left = sum(t.weight for n, t in evasion.typologies.items() if n not in weights)
    scale = (1 - sum(weights.values())) / left
    types = {n: t.model_copy(update={"weight": weights.get(n, t.weight * scale)}) for n, t in evasion.typologies.items()}
    return replace(w, country=w.country.model_copy(update={"evasion": evasion.model_copy(update={"share": share, "typologies": types})}))


@lru_cache(maxsize=4)
def counted(taxpayers: int = 600, months: int = 24, seed: int = 11) -> Counted:
    """The country's arrays over all firms."""
    return count(world(taxpayers, months, seed))


def count(w: World) -> Counted:
    f = firms(w, np.arange(w.population))
    made = orders(w, f)
    b = books(w, f, made, Orders(*(getattr(made, n) for n in FIELDS)).ordered())
    d = declare(w, f, b)
    return Counted(w, f, made, b, d.returns, d.conduct, ledger(w, f, d.made), d.accounts)


def write(w: World, out: Path) -> Path:
    """The country's files and truth."""
    slices = {source: history_slices(w) for source in FEEDS}
    written = sorted(receive(Job(w, str(out), slices), sorted(send(w, range(w.buckets)), key=itemgetter(0))))
    enter_all(out / "inbox", slices, written)
    w.save(out / "truth")
    return out
