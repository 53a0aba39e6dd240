"""VAT returns: monthly for general taxpayers, with credit carried forward and export tax claimed back; quarterly for small ones."""

from __future__ import annotations

import numpy as np

from jobs.economy.books import Books
from jobs.economy.firms import Firms
from jobs.economy.kinds import CAROUSEL, INFLATED, MISSING, SPLIT
from jobs.economy.lookalikes import voucher_share
from jobs.economy.returns import Lines, Returns, Slips, by_period, periods, returned, scaled, whole, worked
from jobs.economy.trade import tax_of
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats, Ints


def general(world: World, f: Firms, b: Books, works: Flags, slips: Slips, level: Floats) -> Returns:
    """Monthly returns of general taxpayers (VAT-G). Lines: sales, output, input, exempt, exports, credit_in, credit_out, due, refund."""
    rent_rate = world.figure("vat_rent").astype(np.int64)[None, :]
    taxable = b.uninvoiced - b.exempt
    output = b.invoiced_tax + tax_of(taxable, b.rate) + tax_of(b.booked_rent, rent_rate)
    claimed = _delayed(world, f, b.input_tax) + _vouchers(world, f, b.input_tax)
    refundable = world.vat().max(axis=0)[None, :]
    lawful = np.maximum(claimed - np.where((f.typology == CAROUSEL)[:, None], b.denied_tax, 0), 0)
    true = _lines(b.sales - b.booked_exports - b.exempt + b.hidden + b.rent - b.booked_rent, output + tax_of(b.hidden, b.rate) + tax_of(b.rent - b.booked_rent, rent_rate), lawful, b.exempt, b.exports)
    if (f.typology == CAROUSEL).any():  # what went round was never sent abroad for anybody's use
        true["exports"] = np.where((f.typology == CAROUSEL)[:, None], np.maximum(b.exports - b.denied_tax * 8, 0), b.exports)
    shown = np.where((f.typology == MISSING)[:, None], 1 - level, 1.0)
    forgets = slips.forgets[:, None]
    right = _lines(scaled(b.sales - b.booked_exports - b.exempt, shown), scaled(output, shown), claimed + b.fake_tax + b.own_use_tax + _invented(world, f, b, claimed, level), b.exempt, b.booked_exports)
    right |= {"output": right["output"] + np.where(forgets, tax_of(b.exempt, b.rate), 0), "sales": right["sales"] + np.where(forgets, b.exempt, 0), "exempt": np.where(forgets, 0, b.exempt)}
    none = np.zeros_like(slips.sales)
    factor = {"sales": slips.sales, "output": slips.sales, "input": slips.input, "exempt": none, "exports": none}
    first = {n: v + scaled(v, factor[n]) for n, v in right.items()}
    final = {n: np.where(slips.amends, v, first[n]) for n, v in right.items()}
    _chain(final, refundable)
    _chain(true, refundable)
    _alone(first, final)
    owed = works & f.general[:, None]
    mistake = (slips.hit | (forgets & (b.exempt > 0))) & owed
    return Returns("VAT", "VAT-G", [(n, n) for n in range(world.horizon)], owed, first, final, true, true["due"] - true["refund"], mistake, slips.amends)


def _lines(sales: Ints, output: Ints, claimed: Ints, exempt: Ints, exports: Ints) -> Lines:
    return {"sales": sales, "output": output, "input": claimed, "exempt": exempt, "exports": exports}


def _invented(world: World, f: Firms, b: Books, claimed: Ints, level: Floats) -> Ints:
    """Input tax claimed on nothing at all."""
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    inflating = (f.typology == INFLATED)[:, None] & (c.uniform("inflates", i, t) < 0.5)
    return np.where(inflating, scaled(claimed + b.rate * b.sales // 400, 2.0 * level * c.between(0.5, 1.5, "invents", i, t)), 0)


def _delayed(world: World, f: Firms, tax: Ints) -> Ints:
    """Input tax as claimed: some of it a month later, as the law allows."""
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    late = np.where(c.uniform("late claim", i, t) < 0.15, c.between(0.2, 0.6, "late share", i, t), 0.0)
    moved = scaled(tax, late)
    moved[:, -1:] = 0
    return np.asarray(tax - moved + np.concatenate([np.zeros_like(moved[:, :1]), moved[:, :-1]], axis=1))


def _vouchers(world: World, f: Firms, tax: Ints) -> Ints:
    """Input tax on lawful vouchers that are no invoices: customs payment slips, farm produce, tolls. Many honest firms have some."""
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    share = voucher_share(world, f)[:, None]
    there = c.uniform("voucher month", i, t) < 0.5
    return scaled(tax, np.where(there, share * c.between(0.4, 1.6, "voucher size", i, t), 0.0))


def _chain(lines: Lines, refundable: Ints) -> None:
    """Add tax due, credit brought and carried forward, and the refund: of what stays as credit, at most the tax on the month's exports."""
    output, claimed = lines["output"], lines["input"]
    due, before, after, back = (np.zeros_like(output) for _ in range(4))
    most = tax_of(lines["exports"], np.broadcast_to(refundable, output.shape))
    credit = np.zeros(len(output), dtype=np.int64)
    for t in range(output.shape[1]):
        before[:, t] = credit
        net = output[:, t] - claimed[:, t] - credit
        due[:, t], left = np.maximum(net, 0), np.maximum(-net, 0)
        back[:, t] = np.minimum(left, most[:, t])
        credit = left - back[:, t]
        after[:, t] = credit
    lines |= {"credit_in": before, "credit_out": after, "due": due, "refund": back}


def _alone(first: Lines, final: Lines) -> None:
    """The month's first return stands on the credit as the other months' final ones leave it."""
    net = first["output"] - first["input"] - final["credit_in"]
    back = np.minimum(np.maximum(-net, 0), np.where(first["exports"] > 0, final["refund"], 0))
    first |= {"credit_in": final["credit_in"], "credit_out": np.maximum(-net, 0) - back, "due": np.maximum(net, 0), "refund": back}


def small(world: World, f: Firms, b: Books, works: Flags, slips: Slips) -> Returns:
    """Quarterly returns of small taxpayers (VAT-S). Who splits one business owes what a general taxpayer would."""
    quarters, rate = periods(world, 3), world.figure("vat_small").astype(np.int64)[None, :]
    base = b.sales - b.exempt
    hidden = b.hidden + b.rent - b.booked_rent
    shown, forgotten = scaled(base, 1 + slips.sales), np.where(slips.forgets[:, None], b.exempt, 0)
    mistake = worked(((slips.sales != 0) | (forgotten > 0)) & works, quarters)
    amends = worked((slips.sales != 0) & works, quarters) & worked(slips.amends & (slips.sales != 0), quarters)
    exempt = by_period(b.exempt - forgotten, quarters)
    right, first = ({"sales": by_period(v + forgotten, quarters), "exempt": exempt, "due": by_period(tax_of(v + forgotten, rate), quarters)} for v in (base, shown))
    as_general = by_period(tax_of(base + hidden, world.vat()[f.industry]) - b.all_tax, quarters)
    levied = by_period(tax_of(base + hidden, rate), quarters)
    due = np.where((f.typology == SPLIT)[:, None], np.maximum(as_general, levied), levied)
    true = {"sales": by_period(base + hidden, quarters), "exempt": by_period(b.exempt, quarters), "due": due}
    owed = worked(works, quarters) & ~f.general[:, None] & whole(quarters, 3)
    return returned("VAT", "VAT-S", quarters, owed, (first, right, true), mistake, amends)


