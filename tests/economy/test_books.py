"""What must hold to the cent in the books and returns, and that each typology leaves its trace in its own tax and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jobs.economy.accounts import ACCOUNTS, Journal
from jobs.economy.declare import Declared
from jobs.economy.firms import firms, settled
from jobs.economy.identities import identities
from jobs.economy.kinds import (
    CAROUSEL,
    EXPORTS,
    FICTITIOUS,
    FLEETING,
    HONEST,
    MILL,
    MISSING,
    NAMES,
    RENT,
    SHIFTED,
    SPLIT,
    STOCK,
    SUPPRESSED,
    WAGES,
)
from jobs.economy.returns_income import withheld
from jobs.economy.setting import load_country
from jobs.economy.trade import CIRCLE, FAKE, RELATED, SHIFT, mirror, tax_of
from jobs.economy.world import World
from tests.economy.helpers import Counted, count, counted, with_evaders, world


def honest(c: Counted) -> np.ndarray:
    return c.firms.typology == HONEST


@pytest.mark.parametrize(("taxpayers", "months"), [(3000, 36), (600, 24)])
def test_honest_firms_satisfy_every_identity_to_the_cent(taxpayers: int, months: int) -> None:
    c = counted(taxpayers, months)
    for name, found in identities(c.world, c.firms, c.books, Declared(c.returns, c.conduct, c.accounts), c.bought).items():
        assert (found.broken, found.checked > taxpayers * 0.8) == (0, True), name


def test_evaders_break_the_identities_that_their_evasion_touches() -> None:
    """So that an identity that holds for everybody, and says nothing, is seen."""
    c = counted(3000, 36)
    all_honest = replace(c.firms, typology=np.zeros_like(c.firms.typology))
    found = identities(c.world, all_honest, c.books, Declared(c.returns, c.conduct, c.accounts), c.bought)
    touched = {n for n, i in found.items() if i.broken}
    assert touched == {
        "stock rolls forward", "stock account = stock", "nothing unexplained", "written = true", "output tax = tax printed on invoices + tax on sales without",
        "sales declared = sales written", "heads withheld on = heads insured = headcount",
    }  # fmt: skip


def test_an_event_is_posted_to_two_accounts_that_exist() -> None:
    j = Journal((1, 2))
    j.post("cash", "sales", np.array([[100, 50]]))
    assert (j.balance("cash").tolist(), j.balance("sales").tolist()) == ([[100, 150]], [[-100, -150]])
    assert sum(j.balance(n) for n in ACCOUNTS).tolist() == [[0, 0]]
    with pytest.raises(KeyError, match="no account slush"):
        j.post("cash", "slush", np.array([[1, 1]]))


def test_stock_is_never_negative_and_debts_are_debts() -> None:
    c = counted()
    assert (c.books.stock >= 0).all() and (c.books.booked_stock >= 0).all()
    assert (c.accounts.balance["cash"] >= 0).all() and (c.accounts.balance["bank_loans"] <= 0).all()


def test_honest_books_hide_nothing() -> None:
    c = counted()
    b, h = c.books, honest(c)
    for values in (b.hidden, b.private, b.fake, b.fake_tax, b.shifted, b.own_use, b.exports - b.booked_exports, b.rent - b.booked_rent, b.wages - b.booked_wages, b.heads - b.booked_heads):
        assert not values[h].any()


def test_vat_of_general_taxpayers_is_output_less_input_less_credit() -> None:
    c = counted(3000, 36)
    g = c.returns[0]
    for lines in (g.first, g.final, g.true):
        assert (lines["output"] - lines["input"] - lines["credit_in"] == lines["due"] - lines["credit_out"] - lines["refund"])[g.owed].all()
        assert (lines["due"] >= 0).all() and (lines["credit_out"] >= 0).all() and not (lines["due"] * lines["credit_out"]).any()
        assert (lines["refund"] <= tax_of(lines["exports"], 13))[g.owed].all() and (lines["refund"] >= 0).all()
    exporters = honest(c) & (c.books.exports.sum(axis=1) > 0)
    assert exporters.sum() > 30 and (g.final["refund"][exporters].sum(axis=1) > 0).mean() > 0.1


def test_small_taxpayers_owe_what_the_law_of_the_month_asks() -> None:
    # 3 per cent to June 2024, 1 per cent from July 2024: a change of policy inside the country's time
    c = counted()
    small, end = c.returns[1], np.array([b for _, b in c.returns[1].months])
    for lines in (small.first, small.final):
        off = lines["due"] - tax_of(lines["sales"], np.where(end < 6, 3, 1)[None, :])
        assert (np.abs(off) <= 3)[small.owed].all()  # the tax of three months is rounded three times


def test_wages_withheld_follow_the_table() -> None:
    # 2 employees of 10,000: (10,000 x 0.895 - 5,000) = 3,950; 3,000 x 3 % + 950 x 10 % = 185 each
    w = world(300, 24)
    heads, paid = (np.full((1, w.horizon), n, dtype=np.int64) for n in (2, 20_000_00))
    assert set(withheld(w, heads, paid).ravel().tolist()) == {370_00}
    assert not withheld(w, heads, paid // 4).any() and not withheld(w, heads * 0, paid * 0).any()


@pytest.mark.parametrize(("profit", "due"), [(-1, 0), (0, 0), (100_000, 5_000), (3_000_000, 150_000), (3_000_001, 750_000.25)])
def test_income_tax_by_the_size_of_the_profit(profit: int, due: float) -> None:
    from jobs.economy.returns_income import _taxed

    cents = np.array([[profit * 100]])
    assert _taxed(world(300, 12), [(0, 11)], cents, cents * 0, cents * 0)["due"].tolist() == [[round(due * 100)]]


def test_honest_firms_err_in_both_directions_and_mostly_not() -> None:
    c = counted()
    gap = c.ledger.hidden["VAT"][honest(c)] + c.ledger.hidden["CIT"][honest(c)] + c.ledger.hidden["PIT"][honest(c)]
    filed = [np.where(w.filed < 10**6, r.due - r.final["due"] + r.final.get("refund", 0), 0)[honest(c)] for r, w in zip(c.returns, c.conduct, strict=True)]
    over, under = sum(int((d < 0).sum()) for d in filed), sum(int((d > 0).sum()) for d in filed)
    assert over > 50 and under > 50
    assert (gap != 0).mean() < 0.12


def test_some_do_not_claim_the_relief_they_are_due() -> None:
    c = counted(3000, 36)
    less = (c.returns[0].true["exempt"] - c.returns[0].final["exempt"])[honest(c)].sum(axis=1)
    assert 3 <= (less > 0).sum() <= 60 and (less >= 0).all()


def test_as_many_evade_as_the_country_says_and_in_every_way() -> None:
    w = world(10_000, 36)
    kind = firms(w, np.arange(10_000)).typology
    living = ~np.isin(kind, FLEETING)
    evasion = w.country.evasion
    assert (kind[living] != HONEST).mean() == pytest.approx(evasion.share, rel=0.1)
    for name, typology in evasion.typologies.items():
        assert (kind[living] == NAMES.index(name)).mean() == pytest.approx(evasion.share * typology.weight, rel=0.45, abs=0.001), name
    assert set(np.unique(kind)) == set(range(len(NAMES)))


@pytest.mark.parametrize("off", [("private_accounts", "stock_manipulation"), ("splitting", "carousel")])
def test_a_typology_switched_off_leaves_the_others_as_they_are(off: tuple[str, str]) -> None:
    w = world(9000, 36)
    types = {n: t.model_copy(update={"on": n not in off}) for n, t in w.country.evasion.typologies.items()}
    country = w.country.model_copy(update={"evasion": w.country.evasion.model_copy(update={"typologies": types})})
    before, after = firms(w, np.arange(9000)).typology, firms(replace(w, country=country), np.arange(9000)).typology
    gone = np.isin(before, [NAMES.index(n) for n in off])
    assert gone.sum() > 40 and (settled(replace(w, country=country), np.flatnonzero(gone)).typology == HONEST).all()
    assert (after[gone] == HONEST).mean() > 0.95 and (after[~gone] == before[~gone]).all()  # an honest firm may start after a clean audit


# What each typology hides, as its share of what such firms owe: the taxes that must show it; those named as clean must not.
TRACES = [
    ("suppressed_sales", ("VAT",), ("SOCIAL",)), ("fictitious_invoices", ("VAT", "CIT"), ("SOCIAL",)), ("missing_trader", ("VAT",), ()), ("inflated_input", ("VAT",), ("SOCIAL",)),
    ("profit_shifting", ("CIT",), ("VAT",)), ("invoice_mill", ("VAT",), ()), ("private_accounts", ("VAT",), ("SOCIAL",)), ("private_use", ("VAT", "CIT"), ()),
    ("inflated_costs", ("CIT",), ("VAT",)), ("wages_off_books", ("SOCIAL", "PIT"), ("VAT",)), ("undeclared_rent", ("VAT", "PROPERTY"), ("SOCIAL",)), ("fictitious_exports", ("VAT",), ("SOCIAL",)),
    ("carousel", ("VAT",), ("SOCIAL",)), ("splitting", ("VAT",), ("SOCIAL",)), ("shareholder_loans", ("PIT",), ("VAT", "CIT")), ("stock_manipulation", ("CIT",), ("VAT",)), ("land_costs", ("LVAT",), ("VAT",)),
]  # fmt: skip


def test_every_typology_is_held_to_the_tax_it_hides() -> None:
    assert {name for name, _, _ in TRACES} == set(NAMES) - {"honest"} and all(shows for _, shows, _ in TRACES)


@pytest.mark.parametrize(("name", "shows", "clean"), TRACES)
def test_each_typology_hides_its_own_tax(name: str, shows: tuple[str, ...], clean: tuple[str, ...]) -> None:
    c = counted(12000, 36)
    own = c.firms.typology == NAMES.index(name)
    assert own.sum() >= 8

    def share(tax: str) -> float:
        """Of what was due: declared too little, as long as the return was filed at all."""
        short = due = 0
        for r, w in zip(c.returns, c.conduct, strict=True):
            if r.tax == tax:
                filed = r.owed & (w.filed < 10**6) & ~r.mistake if name not in ("missing_trader", "invoice_mill") else r.owed
                short += int(np.where(filed, r.due - np.where(w.filed < 10**6, r.final["due"] - r.final.get("refund", 0), 0), 0)[own].sum())
                due += int(np.where(filed, np.abs(r.due), 0)[own].sum())
        return short / max(due, 1)

    for tax in shows:
        assert share(tax) > 0.02, (name, tax)
    for tax in clean:
        assert abs(share(tax)) < 0.02, (name, tax)


@pytest.mark.parametrize("name", ["china", "ausonia"])
def test_mills_sell_paper_to_those_who_buy_it_and_live_shortly(name: str) -> None:
    c = counted(3000, 24) if name == "china" else count(replace(world(3000, 24), country=load_country(name)))
    fake = c.bought.where(c.bought.kind == FAKE)
    sellers, buyers = firms(c.world, np.unique(fake.supplier)), firms(c.world, np.unique(fake.buyer))
    assert (sellers.typology == MILL).all() and np.isin(buyers.typology, (FICTITIOUS, EXPORTS)).all() and len(sellers) > 5
    assert (sellers.death - sellers.birth <= c.world.country.evasion.invoice_mill.lives[1]).all()
    shifted = c.bought.where(c.bought.kind == SHIFT)
    assert len(shifted) and (shifted.supplier // 4 == shifted.buyer // 4).all()
    assert (c.bought.kind == RELATED).any()  # honest groups trade with each other too


def spread(brokers: dict[str, float]) -> World:
    """China with carousels among more exporters: several brokers to a buffer."""
    w = with_evaders(world(3000, 36), 0.2, carousel=0.2)
    types = w.country.evasion.typologies
    more = types["carousel"].model_copy(update={"industries": {"*": 0.0, **brokers}})
    return replace(w, country=w.country.model_copy(update={"evasion": w.country.evasion.model_copy(update={"typologies": {**types, "carousel": more}})}))


CIRCLES = {"china": lambda: counted(9000, 36), "ausonia": lambda: count(replace(world(9000, 36), country=load_country("ausonia"))), "several brokers": lambda: count(spread({"5179": 1, "1819": 1}))}


@pytest.mark.parametrize("where", CIRCLES)
def test_a_circle_runs_from_a_missing_trader_over_a_buffer_to_a_broker_who_sends_it_abroad(where: str) -> None:
    c = CIRCLES[where]()
    circle = c.bought.where(c.bought.kind == CIRCLE)
    brokers, buffers = firms(c.world, np.unique(circle.buyer)), np.unique(circle.supplier)
    assert len(brokers) > 4 and (brokers.typology == CAROUSEL).all()
    into = c.bought.where(np.isin(c.bought.buyer, buffers) & (c.bought.serial >= 12))
    assert len(into) and (firms(c.world, np.unique(into.supplier)).typology == MISSING).all()
    place = np.searchsorted(c.firms.number, brokers.number)
    assert (c.books.exports[place].sum(axis=1) > 0).all()
    keys = np.stack([c.bought.supplier, c.bought.buyer, c.bought.month, c.bought.serial])
    assert np.unique(keys, axis=1).shape[1] == len(c.bought) and c.bought.serial.max() < 16  # every invoice has a number of its own
    sold, bought = (np.bincount(o.buyer if n else o.supplier, weights=o.net, minlength=len(c.firms))[buffers].sum() for n, o in enumerate((circle, into)))
    assert 0.5 < bought / sold < 1.0  # what brokers sent round was passed on, a little cheaper, as far as a missing trader lived


def test_one_business_on_four_papers_stays_below_the_limit_on_each() -> None:
    c = counted(9000, 36)
    split = np.flatnonzero(c.firms.typology == SPLIT)
    assert len(split) >= 8 and len(split) % 4 == 0
    f = c.firms.at(split)
    blocks = f.number.reshape(-1, 4) // 4
    assert (blocks == blocks[:, :1]).all() and (f.industry.reshape(-1, 4) == f.industry.reshape(-1, 4)[:, :1]).all()
    assert not f.general.any() and f.grouped.all() and (f.size * 12 < 5_000_000).all() and (f.size.reshape(-1, 4).sum(axis=1) * 12 > 3_000_000).all()


def test_firms_trade_both_ways_with_their_mirror_now_and_then() -> None:
    number = np.arange(400)
    assert (mirror(mirror(number)) == number).all() and (mirror(number) != number).all()


@pytest.mark.parametrize(("kind", "lower"), [(WAGES, "booked_heads"), (STOCK, "booked_stock"), (RENT, "booked_rent")])
def test_what_is_bent_is_bent_downwards(kind: int, lower: str) -> None:
    c = counted(9000, 36)
    own = c.firms.typology == kind
    true = getattr(c.books, lower.removeprefix("booked_"))
    assert (getattr(c.books, lower) <= true)[own].all() and (getattr(c.books, lower) < true)[own].any()


def test_taxes_are_paid_late_by_those_who_are_short_of_cash() -> None:
    c = counted(3000, 36)
    vat, paid = c.returns[0], c.conduct[0]
    poor = c.accounts.balance["bank_loans"] < 0
    due = vat.owed & (vat.first["due"] > 0) & (paid.filed < 10**6) & honest(c)[:, None]
    late = paid.paid > paid.ends[None, :] + 15
    assert late[due & poor].mean() > 2.5 * late[due & ~poor].mean() and late[due].mean() < 0.2


def test_profit_goes_to_the_sibling_that_makes_a_loss() -> None:
    c = counted(3000, 36)
    hosts = c.firms.number[c.firms.typology == SHIFTED]
    assert (c.accounts.profit[hosts + 1 - hosts % 4].sum(axis=1) < c.accounts.profit[hosts].sum(axis=1)).mean() > 0.4


def test_mills_pay_hardly_anything_for_light() -> None:
    c = counted(3000, 36)
    use = c.books.energy.sum(axis=1) / np.maximum(c.books.true_sales.sum(axis=1) / 100, 1)
    wholesale = honest(c) & (c.firms.industry == c.world.country.wholesale_number)
    mills = c.firms.typology == MILL
    assert np.median(use[mills & (use > 0)]) < np.median(use[wholesale & (use > 0)])


def test_what_was_done_to_a_firm_changes_its_future_only() -> None:
    before = counted(600, 24)
    evader = int(before.firms.number[(before.firms.typology == SUPPRESSED) & (before.firms.since < 6)][0])
    after = count(replace(before.world, acts=np.array([[evader, 12.0, 0.0, 0.0]])))
    row = before.books.hidden[evader]
    assert row[:12].any() and (after.books.hidden[evader][:12] == row[:12]).all() and not after.books.hidden[evader][12:].any()
    others = before.firms.number != evader
    assert (after.books.sales[others] == before.books.sales[others]).all()
