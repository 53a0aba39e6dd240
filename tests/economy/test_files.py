"""Files as an agency would send them, read back: what they say agrees with each other, and what is wrong with them is in measure."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stdnum.cn import uscc

from jobs.economy.chance import Chance
from jobs.economy.delivery import history_slices, step_slices
from jobs.economy.dirt import soiled
from jobs.economy.points import point_ids
from jobs.economy.setting import load_country
from tests.economy.helpers import world, write

KINDS = ["pushed", "received", "begun", "point_answered", "reviewed", "closed", "paid", "appealed", "overturned"]


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(world(600, 24), tmp_path_factory.mktemp("country"))


def rows(country: Path, source: str, encoding: str = "utf-8") -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for path in sorted((country / "inbox" / source).glob("*.csv")):
        found += csv.DictReader(io.StringIO(path.read_bytes().decode(encoding)))
    return found


def whole(found: list[dict[str, str]], identity: str, amounts: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows a reader would accept: a valid id and numbers that are numbers."""
    return [r for r in found if uscc.is_valid(r[identity]) and all(_number(r[a]) for a in amounts)]


def _number(cell: str) -> bool:
    return cell == "" or cell.lstrip("-").replace(".", "", 1).isdigit()


def test_vat_returns_are_gb18030_with_chinese_headers_and_add_up(country: Path) -> None:
    path = next((country / "inbox" / "vat_return").glob("*.csv"))
    with pytest.raises(UnicodeDecodeError):
        path.read_bytes().decode("utf-8")
    lines = ("应纳税额", "销项税额", "进项税额", "上期留抵税额", "期末留抵税额", "免抵退应退税额")
    good = whole(rows(country, "vat_return", "gb18030"), "纳税人识别号", lines)
    general = [[Decimal(r[n]) for n in lines] for r in good if r["表种"] == "一般纳税人"]
    assert len(general) > 3000
    assert all(output - claimed - before == due - after - back for due, output, claimed, before, after, back in general)


def test_every_source_has_a_few_per_cent_of_broken_rows_and_some_twice(country: Path) -> None:
    for source, identity in (("pit_return", "withholder_id"), ("treasury", "payer_id"), ("financial_statement", "taxpayer_id")):
        found = rows(country, source)
        amounts = {"pit_return": ("wages",), "treasury": ("amount",), "financial_statement": ("revenue",)}[source]
        broken = 1 - len(whole(found, identity, amounts)) / len(found)
        assert 0.005 < broken < 0.04, source
        counted = Counter(tuple(r.values()) for r in found)
        assert 0.001 < sum(n - 1 for n in counted.values()) / len(found) < 0.03, source
    ids = [r["payer_id"] for r in rows(country, "treasury")]
    assert any("E+" in i for i in ids) and any(i == "" for i in ids)
    dates = [r["paid_on"] for r in rows(country, "treasury")]
    assert any("年" in d for d in dates) and any("/" in d for d in dates)
    assert any("万" in r["amount"] for r in rows(country, "treasury"))


def test_returns_are_filed_late_amended_and_left_out(country: Path) -> None:
    truth = pq.read_table(country / "truth" / "tax").to_pylist()
    pit = [r for r in truth if r["tax"] == "PIT" and r["period_to"] < date(2025, 11, 1)]
    late = [r for r in pit if r["filed_on"] and (r["filed_on"] - r["period_to"]).days > 15]
    missing = [r for r in pit if r["filed_on"] is None]
    assert 0.005 < len(late) / len(pit) < 0.15 and 0.002 < len(missing) / len(pit) < 0.1
    assert any(r["submission"] == "2" for r in rows(country, "pit_return"))


def test_invoices_have_one_number_each_and_reds_name_what_they_cancel(country: Path) -> None:
    parts = [pq.read_table(p) for p in sorted((country / "inbox" / "invoice").glob("*.parquet"))]
    found = [r for r in pa.concat_tables(parts).to_pylist() if r["seller_id"] and uscc.is_valid(r["seller_id"])]
    by_number: dict[tuple[str, str], set[Any]] = defaultdict(set)
    for r in found:
        by_number[r["seller_id"], r["invoice_no"]].add((r["net"], r["tax"], r["buyer_id"], r["issued_on"]))
    assert all(len(v) == 1 for v in by_number.values())
    reds = [r for r in found if r["kind"] == "红字"]
    numbers = {(r["seller_id"], r["invoice_no"]): r["net"] for r in found}
    known = [r for r in reds if (r["seller_id"], r["corrects"]) in numbers]
    assert len(reds) > 50 and len(known) > 0.95 * len(reds)
    assert all(numbers[r["seller_id"], r["corrects"]] == -r["net"] for r in known)
    assert all(r["gross"] == r["net"] + r["tax"] for r in found)
    assert 3 < len(found) / (600 * 24 * 0.85) < 7
    assert any(r["buyer_id"] is None for r in found)


