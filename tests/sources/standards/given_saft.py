"""Audit files of several countries' flavours with invented parties."""

from __future__ import annotations

_LINE = "<Line><RecordID>{n}</RecordID><AccountID>{account}</AccountID><Description>x</Description>{tax}<{side}Amount><Amount>{amount}</Amount></{side}Amount></Line>"


def transaction(number: str, *lines: tuple[str, str, str], tax: str = "") -> str:
    """An entry of (account, Debit or Credit, amount)."""
    inner = "".join(_LINE.format(n=n, account=a, side=s, amount=v, tax=tax) for n, (a, s, v) in enumerate(lines, 1))
    return f"<Transaction><TransactionID>{number}</TransactionID><Period>1</Period><PeriodYear>2026</PeriodYear><TransactionDate>2026-01-15</TransactionDate>{inner}</Transaction>"


def norway(*transactions: str, count: str = "1", debit: str = "125.00", credit: str = "125.00", closing: str = "125.00") -> str:
    """A file of Norway's flavour: amounts in `Amount`, a prefix on every element."""
    inner = "".join(transactions or [transaction("1", ("1920", "Debit", "125.00"), ("3000", "Credit", "100.00"), ("2700", "Credit", "25.00"))])
    text = f"""<AuditFile xmlns="urn:StandardAuditFile-Taxation-Financial:NO"><Header><AuditFileVersion>1.30</AuditFileVersion><AuditFileCountry>NO</AuditFileCountry>
 <Company><RegistrationNumber>900000000</RegistrationNumber><Name>Mølle AS</Name><TaxRegistration><TaxRegistrationNumber>900000000MVA</TaxRegistrationNumber></TaxRegistration></Company>
 <DefaultCurrencyCode>NOK</DefaultCurrencyCode><SelectionCriteria><PeriodStart>1</PeriodStart><PeriodStartYear>2026</PeriodStartYear><PeriodEnd>2</PeriodEnd><PeriodEndYear>2026</PeriodEndYear></SelectionCriteria></Header>
 <MasterFiles><GeneralLedgerAccounts><Account><AccountID>1920</AccountID><AccountDescription>Bank</AccountDescription><OpeningDebitBalance>0</OpeningDebitBalance><ClosingDebitBalance>{closing}</ClosingDebitBalance></Account></GeneralLedgerAccounts>
 <TaxTable><TaxTableEntry><TaxType>MVA</TaxType><TaxCodeDetails><TaxCode>3</TaxCode><TaxPercentage>25</TaxPercentage></TaxCodeDetails></TaxTableEntry></TaxTable></MasterFiles>
 <GeneralLedgerEntries><NumberOfEntries>{count}</NumberOfEntries><TotalDebit>{debit}</TotalDebit><TotalCredit>{credit}</TotalCredit>
 <Journal><JournalID>GL</JournalID>{inner}</Journal></GeneralLedgerEntries></AuditFile>"""
    return text


_PT_INVOICE = """<Invoice><InvoiceNo>{number}</InvoiceNo><DocumentStatus><InvoiceStatus>{status}</InvoiceStatus></DocumentStatus><InvoiceDate>2026-01-15</InvoiceDate><InvoiceType>{kind}</InvoiceType>
 <SpecialRegimes><SelfBillingIndicator>0</SelfBillingIndicator></SpecialRegimes><CustomerID>C1</CustomerID>
 <Line><LineNumber>1</LineNumber><ProductCode>P</ProductCode><ProductDescription>Farinha</ProductDescription><Quantity>4</Quantity><UnitOfMeasure>KG</UnitOfMeasure><UnitPrice>25.00</UnitPrice><Description>Farinha</Description>
  <{side}Amount>100.00</{side}Amount><Tax><TaxType>IVA</TaxType><TaxCode>NOR</TaxCode><TaxPercentage>23</TaxPercentage></Tax></Line>
 <DocumentTotals><TaxPayable>23.00</TaxPayable><NetTotal>100.00</NetTotal><GrossTotal>{gross}</GrossTotal></DocumentTotals></Invoice>"""


def pt_invoice(number: str = "FT 1/1", kind: str = "FT", side: str = "Credit", status: str = "N", gross: str = "123.00") -> str:
    return _PT_INVOICE.format(number=number, kind=kind, side=side, status=status, gross=gross)


