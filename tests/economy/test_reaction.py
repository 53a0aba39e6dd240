"""What follows a night: findings are part of the truth, taxpayers correct by cause, offices answer point by point, and the loop closes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.economy.answers import Case, answers
from jobs.economy.chance import Chance
from jobs.economy.dossier import Dossier, Period
from jobs.economy.findings import EXCLUDED, NEW, NOT_EXAMINED, examine
from jobs.economy.kinds import FICTITIOUS, HONEST, INFLATED, MILL
from jobs.economy.offices import work
from jobs.economy.react import step
from jobs.economy.reminded import Response, respond
from jobs.economy.world import World
from tests.economy.helpers import world, write

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT, NEXT, LAST = date(2026, 1, 20), date(2026, 4, 20), date(2026, 10, 20)
Q4 = (date(2025, 10, 1), date(2025, 12, 31))


def period(due: int = 500_000, declared: int = 300_000, paid: int | None = None, filed: bool = True, cause: str = "ignorance") -> Period:
    return Period("VAT", *Q4, due, declared if filed else 0, declared if paid is None else paid, filed, cause)


def dossier(firm: int, *periods: Period, typology: int = HONEST) -> Dossier:
    return Dossier(firm, f"T{firm}", typology, typology != HONEST, periods, ())


def point(firm: int, code: str) -> dict[str, Any]:
    return {"point_id": f"{firm:08x}{code[:8]}", "taxpayer_id": f"T{firm}", "risk_code": code, "tax": "VAT", "period_from": Q4[0], "period_to": Q4[1]}


def reminded(w: World, people: list[Dossier], code: str = "vat_sales_understated", suppressed: str | None = None) -> Response:
    points = {p["point_id"]: p for p in (point(d.firm, code) for d in people)}
    told = [{"taxpayer_id": p["taxpayer_id"], "point_id": p["point_id"], "suppressed": suppressed} for p in points.values()]
    return respond(w, {d.taxpayer_id: d for d in people}, points, told, NIGHT)


@given(hidden=st.integers(-10**8, 10**8), due=st.integers(0, 10**8), fits=st.booleans(), thorough=st.booleans(), key=st.integers(0, 10**6))
def test_an_examiner_finds_between_six_and_eight_tenths_or_nothing(hidden: int, due: int, fits: bool, thorough: bool, key: int) -> None:
    found = examine(Chance(1), np.array([hidden]), np.array([due]), np.array([fits]), np.array([thorough]), np.array([key]))
    amount, result = int(found.amount[0]), int(found.result[0])
    assert amount == 0 or 0.599 <= amount / hidden <= 0.801
    assert (amount != 0) == (result not in (EXCLUDED, NOT_EXAMINED))
    assert (found.reason[0] >= 0) == (result == EXCLUDED)


def test_the_right_code_is_seen_more_often_than_a_wrong_one() -> None:
    n, key = 4000, np.arange(4000)
    hidden, due = np.full(n, 10**6), np.full(n, 10**7)
    seen = {fits: (examine(Chance(1), hidden, due, np.full(n, fits), np.ones(n, dtype=bool), key).amount > 0).mean() for fits in (True, False)}
    assert seen[True] > 0.8 and 0.3 < seen[False] < 0.6


def test_the_ignorant_correct_and_the_intent_hardly_ever() -> None:
    w = world()
    share = {cause: len(reminded(w, [dossier(n, period(cause=cause)) for n in range(400)]).corrections) / 400 for cause in ("ignorance", "opportunity", "intent")}
    assert share["ignorance"] > 0.55 and 0.2 < share["opportunity"] < 0.4 and share["intent"] < 0.12


def test_nobody_corrects_what_is_right_or_what_he_was_not_told() -> None:
    w = world()
    assert not reminded(w, [dossier(n, period(declared=500_000)) for n in range(100)]).corrections
    assert not reminded(w, [dossier(n, period()) for n in range(100)], suppressed="holdout").corrections


def test_a_reminder_of_arrears_brings_payment_and_one_of_a_missing_return_a_return() -> None:
    w = world()
    arrears = reminded(w, [dossier(n, period(declared=500_000, paid=0)) for n in range(100)], "payment_short")
    missing = reminded(w, [dossier(n, period(filed=False, cause="inability")) for n in range(100)], "filing_missing")
    assert arrears.corrections and {c[5] for c in arrears.corrections} == {1.0}
    assert missing.corrections and {c[5] for c in missing.corrections} == {0.0}


def case(d: Dossier, *codes: str, treatment: str = "assess", office: str = "330203") -> Case:
    row = {"case_id": f"C{d.firm}", "taxpayer_id": d.taxpayer_id, "treatment": treatment, "office_id": office, "points": [point(d.firm, c)["point_id"] for c in codes]}
    return Case(row, d, [point(d.firm, c) for c in codes], NIGHT)


def test_a_point_about_nothing_is_excluded_with_a_reason() -> None:
    said = [a for n in range(100) for a in answers(world(), case(dossier(n, period(declared=500_000)), "vat_sales_understated"), Response())]
    assert {a.result for a in said} <= {EXCLUDED, NOT_EXAMINED} and all(a.reason for a in said if a.result == EXCLUDED)
    assert all(a.amount == 0 for a in said)


def test_a_fault_under_the_wrong_name_becomes_a_new_point() -> None:
    w, made = world(), []
    for n in range(100):
        made.append(answers(w, case(dossier(n, period(declared=0, cause="intent"), typology=INFLATED), "vat_cash_sales_suppressed"), Response()))
    found = [a for said in made for a in said if a.result == NEW]
    assert found and {a.code for a in found} == {"vat_input_inflated"}
    assert all(said[0].result in (EXCLUDED, NOT_EXAMINED) for said in made)


def test_a_case_without_points_writes_what_it_finds_as_new() -> None:
    w = world()
    guilty = [answers(w, case(dossier(n, period(declared=0), typology=FICTITIOUS)), Response()) for n in range(100)]
    assert 50 < sum(len(said) for said in guilty) < 95 and {a.result for said in guilty for a in said} == {NEW}
    assert not any(answers(w, case(dossier(n, period(declared=500_000))), Response()) for n in range(100))


def worked(people: list[Dossier], treatment: str, office: str = "330203") -> Response:
    cases = [case(d, "vat_sales_understated", treatment=treatment, office=office) for d in people]
    points, response = {p["point_id"]: p for c in cases for p in c.points}, Response()
    work(world(), {d.taxpayer_id: d for d in people}, points, [dict(c.row) for c in cases], NIGHT, response)
    return response


def test_offices_leave_part_of_their_list_and_some_more_than_others() -> None:
    people = [dossier(n, period()) for n in range(300)]
    share = {o: sum(a["kind"] == "closed" for a in worked(people, "assess", o).actions) / 300 for o in ("330203", "330206")}
    assert share["330203"] > 0.88 and 0.5 < share["330206"] < 0.7
    assert worked(people, "remind").actions == []  # a letter: no office works it


def test_an_inspection_takes_months_and_every_case_keeps_its_order() -> None:
    actions = worked([dossier(n, period()) for n in range(100)], "inspect", "330299").actions
    order = ["received", "begun", "statement", "point_answered", "statement_answered", "closed", "paid"]
    closed = [date.fromisoformat(a["event_on"]) for a in actions if a["kind"] == "closed"]
    assert min((d - NIGHT).days for d in closed) > 60
    for case_id in {a["case_id"] for a in actions}:
        own = {a["kind"]: a["event_on"] for a in actions if a["case_id"] == case_id}
        days = [own[k] for k in ("received", "begun", "point_answered", "closed", "paid") if k in own]
        assert days == sorted(days) and set(own) <= {*order, "dropped", "returned"}


def test_a_mill_that_is_inspected_is_shut_down_and_rarely_pays() -> None:
    response = worked([dossier(n, period(declared=0, cause="intent"), typology=MILL) for n in range(100)], "inspect", "330299")
    assert response.acts and all(shut == 1 for *_, shut in response.acts)
    assert sum(f["paid_on"] is not None for f in response.findings) < 0.3 * len(response.findings)


SELECTION = pa.schema([("taxpayer_id", pa.string()), ("case_id", pa.string()), ("treatment", pa.string()), ("office_id", pa.string()), ("points", pa.list_(pa.string()))])
REMINDER = pa.schema([("taxpayer_id", pa.string()), ("point_id", pa.string()), ("suppressed", pa.string())])
POINT = pa.schema([("point_id", pa.string()), ("taxpayer_id", pa.string()), ("risk_code", pa.string()), ("tax", pa.string()), ("period_from", pa.date32()), ("period_to", pa.date32())])


def drawn_night(country: Path) -> tuple[pa.Table, pa.Table, pa.Table]:
    """A night that hits: the faults of 2025 in VAT, half of them reminded, the others assessed or inspected."""
    rows = pq.read_table(country / "truth" / "tax", filters=[("tax", "=", "VAT")]).to_pylist()
    wrong = sorted({r["taxpayer_id"] for r in rows if r["period_from"] >= date(2025, 1, 1) and r["due"] - r["declared"] > 600})[:80]
    points = [{**point(n, "vat_sales_understated"), "taxpayer_id": t, "period_from": date(2025, 1, 1)} for n, t in enumerate(wrong)]
    told = [{"taxpayer_id": p["taxpayer_id"], "point_id": p["point_id"], "suppressed": None} for p in points[::2]]
    chosen = [
        {"taxpayer_id": p["taxpayer_id"], "case_id": f"C20260120-{n:012x}", "treatment": ("assess", "inspect")[n % 2], "office_id": ("330203", "330299")[n % 2], "points": [p["point_id"]]}
        for n, p in enumerate(points[1::2])
    ]
    return pa.Table.from_pylist(chosen, SELECTION), pa.Table.from_pylist(points, POINT), pa.Table.from_pylist(told, REMINDER)


def digests(country: Path) -> dict[str, str]:
    return {str(p.relative_to(country)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(country.rglob("*")) if p.is_file() and not p.name.endswith(".crc")}


def feedback(country: Path, night: date) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (country / "feedback" / f"{night}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.spark
def test_a_step_closes_the_loop_and_may_be_interrupted(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    w = replace(world(240, 24), taxpayers=240)
    one, two = write(w, tmp_path / "one"), write(w, tmp_path / "two")
    night = drawn_night(one)
    history, before = digests(one), _tax(one)
    step(spark, one, *night, NIGHT, NEXT)
    _interrupted(spark, two, night, monkeypatch)
    assert digests(one) == digests(two)
    _came_back(one, history)
    _corrections_have_their_day(before, _tax(one))
    early = feedback(one, NIGHT)
    empty = tuple(t.slice(0, 0) for t in night)
    step(spark, one, *empty, NEXT, LAST)
    late = feedback(one, NEXT)
    assert late and all(str(NEXT) <= a["event_on"] < str(LAST) for a in late)  # an inspection of the first night ends after the second
    assert not {json.dumps(a, sort_keys=True) for a in early} & {json.dumps(a, sort_keys=True) for a in late}
    with pytest.raises(ValueError, match="has lived already"):
        step(spark, one, *night, NIGHT, NEXT)


def _tax(country: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(str(r[n]) for n in ("taxpayer_id", "tax", "form", "period_from")): r for r in pq.read_table(country / "truth" / "tax").to_pylist()}


def _corrections_have_their_day(before: dict[tuple[str, ...], dict[str, Any]], now: dict[tuple[str, ...], dict[str, Any]]) -> None:
    """What a reminder brought is dated after the night, and what was declared until then can still be read."""
    told = {k: r for k, r in now.items() if r["corrected_on"]}
    assert len(told) > 5 and not any(r["corrected_on"] for r in before.values())
    assert all(NIGHT < r["corrected_on"] < NEXT and r["declared"] == r["due"] for r in told.values())
    assert any(r["declared_first"] < r["due"] for r in told.values())
    for key, row in before.items():
        amended = row["declared_amended"] if now[key]["amended_on"] and now[key]["amended_on"] < NIGHT else now[key]["declared_first"]
        assert amended == (row["declared_amended"] if row["amended_on"] and row["amended_on"] < NIGHT else row["declared_first"])


def _interrupted(spark: SparkSession, country: Path, night: tuple[pa.Table, pa.Table, pa.Table], monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that dies after its tasks have written and before the manifests, and is run again."""
    with monkeypatch.context() as patched:
        patched.setattr("jobs.economy.react.enter_all", _dies)
        with pytest.raises(KeyboardInterrupt):
            step(spark, country, *night, NIGHT, NEXT)
    step(spark, country, *night, NIGHT, NEXT)


