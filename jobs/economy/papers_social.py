"""What social security sends: insured heads and contribution base a month and employer. Who pays wages off the books registers fewer people."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jobs.economy.agencies import SocialSecurity
from jobs.economy.facts import Facts, Sent, reports, serial
from jobs.economy.spelling import as_known
from jobs.economy.tables import amounts, days, papers, text
from jobs.lake.arrays import Ints


def insured(facts: Facts) -> Ints:
    """Heads registered with social security: [firm, month]. A lone owner insures himself elsewhere, a new firm begins some months late."""
    f, b, world = facts.firms, facts.books, facts.world
    heads = b.booked_heads
    begins = f.birth + np.where(f.birth > 0, world.chance.whole(0, 4, "insures", f.number), 0)
    alone = f.individual[:, None] & (b.heads <= 1)
    return np.where(alone | (np.arange(world.horizon)[None, :] < begins[:, None]), 0, heads)


def bases(facts: Facts, feed: SocialSecurity, heads: Ints) -> Ints:
    """Contribution base in cents: insured heads times the mean pay of the calendar year before (of the first month in the first year), between floor and cap: [firm, month]."""
    b, horizon = facts.books, facts.world.horizon
    starts = np.arange(0, horizon, 12)
    paid, worked = (np.add.reduceat(v, starts, axis=1) for v in (b.wages, b.heads))
    mean = paid / np.maximum(worked, 1)
    begun = np.argmax(b.heads > 0, axis=1)[:, None]  # who has no year before pays on what he paid in his first month: no later month may count
    first = np.take_along_axis(b.wages, begun, axis=1) / np.maximum(np.take_along_axis(b.heads, begun, axis=1), 1)
    before = np.concatenate([first, mean[:, :-1]], axis=1)
    before = np.where(before > 0, before, first)
    pay = np.clip(before, feed.base_floor * 100, feed.base_cap * 100)
    return np.asarray(heads * np.rint(pay).astype(np.int64)[:, np.arange(horizon) // 12])


def social_papers(facts: Facts, feed: SocialSecurity) -> Sent:
    """Monthly accounts of the employers social security knows."""
    f, c = facts.firms, facts.world.chance
    heads, covered = insured(facts), c.uniform("social", f.number) < feed.coverage
    found = reports(facts, feed, "social", f.number, (heads > 0) & covered[:, None])
    number = serial(f.number, 9)
    ids, names, way = as_known(facts.world, feed, "social", f.number, facts.ids, facts.names)
    at = pa.array(found.account)
    columns = {
        "单位编号": number.take(at), "统一社会信用代码": ids.take(at), "单位名称": names.take(at), "费款所属期": days(facts.world.first_day(found.month)),
        "参保人数": text(np.maximum(1, found.of(heads))), "缴费基数": amounts(found.of(bases(facts, feed, heads))), "核定日期": days(found.day),
    }
    return Sent(papers(found.day, columns), number.filter(pa.array(covered)), f.number[covered], way[covered])
