"""Indicators on enterprise income tax: revenue, cost, stock, losses and margins of a year."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jobs.analyse.frame import Frame, Span
from jobs.analyse.indicator import About, Reading, Side, deviation, indicator, positive, share
from jobs.analyse.indicator_vat_sales import declared_sales
from jobs.lake.arrays import Floats

_REVENUE = Side("cit_return", "revenue", "Revenue declared for CIT", "企业所得税申报收入")
_LAW = "Enterprise Income Tax Law: total income; Tax Collection and Administration Law, art. 35 (verify)"
_YEAR: tuple[tuple[str, Span], ...] = (("CIT", "year"),)
_RATES = ("rate", "small_rate", "small_below")
_PEERS = "industry x size, backing off; the 12 months that tonight's peers cover"



def _tax(profit: Floats, settings: Mapping[str, float]) -> Floats:
    """Tax on a profit: the small rate up to its limit, the full rate on all of a larger one."""
    rate = np.where(profit <= settings["small_below"], settings["small_rate"], settings["rate"])
    return np.asarray(positive(profit) * rate)


def _at_stake(frame: Frame, gap: Floats, settings: Mapping[str, float]) -> Floats:
    """What a gap in the profit means in tax: a declared loss is used up first, and a larger profit may lose the small rate."""
    declared = frame.sum("cit_profit")
    return np.asarray(_tax(declared + positive(gap), settings) - _tax(declared, settings))


@indicator(
    About(
        id="cit_revenue_below_vat_sales",
        version=1,
        name_en="Revenue for CIT below sales for VAT",
        name_zh="企业所得税收入小于增值税销售额",
        risk_code="cit_revenue_understated",
        base="revenue",
        unit="share of the VAT sales",
        frames=_YEAR,
        formula="(sales declared for VAT in the year - revenue declared for CIT) / sales; at stake: tax on the profit with the gap less tax on the profit declared",
        inputs=("taxpayer_month", "filing"),
        minimum="CIT return and all VAT returns of the year filed",
        legal_basis=_LAW,
        innocent=("sale of used equipment is VAT sales, not revenue", "deemed sales for VAT only", "VAT on advances"),
        settings=_RATES,
        declared=_REVENUE,
        other=Side("vat_return", "sales", "Sales declared for VAT", "增值税申报销售额"),
        sentence_en="For {period} revenue of {declared} was declared for income tax, but sales of {other} for VAT: the shortfall is {gap} of the sales.",
        sentence_zh="{period}企业所得税申报收入{declared}，增值税申报销售额{other}，差额占销售额的{gap}。",
        taxpayer_en="For {period} you declared revenue of {declared} for income tax and sales of {other} for VAT. Please compare the two.",
        taxpayer_zh="您{period}企业所得税申报收入{declared}，增值税申报销售额{other}，请核对两者差异。",
    )
)
def cit_revenue_below_vat_sales(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Year: VAT sales against CIT revenue."""
    declared, other = frame.sum("cit_revenue"), declared_sales(frame)
    gap = other - declared
    missing = ((~frame.filed(), "not_filed"), (~frame.filed("VAT"), "vat_not_filed"))
    return Reading(declared, other, share(gap, other), _at_stake(frame, gap, settings), missing=missing)


