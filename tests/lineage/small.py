"""A small administration from files to published nights, in this process: two taxpayers, one quarter, and what became known later.

VAT of Q1 2025 of GOOD, in currency:
              declared sales            invoices issued, net
    January   40,000                    25,000 + 30,000
    February  30,000, later 35,000      60,000              (and 999 in another currency)
    March     50,000                    70,000 - 5,000 (red), later 4,000 more
    the later ones lie in the lake when FIRST is run, and are not known yet
    February once more, 36,000: known by FIRST, but received after both nights
    as known on FIRST: 120,000 against 180,000; on SECOND: 125,000 against 184,000. Mean rate 13 %.
OTHER files for March alone. The gap in sales is a point; its facts stay as they were told on FIRST, for they moved by less than a twentieth.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from jobs import conf as configuration
from jobs.cli.place import Place
from jobs.conf import Conf, Source
from jobs.lake.lake import Lake
from jobs.lake.step import Kind, Night
from jobs.pipeline import STEPS
from jobs.runner import Runner
from jobs.sources.ingest import ingest
from tests.sources.given import GOOD, OTHER, returns, source
from tests.sources.in_process import InProcess

FIRST, SECOND = date(2025, 5, 20), date(2025, 6, 20)
INDICATOR = "vat_sales_below_invoices"
PEOPLE = "id,name,office,kind,since\n{good},一号公司,330203,general,2019-03-01\n{other},二号公司,330203,general,2019-03-01\n"
DUTY = "id,from\n{good},2025-01-01\n{other},2025-01-01\n"
RETURNS = "id,begin,end,filed,sales,due,n\n"
JANUARY = "{good},2025-01-01,2025-01-31,2025-02-10,40000.00,1000.00,1\n"
FEBRUARY = "{good},2025-02-01,2025-02-28,2025-03-10,30000.00,1000.00,1\n"
AMENDED = "{good},2025-02-01,2025-02-28,2025-06-05,35000.00,1650.00,2\n"
ONCE_MORE = "{good},2025-02-01,2025-02-28,2025-05-10,36000.00,1700.00,3\n"
MARCH = "{good},2025-03-01,2025-03-31,2025-04-10,50000.00,1000.00,1\n"
OTHERS = "{other},2025-03-01,2025-03-31,2025-04-10,0.00,0.00,1\n"
SOLD = "no,day,seller,buyer,kind,currency,net,tax\n"
INVOICES = (
    "a1,2025-01-05,{good},{other},special,CNY,25000.00,3250.00\na2,2025-01-25,{good},,ordinary,CNY,30000.00,3900.00\n"
    "b1,2025-02-05,{good},{other},special,CNY,60000.00,7800.00\nb2,2025-02-06,{good},{other},special,USD,999.00,0.00\n"
    "c1,2025-03-05,{good},{other},special,CNY,70000.00,9100.00\nc2,2025-03-06,{good},{other},red,CNY,-5000.00,-650.00\n"
)
LATE = "c3,2025-03-30,{good},{other},special,CNY,4000.00,520.00\n"
PAID = "no,id,day,amount,end\np1,{good},2025-02-12,1000.00,2025-01-31\np2,{good},2025-03-12,400.00,2025-02-28\n"


def contracts() -> dict[str, Source]:
    """Contracts of five plain sources."""
    day: dict[str, Any] = {"type": "date", "required": True}
    party: dict[str, Any] = {"type": "id", "required": True}
    found = [
        source(name="people", table="taxpayer", event_at="registered_on", known={"from": "registered_on", "delay_days": 1}, columns={
            "taxpayer_id": {"from": "id", **party}, "name": {"from": "name"}, "office_id": {"from": "office"}, "vat_kind": {"from": "kind"}, "registered_on": {"from": "since", **day}, "status": {"constant": "active"}}),
        source(name="duty", table="tax_registration", event_at="valid_from", known={"from": "valid_from", "delay_days": 1}, columns={
            "taxpayer_id": {"from": "id", **party}, "tax": {"constant": "VAT"}, "frequency": {"constant": "month"}, "valid_from": {"from": "from", **day}}),
        returns(),
        source(name="sold", table="invoice", event_at="issued_on", known={"from": "issued_on", "delay_days": 1}, columns={
            "invoice_no": {"from": "no", "required": True}, "issued_on": {"from": "day", **day}, "seller_id": {"from": "seller", **party}, "buyer_id": {"from": "buyer", "type": "id"},
            "kind": {"from": "kind"}, "currency": {"from": "currency"}, "net": {"from": "net", "type": "money"}, "tax_amount": {"from": "tax", "type": "money"}}),
        source(name="pay", columns={
            "payment_no": {"from": "no", "required": True}, "taxpayer_id": {"from": "id", **party}, "paid_on": {"from": "day", **day}, "amount": {"from": "amount", "type": "money", "required": True},
            "tax": {"constant": "VAT"}, "kind": {"constant": "tax"}, "period_to": {"from": "end", "type": "date"}, "period_from": {"from": "end", "type": "date"}}),
    ]  # fmt: skip
    return {s.name: s for s in found}


def house() -> Conf:
    """The house's configuration with these sources and two buckets."""
    real = configuration.load()
    return real.model_copy(update={"sources": contracts(), "house": real.house.model_copy(update={"buckets": 2})})


