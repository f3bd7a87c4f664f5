"""Schedules as such, apart from the simulator: list scheduling, a local search, an independent check.

A *list schedule* takes jobs in an order and starts each at the earliest time at which it fits beside
those taken before. Every objective that only grows with the finish times has an optimal schedule
among these (Kolisch 1996, serial schedule generation): take an optimal schedule and list its jobs by
start. If the list schedule started one earlier than the optimum does, the job could be moved there in
the optimum as well (jobs after it in the list start no earlier than it did, and where they overlap
its new place they overlapped its old one too), which contradicts that the schedule was optimal.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dnnexplain.systems.deeprm.simulator.model import JobSet

__all__ = ["Ints", "anneal", "is_feasible", "job_table", "list_schedule", "mean_slowdown"]

Ints = NDArray[np.int64]


def job_table(jobs: JobSet) -> Ints:
    """Arrival, length, CPU and memory as columns ``[J, 4]``."""
    return np.stack([jobs.arrival, jobs.length, jobs.cpu, jobs.memory], axis=1).astype(np.int64)


def mean_slowdown(jobs: JobSet, start: Ints) -> float:
    """Mean of (finish - arrival) / length, correctly rounded as the exact sum is."""
    return float(np.mean((start + jobs.length - jobs.arrival) / jobs.length))


def is_feasible(jobs: JobSet, start: Ints, units: int) -> bool:
    """Whether a schedule keeps arrivals and, in every step, the capacity of both resources."""
    if len(start) != len(jobs) or np.any(start < jobs.arrival):
        return False
    for step in range(int(np.max(start + jobs.length, initial=0))):
        running = (start <= step) & (step < start + jobs.length)
        if jobs.cpu[running].sum() > units or jobs.memory[running].sum() > units:
            return False
    return True


def list_schedule(jobs: JobSet, order: Ints, units: int) -> Ints:
    """Start every job, in the given order, at the earliest time at which it fits ``[J]``."""
    table = job_table(jobs)
    start = np.empty(len(jobs), dtype=np.int64)
    _list_schedule(table, np.asarray(order, dtype=np.int64), _free(table, units), start)
    return start


def anneal(jobs: JobSet, units: int, *, iterations: int = 20_000, seed: int = 0) -> Ints:
    """A good schedule for mean slowdown by simulated annealing over orders; not proved optimal.

    Starts from the best of four rules' orders; a move takes one job to another place in the order.
    """
    table = job_table(jobs)
    widest = np.maximum(jobs.cpu, jobs.memory)
    keys = (jobs.arrival, jobs.length, jobs.arrival + jobs.length * widest, jobs.length**2 * widest)
    orders = [np.argsort(key, kind="stable") for key in keys]
    best = min(orders, key=lambda order: mean_slowdown(jobs, list_schedule(jobs, order, units)))
    if len(jobs) > 1:
        best = _anneal(table, best.astype(np.int64), units, iterations, seed)
    return list_schedule(jobs, best, units)


def _free(table: Ints, units: int) -> Ints:
    horizon = int(table[:, 0].max(initial=0) + table[:, 1].sum()) + 1
    return np.full((horizon, 2), units, dtype=np.int64)


@njit(cache=True)
def _list_schedule(table: Ints, order: Ints, free: Ints, start: Ints) -> None:
    for job in order:
        arrival, length, cpu, memory = table[job]
        at = arrival
        step = at
        while step < at + length:
            if free[step, 0] < cpu or free[step, 1] < memory:
                at = step + 1
            step += 1
        for step in range(at, at + length):
            free[step, 0] -= cpu
            free[step, 1] -= memory
        start[job] = at


@njit(cache=True)
def _cost(table: Ints, order: Ints, free: Ints, start: Ints, units: int) -> float:
    free[:] = units
    _list_schedule(table, order, free, start)
    total = 0.0
    for job in range(len(order)):
        total += (start[job] - table[job, 0]) / table[job, 1]
    return total


@njit(cache=True)
def _anneal(table: Ints, order: Ints, units: int, iterations: int, seed: int) -> Ints:
    np.random.seed(seed)  # noqa: NPY002 - numba's own generator, apart from numpy's
    jobs = len(order)
    free = np.empty((table[:, 0].max() + table[:, 1].sum() + 1, 2), dtype=np.int64)
    start = np.empty(jobs, dtype=np.int64)
    now = order.copy()
    cost = _cost(table, now, free, start, units)
    best, best_cost = now.copy(), cost
    trial = now.copy()
    for turn in range(iterations):
        heat = 0.5 * (1 - turn / iterations) ** 2 + 1e-9
        source, target = np.random.randint(0, jobs), np.random.randint(0, jobs)  # noqa: NPY002
        job = now[source]
        trial[:] = now
        if source < target:
            trial[source:target] = now[source + 1 : target + 1]
        else:
            trial[target + 1 : source + 1] = now[target:source]
        trial[target] = job
        new_cost = _cost(table, trial, free, start, units)
        if new_cost <= cost or np.random.random() < np.exp((cost - new_cost) / heat):  # noqa: NPY002
            now[:], cost = trial, new_cost
            if cost < best_cost - 1e-9:
                best[:], best_cost = now, cost
    return best
