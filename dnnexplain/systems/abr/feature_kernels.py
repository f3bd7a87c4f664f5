"""Domain quantities of a state, compiled, and whole sessions played by a tree over them; see ``features``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dnnexplain.systems.abr.keeping_kernels import GAINS, KEPT, best_kept, kept_worth
from dnnexplain.systems.abr.kernels import after_download, carry, pass_time

__all__ = ["AHEAD", "Scales", "describe_states", "play_tree_rows"]

AHEAD = 5
"""Chunks for which a bitrate is carried, where that is asked."""
_KINDS = 4
"""Moves that stand before the bitrates: keep, one up, one down, below the throughput."""
_CARRIED = 3
"""What link and buffer carry: for some chunks by the mean throughput, by the least, and to the end by the mean."""


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
    chunk: float  # s, that a chunk plays
    quality: NDArray[np.float64]  # [A], of each bitrate
    rebuffer: float  # QoE that a second of stalling takes
    change: float  # QoE that a change of quality by 1 takes


class Seen(NamedTuple):
    """One state, read: what all quantities and moves are worked out of, beside past throughputs and the next sizes."""

    level: int
    last: float  # kbps
    buffer: float  # s
    five: float  # Mb/s, harmonic mean of the last five throughputs
    least: float  # Mb/s, of these
    took: float  # s, the last download
    remaining: float  # chunks


@njit(cache=True, nogil=True)
def _knob(cell, knob, k):
    """A knob's value by the cell of an observation of float32 that shows it."""
    return np.float64(np.float32(cell)) / k.scale[knob]


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
def _level(last, bitrates):
    """The place of the nearest bitrate."""
    level = 0
    for rate in range(len(bitrates)):
        if abs(last - bitrates[rate]) < abs(last - bitrates[level]):
            level = rate
    return level


