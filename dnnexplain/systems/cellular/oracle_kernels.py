"""The finite-horizon dynamic program of a known day, compiled.

The state is the added load ``x`` before a minute, the decision the added load ``z`` after it, so that the rate is
``a = (z - keep x) / K``. Values stand on a grid of loads and are linear between grid points, as is throughput; what
is maximised over ``z`` within a grid cell is then a quadratic function (two of them where throughput passes the
limit within the cell), whose maximum is known in closed form: rates are not rounded.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from dnnexplain.systems.cellular.kernels import added_load, parts_of, throughput

__all__ = ["action_values", "bonuses_of", "follow", "solve"]

OPEN, MISSED = False, True
"""Whether throughput is below the limit."""


@njit(cache=True, nogil=True, inline="always")
def _peak_of(c, x, low, high, base, at, slope, value, value_slope, alone, below, bonus):
    """The best ``z`` of ``[low, high]`` and what it is worth, where throughput is ``base + slope (z - at)``.

    ``value + value_slope (z - at)`` is what the rest of the day is worth; ``below`` says whether the limit is missed.
    """
    weight = c.volume_weight
    constant = bonus
    if below:
        weight += c.limit_weight
        constant -= c.limit_weight * c.limit
    users = c.user_weight * c.user_rate
    if c.users_follow:
        users = 0.0
        weight += c.user_weight
        constant -= c.user_weight * alone
    bend = weight * slope / c.added
    first = base + slope * (low - at)
    rise = (weight * first + constant) / c.added + (low - x) * bend + users * slope + value_slope
    z = low
    if bend < 0.0:
        z = min(max(low - rise / (2.0 * bend), low), high)
    best, worth = low, -np.inf
    for candidate in (low, z, high):
        through = base + slope * (candidate - at)
        this = (candidate - x) / c.added * (weight * through + constant) + users * (through - alone)
        this += value + value_slope * (candidate - at)
        if this > worth:
            best, worth = candidate, this
    return best, worth


@njit(cache=True, nogil=True)
def best_load(c, x, own, efficiency, through, value, step, bonus):
    """The best added load after a minute that begins with ``x`` left over, and what it is worth.

    ``through [M]`` is throughput at the grid's loads, ``value [M]`` what the rest of the day is then worth, and
    ``bonus`` is paid for the rate.
    """
    alone = throughput(c, own, efficiency)
    most = x + c.added
    last = len(value) - 2
    best, worth = x, -np.inf
    j = min(int(x / step), last)
    while j <= last and (j * step < most or worth == -np.inf):
        at = j * step
        low = max(x, at)
        high = min(most, at + step) if j < last else most
        slope = (through[j + 1] - through[j]) / step
        gain = (value[j + 1] - value[j]) / step
        cut = high
        if through[j] > c.limit and through[j + 1] < c.limit:
            cut = min(max(at + (c.limit - through[j]) / slope, low), high)
        if through[j] > c.limit or through[j + 1] >= c.limit:
            z, this = _peak_of(c, x, low, cut, through[j], at, slope, value[j], gain, alone, OPEN, bonus)
            if this > worth:
                best, worth = z, this
        if through[j + 1] < c.limit:
            begin = cut if through[j] > c.limit else low
            z, this = _peak_of(c, x, begin, high, through[j], at, slope, value[j], gain, alone, MISSED, bonus)
            if this > worth:
                best, worth = z, this
        j += 1
    return best, worth


@njit(cache=True, nogil=True)
def _cleared(c, own, efficiency, value):
    """What a minute at rate 0 is worth that clears all load."""
    volume, loss, penalty, _ = parts_of(c, own, efficiency, 0.0, 0.0)
    return volume - loss - penalty + value[0]


@njit(cache=True, nogil=True)
def solve(c, own, efficiency, step, points, bonuses, value):
    """Backwards through a day ``[T]``: ``value [T + 1, M]``, whose last row is given.

    ``bonuses [T]`` (GB per unit of rate) pay for what the grid may lose; with them the values are upper bounds.
    """
    through = np.empty(points)
    for t in range(len(own) - 1, -1, -1):
        for j in range(points):
            through[j] = throughput(c, own[t] + j * step, efficiency[t])
        for i in range(points):
            x = c.keep * i * step
            _, worth = best_load(c, x, own[t], efficiency[t], through, value[t + 1], step, bonuses[t])
            if c.snapping:
                worth = max(worth, _cleared(c, own[t], efficiency[t], value[t + 1]))
            value[t, i] = worth


@njit(cache=True, nogil=True)
def bonuses_of(c, own, efficiency, step, points, splits, bonuses):
    """What a unit of rate must be paid so that values on the grid are upper bounds ``[T]``; see ``oracle.Oracle``.

    ``splits`` is how often the load was rounded to the grid before the first minute.
    """
    spread = 0.0
    for _ in range(splits):
        spread = c.keep * c.keep * (1.0 + spread)
    for t in range(len(own)):
        bonuses[t] = 0.0
        for j in range(points - 1):
            left = throughput(c, own[t] + j * step, efficiency[t])
            right = throughput(c, own[t] + (j + 1) * step, efficiency[t])
            if left > c.limit and right < c.limit:
                bonuses[t] = c.limit_weight * (left - right) / 4.0 * np.sqrt(spread)
        spread = c.keep * c.keep * (1.0 + spread)


@njit(cache=True, nogil=True)
def follow(c, own, efficiency, step, value, load, rates):
    """Forwards through a day from an added load: the rates ``[T]`` that the values call best, carried out exactly."""
    points = value.shape[1]
    through = np.empty(points)
    now = load
    for t in range(len(own)):
        for j in range(points):
            through[j] = throughput(c, own[t] + j * step, efficiency[t])
        x = c.keep * now
        z, worth = best_load(c, x, own[t], efficiency[t], through, value[t + 1], step, 0.0)
        rate = min(max((z - x) / c.added, 0.0), 1.0)
        if c.snapping and _cleared(c, own[t], efficiency[t], value[t + 1]) >= worth:
            rate = 0.0
        rates[t] = rate
        now = added_load(c, now, rate)


@njit(cache=True, nogil=True)
def action_values(c, own, efficiency, load, rates, value, step, out):
    """What rates ``[n]`` are worth in one minute that begins with an added load, and the rest of the day done best."""
    for i in range(len(rates)):
        after = added_load(c, load, rates[i])
        volume, loss, penalty, _ = parts_of(c, own, efficiency, after, rates[i])
        j = min(int(after / step), len(value) - 2)
        rest = value[j] + (value[j + 1] - value[j]) * (after / step - j)
        out[i] = volume - loss - penalty + rest
