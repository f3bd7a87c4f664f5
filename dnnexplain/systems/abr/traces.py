"""A link's throughput over time, and many of them packed for the kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError

__all__ = ["SLOWEST", "Packed", "Trace", "pack"]

SLOWEST = 1e-3
"""A trace must carry at least this much on average, Mbit/s: below it no chunk arrives within hours."""


@dataclass(frozen=True, eq=False)
class Trace:
    """Throughput of a link: ``mbps[i]`` holds from ``seconds[i - 1]`` to ``seconds[i]``; then it starts again.

    As in Pensieve's simulator, the first sample's rate is never used, and a repetition begins at time 0.

    Args:
        name: as in tables; the name of its file.
        seconds: sample times, not falling ``[T]``, T >= 2.
        mbps: throughput, Mbit/s, 0 or more ``[T]``.
        notes: what was assumed or mended when it was read, in sentences.

    Raises:
        DnnExplainError: too few samples, a time that runs backwards, a rate that is no throughput, or a
            link that carries next to nothing.
    """

    name: str
    seconds: NDArray[np.float64]
    mbps: NDArray[np.float64]
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        seconds, mbps = np.array(self.seconds, dtype=np.float64), np.array(self.mbps, dtype=np.float64)
        if seconds.ndim != 1 or seconds.shape != mbps.shape or len(seconds) < 2:
            msg = (
                f"the trace {self.name!r} needs at least 2 samples, a time and a throughput each; it has {seconds.size}"
            )
            raise DnnExplainError(msg)
        if not np.isfinite(seconds).all() or seconds[0] < 0 or (np.diff(seconds) < 0).any():
            msg = f"the times of the trace {self.name!r} must be finite seconds from 0 on that do not fall"
            raise DnnExplainError(msg)
        if not np.isfinite(mbps).all() or (mbps < 0).any():
            msg = f"the throughput of the trace {self.name!r} must be finite and 0 or more, in Mbit/s"
            raise DnnExplainError(msg)
        carried = float(mbps[1:] @ np.diff(seconds))
        if carried < SLOWEST * float(seconds[-1]) or carried <= 0:
            msg = (
                f"the trace {self.name!r} carries {carried:g} Mbit in {seconds[-1]:g} s; a session needs a link of at "
                f"least {SLOWEST * 1000:g} kbit/s on average"
            )
            raise DnnExplainError(msg)
        for values in (seconds, mbps):
            values.setflags(write=False)
        object.__setattr__(self, "seconds", seconds)
        object.__setattr__(self, "mbps", mbps)

    @property
    def mean(self) -> float:
        """Mean throughput over time, Mbit/s."""
        return float(self.mbps[1:] @ np.diff(self.seconds)) / float(self.seconds[-1] - self.seconds[0])


class Packed(NamedTuple):
    """``W`` traces one behind another: trace w is ``first[w]`` to ``first[w + 1] - 1``."""

    seconds: NDArray[np.float64]  # [sum of T]
    mbps: NDArray[np.float64]  # [sum of T]
    first: NDArray[np.int64]  # [W + 1]


def pack(traces: Sequence[Trace]) -> Packed:
    """Traces as flat arrays, not to be written to; the last few sets are kept, for searches play the same links often."""
    return _packed(tuple(traces))


@lru_cache(maxsize=8)
def _packed(traces: tuple[Trace, ...]) -> Packed:
    if not traces:
        msg = "there is no trace to play over"
        raise DnnExplainError(msg)
    lengths = [len(trace.seconds) for trace in traces]
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Packed(
        np.concatenate([trace.seconds for trace in traces]), np.concatenate([trace.mbps for trace in traces]), first
    )
