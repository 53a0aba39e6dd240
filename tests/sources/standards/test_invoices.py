"""Each standard's invoice: given a document, expect its canonical rows and whether it adds up."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.sources.standards.xml import Refused
from tests.sources.standards.given import (
    CFDI32,
    CFDI40,
    CHINA,
    CII,
    PAYMENT,
    UBL,
    WITHHOLDING,
    amounts,
    body,
    changed,
    documents,
    fatturapa,
    invoice,
    only,
    plain,
    refusal,
)

SUMS = ("net", "tax", "gross", "difference", "payable")


@pytest.mark.parametrize(
    ("text", "standard", "number", "seller", "buyer", "sums"),
    [  #                                       seller id and name                      buyer id and name        net    tax   gross diff payable
        (UBL, "ubl", "F-1", ("XX100", "Mill & Sons"), (None, "Baker"), ["90", "18", "108", "0", "100"]),
        (CII, "cii", "C-1", ("XX100", "Mill"), (None, "Baker"), ["110", "22", "132", "0", "132"]),
        (fatturapa(), "fatturapa", "P-1", ("IT00000000001", "Mulino"), ("AAAAAA00A00A000A", "Anna Forno"), ["100", "22", "122", "0", None]),
        (CFDI40, "cfdi", "A7", ("AAA010101AAA", "MOLINO"), ("BBB010101BBB", "PANADERIA"), ["100", "16", "116", "0", "111"]),
        (CFDI32, "cfdi", "8", ("AAA010101AAA", "MOLINO"), ("BBB010101BBB", None), ["90", "14.4", "104.4", "0", "104.4"]),
        (CHINA, "ofd", "05000000011100000001", ("91500000000000000X", "磨坊"), (None, "面包房"), ["100", "6", "106", "0", None]),
    ],
)
def test_head_and_totals(text: str, standard: str, number: str, seller: tuple[str, str], buyer: tuple[str, str], sums: list[str]):
    row = invoice(text)
    assert (row["standard"], row["number"]) == (standard, number)
    assert (row["seller_id"], row["seller_name"], row["buyer_id"], row["buyer_name"]) == (*seller, *buyer)
    assert row["issued"] in (date(2026, 1, 15), date(2014, 1, 15))
    assert amounts(row, *SUMS) == sums
    assert (row["sign"], row["self_billed"]) == (1, False)
    assert not row["faults"] or row["faults"] == "not stamped"


@pytest.mark.parametrize(
    ("text", "line"),
    [  #            item, quantity, unit, price, net, rate
        (UBL, ("Flour", "6", "KGM", "20", "120", "20")),  # 40 for two
        (CII, ("Flour", "4", "KGM", "25", "100", "20")),
        (fatturapa(), ("Farina", "4", None, "25", "100", "22")),
        (CFDI40, ("Harina", "11", "KGM", "10", "100", "16")),  # 110 less 10
        (CFDI32, ("Harina", "10", "kg", "10", "100", None)),
        (CHINA, ("*粮食*面粉", "4", "袋", "25", "100", "6")),
    ],
)
def test_first_line(text: str, line: tuple[str, ...]):
    row = only(text).of("invoice_line")[0]
    quantity, price, net, rate = amounts(row, "quantity", "price", "net", "tax_rate")
    assert (row["item"], quantity, row["unit"], price, net, rate) == line


@pytest.mark.parametrize(
    ("text", "kind", "sign", "self_billed"),
    [
        (changed(UBL, ("<Invoice ", "<CreditNote "), ("</Invoice>", "</CreditNote>"), ("InvoiceTypeCode>380", "CreditNoteTypeCode>381"), ("</cbc:InvoiceTypeCode>", "</cbc:CreditNoteTypeCode>"),
                 ("InvoiceLine>", "CreditNoteLine>"), ("InvoicedQuantity", "CreditedQuantity")), "credit_note", -1, False),
        (changed(UBL, (">380<", ">381<")), "credit_note", -1, False),
        (changed(UBL, (">380<", ">389<")), "self_billed", 1, True),
        (changed(UBL, (">380<", ">384<")), "correction", 1, False),
        (changed(UBL, (">380<", ">999<")), "type_999", 1, False),
        (changed(CII, (">380<", ">261<")), "credit_note", -1, True),
        (fatturapa(body(kind="TD04")), "credit_note", -1, False),
        (fatturapa(body(kind="TD17")), "self_billed", 1, True),
        (changed(CFDI40, ('TipoDeComprobante="I"', 'TipoDeComprobante="E"')), "credit_note", -1, False),
        (changed(CHINA, ("106.00", "-106.00"), (">6.00<", ">-6.00<"), (">100.00<", ">-100.00<")), "red", 1, False),
    ],
)  # fmt: skip
def test_kind_and_sign(text: str, kind: str, sign: int, self_billed: bool):
    row = invoice(text)
    assert (row["kind"], row["sign"], row["self_billed"]) == (kind, sign, self_billed)
    assert plain(row["difference"]) == "0" and not row["faults"]


@pytest.mark.parametrize(
    ("text", "faults", "difference"),
    [
        (changed(UBL, ('TaxInclusiveAmount currencyID="EUR">108.00', 'TaxInclusiveAmount currencyID="EUR">108.01')), "gross, payable", "0.01"),
        (changed(UBL, ('LineExtensionAmount currencyID="EUR">120.00', 'LineExtensionAmount currencyID="EUR">119.99')), "lines, net", "0"),
        (changed(UBL, ('TaxAmount currencyID="EUR">18.00</cbc:TaxAmount><cac:TaxSub', 'TaxAmount currencyID="EUR">17.00</cbc:TaxAmount><cac:TaxSub')), "gross, tax", "1"),
        (changed(UBL, ("<cbc:ID>S</cbc:ID><cbc:Percent>20</cbc:Percent></cac:TaxCategory>", "<cbc:ID>S</cbc:ID><cbc:Percent>25</cbc:Percent></cac:TaxCategory>")), "rate", "0"),
        (changed(UBL, ('PrepaidAmount currencyID="EUR">8.00', 'PrepaidAmount currencyID="EUR">9.00')), "payable", "0"),
        (changed(CII, ("GrandTotalAmount>132.00", "GrandTotalAmount>130.00")), "gross, payable", "-2"),
        (fatturapa(body(head="<ImportoTotaleDocumento>130.00</ImportoTotaleDocumento>")), "gross", "8"),
        (fatturapa(body(base="90.00")), "net, rate", "0"),
        (changed(CFDI40, ('Total="111.00"', 'Total="121.00"')), "gross", "10"),
        (changed(CHINA, (">106.00<", ">160.00<")), "gross", "54"),
    ],
)
def test_a_lie_is_recorded_not_mended(text: str, faults: str, difference: str):
    found = only(text)
    row = found.of("invoice")[0]
    assert (row["faults"], plain(row["difference"])) == (faults, difference)  # type: ignore[arg-type]
    assert {str(c["rule"]).split(" ")[0] for c in found.of("check")} == set(faults.split(", "))


def test_reverse_charge_and_tax_in_another_currency():
    row = invoice(changed(UBL, ("18.00", "0.00"), ("<cbc:Percent>20", "<cbc:Percent>0"), (">108.00<", ">90.00<"), (">8.00<", ">0.00<"), ('PayableAmount currencyID="EUR">100.00', 'PayableAmount currencyID="EUR">90.00')))
    assert amounts(row, "net", "tax", "gross", "difference") == ["90", "0", "90", "0"] and not row["faults"]
    foreign = '<cac:TaxTotal><cbc:TaxAmount currencyID="SEK">200.00</cbc:TaxAmount></cac:TaxTotal><cac:LegalMonetaryTotal>'
    row = invoice(changed(UBL, ("<cac:LegalMonetaryTotal>", foreign), ("<cac:AccountingSupplierParty>", "<cbc:TaxCurrencyCode>SEK</cbc:TaxCurrencyCode><cac:AccountingSupplierParty>")))
    assert amounts(row, "tax", "tax_in_tax_currency") == ["18", "200"] and row["tax_currency"] == "SEK" and not row["faults"]
    assert amounts(invoice(CII), "tax_in_tax_currency") == ["250"]


def test_the_same_tax_total_said_twice_counts_once():
    twice = '<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">18.00</cbc:TaxAmount></cac:TaxTotal><cac:LegalMonetaryTotal>'
    assert amounts(invoice(changed(UBL, ("<cac:LegalMonetaryTotal>", twice))), "tax", "difference") == ["18", "0"]


def test_optional_totals_left_out_follow_from_the_others():
    bare = changed(UBL, ('<cbc:TaxExclusiveAmount currencyID="EUR">90.00</cbc:TaxExclusiveAmount>', '<cbc:AllowanceTotalAmount currencyID="EUR">10.00</cbc:AllowanceTotalAmount>'),
                   ('<cbc:TaxInclusiveAmount currencyID="EUR">108.00</cbc:TaxInclusiveAmount>', ""), ("<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>", ""))  # fmt: skip
    row = invoice(bare)
    assert amounts(row, *SUMS) == ["90", "18", "108", "0", "100"] and row["currency"] == "EUR"


def test_withholding_and_stamp_duty_of_a_fatturapa():
    ritenuta = "<DatiRitenuta><TipoRitenuta>RT01</TipoRitenuta><ImportoRitenuta>20.00</ImportoRitenuta><AliquotaRitenuta>20.00</AliquotaRitenuta></DatiRitenuta>"
    row = invoice(fatturapa(body(head=ritenuta + "<ImportoTotaleDocumento>122.00</ImportoTotaleDocumento>")))
    assert amounts(row, "gross", "difference", "withheld") == ["122", "0", "20"] and not row["faults"]
    rounded = invoice(fatturapa(body(head="<ImportoTotaleDocumento>121.50</ImportoTotaleDocumento><Arrotondamento>-0.50</Arrotondamento>")))
    assert amounts(rounded, "gross", "rounding", "difference") == ["121.5", "-0.5", "0"]


def test_several_bodies_are_several_documents_and_a_broken_one_is_refused_alone():
    found = documents(fatturapa(body("P-1"), body("P-2", base="1OO"), body("P-3")))
    assert [d.of("invoice")[0]["number"] for d in found if not isinstance(d, Refused)] == ["P-1", "P-3"]
    (fault,) = [d for d in found if isinstance(d, Refused)]
    assert fault.rule == "amount:ImponibileImporto" and fault.place.startswith("body 2, line ")


def test_a_simplified_invoice_has_its_tax_inside():
    text = changed(fatturapa(), ("p:FatturaElettronica ", "p:FatturaElettronicaSemplificata "), ("</p:FatturaElettronica>", "</p:FatturaElettronicaSemplificata>"))
    start, end = text.index("<DatiBeniServizi>"), text.index("</FatturaElettronicaBody>")
    inner = "<DatiBeniServizi><Descrizione>Pane</Descrizione><Importo>122.00</Importo><DatiIVA><Aliquota>22.00</Aliquota></DatiIVA></DatiBeniServizi>"
    row = invoice(text[:start] + inner + text[end:])
    assert amounts(row, "net", "tax", "gross", "difference") == ["100", "22", "122", "0"]


def test_payments_and_what_they_settle():
    found = only(PAYMENT)
    (payment,), (part,) = found.of("payment"), found.of("payment_document")
    assert (payment["payer_id"], payment["payee_id"], payment["currency"], payment["paid_on"]) == ("BBB010101BBB", "AAA010101AAA", "USD", date(2026, 1, 19))
    assert amounts(payment, "amount", "exchange_rate") == ["100", "20"]
    assert part["paid_uuid"] == "U-1" and amounts(part, "balance_before", "paid", "balance_after") == ["111", "100", "11"]
    assert found.of("invoice")[0]["kind"] == "payment" and found.of("check") == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('MontoTotalPagos="2000.00"', 'MontoTotalPagos="2000.02"', "payments in pesos"),
        ('ImpSaldoInsoluto="11.00"', 'ImpSaldoInsoluto="1.00"', "payment 1: balance before - paid = after"),
        ('ImpPagado="100.00" ImpSaldoInsoluto="11.00"', 'ImpPagado="111.00" ImpSaldoInsoluto="0"', "payment 1: settled is no more than paid"),
    ],
)
def test_payments_that_do_not_add_up(old: str, new: str, rule: str):
    assert [c["rule"] for c in only(changed(PAYMENT, (old, new))).of("check")] == [rule]


def test_a_certificate_of_withholding():
    (row,) = only(WITHHOLDING).of("withholding")
    assert (row["withholder_id"], row["payee_id"], row["period_from"], row["period_to"]) == ("AAA010101AAA", "CCC010101CCC", date(2026, 1, 1), date(2026, 2, 28))
    assert amounts(row, "operation", "withheld", "difference") == ["1000", "100", "0"]
    (row,) = only(changed(WITHHOLDING, ('MontoTotRet="100"', 'MontoTotRet="90"'))).of("withholding")
    assert amounts(row, "difference") == ["-10"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (changed(UBL, ("<cbc:ID>F-1</cbc:ID>", "")), "missing:ID"),
        (changed(UBL, ("AccountingSupplierParty>", "SomebodyElse>")), "missing:Party"),
        (changed(UBL, ("<cbc:RegistrationName>Mill &amp; Sons</cbc:RegistrationName>", ""), ("<cbc:CompanyID>XX100</cbc:CompanyID>", "")), "missing:RegistrationName"),
        (changed(UBL, ("2026-01-15", "2026-02-30")), "date:IssueDate"),
        (changed(UBL, (">18.00<", ">1,800<")), "amount:TaxAmount"),
        (changed(UBL, (">120.00<", ">12O.00<")), "amount:LineExtensionAmount"),
        (changed(CII, ("SellerTradeParty>", "Nobody>")), "missing:SellerTradeParty"),
        (changed(CII, (">20260115<", ">20261515<")), "date:DateTimeString"),
        (changed(fatturapa(), ("CedentePrestatore>", "Nessuno>")), "missing:CedentePrestatore"),
        (changed(CFDI40, ("<cfdi:Emisor ", "<cfdi:Nadie ")), "missing:Emisor"),
        (changed(CFDI40, ('Total="111.00"', 'Total="1e2"')), "amount:Total"),
        (changed(CHINA, ("<fp:SellerName>磨坊</fp:SellerName><fp:SellerTaxID>91500000000000000X</fp:SellerTaxID>", "")), "missing:SellerTaxID"),
        (changed(WITHHOLDING, ('RfcE="AAA010101AAA"', "")), "missing:RfcE"),
    ],
)
def test_what_is_no_invoice_is_refused_by_name_and_place(text: str, rule: str):
    fault = refusal(text)
    assert fault.rule == rule
    assert fault.place.startswith("line ") and fault.remedy
