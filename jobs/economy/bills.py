"""Invoices of a bucket's firms that no other firm of the country is party to: sales to consumers and outside, purchases from outside.

A month's total is cut into a few invoices; the tax of the month is the sum of their taxes, each rounded as printed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.firms import Firms
from jobs.economy.trade import tax_of
from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints

_PIECES = (3, 16, 80)  # times the smallest firms' sales, from which on a firm cuts a month's sales into one more
_MOST = 1 + len(_PIECES)


@dataclass(frozen=True)
class Bills:
    """Invoices: firm is a position in the bucket; month a month number; cents; day of the month from 0; red: a cancellation."""

    firm: Ints
    month: Ints
    part: Ints
    net: Ints
    tax: Ints
    day: Ints
    red: np.ndarray

    def __len__(self) -> int:
        return len(self.firm)

    def sum(self, what: str, shape: tuple[int, int]) -> Ints:
        """Net or tax by firm and month, in cents."""
        values = getattr(self, what)
        found = np.bincount(self.firm * shape[1] + self.month, weights=values.astype(np.float64), minlength=shape[0] * shape[1])
        return np.rint(found).astype(np.int64).reshape(shape)


def cut(world: World, f: Firms, total: Ints, rate: Ints, purpose: str, cancelled: float = 0.0) -> Bills:
    """Cut monthly totals [firm, month] (cents) into one to four invoices each, by the firm's size; some are cancelled in red."""
    c = world.chance
    pieces = 1 + np.searchsorted(_PIECES, f.size / world.country.smallest)
    at, month = np.nonzero(total > 0)
    firm, part, rows = np.repeat(at, pieces[at]), _parts(pieces[at]), np.repeat(np.arange(len(at)), pieces[at])
    when = month[rows]
    weight = c.between(0.3, 1.0, purpose, f.number[firm], when, part)
    share = weight / np.bincount(rows, weights=weight)[rows] if len(rows) else weight
    net = np.floor(total[firm, when] * share).astype(np.int64)
    net += np.where(part == 0, total[firm, when] - np.bincount(rows, weights=net, minlength=len(at)).astype(np.int64)[rows], 0) if len(rows) else 0
    day = c.whole(0, 28, purpose + " day", f.number[firm], when, part)
    kept = net > 0
    bills = Bills(firm[kept], when[kept], part[kept], net[kept], tax_of(net[kept], rate[firm[kept], when[kept]]), day[kept], np.zeros(int(kept.sum()), dtype=bool))
    return _with_cancelled(world, f, bills, purpose, cancelled) if cancelled else bills


def _parts(pieces: Ints) -> Ints:
    ends = np.cumsum(pieces)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - pieces, pieces)


def _with_cancelled(world: World, f: Firms, b: Bills, purpose: str, share: float) -> Bills:
    # Only the smallest part of a month is ever cancelled, so that a month's sales never turn negative.
    hit = (world.chance.uniform(purpose + " red", f.number[b.firm], b.month, b.part) < share * 2) & (b.part > 0)
    red = Bills(b.firm[hit], b.month[hit], b.part[hit] + _MOST, -b.net[hit], -b.tax[hit], np.full(int(hit.sum()), 27), np.ones(int(hit.sum()), dtype=bool))
    return Bills(*(np.concatenate([getattr(b, n), getattr(red, n)]) for n in ("firm", "month", "part", "net", "tax", "day", "red")))


def cents(amount: Floats) -> Ints:
    """Currency to cents."""
    return np.rint(amount * 100).astype(np.int64)
