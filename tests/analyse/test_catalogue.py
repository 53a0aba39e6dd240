"""The printed catalogue is the registry and the parameters, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from jobs.analyse.catalogue import catalogue
from jobs.analyse.indicator import REGISTRY
from jobs.conf import load


def test_every_indicator_is_printed_with_formula_and_innocent_explanations() -> None:
    text = catalogue()
    for name, rule in REGISTRY.items():
        assert f"## {name}\n" in text
        assert rule.about.formula in text
        assert all(reason in text for reason in rule.about.innocent)


def test_parameters_are_those_of_the_date() -> None:
    conf = load()
    first = next(p for p in conf.indicators if p.id == "vat_sales_below_invoices")
    later = first.model_copy(update={"threshold": 0.33, "valid_from": date(2030, 1, 1)})
    conf = conf.model_copy(update={"indicators": (*conf.indicators, later)})
    assert "threshold 0.33" in catalogue(conf)
    assert "threshold 0.33" not in catalogue(conf, date(2026, 1, 1))


def test_an_indicator_without_parameters_says_that_it_is_not_evaluated() -> None:
    conf = load().model_copy(update={"indicators": ()})
    assert catalogue(conf).count("it is not evaluated") == len(REGISTRY)


def test_the_page_in_docs_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "indicators.md"
    assert page.read_text(encoding="utf-8") == catalogue(), "print it again: docs/indicators.md = jobs.analyse.catalogue.catalogue()"
