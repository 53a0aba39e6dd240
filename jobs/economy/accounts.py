"""Double-entry books as written down: every event is posted to two accounts, so that a firm's balances sum to zero each month.

Payables and receivables run a month, taxes are paid the month after their period, and who runs out of cash borrows. Cents, [firm, month].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from jobs.economy.books import Books
from jobs.economy.dividends import dividends, withheld_on
from jobs.economy.firms import Firms, alive
from jobs.economy.returns import Returns
from jobs.economy.world import World
from jobs.lake.arrays import Floats, Ints

ASSETS = ("cash", "receivable", "owner_loans", "stock", "fixed", "input_pending", "unexplained")
LIABILITIES = ("payable", "vat", "taxes", "payroll", "bank_loans")
EQUITY = ("capital", "dividends")
PROFIT_AND_LOSS = ("sales", "cost", "wages", "expense", "tax_cost", "income_tax")
ACCOUNTS = ASSETS + LIABILITIES + EQUITY + PROFIT_AND_LOSS


@dataclass
class Journal:
    """Postings of a bucket: what each account gained (debit) less what it gave (credit), by month."""

    shape: tuple[int, int]
    moved: dict[str, Ints] = field(default_factory=dict)

    def post(self, debit: str, credit: str, cents: Ints) -> None:
        """One event, on two accounts. KeyError for an account nobody knows."""
        for account, sign in ((debit, 1), (credit, -1)):
            if account not in ACCOUNTS:
                raise KeyError(f"no account {account}")
            self.moved[account] = self.moved.get(account, np.zeros(self.shape, dtype=np.int64)) + sign * cents

    def balance(self, account: str) -> Ints:
        """Debit balance at each month's end."""
        return np.cumsum(self.moved.get(account, np.zeros(self.shape, dtype=np.int64)), axis=1)


@dataclass(frozen=True)
class Accounts:
    """Balances by account, debit positive; flows of the month for those of profit and loss, and dividends. `tax_cost` is the law's, on the books as written."""

    balance: Mapping[str, Ints]
    flow: Mapping[str, Ints]

    @property
    def profit(self) -> Ints:
        """Profit of the month before income tax."""
        return -np.asarray(sum(self.flow[n] for n in ("sales", "cost", "wages", "expense", "tax_cost")), dtype=np.int64)

    @property
    def assets(self) -> Ints:
        """All assets at the month's end, net of wear."""
        return np.asarray(sum(self.balance[n] for n in ASSETS), dtype=np.int64)

    @property
    def liabilities(self) -> Ints:
        """All that is owed at the month's end; a VAT credit counts against it."""
        return -np.asarray(sum(self.balance[n] for n in LIABILITIES), dtype=np.int64)

    @property
    def equity(self) -> Ints:
        """Capital and what was earned since, less what the owners took."""
        return -np.asarray(sum(self.balance[n] for n in EQUITY + PROFIT_AND_LOSS), dtype=np.int64)


def by_month(world: World, r: Returns, what: Ints) -> Ints:
    """A return's figures at the last month of each period: [firm, month]; periods not over are left out."""
    found = np.zeros((len(what), world.horizon), dtype=np.int64)
    for p, (_, last) in enumerate(r.months):
        if last < world.horizon:
            found[:, last] += np.where(r.owed[:, p], what[:, p], 0)
    return found


def costs(world: World, b: Books, made: Mapping[str, Returns], true: bool) -> Ints:
    """Taxes that are a cost of the firm, by month: stamp, property and land VAT, and the employer's contributions."""
    found = employers_part(world, (made["SOCIAL"].true if true else made["SOCIAL"].final)["due"])
    for tax in ("STAMP", "PROPERTY", "LVAT"):
        r = made[tax]
        found = found + by_month(world, r, r.true["due"] if true else _right(r))
    return np.asarray(found)


def employers_part(world: World, contributions: Ints) -> Ints:
    """The employer's part of a month's contributions, in cents; the rest is withheld from the employees: [firm, month]."""
    employer, employee = world.figure("social_employer"), world.figure("social_employee")
    return np.asarray(np.rint(contributions * (employer / (employer + employee))[None, :]), dtype=np.int64)


def _right(r: Returns) -> Ints:
    """What the books have it at: a slip of the pen in a return is none in the books."""
    return np.where(r.mistake, r.true["due"], r.final["due"])


def accounts(world: World, f: Firms, b: Books, vat: tuple[Ints, Ints, Ints], withheld: Ints, taxes: Ints, income: Ints) -> Accounts:
    """Post a bucket's books. `vat`: output, input claimed and refund by month; `withheld`: income tax and contributions of employees;
    `taxes`: taxes that are a cost; `income`: enterprise income tax, at each year's end.
    """
    works = alive(world, f)
    journal = Journal(works.shape)
    _trade(world, f, b, journal, vat)
    _running(b, journal, withheld, taxes, income)
    _opened(f, b, journal, works)
    flow = {n: journal.moved.get(n, np.zeros(works.shape, dtype=np.int64)) for n in PROFIT_AND_LOSS}
    flow["dividends"] = dividends(world, f, works, -np.asarray(sum(flow[n] for n in PROFIT_AND_LOSS if n != "income_tax")), income, journal.balance("cash"))
    _taken(world, journal, flow["dividends"])
    _borrowed(journal, works)
    return Accounts({n: journal.balance(n) for n in ACCOUNTS}, flow)


