"""Many video sessions at once: ``observe`` and ``step`` on chosen rows of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.systems.abr import kernels
from dnnexplain.systems.abr.arrays import Arrays, Params, make_arrays, make_constants
from dnnexplain.systems.abr.qoe import QoE, make_qoe
from dnnexplain.systems.abr.traces import Trace, pack
from dnnexplain.systems.abr.video import Video, default_video

__all__ = ["Simulator"]

_NONE = np.empty(0)


class Simulator:
    """A batch of sessions, each playing one video over one trace; its state is in ``arrays``, a row per session.

    After :meth:`reset` the first chunk has been downloaded, at the bitrate that the player always begins
    with: the first state that a policy sees is the one after it.

    Args:
        traces: the links.
        video: what is played; default the published one.
        params: player and link.
        qoe: what :meth:`step` returns; default QoE-linear.
        trace: which trace each session plays over ``[B]``; default one session per trace.
        start: the sample at which each session starts, 1 to T - 1 ``[B]``; default 1.
        noise: draws the noise of downloads, if ``params.noise`` is above 0: a generator per session, or one for all.
    """

    def __init__(
        self,
        traces: Sequence[Trace],
        video: Video | None = None,
        params: Params | None = None,
        qoe: QoE | None = None,
        *,
        trace: NDArray[np.int64] | Sequence[int] | None = None,
        start: NDArray[np.int64] | Sequence[int] | None = None,
        noise: Sequence[np.random.Generator] | np.random.Generator | None = None,
    ) -> None:
        self.traces = tuple(traces)
        self.video = default_video() if video is None else video
        self.params = Params() if params is None else params
        self.qoe = make_qoe("linear", self.video.bitrates) if qoe is None else qoe
        self.constants = make_constants(self.params, self.video)
        self.packed = pack(self.traces)
        which = np.arange(len(self.traces)) if trace is None else np.asarray(trace, dtype=np.int64)
        if which.size and (which.min() < 0 or which.max() >= len(self.traces)):
            msg = f"trace must name one of {counted(len(self.traces), 'trace')} (0 to {len(self.traces) - 1}), not {which.max()}"
            raise DnnExplainError(msg)
        begin = np.ones(len(which), dtype=np.int64) if start is None else np.array(start, dtype=np.int64)
        samples = np.diff(self.packed.first)[which]
        if begin.shape != which.shape or (begin < 1).any() or (begin >= samples).any():
            msg = "start must give each session a sample of its trace, from 1 to the last"
            raise DnnExplainError(msg)
        self.arrays = make_arrays(which.astype(np.int64), begin, self.constants.columns)
        self.rows = np.arange(len(which))
        self.noise = noise
        self.first_reward = np.zeros(len(which))
        self.reset()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which sessions have downloaded every chunk ``[B]``."""
        return self.arrays.done

    def active(self) -> NDArray[np.int64]:
        """The rows of sessions that have not ended."""
        return np.flatnonzero(~self.arrays.done)

    def reset(self, rows: NDArray[np.int64] | None = None) -> None:
        """Start the given sessions (default: all) again and download their first chunk."""
        rows = self._rows(rows)
        kernels.reset_rows(rows, self.arrays, self.packed.seconds, self.packed.first)
        self.first_reward[rows] = self._step(np.full(len(rows), self.params.first), rows)

    def observe(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """What a policy sees in each of the given sessions ``[rows, 6, L]``; a copy."""
        rows = self._rows(rows)
        return self.arrays.state[rows]

    def step(
        self,
        actions: NDArray[Any],
        rows: NDArray[np.int64] | None = None,
        factors: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Download one chunk in each of the given sessions, in place; returns their QoE ``[rows]``.

        ``factors`` lengthen the downloads ``[rows]``; by default they are drawn, if there is noise.

        Raises:
            DnnExplainError: an action that is not a bitrate's index, or not one action per session.
        """
        rows = self._rows(rows)
        actions = np.asarray(actions, dtype=np.int64)
        if actions.shape != rows.shape:
            msg = f"step needs one action per session, {rows.shape}; it got {actions.shape}"
            raise DnnExplainError(msg)
        count = self.constants.bitrates
        if actions.size and (actions.min() < 0 or actions.max() >= count):
            wrong = actions[(actions < 0) | (actions >= count)][0]
            msg = f"action {wrong} does not exist: 0 to {count - 1} are the bitrates of the ladder"
            raise DnnExplainError(msg)
        return self._step(actions, rows, factors)

    def _step(
        self, actions: NDArray[np.int64], rows: NDArray[np.int64], factors: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        rewards = np.empty(len(rows))
        seconds, mbps, first = self.packed
        kernels.step_rows(
            rows, actions, self._factors(rows) if factors is None else factors, self.arrays, self.constants, seconds, mbps, first,
            self.qoe.quality, self.qoe.rebuffer_penalty, self.qoe.change_penalty, rewards,
        )  # fmt: skip
        return rewards

    def _factors(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        noise = self.params.noise
        if not noise:
            return _NONE
        if self.noise is None:
            self.noise = np.random.default_rng(0)
        if isinstance(self.noise, np.random.Generator):
            return self.noise.uniform(1 - noise, 1 + noise, len(rows))
        return np.array([self.noise[row].uniform(1 - noise, 1 + noise) for row in rows])

    def copy(self) -> Simulator:
        """An independent copy of the batch, to branch from."""
        twin = object.__new__(Simulator)
        twin.__dict__.update(self.__dict__)
        twin.arrays = Arrays._make(values.copy() for values in self.arrays)
        twin.first_reward = self.first_reward.copy()
        return twin

    def _rows(self, rows: NDArray[np.int64] | None) -> NDArray[np.int64]:
        return self.rows if rows is None else np.asarray(rows, dtype=np.int64)
