"""What a trace is made of: cells that a rule read, the parts each is the sum of, and the lines of files behind the parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

Row = Mapping[str, Any]
Unit = Literal["currency", "count", "ratio", "currency-days"]
Receipt = tuple[str, str, str, int]  # source, batch_id, file, line: what names a row of bronze


@dataclass(frozen=True)
class Line:
    """A silver row behind a figure: what it says in words, what it adds, and where it was received."""

    table: str
    what: str
    amount: Decimal | None
    source: str
    batch_id: str
    file: str
    line: int
    known_at: date

    @property
    def receipt(self) -> Receipt:
        """The bronze row it came from."""
        return (self.source, self.batch_id, self.file, self.line)


@dataclass(frozen=True)
class Part:
    """A share of a cell: in words (empty: its one line says it), what it adds, and the lines it rests on."""

    what: str
    amount: Decimal
    lines: tuple[Line, ...] = ()
    month: date | None = None


@dataclass(frozen=True)
class Cell:
    """A figure that a rule read, told again from silver. `value` is what the rule saw, `found` what the parts come to."""

    measure: str
    meaning: str
    table: str
    first: date | None
    last: date | None
    unit: Unit
    feeds: tuple[str, ...]
    value: Decimal
    found: Decimal
    parts: tuple[Part, ...]

    @property
    def off(self) -> Decimal:
        """What the rule saw less what the lines come to; zero within half a cent, of ratios within a billionth."""
        gap = self.value - self.found
        least = Decimal("0.000000001") * max(Decimal(1), abs(self.value)) if self.unit == "ratio" else Decimal("0.005")
        return gap if abs(gap) >= least else Decimal(0)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines of all parts."""
        return tuple(line for part in self.parts for line in part.lines)


def line_of(name: str, row: Row, amount: Decimal | None = None) -> Line:
    """A silver row as a line; `amount`: what it adds, where that is not for its part to say."""
    return Line(name, _WORDS.get(name, _plain)(row), amount, row["source"], row["batch_id"], row["file"], row["line"], row["known_at"])


def added(parts: Iterable[Part]) -> Decimal:
    """The sum of parts."""
    return sum((p.amount for p in parts), Decimal(0))


def period(first: date, last: date) -> str:
    """A period in short: its month, or both months."""
    return f"{first:%Y-%m}" if (first.year, first.month) == (last.year, last.month) else f"{first:%Y-%m} to {last:%Y-%m}"


def _span(row: Row) -> str:
    return period(row["period_from"], row["period_to"]) if row["period_from"] and row["period_to"] else "no period"


def _invoice(row: Row) -> str:
    return f"invoice {row['invoice_no']} of {row['issued_on']}, {row['seller_id']} to {row['buyer_id'] or 'a consumer'}, net {row['net']}, tax {row['tax_amount']}"


def _return(row: Row) -> str:
    return f"{row['form']} {row['return_line']} of {_span(row)}, filed {row['filed_on']}, version {row['version']}"


def _taxpayer(row: Row) -> str:
    return f"registered {row['registered_on']}, {row['status']}, closed {row['closed_on'] or 'never'}"


def _plain(row: Row) -> str:
    return f"event {row['event_at']}"


_WORDS: Mapping[str, Callable[[Row], str]] = {
    "invoice": _invoice,
    "return_line": _return,
    "financial_statement": lambda r: f"statement item {r['item']} of {_span(r)}, filed {r['filed_on']}, version {r['version']}",
    "payment": lambda r: f"payment {r['payment_no']} of {r['paid_on']}, {r['kind']} {r['tax']} for {_span(r)}",
    "tax_registration": lambda r: f"{r['tax']} to be filed by the {r['frequency']} from {r['valid_from']} to {r['valid_to'] or 'further notice'}",
    "taxpayer": _taxpayer,
    "ownership": lambda r: f"{r['owner_id']} owns {r['taxpayer_id']} since {r['since']} until {r['until'] or 'further notice'}",
    "penalty": lambda r: f"penalty {r['penalty_no']} of {r['decided_on']}: {r['matter']}, {r['amount']}",
    "case_event": lambda r: f"case {r['case_id']} event {r['event_no']} of {r['event_on']}: {r['kind']} {r['result'] or ''}".rstrip(),
}
