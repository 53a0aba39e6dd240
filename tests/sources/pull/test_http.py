"""Pulling from a real HTTP server on loopback: pages, retries, refusals, and every record once."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from jobs.conf import ConfError, Source
from jobs.sources.pull import client
from jobs.sources.pull.staging import PullError
from tests.sources.pull.given import NOW, entries, killed, landed, numbers, pulled, pulling
from tests.sources.pull.server import Interface, Said


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited between tries; nobody really waits."""
    found: list[float] = []
    monkeypatch.setattr(client.time, "sleep", found.append)
    return found


def contract(interface: Interface, delivery: str = "increment", **said: Any) -> Source:
    place = {"kind": "http", "url": f"{interface.url}/payments", **said}
    return pulling(place, delivery=delivery, files={"pattern": "pay_*.jsonl", "format": "jsonl"})


def record(no: str, **said: Any) -> dict[str, Any]:
    return {"no": no, "id": "91350100M000100Y43", "day": "2026-01-05", "amount": 1, **said}


PAGES = [["a", "b"], ["c"], ["d", "e"]]


def by_number(path: str, query: dict[str, str]) -> Said:
    page = int(query["page"])
    return Said({"data": [record(no) for no in (PAGES[page - 1] if page <= len(PAGES) else [])]})


def by_cursor(path: str, query: dict[str, str]) -> Said:
    at = int(query.get("after", "0"))
    return Said({"data": [record(no) for no in PAGES[at]], "meta": {"next": str(at + 1) if at + 1 < len(PAGES) else None}})


def by_link(path: str, query: dict[str, str]) -> Said:
    at = int(query.get("p", "0"))
    following = {"next": f"?size=2&p={at + 1}"} if at + 1 < len(PAGES) else {}
    return Said({"data": [record(no) for no in PAGES[at]], "links": following})


def by_header(path: str, query: dict[str, str]) -> Said:
    at = int(query.get("p", "0"))
    more = {"Link": f'<{path}?p={at + 1}>; rel="next"'} if at + 1 < len(PAGES) else {}
    return Said({"data": [record(no) for no in PAGES[at]]}, headers=more)


#   how pages follow                                             the server       questions
WAYS = [
    ({"by": "number"}, by_number, 4),  # the last one is empty
    ({"by": "cursor", "at": "meta.next", "parameter": "after"}, by_cursor, 3),
    ({"by": "link", "at": "links.next"}, by_link, 3),
    ({"by": "link"}, by_header, 3),
    (None, by_header, 1),
]


@pytest.mark.parametrize(("pages", "answering", "questions"), WAYS)
def test_all_pages_are_one_file(interface: Interface, inbox: Path, pages: dict[str, Any] | None, answering: Any, questions: int) -> None:
    interface.answering = answering
    ours = contract(interface, records="data", pages=pages)
    assert len(pulled(ours, inbox)) == 1
    assert len(interface.asked) == questions
    assert numbers(ours, inbox) == (list("abcde") if pages else ["a", "b"])
    assert pulled(ours, inbox) == [] and len(entries(inbox)) == 1


def test_a_number_keeps_its_digits(interface: Interface, inbox: Path) -> None:
    interface.answering = lambda path, query: Said(raw=b'[{"no": "a", "id": 91350100000100143000, "amount": 12345678901234567.10, "name": "\xe7\xba\xb3"}]')
    (name,) = pulled(contract(interface), inbox)
    assert (inbox / "pay" / name).read_text(encoding="utf-8") == '{"no": "a", "id": 91350100000100143000, "amount": "12345678901234567.10", "name": "纳"}\n'


FULL = Said([record("a"), record("b")])
SHORT = Said(FULL.body, cut=20)
PAST = format_datetime(datetime.now(UTC) - timedelta(seconds=60), usegmt=True)

