"""A bucket's books: what its firms truly sold, bought, stocked, paid and what of it they wrote down. All arrays are [firm, month], cents.

Stock rolls forward: stock = stock before + purchases - cost of sales. What the province's suppliers did not deliver is bought outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.bills import Bills, cents, cut
from jobs.economy.demand import final_sales, materials
from jobs.economy.firms import Firms, alive, firms
from jobs.economy.kinds import MILL, MISSING, SHIFTED, SUPPRESSED
from jobs.economy.schedule import evading
from jobs.economy.trade import FAKE, RELATED, SHIFT, Orders
from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints


@dataclass(frozen=True)
class Books:
    """Money in cents by firm and month. `bills` are the invoices with consumers and with parties outside the province."""

    rate: Ints  # per cent of the firm's own supplies
    invoiced: Ints  # net of all invoices issued
    invoiced_tax: Ints
    uninvoiced: Ints  # sales without invoice that the firm wrote down
    exempt: Ints  # of them exempt from VAT
    hidden: Ints  # sales it did not write down
    purchases: Ints  # goods bought, without fictitious ones and services of related firms
    input_tax: Ints  # on special invoices for real purchases and services
    fake: Ints
    fake_tax: Ints
    related: Ints  # services of firms of the same owners
    shifted: Ints  # the part of them that only moves profit
    cost: Ints  # true cost of sales
    stock: Ints  # true stock at the end of the month
    booked_cost: Ints
    booked_stock: Ints
    heads: Ints
    wages: Ints
    other: Ints
    exports: Ints  # sales abroad that truly left the country, part of those outside the province
    energy: Ints  # kWh used, by what was truly made and sold
    received: Ints  # money that came into the firm's accounts
    spent: Ints  # money that left them
    private: Ints  # receipts of the firm that went into its owners' own accounts
    bills: dict[str, Bills]

    @property
    def sales(self) -> Ints:
        """Sales as written down."""
        return self.invoiced + self.uninvoiced


def books(world: World, f: Firms, bought: Orders, sold: Orders) -> Books:
    """Count the books of a bucket: `bought` are its own firms' orders, `sold` the orders made of them."""
    shape, c = (len(f), world.horizon), world.chance
    rate = np.where(f.general[:, None], world.vat()[f.industry], world.figure("vat_small").astype(np.int64)[None, :])
    inside, inside_tax = _by_month(f, sold, sold.supplier, sold.net, shape), _by_month(f, sold, sold.supplier, sold.tax, shape)
    consumers, outside, hidden = _final(world, f)
    with_invoice = cents(consumers * c.between(0.3, 0.9, "invoiced", f.number)[:, None])
    bills = {"outside": cut(world, f, cents(outside), rate, "outside", 0.02), "consumers": cut(world, f, with_invoice, rate, "consumers")}
    invoiced = inside + bills["outside"].sum("net", shape) + bills["consumers"].sum("net", shape)
    taxed = inside_tax + bills["outside"].sum("tax", shape) + bills["consumers"].sum("tax", shape)
    uninvoiced = cents(consumers) - with_invoice
    exempt = np.where((c.uniform("exempt", f.number) < world.country.column("exempt")[f.industry])[:, None], uninvoiced * 3 // 10, 0)
    fake, related, shifted = bought.where(bought.kind == FAKE), bought.where(bought.kind >= RELATED), bought.where(bought.kind == SHIFT)
    goods = bought.where(bought.kind < FAKE)
    real = bought.where((bought.kind != FAKE) & (bought.special == 1))
    sales = invoiced + uninvoiced + cents(hidden)
    stock, cost, extra = _stock(world, f, sales, _by_month(f, goods, goods.buyer, goods.net, shape))
    bills["purchases"] = cut(world, f, extra, np.broadcast_to(world.vat().max(axis=0), extra.shape), "purchases")
    input_tax = _by_month(f, real, real.buyer, real.tax, shape) + bills["purchases"].sum("tax", shape)
    heads, wages, other = _running(world, f, _capacity(world, f, sales))
    booked_cost, booked_stock = _booked(world, f, sales, cents(hidden), cost, stock)
    exports = np.rint(bills["outside"].sum("net", shape) * world.country.column("exports")[f.industry][:, None] * f.general[:, None]).astype(np.int64)
    energy = np.rint(sales / 100 * world.country.column("energy")[f.industry][:, None] / 0.7 * c.between(0.7, 1.3, "energy", f.number)[:, None]).astype(np.int64)
    received = invoiced + taxed + uninvoiced
    spent = _by_month(f, bought, bought.buyer, bought.net + bought.tax, shape) + bills["purchases"].sum("net", shape) + bills["purchases"].sum("tax", shape) + wages + other
    return Books(
        rate=rate, invoiced=invoiced, invoiced_tax=taxed, uninvoiced=uninvoiced, exempt=exempt, hidden=cents(hidden),
        purchases=_by_month(f, goods, goods.buyer, goods.net, shape) + extra, input_tax=input_tax,
        fake=_by_month(f, fake, fake.buyer, fake.net, shape), fake_tax=_by_month(f, fake, fake.buyer, fake.tax * fake.special, shape),
        related=_by_month(f, related, related.buyer, related.net, shape), shifted=_by_month(f, shifted, shifted.buyer, shifted.net, shape), cost=cost, stock=stock, booked_cost=booked_cost,
        booked_stock=booked_stock, heads=heads, wages=wages, other=other, exports=exports, energy=energy, received=received, spent=spent, private=cents(hidden), bills=bills,
    )


def _by_month(f: Firms, o: Orders, party: Ints, values: Ints, shape: tuple[int, int]) -> Ints:
    place = np.searchsorted(f.number, party)
    found = np.bincount(place * shape[1] + o.month, weights=values.astype(np.float64), minlength=shape[0] * shape[1])
    return np.rint(found).astype(np.int64).reshape(shape)


def _final(world: World, f: Firms) -> tuple[Floats, Floats, Floats]:
    """Sales to consumers as written down, sales outside the province, and what was left out of the books."""
    final = final_sales(world, f)
    c, suppresses = world.chance, f.typology == SUPPRESSED
    share = np.clip(world.country.column("consumers")[f.industry] * c.between(0.7, 1.1, "consumers", f.number), 0, 1)
    # Who hides sales has customers who want no invoice; many honest factories and wholesalers have them too.
    over_the_counter = suppresses | (c.uniform("counter", f.number) < 0.25)
    share = np.where(over_the_counter, np.maximum(share, c.between(0.25, 0.7, "counter share", f.number)), share)
    consumers = final * share[:, None]
    hidden = np.where(suppresses[:, None], consumers * evading(world, f), 0.0)
    return consumers - hidden, final - consumers, hidden


def _stock(world: World, f: Firms, sales: Ints, delivered: Ints) -> tuple[Ints, Ints, Ints]:
    """Stock at the end of the month, cost of sales, goods bought outside."""
    c, months = world.chance, np.arange(world.horizon)
    price = 1 + 0.03 * c.normal("price", f.number[:, None], months[None, :])
    cost = np.rint(sales * materials(world, f)[:, None] * price).astype(np.int64)
    cost[f.typology == MILL] = 0
    months_held = world.country.column("stock_months")[f.industry] * c.between(0.5, 1.8, "stock", f.number)
    calm = np.array([cost[:, max(0, t - 2) : t + 1].mean(axis=1) for t in months]).T
    wanted = np.rint(calm * months_held[:, None]).astype(np.int64)
    stock, extra, held = np.zeros_like(cost), np.zeros_like(cost), wanted[:, 0].copy()
    works = alive(world, f)
    cash_only = (f.typology == MISSING) | (f.typology == MILL)
    for t in months:
        held = held + delivered[:, t] - cost[:, t]
        need = np.maximum(wanted[:, t] - held, 0)
        need = np.where((need * 20 > cost[:, t]) | (held < 0), need, 0) * works[:, t]
        held = held + need
        extra[:, t], stock[:, t] = np.where(cash_only, 0, need), held * works[:, t]
        held = stock[:, t]
    return stock, cost, extra


def _capacity(world: World, f: Firms, sales: Ints) -> Floats:
    """What a firm is staffed for, in currency: mostly the sales of the half-year before, so that luck in trade is followed slowly."""
    t = np.arange(world.horizon)
    total = np.concatenate([np.zeros((len(f), 1)), np.cumsum(sales / 100.0, axis=1)], axis=1)
    first = np.maximum(np.maximum(t - 6, 0), np.minimum(f.birth[:, None], t))
    months = t - first
    before = np.take_along_axis(total, t[None, :].repeat(len(f), 0), axis=1) - np.take_along_axis(total, first, axis=1)
    lagged = np.where(months > 0, before / np.maximum(months, 1), f.size[:, None] * np.where(f.birth >= 0, 0.35, 1.0)[:, None])
    return np.asarray(0.8 * lagged + 0.2 * np.minimum(f.size[:, None], 1.5 * lagged))


def _running(world: World, f: Firms, size: Floats) -> tuple[Ints, Ints, Ints]:
    """Employees, wages and other expenses, for a capacity [firm, month] in currency."""
    c, t = world.chance, np.arange(world.horizon)[None, :]
    i, works = f.number[:, None], alive(world, f)
    pay = c.between(5200, 9500, "pay", f.number)[:, None] * world.country.column("pay")[f.industry][:, None]
    staff = size * (world.country.column("wages")[f.industry] * c.between(0.7, 1.3, "staff", f.number))[:, None] / pay
    heads = np.maximum(1, np.round(staff * np.exp(0.05 * c.normal("heads", i, t // 3)))).astype(np.int64)
    heads = np.where(np.isin(f.typology, (MILL, MISSING))[:, None], 1 + i % 2, heads) * works
    bonus = np.where((t + world.start.month - 1) % 12 == 0, 1.5, 1.0)
    wages = cents(heads * np.round(pay * (1 + 0.04 * c.normal("wage", i, t)) * bonus, 2))
    # A sibling that takes in shifted profit runs at a loss: that is why the profit goes there.
    host = firms(world, f.number // 4 * 4)
    takes = (f.number % 4 == 1) & (host.typology == SHIFTED)
    burden = world.country.column("other")[f.industry] * c.between(0.55, 1.4, "other", f.number) * np.where(takes, 2.2, 1.0)
    other = cents(size * burden[:, None] * np.exp(0.15 * c.normal("other month", i, t)) * works)
    return heads, wages, np.where(np.isin(f.typology, (MILL, MISSING))[:, None], other // 6, other)


def _booked(world: World, f: Firms, sales: Ints, hidden: Ints, cost: Ints, stock: Ints) -> tuple[Ints, Ints]:
    """Cost and stock as written down: who hides sales either books the whole cost or lets the stock swell."""
    swells = (f.typology == SUPPRESSED) & (world.chance.uniform("swells", f.number) < 0.4)
    left_out = np.where(swells[:, None], cost * (hidden / np.maximum(sales, 1)), 0.0).astype(np.int64)
    swollen = np.where(alive(world, f), stock + np.cumsum(left_out, axis=1), 0)
    invented = np.where((f.typology == MILL)[:, None], sales * 97 // 100, 0)
    return cost - left_out + invented, swollen
