"""Documents of each standard with invented parties, as text to be changed, and what reading one gives."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from jobs.sources.standards.canonical import Document
from jobs.sources.standards.read import read_file
from jobs.sources.standards.xml import Refused

UBL = """<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
 <cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>F-1</cbc:ID><cbc:IssueDate>2026-01-15</cbc:IssueDate>
 <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
 <cac:AccountingSupplierParty><cac:Party><cac:PartyTaxScheme><cbc:CompanyID>XX100</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
  <cac:PartyLegalEntity><cbc:RegistrationName>Mill &amp; Sons</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:AccountingSupplierParty>
 <cac:AccountingCustomerParty><cac:Party><cac:PartyName><cbc:Name>Baker</cbc:Name></cac:PartyName></cac:Party></cac:AccountingCustomerParty>
 <cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:Amount currencyID="EUR">10.00</cbc:Amount></cac:AllowanceCharge>
 <cac:TaxTotal><cbc:TaxAmount currencyID="EUR">18.00</cbc:TaxAmount><cac:TaxSubtotal><cbc:TaxableAmount currencyID="EUR">90.00</cbc:TaxableAmount>
  <cbc:TaxAmount currencyID="EUR">18.00</cbc:TaxAmount><cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>20</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>
 <cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount><cbc:TaxExclusiveAmount currencyID="EUR">90.00</cbc:TaxExclusiveAmount>
  <cbc:TaxInclusiveAmount currencyID="EUR">108.00</cbc:TaxInclusiveAmount><cbc:PrepaidAmount currencyID="EUR">8.00</cbc:PrepaidAmount>
  <cbc:PayableAmount currencyID="EUR">100.00</cbc:PayableAmount></cac:LegalMonetaryTotal>
 <cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode="KGM">6</cbc:InvoicedQuantity><cbc:LineExtensionAmount currencyID="EUR">120.00</cbc:LineExtensionAmount>
  <cac:Item><cbc:Name>Flour</cbc:Name><cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>20</cbc:Percent></cac:ClassifiedTaxCategory></cac:Item>
  <cac:Price><cbc:PriceAmount currencyID="EUR">40</cbc:PriceAmount><cbc:BaseQuantity>2</cbc:BaseQuantity></cac:Price></cac:InvoiceLine>
 <cac:InvoiceLine><cbc:ID>2</cbc:ID><cbc:InvoicedQuantity unitCode="KGM">-1</cbc:InvoicedQuantity><cbc:LineExtensionAmount currencyID="EUR">-20.00</cbc:LineExtensionAmount>
  <cac:Item><cbc:Name>Sack returned</cbc:Name></cac:Item></cac:InvoiceLine>
