"""The country is like an economy where it must be, neither too easy nor hopeless, and the checks that say so can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from jobs.economy.figures import FIGURES
from jobs.economy.firms import firms
from jobs.economy.kinds import HONEST, NAMES
from jobs.economy.learning import UNSEEN, against_peers, area, findable, rule_score
from jobs.economy.realism import (
    Check,
    benford,
    checks,
    digit_check,
    hill,
    hill_whole,
    industry_checks,
    largest_component,
    learning_checks,
    life_checks,
)
from jobs.economy.schedule import audits
from jobs.economy.setting import load_country
from jobs.economy.summary import Summary, read_summary
from jobs.economy.world import NEVER
from tests.economy.helpers import counted, world, write


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """A country of the demo's size."""
    return read_summary(write(world(3000, 36), tmp_path_factory.mktemp("realism")) / "truth")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """One with evaders enough for a model to learn from."""
    return read_summary(write(world(9000, 36), tmp_path_factory.mktemp("large")) / "truth")


@pytest.fixture(scope="module")
def judged(country: Summary) -> dict[str, Check]:
    return {c.name: c for c in checks(country)}


GOOD_MODEL = "AUC of a good model with every label, cross-validated"
LEARNT = "precision at the first 5% of a model that learnt from old cases only"
EASY = "precision at the first 5% of a good model with every label"


def test_no_check_fails(judged: dict[str, Check]) -> None:
    assert {c.name: (c.value, c.low, c.high) for c in judged.values() if c.verdict == "fail"} == {}


def test_evaders_are_neither_given_away_nor_hopeless_to_find(large: Summary) -> None:
    judged = {c.name: c for c in learning_checks(large, findable(large.figures))}
    assert {c.name: (c.value, c.low, c.high) for c in judged.values() if c.verdict not in ("pass", "reported")} == {}
    assert judged[EASY].verdict == "pass"


def test_no_check_fails_in_another_country_either(tmp_path: Path) -> None:
    """Chains and carousels turn there too; what cannot be judged at this size says so."""
    s = read_summary(write(replace(world(6000, 36), country=load_country("ausonia")), tmp_path) / "truth")
    judged = checks(s)
    assert {c.name: (c.value, c.low, c.high) for c in judged if c.verdict == "fail"} == {}
    assert sum(c.verdict == "pass" for c in judged) > 20


def test_a_small_country_has_too_few_evaders_for_a_good_model(judged: dict[str, Check]) -> None:
    assert [c.name for c in judged.values() if c.verdict == "too little" and c.group == "Evaders"] == [GOOD_MODEL, EASY, LEARNT]


def test_all_that_is_asked_for_is_checked(judged: dict[str, Check]) -> None:
    names = " | ".join(judged)
    for word in ("trial balance", "VAT chain", "stock rolls", "statements of the year", "headcount", "births", "deaths", "a loss", "yearly sales", "customers", "reciprocity", "connected component", "Benford", "VAT burden", "margin", "single figure", "never seen", "old cases", "start-ups"):
        assert word in names, word
    assert all(c.source for c in judged.values())
    assert len([c for c in judged.values() if c.group == "Identities" and c.n > 1000 and c.verdict == "pass"]) >= 12


def test_past_audits_are_several_hundred_and_no_fair_sample() -> None:
    c = counted(3000, 36)
    f, pushed = c.firms, audits(c.world, c.firms) < NEVER
    assert 0.03 < pushed.sum() / 3000 / 3 < 0.06
    rate = pushed.any(axis=1)
    assert rate[f.segment == 0].mean() > 2 * rate[f.segment == 3].mean()
    regions = [rate[f.region == r].mean() for r in np.unique(f.region)]
    assert max(regions) > 2 * min(regions)
    assert 1.2 < rate[f.typology != HONEST].mean() / rate[f.typology == HONEST].mean() < 6


def test_two_typologies_can_be_turned_off_and_nobody_else_changes() -> None:
    """They play the fraud that nobody has seen: a country without them to learn in, the same with them to be tested in."""
    w = world(3000, 36)
    evasion = w.country.evasion
    off = {n: t.model_copy(update={"on": n not in UNSEEN}) for n, t in evasion.typologies.items()}
    without = replace(w, country=w.country.model_copy(update={"evasion": evasion.model_copy(update={"typologies": off})}))
    before, after = (firms(one, np.arange(3000)).typology for one in (w, without))
    gone = np.isin(before, [NAMES.index(n) for n in UNSEEN])
    assert gone.sum() > 50 and (after[~gone] == before[~gone]).all()
    assert (after[gone] == HONEST).mean() > 0.95  # an honest firm may start after a clean audit