@indicator(
    About(
        id="cit_revenue_below_statement",
        version=1,
        name_en="Revenue for CIT below revenue of the statements",
        name_zh="企业所得税收入小于财务报表收入",
        risk_code="cit_revenue_understated",
        base="revenue",
        unit="share of the statements' revenue",
        frames=_YEAR,
        formula="(revenue of the year's statements - revenue declared for CIT) / revenue of the statements; at stake: tax on the profit with the gap less tax on the profit declared",
        inputs=("taxpayer_month", "filing"),
        minimum="CIT return filed; statements of the year",
        legal_basis=_LAW,
        innocent=("income that is not taxable", "timing between accounting and tax rules"),
        settings=_RATES,
        declared=_REVENUE,
        other=Side("financial_statement", "revenue", "Revenue of the statements", "财务报表营业收入"),
        sentence_en="For {period} the financial statements show revenue of {other}, but {declared} was declared for income tax: the shortfall is {gap} of the statements' revenue.",
        sentence_zh="{period}财务报表营业收入{other}，企业所得税申报收入{declared}，差额占营业收入的{gap}。",
        taxpayer_en="For {period} your financial statements show revenue of {other}, and your income tax return {declared}. Please compare the two.",
        taxpayer_zh="您{period}财务报表营业收入{other}，企业所得税申报收入{declared}，请核对两者差异。",
    )
)
def cit_revenue_below_statement(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Year: statements' revenue against CIT revenue."""
    declared, other = frame.sum("cit_revenue"), frame.sum("fs_revenue")
    gap = other - declared
    missing = ((~frame.filed(), "not_filed"), (other == 0, "no_statement"))
    return Reading(declared, other, share(gap, other), _at_stake(frame, gap, settings), missing=missing)


@indicator(
    About(
        id="cit_cost_ratio_above_peers",
        version=1,
        name_en="Cost over revenue above peers",
        name_zh="成本率高于同行业",
        risk_code="cit_cost_inflated",
        base="profit",
        unit="robust deviations above the peers' median",
        gap="deviations",
        frames=_YEAR,
        formula="(cost / revenue - peers' median) / deviation of the peers; at stake: (own - median) x revenue added to the profit, taxed at the rate of its size",
        inputs=("taxpayer_month", "filing", "peer_member"),
        peer_rule=_PEERS,
        minimum="CIT return of the latest year filed; revenue; peers",
        legal_basis="none: a comparison, not a finding",
        innocent=(
            "cheap contract taken to enter a market",
            "raw material became dearer",
            "other kind of business inside the same industry code",
        ),
        settings=_RATES,
        declared=Side("cit_return", "cost", "Cost over revenue", "成本率", "share"),
        other=Side("peer", "cost_ratio", "Median of the peers", "同行业成本率中位数", "share"),
        larger="declared",
        sentence_en="In {period} cost was {declared} of revenue; the median of comparable taxpayers is {other}. The distance is {gap} times the usual spread among them.",
        sentence_zh="{period}成本占收入的{declared}，同行业中位数{other}，差距为同行业通常离散程度的{gap}倍。",
        taxpayer_en="For {period} the cost you declared is {declared} of revenue. Please check that all of it was incurred and has its vouchers.",
        taxpayer_zh="您{period}申报成本占收入的{declared}，请核对成本是否真实发生并有合法凭证。",
    )
)
def cit_cost_ratio_above_peers(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Latest year: cost over revenue against peers, upper tail."""
    revenue = frame.sum("cit_revenue")
    own = share(frame.sum("cit_cost"), revenue)
    median, mad = frame.peer("cost_ratio")
    missing = ((~frame.filed(), "not_filed"), (np.isnan(median), "no_peers"))
    return Reading(own, median, deviation(own, median, mad), _at_stake(frame, positive(own - median) * revenue, settings), frame.newest(1), missing)


@indicator(
    About(
        id="cit_stock_grew_without_sales",
        version=1,
        name_en="Stock grew without sales",
        name_zh="存货增长与收入不匹配",
        risk_code="cit_revenue_understated",
        base="stock",
        unit="difference of growth rates",
        gap="points",
        frames=_YEAR,
        formula="growth of stock in the year - growth of the statements' revenue; at stake: stock above what kept step with sales x (revenue / cost - 1), added to the profit and taxed",
        inputs=("taxpayer_month", "filing"),
        minimum="statements of the year and of the year before; CIT return filed",
        legal_basis=_LAW,
        innocent=("order received but not delivered", "stock bought ahead of a price rise", "goods unsaleable"),
        settings=_RATES,
        declared=Side("financial_statement", "inventory", "Stock at the year's end", "期末存货"),
        other=Side("financial_statement", "inventory", "Stock that would have kept step with sales", "与收入同步的存货", estimate=True),
        larger="declared",
        sentence_en="At the end of {period} stock stood at {declared}; in step with sales it would be {other}: it grew {gap} percentage points faster than sales.",
        sentence_zh="{period}期末存货{declared}，按收入增长推算应有{other}，存货增速比收入增速高{gap}个百分点。",
        taxpayer_en="At the end of {period} your statement shows stock of {declared}; in step with your sales it would be {other}. Please check stock and sales.",
        taxpayer_zh="您{period}期末存货{declared}，按收入增长推算应有{other}，请核对存货与销售。",
    )
)
def cit_stock_grew_without_sales(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Year: growth of stock against growth of revenue."""
    stock, before = frame.last("fs_inventory"), frame.last("fs_inventory", 1)
    revenue, revenue_before = frame.sum("fs_revenue"), frame.sum("fs_revenue", 1)
    step = share(revenue, revenue_before)
    margin = positive(share(revenue, frame.sum("fs_cost")) - 1)
    base = _at_stake(frame, positive(stock - before * step) * margin, settings)
    stated = (frame.last("fs_assets") > 0) & (frame.last("fs_assets", 1) > 0)
    missing = ((~frame.filed(), "not_filed"), (~stated, "no_statement"))
    return Reading(stock, before * step, share(stock, before) - step, base, missing=missing)


@indicator(
    About(
        id="cit_losses_with_rising_sales",
        version=1,
        name_en="Losses year after year with rising sales",
        name_zh="连年亏损但收入增长",
        risk_code="cit_cost_inflated",
        base="profit",
        unit="loss as a share of revenue",
        frames=_YEAR,
        formula="loss / revenue, for a loss this year and the year before while revenue rose by the configured share; at stake: the tax a profit as large would bear (the loss would be carried forward)",
        inputs=("taxpayer_month", "filing"),
        minimum="CIT returns of two years filed",
        legal_basis="none: a pattern that asks for a question",
        innocent=("investment phase", "price war", "research costs"),
        settings=(*_RATES, "least_rise"),
        declared=Side("cit_return", "profit", "Taxable profit declared", "申报应纳税所得额"),
        other=Side("cit_return", "revenue", "Rise of revenue over the year before", "收入较上年增加"),
        larger="neither",
        sentence_en="For {period} a loss was declared for the second year running (result {declared}, a loss of {gap} of revenue), although revenue rose by {other}.",
        sentence_zh="{period}连续第二年申报亏损（应纳税所得额{declared}，亏损额占收入的{gap}），而收入较上年增加{other}。",
        taxpayer_en="For {period} you declared a result of {declared} after a loss in the year before, while your revenue rose by {other}. Please check cost and expenses.",
        taxpayer_zh="您{period}申报应纳税所得额{declared}，上年亦为亏损，而收入较上年增加{other}，请核对成本费用。",
    )
)
def cit_losses_with_rising_sales(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Year: second loss in a row while revenue rises."""
    profit, profit_before = frame.sum("cit_profit"), frame.sum("cit_profit", 1)
    revenue, revenue_before = frame.sum("cit_revenue"), frame.sum("cit_revenue", 1)
    rising = np.nan_to_num(share(revenue, revenue_before)) >= 1 + settings["least_rise"]
    again = (profit < 0) & (profit_before < 0) & rising
    loss = np.where(again, share(-profit, revenue), 0.0)
    filed_before = frame.filed(back=1)
    missing = ((~frame.filed(), "not_filed"), (~filed_before, "no_earlier_periods"))
    return Reading(profit, revenue - revenue_before, loss, _tax(np.where(again, -profit, 0.0), settings), missing=missing)


@indicator(
    About(
        id="cit_related_sales_at_low_margin",
        version=1,
        name_en="Large sales to parties with a common owner at a low margin",
        name_zh="关联销售占比高且利润率低",
        risk_code="cit_profit_shifted",
        base="profit",
        unit="share of revenue below the peers' median margin",
        gap="points",
        frames=_YEAR,
        formula="peers' median of profit / revenue - own, for taxpayers whose invoices to parties with a common owner are at least the configured share; at stake: the gap x revenue added to the profit, taxed at the rate of its size",
        inputs=("taxpayer_month", "partner_month", "filing", "peer_member"),
        peer_rule=_PEERS,
        minimum="CIT return of one of the two latest years filed; invoices; peers",
        legal_basis="Enterprise Income Tax Law, art. 41: arm's length principle (verify)",
        innocent=("contract maker inside a group with little risk", "start-up of a group's distribution", "real bulk discount"),
        settings=(*_RATES, "least_share"),
        declared=Side("cit_return", "profit", "Profit over revenue", "利润率", "share"),
        other=Side("peer", "profit_margin", "Median of the peers", "同行业利润率中位数", "share"),
        sentence_en="In {period} a large part of sales went to parties with a common owner; profit was {declared} of revenue, {gap} percentage points below the median of comparable taxpayers ({other}).",
        sentence_zh="{period}向同一投资方企业的销售占比高，利润率{declared}，比同行业中位数（{other}）低{gap}个百分点。",
        taxpayer_en="For {period} your profit was {declared} of revenue. Please check that prices agreed with connected companies are those of independent parties.",
        taxpayer_zh="您{period}利润率为{declared}，请核对与关联企业的交易定价是否符合独立交易原则。",
    )
)
def cit_related_sales_at_low_margin(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Two latest years: margin below peers where related sales are large."""
    revenue = frame.sum("cit_revenue")
    own = share(frame.sum("cit_profit"), revenue)
    median, _ = frame.peer("profit_margin")
    related = np.nan_to_num(share(frame.sum("out_related_net"), frame.sum("out_net")))
    about = frame.newest(2) & (related >= settings["least_share"])
    missing = ((~frame.filed(), "not_filed"), (np.isnan(median), "no_peers"))
    return Reading(own, median, median - own, _at_stake(frame, positive(median - own) * revenue, settings), about, missing)
