"""What follows a night: findings are part of the truth, taxpayers correct by cause, offices answer point by point, and the loop closes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from jobs.economy.answers import Case, answers
from jobs.economy.chance import Chance
from jobs.economy.dossier import Dossier, Period, gathered
from jobs.economy.effects import EFFECT
from jobs.economy.findings import CONFIRMED, EXCLUDED, NEW, NOT_EXAMINED, Look, examine
from jobs.economy.firms import firms
from jobs.economy.kinds import FICTITIOUS, HONEST, INFLATED, MILL, MISSING, SUPPRESSED
from jobs.economy.offices import work
from jobs.economy.outcomes import LONGEST
from jobs.economy.react import decide, lived, step
from jobs.economy.reminded import Response, respond
from jobs.economy.schedule import changed, evading
from jobs.economy.setting import usual
from jobs.economy.world import ACT_FACTOR, ACT_START, World
from jobs.respond.feedback import apply_feedback
from jobs.respond.handover import hand_over
from jobs.respond.posts import staff
from jobs.respond.store import Store
from tests.economy.helpers import world, write
from tests.respond.helpers import DISTRICT, INSPECTION, chosen, conf, person, rows
from tests.respond.helpers import point as store_point

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NIGHT, NEXT, LAST = date(2026, 1, 20), date(2026, 4, 20), date(2026, 10, 20)
Q4 = (date(2025, 10, 1), date(2025, 12, 31))


def period(due: int = 500_000, declared: int = 300_000, paid: int | None = None, filed: bool = True, cause: str = "ignorance") -> Period:
    return Period("VAT", *Q4, due, declared if filed else 0, declared if paid is None else paid, filed, cause)


def dossier(firm: int, *periods: Period, typology: int = HONEST, cause: str = "intent") -> Dossier:
    return Dossier(firm, f"T{firm}", typology, typology != HONEST, cause if typology != HONEST else "none", periods, ())


def point(firm: int, code: str) -> dict[str, Any]:
    return {"point_id": f"{firm:08x}{code[:8]}", "taxpayer_id": f"T{firm}", "risk_code": code, "tax": "VAT", "period_from": Q4[0], "period_to": Q4[1]}


def reminded(w: World, people: list[Dossier], code: str = "vat_sales_understated", suppressed: str | None = None) -> Response:
    points = {p["point_id"]: p for p in (point(d.firm, code) for d in people)}
    told = [{"taxpayer_id": p["taxpayer_id"], "point_id": p["point_id"], "suppressed": suppressed} for p in points.values()]
    return respond(w, {d.taxpayer_id: d for d in people}, points, told, NIGHT)


ENFORCEMENT = usual().enforcement


def look(hidden: int | np.ndarray, due: int | np.ndarray, fitting: bool, thorough: bool = True, skill: float = 1.0, ease: float = 1.0, n: int = 1) -> Look:
    whole = [np.broadcast_to(np.asarray(v), (n,)) for v in (hidden, due, fitting, thorough, skill, ease)]
    return Look(*whole)


@given(
    hidden=st.integers(-10**8, 10**8), due=st.integers(-10**8, 10**8), fits=st.booleans(), thorough=st.booleans(), skill=st.floats(0.5, 1), ease=st.floats(0, 2),
    key=st.integers(0, 10**6),
)  # fmt: skip
def test_an_examiner_finds_between_six_and_eight_tenths_or_nothing(hidden: int, due: int, fits: bool, thorough: bool, skill: float, ease: float, key: int) -> None:
    found = examine(Chance(1), ENFORCEMENT, look(hidden, due, fits, thorough, skill, ease), np.array([key]))
    amount, result = int(found.amount[0]), int(found.result[0])
    assert amount == 0 or 0.599 <= amount / hidden <= 0.801
    assert (amount != 0) == (result not in (EXCLUDED, NOT_EXAMINED))
    assert (found.reason[0] >= 0) == (result == EXCLUDED)


# The better of two looks, all else equal: the right code, the better inspector, the fault that is easier to see, an examination instead of a talk.
BETTER = [({"fitting": True}, {"fitting": False}), ({"skill": 1.0}, {"skill": 0.7}), ({"ease": 1.0}, {"ease": 0.7}), ({"thorough": True}, {"thorough": False})]


@pytest.mark.parametrize(("more", "less"), BETTER)
def test_what_helps_an_examiner_to_see(more: dict[str, Any], less: dict[str, Any]) -> None:
    seen, part = [], []
    for how in (more, less):
        found = examine(Chance(1), ENFORCEMENT, look(10**6, 10**7, **({"fitting": True} | how), n=4000), np.arange(4000)).amount
        seen.append((found > 0).mean())
        part.append(found[found > 0].mean() / 10**6)
    assert seen[0] > seen[1] + 0.1
    assert part[0] > part[1] + 0.01 if "skill" in more or "ease" in more else abs(part[0] - part[1]) < 0.01


#  hidden, in cents   tolerance, in currency   ever found
LEAST = [(50_000, 500, False), (50_001, 500, True), (50_001, 501, False), (1, 0, True)]


@pytest.mark.parametrize(("hidden", "tolerance", "ever"), LEAST)
def test_nobody_writes_a_finding_below_the_countrys_tolerance(hidden: int, tolerance: float, ever: bool) -> None:
    lenient = ENFORCEMENT.model_copy(update={"tolerance": tolerance})
    found = examine(Chance(1), lenient, look(hidden, hidden, True, n=300), np.arange(300)).result
    assert bool((found == CONFIRMED).any()) == ever
    country = usual().model_copy(update={"enforcement": lenient})
    told = reminded(replace(world(), country=country), [dossier(n, period(due=hidden, declared=0)) for n in range(100)])
    assert bool(told.corrections) == ever


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
    executes = world().country.place.executes
    assert set(executes) == {"330203", "330205", "330206", "330211", "330212", "330298", "330299"}
    for office, asked in executes.items():
        done = sum(a["kind"] == "closed" for a in worked(people, "assess", office).actions)
        low, high = binom.interval(0.9999, 300, asked)
        assert low <= done <= high, office
    assert worked(people, "remind").actions == []  # a letter: no office works it
    with pytest.raises(ValueError, match="no office 990000; it has 330203"):
        worked(people, "assess", "990000")


# What is done to an evader of each cause, and the key of the setting that says how many do less (or correct).
DONE = [("interview", "interview"), ("assess", "examine"), ("inspect", "examine")]


@pytest.mark.parametrize(("treatment", "key"), DONE)
@pytest.mark.parametrize("cause", ["opportunity", "intent"])
def test_what_an_examination_does_depends_on_the_cause(treatment: str, key: str, cause: str) -> None:
    w = world()
    people = [dossier(n, period(declared=0, cause=cause), typology=SUPPRESSED, cause=cause) for n in range(800)]
    response = worked(people, treatment, "330203" if treatment != "inspect" else "330299")
    found = {f["firm"] for f in response.findings}
    less = {int(firm) for firm, _, factor, kind in response.acts if kind == ACT_FACTOR and factor < 1}
    low, high = binom.interval(0.9999, len(found), getattr(getattr(w.country.effects, key), cause))
    assert len(found) > 150 and low <= len(less) <= high and less <= found
    told = {e["reaction"] for e in response.effects}
    assert {"none", "stops", "keeps_below", "not_worked"} <= told and len(response.effects) == 800


def test_firms_that_exist_for_fraud_answer_nothing_but_the_closing_of_their_doors() -> None:
    people = [dossier(n, period(declared=0, cause="intent"), typology=(MILL, MISSING)[n % 2]) for n in range(400)]
    for treatment in ("interview", "assess", "guide"):
        response = worked(people, treatment)
        assert not response.acts and not response.corrections
    assert not reminded(world(), people).corrections and not reminded(world(), people).acts


def test_an_honest_firm_that_is_found_clean_may_take_less_care_or_start() -> None:
    w, people = world(), [dossier(n, period(declared=500_000)) for n in range(3000)]
    response = worked(people, "assess")
    closed = sum(a["kind"] == "closed" for a in response.actions)
    low, high = binom.interval(0.9999, closed, w.country.enforcement.emboldened)
    assert low <= len(response.acts) <= high
    kinds = [kind for *_, kind in response.acts]
    assert 0.3 < kinds.count(ACT_START) / len(kinds) < 0.7 and all(factor == 3.0 for *_, factor, kind in response.acts if kind == ACT_FACTOR)
    number = next(int(firm) for firm, *_, kind in response.acts if kind == ACT_START)
    month = next(int(m) for firm, m, _, kind in response.acts if kind == ACT_START and firm == number)
    later = replace(w, through=date(2027, 12, 20), acts=np.array([a for a in response.acts if a[0] == number]))
    honest = next(n for n in range(600) if firms(later, np.array([n])).typology[0] == HONEST and firms(later, np.array([n])).death[0] > 40 and firms(later, np.array([n])).birth[0] < 0)
    moved = replace(later, acts=np.array([[honest, month, 0.7, ACT_START]]))
    f = firms(moved, np.array([honest]))
    level = evading(moved, f)[0]
    assert f.typology[0] != HONEST and not level[:month].any() and 0 < level[month:].max() < 0.2


def test_some_who_are_reminded_keep_just_below_what_was_seen() -> None:
    w = world()
    people = [dossier(n, period(cause="opportunity"), typology=SUPPRESSED, cause="opportunity") for n in range(3000)]
    response = reminded(w, people)
    corrected, factors = len(response.corrections), np.array([factor for _, _, factor, _ in response.acts])
    low, high = binom.interval(0.9999, 3000, w.country.effects.remind.opportunity)
    assert low <= corrected <= high
    low, high = binom.interval(0.9999, corrected, w.country.evasion.learns)
    assert low <= len(factors) <= high
    below = (factors >= 0.3) & (factors <= 0.6)
    low, high = binom.interval(0.9999, len(factors), w.country.evasion.below_threshold)
    assert low <= below.sum() <= high and (below | (factors <= 0.1)).all()
    assert {e["reaction"] for e in response.effects} == {"none", "corrects", "stops", "keeps_below"} and len(response.effects) == 3000


def test_guidance_makes_the_forgetful_correct() -> None:
    w, people = world(), [dossier(n, period()) for n in range(500)]
    response = worked(people, "guide")
    done = {e["firm"] for e in response.effects if e["reaction"] != "not_worked"}
    low, high = binom.interval(0.9999, len(done), w.country.effects.guide.ignorance)
    assert low <= len(response.corrections) <= high and 400 < len(done) < 500


def test_the_truth_of_a_night_says_what_was_left() -> None:
    w = replace(world(), through=date(2027, 6, 1))
    some = firms(w, np.arange(600))
    evader = int(np.flatnonzero((some.typology == SUPPRESSED) & (some.since < 20))[0])
    w = replace(w, acts=np.array([[evader, 22.0, 0.5, ACT_FACTOR]]))
    known = {f"T{evader}": dossier(evader, period(declared=0, cause="opportunity"), typology=SUPPRESSED, cause="opportunity")}
    reactions = set()
    for day in range(60):
        row = dict(case(known[f"T{evader}"], "vat_sales_understated").row)
        p = point(evader, "vat_sales_understated")
        response = decide(w, known, {p["point_id"]: p}, [row], [], NIGHT + timedelta(days=day))
        effect, left = response.effects[0], lived(w, response)
        assert effect["before"] == pytest.approx(0.5) and "factor" not in effect and effect["typology"] == "suppressed_sales"
        assert effect["after"] == pytest.approx(float(changed(left, firms(left, np.array([evader])))[0, -1]))
        reactions.add(effect["reaction"])
    assert {"none", "stops", "keeps_below", "not_worked"} <= reactions


def test_the_case_store_takes_all_that_offices_and_taxpayers_do(tmp_path: Path) -> None:
    """Assessments and inspections of a night, through to appeals and money paid back: no action is refused, whatever post it names."""
    treatments = (("assess", DISTRICT), ("inspect", INSPECTION), ("interview", DISTRICT))
    points = [store_point(n) for n in range(1, 90)]
    selection = [chosen(n, *treatments[n % 3], n, [p["point_id"]] if n % 4 else []) for n, p in enumerate(points, start=1)]
    tables = {name: rows(name, found) for name, found in (("selection", selection), ("risk_point", points), ("reason", []), ("taxpayer", [person(n) for n in range(1, 90)]), ("case_event", []), ("reminder", []))}
    hidden = {s["taxpayer_id"]: replace(dossier(n, period(declared=0), typology=SUPPRESSED, cause="opportunity"), taxpayer_id=s["taxpayer_id"]) for n, s in enumerate(selection)}
    country = usual().model_copy(update={"enforcement": usual().enforcement.model_copy(update={"appeals": 0.5, "overturned": 0.7, "instalments": 0.5})})
    response = Response()
    work(replace(world(), country=country), hidden, {p["point_id"]: p for p in points}, selection, NIGHT, response)
    assert {a["kind"] for a in response.actions} >= {"appealed", "overturned", "paid", "point_answered"} and any(a.get("amount", 0) < 0 for a in response.actions)
    assert any(a.get("result") == "new" for a in response.actions)
    path = tmp_path / "actions.jsonl"
    path.write_text("".join(json.dumps(a, ensure_ascii=False) + "\n" for a in response.actions), encoding="utf-8")
    store = Store.open(f"sqlite:///{tmp_path / 'cases.db'}")
    try:
        staff(store, conf(), NIGHT)
        hand_over(store, conf(), tables, NIGHT, "Director Lin")
        applied = apply_feedback(store, conf(), path)
    finally:
        store.close()
    assert not applied.refused and applied.done == len(response.actions) > 400


def test_an_inspection_takes_months_and_every_case_keeps_its_order() -> None:
    actions = worked([dossier(n, period()) for n in range(400)], "inspect", "330299").actions
    closed = [date.fromisoformat(a["event_on"]) for a in actions if a["kind"] == "closed"]
    assert min((d - NIGHT).days for d in closed) > 60
    first = ("received", "begun", "point_answered", "closed", "paid", "appealed", "overturned")
    for case_id in {a["case_id"] for a in actions}:
        own: dict[str, list[str]] = {}
        for a in actions:
            if a["case_id"] == case_id:
                own.setdefault(a["kind"], []).append(a["event_on"])
        days = [min(own[k]) for k in first if k in own]
        assert days == sorted(days) and set(own) <= {*first, "statement", "statement_answered", "dropped", "returned"}
    assert {a["kind"] for a in actions} >= set(first)
    assert max((date.fromisoformat(a["event_on"]) - NIGHT).days for a in actions) < LONGEST


def test_what_falls_on_appeal_is_paid_back_and_counts_as_not_found() -> None:
    response = worked([dossier(n, period()) for n in range(1500)], "inspect", "330299")
    fallen = [f for f in response.findings if f["fell_on"]]
    back = [a for a in response.actions if a["kind"] == "paid" and a["amount"] < 0]
    assert len(fallen) > 5 and {f["case_id"] for f in fallen if f["paid_on"]} == {a["case_id"] for a in back}
    assert all(f["repaid_on"] > f["fell_on"] for f in fallen if f["paid_on"])
    f = fallen[0]
    firm = pa.table({"firm": [f["firm"]], "taxpayer_id": [f["taxpayer_id"]], "typology": ["honest"], "cause": ["none"], "since": [10**6]})
    tax = pa.table({
        "taxpayer_id": [f["taxpayer_id"]], "tax": ["VAT"], "form": ["VAT-G"], "period_from": [Q4[0]], "period_to": [Q4[1]], "due": [5000], "declared": [3000], "paid": [3000],
        "filed_on": [Q4[1]], "cause": ["ignorance"],
    })  # fmt: skip
    for night, left in ((f["fell_on"] - timedelta(days=1), 200_000 - f["amount"]), (f["fell_on"], 200_000)):
        assert gathered(world(), firm, tax, [f], night)[f["taxpayer_id"]].hidden("VAT", *Q4) == left


def test_instalments_add_up_and_some_stop_half_way() -> None:
    response = worked([dossier(n, period()) for n in range(1500)], "inspect", "330299")
    findings, paid = response.findings, [a for a in response.actions if a["kind"] == "paid" and a["amount"] > 0]
    assert sum(round(a["amount"] * 100) for a in paid) == sum(f["amount"] for f in findings if f["paid_on"])
    assert {(a["case_id"], a["event_on"]) for a in paid} == {(f["case_id"], str(f["paid_on"])) for f in findings if f["paid_on"]}
    by_case: dict[str, list[dict[str, Any]]] = {}
    for f in findings:
        by_case.setdefault(f["case_id"], []).append(f)
    parts = [fs for fs in by_case.values() if len(fs) > 1]
    assert len(parts) > 30 and all(0.59 * 200_000 <= sum(f["amount"] for f in fs) <= 0.81 * 200_000 for fs in by_case.values())
    assert 2 < sum(fs[-1]["paid_on"] is None for fs in parts) < 0.5 * len(parts)


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
    effects = pq.read_table(one / "truth" / "effect" / f"{NIGHT}.parquet")
    treated = {*night[0]["taxpayer_id"].to_pylist(), *night[2]["taxpayer_id"].to_pylist()}
    assert effects.schema.remove_metadata().equals(EFFECT) and set(effects["taxpayer_id"].to_pylist()) == treated
    assert pq.read_table(one / "truth" / "effect").num_rows == effects.num_rows + pq.read_table(two / "truth" / "effect", filters=[("case_id", ">=", "H")]).num_rows
    early = feedback(one, NIGHT)
    empty = tuple(t.slice(0, 0) for t in night)
    step(spark, one, *empty, NEXT, LAST)
    late = feedback(one, NEXT)
    assert late and all(str(NEXT) <= a["event_on"] < str(LAST) for a in late)  # an inspection of the first night ends after the second
    assert not {json.dumps(a, sort_keys=True) for a in early} & {json.dumps(a, sort_keys=True) for a in late}
    with pytest.raises(ValueError, match="has lived already"):
        step(spark, one, *night, NIGHT, NEXT)
    with pytest.raises(ValueError, match="selection of 2026-10-21: no column office_id, treatment"):
        step(spark, one, night[0].drop_columns(["treatment", "office_id"]), *night[1:], LAST + timedelta(days=1), date(2026, 12, 1))


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
