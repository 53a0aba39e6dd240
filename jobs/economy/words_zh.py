"""Chinese names and addresses composed from small word lists. Nobody real is meant."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.firms import Firms
from jobs.economy.sites import Sites
from jobs.economy.stems import MARKED, stems
from jobs.economy.world import World
from jobs.lake.arrays import Ints

_PARTS = (
    "安邦宝昌诚创德鼎东丰福富光广国海汉浩恒宏华辉汇嘉建金锦景聚凯康科蓝乐立联隆茂美民明宁鹏启勤庆荣瑞润三盛世顺泰天通万旺威祥协新鑫信兴雅亿益永友裕元远云泽展振正志中众卓"
    "博晨驰达飞沣港耕海禾鸿吉佳杰京久君力良龙麦铭南欧盼普奇仁森尚圣苏拓维伟轩旭阳一怡艺逸优跃智洲"
)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁郑罗宋谢唐韩曹许邓萧冯曾程蔡彭潘袁于董余苏叶吕魏蒋田杜丁沈姜范江傅钟卢汪戴崔任陆廖姚方金邱夏谭韦贾邹石熊孟秦阎薛侯雷白龙段郝孔邵史毛常万顾赖武康贺严尹钱施牛洪龚"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰文斌鑫宇浩晨欣怡子轩梓涵佳琪建国志海春雪红梅凤云龙飞波峰婷雨思博俊豪嘉一诺"
_ROADS = "中山建设人民解放长江环城江南江北海晏彩虹百丈兴宁药行通途宝山永丰大庆新华滨江学府明珠槐树双东云飞沧海启明望春联丰惠风首南"
_CENTRES = ("商务中心", "大厦", "广场", "科创园", "创业园", "金融中心")
_HOSTS = ("众创空间", "创业孵化园", "企业服务中心")
_CITIES = ("杭州", "上海", "苏州", "温州", "无锡", "嘉兴", "合肥", "南昌")
_REGIONS = np.array([330106, 310115, 320505, 330302, 320211, 330402, 340104, 360103])
_FORMS = ("有限公司", "有限责任公司", "股份有限公司", "经营部", "商行", "店", "工作室")
_OFFICES = ("财务咨询", "税务师事务所", "代理记账", "会计服务")


def letters(text: str, index: Ints) -> pa.Array:
    """One character of a text per index."""
    return pa.array(list(text)).take(pa.array(index))


def joined(*parts: pa.Array | str) -> pa.Array:
    """Texts side by side."""
    return pc.binary_join_element_wise(*parts, "")


def _where(mask: np.ndarray, text: pa.Array | str) -> pa.Array:
    return pc.if_else(pa.array(mask), text, "")


def company_names(world: World, f: Firms) -> pa.Array:
    """City and district, stem, trade, legal form, in the orders in use; individuals by district, without the form."""
    c, i, s = world.chance, f.number, stems(world, f, len(_PARTS))
    capital = [_where(s.length == MARKED, letters(_ALPHABET, n)) for n in (s.capitals // 26, s.capitals % 26)]
    parts = [_where(s.length > n, letters(_PARTS, s.parts[:, n])) for n in range(4)]
    stem = joined(*capital, *parts, _where(s.linked, "联合"))
    style = np.where(f.individual, 4, c.pick([0.5, 0.22, 0.16, 0.12], "name style", i))
    city, town = world.country.place.city, short_city(world)
    district = pa.array([d.word for d in world.country.place.districts]).take(pa.array(np.searchsorted(world.country.regions, f.region)))
    before = [_where(style <= 1, city), _where(style == 2, town), _where((style == 0) | (style == 4), district), _where(style == 4, "区")]
    form = np.where(f.individual, 3 + c.whole(0, 4, "form", i), c.pick([0.85, 0.12, 0.03], "form", i))
    return joined(*before, stem, _where(style == 3, f"（{town}）"), trade(world, f, s.word), pa.array(_FORMS).take(pa.array(form)))


def trade(world: World, f: Firms, word: Ints) -> pa.Array:
    """The firm's word for its trade."""
    lists = world.country.trade_words
    starts = np.cumsum([0, *(len(w) for w in lists)])[:-1]
    return pa.array([one for words in lists for one in words]).take(pa.array(starts[f.industry] + word))


def short_city(world: World) -> str:
    """The city as names have it."""
    return world.country.place.city.removesuffix("市")


