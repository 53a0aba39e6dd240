"""Some of a country's invoices as e-invoices travel: UBL 2.1 by EN 16931, one document a file, beside the Parquet of the platform.

A red-letter invoice becomes a credit note with positive amounts that names what it credits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree

from jobs.economy.words import in_own_words
from jobs.economy.world import World

_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd:"
_CBC, _CAC = f"{{{_SCHEMA}CommonBasicComponents-2}}", f"{{{_SCHEMA}CommonAggregateComponents-2}}"
_PREFIX = {"cn_uscc": ("CN", ""), "it_iva": ("IT", "IT")}  # country code; what a VAT number bears in front
_QUANTITIES = (1, 2, 4, 5, 10, 20)  # a line's cents divided by these have at most four decimals
_RED = "红字"


def documents_of(bucket: int, buckets: int, count: int) -> int:
    """How many of `count` documents of a country a bucket writes."""
    return count // buckets + (bucket < count % buckets)


def write_documents(world: World, invoices: pa.Table, folder: Path, bucket: int, count: int) -> int:
    """Write up to `count` of a bucket's invoices into folder/*.xml; how many were written. The choice hangs on the invoices' numbers alone."""
    if count == 0 or invoices.num_rows == 0:
        return 0
    last = pc.cast(pc.utf8_slice_codeunits(invoices["invoice_no"], -8), pa.int64()).to_numpy()
    drawn = last * 387_420_489 % 10**8
    chosen = invoices.take(pa.array(np.argsort(drawn, kind="stable")[:count])).sort_by([("invoice_no", "ascending"), ("seller_id", "ascending")])
    folder.mkdir(parents=True, exist_ok=True)
    red = pc.equal(chosen["kind"], _RED).to_pylist()
    for n, (row, is_red) in enumerate(zip(in_own_words(world, chosen).to_pylist(), red, strict=True), 1):
        (folder / f"einvoice_{bucket + 1:03d}_{n:05d}.xml").write_bytes(document(world, row, is_red))
    return int(chosen.num_rows)


def document(world: World, row: dict[str, Any], red: bool) -> bytes:
    """One invoice (a row of the platform's file) as a UBL document."""
    name = "CreditNote" if red else "Invoice"
    root = etree.Element(f"{{{_SCHEMA}{name}-2}}{name}", nsmap={None: f"{_SCHEMA}{name}-2", "cbc": _CBC[1:-1], "cac": _CAC[1:-1]})
    _add(root, "CustomizationID", "urn:cen.eu:en16931:2017")
    _add(root, "ID", row["invoice_no"])
    _add(root, "IssueDate", str(row["issued_on"]))
    _add(root, f"{name}TypeCode", "381" if name == "CreditNote" else "380")
    _add(root, "DocumentCurrencyCode", world.country.currency)
    if row["corrects"]:
        _add(_group(root, "BillingReference", "InvoiceDocumentReference"), "ID", row["corrects"])
    for role, side in (("AccountingSupplierParty", "seller"), ("AccountingCustomerParty", "buyer")):
        _party(world, _group(root, role, "Party"), row[f"{side}_id"], row[f"{side}_name"])
    _totals(world, root, name, row)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)  # type: ignore[no-any-return]


def _add(parent: Any, name: str, text: str, **attributes: str) -> Any:
    found = etree.SubElement(parent, _CBC + name, attributes)
    found.text = text  # lxml escapes it
    return found


def _group(parent: Any, *names: str) -> Any:
    for name in names:
        parent = etree.SubElement(parent, _CAC + name)
    return parent


def _party(world: World, party: Any, tax_id: str | None, name: str | None) -> None:
    country, prefix = _PREFIX[world.country.ids]
    if tax_id:  # whoever has no tax id here may live anywhere
        _add(_group(party, "PostalAddress", "Country"), "IdentificationCode", country)
        scheme = _group(party, "PartyTaxScheme")
        _add(scheme, "CompanyID", prefix + tax_id)
        _add(_group(scheme, "TaxScheme"), "ID", "VAT")
    _add(_group(party, "PartyLegalEntity"), "RegistrationName", name or "-")


def _totals(world: World, root: Any, name: str, row: dict[str, Any]) -> None:
    net, tax = (abs(int(row[n] * 100)) for n in ("net", "tax"))
    rate, money = (round(100 * tax / net) if net else 0), {"currencyID": world.country.currency}
    total = _group(root, "TaxTotal")
    _add(total, "TaxAmount", _currency(tax), **money)
    part = _group(total, "TaxSubtotal")
    _add(part, "TaxableAmount", _currency(net), **money)
    _add(part, "TaxAmount", _currency(tax), **money)
    _category(_group(part, "TaxCategory"), rate)
    sums = _group(root, "LegalMonetaryTotal")
    for label, cents in (("LineExtensionAmount", net), ("TaxExclusiveAmount", net), ("TaxInclusiveAmount", net + tax), ("PayableAmount", net + tax)):
        _add(sums, label, _currency(cents), **money)
    for n, cents in enumerate(_parts(net), 1):
        line = _group(root, f"{name}Line")
        count = _QUANTITIES[cents % len(_QUANTITIES)]
        _add(line, "ID", str(n))
        _add(line, "CreditedQuantity" if name == "CreditNote" else "InvoicedQuantity", str(count), unitCode="C62")
        _add(line, "LineExtensionAmount", _currency(cents), **money)
        item = _group(line, "Item")
        _add(item, "Name", row["item"])
        _category(_group(item, "ClassifiedTaxCategory"), rate)
        _add(_group(line, "Price"), "PriceAmount", _price(cents, count), **money)


def _category(category: Any, rate: int) -> None:
    _add(category, "ID", "S" if rate else "Z")
    _add(category, "Percent", str(rate))
    _add(_group(category, "TaxScheme"), "ID", "VAT")


def _parts(net: int) -> list[int]:
    """A net amount in one to three lines."""
    lines = min(1 + net % 3, max(1, net))
    first = net // lines
    return [net - first * (lines - 1), *([first] * (lines - 1))]


def _price(cents: int, count: int) -> str:
    fine = cents * 100 // count  # exact: every count divides a hundred
    return f"{fine // 10_000}.{fine % 10_000:04d}"


def _currency(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
