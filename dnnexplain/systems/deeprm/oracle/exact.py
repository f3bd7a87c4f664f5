"""The offline optimum of mean slowdown for one job set, or an interval that holds it.

All jobs are known beforehand, start at their arrival at the earliest and run without interruption; in
every step the demands of those running fit the cluster. What else binds a policy (it sees a few slots
and one horizon, and learns of jobs as they arrive) is relaxed, so ``lower`` is below every policy.
"""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Bound, DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.systems.deeprm.oracle.bounds import Relaxation, ascend, packing_rows, quick_bound, relax
from dnnexplain.systems.deeprm.oracle.schedule import anneal, mean_slowdown
from dnnexplain.systems.deeprm.simulator.model import JobSet, Params

__all__ = ["optimum"]

Ints = NDArray[np.int64]

_TOO_SHORT = 0.05
"""Seconds in which CP-SAT does not begin."""
LARGEST_PROGRAM = 6_000_000
"""Entries above which the linear program, or CP-SAT's model, is not built."""


def optimum(
    jobs: JobSet, params: Params | None = None, *, seconds: float = 10.0, workers: int = 1, seed: int = 0
) -> Bound:
    """The least mean slowdown of a job set: annealing from above, relaxations from below, CP-SAT to close.

    Where the optimum is proved, the value is the same on every run; where time ran out, the interval
    depends on the machine's speed.

    Args:
        jobs: the workload; every job counts.
        params: the cluster's sizes; of these only ``units`` binds.
        seconds: by the clock, kept within a tenth where it is a second or more; 0 gives the quick bounds.
        workers: threads of CP-SAT.
        seed: of the searches.

    Returns:
        Bounds in mean slowdown; ``detail`` is the schedule that reaches ``upper``: starts ``[J]``.

    Raises:
        DnnExplainError: no jobs, or a job wider than the cluster.
    """
    deadline = time.monotonic() + seconds
    sizes = params or Params()
    _check(jobs, sizes)
    iterations = max(200, min(25_000, 5_000_000 // len(jobs)))
    tries = (anneal(jobs, sizes.units, iterations=iterations, seed=4 * seed + turn) for turn in range(4))
    start = min(tries, key=lambda starts: mean_slowdown(jobs, starts))
    scale = _Scale.of(jobs)
    upper = scale.total(jobs, start)
    lower = scale.up(max(quick_bound(jobs, sizes.units), float(len(jobs))))
    if lower < upper and seconds > 0:
        lower, start = _close(_Task(jobs, sizes.units, scale, deadline, workers, seed), lower, start)
        upper = scale.total(jobs, start)
    best = mean_slowdown(jobs, start)
    proved = scale.exact and lower >= upper
    if proved:
        return Bound(best, best, "optimal", start)
    ended_by = "seconds" if time.monotonic() >= deadline - _TOO_SHORT else ""
    return Bound(min(best, lower / scale.unit / len(jobs)), best, "feasible", start, ended_by)


class _Scale(NamedTuple):
    """Slowdowns as whole numbers: times ``unit``, the lengths' least common multiple where that is small.

    Else each is rounded down, so that a sum of them may be up to ``rounding`` below the truth.
    """

    unit: int
    rounding: int

    @property
    def exact(self) -> bool:
        return self.rounding == 0

    @classmethod
    def of(cls, jobs: JobSet) -> _Scale:
        common = math.lcm(*(int(length) for length in np.unique(jobs.length)))
        return cls(common, 0) if common <= 10**8 else cls(10**6, len(jobs))

    def cost(self, delay: Any, length: Any) -> Any:
        """(finish - arrival) times the unit over the length, rounded down: never above the truth."""
        return delay * self.unit // length

    def total(self, jobs: JobSet, start: Ints) -> int:
        return int(np.sum(self.cost(start + jobs.length - jobs.arrival, jobs.length)))

    def up(self, bound: float) -> int:
        """A lower bound on the sum of slowdowns as one on the scaled sum, which is a whole number."""
        slack = 1e-7 * max(1.0, abs(bound)) * self.unit
        return math.ceil(bound * self.unit - slack) - self.rounding


class _Task(NamedTuple):
    jobs: JobSet
    units: int
    scale: _Scale
    deadline: float
    workers: int
    seed: int

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()


def _close(task: _Task, lower: int, start: Ints) -> tuple[int, Ints]:
    """Tighten both sides: prices, the linear program's prices, then CP-SAT over the starts they leave open."""
    jobs, upper = task.jobs, task.scale.total(task.jobs, start)
    rows = packing_rows(jobs, task.units)
    last = int(np.max(start + jobs.length))
    total = mean_slowdown(jobs, start) * len(jobs)
    relaxation = ascend(jobs, rows, last, total, deadline=task.deadline)
    if len(rows) * float(np.sum(jobs.length * (last + 1 - jobs.arrival))) < LARGEST_PROGRAM and task.left > 0:
        program = relax(jobs, rows, last, 0.5 * task.left)
        relaxation = program if program is not None and program.bound > relaxation.bound else relaxation
    lower = max(lower, task.scale.up(relaxation.bound))
    if lower >= upper or task.left <= 0:
        return lower, start
    return _solve(task, rows, lower, start, relaxation)


def _open_starts(task: _Task, start: Ints, relaxation: Relaxation) -> list[Ints]:
    """Starts of each job with which a schedule may still be better than the one at hand (which is kept)."""
    upper = float(np.sum((start + task.jobs.length - task.jobs.arrival) / task.jobs.length))
    result = []
    for job, (arrival, least) in enumerate(zip(task.jobs.arrival, relaxation.least, strict=True)):
        offsets = np.flatnonzero(relaxation.bound + least <= upper + 1e-6)
        if len(offsets) and offsets[-1] == len(least) - 1:
            more = math.floor((upper + 1e-6 - relaxation.bound - least[-1]) * task.jobs.length[job])
            offsets = np.append(offsets, len(least) + np.arange(more))
        result.append(np.union1d(arrival + offsets, [start[job]]))
    return result


def _solve(task: _Task, rows: Ints, lower: int, start: Ints, relaxation: Relaxation) -> tuple[int, Ints]:
    from ortools.sat.python import cp_model  # noqa: PLC0415 - only where an optimum is asked for

    jobs, scale = task.jobs, task.scale
    model = cp_model.CpModel()
    starts = _open_starts(task, start, relaxation)
    if len(rows) * sum(len(options) * int(n) for options, n in zip(starts, jobs.length, strict=True)) > LARGEST_PROGRAM:
        return lower, start
    chosen = [[model.new_bool_var("") for _ in options] for options in starts]
    running: dict[int, list[tuple[Any, int]]] = {}
    terms, costs = [], []
    for job, (options, literals) in enumerate(zip(starts, chosen, strict=True)):
        if task.left <= _TOO_SHORT:
            return lower, start
        model.add_exactly_one(literals)
        for at, literal in zip(options.tolist(), literals, strict=True):
            model.add_hint(literal, at == start[job])
            terms.append(literal)
            costs.append(int(scale.cost(at + jobs.length[job] - jobs.arrival[job], jobs.length[job])))
            for step in range(at, at + int(jobs.length[job])):
                running.setdefault(step, []).append((literal, job))
    for pairs in running.values():
        if task.left <= _TOO_SHORT:
            return lower, start
        present = [literal for literal, _ in pairs]
        for row in rows:
            demands = row[[job for _, job in pairs]].tolist()
            model.add(cp_model.LinearExpr.weighted_sum(present, demands) <= int(row[-1]))
    total = cp_model.LinearExpr.weighted_sum(terms, costs)
    model.add(total >= lower)
    model.minimize(total)
    if task.left <= _TOO_SHORT:
        return lower, start
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = task.left
    solver.parameters.num_workers = task.workers
    solver.parameters.random_seed = task.seed
    solver.parameters.linearization_level = 2
    status = solver.solve(model)
    if status in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        start = np.array(
            [
                next(int(at) for at, literal in zip(options, literals, strict=True) if solver.boolean_value(literal))
                for options, literals in zip(starts, chosen, strict=True)
            ]
        )
    return max(lower, math.ceil(solver.best_objective_bound - 1e-6)), start


def _check(jobs: JobSet, params: Params) -> None:
    if not len(jobs):
        msg = f"{jobs.name} holds no job, so it has no mean slowdown"
        raise DnnExplainError(msg)
    widest = int(max(jobs.cpu.max(), jobs.memory.max()))
    if widest > params.units:
        msg = f"{jobs.name}: a job asks for {counted(widest, 'unit')}, the cluster has {params.units}; raise Params(units=...)"
        raise DnnExplainError(msg)
