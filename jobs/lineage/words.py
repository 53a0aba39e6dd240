"""A trace as text for a terminal, as plain values for JSON, and its lines as rows for CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from jobs.lineage.cell import Cell, Line, Part, Unit, period
from jobs.lineage.figures import Figure, Finding
from jobs.lineage.receipts import Delivered
from jobs.lineage.trace import Trace

STATES = {
    "same": "the inbox holds the same file, by its digest",
    "changed": "THE FILE IN THE INBOX IS ANOTHER ONE than was received",
    "gone": "the file is no longer in the inbox",
    "unknown": "no digest of it was kept when it was received",
}
LINE_COLUMNS = ("indicator", "period_from", "period_to", "measure", "part", "table", "what", "amount", "source", "batch_id", "receipt", "file", "line", "known_at", "raw")
_FORMULA = "=+-@＝＋－＠\t\r"


def as_text(trace: Trace, most: int) -> str:
    """The trace in words, with the first `most` lines of each cell."""
    lines = [f"{trace.taxpayer_id} {trace.name}, as known on the night of {trace.as_of} (revision {trace.revision}, run {trace.run})"]
    if trace.point is not None:
        p = trace.point
        lines.append(f"risk point {p['point_id']}: {p['risk_code']}, {p['tax']} {period(p['period_from'], p['period_to'])}, {p['state']}, tax at stake {money(p['amount_error'])}")
    for f in trace.findings:
        lines += ["", *_finding(f, trace, most)]
    lines += ["", f"Files behind it: {len(trace.files)}", *(f"  {_file(d)}" for d in trace.files)]
    if trace.others:
        lines += ["", "Other points of this taxpayer:"]
        lines += [f"  {p['point_id']} {p['risk_code']}, {p['tax']} {period(p['period_from'], p['period_to'])}, {p['state']}, {money(p['amount_error'])}" for p in trace.others]
    return "\n".join(lines)


def _finding(f: Finding, trace: Trace, most: int) -> Iterator[str]:
    told = "" if f.night == trace.as_of else f", as told on the night of {f.night}: it has moved by less than a twentieth since"
    yield f"{f.name_en} ({f.indicator}), {f.tax} {period(f.period_from, f.period_to)}{told}"
    yield f"  {f.sentence}"
    yield f"  formula: {f.formula}"
    yield f"  {'figure':<12}{'on the list':>20}{'counted again':>20}"
    for g in f.figures:
        yield f"  {g.column:<12}{written(g.stands, g.unit):>20}{written(g.again, g.unit):>20}  {'the same' if not g.off else f'OFF BY {g.off}'}  {g.label_en}"
    for number, c in enumerate(f.cells, 1):
        yield from _cell(number, c, most)


def _cell(number: int, c: Cell, most: int) -> Iterator[str]:
    when = f", {period(c.first, c.last)}" if c.first and c.last else ""
    feeds = ", ".join("amount" if x == "base" else x for x in c.feeds)
    nothing = "" if c.parts else ": nothing was received that says otherwise" if not c.off else f": no line was received, OFF BY {c.off}"
    yield f"  [{number}] {c.meaning}{when}: {written(c.value, c.unit)}  ({c.table}.{c.measure}; for {feeds}){nothing}"
    if not c.parts:
        return
    same = "the same" if not c.off else f"OFF BY {c.off}"
    yield f"      = {len(c.lines)} line{'' if len(c.lines) == 1 else 's'}, {written(c.found, c.unit)}: {same}"
    left = most
    for part in c.parts:
        if left <= 0:
            break
        if part.what:
            yield f"      {written(part.amount, c.unit):>18}  {part.what}"
        yield from (f"      {_line(line, '' if part.what else c.unit)}" for line in part.lines[:left])
        left -= max(len(part.lines), 1)
    if (hidden := len(c.lines) - most) > 0:
        yield f"      … and {hidden} more line{'' if hidden == 1 else 's'}: --all FILE writes them"


def _line(line: Line, unit: Unit | str) -> str:
    """A line under its part, or, with the cell's unit, as a part of its own."""
    amount = "" if line.amount is None else written(line.amount, unit or "currency")
    return f"{amount:>18}{'' if unit else '  '}  {line.what}  <- {line.source}/{line.file}:{line.line}, known {line.known_at}"


