"""Indicators on VAT sales: what was declared as sold against what others saw sold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jobs.analyse.frame import Frame
from jobs.analyse.indicator import About, Reading, Side, deviation, first_of, indicator, positive, share
from jobs.lake.arrays import Floats

_SALES = Side("vat_return", "sales", "Sales declared for VAT", "增值税申报销售额")
_LAW = "VAT Law: output tax on all taxable transactions; Tax Collection and Administration Law, art. 35 (verify)"


def declared_sales(frame: Frame, back: int = 0) -> Floats:
    """Taxable and exempt sales declared for VAT [row], in currency."""
    return frame.sum("vat_sales", back) + frame.sum("vat_exempt", back) + frame.sum("vat_exports", back)


def vat_rate(frame: Frame, settings: Mapping[str, float]) -> Floats:
    """The taxpayer's own mean rate by the invoices he issued; without invoices the configured one."""
    own = share(frame.sum("out_tax"), frame.sum("out_net"))
    return first_of(own, np.full(frame.rows, settings["rate"]))


@indicator(
    About(
        id="vat_sales_below_invoices",
        version=1,
        name_en="Sales declared below invoices issued",
        name_zh="申报销售额小于开票金额",
        risk_code="vat_sales_understated",
        base="sales",
        unit="share of the invoices",
        frames=(("VAT", "quarter"),),
        formula="(net of invoices issued - sales declared) / net of invoices issued; at stake: the gap x own mean rate of the invoices",
        inputs=("taxpayer_month", "filing"),
        minimum="all returns of the quarter filed; invoices issued in it",
        legal_basis=_LAW,
        innocent=("invoice issued before the duty to pay arose", "red-letter invoice in the next quarter", "return being amended"),
        declared=_SALES,
        other=Side("invoice", "net", "Net of invoices issued", "开票不含税金额"),
        settings=("rate",),
        sentence_en="In {period} invoices for {other} were issued, but sales of {declared} were declared: the shortfall is {gap} of the invoices.",
        sentence_zh="{period}开具发票金额{other}，申报销售额{declared}，少申报部分占开票金额的{gap}。",
        taxpayer_en="For {period} you issued invoices for {other} in all and declared sales of {declared}. Please compare the two.",
        taxpayer_zh="您{period}开具发票合计{other}，申报销售额{declared}，请核对两者差异。",
    )
)
def vat_sales_below_invoices(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Quarter: net invoiced against sales declared."""
    declared, other = declared_sales(frame), frame.sum("out_net")
    gap = other - declared
    return Reading(declared, other, share(gap, other), positive(gap) * vat_rate(frame, settings), missing=((~frame.filed(), "not_filed"),))


@indicator(
    About(
        id="vat_sales_below_statement",
        version=1,
        name_en="Sales declared for VAT below revenue of the statement",
        name_zh="申报销售额小于财务报表收入",
        risk_code="vat_sales_understated",
        base="sales",
        unit="share of the statement's revenue",
        frames=(("VAT", "quarter"),),
        formula="(revenue of the quarterly statement - sales declared) / revenue; at stake: the gap x own mean rate",
        inputs=("taxpayer_month", "filing"),
        minimum="all returns of the quarter filed; a statement for it",
        legal_basis=_LAW,
        innocent=(
            "revenue recognised by accounting rules before VAT falls due",
            "revenue outside the scope of VAT",
            "non-operating income",
        ),
        declared=_SALES,
        other=Side("financial_statement", "revenue", "Revenue of the financial statement", "财务报表营业收入"),
        settings=("rate",),
        sentence_en="The financial statement for {period} shows revenue of {other}, but sales of {declared} were declared for VAT: the shortfall is {gap} of the revenue.",
        sentence_zh="{period}财务报表营业收入{other}，增值税申报销售额{declared}，差额占营业收入的{gap}。",
        taxpayer_en="Your financial statement for {period} shows revenue of {other}; your VAT returns show sales of {declared}. Please compare the two.",
        taxpayer_zh="您{period}财务报表营业收入{other}，增值税申报销售额{declared}，请核对两者差异。",
    )
)
def vat_sales_below_statement(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Quarter: statement's revenue against sales declared."""
    declared, other = declared_sales(frame), frame.sum("fs_revenue")
    gap = other - declared
    missing = ((~frame.filed(), "not_filed"), (other == 0, "no_statement"))
    return Reading(declared, other, share(gap, other), positive(gap) * vat_rate(frame, settings), missing=missing)


@indicator(
    About(
        id="vat_uninvoiced_sales_fell",
        version=1,
        name_en="Uninvoiced sales fell away",
        name_zh="未开票收入骤降",
        risk_code="vat_cash_sales_suppressed",
        base="sales",
        unit="share of the uninvoiced sales expected",
        frames=(("VAT", "quarter"),),
        formula="expected = invoiced sales x (uninvoiced / invoiced of the four quarters before); (expected - uninvoiced now) / expected; at stake: the fall x own mean rate",
        inputs=("taxpayer_month", "filing"),
        minimum="five quarters filed; uninvoiced sales were at least the configured share of sales",
        legal_basis=_LAW,
        innocent=("customers now ask for invoices", "cash business given up", "renovation or closure of shops"),
        settings=("rate", "least_share"),
        declared=Side("vat_return", "sales", "Sales declared without invoice", "申报未开票收入"),
        other=Side("vat_return", "sales", "Uninvoiced sales expected from the four quarters before", "按前四个季度推算的未开票收入", estimate=True),
        sentence_en="In {period} sales of {declared} were declared without invoice; in the proportions of the four quarters before, {other} would be expected: the fall is {gap}.",
        sentence_zh="{period}申报未开票收入{declared}，按前四个季度比例推算应有{other}，降幅{gap}。",
        taxpayer_en="For {period} you declared sales without invoice of {declared}; in the four quarters before they were a larger part of your sales, which would give {other}. Please check that all of them are declared.",
        taxpayer_zh="您{period}申报未开票收入{declared}，按前四个季度的占比推算应有{other}，请核对未开票收入是否全部申报。",
    )
)
def vat_uninvoiced_sales_fell(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Quarter: sales declared without invoice against the share they had before."""
    invoiced_before = sum((positive(frame.sum("out_net", k)) for k in range(1, 5)), np.zeros(frame.rows))
    uninvoiced_before = sum((positive(declared_sales(frame, k) - frame.sum("out_net", k)) for k in range(1, 5)), np.zeros(frame.rows))
    filed_before = np.all([frame.filed(back=k) for k in range(1, 5)], axis=0)
    now = positive(declared_sales(frame) - frame.sum("out_net"))
    expected = share(uninvoiced_before, invoiced_before) * positive(frame.sum("out_net"))
    usual = np.nan_to_num(share(uninvoiced_before, uninvoiced_before + invoiced_before))
    about = (usual >= settings["least_share"]) | ~filed_before
    missing = ((~frame.filed(), "not_filed"), (~filed_before, "no_earlier_periods"))
    return Reading(now, expected, share(expected - now, expected), positive(expected - now) * vat_rate(frame, settings), about, missing)


@indicator(
    About(
        id="vat_purchases_exceed_sales",
        version=1,
        name_en="Goods bought exceed sales declared",
        name_zh="购进大于申报销售",
        risk_code="vat_cash_sales_suppressed",
        base="sales",
        unit="share of the goods used up",
        frames=(("VAT", "year"),),
        formula="used up = net bought - growth of stock; (used up - sales declared) / used up; at stake: the gap x own mean rate",
        inputs=("taxpayer_month", "partner_month", "filing"),
        minimum="all returns of the year filed; statements at its start and end; invoices of purchases for each month",
        legal_basis=_LAW,
        innocent=("equipment or buildings bought", "losses of stock", "prepayments", "first year of business"),
        settings=("rate",),
        declared=_SALES,
        other=Side("invoice", "net", "Net bought less growth of stock", "购进净额减存货增加"),
        sentence_en="In {period} purchases less the growth of stock come to {other}, but sales of {declared} were declared: the gap is {gap} of the goods used up.",
        sentence_zh="{period}购进净额减存货增加为{other}，申报销售额{declared}，差额占所消耗货物的{gap}。",
        taxpayer_en="For {period} your purchases by invoice, less the growth of your stock, come to {other}; you declared sales of {declared}. Please compare the two.",
        taxpayer_zh="您{period}取得发票购进净额减存货增加为{other}，申报销售额{declared}，请核对两者差异。",
    )
)
def vat_purchases_exceed_sales(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Year: purchases less growth of stock against sales declared."""
    declared = declared_sales(frame)
    start, end = frame.last("fs_inventory", 1), frame.last("fs_inventory")
    used = frame.sum("in_net") - (end - start)
    stated = (frame.last("fs_assets") > 0) & (frame.last("fs_assets", 1) > 0)
    missing = ((~frame.filed(), "not_filed"), (~stated, "no_statement"), (~frame.covered("in_net"), "source_silent"))
    gap = used - declared
    return Reading(declared, used, share(gap, used), positive(gap) * vat_rate(frame, settings), missing=missing)


@indicator(
    About(
        id="vat_purchase_ratio_above_peers",
        version=1,
        name_en="Purchases over sales above peers",
        name_zh="购销比高于同行业",
        risk_code="vat_cash_sales_suppressed",
        base="sales",
        unit="robust deviations above the peers' median",
        gap="deviations",
        frames=(("VAT", "year"),),
        formula="(net bought / sales declared - peers' median) / deviation of the peers; at stake: (net bought / median - sales declared) x own mean rate",
        inputs=("taxpayer_month", "partner_month", "filing", "peer_member"),
        peer_rule="industry x size, backing off; the 12 months that tonight's peers cover",
        minimum="all returns of the latest year filed; sales; invoices of purchases for each month; peers",
        legal_basis="none: a comparison, not a finding",
        innocent=("stock built up", "equipment bought", "first year of business", "goods spoiled or returned"),
        settings=("rate",),
        declared=Side("vat_return", "sales", "Net bought over sales declared", "购进净额占申报销售额比例", "share"),
        other=Side("peer", "purchase_ratio", "Median of the peers", "同行业中位数", "share"),
        larger="declared",
        sentence_en="In {period} purchases were {declared} of the sales declared; the median of comparable taxpayers is {other}. The distance is {gap} times the usual spread among them.",
        sentence_zh="{period}购进净额占申报销售额的{declared}，同行业中位数{other}，差距为同行业通常离散程度的{gap}倍。",
        taxpayer_en="For {period} invoices show purchases equal to {declared} of the sales you declared. Please check that all sales are declared.",
        taxpayer_zh="您{period}取得发票的购进净额占申报销售额的{declared}，请核对销售额是否全部申报。",
    )
)
def vat_purchase_ratio_above_peers(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Latest year: net bought over sales against peers, upper tail."""
    sales, bought = declared_sales(frame), frame.sum("in_net")
    own = share(bought, sales)
    median, mad = frame.peer("purchase_ratio")
    missing = ((~frame.filed(), "not_filed"), (~frame.covered("in_net"), "source_silent"), (np.isnan(median), "no_peers"))
    base = positive(share(bought, median) - sales) * vat_rate(frame, settings)
    return Reading(own, median, deviation(own, median, mad), base, frame.newest(1), missing)
