"""The oracle's schedule as a replay without decisions, to be drawn beside those of policies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Bound, DnnExplainError, Replay, Track
from dnnexplain.systems.deeprm.oracle.schedule import mean_slowdown
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.simulator.recorder import _rectangles
from dnnexplain.systems.deeprm.simulator.runner import Run

__all__ = ["optimal_replay", "optimal_run"]


def optimal_replay(params: Params, jobs: JobSet, bound: Bound) -> Replay:
    """The schedule that reaches ``bound.upper``; no decisions, for it knew all jobs beforehand.

    In every step a job takes the first free units of each resource, in order of start, as in the simulator.

    Args:
        params: the cluster.
        jobs: the workload.
        bound: of that workload; ``detail`` holds the starts ``[J]``.

    Raises:
        DnnExplainError: the bound has no schedule, or one of another workload.
    """
    start = _starts(jobs, bound)
    finish = start + jobs.length
    bars = _bars(params, jobs, start)
    return Replay(
        policy="optimum" if bound.status == "optimal" else "best schedule known",
        observations=np.zeros((0, *params.shape), dtype=np.float32),
        actions=np.zeros(0, dtype=np.int64),
        times=np.zeros(0),
        chosen=np.zeros(0, dtype=np.int64),
        objects=tuple(f"job {job}" for job in range(1, len(jobs) + 1)),
        arrival=jobs.arrival.astype(np.float64),
        start=start.astype(np.float64),
        finish=finish.astype(np.float64),
        colours=np.full(len(jobs), -1, dtype=np.int64),
        tracks=(Track("CPU", "units", params.units), Track("memory", "units", params.units)),
        bar_object=np.array([bar[0] for bar in bars], dtype=np.int64),
        bar_track=np.array([bar[1] for bar in bars], dtype=np.int64),
        bars=np.array([bar[2:] for bar in bars], dtype=np.float64).reshape(-1, 4),
        cost=mean_slowdown(jobs, start),
        cost_name="mean slowdown",
        metrics={},
    )


def optimal_run(job_sets: Sequence[JobSet], bounds: Sequence[Bound]) -> Run:
    """The schedules that reach each ``bound.upper``, as a run whose figures can be taken like a policy's.

    No job is turned away, for the schedule knew all of them beforehand. Actions are counted as the simulator needs
    them for the same schedule: one for each job that is placed, and one to go on from each step.

    Args:
        job_sets: the workloads ``[S]``.
        bounds: of each; ``detail`` holds the starts ``[J]``.

    Raises:
        DnnExplainError: a bound has no schedule, or one of another workload.
    """
    shape = (len(job_sets), max(1, *(len(jobs) for jobs in job_sets), 1))
    start, finish, placed = (np.full(shape, -1, dtype=np.int32) for _ in range(3))
    for row, (jobs, bound) in enumerate(zip(job_sets, bounds, strict=True)):
        begins, count = _starts(jobs, bound), len(jobs)
        rank = np.empty(count, dtype=np.int64)
        rank[np.lexsort((np.arange(count), begins))] = np.arange(count)
        start[row, :count], finish[row, :count] = begins, begins + jobs.length
        placed[row, :count] = begins + rank
    end = np.maximum(finish.max(axis=1), 0)
    jobs_in = np.array([len(jobs) for jobs in job_sets])
    return Run(
        tuple(job_sets), start, finish, placed, np.zeros(shape, dtype=np.bool_), end, (end + jobs_in).astype(np.int32)
    )


def _starts(jobs: JobSet, bound: Bound) -> NDArray[np.int64]:
    if bound.detail is None or len(bound.detail) != len(jobs):
        msg = "the bound holds no schedule of this job set; is it the one that bound() gave for it?"
        raise DnnExplainError(msg)
    return np.asarray(bound.detail, dtype=np.int64)


def _bars(params: Params, jobs: JobSet, start: NDArray[np.int64]) -> list[tuple[int, int, float, float, float, float]]:
    busy = np.zeros((2, int(np.max(start + jobs.length)), params.units), dtype=np.bool_)
    bars: list[tuple[int, int, float, float, float, float]] = []
    for job in np.lexsort((np.arange(len(jobs)), start)):
        steps = range(int(start[job]), int(start[job] + jobs.length[job]))
        for track, units in enumerate((int(jobs.cpu[job]), int(jobs.memory[job]))):
            taken = np.zeros((len(steps), params.units), dtype=np.bool_)
            for row, step in enumerate(steps):
                free = np.flatnonzero(~busy[track, step])[:units]
                taken[row, free] = True
                busy[track, step, free] = True
            bars.extend((int(job), track, *bar) for bar in _rectangles(taken, float(steps.start)))
    return bars
