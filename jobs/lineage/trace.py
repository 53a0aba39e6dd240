"""From a cell of a published list back to lines of files: which points, which nights, which indicators, and what did not come out again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jobs.analyse.point_facts import told
from jobs.lineage.cell import Receipt, Row
from jobs.lineage.figures import FIGURES, Finding, finding
from jobs.lineage.known import Known
from jobs.lineage.receipts import Delivered, deliveries, records
from jobs.respond.profile_blind import left_out, withheld_until

_POINT = ("taxpayer_id", "tax", "risk_code", "period_from", "period_to")


class NothingToTrace(LookupError):
    """There is no such taxpayer, point, indicator or reason on the night; the message says what there is."""


class Withheld(Exception):
    """Points may not be shown while a comprehensive examination is open: they would tell a random case from a chosen one."""


@dataclass(frozen=True)
class Trace:
    """A traced point or indicator of a taxpayer."""

    taxpayer_id: str
    name: str
    as_of: date
    revision: int
    run: int
    point: Row | None
    findings: tuple[Finding, ...]
    raw: Mapping[Receipt, str]
    files: tuple[Delivered, ...]
    others: tuple[Row, ...]  # further points of the taxpayer

    @property
    def faults(self) -> list[str]:
        """What could not be had again, each with its difference; empty when everything came out the same."""
        found = []
        for f in self.findings:
            found += [f"{f.indicator}: {g.column} stands as {g.stands}, comes out as {g.again}: off by {g.off}" for g in f.figures if g.off]
            found += [f"{f.indicator}: {c.measure} was read as {c.value}, its lines come to {c.found}: off by {c.off}" for c in f.cells if c.off]
            missing = {line.receipt for c in f.cells for line in c.lines} - set(self.raw)
            found += [f"{source} {file}:{line} of batch {batch} is not in bronze" for source, batch, file, line in sorted(missing)]
        return found + [f"{d.source}/{d.file} in the inbox is not the file that was received" for d in self.files if d.state == "changed"]


def trace_point(nights: Sequence[Known], inbox: Path, taxpayer_id: str, point_id: str | None, columns: tuple[str, ...] = FIGURES) -> Trace:
    """Trace a risk point (default: the taxpayer's largest) of the last of `nights`, which are all published ones up to it, oldest first."""
    known = nights[-1]
    person = _person(known, taxpayer_id)
    points = _points(known, taxpayer_id)
    if not points:
        raise NothingToTrace(f"taxpayer {taxpayer_id} has no risk point on {known.night.as_of}; name an indicator with --indicator")
    point = next((p for p in points if point_id in (None, p["point_id"])), None)
    if point is None:
        raise NothingToTrace(f"taxpayer {taxpayer_id} has no point {point_id} on {known.night.as_of}; it has {', '.join(p['point_id'] for p in points)}")
    others = tuple(p for p in points if p is not point)
    return _trace(known, inbox, person, point, tuple(_of_point(nights, point, columns)), others)


def trace_indicator(known: Known, inbox: Path, taxpayer_id: str, indicator: str, period: tuple[date, date] | None = None, columns: tuple[str, ...] = FIGURES) -> Trace:
    """Trace an indicator of a taxpayer, hit or not: on a period, or on the one with the largest base."""
    person = _person(known, taxpayer_id)
    if _withheld_until(known, taxpayer_id) is not None:
        raise Withheld("a comprehensive examination of the taxpayer is open: what indicators say is withheld until it is over")
    rows = [r for r in known.rows("indicator_hit", "taxpayer_id", [taxpayer_id]).to_pylist() if r["indicator"] == indicator]
    judged = [r for r in rows if period in (None, (r["period_from"], r["period_to"]))]
    if not judged:
        there = ", ".join(sorted({f"{r['period_from']} to {r['period_to']}" for r in rows})) or "no period"
        raise NothingToTrace(f"{indicator} was not judged on that period of taxpayer {taxpayer_id}; it was on {there}")
    hit = max(judged, key=lambda r: (r["base"] is not None, r["base"] or 0, r["period_to"]))
    if hit["difference"] is None:
        raise NothingToTrace(f"{indicator} could not be computed on {hit['period_from']} to {hit['period_to']}: {hit['missing_reason']}")
    return _trace(known, inbox, person, None, (finding(known, hit, columns),), tuple(_points(known, taxpayer_id)))


def _trace(known: Known, inbox: Path, person: Row, point: Row | None, findings: tuple[Finding, ...], others: tuple[Row, ...]) -> Trace:
    lines = {line.receipt for f in findings for c in f.cells for line in c.lines}
    night = known.night
    return Trace(person["taxpayer_id"], person["name"], night.as_of, night.revision, night.run, point, findings, records(known.lake, lines, known.conf.sources),
                 tuple(deliveries(known.lake, inbox, lines)), others)  # fmt: skip


def _of_point(nights: Sequence[Known], point: Row, columns: tuple[str, ...]) -> list[Finding]:
    """The leading finding as its facts were told, and, where the amount is of another night or indicator, that one too.

    Facts stay as they were told while they move by less than a twentieth (jobs/analyse/point_facts.py); the amount is of the last night on
    which the point fired.
    """
    facts = json.loads(point["facts"])
    fired = next(((k, hits) for k in reversed(nights) if (hits := _hits(k, point))), None)
    spoken = next(((k, h) for k in reversed(nights) for h in _hits(k, point) if _says(h, facts, k)), None)
    if fired is None or spoken is None:
        raise NothingToTrace(f"point {point['point_id']}: on no published night did its indicators say what its facts say")
    lead = fired[1][0]
    sides = tuple(c for c in columns if c != "amount")
    amount = {**point, "amount_error": _amount_on(fired[0], point)}
    if fired[0] is spoken[0] and lead["indicator"] == spoken[1]["indicator"]:
        return [finding(fired[0], lead, columns, amount)]
    found = [finding(*spoken, sides, point)] if sides else []
    return found + ([finding(fired[0], lead, ("amount",), amount)] if "amount" in columns else [])


def _hits(known: Known, point: Row) -> list[Row]:
    """What fired about a point on a night, the leading hit first (most tax at stake, then strength, then name)."""
    published = {i for i, p in known.conf.indicators_on(known.night.as_of).items() if p.state == "published"}
    rows = known.rows("indicator_hit", "taxpayer_id", [point["taxpayer_id"]]).to_pylist()
    mine = [r for r in rows if r["hit"] and r["indicator"] in published and all(r[c] == point[c] for c in _POINT)]
    return sorted(mine, key=lambda r: (-r["base"], -r["strength"], r["indicator"]))


def _says(hit: Row, facts: Row, known: Known) -> bool:
    """Whether a hit says what the facts of a point say."""
    if hit["indicator"] != facts["indicator"]:
        return False
    said = told(hit, known.conf.house.currency)
    return all(said[side]["value"] == facts[side]["value"] for side in ("declared", "other"))


def _amount_on(known: Known, point: Row) -> object:
    """The amount the point had on a night: carried over since, unless nothing of it may be assessed any more."""
    rows = known.rows("risk_point", "taxpayer_id", [point["taxpayer_id"]]).to_pylist()
    return next((r["amount_error"] for r in rows if r["point_id"] == point["point_id"]), None)


def _person(known: Known, taxpayer_id: str) -> Row:
    rows = known.rows("taxpayer", "taxpayer_id", [taxpayer_id]).to_pylist()
    if not rows:
        raise NothingToTrace(f"no taxpayer {taxpayer_id} is known on {known.night.as_of}; check the id and the date")
    found: Row = rows[0]
    return found


def _points(known: Known, taxpayer_id: str) -> list[Row]:
    """The taxpayer's points of the night that may be shown, the largest amount first."""
    rows, until = known.rows("risk_point", "taxpayer_id", [taxpayer_id]).to_pylist(), _withheld_until(known, taxpayer_id)
    shown = [r for r in rows if until is None or not left_out(r, until)]
    if rows and not shown:
        raise Withheld("a comprehensive examination of the taxpayer is open: his points are withheld until it is over")
    return sorted(shown, key=lambda r: (-(r["amount_error"] or 0), r["point_id"]))


def _withheld_until(known: Known, taxpayer_id: str) -> date | None:
    selection, events, points = (known.rows(n, "taxpayer_id", [taxpayer_id]).to_pylist() for n in ("selection", "case_event", "risk_point"))
    return withheld_until(selection, events, points)
