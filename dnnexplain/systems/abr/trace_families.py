"""Generated links: families of throughput traces, each trace from its own random stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.systems.abr.traces import Trace

__all__ = ["FAMILIES", "Family", "generate"]

Floats = NDArray[np.float64]
Sampled = tuple[Floats, Floats]
_FLOOR = 0.01
"""No generated link is ever slower, Mbit/s, outside of an outage."""


@dataclass(frozen=True)
class Family:
    """How one family of links is drawn.

    Attributes:
        about: what it is, in one line.
        mean: the median over traces of their mean throughput, Mbit/s.
        draw: from a generator, a duration in s and the trace's own mean to sample times and throughputs.
    """

    about: str
    mean: float
    draw: Callable[[np.random.Generator, float, float], Sampled]


def _autoregressive(rng: np.random.Generator, count: int, keep: float) -> Floats:
    """A stationary first-order process of unit variance, ``keep`` from one sample to the next ``[count]``."""
    shocks = rng.standard_normal(count)
    shocks[1:] *= np.sqrt(1 - keep**2)
    from scipy.signal import lfilter  # noqa: PLC0415 - a second to import

    path: Floats = lfilter([1.0], [1.0, -keep], shocks)
    return path


def _held(rng: np.random.Generator, count: int, hold: float) -> Floats:
    """A Markov chain that stays in a state, drawn from N(0, 1), for ``hold`` samples on average ``[count]``."""
    moves = rng.random(count) < 1.0 / hold
    levels = rng.standard_normal(count)
    return levels[np.maximum.accumulate(np.where(moves, np.arange(count), 0))]


def _dips(rng: np.random.Generator, count: int, every: float, length: float, depth: tuple[float, float]) -> Floats:
    """Factors that are 1 but for dips: one in ``every`` samples on average, about ``length`` long ``[count]``."""
    factor = np.ones(count)
    for begin in np.flatnonzero(rng.random(count) < 1.0 / every):
        end = begin + 1 + rng.geometric(1.0 / length)
        factor[begin:end] = rng.uniform(*depth)
    return factor


def _scaled(shape: Floats, mean: float) -> Floats:
    """Positive factors brought to a mean, with the floor kept."""
    return np.asarray(np.maximum(shape * (mean / shape.mean()), _FLOOR))


def _every_second(seconds: float) -> Floats:
    return np.arange(0.0, np.floor(seconds) + 1.0)


def _markov(rng: np.random.Generator, seconds: float, mean: float) -> Sampled:
    times = _every_second(seconds)
    spread = rng.uniform(0.25, 0.75)
    slow = 0.8 * _held(rng, len(times), rng.uniform(8.0, 30.0)) + 0.6 * _autoregressive(rng, len(times), 0.7)
    dips = _dips(rng, len(times), rng.uniform(60.0, 400.0), 4.0, (0.1, 0.5))
    return times, _scaled(np.exp(spread * slow) * dips, mean)


def _stable(rng: np.random.Generator, seconds: float, mean: float) -> Sampled:
    times = _every_second(seconds)
    return times, _scaled(np.exp(rng.uniform(0.01, 0.12) * _autoregressive(rng, len(times), 0.8)), mean)


def _bursty(rng: np.random.Generator, seconds: float, mean: float) -> Sampled:
    times = _every_second(seconds)
    fast = _held(rng, len(times), rng.uniform(2.0, 8.0)) > rng.uniform(-0.3, 0.8)
    shape = np.where(fast, 1.0, rng.uniform(0.05, 0.3)) * np.exp(0.3 * rng.standard_normal(len(times)))
    return times, _scaled(shape, mean)


def _outage(rng: np.random.Generator, seconds: float, mean: float) -> Sampled:
    times, rates = _markov(rng, seconds, mean)
    out = np.ones(len(times))
    for begin in np.flatnonzero(rng.random(len(times)) < 1.0 / rng.uniform(60.0, 150.0)):
        out[begin : begin + int(rng.integers(4, 30))] = 0.0
    out[: min(3, len(out))] = 1.0  # a link that is never up is no link
    return times, rates * out


def _fifth_generation(rng: np.random.Generator, seconds: float, mean: float) -> Sampled:
    times = _every_second(seconds)
    seen = _held(rng, len(times), rng.uniform(5.0, 25.0)) > rng.uniform(-1.2, 0.3)
    level = np.where(seen, 1.0, rng.uniform(0.01, 0.08))
    return times, _scaled(level * np.exp(0.35 * _autoregressive(rng, len(times), 0.6)), mean)


def _heavy_tailed(rng: np.random.Generator, seconds: float, mean: float) -> Sampled:
    gaps = 0.1 + rng.gamma(1.5, 0.4, int(seconds * 3) + 8)
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    times = times[: max(2, int(np.searchsorted(times, seconds)) + 1)]
    count = len(times)
    wave = 0.5 * _held(rng, count, 40.0) + 0.9 * _autoregressive(rng, count, 0.3)
    collapse = 1.0 / (1.0 + rng.pareto(rng.uniform(1.2, 2.5), count))  # heavy tail towards zero
    return times, _scaled(np.exp(rng.uniform(0.4, 1.0) * wave) * collapse, mean)


FAMILIES: dict[str, Family] = {
    "markov-3g": Family("Markov chain of levels with short swings and dips, like a 3G link on the move", 1.3, _markov),
    "stable": Family("one rate with little noise, like a fixed line", 2.0, _stable),
    "bursty": Family("jumps between fast and slow every few seconds", 1.5, _bursty),
    "outage": Family("markov-3g with outages of 4 to 30 s without any throughput", 1.5, _outage),
    "5g": Family("tens of Mbit/s in sight of a mast, a few percent of it out of sight", 60.0, _fifth_generation),
    "puffer-like": Family("irregular samples whose low throughputs have a heavy tail, like viewers' own links", 1.9,
                          _heavy_tailed),
}  # fmt: skip


def generate(
    name: str, count: int, seed: int, *, mean: float | None = None, spread: float = 0.5, seconds: float = 320.0
) -> list[Trace]:
    """``count`` traces of a family; trace i is the same whatever ``count`` is.

    Args:
        name: one of :data:`FAMILIES`.
        count: how many.
        seed: of all of them; each trace has a stream of its own.
        mean: median over traces of their mean throughput, Mbit/s; default: the family's.
        spread: standard deviation, over traces, of the logarithm of their mean.
        seconds: how long a trace lasts before it starts again.

    Raises:
        DnnExplainError: no such family, or a number out of range.
    """
    if name not in FAMILIES:
        raise Choice("family of traces", name, tuple(FAMILIES)).error()
    family = FAMILIES[name]
    middle = family.mean if mean is None else mean
    for what, value, low, high in (
        ("mean", middle, 0.05, 1000.0), ("spread", spread, 0.0, 2.0), ("seconds", seconds, 10.0, 100_000.0),
    ):  # fmt: skip
        if not low <= value <= high:
            msg = f"{what} must be between {low:g} and {high:g}, not {value!r}"
            raise DnnExplainError(msg)
    if count < 1:
        msg = f"at least one trace must be asked for, not {count}"
        raise DnnExplainError(msg)
    return [_trace(name, family, i, seed, middle, spread, seconds) for i in range(count)]


def _trace(name: str, family: Family, number: int, seed: int, mean: float, spread: float, seconds: float) -> Trace:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    own = mean * float(np.exp(spread * rng.standard_normal()))
    times, rates = family.draw(rng, seconds, max(own, 0.05))
    return Trace(f"{name}-{number}", times, rates)
