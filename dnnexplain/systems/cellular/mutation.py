"""Changing days for searches: congestion, sessions and efficiency over stretches of time, within limits.

The errors of the forecasts stay as they were: where congestion changes, each forecast changes by as much as the mean
of its window does. So a changed day is one that could have been drawn: nobody was told of it beforehand more or less
than of the day that it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, change_stretch, draw_line, settled_limits
from dnnexplain.counts import counted
from dnnexplain.systems.cellular.days import Day
from dnnexplain.systems.cellular.layout import EFFICIENCY, SESSIONS, WINDOWS, Layout
from dnnexplain.systems.cellular.records import RECORD_KNOBS, from_records, to_records

__all__ = ["LIMITS", "change", "cross", "from_json", "redraw", "reshape", "to_json"]

Floats = NDArray[np.float64]
Limits = Mapping[str, tuple[float, float]]

LIMITS: Mapping[str, tuple[float, float]] = {
    "congestion": (0.02, 0.98),
    "sessions": SESSIONS,
    "efficiency": (0.5, 1.5),
}
"""What may be changed, within what: a share of capacity, and multiples of the typical."""
_WIDEST: Mapping[str, tuple[float, float]] = {"congestion": (0.0, 1.0), "sessions": SESSIONS, "efficiency": EFFICIENCY}

LONGEST = 180
"""Minutes that a change lasts at most."""
LARGE = 6
"""Most changes that make a start for searches far from the given day."""
KNOT = 20
"""Minutes between the points through which a day that is drawn anew runs straight."""


def change(day: Day, rng: np.random.Generator, limits: Limits) -> Day:
    """A day near the given one: over one to three stretches something is higher, lower, level, as at another time, or a wave.

    Raises:
        DnnExplainError: an unknown name among the limits, or limits that leave nothing.
    """
    spans = _settled(limits)
    series = _series(day)
    for _ in range(min(3, int(rng.geometric(0.5)))):
        _move(series, rng, spans)
    return _made(day, series)


def reshape(day: Day, rng: np.random.Generator, limits: Limits) -> Day:
    """A day far from the given one, by several changes."""
    spans = _settled(limits)
    series = _series(day)
    for _ in range(int(rng.integers(2, LARGE + 1))):
        _move(series, rng, spans)
    return _made(day, series)


def redraw(day: Day, rng: np.random.Generator, limits: Limits) -> Day:
    """A day that runs straight through points drawn uniformly within the limits, one every 20 minutes."""
    spans = _settled(limits)
    drawn = {
        name: draw_line(len(day.own), KNOT, *span, rng) if span[0] < span[1] else _series(day)[name]
        for name, span in spans.items()
    }
    return _made(day, drawn)


def cross(day: Day, two: Day, rng: np.random.Generator) -> Day:
    """A day with a stretch of another one of the same frame; the first one itself if it has another."""
    if (day.minutes, day.history, day.start) != (two.minutes, two.history, two.start):
        return day
    first, last = np.sort(rng.integers(0, len(day.own) + 1, size=2))
    series, others = _series(day), _series(two)
    for name, values in series.items():
        values[first:last] = others[name][first:last]
    return _made(day, series)


def to_json(day: Day) -> dict[str, Any]:
    """``{"day", "start_hour", "history", "columns": [...], "minutes": [[...], ...]}``: a row per minute."""
    return {
        "day": day.name,
        "start_hour": day.start,
        "history": day.history,
        "columns": [knob.name for knob in RECORD_KNOBS],
        "minutes": to_records(day).tolist(),
    }


def from_json(data: Mapping[str, Any], layout: Layout) -> Day:
    """The inverse of :func:`to_json`.

    Raises:
        DnnExplainError: something is missing, or it is a day of another system's frame.
    """
    try:
        table, frame = np.asarray(data["minutes"], dtype=np.float64), (float(data["start_hour"]), int(data["history"]))
        name = str(data["day"])
    except (KeyError, TypeError, ValueError) as error:
        msg = f"a saved day needs day, start_hour, history and rows of numbers as minutes; {error} is missing or wrong"
        raise DnnExplainError(msg) from None
    if frame != (layout.start, layout.history) or table.ndim != 2 or table.shape[1] != len(RECORD_KNOBS):
        msg = (
            f"a saved day for this system begins at {layout.start:g} h with a history of {counted(layout.history, 'minute')} and has "
            f"{len(RECORD_KNOBS)} numbers a minute; this one has {frame[0]:g} h, {frame[1]} minutes and rows {list(table.shape)}"
        )
        raise DnnExplainError(msg)
    return from_records(table, layout, name)


def _settled(limits: Limits) -> dict[str, tuple[float, float]]:
    return settled_limits(limits, LIMITS, _WIDEST, "a day")


def _series(day: Day) -> dict[str, Floats]:
    return {"congestion": day.own.copy(), "sessions": day.sessions.copy(), "efficiency": day.efficiency.copy()}


def _move(series: dict[str, Floats], rng: np.random.Generator, spans: Mapping[str, tuple[float, float]]) -> None:
    """One change of one quantity; mostly of congestion, which everything depends on."""
    name = str(rng.choice(list(series), p=(0.7, 0.1, 0.2)))
    change_stretch(series[name], rng, *spans[name], LONGEST)


def _made(day: Day, series: Mapping[str, Floats]) -> Day:
    """The day with other series; what forecasts say of changed minutes changes along, what lies behind the day's end does not."""
    rounded = {name: values.astype(np.float32).astype(np.float64) for name, values in series.items()}
    changed = np.concatenate([rounded["congestion"] - day.own, np.zeros(max(last for _, last in WINDOWS))])
    total = np.concatenate([[0.0], np.cumsum(changed)])
    forecast = day.forecast.copy()
    for k, (first, last) in enumerate(WINDOWS):
        begin = np.arange(day.minutes) + day.history + first - 1
        forecast[:, k] += (total[begin + last - first + 1] - total[begin]) / (last - first + 1)
    return replace(
        day,
        own=rounded["congestion"],
        sessions=rounded["sessions"],
        efficiency=rounded["efficiency"],
        forecast=np.clip(forecast, 0.0, 1.0).astype(np.float32).astype(np.float64),
    )