def portugal(*invoices: str, count: str = "1", debit: str = "0.00", credit: str = "100.00") -> str:
    """A file of Portugal's flavour: plain amounts, customers straight under MasterFiles, debit and credit as two kinds of line."""
    return f"""<?xml version="1.0" encoding="windows-1252"?><AuditFile xmlns="urn:OECD:StandardAuditFile-Tax:PT_1.04_01"><Header><AuditFileVersion>1.04_01</AuditFileVersion><CompanyID>500000000</CompanyID>
 <TaxRegistrationNumber>500000000</TaxRegistrationNumber><CompanyName>Moínho Lda</CompanyName><CompanyAddress><Country>PT</Country></CompanyAddress><StartDate>2026-01-01</StartDate><EndDate>2026-01-31</EndDate><CurrencyCode>EUR</CurrencyCode></Header>
 <MasterFiles><Customer><CustomerID>C1</CustomerID><AccountID>21</AccountID><CustomerTaxID>999999990</CustomerTaxID><CompanyName>Padaria</CompanyName><BillingAddress><Country>PT</Country></BillingAddress></Customer></MasterFiles>
 <GeneralLedgerEntries><NumberOfEntries>1</NumberOfEntries><TotalDebit>123.00</TotalDebit><TotalCredit>123.00</TotalCredit><Journal><JournalID>V</JournalID>
  <Transaction><TransactionID>T1</TransactionID><Period>1</Period><TransactionDate>2026-01-15</TransactionDate><CustomerID>C1</CustomerID><Lines><DebitLine><RecordID>1</RecordID><AccountID>21</AccountID><DebitAmount>123.00</DebitAmount></DebitLine>
  <CreditLine><RecordID>2</RecordID><AccountID>71</AccountID><CreditAmount>123.00</CreditAmount></CreditLine></Lines></Transaction></Journal></GeneralLedgerEntries>
 <SourceDocuments><SalesInvoices><NumberOfEntries>{count}</NumberOfEntries><TotalDebit>{debit}</TotalDebit><TotalCredit>{credit}</TotalCredit>{"".join(invoices or [pt_invoice()])}</SalesInvoices>
 <MovementOfGoods><StockMovement><DocumentNumber>G1</DocumentNumber></StockMovement></MovementOfGoods></SourceDocuments></AuditFile>"""


