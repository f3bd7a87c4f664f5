"""How good each action is in one state: the best continuation for the jobs present, solved exactly.

The jobs in the slots are known, the cluster's occupancy is given, nothing else arrives: what waits in
the backlog, and what has yet to come, is unknown to the network and to this oracle alike. The cost is
the sum over these jobs of (finish from now on) / length; their ages are the same whatever is done.

An action places a job at the earliest offset at which it fits, as the simulator does, or lets one step
pass. Then the best schedule follows: a policy can reach any, since it can wait until a job's start and
place it then. The optimum is a list schedule (see :mod:`dnnexplain.systems.deeprm.oracle.schedule`), and so
depth-first search over orders by start, with bounds, finds and proves it.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import DnnExplainError, Judgement, State
from dnnexplain.systems.deeprm.observation.codec import Codec

__all__ = ["UNIT", "Judged", "judge_jobs", "judge_state", "judgement"]

UNIT = "slowdown, summed over the jobs present"

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NODES_AT_ONCE = 200_000
"""Nodes between two looks at the clock, about 50 ms."""


class Judged(NamedTuple):
    """The value of each action, ``M`` jobs first, then waiting ``[M + 1]``.

    Attributes:
        values: sum of (finish from now on) / length with the best continuation found; NaN where the
            slot is empty or the job fits nowhere (in the simulator such an action is a wait).
        exact: whether every value is proved.
        lower: proved lower bounds; equal to ``values`` if exact.
    """

    values: Floats
    exact: bool
    lower: Floats


def judge_jobs(
    free: ArrayLike,
    length: ArrayLike,
    cpu: ArrayLike,
    memory: ArrayLike,
    units: int,
    seconds: float = 10.0,
) -> Judged:
    """Judge every action in one state; repeated questions are answered from a cache.

    Args:
        free: free units of CPU and memory in each step of the horizon, ``[H, 2]``; behind it all is free.
        length: steps of the job in each slot ``[M]``, 0 where the slot is empty.
        cpu: units ``[M]``.
        memory: units ``[M]``.
        units: the cluster's capacity per resource.
        seconds: for the whole state; up to seven jobs take milliseconds.

    Raises:
        DnnExplainError: the arrays do not describe a state.
    """
    table = np.stack([np.asarray(column, dtype=np.int64) for column in (length, cpu, memory)], axis=1)
    profile = np.ascontiguousarray(free, dtype=np.int64)
    if profile.ndim != 2 or profile.shape[1] != 2:
        msg = f"free must hold CPU and memory per step, shape (steps, 2), not {profile.shape}"
        raise DnnExplainError(msg)
    if np.any(table < 0) or np.any(profile < 0) or np.any(profile > units):
        msg = f"jobs and free units must be at least 0, free units at most {units}"
        raise DnnExplainError(msg)
    present = table[:, 0] > 0
    if np.any(table[present, 1:] > units):
        msg = f"a job asks for {table[present, 1:].max()} units, the cluster has {units}"
        raise DnnExplainError(msg)
    return _cached(profile.tobytes(), table.tobytes(), len(profile), units, float(seconds))


def judge_state(codec: Codec, state: State, *, seconds: float = 10.0) -> Judgement:
    """Judge a state: the jobs in its slots on its cluster; the backlog's jobs are unknown and left out."""
    values = codec.repair(state.values[None])
    length, cpu, memory = codec.jobs(values)[0].T
    return judgement(judge_jobs(codec.free(values)[0].T, length, cpu, memory, codec.params.units, seconds))


def judgement(judged: Judged) -> Judgement:
    """As the contract has it: the best actions, and by how much each action is worse.

    Where time ran out, ``loss`` holds lower bounds and ``best`` all actions that may still be best.
    """
    least = float(np.nanmin(judged.values))
    loss = np.maximum(judged.lower - least, 0.0)
    best = tuple(int(action) for action in np.flatnonzero(loss <= 1e-9))
    return Judgement(best, loss, judged.exact, UNIT)


@lru_cache(maxsize=50_000)
def _cached(profile: bytes, jobs: bytes, horizon: int, units: int, seconds: float) -> Judged:
    table = np.frombuffer(jobs, dtype=np.int64).reshape(-1, 3)
    shown = np.frombuffer(profile, dtype=np.int64).reshape(horizon, 2)
    behind = np.full((int(table[:, 0].sum()) + 2, 2), units, dtype=np.int64)
    free = np.concatenate([shown, behind])
    judged = _judge(free, table, horizon, time.monotonic() + seconds)
    for array in (judged.values, judged.lower):
        array.setflags(write=False)
    return judged


def _judge(free: Ints, table: Ints, horizon: int, deadline: float) -> Judged:
    present = np.flatnonzero(table[:, 0] > 0)
    # Beyond 10**10 costs are rounded in the tenth digit, so that sums stay within 64 bits.
    unit = min(math.lcm(1, *(int(length) for length in table[present, 0])), 10**10)
    weight = np.round(unit / np.maximum(table[:, 0], 1)).astype(np.int64)
    values, lower = np.full((2, len(table) + 1), np.nan)
    values[-1], lower[-1] = _best(free, table[present], weight[present], 1, deadline)
    for job in present:
        at = _earliest(free, table[job], 0)
        if at >= horizon - table[job, 0]:
            continue
        taken = free.copy()
        taken[at : at + table[job, 0]] -= table[job, 1:]
        rest = present[present != job]
        own = int(weight[job] * (at + table[job, 0]))
        best = _best(taken, table[rest], weight[rest], 0, deadline)
        values[job], lower[job] = own + best[0], own + best[1]
    return Judged(values / unit, bool(np.array_equal(values, lower, equal_nan=True)), lower / unit)


