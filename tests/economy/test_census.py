"""The census adds up over buckets, counts what is there, and the page made of it needs nothing from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from jobs.economy import census, summary
from jobs.economy.census import counts, first_digit
from jobs.economy.declare import Declared
from jobs.economy.figures import FIGURES, last_year
from jobs.economy.firms import alive
from jobs.economy.kinds import HONEST, NAMES
from jobs.economy.old_cases import old_cases
from jobs.economy.portrait import page, portrait
from jobs.economy.realism import checks
from jobs.economy.schedule import evading
from jobs.economy.summary import Summary, read_summary
from jobs.economy.tally import Tally
from jobs.economy.trade import FIELDS, Orders
from tests.economy.helpers import counted, world, write

SIZE, MONTHS = 1200, 24


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(world(SIZE, MONTHS), tmp_path_factory.mktemp("census"))


@pytest.fixture(scope="module")
def read(country: Path) -> Summary:
    return read_summary(country / "truth")


def test_a_tally_leaves_out_what_is_empty_and_rounds_halves_to_even() -> None:
    t = Tally()
    t.add("m", ["a", "b", "c"], [1, 2, 3], np.array([2, 0, 0]), np.array([0.0, 0.0, 7.6]))
    t.one("m", 1, 5, group="d")
    assert t.table().to_pylist() == [
        {"measure": "m", "group": "a", "item": "1", "n": 2, "total": 0},
        {"measure": "m", "group": "c", "item": "3", "n": 0, "total": 8},
        {"measure": "m", "group": "d", "item": "", "n": 1, "total": 5},
    ]


def test_first_digits() -> None:
    given = [0, -250, 1, 9, 10, 99, 100, 12345, 9_999_999_999_999, 3 * 10**17]
    assert first_digit(np.array(given)).tolist() == [0, 0, 1, 9, 1, 9, 1, 1, 9, 3]


def test_counts_do_not_depend_on_how_firms_lie_in_buckets(read: Summary) -> None:
    """The two buckets' parts, added up, are what one bucket with everybody counts."""
    c = counted(SIZE, MONTHS)
    sold = Orders(*(getattr(c.bought, n) for n in FIELDS)).ordered()
    whole = counts(c.world, c.firms, c.bought, sold, c.books, Declared(c.returns, c.conduct, c.accounts)).table()
    assert c.world.buckets == 2
    for measure, group, item, n, total in zip(*(whole[name].to_pylist() for name in whole.column_names), strict=True):
        if measure != "through":
            assert read.of(measure, group, item) == (n, total), (measure, group, item)


def test_links_are_pairs_and_what_goes_both_ways_is_counted_from_both_sides(read: Summary) -> None:
    o, year = counted(SIZE, MONTHS).bought, last_year(world(SIZE, MONTHS))
    there = (o.month >= year.start) & (o.month < year.stop)
    pairs = set(zip(o.buyer[there].tolist(), o.supplier[there].tolist(), strict=True))
    assert read.of("links") == (len(pairs), sum((b, a) in pairs for a, b in pairs))
    assert read.pairs is not None and set(zip(*(x.tolist() for x in read.pairs), strict=True)) == pairs
    assert sum(int(i) * n for i, (n, _) in read.items("suppliers").items()) <= len(pairs)


def test_the_largest_firms_are_complete_as_far_as_they_go(read: Summary) -> None:
    c = counted(SIZE, MONTHS)
    every = np.sort(c.books.true_sales[:, last_year(c.world)].sum(axis=1))[::-1]
    assert len(read.largest) > SIZE * 0.08
    assert (read.largest == every[: len(read.largest)]).all()


def test_hidden_tax_is_that_of_the_sealed_table(country: Path, read: Summary) -> None:
    rows = ds.dataset(country / "truth" / "tax").to_table()
    year = last_year(read.world)
    first, last = (pa.scalar(int(read.world.first_day(m)), pa.int32()).cast(pa.date32()) for m in (year.start, year.stop))
    rows = rows.filter(pc.and_(pc.greater_equal(rows["period_to"], first), pc.less(rows["period_to"], last)))
    hidden = round((pc.sum(rows["due"]).as_py() - pc.sum(rows["declared"]).as_py()) * 100)
    assert hidden > 0 and read.sum("tax_hidden") == (rows.num_rows, hidden)
    mine = rows.filter(pc.equal(rows["typology"], "suppressed_sales"))
    assert sum(read.sum("tax_due", item=f"suppressed_sales/{cause}")[1] for cause in ("opportunity", "intent")) == round(pc.sum(mine["due"]).as_py() * 100)


def test_evaders_are_those_who_evade_in_the_last_year(read: Summary) -> None:
    c = counted(SIZE, MONTHS)
    year = last_year(c.world)
    doing = (evading(c.world, c.firms)[:, year].max(axis=1) > 0) & alive(c.world, c.firms)[:, year].any(axis=1)
    for kind, name in enumerate(NAMES):
        assert read.sum("evaders", name)[0] == (doing & (c.firms.typology == kind)).sum() * (kind != HONEST)


