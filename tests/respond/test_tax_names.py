"""Every tax that a source may speak of has a name in both languages: a page for people shows no code."""

from __future__ import annotations

from jobs.respond.pages import TAX_EN, TAX_ZH
from tests.respond.helpers import conf


def test_every_tax_of_the_sources_has_its_names() -> None:
    columns = [s.columns["tax"] for s in conf().sources.values() if "tax" in s.columns]
    taxes = {c.constant for c in columns if c.constant} | {code for c in columns for code in (c.codes or {}).values()}
    assert {"VAT", "SOCIAL", "LVAT"} <= taxes <= set(TAX_ZH) and set(TAX_ZH) == set(TAX_EN)
