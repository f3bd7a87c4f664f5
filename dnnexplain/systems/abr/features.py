"""What a rule about bitrates would look at: a state in domain quantities, for decision trees in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.abr.codec import Codec

__all__ = ["BitrateFeatures"]

Floats = NDArray[np.float64]
LONGEST = 120.0
"""Seconds at most that a chunk is expected to take."""


class BitrateFeatures:
    """Domain quantities of a state, by name: ``features(observations)`` gives ``[B, F]`` numbers.

    "Throughput of the last 5" is their harmonic mean, which the time that a chunk takes follows; samples from
    before the session are left out. "Buffer after the next chunk at 750 kbps" is what would be left if that chunk
    came at this throughput: below 0 it would stall for as long. ``moves`` are what rules say to do.

    Args:
        codec: reads the picture.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        labels = codec.video.labels
        past = {f"throughput {n}": "Mb/s" for n in range(1, codec.columns + 1)}
        self.units = {
            "last bitrate": "kbps",
            "buffer": "s",
            **past,
            "throughput of the last 5": "Mb/s",
            "least throughput of the last 5": "Mb/s",
            "download time 1": "s",
            "chunks remaining": "chunks",
            **{f"size of the next chunk at {label}": "MB" for label in labels},
            "throughput of the last 3": "Mb/s",
            f"throughput of the last {codec.columns}": "Mb/s",
            **{f"buffer after the next chunk at {label}": "s" for label in labels},
        }
        self.names = tuple(self.units)
        self.moves = (
            "keep the bitrate",
            "one bitrate higher",
            "one bitrate lower",
            "the highest bitrate below the throughput of the last 5",
            *labels,
        )

    def __call__(self, observations: NDArray[Any]) -> Floats:
        """The quantities of observations ``[B, 6, L]``; ``[B, F]`` in the order of ``names``."""
        codec, rows = self.codec, self.codec.decode(observations)
        rates = rows[:, codec.throughput]
        harmonic, least = _harmonic(rates, 5), _least(rates, 5)
        sizes = rows[:, codec.sizes]
        with np.errstate(divide="ignore"):
            takes = np.minimum(8.0 * sizes / harmonic[:, None], LONGEST)
        columns = [
            rows[:, 0], rows[:, 1], *rates[:, ::-1].T, harmonic, least, rows[:, codec.download][:, -1],
            rows[:, codec.remaining], *sizes.T, _harmonic(rates, 3), _harmonic(rates, codec.columns),
            *(rows[:, [1]] - takes).T,
        ]  # fmt: skip
        return np.stack(columns, axis=1)

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """The bitrate that each of ``moves`` is ``[B, R]``."""
        codec, rows = self.codec, self.codec.decode(observations)
        level, top = codec.level(rows), codec.rates - 1
        harmonic = _harmonic(rows[:, codec.throughput], 5)
        below = np.maximum((codec.video.bitrates <= harmonic[:, None] * 1000).sum(axis=1) - 1, 0)
        fixed = [np.full(len(rows), rate) for rate in range(codec.rates)]
        moves = [level, np.minimum(level + 1, top), np.maximum(level - 1, 0), below, *fixed]
        return np.stack(moves, axis=1).astype(np.int64)


def _harmonic(rates: Floats, count: int) -> Floats:
    """Harmonic mean of the last throughputs ``[B]``, those that are 0 left out; 0 if all are."""
    recent = rates[:, -count:]
    there = recent > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        slow = np.where(there, 1.0 / recent, 0.0).sum(axis=1)
        mean: Floats = np.where(slow > 0, there.sum(axis=1) / slow, 0.0)
    return mean


def _least(rates: Floats, count: int) -> Floats:
    """Least of the last throughputs ``[B]``, those that are 0 left out; 0 if all are."""
    recent = rates[:, -count:]
    least = np.where(recent > 0, recent, np.inf).min(axis=1)
    return np.where(np.isfinite(least), least, 0.0)
