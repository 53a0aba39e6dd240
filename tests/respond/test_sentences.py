"""What a taxpayer reads of every published indicator: from its facts, through disclosure and reminder, to the letter as he gets it.

Every indicator of conf/indicators is put through the real chain with numbers that can be told apart, so that a leaked one is seen.
"""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from jobs.analyse import indicator_families as _registered  # noqa: F401  registers every indicator
from jobs.analyse.indicator import NOT_DISCLOSED, REGISTRY
from jobs.analyse.point_facts import as_json, facts_of, percent, period_name, written_gap, written_value
from jobs.lake.step import Tables
from jobs.respond.letters import LetterText, letter_html, letters
from jobs.respond.pages import amount
from jobs.respond.pages import percent as on_pages
from jobs.respond.reminders import remind
from tests.respond.helpers import AS_OF, DISTRICT, chosen, conf, night, person, point, rows, seed_without_holdout

PUBLISHED = sorted(name for name, p in conf().indicators_on(AS_OF).items() if p.state == "published")
ALLOWED = {d.source for d in conf().disclosure if d.allowed}
DECLARED, OTHER = {"currency": 641357.28, "share": 0.0643, "count": 643.0}, {"currency": 782914.61, "share": 0.0782, "count": 782.0}
GAP = 0.3719

# What no letter may say, by the ground it would break: docs/respond.md, "Fairness and rights".
FORBIDDEN = {
    "score, level, model, place on a list": r"\bscor|\blevels?\b|\bmodels?\b|\brank|probab|algorithm|\bpeers?\b|median|deviation|threshold|\blist(s|ed)?\b|\brisk|评分|得分|等级|模型|排名|名单|概率|阈值|预警值|风险|同行业|中位数|标准差",
    "accusation or procedure": r"fraud|suspect|evas|evad|fictitious|conceal|audit|inspect|investigat|case\b|虚开|骗|偷|逃|隐匿|嫌疑|涉嫌|稽查|立案|检查|疑点|异常",
    "threat": r"penalt|\bfines?\b|prosecut|otherwise|enforce|police|court|must\b|consequences\b|处罚|罚款|否则|将依法|后果自负|移送|公安|强制|信用等级|务必|责令",
    "bank, tip-off": r"\bbank|account balance|tip-?off|inform(ant|er)|银行|账户|流水|举报|检举|线索",
    "other taxpayers": r"supplier|customer|counterpart|upstream|competitor|other (companies|taxpayers|firms)|上游|下游|供应商|交易对手|其他企业|其他纳税人|关联方",
}


def hit(name: str, fraud: bool = False) -> dict[str, Any]:
    about = REGISTRY[name].about
    start, end = (date(2025, 10, 1), date(2025, 12, 31)) if about.frames[0][1] == "quarter" else (date(2025, 1, 1), date(2025, 12, 31))
    return {
        "indicator": name, "declared": DECLARED[about.declared.unit], "other": OTHER[about.other.unit], "difference": GAP, "base": 5000.0,
        "period_from": start, "period_to": end, "tax": about.frames[0][0],
    }


def reminded(name: str, fraud: bool | None = None) -> tuple[dict[str, Any], dict[str, Any], list[LetterText]]:
    """The facts, the reminder row and the letters of one taxpayer with one point of this indicator."""
    about, found = REGISTRY[name].about, hit(name)
    facts = facts_of([found], conf().house.currency)
    marked = conf().register_[about.risk_code].fraud if fraud is None else fraud
    one = point(
        3, about.risk_code, found["tax"], facts=as_json(facts), indicators=[name], fraud=marked, amount_error=Decimal(5000),
    ) | {"period_from": found["period_from"], "period_to": found["period_to"]}
    given = {
        "selection": rows("selection", [chosen(3, "remind", DISTRICT, 1, [one["point_id"]])]), "risk_point": rows("risk_point", [one]),
        "taxpayer": rows("taxpayer", [person(3)]), "case_event": rows("case_event", []),
    }
    reminder = remind(Tables(now=given), night(seed=seed_without_holdout()))
    return facts, reminder.to_pylist()[0], letters({**given, "reminder": reminder}, AS_OF, conf())


def visible(letter: LetterText) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", letter_html(letter.content), flags=re.DOTALL))


