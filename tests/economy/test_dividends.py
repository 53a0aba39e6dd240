"""Owners of profitable companies take a part of the profit: out of what was earned and is at hand, with the tax withheld, and the books show it."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from jobs import conf as configuration
from jobs.economy.dividends import dividends, with_dividends
from jobs.economy.facts import Facts
from jobs.economy.firms import alive, firms
from jobs.economy.kinds import HONEST, LOANS
from jobs.economy.life import held_by_parent, main_share
from jobs.economy.money import Dividends
from jobs.economy.papers_bank import accounts as bank_accounts
from jobs.economy.papers_tax import statement_papers
from jobs.economy.setting import load_country
from jobs.economy.world import World
from jobs.sources.check import Receipt, check
from jobs.sources.read import read
from tests.economy.helpers import Counted, count, counted, world, write

SHIPPED = configuration.load(Path(__file__).parents[2] / "conf")


def taken(c: Counted) -> np.ndarray:
    return np.asarray(c.accounts.flow["dividends"])


def everybody(w: World, payout: float) -> World:
    return replace(w, country=w.country.model_copy(update={"dividends": Dividends(firms=1.0, payout=(payout, payout))}))


def test_who_takes_and_out_of_what() -> None:
    c = counted(3000, 36)
    amount, f, a = taken(c), c.firms, c.accounts
    takes = amount.sum(axis=1) > 0
    assert (amount >= 0).all() and not (amount % 100).any()
    assert (f.owns[takes] & (f.typology[takes] != LOANS)).all() and not held_by_parent(c.world, f)[takes].any()
    assert not amount[:, :12].any() and set(np.nonzero(amount)[1] % 12) == {5, 6, 7} and not (amount * ~alive(c.world, f)).any()
    kept = np.cumsum(a.profit - a.flow["income_tax"], axis=1)
    firm, month = np.nonzero(amount)
    assert (np.cumsum(amount, axis=1)[firm, month] <= 0.9 * kept[firm, month // 12 * 12 - 1] + 1).all()
    profitable = f.owns & (a.profit[:, 12:24].sum(axis=1) > 0)
    assert 0.2 < takes[profitable].mean() < 0.5


#  cash at the end of May   profit after tax of the year before   profits before   taken, when all of it would be
GIVEN = [
    (10**9,                 500_000_00,                           0,               450_000_00),  # a tenth stays as the reserve
    (10**9,                 500_000_00,                           -300_000_00,     180_000_00),  # losses are made good first
    (10**9,                 500_000_00,                           -600_000_00,     0),
    (10**9,                 -500_000_00,                          10**9,           0),           # no profit, no dividend
    (10**9,                 500_000_00,                           10**9,           450_000_00),
    (0,                     500_000_00,                           0,               0),           # nothing at hand
    (-5_000_00,             500_000_00,                           0,               0),
]  # fmt: skip


@pytest.mark.parametrize(("cash", "profit", "before", "expected"), GIVEN)
def test_no_more_than_was_earned_and_is_at_hand(cash: int, profit: int, before: int, expected: int) -> None:
    w = everybody(world(600, 36), 1.0)
    f = firms(w, np.arange(600))
    f = f.at((f.owns & (f.typology == HONEST) & ~held_by_parent(w, f) & (f.birth < 0) & (f.death > 36)).nonzero()[0][:1])
    months = np.zeros((1, w.horizon), dtype=np.int64)
    earned, at_hand = months.copy(), months + cash + (round(f.size[0] * 100) if cash > 0 else 0)
    earned[0, 3], earned[0, 20] = before, profit
    found = dividends(w, f, alive(w, f), earned, months, at_hand)
    assert found[:, 24:].sum() == expected  # of the second year; the first one's own stands before
    assert found[:, :24].sum() == (min(before * 0.9, cash) // 100 * 100 if before > 0 else 0)


def test_a_tenth_stays_at_hand_too() -> None:
    w = everybody(world(600, 36), 1.0)
    f = firms(w, np.arange(600))
    f = f.at((f.owns & (f.typology == HONEST) & ~held_by_parent(w, f) & (f.birth < 0) & (f.death > 36)).nonzero()[0][:1])
    earned = np.zeros((1, w.horizon), dtype=np.int64)
    earned[0, 3] = 10**9
    cash = earned * 0 + round(f.size[0] * 100) + 70_050
    assert dividends(w, f, alive(w, f), earned, earned * 0, cash).sum() == 70_000  # a month's sales and what is less than a unit stay


@pytest.mark.parametrize(("country", "rate"), [("china", 0.20), ("ausonia", 0.26)])
def test_the_company_withholds_the_countrys_rate(country: str, rate: float) -> None:
    c = count(replace(world(600, 36), country=load_country(country)))
    r, amount = c.returns[2], taken(c)
    assert amount.any()
    for lines in (r.first, r.final, r.true):
        assert np.array_equal(lines["dividends"], amount) and np.abs(lines["dividend_due"] - amount * rate).max() <= 0.5
    assert (r.owed | (amount == 0)).all()  # nothing is withheld without a return
    bare = with_dividends(c.world, r, amount * 0)
    assert np.array_equal(bare.due, r.due)


def test_equity_in_the_statements_falls_by_what_was_taken() -> None:
    """The same country without dividends differs in equity by the sum of them, and nowhere in profit."""
    w = world(600, 36)
    none = replace(w, country=w.country.model_copy(update={"dividends": Dividends(firms=0.0, payout=(0, 0))}))
    one, other = count(w), count(none)
    assert taken(one).any() and not taken(other).any()
    assert np.array_equal(other.accounts.equity - one.accounts.equity, np.cumsum(taken(one), axis=1))
    assert np.array_equal(one.accounts.profit, other.accounts.profit)
    owed = [-c.accounts.balance["taxes"] for c in (one, other)]
    assert np.array_equal(owed[0] - owed[1], one.returns[2].final["dividend_due"])  # withheld in the month, paid in the next
    said = [{(r["taxpayer_id"], r["period_to"]): r for r in statement_papers(c.world, c.firms, c.books, c.accounts).to_pylist()} for c in (one, other)]
    lower = [k for k, r in said[0].items() if float(r["equity"]) < float(said[1][k]["equity"])]
    assert len(lower) > 50 and all(float(r["assets"]) == pytest.approx(float(r["liabilities"]) + float(r["equity"]), abs=0.01) for r in said[0].values())


def test_the_contract_reads_dividends_as_lines_of_the_return(tmp_path: Path) -> None:
    inbox, contract = write(world(600, 24), tmp_path) / "inbox" / "pit_return", SHIPPED.sources["pit_return"]
    told, read_as = 0.0, 0.0
    for path in sorted(inbox.glob("*.csv")):
        rows = list(csv.DictReader(path.open(encoding="utf-8")))
        assert all(float(r["due"]) >= float(r["dividend_due"]) for r in rows)
        with path.open("rb") as stream:
            found = [check(part, contract, SHIPPED.house, Receipt(date(2026, 1, 5))) for part in read(stream, contract)]
        accepted = [r for f in found for r in f.rows.to_pylist()]
        read_as += sum(float(r["amount"]) for r in accepted if r["return_line"] == "dividends")
        told += sum(float(r["dividends"]) for r in rows)
    assert told > 0 and read_as == pytest.approx(told, rel=0.05)  # a few lines are spoilt on the way


def test_what_is_left_after_tax_comes_into_the_owners_own_account() -> None:
    c = counted(600, 36)
    feed = c.world.country.third_parties.bank_month
    assert feed is not None
    facts = Facts(c.world, c.firms, c.books, list(zip(c.returns, c.conduct, strict=True)), 0, 10**6)
    without = [replace(r, final=r.final | {"dividends": r.final["dividends"] * 0, "dividend_due": r.final["dividends"] * 0}) if r.form == "PIT-W" else r for r in c.returns]
    a, b = bank_accounts(facts, feed), bank_accounts(replace(facts, made=list(zip(without, c.conduct, strict=True))), feed)
    net = c.returns[2].final["dividends"] - c.returns[2].final["dividend_due"]
    gained = (a.inflow - b.inflow)[a.private]
    assert np.abs(gained - net * main_share(c.world, c.firms)[:, None]).max() <= 1 and gained.any()
    paid = np.zeros_like(net)
    np.add.at(paid, a.firm[~a.private], (a.outflow - b.outflow)[~a.private])
    assert np.array_equal(paid, net)
