"""Charts of the country report as inline SVG: no external asset, the same bytes for the same numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, SOFT, LINE, TEAL, RUST, BLUE, GREY = "#111827", "#4b5563", "#e5e7eb", "#0f766e", "#b45309", "#2563a8", "#9ca3af"
SHADES = ("#0f766e", "#5ba39c", "#d9a066", "#b45309", "#7f1d1d", "#374151", "#9ca3af")
_STYLE = {
    "font.family": "sans-serif", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": GREY, "axes.labelcolor": "#374151",
    "xtick.color": SOFT, "ytick.color": SOFT, "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.8, "axes.axisbelow": True, "svg.hashsalt": "assay",
    "legend.frameon": False, "svg.fonttype": "none",
}  # fmt: skip
_WIDTH, _LETTER, _RIGHT = 9.0, 0.085, 0.96  # inches, inches a letter takes at the left of a chart of rows, share


@dataclass(frozen=True)
class Series:
    """A line, or a cloud of points."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: str
    points: bool = False
    dashed: bool = False
    width: float = 2.0


def _svg(figure: Figure, label: str) -> Markup:
    held = io.StringIO()
    figure.savefig(held, format="svg", metadata={"Date": None, "Creator": None})
    text = re.sub(r"^.*?(?=<svg)", "", held.getvalue(), flags=re.DOTALL)
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1))


def lines(series: Sequence[Series], label: str, x: str, y: str, log: str = "", height: float = 3.6, legend: str = "best", narrow: bool = False) -> Markup:
    """Lines and points over a number; `log`: which axes are logarithmic, of "xy"."""
    with mpl.rc_context(_STYLE):
        width = 5.2 if narrow else _WIDTH
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0.75 / width, 0.55 / height, 1 - 0.95 / width, 1 - 0.7 / height))
        for one in series:
            style: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": 3.5} if one.points else {"linestyle": (0, (4, 3)) if one.dashed else "-", "linewidth": one.width}
            axes.plot(one.x, one.y, color=one.colour, label=one.name, **style)
        if "x" in log:
            axes.set_xscale("log")
        if "y" in log:
            axes.set_yscale("log")
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.xaxis.set_major_formatter(_short)
        axes.yaxis.set_major_formatter(_short)
        if any(one.name for one in series):
            axes.legend(loc=legend, fontsize=9)
        return _svg(figure, label)


