"""European e-invoices, through the example's own conf into a lake of its own."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from jobs.conf import load
from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.lake.step import Night
from jobs.sources.ingest import ingest
from tests import data

ROOT = Path(__file__).parents[2]
DATA = data.DATA / "einvoice"
MESSAGES = [f"no_invoice:{m}" for m in ("AttestazioneTrasmissioneFattura", "NotificaScarto", "NotificaEsitoCommittente", "MetadatiInvioFile", "ScartoEsitoCommittente")]
AS_OF = date(2026, 1, 31)
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
pytestmark = [pytest.mark.spark, data.needs("einvoice")]
Given = tuple[Lake, Path, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def given(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Given:
    home = tmp_path_factory.mktemp("peppol")
    folder = home / "inbox" / "peppol"
    folder.mkdir(parents=True)
    for path in sorted(DATA.glob("*/*.xml")):
        shutil.copy(path, folder / f"{path.parent.name}-{path.name}")
    (folder / "cut.xml").write_bytes((DATA / "peppol_bis3" / "base-example.xml").read_bytes()[:4000])
    conf = load(ROOT / "examples" / "peppol" / "conf")
    lake = Lake.open(home / "lake", conf.house.buckets)
    return lake, folder, ingest(lake, spark, Night(AS_OF, lake.take_lease("ingest"), conf), home / "inbox")


def test_every_document_is_read_or_refused_for_a_reason(given: Given):
    (row,) = given[2]
    # one invoice stands in two files; three of the samples repeat seller, number and date of a fourth with other content
    assert [row[c] for c in ("received", "accepted", "superseded", "duplicate", "quarantined")] == [44, 9, 0, 1, 34]
    rules = Counter(rule for r in whole(given[0].root, "quarantine").to_pylist() for rule in r["rules"])
    assert rules == {"standard:cii": 9, "standard:cfdi": 12, "standard:cfdi-retenciones": 1, "standard:fatturapa": 3, **dict.fromkeys(MESSAGES, 1), "xml": 1, "conflict": 3}
    assert all(r["reason"] for r in whole(given[0].root, "quarantine").to_pylist())


def test_totals_are_those_of_the_document_to_the_cent(given: Given):
    lake, folder, _ = given
    invoices = whole(lake.root, "invoice").to_pylist()
    assert len(invoices) == 9
    for invoice in invoices:
        root = etree.parse(folder / invoice["file"]).getroot()
        for column, element in (("net", "TaxExclusiveAmount"), ("gross", "TaxInclusiveAmount")):
            assert invoice[column] == Decimal(next(root.iter(CBC + element)).text)
        assert invoice["difference"] == invoice["gross"] - invoice["net"] - invoice["tax_amount"] == 0
        assert invoice["known_at"] == AS_OF and invoice["seller_id"] and invoice["currency"] in ("EUR", "NOK", "DKK", "SEK")


def test_lines_stand_beside_their_invoice(given: Given):
    lines = Counter(r["file"] for r in whole(given[0].root, "invoice_line").to_pylist())
    invoices = {r["file"] for r in whole(given[0].root, "invoice").to_pylist()}
    assert set(lines) == invoices and lines["en16931-ubl-tc434-example1.xml"] == 20
