"""What must hold to the cent for every honest firm: each identity as differences that are zero, and where it applies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.books import Books
from jobs.economy.declare import Declared
from jobs.economy.firms import Firms, alive
from jobs.economy.kinds import HONEST
from jobs.economy.returns import Returns, by_period, periods
from jobs.economy.trade import Orders, tax_of
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Ints


@dataclass(frozen=True)
class Identity:
    """Differences in cents, [firm, period], and where they must be zero: honest firms, periods without a mistake in the return."""

    difference: Ints
    applies: Flags

    @property
    def checked(self) -> int:
        """How many firm-periods it was checked on."""
        return int(self.applies.sum())

    @property
    def broken(self) -> int:
        """How many of them it does not hold for."""
        return int(((self.difference != 0) & self.applies).sum())


def identities(world: World, f: Firms, b: Books, d: Declared, sold: Orders) -> dict[str, Identity]:
    """All identities of a bucket, by name."""
    honest, works = (f.typology == HONEST)[:, None], alive(world, f)
    return _of_books(f, b, d, honest & works) | _of_vat(world, f, b, d, sold, honest & works) | _of_payroll(b, d, honest) | _of_income(world, f, b, d, honest, works)


def _of_books(f: Firms, b: Books, d: Declared, there: Flags) -> dict[str, Identity]:
    a, both = d.accounts, there & np.concatenate([np.zeros_like(there[:, :1]), there[:, :-1]], axis=1)
    rolled = b.stock - np.concatenate([np.zeros_like(b.stock[:, :1]), b.stock[:, :-1]], axis=1) - b.purchases + b.cost
    trial = np.asarray(sum(a.balance.values()), dtype=np.int64)
    taken = d.returns[2].final["dividends"]
    grew = np.diff(a.equity + a.balance["capital"], axis=1, prepend=0)  # capital is a credit: what owners bring in and get back stays out
    return {
        "trial balance": Identity(trial, there),
        "assets = liabilities + equity": Identity(a.assets - a.liabilities - a.equity, there),
        "equity grows by profit after tax less dividends": Identity(grew - a.profit + a.flow["income_tax"] + taken, there),
        "dividends withheld on = dividends written": Identity(taken - a.flow["dividends"], there),
        "stock rolls forward": Identity(rolled, both),
        "stock account = stock": Identity(a.balance["stock"] - b.stock, there),
        "nothing unexplained": Identity(a.balance["unexplained"], there),
        "written = true": Identity((b.sales - b.true_sales) + (b.booked_cost - b.cost) + (b.expense - b.true_expense) + (b.booked_wages - b.wages), there),
    }


def _right(r: Returns) -> Flags:
    return r.owed & ~r.mistake


def _of_vat(world: World, f: Firms, b: Books, d: Declared, sold: Orders, there: Flags) -> dict[str, Identity]:
    g, s, lines = d.returns[0], d.returns[1], d.returns[0].final
    inside = np.zeros(b.sales.shape, dtype=np.int64)
    np.add.at(inside, (np.searchsorted(f.number, sold.supplier), sold.month), sold.tax)
    printed = inside + sum(b.bills[n].sum("tax", b.sales.shape) for n in ("outside", "consumers", "abroad"))
    without = tax_of(b.uninvoiced - b.exempt, b.rate) + tax_of(b.rent, world.figure("vat_rent").astype(np.int64)[None, :])
    chain = lines["output"] - lines["input"] - lines["credit_in"] - lines["due"] + lines["credit_out"] + lines["refund"]
    carried = lines["credit_in"][:, 1:] - lines["credit_out"][:, :-1]
    return {
        "VAT chain of a month": Identity(chain, g.owed),
        "VAT credit is carried whole": Identity(np.concatenate([np.zeros_like(chain[:, :1]), carried], axis=1), g.owed),
        "output tax = tax printed on invoices + tax on sales without": Identity(lines["output"] - printed - without, _right(g) & there),
        "sales declared = sales written": Identity(lines["sales"] + lines["exempt"] + lines["exports"] - b.sales, _right(g) & there),
        "small: sales of the quarter": Identity(s.final["sales"] + s.final["exempt"] - by_period(b.sales, s.months), _right(s) & (f.typology == HONEST)[:, None]),
    }


def _of_payroll(b: Books, d: Declared, honest: Flags) -> dict[str, Identity]:
    pit, social = d.returns[2], d.returns[4]
    both = _right(pit) & social.owed & honest
    return {
        "wages withheld on = wages insured = wages written": Identity(np.abs(pit.final["wages"] - b.booked_wages) + np.abs(social.final["base"] - b.booked_wages), both),
        "heads withheld on = heads insured = headcount": Identity(np.abs(pit.final["heads"] - b.heads * 100) + np.abs(social.final["heads"] - b.heads * 100), both),
    }


def _of_income(world: World, f: Firms, b: Books, d: Declared, honest: Flags, works: Flags) -> dict[str, Identity]:
    cit, a, quarters = d.returns[3], d.accounts, periods(world, 3)
    year = _right(cit) & honest
    by_quarter = by_period(a.profit, quarters)
    total = np.cumsum(np.concatenate([np.zeros((len(f), 1), dtype=np.int64), by_quarter], axis=1), axis=1)
    ends = np.minimum(np.array([(last + 1) // 3 for _, last in cit.months]), by_quarter.shape[1])
    starts = np.array([first // 3 for first, _ in cit.months])
    over = np.array([last < world.horizon for _, last in cit.months])[None, :]
    return {
        "income return = statements of the year": Identity(cit.final["profit"] - (total[:, ends] - total[:, starts]), year & over),
        "revenue of the income return = sales written": Identity(cit.final["revenue"] - by_period(b.sales, cit.months), year),
    }
