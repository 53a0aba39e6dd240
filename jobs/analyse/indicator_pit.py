"""Indicators on wages: what was declared for withholding against the books and against peers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jobs.analyse.frame import Frame
from jobs.analyse.indicator import About, Reading, Side, deviation, first_of, indicator, positive, share
from jobs.analyse.indicator_vat_sales import declared_sales

_LAW = "Individual Income Tax Law: duties of the withholding agent (verify)"


@indicator(
    About(
        id="pit_wages_below_statement",
        version=2,
        name_en="Wages for withholding below wages of the statements",
        name_zh="个税申报工资小于财务报表工资",
        risk_code="pit_wages_understated",
        base="wages",
        unit="share of the statements' wages",
        frames=(("PIT", "year"),),
        formula="(wages of the year's statements - wages declared for withholding) / wages of the statements; at stake: the gap x own mean rate of withholding on wages, else the configured one",
        inputs=("taxpayer_month", "filing"),
        minimum="all withholding returns of the year filed; statements of the year",
        legal_basis=_LAW,
        innocent=(
            "accrued bonus not yet paid",
            "welfare and social contributions inside the statement's wages",
            "labour hired through an agency",
        ),
        settings=("rate",),
        declared=Side("pit_return", "wages", "Wages declared for withholding", "个税扣缴申报工资"),
        other=Side("financial_statement", "wages", "Wages of the statements", "财务报表工资薪金"),
        sentence_en="For {period} the financial statements show wages of {other}, but wages of {declared} were declared for withholding: the shortfall is {gap} of the statements' wages.",
        sentence_zh="{period}财务报表工资薪金{other}，个税扣缴申报工资{declared}，差额占报表工资的{gap}。",
        taxpayer_en="For {period} your financial statements show wages of {other}, and your withholding returns {declared}. Please compare the two.",
        taxpayer_zh="您{period}财务报表工资薪金{other}，个税扣缴申报工资{declared}，请核对两者差异。",
    )
)
def pit_wages_below_statement(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Year: statements' wages against wages declared."""
    declared, other = frame.sum("pit_wages"), frame.sum("fs_wages")
    rate = first_of(share(frame.sum("pit_due") - frame.sum("pit_dividend_due"), declared), np.full(frame.rows, settings["rate"]))
    missing = ((~frame.filed(), "not_filed"), (other == 0, "no_statement"))
    return Reading(declared, other, share(other - declared, other), positive(other - declared) * np.fmax(rate, 0), missing=missing)


@indicator(
    About(
        id="pit_sales_per_head_above_peers",
        version=1,
        name_en="Sales per employee above peers",
        name_zh="人均销售额高于同行业",
        risk_code="pit_wages_understated",
        base="wages",
        unit="robust deviations above the peers' median",
        gap="deviations",
        frames=(("PIT", "year"),),
        formula="(sales / mean number of employees declared - peers' median) / deviation of the peers; at stake: employees that the peers would need x own mean wage x rate",
        inputs=("taxpayer_month", "filing", "peer_member"),
        peer_rule="industry x size, backing off; the 12 months that tonight's peers cover",
        minimum="all VAT and withholding returns of the latest year filed; employees; peers",
        legal_basis="none: a comparison, not a finding",
        innocent=("automated plant", "trade without a warehouse", "labour hired through an agency"),
        settings=("rate",),
        declared=Side("pit_return", "heads", "Sales per employee declared", "申报人均销售额", estimate=True),
        other=Side("peer", "revenue_per_head", "Median of the peers", "同行业人均销售额中位数", estimate=True),
        larger="declared",
        sentence_en="In {period} sales per employee declared were {declared}; the median of comparable taxpayers is {other}. The distance is {gap} times the usual spread among them.",
        sentence_zh="{period}按申报人数计算的人均销售额{declared}，同行业中位数{other}，差距为同行业通常离散程度的{gap}倍。",
        taxpayer_en="For {period} the employees you declared give sales of {declared} each. Please check that all employees are declared.",
        taxpayer_zh="您{period}按申报人数计算的人均销售额{declared}，请核对员工是否全员申报。",
    )
)
def pit_sales_per_head_above_peers(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Latest year: sales per head against peers, upper tail."""
    sales, heads = declared_sales(frame), frame.sum("pit_heads") / frame.length
    own = share(sales, heads)
    median, mad = frame.peer("revenue_per_head")
    lacking = positive(share(sales, median) - heads)
    base = lacking * share(frame.sum("pit_wages"), heads) * settings["rate"]
    missing = ((~frame.filed(), "not_filed"), (~frame.filed("VAT"), "vat_not_filed"), (np.isnan(median), "no_peers"))
    return Reading(own, median, deviation(own, median, mad), base, frame.newest(1), missing)
