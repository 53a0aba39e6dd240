"""Does a document add up? Each rule compares what it states with what its parts give; a difference is recorded, never mended.

Nothing is refused for its totals: a document that lies is evidence, and whoever reads it sees by how much.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from jobs.sources.standards.canonical import Document, Row

CENT = Decimal("0.01")
ZERO = Decimal(0)
HALF = Decimal("0.5")


def amount_of(row: Row, column: str) -> Decimal:
    """A row's amount; 0 where it has none."""
    found = row.get(column)
    return found if isinstance(found, Decimal) else ZERO


def total(rows: list[Row], column: str) -> Decimal:
    """The sum of a column over rows."""
    return sum((amount_of(r, column) for r in rows), ZERO)


def cents(value: Decimal) -> Decimal:
    """To the cent, halves away from zero, as invoices round."""
    return value.quantize(CENT, ROUND_HALF_UP)


def compare(document: Document, rule: str, stated: Decimal | None, computed: Decimal, slack: Decimal = ZERO, number: object = None, always: bool = False) -> bool:
    """Record a rule that does not hold to the cent (`always`: any); whether it holds. What is not stated breaks nothing."""
    if stated is None:
        return True
    difference = stated - computed
    holds = abs(cents(difference)) <= slack
    if always or not holds:
        document.add("check", number=number if isinstance(number, str) else None, rule=rule, stated=stated, computed=computed, difference=difference)
    return holds


def reconcile(document: Document, invoice: Row, slack: Decimal = ZERO, lines_stated: Decimal | None = None, by_line: bool = False) -> None:
    """Fill `difference`, `lines` and `faults` (the rules that do not hold) of an invoice and record what does not add up.

    gross = net + tax + rounding (EN 16931 BR-CO-15) · lines = sum of line nets (BR-CO-10) · net = lines - allowances + charges
    (BR-CO-13) · tax = sum over rates (BR-CO-14) · rate = base x rate of each rate (BR-CO-17; a cent of slack, one more per
    line where the standard rounds `by_line`, half a unit where the tax is printed whole, as for forints) · payable = gross -
    prepaid - withheld (BR-CO-16).
    """
    number, lines, taxes = invoice.get("number"), document.of("invoice_line"), [t for t in document.of("invoice_tax") if not t.get("withheld")]
    net, tax, gross = (amount_of(invoice, c) for c in ("net", "tax", "gross"))
    invoice["difference"] = gross - net - tax - amount_of(invoice, "rounding")
    invoice["lines"] = len(lines)
    allowed = document.of("invoice_allowance")
    shift = total([a for a in allowed if a["charge"]], "amount") - total([a for a in allowed if not a["charge"]], "amount")
    items = total(lines, "net")
    held = {"gross": compare(document, "gross", gross, net + tax + amount_of(invoice, "rounding"), slack, number)}
    if lines:
        held["lines"] = compare(document, "lines", lines_stated, items, slack, number)
        held["net"] = compare(document, "net", net, items + shift, slack, number)
    own = [t for t in taxes if t.get("currency") in (None, invoice.get("currency"))]
    if own:
        held["tax"] = compare(document, "tax", tax, total(own, "tax"), slack, number)
        per_rate = CENT * (1 + len(lines)) if by_line else CENT
        whole = max(per_rate, HALF)
        rated = [t for t in own if isinstance(t.get("rate"), Decimal) and isinstance(t.get("base"), Decimal)]
        held["rate"] = all([compare(document, f"rate {t['rate']}", amount_of(t, "tax"), cents(amount_of(t, "base") * amount_of(t, "rate") / 100), whole if amount_of(t, "tax") % 1 == 0 else per_rate, number) for t in rated])
    payable = invoice.get("payable")
    if isinstance(payable, Decimal):
        held["payable"] = compare(document, "payable", payable, gross - amount_of(invoice, "prepaid") - amount_of(invoice, "withheld"), slack, number)
    invoice["faults"] = ", ".join(rule for rule, holds in held.items() if not holds) or None
