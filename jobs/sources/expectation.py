"""Is a delivery what was to be expected? Its profile beside those of the last deliveries in force, measure by measure.

Shares and sizes are compared with history too, number and age of records with deliveries alone: of those there must be enough.
What has nothing to be compared with is kept and judged `no_past`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from jobs.conf import Expect, Limits
from jobs.lake.arrays import day_number
from jobs.sources.landing import Delivery
from jobs.sources.profile import Profile, quartiles

WELL, WARN, STOP, NO_PAST = "well", "warn", "stop", "no_past"
ENOUGH = 50
"""Records or cells, now and before, below which a share or a size says nothing."""
SIZES = ("quarter", "median", "three_quarters")

Row = dict[str, Any]


def judge(batch_id: str, run: int, delivery: Delivery, expect: Expect, found: Profile, past: Iterable[Mapping[str, Any]], snapshot: bool = False) -> list[Row]:
    """Rows of gold.expectation for a delivery; `past`: those of earlier deliveries of its source, in any order.

    Too few records stop a snapshot, which would hide what it does not have; an increment's missing ones come later.
    """
    head = {"batch_id": batch_id, "run": run, "source": delivery.source, "receipt": delivery.receipt, "received_at": delivery.received_at, "kind": delivery.kind}
    before = _before(past, delivery, expect.look_back)
    if found.records == 0 and delivery.kind == "history":
        return []
    rows = [
        _volume(before.get(("volume", ""), []), found.records, expect, snapshot),
        *([_drift(before, "age", "", float(day_number(delivery.day) - found.newest), found.whole, expect.age, _beyond, expect.least)] if found.newest >= 0 else []),
        *([_drift(before, "quarantined", "", found.broken / found.records, found.records, expect.quarantined, _beyond)] if found.records else []),
    ]
    if found.whole:
        rows += [_drift(before, "nulls", c, 1 - n / found.whole, found.whole, expect.nulls, _beyond) for c, n in sorted(found.present.items())]
    for column, sizes in sorted(found.sizes.items()):
        if count := int(sizes.sum()):
            rows += _sizes(before, column, quartiles(sizes), count, expect.shift)
    if expect.coverage is not None and found.ids:
        rows.append(_coverage(found, expect))
    if delivery.kind == "history":  # the past itself: it is measured, and nothing was there to expect it by
        rows = [{**r, "change": None, "level": NO_PAST} if r["measure"] in ("volume", "age") else r for r in rows]
    return [{**head, **r} for r in rows]


def level_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """The worst level of a delivery's rows."""
    levels = {r["level"] for r in rows}
    return next((level for level in (STOP, WARN, NO_PAST) if level in levels), WELL)


def in_words(row: Mapping[str, Any]) -> str:
    """One judged row as people read it."""
    column = f" of {row['column']}" if row["column"] else ""
    past = f", {row['past']:.4g} in the last {row['deliveries']}" if row["past"] is not None else ""
    measure, value = row["measure"], row["value"]
    times = f" ({row['change']:.3g} times)" if row["change"] is not None else ""
    said = {
        "volume": f"{value:,.0f} records{past}{times}", "age": f"newest event {value:.0f} days old{past}",
        "quarantined": f"{value:.0%} of the records break a rule{past}", "nulls": f"{value:.0%} of the cells{column} are empty{past}",
        "coverage": f"{value:.0%} of the ids are known to {row['column']}",
    }  # fmt: skip
    return said.get(measure, f"{measure.replace('_', ' ')}{column} is {value:.4g}{past}{times}")


def _before(past: Iterable[Mapping[str, Any]], delivery: Delivery, look_back: int) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Earlier rows by measure and column, of the last deliveries alone; each batch as it was looked at last."""
    latest: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for row in sorted(past, key=lambda r: r["run"]):
        if row["receipt"] < delivery.receipt:
            latest[row["batch_id"], row["measure"], row["column"]] = row
    chosen = set(sorted({(r["receipt"], r["batch_id"]) for r in latest.values()})[-look_back:])
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in latest.values():
        if (row["receipt"], row["batch_id"]) in chosen:
            found.setdefault((row["measure"], row["column"]), []).append(row)
    return found


def _volume(before: list[Mapping[str, Any]], records: int, expect: Expect, snapshot: bool) -> Row:
    """The number of records beside the range of its past: what lies inside is well, what lies outside is so many times beyond its edge."""
    earlier = [r["value"] for r in before if r["kind"] == "delivery"]
    edge = min(max(float(records), min(earlier)), max(earlier)) if earlier else None
    few = edge is not None and records < edge and not snapshot
    limits = Limits(warn=expect.volume.few) if few else expect.volume
    judged = edge is not None and len(earlier) >= expect.least and max(records, *earlier) >= ENOUGH
    change = _factor(records, edge) if judged and edge is not None else None
    return _row("volume", "", float(records), records, edge, len(earlier), change, limits.warn, limits.stop, _level(change, limits))


def _drift(before: Mapping[tuple[str, str], list[Mapping[str, Any]]], measure: str, column: str, value: float, n: int, limits: Limits, change: Any, least: int | None = None) -> Row:
    """One measure beside the median of its past. `least`: deliveries needed, history not counted; None: any past with enough records."""
    earlier = before.get((measure, column), [])
    earlier = [r for r in earlier if (r["kind"] == "delivery" if least is not None else r["n"] >= ENOUGH)]
    past = median(r["value"] for r in earlier) if earlier else None
    judged = past is not None and len(earlier) >= (least or 1) and n >= ENOUGH
    found = change(value, past) if judged else None
    return _row(measure, column, value, n, past, len(earlier), found, limits.warn, limits.stop, _level(found, limits))


def _sizes(before: Mapping[tuple[str, str], list[Mapping[str, Any]]], column: str, found: list[float], n: int, limits: Limits) -> list[Row]:
    """The quartiles of a number. They shift when all three do: the least moved of them is what is judged."""
    rows = [_drift(before, name, column, value, n, Limits(), _factor) for name, value in zip(SIZES, found, strict=True)]
    moved = [r["change"] for r in rows]
    least = min(moved) if None not in moved else None
    return [{**r, "change": least, "warn": limits.warn, "stop": limits.stop, "level": _level(least, limits)} for r in rows]


def _coverage(found: Profile, expect: Expect) -> Row:
    assert expect.coverage is not None
    share, limits = found.known / found.ids, expect.coverage
    judged = found.ids >= ENOUGH and found.others > 0
    level = STOP if limits.stop is not None and share < limits.stop else WARN if limits.warn is not None and share < limits.warn else WELL
    return _row("coverage", limits.of, share, found.ids, None, 0, share if judged else None, limits.warn, limits.stop, level if judged else NO_PAST)


def _row(measure: str, column: str, value: float, n: int, past: float | None, deliveries: int, change: float | None, warn: float | None, stop: float | None, level: str) -> Row:
    return {"measure": measure, "column": column, "value": value, "n": n, "past": past, "deliveries": deliveries, "change": change, "warn": warn, "stop": stop, "level": level}


def _factor(value: float, past: float) -> float:
    """How many times as much or as little: 1 and more. Nothing against something is as far as it can be."""
    low, high = sorted((value, past))
    return 1.0 if high <= 0 else 1e9 if low <= 0 else high / low


def _beyond(value: float, past: float) -> float:
    return value - past


def _level(change: float | None, limits: Limits) -> str:
    if change is None:
        return NO_PAST
    if limits.stop is not None and change >= limits.stop:
        return STOP
    return WARN if limits.warn is not None and change >= limits.warn else WELL