def of_points(letter: LetterText) -> str:
    """The words that come from the indicator: sentences and facts, without the administration's own."""
    return json.dumps([{k: v for k, v in p.items() if k in ("zh", "en", "facts")} for p in letter.content["points"]], ensure_ascii=False)


def is_fraud(name: str) -> bool:
    return conf().register_[REGISTRY[name].about.risk_code].fraud


def discloses(name: str) -> bool:
    about = REGISTRY[name].about
    return {about.declared.source, about.other.source} <= ALLOWED and about.taxpayer_en != NOT_DISCLOSED


def test_the_catalogue_is_not_empty_on_any_side_of_these_tests() -> None:
    assert len(PUBLISHED) >= 15 and set(PUBLISHED) <= set(REGISTRY)
    assert sum(map(is_fraud, PUBLISHED)) >= 1
    assert 5 <= sum(map(discloses, PUBLISHED)) < len(PUBLISHED)


@pytest.mark.parametrize("name", [n for n in PUBLISHED if not is_fraud(n)])
def test_a_letter_says_nothing_that_it_may_not(name: str) -> None:
    _, row, sent = reminded(name)
    assert row["suppressed"] is None and len(sent) == 1
    for words in (visible(sent[0]), sent[0].as_json.replace(f'"source": "{REGISTRY[name].about.declared.source}"', "")):
        found = {ground: hits for ground, pattern in FORBIDDEN.items() if (hits := [m.group(0) for m in re.finditer(pattern, words, re.IGNORECASE)])}
        assert not found, (name, found)
    for code in (name, REGISTRY[name].about.risk_code, conf().register_[REGISTRY[name].about.risk_code].name.zh, conf().register_[REGISTRY[name].about.risk_code].name.en):
        assert code not in sent[0].as_json  # neither the rule nor the suspicion has a name in a letter


@pytest.mark.parametrize("name", [n for n in PUBLISHED if not is_fraud(n)])
def test_both_facts_are_told_exactly_where_disclosure_allows_both(name: str) -> None:
    about = REGISTRY[name].about
    facts, row, sent = reminded(name)
    told = json.loads(row["text"])["facts"]
    own, second = (about.declared.source in ALLOWED), discloses(name)
    assert [f["value"] for f in told] == [facts["declared"]["value"]] * own + [facts["other"]["value"]] * second
    assert row["question"] == (not second)
    if second:
        assert (json.loads(row["text"])["en"], json.loads(row["text"])["zh"]) == (facts["taxpayer_en"], facts["taxpayer_zh"])
        page = visible(sent[0])
        for side in (facts["declared"], facts["other"]):
            assert amount(side["value"], side["unit"]) in page
        for side, words in ((about.declared, "641,357.28"), (about.other, "782,914.61")):  # as filed, to the cent; an estimate has none
            assert (words in page) == (side.unit == "currency" and not side.estimate), words


@pytest.mark.parametrize("name", [n for n in PUBLISHED if not is_fraud(n) and not discloses(n)])
def test_where_the_second_fact_may_not_be_told_nothing_of_it_is_there(name: str) -> None:
    about = REGISTRY[name].about
    _, _, sent = reminded(name)
    page, said = visible(sent[0]), of_points(sent[0])
    value = OTHER[about.other.unit]
    written = {w for language in ("en", "zh") for w in (written_value(value, about.other, "CNY", language), written_gap(GAP, about, language))}
    hidden = {amount(value, about.other.unit), *written, "0.3719", f"{value:.0f}" * (value > 1) or "0.0782"}
    for text in (hidden | {about.other.label_en, about.other.label_zh}) - {"0"}:
        assert text not in page and text not in said, (name, text)
    for source in {about.declared.source, about.other.source} - ALLOWED:
        assert source not in said and next((w.zh for w in conf().wording if w.key == f"source.{source}"), source) not in page
    assert "?" in said and "？" in said and (about.declared.source not in ALLOWED or about.declared.label_zh in page)


