"""What a run cost: mean slowdown with every job counted, the original's metric, and others beside them.

Everything works on a batch: ``S`` job sets padded to ``J`` jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params, pack_job_sets

__all__ = ["ORIGINAL_ACTIONS", "Measures", "charged_finish", "long_from", "measure"]

ORIGINAL_ACTIONS = 200
"""The original stops after this many actions (``episode_max_length``) and forgets what is not placed."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Measures:
    """Figures of a batch of runs. A mean over no job is NaN; padding is NaN (or -1 in ``finish``).

    Attributes:
        slowdown: (finish - arrival) / length with every job counted ``[S, J]``; see :func:`measure`.
        floored: the original's slowdown, whole numbers, NaN for jobs that it leaves out ``[S, J]``.
        response: finish - arrival with every job counted, steps ``[S, J]``.
        finish: step in which each job is finished, charged jobs included ``[S, J]``.
        is_long: which jobs count as long ``[S, J]``.
        count: jobs per set ``[S]``.
        makespan: steps from the first arrival to the last finish, charged jobs included ``[S]``.
        utilisation: share of CPU and of memory in use over the makespan ``[S, 2]``.
        starved: jobs that arrived and were never placed, those turned away not included ``[S]``.
        turned_away: jobs that found the backlog full ``[S]``.
    """

    slowdown: Floats
    floored: Floats
    response: Floats
    finish: Ints
    is_long: Bools
    count: Ints
    makespan: Ints
    utilisation: Floats
    starved: Ints
    turned_away: Ints

    @property
    def all_jobs(self) -> Floats:
        """Mean slowdown of each set with every job counted ``[S]``: what policies are compared by."""
        return _row_mean(self.slowdown)

    @property
    def original(self) -> Floats:
        """Mean floored slowdown of each set's jobs placed within the first 200 actions ``[S]``."""
        return _row_mean(self.floored)

    @property
    def completion(self) -> Floats:
        """Mean steps from arrival to finish in each set, every job counted ``[S]``."""
        return _row_mean(self.response)

    @property
    def short(self) -> Floats:
        """Mean slowdown of each set's short jobs ``[S]``."""
        return _row_mean(np.where(self.is_long, np.nan, self.slowdown))

    @property
    def long(self) -> Floats:
        """Mean slowdown of each set's long jobs ``[S]``."""
        return _row_mean(np.where(self.is_long, self.slowdown, np.nan))

    def pooled(self, name: str = "all_jobs") -> float:
        """Mean over all jobs of all sets, as in the original's figures; the default elsewhere is the mean over sets.

        Args:
            name: ``all_jobs``, ``original``, ``completion``, ``short`` or ``long``.
        """
        per_job = {
            "all_jobs": self.slowdown,
            "original": self.floored,
            "completion": self.response,
            "short": np.where(self.is_long, np.nan, self.slowdown),
            "long": np.where(self.is_long, self.slowdown, np.nan),
        }
        if name not in per_job:
            raise Choice("pooled metric", name, tuple(per_job)).error()
        return float(_row_mean(per_job[name].reshape(1, -1))[0])


