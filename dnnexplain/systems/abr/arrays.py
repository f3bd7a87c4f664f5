"""The simulator's parameters, and its state as a struct of arrays with one row per session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.abr.video import Video

__all__ = ["HISTORY", "ROWS", "Arrays", "Constants", "Params", "columns_of", "make_arrays", "make_constants"]

ROWS = 6
"""Last bitrate, buffer, throughputs, download times, next sizes, chunks remaining."""

HISTORY = 8
"""Samples of throughput and download time that a state holds."""

_BUFFER_SCALE = 10.0
_REMAINING_CAP = 48


@dataclass(frozen=True, slots=True)
class Params:
    """The player and the link, as in Pensieve's code unless changed.

    Args:
        payload: share of a trace's throughput that carries video (packet headers take the rest).
        request_ms: added to every download; the published code lets the trace stand still meanwhile.
        buffer_limit: seconds of video at which the player stops asking; it then waits in steps of ``sleep_ms``.
        first: index of the bitrate of the first chunk, which no policy chooses.
        noise: downloads take a factor from U(1 - noise, 1 + noise) longer (the training environment: 0.1).
        wrap: whether the row of next sizes keeps what the published code's ``np.roll`` leaves behind in its
            last columns: the smallest next size of one and two steps before. Without, they are 0.

    Raises:
        DnnExplainError: a number out of its range.
    """

    payload: float = 0.95
    request_ms: float = 80.0
    buffer_limit: float = 60.0
    sleep_ms: float = 500.0
    first: int = 1
    noise: float = 0.0
    wrap: bool = True

    def __post_init__(self) -> None:
        ranges = {
            "payload": (0.01, 1.0), "request_ms": (0.0, 60_000.0), "buffer_limit": (1.0, 3600.0),
            "sleep_ms": (1.0, 60_000.0), "first": (0, 31), "noise": (0.0, 0.9),
        }  # fmt: skip
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:  # NaN is refused, too
                msg = f"{name} must be between {low:g} and {high:g}, not {value!r}"
                raise DnnExplainError(msg)


class Constants(NamedTuple):
    """What the kernels need to know of :class:`Params` and of the video."""

    bitrates: int
    columns: int
    chunks: int
    payload: float
    request_ms: float
    chunk_ms: float
    limit_ms: float
    sleep_ms: float
    first: int
    wrap: bool
    remaining_cap: float
    buffer_scale: float
    level: NDArray[np.float64]  # [A] bitrate over the largest
    sizes: NDArray[np.float64]  # [rows + 1, A] bytes; one row more, so that "the next chunk" always exists


class Arrays(NamedTuple):
    """The state of ``B`` sessions."""

    trace: NDArray[np.int64]  # [B] which trace it plays over
    start: NDArray[np.int64]  # [B] the sample at which it starts, 1 or more
    pointer: NDArray[np.int64]  # [B] the sample now in force, 1 ... T - 1
    clock: NDArray[np.float64]  # [B] time within the trace, s
    buffer: NDArray[np.float64]  # [B] video not yet played, ms
    chunk: NDArray[np.int64]  # [B] chunks downloaded
    last: NDArray[np.int64]  # [B] index of the last bitrate
    played: NDArray[np.float64]  # [B] time since the session began, s: downloads, requests, waits
    done: NDArray[np.bool_]  # [B]
    state: NDArray[np.float64]  # [B, 6, L] what a policy sees
    delay: NDArray[np.float64]  # [B] of the last download, ms
    stall: NDArray[np.float64]  # [B] during the last download, s
    sleep: NDArray[np.float64]  # [B] after the last download, ms
    size: NDArray[np.float64]  # [B] of the last download, bytes


def columns_of(video: Video) -> int:
    """Columns of an observation: 8, or one per bitrate of a longer ladder."""
    return max(HISTORY, len(video.bitrates))


def make_constants(params: Params, video: Video) -> Constants:
    """The numbers for the kernels."""
    if params.first >= len(video.bitrates):
        msg = f"the first chunk's bitrate {params.first} does not exist: the ladder has {len(video.bitrates)}"
        raise DnnExplainError(msg)
    return Constants(
        bitrates=len(video.bitrates),
        columns=columns_of(video),
        chunks=video.chunks,
        payload=params.payload,
        request_ms=params.request_ms,
        chunk_ms=video.seconds * 1000.0,
        limit_ms=max(params.buffer_limit, video.seconds) * 1000.0,
        sleep_ms=params.sleep_ms,
        first=params.first,
        wrap=params.wrap,
        remaining_cap=float(_REMAINING_CAP),
        buffer_scale=_BUFFER_SCALE,
        level=video.bitrates / video.bitrates[-1],
        sizes=np.concatenate([video.sizes, video.sizes[:1]]),
    )


def make_arrays(trace: NDArray[np.int64], start: NDArray[np.int64], columns: int) -> Arrays:
    """Room for one session per entry of ``trace``."""
    count = len(trace)

    def numbers() -> NDArray[np.float64]:
        return np.zeros(count)

    def whole() -> NDArray[np.int64]:
        return np.zeros(count, dtype=np.int64)

    return Arrays(
        trace=trace, start=start, pointer=whole(), clock=numbers(), buffer=numbers(), chunk=whole(), last=whole(),
        played=numbers(), done=np.zeros(count, dtype=np.bool_), state=np.zeros((count, ROWS, columns)),
        delay=numbers(), stall=numbers(), sleep=numbers(), size=numbers(),
    )  # fmt: skip
