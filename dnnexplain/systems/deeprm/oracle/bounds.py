"""Lower bounds on the mean slowdown of a job set: a quick one, and a linear program's.

Both relax what makes a schedule hard and keep what makes it slow. In all of them a job's cost is
(finish - arrival) / length, a window or a horizon of the network is ignored, and the sum is bounded.
"""

from __future__ import annotations

import math
import time
from heapq import heappop, heappush
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.deeprm.simulator.model import JobSet

__all__ = ["Relaxation", "ascend", "packing_rows", "quick_bound", "relax"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_CLIQUES = 60
BEFORE_STEPS = 30
"""So many times what building the program took, HiGHS prepares before it looks at the clock (measured: 10 to 28)."""


class Relaxation(NamedTuple):
    """A proved lower bound on the sum of slowdowns, and what each start would add to it.

    Attributes:
        bound: no schedule's sum of slowdowns is below it.
        least: per job the lower bound ``bound + least[j][k]`` for schedules in which job ``j`` starts at
            ``arrival[j] + k``; beyond the last entry the bound only grows.
    """

    bound: float
    least: list[Floats]


def quick_bound(jobs: JobSet, units: int) -> float:
    """A lower bound on the sum of slowdowns in time ``J log J``.

    Jobs are split by the resource of which they ask more; each half is bounded on its own as one
    machine that may share itself and interrupt jobs at will, for which serving the largest weight per
    work first is optimal (Goemans 1997: the mean busy time relaxation).
    """
    total = 0.0
    by_cpu = jobs.cpu >= jobs.memory
    for half, demand in ((by_cpu, jobs.cpu), (~by_cpu, jobs.memory)):
        if np.any(half):
            bound = _mean_busy_bound(jobs.arrival[half], jobs.length[half], demand[half] / units)
            total += max(bound, float(np.sum(half)))
    return total


def _mean_busy_bound(arrival: Ints, length: Ints, share: Floats) -> float:
    """Bound on the sum of (finish - arrival) / length on one shared machine; see :func:`quick_bound`."""
    work = length * share
    left = work.copy()
    queue: list[tuple[float, int]] = []
    busy = np.zeros(len(arrival))
    order = np.argsort(arrival, kind="stable")
    clock, place = 0.0, 0
    while place < len(order) or queue:
        if not queue:
            clock = max(clock, float(arrival[order[place]]))
        while place < len(order) and arrival[order[place]] <= clock:
            job = int(order[place])
            heappush(queue, (length[job] * work[job], job))
            place += 1
        job = queue[0][1]
        span = left[job] if place == len(order) else min(left[job], float(arrival[order[place]]) - clock)
        busy[job] += span * (clock + span / 2)
        left[job] -= span
        clock += span
        if left[job] <= 1e-12:
            heappop(queue)
    return float(np.sum((busy / work + length / 2 - arrival) / length))


def packing_rows(jobs: JobSet, units: int) -> Ints:
    """Rows ``a`` and capacities with ``sum over running jobs of a[job] <= capacity`` in every step.

    ``[R, J + 1]``, the capacity in the last column. The first two kinds follow from each resource by
    dual feasible functions (Fekete and Schepers 2001), the third says that of jobs which pairwise
    exceed a resource only one runs at a time. Rows that another row implies are left out.
    """
    rows = [row for demand in (jobs.cpu, jobs.memory) for row in _dual_feasible(demand, units)]
    return np.array(_undominated([*rows, *_cliques(jobs, units)]), dtype=np.int64)


def _undominated(rows: list[Ints]) -> list[Ints]:
    shares: list[Floats] = []
    kept: list[Ints] = []
    for row in sorted(rows, key=lambda row: -float(np.sum(row[:-1] / row[-1]))):
        share = row[:-1] / row[-1]
        if np.any(share) and not any(np.all(other >= share - 1e-12) for other in shares):
            shares.append(share)
            kept.append(row)
    return kept


def _dual_feasible(demand: Ints, units: int) -> list[Ints]:
    rows = [(demand, units), (np.where(2 * demand > units, 2, np.where(2 * demand == units, 1, 0)), 2)]
    rows += [
        (np.where(demand > units - least, units, np.where(demand >= least, demand, 0)), units)
        for least in np.unique(demand[(demand > 0) & (2 * demand <= units)])
    ]
    for part in range(1, 5):
        scaled = (part + 1) * demand
        rows.append((np.where(scaled % units == 0, part * demand, scaled // units * units), part * units))
    return [np.append(row, capacity) for row, capacity in rows]


def _cliques(jobs: JobSet, units: int) -> list[Ints]:
    import networkx as nx  # noqa: PLC0415 - only where an optimum is asked for

    over = (jobs.cpu[:, None] + jobs.cpu > units) | (jobs.memory[:, None] + jobs.memory > units)
    np.fill_diagonal(over, val=False)
    cliques = islice(nx.find_cliques(nx.from_numpy_array(over)), MOST_CLIQUES)
    return [np.append(np.isin(np.arange(len(jobs)), clique), 1).astype(np.int64) for clique in cliques]


def relax(jobs: JobSet, rows: Ints, last_start: int, seconds: float) -> Relaxation | None:
    """The bound of the time-indexed linear program (Sousa and Wolsey 1992); ``None`` if time was short.

    The program only supplies prices; the bound is recomputed from them as a Lagrangian one, which
    holds whatever the prices are, so neither the solver's tolerance nor ``last_start`` can make it wrong.

    Args:
        jobs: the workload.
        rows: from :func:`packing_rows`.
        last_start: starts up to here are priced; later ones are free of prices.
        seconds: for the linear program, its building included.
    """
    began = time.monotonic()
    from scipy.optimize import linprog  # noqa: PLC0415
    from scipy.sparse import csr_matrix, vstack  # noqa: PLC0415

    count = last_start + 1 - jobs.arrival
    job = np.repeat(np.arange(len(jobs)), count)
    start = np.concatenate([np.arange(arrival, last_start + 1) for arrival in jobs.arrival])
    length = jobs.length[job]
    repeated = np.repeat(np.arange(len(job)), length)
    offset = np.arange(len(repeated)) - np.repeat(np.cumsum(length) - length, length)
    times = last_start + int(jobs.length.max())
    step = start[repeated] + offset
    packing = vstack(
        [csr_matrix(((row[:-1] / row[-1])[job[repeated]], (step, repeated)), shape=(times, len(job))) for row in rows]
    ).tocsr()
    packing.eliminate_zeros()
    once = csr_matrix((np.ones(len(job)), (job, np.arange(len(job)))), shape=(len(jobs), len(job)))
    cost = (start + length - jobs.arrival[job]) / length
    built = time.monotonic() - began
    if built * (1 + BEFORE_STEPS) > seconds:
        return None
    solution = linprog(
        cost,
        A_ub=packing,
        b_ub=np.ones(packing.shape[0]),
        A_eq=once,
        b_eq=np.ones(len(jobs)),
        method="highs",
        options={"time_limit": seconds - built},
    )
    if solution.x is None or solution.ineqlin.marginals is None:
        return None
    return _lagrangian(jobs, rows, np.maximum(-solution.ineqlin.marginals, 0.0).reshape(len(rows), times))


def _lagrangian(jobs: JobSet, rows: Ints, prices: Floats) -> Relaxation:
    """``sum over jobs of min over starts (slowdown + price of its steps) - sum of prices`` for prices >= 0."""
    priced = _Priced(jobs, rows, prices.shape[1])
    reduced = priced.reduced(prices)
    smallest = reduced.min(axis=1)
    least = [row[arrival:] - low for row, arrival, low in zip(reduced, jobs.arrival, smallest, strict=True)]
    return Relaxation(float(smallest.sum() - prices.sum()), least)


class _Priced:
    """Jobs that pay for the capacity they use: the Lagrangian relaxation of the packing rows."""

    def __init__(self, jobs: JobSet, rows: Ints, steps: int) -> None:
        self.share = rows[:, :-1] / rows[:, -1:]
        self.length = jobs.length
        start = np.arange(steps + 1)
        end = start + jobs.length[:, None]
        self.end = end
        self.cost = np.where(
            start < jobs.arrival[:, None], np.inf, (end - jobs.arrival[:, None]) / jobs.length[:, None]
        )
        self.paid = np.zeros((len(jobs), steps + int(jobs.length.max(initial=1)) + 1))
        self.steps = steps

    def reduced(self, prices: Floats) -> Floats:
        """Slowdown plus price of every start ``[J, steps + 1]``; steps behind the prices are free."""
        np.cumsum(self.share.T @ prices, axis=1, out=self.paid[:, 1 : self.steps + 1])
        self.paid[:, self.steps + 1 :] = self.paid[:, self.steps, None]
        result: Floats = self.cost + np.take_along_axis(self.paid, self.end, axis=1) - self.paid[:, : self.steps + 1]
        return result

    def excess(self, start: Ints) -> Floats:
        """By how much each row is exceeded in each step if every job takes its start ``[R, steps]``."""
        change = np.zeros((len(start), self.paid.shape[1] + 1))
        job = np.arange(len(start))
        change[job, start] += 1
        change[job, start + self.length] -= 1
        result: Floats = self.share @ np.cumsum(change, axis=1)[:, : self.steps] - 1
        return result


def ascend(
    jobs: JobSet, rows: Ints, last_start: int, upper: float, *, iterations: int = 400, deadline: float = math.inf
) -> Relaxation:
    """The same bound by subgradient steps (Polyak 1969) in place of a linear program: a little lower, far sooner.

    Args:
        jobs: the workload.
        rows: from :func:`packing_rows`.
        last_start: starts up to here are priced.
        upper: a sum of slowdowns that some schedule reaches.
        iterations: steps at most.
        deadline: on the monotonic clock.
    """
    priced = _Priced(jobs, rows, last_start + int(jobs.length.max()))
    prices = best = np.zeros((len(rows), priced.steps))
    bound, stride, patience = -math.inf, 1.0, 0
    for _ in range(iterations):
        reduced = priced.reduced(prices)
        start = reduced.argmin(axis=1)
        value = float(reduced[np.arange(len(start)), start].sum() - prices.sum())
        patience = 0 if value > bound + 1e-4 * abs(value) else patience + 1
        if value > bound:
            bound, best = value, prices
        if patience > 15:
            stride, patience, prices = stride / 2, 0, best
        slope = priced.excess(start)
        slope[(prices <= 0) & (slope < 0)] = 0
        size = float(np.sum(slope * slope))
        if size == 0 or stride < 1e-3 or time.monotonic() > deadline:
            break
        prices = np.maximum(prices + stride * (upper - value) / size * slope, 0)
    return _lagrangian(jobs, rows, best)