def land(inbox: Path, name: str, receipt: int, day: str, file: str, text: str, kind: str) -> None:
    """Put a file into the inbox with its entry."""
    folder = inbox / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text.format(good=GOOD, other=OTHER), encoding="utf-8")
    with (folder / "manifest.jsonl").open("a", encoding="utf-8") as manifest:
        manifest.write(json.dumps({"receipt": receipt, "file": file, "received_at": f"{day}T09:00:00+08:00", "kind": kind}) + "\n")


def night(place: Place, as_of: date) -> Night:
    """A night of the steps that need no Spark session: nobody's trade partners are looked at."""
    steps = tuple(s for s in STEPS if s.room in ("sources", "analyse") and s.kind is not Kind.FRAME)
    runner = Runner(place.lake, InProcess(), place.conf, steps, place.inbox)  # type: ignore[arg-type]
    found = runner.begin(as_of)
    runner.run(found)
    runner.publish(found)
    return found


def received(place: Place, as_of: date) -> None:
    """Receive what has landed by a date, and no night."""
    run = place.lake.take_lease("ingest")
    ingest(place.lake, InProcess(), Night(as_of, run, place.conf), place.inbox)  # type: ignore[arg-type]


def small_place(root: Path) -> Place:
    """The administration with two published nights, and a delivery received after them."""
    conf, inbox = house(), root / "inbox"
    place = Place(Lake.open(root / "lake", conf.house.buckets), conf, inbox, f"sqlite:///{root / 'cases.sqlite'}")
    land(inbox, "people", 1, "2025-01-02", "people.csv", PEOPLE, "history")
    land(inbox, "duty", 1, "2025-01-02", "duty.csv", DUTY, "history")
    land(inbox, "vat", 1, "2025-05-02", "vat_q1.csv", RETURNS + MARCH + JANUARY + FEBRUARY + OTHERS, "history")
    land(inbox, "sold", 1, "2025-05-02", "sold_q1.csv", SOLD + INVOICES, "history")
    land(inbox, "pay", 1, "2025-05-02", "pay_q1.csv", PAID, "history")
    land(inbox, "vat", 2, "2025-06-06", "vat_amended.csv", RETURNS + AMENDED, "delivery")
    land(inbox, "sold", 2, "2025-06-02", "sold_late.csv", SOLD + LATE, "delivery")
    received(place, SECOND)
    night(place, FIRST)
    night(place, SECOND)
    land(inbox, "vat", 3, "2025-06-25", "vat_once_more.csv", RETURNS + ONCE_MORE, "history")
    received(place, date(2025, 6, 25))
    return place