def months(series: Sequence[Series], names: Sequence[str], label: str, y: str, bands: Sequence[tuple[float, float, str]] = (), marks: Sequence[tuple[float, str]] = (), height: float = 3.4) -> Markup:
    """Lines over months, numbered from 0 and named; bands and marks are things that happened."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, height))
        axes = figure.add_axes((0.08, 0.4 / height, 0.74, 1 - (0.85 if bands or marks else 0.55) / height))
        for one in series:
            axes.plot(one.x, one.y, color=one.colour, label=one.name, linewidth=one.width, linestyle=(0, (4, 3)) if one.dashed else "-")
        for first, last, _ in bands:
            axes.axvspan(first - 0.5, last + 0.5, color=RUST, alpha=0.09, linewidth=0)
        for k, (at, text) in enumerate([((a + b) / 2, t) for a, b, t in bands] + list(marks)):
            axes.annotate(text, (at, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3 + 11 * (k % 2)), textcoords="offset points", ha="center", fontsize=8.5, color=SOFT)
        for at, _ in marks:
            axes.axvline(at, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        step = 6 if len(names) > 18 else 3
        axes.set_xticks(np.arange(0, len(names), step), [names[k] for k in range(0, len(names), step)])
        axes.set_xlim(-0.7, len(names) - 0.3)
        axes.set_ylim(0, None)
        axes.yaxis.set_major_formatter(_short)
        axes.set_ylabel(y)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), fontsize=9)
        return _svg(figure, label)


def bars(names: Sequence[str], values: Sequence[float], texts: Sequence[str], label: str, colour: str = TEAL, percent: bool = False, base: float = 0.0, line: float | None = None, line_name: str = "") -> Markup:
    """Amounts one under another, each with its figure, drawn from `base` on; a line for what to compare with."""
    with mpl.rc_context(_STYLE):
        figure, axes, places = _rows(names)
        axes.barh(places, [v - base for v in values], left=base, color=colour, height=0.62)
        for at, value, text in zip(places, values, texts, strict=True):
            axes.annotate(text, (max(value, base), at), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9, color=INK)
        if line is not None:
            _line(axes, line, line_name, len(names))
        top, low = max([*values, line or base]), min(base, *values)
        axes.set_xlim(low, top + 0.12 * (top - low) if top > low else low + 1)
        if percent and top > 0.5:
            axes.set_xticks(np.arange(0, 1.01, 0.2))
        axes.xaxis.set_major_formatter(_percent if percent else _short)
        return _svg(figure, label)


def stacked(names: Sequence[str], parts: Sequence[tuple[str, Sequence[float]]], label: str) -> Markup:
    """Shares of one, one bar a row, one colour a part."""
    with mpl.rc_context(_STYLE):
        figure, axes, places = _rows(names, legend=True)
        left = np.zeros(len(names))
        for (name, share), colour in zip(parts, SHADES, strict=False):
            axes.barh(places, share, left=left, color=colour, height=0.66, label=name)
            left = left + np.asarray(share)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(_percent)
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(parts), fontsize=8.5, columnspacing=1.1, handlelength=1.1)
        return _svg(figure, label)


def ranges(names: Sequence[str], values: Sequence[float], low: Sequence[float], high: Sequence[float], label: str, edge: float) -> Markup:
    """A value in its range, one a row: the range as a band, the value as a dot, outside ones in rust. `edge`: how far a range without end is drawn."""
    with mpl.rc_context(_STYLE):
        figure, axes, places = _rows(names)
        for at, value, a, b in zip(places, values, low, high, strict=True):
            axes.hlines(at, max(a, -edge), min(b, edge), color="#cbd5d1", linewidth=9)
            if np.isfinite(value):
                axes.plot(value, at, "o", color=TEAL if a <= value <= b else RUST, markersize=7)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.xaxis.set_major_formatter(_percent)
        return _svg(figure, label)


def pairs(names: Sequence[str], first: Sequence[float], second: Sequence[float], what: tuple[str, str], label: str) -> Markup:
    """Two shares of each row side by side as dots joined by a line."""
    with mpl.rc_context(_STYLE):
        figure, axes, places = _rows(names, legend=True)
        axes.hlines(places, first, second, color="#cbd5d1", linewidth=3)
        for values, colour, name in ((first, GREY, what[0]), (second, RUST, what[1])):
            axes.plot(values, places, "o", color=colour, markersize=7, label=name)
        axes.set_xlim(0, max([*first, *second, 0.01]) * 1.1)
        axes.xaxis.set_major_formatter(_percent)
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, fontsize=9)
        return _svg(figure, label)


def digits(shares: Sequence[tuple[str, np.ndarray, str]], expected: np.ndarray, label: str) -> Markup:
    """Shares of first digits as bars beside each other, and what Benford's law expects as marks."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, 2.9))
        axes = figure.add_axes((0.08, 0.17, 0.89, 0.78))
        width, at = 0.8 / len(shares), np.arange(1, 10)
        for k, (name, values, colour) in enumerate(shares):
            axes.bar(at + (k - (len(shares) - 1) / 2) * width, values, width=width * 0.92, color=colour, label=name)
        axes.plot(at, expected, "_", color=INK, markersize=34, markeredgewidth=1.6, label="Benford's law", linestyle="")
        axes.set_xticks(at)
        axes.yaxis.set_major_formatter(_percent)
        axes.grid(axis="x", visible=False)
        axes.legend(fontsize=9, markerscale=0.4)
        return _svg(figure, label)


def heat(values: np.ndarray, names: Sequence[str], label: str, x: str, y: str) -> Markup:
    """Shares by row as a table of shades: row buys from column."""
    with mpl.rc_context(_STYLE):
        side = 0.55 + 0.36 * len(names)
        figure = Figure(figsize=(side + 0.9, side + 0.55))
        axes = figure.add_axes((0.95 / (side + 0.9), 0.1 / (side + 0.55), 1 - 1.05 / (side + 0.9), 1 - 0.85 / (side + 0.55)))
        axes.imshow(values, cmap=mpl.colors.LinearSegmentedColormap.from_list("teal", ["#ffffff", TEAL]), vmin=0, vmax=max(0.5, float(np.nanmax(values))), aspect="auto")
        for r, c in np.argwhere(values >= 0.045).tolist():
            axes.text(c, r, f"{values[r, c] * 100:.0f}", ha="center", va="center", fontsize=8.5, color="#ffffff" if values[r, c] > 0.35 else INK)
        axes.set_xticks(range(len(names)), names, rotation=0, fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8.5)
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        return _svg(figure, label)


def _rows(names: Sequence[str], legend: bool = False) -> tuple[Figure, Axes, np.ndarray]:
    """A chart of rows: the same margins in inches whatever the height, so that charts stand in line."""
    top = 0.5 if legend else 0.24
    height = 0.38 + top + 0.3 * len(names)
    figure = Figure(figsize=(_WIDTH, height))
    left = (0.3 + _LETTER * max(len(n) for n in names)) / _WIDTH
    axes = figure.add_axes((left, 0.38 / height, _RIGHT - left, (height - 0.38 - top) / height))
    places = np.arange(len(names))[::-1]
    axes.set_yticks(places, list(names))
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    return figure, axes, places


def _line(axes: Axes, at: float, name: str, rows: int) -> None:
    axes.axvline(at, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(name, (at, rows - 0.45), xytext=(3, 2), textcoords="offset points", fontsize=9, color=INK, annotation_clip=False)


def _percent(value: float, _: Any = None) -> str:
    return f"{value * 100:.3g}%"


def _short(value: float, _: Any = None) -> str:
    for unit, name in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= unit:
            return f"{value / unit:,.3g}{name}"
    return f"{value:,.3g}"