def outside_names(world: World, number: Ints) -> tuple[Ints, pa.Array]:
    """Regions and names of parties of other provinces."""
    first = [letters(_PARTS, world.chance.whole(0, len(_PARTS), f"outside {n}", number)) for n in range(3)]
    city = pa.array(list(_CITIES)).take(pa.array(number % 8))
    word = pa.array(["物资", "实业", "贸易", "材料", "科技"]).take(pa.array(number % 5))
    return _REGIONS[number % 8], joined(city, *first, word, "有限公司")


def agent_names(world: World, agent: Ints) -> pa.Array:
    """Names of those who keep the books of others."""
    parts = [letters(_PARTS, agent // len(_PARTS) ** n % len(_PARTS)) for n in range(3)]
    return joined(world.country.place.city, *parts, pa.array(_OFFICES).take(pa.array(agent % len(_OFFICES))), "有限公司")


def person_names(world: World, family: Ints, person: Ints) -> pa.Array:
    """Surname by family, given name of one or two characters by person."""
    c = world.chance
    given = [letters(_GIVEN, c.whole(0, len(_GIVEN), f"given {n}", person)) for n in range(2)]
    return joined(letters(_SURNAMES, c.whole(0, len(_SURNAMES), "surname", family)), given[0], _where(c.uniform("short", person) > 0.14, given[1]))


def addresses(world: World, s: Sites) -> pa.Array:
    """City, district, road, house, building, room."""
    district = pa.array([d.word for d in world.country.place.districts]).take(pa.array(np.searchsorted(world.country.regions, s.region)))
    road = pa.array([_ROADS[n : n + 2] for n in range(0, len(_ROADS), 2)])
    name = [letters(_PARTS, s.building // len(_PARTS) ** n % len(_PARTS)) for n in range(2)]
    kind = pc.if_else(pa.array(s.hosted), pa.array(_HOSTS).take(pa.array(s.building % 3)), pa.array(_CENTRES).take(pa.array(s.building % 6)))
    inside = [_where(s.building >= 0, text) for text in (*name, kind)]
    number, room = (pc.cast(pa.array(n), pa.string()) for n in (s.house, s.room))
    return joined(world.country.place.city, district, "区", road.take(pa.array(s.road % len(road))), "路", number, "号", *inside, room, "室")


_HEARD = tuple(zip("宏鑫昌诚康华辉汇联瑞嘉润博驰达启森怡智优", "弘新晶城庚化挥会连锐佳闰搏弛大起深宜志尤", strict=True))
_LIKE = tuple(zip("天木元万力正永久金立大晨凯旭宇沣港", "夫本无方刀止水欠全产太辰恺旮字丰巷", strict=True))
_SHORTER = (("有限责任公司", "公司"), ("股份有限公司", "公司"), ("有限公司", "公司"), ("经营部", "部"))
_FORM = "(有限责任公司|股份有限公司|有限公司|经营部|商行|店|工作室)$"


def misspellings(world: World, right: pa.Array) -> tuple[pa.Array, ...]:
    """Names by the ways of spelling.py: without the city, form shortened, misheard, mistyped, city moved behind, spaced and in full width."""
    city, town = world.country.place.city, short_city(world)
    bare = pc.replace_substring_regex(right, f"^{city}|^{town}|（{town}）", "")
    like = _replaced(right, _LIKE)
    lost = joined(pc.utf8_slice_codeunits(right, 0, 5), pc.utf8_slice_codeunits(right, 6))
    typed = pc.if_else(pc.equal(like, right), lost, like)
    moved = pc.replace_substring_regex(bare, _FORM, rf"（{town}）\1")
    wide = joined(pc.utf8_slice_codeunits(right, 0, 3), " ", pc.utf8_slice_codeunits(right, 3))
    marked = np.flatnonzero(np.asarray(pc.match_substring_regex(right, "[A-Z]")))
    if len(marked):
        letters_ = _replaced(wide.take(pa.array(marked)), tuple((a, chr(ord(a) + 0xFEE0)) for a in _ALPHABET))
        place = np.full(len(right), -1, dtype=np.int64)
        place[marked] = np.arange(len(marked))
        wide = pc.coalesce(letters_.take(pa.array(place, mask=place < 0)), wide)
    return bare, _replaced(right, _SHORTER), _replaced(right, _HEARD), typed, moved, wide


def _replaced(names: pa.Array, pairs: tuple[tuple[str, str], ...]) -> pa.Array:
    for old, new in pairs:
        names = pc.replace_substring(names, old, new)
    return names
