"""The parts that workload families are made of: arrivals, lengths, demands.

A part builds, from the cluster's sizes and its own parameters, either a function that draws arrival
steps or a table of probabilities. A new part is one function and one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.deeprm.simulator.model import Params

__all__ = ["ARRIVALS", "DEMANDS", "LENGTHS", "Part"]

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, float, int], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Part:
    """One part: ``build(params, **parameters)``, and the default of each parameter.

    A default that is a function is called with the cluster's :class:`Params`.
    """

    build: Callable[..., Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)


# --- when jobs arrive -----------------------------------------------------------------------------


def _one_by_one(_params: Params) -> Draw:
    """At most one job per step, with probability ``rate``, as in the original."""

    def draw(rng: np.random.Generator, rate: float, steps: int) -> NDArray[np.int64]:
        _check_number("rate", rate, 0, 1, " where jobs arrive one by one; the families bursty and diurnal allow more")
        return 1 + np.flatnonzero(rng.random(steps - 1) < rate)

    return draw


def _bursts(_params: Params, *, burst_factor: float, burst_steps: float) -> Draw:
    """Poisson arrivals at ``burst_factor`` times the rate in bursts of mean ``burst_steps``; else silence."""
    _check_number("burst_factor", burst_factor, 1, 1000)
    _check_number("burst_steps", burst_steps, 1, 1e6)

    def draw(rng: np.random.Generator, rate: float, steps: int) -> NDArray[np.int64]:
        _check_number("rate", rate, 0, 1000)
        active = _switching(rng, steps - 1, 1 / burst_factor, burst_steps)
        return 1 + np.repeat(np.arange(steps - 1), rng.poisson(rate * burst_factor * active))

    return draw


def _switching(rng: np.random.Generator, steps: int, share: float, mean_steps: float) -> Floats:
    """A stationary two-state Markov chain: 1 during a ``share`` of the steps, in runs of ``mean_steps``."""
    if share >= 1:
        return np.ones(steps)
    leave = 1 / mean_steps
    enter = min(1.0, leave * share / (1 - share))
    leave = enter * (1 - share) / share
    uniform = rng.random(steps + 1)
    active = np.empty(steps)
    now = uniform[0] < share
    for step in range(steps):
        active[step] = now
        now = uniform[step + 1] >= leave if now else uniform[step + 1] < enter
    return active


def _day_and_night(_params: Params, *, swing: float, period: float) -> Draw:
    """Poisson arrivals whose rate swings by a share ``swing`` around its mean, from a random phase."""
    _check_number("swing", swing, 0, 1)
    _check_number("period", period, 2, 1e9)

    def draw(rng: np.random.Generator, rate: float, steps: int) -> NDArray[np.int64]:
        _check_number("rate", rate, 0, 1000)
        phase = 2 * np.pi * (rng.random() + np.arange(1, steps) / period)
        return 1 + np.repeat(np.arange(steps - 1), rng.poisson(rate * (1 + swing * np.sin(phase))))

    return draw


ARRIVALS = {
    "one-by-one": Part(_one_by_one),
    "bursts": Part(_bursts, {"burst_factor": 3.0, "burst_steps": 5.0}),
    "day-and-night": Part(_day_and_night, {"swing": 0.8, "period": 24.0}),
}


# --- how long they are: probability of each length [max_job_length + 1] ---------------------------


def _two_class(
    params: Params, *, long_share: float, short_lengths: tuple[int, int], long_lengths: tuple[int, int]
) -> Floats:
    """Short with probability ``1 - long_share``, else long; each uniform over its range."""
    _check_number("long_share", long_share, 0, 1)
    short = _spread("short_lengths", short_lengths, params.max_job_length)
    return (1 - long_share) * short + long_share * _spread("long_lengths", long_lengths, params.max_job_length)


def _uniform_lengths(params: Params, *, lengths: tuple[int, int]) -> Floats:
    """Every length in the range equally likely."""
    return _spread("lengths", lengths, params.max_job_length)


def _power_law(params: Params, *, tail: float, lengths: tuple[int, int]) -> Floats:
    """Probability proportional to ``length ** -tail`` within the range."""
    _check_number("tail", tail, 0, 20)
    inside = _spread("lengths", lengths, params.max_job_length)
    weights = inside * np.maximum(np.arange(len(inside)), 1.0) ** -tail
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _short(params: Params) -> tuple[int, int]:
    return 1, max(1, params.max_job_length // 5)


def _long(params: Params) -> tuple[int, int]:
    return max(1, params.max_job_length * 2 // 3), params.max_job_length


def _any_length(params: Params) -> tuple[int, int]:
    return 1, params.max_job_length


LENGTHS = {
    "two-class": Part(_two_class, {"long_share": 0.2, "short_lengths": _short, "long_lengths": _long}),
    "uniform": Part(_uniform_lengths, {"lengths": _any_length}),
    "power-law": Part(_power_law, {"tail": 1.2, "lengths": _any_length}),
}


# --- what they ask for: probability of (cpu, memory) [max_job_units + 1, max_job_units + 1] -------


def _dominant(
    params: Params, *, cpu_dominant: float, dominant_units: tuple[int, int], other_units: tuple[int, int]
) -> Floats:
    """One resource asks for much, the other for little; CPU is the big one with ``cpu_dominant``."""
    _check_number("cpu_dominant", cpu_dominant, 0, 1)
    big = _spread("dominant_units", dominant_units, params.max_job_units)
    small = _spread("other_units", other_units, params.max_job_units)
    return cpu_dominant * np.outer(big, small) + (1 - cpu_dominant) * np.outer(small, big)


def _uniform_demands(params: Params, *, units: tuple[int, int]) -> Floats:
    """Both demands uniform over the range, independent of one another."""
    spread = _spread("units", units, params.max_job_units)
    return np.outer(spread, spread)


DEMANDS = {
    "dominant": Part(
        _dominant,
        {
            "cpu_dominant": 0.5,
            "dominant_units": lambda params: (max(1, params.max_job_units // 2), params.max_job_units),
            "other_units": lambda params: (1, max(1, params.max_job_units // 5)),
        },
    ),
    "uniform": Part(_uniform_demands, {"units": lambda params: (1, params.max_job_units)}),
}


def _spread(name: str, bounds: tuple[int, int], limit: int) -> Floats:
    """The uniform distribution over ``bounds`` (inclusive) as a table of ``limit + 1`` probabilities."""
    try:
        low, high = bounds
        whole = all(not isinstance(bound, bool) and int(bound) == bound for bound in (low, high))
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole or not 1 <= low <= high <= limit:
        msg = f"{name} must be two whole numbers (lowest, highest) within 1 to {limit}, not {bounds!r}"
        raise DnnExplainError(msg)
    table = np.zeros(limit + 1)
    table[int(low) : int(high) + 1] = 1 / (int(high) - int(low) + 1)
    return table


def _check_number(name: str, value: Any, low: float, high: float, note: str = "") -> None:
    good = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not good or not low <= value <= high:
        msg = f"{name} must be a number from {low:g} to {high:g}{note}, not {value!r}"
        raise DnnExplainError(msg)
