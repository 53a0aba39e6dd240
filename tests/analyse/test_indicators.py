"""What must hold for every indicator: no infinity, no hit without both sides, ratios free of the currency's unit, a fixed order."""

from __future__ import annotations

import json
import string
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from jobs.analyse.indicator import NOT_DISCLOSED, REGISTRY
from jobs.analyse.indicators import STRENGTH_CAP, indicator_hit
from jobs.conf import ConfError, IndicatorParameters, load
from jobs.lake.step import Night, Tables
from jobs.lake.tables import TABLES
from tests.analyse.drawn import TAXPAYER_MONTH, Firm, evaluate, night_with, parameters, tables_of

AS_OF = date(2026, 7, 20)
CONF = load()
MONEY = sorted(TAXPAYER_MONTH - {"out_n", "out_red_n", "out_consumer_n", "pit_heads", "returns_n", "amendments_n"})
AMOUNT = st.sampled_from([-500, 0, 0, 1, 90, 100, 5000])


def country(draw: st.DataObject, firms: int = 2) -> list[Firm]:
    """Firms with arbitrary books over two years, zeros and negatives included."""
    found = []
    for n in range(firms):
        state = draw.draw(st.sampled_from(["filed", "late", "missing", "unknown"]))
        firm = Firm(f"f{n}").filed(
            "VAT", "2024-01", 24, state=state, due=draw.draw(AMOUNT), due_first=draw.draw(AMOUNT), paid=draw.draw(AMOUNT)
        )
        firm.filed("PIT", "2024-01", 24).filed(
            "CIT", "2024-01", 2, "year", due=draw.draw(AMOUNT), due_first=draw.draw(AMOUNT), paid=draw.draw(AMOUNT)
        )
        for month in ("2024-01", "2024-12", "2025-03", "2025-12"):
            firm.month(
                month,
                **{name: draw.draw(AMOUNT) for name in MONEY},
                in_net=draw.draw(AMOUNT),
                in_tax=draw.draw(AMOUNT),
                in_tax_suspect=draw.draw(AMOUNT),
                suspect_n=1,
            )
        for measure in ("vat_burden_12m", "input_output_ratio", "cost_ratio", "profit_margin", "revenue_per_head", "purchase_ratio"):
            firm.peer(measure, draw.draw(st.sampled_from([None, 0.0, 0.4])), draw.draw(st.sampled_from([None, 0.0, 0.1])))
        found.append(firm)
    return found


@settings(max_examples=25, deadline=None)
@drawn(st.data())
def test_no_infinity_and_no_silent_gap(draw: st.DataObject) -> None:
    """I2: a row has a hit, a difference and a strength, or a reason; never both, never neither."""
    rows = indicator_hit(tables_of(*country(draw)), Night(AS_OF, 1, CONF))
    for name in ("declared", "other", "difference", "strength"):
        values = rows[name].drop_null().to_numpy()
        assert np.isfinite(values).all(), name
    for row in rows.to_pylist():
        missing = row["missing_reason"] is not None
        assert missing == (row["hit"] is None) == (row["base"] is None) == (row["difference"] is None) == (row["strength"] is None), row
        assert missing or row["base"] >= 0 or not row["hit"], row
        assert missing or row["strength"] <= STRENGTH_CAP
        assert not row["hit"] or row["difference"] >= row["threshold"] - 1e-9


@settings(max_examples=15, deadline=None)
@drawn(st.data())
def test_row_order_does_not_matter(draw: st.DataObject) -> None:
    tables = tables_of(*country(draw, 3))
    seed = draw.draw(st.integers(0, 999))
    mixed = Tables(now={n: t.take(np.random.default_rng(seed).permutation(t.num_rows)) for n, t in tables.now.items()})
    assert indicator_hit(mixed, Night(AS_OF, 1, CONF)).equals(indicator_hit(tables, Night(AS_OF, 1, CONF)))


def scaled(tables: Tables, factor: int) -> Tables:
    """All money times a factor; counts and peers' ratios stay."""
    return Tables(now={name: _scaled(name, rows, factor) for name, rows in tables.now.items()})


