"""What registers send about firms: registration, taxes to file, owners. Every change is a record dated by its extraction."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jobs.economy.firms import Firms, firms
from jobs.economy.kinds import MILL
from jobs.economy.life import ended, event_day, first_seen, held_by_parent, main_owner, person_id, registered, second_owner
from jobs.economy.tables import days, papers, text
from jobs.economy.words import addresses, company_names, ids_of, person_names
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import Ints

_SCALES = np.array(["大型", "中型", "小型", "个体"])


def registry_papers(world: World, f: Firms) -> pa.Table:
    """Registration as first exported, then each move, change of representative and end."""
    last, noted = ended(world, f)
    moved, changed = event_day(world, f, "move", 0.04), event_day(world, f, "representative", 0.05)
    parts = []
    for when in (first_seen(world, f), moved, changed, noted):
        at = np.flatnonzero(when < NEVER)
        parts.append(_registry_rows(world, f, at, when[at], (moved[at] <= when[at]), (changed[at] <= when[at]), noted[at] <= when[at], last[at]))
    return pa.concat_tables(parts)


def _registry_rows(world: World, f: Firms, at: Ints, day: Ints, moved: np.ndarray, changed: np.ndarray, gone: np.ndarray, last: Ints) -> pa.Table:
    g = Firms(*(getattr(f, n)[at] for n in Firms.__dataclass_fields__))
    c, owner = world.chance, main_owner(world, g)
    office = np.where(g.segment == 0, 330298, g.region)
    status = np.where(gone, np.where(g.abnormal, "经营异常", "注销"), "存续")
    agents = max(4, world.taxpayers // 60)
    agent = np.where(g.typology == MILL, c.whole(0, 3, "agent", g.number), c.whole(0, agents, "agent", g.number))
    uses = (g.segment >= 2) & (c.uniform("uses agent", g.number) < 0.6)
    capital = np.where(g.typology == MILL, 100, np.maximum(3, np.round(g.size * c.between(0.5, 6, "capital", g.number) / 1e4))).astype(np.int64)
    columns = {
        "uscc": ids_of(world, g), "name": company_names(world, g), "type": np.where(g.individual, "个体工商户", "企业"),
        "industry": world.country.column("code")[g.industry], "district": text(g.region), "tax_office": text(office), "scale": _SCALES[g.segment],
        "ownership": np.array(["民营", "民营", "民营", "国有", "外资", "集体"])[c.pick([60, 15, 10, 6, 7, 2], "ownership", g.number)],
        "vat_kind": np.where(g.general, "一般纳税人", "小规模纳税人"), "established": days(registered(world, g)),
        "cancelled": days(np.where(gone & ~g.abnormal, last, NEVER)), "status": status,
        "contact.address": addresses(world, g, moved.astype(np.int64)), "contact.legal_rep": person_names(world, owner + 10**8 * changed),
        "agent": pa.array([f"A{n:06d}" if u else None for n, u in zip(agent.tolist(), uses.tolist(), strict=True)], pa.string()),
        "capital_wan": text(capital), "extracted_on": days(day),
    }
    return papers(day, columns)


def duty_papers(world: World, f: Firms) -> pa.Table:
    """Which taxes each firm must file and how often; closed with the firm."""
    last, noted = ended(world, f)
    parts = []
    vat = np.where(f.general, "M", "Q")
    for tax, frequency, has in (("VAT", vat, np.ones(len(f), dtype=bool)), ("CIT", np.full(len(f), "Y"), ~f.individual), ("PIT", np.full(len(f), "M"), np.ones(len(f), dtype=bool))):
        for when, closing in ((first_seen(world, f), False), (noted, True)):
            at = np.flatnonzero(has & (when < NEVER))
            until = np.where(f.abnormal[at], noted[at], last[at]) if closing else np.full(len(at), NEVER)
            head = {"taxpayer_id": ids_of(world, f)[at], "tax": tax, "frequency": frequency[at]}
            parts.append(papers(when[at], {**head, "valid_from": days(registered(world, f)[at]), "valid_to": days(until), "extracted_on": days(when[at])}))
    return pa.concat_tables(parts)


def ownership_papers(world: World, f: Firms) -> pa.Table:
    """Owners of enterprises: a person or a parent, often a second person, who may sell to the first."""
    c, seen, since = world.chance, first_seen(world, f), registered(world, f)
    parent = held_by_parent(world, f)
    second, has_second = second_owner(world, f)
    has_second &= ~f.individual & ~parent
    share = np.where(has_second, np.round(c.between(0.51, 0.9, "share", f.number), 2), 1.0)
    sold = np.where(has_second, event_day(world, f, "sold", 0.05), NEVER)
    host = firms(world, f.number // 4 * 4)
    people = [np.where(parent, "", person_id(world, main_owner(world, f))), np.array(person_id(world, second))]
    first_id = np.where(parent, ids_of(world, host), people[0])
    first_name = [a if p else b for p, a, b in zip(parent.tolist(), company_names(world, host).to_pylist(), person_names(world, main_owner(world, f)).to_pylist(), strict=True)]
    names = [np.array(first_name), np.array(person_names(world, second).to_pylist())]
    kind = np.where(parent, "法人", "自然人")
    one, two, gone = np.flatnonzero(~f.individual), np.flatnonzero(has_second), np.flatnonzero(sold < NEVER)
    rows = (
        (one, first_id, names[0], kind, share, seen, since, np.full(len(f), NEVER)),
        (two, people[1], names[1], np.full(len(f), "自然人"), np.round(1 - share, 2), seen, since, np.full(len(f), NEVER)),
        (gone, people[1], names[1], np.full(len(f), "自然人"), np.round(1 - share, 2), sold, since, sold - 10),
        (gone, first_id, names[0], kind, np.ones(len(f)), sold, since, np.full(len(f), NEVER)),
    )
    return pa.concat_tables([_owner_rows(world, f, *r) for r in rows])


def _owner_rows(world: World, f: Firms, at: Ints, owner: np.ndarray, name: np.ndarray, kind: np.ndarray, share: np.ndarray, when: Ints, since: Ints, until: Ints) -> pa.Table:
    columns = {
        "company.uscc": ids_of(world, f)[at], "owner.id": owner[at], "owner.name": name[at], "owner.kind": kind[at], "share": text(share[at]),
        "since": days(since[at]), "until": days(until[at]), "extracted_on": days(when[at]),
    }
    return papers(when[at], columns)
