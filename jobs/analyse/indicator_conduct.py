"""Indicators on conduct over every tax: paying, filing, filing in time, amending, and whose company it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jobs.analyse.frame import Frame, Span
from jobs.analyse.indicator import NOT_DISCLOSED, About, Reading, Side, first_of, indicator, positive, share

_EACH: tuple[tuple[str, Span], ...] = (("VAT", "quarter"), ("PIT", "quarter"), ("CIT", "year"))


@indicator(
    About(
        id="payment_below_due",
        version=1,
        name_en="Paid less than declared",
        name_zh="入库税款小于申报应纳税额",
        risk_code="payment_short",
        base="payment",
        unit="share of the tax declared",
        frames=_EACH,
        formula="(tax due as declared - tax paid for the period) / tax due; at stake: the gap",
        inputs=("filing",),
        minimum="all returns of the period filed; tax due; payments of the period have arrived from the treasury",
        legal_basis="Tax Collection and Administration Law, art. 32 and 40 (verify)",
        innocent=("deferral or instalment granted", "payment booked to another period", "credit of an earlier overpayment"),
        declared=Side("return_line", "due", "Tax due as declared", "申报应纳税额"),
        other=Side("treasury", "amount", "Paid into the treasury", "入库税款"),
        larger="declared",
        sentence_en="For {period} tax of {declared} was declared and {other} has been paid: {gap} of the tax is still open.",
        sentence_zh="{period}申报应纳税额{declared}，已入库{other}，尚欠部分占{gap}。",
        taxpayer_en="For {period} you declared tax of {declared}; the treasury has received {other}. Please check your payment.",
        taxpayer_zh="您{period}申报应纳税额{declared}，国库实际收到{other}，请核对缴款情况。",
    )
)
def payment_below_due(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Period: tax declared against tax paid for it."""
    due, paid = frame.filing("due"), frame.filing("paid")
    missing = ((~frame.filed(), "not_filed"), (~frame.arrived(f"{frame.tax}.paid"), "source_silent"))
    return Reading(due, paid, share(due - paid, due), positive(due - paid), due > 0, missing)