@njit(cache=True, nogil=True)
def _see(last, buffer, took, left, rates, k):
    """Four cells of an observation and past throughputs, oldest first, read."""
    columns, bitrates = k.columns, k.bitrates
    last = _knob(last, 0, k)
    level = _level(last, bitrates)
    if abs(last - bitrates[level]) <= k.same * bitrates[level]:
        last = bitrates[level]
    five, least = _recent(rates, 5)
    newest, end = 2 + 2 * columns - 1, 2 + 2 * columns + len(bitrates)
    left = _knob(left, end, k)
    whole = np.rint(left)
    left = whole if abs(left - whole) < 1e-4 else left
    return Seen(
        level, _held(last, 0, k), _held(_knob(buffer, 1, k), 1, k), five, least,
        _held(_knob(took, newest, k), newest, k), _held(left, end, k),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _after(size, speed, seen, k):
    """Seconds left of the buffer when the next chunk has come at a speed; below 0 it stalled."""
    return seen.buffer - (min(8.0 * size / speed, k.longest) if speed > 0.0 else k.longest)


@njit(cache=True, nogil=True)
def _carried(kind, seen, k):
    """Mb/s that can be played for some chunks until the buffer is used up."""
    speed = seen.least if kind == 1 else seen.five
    chunks = max(seen.remaining, 1.0) if kind == 2 else AHEAD
    return speed * (1.0 + seen.buffer / (k.chunk * chunks))


@njit(cache=True, nogil=True)
def _gained(place, seen, sizes, k):
    """QoE that one bitrate higher brings over the last one by a plan, or one lower; 0 at the ladder's end."""
    plan, other = GAINS[place // 2], seen.level + (1 if place % 2 == 0 else -1)
    other = min(max(other, 0), len(sizes) - 1)
    return kept_worth(plan, other, seen, sizes, k) - kept_worth(plan, seen.level, seen, sizes, k)


@njit(cache=True, nogil=True)
def _quantity(place, seen, rates, sizes, k):
    """One quantity of a state, by its place among the names; ``rates`` [L] in Mb/s, oldest first, ``sizes`` [A] in MB."""
    columns, count = len(rates), len(sizes)
    if place < 2:
        return seen.last if place == 0 else seen.buffer
    place -= 2
    if place < columns:
        return rates[columns - 1 - place]
    place -= columns
    if place < 2:
        return seen.five if place == 0 else seen.least
    if place < 4:
        return seen.took if place == 2 else seen.remaining
    place -= 4
    if place < count:
        return sizes[place]
    place -= count
    if place < 2:
        return _recent(rates, 3 if place == 0 else columns)[0]
    place -= 2
    if place < count:
        return _after(sizes[place], seen.five, seen, k)
    place -= count
    if place < 4:
        level = seen.level if place % 2 == 0 else min(seen.level + 1, count - 1)
        return _after(sizes[level], seen.five if place < 2 else seen.least, seen, k)
    place -= 4
    if place < _CARRIED:
        return _carried(place, seen, k)
    return _gained(place - _CARRIED, seen, sizes, k)


@njit(cache=True, nogil=True)
def _below(mbps, bitrates):
    """The highest bitrate that is not above a speed; the lowest if all are."""
    below = 0
    for rate in range(len(bitrates)):
        if bitrates[rate] <= mbps * 1000.0:
            below = rate
    return below


@njit(cache=True, nogil=True)
def _move(place, seen, sizes, k):
    """The bitrate that one move is, by its place among the moves."""
    bitrates, count = k.bitrates, len(k.bitrates)
    if place == 0:
        return seen.level
    if place == 1:
        return min(seen.level + 1, count - 1)
    if place == 2:
        return max(seen.level - 1, 0)
    if place == 3:
        return _below(seen.five, bitrates)
    place -= _KINDS
    if place < count:
        return place
    place -= count
    if place >= 2 * _CARRIED:
        place -= 2 * _CARRIED
        aim = best_kept(place % len(KEPT), seen, sizes, k)
        return aim if place < len(KEPT) else min(max(aim, seen.level - 1), seen.level + 1)
    aim = _below(_carried(place % _CARRIED, seen, k), bitrates)
    if place < _CARRIED:
        return aim
    return min(max(aim, seen.level - 1), seen.level + 1)


@njit(cache=True, nogil=True)
def describe_states(states, k, features, moves):
    """Quantities ``[B, F]`` and moves ``[B, R]`` of observations ``[B, 6, L]``."""
    columns = k.columns
    rates, sizes = np.empty(columns), np.empty(len(k.bitrates))
    end = 2 + 2 * columns
    for b in range(len(states)):
        flat = states[b].reshape(-1)
        for column in range(columns):
            rates[column] = _held(_knob(flat[k.cell[2 + column]], 2 + column, k), 2 + column, k)
        for rate in range(len(sizes)):
            sizes[rate] = _held(_knob(flat[k.cell[end + rate]], end + rate, k), end + rate, k)
        took, left = flat[k.cell[end - 1]], flat[k.cell[end + len(sizes)]]
        seen = _see(flat[k.cell[0]], flat[k.cell[1]], took, left, rates, k)
        for place in range(features.shape[1]):
            features[b, place] = _quantity(place, seen, rates, sizes, k)
        for place in range(moves.shape[1]):
            moves[b, place] = _move(place, seen, sizes, k)


@njit(cache=True, nogil=True)
def _decide(feature, threshold, left, right, scores, first, seen, rates, sizes, k, best):
    """The bitrate of a tree; ``scores`` are logarithms, of equals the lowest bitrate is taken."""
    node = 0
    while feature[node] >= 0:
        low = _quantity(feature[node], seen, rates, sizes, k) <= threshold[node]
        node = left[node] if low else right[node]
    if first[node] >= 0:
        return _move(first[node], seen, sizes, k)
    best[:] = -np.inf
    for move in range(scores.shape[1]):
        rate = _move(move, seen, sizes, k)
        best[rate] = max(best[rate], scores[node, move])
    action = 0
    for rate in range(len(best)):
        if best[rate] > best[action]:
            action = rate
    return action


@njit(cache=True, nogil=True)
def _shown_sizes(c, k):
    """MB of each chunk at each bitrate, as an observation shows them ``[N, A]``."""
    shown = np.empty((c.chunks, c.bitrates))
    for n in range(c.chunks):
        for rate in range(c.bitrates):
            knob = 2 + 2 * k.columns + rate
            shown[n, rate] = _held(_knob(c.sizes[n, rate] / 1000.0 / 1000.0, knob, k), knob, k)
    return shown


@njit(cache=True, nogil=True)
def play_tree_rows(rows, s, c, seconds, mbps, first, factors, nodes, k, record):
    """Play whole sessions, from after the first chunk to the end, by a tree.

    What a step of ``kernels.step_row`` does, with only what a tree looks at shown to it; ``s`` stays as it was.
    ``nodes`` ends with the move whose score is highest in each node, -1 where several are; ``factors`` and ``record``
    as in ``rule_kernels.play_rows``.
    """
    feature, threshold, left, right, scores, sole = nodes
    noisy, newest = factors.shape[1] > 0, 2 + k.columns - 1
    rates, best, shown = np.empty(k.columns), np.empty(c.bitrates), _shown_sizes(c, k)
    for b in rows:
        t = s.trace[b]
        times = seconds[first[t] : first[t + 1]]
        carried = mbps[first[t] : first[t + 1]]
        pointer, clock, buffer = s.pointer[b], s.clock[b], s.buffer[b]
        action, delay, size = s.last[b], s.delay[b], s.size[b]
        rates[:] = 0.0
        for n in range(s.chunk[b], c.chunks):
            for column in range(k.columns - 1):
                rates[column] = rates[column + 1]
            rates[-1] = _held(_knob(size / delay / 1000.0, newest, k), newest, k)
            seen = _see(
                c.level[action], buffer / 1000.0 / c.buffer_scale, delay / 1000.0 / c.buffer_scale,
                min(c.chunks - n, c.remaining_cap) / c.remaining_cap, rates, k,
            )  # fmt: skip
            action = _decide(feature, threshold, left, right, scores, sole, seen, rates, shown[n], k, best)
            size = c.sizes[n, action]
            took, pointer, clock = carry(size, pointer, clock, times, carried, c.payload)
            delay = (took * 1000.0 + c.request_ms) * (factors[b, n] if noisy else 1.0)
            buffer, stall, sleep = after_download(buffer, delay, c)
            if sleep > 0.0:
                pointer, clock = pass_time(sleep, pointer, clock, times)
            record[0, b, n] = action
            record[1, b, n] = delay
            record[2, b, n] = stall / 1000.0
            record[3, b, n] = sleep
            record[4, b, n] = buffer / 1000.0
