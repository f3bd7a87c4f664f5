"""What a rule about bitrates would look at: a state in domain quantities, for decision trees in words."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.arrays import ROWS
from dnnexplain.systems.abr.codec import SAME, Codec
from dnnexplain.systems.abr.feature_kernels import AHEAD, Scales, describe_states
from dnnexplain.systems.abr.keeping_kernels import GAINS, KEPT
from dnnexplain.systems.abr.qoe import QoE, make_qoe

__all__ = ["BitrateFeatures"]

Floats = NDArray[np.float64]
NEXT = ("at the same bitrate", "one bitrate higher")
CARRIED = (
    f"rate that throughput and buffer carry for {AHEAD} chunks",
    f"rate that the least throughput and buffer carry for {AHEAD} chunks",
    "rate that throughput and buffer carry to the end",
)
PLANS = tuple(
    f"{chunks} chunks at {'' if share == 1 else f'{share:.0%} of '}the {('', 'least ')[kind]}throughput of the last 5"
    for share, kind, chunks in KEPT
)
"""For how long a bitrate is kept, and at which speed its chunks are taken to come."""
LONGEST = 120.0
"""Seconds at most that a chunk is expected to take."""


class BitrateFeatures:
    """Domain quantities of a state, by name: ``features(observations)`` gives ``[B, F]`` numbers.

    "Throughput of the last 5" is their harmonic mean, which the time that a chunk takes follows; samples from
    before the session are left out. "Buffer after the next chunk at 750 kbps" is what would be left if that chunk
    came at this throughput: below 0 it would stall for as long. A rate is carried for 5 chunks if the buffer is used up
    when they have come at it. A bitrate is best kept for 12 chunks if, of those that stay the same for so long (or to
    the end of the video), its quality less what stalls and the change to it take is largest (see ``keeping_kernels``).
    ``moves`` are what rules say to do.

    Args:
        codec: reads the picture.
        qoe: by which a bitrate is best kept; the linear one if not given.
    """

    def __init__(self, codec: Codec, qoe: QoE | None = None) -> None:
        self.codec = codec
        self.qoe = qoe or make_qoe("linear", codec.video.bitrates)
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
            **{f"buffer after the next chunk {at}{by}": "s" for by in ("", ", by the least throughput") for at in NEXT},
            **dict.fromkeys(CARRIED, "Mb/s"),
            **{
                f"gain of one bitrate {to}, kept for {PLANS[plan]}": "QoE"
                for plan in GAINS
                for to in ("higher", "lower")
            },
        }
        self.names = tuple(self.units)
        self.whole = ("chunks remaining",)
        self.moves = (
            "keep the bitrate",
            "one bitrate higher",
            "one bitrate lower",
            "the highest bitrate below the throughput of the last 5",
            *labels,
            *(f"the highest bitrate below the {rate}" for rate in CARRIED),
            *(f"one bitrate towards the {rate}" for rate in CARRIED),
            *(f"the bitrate that is best kept for {plan}" for plan in PLANS),
            *(f"one bitrate towards the one that is best kept for {plan}" for plan in PLANS),
        )

    def __call__(self, observations: NDArray[Any]) -> Floats:
        """The quantities of observations ``[B, 6, L]``; ``[B, F]`` in the order of ``names``."""
        return self._described(observations)[0]

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """The bitrate that each of ``moves`` is ``[B, R]``."""
        return self._described(observations)[1]

    def _described(self, observations: NDArray[Any]) -> tuple[Floats, NDArray[np.int64]]:
        pictures = np.ascontiguousarray(observations, dtype=np.float64)
        if pictures.shape[1:] != (ROWS, self.codec.columns):
            msg = f"observations must be [B, {ROWS}, {self.codec.columns}], not {list(pictures.shape)}"
            raise DnnExplainError(msg)
        features = np.empty((len(pictures), len(self.names)))
        moves = np.empty((len(pictures), len(self.moves)), dtype=np.int64)
        describe_states(pictures, self.scales, features, moves)
        return features, moves

    @cached_property
    def scales(self) -> Scales:
        """How the codec's knobs stand in an observation, for the compiled code."""
        codec = self.codec
        return Scales(
            codec.video.bitrates,
            codec.columns,
            codec.cell,
            codec.scale,
            codec.low,
            codec.high,
            SAME,
            LONGEST,
            codec.video.seconds,
            self.qoe.quality,
            self.qoe.rebuffer_penalty,
            self.qoe.change_penalty,
        )
