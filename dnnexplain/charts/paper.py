"""A chart with matplotlib, for papers: one column wide, vector text, told apart in grey."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import LinearSegmentedColormap

from dnnexplain.charts.chart import Chart, Kind
from dnnexplain.charts.look import FEW, HUES, RAMP, hues, named_cells, shown_bars
from dnnexplain.numbers import number

__all__ = ["COLUMN", "STYLE", "draw"]

COLUMN = 3.5
"""Inches: a column of the IEEE's two; the ACM's is 3.33."""

STYLE: Any = {
    "axes.grid": True,
    "axes.grid.axis": "both",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "font.size": 8,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "legend.fontsize": 7,
    "pdf.fonttype": 42,  # text stays text: TrueType, which ACM and IEEE ask for, not Type 3
    "ps.fonttype": 42,
    "svg.fonttype": "none",
}
_HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")
_LINES = ("-", "--", ":", "-.", (0, (1, 3)), (0, (8, 3)))
_MARKS = ("o", "s", "^", "D", "v", "P")


def draw(chart: Chart, ax: Any = None) -> Any:
    """Draw into ``ax``, or into a new figure of one column's width; its figure (``.savefig("figure.pdf")``).

    A figure that is made here is not kept by pyplot, so that a thousand of them take no memory.
    """
    # What a PDF's fonts are is read when it is written, which is after this function.
    fonts: Any = {name: value for name, value in STYLE.items() if "fonttype" in name}
    mpl.rcParams.update(fonts)
    with mpl.rc_context(STYLE):
        if ax is None:
            figure, ax = plt.subplots(figsize=(COLUMN, _height(chart)), layout="constrained")
            plt.close(figure)
        if chart.kind == Kind.BARS:
            _bars(chart, ax)
        elif chart.kind == Kind.HEAT:
            _heat(chart, ax)
        else:
            _lines(chart, ax)
        _head(chart, ax)
    return ax.figure


def _head(chart: Chart, ax: Any) -> None:
    """Title and legend; of bars the legend stands between title and picture, for the bars leave it no room."""
    lines = 0
    if chart.kind == Kind.BARS and _named(chart) > 1:
        lines = math.ceil(_named(chart) / _ABREAST)
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=_ABREAST, borderaxespad=0.1)
    elif len(chart.series) > 1:
        ax.legend(frameon=False, loc="best")
    parts = [chart.title, chart.value.title if chart.kind == Kind.HEAT and chart.grid.size else ""]
    title = "\n".join(textwrap.fill(part, _WIDE) for part in parts if part)
    if title:
        ax.set_title(title, fontsize=8, loc="left", pad=6 + _LINE * lines)


_ABREAST, _WIDE, _LINE = 3, 50, 11
"""Names of a legend on one line; characters of a title's line; a legend's line in points."""


def _named(chart: Chart) -> int:
    """What a legend of bars would name."""
    return min(len(chart.series), len(HUES)) + len(chart.levels)


def _height(chart: Chart) -> float:
    if chart.kind == Kind.BARS:
        kept = min(len(chart.labels), 20) * math.sqrt(max(1, min(len(chart.series), len(HUES))))
        legend = math.ceil(_named(chart) / _ABREAST) * _LINE / 72 if _named(chart) > 1 else 0.0
        lines = max((_wrapped(chart.labels[place]).count("\n") + 1 for place in shown_bars(chart)[0]), default=1)
        return 0.7 + 0.17 * max(kept * (1 + 0.8 * (lines - 1)), 3) + legend
    return min(5.0, 1.1 + 0.16 * len(chart.rows)) if chart.kind == Kind.HEAT else 2.2


def _wrapped(label: str) -> str:
    """A bar's name on lines that leave the bar half of the column; three at most, the rest an ellipsis."""
    lines = textwrap.wrap(label, 28)
    return "\n".join(lines[:3]) + ("…" if len(lines) > 3 else "")


