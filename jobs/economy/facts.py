"""What there is to know about a bucket's firms, and what an agency makes of it: papers, and whom they truly mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.agencies import Feed
from jobs.economy.audit_cases import Cases
from jobs.economy.audit_points import Points, audited
from jobs.economy.books import Books
from jobs.economy.filing import Conduct
from jobs.economy.firms import Firms
from jobs.economy.life import main_owner
from jobs.economy.returns import Returns
from jobs.economy.words import company_names, ids_of, person_names
from jobs.economy.world import World
from jobs.lake.arrays import Flags, Floats, Ints


@dataclass(frozen=True)
class Facts:
    """A bucket's firms, their books, returns and conduct, and the days after < day <= until that a file may speak of."""

    world: World
    firms: Firms
    books: Books
    made: list[tuple[Returns, Conduct]]
    after: int
    until: int

    @cached_property
    def audited(self) -> tuple[Cases, Points]:
        """The old system's cases and their points."""
        return audited(self.world, self.firms, self.made)

    @cached_property
    def ids(self) -> np.ndarray:
        """Tax ids."""
        return np.asarray(ids_of(self.world, self.firms))

    @cached_property
    def names(self) -> pa.Array:
        """Registered names."""
        return company_names(self.world, self.firms)

    @cached_property
    def owners(self) -> pa.Array:
        """Names of the main owners."""
        return person_names(self.world, main_owner(self.world, self.firms))

    @property
    def received(self) -> Ints:
        """Money that came into the firms' accounts, in cents: [firm, month]."""
        return self.books.received

    @property
    def spent(self) -> Ints:
        """Money that left them, taxes aside, in cents: [firm, month]."""
        return self.books.spent + self.taken

    @cached_property
    def taken(self) -> Ints:
        """Dividends that the owners got, less the tax withheld, in cents: [firm, month]."""
        lines = next(r.final for r, _ in self.made if r.form == "PIT-W")
        return np.asarray(lines["dividends"] - lines["dividend_due"])

    def within(self, day: Ints) -> Flags:
        """Which days the file may speak of."""
        return np.asarray((day > self.after) & (day <= self.until))


@dataclass(frozen=True)
class Sent:
    """Papers of one source, and whom they mean: the key by which the agency knows a party, or a paper, and the firm.

    Keys are all there are up to the horizon, whatever days the papers are of. `way`: how the party is written (spelling.py).
    """

    rows: pa.Table
    keys: pa.Array
    firm: Ints
    way: Ints


@dataclass(frozen=True)
class Reports:
    """Monthly figures as sent: account by position, month, day sent, and the factor by which the figure is wrong at first."""

    account: Ints
    month: Ints
    day: Ints
    slip: Floats

    def of(self, values: Ints) -> Ints:
        """The figures [account, month] as reported."""
        return np.rint(values[self.account, self.month] * self.slip).astype(np.int64)


def reports(facts: Facts, feed: Feed, source: str, key: Ints, there: Flags) -> Reports:
    """What an agency sends about accounts with these keys, in the months `there` [account, month]: each once, `restated` of them again."""
    c, t = facts.world.chance, np.arange(facts.world.horizon)
    ends = facts.world.last_day(t)
    near = (ends > facts.after - 900) & (ends <= facts.until)
    account, month = np.nonzero(there & near[None, :])
    k = key[account]
    day = ends[month] + c.whole(feed.delay_days[0], feed.delay_days[1] + 1, source + " delay", k, month)
    wrong = c.uniform(source + " restated", k, month) < feed.restated
    slip = np.where(wrong, c.between(0.3, 1.7, source + " slip", k, month), 1.0)
    again = np.flatnonzero(wrong)
    later = day[again] + c.whole(25, 61, source + " again", k[again], month[again])
    found = [np.concatenate(pair) for pair in ((account, account[again]), (month, month[again]), (day, later), (slip, np.ones(len(again))))]
    kept = facts.within(found[2])
    return Reports(*(values[kept] for values in found))


def serial(key: Ints, digits: int) -> pa.Array:
    """Numbers of up to ten digits that look unordered; different keys below 10**digits give different numbers (the stride is coprime to ten)."""
    mixed = key % 10**digits * 387_420_491 % 10**digits
    return pc.utf8_lpad(pc.cast(pa.array(mixed), pa.string()), digits, padding="0")
