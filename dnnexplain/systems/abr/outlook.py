"""What a link will carry in the next seconds: for the critic of a training, never for a policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.abr.arrays import Arrays
from dnnexplain.systems.abr.traces import Trace

__all__ = ["OUTLOOK", "Outlook"]

OUTLOOK = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Seconds ahead."""


class Outlook:
    """Mean throughput over the next 1, 2, 4 ... 128 s, as the logarithm of 1 + Mbit/s.

    Args:
        traces: those of the simulator, in its order.
    """

    def __init__(self, traces: Sequence[Trace]) -> None:
        ends = [max(1, int(np.ceil(trace.seconds[-1]))) for trace in traces]
        self.first = np.concatenate([[0], np.cumsum([end + OUTLOOK[-1] + 2 for end in ends])[:-1]])
        self.carried = np.concatenate([_carried(trace, end) for trace, end in zip(traces, ends, strict=True)])

    def of(self, arrays: Arrays) -> NDArray[np.float32]:
        """Of each session, from where it is in its trace ``[B, len(OUTLOOK)]``."""
        whole = arrays.clock.astype(np.int64)
        now = self.first[arrays.trace] + whole
        part = arrays.clock - whole
        ahead = np.asarray(OUTLOOK)

        def at(index: NDArray[np.int64]) -> NDArray[np.float64]:
            left = self.carried[index]
            fraction = part.reshape(-1, *[1] * (index.ndim - 1))
            values: NDArray[np.float64] = left + fraction * (self.carried[index + 1] - left)
            return values

        rates = (at(now[:, None] + ahead) - at(now[:, None])) / ahead
        return np.asarray(np.log1p(np.maximum(rates, 0.0)), dtype=np.float32)


def _carried(trace: Trace, end: int) -> NDArray[np.float64]:
    """Mbit carried up to second 0, 1, 2 ... of a trace that repeats ``[end + longest outlook + 2]``."""
    cumulative = np.concatenate([[0.0], np.cumsum(trace.mbps[1:] * np.diff(trace.seconds))])
    # A repetition begins at time 0 with the second sample's rate: that is how the simulator has it.
    lead = trace.mbps[1] * trace.seconds[0]
    period, total = trace.seconds[-1], cumulative[-1] + lead
    grid = np.arange(end + OUTLOOK[-1] + 2.0)
    rounds = np.floor(grid / period)
    within = grid - rounds * period
    inside = np.interp(within, np.concatenate([[0.0], trace.seconds]), np.concatenate([[0.0], cumulative + lead]))
    held: NDArray[np.float64] = rounds * total + inside
    return held
