"""Links as rows of numbers in a box, for a search of the worst one (``contract.WorkloadBox``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.traces import Trace

__all__ = ["TraceBox"]


class TraceBox:
    """Links whose throughput changes every few seconds, within bounds of rate and of change.

    Args:
        least, most: bounds of the throughput, Mbit/s.
        change: the most by which it may rise or fall in a second, Mbit/s; a row that asks for more is followed as fast
            as that allows.
        seconds: how long the link lasts before it repeats.
        every: seconds between two numbers of a row.
        near: a link that it must stay near to, or ``None``.
        within: how far from ``near`` it may go, as a share of ``near``'s throughput.

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
        seconds: float = 160.0,
        every: float = 8.0,
        near: Trace | None = None,
        within: float = 0.3,
    ) -> None:
        if not 0 < least < most:
            msg = f"the least throughput must be above 0 and below the most, not {least:g} and {most:g} Mb/s"
            raise DnnExplainError(msg)
        if not (change > 0 and 0 < every <= seconds / 2):
            msg = f"a link needs a change above 0 and at least two numbers, not {change:g} Mb/s a second every {every:g} s"
            raise DnnExplainError(msg)
        self.change, self.every = change, every
        self.times = np.arange(0.0, seconds + 0.5, 1.0)
        count = int(seconds // every) + 1
        self.low, self.high = np.full(count, least), np.full(count, most)
        self.floor, self.top = np.full(len(self.times), least), np.full(len(self.times), most)
        if near is not None:
            rate = near.mbps[1:][
                np.minimum(np.searchsorted(near.seconds[1:], self.times % near.seconds[-1]), len(near.mbps) - 2)
            ]
            self.floor, self.top = (np.clip(rate * (1 + sign * within), least, most) for sign in (-1, 1))
        self.names = tuple(f"throughput at {every * place:g} s" for place in range(count))
        self.blocks = (np.arange(count),)

    def workload(self, x: NDArray[np.float64]) -> Trace:
        """The link of one row ``[n]``: straight between its numbers, then inside the bounds, second by second."""
        wanted = np.interp(self.times, self.every * np.arange(len(x)), x)
        rate = np.clip(wanted, self.floor, self.top)
        for place in range(1, len(rate)):  # no faster than the change allows; where both bind, the change does
            rate[place] = np.clip(rate[place], rate[place - 1] - self.change, rate[place - 1] + self.change)
        return Trace("worst case", self.times, rate)
