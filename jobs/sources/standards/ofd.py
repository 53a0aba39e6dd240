"""China's e-invoice: the XML of the tax authority, alone or inside an OFD package (GB/T 33190, a ZIP that holds XML).

A red-letter invoice prints negative amounts, so its sign is 1. Of a fully digitalised invoice (2022 on) the twenty-digit
number is alone; before, code and number together name the invoice.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

from lxml import etree

from jobs.sources.archive import Refusal, directory
from jobs.sources.standards.canonical import Document, Row, Value
from jobs.sources.standards.nodes import any_text, each, first, missing, said, text_at
from jobs.sources.standards.totals import ZERO, reconcile, total
from jobs.sources.standards.values import day_of, number_of
from jobs.sources.standards.xml import MAX_DOCUMENT, Refused, parse

_NUMBER = ("InvoiceNo", "InvoiceNumber", "EIid", "TaxSupervisionInfo/InvoiceNumber", "Header/EIid")
_CODE = ("InvoiceCode",)


def read_china(root: etree._Element) -> Iterator[Document]:
    """The invoice of the authority's XML with its lines. Refused without number, date, seller or totals."""
    yield _digital(root) if first(root, "EInvoiceData") is not None else _document(root)


def read_ofd(stream: BinaryIO) -> Iterator[Document]:
    """The invoice of an OFD package: its attached XML, else what the package says of itself (CustomData).

    Refused when the archive is not safe to open, holds no document, or no invoice data stand in it.
    """
    parts = _members(stream)
    index = next((n for n in parts if n.rsplit("/", 1)[-1] == "OFD.xml"), None)
    if index is None:
        raise Refused("ofd", "the package has no OFD.xml", "have the .ofd file sent again")
    for n in sorted(parts):
        if n.lower().endswith(".xml") and _may_hold(n):
            root = parse(_unpacked(stream, parts[n]))
            if etree.QName(root).localname.lower() == "einvoice" and len(root):
                yield from read_china(root)
                return
    yield _custom(parse(_unpacked(stream, parts[index])))


def _members(stream: BinaryIO) -> dict[str, zipfile.ZipInfo]:
    try:
        return {m.filename: m for m in directory(stream)}
    except Refusal as fault:
        raise Refused(fault.rule, *fault.reason.rsplit("; ", 1)) from fault


