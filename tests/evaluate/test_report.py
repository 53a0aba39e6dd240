from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.evaluate.report import report
from tests.evaluate.sample import empty, sample
from tests.rank.given import AS_OF

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
    for sentence in ("It cannot be said yet", "No case has been examined yet", "No case has been handed over yet", "No reminder is 90 days old yet", "No point has been answered yet",
                     "There is no list to look at", "No random case has been examined yet"):
        assert sentence in text
    for section in SECTIONS:
        assert section in text


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
