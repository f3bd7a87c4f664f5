"""Domain quantities of a state, compiled; and trees over them that act in an episode without a picture.

The columns are those of :class:`dnnexplain.systems.deeprm.observation.features.DeepRMFeatures`, in its order.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from dnnexplain.systems.deeprm.simulator.arrays import FULL
from dnnexplain.systems.deeprm.simulator.kernels import earliest_fit, part, step_row

__all__ = ["NAMED_MOVES", "describe_rows", "feature_count", "run_tree_rows", "simulator_rows", "tree_rows"]

NEAR = 5
"""Steps of "the next 5 steps"."""
SMALLEST = 1e-9
"""A tree's score below this counts as this, as in ``explain.distillation.policy``."""


NAMED_MOVES = 6
"""Moves that are not "place job ..."."""


def feature_count(slots: int) -> int:
    """How many quantities a state has: of each job, of four telling jobs, of all together, backlog and time."""
    return 7 * slots + 4 * 6 + 11 + 2


@part
def _least(score, starts, latest):
    """The slot with the least score among jobs that start at ``latest`` or before; ties to the lowest; -1."""
    best = -1
    for a in range(len(score)):
        if 0 <= starts[a] <= latest and (best < 0 or score[a] < score[best]):
            best = a
    return best


@part
def _one_job(slot, job, starts, horizon, longest, largest, out, at):
    out[at] = slot + 1
    if slot < 0:
        out[at + 1], out[at + 2], out[at + 3] = longest + 1, 0, horizon
        out[at + 4] = 2 * largest * longest + 1
    else:
        out[at + 1], out[at + 2], out[at + 3] = job[slot, 0], max(job[slot, 1], job[slot, 2]), starts[slot]
        out[at + 4] = job[slot, 0] * (job[slot, 1] + job[slot, 2])
    out[at + 5] = out[at + 1] + out[at + 3]
    return at + 6


@part
def _each_job(job, starts, horizon, out):
    at = 0
    for a in range(len(job)):
        rank = 0
        if starts[a] >= 0:
            rank = 1
            for b in range(len(job)):
                if starts[b] >= 0 and (job[b, 0] < job[a, 0] or (job[b, 0] == job[a, 0] and b < a)):
                    rank += 1
        out[at], out[at + 1], out[at + 2] = job[a, 0], job[a, 1], job[a, 2]
        out[at + 3] = max(job[a, 1], job[a, 2])
        out[at + 4] = starts[a] == 0
        out[at + 5] = starts[a] if starts[a] >= 0 else horizon
        out[at + 6] = rank
        at += 7
    return at


@part
def _together(job, starts, free, units, longest, out, at):
    waiting, now, placeable, most, work = 0, 0, 0, 0, 0
    first, second = longest + 1, longest + 1
    for a in range(len(job)):
        waiting += job[a, 0] > 0
        now += starts[a] == 0
        if starts[a] < 0:
            continue
        placeable += 1
        length = job[a, 0]
        most = max(most, length)
        work += length * (job[a, 1] + job[a, 2])
        if length < first:
            first, second = length, first
        elif length < second:
            second = length
    if len(job) == 1:
        second = first
    horizon = free.shape[1]
    near = min(NEAR, horizon)
    total, close = 0, 0
    for resource in range(2):
        for row in range(horizon):
            total += free[resource, row]
            if row < near:
                close += free[resource, row]
    out[at], out[at + 1], out[at + 2] = waiting, now, placeable
    out[at + 3], out[at + 4], out[at + 5] = second, second - first, most
    out[at + 6], out[at + 7] = free[0, 0], free[1, 0]
    out[at + 8] = 100 * (1 - total / (2 * horizon) / units)
    out[at + 9] = 100 * (1 - close / (2 * near) / units)
    out[at + 10] = work
    return at + 11


@njit(cache=True, nogil=True)
def _describe(job, free, backlog, since, units, longest, largest, starts, scores, out, moves):
    """One state: ``job`` [M, 3], ``free`` [2, H]; fills ``out`` [F], ``moves`` [R], ``starts`` [M]."""
    slots, horizon = len(job), free.shape[1]
    length, work, end = scores[0], scores[1], scores[2]
    for a in range(slots):
        starts[a] = earliest_fit(free, job[a, 0], job[a, 1], job[a, 2]) if job[a, 0] > 0 else -1
        length[a] = job[a, 0]
        work[a] = job[a, 0] * (job[a, 1] + job[a, 2])
        end[a] = job[a, 0] + starts[a]
    short, short_now = _least(length, starts, horizon), _least(length, starts, 0)
    little, little_now = _least(work, starts, horizon), _least(work, starts, 0)
    at = _each_job(job, starts, horizon, out)
    for slot in (short, short_now, little, little_now):
        at = _one_job(slot, job, starts, horizon, longest, largest, out, at)
    at = _together(job, starts, free, units, longest, out, at)
    out[at], out[at + 1] = backlog, since
    first = _least(end, starts, horizon)
    moves[0] = slots
    place = 1
    for slot in (little, short, short_now, little_now, first):
        moves[place] = slot if slot >= 0 else slots
        place += 1
    for a in range(slots):
        moves[place + a] = a


