"""The profile (一户式): each fact with its source and date, nothing from after the night, nobody invented, and text that stays text."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from markupsafe import escape
from sqlalchemy import select
from typer.testing import CliRunner

from jobs.cli import app
from jobs.cli.look import known_tables
from jobs.cli.place import Place
from jobs.lake.lake import Lake
from jobs.lake.tables import TABLES, table
from jobs.lake.write import replace_as_of, table_version, write_files
from jobs.respond.audit import verify
from jobs.respond.names import Names
from jobs.respond.profile import UnknownTaxpayer, log_view, profile
from jobs.respond.profile_page import profile_html
from jobs.respond.records import AuditEntry
from jobs.respond.store import Store
from tests.lake.helpers import receive
from tests.respond.helpers import AS_OF, DISTRICT, Q4, conf, person, point, rows, taxpayer_id

ME, OTHER, THIRD = taxpayer_id(1), taxpayer_id(2), taxpayer_id(3)
SECTIONS = ("identity", "registrations", "connected", "returns", "statements", "invoices", "payments", "filings", "third_parties", "level", "points", "outcomes", "contacts", "reminders")
Row = dict[str, Any]


def silver(**more: Any) -> Row:
    return {"source": "agency", "file": "delivery_7.csv", "line": 12, "known_at": date(2026, 1, 9), **more}


def everything(words: str = "甲公司", extra: str | None = None) -> dict[str, pa.Table]:
    """A row for ME in every table a profile reads, and one of OTHER beside each."""
    start, end = Q4

    def both(name: str, row: Row, **of_other: Any) -> pa.Table:
        return rows(name, [{**row, "taxpayer_id": ME}, {**row, "taxpayer_id": OTHER, **of_other}])

    period, night = {"period_from": start, "period_to": end}, {"as_of": AS_OF}
    return {
        "taxpayer": rows("taxpayer", [{**person(1, words), "address": extra or words}, person(2, "旁人公司"), person(3, "兄弟公司")]),
        "tax_registration": both("tax_registration", silver(tax="VAT", frequency="month", valid_from=date(2019, 5, 1))),
        "ownership": rows("ownership", [
            silver(taxpayer_id=ME, owner_id="P1", owner_name=words, share=0.6), silver(taxpayer_id=THIRD, owner_id="P1", owner_name=words, share=0.9), silver(taxpayer_id=OTHER, owner_id="P9", owner_name="x", share=1.0),
        ]),
        "return_line": rows("return_line", [
            silver(taxpayer_id=t, tax="VAT", form="monthly", return_line=line, amount=Decimal(a), filed_on=date(2026, 1, 8), **period)
            for t, line, a in ((ME, "sales", 300000), (ME, "due", 9000), (OTHER, "sales", 555555))
        ]),
        "financial_statement": both("financial_statement", silver(item="revenue", amount=Decimal(310000), filed_on=date(2026, 1, 8), **period), amount=Decimal(555555)),
        "invoice": rows("invoice", [
            silver(invoice_no=no, seller_id=s, buyer_id=b, issued_on=on, net=Decimal(net), tax_amount=Decimal(net) / 5, known_at=known)
            for no, s, b, on, net, known in (
                ("1", ME, OTHER, date(2025, 10, 3), 100, date(2025, 10, 4)), ("2", ME, OTHER, date(2025, 10, 9), 50, date(2025, 10, 10)),
                ("3", OTHER, ME, date(2025, 11, 9), 70, date(2025, 11, 10)), ("4", OTHER, THIRD, date(2025, 11, 9), 555555, date(2025, 11, 10)),
            )
        ]),
        "payment": both("payment", silver(payment_no="T1", tax="VAT", paid_on=date(2026, 1, 15), kind="tax", amount=Decimal("9000.05"), **period), amount=Decimal(555555)),
        "filing": both("filing", {"tax": "VAT", **period, "due_at": date(2026, 1, 15), "filed_on": date(2026, 1, 8), "days_late": 0, "versions": 1, "state": "filed", **night}),
        "party_fact": both("party_fact", {"month": date(2025, 12, 1), "penalties": 1, "penalty_amount": 100, "known_at": date(2026, 1, 3)}, penalties=55),
        "risk_level": both("risk_level", {"level": "medium", "previous": "low", "why": "band", **night}),
        "risk_point": rows("risk_point", [{**point(n), **night} for n in (1, 2)]),
        "outcome": both("outcome", {"case_id": "K1", "point_id": "p", "tax": "VAT", "risk_code": "vat_sales_understated", **period, "finding": "excluded", "reason_code": "threshold", "standing": "final", "known_at": date(2025, 6, 1), **night}, case_id="K2"),
        "case_event": both("case_event", silver(case_id="K1", event_no=1, event_on=date(2025, 5, 1), kind="closed", case_source="rule", treatment="assess", office_id=DISTRICT, post="assessor"), case_id="K2"),
        "reminder": both("reminder", {"point_id": "p", "letter_id": "L1", "text": "{}", "question": False, "suppressed": None, **night}, letter_id="L2"),
    }


def test_every_fact_of_every_section_carries_its_source_and_its_day() -> None:
    found = profile(everything(), ME, AS_OF)
    for key in SECTIONS:
        assert found[key], key
        for fact in found[key]:
            assert fact["from"]["source"] and date.fromisoformat(fact["from"]["known_at"]) <= AS_OF, (key, fact)
    assert {f["field"]: f["from"] for f in found["identity"]}["address"] == {"source": "registry", "file": "registry_2025.jsonl", "line": 1, "known_at": "2026-01-05"}
    assert found["payments"][0]["from"] == {"source": "agency", "file": "delivery_7.csv", "line": 12, "known_at": "2026-01-09"}
    assert found["points"][0]["from"] == {"source": "assay", "file": None, "line": None, "known_at": "2026-01-20"}


def test_a_return_is_one_row_with_its_lines_and_invoices_are_summed_by_month_and_side() -> None:
    found = profile(everything(), ME, AS_OF)
    assert [(r["tax"], r["form"], r["lines"]) for r in found["returns"]] == [("VAT", "monthly", {"sales": "300000.00", "due": "9000.00"})]
    months = [(i["month"], i["direction"], i["n"], i["net"], i["tax"], i["from"]["known_at"]) for i in found["invoices"]]
    assert months == [("2025-10-01", "out", 2, "150.00", "30.00", "2025-10-10"), ("2025-11-01", "in", 1, "70.00", "14.00", "2025-11-10")]  # from: the latest
    assert [(c["relation"], c["id"], c["name"], c["share"]) for c in found["connected"]] == [("owner", "P1", "甲公司", 0.6), ("same_owner", THIRD, "兄弟公司", 0.9)]


def test_nothing_of_another_taxpayer_is_in_it() -> None:
    found = json.dumps(profile(everything(), ME, AS_OF), ensure_ascii=False)
    for foreign in ("旁人公司", "555555", "K2", "L2", "P9", OTHER):
        assert foreign not in found
    assert THIRD in found  # a company of the same owner, named as connected


def test_a_taxpayer_known_by_his_registration_alone_has_an_empty_profile() -> None:
    found = profile({"taxpayer": rows("taxpayer", [person(1)])}, ME, AS_OF)
    assert all(found[key] == [] for key in SECTIONS if key != "identity") and found["withheld"] is False
    assert ME in profile_html(found, conf())


@pytest.mark.parametrize("unknown", ["", "91330200MA0000009X", ME.lower(), ME + " ", "9.13302E+17"])
def test_nobody_is_invented(unknown: str) -> None:
    with pytest.raises(UnknownTaxpayer, match=r"is known on 2026-01-20; check the id and the date$"):
        profile(everything(), unknown, AS_OF)


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "A&B <公司>"])
def test_the_page_escapes_what_it_shows_and_fetches_nothing(words: str) -> None:
    page = profile_html(profile(everything(words), ME, AS_OF), conf())
    assert "<script" not in page and "<img" not in page and "49" not in re.findall(r"<h1>(.*?) ·", page)
    assert page.count(str(escape(words))) >= 4  # title, heading, identity, owner
    assert "default-src 'none'" in page and not re.search(r"\b(src|href)\s*=|url\(|@import|https?:", re.sub(r"&lt;.*?&gt;", "", page))


def test_the_page_shows_where_each_fact_is_from() -> None:
    page = profile_html(profile(everything(), ME, AS_OF), conf())
    assert page.count("delivery_7.csv") >= 6 and page.count("delivery_7.csv:12") >= 5 and "registry_2025.jsonl" in page and "2026-01-09" in page
    assert "<svg" in page and "疑似关联" in page and "关联方" not in page


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A lake with one published night, and facts that came after it by either clock."""
    lake = Lake.open(tmp_path / "lake", conf().house.buckets)
    for _ in range(4):
        lake.take_lease("test")
    start, end = Q4
    line = {"taxpayer_id": ME, "tax": "VAT", "form": "monthly", "period_from": start, "period_to": end, "return_line": "sales"}
    paid = {"taxpayer_id": ME, "paid_on": date(2026, 1, 10), "kind": "tax"}

    def named(name: str, **more: Any) -> Row:
        return {**person(1, name), "source": "registry", **more}

    receive(lake, "taxpayer", [named("原名称", known_at=date(2026, 1, 5)), named("更名之后", version=1, known_at=date(2026, 2, 1), row_digest="e")], "b1", 4)
    receive(lake, "return_line", [{**line, "amount": Decimal(100), "known_at": date(2026, 1, 10)}, {**line, "amount": Decimal(999), "version": 1, "known_at": date(2026, 1, 21), "row_digest": "e"}], "b2", 4)
    receive(lake, "payment", [{**paid, "payment_no": "T1", "amount": Decimal(11), "known_at": date(2026, 1, 20)}, {**paid, "payment_no": "T2", "amount": Decimal(12), "known_at": date(2026, 1, 21)}], "b3", 4)
    for day, code in ((AS_OF, "payment_short"), (date(2026, 4, 20), "filing_missing")):
        found = rows("risk_point", [point(1, code, as_of=day, run=4)]).drop_columns(["as_of"])
        replace_as_of(lake.root, "risk_point", write_files(lake.root, table("risk_point"), found, day, lake.buckets), day, 4)
    lake.night_act(AS_OF, 1, "published", 4, {name: table_version(lake.root, name) for name in TABLES})
    late = lake.take_lease("later run")
    receive(lake, "payment", [{**paid, "payment_no": "T3", "amount": Decimal(13), "known_at": date(2026, 1, 10)}], "b4", late)  # entered after the night
    lake.retire("b3", late, "wrong file")  # and retired after it
    for name, value in (("ASSAY_LAKE", lake.root), ("ASSAY_INBOX", str(tmp_path / "inbox")), ("ASSAY_CASES", f"sqlite:///{tmp_path / 'cases.sqlite'}")):
        monkeypatch.setenv(name, value)
    return Place.here()


