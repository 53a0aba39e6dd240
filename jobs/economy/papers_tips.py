"""Tip-offs (检举): what somebody tells about a firm, in his own words. Most tell on evaders, some accuse an honest firm out of malice.

Who tells is nowhere: the informant stays in a vault outside the lake.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy import kinds as k
from jobs.economy.agencies import TipOff
from jobs.economy.facts import Facts, Sent, serial
from jobs.economy.firms import alive, firms
from jobs.economy.schedule import evading
from jobs.economy.spelling import as_known
from jobs.economy.tables import days, papers
from jobs.economy.words import addresses
from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints

_CHANNELS = np.array(["来电", "来信", "网络", "来访"])
_SEEN: dict[tuple[int, ...], tuple[str, ...]] = {
    (k.SUPPRESSED, k.PRIVATE_ACCOUNTS, k.SPLIT): ("收钱从来不开票，问他要票就说要加钱", "生意好得很，收款码挂的是老板老婆的，公司账上没几个钱", "柜台上有两本账，来人查就拿薄的那本", "客户的钱都打到老板自己卡上，我帮他记过"),
    (k.FICTITIOUS, k.MILL, k.MISSING, k.CAROUSEL, k.EXPORTS): ("那地方根本没有人上班，也没见过货车，票倒是一本一本地开", "听说票是按点子卖的，货在哪里谁也没见过", "公司开了没几个月就要换名字，法人是个种地的老头", "仓库天天是空的，账上的货进进出出好几千万"),
    (k.INFLATED, k.PRIVATE_USE, k.COSTS, k.STOCK, k.LAND_COSTS): ("老板家装修、买车、出国玩全走公司账", "我在财务做过，年底到处找票来凑成本", "买的东西都拉回家去了，发票开的是公司", "工程做得没那么多，账上写的多了一倍不止"),
    (k.WAGES,): ("工资一半打卡一半发现金，社保只给十来个人交", "厂里几十号人，报上去没几个，我自己就没有合同", "每月十五号老板拿袋子发钱，让我们签两张单子"),
    (k.RENT,): ("他家厂房租给好几家，租金都是收现金，从不开票", "楼上楼下都租出去了，房租打到他儿子卡上"),
    (k.SHIFTED, k.LOANS): ("钱都转到他另外一个公司去了，这边年年说亏本", "老板拿公司的钱买了三套房子，说是借的，几年了也没还"),
}
_VAGUE = ("这家公司肯定有问题，你们去查一下就知道了", "老板天天开豪车，交的税还没我多", "这种黑心企业没人管吗，偷国家的钱")
_OPENINGS = ("你好，我要反映", "举报", "想反映一个情况，", "我是附近的住户，反映", "我以前在那里干过，")
_CLOSINGS = ("。请尽快处理。", "，希望严查！", "，不要说是我讲的。", "。", "，我手里有照片。")
_SUMS = ("", "，一个月少说有{}万", "，去年大概{}万", "，前后加起来怕有{}万")
_SAYINGS = [text for said in _SEEN.values() for text in said] + list(_VAGUE)
_STARTS = np.cumsum([0, *(len(said) for said in _SEEN.values())])
_ABOUT = {kind: n for n, about in enumerate(_SEEN) for kind in about}


def tip_papers(facts: Facts, feed: TipOff) -> Sent:
    """All tip-offs about a bucket's firms, by the day of arrival."""
    f, c, world = facts.firms, facts.world.chance, facts.world
    there, guilty = _tips(facts, feed)
    at, month = np.nonzero(there)
    key = f.number[at] * 1000 + month
    told = world.first_day(month) + c.whole(0, 28, "tip day", key) + c.whole(feed.delay_days[0], feed.delay_days[1] + 1, "tip delay", key)
    number = pc.binary_join_element_wise("JB", serial(key, 10), "")
    shown = np.flatnonzero(facts.within(told))
    who = at[shown]
    known, told_names, way = as_known(world, feed, "tip", key, facts.ids[at], facts.names.take(pa.array(at)))
    ids, names = known.take(pa.array(shown)), told_names.take(pa.array(shown))
    address = pa.array(c.uniform("tip address", key[shown]) < 0.5)
    columns = {
        "受理编号": number.take(pa.array(shown)), "受理日期": days(told[shown]), "来源渠道": _CHANNELS[c.pick([0.5, 0.1, 0.35, 0.05], "tip channel", key[shown])],
        "是否匿名": np.where(c.uniform("tip anonymous", key[shown]) < 0.8, "是", "否"), "被检举人.名称": names, "被检举人.证件号": ids,
        "被检举人.地址": pc.if_else(address, addresses(world, f.at(who), np.zeros(len(who), dtype=np.int64)), pa.scalar(None, pa.string())),
        "检举内容": _words(world, key[shown], f.typology[who], guilty[who, month[shown]]),
    }
    return Sent(papers(told[shown], columns), number, f.number[at], way)


