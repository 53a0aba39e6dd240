"""Where each column of filing comes from: per obligation the returns that answer it, version by version, and what was paid for it.

The same facts are counted here a second time and by another way than jobs/analyse/filings.py counts them: from the rows of one
taxpayer, with nothing of the month tables.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jobs.lineage.cell import Line, Part, Row, line_of
from jobs.lineage.known import Known

PERIOD = ("taxpayer_id", "tax", "period_from", "period_to")
_STATES = ("not_due", "filed", "late", "missing", "unknown")
_NONE = Decimal(0)
_NO_TAX = ("interest", "penalty")


@dataclass(frozen=True)
class Answered:
    """One obligation and the returns that answer it: rows of the `due` line (or the first line of a version without one), first version first."""

    owed: Row
    versions: tuple[tuple[Row, ...], ...]  # per document in force, its versions in order
    payments: tuple[Row, ...]

    @property
    def filed_on(self) -> date | None:
        """First day on which a version of a return in force was filed."""
        return min((_filed(row) for rows in self.versions for row in rows), default=None)

    @property
    def state(self) -> str:
        """As filing has it; `missing` or `unknown` is for others' returns to say, so it is taken over where no return came."""
        if self.owed["state"] == "not_due":
            return "not_due"
        if self.filed_on is not None:
            return "late" if self.filed_on > self.owed["due_at"] else "filed"
        return str(self.owed["state"]) if self.owed["state"] in ("missing", "unknown") else "no return found"

    @property
    def due(self) -> Decimal:
        """Tax due as now declared."""
        return sum((_due(rows[-1]) for rows in self.versions), _NONE)

    @property
    def due_first(self) -> Decimal:
        """Tax due as first declared."""
        return sum((_due(rows[0]) for rows in self.versions), _NONE)

    @property
    def paid(self) -> Decimal:
        """Tax paid for the period, without interest and penalties."""
        return sum((r["amount"] or _NONE for r in self.payments), _NONE)

    def counts(self, column: str) -> Decimal:
        """What the obligation adds to a column of filing, or to one that indicators derive from it (jobs/analyse/ledger.py)."""
        if column in _STATES:
            return Decimal(int(self.state == column))
        if column == "owed":
            return Decimal(int(self.state != "not_due"))
        if column == "lowered":
            return max(self.due_first - self.due, _NONE)
        if column == "late_money_days":
            late = max((self.filed_on - self.owed["due_at"]).days, 0) if self.filed_on else 0
            return max(self.due, _NONE) * late
        return {"due": self.due, "due_first": self.due_first, "paid": self.paid}[column]


def filing_parts(known: Known, taxpayer_id: str, tax: str, column: str, months: Collection[date]) -> list[Part]:
    """One part per obligation whose period ends in one of the months: the returns and payments behind a column of filing."""
    owed = [r for r in known.rows("filing", "taxpayer_id", [taxpayer_id]).to_pylist() if r["tax"] == tax and r["period_to"].replace(day=1) in months]
    return [_part(found, column, known) for found in (answered(known, row) for row in sorted(owed, key=lambda r: r["period_to"]))]


def answered(known: Known, owed: Row) -> Answered:
    """The returns and payments of one row of filing."""
    returns = known.rows("return_line", "taxpayer_id", [owed["taxpayer_id"]], versions=True).to_pylist()
    documents: dict[tuple[str, str], dict[tuple[int, date, str], Row]] = {}
    for row in returns:
        if all(row[c] == owed[c] for c in PERIOD):
            versions = documents.setdefault((row["source"], row["form"]), {})
            order = (row["version"], row["known_at"], row["row_digest"])
            if order not in versions or row["return_line"] == "due":
                versions[order] = row
    ordered = [tuple(versions[k] for k in sorted(versions)) for _, versions in sorted(documents.items())]
    return Answered(owed, tuple(v for v in ordered if not v[-1]["deleted"]), tuple(_payments(known, owed)))


def _payments(known: Known, owed: Row) -> list[Row]:
    rows = known.rows("payment", "taxpayer_id", [owed["taxpayer_id"]]).to_pylist()
    mine = [r for r in rows if r["tax"] == owed["tax"] and r["kind"] not in _NO_TAX and r["period_to"] is not None]
    return [r for r in mine if owed["period_from"] <= r["period_to"] <= owed["period_to"]]


def _part(found: Answered, column: str, known: Known) -> Part:
    """An obligation in words, with the lines that say what the column counts."""
    owed = found.owed
    filed = f"filed {found.filed_on}" if found.filed_on else f"no return by {known.night.as_of}"
    what = f"{owed['tax']} return of {owed['period_from']} to {owed['period_to']}: due {owed['due_at']}, {filed}"
    if column == "paid":
        return Part(what, found.paid, tuple(line_of("payment", r, r["amount"]) for r in found.payments))
    first, last = ([rows[k] for rows in found.versions] for k in (0, -1))
    shown = {"due": last, "due_first": first, "lowered": [*first, *last], "late_money_days": [*first, *last]}.get(column, first)
    lines = tuple(line_of("return_line", r, _due(r)) for r in {(r["batch_id"], r["file"], r["line"]): r for r in shown}.values())
    return Part(what, found.counts(column), lines or _duty(known, owed))


def _duty(known: Known, owed: Row) -> tuple[Line, ...]:
    """What says that a return was owed: the registration for the tax in force at the period's end."""
    rows = known.rows("tax_registration", "taxpayer_id", [owed["taxpayer_id"]]).to_pylist()
    mine = [r for r in rows if r["tax"] == owed["tax"] and (r["valid_from"] is None or r["valid_from"] <= owed["period_to"])]
    return tuple(line_of("tax_registration", r) for r in mine)


def _due(row: Row) -> Decimal:
    return Decimal(row["amount"] or 0) if row["return_line"] == "due" else _NONE


def _filed(row: Row) -> date:
    found: date = row["filed_on"] or row["event_at"] or row["known_at"]
    return found