@pytest.mark.parametrize(
    ("value", "low", "high", "error", "expected"),
    [
        (0.9, 0.9, 1.2, 0.0, "pass"), (1.2, 0.9, 1.2, 0.0, "pass"), (1.21, 0.9, 1.2, 0.0, "fail"), (1.21, 0.9, 1.2, 0.004, "fail"), (1.21, 0.9, 1.2, 0.006, "unclear"),
        (0.7, 0.9, 1.2, 0.05, "fail"), (0.7, 0.9, 1.2, 0.15, "unclear"), (0.29, 0.3, None, 0.0, "fail"), (5.0, 0.3, None, 0.0, "pass"), (0.5, None, 0.75, 0.0, "pass"),
        (1.0, None, 0.0, 0.0, "fail"), (None, 0.9, 1.2, 0.0, "too little"), (float("nan"), 0.9, 1.2, 0.0, "too little"), (0.4, None, None, 0.0, "reported"),
    ],
)  # fmt: skip
def test_verdicts(value: float | None, low: float | None, high: float | None, error: float, expected: str) -> None:
    assert Check("g", "n", value, low, high, "s", 1, "firms", error=error).verdict == expected


@pytest.mark.parametrize("exponent", [0.8, 1.05, 1.5])
def test_the_tail_exponent_of_a_pareto_is_found(exponent: float) -> None:
    quantiles = ((np.arange(20_000) + 0.5) / 20_000) ** (-1 / exponent)
    assert hill(quantiles, 1000)[0] == pytest.approx(exponent, rel=0.02)
    assert hill_whole(np.floor(quantiles * 10).astype(np.int64), 1000)[0] == pytest.approx(exponent, rel=0.05)


def test_whole_numbers_are_taken_for_what_was_rounded_to_them() -> None:
    """From the 45th largest, which is 2, on all 60: 60 over 30 ln(2 / 1.5) + 30 ln(6 / 1.5)."""
    values = np.concatenate([np.full(30, 2), np.full(30, 6)])
    assert hill_whole(values, 45) == (pytest.approx(60 / (30 * np.log(2 / 1.5) + 30 * np.log(4))), 60)


def test_a_thin_tail_is_no_heavy_one_and_a_short_one_is_not_judged() -> None:
    thin = np.exp(0.2 * np.random.default_rng(1).standard_normal(5000))
    assert hill(thin, 250)[0] > 5
    assert np.isnan(hill(np.arange(1.0, 40), 20)[0]) and np.isnan(hill_whole(np.ones(1000, dtype=np.int64), 50)[0])


def test_the_largest_component_is_a_share_of_all_firms() -> None:
    """1-2-3 hang together, 4-5 too, five more trade with nobody: 3 of 10."""
    pairs = (np.array([1, 3, 4]), np.array([2, 2, 5]))
    assert largest_component(pairs, 10) == 0.3
    assert largest_component((np.zeros(0, dtype=np.int64),) * 2, 10) == 0.0


def digits_of(shares: np.ndarray, invoices: int) -> Summary:
    count = np.rint(shares * invoices).astype(int)
    return Summary(world(), {"digit": {"honest": {str(n + 1): (int(c), 0) for n, c in enumerate(count)}}}, np.zeros(0, dtype=np.int64), pa.table({}), None)


@pytest.mark.parametrize(("shares", "invoices", "expected"), [(benford(), 100_000, "pass"), (np.full(9, 1 / 9), 100_000, "fail"), (benford(), 1000, "too little")])
def test_first_digits_that_are_all_alike_are_not_benfords(shares: np.ndarray, invoices: int, expected: str) -> None:
    assert digit_check(digits_of(shares, invoices)).verdict == expected


def with_figures(s: Summary, **columns: np.ndarray) -> Summary:
    table = s.figures
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    return replace(s, figures=table)


def test_a_figure_that_gives_evaders_away_fails_the_checks(large: Summary) -> None:
    evades = large.figures["evades"].to_numpy(zero_copy_only=False)
    told = with_figures(large, stock=np.where(evades, 2.0, 0.1).astype(np.float32))
    verdicts = {c.name: c.verdict for c in learning_checks(told, findable(told.figures))}
    assert verdicts["AUC of the best single figure"] == "fail"
    assert verdicts[GOOD_MODEL] == "fail"
    assert verdicts[EASY] == "fail"


