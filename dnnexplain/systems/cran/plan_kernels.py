"""Dynamic programs over sets of awake heads, compiled. A set is a bit pattern: bit r stands for head r."""

from __future__ import annotations

from numba import njit

__all__ = ["continuations", "plan"]


@njit(cache=True, nogil=True)
def reach(value, switch, toggles, best):
    """``best[S] = min over S' of value[S'] + switch |S - S'|`` [2^R]; with ``toggles``, S' differs in one head at most."""
    best[:] = value
    bit = 1
    while bit < len(value):
        for s in range(len(value)):
            if toggles:
                best[s] = min(best[s], value[s ^ bit] + switch)
            elif s & bit == 0:  # relaxed head by head: the charge of a change is a sum over heads
                low, high = best[s], best[s | bit]
                best[s] = min(low, high + switch)
                best[s | bit] = min(high, low + switch)
        bit <<= 1


@njit(cache=True, nogil=True)
def continuations(costs, switch, toggles, total, before):
    """The least cost from each slot on, by the set of the slot, ``total`` [T, 2^R], and by the set before it.

    ``costs`` [T, 2^R] are the slots' costs without switching; ``before`` [T + 1, 2^R] ends with zeros.
    """
    slots = len(costs)
    before[slots] = 0.0
    for t in range(slots - 1, -1, -1):
        for s in range(costs.shape[1]):
            total[t, s] = costs[t, s] + before[t + 1, s]
        reach(total[t], switch, toggles, before[t])


@njit(cache=True, nogil=True)
def plan(total, switch, toggles, start, sets):
    """An optimal plan ``sets`` [T] from the set ``start``; of equal ones that with the fewest changes, then least bits."""
    here = start
    for t in range(len(total)):
        best, value, changes = here, total[t, here], 0
        for s in range(total.shape[1]):
            moved = count(here ^ s)
            if toggles and moved > 1:
                continue
            reached = total[t, s] + switch * moved
            if reached < value - 1e-12 or (reached <= value and moved < changes):
                best, value, changes = s, reached, moved
        sets[t] = best
        here = best


@njit(cache=True, nogil=True)
def count(pattern):
    """How many bits are set."""
    bits = 0
    while pattern:
        pattern &= pattern - 1
        bits += 1
    return bits
