"""A video as a player sees it: a ladder of bitrates and the size of every chunk at each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted

__all__ = ["MOST_BITRATES", "Video", "default_video", "parse_csv"]

MOST_BITRATES = 32
_LARGEST = 1e9


@dataclass(frozen=True, eq=False)
class Video:
    """Chunks of equal length, each encoded at every bitrate of a ladder.

    Args:
        name: how it is called in tables and results.
        bitrates: the ladder, rising, kbit/s ``[A]``.
        sizes: bytes ``[rows, A]``, one row per chunk. The published video has a row more than a session
            downloads: see ``chunks``.
        seconds: how long one chunk plays.
        chunks: chunks that a session downloads; default: every row.
        source: where the numbers come from, for results.

    Raises:
        DnnExplainError: the ladder does not rise, a size is not a positive number, or shapes differ.
    """

    name: str
    bitrates: NDArray[np.float64]
    sizes: NDArray[np.float64]
    seconds: float = 4.0
    chunks: int = 0
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        bitrates, sizes = np.array(self.bitrates, dtype=np.float64), np.array(self.sizes, dtype=np.float64)
        if bitrates.ndim != 1 or not 2 <= len(bitrates) <= MOST_BITRATES:
            msg = f"a ladder has 2 to {MOST_BITRATES} bitrates in kbit/s, not {bitrates.size}"
            raise DnnExplainError(msg)
        if not np.isfinite(bitrates).all() or bitrates[0] <= 0 or (np.diff(bitrates) <= 0).any():
            shown = ", ".join(f"{rate:g}" for rate in bitrates)
            msg = (
                f"the bitrates of a ladder must be positive and rise from one to the next, in kbit/s; they are {shown}"
            )
            raise DnnExplainError(msg)
        _check_sizes(self.name, sizes, len(bitrates))
        if not (np.isfinite(self.seconds) and self.seconds > 0):
            msg = f"a chunk must play for a positive number of seconds, not {self.seconds!r}"
            raise DnnExplainError(msg)
        chunks = self.chunks or len(sizes)
        if not 2 <= chunks <= len(sizes):
            msg = f"a session of the video {self.name!r} must have 2 chunks or more, up to {len(sizes)}, not {chunks}"
            raise DnnExplainError(msg)
        for values in (bitrates, sizes):
            values.setflags(write=False)
        object.__setattr__(self, "bitrates", bitrates)
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "chunks", int(chunks))

    @property
    def labels(self) -> tuple[str, ...]:
        """A name per bitrate: ``("300 kbps", ..., "1,200 kbps", ...)``; also the names of the actions."""
        return tuple(f"{rate:,g} kbps" for rate in self.bitrates)

    @property
    def smallest(self) -> NDArray[np.float64]:
        """The smallest chunk at each bitrate, bytes ``[A]``."""
        least: NDArray[np.float64] = self.sizes.min(axis=0)
        return least

    @property
    def largest(self) -> NDArray[np.float64]:
        """The largest chunk at each bitrate, bytes ``[A]``."""
        most: NDArray[np.float64] = self.sizes.max(axis=0)
        return most


def _check_sizes(name: str, sizes: NDArray[np.float64], bitrates: int) -> None:
    if sizes.ndim != 2 or sizes.shape[1] != bitrates or len(sizes) < 2:
        msg = (
            f"the video {name!r} needs a size in bytes for each of at least 2 chunks at each of its {bitrates} "
            f"bitrates; the sizes given have the shape {list(sizes.shape)}"
        )
        raise DnnExplainError(msg)
    wrong = ~(np.isfinite(sizes) & (sizes > 0) & (sizes <= _LARGEST))
    if wrong.any():
        chunk, rate = np.argwhere(wrong)[0]
        msg = (
            f"chunk {chunk + 1} of the video {name!r} has the size {sizes[chunk, rate]:g} at bitrate {rate + 1}; "
            "a size is a number of bytes above 0 and at most 1e9"
        )
        raise DnnExplainError(msg)


def parse_csv(text: str, name: str, *, seconds: float = 4.0, chunks: int = 0) -> Video:
    """A video from comma-separated text: a first line of bitrates in kbit/s, then a line of bytes per chunk.

    Lines that begin with ``#`` are comments; ``# seconds: 4`` and ``# chunks: 48`` among them are read.

    Raises:
        DnnExplainError: naming the line that is wrong.
    """
    rows: list[list[float]] = []
    notes = {"seconds": seconds, "chunks": float(chunks)}
    comments = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            comments.append(line.lstrip("# "))
            key, _, value = comments[-1].partition(":")
            if key.strip() in notes:
                notes[key.strip()] = _number(value, name, number)
        elif line.strip():
            rows.append([_number(part, name, number) for part in line.replace(";", ",").split(",")])
            if len(rows[-1]) != len(rows[0]):
                msg = f"line {number} of {name} has {len(rows[-1])} numbers; its first line has {counted(len(rows[0]), 'bitrate')}"
                raise DnnExplainError(msg)
    if len(rows) < 3:
        msg = f"{name} must hold a line of bitrates (kbit/s) and then a line of chunk sizes (bytes) for each chunk"
        raise DnnExplainError(msg)
    source = next((comment for comment in comments if comment.partition(":")[0].strip() not in notes), "")
    return Video(name, np.array(rows[0]), np.array(rows[1:]), notes["seconds"], int(notes["chunks"]), source)


def _number(text: str, name: str, line: int) -> float:
    try:
        return float(text)
    except ValueError:
        msg = f"line {line} of {name}: {text.strip()[:40]!r} is not a number"
        raise DnnExplainError(msg) from None


@cache
def default_video() -> Video:
    """The video of the Pensieve paper: 48 chunks of 4 s (and a 49th row), six bitrates from 300 to 4300 kbit/s."""
    text = resources.files(__package__).joinpath("videos", "pensieve.csv").read_text(encoding="utf-8")
    return parse_csv(text, "pensieve")
