"""DeepRM's dynamics, compiled: reset, place, advance, reward; one episode per row.

The rules are those of the published environment (Mao et al., HotNets 2016, github.com/hongzimao/deeprm)
with three named corrections; see :class:`dnnexplain.systems.deeprm.simulator.model.Params`. ``jobs`` is
``[S, J, 4]``: arrival, length, cpu, memory.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from dnnexplain.systems.deeprm.simulator.arrays import COLOURS, FULL

__all__ = ["earliest_fit", "part", "reset_rows", "step_row", "step_rows", "still_rows"]

part = njit(cache=True, nogil=True, inline="always")
"""For a part of a kernel: put in place, since handing over the struct of arrays costs more than the work."""


@njit(cache=True, nogil=True)
def reset_row(b, s, sizes, jobs, count):
    """Empty cluster, clock at zero, before the first arrival; jobs of step 0 never arrive."""
    s.time[b] = 0
    s.actions[b] = 0
    s.since[b] = 0
    s.slot[b, :] = -1
    s.waiting_count[b] = 0
    s.running_count[b] = 0
    s.free[b, :, :] = sizes.units
    s.cells[b, :, :, :] = 0
    s.head[b] = 0
    s.start[b, :] = -1
    s.finish[b, :] = -1
    s.placed_at[b, :] = -1
    s.turned_away[b, :] = False
    s.away_cost[b] = 0.0
    s.done[b] = False
    first = 0
    k = s.job_set[b]
    while first < count[k] and jobs[k, first, 0] < 1:
        first += 1
    s.next_job[b] = first


@njit(cache=True, nogil=True)
def reset_rows(rows, s, sizes, jobs, count):
    """Reset the given episodes."""
    for b in rows:
        reset_row(b, s, sizes, jobs, count)


@njit(cache=True, nogil=True)
def earliest_fit(free, length, cpu, memory):
    """Earliest offset at which a job fits: ``free`` [2, H]; -1 if none. The last row is never used.

    The original tries offsets 0 to H - length - 1.
    """
    run = 0
    for row in range(free.shape[1] - 1):
        if free[0, row] >= cpu and free[1, row] >= memory:
            run += 1
            if run == length:
                return row - length + 1
        else:
            run = 0
    return -1


@part
def _unused_colour(b, s):
    used = np.zeros(256, dtype=np.bool_)
    for value in s.cells[b].ravel():
        used[value] = True
    for colour in s.colour_order[b]:
        if not used[colour]:
            return colour
    return s.colour_order[b, COLOURS - 1]


@part
def _paint(b, s, sizes, resource, first, length, amount, colour):
    for ahead in range(first, first + length):
        row = (s.head[b] + ahead) % sizes.horizon
        left = amount
        for column in range(sizes.units):
            if left == 0:
                break
            if s.cells[b, resource, row, column] == 0:
                s.cells[b, resource, row, column] = colour
                left -= 1


@part
def _place(b, a, s, sizes, jobs):
    """Place the job of slot ``a`` at its earliest offset; the slot takes the head of the backlog."""
    j = s.slot[b, a]
    k = s.job_set[b]
    length, cpu, memory = jobs[k, j, 1], jobs[k, j, 2], jobs[k, j, 3]
    offset = earliest_fit(s.free[b], length, cpu, memory)
    if offset < 0:
        return False
    colour = np.uint8(FULL)
    if sizes.colours:
        colour = _unused_colour(b, s)
    for row in range(offset, offset + length):
        s.free[b, 0, row] -= cpu
        s.free[b, 1, row] -= memory
    _paint(b, s, sizes, 0, offset, length, cpu, colour)
    _paint(b, s, sizes, 1, offset, length, memory, colour)
    s.start[b, j] = s.time[b] + offset
    s.finish[b, j] = s.time[b] + offset + length
    s.placed_at[b, j] = s.actions[b]
    s.running[b, s.running_count[b]] = j
    s.running_count[b] += 1
    s.slot[b, a] = -1
    if s.waiting_count[b] > 0:
        s.slot[b, a] = s.waiting[b, 0]
        for i in range(1, s.waiting_count[b]):
            s.waiting[b, i - 1] = s.waiting[b, i]
        s.waiting_count[b] -= 1
    return True


@part
def _retire(b, s, sizes):
    """Remove finished jobs. Lingering: after a removal the next job is not looked at this step."""
    kept = 0
    looked = 0
    total = s.running_count[b]
    while looked < total:
        j = s.running[b, looked]
        looked += 1
        if s.finish[b, j] <= s.time[b]:
            if sizes.linger and looked < total:
                s.running[b, kept] = s.running[b, looked]
                kept += 1
                looked += 1
        else:
            s.running[b, kept] = j
            kept += 1
    s.running_count[b] = kept


@part
def _advance(b, s, sizes):
    """One step of time: the first row passes (the rows are a ring), finished jobs leave."""
    s.time[b] += 1
    last = sizes.horizon - 1
    for resource in range(2):
        for row in range(last):
            s.free[b, resource, row] = s.free[b, resource, row + 1]
        s.free[b, resource, last] = sizes.units
        s.cells[b, resource, s.head[b], :] = 0
    s.head[b] = (s.head[b] + 1) % sizes.horizon
    _retire(b, s, sizes)
    if s.since[b] < sizes.tracking:
        s.since[b] += 1


@part
def _is_over(b, s, sizes, steps):
    if not sizes.until_done:
        return s.time[b] >= steps
    if s.time[b] > sizes.time_limit:
        return True
    if s.time[b] < steps or s.running_count[b] > 0 or s.waiting_count[b] > 0:
        return False
    for a in range(sizes.slots):
        if s.slot[b, a] >= 0:
            return False
    return True


@part
def still_row(b, s, sizes, count, steps):
    """Whether jobs wait and letting time pass would change nothing in the picture, now and ever after.

    Nothing runs, nobody will arrive any more, and the time since the last arrival is at its end.
    """
    k = s.job_set[b]
    if s.running_count[b] > 0 or s.since[b] < sizes.tracking:
        return False
    if s.next_job[b] < count[k] and s.time[b] < steps[k]:
        return False
    for a in range(sizes.slots):
        if s.slot[b, a] >= 0:
            return True
    return False


@njit(cache=True, nogil=True)
def still_rows(rows, s, sizes, count, steps, out):
    """:func:`still_row` of the given episodes, into ``out`` [len(rows)]."""
    for i in range(len(rows)):
        out[i] = still_row(rows[i], s, sizes, count, steps)


@part
def _admit(b, s, sizes, jobs, count, steps):
    """Jobs that arrive now take the first empty slot, else the backlog, else are turned away."""
    k = s.job_set[b]
    if s.time[b] >= steps:
        return
    while s.next_job[b] < count[k] and jobs[k, s.next_job[b], 0] <= s.time[b]:
        j = s.next_job[b]
        s.next_job[b] += 1
        s.since[b] = 0
        seated = False
        for a in range(sizes.slots):
            if s.slot[b, a] < 0:
                s.slot[b, a] = j
                seated = True
                break
        if seated:
            continue
        if s.waiting_count[b] < sizes.backlog:
            s.waiting[b, s.waiting_count[b]] = j
            s.waiting_count[b] += 1
        else:
            s.turned_away[b, j] = True
            s.away_cost[b] += 1.0 / jobs[k, j, 1]


@part
def _reward(b, s, sizes, jobs):
    """Minus the sum of 1/length over every job in the system (and, if charged, turned away)."""
    k = s.job_set[b]
    reward = 0.0
    for i in range(s.running_count[b]):
        reward += -1.0 / jobs[k, s.running[b, i], 1]
    for a in range(sizes.slots):
        if s.slot[b, a] >= 0:
            reward += -1.0 / jobs[k, s.slot[b, a], 1]
    for i in range(s.waiting_count[b]):
        reward += -1.0 / jobs[k, s.waiting[b, i], 1]
    if sizes.charge:
        reward -= s.away_cost[b]
    return reward


@part
def step_row(b, action, s, sizes, jobs, count, steps):
    """One action of one episode; returns the reward. A finished episode does not move."""
    if s.done[b]:
        return 0.0
    still = sizes.stalls and still_row(b, s, sizes, count, steps)
    placed = action < sizes.slots and s.slot[b, action] >= 0 and _place(b, action, s, sizes, jobs)
    s.actions[b] += 1
    if placed:
        return 0.0
    if still:
        s.done[b] = True
        return 0.0
    _advance(b, s, sizes)
    limit = steps[s.job_set[b]]
    s.done[b] = _is_over(b, s, sizes, limit)
    if not s.done[b]:
        _admit(b, s, sizes, jobs, count, limit)
    return _reward(b, s, sizes, jobs)


@njit(cache=True, nogil=True)
def step_rows(rows, actions, s, sizes, jobs, count, steps, rewards):
    """One action in each of the given episodes; ``actions`` and ``rewards`` run along ``rows``."""
    for i in range(len(rows)):
        rewards[i] = step_row(rows[i], actions[i], s, sizes, jobs, count, steps)
