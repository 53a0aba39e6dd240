"""A bucket's books: what its firms truly sold, bought, stocked, paid and what of it they wrote down. All arrays are [firm, month], cents.

Stock rolls forward: stock = stock before + purchases - cost of sales. What the province's suppliers did not deliver is bought outside.
A name with `booked_` is what was written where that differs from what is true.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.bills import Bills, cents, cut
from jobs.economy.conceal import booked_costs, booked_staff, booked_stock, invented_exports, kept_loans, private_purchases
from jobs.economy.demand import final_sales, materials
from jobs.economy.firms import Firms, alive, firms
from jobs.economy.kinds import CAROUSEL, FLEETING, MILL, PRIVATE_ACCOUNTS, RENT, SHIFTED, SUPPRESSED
from jobs.economy.lookalikes import hired_out, lawful_loans, outsourced, stock_habit
from jobs.economy.property import property_value, rents
from jobs.economy.schedule import evading
from jobs.economy.trade import CIRCLE, FAKE, RELATED, SHIFT, Orders
from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints


@dataclass(frozen=True)
class Books:
    """Money in cents by firm and month. `bills` are the invoices with consumers and with parties outside the province."""

    rate: Ints  # per cent of the firm's own supplies
    invoiced: Ints  # net of all invoices issued at home
    invoiced_tax: Ints
    uninvoiced: Ints  # sales without invoice that the firm wrote down
    exempt: Ints  # of them exempt from VAT
    exports: Ints  # sales abroad that truly left the country
    booked_exports: Ints
    rent: Ints  # of property let
    booked_rent: Ints
    hidden: Ints  # sales it did not write down, rent aside
    private: Ints  # receipts that went into its owners' own accounts
    purchases: Ints  # goods bought, without fictitious ones and services of related firms
    input_tax: Ints  # on special invoices for real purchases and services
    all_tax: Ints  # on all real purchases, as if the firm were general
    denied_tax: Ints  # on goods that went round in a circle, claimed and not lawful
    own_use: Ints  # bought for the owners' own use, booked as the firm's
    own_use_tax: Ints
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
    booked_heads: Ints
    booked_wages: Ints
    other: Ints
    booked_other: Ints
    wear: Ints  # of fixed assets
    owner_loans: Ints  # balance of what the owners owe the firm
    kept_loans: Ints  # the part of it that nobody means to pay back
    value: Ints  # [firm] original value of its property
    energy: Ints  # kWh used, by what was truly made and sold
    bills: dict[str, Bills]

    @property
    def sales(self) -> Ints:
        """Sales as written down."""
        return self.invoiced + self.uninvoiced + self.booked_exports + self.booked_rent

    @property
    def true_sales(self) -> Ints:
        """Sales as they were."""
        return self.invoiced + self.uninvoiced + self.exports + self.rent + self.hidden

    @property
    def received(self) -> Ints:
        """Money that came into the firm's accounts: what was written down, with its tax, and what was truly sold abroad."""
        return self.invoiced + self.invoiced_tax + self.uninvoiced + self.exports + self.booked_rent

    @property
    def spent(self) -> Ints:
        """Money that left them, taxes aside."""
        return self.purchases + self.all_tax + self.related + self.own_use + self.own_use_tax + self.booked_wages + self.booked_other

    @property
    def expense(self) -> Ints:
        """Running expenses as written down, wages and taxes aside."""
        return self.booked_other + self.related + self.own_use + self.wear

    @property
    def true_expense(self) -> Ints:
        """Running expenses as they were."""
        return self.other + self.related - self.shifted + self.wear


