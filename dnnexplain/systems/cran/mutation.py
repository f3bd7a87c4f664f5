"""Changing days for searches: demands, places and channels over stretches of slots, within limits.

A user who is put elsewhere takes shadowing and fading along: gains change by as much as the mean gain by distance does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import draw_line, settled_limits, table_from_json
from dnnexplain.systems.cran.codec import MARGIN, TOP_DEMAND
from dnnexplain.systems.cran.days import Day
from dnnexplain.systems.cran.records import from_records, record_knobs, to_records
from dnnexplain.systems.cran.scene import Scene

__all__ = ["LIMITS", "change", "cross", "from_json", "redraw", "reshape", "to_json"]

Floats = NDArray[np.float64]
Limits = Mapping[str, tuple[float, float]]

LIMITS: Mapping[str, tuple[float, float]] = {"demand": (2.0, 40.0), "margin": (-30.0, 10.0)}
"""What may be changed, within what: a user's demand, Mb/s, and what a link has over its mean gain by distance, dB."""
_WIDEST: Mapping[str, tuple[float, float]] = {"demand": (0.0, TOP_DEMAND), "margin": MARGIN}

LONGEST = 24
"""Slots that a change lasts at most."""
LARGE = 6
"""Most changes that make a start for searches far from the given day."""
KNOT = 4
"""Slots between the points through which demands that are drawn anew run straight."""


class _Parts:
    """A day's arrays, free to be changed.

    Attributes:
        demand, place, margin, phase: as those of a day, gains as what they have over the mean gain by distance.
    """

    def __init__(self, scene: Scene, day: Day) -> None:
        self.scene = scene
        self.demand, self.place, self.phase = day.demand.copy(), day.place.copy(), day.phase.copy()
        self.margin = day.gain - self._mean()

    def day(self) -> Day:
        phase = (self.phase + 180.0) % 360.0 - 180.0
        return Day(self.demand, self.place, self._mean() + np.clip(self.margin, *MARGIN), phase)

    def _mean(self) -> Floats:
        return np.repeat(self.scene.mean_gain(self.place), self.scene.antennas, axis=-1)


def change(scene: Scene, day: Day, rng: np.random.Generator, limits: Limits) -> Day:
    """A day near the given one: one to three demands, places or channels differ over a stretch of slots.

    Raises:
        DnnExplainError: an unknown name among the limits, or limits that leave nothing.
    """
    return _changed(scene, day, rng, limits, min(3, int(rng.geometric(0.5))))


def reshape(scene: Scene, day: Day, rng: np.random.Generator, limits: Limits) -> Day:
    """A day far from the given one, by several changes."""
    return _changed(scene, day, rng, limits, int(rng.integers(2, LARGE + 1)))


def redraw(scene: Scene, day: Day, rng: np.random.Generator, limits: Limits) -> Day:
    """Demands run straight through points drawn uniformly within the limits, one an hour; places and margins are drawn anew."""
    spans, parts = _settled(limits), _Parts(scene, day)
    for user in range(scene.users):
        parts.demand[:, user] = draw_line(len(day), KNOT, *spans["demand"], rng)
        parts.place[:, user] = rng.uniform(0, scene.side, 2)
    drawn = rng.uniform(*spans["margin"], parts.margin.shape[1:])
    parts.margin += drawn - parts.margin.mean(axis=0)
    parts.margin = np.clip(parts.margin, *spans["margin"])
    return parts.day()


def cross(day: Day, two: Day, rng: np.random.Generator) -> Day:
    """A day with a stretch of slots of another one that is as long; the first one itself if it is not."""
    if len(day) != len(two):
        return day
    first, last = np.sort(rng.integers(0, len(day) + 1, size=2))
    arrays = {name: getattr(day, name).copy() for name in ("demand", "place", "gain", "phase")}
    for name, values in arrays.items():
        values[first:last] = getattr(two, name)[first:last]
    return Day(**arrays)


