"""Golden values of every family, with the arithmetic visible, and what must hold for all features."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pytest

from jobs.analyse.features import FAMILIES, FEATURES, READS, catalogue, digest, feature, permitted
from jobs.conf import Expect, Files, Known, Source, Text
from jobs.lake.step import Tables
from tests.analyse.books import AS_OF, LAST, Rows, day, features, filings, firm, months, tables
from tests.analyse.given import conf, field_, given, money, night

PLAIN = {"vat_sales": 100.0, "vat_output": 13.0, "vat_input": 10.0, "vat_due": 3.0, "paid_vat": 3.0, "out_n": 5, "out_net": 80.0, "out_tax": 10.4}


def close(found: float | None, wanted: float) -> bool:
    return found is not None and math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


def test_registry() -> None:
    found = features(months(PLAIN), filings())
    assert close(found["age_months"], (2025 - 2015) * 12 + 11 - 6)  # June 2015 to November 2025
    assert close(found["capital_log"], math.log1p(1000)) and close(found["sales_to_capital_12m"], 12 * 100 / 1000)
    assert (found["is_abnormal"], found["is_small_scale"], found["is_individual"]) == (0, 0, 0)
    unknown = features(months(PLAIN), filings(), [firm(registered_on=None, status=None, capital=None)])
    assert (unknown["age_months"], unknown["is_abnormal"], unknown["capital_log"]) == (None, None, None)


def test_level() -> None:
    found = features(months(PLAIN | {"pit_heads": 4, "pit_wages": 20.0}), filings() + filings("PIT"))
    assert close(found["sales_log_12m"], math.log1p(1200)) and close(found["invoiced_log_12m"], math.log1p(960))
    assert close(found["heads_log_12m"], math.log1p(4)) and close(found["wages_log_12m"], math.log1p(240))


def test_growth() -> None:
    sales = [100.0] * 24 + [200.0] * 9 + [400.0] * 3
    found = features(months(PLAIN | {"vat_sales": sales, "vat_input": [10.0] * 24 + [30.0] * 12}), filings())
    assert close(found["sales_growth_3m"], 400 / 200 - 1)
    assert close(found["sales_growth_3m_yoy"], 400 / 100 - 1)
    assert close(found["sales_growth_12m"], (9 * 200 + 3 * 400) / (12 * 100) - 1)
    assert close(found["input_less_output_growth_12m"], (30 / 10 - 1) - 0)
    assert features(months(PLAIN | {"vat_sales": 0.0}), filings())["sales_growth_12m"] is None  # nothing to grow from


def test_volatility() -> None:
    found = features(months(PLAIN | {"vat_sales": [100.0, 300.0] * 18}), filings())
    assert close(found["sales_variation_12m"], 100 / 200)  # mean 200, each month 100 away
    assert close(found["sales_peak_12m"], 300 / 200)
    rising = features(months(PLAIN | {"vat_sales": [float(i) for i in range(1, 37)]}), filings())
    assert close(rising["sales_slope_24m"], 1 / np.mean(range(13, 37)))


def test_streaks() -> None:
    found = features(months(PLAIN | {"vat_sales": [100.0] * 33 + [0.0] * 3, "vat_due": [3.0] * 30 + [0.0, -1.0] * 3, "vat_credit": [0.0] * 31 + [9.0] * 5}), filings())
    assert (found["nil_sales_streak"], found["nil_sales_months_12m"], found["nil_due_streak"], found["credit_streak"]) == (3, 3, 6, 5)
    assert features(months(PLAIN | {"vat_sales": [7.0] * 30 + [8.0] * 6}), filings())["same_sales_streak"] == 5
    assert features(months(PLAIN), filings(state={0: "missing"}))["nil_sales_streak"] is None  # the last month is unknown
    assert features(months(PLAIN), filings(count=20))["unfiled_months_24m"] == 24 - 20


def test_a_quarter_spread_over_its_months_is_no_repetition() -> None:
    registered = {"tax_registration": [{"taxpayer_id": "A", "tax": "VAT", "frequency": "quarter"}]}
    quarters = months({"vat_sales": 300.0}, last=np.datetime64("2025-09"), count=36)[::3]
    found = features(quarters, filings(last=np.datetime64("2025-09"), span=3), **registered)
    assert found["same_sales_streak"] is None
    assert close(found["sales_log_3m"], math.log1p(300)) and close(found["sales_log_12m"], math.log1p(1200))


def test_filing() -> None:
    rows = filings(state={0: "late", 1: "missing", 13: "late", 30: "missing"}) + filings("CIT", last=np.datetime64("2024-12"), count=12, span=12, state="late")
    rows[3]["days_late"] = -1
    rows[4]["days_late"] = -9
    rows += filings(last=LAST + 1, count=1, state="not_due") + filings(last=LAST + 1, count=1, tax="PIT", state="late")  # December may not be judged
    found = features(months(PLAIN), rows)
    assert (found["late_n_12m"], found["missing_n_12m"]) == (2, 1)  # November and the year to December 2024, 11 months before; October
    assert close(found["late_share_24m"], 3 / 25) and close(found["missing_share_36m"], 2 / 37)
    assert close(found["days_late_mean_12m"], (5 + 5) / 13)
    # of 13 owed: 8 filed on the due date, one the day before, one nine days before
    assert close(found["last_moment_share_12m"], 9 / 13)
    assert features(months(PLAIN), [])["late_n_12m"] is None


def test_amendment() -> None:
    found = features(months(PLAIN | {"amendments_n": [0] * 30 + [1] * 6, "amended_up": [5.0] + [0.0] * 35, "amended_down": [0.0] * 35 + [-9.0]}), filings())
    assert (found["amendments_n_12m"], found["amendments_n_36m"]) == (6, 6)
    assert close(found["amended_up_share_36m"], 5 / (36 * 3)) and close(found["amended_down_share_12m"], 9 / (12 * 3))


def test_burden() -> None:
    found = features(months(PLAIN | {"vat_due": [5.0] * 33 + [2.0] * 3, "vat_exempt": 25.0, "vat_credit": 50.0}), filings())
    assert close(found["vat_burden_3m"], 2 / 125) and close(found["vat_burden_12m"], (9 * 5 + 3 * 2) / (12 * 125))
    assert close(found["vat_burden_change_3m"], 2 / 125 - 51 / 1500)
    assert close(found["input_output_12m"], 10 / 13) and close(found["output_rate_12m"], 0.13)
    assert close(found["exempt_share_12m"], 0.2) and close(found["credit_to_sales"], 50 / 125)


def test_peers() -> None:
    rows = [{"taxpayer_id": "A", "measure": "vat_burden_12m", "value": 0.01, "median": 0.03, "mad": 0.008, "as_of": AS_OF},
            {"taxpayer_id": "A", "measure": "cost_ratio", "value": 9.0, "median": 0.5, "mad": 0.1, "as_of": AS_OF},
            {"taxpayer_id": "A", "measure": "wage_share", "value": 0.2, "median": 0.1, "mad": None, "as_of": AS_OF}]  # fmt: skip
    found = features(months(PLAIN), filings(), peer_member=rows)
    assert close(found["vat_burden_peers"], (0.01 - 0.03) / 0.008)
    assert (found["cost_ratio"], found["cost_ratio_peers"]) == (9.0, 20.0)  # cut at 20 deviations
    assert (found["wage_share"], found["wage_share_peers"]) == (0.2, None)


def test_sales_gap() -> None:
    found = features(months(PLAIN | {"vat_sales": [100.0] * 34 + [60.0, 76.0]}), filings())
    assert close(found["sales_gap_3m"], (100 + 60 + 76) / 240 - 1)
    assert close(found["sales_gap_worst_12m"], (60 - 80) / 80)
    assert found["sales_gap_months_12m"] == 1  # 76 of 80 is 5 % short, not more
    assert close(found["uninvoiced_change_12m"], (10 * 20 - 20 - 4) / (10 * 100 + 60 + 76) - 0.2)
    assert close(found["output_gap_12m"], 13 / 10.4 - 1)


def test_a_month_without_return_is_left_out_of_both_sides() -> None:
    found = features(months(PLAIN | {"out_net": [80.0] * 35 + [10_000.0]}), filings(state={0: "missing"}))
    assert close(found["sales_gap_12m"], 100 / 80 - 1)


def test_input_gap_and_partner_months() -> None:
    bought = [{"taxpayer_id": "A", "month": day(LAST - n), "in_net": money(50), "in_tax": money(6), "in_tax_suspect": money(3 if n == 0 else 0),
               "in_tax_undeclared": money("1.5"), "suspect_n": 1, "as_of": AS_OF} for n in range(24)]  # fmt: skip
    found = features(months(PLAIN), filings(), partner_month=bought)
    assert close(found["input_gap_12m"], (10 - 6) / 10) and found["input_gap_months_12m"] == 12
    assert close(found["purchase_ratio_12m"], 50 / 100)
    assert close(found["suspect_share_3m"], 3 / 18) and close(found["suspect_share_worst_12m"], 0.5) and close(found["undeclared_share_6m"], 0.25)


def test_payment() -> None:
    found = features(months(PLAIN | {"paid_vat": [3.0] * 34 + [0.0, 2.0], "paid_extra": [0.0] * 35 + [1.0]}), filings())
    assert close(found["vat_paid_share_12m"], (30 + 0 + 2) / 36) and found["vat_unpaid_months_12m"] == 2
    assert close(found["vat_unpaid_log_12m"], math.log1p(36 - 32)) and close(found["extra_paid_share_12m"], 1 / 36)


def test_statement() -> None:
    item = {"fs_revenue": 1000.0, "fs_cost": 700.0, "fs_profit": -10.0, "fs_assets": 2000.0, "fs_receivable_related": 100.0, "fs_wages": 50.0}
    stock = [200.0] * 8 + [200.0, 200.0, 300.0, 300.0]
    quarters = [{**r, "fs_inventory": round(s * 100)} for r, s in zip(months(item, last=np.datetime64("2025-09"))[::3], stock[::-1], strict=True)]
    found = features(months(PLAIN) + quarters, filings())
    assert close(found["stock_to_assets"], 300 / 2000) and close(found["stock_growth"], 300 / 200 - 1) and close(found["stock_less_cost_growth"], 0.5)
    assert close(found["related_receivable_share"], 100 / 2000) and close(found["asset_turnover"], 4000 / 2000)
    assert (found["loss_quarters_8"], found["loss_while_growing"]) == (8, 0)
    assert close(found["statement_vat_gap_12m"], 4000 / 1200 - 1)
    assert features(months(PLAIN), filings())["stock_to_assets"] is None


def test_cit() -> None:
    year = np.datetime64("2024-12")
    cit = months({"cit_revenue": 1000.0, "cit_cost": 600.0, "cit_profit": -50.0, "cit_due": 0.0}, last=year, count=1)
    cit += months({"cit_revenue": 800.0, "cit_cost": 400.0, "cit_profit": 90.0}, last=year - 12, count=1)
    cit += months({"cit_revenue": 9999.0, "cit_profit": -1.0}, last=year + 12, count=1)  # the year 2025 is not yet to be judged
    found = features(months(PLAIN) + cit, filings() + filings("CIT", last=year, count=24, span=12) + filings("CIT", last=year + 12, count=12, span=12, state="not_due"))
    assert close(found["cit_revenue_growth"], 1000 / 800 - 1) and close(found["cit_cost_less_revenue_growth"], 600 / 400 - 1000 / 800)
    assert close(found["cit_vat_gap"], (1000 - 1200) / 1200) and found["cit_loss_years"] == 1
    assert features(months(PLAIN), filings())["cit_revenue_growth"] is None


def test_labour() -> None:
    wages = months({"pit_wages": 10.0, "pit_heads": 2}) + months({"fs_wages": 40.0, "fs_revenue": 1.0}, last=np.datetime64("2025-09"), count=12)[::3]
    found = features(months(PLAIN) + wages, filings() + filings("PIT"))
    assert close(found["wage_gap_12m"], 120 / 160 - 1) and close(found["heads_growth_12m"], 0)


def test_partner_and_related() -> None:
    row = {"taxpayer_id": "A", "suppliers": 9, "customers": 0, "in_tax": money(200), "in_tax_young": money(50), "in_tax_silent": money(20), "in_tax_confirmed": money(0),
           "top_supplier_share": 0.5, "owners": 2, "owner_companies": 4, "owner_penalised": 1, "owner_confirmed": 1, "related_sales_share": 0.25, "as_of": AS_OF}  # fmt: skip
    found = features(months(PLAIN), filings(), partner=[row])
    assert close(found["suppliers_log"], math.log(10)) and close(found["in_tax_young_share"], 0.25) and close(found["in_tax_silent_share"], 0.1)
    assert (found["in_tax_confirmed_share"], found["top_customer_share"], found["owner_penalised_share"], found["owner_confirmed_n"]) == (0, None, 0.25, 1)
    assert features(months(PLAIN), filings())["in_tax_young_share"] is None


def test_invoice() -> None:
    net = [80.0] * 33 + [240.0] * 3
    found = features(months(PLAIN | {"out_net": net, "out_red_n": [0] * 35 + [6], "out_red_net": [0.0] * 35 + [-60.0], "out_consumer_n": 1}), filings())
    assert close(found["red_share_12m"], 6 / 60) and close(found["red_net_share_12m"], 60 / (9 * 80 + 3 * 240 + 60))
    assert close(found["consumer_share_12m"], 0.2) and close(found["invoice_surge_3m"], 3) and found["invoice_surge_while_new"] == 0
    young = features(months(PLAIN | {"out_net": net}), filings(), [firm(registered_on=date(2024, 6, 1))])
    assert close(young["invoice_surge_while_new"], 3)


def test_before_registration_nothing_is_known_rather_than_zero() -> None:
    found = features(months(PLAIN, count=4) + months({"out_n": 1}, "B"), filings(count=4), [firm(registered_on=date(2025, 8, 1)), firm("B")])
    assert found["sales_growth_12m"] is None and found["sales_log_12m"] is None  # four months of twelve
    assert close(found["sales_log_3m"], math.log1p(300))


def test_third() -> None:
    facts = [{"taxpayer_id": "A", "month": date(2025, 12, 1), "penalties": 1, "penalty_amount": 500_00}, {"taxpayer_id": "A", "month": date(2024, 12, 1), "penalties": 1},
             {"taxpayer_id": "A", "month": date(2020, 1, 1), "penalties": 1, "parcels": 2, "land_value": 600_00},
             {"taxpayer_id": "A", "month": date(2025, 1, 1), "parcels": -1, "land_value": -100_00}, {"taxpayer_id": "Z", "month": date(2025, 1, 1), "parcels": 7}]  # fmt: skip
    found = features(months(PLAIN), filings(), party_fact=facts)
    assert (found["penalties_n_36m"], found["penalties_n_12m"], found["parcels_n"]) == (2, 1, 1)
    assert close(found["penalty_log_36m"], math.log1p(500)) and close(found["land_to_sales_12m"], 500 / 1200)
    assert features(months(PLAIN), filings())["penalties_n_36m"] is None


def test_history() -> None:
    point = {"case_id": "1", "taxpayer_id": "A", "standing": "final", "as_of": AS_OF}
    outcomes = [
        {**point, "point_id": "1", "adjusted": 1, "assessed": money(100), "known_at": date(2025, 6, 1)},
        {**point, "point_id": "2", "adjusted": 0, "assessed": money(0), "known_at": date(2025, 5, 1)},
        {**point, "point_id": "3", "adjusted": -1, "assessed": money(-30), "known_at": date(2024, 6, 1)},
        {**point, "point_id": "4", "adjusted": None, "known_at": date(2025, 12, 1)},  # not examined
        {**point, "point_id": "5", "adjusted": 1, "assessed": money(999), "known_at": date(2025, 12, 1), "standing": "overturned"},
        {**point, "point_id": "6", "adjusted": 1, "assessed": money(999), "known_at": date(2026, 2, 1)},  # later than tonight
        {**point, "point_id": "7", "adjusted": 1, "assessed": money(7), "known_at": date(2021, 1, 1)},
    ]
    found = features(months(PLAIN), filings(), outcome=outcomes)
    assert (found["confirmed_n_36m"], found["excluded_n_36m"], found["adjusted_down_n_36m"], found["months_since_examined"]) == (1, 1, 1, 7)
    assert close(found["adjusted_log_36m"], math.log1p(100 - 30))
    assert (found["points_before_n_12m"], found["hits_last_night_n"]) == (None, None)
    seen = {"taxpayer_id": "A", "point_id": "p", "state": "opened"}
    history = given("risk_point", [{**seen, "as_of": date(2025, 10, 20)}, {**seen, "as_of": date(2025, 7, 20)}, {**seen, "point_id": "q", "as_of": date(2025, 7, 20), "state": "closed"},
                                   {**seen, "point_id": "r", "as_of": date(2024, 7, 20)}])  # fmt: skip
    hits = given("indicator_hit", [{"taxpayer_id": "A", "hit": h, "as_of": date(2025, 10, 20), "indicator": str(h)} for h in (True, False, None)])
    found = features(months(PLAIN), filings(), history={"risk_point": history}, previous={"indicator_hit": hits})
    assert (found["points_before_n_12m"], found["nights_with_points_12m"], found["hits_last_night_n"]) == (1, 2, 1)


def test_every_family_has_a_test_here() -> None:
    tested = {n.removeprefix("test_") for n in globals() if n.startswith("test_")}
    assert {f.name for f in FAMILIES} - {t for name in tested for t in (name, *name.split("_and_"))} == set()


def noise(rows: Rows, seed: int) -> Rows:
    draw = np.random.default_rng(seed)
    kept = ("taxpayer_id", "month")
    return [{**{k: r[k] for k in kept}, **{m: int(draw.integers(-(10**9), 10**9)) for m in r if m not in kept}} for r in rows]


@pytest.mark.parametrize("seed", range(3))
def test_what_lies_after_the_last_usable_month_changes_nothing(seed: int) -> None:
    """The poisoned future: months after the usable one, and returns not yet past their grace, hold noise."""
    cit = months({"cit_revenue": 1000.0, "cit_cost": 600.0, "fs_revenue": 900.0, "fs_inventory": 5.0, "pit_wages": 9.0}, last=LAST)
    past, duties = months(PLAIN) + cit, filings() + filings("PIT") + filings("CIT", last=np.datetime64("2024-12"), span=12)
    bought = [{"taxpayer_id": "A", "month": day(LAST - n), "in_net": money(50), "in_tax": money(6), "as_of": AS_OF} for n in range(24)]
    future = noise(months({m: 1.0 for m in {**PLAIN, **cit[0]} if m not in ("taxpayer_id", "month")}, last=LAST + 2, count=2), seed)
    due = filings(last=LAST + 1, count=1, state="not_due") + filings("CIT", last=LAST + 1, span=12, count=12, state="not_due")
    buy = [{"taxpayer_id": "A", "month": day(LAST + n), "in_net": money(10**6), "in_tax": money(10**6), "in_tax_suspect": money(seed), "as_of": AS_OF} for n in (1, 2)]
    clean = feature(tables(past, duties, partner_month=bought), night(AS_OF))
    poisoned = feature(tables(past + future, duties + due, partner_month=bought + buy), night(AS_OF))
    assert poisoned.equals(clean)
    assert sum(clean[f.name].null_count == 0 for f in FEATURES) > 60


def test_row_order_and_signed_pieces_do_not_matter() -> None:
    rows, duties = months(PLAIN), filings()
    pieces = [{**r, "out_net": r["out_net"] - 7} for r in rows] + [{"taxpayer_id": r["taxpayer_id"], "month": r["month"], "out_net": 7} for r in rows]
    assert feature(tables(pieces[::-1], duties[::-1]), night(AS_OF)).equals(feature(tables(rows, duties), night(AS_OF)))


def test_scaling_all_money_leaves_ratios_fixed() -> None:
    """METHODS I4: an agency that counts in other units must not move a ratio."""
    once, tenfold = (features(months({m: v if m == "out_n" else v * scale for m, v in PLAIN.items()}), filings()) for scale in (1, 10))
    for found in FEATURES:
        if "log" not in found.unit and "capital" not in found.name:
            assert once[found.name] == pytest.approx(tenfold[found.name], nan_ok=True), found.name


def test_a_taxpayer_of_whom_nothing_is_known_is_null_and_never_infinite() -> None:
    found = feature(tables([], [], [firm("A", registered_on=None, status=None, vat_kind=None, kind=None, capital=None)]), night(AS_OF))
    assert found.num_rows == 1
    for name in (f.name for f in FEATURES):
        value = found[name][0].as_py()
        assert value is None or math.isfinite(value)
    assert found["vat_burden_12m"][0].as_py() is None and found["late_n_12m"][0].as_py() is None


def test_no_taxpayer_gives_an_empty_table_of_the_same_columns() -> None:
    empty = feature(Tables({t: given(t) for t in READS}), night(AS_OF))
    assert empty.num_rows == 0 and len(empty.column_names) == len(FEATURES) + 3


def source(name: str, table: str, **columns: Any) -> Source:
    return Source.model_construct(
        name=name, table=table, agency=Text(en="a", zh="a"), owner="o", legal_basis="l", files=Files(format="csv"), expect=Expect(schedule="0 0 * * *"),
        columns=columns, lines=None, stages=None, event_at="x", known=Known(**{"from": "x"}))  # fmt: skip


def test_a_column_without_the_purpose_risk_reaches_no_feature() -> None:
    land = source("land", "land_holding", original_value=field_("v", "case"), holder_id=field_("h", "risk", "case"))
    allowed = permitted(conf((land,)))
    assert {f.name for f in FEATURES} - {f.name for f in allowed} == {"land_log", "land_to_sales_12m"}
    found = feature(tables(months(PLAIN), filings()), night(AS_OF, (land,)))
    assert "land_log" not in found.column_names and "parcels_n" in found.column_names
    assert found["feature_set"][0].as_py() == digest(allowed) != digest(FEATURES)


def test_a_form_line_without_the_purpose_risk_reaches_no_feature() -> None:
    pit = source("pit", "return_line").model_copy(update={"lines": {"wages": field_("w", "statistics")}})
    assert not [f for f in permitted(conf((pit,))) if "return_line.wages" in f.inputs]
    assert len(permitted(conf((pit,)))) < len(FEATURES)


def test_the_registry_is_complete_and_prints_itself() -> None:
    assert len(FEATURES) == len({f.name for f in FEATURES}) >= 60
    assert all(f.meaning and f.unit and f.family for f in FEATURES)
    silver = {"taxpayer", "tax_registration", "return_line", "invoice", "payment", "financial_statement", "ownership", "penalty", "land_holding", "case_event"}
    assert {i.split(".")[0] for f in FEATURES for i in f.inputs} <= silver
    page = catalogue()
    assert all(f"| `{f.name}` |" in page for f in FEATURES)
