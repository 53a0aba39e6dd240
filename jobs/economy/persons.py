"""Who runs a firm: legal representative and financial officer, by household. An individual business is its owner's, who is the taxpayer.

A person is four times a household's number plus the member's: head, spouse, child, parent. Whoever owns, represents or keeps the books of
several firms is one person with one id; employees are numbers only. What is true stands in truth/person, the register's view in `officer`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jobs.economy.firms import Firms
from jobs.economy.kinds import FLEETING, MILL
from jobs.economy.life import MEMBERS, ended, event_day, first_seen, held_by_parent, main_owner, person_id, registered, second_owner
from jobs.economy.sites import agents
from jobs.economy.tables import days, papers
from jobs.economy.words import ids_of, person_names
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Ints

_HIRED, _NEXT, _STRAW, _ACCOUNTANT, _BOOKKEEPER, _OF_BLOCK = (n * 100_000_000 for n in range(11, 17))
REPRESENTATIVE, FINANCIAL, OPERATOR = "法定代表人", "财务负责人", "经营者"


def representatives(world: World, f: Firms) -> tuple[Ints, Ints, Ints]:
    """First legal representative, the one after him, and the day he takes over. A mill has a straw man; an individual business its owner, for good."""
    c, owner = world.chance, main_owner(world, f)
    second, has_second = second_owner(world, f)
    lot, manager = c.uniform("represents", f.number), np.where(f.segment == 0, 0.6, 0.08)
    first = np.where(lot < manager, (_HIRED + f.number) * MEMBERS, np.where((lot > 0.93) & has_second & ~held_by_parent(world, f), second, owner))
    first = np.where(f.individual, owner, np.where(f.typology == MILL, (_STRAW + f.number) * MEMBERS, first))
    heir = c.uniform("heir", f.number) < 0.35
    after = np.where(heir, owner // MEMBERS * MEMBERS + 2, (_NEXT + f.number) * MEMBERS)
    return first, after, np.where(f.individual, NEVER, event_day(world, f, "representative", 0.05))


def bookkeepers(world: World, f: Firms) -> tuple[Ints, Ints, Ints]:
    """First financial officer, the next, and the day of change: of three persons at the agent, of the group, or the firm's own."""
    c, agent = world.chance, agents(world, f)
    found = []
    for turn in (0, 1):
        at_agent = _ACCOUNTANT + agent * 3 + (np.where(np.isin(f.typology, FLEETING), 0, c.whole(0, 3, "accountant", f.number)) + turn) % 3
        of_group = f.grouped & (c.uniform("one bookkeeper", f.number // 4) < 0.6)
        own = np.where(of_group, _OF_BLOCK + f.number // 4 * 2 + turn, _BOOKKEEPER + f.number * 2 + turn)
        found.append(np.where(agent >= 0, at_agent, own) * MEMBERS)
    return found[0], found[1], event_day(world, f, "bookkeeper", 0.07)


def officer_papers(world: World, f: Firms) -> pa.Table:
    """Officers as first exported, each change (the old one's end, the new one's start), and the end of all with the firm."""
    seen, since, (_, noted) = first_seen(world, f), registered(world, f), ended(world, f)
    never, there_still = np.full(len(f), NEVER), noted > seen
    company, alone = ~f.individual & there_still, f.individual & there_still
    parts = []
    for role, there, (first, after, day) in (
        (REPRESENTATIVE, company, representatives(world, f)), (OPERATOR, alone, (main_owner(world, f), main_owner(world, f), never)), (FINANCIAL, company, bookkeepers(world, f)),
    ):  # fmt: skip
        changes, ends = there & (day < NEVER), there & (noted < NEVER)
        last, begun = np.where(day < noted, after, first), np.where(day < noted, day, since)
        rows = ((there, first, seen, since, never), (changes, first, day, since, day - 1), (changes, after, day, day, never), (ends, last, noted, begun, noted))
        parts += [(np.flatnonzero(mask), role, *values) for mask, *values in rows]
    at = np.concatenate([p[0] for p in parts])
    person, when, start, end = (np.concatenate([p[n][p[0]] for p in parts]) for n in range(2, 6))
    columns = {
        "company.uscc": ids_of(world, f)[at], "officer.id": person_id(world, person), "officer.name": person_names(world, person),
        "role": np.concatenate([np.full(len(p[0]), p[1]) for p in parts]), "since": days(start), "until": days(end), "extracted_on": days(when),
    }
    return papers(when, columns)


def person_table(world: World, f: Firms) -> pa.Table:
    """Truth: household, person, name, role and firm, whenever he had it. `taxpayer`: the person is the taxpayer himself."""
    company, owner = ~f.individual, main_owner(world, f)
    second, has_second = second_owner(world, f)
    (speaks, then, when), (keeps, next_, changed) = representatives(world, f), bookkeepers(world, f)
    roles = (
        ("main_owner", np.flatnonzero(~held_by_parent(world, f)), owner), ("second_owner", np.flatnonzero(has_second & company & ~held_by_parent(world, f)), second),
        ("legal_representative", np.flatnonzero(company), speaks), ("legal_representative", np.flatnonzero(when < NEVER), then),
        ("financial_officer", np.flatnonzero(company), keeps), ("financial_officer", np.flatnonzero(company & (changed < NEVER)), next_),
        ("taxpayer", np.flatnonzero(f.individual), owner),
    )  # fmt: skip
    at, person = np.concatenate([r[1] for r in roles]), np.concatenate([r[2][r[1]] for r in roles])
    role = np.concatenate([np.full(len(r[1]), r[0]) for r in roles])
    return pa.table({
        "household": pa.array(person // MEMBERS), "person": pa.array(person_id(world, person)), "name": person_names(world, person), "role": pa.array(role), "firm": pa.array(f.number[at]),
    })  # fmt: skip