def test_evaders_that_leave_no_trace_fail_the_checks(large: Summary) -> None:
    luck = np.random.default_rng(3).permutation(large.figures["evades"].to_numpy(zero_copy_only=False))
    hopeless = with_figures(large, evades=luck)
    verdicts = {c.name: c.verdict for c in learning_checks(hopeless, findable(hopeless.figures))}
    assert verdicts[GOOD_MODEL] == "fail"


def test_too_few_evaders_to_learn_from_are_not_judged(country: Summary) -> None:
    few = replace(country, figures=country.figures.slice(0, 60))
    assert [c.verdict for c in learning_checks(few, findable(few.figures))] == ["too little"]


#  what is changed                                                        the check that fails
UNLIKELY = [
    (lambda s: replace(s, cells=s.cells | {"births": {}}),                    "births in a year, share of the firms that live"),
    (lambda s: replace(s, cells=s.cells | {"births": s.cells["alive"]}),      "births in a year, share of the firms that live"),
    (lambda s: replace(s, cells=s.cells | {"deaths": {"lasting": {"1": (1, 0)}}}), "deaths in a year, share of the firms that live"),
    (lambda s: with_figures(s, profit=np.full(s.figures.num_rows, -0.1, dtype=np.float32)), "enterprises whose books show a loss for the year"),
    (lambda s: with_figures(s, profit=np.full(s.figures.num_rows, 0.1, dtype=np.float32)), "enterprises whose books show a loss for the year"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "failing"), UNLIKELY)
def test_a_population_unlike_any_other_fails(change: Callable[[Summary], Summary], failing: str, country: Summary) -> None:
    assert {c.name for c in life_checks(change(country)) if c.verdict == "fail"} == {failing}
    assert {c.verdict for c in life_checks(country)} == {"pass"}
    few = replace(country, figures=country.figures.slice(0, 50), cells=country.cells | {"alive": {"": {"0": (50, 0)}}})
    assert {c.verdict for c in life_checks(few)} == {"too little"}


def test_an_industry_outside_its_range_is_named(country: Summary) -> None:
    clothing = country.world.country.industries[0]
    own = country.figures["industry"].to_numpy() == 0
    burden = np.where(own, 0.2, country.figures["burden"].to_numpy()).astype(np.float32)
    failed = [c for c in industry_checks(with_figures(country, burden=burden)) if c.verdict == "fail"]
    assert [c.name for c in failed] == [f"{clothing.code} {clothing.word}: median VAT burden"] and failed[0].source == clothing.source


def test_auc_counts_ties_by_half() -> None:
    """Pairs (evader, honest): (3,1) right, (3,3) tied, (2,1) right, (2,3) wrong: 2.5 of 4."""
    assert area(np.array([True, False, True, False]), np.array([3.0, 1.0, 2.0, 3.0])) == 2.5 / 4
    assert area(np.array([False, False]), np.array([1.0, 2.0])) == 0.5


def test_peers_are_an_industrys_own() -> None:
    """Medians 2 and 20; spreads 1.4826 x 1 and 1.4826 x 10; what is unknown stays so."""
    found = against_peers(np.array([1.0, 2.0, 3.0, 10.0, 20.0, 30.0, np.nan]), np.array([0, 0, 0, 1, 1, 1, 1]))
    assert found[:6] == pytest.approx([-0.674, 0, 0.674, -0.674, 0, 0.674], abs=0.01) and np.isnan(found[6])


def test_rules_add_up_what_lies_outside_the_usual(country: Summary) -> None:
    calm = {n: np.tile([0.9, 1.0, 1.1], 30).astype(np.float32) for n in FIGURES} | {"industry": np.zeros(90, dtype=np.int64)}
    odd = calm | {"stock": np.where(np.arange(90) == 4, 9.0, calm["stock"]).astype(np.float32), "profit": np.where(np.arange(90) == 7, -9.0, calm["profit"]).astype(np.float32)}
    score = rule_score(pa.table(odd))
    assert score[4] == score[7] == 3.0 and score[[0, 1, 2, 3, 5]].tolist() == [0.0] * 5


def test_more_files_of_another_seed_pass_the_same_identities(tmp_path: Path) -> None:
    s = read_summary(write(world(600, 24, seed=99), tmp_path) / "truth")
    assert s.sum("identity_broken") == (0, 0) and s.sum("identity")[0] > 50_000
