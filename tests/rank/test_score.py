"""The score: every part a column of its own, with the arithmetic visible."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.conf import Conf, IndicatorParameters, Ranking
from jobs.lake.step import ModelRef, Night, Tables
from jobs.lake.tables import table
from jobs.rank.points import stake_codes
from jobs.rank.score import score
from models.amount import AmountModel, fit_amount
from models.fit import fit
from models.matrix import Matrix
from models.store import ModelRefused, save
from tests.rank import given

AS_OF = given.AS_OF
RANKING = Ranking(rules_scale=10.0, point_amount_share=0.5, segment_effort={"large": 3.0})


def indicator(id_: str, weight: float, state: str = "published") -> IndicatorParameters:
    return IndicatorParameters(id=id_, state=state, owner="o", threshold=1.0, weight=weight, source="drawn")


def night(model: ModelRef | None = None) -> Night:
    register = {
        c.code: c.model_copy(update={"collectability": 0.5, "prevented_per_month": 0.1, "prevented_months": 2.0}) for c in given.REGISTER
    }
    conf: Conf = given.conf().model_copy(
        update={
            "register_": register,
            "ranking": RANKING,
            "indicators": (indicator("a", 2.0), indicator("b", 1.0), indicator("t", 9.0, "trial")),
        }
    )
    return Night(as_of=AS_OF, run=1, conf=conf, model=model)


def point(id_: str, taxpayer: str, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "point_id": id_, "taxpayer_id": taxpayer, "tax": "VAT", "risk_code": "sales", "period_from": date(2025, 1, 1), "period_to": date(2025, 1, 31), "base": "sales",
        "amount_error": Decimal(amount), "amount_evasion": Decimal(amount), "fraud": False, "state": "opened", **more,
    }  # fmt: skip


def hit(taxpayer: str, indicator_: str, strength: float | None, fired: bool | None = True) -> dict[str, Any]:
    return {
        "taxpayer_id": taxpayer,
        "indicator": indicator_,
        "hit": fired,
        "strength": strength,
        "risk_code": "sales",
        "tax": "VAT",
        "period_from": date(2025, 1, 1),
        "period_to": date(2025, 1, 31),
    }


def scored(
    points: list[dict], hits: list[dict], taxpayers: list[dict], model: ModelRef | None = None, feature: pa.Table | None = None
) -> list[dict[str, Any]]:
    empty = pa.schema([c for c in table("feature").schema]).empty_table()
    tables = Tables(now={
        "taxpayer": given.rows("taxpayer", *taxpayers), "risk_point": given.rows("risk_point", *points), "indicator_hit": given.rows("indicator_hit", *hits),
        "feature": empty if feature is None else feature,
    })  # fmt: skip
    found = score(tables, night(model))
    contract = table("score")
    assert found.schema.names == [c.name for c in contract.own]
    assert [found.schema.field(c.name).type for c in contract.own] == [c.type for c in contract.own]
    return found.to_pylist()


def test_rules_alone() -> None:
    hits = [
        hit("A", "a", 3.0),
        hit("A", "a", 1.5),
        hit("A", "b", 80.0),
        hit("A", "t", 9.0),
        hit("A", "b", None, None),
        hit("B", "a", 4.0, False),
        hit("Z", "a", 1.0),
    ]
    points = [
        point("1", "A", "1000.00"),
        point("2", "A", "600.00"),
        point("3", "A", "400.00", base="cost"),
        point("4", "A", "9999.00", state="silent"),
    ]
    row, other = scored(points, hits, [given.taxpayer("A", segment="large"), given.taxpayer("B")])
    # a: strongest period 3 x weight 2; b: 80 counts as 5 x weight 1; a trial indicator, a hit that is null or false count nothing
    assert row["rules_score"] == 2 * 3 + 1 * 5
    assert row["probability"] == pytest.approx(1 - exp(-11 / 10))
    # points 1 and 2 are about the same base: the larger counts; half of 1000 + 400 is expected to stand
    assert row["amount"] == Decimal("700.00")
    assert row["collectability"] == pytest.approx(0.5)
    p = 1 - exp(-1.1)
    assert row["expected_tax"] == Decimal(round(p * 70000 * 0.5)) / 100
    # 1400 x 0.1 a month x 2 months goes on if nothing is done; half of it stands
    assert row["loss_prevented"] == Decimal(round(p * 28000 * 0.5)) / 100
    # the usual treatment of the largest point is assess: 5 days, three times that for a large taxpayer
    assert row["effort_days"] == 15
    assert row["value"] == pytest.approx(float(row["expected_tax"] + row["loss_prevented"]) / 15)
    assert (other["taxpayer_id"], other["probability"], other["value"], other["effort_days"]) == ("B", 0.0, 0.0, 5)


def test_a_fraud_point_counts_by_the_limit_for_evasion() -> None:
    row = scored(
        [point("1", "A", "10.00", risk_code="mill", fraud=True, amount_evasion=Decimal("90.00"))],
        [hit("A", "a", 1.0)],
        [given.taxpayer("A")],
    )[0]
    assert row["amount"] == Decimal("45.00") and row["effort_days"] == 20


def test_duplicates_and_row_order_change_nothing() -> None:
    hits = [hit("A", "a", 3.0), hit("A", "b", 0.7), hit("B", "b", 2.2)]
    points = [point("1", "A", "1000.00"), point("2", "A", "1000.00", risk_code="input"), point("3", "B", "17.30")]
    people = [given.taxpayer("A"), given.taxpayer("A", source="other"), given.taxpayer("B")]
    first = scored(points, hits, people)
    assert [r["taxpayer_id"] for r in first] == ["A", "B"]
    assert scored(points[::-1], hits[::-1] + hits, people[::-1]) == first


def champion(folder: Path) -> tuple[ModelRef, AmountModel]:
    rng = np.random.default_rng(3)
    values = np.column_stack([rng.normal(size=(400, 2)), rng.exponential(3, 400), rng.exponential(900, 400)])
    matrix = Matrix(("f0", "f1", "rules_score", "points_amount"), values)
    label = (rng.random(400) < 1 / (1 + np.exp(-2 * values[:, 0]))).astype(float)
    codes = stake_codes(given.conf())
    stakes = values[:, 3:] * np.array([[c == "sales" for c in codes]])
    amounts = fit_amount(stakes, codes, label * stakes.sum(axis=1) / 4, 0.6)
    assert amounts is not None
    digest = save(
        fit("logistic", matrix, label, [str(n) for n in range(400)]), folder / "m.skops", {"amount": amounts.state(), "feature_set": "f"}
    )
    return ModelRef("m-1", str(folder / "m.skops"), digest), amounts


def test_the_champion_stands_beside_the_rules(tmp_path: Path) -> None:
    model, amounts = champion(tmp_path)
    feature = pa.table(
        {
            "taxpayer_id": ["A", "B"],
            "feature_set": ["f", "f"],
            "snapshot": ["night", "night"],
            "f0": [3.0, -3.0],
            "f1": [1.0, None],
            "credit_rating": [1.0, 1.0],
        }
    )
    rows = scored([point("1", "A", "1000.00")], [hit("A", "a", 3.0)], [given.taxpayer(i) for i in "ABC"], model, feature)
    assert [(r["model_version"], r["taxpayer_id"]) for r in rows] == [(v, t) for v in ("rules", "m-1") for t in "ABC"]
    by = {r["taxpayer_id"]: r for r in rows if r["model_version"] == "m-1"}
    assert by["A"]["probability"] > 0.8 and 0 < by["B"]["probability"] < 0.2
    # no feature row: everything missing, still a probability and an amount
    assert 0 < by["C"]["probability"] < 1 and by["C"]["amount"] > 0
    assert by["A"]["rules_score"] == 6
    # what an examination brings: of sales points the share that past ones found, a quarter in every other case, drawn to what is believed
    share = amounts.shares[stake_codes(given.conf()).index("sales")]
    assert 0.12 < share < 0.3 and float(by["A"]["amount"]) * by["A"]["probability"] == pytest.approx(1000 * share, rel=0.001)
    assert float(by["C"]["amount"]) == pytest.approx(amounts.base, abs=0.01)  # no points: what an adjustment usually brings


def test_a_changed_model_file_is_refused(tmp_path: Path) -> None:
    model, _ = champion(tmp_path)
    with pytest.raises(ModelRefused, match="on record"):
        scored([], [], [given.taxpayer("A")], ModelRef("m-1", model.path, "0" * 64))


def test_a_champion_scores_only_what_it_was_trained_on(tmp_path: Path) -> None:
    model, _ = champion(tmp_path)
    feature = pa.table({"taxpayer_id": ["A"], "feature_set": ["g"], "snapshot": ["night"], "f0": [3.0], "f1": [1.0]})
    with pytest.raises(ValueError, match="trained on feature set f, tonight's is g"):
        scored([], [], [given.taxpayer("A")], model, feature)
