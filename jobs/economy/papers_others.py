"""What other offices send: land with the holder as they spell him, penalties with names and often without ids."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jobs.economy.firms import Firms
from jobs.economy.ids import ALPHABET
from jobs.economy.kinds import MILL, MISSING, SUPPRESSED
from jobs.economy.life import ended, first_seen, registered
from jobs.economy.tables import amounts, days, papers, text
from jobs.economy.words import company_names, ids_of, misspelt
from jobs.economy.world import NEVER, World, add_months
from jobs.lake.arrays import Ints, day_number

MATTERS = np.array(["虚假宣传", "产品质量", "无证经营", "地址失联", "价格违法"])


def land_papers(world: World, f: Firms) -> pa.Table:
    """The whole land register as of every half-year's end: the same parcel is spelt the same way each time."""
    c, i = world.chance, f.number
    count = np.where(f.individual | np.isin(f.typology, (MILL, MISSING)), 0, c.pick([0.74, 0.2, 0.06], "parcels", i))
    owns = [np.flatnonzero(count > n) for n in range(2)]
    at, number = np.concatenate(owns), np.repeat(np.arange(2), [len(o) for o in owns])
    parcel = i[at] * 2 + number
    acquired = np.maximum(registered(world, f)[at], day_number(world.opens) - 3000) + c.whole(20, 900, "acquired", parcel)
    ceased = np.where(c.uniform("ceases", parcel) < 0.08, acquired + c.whole(200, 1500, "ceased", parcel), NEVER)
    way = c.pick([0.8, 0.07, 0.06, 0.03, 0.04], "land name", parcel)
    names = company_names(world, f).take(pa.array(at)).to_pylist()
    holder = [misspelt(name, w) for name, w in zip(names, way.tolist(), strict=True)]
    ids = _as_typed(world, ids_of(world, f)[at], parcel, "land id", 0.3, "不详")
    area = c.between(300, 9000, "area", parcel).round(1)
    value = np.round(f.size[at] * c.between(3, 25, "value", parcel) / 1e4, 2)
    parts = []
    for end in _half_years(world):
        known = acquired <= end
        columns = {
            "parcel_no": pa.array([f"甬（2020）不动产权第{n:010d}号" for n in _serial(parcel)]), "holder_id": ids, "holder_name": holder,
            "use": np.array(["工业", "商业", "住宅"])[c.pick([0.5, 0.4, 0.1], "use", parcel)], "area_m2": text(area), "original_value_wan": text(value),
            "acquired_on": days(acquired, "%Y/%m/%d"), "ceased_on": days(np.where(ceased <= end, ceased, NEVER), "%Y/%m/%d"), "extracted_on": days(np.full(len(at), end)),
        }
        parts.append(papers(np.full(len(at), end), columns).filter(pa.array(known)))
    return pa.concat_tables(parts)


def _half_years(world: World) -> list[int]:
    month, found = world.opens, []
    while (day := day_number(month)) <= day_number(world.through):
        if month.month in (1, 7):
            found.append(day)
        month = add_months(month, 1)
    return found or [day_number(world.opens)]


def penalty_papers(world: World, f: Firms) -> pa.Table:
    """Penalties of market supervision; firms that cheat on tax are fined more often, and mills are found unreachable."""
    c, t = world.chance, np.arange(world.horizon)[None, :]
    rate = np.where(f.typology == SUPPRESSED, 0.004, np.where(np.isin(f.typology, (MILL, MISSING)), 0.02, 0.0013))
    last, _ = ended(world, f)
    day = world.first_day(t) + c.whole(0, 28, "decided", f.number[:, None], t)
    there = (c.uniform("penalty", f.number[:, None], t) < rate[:, None]) & (day > first_seen(world, f)[:, None]) & (day < last[:, None] + 90)
    at, month = np.nonzero(there)
    key = f.number[at] * 1000 + month
    way = c.pick([0.72, 0.1, 0.1, 0.04, 0.04], "penalty name", key)
    names = company_names(world, f).take(pa.array(at)).to_pylist()
    matter = np.where(f.typology[at] == MILL, 3, c.pick([3, 4, 2, 1, 2], "matter", key))
    columns = {
        "决定书文号": pa.array([f"甬市监处罚〔{n:010d}〕号" for n in _serial(key)]), "统一社会信用代码": _as_typed(world, ids_of(world, f)[at], key, "penalty id", 0.4, "无"),
        "当事人名称": [misspelt(name, w) for name, w in zip(names, way.tolist(), strict=True)], "违法事由": MATTERS[matter],
        "罚款金额": amounts(c.whole(10, 800, "fine", key) * 10_000), "决定日期": days(day[at, month]), "版次": "1",
    }
    return papers(day[at, month], columns)


def _serial(key: Ints) -> list[int]:
    """Numbers of ten digits that look unordered; different keys give different numbers."""
    return (key * 387_420_491 % 10**10).tolist()  # type: ignore[no-any-return]


def _as_typed(world: World, ids: np.ndarray, key: Ints, purpose: str, missing: float, mark: str) -> list[str]:
    """Ids as another office types them: often left out, sometimes with one character wrong."""
    fate = world.chance.pick([missing * 0.7, missing * 0.3, 0.05, 0.95 - missing], purpose, key)
    where, what = world.chance.whole(8, 17, purpose + " place", key), world.chance.whole(1, 31, purpose + " char", key)
    found = []
    for one, kind, n, shift in zip(ids.tolist(), fate.tolist(), where.tolist(), what.tolist(), strict=True):
        wrong = ALPHABET[(ALPHABET.index(one[n]) + shift) % 31]
        found.append("" if kind == 0 else mark if kind == 1 else one[:n] + wrong + one[n + 1 :] if kind == 2 else one)
    return found