def _tips(facts: Facts, feed: TipOff) -> tuple[np.ndarray, np.ndarray]:
    """In which months a firm is told on, and in which it evades: [firm, month]."""
    f, world = facts.firms, facts.world
    guilty = evading(world, f) > 0
    malice = feed.coverage / 12 * feed.malicious / (1 - feed.malicious) * guilty_per_honest(world)
    chance = np.where(guilty, feed.coverage / 12, malice) * alive(world, f)
    return world.chance.uniform("tip", f.number[:, None], np.arange(world.horizon)[None, :]) < chance, guilty


_MEASURED: dict[tuple[str, int, int, int], float] = {}


def guilty_per_honest(world: World) -> float:
    """Months in which firms evade per month in which they do not, measured on firms of all sizes over the first months of the country."""
    key = (world.country.digest, world.taxpayers, world.months, world.seed)
    if key not in _MEASURED:
        plain = replace(world, acts=np.zeros((0, 4)))
        f = firms(plain, np.unique(np.arange(4000) * world.taxpayers // 4000))
        living, guilty = alive(plain, f)[:, : world.months], (evading(plain, f) > 0)[:, : world.months]
        _MEASURED[key] = float((living & guilty).sum() / max(1, (living & ~guilty).sum()))
    return _MEASURED[key]


def _words(world: World, key: Ints, typology: Ints, guilty: np.ndarray) -> pa.Array:
    """What is told: of an evader mostly what can be seen of his doing, of an honest firm anything."""
    c = world.chance
    topic = np.array([_ABOUT.get(n, 0) for n in range(len(k.NAMES))])[typology]
    apt = guilty & (c.uniform("tip apt", key) < 0.75)
    first, count = np.where(apt, _STARTS[topic], 0), np.where(apt, np.diff(_STARTS)[topic], len(_SAYINGS))
    said = pa.array(_SAYINGS).take(pa.array(first + np.floor(c.uniform("tip words", key) * count).astype(np.int64)))
    opening, closing = (pa.array(texts).take(pa.array(c.whole(0, len(texts), "tip " + name, key))) for name, texts in (("opening", _OPENINGS), ("closing", _CLOSINGS)))
    amount = pc.cast(pa.array(_rounded(c.between(0.5, 2.7, "tip amount", key))), pa.string())
    before, after = (pa.array([s.partition("{}")[n] for s in _SUMS]).take(pa.array(c.whole(0, len(_SUMS), "tip sum", key))) for n in (0, 2))
    sums = pc.if_else(pc.equal(before, ""), pa.scalar(""), pc.binary_join_element_wise(before, amount, after, ""))
    return pc.binary_join_element_wise(opening, said, sums, closing, "")


def _rounded(power: Floats) -> Ints:
    """Tens of thousands as people say them: one leading digit."""
    value = 10**power
    unit = 10 ** np.floor(np.log10(value))
    return np.asarray(np.rint(value / unit) * unit, dtype=np.int64)
