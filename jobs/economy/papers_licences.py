"""Licences of trades that need one, by market supervision: issued, renewed when they run out, now and then revoked."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.agencies import Licensing
from jobs.economy.facts import Facts, Sent, serial
from jobs.economy.life import ended, registered
from jobs.economy.spelling import as_known
from jobs.economy.tables import days, papers
from jobs.economy.world import NEVER
from jobs.lake.arrays import Ints, day_number

_RENEWALS = 64  # licences a firm may have had one after the other


def licence_papers(facts: Facts, feed: Licensing) -> Sent:
    """A record when a licence is issued, as of the day the files begin for older ones, and one when it is revoked."""
    f, c, world = facts.firms, facts.world.chance, facts.world
    kinds = np.array([feed.kinds.get(i.code, "") for i in world.country.industries])[f.industry]
    start = registered(world, f) + c.whole(5, 90, "licence", f.number)
    last, _ = ended(world, f)
    opens, term = day_number(world.opens), round(365.25 * feed.years)
    known = (kinds != "") & (c.uniform("licensed", f.number) < feed.coverage)
    # Only licences in force on some day the files speak of.
    before = np.maximum(0, (opens - start) // term)
    many = np.maximum(0, -(-(world.last_day(world.horizon) - start) // term) - before)
    at, n = np.nonzero((np.arange(int(many.max(initial=0)))[None, :] < many[:, None]) & known[:, None])
    n = n + before[at]
    valid_from = start[at] + n * term
    alive = (valid_from < last[at]) & (n < _RENEWALS)
    at, n, valid_from = at[alive], n[alive], valid_from[alive]
    key = f.number[at] * _RENEWALS + n
    issued = np.maximum(valid_from, opens) + c.whole(feed.delay_days[0], feed.delay_days[1] + 1, "licence delay", key)
    wait = np.log(c.uniform("revoked", key)) / np.log1p(-max(feed.revoked, 1e-9)) * 365
    revoked = valid_from + 30 + np.floor(np.minimum(wait, 10**5)).astype(np.int64)
    revoked = np.where((revoked < valid_from + term) & (revoked < last[at]) & (revoked > opens), revoked, NEVER)
    noted = np.where(revoked < NEVER, np.maximum(revoked + c.whole(feed.delay_days[0], feed.delay_days[1] + 1, "revoked delay", key), issued + 1), NEVER)
    number = pc.binary_join_element_wise("JY", serial(key, 10), "")
    ids, names, way = as_known(world, feed, "licence", f.number, facts.ids, facts.names)
    every, gone = np.arange(len(at)), np.flatnonzero(noted < NEVER)

    def rows(place: Ints, day: Ints, ends: Ints) -> pa.Table:
        place, day, ends = place[facts.within(day)], day[facts.within(day)], ends[facts.within(day)]
        firm = pa.array(at[place])
        columns = {
            "许可证编号": number.take(pa.array(place)), "许可种类": kinds[at[place]], "统一社会信用代码": ids.take(firm), "被许可人": names.take(firm),
            "有效期自": days(valid_from[place]), "有效期至": days(valid_from[place] + term - 1), "吊销日期": days(ends), "数据日期": days(day),
        }
        return papers(day, columns)

    made = pa.concat_tables([rows(every, issued, np.full(len(at), NEVER)), rows(gone, noted[gone], revoked[gone])])
    return Sent(made, number, f.number[at], way[at])
