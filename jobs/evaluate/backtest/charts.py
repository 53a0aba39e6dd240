"""Charts of a backtest as inline SVG: no external asset, the same bytes for the same numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jobs.evaluate.backtest.measure import Run
from models import metrics, ranking
from models.matrix import FloatArray

COLOURS = {"rules": "#b45309", "single_feature": "#6b7280", "logistic": "#2563a8", "gradient_boosting": "#0f766e"}
TITLES = {
    "rules": "rules in use",
    "single_feature": "single-feature sort",
    "logistic": "logistic regression",
    "gradient_boosting": "gradient boosting",
}
_STYLE = {
    "font.family": "sans-serif", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#9ca3af",
    "axes.labelcolor": "#374151", "xtick.color": "#4b5563", "ytick.color": "#4b5563", "axes.grid": True, "grid.color": "#e5e7eb",
    "grid.linewidth": 0.8, "axes.axisbelow": True, "svg.hashsalt": "assay", "legend.frameon": False, "svg.fonttype": "none",
}  # fmt: skip


def _svg(figure: Figure, label: str) -> str:
    held = io.StringIO()
    figure.savefig(held, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    text = re.sub(r"^.*?(?=<svg)", "", held.getvalue(), flags=re.DOTALL)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()


def _percent(value: float, _: Any = None) -> str:
    return f"{value:.0%}"


def at_capacity(candidates: Mapping[str, Any], split: str | None, base: float) -> str:
    """Precision at each capacity: a dot at the expected value, a thin line for the 95 % interval, a thick one from worst to best over ties.

    `split` names the one to show; None shows the mean over all splits (without intervals).
    """
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(7.2, 3.4)
        first = next(iter(candidates.values()))["splits"]
        cuts = list(next(iter(first.values()))["capacities"])
        width = 0.7 / len(candidates)
        for n, (name, found) in enumerate(candidates.items()):
            parts = [found["splits"][split]] if split else list(found["splits"].values())
            x = np.arange(len(cuts)) + (n - (len(candidates) - 1) / 2) * width
            spread = np.array([[_mean(parts, cut, side) for cut in cuts] for side in ("worst", "expected", "best")])
            if split:
                ends = np.array([parts[0]["capacities"][c]["precision_interval"] or (np.nan, np.nan) for c in cuts])
                axes.vlines(x, ends[:, 0], ends[:, 1], color=COLOURS[name], linewidth=1.2)
            axes.vlines(x, spread[0], spread[2], color=COLOURS[name], linewidth=5, alpha=0.35)
            axes.plot(x, spread[1], "o", color=COLOURS[name], markersize=7, label=TITLES[name])
        axes.axhline(base, color="#111827", linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate("chance", (len(cuts) - 0.5, base), xytext=(0, 4), textcoords="offset points", ha="right", fontsize=9, color="#111827")
        axes.set_xticks(range(len(cuts)), [c if "%" in c else f"{c} rows" for c in cuts])
        axes.set_xlim(-0.5, len(cuts) - 0.5)
        axes.set_ylim(0, None)
        axes.yaxis.set_major_formatter(_percent)
        axes.set_ylabel("share of the list that is positive")
        axes.grid(axis="x", visible=False)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=4, columnspacing=1.4, handletextpad=0.3)
        return _svg(figure, "Precision at each capacity")


def _mean(parts: Sequence[Mapping[str, Any]], cut: str, side: str) -> float:
    values = [p["capacities"][cut]["precision"][side] for p in parts]
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else np.nan


def gains(lists: Mapping[str, Sequence[Run]], label: FloatArray) -> str:
    """Share of all positives found against the share of rows worked, averaged over lists; the diagonal is chance."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(4.6, 4.0)
        grid = np.unique(np.r_[np.linspace(0, 0.2, 41), np.linspace(0.2, 1, 81)])
        for name, runs in lists.items():
            curves = [c for r in runs if (c := _found(r, label, grid)) is not None]
            if curves:
                axes.plot(grid, np.mean(curves, axis=0), color=COLOURS[name], linewidth=2, label=TITLES[name])
        axes.plot([0, 1], [0, 1], color="#111827", linewidth=1, linestyle=(0, (4, 3)), label="chance")
        axes.set(xlabel="share of rows worked", ylabel="share of positives found", xlim=(0, 1), ylim=(0, 1.01))
        axes.xaxis.set_major_formatter(_percent)
        axes.yaxis.set_major_formatter(_percent)
        axes.legend(loc="lower right", fontsize=9)
        return _svg(figure, "Positives found by share of rows worked")


