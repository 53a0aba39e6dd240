"""The random slice does not show: a case drawn at random looks, wherever an inspector looks, like one the model alone chose (双随机)."""

from __future__ import annotations

import json
import re
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.respond.letters import letters, write_letters
from jobs.respond.lists import write_lists
from jobs.respond.profile import profile
from jobs.respond.profile_page import profile_html
from tests.respond.helpers import AS_OF, DISTRICT, INSPECTION, case_id, chosen, conf, drawn, person, point, reason, rows, taxpayer_id

MARK = 0.123456  # an inclusion probability that would be seen


def as_model(n: int, rank: int) -> dict[str, Any]:
    return chosen(n, "assess", DISTRICT, rank, [], "model", level="medium", amount=Decimal(0), value=812.5, inclusion_probability=1.0)


def as_random(n: int, rank: int) -> dict[str, Any]:
    return chosen(n, "assess", DISTRICT, rank, [], "random", level="none", amount=Decimal(0), value=None, inclusion_probability=MARK)


def with_points(n: int, rank: int) -> dict[str, Any]:
    """As the selection never writes it, but as an older or foreign one might: drawn at random and carrying points and an amount."""
    return as_random(n, rank) | {"points": [point(n)["point_id"]], "amount": Decimal(77777)}


def night_of(selection: list[dict[str, Any]], people: range = range(1, 8)) -> dict[str, pa.Table]:
    features = [reason(n, k, f"Figure {k} of taxpayer {n}", "feature") for n in people for k in (1, 2, 3)]
    listed = [chosen(1, "assess", DISTRICT, 1, [point(1)["point_id"]]), chosen(4, "inspect", INSPECTION, 1, [point(4, "vat_missing_trader")["point_id"]])]
    points = [point(n) for n in people] + [point(4, "vat_missing_trader", fraud=True)]
    return drawn() | {
        "selection": rows("selection", listed + selection), "risk_point": rows("risk_point", points), "reason": rows("reason", features),
        "taxpayer": rows("taxpayer", [person(n) for n in people]),
    }