#   answers before the good one                                        waited before each
TRIES = [
    ([Said("down", 503), Said("down", 500)], [1, 2]),
    ([Said("down", 502), Said("down", 504), Said("slow down", 429)], [1, 2, 4]),
    ([Said("slow down", 429, {"Retry-After": "7"})], [7]),
    ([Said("down", 503, {"Retry-After": PAST})], [0]),
    ([Said("down", 503, {"Retry-After": "in a while"})], [1]),
    ([SHORT, SHORT], [1, 2]),  # the body ends before the length it announced
    ([Said(raw=FULL.content[:20])], [1]),  # whole by its length, and no whole JSON
    ([Said(raw=b"x", headers={"Content-Encoding": "gzip"})], [1]),
]


@pytest.mark.parametrize(("answers", "waited"), TRIES)
def test_what_may_go_better_is_tried_again_and_nothing_is_half_taken(interface: Interface, inbox: Path, waits: list[float], answers: list[Said], waited: list[float]) -> None:
    interface.first, interface.answering = list(answers), lambda path, query: FULL
    assert len(pulled(contract(interface), inbox)) == 1
    assert waits == waited
    assert numbers(contract(interface), inbox) == ["a", "b"]


def test_the_date_of_a_retry_after_is_kept(interface: Interface, inbox: Path, waits: list[float]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    interface.first, interface.answering = [Said("down", 503, {"Retry-After": soon})], lambda path, query: FULL
    pulled(contract(interface), inbox)
    assert 60 < waits[0] <= 120


def test_a_silent_server_is_a_timeout_and_tried_again(interface: Interface, inbox: Path, waits: list[float]) -> None:
    done = threading.Event()

    def silent_once(path: str, query: dict[str, str]) -> Said:
        if len(interface.asked) == 1:
            done.wait(3)
        return FULL

    interface.answering = silent_once
    try:
        assert len(pulled(contract(interface, timeout="1s"), inbox)) == 1
    finally:
        done.set()
    assert waits == [1] and len(interface.asked) == 2


ELSEWHERE = "http://localhost.example/payments"
NEXT = {"by": "link", "at": "next"}

#   said of the contract             the server answers                                              the message says
REFUSED = [
    ({}, Said("", 500), "answers 500, 5 times; ask whoever runs it"),
    ({"tries": 2}, SHORT, r"no whole answer \(RemoteProtocolError.*2 times"),
    ({}, Said("", 429, {"Retry-After": "3600"}), "answers 429, and asks for 3600 s of patience; pull.patience is 10m"),
    ({}, Said("", 404), "/payments: answers 404, not 200; correct pull.url"),
    ({}, Said("", 401), r"answers 401: a missing token \(pull.token\) is not accepted"),
    ({"token": "ASSAY_TOKEN"}, Said("", 403), "answers 403: the token in ASSAY_TOKEN is not accepted"),
    ({}, Said("", 302, {"Location": ELSEWHERE}), r"is sent on to http://localhost\.example; only http://127\.0\.0\.1:\d+, which the contract names, is asked"),
    ({}, Said("", 302, {"Location": "//127.0.0.1:1/x"}), r"is sent on to http://127\.0\.0\.1:1; only"),
    ({}, Said("", 302, {"Location": "/payments"}), "sent on more than 5 times"),
    ({"records": "data", "pages": NEXT}, Said({"data": [record("a")], "next": ELSEWHERE}), r"is sent on to http://localhost\.example"),
    ({"records": "data", "pages": NEXT}, Said({"data": [record("a")], "next": "/payments"}), "names a page again that it has given"),
    ({"records": "data", "pages": {"by": "cursor", "at": "next"}}, Said({"data": [], "next": "same"}), "names a page again"),
    ({}, Said({"data": []}), "gives no list of JSON objects as its whole answer; correct pull.records"),
    ({"records": "items.all"}, Said({"items": {"some": []}}), "gives no list of JSON objects at items.all"),
    ({}, Said(["a"]), "no list of JSON objects"),
    ({}, Said(raw=b"<html>"), "no whole JSON, 5 times"),
    ({}, Said(raw=b"[" * 100_000), "no whole JSON, 5 times"),
    ({}, Said(raw=b'[{"no": NaN}]'), "no whole JSON"),
    ({"most_mb": 1}, Said([record("x" * (1 << 20))]), "sends more than 1 MB"),
    ({"most_mb": 1}, Said(raw=gzip.compress(b"[" + b" " * (64 << 20) + b"]"), headers={"Content-Encoding": "gzip"}), "sends more than 1 MB"),
]


@pytest.mark.parametrize(("said", "answer", "message"), REFUSED)
def test_what_is_refused_is_named_and_nothing_lands(
    interface: Interface, inbox: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], answer: Said, message: str
) -> None:
    monkeypatch.setenv("ASSAY_TOKEN", "hunter2")
    interface.answering = lambda path, query: answer
    with pytest.raises(PullError, match=message) as fault:
        pulled(contract(interface, **said), inbox)
    assert "hunter2" not in str(fault.value)
    assert landed(inbox) == [] and entries(inbox) == []


