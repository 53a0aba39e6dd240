"""What two other offices send: land with the holder as they spell him, penalties of market supervision with names and often without ids."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.agencies import Feed, Penalties
from jobs.economy.facts import Facts, Sent, serial
from jobs.economy.kinds import MILL, MISSING, SUPPRESSED
from jobs.economy.life import ended, first_seen, registered
from jobs.economy.property import MOST, parcels
from jobs.economy.spelling import as_known
from jobs.economy.tables import amounts, days, papers, text
from jobs.economy.world import NEVER, World, add_months
from jobs.lake.arrays import day_number

MATTERS = np.array(["虚假宣传", "产品质量", "无证经营", "地址失联", "价格违法"])


def land_papers(facts: Facts, feed: Feed) -> Sent:
    """The whole land register as of every half-year's end: a parcel is there once it is entered, and spelt the same way each time."""
    f, c, world = facts.firms, facts.world.chance, facts.world
    count = parcels(world, f.number, f.owns)
    owns = [np.flatnonzero(count > n) for n in range(MOST)]
    at, number = np.concatenate(owns), np.repeat(np.arange(MOST), [len(o) for o in owns])
    covered = c.uniform("land", f.number[at] * 2 + number) < feed.coverage
    at, parcel = at[covered], (f.number[at] * 2 + number)[covered]
    acquired = np.maximum(registered(world, f)[at], day_number(world.opens) - 3000) + c.whole(20, 900, "acquired", parcel)
    entered = acquired + c.whole(feed.delay_days[0], feed.delay_days[1] + 1, "land delay", parcel)
    ceased = np.where(c.uniform("ceases", parcel) < 0.08, acquired + c.whole(200, 1500, "ceased", parcel), NEVER)
    names = pc.binary_join_element_wise("甬（2020）不动产权第", serial(parcel, 10), "号", "")
    ids, holder, way = as_known(world, feed, "land", parcel, facts.ids[at], facts.names.take(pa.array(at)), mark="不详")
    area = c.between(300, 9000, "area", parcel).round(1)
    value = np.round(f.size[at] * c.between(3, 25, "value", parcel) / 1e4, 2)
    parts = []
    for end in _half_years(world):
        columns = {
            "parcel_no": names, "holder_id": ids, "holder_name": holder,
            "use": np.array(["工业", "商业", "住宅"])[c.pick([0.5, 0.4, 0.1], "use", parcel)], "area_m2": text(area), "original_value_wan": text(value),
            "acquired_on": days(acquired, "%Y/%m/%d"), "ceased_on": days(np.where(ceased <= end, ceased, NEVER), "%Y/%m/%d"), "extracted_on": days(np.full(len(at), end)),
        }
        parts.append(papers(np.full(len(at), end), columns).filter(pa.array((entered <= end) & facts.within(np.array([end])))))
    return Sent(pa.concat_tables(parts), names, f.number[at], way)


def _half_years(world: World) -> list[int]:
    month, found = world.opens, []
    while (day := day_number(month)) <= day_number(world.through):
        if month.month in (1, 7):
            found.append(day)
        month = add_months(month, 1)
    return found or [day_number(world.opens)]


def penalty_papers(facts: Facts, feed: Penalties) -> Sent:
    """Penalties of market supervision; firms that cheat on tax are fined more often, and mills are found unreachable."""
    f, c, world, t = facts.firms, facts.world.chance, facts.world, np.arange(facts.world.horizon)[None, :]
    rate = np.where(f.typology == SUPPRESSED, 0.004, np.where(np.isin(f.typology, (MILL, MISSING)), 0.02, 0.0013))
    last, _ = ended(world, f)
    day = world.first_day(t) + c.whole(0, 28, "decided", f.number[:, None], t)
    there = (c.uniform("penalty", f.number[:, None], t) < rate[:, None] * feed.coverage) & (day > first_seen(world, f)[:, None]) & (day < last[:, None] + 90)
    at, month = np.nonzero(there)
    key, decided = f.number[at] * 1000 + month, day[at, month]
    told = decided + c.whole(feed.delay_days[0], feed.delay_days[1] + 1, "penalty delay", key)
    number = pc.binary_join_element_wise("甬市监处罚〔", serial(key, 10), "〕号", "")
    ids, names, way = as_known(world, feed, "penalty", key, facts.ids[at], facts.names.take(pa.array(at)), mark="无")
    lightest, heaviest = (round(end / 100) for end in feed.fine)
    matter = np.where(f.typology[at] == MILL, 3, c.pick([3, 4, 2, 1, 2], "matter", key))
    columns = {
        "决定书文号": number, "统一社会信用代码": ids, "当事人名称": names, "违法事由": MATTERS[matter],
        "罚款金额": amounts(c.whole(lightest, heaviest, "fine", key) * 10_000), "决定日期": days(decided), "版次": "1",
    }
    return Sent(papers(told, columns).filter(pa.array(facts.within(told))), number, f.number[at], way)
