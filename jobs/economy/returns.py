"""What the firms owe and what they declare: VAT, CIT, PIT and statements, from books and law. All money in cents.

A return has two contents: `first` (with the honest mistake of that period, if any) and `final` (after the firm's own amendment).
`due` is what the law asks for on the true books. Rates: VAT by industry and 3 per cent small-scale, CIT 25 per cent, PIT by the
monthly withholding table (3 to 45 per cent above 5,000 a month).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.books import Books
from jobs.economy.firms import Firms, alive
from jobs.economy.kinds import INFLATED, MILL, MISSING
from jobs.economy.schedule import evading
from jobs.economy.trade import tax_of
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats, Ints

Lines = dict[str, Ints]

_BRACKETS = ((0, 3), (3000, 10), (12000, 20), (25000, 25), (35000, 30), (55000, 35), (80000, 45))
_ALLOWANCE, _INSURANCE = 5000, 0.105


@dataclass(frozen=True)
class Returns:
    """Returns of one tax and form. Arrays are [firm, period]; `months` gives first and last month number of each period.

    `true`: the lines of a return that declares everything; its due is `due`. `owed`: a return is owed; `mistake`: first and final differ or the mistake stays; `amends`: the firm amends by itself.
    """

    tax: str
    form: str
    months: list[tuple[int, int]]
    owed: Flags
    first: Lines
    final: Lines
    true: Lines
    due: Ints
    mistake: Flags
    amends: Flags


def returns(world: World, f: Firms, b: Books) -> list[Returns]:
    """All returns of a bucket whose periods have begun by the horizon."""
    works = alive(world, f)
    slips = _Slips(world, f)
    return [_general(world, f, b, works, slips), _small(world, f, b, works, slips), _wages(world, f, b, works, slips), _income(world, f, b, works)]


class _Slips:
    """Honest mistakes by month: a forgotten or doubled invoice, input tax left out or claimed twice. Factors of a month's figures."""

    def __init__(self, world: World, f: Firms) -> None:
        c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
        self.hit = c.uniform("slip", i, t) < f.careless[:, None]
        kind, size = c.whole(0, 4, "slip kind", i, t), c.between(0.1, 0.5, "slip size", i, t)
        self.sales = np.where(self.hit & (kind == 0), -size, np.where(self.hit & (kind == 1), 0.6 * size, 0.0))
        self.input = np.where(self.hit & (kind == 2), -size, np.where(self.hit & (kind == 3), size, 0.0))
        self.amends = self.hit & (c.uniform("slip found", i, t) < 0.3)


def _scaled(values: Ints, factor: Floats) -> Ints:
    return np.rint(values * factor).astype(np.int64)


