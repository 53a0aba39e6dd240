"""What several parts of an audit file need: its company, its customers and suppliers, amounts and their side."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from lxml import etree

from jobs.sources.standards.nodes import first, said, text_at
from jobs.sources.standards.totals import ZERO
from jobs.sources.standards.values import number_of


@dataclass
class Company:
    """Whose books a file holds."""

    id: str | None = None
    name: str | None = None
    country: str | None = None
    currency: str | None = None
    known: bool = False


@dataclass
class Parties:
    """Customers and suppliers by (role, id): tax id, name, country."""

    known: dict[tuple[str, str], tuple[str | None, str | None, str | None]] = field(default_factory=dict)

    def of(self, role: str, key: str | None) -> tuple[str | None, str | None, str | None]:
        """A party's tax id, name and country; its key stands for an id that is not told."""
        found = self.known.get((role, key or ""), (None, None, None))
        return found[0] or key, found[1], found[2]


def value(element: etree._Element | None, name: str) -> Decimal | None:
    """An amount that stands plain or in `Amount`; None when there is none. Refused when it is no number."""
    found = first(element, name) if element is not None else None
    if found is None:
        return None
    text = said(found)
    if text is None:
        inner = first(found, "Amount")
        return number_of(inner, text, name) if inner is not None and (text := said(inner)) else None
    return number_of(found, text)


def sided(line: etree._Element, side: str = "") -> tuple[Decimal | None, Decimal | None]:
    """Debit and credit of a line: two elements, an amount with an indicator, or a kind of line (`side` D or C)."""
    debit, credit = value(line, "DebitAmount"), value(line, "CreditAmount")
    if debit is not None or credit is not None:
        return debit, credit
    for name in ("InvoiceLineAmount", "PaymentLineAmount", "Amount", "LineAmount"):
        amount = value(line, name)
        if amount is not None:
            side = side or (text_at(line, "DebitCreditIndicator") or "C")[:1].upper()
            return (amount, None) if side == "D" else (None, amount)
    return None, None


def signed(line: etree._Element) -> Decimal:
    """Credit less debit of a line."""
    debit, credit = sided(line)
    return (credit or ZERO) - (debit or ZERO)
