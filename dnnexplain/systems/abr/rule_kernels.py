"""Hand-written bitrate rules, compiled; each reads what a policy sees, and two of them a memory."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from dnnexplain.systems.abr.kernels import step_row

__all__ = [
    "MEMORY", "RULES", "decide_row", "decide_rows", "decide_states", "harmonic_mean", "memory_from_state", "plan_ahead",
    "play_rows",
]  # fmt: skip

RULES = ("fixed", "bb", "rb", "bola", "mpc", "robust-mpc", "tuned")
_FIXED, _BB, _RB, _BOLA, _MPC, _ROBUST, _TUNED = range(len(RULES))

MEMORY = 6
"""What robust-mpc remembers: its last estimate (MB/s, 0: none) and its last five relative errors."""

_LOOKBACK = 5
_AHEAD = 5


@njit(cache=True, nogil=True)
def harmonic_mean(state, end, count):
    """Harmonic mean of the ``count`` throughputs (MB/s) up to column ``end``, leading zeros left out; 0 if none."""
    total = 0.0
    used = 0
    for column in range(max(0, end - count + 1), end + 1):
        if state[2, column] > 0.0:
            total += 1.0 / state[2, column]
            used += 1
        elif used > 0:
            return 0.0
    if used == 0:
        return 0.0
    return 1.0 / (total / used)


@njit(cache=True, nogil=True)
def memory_from_state(state, memory):
    """The memory as far as one state shows it: errors of the estimates that its own throughputs allow."""
    last = state.shape[1] - 1
    memory[:] = 0.0
    # The entry of the present is left to the decision itself; the older ones stand before it, oldest first.
    for age in range(1, _LOOKBACK):
        column = last - age
        if column < 1 or state[2, column - 1] <= 0.0 or state[2, column] <= 0.0:
            break
        estimate = harmonic_mean(state, column - 1, _LOOKBACK)
        memory[MEMORY - age] = abs(estimate - state[2, column]) / state[2, column]
    if last >= 1 and state[2, last - 1] > 0.0:
        memory[0] = harmonic_mean(state, last - 1, _LOOKBACK)


@njit(cache=True, nogil=True)
def plan_ahead(bandwidth, buffer, last, index, length, chunk_seconds, sizes, quality, rebuffer, change):
    """First bitrate of the best plan for the next ``length`` chunks if ``bandwidth`` (MB/s) stays (MPC).

    Every plan is tried in order; of plans that are equally good the last counts, as in the published code,
    whose sizes begin one chunk too late: ``sizes[index + 1]`` is taken for the next chunk, whose row is
    ``index``. ``quality`` is in thousandths, so that sums over whole numbers of kbit/s are exact.
    """
    rates = sizes.shape[1]
    rows = sizes.shape[0]
    level = np.zeros(length, dtype=np.int64)
    buffers = np.empty(length + 1)
    stalls = np.zeros(length + 1)
    gains = np.zeros(length + 1)
    losses = np.zeros(length + 1)
    buffers[0] = buffer
    best = -1e18
    chosen = 0
    depth = 0
    level[0] = -1
    while depth >= 0:
        level[depth] += 1
        if level[depth] >= rates:
            depth -= 1
            continue
        action = level[depth]
        previous = last if depth == 0 else level[depth - 1]
        took = sizes[min(index + depth + 1, rows - 1), action] / 1e6 / bandwidth
        left = buffers[depth]
        stall = stalls[depth]
        if left < took:
            stall += took - left
            left = 0.0
        else:
            left -= took
        buffers[depth + 1] = left + chunk_seconds
        stalls[depth + 1] = stall
        gains[depth + 1] = gains[depth] + quality[action]
        losses[depth + 1] = losses[depth] + abs(quality[action] - quality[previous])
        if depth + 1 < length:
            depth += 1
            level[depth] = -1
            continue
        worth = gains[length] / 1000.0 - rebuffer * stall - change * losses[length] / 1000.0
        if worth >= best:
            best = worth
            chosen = level[0]
    return chosen


@njit(cache=True, nogil=True)
def _bb(buffer, rates, reservoir, cushion):
    if buffer < reservoir:
        return 0
    if buffer >= reservoir + cushion:
        return rates - 1
    return int((rates - 1) * (buffer - reservoir) / cushion)


@njit(cache=True, nogil=True)
def _rb(bandwidth, bitrates):
    """The largest bitrate (kbit/s) that the estimate carries; the lowest if none."""
    action = 0
    for rate in range(len(bitrates)):
        if bitrates[rate] <= bandwidth * 8000.0:
            action = rate
    return action


@njit(cache=True, nogil=True)
def _bola(buffer, bitrates, gain, target, chunk_seconds):
    """BOLA-BASIC (Spiteri et al., INFOCOM 2016) with utilities ln(R / lowest R), for a buffer of ``target`` s."""
    rates = len(bitrates)
    scale = (target - chunk_seconds) / (math.log(bitrates[rates - 1] / bitrates[0]) + gain)
    best = -1e300
    action = 0
    for rate in range(rates):
        score = (scale * (math.log(bitrates[rate] / bitrates[0]) + gain) - buffer) / bitrates[rate]
        if score > best:
            best = score
            action = rate
    return action


@njit(cache=True, nogil=True)
def _tuned(bandwidth, buffer, state, rates, share, reserve):
    """The largest bitrate whose chunk arrives, at ``share`` of the estimate, with ``reserve`` s of buffer left."""
    action = 0
    for rate in range(rates):
        if bandwidth > 0.0 and state[4, rate] / (share * bandwidth) <= buffer - reserve:
            action = rate
    return action


@njit(cache=True, nogil=True)
def decide_row(rule, state, memory, c, bitrates, quality, rebuffer, change, settings):
    """What a rule does in one state ``[6, L]``; ``memory`` [6] is read and brought up to date by robust-mpc."""
    last = state.shape[1] - 1
    buffer = state[1, last] * c.buffer_scale
    if rule == _FIXED:
        return min(int(settings[0]), c.bitrates - 1)
    if rule == _BB:
        return _bb(buffer, c.bitrates, settings[0], settings[1])
    if rule == _BOLA:
        return _bola(buffer, bitrates, settings[0], settings[1], c.chunk_ms / 1000.0)
    bandwidth = harmonic_mean(state, last, _LOOKBACK)
    if bandwidth <= 0.0:
        return 0
    if rule == _RB:
        return _rb(bandwidth, bitrates)
    if rule == _TUNED:
        return _tuned(bandwidth, buffer, state, c.bitrates, settings[0], settings[1])
    worst = 0.0
    if rule == _ROBUST:
        newest = state[2, last]
        error = abs(memory[0] - newest) / newest if memory[0] > 0.0 else 0.0
        for place in range(1, MEMORY - 1):
            memory[place] = memory[place + 1]
            worst = max(worst, memory[place])
        memory[MEMORY - 1] = error
        worst = max(worst, error)
        memory[0] = bandwidth
    remaining = round(state[5, last] * c.remaining_cap)
    length = min(_AHEAD, remaining)
    if length < 1:
        return 0
    current = 0
    for rate in range(c.bitrates):
        if abs(c.level[rate] - state[0, last]) < abs(c.level[current] - state[0, last]):
            current = rate
    return plan_ahead(
        bandwidth / (1.0 + worst), buffer, current, c.chunks - remaining, length, c.chunk_ms / 1000.0,
        c.sizes[: c.sizes.shape[0] - 1], quality, rebuffer, change,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def decide_rows(rule, rows, states, memory, c, bitrates, quality, rebuffer, change, settings, actions):
    """What a rule does in the given sessions; ``states`` [B, 6, L] and ``memory`` [B, 6] are indexed by ``rows``."""
    for i in range(len(rows)):
        b = rows[i]
        actions[i] = decide_row(rule, states[b], memory[b], c, bitrates, quality, rebuffer, change, settings)


@njit(cache=True, nogil=True)
def decide_states(rule, states, c, bitrates, quality, rebuffer, change, settings, actions):
    """What a rule does in single states ``[B, 6, L]``, with the memory that each of them shows."""
    memory = np.zeros(MEMORY)
    for i in range(len(states)):
        memory_from_state(states[i], memory)
        actions[i] = decide_row(rule, states[i], memory, c, bitrates, quality, rebuffer, change, settings)


@njit(cache=True, nogil=True)
def play_rows(
    rule, rows, carries, s, c, seconds, mbps, first, factors, bitrates, quality, rebuffer, change, settings, record
):
    """Play whole sessions, from after the first chunk to the end, by a rule.

    With ``carries``, its memory runs on from each session to the next in the order of ``rows``. ``factors``
    [B, N] lengthen downloads (empty: none); ``record`` [5, B, N] takes action, delay (ms), stall (s), sleep (ms)
    and buffer (s) of every chunk but the first.
    """
    memory = np.zeros(MEMORY)
    noisy = factors.shape[1] > 0
    for b in rows:
        if not carries:
            memory[:] = 0.0
        t = s.trace[b]
        times = seconds[first[t] : first[t + 1]]
        rates = mbps[first[t] : first[t + 1]]
        while not s.done[b]:
            n = s.chunk[b]
            action = decide_row(rule, s.state[b], memory, c, bitrates, quality, rebuffer, change, settings)
            step_row(b, action, factors[b, n] if noisy else 1.0, s, c, times, rates)
            record[0, b, n] = action
            record[1, b, n] = s.delay[b]
            record[2, b, n] = s.stall[b]
            record[3, b, n] = s.sleep[b]
            record[4, b, n] = s.buffer[b] / 1000.0
        if carries:  # the published code looks at the last download, too, before the next session begins
            decide_row(rule, s.state[b], memory, c, bitrates, quality, rebuffer, change, settings)
