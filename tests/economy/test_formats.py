"""Real formats: invoice numbers by the law of their day, e-invoices that the reader of the standard takes, and a second country as configuration alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lxml import etree
from stdnum.cn import uscc
from stdnum.eu import vat
from stdnum.it import iva

from jobs import conf as configuration
from jobs.conf import Source
from jobs.economy.bucket import Job, receive, send
from jobs.economy.country import enter_all
from jobs.economy.declare import declare
from jobs.economy.delivery import FEEDS, history_slices
from jobs.economy.identities import identities
from jobs.economy.ids import as_number, broken, tax_ids
from jobs.economy.papers_trade import _numbers
from jobs.economy.setting import load_country
from jobs.economy.tables import days
from jobs.economy.ubl import document, documents_of
from jobs.economy.world import NEVER, World
from jobs.lake.arrays import day_number
from jobs.sources.check import Receipt, check
from jobs.sources.read import read
from tests.economy.helpers import count, world

ROOT = Path(__file__).parents[2]
PEPPOL, SHIPPED = configuration.load(ROOT / "examples" / "peppol" / "conf"), configuration.load(ROOT / "conf")
DOCUMENTS = 61  # not even among buckets


def other(name: str, taxpayers: int = 300, months: int = 12) -> World:
    return replace(world(taxpayers, months, start=date(2024, 7, 1)), country=load_country(name))


def written(w: World, out: Path) -> Path:
    """The country's files, some of its invoices as e-invoices."""
    slices = {source: history_slices(w) for source in FEEDS}
    parts = sorted(send(w, range(w.buckets)), key=lambda p: p[0])
    enter_all(out / "inbox", slices, sorted(receive(Job(w, str(out), slices, DOCUMENTS), parts)))
    return out


