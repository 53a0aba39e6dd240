"""What must hold to the cent in the books and returns, and that each typology leaves its trace."""

from __future__ import annotations

import numpy as np

from jobs.economy.firms import alive, firms
from jobs.economy.kinds import FICTITIOUS, HONEST, INFLATED, MILL, MISSING, NAMES, SHIFTED, SUPPRESSED
from jobs.economy.returns import by_period, withheld
from jobs.economy.trade import FAKE, RELATED, SHIFT, tax_of
from tests.economy.helpers import Counted, count, counted, world


def honest(c: Counted) -> np.ndarray:
    return c.firms.typology == HONEST


def test_stock_rolls_forward_for_every_honest_firm() -> None:
    c = counted()
    b, works = c.books, alive(c.world, c.firms)
    both = works[:, 1:] & works[:, :-1] & honest(c)[:, None]
    # stock = stock before + purchases - cost of sales
    assert (b.stock[:, 1:] == b.stock[:, :-1] + b.purchases[:, 1:] - b.cost[:, 1:])[both].all()
    assert (b.stock >= 0).all() and both.sum() > 5000


def test_honest_books_hide_nothing() -> None:
    c = counted()
    b, h = c.books, honest(c)
    for values in (b.hidden, b.fake, b.fake_tax, b.shifted):
        assert not values[h].any()
    assert (b.booked_cost == b.cost)[h].all() and (b.booked_stock == b.stock)[h].all()


def test_sales_are_invoices_and_what_was_sold_without() -> None:
    c = counted()
    shape = c.books.invoiced.shape
    inside = np.zeros(shape, dtype=np.int64)
    np.add.at(inside, (np.searchsorted(c.firms.number, c.bought.supplier), c.bought.month), c.bought.net)
    invoices = inside + c.books.bills["outside"].sum("net", shape) + c.books.bills["consumers"].sum("net", shape)
    assert (invoices == c.books.invoiced).all()
    general, first = c.firms.general & honest(c), c.returns[0]
    clean = first.owed & general[:, None] & ~first.mistake
    assert (first.first["sales"] + c.books.exempt == c.books.invoiced + c.books.uninvoiced)[clean].all()


def test_vat_of_general_taxpayers_is_output_less_input_less_credit() -> None:
    c = counted()
    for lines in (c.returns[0].first, c.returns[0].final, c.returns[0].true):
        owed = c.returns[0].owed
        assert (lines["output"] - lines["input"] - lines["credit_in"] == lines["due"] - lines["credit_out"])[owed].all()
        assert (lines["due"] >= 0).all() and (lines["credit_out"] >= 0).all() and not (lines["due"] * lines["credit_out"]).any()
    final = c.returns[0].final
    assert (final["credit_in"][:, 1:] == final["credit_out"][:, :-1]).all()


def test_small_taxpayers_owe_three_per_cent() -> None:
    c = counted()
    small = c.returns[1]
    for lines in (small.first, small.final, small.true):
        assert (lines["due"] == tax_of(lines["sales"], 3))[small.owed].all()
    quarter = c.books.sales[:, :3].sum(axis=1) - c.books.exempt[:, :3].sum(axis=1)
    clean = small.owed[:, 0] & honest(c) & ~small.mistake[:, 0]
    assert clean.sum() > 100 and (small.first["sales"][:, 0] == quarter)[clean].all()


def test_income_is_taxed_on_what_the_statements_say() -> None:
    c = counted()
    cit, b = c.returns[3], c.books
    revenue = by_period(b.sales, cit.months)
    clean = cit.owed & honest(c)[:, None] & ~cit.mistake
    assert (cit.first["revenue"] == revenue)[clean].all()
    assert (cit.first["profit"] == cit.first["revenue"] - cit.first["cost"] - cit.first["expense"])[cit.owed].all()
    assert (cit.first["due"] == np.maximum(cit.first["profit"], 0) // 4)[cit.owed].all()
    assert (cit.due == cit.first["due"])[clean].all() and clean.sum() > 300


def test_wages_withheld_follow_the_table() -> None:
    # 2 employees of 10,000: (10,000 x 0.895 - 5,000) = 3,950; 3,000 x 3 % + 950 x 10 % = 185 each
    assert withheld(np.array([2]), np.array([20_000_00])).tolist() == [370_00]
    assert withheld(np.array([1]), np.array([5_000_00])).tolist() == [0]
    assert withheld(np.array([0]), np.array([0])).tolist() == [0]


def test_honest_firms_err_in_both_directions_and_mostly_not() -> None:
    c = counted()
    gap = (c.ledger.hidden["VAT"] + c.ledger.hidden["CIT"] + c.ledger.hidden["PIT"])[honest(c)]
    filed = [np.where(w.filed < 10**6, r.due - r.final["due"], 0)[honest(c)] for r, w in zip(c.returns, c.conduct, strict=True)]
    over, under = sum(int((d < 0).sum()) for d in filed), sum(int((d > 0).sum()) for d in filed)
    assert over > 50 and under > 50
    assert (gap != 0).mean() < 0.1


def test_a_share_of_firms_evades_in_five_ways() -> None:
    for size in (3000, 10_000):
        w = world(size, 36)
        f = firms(w, np.arange(size))
        assert 0.12 <= (f.typology != HONEST).mean() <= 0.16
        assert set(np.unique(f.typology)) == set(range(len(NAMES)))


def test_each_typology_hides_its_own_tax() -> None:
    c = counted(3000, 24)
    h, due = c.ledger.hidden, c.ledger.due
    share = {k: {t: h[t][c.firms.typology == k].sum() / max(due[t][c.firms.typology == k].sum(), 1) for t in h} for k in range(7)}
    for kind in (SUPPRESSED, FICTITIOUS, MISSING, INFLATED, MILL):
        assert share[kind]["VAT"] > 0.1, NAMES[kind]
    for kind in (SUPPRESSED, FICTITIOUS, SHIFTED):
        assert share[kind]["CIT"] > 0.1, NAMES[kind]
    assert abs(share[HONEST]["VAT"]) < 0.05 and abs(share[SHIFTED]["VAT"]) < 0.05


def test_mills_sell_paper_to_those_who_buy_it_and_live_shortly() -> None:
    c = counted(3000, 24)
    fake = c.bought.where(c.bought.kind == FAKE)
    sellers, buyers = firms(c.world, np.unique(fake.supplier)), firms(c.world, np.unique(fake.buyer))
    assert (sellers.typology == MILL).all() and (buyers.typology == FICTITIOUS).all() and len(sellers) > 5
    assert (sellers.death - sellers.birth <= 9).all()
    shifted = c.bought.where(c.bought.kind == SHIFT)
    assert len(shifted) and (shifted.supplier // 4 == shifted.buyer // 4).all()
    assert (c.bought.kind == RELATED).any()  # honest groups trade with each other too


def test_what_was_done_to_a_firm_changes_its_future_only() -> None:
    from dataclasses import replace

    before = counted(600, 24)
    evader = int(before.firms.number[(before.firms.typology == SUPPRESSED) & (before.firms.since < 6)][0])
    after = count(replace(before.world, acts=np.array([[evader, 12.0, 0.0, 0.0]])))
    row = before.books.hidden[evader]
    assert row[:12].any() and (after.books.hidden[evader][:12] == row[:12]).all() and not after.books.hidden[evader][12:].any()
    others = before.firms.number != evader
    assert (after.books.sales[others] == before.books.sales[others]).all()
