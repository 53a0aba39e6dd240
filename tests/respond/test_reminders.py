"""Reminders and letters: what is said, what never is, and who gets none."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.lake.step import Tables
from jobs.lake.tables import table
from jobs.respond.letters import letter_html, letters, write_letters
from jobs.respond.reminders import held_out, remind
from tests.respond.helpers import (
    AS_OF,
    DISTRICT,
    case_id,
    chosen,
    conf,
    drawn,
    facts,
    night,
    person,
    point,
    rows,
    seed_without_holdout,
    taxpayer_id,
)

SEED = seed_without_holdout()
FORBIDDEN = re.compile(
    r"score|level|model|rank|probab|list of|risk|fraud|suspect|penalt|inspect|audit|prosecut|evas|tip-?off|bank|peer|other taxpayer|algorithm|"
    r"风险|评分|等级|模型|排名|概率|稽查|处罚|罚款|嫌疑|虚开|偷税|举报|银行|同行业|后果自负|否则|将依法|移送",
    re.IGNORECASE,
)


def reminded(points: list[dict[str, Any]], history: pa.Table | None = None, events: list[dict[str, Any]] | None = None, treatment: str = "remind", seed: int = SEED, n: int = 3) -> pa.Table:
    tables = {
        "selection": rows("selection", [chosen(n, treatment, DISTRICT, 1, [p["point_id"] for p in points if not p.get("aside")])]),
        "risk_point": rows("risk_point", [{k: v for k, v in p.items() if k != "aside"} for p in points]),
        "taxpayer": rows("taxpayer", [person(n)]), "case_event": rows("case_event", events or []),
    }
    return remind(Tables(now=tables, history={"reminder": history} if history is not None else {}), night(seed=seed))


def texts(found: pa.Table) -> list[dict[str, Any]]:
    return [json.loads(t) for t in found["text"].to_pylist()]


def test_both_facts_are_told_where_both_sources_allow_it() -> None:
    found = reminded([point(3)])
    assert found.schema.names == [c.name for c in table("reminder").own]
    assert (found["question"].to_pylist(), found["suppressed"].to_pylist(), found["case_id"].to_pylist()) == ([False], [None], [case_id(3)])
    assert [f["value"] for f in texts(found)[0]["facts"]] == [800000.0, 987654.32]


@pytest.mark.parametrize("other", ["partner", "peer", "penalty", "ownership", "bank_month", "tip_off", "never_heard_of"])
def test_a_fact_that_may_not_be_told_leaves_a_question_about_the_declared_field_alone(other: str) -> None:
    found = reminded([point(3, facts=facts(other=other))])
    assert found["question"].to_pylist() == [True]
    text = texts(found)[0]
    assert [f["label_en"] for f in text["facts"]] == ["Sales declared"]
    whole = json.dumps({k: v for k, v in text.items() if k not in ("check", "correct")}, ensure_ascii=False)  # those are the administration's own words, by risk code
    assert "?" in text["en"] and "？" in text["zh"] and "Sales declared" in text["en"]
    for hidden in ("987", "187", "Invoices", "发票", other):  # neither the other value, nor the difference, its name or its source
        assert hidden not in whole


def test_where_neither_may_be_told_the_letter_names_tax_and_period_only() -> None:
    text = texts(reminded([point(3, facts=facts(declared="peer", other="partner"))]))[0]
    assert text["facts"] == [] and "800" not in text["en"] and "Q4 2025" in text["en"] and "2025年第4季度" in text["zh"]


def test_a_sentence_that_is_not_disclosed_becomes_a_question() -> None:
    silent = json.loads(facts()) | {"taxpayer_zh": "not disclosed"}
    assert reminded([point(3, facts=json.dumps(silent))])["question"].to_pylist() == [True]


def test_no_letter_where_any_point_of_the_taxpayer_is_marked_fraud() -> None:
    aside = point(3, "vat_missing_trader", fraud=True, aside=True)  # not on the selection, but his
    found = reminded([point(3), aside])
    assert found["suppressed"].to_pylist() == ["fraud"]


def test_contacts_are_limited_over_all_taxes_and_treatments() -> None:
    limit = conf().plan(AS_OF).contacts_per_year
    pushed = [{"case_id": f"K{k}", "event_no": 1, "event_on": date(2026, 1, 1 + k), "taxpayer_id": taxpayer_id(3), "kind": "pushed", "treatment": "interview"} for k in range(limit)]
    assert reminded([point(3)], events=pushed)["suppressed"].to_pylist() == ["contact_limit"]
    assert reminded([point(3)], events=pushed[1:] + pushed[1:2])["suppressed"].to_pylist() == [None]  # the same case twice is one contact
    last_year = [{**e, "event_on": date(2025, 12, 31)} for e in pushed]
    assert reminded([point(3)], events=last_year)["suppressed"].to_pylist() == [None]
    on_again = [{**e, "event_no": 3} for e in pushed]  # returned by the wrong office in one year, pushed to the right one in the next: a contact of the first
    assert reminded([point(3)], events=last_year + on_again)["suppressed"].to_pylist() == [None]


def test_holdout_is_a_keyed_draw_once_a_year_at_the_planned_share() -> None:
    share = conf().plan(AS_OF).holdout["remind"]
    drawn_out = [held_out(7, share, 2026, f"taxpayer {n}") for n in range(4000)]
    assert 0.08 < sum(drawn_out) / 4000 < 0.12 and share == 0.1  # 4 standard errors around 10 %
    assert [held_out(7, share, 2026, f"taxpayer {n}") for n in range(4000)] == drawn_out
    assert [held_out(7, share, 2027, f"taxpayer {n}") for n in range(4000)] != drawn_out
    out = next(s for s in range(1000) if held_out(s, share, 2026, taxpayer_id(3)))
    assert reminded([point(3)], seed=out)["suppressed"].to_pylist() == ["holdout"]


def test_who_was_held_out_gets_his_reminder_before_a_heavier_step() -> None:
    def past(suppressed: str | None, day: date) -> dict[str, Any]:
        return {"taxpayer_id": taxpayer_id(3), "point_id": "p", "case_id": f"K{day}", "text": "{}", "question": False, "suppressed": suppressed, "as_of": day}

    handed_over = [{"case_id": "K2025-12-20", "event_no": 1, "event_on": date(2025, 12, 20), "taxpayer_id": taxpayer_id(3), "kind": "pushed", "treatment": "remind"}]
    held = rows("reminder", [past("holdout", date(2025, 10, 20))])
    assert reminded([point(3)], held, treatment="assess")["suppressed"].to_pylist() == [None]
    since = rows("reminder", [past("holdout", date(2025, 10, 20)), past(None, date(2025, 12, 20))])
    assert reminded([point(3)], since, events=handed_over, treatment="assess").num_rows == 0
    assert reminded([point(3)], since, treatment="assess")["suppressed"].to_pylist() == [None]  # that list lapsed: nothing was sent, the letter is still owed
    assert reminded([point(3)], rows("reminder", [past("fraud", date(2025, 10, 20))]), treatment="assess").num_rows == 0
    assert reminded([point(3), point(3, "vat_missing_trader", fraud=True, aside=True)], held, treatment="assess")["suppressed"].to_pylist() == ["fraud"]


def test_other_treatments_and_comprehensive_cases_remind_nobody() -> None:
    assert reminded([point(3)], treatment="interview").num_rows == 0
    assert reminded([]).num_rows == 0


def test_row_order_does_not_matter() -> None:
    tables = drawn()
    turned = {k: v.take(pa.array(range(v.num_rows)[::-1], pa.int64())) for k, v in tables.items()}
    key = [("taxpayer_id", "ascending"), ("point_id", "ascending")]
    assert remind(Tables(now=turned), night(seed=SEED)).sort_by(key).equals(remind(Tables(now=tables), night(seed=SEED)).sort_by(key))


def everything(points: list[dict[str, Any]]) -> dict[str, pa.Table]:
    return {"reminder": reminded(points), "taxpayer": rows("taxpayer", [person(3)])}


def test_one_letter_per_taxpayer_with_everything_a_letter_owes_him() -> None:
    found = letters(everything([point(3), point(3, "cit_cost_inflated", "CIT", facts=facts(other="peer"))]), AS_OF, conf())
    assert len(found) == 1
    html = letter_html(found[0].content)
    for owed in ("987,654.32", "800,000.00", "2025年第4季度", "增值税", "未作出任何决定", "Nothing has been decided", "更正申报", "corrected return", "12366", "如何核对", "How to check", found[0].letter_id):
        assert owed in html
    assert json.loads(found[0].as_json)["points"][0]["tax"] == "CIT"


@pytest.mark.parametrize("other", ["invoice", "treasury", "partner", "peer", "tip_off"])
@pytest.mark.parametrize("risk_code", ["vat_sales_understated", "filing_missing", "payment_short"])
def test_letters_never_say_what_they_may_not(other: str, risk_code: str) -> None:
    for letter in letters(everything([point(3, risk_code, facts=facts(other=other))]), AS_OF, conf()):
        visible = re.sub(r"<style>.*?</style>|<[^>]+>", " ", letter_html(letter.content), flags=re.DOTALL)
        assert not FORBIDDEN.findall(visible)
        assert not FORBIDDEN.findall(letter.as_json.replace('"source": "peer"', ""))


@pytest.mark.parametrize(
    ("risk_code", "start"),
    [("filing_missing", "If the return is still missing"), ("filing_late", "What has been filed"), ("payment_short", "If the tax has not been paid"), ("vat_sales_understated", "If you find a mistake")],
)
def test_each_kind_of_fault_is_mended_in_its_own_way(risk_code: str, start: str) -> None:
    content = letters(everything([point(3, risk_code)]), AS_OF, conf())[0].content
    assert len(content["how_to_correct"]) == 1 and content["how_to_correct"][0]["en"].startswith(start)


def test_what_two_points_share_is_said_once() -> None:
    content = letters(everything([point(3), point(3, "cit_cost_inflated", "CIT"), point(3, "filing_missing")]), AS_OF, conf())[0].content
    assert [w["en"][:10] for w in content["how_to_correct"]] == ["If you fin", "If the ret"]


def test_names_are_escaped_and_files_are_the_same_each_time(tmp_path: Path) -> None:
    tables = {**everything([point(3)]), "taxpayer": rows("taxpayer", [person(3, "<script>alert(1)</script>&公司")])}
    first = write_letters(letters(tables, AS_OF, conf()), tmp_path / "a")[0]
    again = write_letters(letters(tables, AS_OF, conf()), tmp_path / "b")[0]
    assert first.read_bytes() == again.read_bytes()
    page = first.read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "http" not in re.sub(r"http-equiv", "", page)  # nothing is fetched from anywhere
