# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""A part of the states settled by computing the network in each state that a bound leaves open, compiled.

A bound by lines is a sum over groups: what each joint value of a group adds to it. A state comes above what is asked only
if its values fall short of the best ones, in all, by less than the bound is above that. Mostly such states are few,
though the part has billions of others, and a search group by group meets no other (depth first: Land and Doig,
Econometrica 28, 1960). Along a knob on a straight line a row is at its largest at an end or where a neuron bends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["FlatArrays", "settle"]

Floats = NDArray[np.float64]


class FlatArrays(NamedTuple):
    """A network whose bends (ReLU) see inputs alone.

    Attributes:
        adds: what each input adds to each bend ``[V, N]``.
        direct: what it adds to each row ``[V, r]``.
        constants: of bends, then of rows ``[N + r]``.
        gains: of bends in rows ``[r, N]``.
    """

    adds: Floats
    direct: Floats
    constants: Floats
    gains: Floats


@njit(cache=True, nogil=True)
def _smallest_row(sums, gains):
    """The smallest row of sums ``[N + r]``."""
    bends, least = gains.shape[1], np.inf
    for r in range(len(gains)):
        total = sums[bends + r]
        for j in range(bends):
            total += gains[r, j] * max(sums[j], 0.0)
        least = min(least, total)
    return least


@njit(cache=True, nogil=True)
def _most_along(sums, gains, along, reach, moved):
    """The largest smallest row where ``sums`` move by up to ``reach`` times ``along``, and where: for one row exact.

    The smallest of several rows is not above the smallest of their largest values.
    """
    bends, least, where = gains.shape[1], np.inf, 0.0
    for r in range(len(gains)):
        top, best = -np.inf, 0.0
        for stop in range(bends + 2):
            x = 0.0 if stop == bends else reach
            if stop < bends:
                if along[stop] == 0.0:
                    continue
                x = -sums[stop] / along[stop]
                if x <= 0.0 or x >= reach:
                    continue
            total = sums[bends + r] + x * along[bends + r]
            for j in range(bends):
                total += gains[r, j] * max(sums[j] + x * along[j], 0.0)
            if total > top:
                top, best = total, x
        if top < least:
            least, where = top, best
    moved[0] = where
    return least


@njit(cache=True, nogil=True)
def _add(flat, v, share, sums):
    """Add so much of an input's value 1 to ``sums`` ``[N + r]``."""
    bends = flat.adds.shape[1]
    for j in range(bends):
        sums[j] += share * flat.adds[v, j]
    for r in range(flat.direct.shape[1]):
        sums[bends + r] += share * flat.direct[v, r]


@njit(cache=True, nogil=True)
def _laid(flat, groups, kept, ends, slopes, room, chosen, losses, first, sums):
    """Options by what they fall short of their list's best, the best first; those that fall too short are left out.

    ``first[g]`` to ``first[g + 1]`` of ``chosen``, ``losses`` and ``sums`` are those of list ``g``.
    """
    worth, to = np.empty(len(kept)), 0
    for g in range(len(ends) - 1):
        best = -np.inf
        for at in range(ends[g], ends[g + 1]):
            worth[at] = 0.0
            for p in range(groups.numbers.shape[1]):
                if groups.numbers[kept[at], p] >= 0:
                    worth[at] += slopes[groups.numbers[kept[at], p]]
            best = max(best, worth[at])
        first[g] = to
        order = np.argsort(-worth[ends[g] : ends[g + 1]])
        for place in order:
            at = ends[g] + place
            if best - worth[at] > room:
                break
            chosen[to], losses[to] = kept[at], best - worth[at]
            sums[to] = 0.0
            for p in range(groups.numbers.shape[1]):
                if groups.numbers[kept[at], p] >= 0:
                    _add(flat, groups.numbers[kept[at], p], 1.0, sums[to])
            to += 1
    first[len(ends) - 1] = to


@njit(cache=True, nogil=True)
def settle(flat, groups, kept, ends, low, high, slopes, room, below, most, above, values):
    """Compute the network in all states of a part that may come above what is asked.

    Args:
        flat: the network.
        groups, kept, ends, low, high: the part (see ``dual_kernels.descend``), without relations and budget.
        slopes: what each input adds to a bound of the smallest row ``[V]``.
        room: the bound less what is asked.
        below: what is asked: does the smallest row come above it?
        most: states that are computed, at most.
        above: set to the knobs of states that do ``[m, E]``; ``values`` to their smallest rows ``[m]``.

    Returns:
        How many do; -1 if there are more states than ``most``, more than ``m`` above it, or more lines than one.
    """
    lists, wide, many = len(ends) - 1, len(flat.constants), 0
    chosen, losses, first = np.empty(len(kept), np.int64), np.empty(len(kept)), np.empty(lists + 1, np.int64)
    table = np.empty((len(kept), wide))
    _laid(flat, groups, kept, ends, slopes, room, chosen, losses, first, table)
    levels, depth = np.empty(lists, np.int64), 0
    knobs, along, reach, line = low.copy(), np.zeros(wide), 0.0, -1
    partial = np.empty((lists + 1, wide))
    partial[0] = flat.constants
    for g in range(lists):
        for k in range(groups.places.shape[1]):
            if groups.places[g, k] >= 0:
                knobs[groups.places[g, k]] = groups.options[chosen[first[g]], k]
        if first[g + 1] - first[g] == 1:
            partial[0] += table[first[g]]
        else:
            levels[depth] = g
            depth += 1
    for i in range(len(groups.line_place)):
        place = groups.line_place[i]
        _add(flat, groups.line_number[i], low[place], partial[0])
        if high[place] > low[place]:
            if line >= 0:
                return -1
            line, reach = place, high[place] - low[place]
            _add(flat, groups.line_number[i], 1.0, along)
    for a in range(depth):  # short lists first
        for b in range(a + 1, depth):
            if first[levels[b] + 1] - first[levels[b]] < first[levels[a] + 1] - first[levels[a]]:
                levels[a], levels[b] = levels[b], levels[a]
    at, left, moved = np.zeros(lists + 1, np.int64), np.empty(lists + 1), np.zeros(1)
    left[0] = room
    level, done = 0, 0
    if depth > 0:
        at[0] = first[levels[0]]
    while level >= 0:
        if level == depth:
            done += 1
            if done > most:
                return -1
            value = (
                _smallest_row(partial[level], flat.gains)
                if line < 0
                else _most_along(partial[level], flat.gains, along, reach, moved)
            )
            if value > below:
                if many == len(values):
                    return -1
                for d in range(depth):
                    g = levels[d]
                    for k in range(groups.places.shape[1]):
                        if groups.places[g, k] >= 0:
                            knobs[groups.places[g, k]] = groups.options[chosen[at[d] - 1], k]
                if line >= 0:
                    knobs[line] = low[line] + moved[0]
                above[many], values[many] = knobs, value
                many += 1
            level -= 1
            continue
        g = levels[level]
        i = at[level]
        if i >= first[g + 1] or losses[i] > left[level]:
            level -= 1
            continue
        at[level] = i + 1
        left[level + 1] = left[level] - losses[i]
        for c in range(wide):
            partial[level + 1, c] = partial[level, c] + table[i, c]
        level += 1
        if level < depth:
            at[level] = first[levels[level]]
    return many