def test_the_size_is_bounded_over_all_pages(interface: Interface, inbox: Path) -> None:
    interface.answering = lambda path, query: Said([record("x" * 300_000, page=query["page"])] * (int(query["page"]) < 9))
    with pytest.raises(PullError, match="sends more than 1 MB"):
        pulled(contract(interface, most_mb=1, pages={"by": "number"}), inbox)
    assert len(interface.asked) == 4


def test_a_redirect_within_the_host_is_followed(interface: Interface, inbox: Path) -> None:
    interface.answering = lambda path, query: FULL if path == "/v2/payments" else Said("", 308, {"Location": "/v2/payments"})
    assert len(pulled(contract(interface), inbox)) == 1


#   header             what the server sees
HEADERS = [("Authorization", "Bearer hunter2"), ("X-Api-Key", "hunter2")]


@pytest.mark.parametrize(("header", "seen"), HEADERS)
def test_the_token_comes_from_the_environment(interface: Interface, inbox: Path, monkeypatch: pytest.MonkeyPatch, header: str, seen: str) -> None:
    ours = contract(interface, token="ASSAY_TOKEN", header=header)
    monkeypatch.setenv("ASSAY_TOKEN", " hunter2\n")
    pulled(ours, inbox)
    assert interface.headers[0][header] == seen
    monkeypatch.setenv("ASSAY_TOKEN", "")
    with pytest.raises(ConfError, match=r"pull\.token: the environment variable ASSAY_TOKEN is empty"):
        pulled(ours, inbox)
    monkeypatch.setenv("ASSAY_TOKEN", "hunter2\r\nX-Evil: 1")
    with pytest.raises(ConfError, match="holds signs that no header can carry") as fault:
        pulled(ours, inbox)
    assert "hunter2" not in str(fault.value)
    assert len(interface.asked) == 1


#   overlap   marks landed before                             is asked for
SINCE = [
    ("0s", ["2026-01-05"], "2026-01-05"),
    ("36h", ["2026-01-05", "2026-01-03"], "2026-01-03"),  # a time before a day's midnight is in the day before
    ("1h", ["2026-01-05T09:30:00+08:00"], "2026-01-05T08:30:00+08:00"),
    ("1h", ["2026-01-05T09:30:00Z", "2026-01-05T10:00:00+08:00"], "2026-01-05T08:30:00Z"),
    ("1h", ["2026-01-05T09:30:00"], "2026-01-05T08:30:00"),
    ("1h", ["2036-01-05T09:30:00Z"], "2026-01-20T00:00:00Z"),  # in the future: counts as now
    ("5", ["9", "10"], "5"),
]


@pytest.mark.parametrize(("overlap", "marks", "asked"), SINCE)
def test_records_are_asked_for_from_the_highest_mark_on(interface: Interface, inbox: Path, overlap: str, marks: list[str], asked: str) -> None:
    interface.answering = lambda path, query: Said([record(str(n), changed=int(m) if m.isdigit() else m) for n, m in enumerate(marks)])
    ours = contract(interface, since={"column": "changed", "parameter": "from", "overlap": overlap})
    pulled(ours, inbox)
    assert pulled(ours, inbox) == []
    assert [query for _, query in interface.asked] == [{}, {"from": asked}]


