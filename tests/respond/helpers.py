"""A drawn night: five taxpayers with points, two comprehensive cases, and the tables that hand-over reads."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.conf import Conf, load
from jobs.lake.step import Night, Tables
from jobs.lake.tables import table
from jobs.respond.answers import point_id

AS_OF = date(2026, 1, 20)
OFFICIAL = "Director Lin"
DISTRICT, INSPECTION = "330203", "330299"
Q4 = (date(2025, 10, 1), date(2025, 12, 31))


@cache
def conf() -> Conf:
    """The house's own configuration."""
    return load(Path(__file__).parents[2] / "conf")


def rows(name: str, found: list[dict[str, Any]]) -> pa.Table:
    """Rows of a contract: own columns, null where a row gives none, and the layer's columns that a row gives."""
    contract = table(name)
    own = [c.name for c in contract.own]
    extra = [c.name for c in contract.columns if c.name not in own and any(c.name in r for r in found)]
    return pa.Table.from_pylist(found, schema=pa.schema([pa.field(c.name, c.type) for c in contract.columns if c.name in (*own, *extra)]))


def taxpayer_id(n: int) -> str:
    return f"91330200MA00000{n:02d}X"


def case_id(n: int, as_of: date = AS_OF) -> str:
    return f"C{as_of:%Y%m%d}-" + hashlib.sha256(f"{as_of}|{taxpayer_id(n)}".encode()).hexdigest()[:12]


def facts(declared: str = "vat_return", other: str = "invoice") -> str:
    return json.dumps({
        "declared": {"source": declared, "field": "sales", "value": 800000.0, "period": "2025Q4", "label_en": "Sales declared", "label_zh": "申报销售额", "unit": "currency"},
        "other": {"source": other, "field": "net", "value": 987654.32, "period": "2025Q4", "label_en": "Invoices issued", "label_zh": "开具发票金额", "unit": "currency"},
        "difference": 187654.32,
        "sentence_en": "Sales declared are 800,000.00, invoices issued 987,654.32.", "sentence_zh": "申报销售额800,000.00，开票金额987,654.32。",
        "taxpayer_en": "You declared sales of 800,000.00; the invoices you issued add up to 987,654.32.",
        "taxpayer_zh": "贵单位申报销售额800,000.00元，同期开具发票金额合计987,654.32元。",
    }, ensure_ascii=False)


def point(n: int, risk_code: str = "vat_sales_understated", tax: str = "VAT", amount: int = 24395, **more: Any) -> dict[str, Any]:
    start, end = Q4
    return {
        "point_id": point_id(taxpayer_id(n), tax, risk_code, start, end), "taxpayer_id": taxpayer_id(n), "tax": tax, "risk_code": risk_code, "period_from": start,
        "period_to": end, "base": "sales", "facts": facts(), "facts_digest": "d", "indicators": ["i"], "amount_error": Decimal(amount), "amount_evasion": Decimal(amount),
        "until_error": date(2029, 1, 15), "until_evasion": None, "strength": 2.0, "fraud": False, "state": "opened", "state_reason": "hit", "opened_on": AS_OF, **more,
    }


def chosen(n: int, treatment: str, office: str, rank: int, points: list[str], source: str = "model", as_of: date = AS_OF, **more: Any) -> dict[str, Any]:
    return {
        "taxpayer_id": taxpayer_id(n), "case_id": case_id(n, as_of), "rank": rank, "treatment": treatment, "office_id": office, "case_source": source, "inclusion_probability": 1.0,
        "level": "high" if treatment == "inspect" else "medium", "amount": Decimal(24395), "effort_days": 5.0, "value": 100.0, "floor": None, "points": points, **more,
    }


def person(n: int, name: str | None = None, office: str = DISTRICT) -> dict[str, Any]:
    return {
        "taxpayer_id": taxpayer_id(n), "name": name or f"宁波市第{n}贸易有限公司", "kind": "enterprise", "industry": "5111", "region": "330203", "office_id": office,
        "segment": "small", "ownership_form": "private", "vat_kind": "general", "registered_on": date(2019, 5, 1), "status": "active", "address": "海曙区中山东路1号",
        "legal_rep": "张三", "capital": Decimal(1000000), "source": "registry", "file": "registry_2025.jsonl", "line": n, "known_at": date(2026, 1, 5),
    }


def reason(n: int, ordinal: int, text: str, kind: str = "point", **more: Any) -> dict[str, Any]:
    return {"taxpayer_id": taxpayer_id(n), "ordinal": ordinal, "kind": kind, "code": "c", "point_id": None, "text": text, "text_zh": f"理由：{text}", "numbers": "{}", "weight": 1.0, **more}


def night(as_of: date = AS_OF, seed: int = 7) -> Night:
    return Night(as_of, 3, conf(), seed=seed)


def drawn() -> dict[str, pa.Table]:
    """Taxpayers 1, 2: assess; 3: remind; 4: inspect (fraud); 5: model alone, 6: at random, both comprehensive; 7: remind, fraud beside."""
    points = [
        point(1), point(1, "cit_cost_inflated", "CIT", 50000), point(2), point(3, amount=900), point(4, "vat_fictitious_invoices", fraud=True, amount=90000),
        point(7), point(7, "vat_missing_trader", fraud=True),
    ]
    by = {(p["taxpayer_id"], p["risk_code"]): p["point_id"] for p in points}
    found = {
        "selection": rows("selection", [
            chosen(1, "assess", DISTRICT, 1, sorted(v for k, v in by.items() if k[0] == taxpayer_id(1))),
            chosen(2, "assess", DISTRICT, 3, [by[taxpayer_id(2), "vat_sales_understated"]]),
            chosen(3, "remind", DISTRICT, 1, [by[taxpayer_id(3), "vat_sales_understated"]]),
            chosen(4, "inspect", INSPECTION, 1, [by[taxpayer_id(4), "vat_fictitious_invoices"]]),
            chosen(5, "assess", DISTRICT, 2, []), chosen(6, "assess", DISTRICT, 4, [], source="random", level="none", amount=Decimal(0)),
            chosen(7, "remind", DISTRICT, 2, [by[taxpayer_id(7), "vat_sales_understated"]]),
        ]),
        "risk_point": rows("risk_point", points),
        "reason": rows("reason", [
            reason(1, 1, "Declared sales are below invoices"), reason(1, 2, "Costs are above peers"), reason(2, 1, "Declared sales are below invoices"),
            reason(4, 1, "Invoices without trade"), reason(5, 1, "Burden far below peers", "feature"), reason(6, 1, "Drawn at random", "draw"),
        ]),
        "taxpayer": rows("taxpayer", [person(n) for n in range(1, 8)]),
        "case_event": rows("case_event", []),
    }
    from jobs.respond.reminders import remind

    return {**found, "reminder": remind(Tables(now=found), night(seed=seed_without_holdout()))}


def seed_without_holdout() -> int:
    """A seed under which taxpayer 3 is not held out, so that the drawn night has a letter."""
    from jobs.respond.reminders import held_out

    return next(s for s in range(100) if not held_out(s, conf().plan(AS_OF).holdout.get("remind", 0.0), AS_OF.year, taxpayer_id(3)))
