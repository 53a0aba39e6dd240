"""What registers send about firms: registration, taxes to file, owners. Every change is a record dated by its extraction."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.firms import Firms, firms
from jobs.economy.kinds import MILL
from jobs.economy.life import (
    ended,
    event_day,
    first_seen,
    held_by_parent,
    main_owner,
    main_share,
    moved,
    office_of,
    person_id,
    region_after,
    registered,
    second_owner,
)
from jobs.economy.persons import representatives
from jobs.economy.sites import agent_ids, agents, phones
from jobs.economy.tables import days, papers, text
from jobs.economy.words import addresses, agent_names, company_names, ids_of, person_names
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Flags, Ints

_SCALES = np.array(["大型", "中型", "小型", "个体"])


def registry_papers(world: World, f: Firms) -> pa.Table:
    """Registration as first exported, then each move, change of representative and end."""
    last, noted = ended(world, f)
    move = moved(world, f)
    first, after, changed = representatives(world, f)
    whens = (first_seen(world, f), move, changed, noted)
    at = np.concatenate([np.flatnonzero(when < NEVER) for when in whens])
    day = np.concatenate([when[when < NEVER] for when in whens])
    gone = noted[at] <= day
    return _registry_rows(world, f.at(at), day, move[at] <= day, np.where(changed[at] <= day, after[at], first[at]), gone, np.where(gone & ~f.abnormal[at], last[at], NEVER))


def _registry_rows(world: World, g: Firms, day: Ints, has_moved: Flags, speaks: Ints, gone: Flags, closed: Ints) -> pa.Table:
    c, region, agent = world.chance, region_after(world, g, has_moved), agents(world, g)
    money = world.country.money
    capital = np.where(g.typology == MILL, money.shell_capital, np.maximum(money.least_capital, g.size * c.between(0.5, 6, "capital", g.number)))
    columns = {
        "uscc": ids_of(world, g), "name": company_names(world, g), "type": np.where(g.individual, "个体工商户", "企业"),
        "industry": world.country.column("code")[g.industry], "district": text(region), "tax_office": text(office_of(world, g, region)), "tax_branch": _branches(world, g, region),
        "scale": _SCALES[g.segment], "ownership": np.array(["民营", "民营", "民营", "国有", "外资", "集体"])[c.pick([60, 15, 10, 6, 7, 2], "ownership", g.number)],
        "vat_kind": np.where(g.general, "一般纳税人", "小规模纳税人"), "established": days(registered(world, g)), "cancelled": days(closed),
        "status": np.where(gone, np.where(g.abnormal, "经营异常", "注销"), "存续"), "contact.address": addresses(world, g, has_moved.astype(np.int64)),
        "contact.legal_rep": person_names(world, speaks), "contact.phone": phones(world, g, main_owner(world, g)),
        "agent": agent_ids(agent), "agent_name": pc.if_else(pa.array(agent >= 0), agent_names(world, agent), pa.scalar(None, pa.string())),
        "capital_wan": text(np.round(capital / 10_000).astype(np.int64)), "extracted_on": days(day),
    }
    return papers(day, columns)


def _branches(world: World, g: Firms, region: Ints) -> pa.Array:
    """Branch of the district's tax office; null where it has none and for large firms."""
    count = np.array([d.branches for d in world.country.place.districts])[np.searchsorted(world.country.regions, region)]
    branch = region * 100 + 1 + np.floor(world.chance.uniform("branch", g.number) * count).astype(np.int64)
    return pc.if_else(pa.array((count > 0) & (g.segment > 0)), text(branch), pa.scalar(None, pa.string()))


def duty_papers(world: World, f: Firms) -> pa.Table:
    """Which taxes each firm must file and how often; closed with the firm."""
    last, noted = ended(world, f)
    seen, since, until = first_seen(world, f), registered(world, f), np.where(f.abnormal, noted, last)
    every = np.ones(len(f), dtype=bool)
    parts = []
    for tax, frequency, has in (("VAT", np.where(f.general, "M", "Q"), every), ("CIT", np.full(len(f), "Y"), ~f.individual), ("PIT", np.full(len(f), "M"), every)):
        parts += [(at, tax, frequency[at], when[at], to[at]) for when, to in ((seen, np.full(len(f), NEVER)), (noted, until)) for at in (np.flatnonzero(has & (when < NEVER)),)]
    at, frequency, when, to = (np.concatenate([p[n] for p in parts]) for n in (0, 2, 3, 4))
    head = {"taxpayer_id": ids_of(world, f)[at], "tax": np.repeat([p[1] for p in parts], [len(p[0]) for p in parts]), "frequency": frequency}
    return papers(when, {**head, "valid_from": days(since[at]), "valid_to": days(to), "extracted_on": days(when)})


def ownership_papers(world: World, f: Firms) -> pa.Table:
    """Owners of enterprises: a person or a parent, often a second person, who may sell to the first."""
    seen, since, never = first_seen(world, f), registered(world, f), np.full(len(f), NEVER)
    parent, main = held_by_parent(world, f), main_owner(world, f)
    second, has_second = second_owner(world, f)
    has_second &= ~f.individual & ~parent
    share = main_share(world, f)
    sold = np.where(has_second, event_day(world, f, "sold", 0.05), NEVER)
    host = firms(world, f.number // 4 * 4)
    ids = (np.where(parent, ids_of(world, host), person_id(world, main)), person_id(world, second))
    names = (pc.if_else(pa.array(parent), company_names(world, host), person_names(world, main)), person_names(world, second))
    kinds, left = (np.where(parent, "法人", "自然人"), np.full(len(f), "自然人")), np.round(1 - share, 2)
    one, two, gone = np.flatnonzero(~f.individual), np.flatnonzero(has_second), np.flatnonzero(sold < NEVER)
    spans = (one, two, gone, gone)  # both as first exported; then the second as having sold, and the first with all
    at, who = np.concatenate(spans), np.repeat([0, 1, 1, 0], [len(s) for s in spans])
    cells = ((share, left, left, np.ones(len(f))), (seen, seen, sold, sold), (never, never, sold - 10, never))
    held, when, until = (np.concatenate([v[s] for v, s in zip(values, spans, strict=True)]) for values in cells)
    columns = {
        "company.uscc": ids_of(world, f)[at], "owner.id": np.where(who == 0, ids[0][at], ids[1][at]),
        "owner.name": pc.if_else(pa.array(who == 0), names[0].take(pa.array(at)), names[1].take(pa.array(at))), "owner.kind": np.where(who == 0, kinds[0][at], kinds[1][at]),
        "share": text(held), "since": days(since[at]), "until": days(until), "extracted_on": days(when),
    }
    return papers(when, columns)
