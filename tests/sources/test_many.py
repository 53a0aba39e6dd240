"""A folder of e-invoices checked many at once gives what each file gives alone, and nothing is lost on the way."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.conf import Source
from jobs.sources import many
from jobs.sources.check import Receipt
from jobs.sources.held import Held
from jobs.sources.route import RECORDS, ROWS, FileTask, Parcel, from_bytes, route
from tests.sources.given import DAY, HOUSE, source
from tests.sources.standards.given import CFDI40, CHINA, CII, UBL, WITHHOLDING, body, changed, fatturapa

FIELDS = {"invoice_no": "number", "kind": "kind", "seller_id": "seller_id", "buyer_name": "buyer_name", "currency": "currency", "item": "item"}
MONEY = {"net": "net", "tax_amount": "tax", "gross": "gross", "difference": "difference"}


def contract(standard: str = "einvoice", **said: Any) -> Source:
    return source(
        name="einvoices", table="invoice", files={"pattern": "*", "format": standard}, event_at="issued_on", known={"from": "issued_on"},
        columns={
            **{n: {"from": f, "required": n in ("invoice_no", "seller_id")} for n, f in FIELDS.items()}, "issued_on": {"from": "issued", "type": "date", "required": True},
            **{n: {"from": f, "type": "money"} for n, f in MONEY.items()},
        },
        details={"invoice_line": {"line_no": {"from": "line_no", "required": True}, "item": {"from": "item"}, "net": {"from": "net", "type": "money"}, "rate": {"from": "tax_rate", "type": "number"}}},
        **said,
    )  # fmt: skip


FILES = {
    "a.xml": UBL, "b.xml": CII, "c.xml": fatturapa(body("1"), body("2", base="x"), body("3")), "d.xml": CFDI40, "e.xml": CHINA, "f.xml": UBL[:500], "g.txt": "x", "h.xml": WITHHOLDING,
    "i.xml": changed(UBL, ("2026-01-15", "2027-01-15")), "j.xml": changed(CII, ("<ram:LineID>1</ram:LineID>", "")), "k.xml": "",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("one.xml", changed(UBL, ("F-1", "Z-1")))
        archive.writestr("two.ofd", b"PK\x03\x04cut")
    return tmp_path


def task(folder: Path, said: Source) -> FileTask:
    return FileTask(0, said, HOUSE, Receipt(DAY.replace(month=2)), str(folder), tuple(sorted(p.name for p in folder.iterdir())), 4)


def gathered(one: FileTask) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every table a task sends, in one order, with their bucket."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for bucket, parcel in route(one):
        assert isinstance(parcel, Parcel)
        for name, data in parcel.tables.items():
            found.setdefault(name, []).extend((bucket, *(str(v) for v in sorted(r.items()))) for r in from_bytes(data).to_pylist())
    return {name: sorted(rows) for name, rows in found.items()}


@pytest.mark.parametrize("together", [1, 3, 2000])
def test_many_at_once_give_what_each_gives_alone(folder: Path, monkeypatch: pytest.MonkeyPatch, together: int):
    """A release of everything reads file by file; it is what the other way is held against."""
    monkeypatch.setattr(many, "TOGETHER", together)
    at_once, alone = gathered(task(folder, contract())), gathered(replace(task(folder, contract()), held=Held({}, {})))
    assert at_once == alone and set(at_once) == {RECORDS, ROWS, "invoice_line"}


def test_every_document_is_a_row_or_a_refusal(folder: Path):
    records = [r for _, p in route(task(folder, contract())) if RECORDS in p.tables for r in from_bytes(p.tables[RECORDS]).to_pylist()]
    rules = {(r["file"], r["line"]): r["rules"] and r["rules"][0] for r in records}
    assert len(records) == len(rules)
    assert rules == {
        ("a.xml", 1): None, ("b.xml", 1): None, ("c.xml", 1): None, ("c.xml", 2): "amount:ImponibileImporto", ("c.xml", 3): None, ("d.xml", 1): None, ("e.xml", 1): None,
        ("f.xml", 1): "xml", ("g.txt", 1): "xml", ("h.xml", 1): "standard:cfdi-retenciones", ("i.xml", 1): "future", ("j.xml", 1): "required:invoice_line.line_no", ("k.xml", 1): "empty_file",
        ("z.zip!one.xml", 1): None, ("z.zip!two.ofd", 1): "zip",
    }  # fmt: skip


def test_a_contract_of_one_standard_refuses_the_others(folder: Path):
    records = [r for _, p in route(task(folder, contract("cii"))) if RECORDS in p.tables for r in from_bytes(p.tables[RECORDS]).to_pylist()]
    rules = {r["file"]: r["rules"] and r["rules"][0] for r in records}
    assert rules["b.xml"] is None and rules["a.xml"] == "standard:ubl" and rules["c.xml"] == "standard:fatturapa" and rules["e.xml"] == "standard:ofd"


def test_raw_text_of_one_of_several_documents_is_its_own(folder: Path):
    records = [r for _, p in route(task(folder, contract())) if RECORDS in p.tables for r in from_bytes(p.tables[RECORDS]).to_pylist()]
    raws = {(r["file"], r["line"]): r["raw"] for r in records}
    assert "<Numero>3</Numero>" in raws["c.xml", 3] and "<Numero>1</Numero>" not in raws["c.xml", 3]
    assert raws["a.xml", 1] == UBL
