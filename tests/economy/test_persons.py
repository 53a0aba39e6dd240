"""Who is who: households, officers and owners, offices that firms move between, what firms share, and how registers tell of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs import conf as configuration
from jobs.economy.firms import Firms, firms
from jobs.economy.kinds import HONEST, MILL, SPLIT
from jobs.economy.life import MEMBERS, ended, main_owner, moved, office_of, person_id, region_on, registered, second_owner
from jobs.economy.papers_registry import ownership_papers, registry_papers
from jobs.economy.persons import FINANCIAL, OPERATOR, REPRESENTATIVE, bookkeepers, officer_papers, person_table, representatives
from jobs.economy.setting import load_country
from jobs.economy.sites import agents, phones
from jobs.economy.words import addresses, ids_of, person_names
from jobs.economy.world import World
from jobs.lake.arrays import day_number
from tests.economy.helpers import with_evaders, world

CONF = configuration.load(Path(__file__).parents[2] / "conf")


@lru_cache(maxsize=1)
def people() -> tuple[World, Firms]:
    w = with_evaders(world(4000, 36, start=date(2023, 1, 1)), 0.16, splitting=0.06)  # four papers and mills enough to look at
    evasion = w.country.evasion
    often = evasion.model_copy(update={"invoice_mill": evasion.invoice_mill.model_copy(update={"every": 5})})
    w = replace(w, country=w.country.model_copy(update={"evasion": often}))
    return w, firms(w, np.arange(w.population))


@lru_cache(maxsize=3)
def told(papers: Any) -> dict[str, list[dict[str, Any]]]:
    """What a register sends, by taxpayer."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in papers(*people()).sort_by("_day").to_pylist():
        found[row.get("uscc") or row["company.uscc"]].append(row)
    return dict(found)


def in_office(rows: list[dict[str, Any]], role: str, day: str) -> set[str]:
    """Who held an office by what had been sent by a day."""
    last = {r["officer.id"]: r for r in rows if r["role"] == role and r["extracted_on"] <= day}
    return {person for person, r in last.items() if r["until"] is None or r["until"] > day}


def test_a_living_enterprise_has_one_representative_and_one_financial_officer_on_every_day() -> None:
    (w, f), rows = people(), told(officer_papers)
    ids, last, seen = ids_of(w, f), ended(w, f)[0], 0
    for day in ("2023-06-30", "2024-06-30", "2025-12-31"):
        at = day_number(date.fromisoformat(day))
        for n in np.flatnonzero((registered(w, f) <= at) & (last > at)):
            roles = (OPERATOR,) if f.individual[n] else (REPRESENTATIVE, FINANCIAL)
            assert all(len(in_office(rows[ids[n]], role, day)) == 1 for role in roles), (ids[n], day)
            assert {r["role"] for r in rows[ids[n]]} == set(roles)
            seen += 1
    assert seen > 7000


def test_offices_end_with_the_firm_and_nothing_is_told_before_it_happens() -> None:
    (w, f), rows = people(), told(officer_papers)
    noted, gone = ended(w, f)[1], 0
    for n, one in enumerate(ids_of(w, f).tolist()):
        if noted[n] <= day_number(w.through):
            assert not any(in_office(rows.get(one, []), role, "2100-01-01") for role in (REPRESENTATIVE, FINANCIAL, OPERATOR))
            gone += 1
        assert all(r["since"] <= r["extracted_on"] and (r["until"] is None or r["since"] <= r["until"] <= r["extracted_on"]) for r in rows.get(one, []))
    assert gone > 100


def test_the_registry_names_the_representative_in_office() -> None:
    (w, f), rows = people(), told(officer_papers)
    names = {r["officer.id"]: r["officer.name"] for found in rows.values() for r in found}
    checked = Counter[bool]()
    for one, versions in told(registry_papers).items():
        for v in versions:
            held = in_office(rows.get(one, []), REPRESENTATIVE, v["extracted_on"]) | in_office(rows.get(one, []), OPERATOR, v["extracted_on"])
            if held:  # not on the day of the end
                assert v["contact.legal_rep"] == names[held.pop()]
                checked[v["extracted_on"] > versions[0]["extracted_on"]] += 1
    assert checked[False] > 3000 and checked[True] > 100
    changed = representatives(w, f)[2] <= day_number(w.through)
    assert 0.04 < changed[~f.individual & (f.birth < 0)].mean() < 0.3


