"""SAF-T Cash Register (Norway): each receipt of a till as an invoice of kind `receipt`, its means of payment as payments.

A return is told by side D: its sign is -1 where its amounts are printed without a minus. A receipt that was voided, or rung up
in training, has sign 0.
"""

from __future__ import annotations

from decimal import Decimal
from typing import BinaryIO

from lxml import etree

from jobs.sources.standards.canonical import Document
from jobs.sources.standards.nodes import any_text, each, needed, text_at
from jobs.sources.standards.recognise import Found
from jobs.sources.standards.saft_parts import Company
from jobs.sources.standards.stream import records, well_formed
from jobs.sources.standards.totals import ZERO, amount_of, reconcile
from jobs.sources.standards.values import date_at, money, needed_date
from jobs.sources.standards.xml import Refused

_PLACES = {
    "header": ("auditfile",), "companyIdent": ("company",), "companyName": ("company",), "taxRegIdent": ("company",), "taxRegistrationCountry": ("company",),
    "registerID": ("cashregister",), "vatCodeDetail": ("vatCodeDetails",), "cashtransaction": ("cashregister",),
    **dict.fromkeys(("article", "basic", "employee", "event", "customerSupplier"), None),
}  # fmt: skip


def read_cash(stream: BinaryIO) -> Found:
    """The receipts of a till. Refused as a whole when the file is broken anywhere or names no company."""
    well_formed(stream)
    company, seen = Company(), {"registerID": ""}
    header = Document()
    for name, _, element in records(stream, tuple(_PLACES), lambda n, parent: _PLACES[n] is None or parent in (_PLACES[n] or ())):
        if name == "header":
            company.currency = text_at(element, "curCode")
            header.add(
                "audit_file", standard="saf-t-cash-register", version=text_at(element, "auditfileVersion"), currency=company.currency, period_from=date_at(element, "startDate"),
                period_to=date_at(element, "endDate"), created=date_at(element, "dateCreated"), software=any_text(element, "softwareCompanyName", "softwareDesc"),
            )  # fmt: skip
        elif name == "vatCodeDetail":
            header.add("tax_code", standard="saf-t-cash-register", code=text_at(element, "vatCode"), name=text_at(element, "vatDesc"), standard_code=text_at(element, "standardVatCode"),
                       valid_from=date_at(element, "dateOfEntry"))  # fmt: skip
        elif name == "cashtransaction":
            try:
                yield _receipt(element, company, seen)
            except Refused as fault:
                yield fault
        elif _PLACES[name] is not None:
            seen[name] = (element.text or "").strip()
            company.id, company.name, company.country = seen.get("taxRegIdent") or seen.get("companyIdent"), seen.get("companyName"), seen.get("taxRegistrationCountry")
    if not (company.id or company.name) or "audit_file" not in header.rows:
        raise Refused("missing:company", "no header or company in auditfile: nobody is named whose till this is")
    header.rows["audit_file"][0] |= {"country": company.country, "company_id": company.id, "company_name": company.name}
    yield header


def _receipt(element: etree._Element, company: Company, seen: dict[str, str]) -> Document:
    side, gross, document = _side(element, "amntTp"), money(element, "transAmntIn") or ZERO, Document()
    kind, sign = ("return", 1 if gross < 0 else -1) if side < 0 else ("receipt", 1)
    if (text_at(element, "voidTransaction") or "").lower() in ("true", "1"):
        kind, sign = "void", 0
    if (text_at(element, "trainingID") or "").lower() in ("true", "1"):
        kind, sign = "training", 0
    invoice = document.add(
        "invoice", standard="saf-t-cash-register", number=needed(element, "transID", "nr"), issued=needed_date(element, "transDate"), kind=kind, sign=sign, self_billed=False,
        seller_id=company.id, seller_name=company.name, seller_country=company.country, buyer_id=text_at(element, "custSupID"), currency=company.currency, uuid=seen["registerID"] or None,
        net=money(element, "transAmntEx") or ZERO, gross=gross, rounding=money(element, "rounding/roundingAmnt"),
    )  # fmt: skip
    number = invoice["number"]
    for line in each(element, "ctLine"):
        rate = money(line, "vat/vatPerc")
        document.add(
            "invoice_line", number=number, line=text_at(line, "lineID"), item=any_text(line, "desc", "artID"), item_code=text_at(line, "artID"), quantity=money(line, "qnt"),
            price=money(line, "ppu"), net=(money(line, "lineAmntEx") or ZERO) * _side(line, "amntTp") * side, tax_rate=rate, tax=money(line, "vat/vatAmnt"), tax_category=text_at(line, "vat/vatCode"),
        )  # fmt: skip
    for part in each(element, "vat"):
        facing = _side(part, "vatAmntTp") * side
        document.add("invoice_tax", number=number, kind="VAT", category=text_at(part, "vatCode"), rate=money(part, "vatPerc"), base=_turned(money(part, "vatBasAmnt"), facing),
                     tax=_turned(money(part, "vatAmnt"), facing) or ZERO, withheld=False)  # fmt: skip
    for n, paid in enumerate(each(element, "payment"), 1):
        document.add("payment", standard="saf-t-cash-register", number=number, payment=str(n), paid_on=invoice["issued"], payee_id=company.id, currency=text_at(paid, "curCode"),
                     amount=money(paid, "paidAmnt"), exchange_rate=money(paid, "exchRt"), form=text_at(paid, "paymentType"))  # fmt: skip
    taxes = document.of("invoice_tax")
    invoice["tax"] = sum((amount_of(t, "tax") for t in taxes), ZERO) if taxes else amount_of(invoice, "gross") - amount_of(invoice, "net")
    if not amount_of(invoice, "rounding") or amount_of(invoice, "gross") == amount_of(invoice, "net") + amount_of(invoice, "tax"):
        invoice["rounding"] = None  # rounding of cash is paid, not sold
    reconcile(document, invoice, by_line=True)
    return document


def _side(element: etree._Element, name: str) -> int:
    return -1 if (text_at(element, name) or "C").upper().startswith("D") else 1


def _turned(amount: Decimal | None, facing: int) -> Decimal | None:
    return None if amount is None else amount * facing
