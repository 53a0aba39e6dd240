"""Draws a firm's books month by month, runs one indicator over them, and gives back what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from jobs.analyse.indicators import indicator_hit
from jobs.conf import IndicatorParameters
from jobs.lake.step import Night, Tables
from jobs.lake.tables import table
from tests.analyse.given import conf, given

COUNTS = {"out_n", "out_red_n", "out_consumer_n", "pit_heads", "returns_n", "amendments_n"}
TAXPAYER_MONTH = set(table("taxpayer_month").measures)
LENGTH = {"month": 1, "quarter": 3, "year": 12}


def first(text: str, add: int = 0) -> date:
    """First day of the month '2025-01', plus some months."""
    number = int(text[:4]) * 12 + int(text[5:7]) - 1 + add
    return date(number // 12, number % 12 + 1, 1)


@dataclass
class Firm:
    """A drawn firm. Amounts are in currency, as a reader would write them."""

    id: str
    taxpayer: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"taxpayer_month": [], "partner_month": [], "filing": [], "partner": [], "peer_member": []}
    )

    def month(self, month: str, **values: float) -> Firm:
        """Measures of one month, sent to the table that has them."""
        own = {k: round(v if k in COUNTS else v * 100) for k, v in values.items() if k in TAXPAYER_MONTH}
        others = {k: v if k == "suspect_n" else Decimal(str(v)) for k, v in values.items() if k not in TAXPAYER_MONTH}
        if own:
            self.rows["taxpayer_month"].append({"taxpayer_id": self.id, "month": first(month), **own})
        if others:
            self.rows["partner_month"].append({"taxpayer_id": self.id, "month": first(month), **others})
        return self

    def months(self, start: str, count: int, **values: float) -> Firm:
        """The same measures in several months."""
        for k in range(count):
            self.month(first(start, k).strftime("%Y-%m"), **values)
        return self

    def filed(self, tax: str, start: str, count: int, frequency: str = "month", state: str = "filed", **values: Any) -> Firm:
        """Returns owed for consecutive periods, in a state; money given in currency."""
        for k in range(count):
            begin, end = first(start, k * LENGTH[frequency]), first(start, (k + 1) * LENGTH[frequency]) - timedelta(days=1)
            due_at = end + timedelta(days=15 if frequency != "year" else 151)
            there = state in ("filed", "late", "not_due")
            row = {
                "due_at": due_at,
                "filed_on": due_at if there else None,
                "last_filed_on": due_at if there else None,
                "days_late": 0 if there else None,
                "versions": int(there),
            }
            money = {k: None if not there and k != "paid" else Decimal("0.00") for k in ("due", "due_first", "paid")}
            given_ = {k: Decimal(str(v)) if k in money else v for k, v in values.items()}
            self.rows["filing"].append(
                {"taxpayer_id": self.id, "tax": tax, "period_from": begin, "period_to": end, "state": state, **money, **row, **given_}
            )
        return self

    def peer(self, measure: str, median: float | None, mad: float | None) -> Firm:
        """What the firm is judged by in a ratio."""
        self.rows["peer_member"].append(
            {"taxpayer_id": self.id, "measure": measure, "peer_group": "g", "n": 40, "median": median, "mad": mad}
        )
        return self

    def partner(self, **values: Any) -> Firm:
        """What its partners look like."""
        self.rows["partner"].append({"taxpayer_id": self.id, **values})
        return self


def tables_of(*firms: Firm) -> Tables:
    """The tables that indicators read, of one bucket."""
    taxpayers = [
        {
            "taxpayer_id": f.id,
            "industry": "5211",
            "region": "330203",
            "vat_kind": "general",
            "registered_on": date(2010, 1, 1),
            **f.taxpayer,
        }
        for f in firms
    ]
    found = {
        name: given(name, [r for f in firms for r in f.rows[name]])
        for name in ("taxpayer_month", "partner_month", "filing", "partner", "peer_member")
    }
    return Tables(now={"taxpayer": given("taxpayer", taxpayers), **found})


def night_with(as_of: date, *parameters: IndicatorParameters, **more: Any) -> Night:
    """A night whose configuration holds just these indicators."""
    return Night(as_of, 1, conf().model_copy(update={"indicators": parameters, **more}))


def parameters(name: str, threshold: float, floor: float = 0, **settings: float) -> IndicatorParameters:
    """A published parameter set."""
    return IndicatorParameters(
        id=name, state="published", owner="test", threshold=threshold, floor_amount=Decimal(str(floor)), settings=settings, source="test"
    )


@dataclass(frozen=True)
class Found:
    """Hits by firm, tax and first month of the period."""

    rows: Mapping[tuple[str, str, str], Mapping[str, Any]]

    def of(self, firm: str, month: str, tax: str | None = None) -> Mapping[str, Any]:
        """The one row of a firm and period."""
        found = [row for (f, t, m), row in self.rows.items() if f == firm and m == month and tax in (None, t)]
        assert len(found) == 1, f"{firm} {month}: {len(found)} rows of {list(self.rows)}"
        return found[0]


def evaluate(as_of: date, parameters_: IndicatorParameters, *firms: Firm) -> Found:
    """Run one indicator over drawn firms."""
    rows = indicator_hit(tables_of(*firms), night_with(as_of, parameters_)).to_pylist()
    return Found({(r["taxpayer_id"], r["tax"], r["period_from"].strftime("%Y-%m")): r for r in rows})
