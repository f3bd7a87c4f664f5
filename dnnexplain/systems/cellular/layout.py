"""What a controller sees: the knobs of a cell, in order, with units, bounds and groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Knob

__all__ = ["WINDOWS", "Layout"]

WINDOWS = ((1, 1), (2, 5), (6, 15), (16, 30))
"""Minutes ahead, first and last, over whose mean each forecast speaks; 1 is the minute that the action is for."""

SESSIONS = (0.0, 5.0)
EFFICIENCY = (0.1, 2.0)
"""Bounds, as multiples of the cell's typical."""
MOST_ADDED = 3.0
"""The most added load that a state may show, as a share of capacity, where nothing else bounds it."""


def _ago(lag: int) -> str:
    return "last minute" if lag == 1 else f"{lag} min ago"


def _ahead(first: int, last: int) -> str:
    return "forecast next minute" if first == last == 1 else f"forecast {first} to {last} min"


@dataclass(frozen=True)
class Layout:
    """Where each quantity stands in a state; values are in domain units, and the network sees them as they are.

    Args:
        history: minutes seen of congestion, sessions and efficiency.
        start: hour at which a day begins.
        minutes: that a day lasts.
        fullest: the most load that can be added, a share of capacity; may be infinite.
    """

    history: int
    start: float
    minutes: int
    fullest: float

    def __post_init__(self) -> None:
        if self.history < 1:
            msg = f"history is a number of minutes, 1 or more, not {self.history}"
            raise DnnExplainError(msg)

    @property
    def width(self) -> int:
        """Number of knobs."""
        return 2 + 3 * self.history + len(WINDOWS)

    @property
    def time(self) -> int:
        """Hour of the day."""
        return 0

    @property
    def load(self) -> int:
        """Load that we have added."""
        return 1

    @property
    def congestion(self) -> slice:
        """Congestion, ours included, from the newest minute to the oldest."""
        return slice(2, 2 + self.history)

    @property
    def sessions(self) -> slice:
        """Sessions, in the same order."""
        return slice(2 + self.history, 2 + 2 * self.history)

    @property
    def efficiency(self) -> slice:
        """Efficiency, in the same order."""
        return slice(2 + 2 * self.history, 2 + 3 * self.history)

    @property
    def forecast(self) -> slice:
        """Forecasts of the cell's own congestion, by :data:`WINDOWS`."""
        return slice(2 + 3 * self.history, self.width)

    def knobs(self) -> tuple[Knob, ...]:
        """All knobs, in the order of a state."""
        lags, share, times = range(1, self.history + 1), "of capacity", "x typical"
        end, most = self.start + self.minutes / 60, min(self.fullest, MOST_ADDED)
        row = [
            Knob("time of day", "h", self.start, end, None, "time of day", min(self.start + 4, end)),
            Knob("our load", share, 0.0, most, None, "our load", most / 4),
        ]
        for name, unit, (low, high), usual in (
            ("congestion", share, (0.0, 1.0 + most), 0.45 + most / 4),
            ("sessions", times, SESSIONS, 1.0),
            ("efficiency", times, EFFICIENCY, 1.0),
        ):
            row += [Knob(f"{name} {_ago(lag)}", unit, low, high, None, name, usual) for lag in lags]
        row += [Knob(_ahead(*window), share, 0.0, 1.0, None, "forecast", 0.45) for window in WINDOWS]
        return tuple(row)

    def groups(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Names of the groups of knobs, and the group of each ``[K]``."""
        of = [knob.group for knob in self.knobs()]
        names = tuple(dict.fromkeys(of))
        return names, np.array([names.index(name) for name in of], dtype=np.int64)
