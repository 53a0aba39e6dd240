"""A risk point's life over a drawn sequence of nights, and the facts and amounts it carries."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from jobs.analyse.limitation import plus_years
from jobs.analyse.point_life import Answer, Before, Seen, next_state
from jobs.analyse.points import risk_point
from jobs.conf import ConfError, Limitation, RiskCode, Text
from jobs.lake.step import Night, Tables
from jobs.lake.tables import TABLES
from tests.analyse.drawn import night_with, parameters
from tests.analyse.given import given

START, END = date(2025, 1, 1), date(2025, 3, 31)
INVOICES, STATEMENT, PEERS = "vat_sales_below_invoices", "vat_sales_below_statement", "vat_burden_below_peers"


def code(name: str, fraud: bool = False) -> RiskCode:
    kind = "fraud" if fraud else "reporting"
    return RiskCode(
        code=name,
        name=Text(en=name, zh=name),
        tax="VAT",
        stage="file",
        cause="intent",
        treatment="assess",
        law="none",
        fraud=fraud,
        risk_type=kind,
        source="test",
    )  # type: ignore[arg-type]


REGISTER = {n: code(n, n == "vat_fictitious_invoices") for n in ("vat_sales_understated", "vat_fictitious_invoices")}
LIMITS = (Limitation(error_years=3, evasion_years=None, source="test"),)


def night(as_of: date, limits: tuple[Limitation, ...] = LIMITS, trial: tuple[str, ...] = ()) -> Night:
    names = (INVOICES, STATEMENT, PEERS, "vat_input_from_suspect_suppliers")
    rules = [parameters(n, 0.05).model_copy(update={"state": "trial" if n in trial else "published"}) for n in names]
    return night_with(as_of, *rules, register_=REGISTER, limitation=limits)


def hit(declared: float = 900, other: float = 1000, base: float | None = 13, indicator: str = INVOICES, **more: Any) -> dict[str, Any]:
    row = {
        "taxpayer_id": "T",
        "tax": "VAT",
        "risk_code": "vat_sales_understated",
        "period_from": START,
        "period_to": END,
        "indicator": indicator,
        "hit": True,
    }
    numbers = {
        "declared": declared,
        "other": other,
        "difference": (other - declared) / other,
        "base": None if base is None else Decimal(str(base)),
        "threshold": 0.05,
        "strength": 2.0,
    }
    return row | numbers | more


def returns(filed_on: date = date(2025, 4, 10)) -> list[dict[str, Any]]:
    """The three monthly returns of the quarter."""
    ends = (date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31))
    return [
        {
            "taxpayer_id": "T",
            "tax": "VAT",
            "period_from": e.replace(day=1),
            "period_to": e,
            "due_at": e + timedelta(days=15),
            "last_filed_on": filed_on,
            "state": "filed",
        }
        for e in ends
    ]


def answer(result: str, known_at: date, **more: Any) -> dict[str, Any]:
    row = {
        "case_id": "C1",
        "point_id": "p",
        "taxpayer_id": "T",
        "tax": "VAT",
        "risk_code": "vat_sales_understated",
        "period_from": START,
        "period_to": END,
    }
    return row | {"finding": result, "reason_code": "innocent_explanation", "standing": "final", "known_at": known_at} | more


class Life:
    """Nights in a row: each sees the point rows of the night before."""

    def __init__(self, start: date = date(2026, 1, 20)) -> None:
        self.as_of, self.last = start, given("risk_point")
        self.past = self.last

    def night(
        self,
        *hits: dict[str, Any],
        answers: tuple[dict[str, Any], ...] = (),
        filed_on: date = date(2025, 4, 10),
        on: date | None = None,
        **more: Any,
    ) -> list[dict[str, Any]]:
        self.as_of = on or self.as_of + timedelta(days=1)
        now = {
            "indicator_hit": given("indicator_hit", hits),
            "outcome": given("outcome", answers),
            "filing": given("filing", returns(filed_on)),
        }
        found = risk_point(Tables(now=now, previous={"risk_point": self.last}, history={"risk_point": self.past}), night(self.as_of, **more))
        assert found.column_names == [c.name for c in TABLES["risk_point"].own]
        self.last = found.append_column("as_of", pa.array([self.as_of] * found.num_rows, pa.date32()))
        self.past = pa.concat_tables([self.past.select(self.last.column_names), self.last])
        return found.to_pylist()

    def state(self, *hits: dict[str, Any], **more: Any) -> tuple[str, str] | None:
        rows = self.night(*hits, **more)
        assert len(rows) <= 1
        return (rows[0]["state"], rows[0]["state_reason"]) if rows else None


def test_opened_stands_changes_and_closes_once() -> None:
    life = Life()
    assert life.state(hit()) == ("opened", "first seen")
    opened = life.last["opened_on"][0].as_py()
    assert life.state(hit(declared=905)) == ("opened", "stands")  # within a twentieth: noise
    assert life.state(hit(declared=700)) == ("changed", "facts changed")
    assert life.last["opened_on"][0].as_py() == opened
    assert life.state(hit(declared=700)) == ("opened", "stands")
    assert life.state(hit(hit=False)) == ("closed", "no longer fires")
    assert life.state(hit(hit=False)) is None
    assert life.state(hit()) == ("opened", "first seen")
    assert life.last["opened_on"][0].as_py() == life.as_of


def test_noise_leaves_the_facts_and_their_digest_as_told() -> None:
    life = Life()
    (told,) = life.night(hit(declared=900))
    (after,) = life.night(hit(declared=910, base=11.7))
    assert (after["facts"], after["facts_digest"]) == (told["facts"], told["facts_digest"])
    assert after["amount_error"] == Decimal("11.70")  # the amount is tonight's
    (drifted,) = life.night(hit(declared=950))
    assert drifted["state"] == "changed"  # measured from what was told, not from last night
    assert drifted["facts_digest"] != told["facts_digest"]


def test_amended_return_closes_as_corrected() -> None:
    life = Life()
    life.night(hit())
    assert life.state(hit(hit=False), filed_on=life.as_of + timedelta(days=1)) == ("closed", "corrected by the taxpayer")


def test_correction_in_part_leaves_the_rest() -> None:
    life = Life()
    life.night(hit(declared=500, base=65))
    (rest,) = life.night(hit(declared=800, base=26), filed_on=life.as_of + timedelta(days=1))
    assert (rest["state"], rest["amount_error"]) == ("changed", 26)


def test_confirmed_closes_one_night_and_does_not_come_back() -> None:
    life = Life()
    life.night(hit())
    found = (answer("confirmed", life.as_of + timedelta(days=1)),)
    assert life.state(hit(), answers=found) == ("closed", "confirmed: confirmed")
    assert life.state(hit(), answers=found) is None
    assert life.state(hit(), answers=found) is None


def test_accepted_explanation_keeps_silent_until_a_fact_changes() -> None:
    life = Life()
    life.night(hit(declared=900))
    explained = (answer("excluded", life.as_of + timedelta(days=1)),)
    assert life.state(hit(declared=905), answers=explained) == ("silent", "explanation accepted: innocent_explanation")
    assert life.state(hit(declared=910), answers=explained) == ("silent", "explanation accepted: innocent_explanation")
    (back,) = life.night(hit(declared=600), answers=explained)
    assert (back["state"], back["earlier_explanation"]) == ("changed", "innocent_explanation")
    (next_night,) = life.night(hit(declared=600), answers=explained)
    assert (next_night["state"], next_night["earlier_explanation"]) == ("changed", "innocent_explanation")  # stands until answered again
    again = (*explained, answer("excluded", life.as_of + timedelta(days=1), case_id="C2", reason_code="threshold"))
    assert life.state(hit(declared=600), answers=again) == ("silent", "explanation accepted: threshold")
    assert life.last["earlier_explanation"].to_pylist() == [None]


def test_another_indicator_is_a_new_fact_but_a_lost_second_one_is_none() -> None:
    life = Life()
    life.night(hit(base=20))
    explained = (answer("excluded", life.as_of + timedelta(days=1)),)
    life.night(hit(base=20), answers=explained)
    second = hit(declared=900, other=1200, base=10, indicator=STATEMENT)
    assert (life.state(hit(base=20), second, answers=explained) or ("",))[0] == "changed"
    both = Life()
    both.night(hit(base=20), second)
    assert both.state(hit(base=20)) == ("opened", "stands")
    assert both.state(second) == ("changed", "facts changed")  # the leading one went away


def test_overturned_finding_counts_as_an_accepted_explanation() -> None:
    life = Life()
    life.night(hit())
    assert life.state(hit(), answers=(answer("confirmed", life.as_of, standing="overturned"),)) == (
        "silent",
        "explanation accepted: overturned",
    )


def test_not_examined_changes_nothing_and_a_withdrawn_answer_reopens() -> None:
    life = Life()
    life.night(hit())
    assert life.state(hit(), answers=(answer("not_examined", life.as_of),)) == ("opened", "stands")
    life.night(hit(), answers=(answer("excluded", life.as_of),))
    assert life.state(hit()) == ("opened", "the answer was withdrawn")


@pytest.mark.parametrize(
    ("start", "end", "silent"),
    [
        (date(2025, 1, 1), date(2025, 12, 31), True),
        (date(2025, 1, 1), date(2025, 1, 31), False),
        (date(2025, 4, 1), date(2025, 6, 30), False),
    ],
)
def test_an_answer_about_a_longer_period_covers_the_point(start: date, end: date, silent: bool) -> None:
    state = Life().state(hit(), answers=(answer("excluded", date(2026, 1, 5), period_from=start, period_to=end),))
    assert state == (("silent", "explanation accepted: innocent_explanation") if silent else ("opened", "first seen"))


def test_explanation_older_than_the_return_does_not_cover_it_on_first_sight() -> None:
    old = (answer("excluded", date(2025, 5, 1)),)
    assert (Life().state(hit(), answers=old) or ("",))[0] == "silent"
    (row,) = Life().night(hit(), answers=old, filed_on=date(2025, 6, 1))
    assert (row["state"], row["earlier_explanation"]) == ("changed", "innocent_explanation")


def test_a_silent_source_closes_nothing() -> None:
    life = Life()
    (before,) = life.night(hit())
    (kept,) = life.night(hit(hit=None, missing_reason="source_silent", base=None))
    assert (kept["state"], kept["state_reason"]) == ("opened", "could not be computed: source_silent")
    assert (kept["amount_error"], kept["facts"]) == (before["amount_error"], before["facts"])
    assert life.state(hit(hit=False)) == ("closed", "no longer fires")


def test_trial_indicators_open_no_point_and_a_retired_one_closes_its_own() -> None:
    life = Life()
    assert life.state(hit(), trial=(INVOICES,)) is None
    life.night(hit())
    assert life.state(hit(), trial=(INVOICES,)) == ("closed", "its indicators are no longer in force")


def test_two_hits_are_one_point_with_the_larger_base() -> None:
    (row,) = Life().night(hit(base=20, strength=1.5), hit(900, 1200, 39, STATEMENT, strength=3.0))
    assert (row["amount_error"], row["strength"], row["indicators"]) == (39, 3.0, [INVOICES, STATEMENT])
    facts = json.loads(row["facts"])
    assert facts["indicator"] == STATEMENT
    names = {"name_en": "Sales declared below invoices issued", "name_zh": "申报销售额小于开票金额"}
    assert facts["also"] == [{"indicator": INVOICES, "declared": 900, "other": 1000, **names}]


def test_points_are_apart_by_taxpayer_tax_code_and_period() -> None:
    rows = Life().night(
        hit(),
        hit(taxpayer_id="U"),
        hit(period_from=date(2025, 4, 1), period_to=date(2025, 6, 30)),
        hit(indicator="vat_input_from_suspect_suppliers", risk_code="vat_fictitious_invoices"),
    )
    assert len({r["point_id"] for r in rows}) == 4
    assert [r["fraud"] for r in rows if r["risk_code"] == "vat_fictitious_invoices"] == [True]


def test_facts_carry_both_sides_in_numbers_and_words() -> None:
    (row,) = Life().night(hit(declared=900.4, other=1000.2))
    facts = json.loads(row["facts"])
    assert facts["declared"] == {
        "source": "vat_return",
        "field": "sales",
        "value": 900.4,
        "unit": "currency",
        "period": "Q1 2025",
        "label_en": "Sales declared for VAT",
        "label_zh": "增值税申报销售额",
    }
    assert (facts["other"]["source"], facts["other"]["value"], facts["difference"]) == ("invoice", 1000.2, 99.8)
    assert facts["sentence_en"].startswith("In Q1 2025 invoices for CNY 1,000.20 were issued, but sales of CNY 900.40 were declared")
    assert facts["taxpayer_zh"].startswith("您2025年第1季度开具发票合计1,000.20元，申报销售额900.40元")


# -- limitation ---------------------------------------------------------------------------------------------------------------------


def test_amounts_count_returns_still_open_and_the_point_lapses_with_the_last() -> None:
    life = Life()  # due 15 Feb, 15 Mar, 15 Apr 2025: open to the same days of 2028
    (all_open,) = life.night(hit(base=30), on=date(2028, 2, 15))
    assert (all_open["amount_error"], all_open["until_error"], all_open["until_evasion"]) == (30, date(2028, 4, 15), None)
    (part,) = life.night(hit(base=30), on=date(2028, 3, 1))
    assert (part["amount_error"], part["amount_evasion"], part["state"]) == (20, 30, "opened")
    (gone,) = life.night(hit(base=30), on=date(2028, 4, 16))
    assert (gone["amount_error"], gone["amount_evasion"], gone["state"], gone["state_reason"]) == (
        0,
        30,
        "lapsed",
        "the limitation for error has run out",
    )
    assert life.state(hit(base=30)) == ("lapsed", "the limitation for error has run out")  # shown, not selected
    assert life.state(hit(hit=False)) is None


def test_fraud_runs_by_the_limit_for_evasion() -> None:
    fraud = hit(indicator="vat_input_from_suspect_suppliers", risk_code="vat_fictitious_invoices")
    assert (Life().state(fraud, on=date(2029, 1, 1)) or ("",))[0] == "opened"
    five = (Limitation(error_years=3, evasion_years=5, source="test"),)
    assert Life().state(fraud, on=date(2030, 5, 1), limits=five) == ("lapsed", "the limitation for evasion has run out")


def test_the_taxes_own_limitation_goes_before_that_of_all() -> None:
    own = (*LIMITS, Limitation(tax="VAT", error_years=1, evasion_years=2, source="test"))
    (row,) = Life().night(hit(), limits=own)
    assert (row["until_error"], row["until_evasion"]) == (date(2026, 4, 15), date(2027, 4, 15))


def test_no_limitation_in_force_is_refused_with_the_place() -> None:
    late = (Limitation(error_years=3, source="test", valid_from=date(2030, 1, 1)),)
    with pytest.raises(ConfError, match=r"limitation\.yaml.*VAT"):
        Life().night(hit(), limits=late)


@drawn(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(1, 30))
def test_plus_years_is_the_calendars(day: date, years: int) -> None:
    try:
        expected = day.replace(year=day.year + years)
    except ValueError:
        expected = date(day.year + years, 2, 28)
    epoch = date(1970, 1, 1)
    assert plus_years(np.array([(day - epoch).days]), np.array([years]))[0] == (expected - epoch).days


# -- invariants -----------------------------------------------------------------------------------------------------------------------


@drawn(
    st.sampled_from([None, "opened", "changed", "silent", "closed", "lapsed"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "source_silent"]),
    st.sampled_from([None, "limit"]),
    st.sampled_from([None, True, False]),
    st.booleans(),
    st.booleans(),
)
def test_every_transition_is_lawful(
    state: str | None, fires: bool, moved: bool, blank: str | None, lapsed: str | None, confirmed: bool | None, filed: bool, gone: bool
) -> None:
    answer_ = None if confirmed is None else Answer(confirmed, "r", date(2026, 1, 1))
    now = next_state(None if state is None else Before(state, date(2026, 1, 2)), Seen(fires, moved, blank, lapsed, answer_, filed, gone))
    alive = state in ("opened", "changed", "silent")
    if now is None:
        assert not alive  # a living point never vanishes without a word
        return
    assert now.reason
    assert now.state != "opened" or not lapsed or not fires
    assert now.state != "closed" or alive  # only what lived is closed, once
    assert now.state != "silent" or answer_ is not None or not fires
    assert now.explanation is None or now.state in ("changed", "lapsed", "silent", "opened")
    assert fires or now.state in ("closed", state)


def test_row_order_does_not_matter_and_nothing_gives_nothing() -> None:
    rows = [hit(), hit(900, 1200, 39, STATEMENT), hit(taxpayer_id="U"), hit(hit=None, taxpayer_id="V", missing_reason="x", base=None)]
    one, other = Life().night(*rows), Life().night(*reversed(rows))
    assert one == other
    assert Life().night() == []
