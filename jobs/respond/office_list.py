"""An office's list as plain data: what both the workbook and the page show, already blind to the random slice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import pyarrow as pa

from jobs.conf import COMPREHENSIVE, Conf, Text, in_force
from jobs.respond.blind import Entry, Row, entries, of_taxpayers, stake

_LARGER = {"declared": Text(en="declared is larger", zh="申报数较大"), "other": Text(en="compared is larger", zh="比对数较大")}
_COMPREHENSIVE = Text(en="Comprehensive examination", zh="综合检查")
LEVELS = {"high": Text(en="high", zh="高"), "medium": Text(en="medium", zh="中"), "low": Text(en="low", zh="低"), "none": Text(en="none", zh="无")}


@dataclass(frozen=True)
class ListedPoint:
    """One risk point as a list shows it."""

    row: Row
    name: Text
    declared: Row
    other: Row
    difference: float | None
    larger: Text | None
    sentence: Text

    @property
    def stake(self) -> int:
        """Tax at stake in cents; zero: no amount can be computed."""
        return stake(self.row)

    @property
    def difference_unit(self) -> str:
        """The unit of the difference: shares are subtracted to points, an estimate leaves an estimate."""
        units = {side.get("unit") or "currency" for side in (self.declared, self.other)}
        return "points" if "share" in units else "estimate" if "estimate" in units else min(units)

    @property
    def until(self) -> date | None:
        """Last day it can be assessed if it is an error."""
        found: date | None = self.row["until_error"]
        return found


@dataclass(frozen=True)
class ListedCase:
    """One case as a list shows it, with names put to its codes."""

    entry: Entry
    name: str
    address: str
    code: Text
    treatment: Text
    term_days: int | None
    points: tuple[ListedPoint, ...]

    @property
    def last_day(self) -> date | None:
        """The earliest day on which one of its points can no longer be assessed."""
        return min((p.until for p in self.points if p.until), default=None)


@dataclass(frozen=True)
class OfficeList:
    """The cases of one office in a night, by treatment and rank."""

    office_id: str
    office: Text
    as_of: date
    currency: str
    cases: tuple[ListedCase, ...]

    @property
    def by_treatment(self) -> list[list[ListedCase]]:
        """The cases of each treatment, in the one order of the list."""
        return [list(cases) for _, cases in groupby(self.cases, key=lambda c: c.entry.treatment)]

    @property
    def points(self) -> int:
        """Risk points to answer."""
        return sum(len(c.points) for c in self.cases)

    @property
    def days(self) -> float:
        """Inspector-days planned."""
        return sum(c.entry.effort_days for c in self.cases)

    @property
    def amount(self) -> int:
        """Tax at stake in the points listed, in cents."""
        return sum(c.entry.amount or 0 for c in self.cases)

    @property
    def without_amount(self) -> int:
        """Cases with points of which no amount can be computed."""
        return sum(c.entry.amount == 0 for c in self.cases)


def office_lists(tables: Mapping[str, pa.Table], as_of: date, conf: Conf) -> list[OfficeList]:
    """The lists of a night by office. Reads selection, risk_point, reason, taxpayer; letters are not work and are left out."""
    people = {p["taxpayer_id"]: p for p in of_taxpayers(tables["taxpayer"], pa.array(tables["selection"]["taxpayer_id"].to_pylist(), pa.string()))}
    offices = {o.id: o.name for o in in_force(conf.offices, as_of)}
    groups: dict[str, list[ListedCase]] = {}
    for entry in entries(tables):
        if entry.treatment not in conf.letters:
            groups.setdefault(entry.office_id, []).append(listed(entry, people.get(entry.taxpayer_id, {}), conf))
    return [OfficeList(o, offices.get(o, Text(en=o, zh=o)), as_of, conf.house.currency, tuple(_heaviest_first(c, conf))) for o, c in sorted(groups.items())]


def listed(entry: Entry, person: Mapping[str, Any], conf: Conf) -> ListedCase:
    """Put names to the codes of one entry."""
    treatment = conf.treatments.get(entry.treatment)
    return ListedCase(
        entry, str(person.get("name") or entry.taxpayer_id), str(person.get("address") or ""), risk_name(entry.risk_code, conf),
        treatment.name if treatment else Text(en=entry.treatment, zh=entry.treatment), treatment.term_days if treatment else None,
        tuple(listed_point(p, conf) for p in entry.points),
    )


def listed_point(row: Row, conf: Conf) -> ListedPoint:
    """A risk point with its facts unpacked."""
    facts = json.loads(row["facts"] or "{}")
    difference, larger = _difference(facts)
    sentence = Text(en=str(facts.get("sentence_en") or ""), zh=str(facts.get("sentence_zh") or ""))
    return ListedPoint(row, risk_name(row["risk_code"], conf), facts.get("declared") or {}, facts.get("other") or {}, difference, larger, sentence)


def _difference(facts: Row) -> tuple[float | None, Text | None]:
    """The difference, larger side less smaller, and which one that is; facts told before they said so have the sign of other less declared."""
    difference, larger = facts.get("difference"), facts.get("larger")
    if difference is None:
        return None, None
    if larger is None:
        difference, larger = abs(difference), "other" if difference >= 0 else "declared"
    return difference, _LARGER.get(larger)


def risk_name(code: str, conf: Conf) -> Text:
    """The name of a risk code in the register; comprehensive is one code for the model alone and for the random slice."""
    if code == COMPREHENSIVE:
        return _COMPREHENSIVE
    entry = conf.register_.get(code)
    return entry.name if entry else Text(en=code, zh=code)


def _heaviest_first(cases: list[ListedCase], conf: Conf) -> list[ListedCase]:
    weight = {name: t.effort_days for name, t in conf.treatments.items()}
    return sorted(cases, key=lambda c: (-weight.get(c.entry.treatment, 0.0), c.entry.treatment, c.entry.rank, c.entry.taxpayer_id))
