"""report.html: did any of it help, was it worked, was it fair. One self-contained page for the head of the bureau.

Every figure has its n, its interval and the number a sceptic would hold against it; what cannot be said yet is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from jobs.evaluate.drawing import COLOURS, Dot, curves, dots, reliability
from jobs.lake.arrays import cents, flags, floats

_SOURCES = {"model": "champion's list", "rule": "rules", "random": "random slice"}
_ASIDE = "past cases"
_LEAST = 10  # below this a comparison is not worth a sentence

Row = dict[str, Any]


def report(tables: Mapping[str, pa.Table], as_of: date, out: Path, data: str = "", names: Mapping[str, str] | None = None) -> None:
    """Write the report of a published night.

    tables: evaluation and, where there, case_result, reminder_result, selection, taxpayer, score of that night. data: what kind of data it
    is, in words ("a synthetic country of 3,000 taxpayers"). names: what offices, districts and risk codes are called; their codes otherwise.
    KeyError when `evaluation` is missing.
    """
    called = names or {}
    rows: list[Row] = [{**r, "name": called.get(r["item"], r["item"].replace("_", " "))} for r in tables["evaluation"].to_pylist()]
    cases = tables.get("case_result")
    found = {
        "as_of": as_of, "data": data, "facts": _facts(tables, cases), "verdict": _verdict(rows), "sources": _sources(rows), "capture": _capture(cases, rows),
        "calibration": _calibration(rows), "execution": _execution(rows), "reminders": _reminders(rows), "indicators": _indicators(rows),
        "equity": _equity(rows), "population": _population(rows), "downward": _downward(rows),
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page("report.html.j2", found), encoding="utf-8")


def page(template: str, found: Mapping[str, Any]) -> str:
    """A template of this room filled in; everything but our own charts is escaped."""
    house = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    house.filters.update(percent=_percent, grouped=_grouped, million=_million)
    return house.get_template(template).render(**found)


def _percent(value: float | None, places: int = 0) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value * 100:.{places}f}\u00a0%"


def _grouped(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:,.0f}"


def _million(value: float) -> str:
    return f"{value / 1e6:,.2f} M" if abs(value) >= 1e6 else f"{value:,.0f}"


def _of(rows: Iterable[Row], measure: str, scope: str | None = None, least: int = 1) -> list[Row]:
    """The defined results of a measure (and scope), with at least so many behind them."""
    return [r for r in rows if r["measure"] == measure and (scope is None or r["scope"] == scope) and r["value"] is not None and r["n"] >= least]


def _dot(row: Row, name: str | None = None, colour: str | None = None) -> Dot:
    return Dot(name or row["name"], row["value"], row["low"], row["high"], row["n"], colour or "#2563a8")


def _facts(tables: Mapping[str, pa.Table], cases: pa.Table | None) -> list[tuple[str, str]]:
    facts = [(_grouped(tables["taxpayer"].num_rows), "taxpayers on the register")] if "taxpayer" in tables else []
    if "selection" in tables:
        facts.append((_grouped(tables["selection"].num_rows), "cases on tonight's list"))
    if cases is not None and cases.num_rows:
        handed = cases.filter(pc.fill_null(cases["pushed"], False))
        facts += [(_grouped(handed.num_rows), "cases handed over so far"), (_percent(flags(handed["worked"]).mean() if handed.num_rows else None), "of them worked"),
                  (_million(cents(handed["found"]).sum() / 100), "tax found, signed"), (_million(cents(handed["paid"]).sum() / 100), "of it paid")]
    return facts


def _verdict(rows: list[Row]) -> dict[str, Any]:
    """The answer in a sentence: the list against the random slice, and whether luck could explain it."""
    hit = {r["item"]: r for r in _of(rows, "hit_rate", "case_source")}
    lifts = {r["item"]: r for r in _of(rows, "lift", "case_source")}
    best = next((s for s in ("model", "rule") if s in lifts and hit[s]["n"] >= _LEAST), None)
    if best is None or "random" not in hit:
        return {"kind": "open", "hit": hit}
    low = lifts[best]["low"]
    kind = "better" if low > 1 else "worse" if lifts[best]["high"] < 1 else "unclear"
    return {"kind": kind, "hit": hit, "list": hit[best], "name": _SOURCES[best], "random": hit["random"], "lift": lifts[best]}


def _sources(rows: list[Row]) -> dict[str, Any]:
    rates, days = _of(rows, "hit_rate", "case_source"), _of(rows, "value_per_day", "case_source")
    own, past = [r for r in rates if r["item"] in _SOURCES], [r for r in rates if r["item"] not in _SOURCES]
    order = list(_SOURCES)
    own.sort(key=lambda r: order.index(r["item"]))
    random = next((r["value"] for r in own if r["item"] == "random"), None)
    shown = [_dot(r, _SOURCES[r["item"]], COLOURS[r["item"]]) for r in own] + [_dot(r, f"{_ASIDE}: {r['item'].replace('_', ' ')}", "#c7cbd1") for r in past]
    per_day = sorted((r for r in days if r["item"] in _SOURCES), key=lambda r: order.index(r["item"]))
    return {
        "rates": Markup(dots(shown, "Hit rate by case source", line=random, line_name="random slice")) if shown else None,
        "per_day": Markup(dots([_dot(r, _SOURCES[r["item"]], COLOURS[r["item"]]) for r in per_day], "Tax per inspector-day by case source", percent=False)) if per_day else None,
    }


def _capture(cases: pa.Table | None, rows: list[Row]) -> dict[str, Any] | None:
    """Cumulated tax found among the examined cases, in the order of each ranking."""
    if cases is None:
        return None
    known = cases.filter(pc.is_valid(cases["adjusted"])).sort_by("case_id")
    money = floats(known["found"])
    if known.num_rows < _LEAST or money.sum() <= 0:
        return None
    share = np.arange(known.num_rows + 1) / known.num_rows
    lines = []
    for name, column, colour in (("as the list ranked them", "value", COLOURS["model"]), ("by the rules alone", "rules_score", COLOURS["rule"])):
        score = floats(known[column])
        order = np.lexsort((np.arange(known.num_rows), -np.where(np.isnan(score), -np.inf, score)))
        lines.append((name, share, np.concatenate([[0.0], np.cumsum(money[order]) / money.sum()]), colour))
    halves = {r["item"]: r for r in _of(rows, "captured_by_half", "ranking")}
    return {"svg": Markup(curves(lines, "Tax found by share of cases worked", x="share of the examined cases, best first", y="share of the tax found")), "halves": halves, "n": known.num_rows}


def _calibration(rows: list[Row]) -> dict[str, Any] | None:
    found = sorted(_of(rows, "calibration"), key=lambda r: int(r["item"]))
    if not found:
        return None
    n = sum(r["n"] for r in found)
    promised, seen = sum(r["baseline"] * r["n"] for r in found) / n, sum(r["value"] * r["n"] for r in found) / n
    return {"svg": Markup(reliability([r["baseline"] for r in found], [_dot(r) for r in found], "Calibration")), "n": n, "promised": promised, "seen": seen}


def _execution(rows: list[Row]) -> dict[str, Any] | None:
    every = next(iter(_of(rows, "executed", "all")), None)
    if every is None:
        return None
    parts = {s: [_dot(r, f"rank {r['item']}" if s == "rank" else None) for r in _of(rows, "executed", s)] for s in ("rank", "office", "treatment")}
    return {"all": every, "ranks": _of(rows, "executed", "rank"),
            **{s: Markup(dots(found, f"Executed by {s}", line=every["value"], line_name="all")) if found else None for s, found in parts.items()}}


def _reminders(rows: list[Row]) -> dict[str, Any] | None:
    closed = {r["item"]: r for r in _of(rows, "reminder_closed")}
    if not closed:
        return None
    arms = [a for a in ("sent", "holdout") if a in closed]
    names = {"sent": "reminded", "holdout": "held out at random"}
    money = {m: {r["item"]: r for r in _of(rows, f"reminder_{m}")} for m in ("corrected", "paid")}
    chart = dots([_dot(closed[a], names[a], COLOURS[a]) for a in arms], "Points closed within 90 days") if arms else None
    return {"svg": Markup(chart) if chart else None, "closed": closed, "money": money, "arms": arms, "names": names,
            "suppressed": {a.replace("_", " "): r["n"] for a, r in closed.items() if a not in names}}


def _indicators(rows: list[Row]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for scope in ("indicator", "risk_code"):
        found = sorted(_of(rows, "hit_rate", scope), key=lambda r: (-r["value"], r["item"]))
        line = found[0]["baseline"] if found else None
        out[scope] = Markup(dots([_dot(r) for r in found], f"Hit rate by {scope}", line=line, line_name="all points")) if found else None
    return out


def _equity(rows: list[Row]) -> list[dict[str, Any]]:
    found = []
    for scope, title in (("size", "size"), ("region", "district"), ("industry", "industry (two digits)")):
        listed = _of(rows, "selected_share", scope)
        clean = {r["item"]: r for r in _of(rows, "clean_burden", scope)}
        burden = {r["item"]: r for r in _of(rows, "burden", scope)}
        hidden = sum(1 for r in rows if r["measure"] == "selected_share" and r["scope"] == scope and r["value"] is None)
        if listed:
            chart = dots([_dot(r) for r in listed], f"On tonight's list by {scope}", line=listed[0]["baseline"], line_name="everybody")
            found.append({"title": title, "svg": Markup(chart), "rows": [(r["name"], r["n"], r, burden.get(r["item"]), clean.get(r["item"])) for r in listed], "hidden": hidden})
    return found


def _population(rows: list[Row]) -> dict[str, Any] | None:
    share = next(iter(r for r in rows if r["measure"] == "population_share"), None)
    amount = next(iter(r for r in rows if r["measure"] == "population_amount"), None)
    return {"share": share, "amount": amount} if share and amount else None


def _downward(rows: list[Row]) -> dict[str, Any]:
    down, skipped = _of(rows, "downward", "risk_code"), _of(rows, "not_examined", "risk_code")
    n, all_ = sum(r["n"] for r in down), sum(r["n"] for r in skipped)
    return {"n": n, "share": sum(r["value"] * r["n"] for r in down) / n if n else None,
            "points": all_, "skipped": sum(r["value"] * r["n"] for r in skipped) / all_ if all_ else None}


