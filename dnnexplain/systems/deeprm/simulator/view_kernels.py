"""What a policy sees of an episode, compiled: its picture, and which actions do something."""

from __future__ import annotations

import numpy as np
from numba import njit

from dnnexplain.systems.deeprm.simulator.arrays import FULL
from dnnexplain.systems.deeprm.simulator.kernels import earliest_fit, part, step_row

__all__ = ["observe_rows", "paint_slots", "step_and_observe_rows", "valid_row", "valid_rows", "valid_values_rows"]


@part
def _observe_row(b, s, sizes, jobs, picture):
    k = s.job_set[b]
    picture[:, :] = 0
    at = 0
    for resource in range(2):
        for ahead in range(sizes.horizon):
            row = s.head[b] + ahead
            if row >= sizes.horizon:
                row -= sizes.horizon
            for column in range(sizes.units):
                picture[ahead, at + column] = s.cells[b, resource, row, column]
        at += sizes.units
        for a in range(sizes.slots):
            j = s.slot[b, a]
            if j >= 0:
                amount = jobs[k, j, 2 + resource]
                for row in range(jobs[k, j, 1]):
                    for column in range(amount):
                        picture[row, at + column] = FULL
            at += sizes.width
    for i in range(s.waiting_count[b]):
        picture[i // sizes.backlog_width, at + i % sizes.backlog_width] = FULL
    at += sizes.backlog_width
    level = s.since[b] * FULL // sizes.tracking
    for row in range(sizes.horizon):
        picture[row, at] = level


@njit(cache=True, nogil=True)
def observe_rows(rows, s, sizes, jobs, pictures):
    """Paint the given episodes into ``pictures`` [len(rows), H, W], bytes (FULL = 1)."""
    for i in range(len(rows)):
        _observe_row(rows[i], s, sizes, jobs, pictures[i])


@njit(cache=True, nogil=True)
def step_and_observe_rows(rows, actions, s, sizes, jobs, count, steps, rewards, pictures):
    """:func:`step_rows` and :func:`observe_rows` in one pass, while an episode is in the cache."""
    for i in range(len(rows)):
        rewards[i] = step_row(rows[i], actions[i], s, sizes, jobs, count, steps)
        _observe_row(rows[i], s, sizes, jobs, pictures[i])


@njit(cache=True, nogil=True)
def valid_row(length, cpu, memory, free, units, valid):
    """Which actions do something: a job that fits within the horizon; waiting unless that is idle.

    Waiting is not allowed while the cluster is empty and a job could start: it would leave the
    machine idle, and an argmax policy that waits there waits for ever.
    """
    slots = len(length)
    fits = False
    for a in range(slots):
        valid[a] = length[a] > 0 and earliest_fit(free, length[a], cpu[a], memory[a]) >= 0
        fits = fits or valid[a]
    empty = True
    for resource in range(2):
        for row in range(free.shape[1]):
            if free[resource, row] != units:
                empty = False
    valid[slots] = not (empty and fits)


@njit(cache=True, nogil=True)
def valid_rows(rows, s, sizes, jobs, valid):
    """Valid actions of the given episodes into ``valid`` [len(rows), M + 1]."""
    shape = np.zeros((3, sizes.slots), dtype=np.int32)
    for i in range(len(rows)):
        b = rows[i]
        k = s.job_set[b]
        shape[:, :] = 0
        for a in range(sizes.slots):
            j = s.slot[b, a]
            if j >= 0:
                for column in range(3):
                    shape[column, a] = jobs[k, j, 1 + column]
        valid_row(shape[0], shape[1], shape[2], s.free[b], sizes.units, valid[i])


@njit(cache=True, nogil=True)
def valid_values_rows(jobs, free, units, valid):
    """Valid actions ``valid`` [B, M + 1] of slots' jobs [B, M, 3] and free units [B, 2, H]."""
    shape = np.zeros((3, jobs.shape[1]), dtype=np.int64)
    for i in range(len(jobs)):
        for a in range(jobs.shape[1]):
            for column in range(3):
                shape[column, a] = jobs[i, a, column]
        valid_row(shape[0], shape[1], shape[2], free[i], units, valid[i])


@njit(cache=True, nogil=True)
def paint_slots(jobs, first, width, pictures):
    """Fill the rectangles of slots' jobs [B, M, 3] in empty ``pictures`` [B, H, W].

    ``first`` [2, M] is the first column of each slot's block for each resource; blocks are ``width`` wide.
    """
    height = pictures.shape[1]
    for i in range(len(jobs)):
        for a in range(jobs.shape[1]):
            for row in range(min(height, jobs[i, a, 0])):
                for resource in range(2):
                    at = first[resource, a]
                    for column in range(at, at + min(width, jobs[i, a, 1 + resource])):
                        pictures[i, row, column] = 1.0