@njit(cache=True, nogil=True)
def describe_rows(jobs, free, backlog, since, units, longest, largest, out, moves):
    """Quantities ``out`` [B, F] and moves [B, R] of states: ``jobs`` [B, M, 3], ``free`` [B, 2, H]."""
    starts = np.empty(jobs.shape[1], dtype=np.int64)
    scores = np.empty((3, jobs.shape[1]), dtype=np.int64)
    for i in range(len(jobs)):
        _describe(jobs[i], free[i], backlog[i], since[i], units, longest, largest, starts, scores, out[i], moves[i])


@part
def _row_of(b, s, sizes, jobs, job):
    """The jobs in the slots of an episode, and what its picture says of the time since the last arrival."""
    k = s.job_set[b]
    for a in range(sizes.slots):
        j = s.slot[b, a]
        for column in range(3):
            job[a, column] = jobs[k, j, 1 + column] if j >= 0 else 0
    return np.ceil((s.since[b] * FULL // sizes.tracking) * sizes.tracking / FULL)


@part
def _valid(free, starts, units, valid):
    """As ``view_kernels.valid_row``, from the earliest starts."""
    fits = False
    for a in range(len(starts)):
        valid[a] = starts[a] >= 0
        fits = fits or valid[a]
    empty = True
    for resource in range(2):
        for row in range(free.shape[1]):
            if free[resource, row] != units:
                empty = False
    valid[len(starts)] = not (empty and fits)


@njit(cache=True, nogil=True)
def simulator_rows(rows, s, sizes, jobs, longest, largest, out, moves, valid):
    """Quantities, moves and valid actions of the given episodes, without their pictures."""
    job = np.zeros((sizes.slots, 3), dtype=np.int64)
    starts = np.empty(sizes.slots, dtype=np.int64)
    scores = np.empty((3, sizes.slots), dtype=np.int64)
    for i in range(len(rows)):
        b = rows[i]
        since = _row_of(b, s, sizes, jobs, job)
        _describe(
            job, s.free[b], s.waiting_count[b], since, sizes.units, longest, largest, starts, scores, out[i], moves[i]
        )
        _valid(s.free[b], starts, sizes.units, valid[i])


@part
def _tree_action(nodes, features, moves, valid, best):
    """The valid action with the highest score in the leaf; ties to the lowest action."""
    feature, threshold, left, right, scores = nodes
    node = 0
    while feature[node] >= 0:
        node = left[node] if features[feature[node]] <= threshold[node] else right[node]
    best[:] = SMALLEST
    for move in range(len(moves)):
        best[moves[move]] = max(best[moves[move]], scores[node, move])
    action = -1
    for a in range(len(best)):
        if valid[a] and (action < 0 or best[a] > best[action]):
            action = a
    return action


@njit(cache=True, nogil=True)
def tree_rows(nodes, features, moves, valid, actions):
    """What a tree does in states that are described already: ``actions`` [B]."""
    best = np.empty(valid.shape[1])
    for i in range(len(features)):
        actions[i] = _tree_action(nodes, features[i], moves[i], valid[i], best)


@njit(cache=True, nogil=True)
def run_tree_rows(rows, s, sizes, jobs, count, steps, longest, largest, nodes, width):
    """Run the given episodes to their end by a tree of ``width`` features."""
    job = np.zeros((sizes.slots, 3), dtype=np.int64)
    starts = np.empty(sizes.slots, dtype=np.int64)
    scores = np.empty((3, sizes.slots), dtype=np.int64)
    features, best = np.empty(width), np.empty(sizes.slots + 1)
    moves = np.empty(sizes.slots + NAMED_MOVES, dtype=np.int64)
    valid = np.empty(sizes.slots + 1, dtype=np.bool_)
    for b in rows:
        while not s.done[b]:
            since = _row_of(b, s, sizes, jobs, job)
            _describe(
                job,
                s.free[b],
                s.waiting_count[b],
                since,
                sizes.units,
                longest,
                largest,
                starts,
                scores,
                features,
                moves,
            )
            _valid(s.free[b], starts, sizes.units, valid)
            step_row(b, _tree_action(nodes, features, moves, valid, best), s, sizes, jobs, count, steps)