def _file(d: Delivered) -> str:
    received = f"receipt {d.receipt} of {d.received_at:%Y-%m-%d %H:%M} UTC, {d.kind}" if d.received_at else "batch unknown"
    return f"{d.source}/{d.file}: {d.lines} line{'' if d.lines == 1 else 's'}, {received}, batch {d.batch_id}: {STATES[d.state]}"


def written(value: Decimal | None, unit: Unit | str) -> str:
    """A figure in its unit."""
    if value is None:
        return "—"
    if unit == "share":
        return f"{value:.2%}"
    if unit == "ratio":
        return f"{value:,.6f}"
    return f"{value:,.0f}" if unit in ("count", "estimate") else money(value)


def money(value: Any) -> str:
    """An amount with two decimals; none: a dash."""
    return "—" if value is None else f"{value:,.2f}"


def as_values(trace: Trace) -> dict[str, Any]:
    """The whole trace as plain values ready for JSON: amounts as strings, so that no digit is lost."""
    point = {k: plain(v) for k, v in trace.point.items() if k != "facts"} if trace.point is not None else None
    return {
        "taxpayer_id": trace.taxpayer_id, "name": trace.name, "as_of": plain(trace.as_of), "revision": trace.revision, "run": trace.run, "point": point,
        "findings": [_finding_values(f, trace) for f in trace.findings], "files": [{k: plain(v) for k, v in vars(d).items()} for d in trace.files],
        "faults": trace.faults, "other_points": [p["point_id"] for p in trace.others],
    }  # fmt: skip


def _finding_values(f: Finding, trace: Trace) -> dict[str, Any]:
    own = {k: plain(v) for k, v in vars(f).items() if k not in ("figures", "cells")}
    return own | {"figures": [_figure_values(g) for g in f.figures], "cells": [_cell_values(c, trace) for c in f.cells]}


def _figure_values(g: Figure) -> dict[str, Any]:
    return {k: plain(v) for k, v in vars(g).items()} | {"off": plain(g.off)}


def _cell_values(c: Cell, trace: Trace) -> dict[str, Any]:
    own = {k: plain(v) for k, v in vars(c).items() if k != "parts"}
    return own | {"off": plain(c.off), "parts": [_part_values(p, trace) for p in c.parts]}


def _part_values(p: Part, trace: Trace) -> dict[str, Any]:
    return {"what": p.what, "amount": plain(p.amount), "lines": [{k: plain(v) for k, v in vars(x).items()} | {"raw": trace.raw.get(x.receipt)} for x in p.lines]}


def as_rows(trace: Trace) -> Iterator[tuple[str, ...]]:
    """Every line of the trace under LINE_COLUMNS; text that a spreadsheet would take for a formula has an apostrophe before it."""
    receipts = {(d.source, d.batch_id, d.file): d.receipt for d in trace.files}
    for f in trace.findings:
        for c in f.cells:
            for p in c.parts:
                for x in p.lines:
                    amount = "" if x.amount is None else f"{x.amount}"
                    texts = (f.indicator, f"{f.period_from}", f"{f.period_to}", c.measure, p.what, x.table, x.what)
                    receipt = receipts.get((x.source, x.batch_id, x.file))
                    place = (x.source, x.batch_id, "" if receipt is None else str(receipt), x.file, str(x.line), f"{x.known_at}", trace.raw.get(x.receipt, ""))
                    yield (*map(harmless, texts), amount, *map(harmless, place))


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" '").startswith(tuple(_FORMULA)) else text


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