@pytest.mark.parametrize("name", [n for n in PUBLISHED if is_fraud(n)])
def test_a_point_marked_fraud_is_written_to_nobody(name: str) -> None:
    about = REGISTRY[name].about
    _, row, sent = reminded(name)
    assert (row["suppressed"], sent) == ("fraud", [])
    assert (about.taxpayer_en, about.taxpayer_zh) == (NOT_DISCLOSED, NOT_DISCLOSED)  # and nothing could be said if it were


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_mark_on_the_point_counts_whatever_the_indicator_says(name: str) -> None:
    assert (reminded(name, fraud=True)[1]["suppressed"], reminded(name, fraud=True)[2]) == ("fraud", [])


@pytest.mark.parametrize("name", [n for n in PUBLISHED if not is_fraud(n)])
def test_a_letter_owes_the_same_to_everybody(name: str) -> None:
    """What, which period, how to check, how to correct, what correcting now changes, that nothing has been decided, whom to ask."""
    _, row, sent = reminded(name)
    page, words = visible(sent[0]), {w.key: w for w in conf().wording}
    found = hit(name)
    code = REGISTRY[name].about.risk_code
    check, how = (next(k for k in (f"{what}.{code}", f"{what}.{found['tax']}", what) if k in words) for what in ("check", "correct"))
    for key in (check, how, "correct_changes", "nothing_decided", "whom_to_ask", "no_mistake"):
        assert words[key].zh in page and words[key].en.replace("“", "“") in page, key
    period = period_name(found["period_from"], found["period_to"])[1]
    assert period in page and sent[0].letter_id == row["letter_id"] and sent[0].letter_id in page
    assert json.loads(row["text"])["zh"] in page


def test_the_pattern_itself_finds_what_it_must() -> None:
    """A forbidden-word test that finds nothing is worth what its pattern is worth."""
    for ground, words in {
        "score, level, model, place on a list": "your risk level is high; 您的风险等级为高", "accusation or procedure": "you are suspected of fraud; 涉嫌虚开",
        "threat": "otherwise a penalty follows; 否则将依法处罚", "bank, tip-off": "your bank statements; 根据举报和银行流水", "other taxpayers": "your supplier did not declare; 上游供应商未申报",
    }.items():
        assert len(re.findall(FORBIDDEN[ground], words, re.IGNORECASE)) >= 3, ground


FITS = {  # what a letter about the fault asks to look at, and what belongs to another fault
    "filing_missing": ("receipts", "payroll|voucher|books"), "filing_late": ("due date", "payroll|voucher|invoices"), "payment_short": ("payment vouchers", "payroll|invoices|books"),
    "amendment_downward": ("each correction", "payroll|sales books"), "vat_sales_understated": ("sales books", "payroll"), "vat_input_inflated": ("input tax", "payroll|sales books"),
    "pit_wages_understated": ("payroll", "invoices|sales books"), "cit_cost_inflated": ("contracts", "payroll|sales books"),
}


@pytest.mark.parametrize("code", FITS)
@pytest.mark.parametrize("tax", ["VAT", "CIT", "PIT"])
def test_how_to_check_fits_the_fault_whatever_the_tax(code: str, tax: str) -> None:
    one = point(3, code, tax)
    given = {
        "selection": rows("selection", [chosen(3, "remind", DISTRICT, 1, [one["point_id"]])]), "risk_point": rows("risk_point", [one]),
        "taxpayer": rows("taxpayer", [person(3)]), "case_event": rows("case_event", []),
    }
    (sent,) = letters({**given, "reminder": remind(Tables(now=given), night(seed=seed_without_holdout()))}, AS_OF, conf())
    check = sent.content["points"][0]["check"]["en"]
    wanted, foreign = FITS[code]
    assert wanted in check and not re.search(foreign, check)


def test_every_risk_code_a_letter_can_be_about_has_its_own_words() -> None:
    """A code that can only be asked about in general (nothing of it may be told) has the words of its tax."""
    words = {w.key for w in conf().wording}
    codes = {REGISTRY[n].about.risk_code for n in PUBLISHED if not is_fraud(n) and REGISTRY[n].about.declared.source in ALLOWED}
    assert {c for c in codes if f"check.{c}" not in words} == set()


@pytest.mark.parametrize("value", [0.0, 0.0043, 0.0643, 0.5, 0.9994, 0.9998, 1.0, 1.6, 12.34, -0.127])
def test_a_share_is_written_alike_in_a_sentence_and_in_its_table(value: float) -> None:
    assert on_pages(value) == percent(value, "en").replace("over ", ">")
