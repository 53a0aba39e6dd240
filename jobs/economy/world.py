"""What fixes a country: size, time, seed, and what was done to its firms. Everything else follows by keyed hashes."""

from __future__ import annotations

import json
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from jobs.economy.chance import Chance
from jobs.economy.setting import SLOTS, Country, Law, usual
from jobs.lake.arrays import Floats, Ints

TAXES = ("VAT", "CIT", "PIT", "SOCIAL", "STAMP", "PROPERTY", "LVAT")
NEVER = 10**6  # a month or day number later than any
ACT_FACTOR, ACT_SHUT, ACT_START = range(3)


@dataclass(frozen=True)
class World:
    """A country on a day. Months are numbered from `start` (month 0), a first of January; days from 1970-01-01.

    `opens`: the day the files begin. What was before it is counted (a year's income needs its January) and not sent.
    `acts`: what was done to firms, rows of (firm, month, factor, kind): from that month on evasion (an honest firm's carelessness) is multiplied
    by the factor (kind ACT_FACTOR), the firm is shut down (ACT_SHUT), or an honest firm starts to evade, as far as the factor says (ACT_START).
    `corrections`: what firms put right when told, rows of (firm, tax by position in TAXES, first day, last day of the periods, day it
    happens, 1 when it is only paid and not declared anew).
    """

    taxpayers: int
    months: int
    seed: int
    start: date
    opens: date
    through: date
    acts: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    corrections: Floats = field(default_factory=lambda: np.zeros((0, 6)))
    country: Country = field(default_factory=usual)

    @property
    def chance(self) -> Chance:
        """The country's draws."""
        return Chance(self.seed)

    @property
    def births(self) -> int:
        """Firms registered in each month after the first `months`."""
        return max(1, round(self.taxpayers * self.country.births))

    @property
    def horizon(self) -> int:
        """Months counted: through the month of `through`."""
        return month_number(self, self.through) + 1

    @property
    def population(self) -> int:
        """Firms ever registered up to the horizon."""
        return self.taxpayers + self.births * max(0, self.horizon - self.months)

    @property
    def buckets(self) -> int:
        """Tasks the country is counted in; fixed by its size, so that no file depends on partitions."""
        return max(2, -(-self.taxpayers // 2000))

    @property
    def ranks(self) -> int:
        """Size ranks: every rank holds 20 firms, one per slot."""
        return max(1, self.taxpayers // SLOTS)

    def firms_of(self, bucket: int) -> Ints:
        """Numbers of the firms of a bucket; blocks of four stay together."""
        numbers = np.arange(self.population, dtype=np.int64)
        return np.asarray(numbers[self.bucket_of(numbers) == bucket])

    def bucket_of(self, firm: Ints) -> Ints:
        """Bucket of firms."""
        return np.asarray(firm // 4 % self.buckets)

    def figure(self, name: str) -> Floats:
        """A figure of the law in force on the first day of each month: [month]."""
        return np.array([getattr(self.law_of(t), name) for t in range(self.horizon)], dtype=np.float64)

    def vat(self) -> Ints:
        """VAT rates in per cent by industry and month: [industry, month]."""
        classes = [i.vat for i in self.country.industries]
        return np.array([[self.law_of(t).vat[one] for t in range(self.horizon)] for one in classes], dtype=np.int64)

    def service_rate(self) -> Ints:
        """VAT rate in per cent on services between firms of one owner, by month: of the class `services`, or the highest where none is so called."""
        return np.array([self.law_of(t).vat.get("services", max(self.law_of(t).vat.values())) for t in range(self.horizon)], dtype=np.int64)

    def laws(self) -> list[tuple[Law, slice]]:
        """Each law in force within the horizon, with the months it holds for."""
        found: list[tuple[Law, slice]] = []
        for t in range(self.horizon):
            law = self.law_of(t)
            if found and found[-1][0] is law:
                found[-1] = (law, slice(found[-1][1].start, t + 1))
            else:
                found.append((law, slice(t, t + 1)))
        return found

    def law_of(self, month: int) -> Law:
        """The law in force on the first day of a month."""
        day = date(self.start.year + month // 12, month % 12 + 1, 1)
        return next((entry for entry in reversed(self.country.law) if entry.valid_from <= day), self.country.law[0])

    def first_day(self, month: Any) -> Ints:
        """Day number of the first day of months."""
        starts = np.array(month).astype(np.int64) + (self.start.year - 1970) * 12 + self.start.month - 1
        return np.asarray(starts.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64))

    def last_day(self, month: Any) -> Ints:
        """Day number of the last day of months."""
        return self.first_day(np.asarray(month) + 1) - 1

    def factor(self, firms: Ints) -> Floats:
        """How far evasion goes on after what was done to each firm: [firm, month], 1 where nothing was."""
        found = np.ones((len(firms), self.horizon))
        acts = self._acts(ACT_FACTOR)
        at, row = _matches(firms, acts[:, 0])
        if not len(at):
            return found
        month = np.maximum(acts[row, 1].astype(np.int64), 0)
        near = month < self.horizon
        np.multiply.at(found, (at[near], month[near]), acts[row[near], 2])
        return np.asarray(np.cumprod(found, axis=1), dtype=np.float64)

    def shut(self, firms: Ints) -> Ints:
        """Month in which the authorities shut each firm down; NEVER when they did not."""
        found = np.full(len(firms), NEVER, dtype=np.int64)
        acts = self._acts(ACT_SHUT)
        at, row = _matches(firms, acts[:, 0])
        np.minimum.at(found, at, acts[row, 1].astype(np.int64))
        return found

    def started(self, firms: Ints) -> tuple[Ints, Floats]:
        """Month in which each honest firm starts to evade, NEVER when it does not, and how far."""
        month, far = np.full(len(firms), NEVER, dtype=np.int64), np.ones(len(firms))
        acts = self._acts(ACT_START)
        acts = acts[np.argsort(-acts[:, 1], kind="stable")]  # the earliest is written last
        at, row = _matches(firms, acts[:, 0])
        month[at], far[at] = acts[row, 1].astype(np.int64), acts[row, 2]
        return month, far

    def _acts(self, kind: int) -> Floats:
        return np.asarray(self.acts[self.acts[:, 3] == kind])

    def corrected(self, firms: Ints, tax: str, starts: Ints, ends: Ints, only_paid: bool) -> Ints:
        """Day on which each period of a tax is corrected (or only paid): [firm, period], NEVER where it is not."""
        found = np.full((len(firms), len(starts)), NEVER, dtype=np.int64)
        rows = self.corrections[(self.corrections[:, 1] == TAXES.index(tax)) & (self.corrections[:, 5] == float(only_paid))]
        at, row = _matches(firms, rows[:, 0])
        first, last, day = (rows[row, n].astype(np.int64)[:, None] for n in (2, 3, 4))
        np.minimum.at(found, at, np.where((starts[None, :] >= first) & (ends[None, :] <= last), day, NEVER))
        return found

    def save(self, truth: Path) -> None:
        """Write world.json under truth/."""
        content = {"taxpayers": self.taxpayers, "months": self.months, "seed": self.seed, "country": self.country.model_dump(mode="json"), "start": str(self.start), "opens": str(self.opens), "through": str(self.through), "acts": self.acts.tolist(), "corrections": self.corrections.tolist()}
        (truth / "world.json").write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, truth: Path) -> World:
        """Read world.json. FileNotFoundError when the folder is no country."""
        path = truth / "world.json"
        if not path.is_file():
            raise FileNotFoundError(f"{truth.parent}: is no country (no truth/world.json); make one with `assay economy`")
        content = json.loads(path.read_text(encoding="utf-8"))
        acts = np.array(content["acts"], dtype=np.float64).reshape(-1, 4)
        corrections = np.array(content["corrections"], dtype=np.float64).reshape(-1, 6)
        start, opens, through = (date.fromisoformat(content[name]) for name in ("start", "opens", "through"))
        return cls(content["taxpayers"], content["months"], content["seed"], start, opens, through, acts, corrections, Country.model_validate(content["country"]))


def _matches(firms: Ints, done: Floats) -> tuple[Ints, Ints]:
    """Each pair of a position in `firms` and a row about that firm; rows of one firm in their order."""
    if not len(done) or not len(firms):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    numbers = done.astype(np.int64)
    order = np.argsort(numbers, kind="stable")
    low, high = (np.searchsorted(numbers[order], firms, side=side) for side in ("left", "right"))
    count = high - low
    at = np.repeat(np.arange(len(firms)), count)
    place = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    return at, order[low[at] + place]


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or the month's last."""
    total = day.year * 12 + day.month - 1 + months
    year, month = total // 12, total % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def month_number(world: World, day: date) -> int:
    """Month number of a day."""
    return (day.year - world.start.year) * 12 + day.month - world.start.month
