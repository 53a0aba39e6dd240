"""E-invoices: documents per second and core through our readers, against a plain lxml loop that pulls the same fields, in one run.

Both read the same documents from memory in turns, on one core, by seconds of processor; the fastest of five turns counts. The
whole way of ingest (contract, bronze, buckets) and of `assay read` (to Parquet) stand beside. Results: bench/results/ingest_xml.md.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench.ingest import plain_lxml
from jobs.sources.check import Receipt
from jobs.sources.reading import read_files
from jobs.sources.route import FileTask, route
from jobs.sources.standards.canonical import Document
from jobs.sources.standards.read import read_file
from tests.sources.given import DAY, HOUSE
from tests.sources.standards.given import CFDI40, CII, UBL, changed, fatturapa
from tests.sources.test_many import contract

RESULTS = Path(__file__).parents[1] / "results"
EACH, TURNS = int(os.environ.get("ASSAY_BENCH_DOCUMENTS", "500")), 5
SLOWEST = 4.0  # times the plain loop's seconds, at most: we also harden, reconcile, and read taxes and allowances
LINES = 10
HEAD = ("number", "issued", "currency", "seller_id", "seller_name", "buyer_id", "buyer_name", "net", "tax", "gross")
LINE = ("line", "item", "quantity", "unit", "net", "tax_rate")

pytestmark = pytest.mark.bench


def longer(text: str, first: str, last: str) -> str:
    """The document with its first line item ten times; its totals then lie, which costs as much to read."""
    start, end = text.index(first), text.index(last) + len(last)
    return text[:start] + text[start:end] * LINES + text[end:]


CASES = {
    "ubl": (UBL, "F-1", "<cac:InvoiceLine>", "</cac:InvoiceLine>"),
    "cii": (changed(CII, ('format="102">20260115', '>2026-01-15')), "C-1", "<ram:IncludedSupplyChainTradeLineItem>", "</ram:IncludedSupplyChainTradeLineItem>"),
    "fatturapa": (fatturapa(), "P-1", "<DettaglioLinee>", "</DettaglioLinee>"),
    "cfdi": (CFDI40, 'Folio="7"', "<cfdi:Concepto ", "</cfdi:Concepto>"),
}  # fmt: skip


def documents() -> dict[str, list[bytes]]:
    """By standard: half short ones, half with ten lines, each with its own number."""
    made = {}
    for standard, (text, number, first, last) in CASES.items():
        both = (text, longer(text, first, last))
        made[standard] = [both[n % 2].replace(number, number.replace("1", str(n)).replace("7", str(n))).encode() for n in range(EACH)]
    return made


def ours(data: bytes) -> Document:
    (found,) = read_file(io.BytesIO(data)).documents
    assert isinstance(found, Document)
    return found


def seconds(run: Callable[[], Any]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def test_documents_per_second(tmp_path: Path) -> None:
    made, rows = documents(), []
    for standard, every in made.items():
        for data in every[:2]:  # the same fields, or the comparison says nothing
            head, lines = plain_lxml.read(data, standard)
            found = ours(data)
            assert {c: found.of("invoice")[0].get(c) for c in HEAD} == {c: head[c] for c in HEAD}
            assert [{c: line.get(c) for c in LINE} for line in found.of("invoice_line")] == [{c: line[c] for c in LINE} for line in lines]
        mine, peer = [], []
        for _ in range(TURNS):
            peer.append(seconds(lambda every=every, standard=standard: [plain_lxml.read(d, standard) for d in every]))  # type: ignore[misc]
            mine.append(seconds(lambda every=every: [ours(d) for d in every]))  # type: ignore[misc]
        size = sum(map(len, every)) / len(every)
        rows.append({"standard": standard, "documents": len(every), "bytes": round(size), "plain": round(len(every) / min(peer)), "ours": round(len(every) / min(mine)), "ratio": round(min(mine) / min(peer), 2)})
    whole = _whole_way(made, tmp_path)
    _write(rows, whole)
    assert all(r["ratio"] <= SLOWEST for r in rows), rows


def _whole_way(made: dict[str, list[bytes]], folder: Path) -> dict[str, int]:
    """The same documents as files: read, checked by a contract and sent to buckets; and by `assay read` to Parquet."""
    inbox = folder / "inbox"
    inbox.mkdir()
    for standard, every in made.items():
        for n, data in enumerate(every):
            (inbox / f"{standard}{n}.xml").write_bytes(data)
    names = tuple(sorted(os.listdir(inbox)))
    task = FileTask(0, contract(), HOUSE, Receipt(DAY.replace(month=2)), str(inbox), names, 4)
    ingest = seconds(lambda: sum(1 for _ in route(task)))
    read = seconds(lambda: read_files([inbox], folder / "out"))
    return {"ingest": round(len(names) / ingest), "read": round(len(names) / read)}


def _write(rows: list[dict[str, Any]], whole: dict[str, int]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "ingest_xml.json").write_text(json.dumps({"on": date.today().isoformat(), "by_standard": rows, "whole": whole}, indent=1) + "\n", encoding="utf-8")
    text = ["# E-invoices: documents per second and core", "", f"{date.today()}; {EACH} documents a standard from memory, half with one or two lines and half with ten; one core, seconds of processor, fastest of {TURNS} turns, taken in turns."]
    text += ["", "| standard | bytes a document | plain lxml loop | ours | ours / plain, in seconds |", "|---|---|---|---|---|"]
    text += [f"| {r['standard']} | {r['bytes']:,} | {r['plain']:,} | {r['ours']:,} | {r['ratio']} |" for r in rows]
    text += ["", "The plain loop knows each standard's paths, one spelling of each, and stops at the first surprise. Ours also refuses document types, depth and endless texts, finds the standard,"]
    text += ["reads by local name, gives taxes and allowances, and reconciles every total.", ""]
    text += [f"From files to checked records on their way to buckets (`ingest`, without Spark's own cost): {whole['ingest']:,} documents per second and core. `assay read` to Parquet: {whole['read']:,}."]
    (RESULTS / "ingest_xml.md").write_text("\n".join(text) + "\n", encoding="utf-8")