@pytest.fixture(scope="module", params=["china", "ausonia"])
def country(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    w = other(request.param)
    return w, written(w, tmp_path_factory.mktemp(request.param))


def invoices(folder: Path) -> list[dict[str, Any]]:
    return [r for p in sorted((folder / "inbox" / "invoice").glob("*.parquet")) for r in pq.read_table(p).to_pylist()]


#  country    day                 special  number
NUMBERS = [
    ("china",   date(2024, 11, 30), True,  r"3302" r"24" r"\d{2}" r"30" r"\d{8}"),       # 10-digit code, 8-digit number
    ("china",   date(2024, 11, 30), False, r"0" r"3302" r"24" r"\d{2}" r"104" r"\d{8}"),  # 12-digit code, 8-digit number
    ("china",   date(2024, 12, 1),  True,  r"24" r"33" r"1" r"\d{15}"),                  # all-electronic, 20 digits
    ("china",   date(2025, 3, 1),   False, r"25" r"33" r"1" r"\d{15}"),
    ("ausonia", date(2025, 3, 1),   True,  r"2025/\d{9}"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "day", "special", "pattern"), NUMBERS)
def test_an_invoice_is_numbered_by_the_law_of_its_day(name: str, day: date, special: bool, pattern: str) -> None:
    import re

    i = np.arange(20_000)
    made = _numbers(other(name), np.full(len(i), day_number(day)), i // 50, i % 3, i, special).to_pylist()
    assert all(re.fullmatch(pattern, n) for n in made)
    assert len({(s // 50, n) for s, n in enumerate(made)}) == len(made)  # no seller uses one twice


#  days                     style        text
DAYS = [
    ([0, 19_723, NEVER],      "%Y-%m-%d",  ["1970-01-01", "2024-01-01", None]),      # written one by one
    ([19_723, 19_724] * 3,    "%Y/%m/%d",  ["2024/01/01", "2024/01/02"] * 3),       # looked up
    ([19_782, NEVER, 19_782, 19_783], "%Y-%m-%d", ["2024-02-29", None, "2024-02-29", "2024-03-01"]),
    ([NEVER],                 "%Y-%m-%d",  [None]),
    ([],                      "%Y-%m-%d",  []),
]  # fmt: skip


@pytest.mark.parametrize(("numbers", "style", "text"), DAYS)
def test_days_are_written_as_they_are(numbers: list[int], style: str, text: list[str | None]) -> None:
    assert days(np.array(numbers, dtype=np.int64), style).to_pylist() == text


def test_documents_are_dealt_to_all_buckets_and_are_no_more_than_asked_for() -> None:
    for buckets, asked in ((2, 61), (500, 2000), (5000, 2000), (7, 0)):
        assert sum(documents_of(b, buckets, asked) for b in range(buckets)) == asked


def test_e_invoices_are_read_by_the_contract_of_the_standard_without_a_refusal(country: tuple[World, Path]) -> None:
    w, folder = country
    files = sorted((folder / "einvoice").glob("*.xml"))
    assert len(files) == DOCUMENTS
    prefix = "IT" if w.country.ids == "it_iva" else ""
    parquet = {(prefix + str(r["seller_id"]), r["invoice_no"]): r for r in invoices(folder)}
    compared = 0
    for path in files:
        with path.open("rb") as stream:
            (part,) = read(stream, PEPPOL.sources["peppol"])
        found = check(part, PEPPOL.sources["peppol"], PEPPOL.house, Receipt(date(2026, 1, 5)))
        assert part.broken.num_rows == 0 and not any(found.records["rules"].to_pylist()), (path.name, found.records.to_pylist())
        (row,), lines = found.rows.to_pylist(), found.details["invoice_line"].to_pylist()
        assert row["difference"] == 0 and row["currency"] == w.country.currency
        assert sum(line["net"] for line in lines) == row["net"] and {line["item"] for line in lines} == {row["item"]}
        sent = parquet.get((row["seller_id"], row["invoice_no"]))
        if sent:  # it may have been spoilt on the way into the platform's file
            assert (row["net"], row["tax_amount"], row["gross"]) == tuple(abs(sent[n]) for n in ("net", "tax", "gross"))
            assert (row["issued_on"], row["seller_name"], row["buyer_name"], row["corrects"]) == tuple(sent[n] for n in ("issued_on", "seller_name", "buyer_name", "corrects"))
            assert all(abs(Decimal(str(line["rate"])) / 100 * row["net"] - row["tax_amount"]) <= Decimal("0.01") * len(lines) for line in lines)
            compared += 1
        assert prefix == "" or vat.is_valid(row["seller_id"])
    assert compared > DOCUMENTS * 0.9


def test_the_same_documents_are_written_however_often(country: tuple[World, Path], tmp_path: Path) -> None:
    w, folder = country
    again = written(w, tmp_path)
    assert {p.name: p.read_bytes() for p in (folder / "einvoice").glob("*")} == {p.name: p.read_bytes() for p in (again / "einvoice").glob("*")}


@pytest.mark.parametrize("name", ["A & B <Söhne> \"Co\" 'x'", "]]><!DOCTYPE x>&lt;", "宁波市海曙宏达有限公司"])
def test_names_are_escaped(name: str) -> None:
    row = {"invoice_no": "2025/1", "issued_on": date(2025, 1, 2), "seller_id": "1", "seller_name": name, "buyer_id": None, "buyer_name": name,
           "net": Decimal("10.01"), "tax": Decimal("1.30"), "item": name, "corrects": None}  # fmt: skip
    found = etree.fromstring(document(other("china"), row, red=False))
    said = [e.text for e in found.iter() if etree.QName(e).localname in ("RegistrationName", "Name")]
    assert set(said) == {name} and len(said) >= 3


def test_a_red_letter_invoice_is_a_credit_note_that_names_what_it_credits() -> None:
    row = {"invoice_no": "B", "issued_on": date(2025, 1, 2), "seller_id": "1", "seller_name": "s", "buyer_id": "2", "buyer_name": "b",
           "net": Decimal("-100.00"), "tax": Decimal("-13.00"), "item": "i", "corrects": "A"}  # fmt: skip
    root = etree.fromstring(document(other("china"), row, red=True))
    texts = {etree.QName(e).localname: e.text for e in root.iter()}
    assert etree.QName(root).localname == "CreditNote" and texts["CreditNoteTypeCode"] == "381"
    assert (texts["TaxExclusiveAmount"], texts["TaxInclusiveAmount"], texts["Percent"]) == ("100.00", "113.00", "13")
    assert [e.text for e in root.iter("{*}ID")][:2] == ["B", "A"]


def test_vat_numbers_are_valid_and_nobodys() -> None:
    i, nowhere, company = np.arange(200_000), np.zeros(200_000, dtype=np.int64), np.zeros(200_000, dtype=bool)
    home, abroad = (tax_ids("it_iva", i, nowhere, company, outside) for outside in (False, True))
    assert len(set(home.tolist()) | set(abroad.tolist())) == 400_000
    assert all(iva.is_valid(n) and n[0] >= "5" for n in [*home[:3000].tolist(), *abroad[:3000].tolist()])
    assert not any(iva.is_valid(broken(n)) for n in home[:3000].tolist())
    assert as_number("50000000013", 7) == "5.0007E+10" and as_number("91330203MA00000AX1", 2) == "9.1332E+17"
    with pytest.raises(ValueError, match="number"):
        tax_ids("it_iva", np.array([10**9]), nowhere[:1], company[:1])


def test_another_country_writes_its_own_ids_words_and_rates(country: tuple[World, Path]) -> None:
    w, folder = country
    rows, is_valid = invoices(folder), iva.is_valid if w.country.ids == "it_iva" else uscc.is_valid
    share = sum(bool(r["seller_id"]) and is_valid(r["seller_id"]) for r in rows) / len(rows)
    assert len(rows) > 5000 and 0.97 < share < 1
    rates = {round(100 * r["tax"] / r["net"]) for r in rows if abs(r["net"]) > 100 and (r["seller_id"] or "")[:1].isdigit()}
    law = {rate for one in w.country.law for rate in (*one.vat.values(), one.vat_small, one.vat_rent, 0)}
    assert rates <= law and len(rates) > 2
    registry = [json.loads(t) for p in (folder / "inbox" / "registry").glob("registry_*.jsonl") for t in p.read_text(encoding="utf-8").splitlines()]
    assert {r["district"] for r in registry} <= {str(d.code) for d in w.country.place.districts}
    if w.country.words == "latin":
        said = json.dumps(rows + registry, default=str, ensure_ascii=False)
        assert not any("一" <= c <= "鿿" for c in said)
        assert {r["type"] for r in registry} == {"società", "ditta individuale"}
        for path in (folder / "inbox").rglob("*.csv"):
            cells = path.read_text(encoding="utf-8").splitlines()[1:]
            assert cells and not any("一" <= c <= "鿿" for line in cells for c in line), path.name


def test_the_reader_of_a_source_takes_it_with_another_countrys_codes(tmp_path: Path) -> None:
    """Only what differs is written: the words for the kinds, the currency."""
    folder = written(other("ausonia"), tmp_path)
    shipped = SHIPPED.sources["invoice"].model_dump(by_alias=True)
    shipped["columns"]["kind"]["codes"] = {"ordinaria": "special", "semplificata": "ordinary", "nota di credito": "red"}
    shipped["columns"]["currency"]["constant"] = "EUR"
    contract, house = Source.model_validate(shipped), SHIPPED.house.model_copy(update={"currency": "EUR", "id_standard": "it.iva"})
    for path in sorted((folder / "inbox" / "invoice").glob("*.parquet")):
        with path.open("rb") as stream:
            found = [check(part, contract, house, Receipt(date(2026, 1, 5))) for part in read(stream, contract)]
        rules = {rule for f in found for r in f.records["rules"].to_pylist() for rule in r or ()}
        accepted, received = (sum(n) for n in zip(*((f.rows.num_rows, f.records.num_rows) for f in found), strict=True))
        assert accepted > 0.97 * received > 100 and rules <= {"check_digit:seller_id", "scientific:seller_id", "required:seller_id"}
        assert {k for f in found for k in f.rows["kind"].to_pylist()} <= {"special", "ordinary", "red"}


def test_the_registers_are_read_by_their_contracts(tmp_path: Path) -> None:
    folder = written(other("china"), tmp_path)
    for source in ("officer", "registry", "ownership"):
        contract = SHIPPED.sources[source]
        for path in sorted((folder / "inbox" / source).glob("*.jsonl")):
            if path.name.startswith(source):
                with path.open("rb") as stream:
                    found = [check(part, contract, SHIPPED.house, Receipt(date(2026, 1, 5))) for part in read(stream, contract)]
                rules = {rule.split(":")[0] for f in found for r in f.records["rules"].to_pylist() for rule in r or ()}
                assert rules <= {"check_digit", "scientific", "required", "date"}, rules
                rows = pa.concat_tables([f.rows for f in found])
                assert rows.num_rows > 0.9 * sum(f.records.num_rows for f in found) > 0
                if source == "officer":
                    assert set(rows["role"].to_pylist()) <= {"legal_representative", "financial_officer", "operator"}
                if source == "registry":
                    assert rows["phone"].null_count == 0 and 0 < rows["agent_name"].null_count < rows.num_rows


def test_the_identities_hold_in_another_country_too() -> None:
    c = count(other("ausonia", 400, 18))
    broken_ones = {name: i.broken for name, i in identities(c.world, c.firms, c.books, declare(c.world, c.firms, c.books), c.bought.ordered()).items() if i.broken}
    assert not broken_ones