def test_sellers_declare_what_they_invoiced_and_more(country: Path) -> None:
    """Honest general taxpayers without a slip declare no less than they invoiced. No slip: due is declared to the cent, and not nothing."""
    firms = {r["taxpayer_id"]: r["typology"] for r in pq.read_table(country / "truth" / "firm").to_pylist()}
    clean = {
        (r["taxpayer_id"], r["period_from"]) for r in pq.read_table(country / "truth" / "tax").to_pylist()
        if r["form"] == "VAT-G" and r["due"] == r["declared"] > 0 and r["typology"] == "honest" and r["filed_on"]
        and r["period_from"] < date(2025, 7, 1)  # amendments of later months may not have arrived yet
    }  # fmt: skip
    sold: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for path in sorted((country / "inbox" / "invoice").glob("*.parquet")):
        for n in {(r["seller_id"], r["invoice_no"], r["issued_on"].replace(day=1), r["net"]) for r in pq.read_table(path).to_pylist()}:
            sold[n[0], n[2]] += n[3]
    good = whole(rows(country, "vat_return", "gb18030"), "纳税人识别号", ("应税销售额", "免税销售额", "出口销售额"))
    amended = {(r["纳税人识别号"], _date(r["税款所属期起"])) for r in good if r["申报序号"] != "1"}
    checked = 0
    for r in good:
        key = (r["纳税人识别号"], _date(r["税款所属期起"]))
        if key in clean - amended and firms[key[0]] == "honest" and r["申报序号"] == "1" and key in sold:
            short = sold[key] > Decimal(r["应税销售额"]) + Decimal(r["免税销售额"]) + Decimal(r["出口销售额"])
            checked += 1
            assert not short, key
    assert checked > 1000


def _date(cell: str) -> date:
    return date.fromisoformat(cell) if len(cell) == 10 else date(1900, 1, 1)


def test_registers_know_nothing_before_it_happens(country: Path) -> None:
    texts = [p.read_text(encoding="utf-8") for p in sorted((country / "inbox" / "registry").glob("registry_*.jsonl"))]
    found = [json.loads(line) for t in texts for line in t.splitlines()]
    good = [r for r in found if uscc.is_valid(r["uscc"]) and r["established"][:2] in ("19", "20") and "年" not in r["established"]]
    assert all(r["established"] <= r["extracted_on"] for r in good)
    assert all(r["cancelled"] is None or r["cancelled"] <= r["extracted_on"] for r in good)
    assert {"存续", "注销", "经营异常"} == {r["status"] for r in good}


def test_other_offices_spell_names_their_own_way(country: Path) -> None:
    names = {r["name"] for r in pq.read_table(country / "truth" / "firm").to_pylist()}
    land = rows(country, "land")
    odd = sum(r["holder_name"] not in names for r in land) / len(land)
    missing = sum(r["holder_id"] in ("", "不详") for r in land) / len(land)
    assert 0.08 < odd < 0.4 and 0.15 < missing < 0.5


def test_old_cases_run_in_order_and_find_part_of_what_is_there(country: Path) -> None:
    events = {(r["case_id"], r["event_no"]): r for r in rows(country, "case_history") if uscc.is_valid(r["taxpayer_id"]) and "年" not in r["event_on"] and "/" not in r["event_on"]}
    cases: dict[str, list[dict[str, str]]] = defaultdict(list)
    for r in sorted(events.values(), key=lambda r: (r["case_id"], int(r["event_no"]))):
        cases[r["case_id"]].append(r)
    assert 0.02 < len(cases) / 600 / 2 < 0.09
    for stages in cases.values():
        days = [r["event_on"] for r in stages]
        assert days == sorted(days) and all(r["kind"] in KINDS for r in stages)
    answers = [r for r in events.values() if r["kind"] == "point_answered"]
    assert {"confirmed", "excluded"} <= {r["result"] for r in answers}
    assert all(r["amount"] == "" for r in answers if r["result"] in ("excluded", "not_examined"))
    assert all(r["reason_code"] for r in answers if r["result"] == "excluded")
    up = [r for r in answers if r["amount"] and Decimal(r["amount"]) > 0]
    assert up and all(_found_part(r, country) for r in up)


