"""Importing this module registers every indicator: each family's module does so for its own functions."""

from __future__ import annotations

from jobs.analyse import indicator_cit, indicator_conduct, indicator_pit, indicator_vat_input, indicator_vat_pattern, indicator_vat_sales

FAMILIES = (indicator_vat_sales, indicator_vat_pattern, indicator_vat_input, indicator_cit, indicator_pit, indicator_conduct)
