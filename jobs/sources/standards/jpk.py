"""Poland's JPK: JPK_FA (invoices) and the registers of JPK_VAT and JPK_V7. Other kinds (KR, MAG, WB, …) are refused by name.

Lines of a JPK_FA stand after its invoices and name them by number (P_2B). A correction prints differences, so its sign is 1.
A register states no gross: it is net + tax. Which K_ fields are bases and which are tax follows the ministry's schemas (verify).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO

from lxml import etree

from jobs.sources.standards.canonical import Document, Row
from jobs.sources.standards.nodes import any_text, needed, text_at
from jobs.sources.standards.recognise import Found
from jobs.sources.standards.saft_parts import Company
from jobs.sources.standards.stream import records, well_formed
from jobs.sources.standards.totals import ZERO, amount_of, compare, reconcile
from jobs.sources.standards.values import amount, date_at, money, needed_date
from jobs.sources.standards.xml import Refused

_PLACES = ("Naglowek", "Podmiot1", "Faktura", "FakturaWiersz", "SprzedazWiersz", "ZakupWiersz", "FakturaCtrl", "FakturaWierszCtrl", "SprzedazCtrl", "ZakupCtrl")
_ROW = {"FakturaCtrl": "Faktura", "FakturaWierszCtrl": "FakturaWiersz", "SprzedazCtrl": "SprzedazWiersz", "ZakupCtrl": "ZakupWiersz"}
_COUNTED = {
    "FakturaCtrl": ("LiczbaFaktur", "WartoscFaktur"), "FakturaWierszCtrl": ("LiczbaWierszyFaktur", "WartoscWierszyFaktur"),
    "SprzedazCtrl": ("LiczbaWierszySprzedazy", "PodatekNalezny"), "ZakupCtrl": ("LiczbaWierszyZakupow", "PodatekNaliczony"),
}  # fmt: skip
_KINDS = {"VAT": "ordinary", "KOREKTA": "correction", "ZAL": "prepayment", "POZ": "ordinary"}
_BASES, _TAXES = (10, 11, 13, 15, 17, 19, 21, 22, 23, 25, 27, 29, 31), (16, 18, 20, 24, 26, 28, 30)
REGISTERS = {  #       bases,                  tax,                              tax taken off
    ("SprzedazWiersz", False): ((*_BASES, 32, 34), (*_TAXES, 33, 35, 36, 37), (38, 39)),
    ("SprzedazWiersz", True): (_BASES, (*_TAXES, 32, 33, 34), (35, 36)),
    ("ZakupWiersz", False): ((43, 45), (44, 46, 47, 48, 49, 50), ()),
    ("ZakupWiersz", True): ((40, 42), (41, 43, 44, 45, 46, 47), ()),
}  # fmt: skip
"""K_ fields of a register's row, by row and whether the file is a JPK_V7."""


@dataclass
class _State:
    company: Company = field(default_factory=Company)
    v7: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Decimal] = field(default_factory=dict)


def read_jpk(stream: BinaryIO) -> Found:
    """Invoices and register rows of a JPK. Refused as a whole when it is broken anywhere, of another kind, or names no taxpayer."""
    well_formed(stream)
    state = _State()
    for name, _, element in records(stream, _PLACES, lambda _, parent: parent in ("JPK", "Ewidencja")):
        try:
            found = _record(name, element, state)
        except Refused as fault:
            if name in ("Naglowek", "Podmiot1"):
                raise
            yield fault
            continue
        if found is not None and found.rows:
            yield found
    if not state.company.known:
        raise Refused("missing:Podmiot1", "no Podmiot1 in JPK: nobody is named whose invoices these are")


def _record(name: str, element: etree._Element, state: _State) -> Document | None:
    if name == "Naglowek":
        return _header(element, state)
    if name == "Podmiot1":
        own = state.company
        own.id = next((t for n in ("NIP", "PESEL") for e in element.iter("{*}" + n) if (t := (e.text or "").strip())), None)
        own.name = next((t for n in ("PelnaNazwa", "Nazwisko") for e in element.iter("{*}" + n) if (t := (e.text or "").strip())), None)
        own.known = own.id is not None
        return None
    if name in _ROW:
        return _control(name, element, state)
    state.rows[name] = state.rows.get(name, 0) + 1
    if name == "FakturaWiersz":
        return _line(element, state)
    return _invoice(element, state) if name == "Faktura" else _entry(name, element, state)


