"""What a run takes, and so how many of a batch end in the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pace"]

MARGIN = 1.15
"""Runs of a search take longer and longer: the workloads that are worst are seldom the short ones."""

SAFE = 4
"""Where so many times the time is left that a batch seems to take, it is run whole, though one so large was not run before."""
TRIAL = 8
"""Runs that tell what one takes."""


class Pace:
    """How many runs end before a limit, judged by what others took; all of them where there is no limit.

    Runs of one batch share their steps, so few of them take nearly as long as many: what a batch takes is told by the last
    ones of about its size.

    Args:
        left: seconds that are left, infinite where nothing limits them.
        clock: by which they are counted.
    """

    def __init__(self, left: Callable[[], float] = lambda: np.inf, clock: Callable[[], float] = time.monotonic) -> None:
        self.left, self.clock = left, clock
        self.took: dict[int, float] = {}
        self.begin()

    def begin(self) -> None:
        """What is run next begins now."""
        self.began = self.clock()

    def ran(self, count: int) -> None:
        """So many runs ended, with what was done for them since the last ones ended."""
        now = self.clock()
        if count > 0:
            self.took[count] = now - self.began
        self.began = now

    def fits(self, count: int) -> int:
        """Of so many runs, those that end in time; a few while it is not known what one takes."""
        left = self.left()
        if left == np.inf:
            return count
        if left <= 0.0:
            return 0
        if not self.took:
            return min(count, TRIAL)
        seconds = MARGIN * self.seconds(np.arange(1, count + 1))
        known = count if SAFE * seconds[-1] <= left else max(self.took)
        return min(int(np.count_nonzero(seconds <= left)), known)

    def seconds(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """What batches of so many runs ``[N]`` would take: as long as larger ones at most, and in proportion beyond the largest."""
        sizes = sorted(self.took)
        took = np.maximum.accumulate([self.took[size] for size in sizes])
        return np.asarray(np.interp(counts, sizes, took) * np.maximum(counts / sizes[-1], 1.0), dtype=np.float64)

    def through(self, batch: Sequence[Any], run: Callable[[Sequence[Any]], object]) -> bool:
        """Run a batch, in pieces where the whole may not end in time; whether all of it was run."""
        while batch and (count := self.fits(len(batch))):
            run(batch[:count])
            self.ran(count)
            batch = batch[count:]
        return not batch