def _scaled(name: str, rows: pa.Table, factor: int) -> pa.Table:
    columns = {c: rows[c] for c in rows.column_names}
    for column in TABLES[name].own:
        if (column.unit or "") in ("cents", "currency"):
            columns[column.name] = pa.array([None if v is None else v * factor for v in rows[column.name].to_pylist()], column.type)
    return pa.table(columns)


@settings(max_examples=15, deadline=None)
@drawn(st.data())
def test_scaling_all_money_by_ten_leaves_ratios_fixed(draw: st.DataObject) -> None:
    """I4: only what is at stake grows. Sales per head are money themselves, so their peers would have to grow too."""
    tables = tables_of(*country(draw))
    rules = tuple(
        p.model_copy(update={"floor_amount": Decimal(0)})
        for p in CONF.indicators_on(AS_OF).values()
        if p.id != "pit_sales_per_head_above_peers"
    )
    one, ten = (indicator_hit(t, night_with(AS_OF, *rules)).to_pylist() for t in (tables, scaled(tables, 10)))
    assert len(one) == len(ten) > 0
    for before, after in zip(one, ten, strict=True):
        assert (before["hit"], before["missing_reason"]) == (after["hit"], after["missing_reason"]), before
        if before["hit"] is not None:
            assert after["difference"] == pytest.approx(before["difference"])
            assert float(after["base"]) == pytest.approx(10 * float(before["base"]), abs=0.06)


@pytest.mark.parametrize(("statement", "reason"), [(3_000_000, "unit_of_ten_thousand"), (300, None), (3_000_000 * 2, None)])
def test_statement_in_ten_thousands_is_a_fault_of_the_data(statement: float, reason: str | None) -> None:
    """I3: 300 declared against 3,000,000 stated is the same amount in another unit, not hidden revenue."""
    firm = Firm("f").filed("VAT", "2025-01", 3).months("2025-01", 3, vat_sales=100).month("2025-03", fs_revenue=statement)
    row = evaluate(date(2025, 6, 20), parameters("vat_sales_below_statement", 0.05, rate=0.13), firm).of("f", "2025-01")
    assert row["missing_reason"] == reason


def test_override_by_longest_industry_prefix_then_region() -> None:
    def firm(name: str, industry: str | None, region: str | None) -> Firm:
        return (
            Firm(name, {"industry": industry, "region": region}).filed("VAT", "2025-01", 3).months("2025-01", 3, vat_sales=90, out_net=100)
        )

    rule = parameters("vat_sales_below_invoices", 0.05, rate=0.13).model_copy(update={"overrides": {"52": 0.2, "5211": 0.3, "330212": 0.4}})
    firms = [
        firm("a", "5211", "330203"),
        firm("b", "5299", "330203"),
        firm("c", "1310", "330203"),
        firm("d", "5211", "330212"),
        firm("e", None, None),
    ]
    found = evaluate(date(2025, 6, 20), rule, *firms)
    assert [found.of(f, "2025-01")["threshold"] for f in "abcde"] == [0.3, 0.2, 0.05, 0.4, 0.05]
    assert [found.of(f, "2025-01")["hit"] for f in "abcde"] == [False, False, True, False, True]


def test_hit_needs_the_floor_as_well() -> None:
    firm = Firm("f").filed("VAT", "2025-01", 3).months("2025-01", 3, vat_sales=90, out_net=100, out_tax=13)
    floor = [
        evaluate(date(2025, 6, 20), parameters("vat_sales_below_invoices", 0.05, floor, rate=0.13), firm).of("f", "2025-01")["hit"]
        for floor in (3.9, 3.91)
    ]
    assert floor == [True, False]  # at stake: 30 x 13 % = 3.90


def test_periods_are_natural_past_and_not_too_old() -> None:
    firm = Firm("f").filed("VAT", "2019-01", 84).months("2019-01", 84, vat_sales=90, out_net=100)
    found = evaluate(date(2026, 1, 20), parameters("vat_sales_below_invoices", 0.05, rate=0.13), firm)
    starts = sorted(m for _, _, m in found.rows)
    assert starts[0] == "2022-01"
    assert starts[-1] == "2025-10"
    assert all(int(a[5:7]) in (1, 4, 7, 10) for a in starts)
    assert len(starts) == 16
    assert all(a < b for a, b in pairwise(starts))


