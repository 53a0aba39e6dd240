"""VAT burden and input against output, own course and against peers (METHODS A6: 1-4, 6, 8, 9)."""

from __future__ import annotations

from jobs.analyse.feature import PEERS, SALES, Family, Feature
from jobs.analyse.panel import Panel
from jobs.analyse.ratios import sales
from jobs.analyse.windows import mean, ratio, share
from jobs.lake.arrays import Floats


def count(books: Panel) -> dict[str, Floats]:
    """Ratios of declared VAT figures [taxpayer]."""
    declared = sales(books)
    due, output, paid_in, credit = (books.declared(f"vat_{m}", "VAT") for m in ("due", "output", "input", "credit"))
    burden = {months: ratio(due, declared, months) for months in (3, 12, 36)}
    return {
        **{f"vat_burden_{months}m": values for months, values in burden.items()},
        "vat_burden_change_3m": burden[3] - burden[12],
        "vat_burden_change_12m": burden[12] - ratio(due, declared, 12, back=12),
        "vat_burden_peers": books.peer("vat_burden_12m"),
        "input_output_3m": ratio(paid_in, output, 3),
        "input_output_12m": ratio(paid_in, output, 12),
        "input_output_change_12m": ratio(paid_in, output, 12) - ratio(paid_in, output, 12, back=12),
        "input_output_peers": books.peer("input_output_ratio"),
        "output_rate_12m": ratio(output, books.declared("vat_sales", "VAT"), 12),
        "exempt_share_12m": ratio(books.declared("vat_exempt", "VAT"), declared, 12),
        "credit_to_sales": share(mean(credit, 1), mean(declared, 12)),
    }


_DUE, _BOTH = (*SALES, "return_line.due"), ("return_line.input", "return_line.output")

FAMILY = Family(
    "burden",
    "VAT burden",
    (
        Feature("vat_burden_3m", "ratio", 3, "VAT due / sales declared", _DUE),
        Feature("vat_burden_12m", "ratio", 12, "VAT due / sales declared", _DUE),
        Feature("vat_burden_36m", "ratio", 36, "VAT due / sales declared", _DUE),
        Feature("vat_burden_change_3m", "difference", 12, "burden of 3 months less that of 12", _DUE),
        Feature("vat_burden_change_12m", "difference", 24, "burden of 12 months less that of the 12 before", _DUE),
        Feature("vat_burden_peers", "robust deviations", 12, "burden against peers", (*_DUE, *PEERS, "taxpayer.vat_kind")),
        Feature("input_output_3m", "ratio", 3, "input VAT / output VAT declared", _BOTH),
        Feature("input_output_12m", "ratio", 12, "input VAT / output VAT declared", _BOTH),
        Feature("input_output_change_12m", "difference", 24, "input / output of 12 months less that of the 12 before", _BOTH),
        Feature("input_output_peers", "robust deviations", 12, "input / output against peers", (*_BOTH, *PEERS, "taxpayer.vat_kind")),
        Feature("output_rate_12m", "ratio", 12, "output VAT / taxable sales declared", ("return_line.output", "return_line.sales")),
        Feature("exempt_share_12m", "share", 12, "exempt sales / sales declared", SALES),
        Feature("credit_to_sales", "ratio", 12, "VAT credit of the last month / mean monthly sales", (*SALES, "return_line.credit_out")),
    ),
    count,
)
