"""The payments complement of a CFDI (Pagos 1.0 and 2.0): who paid what, when, and which invoices it settles."""

from __future__ import annotations

from decimal import Decimal

from lxml import etree

from jobs.sources.standards.attributes import money, needed, said
from jobs.sources.standards.canonical import Document, Row
from jobs.sources.standards.nodes import each
from jobs.sources.standards.totals import CENT, ZERO, cents, compare
from jobs.sources.standards.values import day_of

ONE = Decimal(1)


def read_payments(root: etree._Element, document: Document, invoice: Row) -> None:
    """Rows of `payment` and `payment_document`.

    Checked: what is settled, in the payment's currency, is at most the payment (Pagos 2.0, rule CRP20269: no more than
    paid); before - paid = after on each invoice; MontoTotalPagos = sum in pesos, each rounded.
    """
    pesos, payments = ZERO, [p for found in root.iter("{*}Pagos") for p in each(found, "Pago")]
    for n, payment in enumerate(payments, 1):
        amount, rate = money(payment, "Monto") or ZERO, money(payment, "TipoCambioP")
        pesos += cents(amount * (rate or ONE))
        document.add(
            "payment", standard="cfdi", number=invoice["number"], payment=str(n), paid_on=day_of(payment, needed(payment, "FechaPago"), "FechaPago"),
            payer_id=invoice["buyer_id"], payee_id=invoice["seller_id"], currency=said(payment, "MonedaP"), amount=amount, exchange_rate=rate,
            form=said(payment, "FormaDePagoP"),
        )  # fmt: skip
        settled, parts = ZERO, list(each(payment, "DoctoRelacionado"))
        for part in parts:
            settled += _settled(document, invoice, payment, str(n), part, len(parts))
        if parts and settled > amount:
            compare(document, f"payment {n}: settled is no more than paid", settled, amount, CENT * len(parts), invoice["number"])
    stated = next((money(t, "MontoTotalPagos") for t in root.iter("{*}Totales") if t.get("MontoTotalPagos")), None)
    if payments:
        compare(document, "payments in pesos", stated, pesos, ZERO, invoice["number"])


def _settled(document: Document, invoice: Row, payment: etree._Element, n: str, part: etree._Element, parts: int) -> Decimal:
    """A settled invoice's row; what it takes of the payment, in the payment's currency."""
    before, paid, after = (money(part, name) for name in ("ImpSaldoAnt", "ImpPagado", "ImpSaldoInsoluto"))
    if paid is None and parts == 1:
        paid = money(payment, "Monto")  # Pagos 1.0: may be left out where one invoice takes the whole payment
    rate = money(part, "EquivalenciaDR", "TipoCambioDR")
    serie = "".join(p for p in (said(part, "Serie"), said(part, "Folio")) if p) or None
    document.add(
        "payment_document", number=invoice["number"], payment=n, paid_uuid=said(part, "IdDocumento"), paid_number=serie,
        instalment=said(part, "NumParcialidad"), currency=said(part, "MonedaDR"), exchange_rate=rate,
        balance_before=before, paid=paid, balance_after=after,
    )  # fmt: skip
    if before is not None and paid is not None:
        compare(document, f"payment {n}: balance before - paid = after", after, before - paid, ZERO, invoice["number"])
    return (paid or ZERO) / rate if rate else paid or ZERO