def test_the_current_quarter_is_not_judged_before_it_is_over() -> None:
    firm = Firm("f").filed("VAT", "2025-01", 5).months("2025-01", 5, vat_sales=90, out_net=100)
    found = evaluate(date(2025, 6, 30), parameters("vat_sales_below_invoices", 0.05, rate=0.13), firm)
    assert [m for _, _, m in found.rows] == ["2025-01"]


def test_empty_bucket_gives_an_empty_table() -> None:
    found = indicator_hit(tables_of(), Night(AS_OF, 1, CONF))
    assert found.num_rows == 0
    assert found.column_names == [c.name for c in TABLES["indicator_hit"].own]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "no_such"}, "no such indicator"),
        ({"settings": {}}, "settings"),
        ({"threshold": 0.0}, "positive"),
        ({"overrides": {"52": -1.0}}, "positive"),
    ],
)
def test_parameters_that_fit_no_indicator_are_refused_with_the_place(change: dict[str, object], words: str) -> None:
    rule = parameters("vat_sales_below_invoices", 0.05, rate=0.13).model_copy(update=change)
    with pytest.raises(ConfError, match=words):
        indicator_hit(tables_of(), night_with(AS_OF, rule))


def published() -> dict[str, IndicatorParameters]:
    return CONF.indicators_on(AS_OF)


def test_every_indicator_has_parameters_and_every_word_that_must_be_said() -> None:
    """I7 and METHODS A6: formula, unit, minimum, law or none, innocent explanations, sources, sentences in both languages."""
    assert len(REGISTRY) >= 20
    assert set(published()) == set(REGISTRY)
    for name, rule in REGISTRY.items():
        about = rule.about
        texts = (
            about.name_en,
            about.name_zh,
            about.formula,
            about.unit,
            about.minimum,
            about.legal_basis,
            about.sentence_en,
            about.sentence_zh,
        )
        assert all(texts), name
        assert about.innocent, name
        assert about.risk_code in CONF.register_, name
        assert (about.peer_rule == "none") == (published()[name].peer_rule == "none"), name
        assert published()[name].source, name
        assert {t for t in about.inputs} <= set(TABLES), name
        for text in (about.sentence_en, about.sentence_zh, about.taxpayer_en, about.taxpayer_zh):
            fields = {f for _, f, _, _ in string.Formatter().parse(text) if f}
            assert fields <= {"period", "declared", "other", "gap"}, name
        fraud = CONF.register_[about.risk_code].fraud
        assert not fraud or about.taxpayer_en == about.taxpayer_zh == NOT_DISCLOSED, name


def test_taxpayer_sentence_names_no_fact_that_may_not_be_disclosed() -> None:
    allowed = {d.source for d in CONF.disclosure if d.allowed}
    for name, rule in REGISTRY.items():
        words = rule.about.taxpayer_en + rule.about.taxpayer_zh
        if rule.about.other.source not in allowed:
            assert "{other}" not in words and "{gap}" not in words, name
        if rule.about.declared.source not in allowed:
            assert "{declared}" not in words, name


@pytest.mark.parametrize(("declared", "hit", "told"), [(90, True, True), (95.5, False, True), (97, False, False)])  # 10, 4.5 and 3 % less, against 5 %
def test_what_is_near_its_threshold_is_told_with_both_sides(declared: float, hit: bool, told: bool) -> None:
    firm = Firm("f").filed("VAT", "2026-01", 3).months("2026-01", 3, vat_sales=declared, out_net=100, vat_exempt=0)
    row = evaluate(AS_OF, parameters("vat_sales_below_invoices", 0.05, rate=0.13), firm).of("f", "2026-01")
    assert (row["hit"], row["facts"] is not None) == (hit, told)
    if told:
        facts = json.loads(row["facts"])
        assert facts["declared"]["value"] == pytest.approx(3 * declared, abs=0.5) and facts["other"]["value"] == 300
        assert "2026" in facts["sentence_en"] and "CNY 300" in facts["sentence_en"] and "2026" in facts["sentence_zh"]