def _dies(*_: Any) -> None:
    raise KeyboardInterrupt


def _came_back(country: Path, history: dict[str, str]) -> None:
    now = digests(country)
    sent = {n for n in history if n.startswith("inbox") and not n.endswith("manifest.jsonl")}
    assert all(now[n] == history[n] for n in sent)  # what was sent stays as it was sent
    entries = [json.loads(line) for line in (country / "inbox" / "vat_return" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    fresh = [e for e in entries if e["kind"] == "delivery"]
    assert {e["receipt"] for e in fresh} == {max(e["receipt"] for e in entries if e["kind"] == "history") + n for n in (1, 2, 3, 4)}
    assert all(e["received_at"] <= "2026-04-20T06:00:00+08:00" for e in fresh)
    corrected = [t for e in fresh for t in (country / "inbox" / "vat_return" / e["file"]).read_bytes().decode("gb18030").splitlines() if ",3," in t]
    assert corrected  # submissions after a reminder
    actions = feedback(country, NIGHT)
    assert all(str(NIGHT) < a["event_on"] < str(NEXT) for a in actions)
    assert {"received", "begun", "point_answered", "closed"} <= {a["kind"] for a in actions}
    assert any(a.get("result") in ("confirmed", "in_part", "new") and a["amount"] > 0 for a in actions)
