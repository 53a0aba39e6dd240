"""What strangers send to break a reader: each is refused with its rule and place, within bounded time and memory; and what only looks odd is read."""

from __future__ import annotations

import io
import resource
import zipfile
from collections.abc import Callable

import pytest

from tests.sources.standards.given import CFDI40, CHINA, CII, UBL, amounts, changed, fatturapa, invoice, plain, refusal
from tests.sources.standards.given_saft import norway

LAUGHS = "<!DOCTYPE x [" + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12)) + "]>"
XXE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
AWAY = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'
PARAMETER = '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p.dtd"> %p;]>'
BARE = UBL.split("?>", 1)[1]


@pytest.mark.parametrize("doctype", [LAUGHS, XXE, AWAY, PARAMETER, "<!DOCTYPE Invoice>"])
@pytest.mark.parametrize("text", [BARE, CII, fatturapa(), CFDI40, CHINA, norway()])
@pytest.mark.parametrize("before", ["", "<!-- <a> -->\n", "<?pi <b> ?>"])
def test_document_types_are_refused_in_every_standard(doctype: str, text: str, before: str):
    assert refusal(before + doctype + changed(text, (">Mill<", ">&f;&e11;<")) if ">Mill<" in text else before + doctype + text).rule == "doctype"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_document_types_are_refused_in_wide_encodings(encoding: str):
    assert refusal("\ufeff".encode(encoding) + (XXE + BARE).encode(encoding)).rule in ("doctype", "xml")


def test_a_mark_inside_a_text_is_no_document_type():
    assert invoice(changed(UBL, ("Mill &amp; Sons", "<![CDATA[<!DOCTYPE html>]]>")))["seller_name"] == "<!DOCTYPE html>"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ("", "empty_file"),
        ("   \n", "empty_file"),
        (b"\x00" * 500, "xml"),
        ("number;date\n1;2\n", "xml"),
        (UBL[:-40], "xml"),
        (changed(UBL, ("<cbc:ID>F-1</cbc:ID>", "<cbc:ID>F-\x01</cbc:ID>")), "xml"),
        (UBL.encode("utf-8")[:700] + b"\xff\xfe\xfd" + UBL.encode("utf-8")[700:], "xml"),
        ("<order xmlns='urn:x'><id>1</id></order>", "standard:unknown"),
        ("<Invoice><Number>1</Number></Invoice>", "standard:unknown"),  # the name alone makes no UBL
        (changed(UBL, ("<Invoice ", "<ApplicationResponse "), ("</Invoice>", "</ApplicationResponse>"), ("xsd:Invoice-2", "xsd:ApplicationResponse-2")), "no_invoice:ApplicationResponse"),
        ("<a>" * 3000 + "</a>" * 3000, "too_deep"),
        ("<a>" * 250 + "</a>" * 250, "too_deep"),
        (changed(UBL, ("Mill &amp; Sons", "x" * 10_500_000)), "text_too_long"),
        (changed(UBL, ("Mill &amp; Sons", "x" * 1_100_000)), "text_too_long"),
        (changed(UBL, ('unitCode="KGM">6', f'unitCode="{"x" * 1_100_000}">6')), "text_too_long"),
        ("<Invoice>" + "<a/>" * (9 << 20) + "</Invoice>", "too_long"),
        (b"%PDF-1.7 ...", "pdf"),
        (b"-----BEGIN PKCS7-----\nMIIB", "signed"),
        (b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80", "signed"),
        (b"\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x82", "signed"),
        (b"MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEFADCABgkqhkiG9w0BBwGggCSABIID", "signed"),
        (b"PK\x03\x04broken", "zip"),
    ],
)
def test_what_cannot_be_read_is_refused_by_rule(data: str | bytes, rule: str):
    fault = refusal(data)
    assert fault.rule == rule and fault.reason and fault.remedy
    assert len(str(fault)) < 1000


def test_long_attachments_are_no_endless_text():
    attached = "<Attachment>" + "A" * 2_000_000 + "</Attachment>"
    assert invoice(changed(fatturapa(), ("</FatturaElettronicaBody>", f"<Allegati>{attached}</Allegati></FatturaElettronicaBody>")))["number"] == "P-1"


