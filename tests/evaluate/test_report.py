from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.conf import load
from jobs.evaluate.names import called, names_of
from jobs.evaluate.report import report
from tests.evaluate.sample import empty, sample
from tests.rank.given import AS_OF, rows

SECTIONS = ("1. The list against chance", "2. Do the probabilities", "3. Was the list worked?", "4. What did reminders bring?", "5. Which indicators", "6. Who was selected?",
            "7. What the random slice says", "What these numbers are not")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("report") / "deep" / "report.html"
    report(sample(), AS_OF, out, data="a drawn year of 240 cases")
    return out.read_text(encoding="utf-8")


def test_every_section_with_its_chart_and_caveats(page: str) -> None:
    for section in SECTIONS:
        assert section in page
    assert page.count("<svg") >= 11
    assert "a drawn year of 240 cases" in page and "lower bound" in page and "Labels exist only for those who were examined" in page
    assert "more than luck explains" in page
    assert "None" not in page and "nan" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)


def test_self_contained(page: str) -> None:
    assert not re.search(r'(src|href)\s*=\s*"(?!#)', re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL))
    assert "<script" not in page and "@import" not in page and "url(" not in re.sub(r'url\(#[^)]*\)', "", page)


def test_same_bytes_for_the_same_numbers(tmp_path: Path) -> None:
    report(sample(), AS_OF, tmp_path / "a.html")
    report({n: t.take(pa.array(range(t.num_rows - 1, -1, -1), pa.int64())) if n == "case_result" else t for n, t in sample().items()}, AS_OF, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_before_anything_has_happened_it_says_so(tmp_path: Path) -> None:
    report(empty(), AS_OF, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    for sentence in ("It cannot be said yet", "No case has been examined yet", "No case has been handed over yet", "No reminder is 90 days old yet", "No point of a list has been answered yet",
                     "There is no list to look at", "No random case has been examined yet"):
        assert sentence in text
    for section in SECTIONS:
        assert section in text


def test_what_the_night_went_without_is_said_before_any_figure(tmp_path: Path) -> None:
    report(sample(), AS_OF, tmp_path / "r.html", without=["pay: late; expected 2026-01-19 01:00, last delivery 2026-01-05 09:00", "STOPPED: pay, receipt 2: <9> times"])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    top = text.split("1. The list against chance")[0]
    assert "STOPPED: pay, receipt 2: &lt;9&gt; times" in top and "<li>pay: late; expected 2026-01-19 01:00, last delivery 2026-01-05 09:00</li>" in top
    report(sample(), AS_OF, tmp_path / "r.html")
    assert "went without" not in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_names_are_escaped(tmp_path: Path) -> None:
    tables = sample()
    table = tables["evaluation"].to_pylist()
    table[0]["item"] = "<b>x</b>"
    for row in table:
        if row["measure"] == "selected_share":
            row["item"] = "<i>" + row["item"]
    report({**tables, "evaluation": pa.Table.from_pylist(table, tables["evaluation"].schema)}, AS_OF, tmp_path / "r.html", data="<script>alert(1)</script>")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in text and "<i>" not in text and "<b>x" not in text


def measured(measure: str, scope: str, item: str, value: float, low: float, high: float, n: int = 60, baseline: float = 0.0) -> dict[str, Any]:
    return {"measure": measure, "scope": scope, "item": item, "value": value, "low": low, "high": high, "n": n, "baseline": baseline, "note": ""}


def against(lift: tuple[float, float], tax: tuple[float, float], hits: tuple[float, float] = (-0.1, 0.1)) -> list[dict[str, Any]]:
    """What a night measured: the intervals of the lift over the random slice, and of the list less the rules."""
    both = [measured(f"capacity_{m}", "first_fifth", o, 0.7, 0.6, 0.8, 12) for m in ("tax", "hits") for o in ("value", "rules_value")]
    return [measured("hit_rate", "list", "champion", 0.7, 0.6, 0.8), measured("hit_rate", "random_beside", "champion", 0.1, 0.0, 0.4, 11), measured("nights", "list", "champion", 2, 2, 2),
            measured("lift", "list", "champion", 7.0, *lift), *both, measured("list_less_rules", "first_fifth", "tax", sum(tax) / 2, *tax), measured("list_less_rules", "first_fifth", "hits", sum(hits) / 2, *hits)]


@pytest.mark.parametrize(("found", "kind", "says"), [
    (against((1.2, 50.0), (-0.1, 0.3)), "unclear", ("more than luck explains", "anything from 1.2 to 50 times", "do not show that the champion is better than the rules")),
    (against((1.2, 50.0), (0.05, 0.3)), "better", ("more than luck explains", "Within these cases the list's order is the better one")),
    (against((1.2, 50.0), (0.05, 0.3), (-0.4, -0.1)), "unclear", ("do not show that the champion is better",)),  # more tax, fewer hits
    (against((1.2, 50.0), (-0.3, -0.05)), "worse", ("the rules do better",)),
    (against((0.4, 9.0), (0.05, 0.3)), "unclear", ("not yet proved better than chance",)),
    (against((0.1, 0.8), (0.05, 0.3)), "worse", ("worse than chance",)),
    ([r for r in against((1.2, 50.0), (0.0, 0.0)) if r["measure"] != "list_less_rules"], "unclear", ("Against the rules nothing can be said yet",)),
])
def test_the_headline_says_what_the_intervals_bear_and_no_more(tmp_path: Path, found: list[dict[str, Any]], kind: str, says: tuple[str, ...]) -> None:
    report({"evaluation": rows("evaluation", *found)}, AS_OF, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert f'class="answer {kind}"' in text
    for sentence in says:
        assert sentence.replace("'", "&#39;") in text or sentence in text


def test_calibration_names_the_groups_that_promise_too_much(tmp_path: Path) -> None:
    groups = [measured("calibration", "probability", "1", 0.35, 0.2, 0.55, 19, 0.3), measured("calibration", "probability", "2", 0.6, 0.5, 0.7, 19, 0.4),
              measured("calibration", "probability", "3", 0.74, 0.5, 0.88, 19, 0.92)]
    report({"evaluation": rows("evaluation", *groups)}, AS_OF, tmp_path / "r.html")
    text = re.sub(r"\s+", " ", (tmp_path / "r.html").read_text(encoding="utf-8").replace("\u00a0", " "))
    assert "the highest was promised 92 % and found 74 %" in text
    assert "Too sure beyond luck: group 3 (92 % promised, 74 % found)." in text
    assert "Too modest beyond luck: group 2 (40 % promised, 60 % found)." in text


def test_codes_have_the_names_of_the_configuration(page: str) -> None:
    for name in ("Haishu District Tax Office", "Tax inspection", "Sales declared for VAT below", "Wholesale", "medium-sized", "Jiangbei", "VAT sales understated check"):
        assert name in page, name
    for code in (">330203<", ">mid<", ">51<", "vat_sales_understated"):
        assert code not in page, code


def test_one_code_may_be_an_office_and_a_district() -> None:
    names = names_of(load(), AS_OF)
    assert (called(names, "office", "330203"), called(names, "region", "330203")) == ("Haishu District Tax Office", "Haishu")
    assert (called(names, "industry", "99"), called(names, "indicator", "vat_burden_below_peers")) == ("99", "VAT burden below peers")
