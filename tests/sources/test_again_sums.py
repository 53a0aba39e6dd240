"""Month sums follow releases, retirements and deliveries received again: equal to a rebuild on every date, and past nights read what they read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.lake.fire import Fire
from tests.sources.given import GOOD, OTHER, pay, returns, source
from tests.sources.lake_of import Office

DAYS = (date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7), date(2026, 2, 1))
NIGHT = DAYS[-1]
RETURN = "id,begin,end,filed,sales,due,n\n"


def payments(revision: int = 1, *formats: str) -> object:
    columns = source().model_dump(by_alias=True)["columns"]
    dated = {**columns["paid_on"], "formats": ["%Y-%m-%d", *formats]}
    return source(revision=revision, columns={**columns, "paid_on": dated, "tax": {"constant": "VAT"}})


def filed(revision: int = 1, *masked: str) -> object:
    return returns(revision=revision, lines={"sales": {"from": "sales", "type": "money", "masked": list(masked)}, "due": {"from": "due", "type": "money"}})


def test_sums_are_those_of_a_rebuild_after_every_act(tmp_path: Path):
    office = Office(tmp_path, (payments(), filed()))  # type: ignore[arg-type]
    fire = Fire(office.lake)

    def night(what: str) -> None:
        fire.night(NIGHT, DAYS)
        run = max(r for r, _ in fire.applied)
        for day in DAYS:
            assert fire.read(day, run) == fire.rebuilt(day), f"{what}, read on {day}"
        for (past, day), sums in fire.applied.items():
            assert fire.read(day, past) == sums, f"{what}: the night of run {past} read otherwise on {day}"

    year = "{},2025-{:02d}-01,2025-{:02d}-28,2026-01-04,{},{},{}\n"
    office.land("pay", 1, "2026-01-05", {"a.csv": pay([f"p1,{GOOD},2025-01-02,1.00", f"p2,{GOOD},02/01/2025,2.00"])})
    office.land("vat", 1, "2026-01-05", {"r.csv": RETURN + year.format(GOOD, 1, 1, 100, 13, 1) + year.format(OTHER, 2, 2, "n/a", 7, 1)})
    office.receive()
    office.land("pay", 2, "2026-01-06", {"b.csv": pay([f"p1,{GOOD},2025-01-02,1.00", f"p3,{OTHER},2025-03-02,3.00"])})
    office.land("vat", 2, "2026-01-07", {"s.csv": RETURN + year.format(GOOD, 1, 1, 150, 19, 2) + year.format(OTHER, 2, 2, 70, 9, 2)})
    office.receive()
    night("received")
    office.sources = (payments(2, "%d/%m/%Y"), filed(2, "n/a"))  # type: ignore[assignment]
    assert office.release().taken == 2
    night("released")
    first = dict(fire.read(DAYS[0], 10**6))
    office.replace(1, back=True)
    night("received again")
    assert fire.read(DAYS[0], 10**6) == first
    office.replace(1, back=False)
    office.replace(2, back=False, source="vat")
    night("retired")
    assert fire.read(NIGHT, 10**6)[OTHER, date(2025, 2, 1), "vat_due"] == 700
    assert (GOOD, date(2025, 1, 1), "paid_vat") in fire.read(DAYS[1], 10**6), "p1 counts from the delivery that held it twice"
    assert (GOOD, date(2025, 1, 1), "paid_vat") not in fire.read(DAYS[0], 10**6)
