"""A point after its answer: what brings a finding or an accepted explanation back, and what is no new fact of the taxpayer."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.analyse.test_points import PEERS, STATEMENT, Life, answer, hit


@pytest.mark.parametrize(("assessed", "filed", "declared", "base", "state"), [
    ("65", True, 500, 65, "changed"),  # corrected and then amended down to where it was
    ("65", True, 700, 39, "changed"),  # ... or part of the way
    ("65", False, 500, 65, None),  # assessed by notice: the return still says what it said
    ("39", True, 800, 26, None),  # found in part and corrected: 65 - 39 = 26 was left, and is
    ("39", True, 799, 27, None),  # within a twentieth of what was told
    ("39", True, 500, 65, "changed"),
])
def test_a_finding_comes_back_when_a_return_undoes_it(assessed: str, filed: bool, declared: float, base: float, state: str | None) -> None:
    life = Life()
    life.night(hit(declared=500, base=65))
    found = (answer("confirmed" if assessed == "65" else "in_part", life.as_of + timedelta(days=1), assessed=Decimal(assessed)),)
    assert (life.state(hit(declared=500, base=65), answers=found) or ("",))[0] == "closed"
    filed_on = {"filed_on": life.as_of + timedelta(days=5)} if filed else {}
    life.as_of += timedelta(days=30)
    assert life.state(hit(hit=False), answers=found, **filed_on) is None
    rows = life.night(hit(declared=declared, base=base), answers=found, **filed_on)
    assert [r["state"] for r in rows] == ([state] if state else [])
    if state:
        assert "undone by a return filed since" in rows[0]["state_reason"]
        assert json.loads(rows[0]["facts"])["new_on"] == life.as_of.isoformat()
        assert (life.state(hit(declared=declared, base=base), answers=found, **filed_on) or ("",))[0] == "changed"  # until answered again
        again = (*found, answer("confirmed", life.as_of + timedelta(days=1), case_id="C2", assessed=Decimal(str(base))))
        assert life.state(hit(declared=declared, base=base), answers=again, **filed_on) == ("closed", "confirmed: confirmed")
        assert life.state(hit(declared=declared, base=base), answers=again, **filed_on) is None


def test_an_undone_finding_that_is_corrected_closes_as_corrected() -> None:
    life = Life()
    life.night(hit(base=65))
    found = (answer("confirmed", life.as_of + timedelta(days=1), assessed=Decimal(65)),)
    life.night(hit(base=65), answers=found)
    life.as_of += timedelta(days=30)
    undone = {"answers": found, "filed_on": life.as_of - timedelta(days=3)}
    assert (life.state(hit(base=65), **undone) or ("",))[0] == "changed"
    undone["filed_on"] = life.as_of + timedelta(days=1)
    assert life.state(hit(hit=False), **undone) == ("closed", "corrected by the taxpayer")


def test_a_finding_about_no_point_of_ours_stays_closed() -> None:
    life = Life()
    found = (answer("new", life.as_of, assessed=Decimal(1)),)
    assert life.state(hit(base=65), answers=found, filed_on=life.as_of + timedelta(days=1)) is None


def test_peers_that_drift_are_no_new_fact_of_the_taxpayer() -> None:
    life = Life()
    life.night(hit(declared=900, other=1000, indicator=PEERS))
    explained = (answer("excluded", life.as_of + timedelta(days=1)),)
    for other in (1000, 1060, 1120):  # six per cent a night
        assert (life.state(hit(declared=900, other=other, indicator=PEERS), answers=explained) or ("",))[0] == "silent"
    assert (life.state(hit(declared=800, other=1120, indicator=PEERS), answers=explained) or ("",))[0] == "changed"  # his own figure


def new_on(life: Life) -> str | None:
    day: str | None = json.loads(life.last["facts"][0].as_py()).get("new_on")
    return day


def test_the_day_of_the_last_new_fact_is_kept() -> None:
    life = Life()
    life.night(hit(declared=900))
    assert new_on(life) is None
    life.night(hit(declared=700))
    day = life.as_of.isoformat()
    assert new_on(life) == day
    life.night(hit(declared=700))  # stands: the new fact stays one
    assert new_on(life) == day
    life.night(hit(declared=700), hit(declared=1, other=2, base=1, indicator=PEERS))  # a comparison with peers on top
    assert (life.last["state"][0].as_py(), new_on(life)) == ("changed", day)
    life.night(hit(declared=700), hit(declared=700, other=1200, base=1, indicator=STATEMENT))
    assert new_on(life) == life.as_of.isoformat()
