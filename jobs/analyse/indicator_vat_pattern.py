"""Indicators on the pattern of a taxpayer's VAT: burden against peers, red-letter invoices, repeated returns, young firms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jobs.analyse.frame import Frame
from jobs.analyse.indicator import NOT_DISCLOSED, About, Reading, Side, deviation, indicator, positive, share
from jobs.analyse.indicator_vat_sales import declared_sales, vat_rate


@indicator(
    About(
        id="vat_burden_below_peers",
        version=1,
        name_en="VAT burden below peers",
        name_zh="增值税税负率低于同行业",
        risk_code="vat_sales_understated",
        base="sales",
        unit="robust deviations below the peers' median",
        gap="deviations",
        frames=(("VAT", "year"),),
        formula="(peers' median of VAT due / sales - own) / deviation of the peers; at stake: (median - own) x sales",
        inputs=("taxpayer_month", "filing", "peer_member"),
        peer_rule="industry x size, backing off; the 12 months that tonight's peers cover",
        minimum="all returns of the latest year filed; general taxpayer; peers",
        legal_basis="none: a comparison, not a finding",
        innocent=("large purchases of equipment", "stock built up", "low-rate or export sales", "start-up or seasonal business"),
        declared=Side("vat_return", "due", "VAT due over sales", "增值税税负率", "share"),
        other=Side("peer", "vat_burden", "Median of the peers", "同行业税负率中位数", "share"),
        sentence_en="In {period} VAT due was {declared} of sales; the median of comparable taxpayers is {other}. The distance is {gap} times the usual spread among them.",
        sentence_zh="{period}增值税税负率{declared}，同行业中位数{other}，差距为同行业通常离散程度的{gap}倍。",
        taxpayer_en="For {period} the VAT you declared was {declared} of your sales. Please check that all sales are declared, and only input tax that may be deducted.",
        taxpayer_zh="您{period}申报的增值税占销售额的{declared}，请核对销售额是否全部申报、进项税额是否均可抵扣。",
    )
)
def vat_burden_below_peers(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Latest year of general taxpayers: VAT due over sales against peers, lower tail."""
    sales = declared_sales(frame)
    own = share(frame.sum("vat_due"), sales)
    median, mad = frame.peer("vat_burden_12m")
    general = frame.is_("vat_kind", "general")
    missing = ((~frame.filed(), "not_filed"), (np.isnan(median), "no_peers"))
    return Reading(own, median, deviation(-own, -median, mad), positive(median - own) * sales, frame.newest(1) & general, missing)


