"""Charts as inline SVG: no external asset, the same bytes for the same numbers."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from jobs.lake.arrays import Floats

INK, SOFT, LINE = "#111827", "#4b5563", "#e5e7eb"
COLOURS = {"model": "#0f766e", "rule": "#b45309", "random": "#6b7280", "sent": "#0f766e", "holdout": "#6b7280"}
_STYLE = {
    "font.family": "sans-serif", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#9ca3af",
    "axes.labelcolor": "#374151", "xtick.color": SOFT, "ytick.color": SOFT, "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.8,
    "axes.axisbelow": True, "svg.hashsalt": "assay", "legend.frameon": False, "svg.fonttype": "none",
}  # fmt: skip
_WIDTH, _LEFT, _RIGHT = 9.0, 0.29, 0.9


@dataclass(frozen=True)
class Dot:
    """One measured result of a chart."""

    name: str
    value: float
    low: float
    high: float
    n: int
    colour: str = "#2563a8"


def svg(figure: Figure, label: str) -> str:
    """A figure as an SVG element with a label for those who cannot see it."""
    held = io.StringIO()
    figure.savefig(held, format="svg", metadata={"Date": None, "Creator": None})
    text = re.sub(r"^.*?(?=<svg)", "", held.getvalue(), flags=re.DOTALL)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def dots(rows: Sequence[Dot], label: str, *, percent: bool = True, line: float | None = None, line_name: str = "", zero: bool = True) -> str:
    """Results one under another: a dot, its interval, its n; a dashed line for what to compare with."""
    with mpl.rc_context(_STYLE):
        names = [textwrap.fill(r.name, 40, max_lines=2, placeholder=" …") for r in rows]
        height = 0.85 + (0.42 if any("\n" in n for n in names) else 0.33) * len(rows)
        figure = Figure(figsize=(_WIDTH, height))
        axes = figure.add_axes(_frame(height))
        places = np.arange(len(rows))[::-1]
        for y, row in zip(places, rows, strict=True):
            axes.hlines(y, row.low, row.high, color=row.colour, linewidth=1.8)
            axes.plot(row.value, y, "o", color=row.colour, markersize=7)
            axes.annotate(f"n = {row.n:,}", (1.0, y), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9, color=SOFT)
        if line is not None and np.isfinite(line):
            axes.axvline(line, color=INK, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(line_name, (line, len(rows) - 0.45), xytext=(3, 2), textcoords="offset points", fontsize=9, color=INK, annotation_clip=False)
        axes.set_yticks(places, names)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        if zero:
            axes.set_xlim(min(0.0, axes.get_xlim()[0]), None)
        axes.xaxis.set_major_formatter(_percent if percent else _grouped)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        return svg(figure, label)


def curves(lines: Sequence[tuple[str, Floats, Floats, str]], label: str, *, x: str, y: str, chance: bool = True) -> str:
    """Shares against shares: one line each of (name, x, y, colour), and the diagonal that chance would draw."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, 4))
        axes = figure.add_axes((0.09, 0.13, 0.88, 0.82))
        if chance:
            axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)), label="in random order")
        for name, across, up, colour in lines:
            axes.plot(across, up, color=colour, linewidth=2.2, label=name)
        axes.xaxis.set_major_formatter(_percent)
        axes.yaxis.set_major_formatter(_percent)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.set_xlim(0, 1)
        axes.legend(loc="lower right")
        return svg(figure, label)


def reliability(promised: Sequence[float], rows: Sequence[Dot], label: str) -> str:
    """Found against promised: on the diagonal a probability means what it says."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(4.6, 4.2))
        axes = figure.add_axes((0.17, 0.13, 0.8, 0.82))
        axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)))
        for at, row in zip(promised, rows, strict=True):
            axes.vlines(at, row.low, row.high, color=COLOURS["model"], linewidth=1.8)
            axes.plot(at, row.value, "o", color=COLOURS["model"], markersize=7)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.xaxis.set_major_formatter(_percent)
        axes.yaxis.set_major_formatter(_percent)
        axes.set_xlabel("probability promised at selection")
        axes.set_ylabel("share adjusted upward")
        axes.set_aspect("equal")
        return svg(figure, label)


def bars(names: Sequence[str], values: Sequence[float], colours: Sequence[str], texts: Sequence[str], label: str) -> str:
    """A few amounts side by side, each with its figure."""
    with mpl.rc_context(_STYLE):
        height = 0.7 + 0.42 * len(names)
        figure = Figure(figsize=(_WIDTH, height))
        axes = figure.add_axes(_frame(height))
        places = np.arange(len(names))[::-1]
        axes.barh(places, values, color=list(colours), height=0.62)
        for y, value, text in zip(places, values, texts, strict=True):
            axes.annotate(text, (max(value, 0), y), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9.5, color=INK)
        axes.set_yticks(places, list(names))
        axes.set_xlim(min(0, *values), max(values) * 1.22 if max(values) > 0 else 1)
        axes.xaxis.set_major_formatter(_grouped)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        return svg(figure, label)


def _frame(height: float) -> tuple[float, float, float, float]:
    """The axes' place in a chart of rows: the same margins in inches whatever the height, so that charts stand in line."""
    return (_LEFT, 0.38 / height, _RIGHT - _LEFT, (height - 0.62) / height)


def _percent(value: float, _: Any = None) -> str:
    return f"{value:.0%}"


def _grouped(value: float, _: Any = None) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.3g} M"
    return f"{value:,.0f}"
