"""What is true about the taxpayers of one night's cases and reminders, as far as the reaction needs it. Bounded by the night's lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.economy.kinds import NAMES

FINDING = pa.schema([
    ("firm", pa.int64()), ("taxpayer_id", pa.string()), ("tax", pa.string()), ("period_from", pa.date32()), ("period_to", pa.date32()),
    ("amount", pa.int64()), ("found_on", pa.date32()), ("paid_on", pa.date32()), ("case_id", pa.string()),
])  # fmt: skip


@dataclass(frozen=True)
class Period:
    """One return owed: cents due, declared and paid, and whether it was ever filed."""

    tax: str
    first: date
    last: date
    due: int
    declared: int
    paid: int
    filed: bool
    cause: str

    @property
    def hidden(self) -> int:
        """Due less declared."""
        return self.due - self.declared


@dataclass(frozen=True)
class Dossier:
    """One taxpayer: number, typology by position, returns owed, and what was found before."""

    firm: int
    taxpayer_id: str
    typology: int
    evades: bool
    periods: tuple[Period, ...]
    found: tuple[dict[str, Any], ...]

    def about(self, tax: str, first: date, last: date) -> list[Period]:
        """Returns of a tax whose period overlaps the days."""
        return [p for p in self.periods if p.tax == tax and p.first <= last and p.last >= first]

    def hidden(self, tax: str, first: date, last: date) -> int:
        """Hidden cents in the overlapping periods, less what earlier cases found there."""
        spans = self.about(tax, first, last)
        before = sum(f["amount"] for f in self.found if f["tax"] == tax and f["period_from"] <= last and f["period_to"] >= first)
        total = sum(p.hidden for p in spans)
        return max(total - before, 0) if total > 0 else total


def dossiers(truth: Path, ids: list[str], night: date) -> dict[str, Dossier]:
    """Dossiers of the taxpayers that exist, by id; findings of earlier nights only, so that a repeated step sees the same."""
    wanted = [("taxpayer_id", "in", ids)]
    firms = pq.read_table(truth / "firm", filters=wanted).to_pylist() if ids else []
    rows = pq.read_table(truth / "tax", filters=wanted).to_pylist() if ids else []
    found = [f for path in sorted((truth / "finding").glob("*.parquet")) if path.stem < night.isoformat() for f in pq.read_table(path).to_pylist()]
    periods: dict[str, list[Period]] = {}
    for r in sorted(rows, key=lambda r: (r["tax"], r["period_from"], r["form"])):
        due, declared, paid = (int(r[name] * 100) for name in ("due", "declared", "paid"))
        period = Period(r["tax"], r["period_from"], r["period_to"], due, declared, paid, r["filed_on"] is not None, r["cause"])
        periods.setdefault(r["taxpayer_id"], []).append(period)
    return {
        f["taxpayer_id"]: Dossier(
            f["firm"], f["taxpayer_id"], NAMES.index(f["typology"]), f["typology"] != NAMES[0], tuple(periods.get(f["taxpayer_id"], ())),
            tuple(e for e in found if e["taxpayer_id"] == f["taxpayer_id"]),
        )
        for f in firms
    }  # fmt: skip
