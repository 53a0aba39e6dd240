"""Mexico's certificates of withholding and payments (CFDI de retenciones e información de pagos, 1.0 and 2.0)."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date

from lxml import etree

from jobs.sources.standards.attributes import money, needed, said
from jobs.sources.standards.canonical import Document, Row
from jobs.sources.standards.cfdi import TAXES
from jobs.sources.standards.nodes import each, first, missing
from jobs.sources.standards.totals import ZERO, compare, total
from jobs.sources.standards.values import day_of

_TAXES = {**TAXES, "01": "ISR", "02": "IVA", "03": "IEPS"}


def read_withholding(root: etree._Element) -> Iterator[Document]:
    """One row of `withholding` and its taxes. `difference` = withheld in total - sum of the taxes withheld."""
    sums, period = first(root, "Totales"), first(root, "Periodo")
    if sums is None:
        raise missing(root, "Totales")
    uuid = said(next(iter(root.iter("{*}TimbreFiscalDigital")), None), "UUID")
    number = said(root, "FolioInt") or uuid
    document = Document()
    for found in each(sums, "ImpRetenidos"):
        code = said(found, "ImpuestoRet", "Impuesto")
        document.add(
            "withholding_tax", number=number, tax_kind=_TAXES.get(code or "", code), payment_kind=said(found, "TipoPagoRet"),
            base=money(found, "BaseRet"), tax=money(found, "MontoRet", "montoRet") or ZERO,
        )  # fmt: skip
    withheld = money(sums, "MontoTotRet", "montoTotRet")
    if withheld is None:
        raise missing(sums, "MontoTotRet")
    parts = total(document.of("withholding_tax"), "tax")
    issued = said(root, "FechaExp")
    if issued is None:
        raise missing(root, "FechaExp")
    document.add(
        "withholding", standard="cfdi-retenciones", version=needed(root, "Version"), number=number, uuid=uuid, kind=said(root, "CveRetenc"),
        issued=day_of(root, issued, "FechaExp"), **_withholder(root), **_payee(root), **_period(period),
        operation=money(sums, "MontoTotOperacion"), taxed=money(sums, "MontoTotGrav"), exempt=money(sums, "MontoTotExent"),
        withheld=withheld, difference=withheld - parts,
    )  # fmt: skip
    compare(document, "withheld", withheld, parts, ZERO, number)
    yield document


def _withholder(root: etree._Element) -> Row:
    party = first(root, "Emisor")
    if party is None:
        raise missing(root, "Emisor", ": it has no withholder")
    found = said(party, "RfcE", "RFCEmisor")
    if found is None:
        raise missing(party, "RfcE")
    return {"withholder_id": found, "withholder_name": said(party, "NomDenRazSocE")}


def _payee(root: etree._Element) -> Row:
    party = first(root, "Receptor")
    inner = next((p for n in ("Nacional", "Extranjero") if party is not None and (p := first(party, n)) is not None), None)
    if inner is None:
        raise missing(root, "Receptor/Nacional", ": nobody is named from whom it was withheld")
    return {"payee_id": said(inner, "RfcR", "RFCRecep", "NumRegIdTribR", "NumRegIdTrib"), "payee_name": said(inner, "NomDenRazSocR")}


def _period(period: etree._Element | None) -> Row:
    """First and last day of the months a certificate is about."""
    year, first_month, last = (said(period, *names) for names in (("Ejercicio", "Ejerc"), ("MesIni",), ("MesFin",)))
    if not (year and first_month and last and year.isdigit() and first_month.isdigit() and last.isdigit()):
        return {}
    try:
        end = date(int(year), int(last), 1)
        return {"period_from": date(int(year), int(first_month), 1), "period_to": end.replace(day=calendar.monthrange(end.year, end.month)[1])}
    except ValueError:
        return {}
