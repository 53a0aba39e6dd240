"""The old system is biased as it says and random where it says; examiners see part; cases end in all their ways; treatments work by cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from jobs.conf.base import ConfError
from jobs.economy.aftermath import aftermath, care_after, evasion_after
from jobs.economy.audit_cases import INTERVIEW, Cases, fleeting, month_of, old_cases, scope, spotted
from jobs.economy.audit_points import Points, Sequel, audited, book_of, fallen, instalments, old_points, sequel
from jobs.economy.choosing import CAMPAIGN, RANDOM, SOURCES, chosen, random_chance, years_of
from jobs.economy.effects import EFFECT, effect_table, untreated
from jobs.economy.findings import CONFIRMED, EXCLUDED, IN_PART, NEW
from jobs.economy.firms import Firms, firms, settled
from jobs.economy.inspectors import skill
from jobs.economy.kinds import CAUSES, HONEST, NAMES
from jobs.economy.papers_audits import audit_papers
from jobs.economy.reactions import CARELESS, KEEPS_BELOW, REACTIONS, STARTS, STOPS
from jobs.economy.schedule import careless, evading
from jobs.economy.setting import Country, usual
from jobs.economy.truth import Ledger
from jobs.economy.world import ACT_FACTOR, ACT_SHUT, ACT_START, NEVER, TAXES, World
from tests.economy.helpers import Counted, count, counted, with_evaders, world
from tests.economy.policies import hidden, live

N = 20_000


@lru_cache(maxsize=1)
def old() -> tuple[World, Firms, np.ndarray, np.ndarray]:
    """Twenty thousand firms, and which were pushed from which list: [firm, year]."""
    w = world(N, 36)
    f = firms(w, np.arange(N))
    day, source = chosen(w, f)
    return w, f, day < NEVER, source


def within(hits: int, n: int, p: float, level: float = 1e-4) -> bool:
    """Is the count inside what a binomial of this chance gives, but for one time in ten thousand?"""
    low, high = binom.interval(1 - level, n, p)
    return bool(low <= hits <= high)


def changed_country(**update: Any) -> Country:
    country = usual()
    return country.model_copy(update={"enforcement": country.enforcement.model_copy(update=update)})


def test_each_list_has_its_share_of_the_cases() -> None:
    w, _, there, source = old()
    total, shares = int(there.sum()), w.country.enforcement.sources
    for n, name in enumerate(SOURCES):
        cases = int((there & (source == n)).sum())
        # the list's own chances are measured on a sample of firms: their scale is right within a tenth
        assert any(within(cases, total, shares[name] * s) for s in (0.9, 0.95, 1.0, 1.05, 1.1)), (name, cases / total)


def test_shares_follow_the_settings() -> None:
    shares = {"rule": 0.1, "campaign": 0.1, "random": 0.5, "tip_off": 0.1, "assigned": 0.1, "self_selected": 0.05, "transferred": 0.05}
    w = replace(world(6000, 36), country=changed_country(sources=shares, yearly=0.2))
    day, source = chosen(w, firms(w, np.arange(6000)))
    there = day < NEVER
    assert abs((source[there] == RANDOM).mean() - 0.5) < 0.06
    assert there.sum() > 1.5 * (chosen(world(6000, 36), firms(world(6000, 36), np.arange(6000)))[0] < NEVER).sum()


def test_the_random_programme_takes_everybody_with_the_same_chance() -> None:
    """Of those eligible on the day of the draw, whatever they do and wherever they are: no group departs from the one known chance."""
    shares = {"rule": 0.2, "campaign": 0.1, "random": 0.5, "tip_off": 0.1, "assigned": 0.05, "self_selected": 0.03, "transferred": 0.02}
    w = replace(world(N, 36), country=changed_country(sources=shares, yearly=0.4, random_rest_years=0))
    f = settled(w, np.arange(N))  # as they are before a clean audit tempts some: those were drawn more often, of course
    day, source = chosen(w, f)
    draw, p, groups = years_of(w).draw, random_chance(w), 0
    for y in np.flatnonzero(draw < NEVER):
        eligible = (f.birth + 6 <= draw[y]) & (f.death > draw[y])
        drawn = (day[:, y] < NEVER) & (source[:, y] == RANDOM)
        assert not drawn[~eligible].any()
        for values in (f.typology != HONEST, f.region, f.industry, f.segment, f.size > np.median(f.size), f.careless > 0.05, np.zeros(N)):
            for value in np.unique(values):
                own = eligible & (values == value)
                groups += 1
                assert within(int(drawn[own].sum()), int(own.sum()), p)
    assert groups > 50 and 0.1 < p < 0.3


def test_nobody_is_drawn_again_while_he_rests() -> None:
    w = replace(world(3000, 60), country=changed_country(sources={"random": 1.0}, yearly=0.3, random_rest_years=2))
    there = chosen(w, firms(w, np.arange(3000)))[0] < NEVER
    assert there.sum() > 1000 and there[:, 1].any() and there[:, 4].any()
    for gap in (1, 2):
        assert not (there[:, gap:] & there[:, :-gap]).any()
    assert (there[:, 3:] & there[:, :-3]).any()


# What a list prefers, and by how much at least: rate of the first group over rate of the second.
BIASES = [
    ("rule", "evader", 3), ("tip_off", "evader", 6), ("transferred", "fraud", 6), ("rule", "haishu", 2.5), ("self_selected", "haishu", 3), ("rule", "large", 2.5), ("assigned", "large", 2.5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "group", "factor"), BIASES)
def test_other_lists_have_their_bias(name: str, group: str, factor: float) -> None:
    _, f, there, source = old()
    one, other = {
        "evader": (f.typology != HONEST, f.typology == HONEST), "fraud": (np.isin(f.typology, (2, 3, 6, 12, 13)), f.typology == HONEST),
        "haishu": (f.region == 330203, f.region == 330211), "large": (f.segment <= 1, f.segment >= 2),
    }[group]  # fmt: skip
    rate = (there & (source == SOURCES.index(name))).any(axis=1)
    assert rate[one].mean() > factor * rate[other].mean()


def test_a_campaign_is_a_wave_through_a_trade() -> None:
    w, f, there, source = old()
    day, years = chosen(w, f)[0], years_of(w)
    seen = []
    for y in range(len(years)):
        own = there[:, y] & (source[:, y] == CAMPAIGN)
        trades = np.unique(f.industry[own])
        assert len(trades) == w.country.enforcement.campaigns
        month = month_of(w, day[own, y])
        assert month.min() >= years.wave[y] and month.max() <= years.wave[y] + 2
        seen += trades.tolist()
        assert own[np.isin(f.industry, trades)].mean() > 0.02
    assert len(set(seen)) == len(seen)  # one trade after the other


def test_cases_do_not_look_twice_at_the_same_periods() -> None:
    w = replace(world(3000, 60), country=changed_country(yearly=0.4))
    f = firms(w, np.arange(3000))
    cases = old_cases(w, f)
    s = scope(w, f, cases)
    seen: dict[tuple[int, int], int] = {}
    again = 0
    for k in np.lexsort((s.first, s.tax, cases.firm[s.case])).tolist():
        key = (int(cases.firm[s.case[k]]), int(s.tax[k]))
        again += key in seen
        assert s.first[k] > seen.get(key, -1) and s.last[k] >= s.first[k]
        seen[key] = int(s.last[k])
    assert again > 100


@lru_cache(maxsize=1)
def many() -> Counted:
    """Nine thousand firms, a fifth of them evaders, of a country that examined a third of them each year."""
    return count(with_evaders(replace(world(9000, 36), country=changed_country(yearly=0.3)), 0.2))


@lru_cache(maxsize=1)
def book() -> Ledger:
    c = many()
    return book_of(c.world, c.firms, list(zip(c.returns, c.conduct, strict=True)))


@lru_cache(maxsize=1)
def told() -> tuple[World, Firms, Cases, Points, Sequel]:
    """Its old cases, with what was found and what came of it."""
    c = many()
    cases = old_cases(c.world, c.firms)
    points = old_points(c.world, c.firms, book(), cases)
    return c.world, c.firms, cases, points, sequel(c.world, c.firms, cases, points)


def stakes(what: str) -> np.ndarray:
    """Cents hidden or due in what each point looks at, added up from the ledger month by month."""
    _, _, cases, points, _ = told()
    s, rows = points.scope, {tax: getattr(book(), what)[tax] for tax in TAXES}
    return np.array([rows[TAXES[t]][k, a : b + 1].sum() for t, k, a, b in zip(s.tax.tolist(), cases.firm[s.case].tolist(), s.first.tolist(), s.last.tolist(), strict=True)])


def test_examiners_find_part_of_what_is_there() -> None:
    _, _, cases, points, _ = told()
    there, found = stakes("hidden"), points.found.amount
    part = found[found != 0] / there[found != 0]
    assert len(part) > 400 and 0.599 <= part.min() and part.max() <= 0.801 and part.std() > 0.02
    real = (there > 100_000) & (there * 50 > stakes("due")) & (cases.treatment[points.scope.case] > INTERVIEW)
    assert real.sum() > 400 and 0.5 < (found > 0)[real].mean() < 0.75  # of real faults put before an examiner
    assert {CONFIRMED, IN_PART, EXCLUDED, NEW} <= set(points.found.result.tolist())


def test_what_is_hard_to_see_is_seen_less_often_and_nothing_else_changes() -> None:
    w, f, cases, points, _ = told()
    hard = ("suppressed_sales", "private_use")
    types = {n: t.model_copy(update={"detection": 0.4 if n in hard else t.detection}) for n, t in w.country.evasion.typologies.items()}
    dim = replace(w, country=w.country.model_copy(update={"evasion": w.country.evasion.model_copy(update={"typologies": types})}))
    then = old_points(dim, f, book(), cases)
    own = np.isin(f.typology[cases.firm[points.scope.case]], [NAMES.index(n) for n in hard])
    before, after = (p.raised[own] > 0 for p in (points, then))
    assert before.sum() > 40 and after.sum() < 0.65 * before.sum() and not (after & ~before).any()
    assert (then.found.amount[~own] == points.found.amount[~own]).all()


def test_a_few_inspectors_are_far_better() -> None:
    w, _, cases, points, _ = told()
    assert len(np.unique(cases.inspector)) == w.country.enforcement.inspectors * 7
    able = skill(w, np.unique(cases.inspector))
    assert able.min() >= 0.7 and able.max() <= 1.0 and np.median(able) < (able.min() + able.max()) / 2
    found = np.bincount(points.scope.case, weights=points.raised > 0, minlength=len(cases)) > 0
    guilty = ~fleeting(told()[1], cases) & (told()[1].since[cases.firm] <= month_of(w, cases.pushed))
    best, worst = cases.skill > np.quantile(able, 0.75), cases.skill < np.quantile(able, 0.25)
    assert found[guilty & best].mean() > found[guilty & worst].mean() + 0.05


def test_what_becomes_of_assessments() -> None:
    w, f, cases, points, after = told()
    e, raised, wild = w.country.enforcement, after.raised > 0, fleeting(f, cases)
    usual_ = raised & ~wild
    assert within(int((after.kept[usual_] == 0).sum()), int(usual_.sum()), e.uncollectable)
    assert (after.kept[raised & wild] == 0).mean() > 0.7
    appealed = after.appealed < NEVER
    assert within(int(appealed.sum()), int(raised.sum()), e.appeals) and not appealed[~raised].any()
    falls = after.falls | (after.point >= 0)
    assert within(int(falls.sum()), int(appealed.sum()), e.overturned) and not falls[~appealed].any()
    assert (after.parts > 1).sum() > 20 and not (after.parts > 1)[appealed].any()
    point, _, cents = instalments(points, after)
    paid = np.bincount(points.scope.case[point], weights=cents, minlength=len(cases))
    whole = (after.kept == after.parts) & (after.parts > 0)
    assert (paid[whole] == after.raised[whole]).all() and (paid <= after.raised).all() and (paid[(after.kept < after.parts)] < after.raised[after.kept < after.parts]).all()


def test_part_of_an_assessment_can_fall() -> None:
    w, f, cases, points, _ = told()
    often = replace(w, country=changed_country(appeals=1.0, overturned=1.0, overturned_in_part=1.0))
    after = sequel(often, f, cases, points)
    several = np.bincount(points.scope.case, weights=points.raised > 0, minlength=len(cases)) > 1
    assert several.any() and ((after.point >= 0) == several).all() and (after.falls == ((after.raised > 0) & ~several)).all()
    gone = np.bincount(points.scope.case, weights=fallen(points, after), minlength=len(cases))
    assert (gone[several] == 1).all()


def test_every_stage_has_its_day_in_order() -> None:
    c = many()
    rows, payments = audit_papers(c.world, c.firms, *audited(c.world, c.firms, list(zip(c.returns, c.conduct, strict=True))))
    by_case: dict[str, list[dict[str, Any]]] = {}
    for r in rows.to_pylist():
        by_case.setdefault(r["case_id"], []).append(r)
    kinds = set()
    for events in by_case.values():
        events.sort(key=lambda r: int(r["event_no"]))
        assert [int(r["event_no"]) for r in events] == list(range(1, len(events) + 1))
        assert [r["event_on"] for r in events] == sorted(r["event_on"] for r in events)
        order = [r["kind"] for r in events]
        assert order[:3] == ["pushed", "received", "begun"] and len({r["case_source"] for r in events}) == 1
        for first, then in (("begun", "point_answered"), ("point_answered", "closed"), ("closed", "paid"), ("closed", "appealed"), ("appealed", "overturned")):
            if first in order and then in order:
                assert order.index(first) < order.index(then)
        kinds |= set(order)
        paid = sum(float(r["amount"]) for r in events if r["kind"] == "paid")
        assert ("overturned" not in order or any(r["point_id"] for r in events if r["kind"] == "overturned")) or abs(paid) < 0.005
    assert kinds == {"pushed", "received", "begun", "point_answered", "reviewed", "closed", "paid", "appealed", "overturned"}
    back = [r for r in payments.to_pylist() if r["kind"] == "退库"]
    assert back and all(float(r["amount"]) < 0 for r in back)


# Old cases in which the fault was seen: how many of those do less, by cause (the setting says so), and how much is left.
def test_who_was_found_does_less_by_cause() -> None:
    w, f, *_ = told()
    a = aftermath(w, f)
    cases, cause = a.cases, f.cause[a.cases.firm]
    seen = spotted(w, f, cases) & (f.since[cases.firm] <= month_of(w, cases.pushed)) & ~fleeting(f, cases)
    less = np.isin(a.reaction, (STOPS, KEEPS_BELOW))
    effects = w.country.effects
    for talk, chances in ((True, effects.interview), (False, effects.examine)):
        for name in ("opportunity", "intent"):
            own = seen & ((cases.treatment == INTERVIEW) == talk) & (cause == CAUSES.index(name))
            assert own.sum() > 20 and within(int(less[own].sum()), int(own.sum()), getattr(chances, name))
    assert not less[~seen].any() and (a.reaction[fleeting(f, cases)] == 0).all()
    assert within(int((a.reaction[less] == KEEPS_BELOW).sum()), int(less.sum()), w.country.evasion.below_threshold)
    assert (a.factor[a.reaction == STOPS] <= 0.1).all() and ((0.3 <= a.factor) & (a.factor <= 0.6))[a.reaction == KEEPS_BELOW].all()


def test_a_clean_audit_may_lower_later_compliance_and_only_later() -> None:
    w = replace(world(9000, 36), country=changed_country(yearly=0.3, emboldened=0.5))
    base, now = settled(w, np.arange(9000)), firms(w, np.arange(9000))
    moved = base.typology != now.typology
    a = aftermath(w, base)
    assert moved.sum() > 100 and (base.typology[moved] == HONEST).all() and set(np.unique(a.cases.firm[a.reaction == STARTS])) >= set(np.flatnonzero(moved))
    level = evading(w, now)
    for k in np.flatnonzero(moved)[:50]:
        start = min(a.month[(a.cases.firm == k) & (a.reaction == STARTS)])
        assert now.since[k] == start > month_of(w, a.cases.pushed[(a.cases.firm == k)]).min()
        assert not level[k, :start].any() and (start >= w.horizon or 0 < level[k, start:].max() < 0.3)
    after = old_cases(w, now)
    chosen_for = {(int(k), int(s)) for k, s in zip(after.key, after.source, strict=True)}
    early = a.month <= now.since[a.cases.firm]  # what tempted a firm is on the list of the firm that it tempted: later lists alone see the change
    assert {(int(k), int(s)) for k, s in zip(a.cases.key[early], a.cases.source[early], strict=True)} <= chosen_for
    some = a.cases.firm[(a.reaction == CARELESS) & (a.month < 30)]
    assert len(some) > 50 and (careless(w, base)[some, -1] > base.careless[some]).mean() > 0.9
    none = replace(w, country=changed_country(yearly=0.3, emboldened=0.0))
    assert (firms(none, np.arange(9000)).typology == settled(none, np.arange(9000)).typology).all()


def test_truth_knows_the_effect_of_every_old_case() -> None:
    w, f, cases, *_ = told()
    rows = effect_table(w, f)
    assert rows.schema.equals(EFFECT) and rows.num_rows == len(cases) > 1000
    found, level, care = rows.to_pylist(), evasion_after(w, f), care_after(w, f)
    for r in found:
        assert (r["probability"] is not None) == (r["case_source"] == "random")
        if r["reaction"] in ("stops", "keeps_below"):
            assert r["evades"] and r["after"] < r["before"]
    names = {r["reaction"] for r in found}
    assert {"none", "stops", "keeps_below", "careful", "careless"} <= names <= set(REACTIONS)
    for n in np.flatnonzero([r["reaction"] == "stops" and r["from_on"] < date(2026, 9, 1) for r in found])[:100]:
        month = month_of(w, np.array([(found[n]["from_on"] - date(1970, 1, 1)).days]))[0]
        assert np.isclose(level[cases.firm[n], month], found[n]["after"]) or level[cases.firm[n], month] < found[n]["after"]
    assert (care != 1).any()


def test_what_is_done_in_bulk_equals_what_is_done_one_by_one() -> None:
    rng = np.random.default_rng(5)
    acts = np.column_stack([rng.integers(0, 40, 400), rng.integers(-3, 40, 400), rng.uniform(0, 1, 400), rng.integers(0, 3, 400)]).astype(float)
    corrections = np.column_stack([rng.integers(0, 40, 300), rng.integers(0, 7, 300), rng.integers(19700, 19900, 300), rng.integers(19900, 20200, 300), rng.integers(20000, 20400, 300), rng.integers(0, 2, 300)]).astype(float)
    w = replace(world(300, 24), acts=acts, corrections=corrections)
    numbers = np.array([7, 3, 3, 39, 12, 250, 0])
    for n, k in enumerate(numbers.tolist()):
        factor = np.ones(w.horizon)
        for firm, month, by, kind in acts.tolist():
            if firm == k and kind == ACT_FACTOR:
                factor[np.arange(w.horizon) >= month] *= by
        assert np.allclose(w.factor(numbers)[n], factor)
        assert w.shut(numbers)[n] == min([int(m) for f, m, _, kind in acts.tolist() if f == k and kind == ACT_SHUT], default=NEVER)
        assert w.started(numbers)[0][n] == min([int(m) for f, m, _, kind in acts.tolist() if f == k and kind == ACT_START], default=NEVER)
        starts, ends = np.arange(19700, 20200, 30), np.arange(19729, 20229, 30)
        for only_paid in (False, True):
            day = np.full(len(starts), NEVER)
            for firm, tax, a, b, on, paid in corrections.tolist():
                if (firm, tax, paid) == (k, 1.0, float(only_paid)):
                    day = np.where((starts >= a) & (ends <= b), np.minimum(day, int(on)), day)
            assert (w.corrected(numbers, "CIT", starts, ends, only_paid)[n] == day).all()


def test_without_the_treatment_the_firm_goes_on_as_it_did() -> None:
    c = counted(600, 24)
    evader = int(c.firms.number[(c.firms.typology == 1) & (c.firms.since < 6) & (c.firms.death > 24)][0])
    w = replace(c.world, acts=np.array([[evader, 12.0, 0.05, ACT_FACTOR], [5.0, 3.0, 0.5, ACT_FACTOR]]), corrections=np.array([[evader, 0, 0, 20000, 20100, 0.0]]))
    back = untreated(w, [evader])
    assert back.acts.tolist() == [[5.0, 3.0, 0.5, ACT_FACTOR]] and not len(back.corrections)
    f = c.firms.at(np.array([evader]))
    assert evading(w, f)[0, 12:].max() < 0.1 * evading(back, f)[0, 12:].max() and (evading(w, f)[0, :12] == evading(back, f)[0, :12]).all()


def test_what_was_done_before_a_firm_began_to_evade_does_not_count_against_its_evasion() -> None:
    c = counted(600, 24)
    late = int(c.firms.number[(c.firms.typology != HONEST) & (c.firms.since > 4) & (c.firms.since < 18) & (c.firms.death > 24)][0])
    f = c.firms.at(np.array([late]))
    since = int(f.since[0])
    for month, factor, left in ((since - 3, 3.0, 1.0), (since - 3, 0.4, 1.0), (since + 1, 0.4, 0.4)):
        w = replace(c.world, acts=np.array([[late, month, factor, ACT_FACTOR]]))
        assert np.allclose(evading(w, f)[0, since + 1 :], left * evading(c.world, f)[0, since + 1 :])
        assert (careless(w, f)[0, since - 1] == factor * careless(c.world, f)[0, since - 1]) == (month < since)


def test_ten_years_under_two_policies_end_differently() -> None:
    """Twenty half-yearly nights each; a dozen examinations a night, drawn or by the tax truly hidden (nobody can, but it bounds what choosing can do)."""
    w = world(300, 36)
    ends = {}
    for name in ("drawn", "known"):
        end, path = live(w, 20, 12, lambda c, _, n, name=name: np.argsort(-hidden(c), kind="stable") if name == "known" else np.argsort(c.world.chance.uniform("policy", c.firms.number, n)))
        ends[name] = path
        assert end.horizon >= 36 + 120 and len(path) == 21
    assert ends["drawn"][0] == ends["known"][0]
    assert ends["known"][-1] < 0.8 * ends["drawn"][-1]


# A key of the YAML, what is wrong with it, and the words of the refusal.
WRONG = [
    ("enforcement", {"sources": {"rule": 0.5, "random": 0.4}}, "must sum to 1"), ("enforcement", {"sources": {"lottery": 1.0}}, "lottery"), ("enforcement", {"yearly": 0.9}, "yearly"),
    ("enforcement", {"segments": {"large": 1.0}}, "no factor for individual, mid, small"), ("enforcement", {"detection": (0.8, 0.6)}, "lies above"), ("enforcement", {"random_month": 13}, "random_month"),
    ("effects", {"remind": {"ignorance": 0.5}}, "remind"), ("effects", {"examine": {"ignorance": 1.5, "inability": 0, "opportunity": 0, "intent": 0}}, "examine"),
    ("place", {"inspection_office": 330203}, "stands twice"), ("evasion", {"keeps_below": (0.6, 0.3)}, "keeps_below"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "wrong", "words"), WRONG)
def test_a_wrong_setting_is_refused_with_its_key(section: str, wrong: dict[str, Any], words: str) -> None:
    content = usual().model_dump(mode="json")
    content[section] |= wrong
    with pytest.raises((ValueError, ConfError), match=words):
        Country.model_validate(content)
