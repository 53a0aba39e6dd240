"""What banks report a month and account: money in and out of firms' accounts, and of owners' own ones where it is much. For cases only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.agencies import Bank
from jobs.economy.facts import Facts, Sent, reports, serial
from jobs.economy.life import main_owner, main_share, person_id
from jobs.economy.spelling import as_known
from jobs.economy.tables import dates, money, papers
from jobs.lake.arrays import Flags, Ints

_PRIVATE = 7  # number of an owner's own account among a firm's; its business accounts are 0 to 2


@dataclass(frozen=True)
class Accounts:
    """Accounts: firm by position, key, whose they are, whether banks report them; cents in and out [account, month]."""

    firm: Ints
    key: Ints
    private: Flags
    known: Flags
    inflow: Ints
    outflow: Ints


def accounts(facts: Facts, feed: Bank) -> Accounts:
    """One to three business accounts a firm, which share its receipts and payments, and one of its owner."""
    f, c = facts.firms, facts.world.chance
    count = 1 + (f.segment <= 1) + (c.uniform("second account", f.number) < 0.3)
    firm, place = np.nonzero(np.arange(3)[None, :] < count[:, None])
    last = place == count[firm] - 1
    share = c.between(0.1, 0.45, "account", f.number[firm], place)
    flows = []
    for total in (facts.received, facts.spent):
        part = np.floor(total[firm] * share[:, None]).astype(np.int64)
        others = np.zeros_like(total)
        np.add.at(others, firm[~last], part[~last])
        part[last] = (total - others)[firm[last]]
        flows.append(part)
    t, i = np.arange(facts.world.horizon)[None, :], f.number[:, None]
    least, most = feed.own_income
    own = c.between(100 * least, 100 * most, "own income", f.number)[:, None] * np.exp(0.5 * c.normal("own month", i, t))
    private_in = facts.books.private + np.rint(facts.taken * main_share(facts.world, f)[:, None]).astype(np.int64) + np.rint(own).astype(np.int64) * (facts.received > 0)
    private_out = np.rint(private_in * c.between(0.6, 1.1, "own spending", i, t)).astype(np.int64)
    key = np.concatenate([f.number[firm] * 8 + place, f.number * 8 + _PRIVATE])
    return Accounts(
        firm=np.concatenate([firm, np.arange(len(f))]), key=key, private=np.arange(len(key)) >= len(firm), known=c.uniform("bank", key) < feed.coverage,
        inflow=np.concatenate([flows[0], private_in]), outflow=np.concatenate([flows[1], private_out]),
    )  # fmt: skip


def bank_papers(facts: Facts, feed: Bank) -> Sent:
    """Monthly flows of the accounts that banks report; a private one only in months of large inflow."""
    a, f = accounts(facts, feed), facts.firms
    least = np.where(a.private, round(feed.private_above * 100), 1)
    moved = np.where(a.private[:, None], 0, a.outflow) + a.inflow
    there = (moved >= least[:, None]) & a.known[:, None]
    found = reports(facts, feed, "bank", a.key, there)
    number = pc.binary_join_element_wise("622", pc.utf8_lpad(pc.cast(pa.array(a.key % 8), pa.string()), 2, padding="0"), serial(a.key, 10), "")
    own = pa.array(a.private)
    ids = pc.if_else(own, pa.array(person_id(facts.world, main_owner(facts.world, f))).take(pa.array(a.firm)), pa.array(facts.ids[a.firm]))
    known_ids, known_names, way = as_known(facts.world, feed, "bank", a.key, facts.ids[a.firm], facts.names.take(pa.array(a.firm)))
    ids, names = pc.if_else(own, ids, known_ids), pc.if_else(own, facts.owners.take(pa.array(a.firm)), known_names)
    at = pa.array(found.account)
    columns = {
        "账号": number.take(at), "户名": names.take(at), "证件号码": ids.take(at), "账户类型": np.where(a.private, "个人", "单位")[found.account], "交易月份": dates(facts.world.first_day(found.month)),
        "流入金额": money(found.of(a.inflow)), "流出金额": money(found.of(a.outflow)), "报送日期": dates(found.day),
    }
    seen = a.known & (~a.private | (there & a.private[:, None]).any(axis=1))
    return Sent(papers(found.day, columns), number.filter(pa.array(seen)), f.number[a.firm[seen]], np.where(a.private, 0, way)[seen])
