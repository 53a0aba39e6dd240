"""Every real file there is, read or refused as docs/standards.md says line by line; both must change together."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from lxml import etree

from jobs.sources.reading import Conservation, read_files
from tests.data import DATA, ROOT, needs
from tests.sources.standards.given import plain

PAGE = ROOT / "docs" / "standards.md"
pytestmark = [needs("einvoice"), needs("saft")]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Conservation, Path]:
    out = tmp_path_factory.mktemp("real")
    paths = sorted(p for folder in ("einvoice", "saft") for p in (DATA / folder).rglob("*") if p.suffix in (".xml", ".ofd"))
    return read_files(paths, out / "out"), out / "out"


def line_of(file: str, rows: list[dict[str, Any]], counts: dict[str, int], rule: str | None) -> str:
    """A file's cells in the page's table: name, standard, rows, totals and difference; or its refusal."""
    if rule:
        return f"{file} | refused | {rule}"
    kinds = ", ".join(f"{n} {table.replace('_', ' ')}" for table, n in sorted(counts.items()))
    sums = [f"{plain(r['net'])} + {plain(r['tax'])} = {plain(r['gross'])}, {plain(r['difference'])}" for r in rows]
    return f"{file} | {kinds} | {'; '.join(sums)}"


def lines(read: tuple[Conservation, Path]) -> list[str]:
    found, out = read
    tables = {p.stem: pq.read_table(p).to_pylist() for p in sorted(out.glob("*.parquet"))}
    rules = {r["file"]: r["rule"] for r in csv.DictReader((out / "refused.csv").open(encoding="utf-8"))}
    made = []
    for count in found.files:
        own = {t: n for t, rows in tables.items() if (n := sum(r["file"] == count.file for r in rows)) and t in SHOWN}
        invoices = [r for r in tables["invoice"] if r["file"] == count.file]
        made.append(line_of(str(Path(count.file).relative_to(DATA)), invoices, own, rules.get(count.file)))
    return made


SHOWN = ("invoice", "invoice_line", "payment", "payment_document", "withholding", "account", "ledger_line", "party")


def test_each_file_is_read_or_refused_as_the_page_says(read: tuple[Conservation, Path]):
    """Files that the page does not know yet (others of the same folder) are held to the next test alone."""
    said = [" | ".join(c.strip() for c in row.strip("|\n").split(" | ")[:3]) for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith(("| einvoice/", "| saft/"))]
    known = {row.split(" | ", 1)[0] for row in said}
    assert len(known) == 50
    assert sorted(row for row in lines(read) if row.split(" | ", 1)[0] in known) == sorted(said)


def test_nothing_is_lost(read: tuple[Conservation, Path]):
    found, out = read
    refused = {r["file"] for r in csv.DictReader((out / "refused.csv").open(encoding="utf-8"))}
    rows = {r["file"] for p in out.glob("*.parquet") for r in pq.read_table(p, columns=["file"]).to_pylist()}
    assert len(found.files) >= 50
    assert {c.file for c in found.files} == refused | rows
    assert {c.file for c in found.files if c.fate == "refused"} == refused - rows


def test_what_does_not_add_up_in_them_is_known(read: tuple[Conservation, Path]):
    """All totals of real invoices hold to the cent; what does not is said on the page."""
    _, out = read
    off = {(Path(r["file"]).name, r["rule"]) for r in pq.read_table(out / "check.parquet").to_pylist() if r["difference"]}
    kept = {(f, r) for f, r in off if not f.startswith(("generated_", "Eksempelfil"))}  # filled by a generator with chance numbers
    assert kept == {
        ("retenciones20.xml", "withheld"),
        *(("ExampleFile SAF-T Financial_888888888_20180228235959.xml", f"account {a}: opening + moved = closing") for a in ("1920", "2711", "2740")),
        *(("ExampleFile SAF-T Financial_999999999_20161125213512.xml", f"account {a}: opening + moved = closing") for a in ("1925", "2400", "2740", "4000")),
    }


PRINTED = {"TaxExclusiveAmount": "net", "TaxInclusiveAmount": "gross", "TaxBasisTotalAmount": "net", "GrandTotalAmount": "gross", "ImponibileImporto": "net",
           "TaxExclusiveTotalAmount": "net", "TaxInclusiveTotalAmount": "gross"}  # fmt: skip


def test_totals_are_the_printed_ones(read: tuple[Conservation, Path]):
    """Against a plain walk over the document that knows nothing of the readers."""
    _, out = read
    held = 0
    for row in pq.read_table(out / "invoice.parquet").to_pylist():
        path = Path(row["file"])
        if path.suffix != ".xml" or row["standard"] not in ("ubl", "cii", "fatturapa", "cfdi"):
            continue
        root = etree.parse(path).getroot()
        for element in root.iter("{*}" + "*"):
            if column := PRINTED.get(etree.QName(element).localname):
                assert row[column] == Decimal(element.text), (path.name, element.tag)
                held += 1
        if row["standard"] == "cfdi":
            assert row["payable"] == Decimal(root.get("Total") or root.get("total"))
            held += 1
    assert held >= 58
