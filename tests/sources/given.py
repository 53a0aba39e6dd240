"""Small contracts and files for the tests of the room."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date
from typing import Any

import pyarrow as pa

from jobs.conf import House, Source, Text
from jobs.sources.check import Checked, Receipt, check
from jobs.sources.part import Part
from jobs.sources.read import read

DAY = date(2026, 1, 5)
GOOD, OTHER = "91350100M000100Y43", "91110108569484940G"  # valid unified social credit codes
HOUSE = House(name=Text(en="t", zh="t"), currency="CNY", zone="Asia/Shanghai", buckets=2, seed=1)
DELIVERY = Receipt(DAY)
_PLAIN: dict[str, Any] = {
    "agency": {"en": "a", "zh": "a"},
    "owner": "o",
    "legal_basis": "l",
    "expect": {"schedule": "0 0 * * *"},
}


def source(**said: Any) -> Source:
    """A contract: payments by default, any key overridden."""
    plain: dict[str, Any] = {
        "name": "pay",
        "table": "payment",
        "files": {"pattern": "*", "format": "csv"},
        "columns": {
            "payment_no": {"from": "no", "required": True},
            "taxpayer_id": {"from": "id", "type": "id", "required": True, "check_digit": True},
            "paid_on": {"from": "day", "type": "date", "required": True},
            "amount": {"from": "amount", "type": "money", "required": True},
        },
        "event_at": "paid_on",
        "known": {"from": "paid_on", "delay_days": 1},
    }
    return Source.model_validate({**_PLAIN, **plain, **said})


def returns(**said: Any) -> Source:
    """A contract of returns: one record, a row per line, numbered versions."""
    plain: dict[str, Any] = {
        "name": "vat",
        "table": "return_line",
        "columns": {
            "taxpayer_id": {"from": "id", "type": "id", "required": True},
            "tax": {"constant": "VAT"},
            "form": {"constant": "VAT-G"},
            "period_from": {"from": "begin", "type": "date", "required": True},
            "period_to": {"from": "end", "type": "date", "required": True},
            "filed_on": {"from": "filed", "type": "date", "required": True},
        },
        "lines": {"sales": {"from": "sales", "type": "money"}, "due": {"from": "due", "type": "money"}},
        "version": {"from": "n", "type": "int"},
        "event_at": "period_to",
        "known": {"from": "filed_on", "delay_days": 1},
    }
    return source(**{**plain, **said})


def listed(**said: Any) -> Source:
    """A contract of a published list: snapshots, a row per dated stage."""
    plain: dict[str, Any] = {
        "name": "list",
        "table": "watchlist",
        "delivery": "snapshot",
        "columns": {
            "list_id": {"constant": "l"},
            "party_id": {"from": "id", "type": "id", "required": True, "masked": ["XXX"]},
        },
        "stages": {
            "first": {"set": {"stage": "first"}, "columns": {"published_on": {"from": "a", "type": "date"}}},
            "second": {"set": {"stage": "second"}, "columns": {"published_on": {"from": "b", "type": "date"}}},
        },
        "event_at": "published_on",
        "known": {"from": "published_on", "delay_days": 0},
    }
    return source(**{**plain, **said})


def parts(text: str | bytes, contract: Source) -> list[Part]:
    """The parts of a file given as text."""
    data = text.encode(contract.files.encoding) if isinstance(text, str) else text
    return list(read(io.BytesIO(data), contract))


def checked(text: str | bytes, contract: Source, receipt: Receipt = DELIVERY, house: House = HOUSE) -> Checked:
    """A file read and checked, its parts in one."""
    found = [check(p, contract, house, receipt) for p in parts(text, contract)]
    details = {n: pa.concat_tables([f.details[n] for f in found]) for n in contract.details or {}}
    notes = tuple(n for f in found for n in f.notes)
    return Checked(pa.concat_tables([f.records for f in found]), pa.concat_tables([f.rows for f in found]), details, notes)


def rules(found: Checked) -> dict[int, list[str]]:
    """The rules broken, by line."""
    return {r["line"]: r["rules"] for r in found.records.to_pylist() if r["rules"]}


def lines(found: Checked) -> list[int]:
    """The lines whose rows arrived."""
    return sorted(set(found.rows["line"].to_pylist()))


def pay(rows: Iterable[str], header: str = "no,id,day,amount") -> str:
    """A payments file of the given lines."""
    return "\n".join([header, *rows]) + "\n"