@indicator(
    About(
        id="returns_missing",
        version=1,
        name_en="Returns not filed",
        name_zh="逾期未申报",
        risk_code="filing_missing",
        base="filing",
        unit="returns",
        gap="count",
        frames=_EACH,
        formula="returns owed and past grace - returns filed; at stake: missing returns x mean tax due of the returns filed in the year before, or the period's output less input tax of invoices when larger (VAT)",
        inputs=("filing", "taxpayer_month", "partner_month"),
        minimum="an obligation past grace",
        legal_basis="Tax Collection and Administration Law, art. 25 and 62 (verify)",
        innocent=(
            "return filed on paper, not yet entered",
            "business suspended, registration not yet changed",
            "duty ended, registration not yet changed",
        ),
        declared=Side("filing", "state", "Returns filed", "已申报次数", "count"),
        other=Side("obligation", "due_at", "Returns owed", "应申报次数", "count"),
        sentence_en="Returns owed for {period}: {other}; filed: {declared}; still missing after grace: {gap}.",
        sentence_zh="{period}应申报{other}次，已申报{declared}次，宽限期后仍有{gap}次未申报。",
        taxpayer_en="Returns due for {period}: {other}; arrived here: {declared}. Please file what is missing, or tell us if the duty has ended.",
        taxpayer_zh="您{period}应申报{other}次，我局收到{declared}次，请补报；如已无申报义务，请告知我局。",
    )
)
def returns_missing(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Period: obligations past grace without a return."""
    owed, missing_n = frame.filing("owed"), frame.filing("missing")
    back = 1 if frame.span == "year" else 4
    due = sum((np.nan_to_num(frame.filing("due", back=k)) for k in range(1, back + 1)), np.zeros(frame.rows))
    filed = sum(
        (np.nan_to_num(frame.filing("filed", back=k) + frame.filing("late", back=k)) for k in range(1, back + 1)), np.zeros(frame.rows)
    )
    usual = missing_n * positive(first_of(share(due, filed), np.zeros(frame.rows)))
    invoiced = positive(frame.sum("out_tax") - frame.sum("in_tax")) * share(missing_n, owed) if frame.tax == "VAT" else np.zeros(frame.rows)
    return Reading(owed - missing_n, owed, missing_n, np.fmax(usual, invoiced), missing=((frame.filing("unknown") > 0, "source_silent"),))


@indicator(
    About(
        id="returns_late_repeatedly",
        version=1,
        name_en="Returns filed late again and again",
        name_zh="多次逾期申报",
        risk_code="filing_late",
        base="interest",
        unit="returns",
        gap="count",
        frames=(("VAT", "year"), ("PIT", "year")),
        formula="returns of the year filed after the due date; at stake: late-payment interest = tax due x days late x daily rate",
        inputs=("filing",),
        minimum="all returns of the year past grace",
        legal_basis="Tax Collection and Administration Law, art. 25 and 32 (verify)",
        innocent=("filing system down", "illness of the only accountant", "due date moved by a notice not in the calendar"),
        settings=("daily_rate",),
        declared=Side("filing", "filed_on", "Returns filed late", "逾期申报次数", "count"),
        other=Side("obligation", "due_at", "Returns owed", "应申报次数", "count"),
        larger="neither",
        sentence_en="Returns owed for {period}: {other}; filed after their due date: {declared}.",
        sentence_zh="{period}应申报{other}次，其中{declared}次逾期。",
        taxpayer_en="Returns due for {period}: {other}; filed after their due date: {declared}. May we help you to file in time?",
        taxpayer_zh="您{period}应申报{other}次，其中{declared}次逾期，如需辅导请与我局联系。",
    )
)
def returns_late_repeatedly(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Year: number of late returns."""
    late = frame.filing("late")
    return Reading(late, frame.filing("owed"), late, frame.filing("late_money_days") * settings["daily_rate"])


@indicator(
    About(
        id="returns_amended_down",
        version=1,
        name_en="Returns amended downwards",
        name_zh="更正申报调减税款",
        risk_code="amendment_downward",
        base="amendment",
        unit="share of the tax first declared",
        frames=_EACH,
        formula="fall of tax due by amendments / tax due as first declared; at stake: the fall",
        inputs=("filing",),
        minimum="all returns of the period filed; tax due at first",
        legal_basis="none: to correct a return is a right",
        innocent=("relief claimed late", "error found and corrected", "red-letter invoice of the period"),
        declared=Side("return_line", "due", "Tax due as now declared", "更正后应纳税额"),
        other=Side("return_line", "due", "Tax due as first declared", "首次申报应纳税额"),
        sentence_en="For {period} tax of {other} was first declared, and {declared} stands now: downward corrections took off {gap} of what was first declared.",
        sentence_zh="{period}首次申报应纳税额{other}，更正后为{declared}，更正调减额占首次申报的{gap}。",
        taxpayer_en="For {period} you first declared tax of {other}, and now {declared}. Please keep the evidence for the correction.",
        taxpayer_zh="您{period}首次申报应纳税额{other}，更正后为{declared}，请留存更正依据。",
    )
)
def returns_amended_down(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Period: fall of tax due by amendments."""
    first, lowered = frame.filing("due_first"), frame.filing("lowered")
    return Reading(frame.filing("due"), first, share(lowered, first), lowered, first > 0, ((~frame.filed(), "not_filed"),))


@indicator(
    About(
        id="owners_other_companies_at_fault",
        version=1,
        name_en="Owners' other companies penalised or confirmed at fault",
        name_zh="投资方其他企业有处罚或查实问题",
        risk_code="ownership_risk",
        base="none",
        unit="companies",
        gap="count",
        frames=(("VAT", "year"),),
        formula="other companies of the same owners with a penalty, plus those with a confirmed point; nothing is at stake by itself",
        inputs=("partner",),
        minimum="an owner with another company; the latest year",
        legal_basis="none: a fact for attention, never a finding",
        innocent=("small holding without say", "company bought after the fault", "same name, other person"),
        as_of_rule="owners, penalties and answers known on the date",
        declared=Side("ownership", "owner_id", "Other companies of the owners", "投资方其他企业数", "count"),
        other=Side("partner", "owner_confirmed", "Of them penalised or confirmed at fault", "其中受处罚或查实问题（户次）", "count"),
        larger="neither",
        sentence_en="Other companies of the owners, seen with {period}: {declared}; among them penalised or confirmed at fault: {other} (one that is both counts twice).",
        sentence_zh="随{period}一并查看：投资方其他企业{declared}户，其中受处罚或查实问题{other}户次。",
        taxpayer_en=NOT_DISCLOSED,
        taxpayer_zh=NOT_DISCLOSED,
    )
)
def owners_other_companies_at_fault(frame: Frame, settings: Mapping[str, float]) -> Reading:
    """Latest year: owners' other companies with a penalty or a confirmed point."""
    others = frame.numbers("partner", "owner_companies")
    fault = frame.numbers("partner", "owner_penalised") + frame.numbers("partner", "owner_confirmed")
    return Reading(others, fault, fault, np.zeros(frame.rows), frame.newest(1) & (others > 0))
