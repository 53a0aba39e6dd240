"""SAF-T audit files of any country (OECD's schema and what Norway, Portugal, Austria, Romania, Lithuania, … made of it).

Read record by record, by local names: header, accounts, customers and suppliers, tax table, journal lines, sales and purchase
invoices, payments. Amounts stand plain or as `Amount`; debit and credit as elements, as an indicator or as two kinds of line.
What each section says of itself (NumberOfEntries, TotalDebit, TotalCredit) is compared with what stands in it.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from lxml import etree

from jobs.sources.standards.canonical import Document, Row
from jobs.sources.standards.nodes import any_text, each, first, text_at
from jobs.sources.standards.recognise import Found
from jobs.sources.standards.saft_documents import invoice_of, payment_of
from jobs.sources.standards.saft_ledger import transaction_of
from jobs.sources.standards.saft_parts import Company, Parties, value
from jobs.sources.standards.stream import records, well_formed
from jobs.sources.standards.totals import ZERO, amount_of, compare
from jobs.sources.standards.values import date_at
from jobs.sources.standards.xml import Refused

PLACES = {
    "Header": ("AuditFile",),
    "Account": ("GeneralLedgerAccounts", "GeneralLedger"),
    "GeneralLedger": ("MasterFiles",),
    "Customer": ("Customers", "MasterFiles"),
    "Supplier": ("Suppliers", "MasterFiles"),
    "TaxTableEntry": ("TaxTable",),
    "JournalID": ("Journal",),
    "Transaction": ("Journal", "GeneralLedgerEntries"),
    "Invoice": ("SalesInvoices", "PurchaseInvoices"),
    "Payment": ("Payments",),
    **dict.fromkeys(("NumberOfEntries", "TotalDebit", "TotalCredit"), ("GeneralLedgerEntries", "SalesInvoices", "PurchaseInvoices", "Payments")),
    **dict.fromkeys(("Product", "StockMovement", "WorkDocument", "PhysicalStockEntry", "Asset", "AssetTransaction", "Owner", "AnalysisTypeTableEntry"), None),
}
"""Records by local name, and the parents under which they are one; None: passed over."""
MOST_PARTIES = 2_000_000


@dataclass
class Section:
    """What a section says of itself, and what stood in it."""

    stated: dict[str, Decimal] = field(default_factory=dict)
    entries: int = 0
    debit: Decimal = ZERO
    credit: Decimal = ZERO


@dataclass
class State:
    """What earlier records of a file tell later ones."""

    company: Company = field(default_factory=Company)
    parties: Parties = field(default_factory=Parties)
    journal: str | None = None
    sections: dict[str, Section] = field(default_factory=dict)
    balances: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    moved: dict[str, Decimal] = field(default_factory=dict)

    def section(self, name: str) -> Section:
        """A section by name, made when it is first met."""
        return self.sections.setdefault(name, Section())


def read_saft(stream: BinaryIO) -> Found:
    """The records of an audit file. Refused as a whole when it is broken anywhere or has no header; a record alone otherwise."""
    well_formed(stream)
    state = State()
    for name, parent, element in records(stream, tuple(PLACES), _wanted):
        if PLACES[name] is None:
            continue
        try:
            found = _record(name, parent, element, state)
        except Refused as fault:
            if name == "Header":
                raise
            yield fault
            continue
        if found is not None and found.rows:
            yield found
    if not state.company.known:
        raise Refused("missing:Header", "no Header in AuditFile: nobody is named whose books these are")
    yield _checks(state)


def _wanted(name: str, parent: str) -> bool:
    places = PLACES[name]
    return places is None or parent in places


def _record(name: str, parent: str, element: etree._Element, state: State) -> Document | None:
    if name == "Header":
        return _header(element, state)
    if name in ("Account", "GeneralLedger"):
        return _account(element, state) if first(element, "AccountID") is not None else None
    if name in ("Customer", "Supplier"):
        return _party(element, name, state)
    if name == "TaxTableEntry":
        return _tax_codes(element)
    if name == "JournalID":
        state.journal = (element.text or "").strip() or None
        return None
    if name == "Transaction":
        return _transaction(element, state)
    if name in ("NumberOfEntries", "TotalDebit", "TotalCredit"):
        state.section(parent).stated[name] = value(element.getparent(), name) or ZERO
        return None
    section = state.section(parent)
    section.entries += 1
    document, debit, credit = (invoice_of if name == "Invoice" else payment_of)(element, parent, state.company, state.parties)
    section.debit += debit
    section.credit += credit
    return document


def _header(element: etree._Element, state: State) -> Document:
    company = first(element, "Company")
    company = company if company is not None else element
    found = state.company
    found.id = any_text(company, "TaxRegistration/TaxRegistrationNumber", "TaxRegistrationNumber", "RegistrationNumber", "TaxRegistration/TaxNumber", "CompanyID")
    found.name = any_text(company, "Name", "CompanyName", "BusinessName")
    if not (found.id or found.name):
        raise Refused("missing:Company", "no Company in Header: nobody is named whose books these are", place=f"line {element.sourceline}, Header")
    found.country = any_text(element, "AuditFileCountry", "Company/Address/Country", "CompanyAddress/Country")
    found.currency = any_text(element, "DefaultCurrencyCode", "CurrencyCode")
    found.known = True
    period = first(element, "SelectionCriteria")
    period = period if period is not None else element
    document = Document()
    document.add(
        "audit_file", standard="saf-t", version=_version(element), country=found.country, company_id=found.id, company_name=found.name, currency=found.currency,
        period_from=_first_date(period, "SelectionStartDate", "StartDate") or _month(period, "PeriodStart"),
        period_to=_first_date(period, "SelectionEndDate", "EndDate") or _month(period, "PeriodEnd"),
        created=_first_date(element, "AuditFileDateCreated", "DateCreated"), software=any_text(element, "SoftwareCompanyName", "SoftwareID", "ProductID"),
    )  # fmt: skip
    return document


def _version(element: etree._Element) -> str:
    space = str(element.tag).rpartition("}")[0].lstrip("{") or next((u for u in element.nsmap.values() if u and "standardauditfile" in u.lower()), "")
    return " ".join(p for p in (space, any_text(element, "AuditFileVersion")) if p)


def _first_date(element: etree._Element, *names: str) -> date | None:
    return next((d for n in names if (d := date_at(element, n)) is not None), None)


def _month(period: etree._Element, name: str) -> date | None:
    """The first or last day of a period given as a month and its year; None for a period that is no month."""
    month, year = text_at(period, name), text_at(period, name + "Year")
    if not (month and year and month.isdigit() and year.isdigit() and 1 <= int(month) <= 12 and 1 <= int(year) <= 9999):
        return None
    return date(int(year), int(month), calendar.monthrange(int(year), int(month))[1] if name == "PeriodEnd" else 1)


def _balances(element: etree._Element) -> Row:
    inner = first(element, "BalanceAccount")
    where = inner if inner is not None else element
    names = ("OpeningDebit", "OpeningCredit", "ClosingDebit", "ClosingCredit")
    return {f"{n[:7].lower()}_{n[7:].lower()}": value(where, n + "Balance") for n in names}


def _account(element: etree._Element, state: State) -> Document:
    document = Document()
    row = document.add(
        "account", company_id=state.company.id, account_id=text_at(element, "AccountID"), name=text_at(element, "AccountDescription"),
        standard_account=any_text(element, "StandardAccountID", "GroupingCode", "TaxonomyCode"), kind=any_text(element, "AccountType", "GroupingCategory"), **_balances(element),
    )  # fmt: skip
    opening, closing = (amount_of(row, f"{w}_debit") - amount_of(row, f"{w}_credit") for w in ("opening", "closing"))
    state.balances[str(row["account_id"])] = (opening, closing)
    return document


def _party(element: etree._Element, role: str, state: State) -> Document:
    tax_id = any_text(element, "TaxRegistration/TaxRegistrationNumber", f"{role}TaxID", "TaxRegistrationNumber", "CompanyStructure/TaxRegistration/TaxRegistrationNumber",
                      "CompanyStructure/RegistrationNumber", "RegistrationNumber", "TaxRegistration/TaxNumber")  # fmt: skip
    name = any_text(element, "Name", "CompanyName", "CompanyStructure/Name")
    country = any_text(element, "Address/Country", "BillingAddress/Country", "CompanyStructure/Address/Country", "TaxRegistration/Country")
    key = any_text(element, f"{role}ID") or tax_id
    if key and len(state.parties.known) < MOST_PARTIES:
        state.parties.known[role, key] = (tax_id, name, country)
    document = Document()
    document.add(
        "party", company_id=state.company.id, role=role.lower(), party_id=key, tax_id=tax_id, name=name, country=country,
        account_id=any_text(element, "AccountID", "BalanceAccount/AccountID"), **_balances(element),
    )  # fmt: skip
    return document


def _tax_codes(element: etree._Element) -> Document:
    document, kind = Document(), text_at(element, "TaxType")
    for found in list(each(element, "TaxCodeDetails")) or [element]:
        document.add(
            "tax_code", standard="saf-t", tax_kind=kind, code=text_at(found, "TaxCode"), name=any_text(found, "Description") or text_at(element, "Description"),
            country=any_text(found, "Country", "TaxCountryRegion"), rate=value(found, "TaxPercentage"), standard_code=text_at(found, "StandardTaxCode"),
            valid_from=date_at(found, "EffectiveDate"), valid_to=date_at(found, "ExpirationDate") or date_at(found, "TaxExpirationDate"),
        )  # fmt: skip
    return document


def _transaction(element: etree._Element, state: State) -> Document:
    document, section = transaction_of(element, state.journal, state.company), state.section("GeneralLedgerEntries")
    section.entries += 1
    for line in document.of("ledger_line"):
        debit, credit, account = amount_of(line, "debit"), amount_of(line, "credit"), line["account_id"]
        section.debit += debit
        section.credit += credit
        if isinstance(account, str) and (account in state.moved or len(state.moved) < MOST_PARTIES):
            state.moved[account] = state.moved.get(account, ZERO) + debit - credit
    return document


def _checks(state: State) -> Document:
    """What sections state against what stood in them, always; accounts whose closing balance does not follow, when not."""
    document = Document()
    for name, section in state.sections.items():
        counted = {"NumberOfEntries": Decimal(section.entries), "TotalDebit": section.debit, "TotalCredit": section.credit}
        for rule, stated in section.stated.items():
            compare(document, f"{name}/{rule}", stated, counted[rule], always=True)
    if state.moved:
        for account, (opening, closing) in state.balances.items():
            compare(document, f"account {account}: opening + moved = closing", closing, opening + state.moved.get(account, ZERO))
    return document


