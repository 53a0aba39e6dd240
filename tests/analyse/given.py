"""Small drawn tables in the columns of the contracts; what a row leaves out is plain or null."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jobs.conf import Conf, Due, Field_, House, Office, Source, Text
from jobs.lake.step import Night
from jobs.lake.tables import table

DAY = date(2020, 1, 1)
PLAIN: dict[str, Any] = {"source": "s", "batch_id": "b", "file": "f", "line": 1, "event_at": DAY, "known_at": DAY, "run": 1, "version": 1, "deleted": False}


def given(name: str, rows: Sequence[Mapping[str, Any]] = (), sign: bool = False) -> pa.Table:
    """A table of the contract; `sign` adds the column of `changes`."""
    contract = table(name)
    names = {c.name for c in contract.columns}
    measures = dict.fromkeys(contract.measures, 0)
    full = []
    for row in rows:
        unknown = set(row) - names - {"sign"}
        assert not unknown or contract.open_doubles, f"{name} has no column {unknown}"
        plain = {k: v for k, v in PLAIN.items() if k in names} | measures
        if "row_digest" in names:
            plain["row_digest"] = hashlib.md5(repr(sorted((k, str(v)) for k, v in row.items() if k in document(name))).encode()).hexdigest()
        full.append(plain | dict(row))
    schema = pa.schema([pa.field(c.name, c.type) for c in contract.columns if c.name != "bucket"] + ([pa.field("sign", pa.int64())] if sign else []))
    return pa.Table.from_pylist(full, schema=schema)


def document(name: str) -> tuple[str, ...]:
    """Columns that make a document's digest in a drawn table: lines of one version share it."""
    return (*table(name).version_of, "version", "filed_on")


def conf(sources: tuple[Source, ...] = ()) -> Conf:
    """A configuration with the calendar, and one office for the area 330203."""
    due = [("VAT", "VAT-G", "month", 15), ("VAT", "VAT-S", "quarter", 15), ("PIT", "PIT-W", "month", 15), ("CIT", "CIT-A", "year", 151)]
    return Conf.model_construct(
        house=House(name=Text(en="t", zh="t"), currency="CNY", zone="Asia/Shanghai", buckets=1, seed=1),
        sources={s.name: s for s in sources},
        offices=(Office(id="1", name=Text(en="o", zh="o"), kind="tax_source", regions=("330203",), source="test"),),
        calendar=tuple(Due(tax=t, form=f, frequency=q, due_days=d, grace_days=10, source="test") for t, f, q, d in due),  # type: ignore[arg-type]
    )


def night(as_of: date, sources: tuple[Source, ...] = ()) -> Night:
    """A night on a date."""
    return Night(as_of, 1, conf(sources))


def money(amount: float | str) -> Decimal:
    """An amount with two decimals."""
    return Decimal(str(amount)).quantize(Decimal("0.01"))


def field_(origin: str, *purposes: str) -> Field_:
    """A source's field that may be used for the given purposes."""
    return Field_(**{"from": origin, "purposes": purposes})
