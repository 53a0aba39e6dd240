"""Small drawn worlds: a configuration of round numbers and tables by contract."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jobs.conf import Band, Capacity, Conf, House, Levels, Office, Plan, RiskCode, Text, Treatment
from jobs.lake.step import ModelRef, Night, Tables
from jobs.lake.tables import table

AS_OF = date(2026, 4, 20)
_T = Text(en="x", zh="某")


def treatment(id_: str, effort: float, levels: tuple[str, ...], *, opens: bool = False, fraud: bool = False, kind: str = "tax_source", term: int | None = None) -> Treatment:
    return Treatment(id=id_, name=_T, organ=_T, legal_basis="law", levels=levels, must_reply=opens, opens_procedure=opens, document="doc", term_days=term,
                     decided_by="official", holdout_allowed=not opens, allowed_if_fraud=fraud, office_kind=kind, skill="desk", effort_days=effort, source="drawn")


def risk_code(code: str, treatment_: str, risk_type: str = "reporting", fraud: bool = False) -> RiskCode:
    return RiskCode(code=code, name=Text(en=f"{code} en", zh=f"{code} zh"), tax="VAT", stage="file", cause="intent", treatment=treatment_, law="law", fraud=fraud,
                    risk_type=risk_type, source="drawn")


TREATMENTS = (
    treatment("remind", 0.1, ("low", "medium")),
    treatment("assess", 5, ("medium", "high"), opens=True, term=60),
    treatment("inspect", 20, ("high",), opens=True, fraud=True, kind="inspection", term=90),
)
REGISTER = (
    risk_code("sales", "assess"), risk_code("input", "remind"), risk_code("mill", "inspect", "fraud", fraud=True),
    risk_code("missing", "remind", "non_filing"), risk_code("comprehensive", "assess"),
)
OFFICES = (
    Office(id="10", name=_T, kind="headquarters", source="drawn"),
    Office(id="11", name=_T, kind="tax_source", parent="10", source="drawn"),
    Office(id="12", name=_T, kind="tax_source", parent="10", source="drawn"),
    Office(id="18", name=_T, kind="large_business", parent="10", source="drawn"),
    Office(id="19", name=_T, kind="inspection", parent="10", source="drawn"),
)
LEVELS = Levels(approved_by="x", source="drawn", hard_high=("mill",), bands=(
    Band(level="high", capacity_share=1, min_probability=0.3, min_amount=Decimal(1000)),
    Band(level="medium", capacity_share=1, min_probability=0.1, min_amount=Decimal(100)),
    Band(level="low", capacity_share=1, min_probability=0.0, min_amount=Decimal(0)),
))


def plan(**changes: Any) -> Plan:
    given = {"year": 2026, "signed_by": "x", "source": "drawn", "random_share": 0.0, "release": "year",
             "capacity": (Capacity(office="11", treatment="assess", days=10), Capacity(office="11", treatment="remind", days=1))}
    return Plan(**{**given, **changes})


def conf(plan_: Plan | None = None, levels: Levels = LEVELS) -> Conf:
    return Conf.model_construct(
        house=House(name=_T, currency="CNY", zone="UTC", buckets=4, seed=7), sources={}, offices=OFFICES, treatments={t.id: t for t in TREATMENTS},
        register_={r.code: r for r in REGISTER}, indicators=(), levels=(levels,), plans=(plan_ or plan(),), calendar=(), limitation=(), disclosure=())


def night(conf_: Conf | None = None, *, model: bool = True, as_of: date = AS_OF, seed: int = 7) -> Night:
    return Night(as_of=as_of, run=1, conf=conf_ or conf(), seed=seed, model=ModelRef("3", "", "") if model else None)


def rows(name: str, *given: dict[str, Any]) -> pa.Table:
    """Rows of a table by contract; columns left out are null."""
    contract = table(name)
    return pa.table({c.name: pa.array([r.get(c.name) for r in given], c.type) for c in contract.columns})


def taxpayer(id_: str, **more: Any) -> dict[str, Any]:
    return {"source": "registry", "taxpayer_id": id_, "office_id": "11", "segment": "small", "status": "active", "industry": "5100", "region": "r", **more}


def score(id_: str, value: float | None, probability: float = 0.5, amount: float = 10_000, version: str = "3") -> dict[str, Any]:
    return {"taxpayer_id": id_, "model_version": version, "value": value, "probability": probability, "amount": Decimal(str(amount)), "rules_score": probability}


def level(id_: str, level_: str) -> dict[str, Any]:
    return {"taxpayer_id": id_, "level": level_}


def point(id_: str, code: str = "sales", amount: float = 1000, number: int = 1, **more: Any) -> dict[str, Any]:
    return {"point_id": f"{id_}-{code}-{number}", "taxpayer_id": id_, "tax": "VAT", "risk_code": code, "period_from": date(2025, number, 1),
            "period_to": date(2025, number, 28), "base": "tax", "amount_error": Decimal(str(amount)), "amount_evasion": Decimal(str(amount)),
            "until_error": date(2028, 1, 1), "fraud": code == "mill", "state": "opened", "facts": "{}", "indicators": ["i1"], **more}


def event(case: str, id_: str, kind: str, on: date, treatment_: str = "assess", no: int = 1, **more: Any) -> dict[str, Any]:
    return {"source": "case_event", "case_id": case, "event_no": no, "event_on": on, "taxpayer_id": id_, "kind": kind, "treatment": treatment_,
            "case_source": "model", "office_id": "11", **more}


def world(taxpayers: list[dict[str, Any]], scores: list[dict[str, Any]], levels: list[dict[str, Any]], points: list[dict[str, Any]],
          events: list[dict[str, Any]] | None = None, outcomes: list[dict[str, Any]] | None = None, history: dict[str, pa.Table] | None = None) -> Tables:
    return Tables(
        now={"taxpayer": rows("taxpayer", *taxpayers), "score": rows("score", *scores), "risk_level": rows("risk_level", *levels),
             "risk_point": rows("risk_point", *points), "case_event": rows("case_event", *(events or [])), "outcome": rows("outcome", *(outcomes or []))},
        history=history or {})
