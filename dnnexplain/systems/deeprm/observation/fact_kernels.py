"""What soft rules ask of an episode, compiled: which jobs could start now, how full each action makes the cluster."""

from __future__ import annotations

from numba import njit

from dnnexplain.systems.deeprm.simulator.kernels import earliest_fit

__all__ = ["startable_rows", "use_after_rows"]


@njit(cache=True, nogil=True)
def startable_rows(rows, s, jobs, startable):
    """Whether the job of each slot could start now, into ``startable`` [len(rows), M]."""
    for i in range(len(rows)):
        b = rows[i]
        k = s.job_set[b]
        for a in range(startable.shape[1]):
            j = s.slot[b, a]
            startable[i, a] = j >= 0 and earliest_fit(s.free[b], jobs[k, j, 1], jobs[k, j, 2], jobs[k, j, 3]) == 0


@njit(cache=True, nogil=True)
def use_after_rows(rows, s, sizes, jobs, use):
    """Use of the busiest resource after each action, as a share, into ``use`` [len(rows), M + 1].

    Placing: the highest use in the steps in which the job would run. Waiting, or placing what has no
    place: the use in the next step.
    """
    wait = sizes.slots
    for i in range(len(rows)):
        b = rows[i]
        k = s.job_set[b]
        least = min(s.free[b, 0, 1], s.free[b, 1, 1])
        use[i, :] = 1.0 - least / sizes.units
        for a in range(wait):
            j = s.slot[b, a]
            if j < 0:
                continue
            length, cpu, memory = jobs[k, j, 1], jobs[k, j, 2], jobs[k, j, 3]
            offset = earliest_fit(s.free[b], length, cpu, memory)
            if offset < 0:
                continue
            left = sizes.units
            for row in range(offset, offset + length):
                left = min(left, s.free[b, 0, row] - cpu, s.free[b, 1, row] - memory)
            use[i, a] = 1.0 - left / sizes.units
