from __future__ import annotations

from datetime import date
from typing import Any

from jobs.analyse.party_facts import party_fact
from jobs.lake.step import Tables
from tests.analyse.given import given, money, night

Rows = list[dict[str, Any]]
MARCH, MAY, SEPT = date(2025, 3, 10), date(2025, 5, 20), date(2025, 9, 1)


def run(penalties: Rows = (), links: Rows = (), lands: Rows = (), stored: Rows = ()) -> Rows:  # type: ignore[assignment]
    versions = {"penalty": given("penalty", penalties), "land_holding": given("land_holding", lands), "party": given("party", links)}
    found = party_fact(Tables(versions=versions, stored={"party_fact": given("party_fact", stored)}), night(date(2026, 1, 20))).to_pylist()
    return [{k: v for k, v in r.items() if v != 0} for r in found]


def fine(number: str = "1", known: date = MARCH, amount: float = 500, **more: Any) -> dict[str, Any]:
    return {"source": "penalty", "penalty_no": number, "decided_on": date(2025, 3, 1), "amount": money(amount), "known_at": known} | more


def whose(taxpayer: str | None, number: str = "1", known: date = MARCH, threshold: str | None = "strict", source: str = "penalty", run: int = 1) -> dict[str, Any]:
    return {"source": source, "record_key": number, "taxpayer_id": taxpayer, "known_at": known, "threshold": threshold, "run": run}


def test_a_penalty_counts_from_the_day_row_and_link_are_known() -> None:
    assert run([fine()], [whose("A", known=MAY)]) == [{"taxpayer_id": "A", "month": date(2025, 3, 1), "known_at": MAY, "penalties": 1, "penalty_amount": 500_00}]


def test_unlinked_and_loosely_linked_rows_count_for_nobody() -> None:
    assert run([fine("1"), fine("2"), fine("3")], [whose(None, "1", threshold=None), whose("A", "2", threshold="loose")]) == []


def test_a_corrected_penalty_and_a_changed_link() -> None:
    rows = [fine(), fine(known=MAY, amount=200, version=2)]
    links = [whose("A"), whose("B", known=SEPT, run=2)]
    assert run(rows, links) == [
        {"taxpayer_id": "A", "month": date(2025, 3, 1), "known_at": MARCH, "penalties": 1, "penalty_amount": 500_00},
        {"taxpayer_id": "A", "month": date(2025, 3, 1), "known_at": MAY, "penalty_amount": -300_00},
        {"taxpayer_id": "A", "month": date(2025, 3, 1), "known_at": SEPT, "penalties": -1, "penalty_amount": -200_00},
        {"taxpayer_id": "B", "month": date(2025, 3, 1), "known_at": SEPT, "penalties": 1, "penalty_amount": 200_00},
    ]


def test_only_differences_to_what_is_stored_are_appended() -> None:
    first = run([fine()], [whose("A")])
    assert run([fine()], [whose("A")], stored=first) == []
    assert run([], [whose("A")], stored=first) == [{**first[0], "penalties": -1, "penalty_amount": -500_00}]  # its batch was retired


def test_land_comes_and_goes() -> None:
    land = {"source": "land_holding", "parcel_id": "L", "acquired_on": date(2024, 6, 1), "original_value": money(900), "known_at": MARCH}
    link = whose("A", "L", source="land_holding")
    sold = {**land, "ceased_on": date(2025, 4, 30), "known_at": MAY, "version": 2}
    assert run(lands=[land, sold], links=[link]) == [
        {"taxpayer_id": "A", "month": date(2024, 6, 1), "known_at": MARCH, "parcels": 1, "land_value": 900_00},
        {"taxpayer_id": "A", "month": date(2025, 4, 1), "known_at": MAY, "parcels": -1, "land_value": -900_00},
    ]
    undated = {**land, "acquired_on": None}
    assert run(lands=[undated], links=[link]) == []


def test_a_deleted_penalty_is_taken_away() -> None:
    found = run([fine(), fine(known=MAY, version=2, deleted=True)], [whose("A")])
    assert [(r["known_at"], r["penalties"]) for r in found] == [(MARCH, 1), (MAY, -1)]
