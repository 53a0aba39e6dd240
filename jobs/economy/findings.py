"""What an examiner finds: only part of what is there, sometimes nothing, sometimes too much paid. The same for old audits and new cases.

An examiner who looks for the wrong fault often misses the right one, which is how indicators earn different hit rates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.chance import Chance
from jobs.economy.kinds import (
    CAROUSEL,
    COSTS,
    EXPORTS,
    FICTITIOUS,
    HONEST,
    INFLATED,
    LAND_COSTS,
    LOANS,
    MILL,
    MISSING,
    PRIVATE_ACCOUNTS,
    PRIVATE_USE,
    RENT,
    SHIFTED,
    SPLIT,
    STOCK,
    SUPPRESSED,
    WAGES,
)  # fmt: skip
from jobs.lake.arrays import Flags, Ints

RESULTS = ("confirmed", "in_part", "excluded", "not_examined", "new")
CONFIRMED, IN_PART, EXCLUDED, NOT_EXAMINED, NEW = range(5)
REASONS = ("innocent_explanation", "threshold", "data_wrong", "policy_read_differently", "already_corrected")
TOLERANCE = 50_000  # cents: below it nobody writes a finding

CODES: dict[int, dict[str, tuple[str, ...]]] = {
    HONEST: {"VAT": ("vat_sales_understated", "vat_input_unmatched"), "CIT": ("cit_cost_inflated",), "PIT": ("pit_wages_understated",)},
    SUPPRESSED: {"VAT": ("vat_sales_understated", "vat_cash_sales_suppressed"), "CIT": ("cit_revenue_understated", "cit_cost_inflated")},
    FICTITIOUS: {"VAT": ("vat_fictitious_invoices", "vat_input_unmatched"), "CIT": ("cit_cost_inflated",)},
    MISSING: {"VAT": ("vat_missing_trader", "vat_sales_understated"), "CIT": ("cit_revenue_understated",)},
    INFLATED: {"VAT": ("vat_input_inflated", "vat_input_unmatched"), "CIT": ("cit_cost_inflated",)},
    SHIFTED: {"VAT": ("vat_sales_understated",), "CIT": ("cit_profit_shifted", "cit_cost_inflated")},
    MILL: {"VAT": ("vat_fictitious_invoices", "vat_missing_trader"), "CIT": ("cit_cost_inflated",)},
    PRIVATE_ACCOUNTS: {"VAT": ("vat_sales_understated", "vat_cash_sales_suppressed"), "CIT": ("cit_revenue_understated",)},
    PRIVATE_USE: {"VAT": ("vat_input_inflated", "vat_input_unmatched"), "CIT": ("cit_cost_inflated",)},
    COSTS: {"VAT": ("vat_input_unmatched",), "CIT": ("cit_cost_inflated",)},
    WAGES: {"PIT": ("pit_wages_understated",)},
    RENT: {"VAT": ("vat_sales_understated",), "CIT": ("cit_revenue_understated",)},
    EXPORTS: {"VAT": ("vat_fictitious_invoices", "vat_input_inflated")},
    CAROUSEL: {"VAT": ("vat_missing_trader", "vat_fictitious_invoices")},
    SPLIT: {"VAT": ("vat_sales_understated",)},
    LOANS: {"PIT": ("pit_wages_understated",)},
    STOCK: {"CIT": ("cit_cost_inflated",)},
    LAND_COSTS: {"CIT": ("cit_cost_inflated",)},
}
DEFAULT = {"VAT": "vat_sales_understated", "CIT": "cit_cost_inflated", "PIT": "pit_wages_understated"}


@dataclass(frozen=True)
class Findings:
    """One element per point: result and reason by position, amount in cents (signed)."""

    result: Ints
    reason: Ints
    amount: Ints


def fits(typology: int, tax: str, code: str) -> bool:
    """Does a risk code name the fault that firms of this typology commit in this tax?"""
    return code in CODES[typology].get(tax, ()) or (code in CODES[HONEST].get(tax, ()) and typology == HONEST)


def right_code(typology: int, tax: str) -> str:
    """The risk code an examiner writes when he finds the fault himself."""
    found = CODES[typology].get(tax) or CODES[HONEST].get(tax)
    return found[0] if found else "comprehensive"


def examine(c: Chance, hidden: Ints, due: Ints, fitting: Flags, thorough: Flags, *key: Ints) -> Findings:
    """Answer points about `hidden` cents (due less declared) of `due`.

    `thorough`: an inspection or assessment, which rarely misses; an interview learns less.
    """
    real = (hidden > TOLERANCE) & (hidden * 100 > due)
    over = (hidden < -TOLERANCE) & (-hidden * 50 > due)
    sees = np.where(fitting, np.where(thorough, 0.9, 0.7), np.where(thorough, 0.55, 0.3))
    found = real & (c.uniform("sees", *key) < sees)
    lowered = over & thorough & (c.uniform("lowers", *key) < 0.4)
    part = c.between(0.6, 0.8, "part", *key)
    amount = np.where(found | lowered, np.rint(hidden * part), 0).astype(np.int64)
    skipped = c.uniform("skipped", *key) < 0.06
    partly = c.uniform("partly", *key) < 0.3
    result = np.where(found | lowered, np.where(partly, IN_PART, CONFIRMED), EXCLUDED)
    result = np.where(skipped, NOT_EXAMINED, result)
    reason = c.pick([0.6, 0.16, 0.14, 0.1], "reason", *key)
    return Findings(result.astype(np.int64), np.where(result == EXCLUDED, reason, -1), np.where(skipped, 0, amount))
