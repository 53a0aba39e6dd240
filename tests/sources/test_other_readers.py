from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.conf import Files
from jobs.sources.part import Part
from jobs.sources.read_jsonl import read_jsonl
from jobs.sources.read_parquet import as_json, read_parquet
from jobs.sources.read_xml import read_xml
from tests.data import DATA, needs

INVOICE = """<?xml version="1.0"?>{doctype}
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"><cbc:ID>{number}</cbc:ID></Invoice>"""


def _broken(parts: list[Part]) -> dict[int, str]:
    return {r["line"]: r["rules"][0] for p in parts for r in p.broken.to_pylist()}


def _jsonl(data: str | bytes) -> list[Part]:
    raw = data.encode() if isinstance(data, str) else data
    return list(read_jsonl(io.BytesIO(raw), Files(format="jsonl"), ["id", "owner.name", "n"]))


def test_json_numbers_stay_as_written_and_paths_reach_inside():
    parts = _jsonl('{"id": "x", "owner": {"name": "y"}, "n": 0.10}\n\n{"id": 7, "owner": null}\n')
    assert parts[0].line.to_pylist() == [1, 3]
    assert {k: v.to_pylist() for k, v in parts[0].cells.items()} == {"id": ["x", "7"], "owner.name": ["y", None], "n": ["0.10", None]}


@pytest.mark.parametrize("line", ["{", "[1]", "7", '{"n": NaN}', "[" * 100_000, "{'a': 1}"])
def test_a_line_that_is_no_object_is_broken_alone(line: str):
    parts = _jsonl(f'{{"id": "a"}}\n{line}\n{{"id": "b"}}\n')
    assert parts[0].cells["id"].to_pylist() == ["a", "b"] and _broken(parts) == {2: "json"}


def test_json_keys_not_mapped_and_keys_that_never_come_are_noted():
    notes = [n for p in _jsonl('{"id": "a", "nn": 1, "owner": {"name": "y"}}\n') for n in p.notes]
    assert notes == ["keys not in the contract: nn", "keys of the contract that no record has: n"]


def test_empty_json_file():
    assert _broken(_jsonl("")) == {1: "empty_file"}


def _parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


TABLE = pa.table({"id": ["a", 'b"\\', None], "n": [1.5, None, 3.0]})


def test_parquet_keeps_types_and_numbers_records_over_row_groups():
    parts = list(read_parquet(io.BytesIO(_parquet(TABLE, row_group_size=2)), ["n", "id"]))
    assert [n for p in parts for n in p.line.to_pylist()] == [1, 2, 3]
    assert parts[0].cells["n"].type == pa.float64()
    assert [r for p in parts for r in p.raw.to_pylist()] == ['{"id": "a", "n": 1.5}', '{"id": "b\\"\\\\"}', '{"n": 3}']


def test_raw_json_of_a_table_without_columns():
    assert as_json(pa.table({})).to_pylist() == []


@pytest.mark.parametrize("cut", [0, 3, 60, -1, -20])
def test_truncated_parquet_is_refused_as_one_document(cut: int):
    parts = list(read_parquet(io.BytesIO(_parquet(TABLE)[:cut]), ["id"]))
    assert _broken(parts) == {1: "parquet"}


def test_a_spoiled_row_group_does_not_take_the_others_along():
    groups = pa.table({"id": [f"k{n:04d}" for n in range(300)]})
    data = bytearray(_parquet(groups, row_group_size=100, compression="none", use_dictionary=False, write_statistics=False))
    at = data.find(b"k0100")  # the second group's first value; its page header stands before it
    data[at - 14 : at - 4] = b"\xff" * 10
    parts = list(read_parquet(io.BytesIO(bytes(data)), ["id"]))
    kept = [v for p in parts if p.cells for v in p.cells["id"].to_pylist()]
    assert _broken(parts) == {101: "parquet"} and kept == [f"k{n:04d}" for n in (*range(100), *range(200, 300))]


def test_parquet_without_a_wanted_column_names_what_it_has():
    parts = list(read_parquet(io.BytesIO(_parquet(TABLE)), ["id", "m"]))
    assert _broken(parts) == dict.fromkeys((1, 2, 3), "column_missing")
    assert "column(s) m are missing; found: id, n" in parts[0].broken["reason"][0].as_py()


def _xml(text: str | bytes) -> list[Part]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_xml(io.BytesIO(data), "ubl", ["number"], {}))


BOMB = "<!DOCTYPE x [" + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(10)) + "]>"


@pytest.mark.parametrize(
    "doctype",
    ["<!DOCTYPE Invoice>", BOMB, '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>', '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'],
)
def test_document_types_and_entities_are_never_read(doctype: str):
    text = INVOICE.format(doctype=doctype, number="&e9;&f;")
    assert _broken(_xml(text)) == {1: "doctype"}
    assert _broken(_xml(text.replace('<?xml version="1.0"?>', "").encode("utf-16"))) == {1: "doctype"}


@pytest.mark.parametrize(("text", "rule"), [("", "empty_file"), ("<a><b></a>", "xml"), ("no xml", "xml"), ("<a/>", "standard:unknown"), ("<a>" * 300 + "</a>" * 300, "xml")])
def test_unparsable_and_unknown_documents_are_refused(text: str, rule: str):
    parts = _xml(text)
    assert _broken(parts) in ({1: rule}, {1: "too_deep"})


def test_the_place_of_a_syntax_error_is_named():
    reason = _xml("<a>\n<b></a>")[0].broken["reason"][0].as_py()
    assert "line 2" in reason and "have it sent again" in reason


def test_an_invoice_without_its_date_names_the_element():
    reason = _xml(INVOICE.format(doctype="", number="1"))[0].broken["reason"][0].as_py()
    assert reason.startswith("line 3, Invoice: no IssueDate")


def test_a_document_too_large_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("jobs.sources.standards.xml.MAX_DOCUMENT", 100)
    assert _broken(_xml("<a>" + " " * 200 + "</a>")) == {1: "too_long"}


@needs("einvoice")
def test_every_real_file_is_read_or_refused_for_a_reason():
    read, refused = 0, set()
    for path in sorted((DATA / "einvoice").glob("*/*.xml")):
        with path.open("rb") as stream:
            (part,) = read_xml(stream, "ubl", ["number", "net", "tax", "gross", "difference"], {"invoice_line": ["line_no", "net"]})
        refused |= set(_broken([part]).values())
        read += len(part.line)
        if len(part.line):
            assert part.cells["difference"][0].as_py() in ("0", "0.00"), path.name
            assert part.details["invoice_line"].num_rows > 0
    assert read == 13
    messages = {"AttestazioneTrasmissioneFattura", "NotificaScarto", "NotificaEsitoCommittente", "MetadatiInvioFile", "ScartoEsitoCommittente"}
    assert refused == {"standard:cii", "standard:cfdi", "standard:cfdi-retenciones", "standard:fatturapa", *(f"no_invoice:{m}" for m in messages)}
