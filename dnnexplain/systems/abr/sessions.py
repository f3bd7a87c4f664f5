"""What happened in sessions, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.abr.qoe import QoE
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.video import Video

__all__ = ["Sessions"]

Floats = NDArray[np.float64]
FROZEN = 0.1
"""A session froze if it stalled for more than this share of the time that its video plays."""


@dataclass(frozen=True, eq=False)
class Sessions:
    """``W`` sessions of ``N`` chunks each.

    Figures of a session leave out its first chunk, as published: nobody chose its bitrate, and the buffer is
    empty before it.

    Attributes:
        traces: the links.
        video: what was played.
        actions: index of the bitrate of each chunk, the first included ``[W, N]``.
        delay_ms: of each download with its request ``[W, N]``.
        stall_s: playback stood still during each download, s ``[W, N]``.
        sleep_ms: the player waited after each download because its buffer was full ``[W, N]``.
        buffer_s: video in the buffer after each download and wait ``[W, N]``.
    """

    traces: tuple[Trace, ...]
    video: Video
    actions: NDArray[np.int64]
    delay_ms: Floats
    stall_s: Floats
    sleep_ms: Floats
    buffer_s: Floats

    def rewards(self, qoe: QoE, usual: int | None = None) -> Floats:
        """What each chunk is worth ``[W, N]``; the first's change of quality is counted from ``usual``, or is none."""
        start = self.actions[:, :1] if usual is None else np.full((len(self.actions), 1), usual)
        before = np.concatenate([start, self.actions[:, :-1]], axis=1)
        return qoe.of(self.actions, before, self.stall_s)

    def total(self, qoe: QoE) -> Floats:
        """Of chunks 2 to the last ``[W]``."""
        total: Floats = self.rewards(qoe)[:, 1:].sum(axis=1)
        return total

    @property
    def rebuffering(self) -> Floats:
        """Seconds of stalling in chunks 2 to the last ``[W]``."""
        total: Floats = self.stall_s[:, 1:].sum(axis=1)
        return total

    @property
    def frozen(self) -> Floats:
        """1 for sessions that stalled for more than a tenth of their video's time in chunks 2 to the last, else 0 ``[W]``."""
        plays = self.video.seconds * (self.stall_s.shape[1] - 1)
        return np.asarray(self.rebuffering > FROZEN * plays, dtype=np.float64)

    @property
    def bitrate(self) -> Floats:
        """Mean bitrate of chunks 2 to the last, kbit/s ``[W]``."""
        mean: Floats = self.video.bitrates[self.actions[:, 1:]].mean(axis=1)
        return mean

    @property
    def changes(self) -> Floats:
        """Sum of the changes of bitrate from chunk to chunk, Mbit/s ``[W]``."""
        total: Floats = np.abs(np.diff(self.video.bitrates[self.actions], axis=1)).sum(axis=1) / 1000.0
        return total

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many of chunks 2 to the last came at each bitrate ``[W, A]``."""
        rates = np.arange(len(self.video.bitrates))
        count: NDArray[np.int64] = (self.actions[:, 1:, None] == rates).sum(axis=1)
        return count

    def figures(self, qoe: QoE) -> dict[str, Floats]:
        """The metrics of the spec by name, each ``[W]``."""
        return {
            "qoe": self.total(qoe),
            "rebuffering": self.rebuffering,
            "bitrate": self.bitrate,
            "changes": self.changes,
            "frozen": self.frozen,
        }
