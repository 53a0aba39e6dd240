"""Poland's JPK: invoices with their lines, registers, and what the file states of them."""

from __future__ import annotations

import pytest

from tests.sources.standards.given import amounts, changed, refusal
from tests.sources.standards.test_saft import checks, rows

_HEAD = """<JPK xmlns="http://jpk.mf.gov.pl/wzor/" xmlns:etd="http://crd.gov.pl/typy/"><Naglowek><KodFormularza kodSystemowy="{system}">{text}</KodFormularza><DataOd>2026-01-01</DataOd><DataDo>2026-01-31</DataDo>
 <DomyslnyKodWaluty>PLN</DomyslnyKodWaluty></Naglowek><Podmiot1><IdentyfikatorPodmiotu><etd:NIP>1111111111</etd:NIP><etd:PelnaNazwa>Młyn</etd:PelnaNazwa></IdentyfikatorPodmiotu></Podmiot1>"""

FA = _HEAD.format(system="JPK_FA (4)", text="JPK_FA") + """<Faktura><KodWaluty>PLN</KodWaluty><P_1>2026-01-15</P_1><P_2A>FV/1</P_2A><P_3A>Piekarnia</P_3A><P_3C>Młyn</P_3C><P_4B>1111111111</P_4B><P_5A>DE</P_5A><P_5B>222</P_5B>
 <P_13_1>100.00</P_13_1><P_14_1>23.00</P_14_1><P_14_1W>99.00</P_14_1W><P_13_2>50.00</P_13_2><P_14_2>4.00</P_14_2><P_15>177.00</P_15><RodzajFaktury>VAT</RodzajFaktury></Faktura>
 <FakturaCtrl><LiczbaFaktur>1</LiczbaFaktur><WartoscFaktur>177.00</WartoscFaktur></FakturaCtrl>
 <FakturaWiersz><P_2B>FV/1</P_2B><P_7>Mąka</P_7><P_8A>kg</P_8A><P_8B>4</P_8B><P_9A>25.00</P_9A><P_11>100.00</P_11><P_12>23</P_12></FakturaWiersz>
 <FakturaWiersz><P_2B>FV/1</P_2B><P_7>Worek</P_7><P_11>50.00</P_11><P_12>zw</P_12></FakturaWiersz>
 <FakturaWierszCtrl><LiczbaWierszyFaktur>2</LiczbaWierszyFaktur><WartoscWierszyFaktur>150.00</WartoscWierszyFaktur></FakturaWierszCtrl></JPK>"""  # fmt: skip

V7 = _HEAD.format(system="JPK_V7M (2)", text="JPK_VAT") + """<Ewidencja><SprzedazWiersz><LpSprzedazy>1</LpSprzedazy><NrKontrahenta>BRAK</NrKontrahenta><NazwaKontrahenta>BRAK</NazwaKontrahenta><DowodSprzedazy>P/1</DowodSprzedazy>
 <DataWystawienia>2026-01-15</DataWystawienia><TypDokumentu>RO</TypDokumentu><K_19>100.00</K_19><K_20>23.00</K_20></SprzedazWiersz><SprzedazCtrl><LiczbaWierszySprzedazy>1</LiczbaWierszySprzedazy><PodatekNalezny>23.00</PodatekNalezny></SprzedazCtrl>
 <ZakupWiersz><LpZakupu>1</LpZakupu><NrDostawcy>333</NrDostawcy><NazwaDostawcy>Silos</NazwaDostawcy><DowodZakupu>Z/9</DowodZakupu><DataZakupu>2026-01-10</DataZakupu><K_42>10.00</K_42><K_43>0.80</K_43></ZakupWiersz>
 <ZakupCtrl><LiczbaWierszyZakupow>1</LiczbaWierszyZakupow><PodatekNaliczony>0.80</PodatekNaliczony></ZakupCtrl></Ewidencja></JPK>"""  # fmt: skip


def test_invoices_and_lines_that_name_them():
    (row,) = rows(FA, "invoice")
    assert (row["number"], row["seller_id"], row["buyer_id"], row["buyer_name"], row["kind"]) == ("FV/1", "1111111111", "DE222", "Piekarnia", "ordinary")
    assert amounts(row, "net", "tax", "gross", "difference") == ["150", "27", "177", "0"]
    assert [(r["number"], r["line"], r["item"], *amounts(r, "net", "tax_rate")) for r in rows(FA, "invoice_line")] == [("FV/1", "1", "Mąka", "100", "23"), ("FV/1", "2", "Worek", "50", None)]
    assert len(rows(FA, "check")) == 4 and checks(FA) == {}


def test_registers_of_sales_and_purchases():
    sale, bought = rows(V7, "invoice")
    assert (sale["number"], sale["kind"], sale["seller_id"], sale["buyer_id"], *amounts(sale, "net", "tax", "gross")) == ("P/1", "receipt", "1111111111", None, "100", "23", "123")
    assert (bought["number"], bought["seller_id"], bought["seller_name"], bought["buyer_id"], *amounts(bought, "net", "tax")) == ("Z/9", "333", "Silos", "1111111111", "10", "0.8")
    assert checks(V7) == {}


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        (changed(FA, ("<WartoscFaktur>177.00", "<WartoscFaktur>178.00")), {"FakturaCtrl/WartoscFaktur": "1"}),
        (changed(FA, ("<P_15>177.00", "<P_15>180.00")), {"gross": "3", "FakturaCtrl/WartoscFaktur": "-3"}),
        (changed(V7, ("<PodatekNalezny>23.00", "<PodatekNalezny>20.00")), {"SprzedazCtrl/PodatekNalezny": "-3"}),
        (changed(V7, ("<LiczbaWierszyZakupow>1", "<LiczbaWierszyZakupow>2")), {"ZakupCtrl/LiczbaWierszyZakupow": "1"}),
    ],
)
def test_totals_that_lie(text: str, broken: dict[str, str]):
    assert checks(text) == broken


def test_other_kinds_and_files_without_a_taxpayer_are_refused():
    assert refusal(changed(FA, ("JPK_FA (4)", "JPK_WB (1)"), (">JPK_FA<", ">JPK_WB<"))).rule == "no_invoice:JPK"
    assert refusal(FA[:-100]).rule == "xml"
