"""What a rule reads is found by asking it: each indicator on arbitrary books. What moves a figure has a tracer, or the indicator may not be published."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from jobs.analyse.frame import frame
from jobs.analyse.indicator import REGISTRY
from jobs.analyse.indicators import READS
from jobs.analyse.ledger import ledger, needed
from jobs.conf import load
from jobs.lineage.cells import followed, months_of
from jobs.lineage.probe import Reading, ask
from tests.analyse.drawn import TAXPAYER_MONTH, Firm, tables_of

AS_OF = date(2026, 7, 20)
CONF = load()
Read = dict[Reading, tuple[float, tuple[str, ...]]]


def drawn(seed: int) -> Firm:
    """A firm with arbitrary books of two years, on which most rules find something; by turns it invoices more than it declares, and less."""
    draw = np.random.default_rng(seed)
    firm = Firm("f")
    for tax, count, span in (("VAT", 24, "month"), ("PIT", 24, "month"), ("CIT", 2, "year")):
        firm.filed(tax, "2024-01", count, span, state=str(draw.choice(["filed", "late", "missing"])), due=int(draw.integers(1, 900)), due_first=int(draw.integers(1, 900)), paid=int(draw.integers(0, 900)))
    for month in [f"{year}-{m:02d}" for year in (2024, 2025) for m in range(1, 13)]:
        measures = {name: int(draw.integers(-9 if "profit" in name else 1, 900 if name.startswith("vat_") and seed % 2 else 9000)) for name in sorted(TAXPAYER_MONTH)}
        firm.month(month, **measures | {"out_red_net": -50}, in_net=800, in_tax=int(draw.integers(1, 90)), in_tax_suspect=int(draw.integers(1, 90)), in_tax_undeclared=int(draw.integers(1, 90)), suspect_n=1, out_related_net=70)
    firm.partner(owner_companies=3, owner_penalised=1, owner_confirmed=1)
    for measure in ("vat_burden_12m", "input_output_ratio", "cost_ratio", "profit_margin", "revenue_per_head", "purchase_ratio"):
        firm.peer(measure, float(draw.uniform(0.1, 2)), 0.1)
    return firm


def table_of(reading: Reading) -> str:
    if reading.kind != "months":
        return {"peer": "peer_member", "number": reading.name.split(".")[0]}[reading.kind]
    return "filing" if "." in reading.name else "taxpayer_month" if reading.name in TAXPAYER_MONTH else "partner_month"


def read(indicator: str, seeds: int = 12) -> tuple[list[dict[str, float]], Read]:
    """What the indicator found on the periods of some firms, and everything that moved a figure on one of them."""
    rule, parameters = REGISTRY[indicator], CONF.indicators_on(AS_OF)[indicator]
    found, moved = [], {}
    for seed in range(seeds):
        books = ledger(needed(tables_of(drawn(seed)), READS), AS_OF)
        for tax, span in rule.about.frames:
            rows = frame(books, tax, span)
            for row in range(rows.rows):
                figures, readings = ask(rule, rows, row, parameters.settings)
                found.append(figures)
                moved |= readings
    return found, moved


@pytest.mark.parametrize("indicator", sorted(CONF.indicators_on(AS_OF)))
def test_whatever_moves_a_figure_of_an_indicator_in_use_has_a_tracer(indicator: str) -> None:
    found, moved = read(indicator, 4)
    assert found and moved
    assert [r for r in moved if not followed(r)] == []
    assert {table_of(r) for r in moved} <= set(REGISTRY[indicator].about.inputs), "About.inputs leaves out a table whose figures the rule reads"


#   indicator                          figure         readings that move it
MOVES = [
    ("vat_sales_below_invoices", "declared", {"vat_sales", "vat_exempt", "vat_exports"}),
    ("vat_sales_below_invoices", "other", {"out_net"}),
    ("vat_sales_below_invoices", "base", {"vat_sales", "vat_exempt", "vat_exports", "out_net", "out_tax"}),
    ("vat_red_letter_share", "declared", {"out_red_net"}),
    ("payment_below_due", "other", {"VAT.paid", "PIT.paid", "CIT.paid"}),
    ("returns_amended_down", "base", {"VAT.lowered", "PIT.lowered", "CIT.lowered"}),
    ("cit_related_sales_at_low_margin", "declared", {"cit_profit", "cit_revenue"}),
    ("cit_related_sales_at_low_margin", "other", {"profit_margin.median"}),
]


@pytest.mark.parametrize(("indicator", "figure", "expected"), MOVES)
def test_each_reading_feeds_the_figures_it_moves_and_no_other(indicator: str, figure: str, expected: set[str]) -> None:
    _, moved = read(indicator)
    assert {r.name for r, (_, feeds) in moved.items() if figure in feeds} == expected


def test_a_condition_is_no_part_of_a_figure() -> None:
    """Whether returns are filed and related sales are large decides if the rule speaks, not what it says."""
    _, moved = read("cit_related_sales_at_low_margin")
    assert not {r.name for r in moved} & {"CIT.owed", "CIT.filed", "out_related_net", "out_net"}


def test_asking_changes_nothing() -> None:
    """The figures are those of the rule on the frame itself."""
    rule, parameters = REGISTRY["vat_uninvoiced_sales_fell"], CONF.indicators_on(AS_OF)["vat_uninvoiced_sales_fell"]
    rows = frame(ledger(needed(tables_of(drawn(3)), READS), AS_OF), "VAT", "quarter")
    plain = rule.rule(rows, parameters.settings)
    for row in range(rows.rows):
        figures, _ = ask(rule, rows, row, parameters.settings)
        np.testing.assert_array_equal([figures[c] for c in ("declared", "other", "difference", "base")], [getattr(plain, c)[row] for c in ("declared", "other", "difference", "base")])


def test_the_months_of_a_reading_are_calendar_months() -> None:
    assert months_of(Reading("months", "out_net", (2025 - 1970) * 12 + 10, 3)) == [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]
