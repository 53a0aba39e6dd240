"""From a published point of a small administration back to lines of its files: what was known, on which line, to the cent. No Spark."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from jobs.cli.place import Place
from jobs.cli.trace import named_by, traced, write_lines
from jobs.lake.lake import Lake
from jobs.lineage.cell import Cell
from jobs.lineage.figures import Finding
from jobs.lineage.known import Known, nights_until
from jobs.lineage.page import trace_html
from jobs.lineage.receipts import records
from jobs.lineage.trace import NothingToTrace, Trace, trace_indicator
from jobs.lineage.words import LINE_COLUMNS, as_text, as_values, harmless
from jobs.sources.quarantine import HIDDEN
from tests.lineage.small import FIRST, INDICATOR, SECOND, small_place
from tests.sources.given import GOOD, OTHER

D = Decimal


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_LINEAGE", "off")
        yield small_place(tmp_path_factory.mktemp("small"))


def copy_of(place: Place, to: Path) -> Place:
    """The same administration at another place, to be spoilt."""
    shutil.copytree(Path(place.lake.root).parent, to)
    return Place(Lake(str(to / "lake"), place.lake.buckets), place.conf, to / "inbox", f"sqlite:///{to / 'cases.sqlite'}")


def ask(place: Place, as_of: date, point: str | None = None, indicator: str | None = None, columns: tuple[str, ...] = ("declared", "other", "difference", "amount")) -> Trace:
    return traced(place, GOOD, as_of, point, None, indicator, None, columns)


def cells(finding: Finding) -> dict[str, Cell]:
    return {c.measure: c for c in finding.cells}


def places(cell: Cell) -> list[tuple[str, int, str]]:
    return sorted((line.file, line.line, str(line.amount)) for line in cell.lines)


def test_a_point_is_traced_to_the_lines_of_its_files(place: Place) -> None:
    found = ask(place, FIRST)
    assert found.point is not None and found.point["indicators"] == [INDICATOR] and found.faults == []
    (finding,) = found.findings
    assert {f.column: (f.stands, f.again) for f in finding.figures} == {
        "declared": (D("120000"), D("120000")), "other": (D("180000"), D("180000")), "difference": (D("60000"), D("60000")), "amount": (D("7800.00"), D("7800.00")),
    }  # fmt: skip
    sales, sold, tax = (cells(finding)[m] for m in ("vat_sales", "out_net", "out_tax"))
    assert places(sales) == [("vat_q1.csv", 2, "50000.00"), ("vat_q1.csv", 3, "40000.00"), ("vat_q1.csv", 4, "30000.00")]
    # line 5 is in another currency and no part of the sum
    assert places(sold) == [("sold_q1.csv", 2, "25000.00"), ("sold_q1.csv", 3, "30000.00"), ("sold_q1.csv", 4, "60000.00"), ("sold_q1.csv", 6, "70000.00"), ("sold_q1.csv", 7, "-5000.00")]
    assert (sales.found, sold.found, tax.found) == (D("120000.00"), D("180000.00"), D("23400.00"))
    assert (sales.feeds, sold.feeds, tax.feeds) == (("declared", "difference", "base"), ("other", "difference", "base"), ("base",))


def test_the_record_as_received_stands_beside_its_line(place: Place) -> None:
    found = ask(place, FIRST)
    for finding in found.findings:
        for cell in finding.cells:
            for line in cell.lines:
                landed = (place.inbox / line.source / line.file).read_text(encoding="utf-8").splitlines()
                assert found.raw[line.receipt] == landed[line.line - 1]


def test_what_came_later_is_not_shown_on_an_earlier_night(place: Place) -> None:
    early, late = ask(place, FIRST, indicator=INDICATOR), ask(place, SECOND, indicator=INDICATOR)
    assert {d.file for d in early.files} == {"vat_q1.csv", "sold_q1.csv"}
    assert {d.file for d in late.files} == {"vat_q1.csv", "sold_q1.csv", "vat_amended.csv", "sold_late.csv"}
    sales, sold = cells(late.findings[0])["vat_sales"], cells(late.findings[0])["out_net"]
    assert places(sales) == [("vat_amended.csv", 2, "35000.00"), ("vat_q1.csv", 2, "50000.00"), ("vat_q1.csv", 3, "40000.00")]
    assert ("sold_late.csv", 2, "4000.00") in places(sold) and sold.found == D("184000.00")


def test_a_night_whose_versions_upkeep_took_is_traced_by_both_clocks(place: Place) -> None:
    before = ask(place, FIRST, indicator=INDICATOR)
    night = nights_until(place.lake, FIRST)[-1].night
    old = Known(place.lake, replace(night, tables=dict.fromkeys(night.tables, 10**6)))  # none of them is there
    found = trace_indicator(old, place.inbox, GOOD, INDICATOR)
    assert found.findings == before.findings and found.faults == []


def test_facts_told_on_an_earlier_night_are_traced_there_and_the_amount_tonight(place: Place) -> None:
    found = ask(place, SECOND)
    told, tonight = found.findings
    assert (told.night, [f.column for f in told.figures]) == (FIRST, ["declared", "other", "difference"])
    assert (tonight.night, [(f.column, f.stands, f.again) for f in tonight.figures]) == (SECOND, [("amount", D("7670.00"), D("7670.00"))])
    assert cells(told)["out_net"].found == D("180000.00") and cells(tonight)["out_net"].found == D("184000.00")
    assert found.faults == [] and "as told on the night of 2025-05-20" in as_text(found, 1)


COLUMNS = [("declared", {"vat_sales", "vat_exempt", "vat_exports"}), ("other", {"out_net"}), ("amount", {"vat_sales", "vat_exempt", "vat_exports", "out_net", "out_tax"})]


@pytest.mark.parametrize(("column", "measures"), COLUMNS)
def test_one_column_shows_the_cells_behind_it_alone(place: Place, column: str, measures: set[str]) -> None:
    (finding,) = ask(place, FIRST, columns=(column,)).findings
    assert [f.column for f in finding.figures] == [column] and set(cells(finding)) == measures


def test_payments_and_returns_stand_behind_what_is_still_open(place: Place) -> None:
    point = next(p for p in ask(place, FIRST).others if p["risk_code"] == "payment_short")
    found = ask(place, FIRST, point["point_id"])
    due, paid = (cells(found.findings[0])[m] for m in ("VAT.due", "VAT.paid"))
    assert (due.found, paid.found, found.faults) == (D("3000.00"), D("1400.00"), [])
    assert places(paid) == [("pay_q1.csv", 2, "1000.00"), ("pay_q1.csv", 3, "400.00")]
    assert [p.amount for p in paid.parts] == [D("1000.00"), D("400.00"), D("0")]


def test_an_amended_return_shows_both_its_versions(place: Place) -> None:
    found = ask(place, SECOND, indicator="returns_amended_down")
    due, first = (cells(found.findings[0])[m] for m in ("VAT.due", "VAT.due_first"))
    assert (due.found, first.found, found.faults) == (D("3650.00"), D("3000.00"), [])
    assert ("vat_amended.csv", 2, "1650.00") in places(due) and ("vat_q1.csv", 4, "1000.00") in places(first)


def test_a_missing_return_rests_on_the_registration_that_makes_it_due(place: Place) -> None:
    found = traced(place, OTHER, FIRST, None, None, "returns_missing", None)
    missing = cells(found.findings[0])["VAT.missing"]
    assert (missing.found, {line.file for p in missing.parts if p.amount for line in p.lines}, found.faults) == (D(2), {"duty.csv"}, [])
    assert ["no return by 2025-05-20" in p.what for p in missing.parts] == [True, True, False]


def test_files_gone_changed_and_no_longer_whole_are_told_apart(place: Place, tmp_path: Path) -> None:
    spoilt = copy_of(place, tmp_path / "spoilt")
    assert {d.file: d.state for d in ask(spoilt, FIRST).files} == {"vat_q1.csv": "same", "sold_q1.csv": "same"}
    (spoilt.inbox / "vat" / "vat_q1.csv").unlink()
    with (spoilt.inbox / "sold" / "sold_q1.csv").open("a", encoding="utf-8") as file:
        file.write("one more line\n")
    found = ask(spoilt, FIRST)
    assert {d.file: d.state for d in found.files} == {"vat_q1.csv": "gone", "sold_q1.csv": "changed"}
    assert found.faults == ["sold/sold_q1.csv in the inbox is not the file that was received"]
    assert "no longer in the inbox" in as_text(found, 1)


def doctored(place: Place, to: Path, measure: str, cents: int) -> Place:
    """A copy whose month table says `cents` more than was received: a night on it says what no line does."""
    spoilt = copy_of(place, to)
    run = spoilt.lake.take_lease("a hand in the till")
    spoilt.lake.append("taxpayer_month", [{"taxpayer_id": GOOD, "month": date(2025, 2, 1), measure: cents, "known_at": FIRST, "run": run}], "doctored", run)
    return spoilt


def test_a_figure_that_no_line_bears_out_is_off_by_the_difference(place: Place, tmp_path: Path) -> None:
    from tests.lineage.small import night

    spoilt = doctored(place, tmp_path / "spoilt", "vat_sales", 12_345)
    night(spoilt, date(2025, 6, 21))
    found = ask(spoilt, date(2025, 6, 21), indicator=INDICATOR)
    assert found.faults == [f"{INDICATOR}: vat_sales was read as 126123.45, its lines come to 126000.00: off by 123.45"]
    assert "OFF BY 123.45" in as_text(found, 1) and "off by 123.45" in trace_html(found, spoilt.conf, 1)


def test_a_list_that_says_other_than_the_rule_is_off_by_the_difference(place: Place) -> None:
    known = nights_until(place.lake, FIRST)[-1]
    rows = known.rows("risk_point", "taxpayer_id", [GOOD])
    at = rows["risk_code"].to_pylist().index("vat_sales_understated")
    amounts = rows["amount_error"].to_pylist()
    amounts[at] += D("0.01")
    known._rows[("risk_point", "taxpayer_id", (GOOD,), False)] = rows.set_column(rows.column_names.index("amount_error"), "amount_error", [amounts])
    from jobs.lineage.trace import trace_point

    found = trace_point([known], place.inbox, GOOD, rows["point_id"][at].as_py())
    assert found.faults == [f"{INDICATOR}: amount stands as 7800.01, comes out as 7800.00: off by 0.01"]


def test_a_record_with_cells_that_are_not_for_risk_is_hidden(place: Place) -> None:
    lines = {x.receipt for x in cells(ask(place, FIRST).findings[0])["out_net"].lines}
    sold = place.conf.sources["sold"]
    for_cases = sold.model_copy(update={"columns": {**sold.columns, "kind": sold.columns["kind"].model_copy(update={"purposes": ("case",)})}})
    assert set(records(place.lake, lines, {"sold": for_cases}).values()) == set(records(place.lake, lines, {}).values()) == {HIDDEN}
    assert set(records(place.lake, lines, {"sold": for_cases})) == lines  # that they are there is no secret


def test_a_line_without_its_record_is_a_fault(place: Place) -> None:
    found = ask(place, FIRST)
    lost = next(iter(sorted(found.raw)))
    assert replace(found, raw={k: v for k, v in found.raw.items() if k != lost}).faults == [f"{lost[0]} {lost[2]}:{lost[3]} of batch {lost[1]} is not in bronze"]


UNKNOWN = [
    ({"taxpayer": "91110108569484999X"}, "no taxpayer"),
    ({"as_of": date(2025, 5, 21)}, "published: 2025-05-20, 2025-06-20"),
    ({"point": "no such point"}, "it has"),
    ({"indicator": "no_such_indicator"}, "no period"),
    ({"indicator": INDICATOR, "period": "2024-01-01..2024-03-31"}, "2025-01-01 to 2025-03-31"),
    ({"reason": 1}, "no reason 1"),
]


@pytest.mark.parametrize(("asked", "said"), UNKNOWN)
def test_what_is_not_there_is_said_with_what_is(place: Place, asked: dict[str, object], said: str) -> None:
    plain = {"taxpayer": GOOD, "as_of": FIRST, "point": None, "reason": None, "indicator": None, "period": None}
    with pytest.raises(NothingToTrace, match=said):
        traced(place, **{**plain, **asked})  # type: ignore[arg-type]


@pytest.mark.parametrize(("content", "said"), [(None, "restore it from a backup"), ('{"house": {}}', "trace it with version")])
def test_a_night_whose_configuration_cannot_be_read_says_what_to_do(place: Place, tmp_path: Path, content: str | None, said: str) -> None:
    spoilt = copy_of(place, tmp_path / "spoilt")
    for archived in (Path(spoilt.lake.root) / "conf").iterdir():
        archived.unlink()
        if content is not None:
            archived.write_text(content, encoding="utf-8")
    with pytest.raises(LookupError, match=said):
        ask(spoilt, FIRST)


def test_a_reason_names_its_point_or_its_indicator_and_period(place: Place) -> None:
    import pyarrow as pa

    known = nights_until(place.lake, FIRST)[-1]
    numbers = json.dumps({"indicator": INDICATOR, "period_from": "2025-01-01", "period_to": "2025-03-31"})
    kinds, codes = ["point", "indicator", "feature", "point"], ["c", "c", "stock_turnover", "comprehensive"]
    rows = {"ordinal": [1, 2, 3, 4], "kind": kinds, "code": codes, "point_id": ["p", None, None, None], "numbers": ["{}", numbers, "{}", "{}"]}
    known._rows[("reason", "taxpayer_id", (GOOD,), False)] = pa.table(rows)
    assert named_by(known, GOOD, 1) == ("p", None, None)
    assert named_by(known, GOOD, 2) == (None, INDICATOR, (date(2025, 1, 1), date(2025, 3, 31)))
    with pytest.raises(NothingToTrace, match=r"stock_turnover.*counted from financial_statement.cost, financial_statement.inventory"):
        named_by(known, GOOD, 3)
    with pytest.raises(NothingToTrace, match="comprehensive"):
        named_by(known, GOOD, 4)


def test_every_line_goes_to_the_file_and_no_text_becomes_a_formula(place: Place, tmp_path: Path) -> None:
    found = ask(place, FIRST)
    write_lines(found, tmp_path / "lines.csv")
    rows = list(csv.DictReader((tmp_path / "lines.csv").open(encoding="utf-8-sig", newline="")))
    assert tuple(rows[0]) == LINE_COLUMNS and len(rows) == sum(len(c.lines) for f in found.findings for c in f.cells)
    red = next(r for r in rows if r["measure"] == "out_net" and r["line"] == "7")
    assert (red["file"], red["amount"], red["raw"]) == ("sold_q1.csv", "-5000.00", f"c2,2025-03-06,{GOOD},{OTHER},red,CNY,-5000.00,-650.00")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "＝1", "\t=1", "  =1", "'=1"])
def test_a_text_that_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}" and harmless("plain - text") == "plain - text"


def test_the_page_escapes_what_was_received_and_json_keeps_every_digit(place: Place) -> None:
    found = ask(place, FIRST)
    nasty = replace(found, name="<script>", raw=dict.fromkeys(found.raw, "<img src=x>"))
    page = trace_html(nasty, place.conf, 5)
    assert "<script>" not in page and "<img" not in page and "&lt;script&gt;" in page
    values = json.loads(json.dumps(as_values(found), ensure_ascii=False))
    line = next(x for c in values["findings"][0]["cells"] for p in c["parts"] for x in p["lines"] if x["line"] == 7 and c["measure"] == "out_net")
    assert (line["amount"], line["raw"].split(",")[0]) == ("-5000.00", "c2")


EXITS = [((GOOD, "2025-05-20"), 0), ((GOOD, "2025-05-21"), 2), (("91110108569484999X", "2025-05-20"), 2), ((GOOD, "2025-05-20", "--column", "net"), 2)]


@pytest.mark.parametrize(("asked", "code"), EXITS)
def test_the_command_says_by_its_exit_code_what_came_of_it(place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: tuple[str, ...], code: int) -> None:
    taxpayer, as_of, *more = asked
    assert run(place, monkeypatch, taxpayer, "--as-of", as_of, *more) == code
    said = capsys.readouterr()
    assert ("counted again" in said.out) == (code == 0)


def test_the_command_ends_with_three_and_the_difference_when_a_figure_does_not_come_out(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    spoilt = copy_of(place, tmp_path / "spoilt")
    (spoilt.inbox / "vat" / "vat_q1.csv").write_text("another file", encoding="utf-8")
    assert run(spoilt, monkeypatch, GOOD, "--as-of", "2025-05-20") == 3
    assert "not the file that was received" in capsys.readouterr().err


def test_each_trace_leaves_a_view_on_the_audit_trail(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import text

    def views() -> int:
        with place.store() as store, store.read() as session:
            return int(session.execute(text("select count(*) from audit where body like '%assay trace%'")).scalar_one())

    before = views()
    assert run(place, monkeypatch, GOOD, "--as-of", "2025-05-20") == 0
    assert views() == before + 1


def run(place: Place, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command in this process, on a place: its exit code."""
    from jobs import cli
    from jobs.cli import trace as command

    monkeypatch.setattr(command.Place, "there", staticmethod(lambda: place))
    monkeypatch.setattr(sys, "argv", ["assay", "trace", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)
