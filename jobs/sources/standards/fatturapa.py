"""FatturaPA 1.0 to 1.2.x (Italy: to the administration FPA12, between parties FPR12) and the simplified invoice (FSM10).

One file may hold several bodies: each is a document. net and tax are the sums of DatiRiepilogo; gross is ImportoTotaleDocumento
where it is stated, else net + tax + Arrotondamento. A credit note (TD04, TD08) is printed positive. Withholding (ritenuta) and
split payment change what is paid, not gross.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from lxml import etree

from jobs.sources.standards.canonical import Document, Row
from jobs.sources.standards.nodes import any_text, each, first, missing, needed, text_at
from jobs.sources.standards.totals import CENT, ZERO, amount_of, cents, compare, reconcile, total
from jobs.sources.standards.values import money, needed_date
from jobs.sources.standards.xml import Refused

CREDIT_NOTES = ("TD04", "TD08")
SELF_BILLED = ("TD16", "TD17", "TD18", "TD19", "TD20", "TD21", "TD22", "TD23", "TD27", "TD28", "TD29")
"""Written by the buyer: reverse charge and purchases abroad (specification 1.7 on)."""
KINDS = {"TD01": "ordinary", "TD02": "prepayment", "TD03": "prepayment", "TD05": "debit_note", "TD06": "fee_note", "TD07": "ordinary", "TD09": "debit_note",
         "TD24": "ordinary", "TD25": "ordinary", "TD26": "ordinary"}  # fmt: skip


def read_fatturapa(root: etree._Element) -> Iterator[Document | Refused]:
    """Each body as a document; one that cannot be read is refused alone. Refused as a whole without header or parties."""
    header, bodies = first(root, "FatturaElettronicaHeader"), list(each(root, "FatturaElettronicaBody"))
    if header is None or not bodies:
        raise missing(root, "FatturaElettronicaHeader" if header is None else "FatturaElettronicaBody")
    simple = etree.QName(root).localname == "FatturaElettronicaSemplificata"
    common: Row = {
        "standard": "fatturapa", "version": root.get("versione") or text_at(header, "DatiTrasmissione/FormatoTrasmissione"),
        **_party(header, "seller", "CedentePrestatore"), **_party(header, "buyer", "CessionarioCommittente"),
        "self_billed": (text_at(header, "SoggettoEmittente") or "") == "CC",
    }  # fmt: skip
    for n, body in enumerate(bodies, 1):
        try:
            document = _document(body, common, simple)
            document.raw = etree.tostring(body, encoding="UTF-8", with_tail=False) if len(bodies) > 1 else None
            yield document
        except Refused as fault:
            yield Refused(fault.rule, fault.reason, fault.remedy, f"body {n}, {fault.place}") if len(bodies) > 1 else fault


def _party(header: etree._Element, role: str, path: str) -> Row:
    party = first(header, path)
    if party is None:
        raise missing(header, path, f": it has no {role}")
    country = any_text(party, "DatiAnagrafici/IdFiscaleIVA/IdPaese", "IdFiscaleIVA/IdPaese", "IdentificativiFiscali/IdFiscaleIVA/IdPaese", "Sede/Nazione")
    code = any_text(party, "DatiAnagrafici/IdFiscaleIVA/IdCodice", "IdFiscaleIVA/IdCodice", "IdentificativiFiscali/IdFiscaleIVA/IdCodice")
    own = any_text(party, "DatiAnagrafici/CodiceFiscale", "CodiceFiscale", "IdentificativiFiscali/CodiceFiscale")
    name = any_text(party, *(p + "Denominazione" for p in ("DatiAnagrafici/Anagrafica/", "", "AltriDatiIdentificativi/"))) or _person(party)
    if not (code or own):
        raise missing(party, "DatiAnagrafici/IdFiscaleIVA", f": the {role} has neither VAT number nor tax code")
    return {f"{role}_id": f"{country or 'IT'}{code}" if code else own, f"{role}_name": name, f"{role}_country": country}


def _person(party: etree._Element) -> str | None:
    for path in ("DatiAnagrafici/Anagrafica/", "", "AltriDatiIdentificativi/"):
        names = [n for n in (text_at(party, path + "Nome"), text_at(party, path + "Cognome")) if n]
        if names:
            return " ".join(names)
    return None


def _document(body: etree._Element, common: Row, simple: bool) -> Document:
    head = first(body, "DatiGenerali/DatiGeneraliDocumento")
    if head is None:
        raise missing(body, "DatiGenerali/DatiGeneraliDocumento")
    code = needed(head, "TipoDocumento")
    credit = code in CREDIT_NOTES
    document = Document()
    invoice = document.add(
        "invoice", **{**common, "self_billed": common["self_billed"] or code in SELF_BILLED}, number=needed(head, "Numero"), issued=needed_date(head, "Data"), currency=text_at(head, "Divisa") or "EUR",
        kind="credit_note" if credit else "self_billed" if code in SELF_BILLED else KINDS.get(code, f"type_{code}"), sign=-1 if credit else 1,
        corrects=any_text(body, "DatiGenerali/DatiFattureCollegate/IdDocumento", "DatiGenerali/DatiFatturaRettificata/NumeroFR"),
    )  # fmt: skip
    if simple:
        _simple_lines(body, document)
    else:
        _lines(body, head, document)
        _summary(body, document)
    for found in each(head, "DatiRitenuta"):
        document.add(
            "invoice_tax", number=invoice["number"], withheld=True, kind=text_at(found, "TipoRitenuta"), rate=money(found, "AliquotaRitenuta"),
            tax=money(found, "ImportoRitenuta") or ZERO, reason=text_at(found, "CausalePagamento"),
        )  # fmt: skip
    _sums(head, document, invoice)
    reconcile(document, invoice, slack=CENT, by_line=True)
    return document


def _lines(body: etree._Element, head: etree._Element, document: Document) -> None:
    """Lines; pension-fund contributions (cassa) are charges, discounts of the whole document allowances."""
    number = document.rows["invoice"][0]["number"]
    for found in each(body, "DatiBeniServizi/DettaglioLinee"):
        document.add(
            "invoice_line", number=number, line=text_at(found, "NumeroLinea"), item=text_at(found, "Descrizione"), item_code=text_at(found, "CodiceArticolo/CodiceValore"),
            quantity=money(found, "Quantita"), unit=text_at(found, "UnitaMisura"), price=money(found, "PrezzoUnitario"), net=money(found, "PrezzoTotale"),
            tax_rate=money(found, "AliquotaIVA"), tax_category=text_at(found, "Natura"),
        )  # fmt: skip
    for found in each(head, "DatiCassaPrevidenziale"):
        document.add(
            "invoice_allowance", number=number, charge=True, reason=text_at(found, "TipoCassa"), amount=money(found, "ImportoContributoCassa") or ZERO,
            base=money(found, "ImponibileCassa"), rate=money(found, "AlCassa"), tax_rate=money(found, "AliquotaIVA"),
        )  # fmt: skip
    shift = total(document.of("invoice_line"), "net") + total(document.of("invoice_allowance"), "amount") - sum((money(r, "ImponibileImporto") or ZERO for r in each(body, "DatiBeniServizi/DatiRiepilogo")), ZERO)
    for found in each(head, "ScontoMaggiorazione"):
        amount = money(found, "Importo")
        if amount is not None and abs(shift) > CENT:  # most writers have put it among the lines already
            document.add("invoice_allowance", number=number, charge=text_at(found, "Tipo") == "MG", reason=text_at(found, "Tipo"), amount=amount, rate=money(found, "Percentuale"))


def _summary(body: etree._Element, document: Document) -> None:
    number = document.rows["invoice"][0]["number"]
    parts = list(each(body, "DatiBeniServizi/DatiRiepilogo"))
    if not parts:
        raise missing(body, "DatiBeniServizi/DatiRiepilogo")
    for found in parts:
        document.add(
            "invoice_tax", number=number, withheld=False, kind="IVA", category=any_text(found, "Natura", "EsigibilitaIVA"), rate=money(found, "AliquotaIVA"),
            base=money(found, "ImponibileImporto"), tax=money(found, "Imposta") or ZERO, reason=text_at(found, "RiferimentoNormativo"),
        )  # fmt: skip
        if rounding := money(found, "Arrotondamento"):
            document.add("invoice_allowance", number=number, charge=True, reason="Arrotondamento", amount=rounding)


def _simple_lines(body: etree._Element, document: Document) -> None:
    """Lines of a simplified invoice: an amount with its tax in it, and the tax or its rate."""
    number = document.rows["invoice"][0]["number"]
    for n, found in enumerate(each(body, "DatiBeniServizi"), 1):
        gross, rate, tax = money(found, "Importo") or ZERO, money(found, "DatiIVA/Aliquota"), money(found, "DatiIVA/Imposta")
        if tax is None:
            tax = cents(gross * rate / (100 + rate)) if rate else ZERO
        document.add("invoice_line", number=number, line=str(n), item=text_at(found, "Descrizione"), net=gross - tax, tax_rate=rate, tax=tax, tax_category=text_at(found, "Natura"))
        document.add("invoice_tax", number=number, withheld=False, kind="IVA", category=text_at(found, "Natura"), base=gross - tax, tax=tax)


def _sums(head: etree._Element, document: Document, invoice: Row) -> None:
    """Net, tax and gross. Stamp duty that the buyer bears may stand in gross alone: it is then a charge outside VAT."""
    taxes = document.of("invoice_tax")
    invoice["net"] = total([t for t in taxes if not t["withheld"]], "base")
    invoice["tax"] = total([t for t in taxes if not t["withheld"]], "tax")
    withheld = [t for t in taxes if t["withheld"]]
    invoice["withheld"] = total(withheld, "tax") if withheld else None
    stated, rounding = money(head, "ImportoTotaleDocumento"), money(head, "Arrotondamento")
    plain: Decimal = amount_of(invoice, "net") + amount_of(invoice, "tax")
    gross = stated if stated is not None else plain + (rounding or ZERO)
    invoice["rounding"] = rounding if rounding and cents(gross - plain) == cents(rounding) else None
    stamp = money(head, "DatiBollo/ImportoBollo")
    if stamp and stated is not None and cents(gross - plain) == cents(stamp):
        compare(document, "stamp duty in gross", stated, plain, number=invoice["number"])
    invoice["gross"] = gross
