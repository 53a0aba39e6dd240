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
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from jobs.conf import Conf, load
from jobs.evaluate.drawing import COLOURS, Dot, curves, dots, reliability
from jobs.evaluate.names import called, names_of
from jobs.evaluate.replay import CAPACITIES, LIST, ORDERS, RULES, places, replayed
from jobs.evaluate.sources import handed_over
from jobs.lake.arrays import cents, floats

_SOURCES = {"model": "places by the champion", "rule": "places by rule", "random": "random slice"}
_ORDERS = {LIST: "the list's own order", "probability": "the champion's probability", RULES: "the rules alone"}
_ASIDE = "past cases"
_LEAST = 10  # below this a comparison is not worth a sentence

Row = dict[str, Any]


def report(tables: Mapping[str, pa.Table], as_of: date, out: Path, data: str = "", conf: Conf | None = None, without: Iterable[str] = ()) -> None:
    """Write the report of a published night.

    tables: evaluation and, where there, case_result, reminder_result, selection, taxpayer, score of that night. data: what kind of data it
    is, in words ("a synthetic country of 3,000 taxpayers"). conf: what offices, districts, industries and risk codes are called; by default the
    house's own. without: what the night went without or was warned of (deliveries stopped, late or unlike those before), one sentence each. KeyError when `evaluation` is missing.
    """
    names = names_of(conf or load(), as_of)
    rows: list[Row] = [{**r, "name": called(names, r["scope"], r["item"])} for r in tables["evaluation"].to_pylist()]
    cases = tables.get("case_result")
    found = {
        "as_of": as_of, "data": data, "without": list(without), "facts": _facts(tables, cases, rows), "verdict": _verdict(rows), "sources": _sources(rows), "capacity": _capacity(rows), "capture": _capture(cases),
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


def _facts(tables: Mapping[str, pa.Table], cases: pa.Table | None, rows: list[Row]) -> list[tuple[str, str]]:
    facts = [(_grouped(tables["taxpayer"].num_rows), "taxpayers on the register")] if "taxpayer" in tables else []
    if "selection" in tables:
        facts.append((_grouped(tables["selection"].num_rows), "cases on tonight's list"))
    if cases is not None and cases.num_rows:
        handed = handed_over(cases)
        work = next(iter(_of(rows, "executed", "all")), None)
        facts += [(_grouped(handed.num_rows), "cases and letters handed over so far"), (_percent(work["value"] if work else None), f"of the {work['n'] if work else 0:,} cases worked"),
                  (_million(cents(handed["found"]).sum() / 100), "tax found, signed"), (_million(cents(handed["paid"]).sum() / 100), "of it paid")]
    return facts


def _verdict(rows: list[Row]) -> dict[str, Any]:
    """The answer in two sentences: the list against the random cases of its nights, and against the rules on the same cases.

    Each is `better` or `worse` only where its interval leaves out equality; the page as a whole is `better` only where both are.
    """
    listed = {r["item"]: r for r in _of(rows, "hit_rate", "list")}
    beside = {r["item"]: r for r in _of(rows, "hit_rate", "random_beside")}
    lifts = {r["item"]: r for r in _of(rows, "lift", "list")}
    which = next((i for i in ("champion", "rules") if i in lifts and listed[i]["n"] >= _LEAST), None)
    if which is None:
        return {"kind": "open", "hit": {r["item"]: r for r in _of(rows, "hit_rate", "case_source")}}
    nights = next(int(r["value"]) for r in _of(rows, "nights", "list") if r["item"] == which)
    chance, rules = _side(lifts[which], 1.0), _against_rules(rows) if which == "champion" else None
    sides = {chance, rules["kind"] if rules else "unclear"}
    kind = "worse" if "worse" in sides else "better" if sides == {"better"} else "unclear"
    return {"kind": kind, "list": listed[which], "name": which, "nights": nights, "random": beside[which], "lift": lifts[which], "chance": chance, "rules": rules}


def _side(found: Row, equal: float) -> str:
    return "better" if found["low"] > equal else "worse" if found["high"] < equal else "unclear"


def _against_rules(rows: list[Row]) -> dict[str, Any] | None:
    """The list's order less the rules' at the smaller capacity; nothing to say of fewer than so many cases."""
    scope = next(iter(CAPACITIES))
    apart = {r["item"]: r for r in _of(rows, "list_less_rules", scope) if r["n"] >= _LEAST}
    tax = {r["item"]: r for r in _of(rows, "capacity_tax", scope)}
    hits = {r["item"]: r for r in _of(rows, "capacity_hits", scope)}
    if "tax" not in apart or "hits" not in apart:
        return None
    kinds = [_side(apart[i], 0.0) for i in ("tax", "hits")]
    kind = kinds[0] if kinds[0] == kinds[1] or kinds[1] == "unclear" else "unclear"
    return {"kind": kind, "apart": apart["tax"], "apart_hits": apart["hits"], "tax": {o: tax[o] for o in (LIST, RULES)}, "hits": {o: hits[o] for o in (LIST, RULES)}}


def _sources(rows: list[Row]) -> dict[str, Any]:
    order = list(_SOURCES)
    own, per_day = (sorted((r for r in _of(rows, m, "case_source") if r["item"] in _SOURCES), key=lambda r: order.index(r["item"])) for m in ("hit_rate", "value_per_day"))
    past = _of(rows, "hit_rate", "past_source")
    random = next((r["value"] for r in own if r["item"] == "random"), None)
    shown = [_dot(r, _SOURCES[r["item"]], COLOURS[r["item"]]) for r in own] + [_dot(r, f"{_ASIDE}: {r['name']}", "#c7cbd1") for r in past]
    return {
        "rates": Markup(dots(shown, "Hit rate by case source", line=random, line_name="random slice")) if shown else None, "past": bool(past),
        "per_day": Markup(dots([_dot(r, _SOURCES[r["item"]], COLOURS[r["item"]]) for r in per_day], "Tax per inspector-day by case source", percent=False)) if per_day else None,
    }


def _capacity(rows: list[Row]) -> dict[str, Any] | None:
    """Tax found, hits and tax per inspector-day at each capacity, by each order, and what random order would have."""
    found: dict[str, list[dict[str, Any]]] = {}
    for scope in CAPACITIES:
        by = {m: {r["item"]: r for r in _of(rows, f"capacity_{m}", scope)} for m in ("tax", "hits", "per_day")}
        if by["tax"] and all(o in by["hits"] for o in ORDERS):
            lines = [{"name": _ORDERS[o], "own": o == LIST, "chance": None, **{m: by[m].get(o) for m in by}} for o in ORDERS]
            found[scope] = [*lines, {"name": "in random order", "own": False, "chance": {m: by[m][LIST]["baseline"] if LIST in by[m] else None for m in by}}]
    apart = {scope: {r["item"]: r for r in _of(rows, "list_less_rules", scope)} for scope in CAPACITIES}
    return {"scopes": found, "apart": apart, "n": next(r["n"] for r in rows if r["measure"] == "list_less_rules")} if found else None


def _capture(cases: pa.Table | None) -> dict[str, Any] | None:
    """Cumulated tax found among the cases that both ranked, each night's in the order of the list and of the rules."""
    known = replayed(cases) if cases is not None else None
    if known is None or known.num_rows < _LEAST or floats(known["found"]).sum() <= 0:
        return None
    money, share = floats(known["found"]), np.arange(known.num_rows + 1) / known.num_rows
    lines = []
    for column, colour in ((LIST, COLOURS["model"]), (RULES, COLOURS["rule"])):
        place, size = places(known, column)
        order = np.lexsort((np.arange(known.num_rows), (place + 0.5) / size))
        lines.append((_ORDERS[column], share, np.concatenate([[0.0], np.cumsum(money[order]) / money.sum()]), colour))
    return {"svg": Markup(curves(lines, "Tax found by share of cases worked", x="share of the examined cases, best first", y="share of the tax found")), "n": known.num_rows}


def _calibration(rows: list[Row]) -> dict[str, Any] | None:
    found = sorted(_of(rows, "calibration"), key=lambda r: int(r["item"]))
    if not found:
        return None
    n = sum(r["n"] for r in found)
    promised, seen = sum(r["baseline"] * r["n"] for r in found) / n, sum(r["value"] * r["n"] for r in found) / n
    over, under = [r for r in found if r["baseline"] > r["high"]], [r for r in found if r["baseline"] < r["low"]]
    return {"svg": Markup(reliability([r["baseline"] for r in found], [_dot(r) for r in found], "Calibration")), "n": n, "promised": promised, "seen": seen,
            "groups": found, "over": over, "under": under, "last": found[-1]}


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