def test_a_case_is_read_back_from_its_events() -> None:
    """Two cases of firms 1 and 0: the first found 120.00 - 20.00 in two points and was paid 90.00, which is not found again; the second nothing."""
    rows = pa.table({
        "case_id": ["H2", "H2", "H1", "H2", "H2", "H1"], "taxpayer_id": ["b", "b", "a", "b", "b", "a"], "kind": ["pushed", "point_answered", "pushed", "point_answered", "paid", "point_answered"],
        "case_source": ["rule", "rule", "random", "rule", "rule", "random"], "treatment": ["assess", "assess", "inspect", "assess", "assess", "inspect"],
        "amount": ["", "120.00", None, "-20.00", "90.00", ""], "_day": [19_723 + 40, 19_800, 19_723, 19_810, 19_900, 19_790],
    })  # fmt: skip
    old = old_cases(world(600, 24), np.array(["a", "b"]), rows)
    assert old.firm.tolist() == [0, 1] and old.found.tolist() == [0.0, 10_000.0]
    assert old.source.tolist() == ["random", "rule"] and old.treatment.tolist() == ["inspect", "assess"]
    assert old.month.tolist() == [0, 1]  # the country starts in January 2024, day 19,723


def test_third_parties_name_some_firms_by_the_wrong_id_or_none(read: Summary) -> None:
    for source in ("land", "electricity", "social_security"):
        states = {k: read.n("identified", source, k) for k in ("right", "wrong", "none")}
        assert sum(states.values()) == read.n("rows", source) > 0
        assert states["right"] > states["wrong"] > 0 and states["none"] > 0
        assert 0 < read.n("firms_named", source) <= SIZE


def test_an_identity_that_an_honest_firm_breaks_fails() -> None:
    c = counted(SIZE, MONTHS)
    sold = Orders(*(getattr(c.bought, n) for n in FIELDS)).ordered()
    year = last_year(c.world)
    lives = np.flatnonzero((c.firms.typology == HONEST) & alive(c.world, c.firms)[:, year.start - 1 : year.stop].all(axis=1))[0]
    stock = c.books.stock.copy()
    stock[lives, year.start] += 1  # one cent, in one month: rolls in and out again
    bent = counts(c.world, c.firms, c.bought, sold, replace(c.books, stock=stock), Declared(c.returns, c.conduct, c.accounts)).table()
    broken = {r["item"]: (r["n"], r["total"]) for r in bent.to_pylist() if r["measure"] == "identity_broken"}
    assert broken == {"stock rolls forward": (2, 2), "stock account = stock": (1, 1)}


def test_a_large_country_keeps_a_sample_and_no_pairs(country: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(census, "EDGES_UP_TO", SIZE - 1)
    monkeypatch.setattr("jobs.economy.figures.SAMPLE", SIZE // 4)
    small = read_summary(write(world(SIZE, MONTHS), tmp_path) / "truth")
    every = read_summary(country / "truth")
    assert small.pairs is None
    assert 0.15 < small.figures.num_rows / every.figures.num_rows < 0.35
    assert set(small.figures["firm"].to_pylist()) <= set(every.figures["firm"].to_pylist())
    assert small.of("links") == every.of("links")
    assert "too little" in {c.verdict for c in checks(small) if "component" in c.name}


def test_many_parts_are_added_up_some_at_a_time(country: Path, monkeypatch: pytest.MonkeyPatch, read: Summary) -> None:
    monkeypatch.setattr(summary, "_AT_ONCE", 1)
    assert read_summary(country / "truth").cells == read.cells


def test_figures_say_nothing_that_only_truth_knows(read: Summary) -> None:
    table = read.figures
    assert set(table.column_names) - set(FIGURES) == {"firm", "industry", "segment", "months", "typology", "evades", "cause", "hidden", "examined", "found"}
    assert np.isfinite(np.column_stack([table[n].to_numpy() for n in FIGURES if n not in ("burden", "input_gap", "output_gap", "sales_gap", "refund", "credit")])).all()
    honest = ~table["evades"].to_numpy(zero_copy_only=False)
    assert (table["typology"].to_numpy()[honest] == HONEST).all()


def test_the_page_has_every_section_and_nothing_from_outside(country: Path) -> None:
    text = portrait(country).read_text(encoding="utf-8")
    for anchor in ("checks", "sizes", "industries", "trade", "seasons", "returns", "evasion", "enforcement", "third", "finding", "unlike"):
        assert f'<h2 id="{anchor}">' in text and f'href="#{anchor}"' in text
    assert text.count("<svg ") >= 14
    assert not re.search(r"(src|href)=[\"']?(https?:|//|/)", text)
    assert "nan" not in re.sub(r"<[^>]*>", " ", text).lower().split()


def test_the_page_is_the_same_each_time_and_speaks_of_the_history_when_the_country_lived_on(country: Path, tmp_path: Path, read: Summary) -> None:
    then = page(read)
    lived_on = tmp_path / "truth"
    lived_on.mkdir()
    for name in ("census", "census_top", "edges", "figures"):
        (lived_on / name).symlink_to(country / "truth" / name)
    replace(read.world, through=read.world.through.replace(year=read.world.through.year + 1), acts=np.array([[1.0, 2.0, 0.0, 1.0]])).save(lived_on)
    assert page(read_summary(lived_on)) == then


def test_a_country_without_a_census_is_named(tmp_path: Path) -> None:
    world(600, 24).save(tmp_path)
    with pytest.raises(FileNotFoundError, match="make it anew"):
        read_summary(tmp_path)


def test_the_smallest_country_has_a_page_that_says_what_cannot_be_judged(tmp_path: Path) -> None:
    text = portrait(write(world(200, 12), tmp_path)).read_text(encoding="utf-8")
    assert "had too little behind them" in text and "too little</td>" in text


def test_parts_are_parquet_only(country: Path) -> None:
    parts = [p for name in ("census", "census_top", "edges", "figures") for p in (country / "truth" / name).iterdir()]
    assert len(parts) == 8
    assert all(pq.read_metadata(p).num_rows > 0 for p in parts)
