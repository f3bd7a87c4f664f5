"""Knobs of a state and the 6 x 8 picture that a policy sees: each paints the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Knob
from dnnexplain.systems.abr.arrays import ROWS, Params, columns_of
from dnnexplain.systems.abr.video import Video

__all__ = ["CAP", "LONGEST", "SAME", "SLOWEST_MBPS", "Codec"]

Floats = NDArray[np.float64]
SLOWEST_MBPS = 0.001
"""The least throughput of a sample; 0 stands for a chunk before the session began."""

LONGEST = 120.0
"""Seconds at most that a chunk's download is shown to have taken."""
CAP = 48
"""Chunks remaining at most that are shown."""
SAME = 1e-5
"""Share by which a size or a bitrate may be off and still be the one meant."""


class Codec:
    """The knobs of a video and a player, and how they stand in an observation.

    In the order of a state's values: last bitrate (kbit/s), buffer (s), throughputs of the last L chunks (Mbit/s,
    oldest first), their download times (s), the next chunk's sizes (MB), chunks remaining. ``L`` is 8, or the
    number of bitrates if that is larger. "throughput 1" is that of the newest chunk, "throughput 8" of the oldest.

    **Physics.** A valid state could have come from a session of this video: how many chunks remain says which chunks
    were downloaded, and each sample's throughput times its download time is the size of that chunk at one of its
    bitrates (of the newest: at the last bitrate). So a download time follows from its throughput. Where ``free`` is
    true, download times and throughputs are independent. The next sizes rise with the bitrate, and each lies within
    what the video has at that bitrate.

    Args:
        video: what is played.
        params: the player.
        free: see above.
    """

    def __init__(self, video: Video, params: Params, *, free: bool = False) -> None:
        self.video, self.params, self.free = video, params, free
        self.columns = columns_of(video)
        self.rates = len(video.bitrates)
        self.fastest = float(f"{7 * video.bitrates[-1] / 1000:.1g}")
        self.soonest = max(params.request_ms, 1.0) / 1000.0
        self.knobs = self._knobs()
        self.low = np.array([knob.low for knob in self.knobs])
        self.high = np.array([knob.high for knob in self.knobs])
        columns, last = self.columns, self.columns - 1
        self.throughput = slice(2, 2 + columns)
        self.download = slice(2 + columns, 2 + 2 * columns)
        self.sizes = slice(2 + 2 * columns, 2 + 2 * columns + self.rates)
        self.remaining = 2 + 2 * columns + self.rates
        cells = np.arange(ROWS * columns).reshape(ROWS, columns)
        self.cell = np.concatenate([[cells[0, last], cells[1, last]], cells[2], cells[3], cells[4, : self.rates],
                                    [cells[5, last]]])  # fmt: skip
        self.scale = np.concatenate([
            [1.0 / video.bitrates[-1], 0.1], np.full(columns, 1 / 8.0), np.full(columns, 0.1), np.ones(self.rates),
            [1.0 / CAP],
        ])  # fmt: skip

    def _knobs(self) -> tuple[Knob, ...]:
        video, columns = self.video, self.columns
        rates = video.bitrates
        limit = max(self.params.buffer_limit, video.seconds)
        middle = min(video.chunks // 2, CAP)
        ages = range(columns, 0, -1)
        last = rates[min(2, self.rates - 1)]
        typical = video.sizes[video.chunks - middle - 1, min(2, self.rates - 1)] / 1e6
        return (
            Knob("last bitrate", "kbps", rates[0], rates[-1], None, "last bitrate", default=float(last)),
            Knob("buffer", "s", 0.0, limit, None, "buffer", default=min(15.0, limit)),
            *(Knob(f"throughput {n}", "Mb/s", 0.0, self.fastest, None, "throughput", default=1.5) for n in ages),
            *(Knob(f"download time {n}", "s", 0.0, LONGEST, None, "download time",
                   default=float(min(typical * 8 / 1.5, LONGEST))) for n in ages),
            *(Knob(f"next size {rate:g}", "MB", float(f"{video.smallest[i] / 1e6:.6g}"), float(f"{video.largest[i] / 1e6:.6g}"),
                   None, "next sizes", default=float(np.median(video.sizes[:, i])) / 1e6) for i, rate in enumerate(rates)),
            Knob("chunks remaining", "chunks", 0.0, float(min(video.chunks - 1, CAP)), 1.0, "chunks remaining",
                 default=float(middle)),
        )  # fmt: skip

    # --- pictures -------------------------------------------------------------------------------

    def encode(self, values: Floats, background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Observations ``[B, 6, L]`` of knob values ``[B, K]``.

        What no knob speaks of comes from the background; without one it is painted as far as the knobs tell: the
        bitrates and remaining chunks of the samples before, the smallest sizes that rolling leaves behind; of the
        buffers before, today's stands.
        """
        rows = np.asarray(values, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.knobs):
            msg = f"knob values must be [B, {len(self.knobs)}], not {list(rows.shape)}"
            raise DnnExplainError(msg)
        painted = (rows * self.scale).astype(np.float32)
        shape = (len(rows), ROWS, self.columns)
        if background is None:
            flat = self._before(rows).reshape(len(rows), -1)
            flat[:, self.cell] = painted
            return flat.reshape(shape)
        behind = np.broadcast_to(np.asarray(background, dtype=np.float32), shape).copy()
        flat = behind.reshape(len(rows), -1)
        kept = self.decode(behind) == rows
        flat[:, self.cell] = np.where(kept, flat[:, self.cell], painted)
        return flat.reshape(shape)

    def decode(self, observations: NDArray[Any]) -> Floats:
        """Knob values ``[B, K]`` of observations, held within the knobs' bounds."""
        pictures = np.asarray(observations, dtype=np.float64)
        if pictures.shape[1:] != (ROWS, self.columns):
            msg = f"observations must be [B, {ROWS}, {self.columns}], not {list(pictures.shape)}"
            raise DnnExplainError(msg)
        rows = pictures.reshape(len(pictures), -1)[:, self.cell] / self.scale
        nearest = self.video.bitrates[self.level(rows)]
        rows[:, 0] = np.where(np.abs(rows[:, 0] - nearest) <= SAME * nearest, nearest, rows[:, 0])
        whole = np.rint(rows[:, self.remaining])
        near = np.abs(rows[:, self.remaining] - whole) < 1e-4
        rows[:, self.remaining] = np.where(near, whole, rows[:, self.remaining])
        return np.asarray(np.clip(rows, self.low, self.high))

    def _before(self, rows: Floats) -> NDArray[np.float32]:
        """The cells that no knob has, as the knobs let them be guessed ``[B, 6, L]``."""
        video, columns, last = self.video, self.columns, self.columns - 1
        picture = np.zeros((len(rows), ROWS, columns))
        downloaded = self.downloaded(rows)
        ages = last - np.arange(columns)
        there = downloaded[:, None] > ages
        picture[:, 0] = np.where(there, video.bitrates[self.levels(rows)] * self.scale[0], 0.0)
        picture[:, 1] = np.where(there, rows[:, 1:2] * 0.1, 0.0)
        left = rows[:, self.remaining, None] + ages
        picture[:, 5] = np.where(there, np.minimum(left, CAP) / CAP, 0.0)
        if self.params.wrap:
            for column in range(self.rates, columns):
                index = downloaded - (columns - column)
                known = index >= 1
                picture[:, 4, column] = np.where(known, video.sizes[np.maximum(index, 0), 0] / 1e6, 0.0)
        return picture.astype(np.float32)

    # --- what is valid --------------------------------------------------------------------------

    def level(self, rows: Floats) -> NDArray[np.int64]:
        """The index of the bitrate nearest to the last one ``[B]``."""
        return np.asarray(np.abs(rows[:, :1] - self.video.bitrates).argmin(axis=1))

    def downloaded(self, rows: Floats) -> NDArray[np.int64]:
        """How many chunks were downloaded ``[B]``."""
        return self.video.chunks - np.rint(rows[:, self.remaining]).astype(np.int64)

    def levels(self, rows: Floats) -> NDArray[np.int64]:
        """The bitrate of each past sample, by the size that it moved ``[B, L]``."""
        moved = rows[:, self.throughput] * rows[:, self.download] / 8.0
        index = np.clip(self.downloaded(rows)[:, None] - (self.columns - np.arange(self.columns)), 0, None)
        offered = self.video.sizes[index] / 1e6  # [B, L, A]
        with np.errstate(divide="ignore"):
            apart = np.abs(np.log(offered) - np.log(moved)[:, :, None])
        rates: NDArray[np.int64] = apart.argmin(axis=2)
        rates[:, -1] = self.level(rows)
        return rates

    def repair(self, values: Floats) -> Floats:
        """The nearest valid values ``[B, K]``, rounded to what a float32 picture can show."""
        rows = np.array(values, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.knobs):
            msg = f"knob values must be [B, {len(self.knobs)}], not {list(rows.shape)}"
            raise DnnExplainError(msg)
        if not np.isfinite(rows).all():
            msg = f"{self.knobs[int(np.argwhere(~np.isfinite(rows))[0][1])].name} must be a finite number"
            raise DnnExplainError(msg)
        rows = np.clip(rows, self.low, self.high)
        rows[:, 0] = self.video.bitrates[self.level(rows)]
        rows[:, self.remaining] = np.rint(rows[:, self.remaining])
        rows[:, self.sizes] = np.maximum.accumulate(rows[:, self.sizes], axis=1)
        self._samples(rows)
        shown = (rows * self.scale).astype(np.float32).astype(np.float64) / self.scale
        shown[:, 0], shown[:, self.remaining] = rows[:, 0], rows[:, self.remaining]
        return np.asarray(np.clip(shown, self.low, self.high))

    def _samples(self, rows: Floats) -> None:
        """Bring throughputs and download times of the past in line, newest first, in place."""
        downloaded = self.downloaded(rows)
        rates, times = rows[:, self.throughput], rows[:, self.download]
        index = np.clip(downloaded[:, None] - (self.columns - np.arange(self.columns)), 0, None)
        offered = self.video.sizes[index] * 8e-6  # [B, L, A], Mbit
        # Where more remain than an observation can say, it is not known which chunks these were.
        unsure = (rows[:, self.remaining] >= CAP) & (self.video.chunks - 1 > CAP)
        newer = np.ones(len(rows))
        for column in range(self.columns - 1, -1, -1):
            newest = column == self.columns - 1
            missing = rates[:, column] < SLOWEST_MBPS * (1 - 1e-6)
            there = (downloaded > self.columns - 1 - column) & ~(unsure & missing & (not newest))
            rate = np.where(missing, newer, rates[:, column])
            time = np.clip(times[:, column], self.soonest, LONGEST)
            if not self.free:
                tied = self._tied(rate, time, offered[:, column], self.level(rows) if newest else None)
                rate, time = np.where(unsure, rate, tied[0]), np.where(unsure, time, tied[1])
            rates[:, column] = np.where(there, rate, 0.0)
            times[:, column] = np.where(there, time, 0.0)
            newer = np.where(there, rate, newer)

    def _tied(
        self, rate: Floats, time: Floats, offered: Floats, level: NDArray[np.int64] | None
    ) -> tuple[Floats, Floats]:
        """One sample whose chunk has one of the sizes ``offered [B, A]`` (Mbit), that of ``level`` if it is known."""
        moved = np.maximum(rate * time, 1e-9)
        if level is None:
            level = np.abs(np.log(offered) - np.log(moved)[:, None]).argmin(axis=1)
        size = np.take_along_axis(offered, level[:, None], axis=1)[:, 0]
        fits = np.abs(moved - size) <= SAME * size
        wanted = np.where(fits, time, size / rate)
        bounded = np.clip(wanted, self.soonest, LONGEST)
        return np.where(bounded == wanted, rate, size / bounded), bounded