ROMANIA = """<nsSAFT:AuditFile xmlns:nsSAFT="mfp:anaf:dgti:d406:declaratie:v1"><nsSAFT:Header><nsSAFT:AuditFileVersion>2.4.7</nsSAFT:AuditFileVersion><nsSAFT:AuditFileCountry>RO</nsSAFT:AuditFileCountry>
 <nsSAFT:Company><nsSAFT:RegistrationNumber>RO100</nsSAFT:RegistrationNumber><nsSAFT:Name>Moara SRL</nsSAFT:Name></nsSAFT:Company><nsSAFT:DefaultCurrencyCode>RON</nsSAFT:DefaultCurrencyCode></nsSAFT:Header>
 <nsSAFT:MasterFiles><nsSAFT:Suppliers><nsSAFT:Supplier><nsSAFT:CompanyStructure><nsSAFT:RegistrationNumber>00200</nsSAFT:RegistrationNumber><nsSAFT:Name>Silozul</nsSAFT:Name></nsSAFT:CompanyStructure><nsSAFT:SupplierID>S9</nsSAFT:SupplierID></nsSAFT:Supplier></nsSAFT:Suppliers></nsSAFT:MasterFiles>
 <nsSAFT:SourceDocuments><nsSAFT:PurchaseInvoices><nsSAFT:NumberOfEntries>1</nsSAFT:NumberOfEntries><nsSAFT:TotalDebit>200.00</nsSAFT:TotalDebit><nsSAFT:TotalCredit>0.00</nsSAFT:TotalCredit>
 <nsSAFT:Invoice><nsSAFT:InvoiceNo>77</nsSAFT:InvoiceNo><nsSAFT:SupplierInfo><nsSAFT:SupplierID>S9</nsSAFT:SupplierID></nsSAFT:SupplierInfo><nsSAFT:InvoiceDate>2026-01-15</nsSAFT:InvoiceDate><nsSAFT:InvoiceType>380</nsSAFT:InvoiceType>
  <nsSAFT:Line><nsSAFT:LineNumber>1</nsSAFT:LineNumber><nsSAFT:Quantity>2</nsSAFT:Quantity><nsSAFT:UnitPrice>100</nsSAFT:UnitPrice><nsSAFT:InvoiceLineAmount><nsSAFT:Amount>200.00</nsSAFT:Amount></nsSAFT:InvoiceLineAmount><nsSAFT:DebitCreditIndicator>D</nsSAFT:DebitCreditIndicator>
   <nsSAFT:TaxInformation><nsSAFT:TaxCode>310309</nsSAFT:TaxCode><nsSAFT:TaxPercentage>19</nsSAFT:TaxPercentage><nsSAFT:TaxAmount><nsSAFT:Amount>38.00</nsSAFT:Amount></nsSAFT:TaxAmount></nsSAFT:TaxInformation></nsSAFT:Line>
  <nsSAFT:DocumentTotals><nsSAFT:NetTotal>200.00</nsSAFT:NetTotal><nsSAFT:GrossTotal>238.00</nsSAFT:GrossTotal></nsSAFT:DocumentTotals></nsSAFT:Invoice></nsSAFT:PurchaseInvoices>
 <nsSAFT:Payments><nsSAFT:NumberOfEntries>1</nsSAFT:NumberOfEntries><nsSAFT:TotalDebit>238</nsSAFT:TotalDebit><nsSAFT:TotalCredit>0</nsSAFT:TotalCredit><nsSAFT:Payment><nsSAFT:PaymentRefNo>OP1</nsSAFT:PaymentRefNo><nsSAFT:TransactionDate>2026-01-20</nsSAFT:TransactionDate><nsSAFT:PaymentMethod>03</nsSAFT:PaymentMethod>
  <nsSAFT:Line><nsSAFT:SourceDocumentID>77</nsSAFT:SourceDocumentID><nsSAFT:SupplierID>S9</nsSAFT:SupplierID><nsSAFT:DebitCreditIndicator>D</nsSAFT:DebitCreditIndicator><nsSAFT:PaymentLineAmount><nsSAFT:Amount>238.00</nsSAFT:Amount></nsSAFT:PaymentLineAmount></nsSAFT:Line></nsSAFT:Payment></nsSAFT:Payments>
 </nsSAFT:SourceDocuments></nsSAFT:AuditFile>"""

_RECEIPT = """<cashtransaction><nr>{number}</nr><transID>{number}</transID><transType>CASHSAL</transType><transAmntIn>{gross}</transAmntIn><transAmntEx>{net}</transAmntEx><amntTp>{side}</amntTp><transDate>2026-01-15</transDate>
 <ctLine><lineID>1</lineID><artID>1001</artID><qnt>1</qnt><lineAmntIn>{gross}</lineAmntIn><lineAmntEx>{net}</lineAmntEx><amntTp>{side}</amntTp><vat><vatCode>1</vatCode><vatPerc>25.00</vatPerc><vatAmnt>{tax}</vatAmnt></vat></ctLine>
 <vat><vatCode>1</vatCode><vatPerc>25.00</vatPerc><vatAmnt>{tax}</vatAmnt><vatAmntTp>{side}</vatAmntTp><vatBasAmnt>{net}</vatBasAmnt></vat><payment><paymentType>CASH</paymentType><paidAmnt>{gross}</paidAmnt><curCode>NOK</curCode></payment>
 <voidTransaction>{void}</voidTransaction><trainingID>false</trainingID></cashtransaction>"""


def receipt(number: str, net: str = "100.00", tax: str = "25.00", gross: str = "125.00", side: str = "C", void: str = "false") -> str:
    return _RECEIPT.format(number=number, net=net, tax=tax, gross=gross, side=side, void=void)


def till(*receipts: str) -> str:
    return f"""<auditfile xmlns="urn:StandardAuditFile-Taxation-CashRegister:NO"><header><startDate>2026-01-01</startDate><endDate>2026-01-31</endDate><curCode>NOK</curCode></header>
 <company><companyIdent>900000000</companyIdent><companyName>Bakeri</companyName><taxRegIdent>900000000MVA</taxRegIdent><location><cashregister><registerID>K1</registerID>{"".join(receipts)}</cashregister></location></company></auditfile>"""