def files(night: dict[str, pa.Table]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        write_lists(night, AS_OF, conf(), out / "lists")
        write_letters(letters(night, AS_OF, conf()), out / "letters")
        return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


@pytest.mark.parametrize("disguise", [as_random, with_points])
def test_the_same_case_once_random_once_by_the_model_gives_the_same_bytes(disguise: Any) -> None:
    model, random = files(night_of([as_model(5, 2), as_model(6, 3)])), files(night_of([as_model(5, 2), disguise(6, 3)]))
    assert model.keys() == random.keys() and any(name.endswith(f"{DISTRICT}.xlsx") for name in model)
    assert [name for name in model if model[name] != random[name]] == []


def test_a_case_with_points_does_differ_so_that_the_comparison_can_fail() -> None:
    assert files(night_of([as_model(6, 3)])) != files(night_of([as_model(6, 3) | {"points": [point(6)["point_id"]]}]))


@settings(max_examples=15, deadline=None)
@given(drawn_at_random=st.sets(st.integers(10, 20)), carry_points=st.booleans())
def test_whichever_of_the_comprehensive_cases_were_random_the_files_are_the_same(drawn_at_random: set[int], carry_points: bool) -> None:
    people = range(1, 21)
    disguise = with_points if carry_points else as_random
    some = [disguise(n, n) if n in drawn_at_random else as_model(n, n) for n in range(10, 21)]
    assert files(night_of(some, people)) == files(night_of([as_model(n, n) for n in range(10, 21)], people))


def features(n: int, count: int) -> list[dict[str, Any]]:
    return [reason(n, k, f"Figure {k} of taxpayer {n}", "feature") for k in range(1, count + 1)]


@pytest.mark.parametrize(
    ("model", "random", "shown"),
    [
        (features(5, 3), [], []),
        (features(5, 3), [reason(6, 1, "Drawn at random", "draw")], []),
        (features(5, 3), features(6, 1), ["Figure 1 of taxpayer 5", "Figure 1 of taxpayer 6"]),
        (features(5, 1), features(6, 3), ["Figure 1 of taxpayer 5", "Figure 1 of taxpayer 6"]),
        ([reason(5, 0, "An indicator", "indicator"), *features(5, 1)], features(6, 1), ["Figure 1 of taxpayer 5", "Figure 1 of taxpayer 6"]),
    ],
)
def test_of_comprehensive_cases_as_many_features_are_shown_as_each_has(model: list[dict[str, Any]], random: list[dict[str, Any]], shown: list[str]) -> None:
    """Neither their number nor a kind of reason that only some have may tell one from another."""
    page = files(night_of([as_model(5, 2), as_random(6, 3)]) | {"reason": rows("reason", model + random)})[f"lists/{DISTRICT}.html"].decode()
    assert sorted(set(re.findall(r"理由：(.*?)<br>", page))) == shown
    assert page.count("全面核查近期各税种申报") == (1 if shown else 3)  # case 1, of the model with points, has no reason row here either


def test_no_file_names_case_source_or_probability() -> None:
    import io
    import zipfile

    for name, content in files(night_of([as_model(5, 2), as_random(6, 3), with_points(7, 4)])).items():
        parts = [content]
        if name.endswith(".xlsx"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                parts = [archive.read(n) for n in archive.namelist()]
        for part in parts:
            for word in (b"random", b"inclusion", b"case_source", b"0.123456", b"12.3456", b"77777", b"77,777", "随机".encode(), "双随机".encode()):
                assert word not in part, (name, word)


PUSHED = date(2026, 1, 20)


def seen_by(source: str, level: str, points: list[dict[str, Any]], kinds: tuple[str, ...] = ("pushed",), tonight: bool = False) -> tuple[str, str]:
    """The profile of taxpayer 6 as JSON and page, his case being of that source."""
    events = [
        {"case_id": case_id(6), "event_no": n, "event_on": PUSHED, "taxpayer_id": taxpayer_id(6), "kind": kind, "case_source": source, "treatment": "assess", "office_id": DISTRICT, "known_at": PUSHED}
        for n, kind in enumerate(kinds, start=1)
    ]
    selected = {"random": as_random, "model": as_model}[source](6, 3) | {"as_of": PUSHED}
    tables = {
        "taxpayer": rows("taxpayer", [person(6)]), "risk_point": rows("risk_point", [{**p, "as_of": AS_OF} for p in points]),
        "risk_level": rows("risk_level", [{"taxpayer_id": taxpayer_id(6), "level": level, "previous": level, "why": "band", "as_of": AS_OF}]),
        "case_event": rows("case_event", [] if tonight else events), "selection": rows("selection", [selected] if tonight else []),
    }
    found = profile(tables, taxpayer_id(6), date(2026, 3, 1))
    return json.dumps(found, ensure_ascii=False), profile_html(found, conf())


@pytest.mark.parametrize("tonight", [False, True])
def test_a_profile_does_not_tell_a_random_case_from_the_models(tonight: bool) -> None:
    """A level of none, or a live point on a comprehensive case, could only be the draw's."""
    model = seen_by("model", "medium", [], tonight=tonight)
    random = seen_by("random", "none", [point(6), point(6, "cit_cost_inflated", "CIT", state="changed")], tonight=tonight)
    assert model == random
    assert "vat_sales_understated" not in random[0] and '"withheld": true' in random[0] and "综合检查进行中" in random[1]


def test_points_that_tell_nothing_stay_in_the_profile() -> None:
    later = point(6, "pit_wages_understated", "PIT", opened_on=date(2026, 2, 20))
    quiet = [point(6, "payment_short", state="silent"), point(6, "filing_late", state="lapsed")]
    for source in ("model", "random"):
        page = seen_by(source, "low", [later, *quiet])[0]
        assert all(code in page for code in ("pit_wages_understated", "payment_short", "filing_late"))


@pytest.mark.parametrize("over", ["closed", "dropped"])
def test_once_the_case_is_over_level_and_points_are_back_and_the_source_still_is_not_there(over: str) -> None:
    found, page = seen_by("random", "none", [point(6)], ("pushed", "received", over))
    assert '"level": "none"' in found and "vat_sales_understated" in found and '"withheld": false' in found
    assert "random" not in found + page and "case_source" not in found + page


def test_a_case_of_the_model_with_points_keeps_them_in_the_profile() -> None:
    found, _ = seen_by("model", "high", [point(6)])
    assert '"level": "high"' in found and "vat_sales_understated" in found
