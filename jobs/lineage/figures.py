"""The figures of an indicator or a risk point: as they stand in the published night, and as the indicator's own rule gives them again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.analyse.frame import Frame, Span, frame
from jobs.analyse.indicator import About, Indicator
from jobs.analyse.indicators import READS, checked
from jobs.analyse.ledger import Ledger, ledger
from jobs.analyse.limitation import assessable
from jobs.analyse.point_facts import Facts, told
from jobs.analyse.schema import own_schema
from jobs.lineage.cell import Cell, Row
from jobs.lineage.cells import cell
from jobs.lineage.known import Known
from jobs.lineage.probe import Figures, ask

_CENT = Decimal("0.01")
FIGURES = ("declared", "other", "difference", "amount")
_FED_BY = {"amount": "base"}  # the column of a rule's result that a figure rests on, where its name differs


@dataclass(frozen=True)
class Figure:
    """A figure as the list has it and as it comes out again; `off` is the gap between the two, zero when there is none."""

    column: str
    label_en: str
    label_zh: str
    unit: str
    stands: Decimal | None
    again: Decimal | None

    @property
    def off(self) -> Decimal:
        """What stands less what comes out again; a figure that is there but cannot be had again is off by all of it."""
        if self.stands is None or self.again is None:
            return Decimal(0) if self.stands is self.again else (self.stands if self.stands is not None else -(self.again or Decimal(0)))
        gap = self.stands - self.again
        return gap if abs(gap) >= Decimal("0.000001") * max(Decimal(1), abs(self.stands)) else Decimal(0)


@dataclass(frozen=True)
class Finding:
    """One indicator on one period, as known on one night: its figures and the cells behind them."""

    indicator: str
    name_en: str
    name_zh: str
    tax: str
    period_from: date
    period_to: date
    night: date
    sentence: str
    formula: str
    figures: tuple[Figure, ...]
    cells: tuple[Cell, ...]


def finding(known: Known, hit: Row, columns: tuple[str, ...], point: Row | None = None) -> Finding:
    """A row of indicator_hit traced back to its lines. `point`: the risk point that shows it, whose facts and amount are then what stands.

    LookupError when the indicator is not in the night's configuration, or its period may not be judged with what is there.
    """
    parameters = known.conf.indicators_on(known.night.as_of).get(hit["indicator"])
    if parameters is None:
        raise LookupError(f"indicator '{hit['indicator']}' is not in the configuration of the night of {known.night.as_of}")
    rule = checked(parameters)
    rows, row = _frame(known, rule, hit)
    found, readings = ask(rule, rows, row, parameters.settings)
    again = {**hit, **{c: None if np.isnan(found[c]) else round(found[c], 9) for c in ("declared", "other", "difference")}}
    wanted = {_FED_BY.get(c, c) for c in columns}
    cells = tuple(cell(known, hit["taxpayer_id"], reading, value, feeds) for reading, (value, feeds) in readings.items() if wanted & set(feeds))
    figures = tuple(_figures(known, rule.about, hit, again, found, point))
    about = rule.about
    words = told(hit, known.conf.house.currency)["sentence_en"] if hit["difference"] is not None else about.name_en
    return Finding(about.id, about.name_en, about.name_zh, hit["tax"], hit["period_from"], hit["period_to"], known.night.as_of, words, about.formula,
                   tuple(f for f in figures if f.column in columns), cells)  # fmt: skip


def _frame(known: Known, rule: Indicator, hit: Row) -> tuple[Frame, int]:
    """The taxpayer's rows of the indicator's frame, and the one of the hit's period."""
    books = _books(known, hit["taxpayer_id"])
    span: Span = dict(rule.about.frames)[hit["tax"]]
    whole = frame(books, hit["tax"], span)
    mine = whole.taxpayer == int(books.row_of(pa.chunked_array([[hit["taxpayer_id"]]]))[0])
    own = Frame(books, whole.tax, span, whole.taxpayer[mine], whole.start[mine])
    start = (hit["period_from"].year - 1970) * 12 + hit["period_from"].month - 1 - books.first
    at = np.flatnonzero(own.start == start)
    if not len(at):
        raise LookupError(f"{hit['indicator']} of {hit['period_from']} to {hit['period_to']}: no return of the period may be judged on {known.night.as_of} with what is there")
    return own, int(at[0])


def _books(known: Known, taxpayer_id: str) -> Ledger:
    """The books of the taxpayer's bucket: whether a source has spoken at all is seen over the whole of it."""
    if taxpayer_id not in known.books:
        known.books[taxpayer_id] = ledger({name: known.bucket(name, taxpayer_id) for name in READS}, known.night.as_of)
    found: Ledger = known.books[taxpayer_id]
    return found


def _figures(known: Known, about: About, hit: Row, again: Row, found: Figures, point: Row | None) -> Iterator[Figure]:
    currency = known.conf.house.currency
    facts: Facts = json.loads(point["facts"]) if point else (told(hit, currency) if hit["difference"] is not None else {})
    anew: Facts = told(again, currency) if again["difference"] is not None else {}
    sides = {"declared": about.declared, "other": about.other}
    for column, side in sides.items():
        yield Figure(column, side.label_en, side.label_zh, "estimate" if side.estimate else side.unit, _value(facts, column), _value(anew, column))
    if facts.get("difference") is not None:
        unit = "estimate" if about.declared.estimate or about.other.estimate else about.declared.unit
        yield Figure("difference", "Difference, larger less smaller", "差异（大减小）", unit, _number(facts["difference"]), _number(anew.get("difference")))
    elif hit["difference"] is not None:
        yield Figure("difference", about.unit, about.unit, {"percent": "share", "count": "count"}.get(about.gap, "ratio"), _number(hit["difference"]), _number(again["difference"]))
    stands = point["amount_error"] if point else hit["base"]
    if stands is not None:
        base = Decimal(repr(round(found["base"], 2)))
        yield Figure("amount", "Tax at stake", "涉及税额", "currency", stands, _still_open(known, hit, base) if point else base)


def _still_open(known: Known, hit: Row, base: Decimal) -> Decimal:
    """What of a base may still be assessed as an error on the night."""
    names = ("taxpayer_id", "tax", "period_from", "period_to")
    schema = pa.schema([own_schema("risk_point").field(n) for n in names])
    points = pa.Table.from_pylist([{n: hit[n] for n in names}], schema=schema)
    share = assessable(points, known.rows("filing", "taxpayer_id", [hit["taxpayer_id"]]), known.conf, known.night.as_of).share_error[0]
    return (base * Decimal(repr(float(share)))).quantize(_CENT, ROUND_HALF_EVEN)


def _value(facts: Facts, side: str) -> Decimal | None:
    said: Any = facts.get(side)
    return _number(said["value"]) if isinstance(said, dict) else None


def _number(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(float(value)))