def _later(values: np.ndarray, months: int = 1) -> np.ndarray:
    """The same figures some months later."""
    found = np.zeros_like(values)
    found[:, months:] = values[:, : values.shape[1] - months]
    return found


def _trade(world: World, f: Firms, b: Books, j: Journal, vat: tuple[Ints, Ints, Ints]) -> None:
    output, claimed, refund = vat
    at_once = b.uninvoiced + b.bills["consumers"].sum("net", b.cost.shape)
    j.post("receivable", "sales", b.sales)
    j.post("receivable", "vat", output)
    paid = at_once + np.rint(output * (at_once / np.maximum(b.sales, 1))).astype(np.int64)
    j.post("cash", "receivable", paid)
    j.post("cash", "receivable", _later(b.sales + output - paid))
    # Goods: what the stock account needs so that it ends where the written stock does, honest firms by their purchases alone.
    works = alive(world, f)
    before = _later(works)
    came = b.booked_stock - _later(b.booked_stock) + b.booked_cost
    j.post("stock", "payable", b.purchases)
    j.post("stock", "unexplained", np.where(works & before, came - b.purchases, 0))
    j.post("capital", "stock", np.where(before & ~works, _later(b.booked_stock), 0))  # what is left goes to the owners
    j.post("cost", "stock", b.booked_cost)
    j.post("cost", "payable", b.fake)
    j.post("expense", "payable", b.related + b.own_use)
    on_invoices = b.input_tax + b.fake_tax + b.own_use_tax
    j.post("input_pending", "payable", on_invoices)
    j.post("input_pending", "cash", np.maximum(claimed - on_invoices, 0))  # vouchers that are no invoices, and what was invented
    j.post("vat", "input_pending", claimed)
    j.post("payable", "cash", _later(b.purchases + b.fake + b.related + b.own_use + on_invoices))
    net = output - claimed
    j.post("vat", "cash", _later(_due(net, refund)))
    j.post("cash", "vat", _later(refund, 2))


def _due(net: Ints, refund: Ints) -> Ints:
    """VAT to pay by month: output less input less what was carried forward."""
    due, credit = np.zeros_like(net), np.zeros(len(net), dtype=np.int64)
    for t in range(net.shape[1]):
        left = net[:, t] - credit
        due[:, t], credit = np.maximum(left, 0), np.maximum(-left, 0) - refund[:, t]
    return due


def _running(b: Books, j: Journal, withheld: Ints, taxes: Ints, income: Ints) -> None:
    j.post("wages", "payroll", b.booked_wages)
    j.post("payroll", "cash", b.booked_wages - withheld)
    j.post("payroll", "taxes", withheld)
    j.post("expense", "cash", b.booked_other)
    j.post("expense", "fixed", b.wear)
    j.post("fixed", "cash", b.wear)  # what wears out is replaced
    j.post("tax_cost", "taxes", taxes)
    j.post("taxes", "cash", _later(withheld + taxes))
    j.post("income_tax", "taxes", income)
    j.post("taxes", "cash", _later(income, 5))
    j.post("owner_loans", "cash", np.diff(b.owner_loans, axis=1, prepend=0))


def _opened(f: Firms, b: Books, j: Journal, works: np.ndarray) -> None:
    """What the owners brought in, in the first month: stock, machines, and cash for some weeks; more where that was not to suffice."""
    first = works & ~_later(works)
    j.post("stock", "capital", first * (b.booked_stock + b.booked_cost - b.purchases))
    j.post("fixed", "capital", first * np.rint(b.wear * 40).astype(np.int64) + first * b.value[:, None])
    j.post("cash", "capital", first * np.rint(f.size * 100 * 1.2).astype(np.int64)[:, None])


def _taken(world: World, j: Journal, amount: Ints) -> None:
    """What the owners took, less the tax withheld on it, which is paid the month after."""
    tax = withheld_on(world, amount)
    j.post("dividends", "cash", amount - tax)
    j.post("dividends", "taxes", tax)
    j.post("taxes", "cash", _later(tax))


def _borrowed(j: Journal, works: np.ndarray) -> None:
    """A bank lends what cash lacks, and gets it back when there is some."""
    cash = j.balance("cash")
    j.post("cash", "bank_loans", np.diff(np.maximum(-cash, 0), axis=1, prepend=0))


def short_of_cash(world: World, f: Firms, a: Accounts) -> Floats:
    """Chance that a firm cannot pay a month's taxes in time: low with money at hand, high where the bank already lends: [firm, month]."""
    size = np.maximum(f.size, 1.0)[:, None] * 100
    months = (a.balance["cash"] + a.balance["bank_loans"]) / size  # loans are negative
    luck = np.exp(0.5 * world.chance.normal("cash luck", f.number))[:, None]
    found = np.interp(months, [-3.0, -0.5, 0.0, 0.5], [0.45, 0.28, 0.10, 0.02]) * luck
    return np.asarray(np.clip(np.where(f.segment[:, None] == 0, found / 3, found), 0.0, 0.6))