def _bars(chart: Chart, ax: Any) -> None:
    keep, _ = shown_bars(chart)
    drawn = chart.series[: len(HUES)]
    high, at = 0.8 / max(len(drawn), 1), np.arange(len(keep))
    for k, item in enumerate(drawn):
        style = {"color": hues(chart)[k], "hatch": _HATCHES[k], "edgecolor": "white", "linewidth": 0.3}
        error, lengths = None, np.where(np.isfinite(item.y[keep]), item.y[keep], np.nan)
        if len(item.low):
            ends = np.vstack([item.y - item.low, item.high - item.y])[:, keep]
            error = np.where(np.isfinite(ends), np.maximum(ends, 0.0), 0.0)
        ax.barh(at + (k - (len(drawn) - 1) / 2) * high, lengths, high, label=item.name, xerr=error, **style)
    ax.set_yticks(at, [_wrapped(chart.labels[place]) for place in keep])
    if any("\n" in label.get_text() for label in ax.get_yticklabels()):
        ax.tick_params(axis="y", labelsize=7)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.axvline(0.0, color="black", linewidth=0.6)
    ax.set_xlabel(chart.y.title)
    for name, value in chart.levels:
        ax.axvline(value, color="black", linewidth=0.8, linestyle="--", label=name)


def _lines(chart: Chart, ax: Any) -> None:
    for k, item in enumerate(chart.series[: len(HUES)]):
        if chart.kind == Kind.SCATTER:
            ax.scatter(item.x, item.y, s=9, color=HUES[k], marker=_MARKS[k], alpha=0.75, linewidths=0, label=item.name)
            continue
        drawn = "steps-post" if chart.steps else "default"
        mark = _MARKS[k] if len(item.x) <= FEW else None
        ax.plot(
            item.x,
            item.y,
            color=HUES[k],
            linestyle=_LINES[k],
            marker=mark,
            markersize=3,
            drawstyle=drawn,
            label=item.name,
        )
    for name, value in chart.levels:
        ax.axhline(value, color="black", linewidth=0.8, linestyle="--")
        ax.annotate(name, (1.0, value), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7)
    for k, (name, value) in enumerate(chart.places):  # one below the other: they may lie side by side
        ax.axvline(value, color="black", linewidth=0.8, linestyle="--")
        at = (value, 1.0 - 0.08 * (k % 4))
        ax.annotate(f" {name}", at, xycoords=("data", "axes fraction"), ha="left", va="top", fontsize=7)
    ax.set_xlabel(chart.x.title)
    ax.set_ylabel(chart.y.title)
    if not any(np.isfinite(item.y).any() for item in chart.series):
        ax.set_xticks([])
        ax.set_yticks([])
        ax.text(0.5, 0.5, "no values", transform=ax.transAxes, ha="center", va="center")


def _heat(chart: Chart, ax: Any) -> None:
    ax.set_xlabel(chart.x.title)
    ax.set_ylabel(chart.y.title)
    if not chart.grid.size:
        return
    ramp = LinearSegmentedColormap.from_list("cividis of ten", RAMP)
    drawn = ax.imshow(np.ma.masked_invalid(chart.grid), aspect="auto", cmap=ramp, interpolation="nearest")
    ax.grid(visible=False)
    for ticks, names in ((ax.set_xticks, chart.columns), (ax.set_yticks, chart.rows)):
        every = max(1, -(-len(names) // 12))
        ticks(range(0, len(names), every), names[::every])
    if max((len(name) for name in chart.columns), default=0) > 4:
        ax.tick_params(axis="x", rotation=60)
    if named_cells(chart):
        for (r, c), value in np.ndenumerate(chart.grid):
            if np.isfinite(value):
                light = drawn.norm(value) < 0.55
                ax.text(c, r, number(float(value)), ha="center", va="center", fontsize=6, color="w" if light else "k")
    ax.figure.colorbar(drawn, ax=ax)  # what it measures is said in the title's line, which is as long as it needs to be