def measure(
    job_sets: Sequence[JobSet],
    *,
    start: ArrayLike,
    finish: ArrayLike,
    turned_away: ArrayLike,
    placed_at: ArrayLike,
    end: ArrayLike,
    params: Params | None = None,
    original_actions: int = ORIGINAL_ACTIONS,
) -> Measures:
    """Measure one run per job set.

    **Every job counts.** A job that was never placed, or was turned away, is charged as though it ran
    alone, one such job after another in order of arrival, once the episode has ended and every placed
    job has finished. That is a schedule that the cluster could have carried out, so no policy can come
    out better than the offline optimum by leaving work undone, and starving a job costs no less than
    serving it last. An episode ends when nobody can place what is left (:func:`~.runner.run_policy`): no
    clock has a say, and what a set costs depends on the set and the policy alone. The charge is as though an
    operator had stepped in: the true cost of a job that is never placed has no bound, which is why the number of
    starved jobs stands beside every mean.

    The original (``slow_down_cdf.py``) stops after 200 actions, counts the jobs placed by then, and
    rounds every slowdown down, as Python 2 divides integers.

    Args:
        job_sets: the workloads, ``S`` of them.
        start: step in which each job starts ``[S, J]``, -1 if it was never placed.
        finish: ``start + length`` where placed, else -1 ``[S, J]``.
        turned_away: jobs that found the backlog full ``[S, J]``.
        placed_at: index of the action that placed the job, from 0; -1 never ``[S, J]``.
        end: the clock when the episode ended ``[S]``.
        params: the cluster's sizes.
        original_actions: where the original's metric stops.

    Raises:
        DnnExplainError: the arrays do not belong to the job sets.
    """
    sizes = params or Params()
    packed, count, _ = pack_job_sets(job_sets)
    arrival, length, cpu, memory = np.moveaxis(packed.astype(np.int64), 2, 0)
    exists = np.arange(arrival.shape[1]) < count[:, None]
    begun, finished, away, action = (
        _fitted(name, array, exists.shape)
        for name, array in (
            ("start", start),
            ("finish", finish),
            ("turned_away", turned_away),
            ("placed_at", placed_at),
        )
    )
    _check_runs(begun, finished, arrival, length, exists, job_sets)
    placed = exists & (begun >= 0)
    complete = charged_finish(arrival, length, np.where(placed, finished, -1), exists, np.asarray(end, dtype=np.int64))
    response = np.where(exists, complete - arrival, np.nan)
    safe_length = np.maximum(length, 1)
    in_time = placed & (action >= 0) & (action < original_actions)
    first = np.min(np.where(exists, arrival, np.iinfo(np.int64).max), axis=1)
    makespan = np.where(count > 0, complete.max(axis=1) - first, 0)
    work = np.stack([np.sum(length * cpu, axis=1), np.sum(length * memory, axis=1)], axis=1)
    return Measures(
        slowdown=response / safe_length,
        floored=np.where(in_time, (finished - arrival) // safe_length, np.nan),
        response=response,
        finish=complete,
        is_long=exists & (length >= long_from(sizes)),
        count=count.astype(np.int64),
        makespan=makespan,
        utilisation=work / (sizes.units * np.maximum(makespan, 1))[:, None],
        starved=np.sum(exists & ~placed & (away == 0), axis=1),
        turned_away=np.sum(exists & (away != 0), axis=1),
    )


def charged_finish(arrival: Ints, length: Ints, finish: Ints, exists: Bools, end: Ints) -> Ints:
    """When every job is finished ``[S, J]``, jobs without a finish (-1) run alone at the end; padding stays -1.

    The k-th such job finishes at ``max over i <= k of (max(free, arrival_i) + length_i + ... + length_k)``
    where ``free`` is the later of the episode's end and the last finish.
    """
    charged = exists & (finish < 0)
    free = np.maximum(end, finish.max(axis=1, initial=-1))
    total = np.cumsum(np.where(charged, length, 0), axis=1)
    before = total - np.where(charged, length, 0)
    ready = np.where(charged, np.maximum(arrival, free[:, None]) - before, np.iinfo(np.int64).min // 2)
    return np.where(charged, total + np.maximum.accumulate(ready, axis=1), np.where(exists, finish, -1))


def long_from(params: Params) -> int:
    """The length from which a job is called long: above half of the longest (8 of 15 steps)."""
    return params.max_job_length // 2 + 1


def _row_mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    # Summed from left to right, so that padding does not change the rounding.
    total = np.add.accumulate(np.where(known, values, 0.0), axis=1)[:, -1] if values.shape[1] else np.zeros(len(values))
    return np.asarray(np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0))


def _fitted(name: str, array: ArrayLike, shape: tuple[int, int]) -> Ints:
    given = np.atleast_2d(np.asarray(array)).astype(np.int64)
    if given.shape[0] != shape[0] or given.shape[1] < shape[1]:
        msg = f"{name} must have one row per job set and one column per job, {shape}, not {given.shape}"
        raise DnnExplainError(msg)
    return given[:, : shape[1]]


def _check_runs(
    start: Ints, finish: Ints, arrival: Ints, length: Ints, exists: Bools, job_sets: Sequence[JobSet]
) -> None:
    placed = exists & (start >= 0)
    wrong = (placed & ((start < arrival) | (finish != start + length))) | (exists & (start < 0) & (finish >= 0))
    if np.any(wrong):
        row, job = np.argwhere(wrong)[0]
        msg = (
            f"{job_sets[row].name}: job {job} arrives at {arrival[row, job]} and takes {length[row, job]} steps, but is "
            f"said to run from {start[row, job]} to {finish[row, job]}; do the runs belong to these job sets?"
        )
        raise DnnExplainError(msg)
