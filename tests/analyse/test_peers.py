from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from jobs.analyse.peers import peers
from jobs.lake.step import Tables
from tests.analyse.given import given, night

Rows = list[dict[str, Any]]
AS_OF = date(2026, 1, 20)


def firms(count: int, industry: str | None = "5211", segment: str = "mid", first: int = 0) -> Rows:
    return [{"taxpayer_id": f"T{first + i:04d}", "industry": industry, "segment": segment} for i in range(count)]


def own(firms_: Rows, values: list[float | None], measure: str = "r") -> Rows:
    return [{"taxpayer_id": f["taxpayer_id"], "measure": measure, "value": v, "as_of": AS_OF} for f, v in zip(firms_, values, strict=True)]


def run(taxpayers: Rows, ratios: Rows, outcomes: Rows = ()) -> tuple[dict[str, Any], dict[str, Any]]:  # type: ignore[assignment]
    now = {"ratio": given("ratio", ratios), "taxpayer": given("taxpayer", taxpayers), "outcome": given("outcome", outcomes)}
    found = peers(Tables(now), night(AS_OF))
    return {r["peer_group"]: r for r in found["peer"].to_pylist()}, {r["taxpayer_id"]: r for r in found["peer_member"].to_pylist()}


def test_a_group_is_class_and_size_when_it_is_large_enough() -> None:
    taxpayers = firms(31)
    groups, members = run(taxpayers, own(taxpayers, [float(i) for i in range(31)]))
    # 0..30: median 15, deviations 15,14,..,0,..,15 with median 8; p10 = 3, p90 = 27
    assert (groups["5211|mid"]["n"], groups["5211|mid"]["median"], groups["5211|mid"]["p10"], groups["5211|mid"]["p90"]) == (31, 15, 3, 27)
    assert groups["5211|mid"]["mad"] == pytest.approx(1.4826 * 8)
    # without himself: T0000 is judged by 1..30, whose median is 15.5; T0030 by 0..29, 14.5
    assert (members["T0000"]["peer_group"], members["T0000"]["n"], members["T0000"]["median"]) == ("5211|mid", 30, 15.5)
    assert (members["T0030"]["median"], members["T0015"]["median"], members["T0015"]["value"]) == (14.5, 15.0, 15.0)


def test_small_groups_back_off_to_division_section_size_and_all() -> None:
    taxpayers = firms(30, "5211") + firms(5, "5299", first=100) + firms(40, "5101", first=200) + firms(2, "1310", first=300) + firms(3, "1310", "large", first=400)
    taxpayers += firms(1, None, first=500)
    groups, members = run(taxpayers, own(taxpayers, [float(i % 7) for i in range(len(taxpayers))]))
    # 30 of the class are 29 others: too few; the division 52 has 35, the section F (51, 52) 75
    chosen = {t: members[t]["peer_group"] for t in ("T0000", "T0100", "T0200", "T0300", "T0400", "T0500")}
    assert chosen == {"T0000": "52|mid", "T0100": "52|mid", "T0200": "5101|mid", "T0300": "*|mid", "T0400": "*", "T0500": "*|mid"}
    assert set(groups) == {"5211|mid", "5101|mid", "52|mid", "51|mid", "F|mid", "*|mid", "*"}  # no group under 30 is given out


def test_missing_values_are_no_members_but_are_still_judged() -> None:
    taxpayers = firms(33)
    groups, members = run(taxpayers, own(taxpayers, [None, None, *[float(i) for i in range(31)]]))
    assert groups["5211|mid"]["n"] == 31
    assert (members["T0000"]["value"], members["T0000"]["n"], members["T0000"]["median"]) == (None, 31, 15)


def test_confirmed_evaders_are_no_standard_unless_overturned() -> None:
    taxpayers = firms(33)
    ratios = own(taxpayers, [float(i) for i in range(31)] + [1000.0, 2000.0])
    point = {"case_id": "1", "point_id": "1", "adjusted": 1, "standing": "final", "as_of": AS_OF}
    caught = [{**point, "taxpayer_id": "T0031"}, {**point, "taxpayer_id": "T0032", "case_id": "2", "standing": "overturned"}, {**point, "taxpayer_id": "T0001", "adjusted": -1}]
    groups, members = run(taxpayers, ratios, caught)
    assert groups["5211|mid"]["n"] == 32  # only the first is left out
    assert members["T0031"]["n"] == 32 and members["T0032"]["n"] == 31


def test_a_group_of_equal_values_has_a_median_and_no_deviation() -> None:
    taxpayers = firms(40)
    groups, members = run(taxpayers, own(taxpayers, [0.5] * 40))
    assert (groups["5211|mid"]["median"], groups["5211|mid"]["mad"], members["T0003"]["mad"]) == (0.5, None, None)


def test_too_few_of_all_give_no_standard() -> None:
    taxpayers = firms(4)
    groups, members = run(taxpayers, own(taxpayers, [1.0, 2.0, 3.0, 4.0]))
    assert groups == {} and members["T0000"]["median"] is None


def test_nobody_at_all() -> None:
    assert run([], []) == ({}, {})


@settings(max_examples=40, deadline=None)
@drawn(st.lists(st.one_of(st.none(), st.integers(-20, 20).map(float)), min_size=6, max_size=80))
def test_statistics_equal_those_of_numpy_without_oneself(values: list[float | None]) -> None:
    taxpayers = firms(len(values))
    groups, members = run(taxpayers, own(taxpayers, values))
    known = [v for v in values if v is not None]
    for i, taxpayer in enumerate(taxpayers):
        found = members[taxpayer["taxpayer_id"]]
        rest = [v for j, v in enumerate(values) if v is not None and j != i]
        assert found["n"] == len(rest)
        if len(rest) >= 5:
            assert found["median"] == pytest.approx(np.median(rest))
            spread = 1.4826 * np.median(np.abs(np.array(rest) - np.median(known)))
            assert (found["mad"] or 0.0) == pytest.approx(spread)
    if len(known) >= 30:
        assert groups["5211|mid"]["p10"] == pytest.approx(np.quantile(known, 0.1))
        assert groups["5211|mid"]["mad"] or 0 == pytest.approx(1.4826 * np.median(np.abs(np.array(known) - np.median(known))))


def test_row_order_does_not_matter() -> None:
    taxpayers = firms(35) + firms(40, "5101", first=100)
    ratios = own(taxpayers, [float((i * 37) % 11) for i in range(75)])
    assert run(taxpayers[::-1], ratios[::-1]) == run(taxpayers, ratios)
