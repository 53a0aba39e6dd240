"""Who buys from whom: orders of a bucket's firms, each of which becomes one invoice of its supplier.

Suppliers persist for one to three years. Orders are drawn on the buyer's side and routed to the supplier's bucket by Spark; both
sides therefore know the same invoice to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.demand import final_sales, materials
from jobs.economy.firms import Firms, alive, firms
from jobs.economy.kinds import CAROUSEL, EXPORTS, FICTITIOUS, SHIFTED
from jobs.economy.lookalikes import services_within
from jobs.economy.schedule import evading
from jobs.economy.setting import SLOTS
from jobs.economy.typologies import mills, missing_traders, passing_traders
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats, Ints

NORMAL, SPOT, CIRCLE, FAKE, RELATED, SHIFT = range(6)
KINDS = ("ordinary", "spot", "circle", "fictitious", "service", "shifted")
FIELDS = ("supplier", "buyer", "month", "kind", "net", "tax", "rate", "special", "day", "serial")
MAX_LINKS = 8
MUTUAL = 0.5  # of firms and their mirrors, how many trade both ways


@dataclass(frozen=True)
class Orders:
    """Orders, one array element each: net and tax in cents, rate in per cent, day of the month from 0, serial within buyer and month."""

    supplier: Ints
    buyer: Ints
    month: Ints
    kind: Ints
    net: Ints
    tax: Ints
    rate: Ints
    special: Ints
    day: Ints
    serial: Ints

    def __len__(self) -> int:
        return len(self.buyer)

    def where(self, keep: np.ndarray) -> Orders:
        """The orders selected by a mask or by positions."""
        return Orders(*(getattr(self, name)[keep] for name in FIELDS))

    def ordered(self) -> Orders:
        """In one total order, whatever way they came."""
        return self.where(np.lexsort((self.serial, self.kind, self.buyer, self.month, self.supplier)))


@dataclass(frozen=True)
class _Pool:
    """Firms of a season to buy from: their numbers, who trades when [firm, month], how many do, and positions with those who do first."""

    number: Ints
    trades: Flags
    count: Ints
    ranked: Ints


def orders(world: World, f: Firms) -> Orders:
    """All orders of these buyers, of all months."""
    plan, level = final_sales(world, f), evading(world, f)
    passing, missing, paper = (_pool(world, numbers(world)) for numbers in (passing_traders, missing_traders, mills))
    spot = _spot(world, f, plan, (passing, missing, paper))
    parts = [_normal(world, f, plan), spot, _fake(world, f, plan, level, paper), _related(world, f, plan, level), *_circles(world, f, level, missing)]
    buyer, month, supplier, kind, amount, serial = (np.concatenate(p) for p in zip(*parts, strict=True))
    return _priced(world, f, buyer, month, supplier, kind, amount, serial)


_Part = tuple[Ints, Ints, Ints, Ints, Floats, Ints]


def _normal(world: World, f: Firms, plan: Floats) -> _Part:
    c, horizon = world.chance, world.horizon
    habit = np.exp(0.4 * c.normal("links", f.number))  # some buy from few, some from many
    wanted = np.clip(np.round((1.3 + 0.9 * np.log(f.size / (1.2 * world.country.smallest))) * habit), 1, MAX_LINKS).astype(np.int64)
    b, n = np.nonzero(np.arange(MAX_LINKS)[None, :] < wanted[:, None])
    link = f.number[b] * MAX_LINKS + n
    years = c.whole(12, 37, "tenure", link)
    t = np.arange(horizon)[None, :]
    epoch = (t + c.whole(0, 36, "tenure phase", link)[:, None]) // years[:, None]
    active = c.uniform("active", link[:, None], t) < 0.48
    active &= plan[b] > 0
    row, month = np.nonzero(active)
    supplier = _supplier(world, f.industry[b[row]], link[row], epoch[row, month])
    friend = mirror(f.number[b[row]])
    mutual = (n[row] == 0) & (world.chance.uniform("mutual", np.minimum(friend, f.number[b[row]])) < MUTUAL) & (friend < world.taxpayers)
    supplier = np.where(mutual, friend, supplier)
    share = c.between(0.45, 0.85, "inside share", f.number) * materials(world, f)
    luck = c.between(0.5, 1.5, "order", link[row], month)
    amount = plan[b[row], month] * share[b[row]] / wanted[b[row]] / 0.48 * luck
    return b[row], month, supplier, np.full(len(row), NORMAL), amount, n[row]


def mirror(number: Ints) -> Ints:
    """The firm that trades with this one both ways, where they do: the mirror of its mirror is itself."""
    rank, slot = number // SLOTS, number % SLOTS
    return np.asarray((rank ^ 1) * SLOTS + (slot + SLOTS // 2) % SLOTS)


def _supplier(world: World, industry: Ints, link: Ints, epoch: Ints) -> Ints:
    """A supplier of a fitting industry, larger ones more often: the inverse of the Zipf distribution over ranks."""
    c = world.chance
    edges = np.cumsum(world.country.buys, axis=1)
    seller = (edges[industry] < c.uniform("seller industry", link, epoch)[:, None]).sum(axis=1)
    u, power = c.uniform("seller rank", link, epoch), 1 - world.country.zipf
    rank = np.floor((1 + u * ((world.ranks + 1) ** power - 1)) ** (1 / power) - 1).astype(np.int64)
    slots = np.array([s[np.arange(4) % len(s)] for s in world.country.slots_of])
    slot = slots[np.minimum(seller, len(world.country.industries) - 1), c.whole(0, 12, "seller slot", link, epoch) % 4]
    return np.asarray(np.clip(rank, 0, world.ranks - 1) * SLOTS + slot)


_OFFERS = (0.7, 0.2, 0.1)  # who offers goods on the spot: honest traders that do not last, missing traders, sellers whose invoice comes from a mill


def _spot(world: World, f: Firms, plan: Floats, sellers: tuple[_Pool, ...]) -> _Part:
    """Cheap goods bought from whoever offers them: from traders of a season, missing traders, with paper of a mill, by buyers who need not know. Some hunt for bargains."""
    c, t = world.chance, np.arange(world.horizon)[None, :]
    goods = world.country.column("goods")[f.industry] & f.general
    often = np.where(c.uniform("bargains", f.number) < world.country.honest.lookalikes.bargains, 0.35, 0.03)[:, None]
    b, month = np.nonzero((c.uniform("spot", f.number[:, None], t) < often) & goods[:, None] & (plan > 0))
    of = [_living(world, pool, f.number[b], month, "spot seller") for pool in sellers]
    kind = c.pick(_OFFERS, "spot kind", f.number[b], month)
    supplier, there = (np.choose(kind, [one[n] for one in of]) for n in (0, 1))
    amount = plan[b, month] * materials(world, f)[b] * c.between(0.15, 0.7, "spot amount", f.number[b], month)
    kept = there
    return b[kept], month[kept], supplier[kept], np.full(int(kept.sum()), SPOT), amount[kept], np.full(int(kept.sum()), MAX_LINKS)


def _fake(world: World, f: Firms, plan: Floats, evaded: Floats, paper: _Pool) -> _Part:
    """Invoices without goods, bought from a living mill in most months."""
    c, t = world.chance, np.arange(world.horizon)[None, :]
    level = np.where(np.isin(f.typology, (FICTITIOUS, EXPORTS))[:, None], evaded, 0.0)  # invented exports need paper to claim on
    b, month = np.nonzero((level > 0) & (c.uniform("fake", f.number[:, None], t) < 0.55) & (plan > 0))
    supplier, there = _living(world, paper, f.number[b], month, "mill")
    total = plan[b, month] / (1 - world.country.column("inside")[f.industry[b]])
    amount = total * level[b, month] * c.between(0.4, 1.3, "fake amount", f.number[b], month)
    return b[there], month[there], supplier[there], np.full(int(there.sum()), FAKE), amount[there], np.full(int(there.sum()), MAX_LINKS + 1)


def _circles(world: World, f: Firms, evaded: Floats, missing: _Pool) -> list[_Part]:
    """Goods that go round: a missing trader sells to a buffer, the buffer to a broker, who sends them abroad and claims the tax back."""
    country = world.country
    buffer_slot = int(country.slots_of[country.wholesale_number][2])
    own = _circling(world, f, evaded)
    b, month = np.nonzero(own > 0)
    parts = [(b, month, f.number[b] // SLOTS * SLOTS + buffer_slot, np.full(len(b), CIRCLE), own[b, month], np.full(len(b), MAX_LINKS + 3))]
    at = np.flatnonzero((f.number % SLOTS == buffer_slot) & (f.number < world.taxpayers) & f.general)
    for n, broker_slot in enumerate(np.flatnonzero(country.brokers[country.slots]).tolist()):
        brokers = firms(world, f.number[at] // SLOTS * SLOTS + broker_slot)
        theirs = _circling(world, brokers, evading(world, brokers)) * alive(world, f)[at]
        k, when = np.nonzero(theirs > 0)
        seller, there = _living(world, missing, brokers.number[k], when, "ring")
        passes = (at[k], when, seller, np.full(len(k), SPOT), theirs[k, when] * 0.97, np.full(len(k), MAX_LINKS + 4 + n))
        parts.append(tuple(x[there] for x in passes))
    return parts


def _circling(world: World, f: Firms, evaded: Floats) -> Floats:
    """What each broker has sent round, in currency: [firm, month]."""
    if not (f.typology == CAROUSEL).any():
        return np.zeros((len(f), world.horizon))
    c, i, t = world.chance, f.number[:, None], np.arange(world.horizon)[None, :]
    level = np.where((f.typology == CAROUSEL)[:, None], evaded, 0.0)
    often = c.uniform("circles", i, t) < 0.6
    return np.asarray(np.where(often, level * f.size[:, None] * c.between(0.5, 1.5, "circle size", i, t), 0.0))


def _pool(world: World, number: Ints) -> _Pool:
    f, t = firms(world, number), np.arange(world.horizon)
    trades = (t[None, :] > f.birth[:, None]) & (t[None, :] < f.death[:, None])
    return _Pool(number, trades, trades.sum(axis=0), np.argsort(~trades, axis=0, kind="stable"))


def _living(world: World, pool: _Pool, buyer: Ints, month: Ints, purpose: str) -> tuple[Ints, np.ndarray]:
    """One of the pool's firms that trades in the month, and whether there is one. It is kept while it trades, for a half-year at most; after its end one is drawn by the month."""
    if not len(pool.number):
        return month, np.zeros(len(month), dtype=bool)
    shifted = month + world.chance.whole(0, 6, purpose + " phase", buyer)  # not all buyers change in the same months

    def drawn(when: Ints, key: Ints) -> Ints:
        place = np.floor(world.chance.uniform(purpose, buyer, key) * pool.count[when]).astype(np.int64)
        return np.asarray(pool.ranked[np.minimum(place, len(pool.number) - 1), when])

    kept = drawn(np.maximum(month - shifted % 6, 0), shifted // 6)
    chosen = np.where(pool.trades[kept, month], kept, drawn(month, month))
    return pool.number[chosen], pool.count[month] > 0


def _related(world: World, f: Firms, plan: Floats, evaded: Floats) -> _Part:
    """Services of a sibling: small and real in many groups; from a loss-making one, to take the profit out of the buyer."""
    c, t = world.chance, np.arange(world.horizon)[None, :]
    shifts = np.where((f.typology == SHIFTED)[:, None], evaded, 0.0)
    share = shifts * 0.16 + services_within(world, f)[:, None]
    b, month = np.nonzero((share > 0) & (c.uniform("related", f.number[:, None], t) < 0.7) & (plan > 0))
    amount = share[b, month] * f.size[b] * c.between(0.6, 1.4, "related amount", f.number[b], month)
    sibling = f.number[b] // 4 * 4 + (f.number[b] + 1) % 4
    kind = np.where(shifts[b, month] > 0, SHIFT, RELATED)
    return b, month, sibling, kind, amount, np.full(len(b), MAX_LINKS + 2)


def _priced(world: World, f: Firms, buyer: Ints, month: Ints, supplier: Ints, kind: Ints, amount: Floats, serial: Ints) -> Orders:
    c, number = world.chance, f.number[buyer]
    unique, where = np.unique(supplier, return_inverse=True)
    s = firms(world, unique)
    ends = np.minimum(s.death, world.horizon)[where]
    kept = (month >= s.birth[where]) & (month < ends) & (supplier != number) & (amount >= world.country.money.least_order)
    where, when = where[kept], month[kept]
    rate = np.where(s.general[where], world.vat()[s.industry[where], when], world.figure("vat_small").astype(np.int64)[when])
    rate = np.where((kind[kept] >= RELATED) & s.general[where], world.service_rate()[when], rate)
    net = np.round(amount[kept] * 100).astype(np.int64)
    days = c.whole(0, 28, "order day", number[kept], month[kept], serial[kept])
    special = (s.general[where] & f.general[buyer[kept]]).astype(np.int64)
    found = Orders(supplier[kept], number[kept], month[kept], kind[kept], net, tax_of(net, rate), rate, special, days, serial[kept])
    return found


def tax_of(net: Ints, rate: Ints | int) -> Ints:
    """VAT in cents on a net amount in cents, half up, symmetric for negative amounts."""
    return np.asarray(np.sign(net) * ((np.abs(net) * rate + 50) // 100), dtype=np.int64)