def _unpacked(stream: BinaryIO, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, never more than a document may have, whatever its entry says."""
    place = f"member {member.filename[:100]!r}"
    if member.flag_bits & 1:
        raise Refused("encrypted", "a member is encrypted", "have it sent open", place)
    try:
        with zipfile.ZipFile(stream).open(member) as content:
            data = content.read(MAX_DOCUMENT + 1)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, RuntimeError, zlib.error) as fault:
        raise Refused("zip", f"a member is damaged or not as large as it says: {str(fault)[:200]}", place=place) from fault
    if len(data) > MAX_DOCUMENT:
        raise Refused("bomb", f"a member holds more than {MAX_DOCUMENT} bytes", place=place)
    return data


def _may_hold(name: str) -> bool:
    return any(word in name.lower() for word in ("attach", "tag", "invoice"))


def _party(root: etree._Element, role: str) -> Row:
    """`Seller/SellerName` and `Seller/SellerTaxID`; null where they are empty, as a consumer's are."""
    part = role.capitalize()
    found = any_text(root, f"{part}/{part}TaxID", f"{part}TaxID"), any_text(root, f"{part}/{part}Name", f"{part}Name")
    return {f"{role}_id": found[0], f"{role}_name": found[1], f"{role}_country": "CN" if found[0] else None}


def _amount(root: etree._Element, path: str) -> Decimal | None:
    """An amount; asterisks, as a list of mixed rates prints them, and empty texts are none."""
    found = first(root, path)
    text = said(found)
    return number_of(found, text) if found is not None and text and not set(text) <= set("*＊-—") else None


def rate_of(text: str | None) -> Decimal | None:
    """`6%` or `0.06` as percent; None for exempt (免税), untaxed (不征税) and asterisks."""
    plain = (text or "").replace("％", "%").strip()
    try:
        if plain.endswith("%"):
            return Decimal(plain[:-1])
        found = Decimal(plain)
    except ArithmeticError:
        return None
    return found * 100 if found < 1 else found


def _document(root: etree._Element) -> Document:
    number = any_text(root, *_NUMBER)
    if number is None:
        raise missing(root, "InvoiceNo")
    issued = first(root, "IssueDate")
    text = said(issued)
    if issued is None or text is None:
        raise missing(root, "IssueDate")
    document = Document()
    invoice = document.add(
        "invoice", standard="ofd", version=root.get("Version") or root.get("version"), number=(any_text(root, *_CODE) or "") + number,
        issued=day_of(issued, text), self_billed=False, sign=1, currency="CNY", **_party(root, "seller"), **_party(root, "buyer"),
    )  # fmt: skip
    for n, found in enumerate(each(root, "GoodsInfos/GoodsInfo"), 1):
        document.add(
            "invoice_line", number=invoice["number"], line=text_at(found, "LineNo") or str(n), item=text_at(found, "Item"), item_code=any_text(found, "TaxClassificationCode", "Specification"),
            quantity=_amount(found, "Quantity"), unit=text_at(found, "MeasurementDimension"), price=_amount(found, "Price"), net=_amount(found, "Amount"),
            tax_rate=rate_of(text_at(found, "TaxScheme")), tax_category=text_at(found, "TaxScheme"), tax=_amount(found, "TaxAmount"),
        )  # fmt: skip
    _sums(root, document, invoice, "TaxExclusiveTotalAmount", "TaxTotalAmount", "TaxInclusiveTotalAmount")
    return document


def _sums(root: etree._Element, document: Document, invoice: Row, net: str, tax: str, gross: str) -> None:
    lines = document.of("invoice_line")
    stated = _amount(root, net), _amount(root, tax), _amount(root, gross)
    if stated[0] is None and stated[2] is None:
        raise missing(root, net)
    invoice["tax"] = stated[1] if stated[1] is not None else total(lines, "tax")
    invoice["gross"] = stated[2] if stated[2] is not None else (stated[0] or ZERO) + total(lines, "tax")
    invoice["net"] = stated[0] if stated[0] is not None else (stated[2] or ZERO) - (stated[1] or ZERO)
    invoice["kind"] = "red" if (stated[2] or stated[0] or ZERO) < 0 else "ordinary"
    if not (invoice["seller_id"] or invoice["seller_name"]):
        raise missing(root, "Seller/SellerTaxID", ": it has no seller")
    by_rate: dict[Value, list[Row]] = {}
    for line in lines:
        by_rate.setdefault(line["tax_category"], []).append(line)
    for category, rows in by_rate.items():
        document.add(
            "invoice_tax", number=invoice["number"], kind="VAT", category=category, rate=rows[0]["tax_rate"], base=total(rows, "net"), tax=total(rows, "tax"), withheld=False
        )
    reconcile(document, invoice, by_line=True)


def _digital(root: etree._Element) -> Document:
    """A fully digitalised invoice (数电票): `EInvoice/Header`, `EInvoiceData` and `TaxSupervisionInfo`."""
    data = first(root, "EInvoiceData")
    if data is None:
        raise missing(root, "EInvoiceData")
    number = any_text(root, "TaxSupervisionInfo/InvoiceNumber", "Header/EIid")
    issued = next((e for p in ("TaxSupervisionInfo/IssueTime", "EInvoiceData/BasicInformation/RequestTime") if said(e := first(root, p))), None)
    if number is None or issued is None:
        raise missing(root, "TaxSupervisionInfo/InvoiceNumber" if number is None else "TaxSupervisionInfo/IssueTime")
    document = Document()
    sides = {r: first(data, f"{r.capitalize()}Information") for r in ("seller", "buyer")}
    parties: Row = {}
    for role, side in sides.items():
        part = role.capitalize()
        found = (any_text(side, f"{part}IdNum", f"{part}TaxID"), text_at(side, f"{part}Name")) if side is not None else (None, None)
        parties |= {f"{role}_id": found[0], f"{role}_name": found[1], f"{role}_country": "CN" if found[0] else None}
    invoice = document.add(
        "invoice", standard="ofd", version=text_at(root, "Header/Version"), number=number, issued=day_of(issued, said(issued) or ""), self_billed=False, sign=1, currency="CNY", **parties
    )
    for n, found_line in enumerate(each(data, "IssuItemInformation"), 1):
        rate = rate_of(text_at(found_line, "TaxRate"))
        document.add(
            "invoice_line", number=number, line=str(n), item=text_at(found_line, "ItemName"), item_code=text_at(found_line, "TaxClassificationCode"),
            quantity=_amount(found_line, "Quantity"), unit=text_at(found_line, "MeaUnits"), price=_amount(found_line, "UnPrice"), net=_amount(found_line, "Amount"),
            tax_rate=rate, tax_category=text_at(found_line, "TaxRate"), tax=_amount(found_line, "ComTaxAm"),
        )  # fmt: skip
    basic = first(data, "BasicInformation")
    if basic is None:
        raise missing(data, "BasicInformation")
    _sums(basic, document, invoice, "TotalAmWithoutTax", "TotalTaxAm", "TotalTax-includedAmount")
    return document


def _custom(root: etree._Element) -> Document:
    """What an OFD package says of its invoice in its own index; it knows no lines."""
    said_of = {e.get("Name"): e for e in root.iter("{*}CustomData") if said(e)}
    number, issued = said_of.get("发票号码"), said_of.get("开票日期")
    if number is None or issued is None:
        raise Refused("ofd:no_invoice", "the package holds no invoice data: neither an attached XML nor number and date in its index", "have the invoice's XML sent")
    code = said(said_of.get("发票代码")) or ""
    document = Document()
    amounts = {c: number_of(e, said(e) or "", n) for c, n in (("net", "合计金额"), ("gross", "价税合计"), ("tax", "合计税额")) if (e := said_of.get(n)) is not None}
    net, gross = amounts.get("net"), amounts.get("gross")
    if gross is None and net is None:
        raise Refused("ofd:no_invoice", "the package's index holds no total", "have the invoice's XML sent")
    tax = amounts.get("tax", gross - net if gross is not None and net is not None else ZERO)
    net = net if net is not None else (gross or ZERO) - tax
    gross = gross if gross is not None else net + tax
    invoice = document.add(
        "invoice", standard="ofd", version="index", number=code + (said(number) or ""), issued=day_of(issued, said(issued) or ""), self_billed=False, sign=1, currency="CNY",
        kind="red" if gross < 0 else "ordinary", net=net, tax=tax, gross=gross,
        seller_id=said(said_of.get("销售方纳税人识别号")), seller_name=said(said_of.get("销售方名称")), buyer_id=said(said_of.get("购买方纳税人识别号")), buyer_name=said(said_of.get("购买方名称")),
    )  # fmt: skip
    reconcile(document, invoice)
    return document
