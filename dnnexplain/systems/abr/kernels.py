"""Pensieve's player and link, compiled: one chunk of one session per row.

The rules are those of the published simulator (Mao et al., SIGCOMM 2017, github.com/hongzimao/pensieve,
``sim/env.py`` and ``test/fixed_env.py``) with its habits: the 80 ms of a request lengthen a download
but do not move the trace on; a trace starts at, and returns to, its second sample; after the last chunk
the state shows the sizes of the first. A trace repeats for ever.
"""

from __future__ import annotations

from numba import njit

__all__ = ["after_download", "carry", "pass_time", "reset_rows", "step_row", "step_rows"]

part = njit(cache=True, nogil=True, inline="always")


@njit(cache=True, nogil=True)
def reset_rows(rows, s, seconds, first):
    """Start the given sessions: nothing downloaded, an empty buffer, a state of zeros."""
    for b in rows:
        start = s.start[b]
        s.pointer[b] = start
        s.clock[b] = seconds[first[s.trace[b]] + start - 1]
        s.buffer[b] = 0.0
        s.chunk[b] = 0
        s.last[b] = -1
        s.played[b] = 0.0
        s.done[b] = False
        s.state[b, :, :] = 0.0
        s.delay[b] = 0.0
        s.stall[b] = 0.0
        s.sleep[b] = 0.0
        s.size[b] = 0.0


@njit(cache=True, nogil=True)
def carry(size, pointer, clock, seconds, mbps, payload):
    """Download ``size`` bytes over one trace; returns seconds, and the trace's pointer and clock afterwards."""
    delay = 0.0
    sent = 0.0
    end = len(seconds)
    while True:
        rate = mbps[pointer] * 1e6 / 8.0
        duration = seconds[pointer] - clock
        delivered = rate * duration * payload
        if sent + delivered > size:
            rest = (size - sent) / rate / payload
            return delay + rest, pointer, clock + rest
        sent += delivered
        delay += duration
        clock = seconds[pointer]
        pointer += 1
        if pointer >= end:
            pointer = 1
            clock = 0.0


@njit(cache=True, nogil=True)
def pass_time(ms, pointer, clock, seconds):
    """Let ``ms`` milliseconds of a trace pass; returns its pointer and clock."""
    end = len(seconds)
    while True:
        duration = seconds[pointer] - clock
        if duration > ms / 1000.0:
            return pointer, clock + ms / 1000.0
        ms -= duration * 1000.0
        clock = seconds[pointer]
        pointer += 1
        if pointer >= end:
            pointer = 1
            clock = 0.0


@part
def after_download(buffer, delay, c):
    """What a download of ``delay`` ms does to the buffer: (buffer, stall in ms, sleep in ms)."""
    stall = max(delay - buffer, 0.0)
    buffer = max(buffer - delay, 0.0) + c.chunk_ms
    sleep = 0.0
    if buffer > c.limit_ms:
        excess = (buffer - c.limit_ms) / c.sleep_ms
        steps = int(excess)
        if steps < excess:
            steps += 1
        sleep = steps * c.sleep_ms
        buffer -= sleep
    return buffer, stall, sleep


@part
def _show(b, action, s, c):
    """The state after a download: every row moves one column to the left, and takes the newest sample."""
    state = s.state[b]
    wrapped = state[4, 0]
    before = state[4, c.columns - 1]
    for row in range(4):
        for column in range(c.columns - 1):
            state[row, column] = state[row, column + 1]
    for column in range(c.columns - 1):
        state[5, column] = state[5, column + 1]
    last = c.columns - 1
    state[0, last] = c.level[action]
    state[1, last] = s.buffer[b] / 1000.0 / c.buffer_scale
    state[2, last] = s.size[b] / s.delay[b] / 1000.0
    state[3, last] = s.delay[b] / 1000.0 / c.buffer_scale
    # Rolling carries the smallest next size round to the last column, and on from there to the one before,
    # and so on to the left until the new sizes cover it.
    if c.wrap:
        for column in range(c.bitrates, last - 1):
            state[4, column] = state[4, column + 1]
        if last - 1 >= c.bitrates:
            state[4, last - 1] = before
        if last >= c.bitrates:
            state[4, last] = wrapped
    following = 0 if s.done[b] else s.chunk[b]
    for rate in range(c.bitrates):
        state[4, rate] = c.sizes[following, rate] / 1000.0 / 1000.0
    remaining = c.chunks - s.chunk[b]
    state[5, last] = min(remaining, c.remaining_cap) / c.remaining_cap


@njit(cache=True, nogil=True)
def step_row(b, action, factor, s, c, seconds, mbps):
    """Download the next chunk of one session; ``factor`` lengthens the download."""
    size = c.sizes[s.chunk[b], action]
    took, pointer, clock = carry(size, s.pointer[b], s.clock[b], seconds, mbps, c.payload)
    delay = (took * 1000.0 + c.request_ms) * factor
    buffer, stall, sleep = after_download(s.buffer[b], delay, c)
    if sleep > 0.0:
        pointer, clock = pass_time(sleep, pointer, clock, seconds)
    s.pointer[b] = pointer
    s.clock[b] = clock
    s.buffer[b] = buffer
    s.played[b] += (delay + sleep) / 1000.0
    s.delay[b] = delay
    s.stall[b] = stall / 1000.0
    s.sleep[b] = sleep
    s.size[b] = size
    s.chunk[b] += 1
    s.done[b] = s.chunk[b] >= c.chunks
    _show(b, action, s, c)
    s.last[b] = action


@njit(cache=True, nogil=True)
def step_rows(rows, actions, factors, s, c, seconds, mbps, first, quality, rebuffer_penalty, change_penalty, rewards):
    """One chunk in each of the given sessions; ``rewards`` [rows] takes the QoE. A finished session does not move.

    ``factors`` is empty where downloads have no noise.
    """
    noisy = len(factors) > 0
    for i in range(len(rows)):
        b = rows[i]
        if s.done[b]:
            rewards[i] = 0.0
            continue
        t = s.trace[b]
        previous = s.last[b]
        action = actions[i]
        factor = factors[i] if noisy else 1.0
        step_row(b, action, factor, s, c, seconds[first[t] : first[t + 1]], mbps[first[t] : first[t + 1]])
        change = 0.0 if previous < 0 else abs(quality[action] - quality[previous])
        rewards[i] = quality[action] - rebuffer_penalty * s.stall[b] - change_penalty * change
