"""What the invoice platform sends: every invoice that a firm of the country issued or, from outside, received."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.economy.bills import Bills
from jobs.economy.books import Books
from jobs.economy.firms import Firms, firms
from jobs.economy.tables import dates, money, papers
from jobs.economy.trade import RELATED, Orders
from jobs.economy.words import company_names, ids_of, outside_parties
from jobs.economy.world import World
from jobs.lake.arrays import Ints, day_number

_ABROAD = ("Harbour Trading GmbH", "Northline Imports Ltd", "Sol y Mar S.L.", "Pacific Retail Inc.", "Delta Handels AB", "Levante Export S.r.l.")
_OWN_USE = np.array(["家用电器", "家具", "餐饮服务", "乘用车配件", "珠宝首饰"])
_INSIDE = 64  # serials below it are the seller's own: outside from 16, consumers from 32, received from 48
_COLUMNS = ("invoice_no", "kind", "issued_on", "seller_id", "seller_name", "buyer_id", "buyer_name", "net", "tax", "gross", "item", "corrects")


def invoice_papers(world: World, f: Firms, b: Books, sold: Orders, after: int, until: int) -> pa.Table:
    """Invoices issued on days after < day <= until by the bucket's firms, and to them from outside."""
    ids, names = ids_of(world, f), company_names(world, f)
    parts = [_inside(world, f, ids, names, sold, after, until)]
    parts += [_own(world, f, ids, names, b.bills[purpose], purpose, after, until) for purpose in ("outside", "consumers", "abroad")]
    parts += [_received(world, f, ids, names, b.bills[purpose], purpose, after, until) for purpose in ("purchases", "private", "paper")]
    return pa.concat_tables([p.select([*_COLUMNS, "_day"]) for p in parts])


def _inside(world: World, f: Firms, ids: np.ndarray, names: pa.Array, o: Orders, after: int, until: int) -> pa.Table:
    day = world.first_day(o.month) + o.day
    o, day = o.where((day > after) & (day <= until)), day[(day > after) & (day <= until)]
    place = np.searchsorted(f.number, o.supplier)
    unique, where = np.unique(o.buyer, return_inverse=True)
    buyers = firms(world, unique)
    item = np.where(o.kind >= RELATED, "咨询服务", world.country.column("item")[f.industry[place]])
    kind = np.where(o.special == 1, "专用", "普通")
    number = _numbers(world, day, o.supplier, o.month, _INSIDE + o.buyer * 16 + o.serial, o.special == 1)
    buyer_id, buyer_name = pa.array(ids_of(world, buyers)).take(pa.array(where)), company_names(world, buyers).take(pa.array(where))
    return _rows(day, number, kind, pa.array(ids[place]), names.take(pa.array(place)), buyer_id, buyer_name, o.net, o.tax, item)