def test_an_individual_business_is_its_owner() -> None:
    (w, f), rows = people(), told(officer_papers)
    owner, ids = person_id(w, main_owner(w, f)), ids_of(w, f)
    own = np.flatnonzero(f.individual)
    assert len(own) > 400 and all({r["officer.id"] for r in rows[ids[n]]} == {owner[n]} for n in own if ids[n] in rows)
    assert sum(ids[n] in rows for n in own) > 0.7 * len(own)  # the others had ended before the files began
    truth = [r for r in person_table(w, f).to_pylist() if r["role"] == "taxpayer"]
    assert {(r["firm"], r["person"]) for r in truth} == {(int(f.number[n]), str(owner[n])) for n in own}
    sent = told(ownership_papers)
    assert not any(ids[n] in sent for n in own)  # nobody owns shares of it


def test_truth_has_one_household_name_and_id_for_a_person_and_everybody_the_registers_name() -> None:
    w, f = people()
    truth = person_table(w, f).to_pylist()
    known: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for r in truth:
        known[r["person"]].add((r["household"], r["name"]))
    assert all(len(v) == 1 for v in known.values()) and len(known) > 6000
    offices = {(r["company.uscc"], r["officer.id"]) for rows in told(officer_papers).values() for r in rows}
    owners = {(r["company.uscc"], r["owner.id"]) for rows in told(ownership_papers).values() for r in rows if r["owner.kind"] == "自然人"}
    ids = dict(zip(f.number.tolist(), ids_of(w, f).tolist(), strict=True))
    assert offices | owners <= {(ids[r["firm"]], r["person"]) for r in truth}
    households = Counter(h for v in known.values() for h, _ in v)
    assert sum(n > 1 for n in households.values()) > 200  # couples and heirs