def _found_part(r: dict[str, str], country: Path) -> bool:
    filters = [("taxpayer_id", "=", r["taxpayer_id"]), ("tax", "=", r["tax"])]
    periods = pq.read_table(country / "truth" / "tax", filters=filters).to_pylist()
    hidden = sum(p["due"] - p["declared"] for p in periods if r["period_from"] <= str(p["period_from"]) and str(p["period_to"]) <= r["period_to"])
    return bool(Decimal("0.59") * hidden <= Decimal(r["amount"]) <= Decimal("0.81") * hidden)


def test_points_have_the_key_that_every_room_computes(country: Path) -> None:
    from jobs.analyse.point_id import point_ids as theirs

    answer = next(r for r in rows(country, "case_history") if r["kind"] == "point_answered" and uscc.is_valid(r["taxpayer_id"]))
    columns = {n: pa.array([answer[n]]) for n in ("taxpayer_id", "tax", "risk_code")}
    days = {n: pa.array([date.fromisoformat(answer[n])]) for n in ("period_from", "period_to")}
    assert theirs(pa.table({**columns, **days})).to_pylist() == [answer["point_id"]]


def test_the_same_paper_is_spoilt_the_same_way_wherever_it_stands() -> None:
    made = pa.table({"id": [f"9133020{n % 10}MA{n:07d}" for n in range(3000)], "amount": [f"{n}.50" for n in range(3000)], "_day": list(range(3000))})
    turned = made.take(pa.array(list(reversed(range(3000)))))
    one, other = (soiled(Chance(3), "s", t, "id", "amount", None, False) for t in (made, turned))
    assert one.equals(other) and 3000 < one.num_rows < 3150
    assert soiled(Chance(3), "s", made.slice(0, 0), "id", "amount", None, False).num_rows == 0


def test_deliveries_follow_each_other_without_gap() -> None:
    w = world(300, 18, start=date(2024, 7, 1))
    history = history_slices(w)
    assert [s.label for s in history] == ["2024", "2025", "2026"] and {s.kind for s in history} == {"history"}
    assert {s.received.isoformat() for s in history} == {"2026-01-05T09:00:00+08:00"}
    steps = step_slices(w, date(2026, 4, 19), rare=False)
    assert [s.received.date() for s in steps] == [date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1), date(2026, 4, 20)]
    assert [a.until for a in steps[:-1]] == [b.after for b in steps[1:]] and steps[0].after == history[-1].until
    assert len(step_slices(w, date(2026, 4, 19), rare=True)) == 1
    over_a_month_end = step_slices(replace(w, through=date(2026, 1, 31)), date(2026, 2, 20), rare=False)
    assert len(over_a_month_end) == 1


#  country    history received             a step's first delivery
CLOCKS = [
    ("china",   "2026-01-05T09:00:00+08:00", "2026-02-01T06:00:00+08:00"),
    ("ausonia", "2026-01-05T09:00:00+01:00", "2026-02-01T06:00:00+01:00"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "history", "step"), CLOCKS)
def test_deliveries_are_stamped_by_the_countrys_own_clock(name: str, history: str, step: str, tmp_path: Path) -> None:
    w = replace(world(300, 24), country=load_country(name))
    assert next(s.received.isoformat() for s in step_slices(w, date(2026, 2, 20), rare=False)) == step
    assert {s.received.isoformat() for s in history_slices(w)} == {history}
    entries = [json.loads(line) for path in (write(w, tmp_path) / "inbox").glob("*/manifest.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    assert {e["received_at"] for e in entries} == {history}


def test_point_ids_are_the_digest_of_their_parts() -> None:
    import hashlib

    import numpy as np

    expected = hashlib.sha256(b"91X|VAT|vat_input_inflated|2025-01-01|2025-03-31").hexdigest()[:20]
    assert point_ids(np.array(["91X"]), np.array(["VAT"]), np.array(["vat_input_inflated"]), ["2025-01-01"], ["2025-03-31"]).tolist() == [expected]
