"""What is true about the taxpayers of one night's cases and reminders, as far as the reaction needs it. Bounded by the night's lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.economy.kinds import FLEETING, HONEST, NAMES
from jobs.economy.world import World, add_months, month_number

FINDING = pa.schema([
    ("firm", pa.int64()), ("taxpayer_id", pa.string()), ("tax", pa.string()), ("period_from", pa.date32()), ("period_to", pa.date32()),
    ("amount", pa.int64()), ("found_on", pa.date32()), ("paid_on", pa.date32()), ("repaid_on", pa.date32()), ("fell_on", pa.date32()), ("case_id", pa.string()),
])  # fmt: skip
_REMEMBERED = 72  # months after which an earlier finding concerns no period that can still be examined


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
    """One taxpayer: number, typology by position, whether it evades on the night and why, returns owed, and what was found before."""

    firm: int
    taxpayer_id: str
    typology: int
    evades: bool
    cause: str
    periods: tuple[Period, ...]
    found: tuple[Mapping[str, Any], ...]

    @property
    def fleeting(self) -> bool:
        """Exists only for fraud."""
        return self.typology in FLEETING

    @property
    def honest(self) -> bool:
        """Never evaded and does not mean to."""
        return self.typology == HONEST

    def about(self, tax: str, first: date, last: date) -> list[Period]:
        """Returns of a tax whose period overlaps the days."""
        return [p for p in self.periods if p.tax == tax and p.first <= last and p.last >= first]

    def hidden(self, tax: str, first: date, last: date) -> int:
        """Hidden cents in the overlapping periods, less what earlier cases found there."""
        spans = self.about(tax, first, last)
        before = sum(f["amount"] for f in self.found if f["tax"] == tax and f["period_from"] <= last and f["period_to"] >= first)
        total = sum(p.hidden for p in spans)
        return max(total - before, 0) if total > 0 else total


def dossiers(world: World, truth: Path, ids: list[str], night: date) -> dict[str, Dossier]:
    """Dossiers of the taxpayers that exist, by id; findings of earlier nights only, so that a repeated step sees the same."""
    wanted = [("taxpayer_id", "in", ids)]
    if not ids:
        return {}
    since = add_months(night, -_REMEMBERED).isoformat()
    nights = [path for path in sorted((truth / "finding").glob("*.parquet")) if since <= path.stem < night.isoformat()]
    found = [f for path in nights for f in pq.read_table(path, filters=wanted).to_pylist()]
    return gathered(world, pq.read_table(truth / "firm", filters=wanted), pq.read_table(truth / "tax", filters=wanted), found, night)


def gathered(world: World, firms: pa.Table, tax: pa.Table, found: Iterable[Mapping[str, Any]], night: date) -> dict[str, Dossier]:
    """Dossiers from rows of truth/firm and truth/tax and from earlier findings; what had fallen on appeal by the night counts as not found."""
    periods: dict[str, list[Period]] = {}
    for r in sorted(tax.to_pylist(), key=lambda r: (r["tax"], r["period_from"], r["form"])):
        due, declared, paid = (int(r[name] * 100) for name in ("due", "declared", "paid"))
        period = Period(r["tax"], r["period_from"], r["period_to"], due, declared, paid, r["filed_on"] is not None, r["cause"])
        periods.setdefault(r["taxpayer_id"], []).append(period)
    before: dict[str, list[Mapping[str, Any]]] = {}
    for f in found:
        if f["fell_on"] is None or f["fell_on"] > night:
            before.setdefault(f["taxpayer_id"], []).append(f)
    return {
        r["taxpayer_id"]: Dossier(
            r["firm"], r["taxpayer_id"], NAMES.index(r["typology"]), r["since"] <= month_number(world, night), r["cause"],
            tuple(periods.get(r["taxpayer_id"], ())), tuple(before.get(r["taxpayer_id"], ())),
        )
        for r in firms.to_pylist()
    }  # fmt: skip