def _own(world: World, f: Firms, ids: np.ndarray, names: pa.Array, b: Bills, purpose: str, after: int, until: int) -> pa.Table:
    b, day = _within(world, b, after, until)
    serial = {"outside": 1, "consumers": 2, "abroad": 0}[purpose] * 16 + b.part
    special = f.general[b.firm] & (purpose == "outside")
    number = _numbers(world, day, f.number[b.firm], b.month, serial, special)
    seller, seller_name = pa.array(ids[b.firm]), names.take(pa.array(b.firm))
    item = world.country.column("item")[f.industry[b.firm]]
    if purpose == "consumers":
        nobody = pa.nulls(len(b), pa.string())
        return _rows(day, number, np.full(len(b), "普通"), seller, seller_name, nobody, pa.repeat("个人", len(b)), b.net, b.tax, item)
    if purpose == "abroad":
        buyer = pa.array(_ABROAD).take(pa.array(world.chance.whole(0, len(_ABROAD), "abroad customer", f.number[b.firm], b.month // 12)))
        return _rows(day, number, np.full(len(b), "普通"), seller, seller_name, pa.nulls(len(b), pa.string()), buyer, b.net, b.tax, item)
    # An outside customer stays with the seller; a cancelled invoice and its red letter name the same one.
    customer = world.chance.whole(0, 10**7, "outside customer", f.number[b.firm], b.month // 6, b.part % 4)
    buyer, buyer_name = outside_parties(world, customer)
    kind = np.where(b.red, "红字", np.where(f.general[b.firm], "专用", "普通"))
    original = world.first_day(b.month) + world.chance.whole(0, 28, purpose + " day", f.number[b.firm], b.month, b.part - 4)
    corrected = _numbers(world, original, f.number[b.firm], b.month, serial - 4, special)
    corrects = pc.if_else(pa.array(b.red), corrected, pa.scalar(None, pa.string()))
    return _rows(day, number, kind, seller, seller_name, pa.array(buyer), buyer_name, b.net, b.tax, item).set_column(_COLUMNS.index("corrects"), "corrects", corrects)


def _received(world: World, f: Firms, ids: np.ndarray, names: pa.Array, b: Bills, purpose: str, after: int, until: int) -> pa.Table:
    b, day = _within(world, b, after, until)
    supplier = world.chance.whole(0, 10**7, "outside supplier", f.number[b.firm], b.month // 9, b.part)
    seller, seller_name = outside_parties(world, supplier)
    number = _numbers(world, day, f.number[b.firm], b.month, {"purchases": 48, "private": 56, "paper": 60}[purpose] + b.part, f.general[b.firm])
    kind = np.where(f.general[b.firm], "专用", "普通")
    return _rows(day, number, kind, pa.array(seller), seller_name, pa.array(ids[b.firm]), names.take(pa.array(b.firm)), b.net, b.tax, np.full(len(b), "材料") if purpose != "private" else _OWN_USE[world.chance.whole(0, len(_OWN_USE), "own use item", f.number[b.firm], b.month, b.part)])


def _within(world: World, b: Bills, after: int, until: int) -> tuple[Bills, Ints]:
    day = world.first_day(b.month) + b.day
    keep = (day > after) & (day <= until)
    return Bills(*(getattr(b, n)[keep] for n in ("firm", "month", "part", "net", "tax", "day", "red"))), day[keep]


def _numbers(world: World, day: Ints, seller: Ints, month: Ints, serial: Ints, special: np.ndarray | bool) -> pa.Array:
    """Number of an invoice; it follows from seller, month and serial.

    All-electronic (place.electronic_from): 20 digits, of year, province, way of issue and serial. On paper before: the form's code (of special
    invoices 10 digits: region, year, batch, kind; of ordinary ones 12: 0, region, year, batch, kind), then its 8-digit number. Elsewhere the seller's own: year/serial.
    """
    place, bits = world.country.place, world.chance.bits("invoice number", seller, month, serial)
    year = pc.strftime(dates(day), format="%y")
    if world.country.words != "zh":
        return pc.binary_join_element_wise("20", year, "/", _digits(bits, 9), "")
    electronic = pc.binary_join_element_wise(year, place.prefix[:2], "1", _digits(bits, 15), "")
    on_paper = np.broadcast_to(day < (day_number(place.electronic_from) if place.electronic_from else 0), len(day))
    if not on_paper.any():
        return electronic
    batch, number = _digits(bits >> np.uint64(32), 2), _digits(bits, 8)
    forms = (pc.binary_join_element_wise(place.prefix, year, batch, "30", number, ""), pc.binary_join_element_wise("0", place.prefix, year, batch, "104", number, ""))
    paper = pc.if_else(pa.array(np.broadcast_to(special, len(day))), *forms)
    return pc.if_else(pa.array(on_paper), paper, electronic)


def _digits(bits: np.ndarray, count: int) -> pa.Array:
    return pc.utf8_lpad(pc.cast(pa.array(bits % np.uint64(10**count)), pa.string()), count, padding="0")


def _rows(day: Ints, number: pa.Array, kind: np.ndarray, seller: pa.Array, seller_name: pa.Array, buyer: pa.Array, buyer_name: pa.Array, net: Ints, tax: Ints, item: np.ndarray) -> pa.Table:
    columns = {
        "invoice_no": number, "kind": pa.array(kind.astype(str)), "issued_on": dates(day), "seller_id": seller, "seller_name": seller_name, "buyer_id": buyer,
        "buyer_name": buyer_name, "net": money(net), "tax": money(tax), "gross": money(net + tax), "item": pa.array(item.astype(str)), "corrects": pa.nulls(len(day), pa.string()),
    }
    return papers(day, columns)
