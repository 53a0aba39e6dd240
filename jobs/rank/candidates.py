"""What is known of every taxpayer on the roster before the list is filled: level, points, barriers, treatment, pools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.conf import COMPREHENSIVE
from jobs.lake.arrays import Ints, positions
from jobs.lake.step import Night, Tables
from jobs.rank.barriers import Barriers, barriers
from jobs.rank.capacity import Capacity, Pool, planned, tonight
from jobs.rank.level import level_of
from jobs.rank.points import Gathered, gather, open_points, without_examined
from jobs.rank.roster import Roster, roster
from jobs.rank.treatment import Choice, choose


@dataclass(frozen=True)
class Pools:
    """The pools (office, treatment) of tonight and the pool of each (home office, treatment)."""

    names: list[Pool]
    slots: Ints
    home: Ints
    table: Ints  # [home, treatment] -> pool, -1: none

    def of(self, treatment: Ints) -> Ints:
        """The pool of each taxpayer for a treatment (its place among the planned ones), -1 where there is none."""
        return np.where((treatment >= 0) & (self.home >= 0), self.table[self.home, np.maximum(treatment, 0)], -1)


@dataclass(frozen=True)
class Candidates:
    """What is known of every taxpayer on the roster before the list is filled."""

    people: Roster
    level: Ints
    found: Gathered
    bars: Barriers
    choice: Choice
    pools: Pools
    comprehensive: int  # place of the treatment of a comprehensive examination, -1: not planned

    @property
    def comprehensive_pool(self) -> Ints:
        """The pool of each taxpayer for a comprehensive examination."""
        return self.pools.of(np.full(len(self.people.ids), self.comprehensive, dtype=np.int64))


def candidates(tables: Tables, night: Night) -> Candidates:
    """Gather what tonight's tables say of everyone on the roster.

    Reads taxpayer, score, risk_level, risk_point, outcome, case_event. A taxpayer without a point can only have a comprehensive examination.
    """
    treatments = planned(night.conf, night.as_of)
    places = {t: n for n, t in enumerate(treatments)}
    people = roster(tables["taxpayer"], tables["score"], night)
    procedures = frozenset(t.id for t in night.conf.treatments.values() if t.opens_procedure)
    points = without_examined(open_points(tables["risk_point"], night.as_of, night.conf), tables["outcome"], procedures)
    found = gather(points, people.ids, night.conf.register_, places)
    level = level_of(people.ids, tables["risk_level"])
    bars = barriers(tables["case_event"], people.ids, night)
    lone = np.asarray([not p for p in found.points], dtype=bool)
    alone = _alone(places, night)
    usual = np.where(lone, alone, found.usual)
    choice = choose(treatments, level, usual, found.fraud, bars.cooling, bars.limited)
    # without a point it is a comprehensive examination or nothing: a lighter treatment would have no fact to speak of
    strict = choice.allowed & (~lone[:, None] | (np.arange(len(places))[None, :] == alone))
    first = np.where(lone & (choice.first != alone), -1, choice.first)
    pools = _pools(tonight(night.conf, night.as_of, people.home, tables["case_event"]), people, list(treatments))
    return Candidates(people, level, found, bars, Choice(choice.names, first, strict), pools, alone)


def _alone(places: dict[str, int], night: Night) -> int:
    entry = night.conf.register_.get(COMPREHENSIVE)
    return places.get(entry.treatment, -1) if entry else -1


def _pools(capacity: Capacity, people: Roster, treatments: list[str]) -> Pools:
    names = sorted(capacity.slots)
    number = {pool: n for n, pool in enumerate(names)}
    homes = sorted({home for home, _ in capacity.acting})
    table = np.full((max(len(homes), 1), max(len(treatments), 1)), -1, dtype=np.int64)
    for (home, treatment), office in capacity.acting.items():
        if treatment in treatments:
            table[homes.index(home), treatments.index(treatment)] = number.get((office, treatment), -1)
    return Pools(names, np.asarray([capacity.slots[p] for p in names], dtype=np.int64), positions(people.home, homes), table)
