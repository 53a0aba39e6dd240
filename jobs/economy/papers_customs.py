"""What customs sends: an entry for every consignment that truly crossed the border. Exports that are only on paper have none; services need none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.agencies import Customs
from jobs.economy.bills import Bills, cut
from jobs.economy.facts import Facts, Sent, serial
from jobs.economy.lookalikes import through_agents
from jobs.economy.spelling import as_known
from jobs.economy.tables import amounts, days, papers
from jobs.lake.arrays import Flags, Ints

_HOUSE = "3104"  # customs house of the country's ports


def customs_papers(facts: Facts, feed: Customs) -> Sent:
    """Export and import entries. Their values in the country's own currency add up to what was truly exported and imported."""
    f = facts.firms
    trades = _trades(facts, feed)
    number = serial(f.number, 10)
    ids, names, way = as_known(facts.world, feed, "customs", f.number, facts.ids, facts.names)
    parts = []
    for flow, values in (("出口", exported(facts)), ("进口", imported(facts, feed))):
        there = np.where(trades[:, None], values, 0)
        parts.append(_entries(facts, feed, flow, there, number, ids, names))
    return Sent(pa.concat_tables(parts), number.filter(pa.array(trades)), f.number[trades], way[trades])


def _trades(facts: Facts, feed: Customs) -> Flags:
    """Which firms trade in goods that have a code."""
    coded = np.array([i.code in feed.goods for i in facts.world.country.industries])
    return np.asarray(coded[facts.firms.industry])


def exported(facts: Facts) -> Ints:
    """Goods that left the country and that the firm cleared itself, in cents: [firm, month]. What an agent clears stands in the agent's entries, at its own port."""
    return np.where(through_agents(facts.world, facts.firms)[:, None], 0, facts.books.exports)


def imported(facts: Facts, feed: Customs) -> Ints:
    """Goods that came in, in cents: a part of what some general taxpayers buy: [firm, month]."""
    c, f = facts.world.chance, facts.firms
    share = np.where((c.uniform("imports", f.number) < feed.importers) & f.general, c.between(0.05, 0.4, "import share", f.number), 0.0)
    there = c.uniform("import month", f.number[:, None], np.arange(facts.world.horizon)[None, :]) < 0.5
    return np.rint(facts.books.purchases * share[:, None] * there).astype(np.int64)


def _entries(facts: Facts, feed: Customs, flow: str, values: Ints, number: pa.Array, ids: pa.Array, names: pa.Array) -> pa.Table:
    c, f, world = facts.world.chance, facts.firms, facts.world
    near = (world.first_day(np.arange(world.horizon)) <= facts.until) & (world.last_day(np.arange(world.horizon)) > facts.after - 900)
    rate = np.where(flow == "进口", world.vat()[f.industry], 0)
    b = cut(world, f, np.where(near[None, :], values, 0), rate, "customs " + flow)
    # Goods are cleared up to four days after the invoice, so that an eighth of the entries lie in the next month.
    declared = world.first_day(b.month) + b.day + c.whole(0, 5, "cleared", f.number[b.firm], b.month, b.part)
    told = declared + c.whole(feed.delay_days[0], feed.delay_days[1] + 1, "customs delay", f.number[b.firm], b.month, b.part)
    known = facts.within(told) & (c.uniform("customs", f.number[b.firm], b.month, b.part) < feed.coverage)
    b, declared, told = Bills(*(getattr(b, n)[known] for n in Bills.__dataclass_fields__)), declared[known], told[known]
    at, key = pa.array(b.firm), (f.number[b.firm], b.month, b.part)
    goods = np.array([feed.goods.get(i.code, "") for i in world.country.industries])[f.industry[b.firm]]
    partner = np.array(list(feed.partners))[c.pick(list(feed.partners.values()), "abroad " + flow, f.number[b.firm], b.part % 2)]
    which = c.pick([m.weight for m in feed.currencies.values()], "currency " + flow, f.number[b.firm], b.part % 2)
    foreign = np.rint(b.net / np.array([m.rate for m in feed.currencies.values()])[which]).astype(np.int64)
    columns = {
        "报关单号": _numbers(facts, flow, *key), "申报日期": days(declared), "进出口标志": flow, "海关注册编码": number.take(at), "统一社会信用代码": ids.take(at), "经营单位": names.take(at),
        "商品编号": goods, "运抵国": partner, "币制": np.array(list(feed.currencies))[which], "成交总价": amounts(foreign), "人民币总价": amounts(b.net),
        "进口增值税": amounts(b.tax, np.full(len(b), flow == "进口")), "传输日期": days(told),
    }
    return papers(told, columns)


def _numbers(facts: Facts, flow: str, firm: Ints, month: Ints, part: Ints) -> pa.Array:
    """Eighteen digits: customs house, year, direction, serial of the year."""
    world = facts.world
    year = pc.cast(pa.array(world.start.year + month // 12), pa.string())
    # Four parts a month, twelve months: below 20 million firms no two entries of a year share a number.
    return pc.binary_join_element_wise(_HOUSE, year, "1" if flow == "进口" else "0", serial((firm * 12 + month % 12) * 4 + part, 9), "")
