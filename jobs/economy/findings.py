"""What an examiner finds: only part of what is there, sometimes nothing, sometimes too much paid. The same for old audits and new cases.

An examiner who looks for the wrong fault often misses the right one, which is how indicators earn different hit rates. How well he sees
depends on who he is and on how hard the fault is to see. Taxes without a risk code of their own are answered under `comprehensive`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jobs.economy.chance import Chance
from jobs.economy.enforcing import Enforcement
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
    NAMES,
    PRIVATE_ACCOUNTS,
    PRIVATE_USE,
    RENT,
    SHIFTED,
    SPLIT,
    STOCK,
    SUPPRESSED,
    WAGES,
)  # fmt: skip
from jobs.economy.setting import Country
from jobs.economy.world import TAXES
from jobs.lake.arrays import Flags, Floats, Ints

RESULTS = ("confirmed", "in_part", "excluded", "not_examined", "new")
CONFIRMED, IN_PART, EXCLUDED, NOT_EXAMINED, NEW = range(5)
REASONS = ("innocent_explanation", "threshold", "data_wrong", "policy_read_differently", "already_corrected")

_ANY = ("comprehensive",)
_FAKE, _SALES, _COST, _WAGES = ("vat_fictitious_invoices",), ("vat_sales_understated", "vat_cash_sales_suppressed"), ("cit_cost_inflated",), ("pit_wages_understated",)
CODES: dict[int, dict[str, tuple[str, ...]]] = {
    HONEST: {
        "VAT": ("vat_sales_understated", "vat_input_unmatched"), "CIT": (*_COST, "cit_revenue_understated"), "PIT": _WAGES,
        "SOCIAL": _ANY, "STAMP": _ANY, "PROPERTY": _ANY, "LVAT": _ANY,
    },
    SUPPRESSED: {"VAT": _SALES, "CIT": ("cit_revenue_understated", "cit_cost_inflated")},
    FICTITIOUS: {"VAT": (*_FAKE, "vat_input_unmatched"), "CIT": _COST},
    MISSING: {"VAT": ("vat_missing_trader", "vat_sales_understated"), "CIT": ("cit_revenue_understated",), "STAMP": _ANY},
    INFLATED: {"VAT": ("vat_input_inflated", "vat_input_unmatched")},
    SHIFTED: {"CIT": ("cit_profit_shifted", "cit_cost_inflated")},
    MILL: {"VAT": (*_FAKE, "vat_missing_trader"), "CIT": _COST},
    PRIVATE_ACCOUNTS: {"VAT": _SALES, "CIT": ("cit_revenue_understated",)},
    PRIVATE_USE: {"VAT": ("vat_input_inflated", "vat_input_unmatched"), "CIT": _COST},
    COSTS: {"CIT": _COST},
    WAGES: {"PIT": _WAGES, "SOCIAL": _ANY},
    RENT: {"VAT": ("vat_sales_understated",), "CIT": ("cit_revenue_understated",), "PROPERTY": _ANY},
    EXPORTS: {"VAT": (*_FAKE, "vat_input_inflated")},
    CAROUSEL: {"VAT": ("vat_missing_trader", "vat_input_inflated", *_FAKE)},
    SPLIT: {"VAT": ("vat_sales_understated",)},
    LOANS: {"PIT": _WAGES},
    STOCK: {"CIT": _COST},
    LAND_COSTS: {"LVAT": _ANY},
}  # fmt: skip
RISKS = tuple(sorted({code for taxes in CODES.values() for codes in taxes.values() for code in codes}))

_SEES = {True: (0.75, 0.95), False: (0.35, 0.6)}  # chance of a perfect examiner, by whether the code names the fault: at an interview, at an examination
_LOWERS, _SKIPS, _PARTLY = 0.4, 0.06, 0.3


@dataclass(frozen=True)
class Look:
    """What lies before examiners, one element per point.

    hidden, due: cents (hidden = due less declared); fitting: the risk code names the fault; thorough: an examination, not a talk;
    skill: of the inspector; ease: how well this kind of fault is seen, 1 is usual.
    """

    hidden: Ints
    due: Ints
    fitting: Flags
    thorough: Flags
    skill: Floats
    ease: Floats


@dataclass(frozen=True)
class Findings:
    """One element per point: result and reason by position, amount in cents (signed)."""

    result: Ints
    reason: Ints
    amount: Ints


def codes_of(typology: int, tax: str) -> tuple[str, ...]:
    """Risk codes that name the fault of these firms in a tax; in a tax in which they hide nothing, those of honest mistakes."""
    return CODES[typology].get(tax) or CODES[HONEST].get(tax, _ANY)


def fits(typology: int, tax: str, code: str) -> bool:
    """Does a risk code name the fault that firms of this typology commit in this tax?"""
    return code in codes_of(typology, tax)


def right_code(typology: int, tax: str) -> str:
    """The risk code an examiner writes when he finds the fault himself."""
    return codes_of(typology, tax)[0]


FITS = np.array([[[fits(k, tax, code) for code in RISKS] for tax in TAXES] for k in range(len(NAMES))])  # [typology, tax, code]
RIGHT = np.array([[RISKS.index(right_code(k, tax)) for tax in TAXES] for k in range(len(NAMES))], dtype=np.int64)
HIDES = np.array([[k != HONEST and tax in CODES[k] for tax in TAXES] for k in range(len(NAMES))])  # [typology, tax]


def ease_of(country: Country) -> Floats:
    """How well each typology is seen, by its number: 1 is usual."""
    known = country.evasion.typologies
    return np.array([known[name].detection if name in known else 1.0 for name in NAMES])


def sees(c: Chance, fitting: Flags, thorough: Flags, skill: Floats, ease: Floats, *key: Ints) -> Flags:
    """Whether an examiner who has a fault before him sees it."""
    usual = np.where(fitting, np.where(thorough, _SEES[True][1], _SEES[True][0]), np.where(thorough, _SEES[False][1], _SEES[False][0]))
    return np.asarray(c.uniform("sees", *key) < usual * skill * np.minimum(ease, 1.5))


def skipped(c: Chance, *key: Ints) -> Flags:
    """Points of a case that nobody gets round to."""
    return np.asarray(c.uniform("skipped", *key) < _SKIPS)


def examine(c: Chance, e: Enforcement, look: Look, *key: Ints) -> Findings:
    """Answer points. Of what is seen, a part between the two ends of `detection` is found: more by a better inspector and of easier faults."""
    least = e.tolerance_cents
    real = (look.hidden > least) & (look.hidden * 100 > look.due)
    over = (look.hidden < -least) & (-look.hidden * 50 > look.due)
    found = real & sees(c, look.fitting, look.thorough, look.skill, look.ease, *key)
    lowered = over & look.thorough & (c.uniform("lowers", *key) < _LOWERS)
    low, high = e.detection
    part = low + (high - low) * (0.5 * c.uniform("part", *key) + 0.5 * _quality(e, look.skill) * np.minimum(look.ease, 1.0))
    unseen = skipped(c, *key)
    amount = np.where((found | lowered) & ~unseen, np.rint(look.hidden * part), 0).astype(np.int64)
    partly = c.uniform("partly", *key) < _PARTLY
    result = np.where(found | lowered, np.where(partly, IN_PART, CONFIRMED), EXCLUDED)
    result = np.where(unseen, NOT_EXAMINED, result)
    reason = c.pick([0.6, 0.16, 0.14, 0.1], "reason", *key)
    return Findings(result.astype(np.int64), np.where(result == EXCLUDED, reason, -1), amount)


def _quality(e: Enforcement, skill: Floats) -> Floats:
    """Where a skill lies between the least and the best, 0..1."""
    low, high = e.skill
    return np.asarray(np.clip((skill - low) / (high - low), 0, 1) if high > low else np.ones_like(skill))