</Invoice>"""

CII = """<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100" xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
 <rsm:ExchangedDocument><ram:ID>C-1</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime><udt:DateTimeString format="102">20260115</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
 <rsm:SupplyChainTradeTransaction>
  <ram:IncludedSupplyChainTradeLineItem><ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>
   <ram:SpecifiedTradeProduct><ram:Name>Flour</ram:Name></ram:SpecifiedTradeProduct>
   <ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>25.00</ram:ChargeAmount></ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>
   <ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="KGM">4</ram:BilledQuantity></ram:SpecifiedLineTradeDelivery>
   <ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax><ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>20</ram:RateApplicablePercent></ram:ApplicableTradeTax>
    <ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>100.00</ram:LineTotalAmount></ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
  </ram:IncludedSupplyChainTradeLineItem>
  <ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty><ram:Name>Mill</ram:Name><ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">XX100</ram:ID></ram:SpecifiedTaxRegistration></ram:SellerTradeParty>
   <ram:BuyerTradeParty><ram:Name>Baker</ram:Name></ram:BuyerTradeParty></ram:ApplicableHeaderTradeAgreement>
  <ram:ApplicableHeaderTradeSettlement><ram:TaxCurrencyCode>SEK</ram:TaxCurrencyCode><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
   <ram:ApplicableTradeTax><ram:CalculatedAmount>22.00</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode><ram:BasisAmount>110.00</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>20</ram:RateApplicablePercent></ram:ApplicableTradeTax>
   <ram:SpecifiedTradeAllowanceCharge><ram:ChargeIndicator><udt:Indicator>true</udt:Indicator></ram:ChargeIndicator><ram:ActualAmount>10.00</ram:ActualAmount></ram:SpecifiedTradeAllowanceCharge>
   <ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>100.00</ram:LineTotalAmount><ram:ChargeTotalAmount>10.00</ram:ChargeTotalAmount><ram:TaxBasisTotalAmount>110.00</ram:TaxBasisTotalAmount>
    <ram:TaxTotalAmount currencyID="EUR">22.00</ram:TaxTotalAmount><ram:TaxTotalAmount currencyID="SEK">250.00</ram:TaxTotalAmount><ram:RoundingAmount>0.30</ram:RoundingAmount>
    <ram:GrandTotalAmount>132.00</ram:GrandTotalAmount><ram:DuePayableAmount>132.30</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation>
  </ram:ApplicableHeaderTradeSettlement>
 </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>"""

_BODY = """<FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento><TipoDocumento>{kind}</TipoDocumento><Divisa>EUR</Divisa><Data>2026-01-15</Data><Numero>{number}</Numero>
 {head}</DatiGeneraliDocumento></DatiGenerali>
 <DatiBeniServizi><DettaglioLinee><NumeroLinea>1</NumeroLinea><Descrizione>Farina</Descrizione><Quantita>4.00</Quantita><PrezzoUnitario>25.00</PrezzoUnitario><PrezzoTotale>100.00</PrezzoTotale><AliquotaIVA>22.00</AliquotaIVA></DettaglioLinee>
 <DatiRiepilogo><AliquotaIVA>22.00</AliquotaIVA><ImponibileImporto>{base}</ImponibileImporto><Imposta>22.00</Imposta></DatiRiepilogo></DatiBeniServizi></FatturaElettronicaBody>"""


def body(number: str = "P-1", kind: str = "TD01", head: str = "", base: str = "100.00") -> str:
    return _BODY.format(number=number, kind=kind, head=head, base=base)


def fatturapa(*bodies: str) -> str:
    return """<p:FatturaElettronica xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2" versione="FPR12"><FatturaElettronicaHeader>
 <CedentePrestatore><DatiAnagrafici><IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>00000000001</IdCodice></IdFiscaleIVA><Anagrafica><Denominazione>Mulino</Denominazione></Anagrafica></DatiAnagrafici></CedentePrestatore>
 <CessionarioCommittente><DatiAnagrafici><CodiceFiscale>AAAAAA00A00A000A</CodiceFiscale><Anagrafica><Nome>Anna</Nome><Cognome>Forno</Cognome></Anagrafica></DatiAnagrafici></CessionarioCommittente>
 </FatturaElettronicaHeader>""" + "".join(bodies or [body()]) + "</p:FatturaElettronica>"


CFDI40 = """<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4" Version="4.0" Serie="A" Folio="7" Fecha="2026-01-15T10:00:00" SubTotal="110.00" Descuento="10.00" Total="111.00" Moneda="MXN" TipoDeComprobante="I">
 <cfdi:Emisor Rfc="AAA010101AAA" Nombre="MOLINO"/><cfdi:Receptor Rfc="BBB010101BBB" Nombre="PANADERIA"/>
 <cfdi:Conceptos><cfdi:Concepto ClaveUnidad="KGM" Cantidad="11" Descripcion="Harina" ValorUnitario="10" Importe="110.00" Descuento="10.00"><cfdi:Impuestos><cfdi:Traslados>
  <cfdi:Traslado Base="100.00" Impuesto="002" TipoFactor="Tasa" TasaOCuota="0.160000" Importe="16.00"/></cfdi:Traslados></cfdi:Impuestos></cfdi:Concepto></cfdi:Conceptos>
 <cfdi:Impuestos TotalImpuestosRetenidos="5.00" TotalImpuestosTrasladados="16.00"><cfdi:Retenciones><cfdi:Retencion Impuesto="001" Importe="5.00"/></cfdi:Retenciones>
  <cfdi:Traslados><cfdi:Traslado Base="100.00" Impuesto="002" TipoFactor="Tasa" TasaOCuota="0.160000" Importe="16.00"/></cfdi:Traslados></cfdi:Impuestos>
 <cfdi:Complemento><tfd:TimbreFiscalDigital xmlns:tfd="http://www.sat.gob.mx/TimbreFiscalDigital" UUID="00000000-0000-0000-0000-000000000007"/></cfdi:Complemento>
</cfdi:Comprobante>"""

CFDI32 = """<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/3" version="3.2" folio="8" fecha="2014-01-15T10:00:00" subTotal="100.00" descuento="10.00" total="104.40" tipoDeComprobante="ingreso">
 <cfdi:Emisor rfc="AAA010101AAA" nombre="MOLINO"/><cfdi:Receptor rfc="BBB010101BBB"/>
 <cfdi:Conceptos><cfdi:Concepto cantidad="10" unidad="kg" descripcion="Harina" valorUnitario="10" importe="100.00"/></cfdi:Conceptos>
 <cfdi:Impuestos totalImpuestosTrasladados="14.40"><cfdi:Traslados><cfdi:Traslado impuesto="IVA" tasa="16.00" importe="14.40"/></cfdi:Traslados></cfdi:Impuestos>