def _general(world: World, f: Firms, b: Books, works: Flags, slips: _Slips) -> Returns:
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    taxable = b.uninvoiced - b.exempt
    output = b.invoiced_tax + tax_of(taxable, b.rate)
    claimed = _delayed(world, f, b.input_tax) + _vouchers(world, f, b.input_tax)
    whole_output = output + tax_of(b.hidden, b.rate)
    due, brought, carried = _chain(whole_output, claimed)
    true = {"sales": b.sales - b.exempt + b.hidden, "output": whole_output, "input": claimed, "exempt": b.exempt, "credit_in": brought, "credit_out": carried, "due": due}
    level = evading(world, f)
    inflating = (f.typology == INFLATED)[:, None] & (c.uniform("inflates", i, t) < 0.5)
    invented = np.where(inflating, _scaled(claimed + b.rate * b.sales // 400, 2.0 * level * c.between(0.5, 1.5, "invents", i, t)), 0)
    invented += np.where((f.typology == MILL)[:, None], output * 97 // 100, 0)
    shown = np.where((f.typology == MISSING)[:, None], 1 - level, 1.0)
    lines = {"sales": _scaled(b.sales - b.exempt, shown), "output": _scaled(output, shown), "input": claimed + b.fake_tax + invented, "exempt": b.exempt}
    slip = {"sales": slips.sales, "output": slips.sales, "input": slips.input, "exempt": np.zeros_like(slips.sales)}
    first = {n: v + _scaled(v, slip[n]) for n, v in lines.items()}
    final = {n: np.where(slips.amends, v, first[n]) for n, v in lines.items()}
    paid, before, after = _chain(final["output"], final["input"])
    final |= {"credit_in": before, "credit_out": after, "due": paid}
    net = first["output"] - first["input"] - before
    first |= {"credit_in": before, "credit_out": np.maximum(-net, 0), "due": np.maximum(net, 0)}
    owed = works & f.general[:, None]
    return Returns("VAT", "VAT-G", [(n, n) for n in range(world.horizon)], owed, first, final, true, due, slips.hit & owed, slips.amends)


def _delayed(world: World, f: Firms, tax: Ints) -> Ints:
    """Input tax as claimed: some of it a month later, as the law allows."""
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    late = np.where(c.uniform("late claim", i, t) < 0.15, c.between(0.2, 0.6, "late share", i, t), 0.0)
    moved = _scaled(tax, late)
    moved[:, -1:] = 0
    return np.asarray(tax - moved + np.concatenate([np.zeros_like(moved[:, :1]), moved[:, :-1]], axis=1))


def _vouchers(world: World, f: Firms, tax: Ints) -> Ints:
    """Input tax on lawful vouchers that are no invoices: customs payment slips, farm produce, tolls. Many honest firms have some."""
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    share = np.where(c.uniform("vouchers", f.number) < 0.3, c.between(0.02, 0.25, "voucher share", f.number), 0.0)[:, None]
    there = c.uniform("voucher month", i, t) < 0.5
    return _scaled(tax, np.where(there, share * c.between(0.4, 1.6, "voucher size", i, t), 0.0))


def _chain(output: Ints, claimed: Ints) -> tuple[Ints, Ints, Ints]:
    """Tax due, credit brought forward and credit carried forward, month by month."""
    due, before, after = np.zeros_like(output), np.zeros_like(output), np.zeros_like(output)
    credit = np.zeros(len(output), dtype=np.int64)
    for t in range(output.shape[1]):
        before[:, t] = credit
        net = output[:, t] - claimed[:, t] - credit
        due[:, t], credit = np.maximum(net, 0), np.maximum(-net, 0)
        after[:, t] = credit
    return due, before, after


def _small(world: World, f: Firms, b: Books, works: Flags, slips: _Slips) -> Returns:
    quarters = periods(world, 3)
    hidden, sales, exempt = (by_period(v, quarters) for v in (b.hidden, b.sales, b.exempt))
    shown = by_period(_scaled(b.sales - b.exempt, 1 + slips.sales), quarters)
    mistake = by_period(((slips.sales != 0) & works).astype(np.int64), quarters) > 0
    amends = mistake & (by_period((slips.amends & (slips.sales != 0)).astype(np.int64), quarters) > 0)
    lines = {"sales": sales - exempt, "exempt": exempt, "due": tax_of(sales - exempt, 3)}
    first = {"sales": shown, "exempt": exempt, "due": tax_of(shown, 3)}
    final = {n: np.where(amends, v, first[n]) for n, v in lines.items()}
    owed = (by_period(works.astype(np.int64), quarters) > 0) & ~f.general[:, None] & whole(quarters, 3)
    due = tax_of(sales - exempt + hidden, 3)
    true = {"sales": sales - exempt + hidden, "exempt": exempt, "due": due}
    return Returns("VAT", "VAT-S", quarters, owed, first, final, true, due, mistake & owed, amends)


def _wages(world: World, f: Firms, b: Books, works: Flags, slips: _Slips) -> Returns:
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    due = withheld(b.heads, b.wages)
    hit = c.uniform("wage slip", i, t) < f.careless[:, None] * 0.5
    shown = np.where(hit, _scaled(b.wages, np.where(c.uniform("wage up", i, t) < 0.25, 1.15, c.between(0.5, 0.9, "wage down", i, t))), b.wages)
    amends = hit & (c.uniform("wage found", i, t) < 0.3)
    first = {"wages": shown, "heads": b.heads * 100, "due": withheld(b.heads, shown)}
    lines = {"wages": b.wages, "heads": b.heads * 100, "due": due}
    final = {n: np.where(amends, v, first[n]) for n, v in lines.items()}
    owed = works & (b.heads > 0)
    return Returns("PIT", "PIT-W", [(n, n) for n in range(world.horizon)], owed, first, final, lines, due, hit & owed, amends)


def withheld(heads: Ints, wages: Ints) -> Ints:
    """PIT to withhold in a month, in cents, when every employee earns the average."""
    mean = wages / 100.0 / np.maximum(heads, 1)
    base = np.maximum(mean * (1 - _INSURANCE) - _ALLOWANCE, 0)
    tax, below = np.zeros_like(base), 0.0
    for start, rate in _BRACKETS:
        tax += np.maximum(base - start, 0) * (rate / 100 - below)
        below = rate / 100
    return np.asarray(np.rint(tax * 100).astype(np.int64) * heads)


def _income(world: World, f: Firms, b: Books, works: Flags) -> Returns:
    c, years = world.chance, calendar_years(world)
    y = np.arange(len(years))[None, :]
    cost = np.where((f.typology == MILL)[:, None], b.booked_cost, b.cost)  # paper sales bring no income
    true = {"revenue": by_period(b.sales + b.hidden, years), "cost": by_period(cost, years), "expense": by_period(b.wages + b.other + b.related - b.shifted, years)}
    lines = {"revenue": by_period(b.sales, years), "cost": by_period(b.booked_cost + b.fake, years), "expense": by_period(b.wages + b.other + b.related, years)}
    hit = c.uniform("income slip", f.number[:, None], y) < f.careless[:, None] * 1.5
    wrong = np.where(hit, np.where(c.uniform("income up", f.number[:, None], y) < 0.4, -1, 1) * c.between(0.02, 0.10, "income size", f.number[:, None], y), 0.0)
    amends = hit & (c.uniform("income found", f.number[:, None], y) < 0.25)
    first = _taxed({**lines, "cost": lines["cost"] + _scaled(lines["cost"], wrong)})
    right = _taxed(lines)
    final = {n: np.where(amends, v, first[n]) for n, v in right.items()}
    owed = (by_period(works.astype(np.int64), years) > 0) & ~f.individual[:, None] & whole(years, 12)
    true = _taxed(true)
    return Returns("CIT", "CIT-A", years, owed, first, final, true, true["due"], hit & owed, amends)


def _taxed(lines: Lines) -> Lines:
    profit = lines["revenue"] - lines["cost"] - lines["expense"]
    return {**lines, "profit": profit, "due": np.maximum(profit, 0) // 4}


def periods(world: World, length: int) -> list[tuple[int, int]]:
    """Calendar quarters (length 3) or the like that the horizon touches; the first and last month number of each."""
    offset = (world.start.month - 1) % length
    return [(max(n, 0), n + length - 1) for n in range(-offset, world.horizon, length)]


def whole(spans: list[tuple[int, int]], length: int) -> Flags:
    """Which periods began within the country's time: nothing is known of what was before."""
    return np.array([[b - a + 1 == length for a, b in spans]])


def calendar_years(world: World) -> list[tuple[int, int]]:
    """Calendar years that the horizon touches."""
    return periods(world, 12)


def by_period(values: Ints, spans: list[tuple[int, int]]) -> Ints:
    """Sums over periods: [firm, month] to [firm, period]."""
    starts = np.array([a for a, _ in spans])
    return np.add.reduceat(values, starts, axis=1)