def _best(free: Ints, table: Ints, weight: Ints, first: int, deadline: float) -> tuple[int, int]:
    """The least weighted sum of finish times with starts from ``first`` on: best found, and proved bound."""
    if not len(table):
        return 0, 0
    order = np.lexsort((table[:, 2], table[:, 1], table[:, 0]))
    table, weight = np.ascontiguousarray(table[order]), np.ascontiguousarray(weight[order])
    search = _Search.new(free, table, weight, first)
    while not _explore(search, table, weight, NODES_AT_ONCE):
        if time.monotonic() > deadline:
            return int(search.best[0]), int(search.best[1])
    return int(search.best[0]), int(search.best[0])


class _Search(NamedTuple):
    """A depth-first search that can be continued; level ``d`` has ``d`` jobs placed."""

    free: Ints  # [T, 2] what the placed jobs leave
    fit: Ints  # [M + 1, M] earliest start of each open job at each level, -1 if placed
    turn: Ints  # [M + 1] the next job to try at each level, -1 before the level is entered
    chosen: Ints  # [M] the job placed at each level
    begin: Ints  # [M] where it starts
    cost: Ints  # [M + 1] weighted finish times of the jobs placed
    best: Ints  # [2] the best complete cost, the root's lower bound
    depth: Ints  # [1] current level; -1 when all is explored
    first: int

    @classmethod
    def new(cls, free: Ints, table: Ints, weight: Ints, first: int) -> _Search:
        jobs = len(table)
        root = sum(int(w) * (_earliest(free, row, first) + int(row[0])) for row, w in zip(table, weight, strict=True))
        return cls(
            free.copy(),
            np.full((jobs + 1, jobs), -1, dtype=np.int64),
            np.full(jobs + 1, -1, dtype=np.int64),
            np.zeros(jobs, dtype=np.int64),
            np.zeros(jobs, dtype=np.int64),
            np.zeros(jobs + 1, dtype=np.int64),
            np.array([np.iinfo(np.int64).max, root], dtype=np.int64),
            np.zeros(1, dtype=np.int64),
            first,
        )


@njit(cache=True)
def _earliest(free: Ints, job: Ints, first: int) -> int:
    """The first start, from ``first`` on, at which the job fits; behind the profile it fits anywhere."""
    length, cpu, memory = job
    at = first
    step = first
    while step < min(at + length, len(free)):
        if free[step, 0] < cpu or free[step, 1] < memory:
            at = step + 1
        step += 1
    return at


@njit(cache=True)
def _shift(free: Ints, job: Ints, at: int, sign: int) -> None:
    for step in range(at, at + job[0]):
        free[step, 0] += sign * job[1]
        free[step, 1] += sign * job[2]


@njit(cache=True)
def _enter(search: _Search, table: Ints, weight: Ints, level: int) -> int:
    """Earliest starts of the open jobs on a new level; returns a lower bound on what comes of it."""
    bound: int = search.cost[level]
    for job in range(len(table)):
        if level > 0 and (search.fit[level - 1, job] < 0 or search.chosen[level - 1] == job):
            search.fit[level, job] = -1
            continue
        known = search.fit[level - 1, job] if level > 0 else search.first
        at = _earliest(search.free, table[job], known)
        search.fit[level, job] = at
        if level > 0 and at < search.begin[level - 1]:
            at = _earliest(search.free, table[job], search.begin[level - 1])
        bound += weight[job] * (at + table[job, 0])
    return bound


@njit(cache=True)
def _may_follow(fit: Ints, table: Ints, job: int, last_job: int, last_start: int) -> bool:
    """Whether an optimal schedule, its jobs in order of start and then number, may place this job next."""
    at = fit[job]
    if at < last_start or (at == last_start and job < last_job):
        return False  # it could start earlier than its turn, or its turn was before
    for other in range(len(table)):
        if other == job or fit[other] < 0:
            continue
        if fit[other] + table[other, 0] <= at:
            return False  # the other one could run before it at no cost
        same = (
            table[other, 0] == table[job, 0] and table[other, 1] == table[job, 1] and table[other, 2] == table[job, 2]
        )
        if same and other < job:
            return False  # equal jobs take turns by number
    return True


@njit(cache=True)
def _next(search: _Search, table: Ints, level: int) -> int:
    """The next job worth trying on this level; the number of jobs if there is none."""
    last_job = search.chosen[level - 1] if level > 0 else -1
    last_start = search.begin[level - 1] if level > 0 else search.first
    for job in range(search.turn[level], len(table)):
        if search.fit[level, job] >= 0 and _may_follow(search.fit[level], table, job, last_job, last_start):
            return job
    return len(table)


@njit(cache=True)
def _explore(search: _Search, table: Ints, weight: Ints, nodes: int) -> bool:
    """Continue the search for a number of nodes; true when all is explored."""
    jobs = len(table)
    level: int = search.depth[0]
    while level >= 0 and nodes > 0:
        if search.turn[level] < 0:
            nodes -= 1
            bound = _enter(search, table, weight, level)
            search.turn[level] = jobs if level == jobs or bound >= search.best[0] else 0
            if level == jobs:
                search.best[0] = min(search.best[0], search.cost[level])
        job = _next(search, table, level)
        if job < jobs:
            at = search.fit[level, job]
            search.turn[level] = job + 1
            search.chosen[level], search.begin[level] = job, at
            _shift(search.free, table[job], at, -1)
            search.cost[level + 1] = search.cost[level] + weight[job] * (at + table[job, 0])
            level += 1
            search.turn[level] = -1
        else:
            level -= 1
            if level >= 0:
                _shift(search.free, table[search.chosen[level]], search.begin[level], 1)
    search.depth[0] = level
    return level < 0
