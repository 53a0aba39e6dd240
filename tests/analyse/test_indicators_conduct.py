"""Golden cases of the conduct indicators: a hit, a near miss and a case that cannot be computed."""

from __future__ import annotations

from datetime import date

import pytest

from tests.analyse.drawn import Firm, evaluate, parameters

SUMMER = date(2025, 6, 20)
SPRING = date(2026, 2, 20)


def test_payment_below_due() -> None:
    hit = Firm("hit").filed("VAT", "2025-01", 3, due=100, paid=60)
    near = Firm("near").filed("VAT", "2025-01", 3, due=100, paid=96)
    none = Firm("none").filed("VAT", "2025-01", 3, due=0, paid=0)
    away = Firm("away").filed("VAT", "2025-01", 2, due=100, paid=0).filed("VAT", "2025-03", 1, state="missing", paid=0)
    found = evaluate(SUMMER, parameters("payment_below_due", 0.05), hit, near, none, away)
    assert (found.of("hit", "2025-01")["declared"], found.of("hit", "2025-01")["other"]) == (300, 180)
    assert float(found.of("hit", "2025-01")["base"]) == 120
    assert found.of("near", "2025-01")["hit"] is False
    assert ("none", "VAT", "2025-01") not in found.rows  # nothing due, nothing to pay
    assert found.of("away", "2025-01")["missing_reason"] == "not_filed"


def test_payment_is_not_missed_when_no_payment_of_anybody_has_arrived() -> None:
    silent = Firm("silent").filed("CIT", "2024-01", 1, "year", due=100, paid=0)
    assert evaluate(SUMMER, parameters("payment_below_due", 0.05), silent).of("silent", "2024-01")["missing_reason"] == "source_silent"
    other = Firm("other").filed("CIT", "2024-01", 1, "year", due=100, paid=100)
    assert evaluate(SUMMER, parameters("payment_below_due", 0.05), silent, other).of("silent", "2024-01")["hit"] is True


def test_returns_missing() -> None:
    hit = Firm("hit").filed("VAT", "2024-01", 12, due=50).filed("VAT", "2025-01", 1).filed("VAT", "2025-02", 2, state="missing")
    hit.months("2025-01", 3, out_tax=30, in_tax=10)
    none = Firm("none").filed("VAT", "2025-01", 2).filed("VAT", "2025-03", 1, state="unknown")
    near = Firm("near").filed("VAT", "2025-01", 3, state="late")
    found = evaluate(SUMMER, parameters("returns_missing", 1), hit, near, none)
    row = found.of("hit", "2025-01")
    assert (row["declared"], row["other"], row["difference"], row["strength"]) == (1, 3, 2, 2)
    assert float(row["base"]) == 100  # 2 x 50 usual, more than (90 - 30) x 2/3 invoiced
    assert found.of("near", "2025-01")["hit"] is False  # late is not missing
    assert found.of("none", "2025-01")["missing_reason"] == "source_silent"


def test_missing_return_of_a_firm_without_a_past_is_measured_by_its_invoices() -> None:
    new = Firm("new").filed("VAT", "2025-01", 3, state="missing").months("2025-01", 3, out_tax=30, in_tax=10)
    assert float(evaluate(SUMMER, parameters("returns_missing", 1), new).of("new", "2025-01")["base"]) == 60


def test_returns_late_repeatedly() -> None:
    hit = Firm("hit").filed("VAT", "2025-01", 9).filed("VAT", "2025-10", 3, state="late", days_late=20, due=100)
    near = Firm("near").filed("VAT", "2025-01", 10, days_late=-5, due=100).filed("VAT", "2025-11", 2, state="late", days_late=20, due=100)
    early = Firm("early").filed("VAT", "2025-01", 11).filed("VAT", "2025-12", 1, state="not_due")
    found = evaluate(SPRING, parameters("returns_late_repeatedly", 3, daily_rate=0.0005), hit, near, early)
    assert found.of("hit", "2025-01")["hit"] is True
    assert float(found.of("hit", "2025-01")["base"]) == pytest.approx(3 * 100 * 20 * 0.0005)
    assert found.of("near", "2025-01")["hit"] is False
    assert float(found.of("near", "2025-01")["base"]) == pytest.approx(2 * 100 * 20 * 0.0005)  # early returns earn nothing
    assert ("early", "VAT", "2025-01") not in found.rows  # December may still be filed


def test_returns_amended_down() -> None:
    hit = Firm("hit").filed("VAT", "2025-01", 3, due=80, due_first=100)
    near = Firm("near").filed("VAT", "2025-01", 3, due=95, due_first=100)
    up = Firm("up").filed("VAT", "2025-01", 2, due=150, due_first=100).filed("VAT", "2025-03", 1, due=95, due_first=100)
    none = Firm("none").filed("VAT", "2025-01", 3, due=0, due_first=0)
    gone = Firm("gone").filed("VAT", "2025-01", 2, due=50, due_first=100).filed("VAT", "2025-03", 1, state="missing")
    found = evaluate(SUMMER, parameters("returns_amended_down", 0.1), hit, near, up, none, gone)
    assert found.of("hit", "2025-01")["difference"] == pytest.approx(60 / 300)
    assert float(found.of("hit", "2025-01")["base"]) == 60
    assert found.of("near", "2025-01")["hit"] is False
    assert found.of("up", "2025-01")["difference"] == pytest.approx(5 / 300)  # amendments upwards do not hide the one downwards
    assert ("none", "VAT", "2025-01") not in found.rows
    assert found.of("gone", "2025-01")["missing_reason"] == "not_filed"


def test_owners_other_companies_at_fault() -> None:
    def owned(name: str, **values: int | None) -> Firm:
        return Firm(name).filed("VAT", "2025-01", 12).partner(**values)

    found = evaluate(
        SPRING,
        parameters("owners_other_companies_at_fault", 1),
        owned("hit", owner_companies=3, owner_penalised=1, owner_confirmed=0),
        owned("near", owner_companies=3, owner_penalised=0, owner_confirmed=0),
        owned("none", owner_companies=3, owner_penalised=None, owner_confirmed=0),
        owned("alone", owner_companies=0, owner_penalised=0, owner_confirmed=0),
    )
    assert (found.of("hit", "2025-01")["hit"], float(found.of("hit", "2025-01")["base"])) == (True, 0)
    assert found.of("near", "2025-01")["hit"] is False
    assert found.of("none", "2025-01")["hit"] is None
    assert ("alone", "VAT", "2025-01") not in found.rows
