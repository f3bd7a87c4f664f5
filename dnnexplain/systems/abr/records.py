"""Links as tables of records: a row per sample, how long it lasts and how much comes through."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Knob, settled_records
from dnnexplain.systems.abr.traces import SLOWEST, Trace

__all__ = ["RECORD_KNOBS", "from_records", "to_records"]

RECORD_KNOBS = (
    Knob("until", "s", 0.0, 1e6, None),
    Knob("throughput", "Mbit/s", 0.0, 1e4, None),
)
"""The time until which a sample holds, and its rate."""


def to_records(trace: Trace) -> NDArray[np.float64]:
    """Samples as rows ``[T, 2]``."""
    return np.stack([trace.seconds, trace.mbps], axis=1)


def from_records(records: NDArray[np.float64], name: str = "") -> Trace:
    """The trace of rows ``[T, 2]``; times that run backwards are sorted, and a link that carries nothing carries a little."""
    seconds, mbps = settled_records(records, RECORD_KNOBS).T
    seconds = np.sort(seconds)
    if len(seconds) == 1 or seconds[-1] <= seconds[0]:
        seconds, mbps = np.arange(max(2, len(seconds)), dtype=np.float64), np.resize(mbps, max(2, len(mbps)))
    if mbps[1:] @ np.diff(seconds) < SLOWEST * seconds[-1]:
        mbps = mbps + 2 * SLOWEST * seconds[-1] / (seconds[-1] - seconds[0])
    return Trace(name or "link", seconds, mbps)
