"""Indicators on input VAT: what was deducted against what suppliers invoiced and declared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jobs.analyse.frame import Frame
from jobs.analyse.indicator import NOT_DISCLOSED, About, Reading, Side, deviation, first_of, indicator, positive, share

_INPUT = Side("vat_return", "input", "Input VAT declared", "申报进项税额")
_LAW = "VAT Law: input tax is deductible on lawful vouchers only (verify)"


@indicator(
    About(
        id="vat_input_above_purchases",
        version=1,
        name_en="Input VAT above the tax of purchase invoices",
        name_zh="申报进项税额大于取得发票税额",
        risk_code="vat_input_inflated",
        base="input",
        unit="share of the input VAT declared",
        frames=(("VAT", "quarter"),),
        formula="(input VAT declared - tax of invoices received) / input VAT declared; at stake: the gap",
        inputs=("taxpayer_month", "partner_month", "filing"),
        minimum="all returns of the quarter filed; invoices of purchases for each month",
        legal_basis=_LAW,
        innocent=(
            "invoice of an earlier quarter deducted now",
            "customs or toll vouchers not in the invoice data",
            "farm products bought from growers",
        ),
        declared=_INPUT,
        other=Side("invoice", "tax_amount", "Tax of invoices received", "取得发票税额"),
        larger="declared",
        sentence_en="For {period} input VAT of {declared} was declared; invoices received carry tax of {other}: {gap} of the input VAT has no invoice.",
        sentence_zh="{period}申报进项税额{declared}，取得发票税额{other}，无票部分占申报进项的{gap}。",
        taxpayer_en="For {period} you declared input VAT of {declared}; the invoices issued to you carry tax of {other}. Please compare the two.",
        taxpayer_zh="您{period}申报进项税额{declared}，取得发票税额合计{other}，请核对两者差异。",
    )
)
def vat_input_above_purchases(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Quarter: input VAT declared against tax on invoices received."""
    declared, other = frame.sum("vat_input"), frame.sum("in_tax")
    gap = declared - other
    missing = ((~frame.filed(), "not_filed"), (~frame.covered("in_tax"), "source_silent"))
    return Reading(declared, other, share(gap, declared), positive(gap), declared > 0, missing)


