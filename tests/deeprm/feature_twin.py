"""The domain quantities of a state once more, with numpy: a slow twin of the compiled ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.deeprm.observation.codec import Codec
from dnnexplain.systems.deeprm.observation.features import earliest_starts

__all__ = ["SlowFeatures"]

Floats = NDArray[np.float64]


class SlowFeatures:
    """Domain quantities of a state, by name: ``features(observations)`` gives ``[B, F]`` numbers.

    "Placeable" is a job that has a place within the horizon, now or later: an action that does something.
    Where a state has no such job, lengths are one above the longest possible, slots and ranks 0, and
    delays the horizon, so that "at most" and "above" keep their sense.

    "Work" is length times CPU and memory together, in unit steps. ``moves`` are what rules say to do.

    Args:
        codec: reads the picture.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec

    def __call__(self, observations: NDArray[Any]) -> Floats:
        """The quantities of observations ``[B, H, W]``; ``[B, F]`` in the order of ``names``."""
        return self.of_values(self.codec.decode(observations))

    def of_values(self, values: Floats) -> Floats:
        """The quantities of knob values ``[B, K]``; ``[B, F]``."""
        jobs, free = self.codec.jobs(values), self.codec.free(values)
        starts = earliest_starts(jobs, free)
        layout = self.codec.layout
        columns = [
            *self._each_job(jobs, starts),
            *self._one_job(jobs, starts, _least(jobs[:, :, 0], starts >= 0)),
            *self._one_job(jobs, starts, _least(jobs[:, :, 0], starts == 0)),
            *self._one_job(jobs, starts, _least(_work(jobs), starts >= 0)),
            *self._one_job(jobs, starts, _least(_work(jobs), starts == 0)),
            *self._together(jobs, starts, free),
            values[:, layout.backlog_knob],
            values[:, layout.since_knob],
        ]
        return np.stack(columns, axis=1).astype(np.float64)

    # --- the quantities, in the order of the names ---

    def _each_job(self, jobs: NDArray[np.int64], starts: NDArray[np.int64]) -> list[NDArray[Any]]:
        rank = _ranks(jobs, starts >= 0)
        late = np.where(starts >= 0, starts, self.codec.params.horizon)
        found: list[NDArray[Any]] = []
        for slot in range(jobs.shape[1]):
            job = jobs[:, slot]
            found += [job[:, 0], job[:, 1], job[:, 2], job[:, 1:].max(axis=1)]
            found += [starts[:, slot] == 0, late[:, slot], rank[:, slot]]
        return found

    def _one_job(
        self, jobs: NDArray[np.int64], starts: NDArray[np.int64], slot: NDArray[np.int64]
    ) -> list[NDArray[Any]]:
        params, there, rows = self.codec.params, slot >= 0, np.arange(len(jobs))
        length = np.where(there, jobs[rows, slot, 0], params.max_job_length + 1)
        dominant = np.where(there, jobs[rows, slot, 1:].max(axis=1), 0)
        delay = np.where(there, starts[rows, slot], params.horizon)
        work = np.where(there, _work(jobs)[rows, slot], 2 * params.max_job_units * params.max_job_length + 1)
        return [slot + 1, length, dominant, delay, work, length + delay]

    def _together(
        self, jobs: NDArray[np.int64], starts: NDArray[np.int64], free: NDArray[np.int64]
    ) -> list[NDArray[Any]]:
        length = np.where(starts >= 0, jobs[:, :, 0], self.codec.params.max_job_length + 1)
        ordered = np.sort(length, axis=1)
        second = ordered[:, 1] if ordered.shape[1] > 1 else ordered[:, 0]
        longest = np.where(starts >= 0, jobs[:, :, 0], 0).max(axis=1)
        waiting, now, placeable = (jobs[:, :, 0] > 0).sum(1), (starts == 0).sum(1), (starts >= 0).sum(1)
        return [
            waiting,
            now,
            placeable,
            second,
            second - ordered[:, 0],
            longest,
            free[:, 0, 0],
            free[:, 1, 0],
            100 * (1 - free.mean(axis=(1, 2)) / self.codec.params.units),
            100 * (1 - free[:, :, :5].mean(axis=(1, 2)) / self.codec.params.units),
            np.where(starts >= 0, _work(jobs), 0).sum(axis=1),
        ]

    def actions(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """The action that each of ``moves`` is ``[B, R]``; a move that has no job waits."""
        values = self.codec.decode(observations)
        jobs, free = self.codec.jobs(values), self.codec.free(values)
        starts = earliest_starts(jobs, free)
        wait = self.codec.params.slots
        named = [
            _least(_work(jobs), starts >= 0),
            _least(jobs[:, :, 0], starts >= 0),
            _least(jobs[:, :, 0], starts == 0),
            _least(_work(jobs), starts == 0),
            _least(jobs[:, :, 0] + starts, starts >= 0),
        ]
        columns = [np.full(len(values), wait), *(np.where(slot >= 0, slot, wait) for slot in named)]
        every = np.broadcast_to(np.arange(wait), (len(values), wait))
        return np.column_stack([*columns, every]).astype(np.int64)


def _work(jobs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Length times CPU and memory together, of every slot's job ``[B, M]``, unit steps."""
    return np.asarray(jobs[:, :, 0] * jobs[:, :, 1:].sum(axis=2))


def _least(score: NDArray[np.int64], among: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The slot with the least score among those marked, ties to the lowest; -1 if none is."""
    marked = np.where(among, score, np.iinfo(np.int64).max)
    return np.where(among.any(axis=1), marked.argmin(axis=1), -1)


def _ranks(jobs: NDArray[np.int64], among: NDArray[np.bool_]) -> NDArray[np.int64]:
    """1 for the shortest of those marked, 2 for the next, ties by slot; 0 for the others."""
    length = np.where(among, jobs[:, :, 0], np.iinfo(np.int64).max)
    order = np.argsort(length, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable") + 1
    return np.where(among, rank, 0)