def test_nothing_from_after_the_night_by_either_clock(place: Place) -> None:
    found = profile(known_tables(place, place.published(AS_OF)), ME, AS_OF)
    assert (found["name"], [r["lines"] for r in found["returns"]]) == ("原名称", [{"sales": "100.00"}])
    assert [p["payment_no"] for p in found["payments"]] == ["T1"]  # T2 was known a day later, T3 entered in a later run
    assert [p["risk_code"] for p in found["points"]] == ["payment_short"]
    days = [f["from"]["known_at"] for key in SECTIONS for f in found[key]]
    assert days and max(days) <= AS_OF.isoformat()


def test_the_command_writes_json_and_a_page_and_refuses_whom_nobody_knows(place: Place, tmp_path: Path) -> None:
    command = ["profile", ME, "--as-of", AS_OF.isoformat()]
    said = CliRunner().invoke(app, command)
    assert said.exit_code == 0 and json.loads(said.output)["name"] == "原名称"
    assert CliRunner().invoke(app, [*command, "--out", str(tmp_path / "pages" / "p.html")]).exit_code == 0
    assert "原名称 · 一户式档案" in (tmp_path / "pages" / "p.html").read_text(encoding="utf-8")
    unknown = CliRunner().invoke(app, ["profile", THIRD, *command[2:]])
    assert unknown.exit_code != 0 and str(unknown.exception) == f"no taxpayer {THIRD} is known on 2026-01-20; check the id and the date"


