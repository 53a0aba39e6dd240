from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from jobs.analyse.partner_months import partner_month
from jobs.analyse.partners import partner
from jobs.analyse.trade import trade_edge_month
from jobs.lake.step import Tables
from jobs.lake.tables import table
from tests.analyse.given import given, money, night

pytestmark = pytest.mark.spark
Rows = list[dict[str, Any]]
AS_OF = date(2026, 1, 20)  # November 2025 is the last month whose VAT return may be judged
X = "91330203X"  # an id of this administration's area that is not registered
Y_ELSEWHERE = "91310115Y"  # one of another administration: nothing follows from its absence
NOV, DEC, SEPT = date(2025, 11, 1), date(2025, 12, 1), date(2025, 9, 1)


def frames(spark: Any, **tables: Rows) -> dict[str, Any]:
    from pyspark.sql.pandas.types import from_arrow_schema

    found = {}
    for name, rows in tables.items():
        arrow = given(name, rows, sign=any("sign" in r for r in rows))
        found[name] = spark.createDataFrame(arrow.to_pylist(), from_arrow_schema(pa.schema([f.with_nullable(True) for f in arrow.schema])))
    return found


def collected(frame: Any) -> Rows:
    return sorted((r.asDict() for r in frame.collect()), key=lambda r: tuple(str(v) for v in r.values()))


def firm(taxpayer: str, registered: date = date(2015, 1, 1), **more: Any) -> dict[str, Any]:
    return {"taxpayer_id": taxpayer, "registered_on": registered, "status": "active", "vat_kind": "general"} | more


def edge(buyer: str, seller: str, month: date, net: int, tax: int) -> Rows:
    both = {"month": month, "n": 1, "net": net * 100, "tax": tax * 100}
    return [{"taxpayer_id": buyer, "side": "buys", "partner_id": seller, **both}, {"taxpayer_id": seller, "side": "sells", "partner_id": buyer, **both}]


def books(taxpayer: str, month: date, output: int, out_tax: int, out_net: int = 0, sales: int = 0) -> dict[str, Any]:
    return {"taxpayer_id": taxpayer, "month": month, "vat_output": output * 100, "out_tax": out_tax * 100, "out_net": out_net * 100, "vat_sales": sales * 100}


def filed(taxpayer: str, start: date, end: date, state: str = "filed") -> dict[str, Any]:
    return {"taxpayer_id": taxpayer, "tax": "VAT", "period_from": start, "period_to": end, "state": state, "as_of": AS_OF}


def test_trade_edges_are_the_same_sums_from_both_sides(spark: Any) -> None:
    one = {"seller_id": "S", "buyer_id": "B", "issued_on": date(2025, 11, 30), "known_at": DEC, "net": money("100.10"), "tax_amount": money(13), "sign": 1}
    changes = frames(spark, invoice=[
        {**one, "invoice_no": "1"}, {**one, "invoice_no": "2", "net": money(-20), "tax_amount": None, "kind": "red"}, {**one, "invoice_no": "3", "buyer_id": None},
        {**one, "invoice_no": "4"}, {**one, "invoice_no": "4", "sign": -1}, {**one, "invoice_no": "5", "currency": "USD"},
        {**one, "invoice_no": "6", "buyer_id": "C"}, {**one, "invoice_no": "6", "buyer_id": "C", "sign": -1}])  # fmt: skip
    found = trade_edge_month(Tables(changes=changes), night(AS_OF))
    assert [c.name for c in table("trade_edge_month").own] + ["known_at"] == [*found.columns[:4], "n", "net", "tax", "known_at"]
    same = {"month": NOV, "known_at": DEC, "n": 2, "net": 100_10 - 20_00, "tax": 13_00}
    assert collected(found) == [{"taxpayer_id": "B", "side": "buys", "partner_id": "S", **same}, {"taxpayer_id": "S", "side": "sells", "partner_id": "B", **same}]


def test_input_tax_that_suppliers_did_not_declare(spark: Any) -> None:
    """B buys from S (declared 60 of 80), from M (return missing), from Y (young, declared all), from X (not registered) and from elsewhere."""
    months = [books("S", NOV, 60, 80), books("M", NOV, 0, 50), books("Y", NOV, 7, 5), books("S", DEC, 0, 9)]
    months += [{**months[0], "vat_output": 0, "out_tax": 0, "known_at": DEC}]  # a signed row more changes nothing
    now = frames(
        spark,
        trade_edge_month=edge("B", "S", NOV, 400, 40) + edge("B", "M", NOV, 100, 10) + edge("B", "Y", NOV, 50, 5) + edge("B", X, NOV, 30, 3) + edge("B", "S", DEC, 90, 9)
        + edge("B", Y_ELSEWHERE, NOV, 20, 2),
        taxpayer_month=months,
        filing=[filed("S", NOV, date(2025, 11, 30)), filed("M", NOV, date(2025, 11, 30), "missing"), filed("Y", NOV, date(2025, 11, 30), "late"),
                filed("S", DEC, date(2025, 12, 31), "not_due")],
        taxpayer=[firm("B"), firm("S"), firm("M", status="abnormal"), firm("Y", date(2025, 3, 1))], ownership=[],
    )  # fmt: skip
    found = {(r["taxpayer_id"], r["month"]): r for r in collected(partner_month(Tables(now), night(AS_OF)))}
    november = found["B", NOV]
    assert (november["in_net"], november["in_tax"]) == (money(600), money(60))
    assert november["in_tax_undeclared"] == money(40 * (1 - 60 / 80) + 10 * 1 + 0)
    assert (november["in_tax_suspect"], november["suspect_n"]) == (money(10 + 5 + 3), 3)
    assert found["B", DEC]["in_tax_undeclared"] is None and found["B", DEC]["in_tax"] == money(9)  # not yet to be judged


