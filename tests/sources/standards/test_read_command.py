"""`assay read`: files, folders and archives in, tables and refusals out; every file is read or refused, none lost."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli import app, main
from jobs.sources.reading import read_files
from jobs.sources.standards.canonical import TABLES
from tests.sources.standards.given import CFDI40, CHINA, CII, PAYMENT, UBL, WITHHOLDING, body, changed, fatturapa

MIXED = {"a/ubl.xml": UBL, "a/cii.xml": CII, "b/fattura.xml": fatturapa(body("1"), body("2")), "b/cfdi.xml": CFDI40, "b/pago.xml": PAYMENT, "c/r.xml": WITHHOLDING, "c/china.xml": CHINA,
         "c/notes.txt": "buy flour", "c/cut.xml": UBL[:900], "c/order.xml": changed(UBL, ("<Invoice ", "<Order "), ("</Invoice>", "</Order>"), ("Invoice-2", "Order-2"))}  # fmt: skip


def _write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _rows(out: Path, table: str) -> list[dict[str, Any]]:
    return pq.read_table(out / f"{table}.parquet").to_pylist()  # type: ignore[no-any-return]


def _csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(encoding="utf-8")))


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["assay", "read", *words])
    with pytest.raises(SystemExit) as leaving:
        main()
    return int(leaving.value.code or 0)


def test_a_folder_of_everything(tmp_path: Path):
    found = read_files([_write(tmp_path / "in", MIXED)], tmp_path / "out")
    assert {c.file: c.fate for c in found.files} == {n: "refused" if n in ("c/notes.txt", "c/cut.xml", "c/order.xml") else "read" for n in MIXED}
    assert sorted(r["number"] for r in _rows(tmp_path / "out", "invoice")) == ["05000000011100000001", "1", "2", "9", "A7", "C-1", "F-1"]
    assert {r["file"]: r["rule"] for r in _csv(tmp_path / "out" / "refused.csv")} == {"c/notes.txt": "xml", "c/cut.xml": "xml", "c/order.xml": "no_invoice:Order"}
    assert all(r["remedy"] and r["reason"] for r in _csv(tmp_path / "out" / "refused.csv"))
    assert [r["withholder_id"] for r in _rows(tmp_path / "out", "withholding")] == ["AAA010101AAA"]
    assert len(_rows(tmp_path / "out", "payment")) == 1
    lines = _rows(tmp_path / "out", "invoice_line")
    assert [(r["line"], r["item"]) for r in lines if r["file"] == "a/ubl.xml"] == [("1", "Flour"), ("2", "Sack returned")]
    assert sum(int(r["documents"]) for r in _csv(tmp_path / "out" / "files.csv")) == 8


def test_columns_are_those_of_the_canonical_model_in_its_order(tmp_path: Path):
    read_files([_write(tmp_path / "in", MIXED)], tmp_path / "out")
    for path in (tmp_path / "out").glob("*.parquet"):
        assert pq.read_schema(path).equals(TABLES[path.stem]), path.stem
    assert TABLES["invoice"].names[:14] == "file standard number kind issued seller_id seller_name buyer_id buyer_name currency net tax gross difference".split()
    assert TABLES["invoice_line"].names[:10] == "file number line item quantity unit price net tax_rate tax".split()
    assert pa.types.is_decimal(TABLES["invoice"].field("net").type)


def test_an_archive_is_read_member_by_member_and_one_that_is_not_safe_is_refused(tmp_path: Path):
    def packed(name: str, files: dict[str, str | bytes]) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, text in files.items():
                archive.writestr(member, text)
        return tmp_path / name

    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x.xml", UBL)
    good = packed("good.zip", {"one.xml": UBL, "deep/two.xml": CII, "nested.zip": inner.getvalue()})
    bad = [packed("leave.zip", {"../../out.xml": UBL}), packed("bomb.zip", {"big.xml": "<a>" + " " * (3 << 20)})]
    found = read_files([good, *bad], tmp_path / "out")
    assert sorted((Path(c.file).name, c.fate) for c in found.files) == [("bomb.zip", "refused"), ("good.zip!nested.zip", "refused"), ("good.zip!one.xml", "read"), ("leave.zip", "refused"), ("two.xml", "read")]
    rules = {Path(r["file"]).name: r["rule"] for r in _csv(tmp_path / "out" / "refused.csv")}
    assert rules == {"bomb.zip": "bomb", "leave.zip": "path", "good.zip!nested.zip": "ofd"}
    assert not (tmp_path / "out.xml").exists() and not (tmp_path.parent / "out.xml").exists()


def test_two_documents_of_a_file_are_told_apart(tmp_path: Path):
    read_files([_write(tmp_path / "in", {"two.xml": fatturapa(body("7"), body("7"))})], tmp_path / "out")
    assert [(r["number"], r["document"]) for r in _rows(tmp_path / "out", "invoice_line")] == [("7", 1), ("7", 2)]


def test_read_again_replaces_its_own_tables_and_leaves_other_files(tmp_path: Path):
    out = tmp_path / "out"
    read_files([_write(tmp_path / "in", {"p.xml": PAYMENT})], out)
    (out / "mine.txt").write_text("mine")
    read_files([_write(tmp_path / "in2", {"u.xml": UBL})], out)
    assert not (out / "payment.parquet").exists() and (out / "mine.txt").exists()
    assert [r["number"] for r in _rows(out, "invoice")] == ["F-1"]
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(
    ("files", "words", "code"),
    [
        ({"u.xml": UBL, "n.txt": "x"}, ["in", "--out", "out"], 0),
        ({"n.txt": "x"}, ["in", "--out", "out"], 3),
        ({"n.txt": "x"}, ["gone.xml", "--out", "out"], 2),
        ({"n.txt": "x"}, ["in"], 2),
        ({"n.txt": "x"}, ["--out", "out"], 2),
        ({"n.txt": "x"}, ["in", "--out", "in/n.txt"], 2),
        ({"n.txt": "x"}, ["in", "--out", "no/such/folder"], 2),
    ],
)
def test_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], files: dict[str, str], words: list[str], code: int):
    _write(tmp_path / "in", files)
    monkeypatch.chdir(tmp_path)
    assert _run(monkeypatch, *words) == code
    said = capsys.readouterr()
    if code != 2:
        all_ = next(line for line in said.out.splitlines() if line.startswith("all "))
        assert all_.split()[1:4] == [str(len(files)), str(len(files) - 1), "1"]
        assert "refused.csv" in said.out


def test_the_command_is_there():
    assert "read" in {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}


def test_a_name_that_a_spreadsheet_would_run_is_defused(tmp_path: Path):
    read_files([_write(tmp_path / "in", {"=cmd.xml": "x"})], tmp_path / "out")
    assert [r["file"] for r in _csv(tmp_path / "out" / "refused.csv")] == ["'=cmd.xml"]