def test_each_view_is_on_the_audit_trail(lite: Store) -> None:
    log_view(lite, f"{DISTRICT}-assessor-01", ME, "case C1")
    with lite.read() as session:
        last = json.loads(session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc())).first().body)  # type: ignore[union-attr]
        assert (last["act"], last["thing"], last["person"], last["outcome"], last["why"]) == ("profile", f"taxpayer:{ME}", f"{DISTRICT}-assessor-01", "seen", "case C1")
        assert verify(session).whole


def test_the_page_names_what_the_codes_stand_for() -> None:
    tables = everything()
    facts = json.dumps({"indicator": "i", "name_en": "Sales below invoices", "name_zh": "销售额小于开票", "also": [{"indicator": "j", "name_en": "Another", "name_zh": "另一指标"}]})
    ours = point(1, facts=facts, indicators=["i", "j", "k"], state="silent", state_reason="explanation accepted: innocent_explanation", amount_error=Decimal(0))
    tables |= {"risk_point": rows("risk_point", [{**ours, "as_of": AS_OF}]), "taxpayer": rows("taxpayer", [{**person(1), "industry": "5164", "segment": "mid"}])}
    found = profile(tables, ME, AS_OF)
    assert found["points"][0]["indicator_names"] == {"i": {"en": "Sales below invoices", "zh": "销售额小于开票"}, "j": {"en": "Another", "zh": "另一指标"}}
    page = profile_html(found, conf())
    for name in (
        "金属及金属矿批发 Wholesale of metals and ores (5164)", "中型企业 medium-sized", "海曙区税务局 Haishu District Tax Office (330203)", "海曙区 Haishu (330203)", "一般纳税人 general taxpayer",
        "已说明 explained", "说明已采纳 explanation accepted: 情况属实、理由正当 innocent explanation", "销售额小于开票 Sales below invoices<br>另一指标 Another<br>k<br>",
        "排除 excluded · 未达标准 below what is pursued", "已生效 final", "已结案 closed", "纳税评估 Tax assessment", "无法计算 cannot be computed",
    ):
        assert name in page, name


