"""Hand-written schedulers: SJF, Packer, Tetris, FCFS, EASY backfilling, random, hold; compiled.

SJF, Packer and Tetris are those that DeepRM is compared with in the published code: they place only a
job that can start now, ties go to the lowest slot. Tetris scores ``knob * alignment + (1 - knob) /
length`` (Grandl et al., SIGCOMM 2014, as adapted there; .003 reproduces HotNets' Figure 5). EASY
backfilling: Lifka, "The ANL/IBM SP Scheduling System", JSSPP 1995.

Hold is shortest job first that withholds, the least that a network must beat. A job is placed at the earliest step
at which it fits, as a network's actions are; one longer than a number of steps is held until no job has arrived for
more than another number of steps (the patience), every slot holds such a job, or the cluster is idle. Both numbers
were tuned on workloads of their own (``benchmarks/hold.py``).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from dnnexplain.systems.deeprm.simulator.kernels import earliest_fit

__all__ = ["HOLD", "RULES", "TETRIS_KNOB", "rule_action", "rule_rows"]

RULES = ("sjf", "packer", "tetris", "fcfs", "easy", "random", "hold")
"""Names of the rules; the position is the rule's number in the kernels."""

TETRIS_KNOB = 0.003

HOLD = (2, 7)
"""The length from which jobs are held, exclusive, and the patience: steps without an arrival."""

_SJF, _PACKER, _TETRIS, _FCFS, _EASY, _RANDOM, _HOLD = range(7)


@njit(cache=True, nogil=True)
def _fits_now(free, length, cpu, memory):
    for row in range(length):
        if free[0, row] < cpu or free[1, row] < memory:
            return False
    return True


@njit(cache=True, nogil=True)
def _greedy(rule, length, cpu, memory, free, knob):
    best = 0.0
    action = len(length)
    for a in range(len(length)):
        if length[a] == 0 or not _fits_now(free, length[a], cpu[a], memory[a]):
            continue
        alignment = float(free[0, 0] * cpu[a] + free[1, 0] * memory[a])
        if rule == _SJF:
            score = 1.0 / length[a]
        elif rule == _PACKER:
            score = alignment
        else:
            score = knob * alignment + (1.0 - knob) / length[a]
        if score > best:
            best = score
            action = a
    return action


@njit(cache=True, nogil=True)
def _hold(length, cpu, memory, free, units, longest, patient):
    """The shortest job that fits at some step; those above ``longest`` only after patience, or with nothing else to do."""
    released = patient or (length > longest).all() or (free == units).all()
    action = len(length)
    for a in range(len(length)):
        if length[a] == 0 or (length[a] > longest and not released):
            continue
        if (action == len(length) or length[a] < length[action]) and earliest_fit(
            free, length[a], cpu[a], memory[a]
        ) >= 0:
            action = a
    return action


@njit(cache=True, nogil=True)
def _first_in_order(length, order):
    head = -1
    for a in range(len(length)):
        if length[a] > 0 and (head < 0 or order[a] < order[head]):
            head = a
    return head


@njit(cache=True, nogil=True)
def _delays_head(free, length, cpu, memory, head, candidate, start):
    """Whether starting ``candidate`` now would move the head's earliest start past ``start``."""
    left = free.copy()
    for row in range(length[candidate]):
        left[0, row] -= cpu[candidate]
        left[1, row] -= memory[candidate]
    moved = earliest_fit(left, length[head], cpu[head], memory[head])
    return moved < 0 or moved > start


@njit(cache=True, nogil=True)
def _first_come(rule, length, cpu, memory, order, free):
    wait = len(length)
    head = _first_in_order(length, order)
    if head < 0:
        return wait
    if _fits_now(free, length[head], cpu[head], memory[head]):
        return head
    if rule == _FCFS:
        return wait
    start = earliest_fit(free, length[head], cpu[head], memory[head])
    action = wait
    for a in range(len(length)):
        if a == head or length[a] == 0 or (action < wait and order[a] > order[action]):
            continue
        if not _fits_now(free, length[a], cpu[a], memory[a]):
            continue
        if start < 0 or not _delays_head(free, length, cpu, memory, head, a, start):
            action = a
    return action


@njit(cache=True, nogil=True)
def rule_action(rule, length, cpu, memory, order, free, knob, draw, hold, since, tracking, units):
    """The action of a rule in one state.

    Args:
        rule: position in :data:`RULES`.
        length, cpu, memory: per slot ``[M]``; length 0 is an empty slot.
        order: order of arrival of the slots' jobs ``[M]`` (FCFS and EASY).
        free: free units ``[2, H]``.
        knob: Tetris's weight of the alignment.
        draw: a uniform number in [0, 1) (random).
        hold: the length from which jobs are held, exclusive, and the patience (hold).
        since: steps since the last arrival, which is not counted beyond ``tracking`` (hold).
        tracking: where it ends.
        units: the cluster's capacity per resource (hold).
    """
    if rule == _RANDOM:
        return min(int(draw * (len(length) + 1)), len(length))
    if rule in (_FCFS, _EASY):
        return _first_come(rule, length, cpu, memory, order, free)
    if rule == _HOLD:
        return _hold(length, cpu, memory, free, units, hold[0], since > hold[1] or since >= tracking)
    return _greedy(rule, length, cpu, memory, free, knob)


@njit(cache=True, nogil=True)
def rule_rows(rule, rows, s, sizes, jobs, knob, hold, draws, actions):
    """The rule's action in each of the given episodes, into ``actions`` [len(rows)]."""
    shape = np.zeros((4, sizes.slots), dtype=np.int32)
    for i in range(len(rows)):
        b = rows[i]
        k = s.job_set[b]
        shape[:, :] = 0
        for a in range(sizes.slots):
            j = s.slot[b, a]
            if j >= 0:
                for column in range(3):
                    shape[column, a] = jobs[k, j, 1 + column]
                shape[3, a] = j
        actions[i] = rule_action(
            rule,
            shape[0],
            shape[1],
            shape[2],
            shape[3],
            s.free[b],
            knob,
            draws[i],
            hold,
            s.since[b],
            sizes.tracking,
            sizes.units,
        )