def books(world: World, f: Firms, bought: Orders, sold: Orders) -> Books:
    """Count the books of a bucket: `bought` are its own firms' orders, `sold` the orders made of them."""
    shape, c, level = (len(f), world.horizon), world.chance, evading(world, f)
    rate = np.where(f.general[:, None], world.vat()[f.industry], world.figure("vat_small").astype(np.int64)[None, :])
    standard = np.broadcast_to(world.vat().max(axis=0), shape)
    inside, inside_tax = _by_month(f, sold, sold.supplier, sold.net, shape), _by_month(f, sold, sold.supplier, sold.tax, shape)
    final = _final(world, f, level)
    with_invoice = cents(final.consumers * c.between(0.3, 0.9, "invoiced", f.number)[:, None])
    circle = bought.where(bought.kind == CIRCLE)
    exports = cents(final.abroad) + _by_month(f, circle, circle.buyer, circle.net, shape) * 103 // 100
    shown = exports + invented_exports(world, f, level)
    bills = {
        "outside": cut(world, f, cents(final.outside), rate, "outside", 0.02), "consumers": cut(world, f, with_invoice, rate, "consumers"),
        "abroad": cut(world, f, shown, np.zeros_like(shown), "abroad"),
    }  # fmt: skip
    invoiced, taxed = (x + bills["outside"].sum(n, shape) + bills["consumers"].sum(n, shape) for x, n in ((inside, "net"), (inside_tax, "tax")))
    uninvoiced = cents(final.consumers) - with_invoice
    exempt = np.where((c.uniform("exempt", f.number) < world.country.column("exempt")[f.industry])[:, None], uninvoiced * 3 // 10, 0)
    rent = rents(world, f.number, f.size, f.lets)[:, None] * alive(world, f)
    hidden = cents(final.cash + final.private)
    trade = invoiced + uninvoiced + exports + hidden
    goods = bought.where(bought.kind < FAKE)
    stock, cost, extra = _stock(world, f, trade, _by_month(f, goods, goods.buyer, goods.net, shape), _by_month(f, circle, circle.buyer, circle.net, shape))
    wear = np.rint(f.size * 100 * world.country.column("fixed_months")[f.industry] / 120).astype(np.int64)[:, None] * alive(world, f)
    own_use = private_purchases(world, f, level, trade)
    bills["purchases"] = cut(world, f, extra, standard, "purchases")
    paper = np.where((f.typology == MILL)[:, None], np.rint(trade * c.between(0.9, 0.99, "paper margin", f.number)[:, None]), 0).astype(np.int64)  # a mill buys paper for what it sells as paper
    bills["paper"] = cut(world, f, paper, standard, "paper")
    bills["private"] = cut(world, f, own_use, standard, "private")
    heads, wages, other = _running(world, f, _capacity(world, f, trade))
    # What a firm spends on running itself is given in all: machines that wear out and contributions for employees are parts of it.
    employer = (world.figure("social_employer") / 100)[None, :]
    other = np.maximum(other - wear - np.rint(wages * employer).astype(np.int64), other // 4)
    part = {n: bought.where(m) for n, m in _purchases(bought).items()}
    sums = {(n, what): _by_month(f, o, o.buyer, getattr(o, what) if what == "net" else o.tax * (o.special if what == "tax" else 1), shape) for n, o in part.items() for what in ("net", "tax", "all")}
    kept = kept_loans(world, f, level)
    staff = booked_staff(world, f, level, heads, wages)
    written_cost, written_stock = booked_stock(world, f, level, hidden, trade, cost, stock)
    return Books(
        rate=rate, invoiced=invoiced, invoiced_tax=taxed, uninvoiced=uninvoiced, exempt=exempt, exports=exports, booked_exports=shown, rent=rent,
        booked_rent=np.where((f.typology == RENT)[:, None], np.rint(rent * (1 - level)).astype(np.int64), rent), hidden=hidden, private=cents(final.private),
        purchases=sums["goods", "net"] + extra, input_tax=sums["real", "tax"] + bills["purchases"].sum("tax", shape),
        all_tax=sums["real", "all"] + bills["purchases"].sum("tax", shape), denied_tax=sums["circle", "tax"], own_use=own_use,
        own_use_tax=bills["private"].sum("tax", shape) * f.general[:, None], fake=sums["fake", "net"] + paper, fake_tax=sums["fake", "tax"] + bills["paper"].sum("tax", shape), related=sums["related", "net"],
        shifted=sums["shifted", "net"], cost=cost, stock=stock, booked_cost=written_cost, booked_stock=written_stock, heads=heads, wages=wages,
        booked_heads=staff[0], booked_wages=staff[1], other=other, booked_other=other + booked_costs(world, f, level, trade) + wages - staff[1], wear=wear,
        owner_loans=cents(lawful_loans(world, f)) + kept, kept_loans=kept, value=property_value(world, f.number, f.size, f.owns),
        energy=_energy(world, f, trade), bills=bills,
    )  # fmt: skip


def _purchases(bought: Orders) -> dict[str, np.ndarray]:
    """Orders by what their invoices are worth: goods and services that were truly delivered, and the others."""
    kind = bought.kind
    return {"goods": kind < FAKE, "real": kind != FAKE, "circle": kind == CIRCLE, "fake": kind == FAKE, "related": (kind == RELATED) | (kind == SHIFT), "shifted": kind == SHIFT}


def _by_month(f: Firms, o: Orders, party: Ints, values: Ints, shape: tuple[int, int]) -> Ints:
    place = np.searchsorted(f.number, party)
    found = np.bincount(place * shape[1] + o.month, weights=values.astype(np.float64), minlength=shape[0] * shape[1])
    return np.rint(found).astype(np.int64).reshape(shape)


@dataclass(frozen=True)
class _Final:
    """Sales to final customers, in currency: written down to consumers, outside the province and abroad; taken in cash or privately."""

    consumers: Floats
    outside: Floats
    abroad: Floats
    cash: Floats
    private: Floats


def _final(world: World, f: Firms, level: Floats) -> _Final:
    final, country = final_sales(world, f), world.country
    c, suppresses, privately = world.chance, f.typology == SUPPRESSED, f.typology == PRIVATE_ACCOUNTS
    share = np.clip(country.column("consumers")[f.industry] * c.between(0.7, 1.1, "consumers", f.number), 0, 1)
    # Who hides sales has customers who want no invoice; many honest factories and wholesalers have them too.
    over_the_counter = suppresses | (c.uniform("counter", f.number) < 0.25)
    share = np.where(over_the_counter, np.maximum(share, c.between(0.25, 0.7, "counter share", f.number)), share)
    consumers = final * share[:, None]
    sells_abroad = f.general & (c.uniform("exporter", f.number) < 0.6) | (f.typology == CAROUSEL)
    abroad = (final - consumers) * np.where(sells_abroad, country.column("exports")[f.industry] * c.between(0.6, 1.4, "exports", f.number), 0.0).clip(0, 1)[:, None]
    rest = final - consumers - abroad
    cash = np.where(suppresses[:, None], consumers * level, 0.0)
    private = np.where(privately[:, None], rest * level, 0.0)
    return _Final(consumers - cash, rest - private, abroad, cash, private)


def _stock(world: World, f: Firms, sales: Ints, delivered: Ints, passed: Ints) -> tuple[Ints, Ints, Ints]:
    """Stock at the end of the month, cost of sales, goods bought outside. `passed`: goods that leave in the month they come."""
    c, months = world.chance, np.arange(world.horizon)
    price = 1 + 0.03 * c.normal("price", f.number[:, None], months[None, :])
    cost = np.rint((sales - passed * 103 // 100) * materials(world, f)[:, None] * price).astype(np.int64)
    cost[f.typology == MILL] = 0
    months_held = world.country.column("stock_months")[f.industry] * stock_habit(world, f)
    calm = np.array([cost[:, max(0, t - 2) : t + 1].mean(axis=1) for t in months]).T
    wanted = np.rint(calm * months_held[:, None]).astype(np.int64)
    stock, extra, held = np.zeros_like(cost), np.zeros_like(cost), wanted[:, 0].copy()
    works = alive(world, f)
    for t in months:
        held = held + delivered[:, t] - passed[:, t] - cost[:, t]
        need = np.maximum(wanted[:, t] - held, 0)
        need = np.where((need * 20 > cost[:, t]) | (held < 0), need, 0) * works[:, t]
        held = held + need
        extra[:, t], stock[:, t] = need, held * works[:, t]
        held = stock[:, t]
    cash_only = np.isin(f.typology, FLEETING)[:, None]
    return stock, cost + passed, np.where(cash_only, 0, extra)


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
    c, t, brief = world.chance, np.arange(world.horizon)[None, :], f.brief[:, None]
    i, works = f.number[:, None], alive(world, f)
    pay = c.between(*world.country.money.wage, "pay", f.number)[:, None] * world.country.column("pay")[f.industry][:, None]
    hired = hired_out(world, f)
    labour = world.country.column("wages")[f.industry] * c.between(0.7, 1.3, "staff", f.number)
    staff = size * (labour * (1 - hired))[:, None] / pay
    heads = np.maximum(1, np.round(staff * np.exp(0.05 * c.normal("heads", i, t // 3)))).astype(np.int64)
    heads = np.where(brief, 1 + i % 3, heads) * works
    bonus = np.where((t + world.start.month - 1) % 12 == 0, 1.5, 1.0)
    wages = cents(heads * np.round(pay * (1 + 0.04 * c.normal("wage", i, t)) * bonus, 2))
    # A sibling that takes in shifted profit runs at a loss: that is why the profit goes there.
    host = firms(world, f.number // 4 * 4)
    takes = (f.number % 4 == 1) & (host.typology == SHIFTED)
    burden = world.country.column("other")[f.industry] * c.between(0.55, 1.4, "other", f.number) * np.where(takes, 2.2, 1.0) + outsourced(world, f) + 1.1 * labour * hired
    other = cents(size * burden[:, None] * np.exp(0.15 * c.normal("other month", i, t)) * works)
    return heads, wages, np.where(brief, other // c.whole(2, 8, "thrifty", f.number)[:, None], other)


def _energy(world: World, f: Firms, sales: Ints) -> Ints:
    """kWh, with a floor for light: who has no store uses hardly any."""
    use = world.country.column("energy")[f.industry] * world.chance.between(0.7, 1.3, "energy", f.number) * np.where(f.brief, 0.02, 1.0)
    noise = np.exp(0.1 * world.chance.normal("energy month", f.number[:, None], np.arange(world.horizon)[None, :]))
    return np.rint((sales / 100 / world.country.money.kilowatt_hour * use[:, None] + 60) * noise * alive(world, f)).astype(np.int64)


