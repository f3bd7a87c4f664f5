"""Generated days: a diurnal curve with noise, bursts, a match in the stadium, and quiet days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice
from dnnexplain.systems.cellular.days import AHEAD, Day, day_of
from dnnexplain.systems.cellular.kernels import smoothed

__all__ = ["DEFAULTS", "FAMILIES", "KINDS", "generate"]

Floats = NDArray[np.float64]

MEMORY = 8.0
"""Time constant of the noise of congestion, minutes."""
SLOW = 90.0
"""Time constant of the drift of efficiency, minutes."""
DRIFT = 0.02
"""Standard deviation of that drift, as a share."""
LEAD = 2
"""Minutes by which sessions are ahead of congestion: people come, then traffic does."""
_BUMPS = ((9.5, 1.2, 0.6), (13.5, 1.0, 0.5), (18.5, 1.8, 1.0))
"""Busy times of an ordinary day: hour, width in hours, height as a share of the swing."""


def generate(
    name: str, count: int, seed: int, *, history: int, start: float, minutes: int, error: float, **parameters: Any
) -> list[Day]:
    """``count`` days of a family, each from its own seed, so that the first of many are those of few.

    Args:
        name: among :data:`KINDS`; ``"mixed"`` draws one of the others for each day.
        count, seed: how many days, and the seed that they are drawn from.
        history, start, minutes: minutes seen, hour at which a day begins, and its length.
        error: of forecasts, see :func:`~dnnexplain.systems.cellular.days.day_of`.
        **parameters: of the family: ``load``, ``swing``, ``noise`` (shares of capacity), ``bursts`` (a day),
            ``height`` and ``crowd`` (shares of capacity).
    """
    if name not in KINDS:
        raise Choice("family of days", name, tuple(KINDS)).error()
    if unknown := sorted(set(parameters) - set(DEFAULTS)):
        raise Choice("parameter of a day", unknown[0], tuple(DEFAULTS)).error()
    numbers = DEFAULTS | {key: float(value) for key, value in parameters.items()}
    hours = start + (np.arange(-history, minutes + AHEAD)) / 60
    days = []
    for child in np.random.SeedSequence(seed).spawn(count):
        rng = np.random.default_rng(child)
        kind = str(rng.choice(sorted(FAMILIES))) if name == "mixed" else name
        series = _series(kind, hours, rng, numbers)
        days.append(day_of(series, history, start, error, rng, kind))
    return days


def _series(kind: str, hours: Floats, rng: np.random.Generator, parameters: dict[str, float]) -> dict[str, Floats]:
    noise = parameters["noise"]
    demand, drop = FAMILIES[kind](hours, rng, parameters)
    wobble = np.empty(len(hours))
    smoothed(rng.standard_normal(len(hours)), np.exp(-1 / MEMORY), wobble)
    own = np.clip(demand + noise * wobble, 0.02, 0.98)
    ahead = np.concatenate([own[LEAD:], np.full(LEAD, own[-1])])
    sessions = ahead / 0.45 * rng.uniform(0.9, 1.1) * (1 + 0.05 * rng.standard_normal(len(hours)))
    drift = np.empty(len(hours))
    smoothed(rng.standard_normal(len(hours)), np.exp(-1 / SLOW), drift)
    efficiency = rng.uniform(0.85, 1.15) * np.exp(DRIFT * drift) * (1 - drop)
    return {"own": own, "sessions": sessions, "efficiency": efficiency}


def _ordinary(hours: Floats, rng: np.random.Generator, parameters: dict[str, float]) -> Floats:
    """The diurnal curve ``[L]``: its level, and three busy times that come a little earlier or later each day."""
    swing = parameters["swing"] * rng.uniform(0.7, 1.3)
    level = parameters["load"] + 0.05 * rng.standard_normal()
    bumps = [
        height * np.exp(-(((hours - hour - 0.3 * rng.standard_normal()) / width) ** 2))
        for hour, width, height in _BUMPS
    ]
    return np.asarray(level + swing * (np.sum(bumps, axis=0) - 0.5), dtype=np.float64)


def _diurnal(hours: Floats, rng: np.random.Generator, parameters: dict[str, float]) -> tuple[Floats, Floats]:
    return _ordinary(hours, rng, parameters), np.zeros(len(hours))


def _bursty(hours: Floats, rng: np.random.Generator, parameters: dict[str, float]) -> tuple[Floats, Floats]:
    """Bursts that rise within minutes and last up to three quarters of an hour."""
    demand = _ordinary(hours, rng, parameters)
    for _ in range(rng.poisson(parameters["bursts"])):
        since = (hours - rng.uniform(hours[0], hours[-1])) * 60
        rise, lasts = rng.uniform(2, 6), rng.uniform(10, 45)
        height = parameters["height"] * rng.uniform(0.5, 1.0)
        demand = demand + height * np.clip(since / rise, 0, 1) * np.clip((lasts - since) / rise, 0, 1)
    return demand, np.zeros(len(hours))


def _stadium(hours: Floats, rng: np.random.Generator, parameters: dict[str, float]) -> tuple[Floats, Floats]:
    """A match: the crowd arrives for an hour, is quiet while it plays, and busy at half-time and at the end."""
    crowd = parameters["crowd"] * rng.uniform(0.7, 1.0)
    kick_off = rng.uniform(hours[0] + 2, max(hours[-1] - 3, hours[0] + 2))
    since = (hours - kick_off) * 60
    arriving = np.clip((since + 60) / 60, 0, 1) * np.clip(-since / 5 + 1, 0, 1)
    playing = 0.4 * ((since > 0) & (since < 105))
    half_time = 0.6 * np.exp(-(((since - 52) / 7) ** 2))
    leaving = np.clip((since - 100) / 5, 0, 1) * np.clip((140 - since) / 25, 0, 1)
    shape = np.clip(arriving + playing + half_time + leaving, 0, 1)
    return 0.8 * _ordinary(hours, rng, parameters) + crowd * shape, 0.15 * shape


def _quiet(hours: Floats, rng: np.random.Generator, parameters: dict[str, float]) -> tuple[Floats, Floats]:
    """A Sunday: half the traffic, and flatter."""
    return 0.5 * _ordinary(hours, rng, parameters), np.zeros(len(hours))


FAMILIES: dict[str, Callable[[Floats, np.random.Generator, dict[str, float]], tuple[Floats, Floats]]] = {
    "diurnal": _diurnal,
    "bursty": _bursty,
    "stadium": _stadium,
    "quiet": _quiet,
}
"""Congestion and the share by which efficiency drops ``[L]``, ``[L]``, by kind of day."""

KINDS: dict[str, str] = {
    "mixed": "Every day is of one of the other kinds.",
    "diurnal": "Three busy times a day, and noise.",
    "bursty": "An ordinary day with bursts that rise within minutes and last up to three quarters of an hour.",
    "stadium": "A match: the crowd arrives for an hour, and is busiest at half-time and at the end.",
    "quiet": "A Sunday: half the traffic, and flatter.",
}
"""Names of generated workloads, the default first, with a line each."""

DEFAULTS: dict[str, float] = {
    "load": 0.45, "swing": 0.22, "noise": 0.02, "bursts": 8.0, "height": 0.35, "crowd": 0.4,
}  # fmt: skip
"""Of the families' parameters: mean load, swing, noise, height of bursts and crowd as shares of capacity; bursts a day."""
