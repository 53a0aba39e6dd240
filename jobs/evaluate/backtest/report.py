"""report.html of a backtest: self-contained, for a sceptic. The answer first, then what it rests on, then what it does not show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from jobs.evaluate.backtest import charts
from jobs.evaluate.backtest.measure import POOLED, Run, aimed
from jobs.evaluate.backtest.study import Study
from jobs.evaluate.backtest.table import Data
from models.candidates import Sort
from models.explain import contributions
from models.interval import interval, precision_draws

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(("html",)), trim_blocks=True, lstrip_blocks=True
)


def refusal(found: Mapping[str, Any]) -> str:
    """The page of a study that was refused: the leaks and what to do."""
    return _PAGES.get_template("template.html").render(found=found, charts=None, titles=charts.TITLES)


def page(found: Mapping[str, Any], lists: Mapping[str, Sequence[Run]], runs: Mapping[str, Sequence[Run]], data: Data, study: Study) -> str:
    """The whole page. `lists`: what is compared (all folds as one list, or one list per window); `runs`: one per split."""
    chosen = str(found["chosen"])
    split = (
        POOLED if study.split.kind == "folds" else (next(iter(found["candidates"][chosen]["splits"])) if len(runs[chosen]) == 1 else None)
    )
    names = [r.split.name for r in runs[chosen]]
    by_split = {n: [aimed(found["candidates"][n]["splits"][s], study.aim) for s in names] for n in runs}
    drawn = {
        "capacity": charts.at_capacity(found["candidates"], split, found["base_rate"]),
        "gains": charts.gains(lists, data.label),
        "calibration": charts.calibration(lists[chosen], data.label),
        "splits": charts.by_split(by_split, names, found["objective"]) if len(names) > 1 else "",
        "looks_at": _looks_at(runs[chosen][-1], data),
    }
    return _PAGES.get_template("template.html").render(
        found=found,
        charts={k: Markup(v) for k, v in drawn.items()},  # drawn by matplotlib, which escapes its texts
        titles=charts.TITLES,
        rows=_rows(found, split),
        shown=split,
        against=_against(found, lists, data, study),
        windows=[{"name": r.split.name, "train": len(r.split.train), "test": len(r.split.test), "end": r.split.end} for r in runs[chosen]],
    )


def _rows(found: Mapping[str, Any], split: str | None) -> list[dict[str, Any]]:
    """One row per capacity and candidate: of the split shown, or means over all splits."""
    out = []
    for cut in next(iter(next(iter(found["candidates"].values()))["splits"].values()))["capacities"]:
        for name, held in found["candidates"].items():
            parts = [held["splits"][split]] if split else list(held["splits"].values())
            at = [p["capacities"][cut] for p in parts]
            cell = {
                m: {side: _mean([a[m][side] for a in at]) for side in ("worst", "expected", "best")}
                for m in at[0]
                if isinstance(at[0][m], dict)
            }
            out.append(
                {
                    "cut": cut,
                    "name": name,
                    "k": round(float(np.mean([a["k"] for a in at]))),
                    "interval": at[0]["precision_interval"] if split else None,
                    **cell,
                }
            )
    return out


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _against(found: Mapping[str, Any], lists: Mapping[str, Sequence[Run]], data: Data, study: Study) -> dict[str, Any] | None:
    """The chosen candidate less the best simple one (rules or a single feature) in precision at the objective's capacity, with an interval."""
    chosen, simple = str(found["chosen"]), [n for n in ("rules", "single_feature") if n in lists]
    others = [n for n in simple if n != chosen] or [n for n in lists if n != chosen]
    if not others:
        return None
    other = max(others, key=lambda n: found["candidates"][n]["objective"] * study.aim.sign)
    cut = study.aim.at or study.capacities[0]
    draws = []
    for one, two in zip(lists[chosen], lists[other]):
        rows = one.split.test
        member = np.unique((data.ids if data.groups is None else data.groups)[rows].astype(str), return_inverse=True)[1]
        pair = [precision_draws(r.order, data.label[r.split.test], cut.rows(len(rows)), member, 200, study.seed) for r in (one, two)]
        draws.append(pair[0] - pair[1])
    rounds = min(len(d) for d in draws)
    mean = np.nanmean(np.array([d[:rounds] for d in draws]), axis=0) if not all(np.isnan(d).all() for d in draws) else draws[0]
    return {"other": other, "cut": cut.text, "interval": interval(mean), "mean": None if np.isnan(mean).all() else float(np.nanmean(mean))}


def _looks_at(last: Run, data: Data) -> str:
    """Mean size of the contributions over the rows highest in the last split's list, against the median of its test rows."""
    if last.model is None or isinstance(last.model.core, Sort):
        return ""
    test = data.matrix.select(last.model.features).values[last.split.test]
    with np.errstate(all="ignore"):
        known = np.where(np.isnan(test).all(axis=0), 0.0, test)
        baseline = np.where(np.array(data.matrix.categorical), np.nan, np.nanmedian(known, axis=0))
    rows = last.split.test[last.order[:150]]
    size = np.abs(contributions(last.model, data.matrix.take(rows), baseline)).mean(axis=0)
    top = [int(n) for n in np.argsort(-size, kind="stable")[:12] if size[n] > 0]
    return charts.bars([last.model.features[n] for n in top], [float(size[n]) for n in top], charts.COLOURS[last.candidate]) if top else ""
