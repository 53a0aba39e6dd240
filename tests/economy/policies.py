"""A country lived through for years under a way of choosing whom to examine, without Spark and without files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from jobs.economy.dossier import gathered
from jobs.economy.react import decide, lived
from jobs.economy.truth import firm_table, tax_table
from jobs.economy.world import World, add_months
from tests.economy.helpers import Counted, count

Choose = Callable[[Counted, date, int], np.ndarray]


def hidden(c: Counted, months: int = 12) -> np.ndarray:
    """Cents each firm hid in the last months, over all taxes."""
    return np.sum([np.maximum(v[:, -months:].sum(axis=1), 0) for v in c.ledger.hidden.values()], axis=0)


def live(w: World, steps: int, capacity: int, choose: Choose) -> tuple[World, list[int]]:
    """Half-yearly nights: `choose` names firm positions, best first; the first `capacity` that live are inspected or assessed. Hidden cents at each night."""
    found, path = list[dict[str, Any]](), list[int]()
    for n in range(steps):
        c = count(w)
        night = w.through + timedelta(days=1)
        path.append(int(hidden(c).sum()))
        alive = c.firms.death >= w.horizon
        at = [k for k in choose(c, night, n).tolist() if alive[k]][:capacity]
        response = decide(w, _known(c, at, found, night), {}, _cases(c, at, night), [], night)
        found += response.findings
        w = replace(lived(w, response), through=add_months(w.through, 6))
    path.append(int(hidden(count(w)).sum()))
    return w, path


def _known(c: Counted, at: list[int], found: list[dict[str, Any]], night: date) -> dict[str, Any]:
    some = c.firms.at(np.array(sorted(at), dtype=np.int64))
    rows = firm_table(c.world, some)
    made = [(r_at(r, sorted(at)), r_at(w, sorted(at))) for r, w in zip(c.returns, c.conduct, strict=True)]
    return gathered(c.world, rows, tax_table(c.world, some, made), found, night)


def r_at(record: Any, at: list[int]) -> Any:
    """Returns or conduct of some firms: arrays [firm, period] cut, arrays by period kept."""
    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: cut(v) for k, v in value.items()}
        return value[at] if isinstance(value, np.ndarray) and value.ndim == 2 else value

    return replace(record, **{name: cut(getattr(record, name)) for name in record.__dataclass_fields__})


def _cases(c: Counted, at: list[int], night: date) -> list[dict[str, Any]]:
    ids = firm_table(c.world, c.firms.at(np.array(at, dtype=np.int64)))["taxpayer_id"].to_pylist()
    place = c.world.country.place
    return [
        {"taxpayer_id": t, "case_id": f"C{night:%Y%m%d}-{k:06d}", "treatment": ("assess", "inspect")[n % 2], "office_id": str((c.firms.region[k], place.inspection_office)[n % 2]), "points": []}
        for n, (k, t) in enumerate(zip(at, ids, strict=True))
    ]
