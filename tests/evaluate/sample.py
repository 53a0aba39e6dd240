"""A drawn year of results for the reports: invented, seeded, with a list that is better than chance."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.evaluate.evaluation import evaluation
from jobs.lake.step import Tables
from tests.rank.given import night, rows, taxpayer

NIGHTS = (date(2025, 10, 20), date(2026, 1, 20))
CODES = ("vat_sales_understated", "vat_input_unmatched", "cit_cost_inflated", "pit_wages_understated", "filing_missing")


def people(n: int = 600) -> list[dict[str, Any]]:
    return [taxpayer(f"T{k:04d}", segment=("large", "mid", "small", "small", "individual")[k % 5], industry=("5100", "2600", "6200", "4700")[k % 4],
                     region=("330203", "330205", "330206")[k % 3]) for k in range(n)]


def cases(n: int = 240, seed: int = 3) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    found = []
    for k in range(n):
        source = ("model", "model", "model", "rule", "random")[k % 5]
        chance = float(rng.uniform(0.2, 0.85)) if source == "model" else float(rng.uniform(0.1, 0.6)) if source == "rule" else 0.15
        worked = bool(rng.random() < 0.85 - (k % 40) * 0.008)
        hit = rng.random() < chance
        amount = Decimal(str(round(float(rng.lognormal(10, 1)), 2))) if hit else Decimal("-900.00") if rng.random() < 0.05 else Decimal(0)
        found.append({"case_id": f"C{k:04d}", "taxpayer_id": f"T{k:04d}", "selected_on": NIGHTS[k % 2], "case_source": source, "treatment": ("assess", "inspect", "interview")[k % 3],
                      "office_id": ("330203", "330205", "330299")[k % 3], "rank": k % 40 + 1, "level": "high", "inclusion_probability": 0.01 if source == "random" else 1.0,
                      "model_version": "1", "probability": chance, "rules_score": chance * 10 + float(rng.normal(0, 3)), "value": chance * float(rng.lognormal(8, 0.4)), "rules_value": chance * float(rng.lognormal(8, 1.0)), "pushed": True, "worked": worked,
                      "adjusted": (int(amount > 0) - int(amount < 0)) if worked else None, "found": amount if worked else Decimal(0), "paid": round(amount / 2, 2) if worked and amount > 0 else Decimal(0),
                      "effort_days": 5.0, "segment": "small", "industry": "51", "region": "330203"})
    return found


def points(of: list[dict[str, Any]], seed: int = 4) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    answered = [(c, n) for c in of if c["adjusted"] is not None for n in range(2)]
    own = [{"case_id": c["case_id"], "point_id": f"{c['case_id']}-{n}", "taxpayer_id": c["taxpayer_id"], "tax": "VAT", "risk_code": CODES[int(rng.integers(0, 5))], "case_source": c["case_source"],
            "treatment": c["treatment"], "office_id": c["office_id"], "examined": n == 0 or bool(rng.random() < 0.8), "adjusted": c["adjusted"] if n == 0 else 0, "amount": c["found"] if n == 0 else Decimal(0),
            "effort_days": 2.5, "indicators": [f"{CODES[k]}_check" for k in rng.integers(0, 5, 2)]} for c, n in answered]
    past = [{"case_id": f"H{k}", "point_id": f"H{k}-1", "taxpayer_id": f"T{k:04d}", "tax": "VAT", "risk_code": CODES[k % 5], "case_source": "self_selected", "treatment": "assess", "office_id": "330203",
             "examined": True, "adjusted": int(k % 3 == 0), "amount": Decimal(100 if k % 3 == 0 else 0), "effort_days": 4.0, "indicators": []} for k in range(90)]
    return own + past


def reminders(n: int = 160, seed: int = 5) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    arms = rng.choice(["sent", "sent", "sent", "sent", "holdout", "fraud"], n)
    return [{"taxpayer_id": f"T{k:04d}", "point_id": f"P{k}", "sent_on": NIGHTS[0], "tax": "VAT", "arm": str(arm), "question": False, "amount": Decimal(800), "matured": True,
             "closed": bool(rng.random() < (0.45 if arm == "sent" else 0.2)), "corrected": Decimal(str(round(float(rng.exponential(900 if arm == "sent" else 300)), 2))),
             "paid": Decimal(str(round(float(rng.exponential(600 if arm == "sent" else 250)), 2)))} for k, arm in enumerate(arms)]


def sample() -> dict[str, pa.Table]:
    of = cases()
    listed = [{"taxpayer_id": f"T{k * 7 % 600:04d}", "case_id": f"N{k}", "value": 10.0} for k in range(40)]
    given = {"taxpayer": rows("taxpayer", *people()), "case_result": rows("case_result", *of), "point_result": rows("point_result", *points(of)),
             "reminder_result": rows("reminder_result", *reminders()), "selection": rows("selection", *listed)}
    return {**given, "evaluation": evaluation(Tables(now=given), night())}


def empty() -> dict[str, pa.Table]:
    given = {n: rows(n) for n in ("taxpayer", "case_result", "point_result", "reminder_result", "selection")}
    return {**given, "evaluation": evaluation(Tables(now=given), night())}
