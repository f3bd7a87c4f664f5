"""Links as rows of numbers in a box, for a search of the worst one (``contract.WorkloadBox``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, StatedBound
from dnnexplain.systems.abr.traces import Trace

__all__ = ["NearBox", "TraceBox"]

Floats = NDArray[np.float64]
MOST_NUMBERS = 25
"""Numbers of a row at most: a search needs more steps the more there are."""


class TraceBox:
    """Links whose throughput changes every few seconds, within bounds of rate, of change and of total variation.

    Args:
        least, most: bounds of the throughput, Mbit/s.
        change: the most by which it may rise or fall in a second, Mbit/s; a row that asks for more is followed as fast
            as that allows.
        variation: the most by which it may rise and fall in all, the sum of all changes from second to second, Mbit/s; a
            row that asks for more is drawn nearer to its mean. 0: as much as it likes.
        seconds: how long the link lasts before it repeats.
        every: seconds between two numbers of a row.

    Raises:
        DnnExplainError: bounds that leave nothing to choose.
    """

    unit = "Mb/s"
    whole = False

    def __init__(
        self,
        least: float = 0.3,
        most: float = 6.0,
        change: float = 1.0,
        variation: float = 0.0,
        seconds: float = 160.0,
        every: float = 8.0,
    ) -> None:
        if not 0 < least < most:
            msg = f"the least throughput must be above 0 and below the most, not {least:g} and {most:g} Mb/s"
            raise DnnExplainError(msg)
        if not (change > 0 and variation >= 0 and 0 < every <= seconds / 2):
            msg = (
                f"a link needs a change above 0, no negative variation and at least two numbers, not {change:g} Mb/s a "
                f"second, {variation:g} Mb/s in all, every {every:g} s"
            )
            raise DnnExplainError(msg)
        self.least, self.most, self.change, self.variation, self.every = least, most, change, variation, every
        self.times = np.arange(0.0, seconds + 0.5, 1.0)
        count = int(seconds // every) + 1
        self.low, self.high = np.full(count, least), np.full(count, most)
        self.names = tuple(f"throughput at {every * place:g} s" for place in range(count))
        self.blocks = (np.arange(count),)

    def workload(self, x: Floats) -> Trace:
        """The link of one row ``[n]``: straight between its numbers, then inside the bounds, second by second."""
        rate = np.clip(np.interp(self.times, self.every * np.arange(len(x)), x), self.least, self.most)
        for place in range(1, len(rate)):
            rate[place] = np.clip(rate[place], rate[place - 1] - self.change, rate[place - 1] + self.change)
        varied = np.abs(np.diff(rate)).sum()
        if self.variation and varied > self.variation:  # nearer to the mean: the other bounds hold all the more
            rate = rate.mean() + (rate - rate.mean()) * (self.variation / varied)
        return Trace("worst case", self.times, rate)

    def limits(self, x: Floats) -> tuple[StatedBound, ...]:
        """What was asked of every link, and how far the link of one row goes (``contract.BoundedBox``)."""
        rate = self.workload(x).mbps
        steps = np.abs(np.diff(rate))
        varied = [StatedBound("total variation", self.variation, float(steps.sum()), "Mb/s")] if self.variation else []
        return (
            StatedBound("least throughput", self.least, float(rate.min()), "Mb/s", at_most=False),
            StatedBound("most throughput", self.most, float(rate.max()), "Mb/s"),
            StatedBound("change in a second", self.change, float(steps.max()), "Mb/s"),
            *varied,
        )


class NearBox:
    """Links near a given one: its own samples, each times a factor that changes every few seconds.

    Args:
        near: the link.
        within: how far the factor may be from 1.

    Raises:
        DnnExplainError: nothing to choose.
    """

    unit = "times"
    whole = False

    def __init__(self, near: Trace, within: float = 0.3) -> None:
        if not 0 < within <= 1:
            msg = f"how far from the given link is a share above 0 and at most 1 (say --within), not {within:g}"
            raise DnnExplainError(msg)
        self.near, self.within = near, within
        span = float(near.seconds[-1] - near.seconds[0])
        count = int(np.clip(span // 8.0 + 1, 2, MOST_NUMBERS))
        self.at = near.seconds[0] + np.linspace(0.0, span, count)
        self.low, self.high = np.full(count, 1 - within), np.full(count, 1 + within)
        self.names = tuple(f"{near.name}'s throughput at {time:.4g} s" for time in self.at)
        self.blocks = (np.arange(count),)

    def workload(self, x: Floats) -> Trace:
        """The link of one row of factors ``[n]``, straight lines between them."""
        factors = np.clip(np.interp(self.near.seconds, self.at, x), 1 - self.within, 1 + self.within)
        return Trace(f"near {self.near.name}", self.near.seconds, self.near.mbps * factors)

    def limits(self, x: Floats) -> tuple[StatedBound, ...]:
        """How far the link of one row is from the given one, sample by sample (``contract.BoundedBox``)."""
        carried = self.near.mbps > 0
        apart = np.abs(self.workload(x).mbps[carried] / self.near.mbps[carried] - 1)
        return (StatedBound("distance from the given link, of its throughput", self.within, float(apart.max()), ""),)