def _ofd(**files: str | bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/"), data)
    return sink.getvalue()


INDEX = """<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016"><ofd:DocBody><ofd:DocInfo><ofd:CustomDatas>{}</ofd:CustomDatas></ofd:DocInfo></ofd:DocBody></ofd:OFD>"""
NAMED = {"发票代码": "05", "发票号码": "77", "开票日期": "2026年1月15日", "合计金额": "100.00", "价税合计": "106.00", "销售方名称": "磨坊"}


def _index(**said: str) -> str:
    return INDEX.format("".join(f'<ofd:CustomData Name="{k}">{v}</ofd:CustomData>' for k, v in said.items()))


def test_an_ofd_package_is_read_by_its_attachment_and_else_by_its_index():
    row = invoice(_ofd(**{"OFD.xml": _index(**NAMED), "Doc_0__Attachs__original_invoice.xml": CHINA}))
    assert (row["number"], row["lines"]) == ("05000000011100000001", 1)
    row = invoice(_ofd(**{"OFD.xml": _index(**NAMED)}))
    assert (row["number"], row["seller_name"], row["lines"], *amounts(row, "net", "tax", "gross", "difference")) == ("0577", "磨坊", 0, "100", "6", "106", "0")


def _patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: _ofd(**{"OFD.xml": _index(), "..__..__evil.xml": CHINA}), "path"),
        (lambda: _ofd(**{"OFD.xml": _index(), "/etc__x.xml": CHINA}), "path"),
        (lambda: _ofd(**{"OFD.xml": _index(), "C:\\x.xml": CHINA}), "path"),
        (lambda: _ofd(**{"OFD.xml": _index(), "Doc_0__Attachs__invoice.xml": "<a>" + " " * (40 << 20)}), "bomb"),
        (lambda: _ofd(**{"OFD.xml": _index()}), "ofd:no_invoice"),
        (lambda: _ofd(**{"OFD.xml": _index(**{**NAMED, "价税合计": "1O6"})}), "amount:价税合计"),
        (lambda: _ofd(**{"OFD.xml": XXE + _index(**NAMED)}), "doctype"),
        (lambda: _ofd(**{"OFD.xml": _index(), "attach.xml": CHINA[:300]}), "xml"),
        (lambda: _ofd(**{"notes.txt": "x"}), "ofd"),
        (lambda: _ofd(**{"OFD.xml": _index(**NAMED)})[:-30], "zip"),
        (lambda: _patched(_ofd(**{"OFD.xml": _index(**NAMED)}), b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"), "encrypted"),
    ],
)
def test_packages_that_are_not_safe_to_open(make: Callable[[], bytes], rule: str):
    assert refusal(make()).rule == rule


def test_a_bomb_costs_no_memory():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = _ofd(**{"OFD.xml": _index(), "attach.xml": b"<a>" + b" " * (30 << 20)})
    made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(data).rule == "bomb"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - max(before, made) < 8 << 10  # KiB


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + UBL.encode(),
        UBL.replace("UTF-8", "UTF-16").encode("utf-16"),
        UBL.replace("UTF-8", "iso-8859-1").replace("Mill &amp; Sons", "Mühle").encode("latin-1"),
        UBL.replace("UTF-8", "windows-1252").encode("cp1252"),
        UBL.replace("UTF-8", "GB18030").replace("Mill &amp; Sons", "磨坊").encode("gb18030"),
        ("\n\n" + BARE).encode(),
        UBL.replace("cbc:", "a:").replace("xmlns:cbc", "xmlns:a").replace("cac:", "zz:").replace("xmlns:cac", "xmlns:zz").encode(),
        UBL.replace("cbc:", "").replace("cac:", "").replace('xmlns:cbc="', 'xmlns:b="').encode(),
        UBL.replace("urn:oasis:names:specification:ubl:schema:xsd:", "urn:somewhere:else:").encode(),
        BARE.replace("cbc:", "").replace("cac:", "").replace(' xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"', "").encode(),
        ("<env:E xmlns:env='urn:e'><env:Header/><env:Body>" + BARE + "</env:Body></env:E>").encode(),
        ("<AttachedDocument><Attachment><Description><![CDATA[" + UBL + "]]></Description></Attachment></AttachedDocument>").encode(),
    ],
)
def test_spelt_otherwise_it_is_the_same_invoice(data: bytes):
    row = invoice(data)
    assert (row["number"], row["standard"], *amounts(row, "net", "tax", "gross", "difference")) == ("F-1", "ubl", "90", "18", "108", "0")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18.00", "18"), ("+18", "18"), (" 18.0 ", "18"), ("-.5", "-0.5"), ("１８．００", "18"), ("¥18.00", "18"), ("18,00", "18"), ("1 800,50", "1800.5"), ("1.800,50", "1800.5"),
        ("1,800.50", "1800.5"), ("1,800,000", "1800000"), ("1'800.50", "1800.5"), ("0.123456789", "0.123456789"), ("123456789012345678", "123456789012345678"),
        ("1,800", None), ("18.00 EUR", None), ("1e3", None), ("NaN", None), ("Infinity", None), ("--1", None), ("1.2.3", None), ("1,2,3", None), ("1234567890123456789", None),
        ("0x10", None), ("١٨", None), ("1_000", None), ("18-", None),
    ],
)  # fmt: skip
def test_amounts_mean_one_thing_or_are_refused(text: str, value: str | None):
    document = changed(UBL, (">8.00<", f">{text}<"))
    if value is None:
        assert refusal(document).rule == "amount:PrepaidAmount"
    else:
        assert plain(invoice(document)["prepaid"]) == value


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-15", "2026-01-15"), ("2026-01-15Z", "2026-01-15"), ("2026-01-15+02:00", "2026-01-15"), ("2026-01-15T23:59:59.999-05:00", "2026-01-15"), ("20260115", "2026-01-15"),
        ("2026年1月5日", "2026-01-05"), ("2026/1/5", "2026-01-05"), ("2026-02-30", None), ("15.01.2026", None), ("01/02/2026", None), ("2026", None), ("2026-01", None), ("0000-01-01", None),
    ],
)  # fmt: skip
def test_dates(text: str, day: str | None):
    document = changed(UBL, ("2026-01-15", text))
    if day is None:
        assert refusal(document).rule == "date:IssueDate"
    else:
        assert str(invoice(document)["issued"]) == day
