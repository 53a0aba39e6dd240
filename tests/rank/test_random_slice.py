from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.conf import Capacity
from jobs.rank.random_slice import draw, probabilities
from jobs.rank.selection import select
from tests.rank.given import AS_OF, conf, event, level, night, plan, point, rows, score, taxpayer, world

N = 120
IDS = pa.array([f"T{k:03d}" for k in range(N)])
STRATUM = pa.array([f"{'11' if k < 80 else '12'}|{'small' if k % 3 else 'large'}" for k in range(N)])
POOL = np.where(np.arange(N) < 80, 0, 1)


def test_s3_size_is_the_sum_and_every_stratum_is_drawn_as_often_as_recorded() -> None:
    chance = probabilities(POOL, np.array([12, 9]), 0.5, np.full(N, 1.0))
    # half of 12 over 80 and half of 9 over 40: 6 + 4.5 = 10.5, scaled down to 10
    assert chance.sum() == pytest.approx(10, abs=1e-9)
    assert chance.min() > 0
    draws = np.array([draw(IDS, STRATUM, chance, 1, f"d{k}").drawn for k in range(3000)])
    assert set(draws.sum(axis=1)) == {10}
    for stratum in set(STRATUM.to_pylist()):
        inside = np.array([s == stratum for s in STRATUM.to_pylist()])
        seen = draws[:, inside].sum(axis=1)
        assert abs(seen.mean() - chance[inside].sum()) <= 4 * max(seen.std(), 0.05) / np.sqrt(len(draws)) + 1e-9
        assert seen.max() - seen.min() <= 2
    each = draws.mean(axis=0)
    assert np.all(np.abs(each - chance) <= 4.5 * np.sqrt(chance * (1 - chance) / len(draws)))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=60), st.integers(0, 10_000))
def test_size_is_within_one_of_the_sum_for_any_probabilities(chance: list[float], seed: int) -> None:
    ids = pa.array([f"T{k}" for k in range(len(chance))])
    found = draw(ids, pa.array(["s"] * len(chance)), np.array(chance), seed, "any")
    assert abs(int(found.drawn.sum()) - sum(chance)) < 1 + 1e-6
    assert not found.drawn[np.array(chance) == 0].any()
    assert found.drawn[np.array(chance) == 1].all()


def test_row_order_and_seed() -> None:
    chance = probabilities(POOL, np.array([12, 9]), 0.5, np.full(N, 1.0))
    order = np.random.default_rng(0).permutation(N)
    one, other = draw(IDS, STRATUM, chance, 1, "x"), draw(IDS.take(pa.array(order)), STRATUM.take(pa.array(order)), chance[order], 1, "x")
    assert set(np.array(IDS)[one.drawn]) == set(np.array(IDS)[order][other.drawn])
    assert set(np.array(IDS)[draw(IDS, STRATUM, chance, 2, "x").drawn]) != set(np.array(IDS)[one.drawn])


def random_night(**more: object) -> tuple[object, object]:
    ids = [f"T{k:02d}" for k in range(40)]
    tables = world([taxpayer(i) for i in ids], [score(i, float(n)) for n, i in enumerate(ids)], [level(i, "high") for i in ids], [point(i) for i in ids], **more)  # type: ignore[arg-type]
    return tables, conf(plan(random_share=0.4, random_cap_per_year=0.5, capacity=(Capacity(office="11", treatment="assess", days=50),)))


def test_the_slice_is_reserved_before_value_and_its_place_gives_nothing_away() -> None:
    tables, conf_ = random_night()
    places = []
    for seed in range(12):
        out = select(tables, night(conf_, seed=seed))["selection"]  # type: ignore[arg-type]
        drawn = out.filter(pa.array([s == "random" for s in out["case_source"].to_pylist()]))
        assert out.num_rows == 10 and drawn.num_rows == 4  # 50 days / 5 = 10 cases, 0.4 of them at random
        assert drawn["inclusion_probability"].to_pylist() == [0.1] * 4  # 4 of 40
        assert drawn["points"].to_pylist() == [[]] * 4
        places += drawn["rank"].to_pylist()
    assert 4 < np.mean(places) < 7  # not all at the end, as their value would put them


def test_random_cases_weighted_by_their_probability_stand_for_the_whole_frame() -> None:
    """Whoever value would list too is a random case with the draw's probability: as certain (1) he would stand for himself alone.

    The six best by value are listed anyway; over many draws the random cases among them, each counted 1 / probability, still come to six.
    """
    tables, conf_ = random_night()
    best, weights = {f"T{k:02d}" for k in range(34, 40)}, []
    for seed in range(300):
        out = select(tables, night(conf_, seed=seed))["selection"].to_pylist()  # type: ignore[arg-type]
        assert all((r["inclusion_probability"] == 1) == (r["case_source"] != "random") for r in out)
        weights.append(sum(1 / r["inclusion_probability"] for r in out if r["case_source"] == "random" and r["taxpayer_id"] in best))
    assert abs(np.mean(weights) - 6) < 3 * np.std(weights) / np.sqrt(len(weights))


def test_cap_rest_and_barriers_keep_out_of_the_frame() -> None:
    events = [event("C1", "T00", "pushed", AS_OF.replace(year=2024), case_source="random"), event("C1", "T00", "closed", AS_OF.replace(year=2024, month=8), no=2, case_source="random"),
              event("C2", "T01", "pushed", AS_OF.replace(month=3)),
              event("C3", "T02", "pushed", AS_OF.replace(year=2022), case_source="random"), event("C3", "T02", "closed", AS_OF.replace(year=2022, month=8), no=2, case_source="random")]
    tables, conf_ = random_night(events=events)
    frame = select(tables, night(conf_))["inclusion"]["taxpayer_id"].to_pylist()  # type: ignore[arg-type]
    assert "T00" not in frame  # drawn two years ago
    assert "T01" not in frame  # open case
    assert "T02" in frame  # drawn four years ago


def test_probability_already_spent_this_year_counts_towards_the_cap() -> None:
    earlier = AS_OF.replace(month=1)
    spent = rows("inclusion", {"as_of": earlier, "taxpayer_id": "T05", "probability": 0.45}, {"as_of": earlier.replace(year=2025), "taxpayer_id": "T06", "probability": 0.45})
    listed = rows("selection", {"as_of": earlier, "taxpayer_id": "T09", "case_id": "C9"}, {"as_of": earlier.replace(year=2025), "taxpayer_id": "T09", "case_id": "C8"})
    pushed = [event("C9", "T09", "pushed", earlier), event("C8", "T09", "pushed", earlier.replace(year=2025))]
    tables, conf_ = random_night(events=pushed, history={"inclusion": spent, "selection": listed})
    out = select(tables, night(conf_))["inclusion"]  # type: ignore[arg-type]
    chance = dict(zip(out["taxpayer_id"].to_pylist(), out["probability"].to_pylist(), strict=True))
    assert chance["T05"] < 0.5 - 0.45 + 1e-9 < chance["T06"]
    lapsed, _ = random_night(history={"inclusion": spent, "selection": listed})
    out = select(lapsed, night(conf_))["inclusion"]  # type: ignore[arg-type]
    assert len(set(out["probability"].to_pylist())) == 1  # a list nobody was handed spends nothing