def _found(run: Run, label: FloatArray, grid: FloatArray) -> FloatArray | None:
    """Expected share of positives found at each share of rows: linear inside blocks of tied rows."""
    t = ranking.ties(run.score, label[run.split.test])
    total = t.positives.sum()
    if total == 0:
        return None
    x = np.r_[0, np.cumsum(t.sizes)] / t.sizes.sum()
    return np.asarray(np.interp(grid, x, np.r_[0, np.cumsum(t.positives)] / total), dtype=np.float64)


def calibration(runs: Sequence[Run], label: FloatArray) -> str:
    """Stated probability against the share that came true, in bins of equal size; the bars are 95 % (Wilson)."""
    rows = np.concatenate([r.split.test for r in runs])
    bins = metrics.reliability(np.concatenate([r.probability for r in runs]), label[rows], 10)
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(4.6, 4.0)
        n, mean, share = (np.array(v, dtype=np.float64) for v in zip(*bins))
        centre, half = _wilson(share, n)
        top = min(1.0, 1.1 * float(max(mean.max(), (centre + half).max())))
        axes.plot([0, top], [0, top], color="#111827", linewidth=1, linestyle=(0, (4, 3)))
        axes.vlines(mean, np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1), color=COLOURS[runs[0].candidate], linewidth=1.2)
        axes.plot(mean, share, "o", color=COLOURS[runs[0].candidate], markersize=6)
        axes.set(xlabel="probability stated", ylabel="share that was positive", xlim=(0, top), ylim=(0, top))
        axes.xaxis.set_major_formatter(_percent if top > 0.2 else lambda v, _: f"{v:.1%}")
        axes.yaxis.set_major_formatter(_percent if top > 0.2 else lambda v, _: f"{v:.1%}")
        return _svg(figure, "Calibration of the chosen candidate")


def _wilson(share: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    z2 = 1.96**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    return centre, 1.96 / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))


def by_split(values: Mapping[str, Sequence[float | None]], names: Sequence[str], objective: str) -> str:
    """The objective of each candidate on each split: does the same one win every time?"""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(7.2, 3.0)
        for name, found in values.items():
            axes.plot(
                range(len(names)),
                [np.nan if v is None else v for v in found],
                "-o",
                color=COLOURS[name],
                linewidth=1.6,
                markersize=4,
                label=TITLES[name],
            )
        step = max(1, len(names) // 12)
        axes.set_xticks(range(0, len(names), step), list(names)[::step])
        axes.set_ylabel(objective)
        axes.set_ylim(0, None)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=4, columnspacing=1.4, handletextpad=0.3)
        return _svg(figure, "Objective by split")


def bars(names: Sequence[str], values: Sequence[float], colour: str) -> str:
    """What the chosen candidate looks at: mean size of each feature's contribution, largest first."""
    with mpl.rc_context(_STYLE):
        figure, axes = _axes(7.2, 0.36 * len(names) + 0.6)
        axes.barh(range(len(names)), values, color=colour, height=0.62)
        axes.set_yticks(range(len(names)), [n if len(n) <= 48 else n[:46] + "…" for n in names])
        axes.invert_yaxis()
        axes.set_xlabel("mean size of contribution to the score (log-odds)")
        axes.grid(axis="y", visible=False)
        return _svg(figure, "Features the chosen candidate looks at")