@pytest.mark.parametrize(
    ("group", "code", "name"),
    [
        ("industry", "5164", "金属及金属矿批发 Wholesale of metals and ores"), ("industry", "5199", "批发业 Wholesale"), ("industry", "9999", "9999"), ("industry", "", ""),
        ("segment", "mid", "中型企业 medium-sized"), ("segment", "mi", "mi"), ("office_id", DISTRICT, "海曙区税务局 Haishu District Tax Office"), ("treatment", "remind", "提示提醒 Reminder"), ("reason", None, ""),
    ],
)
def test_a_code_has_its_name_or_stands_as_it_is(group: str, code: str | None, name: str) -> None:
    assert Names(conf(), AS_OF).of(group, code) == name


def test_every_state_a_point_can_have_is_told_in_words() -> None:
    """The reasons are written by the analyse room: taken from its source, so that a new one cannot stay unnamed."""
    source = (Path(__file__).parents[2] / "jobs" / "analyse" / "point_life.py").read_text(encoding="utf-8")
    reasons = {re.sub(r"\{[^}]*\}", "threshold", text) for text in re.findall(r'Now\([^,\n]+, f?"([^"]+)"', source) + re.findall(r'else "([^"]+)"\)', source)}
    assert len(reasons) >= 10
    names = Names(conf(), AS_OF)
    assert {r for r in reasons if names.why(r) == r} == set()
