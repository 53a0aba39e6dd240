"""What the grid company sends: a reading a month and meter, with the holder and the address as they were when the contract was made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.agencies import Electricity
from jobs.economy.facts import Facts, Sent, reports, serial
from jobs.economy.spelling import as_known
from jobs.economy.tables import days, papers, text
from jobs.economy.words import addresses
from jobs.lake.arrays import Flags, Ints


@dataclass(frozen=True)
class Meters:
    """Whose meter each firm uses, by position; whether the grid company knows the meter of a firm; what each meter counts, kWh [firm, month]."""

    of: Ints
    known: Flags
    used: Ints


def meters(facts: Facts, feed: Electricity) -> Meters:
    """A meter per firm; some firms hang on the meter of the first firm of their yard, the block of four they lie in."""
    c, i = facts.world.chance, facts.firms.number
    later = i % 4 > 0
    shares = later & (c.uniform("shares a meter", i) < feed.shared / 0.75)
    of = np.searchsorted(i, np.where(shares, i // 4 * 4, i))
    used = np.zeros_like(facts.books.energy)
    np.add.at(used, of, facts.books.energy)
    return Meters(of, c.uniform("electricity", i) < feed.coverage, used)


def electricity_papers(facts: Facts, feed: Electricity) -> Sent:
    """Monthly readings of the meters the grid company knows."""
    f, m = facts.firms, meters(facts, feed)
    found = reports(facts, feed, "electricity", f.number, (m.used > 0) & m.known[:, None])
    number = serial(f.number, 10)
    ids, names, way = as_known(facts.world, feed, "electricity", f.number, facts.ids, facts.names)
    private = pa.array((f.segment >= 2) & (facts.world.chance.uniform("private meter", f.number) < feed.private_holder))
    ids, names = pc.if_else(private, pa.scalar(None, pa.string()), ids), pc.if_else(private, facts.owners, names)
    at = pa.array(found.account)
    columns = {
        "户号": number.take(at), "户名": names.take(at), "证件号码": ids.take(at), "用电地址": addresses(facts.world, f, np.zeros(len(f), dtype=np.int64)).take(at),
        "电费年月": days(facts.world.first_day(found.month)), "抄表日期": days(facts.world.last_day(found.month)), "电量": text(found.of(m.used)), "报送日期": days(found.day),
    }
    known = m.known[m.of]
    return Sent(papers(found.day, columns), number.take(pa.array(m.of[known])), f.number[known], way[m.of[known]])