def _header(element: etree._Element, state: _State) -> Document:
    code = next(element.iterchildren("{*}KodFormularza"), None)
    kind = f"{code.get('kodSystemowy') or ''} {code.text or ''}" if code is not None else ""
    if not any(k in kind for k in ("JPK_FA", "JPK_VAT", "JPK_V7")):
        raise Refused("no_invoice:JPK", f"a JPK of kind {kind.strip()[:40] or 'unknown'}; only JPK_FA, JPK_VAT and JPK_V7 hold invoices", "send those")
    state.v7, state.company.currency, state.company.country = "JPK_V7" in kind, text_at(element, "DomyslnyKodWaluty") or "PLN", "PL"
    document = Document()
    document.add(
        "audit_file", standard="jpk", version=kind.strip(), country="PL", currency=state.company.currency,
        period_from=date_at(element, "DataOd"), period_to=date_at(element, "DataDo"), created=date_at(element, "DataWytworzeniaJPK"),
    )  # fmt: skip
    return document


def _sum(element: etree._Element, names: list[str]) -> Decimal:
    return sum((money(element, n) or ZERO for n in names), ZERO)


def _numbered(element: etree._Element, prefix: str) -> list[str]:
    """Names of children such as P_13_1, P_13_2, …; those in another currency (P_14_1W) are left out."""
    names = [str(c.tag).rpartition("}")[2] for c in element if isinstance(c.tag, str)]
    return [n for n in names if n.startswith(prefix) and n[len(prefix) :].isdigit()]


def _invoice(element: etree._Element, state: _State) -> Document:
    document, kind = Document(), text_at(element, "RodzajFaktury") or "VAT"
    invoice = document.add(
        "invoice", standard="jpk", number=needed(element, "P_2A"), issued=needed_date(element, "P_1"), kind=_KINDS.get(kind, f"type_{kind}"), sign=1,
        self_billed=text_at(element, "P_17") == "true", currency=text_at(element, "KodWaluty") or state.company.currency,
        seller_id=_id(element, "P_4A", "P_4B") or state.company.id, seller_name=any_text(element, "P_3C") or state.company.name,
        buyer_id=_id(element, "P_5A", "P_5B"), buyer_name=text_at(element, "P_3A"), corrects=text_at(element, "NrFaKorygowanej"),
        net=_sum(element, _numbered(element, "P_13_")), tax=_sum(element, _numbered(element, "P_14_")), gross=money(element, "P_15") or ZERO,
    )  # fmt: skip
    state.sums["Faktura"] = state.sums.get("Faktura", ZERO) + amount_of(invoice, "gross")
    reconcile(document, invoice)
    return document


def _id(element: etree._Element, prefix: str, number: str) -> str | None:
    found = text_at(element, number)
    return (text_at(element, prefix) or "") + found if found else None


def _line(element: etree._Element, state: _State) -> Document:
    document, rate = Document(), text_at(element, "P_12") or ""
    row = document.add(
        "invoice_line", number=needed(element, "P_2B"), line=str(state.rows["FakturaWiersz"]), item=text_at(element, "P_7"), unit=text_at(element, "P_8A"), quantity=money(element, "P_8B"),
        price=money(element, "P_9A"), net=money(element, "P_11"), tax_rate=amount(rate) if rate else None, tax_category=rate or None,
    )  # fmt: skip
    state.sums["FakturaWiersz"] = state.sums.get("FakturaWiersz", ZERO) + amount_of(row, "net")
    return document


def _entry(name: str, element: etree._Element, state: _State) -> Document:
    """A row of the register of sales or of purchases."""
    sale, document = name == "SprzedazWiersz", Document()
    bases, taxes, less = REGISTERS[name, state.v7]
    net, tax = _sum(element, [f"K_{n}" for n in bases]), _sum(element, [f"K_{n}" for n in taxes]) - _sum(element, [f"K_{n}" for n in less])
    other = any_text(element, "NrKontrahenta", "NrDostawcy"), any_text(element, "NazwaKontrahenta", "NazwaDostawcy")
    own: Row = {f"{'seller' if sale else 'buyer'}_id": state.company.id, f"{'seller' if sale else 'buyer'}_name": state.company.name}
    theirs: Row = {f"{'buyer' if sale else 'seller'}_{c}": v if v != "BRAK" else None for c, v in zip(("id", "name"), other, strict=True)}
    invoice = document.add(
        "invoice", standard="jpk", number=needed(element, "DowodSprzedazy" if sale else "DowodZakupu"),
        issued=needed_date(element, *(("DataWystawienia", "DataSprzedazy") if sale else ("DataZakupu", "DataWplywu"))),
        kind="receipt" if text_at(element, "TypDokumentu") == "RO" else "ordinary", sign=1, self_billed=False, currency="PLN", net=net, tax=tax, gross=net + tax, **own, **theirs,
    )  # fmt: skip
    state.sums[name] = state.sums.get(name, ZERO) + tax
    reconcile(document, invoice)
    return document


def _control(name: str, element: etree._Element, state: _State) -> Document:
    document, row = Document(), _ROW[name]
    count, value = _COUNTED[name]
    compare(document, f"{name}/{count}", money(element, count), Decimal(state.rows.get(row, 0)), always=True)
    compare(document, f"{name}/{value}", money(element, value), state.sums.get(row, ZERO), always=True)
    return document