</cfdi:Comprobante>"""

PAYMENT = """<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4" xmlns:pago20="http://www.sat.gob.mx/Pagos20" Version="4.0" Folio="9" Fecha="2026-01-20T10:00:00" SubTotal="0" Total="0" Moneda="XXX" TipoDeComprobante="P">
 <cfdi:Emisor Rfc="AAA010101AAA"/><cfdi:Receptor Rfc="BBB010101BBB"/><cfdi:Conceptos><cfdi:Concepto Cantidad="1" Descripcion="Pago" ValorUnitario="0" Importe="0"/></cfdi:Conceptos>
 <cfdi:Complemento><pago20:Pagos Version="2.0"><pago20:Totales MontoTotalPagos="2000.00"/>
  <pago20:Pago FechaPago="2026-01-19T12:00:00" FormaDePagoP="03" MonedaP="USD" TipoCambioP="20" Monto="100.00">
   <pago20:DoctoRelacionado IdDocumento="U-1" Folio="7" MonedaDR="USD" EquivalenciaDR="1" NumParcialidad="1" ImpSaldoAnt="111.00" ImpPagado="100.00" ImpSaldoInsoluto="11.00"/></pago20:Pago></pago20:Pagos>
 <tfd:TimbreFiscalDigital xmlns:tfd="http://www.sat.gob.mx/TimbreFiscalDigital" UUID="00000000-0000-0000-0000-000000000009"/></cfdi:Complemento></cfdi:Comprobante>"""

WITHHOLDING = """<r:Retenciones xmlns:r="http://www.sat.gob.mx/esquemas/retencionpago/2" Version="2.0" FolioInt="R1" CveRetenc="14" FechaExp="2026-02-01T10:00:00">
 <r:Emisor RfcE="AAA010101AAA" NomDenRazSocE="MOLINO"/><r:Receptor NacionalidadR="Nacional"><r:Nacional RfcR="CCC010101CCC" NomDenRazSocR="SOCIO"/></r:Receptor>
 <r:Periodo MesIni="01" MesFin="02" Ejercicio="2026"/><r:Totales MontoTotOperacion="1000" MontoTotGrav="1000" MontoTotExent="0" MontoTotRet="100">
 <r:ImpRetenidos BaseRet="1000" ImpuestoRet="001" MontoRet="100" TipoPagoRet="01"/></r:Totales></r:Retenciones>"""

CHINA = """<eInvoice xmlns:fp="http://www.edrm.org.cn/schema/e-invoice/2019" Version="1.0"><fp:InvoiceCode>050000000111</fp:InvoiceCode><fp:InvoiceNo>00000001</fp:InvoiceNo><fp:IssueDate>2026年01月15日</fp:IssueDate>
 <fp:Buyer><fp:BuyerName>面包房</fp:BuyerName></fp:Buyer><fp:Seller><fp:SellerName>磨坊</fp:SellerName><fp:SellerTaxID>91500000000000000X</fp:SellerTaxID></fp:Seller>
 <fp:TaxInclusiveTotalAmount>106.00</fp:TaxInclusiveTotalAmount><fp:TaxTotalAmount>6.00</fp:TaxTotalAmount><fp:TaxExclusiveTotalAmount>100.00</fp:TaxExclusiveTotalAmount>
 <fp:GoodsInfos><fp:GoodsInfo><fp:Item>*粮食*面粉</fp:Item><fp:MeasurementDimension>袋</fp:MeasurementDimension><fp:Price>25</fp:Price><fp:Quantity>4</fp:Quantity><fp:Amount>100.00</fp:Amount>
 <fp:TaxScheme>6%</fp:TaxScheme><fp:TaxAmount>6.00</fp:TaxAmount></fp:GoodsInfo></fp:GoodsInfos></eInvoice>"""


def documents(data: str | bytes) -> list[Document | Refused]:
    raw = data if isinstance(data, bytes) else data.encode()
    return list(read_file(io.BytesIO(raw)).documents)


def only(data: str | bytes) -> Document:
    """The one document of a text."""
    (found,) = documents(data)
    if isinstance(found, Refused):
        raise found
    return found


def invoice(data: str | bytes) -> dict[str, Any]:
    return dict(only(data).of("invoice")[0])


def refusal(data: str | bytes) -> Refused:
    """Why a text is refused, as a whole or in its one document."""
    try:
        (found,) = documents(data)
    except Refused as fault:
        return fault
    assert isinstance(found, Refused), found
    return found


def amounts(row: dict[str, Any], *columns: str) -> list[str | None]:
    """Amounts as plain text, without trailing zeros."""
    return [None if row.get(c) is None else plain(row[c]) for c in columns]


def plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def changed(text: str, *pairs: tuple[str, str]) -> str:
    """The text with parts replaced, each of which must be there."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


Reader = Callable[[str], Document]
