"""All returns of a bucket and the accounts behind them: in the order in which one tax becomes another's cost."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.economy.accounts import Accounts, accounts, by_month, costs, employers_part
from jobs.economy.books import Books
from jobs.economy.dividends import with_dividends
from jobs.economy.filing import Conduct, conduct
from jobs.economy.firms import Firms, alive
from jobs.economy.returns import Returns, Slips
from jobs.economy.returns_income import contributions, income, wages
from jobs.economy.returns_property import land_vat, property_tax, stamp
from jobs.economy.returns_vat import general, small
from jobs.economy.schedule import evading
from jobs.economy.world import World
from jobs.lake.arrays import Ints

Made = list[tuple[Returns, Conduct]]


@dataclass(frozen=True)
class Declared:
    """Returns in a fixed order (VAT-G, VAT-S, PIT-W, CIT-A, SOC-M, PB-STAMP, PB-PROP, PB-LVAT), what became of each, and the accounts."""

    returns: list[Returns]
    conduct: list[Conduct]
    accounts: Accounts

    @property
    def made(self) -> Made:
        """Returns with their conduct."""
        return list(zip(self.returns, self.conduct, strict=True))


def declare(world: World, f: Firms, b: Books) -> Declared:
    """Count what a bucket's firms owe and declare, keep their accounts, and see when they file and pay."""
    works, slips, level = alive(world, f), Slips(world, f), evading(world, f)
    vat_g, vat_s, pit = general(world, f, b, works, slips, level), small(world, f, b, works, slips), wages(world, f, b, works, slips)
    social = contributions(world, f, b, works, slips)
    side = {"SOCIAL": social, "STAMP": stamp(world, f, b, works, slips), "PROPERTY": property_tax(world, f, b, works), "LVAT": land_vat(world, f, b, works, level)}
    booked, lawful = costs(world, b, side, False), costs(world, b, side, True)
    cit = income(world, f, b, works, booked, lawful)
    due = by_month(world, cit, cit.final["due"])
    employees = social.final["due"] - employers_part(world, social.final["due"])
    kept = accounts(world, f, b, _vat(world, f, b, vat_g, vat_s), pit.final["due"] * pit.owed + employees, booked, due)
    pit = with_dividends(world, pit, kept.flow["dividends"])
    made = [vat_g, vat_s, pit, cit, *side.values()]
    return Declared(made, [conduct(world, f, r, kept) for r in made], kept)


def _vat(world: World, f: Firms, b: Books, g: Returns, s: Returns) -> tuple[Ints, Ints, Ints]:
    """VAT as it enters the accounts: general taxpayers by month as in their final return, small ones what they levy by quarter."""
    works = g.owed
    levied = by_month(world, s, s.final["due"])
    return g.final["output"] * works + levied, g.final["input"] * works, g.final["refund"] * works