def to_json(scene: Scene, day: Day) -> dict[str, Any]:
    """``{"columns": [...], "slots": [[...], ...]}``: a row per slot, as in a table of days."""
    return {"columns": [knob.name for knob in record_knobs(scene)], "slots": to_records(day).tolist()}


def from_json(scene: Scene, data: Mapping[str, Any]) -> Day:
    """The inverse of :func:`to_json`.

    Raises:
        DnnExplainError: something is missing, or it is a day of another scene.
    """
    table = table_from_json(data, "slots", len(record_knobs(scene)), "day")
    return from_records(table, scene)


def _settled(limits: Limits) -> dict[str, tuple[float, float]]:
    return settled_limits(limits, LIMITS, _WIDEST, "a day")


def _changed(scene: Scene, day: Day, rng: np.random.Generator, limits: Limits, times: int) -> Day:
    spans, parts = _settled(limits), _Parts(scene, day)
    for _ in range(times):
        length = min(len(day), int(np.exp(rng.uniform(0, np.log(LONGEST + 1)))))
        first = int(rng.integers(0, len(day) - length + 1))
        move = rng.choice(len(_MOVES), p=[share for _, share in _MOVES])
        _MOVES[move][0](parts, rng, slice(first, first + length), spans)
    return parts.day()


def _set_demand(parts: _Parts, rng: np.random.Generator, part: slice, spans: Mapping[str, tuple[float, float]]) -> None:
    """One user, or all of them, want a level, or a little more or less."""
    low, high = spans["demand"]
    users = slice(None) if rng.random() < 0.2 else rng.integers(parts.scene.users)
    near = parts.demand[part, users] + rng.normal(0.0, 0.15) * (high - low)
    parts.demand[part, users] = np.clip(near, low, high) if rng.random() < 0.5 else rng.uniform(low, high)


def _swing_demand(
    parts: _Parts, rng: np.random.Generator, part: slice, spans: Mapping[str, tuple[float, float]]
) -> None:
    """One user's demand swings between two levels."""
    few, many = np.sort(rng.uniform(*spans["demand"], 2))
    wave = np.arange(part.stop - part.start) // rng.integers(1, 5) % 2
    parts.demand[part, rng.integers(parts.scene.users)] = np.where(wave == 1, many, few)


def _move_user(parts: _Parts, rng: np.random.Generator, part: slice, _spans: Mapping[str, tuple[float, float]]) -> None:
    """One user stands elsewhere, all day or for a while."""
    user, side = rng.integers(parts.scene.users), parts.scene.side
    when = slice(None) if rng.random() < 0.5 else part
    near = parts.place[when, user] + rng.normal(0.0, side / 10, 2)
    parts.place[when, user] = np.clip(near, 0.0, side) if rng.random() < 0.5 else rng.uniform(0.0, side, 2)


def _fade(parts: _Parts, rng: np.random.Generator, part: slice, spans: Mapping[str, tuple[float, float]]) -> None:
    """A link is better or worse, or its phase turns."""
    user, link = rng.integers(parts.scene.users), rng.integers(parts.margin.shape[2])
    if rng.random() < 0.5:
        near = parts.margin[part, user, link] + rng.normal(0.0, 6.0)
        parts.margin[part, user, link] = np.clip(near, *spans["margin"])
    else:
        parts.phase[part, user, link] += rng.uniform(-180.0, 180.0)


def _repeat(parts: _Parts, rng: np.random.Generator, part: slice, _spans: Mapping[str, tuple[float, float]]) -> None:
    """Everything is as in another stretch."""
    length = part.stop - part.start
    other = int(rng.integers(0, len(parts.demand) - length + 1))
    for values in (parts.demand, parts.place, parts.margin, parts.phase):
        values[part] = values[other : other + length].copy()


_MOVES = ((_set_demand, 0.35), (_swing_demand, 0.15), (_move_user, 0.15), (_fade, 0.25), (_repeat, 0.1))