def test_couples_own_together_and_accountants_serve_many() -> None:
    w, f = people()
    second, there = second_owner(w, f)
    together = second // MEMBERS == main_owner(w, f) // MEMBERS
    assert 0.35 < together[there].mean() < 0.55
    assert (second != main_owner(w, f))[there].all()
    names = [person_names(w, p).to_pylist() for p in (main_owner(w, f), main_owner(w, f) // MEMBERS * MEMBERS + 2)]
    assert all(a[0] == b[0] for a, b, alone in zip(*names, (main_owner(w, f) % MEMBERS == 0).tolist(), strict=True) if alone)  # a child has the father's surname
    serves = Counter(bookkeepers(w, f)[0][~f.individual].tolist())
    assert sum(n for n in serves.values() if n > 3) / sum(serves.values()) > 0.3
    speaks = Counter(representatives(w, f)[0][(f.typology == HONEST) & ~f.individual & ~f.grouped].tolist())
    assert sum(n for n in speaks.values() if n > 1) / sum(speaks.values()) < 0.1


def test_ids_of_persons_do_not_meet() -> None:
    made = person_id(people()[0], np.arange(300_000)).tolist()
    assert len(set(made)) == 300_000 and all(len(i) == 13 and i[0] == "P" for i in made)


def test_mills_have_straw_men_and_share_address_telephone_and_accountant() -> None:
    w, f = people()
    mill, honest = f.typology == MILL, (f.typology == HONEST) & (f.segment >= 2) & ~f.grouped
    straw = representatives(w, f)[0][mill]
    assert len(set(straw.tolist())) == mill.sum() > 30
    where, agent, phone = np.array(addresses(w, f, np.zeros(len(f), dtype=np.int64)).to_pylist()), agents(w, f), np.array(phones(w, f, main_owner(w, f)).to_pylist())
    for shared in (where, agent, phone):
        assert alike(shared, mill) > 3 * alike(shared, honest) + 0.2
    assert len(set(agent[mill].tolist())) <= 4 and set(agent[mill].tolist()) & set(agent[honest].tolist())  # their accountants have honest clients too


def alike(values: np.ndarray, who: np.ndarray) -> float:
    """Share of the firms that have the value of another one among forty of theirs."""
    taken = values[np.flatnonzero(who)[:40]]
    counts = Counter(taken.tolist())
    counts.pop(-1, None)
    return sum(n for n in counts.values() if n > 1) / len(taken)


def test_a_business_on_four_papers_sits_at_one_address_with_one_telephone_and_one_accountant() -> None:
    w, f = people()
    split = np.flatnonzero(f.typology == SPLIT)
    blocks = f.number[split] // 4
    assert len(set(blocks.tolist())) > 3
    found = {"address": addresses(w, f, np.zeros(len(f), dtype=np.int64)).to_pylist(), "agent": agents(w, f).tolist(), "phone": phones(w, f, main_owner(w, f)).to_pylist()}
    for values in found.values():
        assert len({(int(b), values[n]) for b, n in zip(blocks, split.tolist(), strict=True)}) == len(set(blocks.tolist()))
    honest = np.flatnonzero((f.typology == HONEST) & f.grouped & (f.number < w.taxpayers))
    at = [found["address"][n] for n in honest.tolist()]
    assert 0.2 < sum(n for n in Counter(at).values() if n > 1) / len(at) < 0.8  # groups share one too


def test_telephones_are_nobodys() -> None:
    w, f = people()
    assert all(len(p) == 11 and p.startswith("12") for p in phones(w, f, main_owner(w, f)).to_pylist())


def test_firms_move_and_the_register_has_the_new_district_and_office_from_that_day() -> None:
    (w, f), sent = people(), told(registry_papers)
    when, ids, away = moved(w, f), ids_of(w, f), 0
    for n in np.flatnonzero(when <= day_number(w.through)):
        for v in sent[ids[n]]:
            day = day_number(date.fromisoformat(v["extracted_on"]))
            region = int(region_on(w, f.at(np.array([n])), np.array([day]))[0])
            assert (int(v["district"]), int(v["tax_office"])) == (region, w.country.place.large_office if f.segment[n] == 0 else region)
            assert v["tax_branch"] is None if f.segment[n] == 0 else v["tax_branch"].startswith(str(region))
        first, last = sent[ids[n]][0], sent[ids[n]][-1]
        assert first["contact.address"] != last["contact.address"] and first["uscc"] == last["uscc"]
        away += first["district"] != last["district"]
    moves = int((when <= day_number(w.through)).sum())
    assert moves > 150 and abs(away / moves - w.country.place.moving.away) < 0.12
    before, after = (region_on(w, f, when + n) for n in (-1, 0))
    assert (before == f.region).all() and (office_of(w, f, after)[f.segment == 0] == w.country.place.large_office).all()


def test_the_countrys_offices_are_those_of_the_administration() -> None:
    """Branches are the country's alone: the administration's tree ends at the district."""
    known = {o.id: (o.parent, o.kind, o.regions) for o in CONF.offices}
    tree = load_country("china").place.offices
    upper = {o.id: (o.parent, o.kind, o.regions) for o in tree if len(o.id) == 6}
    assert upper == known
    branches = [o for o in tree if len(o.id) == 8]
    assert len(branches) == 14 and all(o.parent == o.id[:6] in known for o in branches)
    for n, o in enumerate(tree):
        assert o.parent is None or o.parent in {p.id for p in tree[:n]}


@pytest.mark.parametrize("papers", [registry_papers, officer_papers, ownership_papers])
def test_what_is_said_of_a_firm_does_not_hang_on_who_else_is_counted(papers: Any) -> None:
    w, f = people()
    some = f.at(np.isin(f.number // 4, np.arange(0, 1000, 7)))
    alone, all_ = papers(w, some), papers(w, f)
    ids = set(ids_of(w, some).tolist())
    key = "uscc" if papers is registry_papers else "company.uscc"
    mask = pa.array([i in ids for i in all_[key].to_pylist()])
    assert sorted(map(str, alone.to_pylist())) == sorted(map(str, all_.filter(mask).to_pylist())) and alone.num_rows > 300
