"""Audit files of several flavours: what they state against what stands in them, broken records alone, memory that does not follow the file."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.sources.standards.canonical import Document
from jobs.sources.standards.xml import Refused
from tests.sources.standards.given import amounts, changed, documents, plain, refusal
from tests.sources.standards.given_saft import ROMANIA, norway, portugal, pt_invoice, receipt, till, transaction


def rows(text: str | bytes, table: str) -> list[dict[str, Any]]:
    return [dict(r) for d in documents(text) if isinstance(d, Document) for r in d.of(table)]


def checks(text: str) -> dict[str, str]:
    """Rules that do not hold, with the difference."""
    return {r["rule"]: plain(r["difference"]) for r in rows(text, "check") if r["difference"]}


def test_a_ledger_adds_up():
    text = norway()
    (head,), (account,) = rows(text, "audit_file"), rows(text, "account")
    assert (head["company_id"], head["currency"], head["period_from"], head["period_to"]) == ("900000000MVA", "NOK", date(2026, 1, 1), date(2026, 2, 28))
    assert (account["account_id"], account["name"]) == ("1920", "Bank") and amounts(account, "opening_debit", "closing_debit") == ["0", "125"]
    lines = rows(text, "ledger_line")
    assert [(r["journal"], r["transaction_id"], r["account_id"], *amounts(r, "debit", "credit")) for r in lines] == [
        ("GL", "1", "1920", "125", None),
        ("GL", "1", "3000", None, "100"),
        ("GL", "1", "2700", None, "25"),
    ]
    assert [(r["code"], *amounts(r, "rate")) for r in rows(text, "tax_code")] == [("3", "25")]
    assert len(rows(text, "check")) == 3 and checks(text) == {}


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        (norway(count="2"), {"GeneralLedgerEntries/NumberOfEntries": "1"}),
        (norway(debit="124.99"), {"GeneralLedgerEntries/TotalDebit": "-0.01"}),
        (norway(credit="99"), {"GeneralLedgerEntries/TotalCredit": "-26"}),
        (norway(closing="130"), {"account 1920: opening + moved = closing": "5"}),
        (norway(transaction("1", ("1920", "Debit", "125.00"), ("3000", "Credit", "124.00")), credit="124"), {"transaction: debit = credit": "1"}),
        (portugal(count="5"), {"SalesInvoices/NumberOfEntries": "4"}),
    ],
)
def test_totals_that_lie_are_told_by_how_much(text: str, broken: dict[str, str]):
    assert checks(text) == broken


def test_portugal_invoice_customer_and_two_kinds_of_line():
    text = portugal().encode("cp1252")
    (row,), (line,) = rows(text, "invoice"), rows(text, "invoice_line")
    assert (row["number"], row["kind"], row["seller_id"], row["seller_name"], row["buyer_id"], row["buyer_name"]) == ("FT 1/1", "ordinary", "500000000", "Moínho Lda", "999999990", "Padaria")
    assert amounts(row, "net", "tax", "gross", "difference") == ["100", "23", "123", "0"] and row["faults"] is None
    assert (line["item"], *amounts(line, "quantity", "price", "net", "tax_rate")) == ("Farinha", "4", "25", "100", "23")
    assert [amounts(r, "debit", "credit") for r in rows(text, "ledger_line")] == [["123", None], [None, "123"]]
    assert {r["customer_id"] for r in rows(text, "ledger_line")} == {"C1"}


@pytest.mark.parametrize(
    ("invoice", "totals", "kind", "sign"),
    [  #                                                           debit, credit of the section
        (pt_invoice(kind="NC", side="Debit"), ("100.00", "0.00"), "credit_note", -1),
        (pt_invoice(status="A"), ("0.00", "0.00"), "void", 0),  # cancelled: in the file, in no total
        (pt_invoice(kind="ZZ", side="Debit"), ("100.00", "0.00"), "credit_note", -1),  # of an unknown type, told by its side
        (pt_invoice(kind="FS"), ("0.00", "100.00"), "simplified", 1),
    ],
)
def test_credit_notes_and_cancelled_invoices(invoice: str, totals: tuple[str, str], kind: str, sign: int):
    text = portugal(invoice, debit=totals[0], credit=totals[1])
    (row,) = rows(text, "invoice")
    assert (row["kind"], row["sign"], row["faults"]) == (kind, sign, None)
    assert checks(text) == {}


def test_romania_purchases_and_payments_under_a_prefix():
    (row,) = rows(ROMANIA, "invoice")
    assert (row["seller_id"], row["seller_name"], row["buyer_id"], row["currency"]) == ("00200", "Silozul", "RO100", "RON")
    assert amounts(row, "net", "tax", "gross", "difference") == ["200", "38", "238", "0"] and row["sign"] == 1
    (payment,), (part,) = rows(ROMANIA, "payment"), rows(ROMANIA, "payment_document")
    assert (payment["payer_id"], payment["payee_id"], *amounts(payment, "amount")) == ("RO100", "00200", "238")
    assert (part["paid_number"], *amounts(part, "paid")) == ("77", "238") and checks(ROMANIA) == {}


@pytest.mark.parametrize("space", ["urn:OECD:StandardAuditFile-Tax:XX_9.99", "http://somewhere.example/audit", ""])
def test_a_namespace_nobody_has_seen_is_read_by_structure(space: str):
    text = changed(norway(), ('xmlns="urn:StandardAuditFile-Taxation-Financial:NO"', f'xmlns="{space}"' if space else ""))
    assert len(rows(text, "ledger_line")) == 3 and checks(text) == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str):
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + norway()
    assert rows(text.encode(encoding), "audit_file")[0]["company_name"] == "Mølle AS"


def test_a_broken_record_is_refused_alone_and_named():
    text = portugal(pt_invoice("FT 1/1"), pt_invoice("FT 1/2", gross="12x"), changed(pt_invoice("FT 1/3"), ("<InvoiceNo>FT 1/3</InvoiceNo>", "")), count="3", credit="300.00")
    found = documents(text)
    assert [r["number"] for r in rows(text, "invoice")] == ["FT 1/1"]
    assert [(d.rule, d.place.split(",")[1]) for d in found if isinstance(d, Refused)] == [("amount:GrossTotal", " GrossTotal"), ("missing:InvoiceNo", " Invoice")]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (norway()[:-300], "xml"),
        (changed(norway(), ("<AuditFile", "<!DOCTYPE AuditFile [<!ENTITY a 'b'>]><AuditFile")), "doctype"),
        (changed(norway(), ("<Header>", "<Header2>"), ("</Header>", "</Header2>")), "missing:Header"),
        (changed(norway(), ("<Company><RegistrationNumber>900000000</RegistrationNumber><Name>Mølle AS</Name>", "<Company>"), ("<TaxRegistrationNumber>900000000MVA</TaxRegistrationNumber>", "")), "missing:Company"),
        (changed(norway(), ("<MasterFiles>", "<MasterFiles>" + "<a>" * 3000 + "</a>" * 3000)), "too_deep"),
        (changed(norway(), ("Bank", "x" * 2_200_000)), "text_too_long"),
    ],
)
def test_a_file_broken_anywhere_gives_no_half_of_itself(text: str, rule: str):
    try:
        found = [d for d in documents(text) if isinstance(d, Document)]
    except Refused as fault:
        assert fault.rule == rule and fault.remedy
    else:
        raise AssertionError(found)
    assert refusal("<a>").rule == "xml"


def test_receipts_returns_and_voided_ones():
    text = till(receipt("1"), receipt("2", side="D"), receipt("3", "-100.00", "-25.00", "-125.00", side="D"), receipt("4", void="true"), receipt("5", gross="130.00"))
    found = [(r["number"], r["kind"], r["sign"], *amounts(r, "net", "tax", "gross", "difference")) for r in rows(text, "invoice")]
    assert found == [
        ("1", "receipt", 1, "100", "25", "125", "0"),
        ("2", "return", -1, "100", "25", "125", "0"),
        ("3", "return", 1, "-100", "-25", "-125", "0"),
        ("4", "void", 0, "100", "25", "125", "0"),
        ("5", "receipt", 1, "100", "25", "130", "5"),
    ]
    assert {r["seller_id"] for r in rows(text, "invoice")} == {"900000000MVA"}
    assert next(amounts(r, "amount") for r in rows(text, "payment")) == ["125"]


WATCHED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))
from jobs.sources.standards.read import read_file
from jobs.sources.standards.canonical import Document
count, before = 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as stream:
    for d in read_file(stream).documents:
        count += len(d.of("ledger_line"))
        bad = [c for c in d.of("check") if c["difference"]]
print(count, bad, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_does_not_follow_the_file(tmp_path: Path):
    """24 MB of journal (a tree of 200 MB) through a process that may not have 700 MB of addresses; it needs less than 30 MB more than at its start."""
    one = transaction("{n}", *(("1920", "Debit", "1.00"), ("1920", "Credit", "1.00")) * 20).replace("{n}", "77")
    times = (24 << 20) // len(one)
    path = tmp_path / "big.xml"
    before, after = norway("@", count=str(times), debit=f"{20 * times}.00", credit=f"{20 * times}.00", closing="0.00").split("@")
    with path.open("w") as out:
        out.write(before)
        for _ in range(times // 1000):
            out.write(one * 1000)
        out.write(one * (times % 1000) + after)
    done = subprocess.run([sys.executable, "-c", WATCHED, str(path)], capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    count, bad, more = done.stdout.split(" ", 1)[0], done.stdout.split(" ", 1)[1].rsplit(" ", 1)[0], int(done.stdout.split()[-1])
    assert (count, bad) == (str(40 * times), "[]") and more < 30
