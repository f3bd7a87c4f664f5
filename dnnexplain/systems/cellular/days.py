"""Days of a cell: recorded or generated series, and the forecasts that were made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.systems.cellular.layout import EFFICIENCY, SESSIONS, WINDOWS

__all__ = ["AHEAD", "Day", "DayStack", "day_of", "stack_days"]

AHEAD = max(last for _, last in WINDOWS)
"""Minutes behind the end of a day that its last forecasts speak of."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Day:
    """One day of ``T`` minutes with the ``H`` minutes before it, as it would be without delay-tolerant traffic.

    Attributes:
        own: congestion, a share of the cell's capacity ``[H + T]``.
        sessions, efficiency: as multiples of the cell's typical ``[H + T]``.
        forecast: of ``own``, made before each minute, over :data:`~dnnexplain.systems.cellular.layout.WINDOWS` ``[T, F]``.
        start: hour at which minute 0 begins.
        name: of its family, or of its file and date.
    """

    own: Floats
    sessions: Floats
    efficiency: Floats
    forecast: Floats
    start: float
    name: str = ""

    @property
    def minutes(self) -> int:
        """``T``."""
        return len(self.forecast)

    @property
    def history(self) -> int:
        """``H``."""
        return len(self.own) - len(self.forecast)


@dataclass(frozen=True, eq=False)
class DayStack:
    """Days of one length, stacked: the arrays of :class:`Day` with a leading axis ``[W]``."""

    own: Floats
    sessions: Floats
    efficiency: Floats
    forecast: Floats
    start: float
    names: tuple[str, ...] = field(default=())

    @property
    def history(self) -> int:
        """``H``."""
        return int(self.own.shape[1] - self.forecast.shape[1])

    @property
    def minutes(self) -> int:
        """``T``."""
        return int(self.forecast.shape[1])


def stack_days(days: Sequence[Day]) -> DayStack:
    """Days as one struct of arrays.

    Raises:
        DnnExplainError: none, or days of different lengths, histories or beginnings.
    """
    if not days:
        msg = "there are no days to run; give at least one"
        raise DnnExplainError(msg)
    kinds = {(day.minutes, day.history, day.start) for day in days}
    if len(kinds) > 1:
        shown = ", ".join(f"{counted(minutes, 'minute')} from {start:g} h" for minutes, _, start in sorted(kinds))
        msg = f"days that run together must have one length, history and beginning; these have {len(kinds)}: {shown}"
        raise DnnExplainError(msg)
    series = {
        name: np.stack([getattr(day, name) for day in days]) for name in ("own", "sessions", "efficiency", "forecast")
    }
    return DayStack(**series, start=days[0].start, names=tuple(day.name for day in days))


def day_of(
    series: Mapping[str, Floats], history: int, start: float, error: float, rng: np.random.Generator, name: str = ""
) -> Day:
    """A day from its series, with forecasts drawn.

    A forecast is the true mean congestion of its window plus an error that is normal, independent from minute to
    minute and window to window, and of standard deviation ``error`` times the square root of the minutes ahead
    (of the window's middle), cut off at 0 and 1. All numbers are rounded to float32, so that what a network sees
    is to the bit what is simulated.

    Args:
        series: ``own``, ``sessions``, ``efficiency`` ``[H + T + AHEAD]``.
        history: ``H``.
        start: hour at which minute 0 begins.
        error: of a forecast one minute ahead, a share of capacity.
        rng: of the errors.
        name: of the day.
    """
    own = _single(np.clip(series["own"], 0.0, 1.0))
    end = len(own) - AHEAD
    minutes = end - history
    total = np.concatenate([[0.0], np.cumsum(own)])
    shocks = rng.standard_normal((minutes, len(WINDOWS)))
    forecast = np.empty((minutes, len(WINDOWS)))
    for k, (first, last) in enumerate(WINDOWS):
        begin = np.arange(minutes) + history + first - 1
        mean = (total[begin + last - first + 1] - total[begin]) / (last - first + 1)
        forecast[:, k] = mean + error * np.sqrt((first + last) / 2) * shocks[:, k]
    return Day(
        own[:end],
        _single(np.clip(series["sessions"][:end], *SESSIONS)),
        _single(np.clip(series["efficiency"][:end], *EFFICIENCY)),
        _single(np.clip(forecast, 0.0, 1.0)),
        start,
        name,
    )


def _single(values: Floats) -> Floats:
    return values.astype(np.float32).astype(np.float64)
