"""The oracle's schedule as a replay without decisions, to be drawn beside those of policies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Bound, DnnExplainError, Replay, Track
from dnnexplain.systems.deeprm.oracle.schedule import mean_slowdown
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params
from dnnexplain.systems.deeprm.simulator.recorder import _rectangles

__all__ = ["optimal_replay"]


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
    if bound.detail is None or len(bound.detail) != len(jobs):
        msg = "the bound holds no schedule of this job set; is it the one that bound() gave for it?"
        raise DnnExplainError(msg)
    start = np.asarray(bound.detail, dtype=np.int64)
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