@indicator(
    About(
        id="vat_red_letter_share",
        version=1,
        name_en="Red-letter invoices a large part of invoicing",
        name_zh="红字发票占比异常",
        risk_code="vat_sales_understated",
        base="red",
        unit="share of invoices before red-letter ones",
        frames=(("VAT", "quarter"),),
        formula="net of red-letter invoices / net of all other invoices; at stake: net of red-letter invoices x own mean rate",
        inputs=("taxpayer_month",),
        minimum="the configured number of red-letter invoices in the quarter",
        legal_basis="Measures on the Administration of Invoices: red-letter invoices need a real return or error (verify)",
        innocent=("goods returned in season", "wrong buyer id corrected", "contract cancelled"),
        settings=("rate", "least_count"),
        declared=Side("invoice", "net", "Red-letter invoices", "红字发票金额"),
        other=Side("invoice", "net", "Invoices before red-letter ones", "蓝字发票金额"),
        larger="neither",
        sentence_en="In {period} red-letter invoices took back {declared} of the {other} invoiced, which is {gap}.",
        sentence_zh="{period}红字发票金额{declared}，占蓝字发票金额{other}的{gap}。",
        taxpayer_en="In {period} you issued red-letter invoices for {declared}, and other invoices for {other}. Please check that each red-letter invoice rests on a return of goods, a cancelled contract or an error.",
        taxpayer_zh="您{period}开具红字发票{declared}，蓝字发票{other}，请核对每份红字发票的开具依据。",
    )
)
def vat_red_letter_share(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Quarter: sales taken back by red-letter invoices."""
    red = positive(-frame.sum("out_red_net"))
    before = frame.sum("out_net") + red
    enough = frame.sum("out_red_n") >= settings["least_count"]
    return Reading(red, before, share(red, before), red * vat_rate(frame, settings), enough)


@indicator(
    About(
        id="vat_identical_returns",
        version=1,
        name_en="Zero or identical returns in a row while buying",
        name_zh="连续零申报或等额申报但有购进",
        risk_code="vat_cash_sales_suppressed",
        base="sales",
        unit="returns in a row",
        gap="count",
        frames=(("VAT", "year"),),
        formula="longest run of returns of the year that declare the same sales (zero included) by a taxpayer who bought goods; at stake: tax on purchases x the run's share of the returns",
        inputs=("taxpayer_month", "partner_month", "filing"),
        minimum="all returns of the year filed; purchases in the year",
        legal_basis="none: a pattern that asks for a question",
        innocent=("fixed rent or fee as only income", "business not begun or suspended"),
        declared=Side("vat_return", "sales", "Returns in a row with the same sales", "连续等额申报次数", "count"),
        other=Side("invoice", "net", "Net bought in the year", "全年购进净额"),
        larger="neither",
        sentence_en="In {period} the same sales were declared return after return ({declared} in a row), while goods for {other} were bought.",
        sentence_zh="{period}连续{declared}次申报的销售额相同，而全年购进净额{other}。",
        taxpayer_en="In {period} you declared the same sales return after return ({declared} in a row), while invoices show purchases of {other}. Please check these returns.",
        taxpayer_zh="您{period}连续{declared}次申报的销售额相同，而取得发票的购进净额为{other}，请核对。",
    )
)
def vat_identical_returns(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Year: longest run of equal sales over the returns filed."""
    sales, ends = frame.monthly("vat_sales") + frame.monthly("vat_exempt") + frame.monthly("vat_exports"), frame.monthly("VAT.owed") > 0
    longest, run, before = np.zeros(frame.rows), np.zeros(frame.rows), np.full(frame.rows, np.nan)
    for month in range(frame.length):
        run = np.where(ends[:, month], np.where(sales[:, month] == before, run + 1, 1.0), run)
        before = np.where(ends[:, month], sales[:, month], before)
        longest = np.fmax(longest, run)
    bought = frame.sum("in_net")
    base = positive(frame.sum("in_tax")) * longest / np.fmax(ends.sum(axis=1), 1)
    return Reading(longest, bought, longest, base, bought > 0, ((~frame.filed(), "not_filed"),))


@indicator(
    About(
        id="vat_young_firm_unpaid_output",
        version=1,
        name_en="Young firm sells much, covers little of the tax",
        name_zh="新办企业短期大额开票且税款不实",
        risk_code="vat_missing_trader",
        base="sales",
        unit="share of the output tax",
        frames=(("VAT", "quarter"),),
        formula="(tax of invoices issued - tax of purchases - VAT paid for the quarter) / tax of invoices issued; at stake: that gap",
        inputs=("taxpayer", "taxpayer_month", "partner_month", "filing"),
        minimum="registered less than the configured days before the quarter's end; invoices issued; filed or not",
        legal_basis="Measures on the Administration of Invoices: fictitious issuing (verify)",
        innocent=("services with few purchases and payment on its way", "instalment or deferral granted"),
        settings=("age_days",),
        declared=Side("treasury", "amount", "Tax on purchases and VAT paid", "购进税额及已缴增值税"),
        other=Side("invoice", "tax_amount", "Tax of invoices issued", "开票税额"),
        sentence_en="In {period} the firm, registered shortly before, issued invoices with tax of {other}; tax on its purchases and VAT paid come to {declared}: {gap} of the tax invoiced is not covered.",
        sentence_zh="新办企业{period}开票税额{other}，购进税额与已缴增值税合计{declared}，未覆盖部分占开票税额的{gap}。",
        taxpayer_en=NOT_DISCLOSED,
        taxpayer_zh=NOT_DISCLOSED,
    )
)
def vat_young_firm_unpaid_output(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Quarter: output tax of a young firm that neither purchases nor payments explain."""
    output = frame.sum("out_tax")
    covered = frame.sum("in_tax") + frame.sum("paid_vat")
    gap = output - covered
    young = frame.age_days() <= settings["age_days"]
    missing = ((~frame.covered("in_tax"), "source_silent"),)
    return Reading(covered, output, share(gap, output), positive(gap), young & (output > 0), missing)