@indicator(
    About(
        id="vat_input_not_declared_by_suppliers",
        version=1,
        name_en="Suppliers did not declare the tax that was deducted",
        name_zh="上游未申报销项税额",
        risk_code="vat_input_unmatched",
        base="input",
        unit="share of the tax on purchases",
        frames=(("VAT", "quarter"),),
        formula="tax on purchases that the suppliers' returns do not contain / tax on purchases; at stake: that part, at most the input VAT declared",
        inputs=("taxpayer_month", "partner_month", "filing"),
        minimum="all returns of the quarter filed; purchases in it",
        legal_basis="none against the buyer: the supplier owes the tax; the buyer's deduction is looked at only with further evidence",
        innocent=(
            "supplier late or in error, buyer in good faith",
            "supplier declares in the next quarter",
            "supplier small-scale and exempt",
        ),
        declared=_INPUT,
        other=Side("partner", "output", "Output VAT the suppliers declared on these invoices", "上游就该发票申报的销项税额"),
        larger="neither",
        sentence_en="For {period} input VAT of {declared} was declared; on these purchases the suppliers declared output VAT of {other}: {gap} of the tax on purchases was declared by no supplier.",
        sentence_zh="{period}申报进项税额{declared}，上游就该购进已申报销项税额{other}，上游未申报部分占购进税额的{gap}。",
        taxpayer_en="For {period} you declared input VAT of {declared}. Please check that each invoice rests on a real delivery, and keep the evidence.",
        taxpayer_zh="您{period}申报进项税额{declared}，请核对每份发票对应的真实交易并留存凭证。",
    )
)
def vat_input_not_declared_by_suppliers(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Quarter: tax on purchases against suppliers' output VAT."""
    declared, bought, lacking = frame.sum("vat_input"), frame.sum("in_tax"), frame.sum("in_tax_undeclared")
    missing = ((~frame.filed(), "not_filed"), (~frame.covered("in_tax"), "source_silent"))
    return Reading(
        declared, bought - lacking, share(lacking, bought), np.fmin(positive(lacking), declared), (bought > 0) & (declared > 0), missing
    )


@indicator(
    About(
        id="vat_input_from_suspect_suppliers",
        version=2,
        name_en="Input VAT again and again from very young, closed or unknown suppliers",
        name_zh="进项持续来自新办、注销、非正常或未知企业",
        risk_code="vat_fictitious_invoices",
        base="input",
        unit="share of the tax on purchases of four quarters",
        frames=(("VAT", "quarter"),),
        formula="tax on purchases from suppliers registered less than a year before, closed, abnormal or unknown / tax on purchases, over the quarter and the three before it, which mills' short lives cannot cover by chance; at stake: such tax of the quarter, at most the input VAT declared",
        inputs=("taxpayer_month", "partner_month", "filing"),
        minimum="all returns of the quarter filed; four quarters; such suppliers in the configured number of their months and in the quarter",
        legal_basis="Measures on the Administration of Invoices: fictitious invoices may not be used (verify)",
        innocent=("trade with start-ups is the business", "supplier closed after an honest delivery", "supplier's id misprinted"),
        settings=("least_months",),
        declared=_INPUT,
        other=Side("partner", "tax_amount", "Tax on purchases from such suppliers", "来自上述企业的购进税额"),
        larger="neither",
        sentence_en="In {period} purchases from very young, closed, abnormal or unknown suppliers carried tax of {other} (input VAT declared: {declared}); over four quarters such suppliers account for {gap} of all tax on purchases.",
        sentence_zh="{period}来自新办、注销、非正常或未知企业的购进税额{other}，申报进项税额{declared}；近四个季度此类企业占购进税额的{gap}。",
        taxpayer_en=NOT_DISCLOSED,
        taxpayer_zh=NOT_DISCLOSED,
    )
)
def vat_input_from_suspect_suppliers(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Quarter: lasting share of purchases' tax from suspect suppliers."""
    declared, suspect = frame.sum("vat_input"), frame.sum("in_tax_suspect")
    bought, lasting = (sum((frame.sum(name, k) for k in range(4)), np.zeros(frame.rows)) for name in ("in_tax", "in_tax_suspect"))
    months = sum((np.sum(frame.monthly("suspect_n", k) > 0, axis=1) for k in range(4)), np.zeros(frame.rows))
    about = (declared > 0) & (suspect > 0) & (months >= settings["least_months"])
    missing = ((~frame.filed(), "not_filed"), (np.isnan(bought), "no_earlier_periods"))
    return Reading(declared, suspect, share(lasting, bought), np.fmin(suspect, declared), about, missing)


@indicator(
    About(
        id="vat_input_ratio_above_peers",
        version=1,
        name_en="Input VAT over output VAT above peers",
        name_zh="进项销项比高于同行业",
        risk_code="vat_input_inflated",
        base="input",
        unit="robust deviations above the peers' median",
        gap="deviations",
        frames=(("VAT", "year"),),
        formula="(input VAT / output VAT - peers' median) / deviation of the peers; at stake: (own - median) x output VAT",
        inputs=("taxpayer_month", "filing", "peer_member"),
        peer_rule="industry x size, backing off; the 12 months that tonight's peers cover",
        minimum="all returns of the latest year filed; general taxpayer; output VAT; peers",
        legal_basis="none: a comparison, not a finding",
        innocent=("equipment bought", "stock built up", "sales at a low rate from purchases at the full one"),
        declared=Side("vat_return", "input", "Input VAT over output VAT", "进项税额占销项税额比例", "share"),
        other=Side("peer", "input_output_ratio", "Median of the peers", "同行业中位数", "share"),
        larger="declared",
        sentence_en="In {period} input VAT was {declared} of output VAT; the median of comparable taxpayers is {other}. The distance is {gap} times the usual spread among them.",
        sentence_zh="{period}进项税额占销项税额的{declared}，同行业中位数{other}，差距为同行业通常离散程度的{gap}倍。",
        taxpayer_en="For {period} you deducted input VAT equal to {declared} of your output VAT. Please check that all of it may be deducted.",
        taxpayer_zh="您{period}抵扣的进项税额占销项税额的{declared}，请核对是否均可抵扣。",
    )
)
def vat_input_ratio_above_peers(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Latest year of general taxpayers: input over output VAT against peers, upper tail."""
    output = frame.sum("vat_output")
    own = share(frame.sum("vat_input"), output)
    median, mad = frame.peer("input_output_ratio")
    missing = ((~frame.filed(), "not_filed"), (np.isnan(median), "no_peers"))
    about = frame.newest(1) & frame.is_("vat_kind", "general")
    return Reading(own, median, deviation(own, median, mad), positive(own - median) * output, about, missing)


@indicator(
    About(
        id="vat_credit_above_stock",
        version=2,
        name_en="VAT credit carried forward without the stock to match",
        name_zh="留抵税额与存货不匹配",
        risk_code="vat_input_inflated",
        base="credit",
        unit="share of the credit",
        frames=(("VAT", "quarter"),),
        formula="(credit - stock x mean rate of purchases) / credit, at the quarter's end; at stake: of the part without stock what the quarter added to the credit",
        inputs=("taxpayer_month", "partner_month", "filing"),
        minimum="all returns of the quarter filed; a statement for its end; a credit",
        legal_basis=_LAW,
        innocent=("equipment or buildings bought", "low-rate sales from full-rate purchases", "services bought and used up"),
        settings=("rate",),
        declared=Side("vat_return", "credit_out", "Credit carried forward", "期末留抵税额"),
        other=Side("financial_statement", "inventory", "Tax that the stock can carry", "存货对应的进项税额", estimate=True),
        larger="declared",
        sentence_en="At the end of {period} a VAT credit of {declared} was carried forward; the stock of the statement accounts for {other}: {gap} of the credit has no stock behind it.",
        sentence_zh="{period}期末留抵税额{declared}，财务报表存货对应的进项税额{other}，无存货对应的部分占留抵税额的{gap}。",
        taxpayer_en="At the end of {period} you carried forward a VAT credit of {declared}; the stock of your statement would account for {other}. Please check the credit.",
        taxpayer_zh="您{period}期末留抵税额{declared}，财务报表存货对应的进项税额{other}，请核对留抵税额。",
    )
)
def vat_credit_above_stock(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Quarter: credit carried forward against the tax that the stock can carry. A credit is carried from quarter to quarter: what is at stake
    is what a quarter adds to it, so that it counts once.
    """
    credit, before = frame.last("vat_credit"), np.nan_to_num(frame.last("vat_credit", 1))
    rate = first_of(share(frame.sum("in_tax"), frame.sum("in_net")), np.full(frame.rows, settings["rate"]))
    carried = positive(frame.last("fs_inventory")) * rate
    missing = ((~frame.filed(), "not_filed"), (~(frame.last("fs_assets") > 0), "no_statement"))
    added = np.minimum(positive(credit - carried), positive(credit - before))
    return Reading(credit, carried, share(credit - carried, credit), added, credit > 0, missing)
