"""A cell's dynamics, compiled: added load, throughput, reward; one cell per row.

The formulas are those of :class:`dnnexplain.systems.cellular.cell.Cell`, whose numbers are ``c``. Congestion and load
are shares of the cell's capacity, throughput is in Mb/s, reward and its parts in GB.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["added_load", "observe_rows", "parts_of", "play_days", "step_rows", "throughput"]


@njit(cache=True, nogil=True, inline="always")
def added_load(c, load, rate):
    """The load that we have added after a minute at a rate."""
    if c.snapping and rate <= 0.0:
        return 0.0
    return c.keep * load + c.added * rate


@njit(cache=True, nogil=True, inline="always")
def throughput(c, congestion, efficiency):
    """What a user gets, Mb/s; falls with congestion, and is convex in it."""
    if c.inverse:
        return c.peak * efficiency * c.knee / (c.knee + congestion)
    return c.peak * efficiency * max(1.0 - congestion, c.floor)


@njit(cache=True, nogil=True, inline="always")
def parts_of(c, own, efficiency, load, rate):
    """What a minute brings: volume gained, users' loss, penalty below the limit (each at least 0), throughput."""
    alone = throughput(c, own, efficiency)
    shared = throughput(c, own + load, efficiency)
    users = rate if c.users_follow else c.user_rate
    volume = c.volume_weight * shared * rate
    loss = c.user_weight * (alone - shared) * users
    penalty = c.limit_weight * rate * max(c.limit - shared, 0.0)
    return volume, loss, penalty, shared


@njit(cache=True, nogil=True)
def step_rows(c, own, efficiency, rate, load, parts, shared):
    """One minute of every cell ``[B]``: ``load`` is carried on in place; parts ``[B, 3]`` and throughput ``[B]`` written."""
    for b in range(len(own)):
        load[b] = added_load(c, load[b], rate[b])
        volume, loss, penalty, through = parts_of(c, own[b], efficiency[b], load[b], rate[b])
        parts[b, 0] = volume
        parts[b, 1] = loss
        parts[b, 2] = penalty
        shared[b] = through


@njit(cache=True, nogil=True)
def play_days(c, own, efficiency, rates, first, load, parts, shared):
    """Whole days ``[W, T]`` of given rates, from added loads ``first [W]``.

    Writes added load and throughput ``[W, T]`` and parts ``[W, T, 3]``.
    """
    for w in range(own.shape[0]):
        now = first[w]
        for t in range(own.shape[1]):
            now = added_load(c, now, rates[w, t])
            load[w, t] = now
            volume, loss, penalty, through = parts_of(c, own[w, t], efficiency[w, t], now, rates[w, t])
            parts[w, t, 0] = volume
            parts[w, t, 1] = loss
            parts[w, t, 2] = penalty
            shared[w, t] = through


@njit(cache=True, nogil=True)
def observe_rows(t, history, start, own, sessions, efficiency, forecast, loads, seen):
    """What is seen before minute ``t`` of every day, in the order of the knobs ``seen [W, K]``.

    ``own``, ``sessions``, ``efficiency`` and ``loads`` are ``[W, history + T]``, with the minutes before the day in front;
    lags go from the newest to the oldest.
    """
    for w in range(own.shape[0]):
        seen[w, 0] = start + t / 60.0
        seen[w, 1] = loads[w, history + t - 1]
        for lag in range(history):
            at = history + t - 1 - lag
            seen[w, 2 + lag] = own[w, at] + loads[w, at]
            seen[w, 2 + history + lag] = sessions[w, at]
            seen[w, 2 + 2 * history + lag] = efficiency[w, at]
        for k in range(forecast.shape[2]):
            seen[w, 2 + 3 * history + k] = forecast[w, t, k]


@njit(cache=True, nogil=True)
def smoothed(shocks, keep, out):
    """A stationary series of standard deviation 1 with a given memory, from independent shocks ``[L]``."""
    now = shocks[0]
    fresh = np.sqrt(1.0 - keep * keep)
    for i in range(len(shocks)):
        if i > 0:
            now = keep * now + fresh * shocks[i]
        out[i] = now
