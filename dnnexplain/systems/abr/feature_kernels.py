"""Domain quantities of a state, compiled, and whole sessions played by a tree over them; see ``features``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dnnexplain.systems.abr.kernels import step_row

__all__ = ["Scales", "describe_states", "play_tree_rows"]

_KINDS = 4
"""Moves that are no bitrate: keep, one up, one down, below the throughput."""


class Scales(NamedTuple):
    """How knobs stand in an observation; ``cell``, ``scale``, ``low`` and ``high`` in the order of a state's values ``[K]``."""

    bitrates: NDArray[np.float64]  # [A] kbps
    columns: int
    cell: NDArray[np.int64]
    scale: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    same: float  # share by which a last bitrate may be off and still be the nearest one
    longest: float  # s, that a chunk is expected to take at most


@njit(cache=True, nogil=True)
def _value(flat, knob, k):
    """One knob of an observation of float32."""
    return np.float64(np.float32(flat[k.cell[knob]])) / k.scale[knob]


@njit(cache=True, nogil=True)
def _held(value, knob, k):
    return min(max(value, k.low[knob]), k.high[knob])


@njit(cache=True, nogil=True)
def _recent(rates, count):
    """Harmonic mean and least of the last ``count`` throughputs, those that are 0 left out; 0 if all are."""
    slow, there, least = 0.0, 0, np.inf
    for column in range(len(rates) - count, len(rates)):
        if rates[column] > 0.0:
            slow += 1.0 / rates[column]
            there += 1
            least = min(least, rates[column])
    if there == 0:
        return 0.0, 0.0
    return there / slow, least


@njit(cache=True, nogil=True)
def _describe(state, k, rates, features, moves):
    """Quantities ``[F]`` and moves ``[R]`` of one observation ``[6, L]``; ``rates`` [L] is room to work in."""
    flat = state.reshape(-1)
    columns, count = k.columns, len(k.bitrates)
    last = _value(flat, 0, k)
    level = 0
    for rate in range(count):
        if abs(last - k.bitrates[rate]) < abs(last - k.bitrates[level]):
            level = rate
    if abs(last - k.bitrates[level]) <= k.same * k.bitrates[level]:
        last = k.bitrates[level]
    buffer = _held(_value(flat, 1, k), 1, k)
    for column in range(columns):
        rates[column] = _held(_value(flat, 2 + column, k), 2 + column, k)
        features[2 + columns - 1 - column] = rates[column]
    five, least = _recent(rates, 5)
    newest, sizes = 2 + 2 * columns - 1, 2 + 2 * columns
    left = _value(flat, sizes + count, k)
    whole = np.rint(left)
    left = whole if abs(left - whole) < 1e-4 else left
    features[0], features[1] = _held(last, 0, k), buffer
    place = 2 + columns
    features[place], features[place + 1] = five, least
    features[place + 2] = _held(_value(flat, newest, k), newest, k)
    features[place + 3] = _held(left, sizes + count, k)
    place += 4
    features[place + count] = _recent(rates, 3)[0]
    features[place + count + 1] = _recent(rates, columns)[0]
    for rate in range(count):
        size = _held(_value(flat, sizes + rate, k), sizes + rate, k)
        features[place + rate] = size
        takes = min(8.0 * size / five, k.longest) if five > 0.0 else k.longest
        features[place + count + 2 + rate] = buffer - takes
        moves[_KINDS + rate] = rate
    below = 0
    for rate in range(count):
        if k.bitrates[rate] <= five * 1000.0:
            below = rate
    moves[0], moves[1], moves[2], moves[3] = level, min(level + 1, count - 1), max(level - 1, 0), below


@njit(cache=True, nogil=True)
def describe_states(states, k, features, moves):
    """Quantities ``[B, F]`` and moves ``[B, R]`` of observations ``[B, 6, L]``."""
    rates = np.empty(k.columns)
    for b in range(len(states)):
        _describe(states[b], k, rates, features[b], moves[b])


@njit(cache=True, nogil=True)
def _decide(nodes, features, moves, best):
    """The bitrate of a tree; ``scores`` are logarithms, of equals the lowest bitrate is taken."""
    feature, threshold, left, right, scores = nodes
    node = 0
    while feature[node] >= 0:
        node = left[node] if features[feature[node]] <= threshold[node] else right[node]
    best[:] = -np.inf
    for move in range(len(moves)):
        best[moves[move]] = max(best[moves[move]], scores[node, move])
    action = 0
    for rate in range(len(best)):
        if best[rate] > best[action]:
            action = rate
    return action


@njit(cache=True, nogil=True)
def play_tree_rows(rows, s, c, seconds, mbps, first, factors, nodes, k, size, record):
    """Play whole sessions, from after the first chunk to the end, by a tree.

    ``size`` is the number of quantities; ``factors`` and ``record`` as in ``rule_kernels.play_rows``.
    """
    noisy = factors.shape[1] > 0
    rates, features = np.empty(k.columns), np.empty(size)
    best, moves = np.empty(c.bitrates), np.empty(_KINDS + c.bitrates, dtype=np.int64)
    for b in rows:
        t = s.trace[b]
        times = seconds[first[t] : first[t + 1]]
        carried = mbps[first[t] : first[t + 1]]
        while not s.done[b]:
            n = s.chunk[b]
            _describe(s.state[b], k, rates, features, moves)
            action = _decide(nodes, features, moves, best)
            step_row(b, action, factors[b, n] if noisy else 1.0, s, c, times, carried)
            record[0, b, n] = action
            record[1, b, n] = s.delay[b]
            record[2, b, n] = s.stall[b]
            record[3, b, n] = s.sleep[b]
            record[4, b, n] = s.buffer[b] / 1000.0