def test_records_at_the_border_committed_late_or_without_a_mark_land_once(interface: Interface, inbox: Path) -> None:
    there = [("a", "2026-01-05T10:00:00Z"), ("b", "2026-01-05T11:00:00Z")]

    def answering(path: str, query: dict[str, str]) -> Said:
        return Said([record(no, changed=mark) for no, mark in there if not mark or mark >= query.get("from", "")])

    interface.answering = answering
    ours = contract(interface, since={"column": "changed", "parameter": "from", "overlap": "30m"})
    pulled(ours, inbox)
    there += [("border", "2026-01-05T11:00:00Z"), ("late", "2026-01-05T10:45:00Z"), ("unmarked", None), ("too late", "2026-01-05T10:15:00Z")]
    pulled(ours, inbox)
    there += [("c", "2026-01-06T11:05:00Z")]
    pulled(ours, inbox)
    assert pulled(ours, inbox) == [], "the record without a mark is known again, however old its file"
    assert numbers(ours, inbox) == ["a", "b", "border", "c", "late", "unmarked"]


def test_a_mark_that_is_none_names_the_key(interface: Interface, inbox: Path) -> None:
    interface.answering = lambda path, query: Said([record("a", changed="yesterday"), record("b", changed="today")])
    with pytest.raises(PullError, match=r"a record's changed is no ISO date or time; correct pull\.since"):
        pulled(contract(interface, since={"column": "changed", "parameter": "from", "overlap": "1h"}), inbox)
    assert landed(inbox) == []


def test_a_snapshot_lands_whole_and_only_when_it_is_another_than_the_last(interface: Interface, inbox: Path) -> None:
    ours = contract(interface, delivery="snapshot")
    for n, (nos, lands) in enumerate([("", 0), ("ab", 1), ("ba", 0), ("b", 1), ("", 0), ("ab", 1)]):
        interface.answering = lambda path, query, nos=nos: Said([record(no) for no in nos])
        assert len(pulled(ours, inbox, NOW + timedelta(days=n))) == lands, (n, nos)
    assert numbers(ours, inbox) == ["a", "a", "b", "b", "b"]


@pytest.mark.parametrize("point", ["pull:written", "pull:staged", "pull:entered", "pull:landed"])
def test_a_pull_killed_and_repeated_lands_each_record_once(interface: Interface, inbox: Path, point: str) -> None:
    interface.answering = by_number
    ours = contract(interface, records="data", pages={"by": "number"})
    killed(ours, inbox, point)
    pulled(ours, inbox)
    assert numbers(ours, inbox) == list("abcde") and len(entries(inbox)) == 1


def test_a_certificate_nobody_vouches_for_is_refused(inbox: Path, tmp_path: Path, waits: list[float]) -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = {"kind": "http", "url": f"https://localhost:{server.server_port}/", "tries": 1}
    try:
        with pytest.raises(PullError, match="CERTIFICATE_VERIFY_FAILED"):
            pulled(pulling(place, files={"pattern": "pay_*.jsonl", "format": "jsonl"}), inbox)
    finally:
        server.shutdown()
        server.server_close()


def _self_signed(folder: Path) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    plan = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1).add_extension(names, critical=False)
    made = plan.not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=1)).sign(key, hashes.SHA256())
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_lines_are_json(interface: Interface, inbox: Path) -> None:
    interface.answering = lambda path, query: Said([record('"\n\u2028\ud800', nested={"a": [1, None]})])
    (name,) = pulled(contract(interface), inbox)
    (line,) = (inbox / "pay" / name).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert json.loads(line)["no"] == '"\n\u2028\ud800'
    assert pulled(contract(interface), inbox) == []
