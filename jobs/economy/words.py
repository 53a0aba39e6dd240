"""Chinese names and addresses composed from small word lists, and how other offices misspell them. Nobody real is meant."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.firms import Firms
from jobs.economy.ids import codes
from jobs.economy.world import World
from jobs.lake.arrays import Ints

Text = npt.NDArray[np.str_]

_FIRST = "安邦宝昌诚创德鼎东丰福富光广国海汉浩恒宏华辉汇嘉建金锦景聚凯康科蓝乐立联隆茂美民明宁鹏启勤庆荣瑞润三盛世顺泰天通万旺威祥协新鑫信兴雅亿益永友裕元远云泽展振正志中众卓"
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁郑罗宋谢唐韩曹许邓萧冯曾程蔡彭潘袁于董余"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰文斌鑫宇浩晨欣怡子轩梓涵佳琪"
_ROADS = "中山建设人民解放长江环城江南江北海晏彩虹百丈兴宁药行通途宝山永丰大庆新华滨江学府明珠"
_CITIES = ("杭州", "上海", "苏州", "温州", "无锡", "嘉兴", "合肥", "南昌")
_FORMS = ("有限公司", "有限责任公司", "股份有限公司")
_SWAPS = str.maketrans("宏鑫昌诚康华辉汇联瑞嘉润", "弘新晶城庚化挥会连锐佳闰")


def taxpayer_ids(world: World, number: Ints, individual: npt.NDArray[np.bool_], region: Ints) -> Text:
    """Unified social credit codes of the country's firms."""
    return codes(number + world.seed % 1_000_003 * 13, region, individual)


def ids_of(world: World, f: Firms) -> Text:
    """Codes of a bucket's firms."""
    return taxpayer_ids(world, f.number, f.individual, f.region)


def _letters(text: str, index: Ints) -> pa.Array:
    return pa.array(list(text)).take(pa.array(index))


def _joined(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _districts(world: World) -> pa.Array:
    return pa.array([d.word for d in world.country.place.districts])


def company_names(world: World, f: Firms) -> pa.Array:
    """District, three characters, trade, legal form; individuals without the form."""
    c, i = world.chance, f.number
    first = [_letters(_FIRST, c.whole(0, len(_FIRST), f"name {n}", i)) for n in range(3)]
    district = _districts(world).take(pa.array(np.searchsorted(world.country.regions, f.region)))
    trade = pa.array(world.country.column("word").tolist()).take(pa.array(f.industry))
    form = pa.array([*_FORMS, "经营部"]).take(pa.array(np.where(f.individual, 3, c.pick([0.85, 0.12, 0.03], "form", i))))
    return _joined("宁波市", district, *first, trade, form)


def outside_parties(world: World, number: Ints) -> tuple[Text, pa.Array]:
    """Ids and names of parties of other provinces; nobody in the registry has them."""
    c = world.chance
    region = np.array([330106, 310115, 320505, 330302, 320211, 330402, 340104, 360103])[number % 8]
    first = [_letters(_FIRST, c.whole(0, len(_FIRST), f"outside {n}", number)) for n in range(3)]
    city = pa.array(list(_CITIES)).take(pa.array(number % 8))
    trade = pa.array(["物资", "实业", "贸易", "材料", "科技"]).take(pa.array(number % 5))
    return codes(number, region, np.zeros(len(number), dtype=bool), outside=True), _joined(city, *first, trade, "有限公司")


def person_names(world: World, person: Ints) -> pa.Array:
    """Names of persons by their number."""
    c = world.chance
    given = [_letters(_GIVEN, c.whole(0, len(_GIVEN), f"given {n}", person)) for n in range(2)]
    return _joined(_letters(_SURNAMES, c.whole(0, len(_SURNAMES), "surname", person)), *given)


def addresses(world: World, f: Firms, move: Ints) -> pa.Array:
    """Registered address after so many moves."""
    c, i = world.chance, f.number
    district = _districts(world).take(pa.array(np.searchsorted(world.country.regions, f.region)))
    road = pa.array([_ROADS[n : n + 2] for n in range(0, len(_ROADS), 2)])
    house, room = c.whole(1, 900, "house", i, move), c.whole(101, 2500, "room", i, move)
    return _joined("宁波市", district, "区", road.take(pa.array(c.whole(0, len(road), "road", i, move))), "路", pc.cast(pa.array(house), pa.string()), "号", pc.cast(pa.array(room), pa.string()), "室")


def misspelt(name: str, way: int) -> str:
    """The name as another office has it: 0 right, 1 without the city, 2 short form, 3 like-sounding characters, 4 spaces and full width."""
    if way == 1:
        return name.replace("宁波市", "", 1)
    if way == 2:
        return name.replace("有限责任公司", "公司").replace("有限公司", "公司")
    if way == 3:
        return name.translate(_SWAPS)
    if way == 4:
        return f" {name[:3]} {name[3:]}（宁波）"
    return name
