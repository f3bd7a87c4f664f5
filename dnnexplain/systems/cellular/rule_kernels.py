"""Rules inside the simulator, compiled: for tuning them on many days."""

from __future__ import annotations

from numba import njit

from dnnexplain.systems.cellular.kernels import added_load, parts_of

__all__ = ["HEADROOM", "PROPORTIONAL", "SCHEDULE", "THRESHOLD", "reward_of_rule"]

THRESHOLD, PROPORTIONAL, HEADROOM, SCHEDULE = range(4)
"""Numbers of the rules, whose formulas are those of ``rules``."""


@njit(cache=True, nogil=True)
def reward_of_rule(c, rule, p, history, own, efficiency, forecast):
    """The mean reward of a rule with parameters ``p`` over days ``[W, H + T]``, GB a day."""
    total = 0.0
    for w in range(own.shape[0]):
        load = 0.0
        for t in range(forecast.shape[1]):
            at = history + t
            congestion = own[w, at - 1] + load
            if rule == THRESHOLD:
                rate = 1.0 if congestion < p[0] else 0.0
            elif rule == PROPORTIONAL:
                rate = p[1] * (p[0] - congestion)
            elif rule == HEADROOM:
                rate = p[1] * (efficiency[w, at - 1] * (1.0 - forecast[w, t, 1] - load) - p[0])
            else:
                rate = p[min(t // 60, len(p) - 1)]
            rate = min(max(rate, 0.0), 1.0)
            load = added_load(c, load, rate)
            volume, loss, penalty, _ = parts_of(c, own[w, at], efficiency[w, at], load, rate)
            total += volume - loss - penalty
    return total / own.shape[0]
