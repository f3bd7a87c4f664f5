"""Colours and scales of every drawer: told apart by the colour-blind, and in grey by lightness and dash."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dnnexplain.charts.chart import Chart

__all__ = [
    "DASHES",
    "FEW",
    "HUES",
    "MOST_BARS",
    "MOST_CELLS",
    "RAMP",
    "SIGNED",
    "hues",
    "named_cells",
    "ramp",
    "shown_bars",
    "span",
    "ticks",
]

HUES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Six of the eight colours of Okabe and Ito (2008), "Color Universal Design"; black and yellow are left out."""

SIGNED = {"light": {"for": "#c2570c", "against": "#2166ac"}, "dark": {"for": "#f08c3a", "against": "#54a0e4"}}
"""What speaks for something and what speaks against it, in light and in dark: orange and blue, which every common
colour blindness tells apart. Red stands for nothing but what is wrong. The page's code and its style sheet take
their colours from here (``python -m tools.page build``)."""

DASHES = ("", "6 3", "2 2", "8 3 2 3", "1 3", "10 4")

RAMP = ("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838")
"""Ten steps of cividis (Nunez, Anderton and Renslow 2018): lightness rises evenly, so it holds in grey."""

FEW = 12
"""Up to so many points of a curve are marked: a single one has no line."""
MOST_BARS = 20
MOST_CELLS = 80
"""More cells than these are drawn without their figures."""


def ramp(share: float) -> str:
    """The colour at a share from 0 to 1 of the way along :data:`RAMP`."""
    place = min(max(share, 0.0), 1.0) * (len(RAMP) - 1)
    low = min(int(place), len(RAMP) - 2)
    ends = [[int(RAMP[i][j : j + 2], 16) for j in (1, 3, 5)] for i in (low, low + 1)]
    mixed = [round(a + (b - a) * (place - low)) for a, b in zip(*ends, strict=True)]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def hues(chart: Chart) -> tuple[str, ...]:
    """The colour of each series that is drawn: what is for and against in :data:`SIGNED`, all others in :data:`HUES`."""
    if all(series.name in SIGNED["light"] for series in chart.series):
        return tuple(SIGNED["light"][series.name] for series in chart.series)
    return HUES[: len(chart.series)]


def span(values: NDArray[np.float64], *, zero: bool = False) -> tuple[float, float]:
    """The least and the largest finite value, apart from each other; with ``zero``, around 0."""
    finite = values[np.isfinite(values)]
    if zero:
        finite = np.append(finite, 0.0)
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        room = abs(low) * 0.1 or 1.0
        return (low, high + room) if zero else (low - room, high + room)
    return low, high


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two ends, at most ``most`` of them and one more."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [place * step for place in range(first, math.floor(high / step + 1e-9) + 1)]


def shown_bars(chart: Chart) -> tuple[list[int], int]:
    """Which labels are drawn (the longest bars, in their order), and how many are left out."""
    count = len(chart.labels)
    if count <= MOST_BARS:
        return list(range(count)), 0
    sizes = [
        np.where(np.isfinite(series.y), np.abs(series.y), -1.0) for series in chart.series
    ]  # what is infinite has no bar
    size = np.max(sizes or [np.zeros(count)], axis=0)
    keep = np.argsort(-size, kind="stable")[:MOST_BARS]
    return sorted(int(place) for place in keep), count - MOST_BARS


def named_cells(chart: Chart) -> bool:
    """Whether a heat map has few enough cells to write their figures."""
    return chart.grid.size <= MOST_CELLS and len(chart.columns) <= 10