def test_a_small_seller_is_judged_by_the_sales_of_his_quarter(spark: Any) -> None:
    now = frames(
        spark, trade_edge_month=edge("B", "S", date(2025, 8, 1), 100, 3),
        taxpayer_month=[books("S", date(2025, 8, 1), 0, 3, out_net=300), books("S", SEPT, 0, 0, out_net=100, sales=200)],
        filing=[filed("S", date(2025, 7, 1), date(2025, 9, 30))], taxpayer=[firm("S", vat_kind="small_scale"), firm("B")], ownership=[],
    )  # fmt: skip
    (found,) = [r for r in collected(partner_month(Tables(now), night(AS_OF))) if r["taxpayer_id"] == "B"]
    assert found["in_tax_undeclared"] == money(3 * (1 - 200 / 400))


def test_sales_to_companies_of_the_same_owner_or_of_one_another(spark: Any) -> None:
    own = [{"taxpayer_id": "A", "owner_id": "P"}, {"taxpayer_id": "B", "owner_id": "P"}, {"taxpayer_id": "C", "owner_id": "A"},
           {"taxpayer_id": "D", "owner_id": "P", "until": date(2025, 1, 1)}]  # fmt: skip
    now = frames(
        spark, trade_edge_month=edge("B", "A", NOV, 10, 1) + edge("C", "A", NOV, 20, 2) + edge("D", "A", NOV, 40, 4) + edge("A", "C", NOV, 80, 8),
        taxpayer_month=[], filing=[], taxpayer=[firm(t) for t in "ABCD"], ownership=own,
    )  # fmt: skip
    found = {r["taxpayer_id"]: r["out_related_net"] for r in collected(partner_month(Tables(now), night(AS_OF)))}
    assert found == {"A": money(10 + 20), "B": money(0), "C": money(80), "D": money(0)}


def test_partners_of_twelve_usable_months(spark: Any) -> None:
    edges = edge("B", "S", NOV, 300, 30) + edge("B", "Y", NOV, 100, 10) + edge("B", X, SEPT, 50, 5) + edge("B", "K", SEPT, 50, 5)
    edges += edge("S", "B", NOV, 60, 6) + edge("Q", "B", NOV, 140, 14)
    edges += edge("B", "S", DEC, 10**6, 1) + edge("B", "OLD", date(2024, 11, 1), 10**6, 1)  # outside December 2024 to November 2025
    now = frames(
        spark, trade_edge_month=edges, taxpayer_month=[books("B", NOV, 0, 0, out_net=400), books("B", DEC, 0, 0, out_net=10**6)],
        partner_month=[{"taxpayer_id": "B", "month": NOV, "in_tax_undeclared": money("7.50"), "out_related_net": money(100), "as_of": AS_OF},
                       {"taxpayer_id": "B", "month": DEC, "in_tax_undeclared": money(999), "as_of": AS_OF}],
        taxpayer=[firm(t) for t in ("B", "S", "Q", "OLD", "Z")] + [firm("Y", date(2025, 3, 1)), firm("K", status="closed", closed_on=date(2025, 10, 1))],
        ownership=[{"taxpayer_id": t, "owner_id": o} for t, o in (("B", "P"), ("S", "P"), ("Q", "P"), ("B", "R"), ("Q", "R"))],
        party_fact=[{"taxpayer_id": "Q", "month": SEPT, "penalties": 1}, {"taxpayer_id": "S", "month": SEPT, "penalties": 1},
                    {"taxpayer_id": "S", "month": SEPT, "penalties": -1, "known_at": DEC}],
        outcome=[{"case_id": "1", "point_id": "1", "taxpayer_id": "S", "adjusted": 1, "standing": "final", "as_of": AS_OF},
                 {"case_id": "1", "point_id": "2", "taxpayer_id": "S", "adjusted": 1, "standing": "final", "as_of": AS_OF},
                 {"case_id": "2", "point_id": "3", "taxpayer_id": "Q", "adjusted": 1, "standing": "overturned", "as_of": AS_OF}],
    )  # fmt: skip
    found = {r["taxpayer_id"]: r for r in collected(partner(Tables(now), night(AS_OF)))}
    assert set(found["B"]) == {c.name for c in table("partner").own}
    b = found["B"]
    assert (b["suppliers"], b["customers"], b["in_net"], b["in_tax"]) == (4, 2, money(500), money(50))
    assert (b["in_tax_young"], b["in_tax_closed"], b["in_tax_unknown"], b["in_tax_silent"], b["in_tax_confirmed"]) == tuple(map(money, (10, 5, 5, 7.5, 30)))
    assert b["top_supplier_share"] == pytest.approx(300 / 500) and b["top_customer_share"] == pytest.approx(140 / 400)
    assert b["reciprocity"] == pytest.approx(60 / 400) and b["related_sales_share"] == pytest.approx(100 / 400)
    assert (b["owners"], b["owner_companies"], b["owner_penalised"], b["owner_confirmed"]) == (2, 2, 1, 1)
    assert (found["Z"]["suppliers"], found["Z"]["owners"], found["Z"]["top_supplier_share"]) == (0, 0, None)
    assert X not in found  # not registered: no row of its own
